"""Every student of the roster has exactly one grade, or the reason why there is none; never a 0 in silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from grader.errors import UsageError
from grader.gradebook.feedback import MOST_FINDINGS
from grader.gradebook.nouns import TaskPoints
from grader.intake.classes import ClassList, HandInEntry, Quarantined, RosterEntry
from grader.model import Amount, DecisionKind, Finding, LatePolicy, Outcome, Student, Visibility
from grader.reports.export.choosing import Wishes, chosen
from tests.gradebook.cases import card, found, recorded, rubric, with_facts

DUE = datetime(2026, 3, 8, 12, tzinfo=UTC)
OVERRIDE, COMMENT = DecisionKind.OVERRIDE, DecisionKind.COMMENT


def entry(name, hand_in="", reason="it is so", **more):
    return RosterEntry(name, f"Name of {name}", f"{name}@example.org", hand_in=hand_in, reason=reason, **more)


def hand_in(name, *students, **more):
    return HandInEntry(name, name, students or (name,), lms_folder=f"{name}_4711_assignsubmission_file", **more)


def class_of(*roster, hand_ins=(), **more):
    return ClassList("demo", "moodle", roster=roster, hand_ins=hand_ins, **more)


CLASS = class_of(
    entry("zoe", "zoe", keys={"identifier": "Participant 9"}, section="L1", group="G"),
    entry("ada", "team"),
    entry("bob", "team"),
    entry("cyd", reason="no submission"),
    entry("dan", "dan"),
    hand_ins=(hand_in("zoe", is_late=True), hand_in("team", "ada", "bob"), hand_in("dan")),
    quarantined=(Quarantined(("x.zip",), "nobody is named", "name it"),),
)


@pytest.fixture
def graded(book):
    book.record_class(CLASS)
    team = [Student("ada", "Ada"), Student("bob", "Bob")]
    recorded(book, card("zoe", a=0), card("team", students=team, b=None))
    return book


def test_a_grade_that_a_rule_of_the_course_holds_for_a_person_says_so_until_somebody_has_looked(book):
    """Canvas marks somebody late and not by how much: nothing is deducted, and that does not go out in silence."""
    [one] = recorded(book, card(by=rubric(due=DUE, late=LatePolicy(Amount(Fraction(1))))))
    [grade] = book.grades("demo")
    assert grade.open_points == 0
    assert "waits for a person to look" in grade.reason
    [line] = chosen([grade], None, Wishes())
    assert (line.points, line.code) == (grade.points, "unseen")
    book.mark_reviewed(one.id, "ta", one.version)
    [grade] = book.grades("demo")
    [line] = chosen([grade], None, Wishes())
    assert (grade.reason, line.why, line.points) == ("", "", grade.points)


def test_every_student_of_the_roster_stands_there_once_in_its_order(graded):
    grades = graded.grades("demo")
    assert [one.id for one in grades] == ["zoe", "ada", "bob", "cyd", "dan"]
    zoe, ada, bob, cyd, dan = grades
    assert (zoe.points, zoe.max_points, zoe.reason, zoe.keys, zoe.section, zoe.group) == (
        8, 12, "", {"identifier": "Participant 9"}, "L1", "G",
    )  # fmt: skip
    assert (zoe.name, zoe.email, zoe.lms_folder) == ("Name of zoe", "zoe@example.org", "zoe_4711_assignsubmission_file")
    assert (ada.points, ada.open_points, ada.reason) == (10, 2, "2 points wait for a person")
    assert (bob.entry, bob.points, bob.submission) == (ada.entry, ada.points, "team"), "a group has one grade"
    assert (cyd.points, cyd.reason, cyd.entry, cyd.feedback) == (None, "no submission", None, "")
    assert (dan.points, dan.reason) == (None, 'handed in ("dan"), and not graded yet')
    assert zoe.tasks == {"1": TaskPoints(Fraction(2), Fraction(6), Fraction(0)),
                         "2": TaskPoints(Fraction(6), Fraction(6), Fraction(0))}  # fmt: skip


def test_without_feedback_all_else_is_the_same(graded):
    assert graded.grades("demo", has_feedback=False) == [replace(one, feedback="") for one in graded.grades("demo")]


def test_the_class_comes_back_equal_and_the_same_twice_is_kept_once(graded):
    assert graded.class_list("demo") == CLASS
    graded.record_class(CLASS)
    smaller = replace(CLASS, roster=CLASS.roster[:1], hand_ins=CLASS.hand_ins[:1])
    graded.record_class(smaller)
    assert graded.class_list("demo") == smaller
    assert [one.id for one in graded.grades("demo")] == ["zoe"]
    with graded.reading() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM class_lists").scalar()
    assert kept == 2, "the one before is kept, and each once"
    assert graded.class_list("another") is None


def test_a_class_that_nobody_has_graded_has_reasons_only(book):
    book.record_class(CLASS)
    assert book.assignments() == ["demo"]
    assert [one.points for one in book.grades("demo")] == [None] * 5
    assert all(one.reason for one in book.grades("demo"))


def test_late_is_what_counts_else_what_the_lms_says(book):
    book.record_class(CLASS)
    by = rubric(due=DUE, late=LatePolicy(Amount(Fraction(1))))
    late = DUE + timedelta(hours=30)
    recorded(book, card("zoe", by=by, received_at=DUE), card("dan", by=by, received_at=late), card("team", by=by))
    grades = {one.id: (one.is_late, one.days_late, one.points) for one in book.grades("demo")}
    assert grades["zoe"] == (False, 0, 12), "the course gives more time than the LMS"
    assert grades["dan"] == (True, 2, 10)
    assert grades["ada"] == (None, None, 12), "nobody knows"


def test_decisions_count_in_the_grade_and_in_what_the_student_reads(graded):
    [row] = [row for row in graded.rows("demo").rows if row.submission == "zoe"]
    after = graded.decide(
        row.id, OVERRIDE, task="1", rule="a", points=Fraction(5, 2), text="the idea is right", reason="only for staff",
        author="secret-ta", seen_version=1,
    )  # fmt: skip
    graded.decide(row.id, COMMENT, text="see page 7", author="secret-ta", seen_version=after.version)
    zoe = graded.grades("demo")[0]
    assert zoe.points == Fraction(21, 2)
    assert zoe.feedback == (
        "10.5 of 12 points\n\n"
        "Task 1 One: 4.5 of 6 (points set by a person)\n- so\n"
        "> points of a set by a person: 2.5\n> the idea is right\n\n"
        "Task 2 Two: 6 of 6\n\n"
        "> see page 7\n"
    )


# --- without a roster ---------------------------------------------------------------------------------


def test_without_a_roster_the_hand_ins_say_who_there_is(book):
    recorded(book, card("team", students=[Student("bob", "B"), Student("ada", "A")]), card("nameless", students=[]))
    assert [(one.id, one.name, one.points) for one in sorted(book.grades("demo"), key=lambda one: one.id)] == [
        ("ada", "A", 12), ("bob", "B", 12), ("nameless", "", 12),
    ]  # fmt: skip


def test_who_is_in_two_hand_ins_has_no_grade_until_a_person_says_which(book):
    recorded(book, card("one", students=[Student("ada")], a=0), card("two", students=[Student("ada")]), card("ben"))
    ada, ben = sorted(book.grades("demo"), key=lambda one: one.id)
    assert (ada.points, ada.reason) == (None, 'in 2 hand-ins ("one", "two"): a person says which of them counts')
    assert ben.points == 12


def test_a_hand_in_that_names_nobody_does_not_become_somebody_elses(book):
    recorded(book, card("ada", students=[]), card("x", students=[Student("ada")], a=0))
    [ada] = book.grades("demo")
    assert ada.points is None


# --- one rubric ------------------------------------------------------------------------------------------


@pytest.mark.fault("F22")
@pytest.mark.parametrize("change", [{"digest": "2" * 64}, {"due": DUE}, {"pass_points": 3, "digest": "3" * 64}])
def test_grades_by_two_forms_of_a_rubric_are_never_in_one_list(book, change):
    recorded(book, card("ada"), card("bob"), card("cyd"))
    book.record(with_facts(card("bob", by=rubric(**change))))
    with pytest.raises(UsageError, match=r"of 3 hand-ins, 2 and 1 were graded by different.*\n.*run-all") as raised:
        book.grades("demo")
    assert raised.value.problems[0].code == "mixed-rubrics"
    assert [count for _, _, count in book.mixed("demo")] == [2, 1]
    assert len(book.grades("demo", is_mixed_allowed=True)) == 3
    book.record(with_facts(*(card(name, by=rubric(**change)) for name in ("ada", "bob", "cyd"))))
    assert len(book.grades("demo")) == 3


def test_variants_of_one_rubric_belong_together(book):
    recorded(book, card("ada", variant="2023"), card("bob", variant="2024", by=rubric(digest="2" * 64)))
    assert len(book.grades("demo")) == 2


# --- what a student reads ----------------------------------------------------------------------------------


def test_no_student_reads_what_is_for_staff_nor_what_acts_in_a_terminal(book):
    a = replace(rubric().tasks[0].rules[0], visibility=Visibility.STAFF)
    by = rubric()
    by = replace(by, tasks=(replace(by.tasks[0], rules=(a, *by.tasks[0].rules[1:])), by.tasks[1]))
    recorded(book, card("ada", by=by, a=found(0, "copied from bob"), c=found(0, "\x1b[31mred\u202e")))
    [grade] = book.grades("demo")
    assert "copied" not in grade.feedback
    assert "\x1b" not in grade.feedback
    assert "\u202e" not in grade.feedback
    assert r"- \x1b[31mred\u202e" in grade.feedback


@pytest.mark.fault("F30")
def test_a_hundred_thousand_findings_are_counted_and_the_first_are_kept(book):
    many = tuple(Finding(Outcome.FAILED, f"wrong {number}", Fraction(0)) for number in range(100_000))
    recorded(book, card("ada", a=many, c=found(0, "the last")))
    [grade] = book.grades("demo")
    assert grade.points == 2
    assert f"{100_001 - MOST_FINDINGS:,} more findings are left out here" in grade.feedback
    assert grade.feedback.count("\n- ") == MOST_FINDINGS
    assert "- wrong 0\n" in grade.feedback


def test_feedback_says_what_waits_and_what_the_course_took(book):
    by = rubric(due=DUE, late=LatePolicy(Amount(Fraction(1))))
    recorded(book, card("ada", by=by, received_at=DUE + timedelta(hours=1), a=None))
    [grade] = book.grades("demo")
    assert grade.feedback.startswith("7 of 12 points, 4 more wait for a person\n")
    assert "- open: so\n" in grade.feedback
    assert "-1: 1 day late: handed in 2026-03-08 13:00:00 UTC" in grade.feedback
