"""What a run records, what a regrade shows before it is recorded, and what it leaves alone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from grader.documents import schema, validator
from grader.gradebook.book import Gradebook
from grader.gradebook.nouns import Query
from grader.intake.classes import ClassList, HandInEntry, RosterEntry, write_class
from grader.model import DecisionKind

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    (folder / "rubrics").mkdir(parents=True)
    shutil.copy(ROOT / "rubrics" / "digits.yaml", folder / "rubrics")
    for part in ("submissions_template", "reference_solutions"):
        (folder / part).mkdir()
        (folder / part / "digits").symlink_to(ROOT / part / "digits")
    (folder / "grader.toml").write_text('name = "A course"\n[assignments.digits]\npass_points = 7\n')
    return folder


@pytest.fixture
def hand_ins(course, theory):
    """Two that need no job, one of them with a wrong answer."""
    folder = course / "submissions" / "digits"
    folder.mkdir(parents=True)
    for name in ("ada", "ben"):
        shutil.copytree(theory, folder / name)
        about = {"assignment": "digits", "students": [{"id": name, "name": name.title()}]}
        (folder / name / "submission.json").write_text(json.dumps(about))
    answers = json.loads((folder / "ben" / "answers.json").read_text())
    answers["answers"]["translation"] = "a"
    (folder / "ben" / "answers.json").write_text(json.dumps(answers))
    return folder


@pytest.fixture
def run(grader, course, hand_ins, monkeypatch, tmp_path):
    """A command on the class, with a state and a cache of its own; the state is the course's, as for its user."""
    monkeypatch.delenv("GRADER_STATE", raising=False)

    def go(command, *words, code=0, **env):
        own = {"GRADER_CACHE": str(tmp_path / "cache"), **env}
        return grader(command, hand_ins, "--course", course, *words, code=code, env=own)

    return go


@pytest.fixture
def opened(course):
    def go():
        return Gradebook.open(f"sqlite:///{course}/.grader/gradebook.db", is_new_allowed=False)

    return go


def rows(opened):
    with opened() as book:
        return {row.submission: row for row in book.rows("digits").rows}


def cheaper(course):
    """The rubric with another number of points for the answer that Ben got wrong."""
    rubric = course / "rubrics" / "digits.yaml"
    text = rubric.read_text()
    changed = text.replace("    correct: c\n        points: 1\n", "    correct: c\n        points: 3\n")
    changed = changed.replace("    points: 5\n", "    points: 7\n")
    assert changed != text
    rubric.write_text(changed)


# --- run-all ---------------------------------------------------------------------------------------


def test_a_run_is_recorded_beside_the_ledger_and_prints_what_it_prints_without(run, opened, course, hand_ins):
    without = run("run-all", "--json", "--no-gradebook")
    assert not (course / ".grader" / "gradebook.db").exists()
    ran = run("run-all", "--json")
    assert ran.stdout == without.stdout
    assert sorted(path.name for path in (course / ".grader").iterdir() if path.is_file()) == [
        "gradebook.db", "gradebook.db-changes", "ledger.db", "lock", "originality.json",
    ]  # fmt: skip
    found = rows(opened)
    assert {name: float(row.points) for name, row in found.items()} == {
        card["submission"]: card["points"] for card in json.loads(ran.stdout)
    }
    with opened() as book:
        entry = book.entry(found["ada"].id)
    assert entry.source == str(hand_ins / "ada")
    assert [student.name for student in entry.row.students] == ["Ada"]


def test_the_same_run_again_records_nothing_new(run, opened):
    run("run-all")
    before = rows(opened)
    run("run-all", "--json")
    assert rows(opened) == before
    assert [row.version for row in before.values()] == [1, 1]


def test_a_plan_records_nothing(run, course):
    run("run-all", "--dry-run")
    assert not (course / ".grader" / "gradebook.db").exists()


