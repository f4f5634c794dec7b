"""A run that changes nothing leaves what `Gradebook.record` leaves; and where anything is to be done, nothing is."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from grader.cards import KeptCard
from grader.gradebook import lasting, unchanged
from grader.gradebook.book import Gradebook
from grader.gradebook.migrations import VERSION_TABLE
from grader.gradebook.nouns import Recorded
from grader.intake.classes import ClassList, HandInEntry, RosterEntry
from grader.model import DecisionKind, Problem, Student
from tests.gradebook.cases import card, facts, rubric, with_facts

AT = datetime(2026, 3, 9, 10, tzinfo=UTC)
CLASS = with_facts(card("ada", a=0), card("ben", b=None, students=[Student("1", "Bén Ünal")]), card("cleo"))
RUN = {"command": "run-all class", "made_with": "{}"}


def roster(*names):
    entries = tuple(RosterEntry(one, one.title(), hand_in=one) for one in names)
    return ClassList("demo", "moodle", roster=entries, hand_ins=tuple(HandInEntry(one, one, (one,)) for one in names))


@pytest.fixture
def file(tmp_path):
    """A gradebook that has the class, from the folder /class."""
    where = tmp_path / "gradebook.db"
    with Gradebook.open(f"sqlite:///{where}") as book:
        book.record_class(roster("ada", "ben"))
        book.record(CLASS, command=RUN["command"], folder="/class")
    return where


def url(file):
    return f"sqlite:///{file}"


def noted(file, cards=CLASS, *, class_list=None, folder="/class", run=RUN):
    kept = [(KeptCard.of(one), about) for one, about in cards]
    return unchanged.recorded(url(file), kept, class_list=class_list, run=run, folder=folder)


def everything(file):
    """All rows of all tables, but for the times of runs, and the number of changes."""
    with closing(sqlite3.connect(file)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: database.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in names}  # noqa: S608
        rows["runs"] = database.execute("SELECT id, command, made_with, counts FROM runs ORDER BY id").fetchall()
        return rows, database.execute("PRAGMA user_version").fetchone(), lasting.told(file)


def copied(file, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in (file.name, f"{file.name}-changes"):
        shutil.copy(file.with_name(name), folder)
    return folder / file.name


def test_what_is_left_is_what_the_gradebook_itself_leaves(file, tmp_path):
    other = copied(file, tmp_path)
    done = noted(file, class_list=roster("ada", "ben"))
    with Gradebook.open(url(other)) as book:
        book.record_class(roster("ada", "ben"))
        recorded = book.record(CLASS, command=RUN["command"], made_with={}, folder="/class")
    assert done == recorded == Recorded(same=3)
    rows, version, told = everything(file)
    other_rows, _, _ = everything(other)
    assert rows == other_rows
    assert len(rows["runs"]) == 2
    assert version == (told,)


def test_it_is_opened_as_if_nothing_had_been_by(file):
    assert unchanged.is_ready(url(file))
    noted(file)
    with Gradebook.open(url(file), is_new_allowed=False) as book:
        [ada, *_] = book.rows("demo").rows
        book.decide(ada.id, DecisionKind.COMMENT, text="well", author="ta", seen_version=ada.version)
    assert noted(file) == Recorded(same=3), "what people decide stands beside it"


def without(file, sql, *values):
    with closing(sqlite3.connect(file)) as database, database:
        assert database.execute(sql, values).rowcount == 1


CHANGED = {
    "a card": [(card("ada", a=1), facts("ada")), *CLASS[1:]],
    "a card's rubric": [(card("ada", a=0, by=rubric(digest="2" * 64)), facts("ada")), *CLASS[1:]],
    "a student's name": [(card("ada", a=0, students=[Student("ada", "A.")]), facts("ada")), *CLASS[1:]],
    "a variant": [(card("ada", a=0, variant="b"), facts("ada")), *CLASS[1:]],
    "terms": [(card("ada", a=0, by=rubric(group_limit=2)), facts("ada")), *CLASS[1:]],
    "the bytes": [(CLASS[0][0], replace(facts("ada"), digest="e" * 64)), *CLASS[1:]],
    "the moment of receipt": [(CLASS[0][0], facts("ada", received_at=AT)), *CLASS[1:]],
    "the place": [(CLASS[0][0], replace(facts("ada"), source="/class/x")), *CLASS[1:]],
    "one more": [*CLASS, (card("dan"), facts("dan"))],
    "one less": CLASS[:2],
    "no rubric": [(replace(CLASS[0][0], rubric_digest=""), facts("ada")), *CLASS[1:]],
    "one twice": [*CLASS, CLASS[0]],
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_new_is_left_to_the_gradebook_and_nothing_is_written(file, what):
    before = everything(file)
    assert noted(file, CHANGED[what]) is None
    assert everything(file) == before
    with Gradebook.open(url(file)) as book:
        done = book.record(CHANGED[what], command=RUN["command"], made_with={}, folder="/class")
    assert done != Recorded(same=3) or everything(file)[0]["entries"] != before[0]["entries"]


def test_less_than_the_folder_is_no_less_where_only_some_were_graded(file):
    assert noted(file, CLASS[:2], folder="") == Recorded(same=2)
    assert noted(file, CLASS[:2], folder="/elsewhere") == Recorded(same=2)


def test_one_that_is_back_is_to_be_told_back(file):
    with Gradebook.open(url(file)) as book:
        book.record(CLASS[:2], folder="/class")
    assert noted(file, CLASS[:2]) == Recorded(same=2)
    assert noted(file, CLASS) is None
    assert noted(file, CLASS[2:], folder="") is None


def test_another_roster_is_to_be_recorded(file):
    assert noted(file, class_list=roster("ada", "ben", "dan")) is None
    assert noted(file, class_list=replace(roster("ada", "ben"), assignment="other")) is None


def test_a_damaged_card_is_to_be_mended(file):
    without(file, "UPDATE cards SET card = ? WHERE entry = 1", zlib.compress(b"{}"))
    assert noted(file) is None
    without(file, "UPDATE cards SET card = ? WHERE entry = 1", b"no archive")
    assert noted(file) is None
    without(file, "DELETE FROM cards WHERE entry = 1")
    assert noted(file) is None


@pytest.mark.parametrize("word", ["\0", "\ud800", "\ufdd0"])
def test_text_that_is_kept_in_another_way_is_left_to_the_gradebook(file, word):
    assert noted(file, run={**RUN, "command": f"run-all {word}"}) is None
    odd = [*CLASS, (card("odd", students=[Student("9", word)]), replace(facts("odd"), source=f"/class/{word}"))]
    with Gradebook.open(url(file)) as book:
        book.record(odd, folder="/class")
    assert noted(file, odd) is None


def test_who_wrote_meanwhile_is_seen(file, monkeypatch):
    def somebody(point):
        if point == "gradebook.record":
            with Gradebook.open(url(file)) as book:
                book.save_comment("demo", "meanwhile", "ta")

    monkeypatch.setattr(unchanged, "crash_point", somebody)
    assert noted(file) is None


def rewritten(file):
    file.write_bytes(file.read_bytes()[: 5 * 4096])


def emptied(file):
    file.write_bytes(b"")


ODD = {
    "missing": lambda file: file.unlink(),
    "empty": emptied,
    "cut off": rewritten,
    "of another program": lambda file: _pragma(file, 7),
    "of a newer grader": lambda file: without(file, f"UPDATE {VERSION_TABLE} SET version_num = '9999'"),  # noqa: S608
    "without its last change": lambda file: lasting.note(file, 99),
}


def _pragma(file, number):
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA application_id = {number}")


@pytest.mark.parametrize("what", ODD)
def test_a_file_that_is_not_just_so_is_left_as_it_is(file, what):
    ODD[what](file)
    before = file.read_bytes() if file.exists() else None
    assert not unchanged.is_ready(url(file))
    assert noted(file) is None
    assert (file.read_bytes() if file.exists() else None) == before


@pytest.mark.parametrize(
    "where", ["postgresql+psycopg://db/grades", "sqlite:///a/b?mode=ro", "sqlite://", "sqlite:///:memory:", "x"]
)
def test_another_kind_of_place_is_left_to_the_gradebook(where):
    assert not unchanged.is_ready(where)
    assert unchanged.recorded(where, [], class_list=None, run=RUN, folder="") is None


def test_neither_imports_sqlalchemy(file):
    code = (
        "import sys; from grader.gradebook import unchanged; assert unchanged.is_ready(sys.argv[1]);"
        "assert unchanged.recorded(sys.argv[1], [], class_list=None, run={'command': 'x'}, folder='')"
        "; print([one for one in ('sqlalchemy', 'alembic', 'numpy') if one in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code, url(file)], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"


def test_a_problem_of_a_hand_in_is_part_of_its_card(file):
    odd = card("ada", a=0, problems=(Problem("odd", "a", "is odd", "mend"),))
    assert noted(file, [(odd, facts("ada")), *CLASS[1:]]) is None
