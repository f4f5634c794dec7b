"""One cell is changed, and every other byte is as it was; what is no table is refused with its line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import SubmissionError
from grader.reports.export.delimited import Table

CELL = st.text(alphabet='a"b;,\té =ö1\n', max_size=6)


@st.composite
def tables(draw):
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=4))
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    text = io.StringIO()
    rows = [[f"h{at}" for at in range(width)], *rows]
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding), encoding, delimiter, [row for row in rows if any(map(str.strip, row))]


@given(tables(), st.data())
def test_only_what_was_put_changes(table, data):
    content, encoding, delimiter, rows = table
    read = Table.read(content, "a.csv")
    assert read.data() == content
    if not read.rows:
        return
    row, column = data.draw(st.integers(0, len(read.rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    text = data.draw(st.sampled_from(["7,5", "7.5", 'say "hi"; =1', "", "two\nlines"]))
    read.put(read.rows[row], column, text)
    rows[row + 1][column] = text
    back = csv.reader(io.StringIO(read.data().decode(encoding), newline=""), delimiter=delimiter)
    assert [one for one in back if any(map(str.strip, one))] == [one for one in rows if any(map(str.strip, one))]


@pytest.mark.parametrize(
    ("content", "now"),
    [
        (b'a,b\n"x",\n', b'a,b\n"x","1"\n'),  # where every cell is quoted, this one is
        (b'a,b,c\n"x",2,\n', b'a,b,c\n"x",2,1\n'),
        (b"a,b,c\r\nx,2,\r\n", b"a,b,c\r\nx,2,1\r\n"),
        (b"sep=;\r\na;b;c\r\nx;2;\r\n", b"sep=;\r\na;b;c\r\nx;2;1\r\n"),
        (b"a\tb\tc\nx\t2\t", b"a\tb\tc\nx\t2\t1"),  # no line end at the end
        ("a;b;c\nö;2;\n".encode("cp1252"), "a;b;c\nö;2;1\n".encode("cp1252")),
        (b"a,b,c\nx,2,,,\n", b"a,b,c\nx,2,1,,\n"),  # blank cells behind the last column
        (b"a,b,c\n\nx,2,\n\n\n", b"a,b,c\n\nx,2,1\n\n\n"),
    ],
    ids=["all quoted", "some quoted", "crlf", "sep line", "tabs, no end", "cp1252", "longer row", "empty lines"],
)
def test_the_form_of_the_file_stays(content, now):
    table = Table.read(content, "a.csv")
    table.put(table.rows[0], len(table.columns) - 1, "1")
    assert table.data() == now


def test_a_cell_that_says_so_already_stays_letter_by_letter():
    content = b'a,b\n"7.50",x\n'
    table = Table.read(content, "a.csv")
    table.put(table.rows[0], 0, "7.50")
    assert table.data() == content


def test_a_table_of_phps_own_has_single_quotes_behind_backslashes():
    """Moodle's writer leaves them so: here in a text that a student typed into the LMS."""
    content = b'a,b,c\n"<p>print(""a\\"b\\\\"")</p>",2,\n"x, y",3,"\\"",\n'
    content = content.replace(b',"\\"",\n', b",\n")
    table = Table.read(content, "w.csv")
    assert [row.cells[0].text for row in table.rows] == ['<p>print("a\\"b\\\\")</p>', "x, y"]
    table.put(table.rows[0], 2, "7")
    assert table.data() == content.replace(b",2,\n", b",2,7\n")


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"a,b\nx,1\ny", 3), (b'a,b\nx,"1\ny,2\n', 2), (b"a,b\nx,1,2\n", 2), (b"", 1), (b"a,b\nx,\x00\n", 2)],
    ids=["cut off", "open quote", "too long", "empty", "zero byte"],
)
def test_what_is_no_table_is_refused_with_its_line(content, line):
    with pytest.raises(SubmissionError, match=rf"a\.csv:{line}: "):
        Table.read(content, "a.csv")
