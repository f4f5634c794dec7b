"""A hand-in is whose the class list says it is, whatever it says itself."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.intake.belonging import in_class
from grader.intake.classes import ClassList, HandInEntry, RosterEntry
from grader.model import Student, Submission

AT = datetime(2026, 3, 8, 23, 59, tzinfo=UTC)
CLASS = ClassList(
    "digits",
    "moodle",
    roster=(
        RosterEntry("ada", "Ada", "ada@example.org", keys={"sid": "77"}, hand_in="ada", reason="by the id"),
        RosterEntry("bob", "Bob", hand_in="team", reason="by the id"),
        RosterEntry("cyd", "Cyd", hand_in="team", reason="by the id"),
    ),
    hand_ins=(
        HandInEntry("ada", "ada.zip", ("ada",), AT),
        HandInEntry("team", "team", ("bob", "cyd")),
        HandInEntry("ada", ".class/earlier/ada~1.zip", ("ada",), is_counted=False),
    ),
)


def read(name, *stated):
    students = tuple(Student(one) for one in stated)
    return in_class(Submission(name.removesuffix(".zip"), "digits", Path(), students=students), name, CLASS)


@pytest.mark.parametrize("stated", [(), ("ada",), ("ADA@example.org",), ("77",)])
def test_who_names_themselves_by_any_of_their_ids_is_told_nothing(stated):
    made = read("ada.zip", *stated)
    assert made.students == (Student("ada", "Ada"),)
    assert (made.received_at, made.problems) == (AT, ())


@pytest.mark.parametrize("stated", [("bob",), ("ada", "bob")])
def test_who_names_another_keeps_the_own_name_and_is_told(stated):
    made = read("ada.zip", *stated)
    assert made.students == (Student("ada", "Ada"),)
    [problem] = made.problems
    assert problem.code == "warning-other-students"
    assert "bob" in problem.what


def test_a_group_is_all_of_its_members():
    assert [one.id for one in read("team", "bob").students] == ["bob", "cyd"]
    assert read("team").received_at is None


@pytest.mark.parametrize("name", ["ada", "eve", "ada~1.zip", "team.zip"])
def test_what_the_list_does_not_have_is_nobodys(name):
    made = read(name, "ada")
    assert made.students == ()
    assert [one.code for one in made.problems] == ["not-in-class"]
