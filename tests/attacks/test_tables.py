"""Attack 79: what a student is called, answers and is told comes into every table that goes out, and runs in none.

The hostile words stand in the roster, in every field of a scorecard and in a person's comment; the grades are recorded,
and written by the command that a TA types.
"""

import csv
import io
import json
import unicodedata
from fractions import Fraction

import pytest

from grader.cli import run
from grader.course import load_course
from grader.gradebook.book import Gradebook
from grader.gradebook.nouns import HandInFacts
from grader.gradebook.place import gradebook_url
from grader.intake.classes import ClassList, HandInEntry, RosterEntry, write_class
from grader.model import DecisionKind
from tests.attacks.words import ALL, WORDS, has_acted, hostile_card
from tests.desk import course as made_course

SHEET = "Identifier,Full name,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments\n"
SIGNS = set("=+-@\t\r|%\uff1d\uff0b\uff0d\uff20")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Everybody is called by hostile words; the hand-ins are graded, and commented on, in the same words."""
    at = made_course(tmp_path_factory.mktemp("hostile") / "course")
    names = [*WORDS, ALL[:400]]
    ids = [f"s{number:04}" for number in range(1, len(names) + 1)]
    roster, hand_ins = [], []
    for number, (who, name) in enumerate(zip(ids, names, strict=True)):
        keys = {"identifier": f"Participant {4001 + number}", "sid": name, "github_username": name}
        roster.append(RosterEntry(who, name, name, name, name, keys, who, "the only attempt"))
        hand_ins.append(HandInEntry(who, who, (who,), lms_folder=name, was=(name,)))
    sheet = SHEET + "".join(f'{one.keys["identifier"]},x,,4,Yes,-,""\n' for one in roster)
    submissions = at / "submissions" / "digits"
    (submissions / ".class").mkdir(parents=True)
    (submissions / ".class" / "worksheet.csv").write_text(sheet)
    listed = ClassList(
        "digits", "moodle", roster=tuple(roster), hand_ins=tuple(hand_ins), worksheet=".class/worksheet.csv"
    )
    write_class(submissions, listed)
    with Gradebook.open(gradebook_url(load_course(at), str(at / "gradebook.db"))) as book:
        book.record_class(listed)
        cards = [(hostile_card(who), HandInFacts()) for who in ids]
        book.record(cards, command="run-all", made_with={"grader": "0.1.0"})
        for row, name in zip(book.rows("digits").rows, names, strict=True):
            said = {"task": "1", "rule": "", "points": Fraction(3), "text": f"{name}\n{name}", "reason": ALL}
            book.decide(row.id, DecisionKind.OVERRIDE, **said, author="ta", seen_version=row.version)
    return at


def words(course, kind):
    places = {"--out": course / "out", "--course": course, "--gradebook": course / "gradebook.db"}
    return ["export", "digits", "--to", kind, *(str(word) for pair in places.items() for word in pair)]


def exported(course, kind, capsys):
    out = course / "out"
    assert run([*words(course, kind), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["written"]) == len(WORDS) + 1
    return out.read_bytes()


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def first_of(cell):
    """What a spreadsheet looks at: the first character that it does not pass over."""
    for char in cell:
        if char in SIGNS or not (char.isspace() or char == '"' or unicodedata.category(char) in ("Cc", "Cf")):
            return char
    return ""


def harmless(cell):
    return is_number(cell) or all(first_of(line) not in SIGNS for line in cell.split("\n"))


@pytest.mark.attack(79)
@pytest.mark.parametrize("kind", ["csv", "gradescope", "classroom", "nbgrader", "moodle"])
def test_no_cell_of_a_table_is_a_formula(kind, course, capsys):
    rows = list(csv.reader(io.StringIO(exported(course, kind, capsys).decode("utf-8-sig"), newline="")))
    assert len(rows) == len(WORDS) + 2
    cells = [cell for row in rows for cell in row if not (kind == "moodle" and cell == "-")]  # Moodle's own
    assert [cell for cell in cells if not harmless(cell)] == []
    assert {cell for row in rows[1:] for cell in row} & {"3", "3.00"}


@pytest.mark.attack(79)
def test_no_cell_of_a_workbook_is_a_formula(course, capsys):
    openpyxl = pytest.importorskip("openpyxl")
    [sheet] = openpyxl.load_workbook(io.BytesIO(exported(course, "xlsx", capsys))).worksheets
    kinds = {}
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            kinds.setdefault(cell.data_type, []).append(cell.value)
    assert set(kinds) <= {"s", "n", "b"}
    assert [text for text in kinds["s"] if not harmless(text)] == []
    assert kinds["n"].count(3) >= len(WORDS) + 1


@pytest.mark.attack_partly(80, 81)
def test_a_comment_in_moodle_is_words_and_nothing_else(course, capsys):
    rows = list(csv.reader(io.StringIO(exported(course, "moodle", capsys).decode(), newline="")))
    for row in rows[1:]:
        assert has_acted(row[-1]) == []
        assert "<" not in row[-1].replace("<br>", "")
        assert "for staff alone" not in row[-1]


@pytest.mark.attack_partly(83)
def test_what_the_command_says_acts_on_no_terminal(course, capsys):
    assert run(words(course, "csv")) == 0
    said = capsys.readouterr()
    odd = {char for char in said.out + said.err if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs")}
    assert odd == set()