def test_the_gradebook_is_where_it_is_said_to_be(run, course, tmp_path):
    run("run-all", "--gradebook", tmp_path / "one.db")
    run("run-all", GRADER_GRADEBOOK=f"sqlite:///{tmp_path}/two.db")
    (course / "grader.toml").write_text('name = "A course"\n[gradebook]\nurl = "books/three.db"\n')
    run("run-all")
    run("run-all", "--state", tmp_path / "state", GRADER_GRADEBOOK="")
    for file in (tmp_path / "one.db", tmp_path / "two.db", course / "books" / "three.db"):
        with Gradebook.open(f"sqlite:///{file}", is_new_allowed=False) as book:
            assert book.rows("digits").total == 2
    assert not (course / ".grader" / "gradebook.db").exists()


def test_a_class_list_is_recorded_with_the_run(run, opened, hand_ins):
    students = [RosterEntry(name, hand_in=name, reason="the only one") for name in ("ada", "ben")]
    students.append(RosterEntry("cyd", reason="nothing"))
    counted = [HandInEntry(name, name, (name,), datetime(2026, 3, 1, tzinfo=UTC)) for name in ("ada", "ben")]
    write_class(hand_ins, ClassList("digits", "moodle", roster=tuple(students), hand_ins=tuple(counted)))
    run("run-all")
    with opened() as book:
        grades = book.grades("digits")
        assert book.class_list("digits").source == "moodle"
    assert [(one.id, one.points is None, one.reason) for one in grades if one.id == "cyd"] == [("cyd", True, "nothing")]
    assert [one.entry is None for one in grades] == [False, False, True]


@pytest.mark.fault("F24")
def test_a_gradebook_that_cannot_be_used_is_told_before_anything_runs(run, tmp_path):
    file = tmp_path / "damaged.db"
    file.write_bytes(b"no database at all" * 100)
    ran = run("run-all", "--gradebook", file, code=5)
    assert "the gradebook is damaged" in ran.stderr
    assert "graded in" not in ran.stderr
    assert file.read_bytes() == b"no database at all" * 100
    assert "ben" in run("run-all", "--no-gradebook").stdout


def test_a_renamed_hand_in_is_told_and_does_not_stand_there_twice(run, opened, hand_ins):
    run("run-all")
    (hand_ins / "ben").rename(hand_ins / "benjamin")
    run("run-all", "--only", "ada")
    assert sorted(rows(opened)) == ["ada", "ben"], "a run over some takes none for gone"
    ran = run("run-all")
    assert "digits: ben: this hand-in is no longer in" in ran.stderr
    assert sorted(rows(opened)) == ["ada", "benjamin"]
    assert "no longer" not in run("run-all").stderr


PROGRAM = """
import sys
from grader.gradebook import book
def refused(*_, **__):
    from grader.errors import MachineError
    raise MachineError.single("the disk is full", where="gradebook.db", fix="free some space")
book.Gradebook.record = refused
from grader.cli import main
main(sys.argv[1:])
"""


def test_grades_that_cannot_be_recorded_are_printed_all_the_same(hand_ins, course):
    words = ["run-all", hand_ins, "--course", course, "--json"]
    ran = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 5
    assert [card["submission"] for card in json.loads(ran.stdout)] == ["ada", "ben"]
    assert "the grades could not be recorded:" in ran.stderr
    assert "gradebook.db: the disk is full" in ran.stderr


@pytest.mark.fault("F3")
@pytest.mark.parametrize("point", ["gradebook.record", "gradebook.commit:2", "gradebook.committed:2"])
def test_a_run_that_is_killed_while_it_records_goes_on_and_is_recorded_once(run, opened, point):
    run("run-all", code=-signal.SIGKILL, GRADER_CRASH_AT=point)
    run("run-all")
    with opened() as book:
        found = book.rows("digits").rows
        assert [row.version for row in found] == [1, 1]
        assert [len(book.history(row.id)) for row in found] == [1, 1]


