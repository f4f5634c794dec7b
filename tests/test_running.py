"""A class is read one by one, by one rubric, and each hand-in for what it is for."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.cli.common import load_rubric
from grader.course import load_course
from grader.errors import MachineError, UsageError
from grader.grading import HandIn
from grader.intake.classes import ClassList, HandInEntry, RosterEntry, write_class
from grader.model import Job, Problem, Rubric, Rule, Submission, Task
from grader.running import ClassOf, changed_at, ids_of, planned

ROOT = Path(__file__).parents[1]


@pytest.fixture
def course(tmp_path):
    """A course of our own, whose rubrics may be changed."""
    folder = tmp_path / "course"
    for part in ("rubrics", "submissions_template", "reference_solutions"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "grader.toml", folder)
    return load_course(folder)


@pytest.fixture
def put(tmp_path):
    """Hand in: a manifest that names an assignment, or none."""

    def hand_in(name, assignment=None):
        folder = tmp_path / "class" / name
        folder.mkdir(parents=True)
        (folder / "answers.json").write_text('{"answers": {"translation": "c"}}')
        if assignment:
            (folder / "submission.json").write_text(json.dumps({"assignment": assignment}))
        return folder

    return hand_in


def class_of(course, sources, assignment=None):
    return ClassOf(course, sources, lambda name: load_rubric(course, name), assignment)


@pytest.mark.fault("F22")
def test_a_rubric_that_is_changed_during_a_run_is_that_of_the_next(course, put):
    sources = [put("ada", "digits"), put("ben", "digits")]
    hand_ins = class_of(course, sources).hand_ins()
    first = next(hand_ins)
    rubric = course.rubrics / "digits.yaml"
    rubric.write_text(rubric.read_text().replace("pass_points: 10", "pass_points: 12"))
    assert next(hand_ins).rubric is first.rubric
    again = next(class_of(course, sources).hand_ins())
    assert (first.rubric.pass_points, again.rubric.pass_points) == (10, 12)
    assert again.rubric.digest != first.rubric.digest


def test_who_does_not_say_what_it_is_for_is_read_last_and_for_what_the_others_are_for(course, put):
    sources = [put("a"), put("b", "digits"), put("c", "digits")]
    read = [(one.number, one.submission.id, one.rubric.assignment) for one in class_of(course, sources).hand_ins()]
    assert read == [(1, "b", "digits"), (2, "c", "digits"), (0, "a", "digits")]


def test_where_the_others_differ_nobody_guesses(course, put):
    sources = [put("a"), put("b", "digits"), put("c", "mnist-optimizers")]
    last = list(class_of(course, sources).hand_ins())[-1]
    assert (last.submission.id, last.rubric.tasks, last.submission.is_readable) == ("a", (), False)
    assert last.submission.problems[-1].code == "no-assignment"


def test_an_assignment_that_the_course_has_not_is_told_to_who_typed_it(course, put):
    with pytest.raises(UsageError, match="no assignment"):
        class_of(course, [put("a")], "digitz")


def test_what_was_unpacked_goes_when_a_hand_in_is_closed(course, put, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "ada"), "zip", put("ada", "digits"))
    [hand_in] = class_of(course, [Path(archive)]).hand_ins()
    unpacked = hand_in.submission.source.unpacked_at
    assert unpacked.is_dir()
    hand_in.close()
    assert not unpacked.exists()


def test_two_of_one_name_are_called_by_their_whole_names():
    assert ids_of([Path("ada"), Path("ada.zip"), Path("ben.zip")]) == ["ada", "ada.zip", "ben"]


def test_a_hand_in_changed_when_its_newest_file_did(put):
    import os

    folder = put("ada", "digits")
    for number, path in enumerate([folder, *folder.iterdir()]):
        os.utime(path, (1000 + number, 1000 + number))
    assert changed_at(folder) == 1002
    assert changed_at(folder / "missing") == 0


# --- the plan ---------------------------------------------------------------------------------


class Keys:
    """Of three jobs the first is known, and the third has no data."""

    def key_of(self, job):
        if job.parameters["n"] == 3:
            raise MachineError.single("is not here", where="mnist", fix="get it", code="missing")
        return str(job.parameters["n"])

    def is_known(self, key):
        return key == "1"


class Times:
    def seconds_of(self, kind, key=None):
        return {("describe", "1"): 2.0, ("describe", "2"): 5.0}.get((kind, key))


def test_equal_needs_are_planned_once_and_cost_what_they_cost_before(monkeypatch):
    from fractions import Fraction

    from grader import grading

    class Needs:
        def needs(self, rule, submission):
            del submission
            return [Job(rule.settings["kind"], (), {"n": n}) for n in rule.settings["jobs"]]

    monkeypatch.setattr(grading, "all_checks", lambda: {"needs": Needs()})
    rules = (
        Rule("x", "needs", Fraction(1), {"jobs": [1, 2], "kind": "describe"}),
        Rule("y", "needs", Fraction(1), {"jobs": [2, 3], "kind": "describe"}),
        Rule("z", "needs", Fraction(1), {"jobs": [4], "kind": "train"}),
    )
    rubric = Rubric("a", "A", (Task("1", "one", Fraction(3), rules),), "a.yaml", "0" * 64)
    class_of_two = [HandIn(Submission(name, "a", Path("/nowhere")), rubric) for name in ("s", "t")]
    plan = planned(class_of_two, Keys(), Times(), is_anew=lambda _rule: False)
    describe, train = plan.kinds["describe"], plan.kinds["train"]
    assert (plan.hand_ins, plan.shared) == (2, 6)
    assert (describe.jobs, describe.known, describe.seconds, describe.untimed) == (3, 1, 5.0, 1)
    assert (train.jobs, train.known, train.seconds, train.untimed) == (1, 0, 0.0, 1)
    assert plan.problems == [Problem("missing", "mnist", "is not here", "get it")]
    anew = planned(class_of_two, Keys(), Times(), is_anew=lambda rule: rule.id == "x")
    assert (anew.kinds["describe"].known, anew.kinds["describe"].seconds) == (0, 7.0)


def imported(folder, at, *names):
    """A class list that says when each of these was received."""
    received = datetime(2026, 3, 8, at, tzinfo=UTC)
    hand_ins = tuple(HandInEntry(name, name, (name,), received) for name in names)
    roster = tuple(RosterEntry(name, hand_in=name, reason="by the id") for name in names)
    write_class(folder, ClassList("digits", "moodle", roster=roster, hand_ins=hand_ins))


@pytest.mark.fault("F21")
def test_a_hand_in_that_is_imported_anew_during_a_run_is_not_mixed_with_what_was_said_of_the_old_one(course, put):
    sources = [put("ada"), put("ben")]
    imported(sources[0].parent, 10, "ada", "ben")
    hand_ins = class_of(course, sources).hand_ins()
    assert next(hand_ins).submission.received_at.hour == 10
    (sources[1] / "answers.json").write_text('{"answers": {"translation": "new"}}')
    imported(sources[0].parent, 23, "ada", "ben")
    ben = next(hand_ins).submission
    assert (ben.answers["translation"].value, ben.received_at.hour) == ("new", 23)


def test_an_import_that_is_in_its_last_step_is_waited_for(course, put, monkeypatch):
    sources = [put("ada")]
    imported(sources[0].parent, 10, "ada")
    pending = sources[0].parent / ".class" / "pending.json"
    pending.write_text("{}")
    monkeypatch.setattr("grader.intake.classes.time.sleep", lambda _: pending.unlink())
    [one] = class_of(course, sources).hand_ins()
    assert [student.id for student in one.submission.students] == ["ada"]


def test_the_class_list_says_what_hand_ins_are_for(course, put):
    sources = [put("ada"), put("ben", "mnist-optimizers")]
    imported(sources[0].parent, 10, "ada", "ben")
    read = {one.submission.id: one.submission for one in class_of(course, sources).hand_ins()}
    assert {one.assignment for one in read.values()} == {"digits"}
    assert "other-assignment" in [problem.code for problem in read["ben"].problems]
    stated = class_of(course, sources, "mnist-optimizers").hand_ins()
    assert {one.rubric.assignment for one in stated} == {"mnist-optimizers"}
