"""A table says what it said, in any form that spreadsheets write; what is torn is refused with its line (see F26)."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SubmissionError
from grader.intake.lms.tables import cells_by_name, read_table

CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\x85\x1c\x1d\x1e\u2028\u2029"), max_size=8
)


@given(
    header=st.lists(st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True), min_size=2, max_size=5),
    data=st.data(),
    form=st.tuples(
        st.sampled_from([",", ";", "\t"]),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ),
)
def test_what_was_written_is_read(header, data, form):
    """The oracle is Python's own writer."""
    delimiter, encoding, line_end, quoting = form
    rows = data.draw(st.lists(st.lists(CELL, min_size=len(header), max_size=len(header)), max_size=5))
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows([header, *rows])
    table = read_table(text.getvalue().encode(encoding), "t.csv")
    assert table.header == tuple(header)
    assert [list(row.cells) for row in table.rows] == [row for row in rows if any(cell.strip() for cell in row)]
    assert table.delimiter == delimiter


def test_lines_are_counted_through_cells_of_several_lines():
    table = read_table(b'id,text\ns1,"one\ntwo\nthree"\n\ns2,x\n', "t.csv")
    assert [(row.line, row.cells[0]) for row in table.rows] == [(2, "s1"), (6, "s2")]


def test_excels_line_that_names_the_delimiter_is_no_row():
    table = read_table(b"sep=;\nid;name\ns1;Ada, B\n", "t.csv")
    assert (table.header, table.rows[0].line, table.delimiter) == (("id", "name"), 3, ";")


def test_empty_cells_behind_the_last_column_do_no_harm():
    assert read_table(b"id,name\ns1,Ada,,\n", "t.csv").rows[0].cells == ("s1", "Ada")


def test_a_last_line_without_an_end_is_told_and_read():
    table = read_table(b"id,name\ns1,Ada", "t.csv")
    assert table.rows[0].cells == ("s1", "Ada")
    assert "cut off" in table.remarks[0]


def test_a_column_is_found_whatever_its_case_and_blanks():
    table = read_table(b"ID , Full  Name\ns1, Ada \n", "t.csv")
    assert table.column("id") == 0
    assert cells_by_name(table, table.rows[0], ("full name", "email")) == {"full name": "Ada"}


def test_a_cell_as_long_as_an_essay_is_read():
    essay = "word " * 200_000
    assert read_table(f'id,text\ns1,"{essay}"\n'.encode(), "t.csv").rows[0].cells[1] == essay


def outcome(data):
    """Where it is refused; empty where it is read."""
    try:
        read_table(data, "t.csv")
    except SubmissionError as error:
        return error.problems[0].where
    return ""


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"\x81\x8d", b'"', b'"a', b",", b"\n\n", b";;;\n;;;\n", b"a,b\n,\n,"]
)
def test_what_says_nothing_is_refused_in_words(data):
    assert outcome(data).startswith("t.csv:") or data.startswith(b"a,b")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(data):
    assert outcome(data) == "" or outcome(data).startswith("t.csv:")