@pytest.mark.fault("F23")
def test_what_people_decided_stays_in_force_behind_a_run_and_is_told_where_its_ground_moved(run, opened, course):
    run("run-all")
    found = rows(opened)["ben"]
    with opened() as book:
        book.decide(
            found.id, DecisionKind.OVERRIDE, task="2", points=Fraction(5), reason="said so", author="ta",
            seen_version=found.version,
        )  # fmt: skip
    run("run-all")
    assert rows(opened)["ben"].points == rows(opened)["ada"].points
    cheaper(course)
    ran = run("run-all")
    assert "1 hand-in has decisions on findings that have changed since: they stand" in ran.stderr
    after = rows(opened)["ben"]
    assert after.is_moved
    assert after.tasks["2"].points == 5
    with opened() as book:
        assert [row.submission for row in book.rows("digits", Query(is_queue=True)).rows][:2] == ["ada", "ben"]


# --- regrade ---------------------------------------------------------------------------------------


def files(course):
    kept = course / ".grader"
    return {path.name: path.read_bytes() for path in kept.iterdir() if path.name.startswith("gradebook")}


def test_a_preview_shows_who_changes_by_how_much_and_which_line_is_crossed_and_writes_nothing(run, opened, course):
    first = run("run-all", "--json")
    cheaper(course)
    (course / "grader.toml").write_text('name = "A course"\n[assignments.digits]\npass_points = 13\n')
    before = files(course)
    shown = json.loads(run("regrade", "--preview", "--json").stdout)
    assert not list(validator(schema("regrade")).iter_errors(shown))
    points = {card["submission"]: card["points"] for card in json.loads(first.stdout)}
    changes = {one["submission"]: one for one in shown["changes"]}
    assert (shown["hand_ins"], shown["changed"], shown["new"], shown["is_preview"]) == (2, 2, 0, True)
    assert (changes["ada"]["before"], changes["ada"]["after"]) == (points["ada"], points["ada"] + 2)
    assert changes["ada"]["tasks"] == [{"task": "2", "before": 5, "after": 7}]
    assert (changes["ben"]["before"], changes["ben"]["after"]) == (points["ben"], points["ben"])
    assert (changes["ben"]["passed_before"], changes["ben"]["is_line_crossed"]) == (True, True)
    assert files(course) == before
    # The next run judges by what it finds itself, and comes to what was shown.
    run("regrade")
    assert float(rows(opened)["ada"].points) == points["ada"] + 2


def test_a_preview_leaves_no_card_that_a_later_run_takes_for_judged(run, course):
    run("run-all")
    rubric = course / "rubrics" / "digits.yaml"
    text = rubric.read_text()
    rubric.write_text(text.replace("correct: c\n", "correct: a\n"))
    assert json.loads(run("regrade", "--preview", "--json").stdout)["changed"] == 2
    rubric.write_text(text)
    assert "2 hand-ins judged before" in run("run-all").stderr


def test_a_regrade_records_what_it_shows(run, opened, course):
    run("run-all")
    cheaper(course)
    shown = run("regrade")
    assert "2 of 2 hand-ins change" in shown.stdout
    assert "nothing was recorded" not in shown.stdout
    assert rows(opened)["ada"].version == 2
    again = run("regrade")
    assert again.stdout == "0 of 2 hand-ins change\n"
    table = run("regrade", "--preview").stdout
    assert table == "0 of 2 hand-ins change: nothing was recorded\n"


def test_a_preview_without_a_gradebook_says_so_and_makes_none(run, course):
    ran = run("regrade", "--preview", code=2)
    assert "there is no gradebook yet" in ran.stderr
    assert not (course / ".grader" / "gradebook.db").exists()


def test_one_hand_in_is_regraded_by_its_name(run, opened, course):
    run("run-all")
    cheaper(course)
    run("regrade", "--only", "ada")
    assert [row.version for row in rows(opened).values()] == [2, 1]
