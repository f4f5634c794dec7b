"""The rules of the course: what they add to the sum of the tasks, exactly, whatever is still open."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.cards import card_from, kept
from grader.documents import schema, validator
from grader.grading import our_faults
from grader.model import (
    Amount,
    Answer,
    Choice,
    Finding,
    LatePolicy,
    Outcome,
    Place,
    Rubric,
    Rule,
    Student,
    Submission,
    SubmittedFile,
    Task,
    Terms,
)
from grader.reports.scorecard import scorecard_json
from grader.scoring import has_passed, score

DUE = datetime(2026, 3, 8, 23, 59, tzinfo=UTC)
TEN = Amount(Fraction(1, 10), is_share=True)


def found(credit):
    """A finding: None waits for a person."""
    if credit is None:
        return (Finding(Outcome.UNKNOWN, "?"),)
    outcome = Outcome.PASSED if credit == 1 else Outcome.PARTIAL if credit else Outcome.FAILED
    return (Finding(outcome, "so", Fraction(credit)),)


def task(name, *rules, **more):
    points = sum((one.points for one in rules if not one.is_bonus and not one.is_deduction), Fraction(0))
    return Task(name, f"Task {name}", points, tuple(rules), **more)


def rule(name, points, **more):
    return Rule(name, "number", Fraction(points), {}, **more)


def card(tasks, earned, *, choices=(), submission=None, **terms):
    made = Rubric("a", "A", tuple(tasks), "a.yaml", "0" * 64, choices=tuple(choices), terms=Terms(**terms))
    one = submission or Submission("s", "a", Path("/nowhere"), students=(Student("s1"),))
    findings = {rule_: found(credit) for rule_, credit in earned.items()}
    return score(made, one, findings)


def said(card):
    return [(one.kind, one.points, one.open_points, one.said) for one in card.adjustments]


# --- whatever the rubric is -----------------------------------------------------------------------

CREDITS = st.one_of(st.none(), st.fractions(0, 1, max_denominator=7))
POINTS = st.fractions(0, 20, max_denominator=12)
AMOUNTS = st.builds(Amount, st.fractions(0, 1, max_denominator=20), st.booleans())


@st.composite
def graded(draw):
    """A rubric with choices, deductions, bonus and lateness, and how far everybody came."""
    tasks, choices, earned = [], [], {}
    for number in range(draw(st.integers(0, 2))):
        size = draw(st.integers(2, 4))
        worth = draw(POINTS)
        names = [f"c{number}{at}" for at in range(size)]
        tasks += [task(name, rule(name, worth), *extras(draw, name)) for name in names]
        choices.append(Choice(tuple(names), draw(st.integers(1, size - 1))))
    for number in range(draw(st.integers(1, 3))):
        name = f"t{number}"
        tasks.append(task(name, rule(name, draw(POINTS)), *extras(draw, name)))
    for one in (one for each in tasks for one in each.rules):
        earned[one.id] = draw(CREDITS)
    late = draw(
        st.none()
        | st.builds(
            LatePolicy, per_day=AMOUNTS, is_of_earned=st.booleans(), cap=st.none() | AMOUNTS,
            accepted=st.none() | st.just(timedelta(days=3)),
        )
    )  # fmt: skip
    return tasks, choices, earned, late, draw(st.none() | st.integers(-2, 6))


def extras(draw, name):
    if draw(st.booleans()):
        yield rule(f"{name}-bonus", draw(POINTS), is_bonus=True)
    if draw(st.booleans()):
        yield rule(f"{name}-minus", draw(POINTS), is_deduction=True)
    if draw(st.booleans()):
        yield rule(f"{name}-ramp", draw(POINTS), is_bonus=True, ramp=(Fraction(1, 3), Fraction(2, 3)))


def made(tasks, choices, earned, late, days):
    received = None if days is None else DUE + timedelta(days=days)
    one = Submission("s", "a", Path("/nowhere"), students=(Student("s1"),), received_at=received)
    return card(tasks, earned, choices=choices, submission=one, due=DUE, late=late)


@settings(max_examples=50)
@given(graded())
def test_the_lines_of_a_card_add_up_exactly(case):
    result = made(*case)
    parts = (*result.tasks, *result.adjustments)
    for number in ("points", "max_points", "open_points"):
        assert getattr(result, number) == sum(getattr(part, number) for part in parts)


@settings(max_examples=50)
@given(graded())
def test_points_are_never_below_0_nor_above_the_maximum_and_the_bonus(case):
    result = made(*case)
    bonus = sum(one.points for each in case[0] for one in each.rules if one.is_bonus)
    assert result.points >= 0
    assert result.open_points >= 0
    assert result.points + result.open_points <= result.max_points + bonus


@settings(max_examples=50)
@given(graded(), st.data())
def test_whatever_a_person_decides_stays_between_what_is_decided_and_what_is_open(case, data):
    tasks, choices, earned, late, days = case
    before = made(*case)
    decided = {name: data.draw(st.fractions(0, 1, max_denominator=5)) if credit is None else credit
               for name, credit in earned.items()}  # fmt: skip
    result = made(tasks, choices, decided, late, days)
    assert result.open_points == 0
    assert before.points <= result.points <= before.points + before.open_points


@settings(max_examples=50)
@given(graded(), st.randoms(use_true_random=False))
def test_the_order_of_the_tasks_does_not_matter(case, random):
    tasks, choices, *rest = case
    turned = random.sample(tasks, len(tasks))
    one, other = made(tasks, choices, *rest), made(turned, choices[::-1], *rest)
    assert (one.points, one.max_points, one.open_points) == (other.points, other.max_points, other.open_points)


@settings(max_examples=50)
@given(graded())
def test_a_card_with_every_rule_of_the_course_is_kept_without_a_loss_and_fits_the_published_form(case):
    result = made(*case)
    assert card_from(json.loads(json.dumps(kept(result)))) == result
    assert list(validator(schema("scorecard")).iter_errors(scorecard_json(result))) == []


# --- choose k of n --------------------------------------------------------------------------------


@given(st.lists(st.fractions(0, 1, max_denominator=9), min_size=2, max_size=6), st.data())
def test_the_best_k_are_the_best_of_all_choices(earned, data):
    names = [f"t{at}" for at in range(len(earned))]
    count = data.draw(st.integers(1, len(names) - 1))
    tasks = [task(name, rule(name, 5)) for name in names]
    result = card(tasks, dict(zip(names, earned, strict=True)), choices=[Choice(tuple(names), count)])
    assert result.points == max(sum(some) for some in combinations([5 * credit for credit in earned], count))
    assert result.max_points == 5 * count
    assert sum(one.is_counted for one in result.tasks) == count


def three(*earned):
    tasks = [task(name, rule(name, 4)) for name in "abc"]
    return card(tasks, dict(zip("abc", earned, strict=True)), choices=[Choice(("a", "b", "c"), 2)])


def test_the_line_says_which_tasks_count_and_the_other_says_that_it_does_not():
    result = three(Fraction(1, 2), 0, 1)
    assert said(result) == [("choice", 0, 0, "of the tasks a, b and c the best 2 count: a and c")]
    assert [one.is_counted for one in result.tasks] == [True, False, True]
    assert (result.points, result.max_points) == (6, 8)


def test_the_worst_of_three_costs_its_points_in_a_line_of_its_own():
    assert said(three(1, Fraction(1, 4), 1)) == [("choice", -1, 0, "of the tasks a, b and c the best 2 count: a and c")]


def test_while_points_are_open_the_choice_is_open_where_they_decide_on_it():
    result = three(1, Fraction(1, 2), None)
    assert (result.points, result.open_points) == (6, 2)
    assert all(one.is_counted for one in result.tasks)
    assert said(result) == [
        ("choice", 0, -2, "of the tasks a, b and c the best 2 count; which ones depends on points that are open")
    ]


def test_open_points_that_cannot_change_the_choice_leave_it_decided():
    result = three(1, 1, None)
    assert (result.points, result.open_points) == (8, 0)
    assert [one.is_counted for one in result.tasks] == [True, True, False]


# --- optional tasks -------------------------------------------------------------------------------

ROWS = [{"layer": "conv1", "output": None}]
OPTIONAL = task("2", rule("extra", 4, answer="extra"), is_optional=True, pass_points=Fraction(1),
                signs=(frozenset({"extra"}), frozenset({"extra/*.py"})))  # fmt: skip
TASKS = [task("1", rule("base", 6)), OPTIONAL]


def handed_in(*, answers=(), files=(), **more):
    return Submission(
        "s", "a", Path("/nowhere"),
        files=tuple(SubmittedFile(path, 1, digest) for path, digest in files),
        answers={key: Answer(value, Place("answers.json")) for key, value in answers}, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("submission", "is_counted"),
    [
        pytest.param(handed_in(), False, id="nothing of it"),
        pytest.param(handed_in(answers=[("extra", None)]), False, id="an answer of null"),
        pytest.param(handed_in(answers=[("extra", {"value": " ", "_n": "later"})]), False, id="a blank and a comment"),
        pytest.param(handed_in(answers=[("extra", ROWS)]), False, id="the template's rows"),
        pytest.param(handed_in(answers=[("other", 3)]), False, id="an answer of another task"),
        pytest.param(handed_in(files=[("extra/net.py", "given")]), False, id="the template's file as it is"),
        pytest.param(handed_in(files=[("model.py", "mine")]), False, id="a file of another task"),
        pytest.param(handed_in(answers=[("extra", 0)]), True, id="an answer of 0"),
        pytest.param(handed_in(answers=[("extra", [{"layer": "conv1", "output": 5}])]), True, id="a row filled in"),
        pytest.param(handed_in(files=[("extra/net.py", "mine")]), True, id="a file of its own"),
    ],
)  # fmt: skip
def test_an_optional_task_counts_once_there_is_an_answer_or_a_file_of_it(submission, is_counted):
    result = card(TASKS, {"base": 1, "extra": 0}, submission=submission, given_files=frozenset({"given"}),
                  given_answers={"extra": ROWS})  # fmt: skip
    assert (result.points, result.max_points, result.open_points) == (6, 10 if is_counted else 6, 0)
    assert result.tasks[1].is_counted is is_counted


def test_an_optional_task_that_was_left_out_waits_for_nobody():
    """Neither for a person, nor for a data set that is missing."""
    result = card(TASKS, {"base": 1, "extra": None}, submission=handed_in())
    assert (result.open_points, our_faults(result)) == (0, [])
    attempted = card(TASKS, {"base": 1, "extra": None}, submission=handed_in(answers=[("extra", 3)]))
    assert (attempted.open_points, our_faults(attempted)) == (4, ["extra"])


def test_what_cannot_be_read_leaves_open_whether_it_was_attempted():
    broken = {"base": found(None), "extra": (Finding(Outcome.UNKNOWN, "?", code="unread-answers"),)}
    rubric = Rubric("a", "A", tuple(TASKS), "a.yaml", "0" * 64)
    for submission, findings in (
        (handed_in(), broken),
        (handed_in(is_readable=False), {"base": found(None), "extra": found(None)}),
    ):
        result = score(rubric, submission, findings)
        assert (result.max_points, result.open_points, result.tasks[1].is_counted) == (10, 10, True)
        assert result.tasks[1].note == "optional; whether it was attempted cannot be seen"


# --- deductions, ramps ----------------------------------------------------------------------------


def test_a_deduction_takes_its_points_where_it_failed_and_gives_none_where_it_did_not():
    tasks = [task("1", rule("base", 6), rule("format", 2, is_deduction=True))]
    for credit, points in ((1, 6), (Fraction(1, 2), 5), (0, 4)):
        result = card(tasks, {"base": 1, "format": credit})
        assert (result.points, result.max_points, result.open_points) == (points, 6, 0)
    waiting = card(tasks, {"base": 1, "format": None})
    assert (waiting.points, waiting.open_points) == (4, 2)


def test_deductions_take_from_all_tasks_and_never_below_0():
    tasks = [task("1", rule("base", 6)), task("format", rule("name", 4, is_deduction=True))]
    assert card(tasks, {"base": 1, "name": 0}).points == 2
    result = card(tasks, {"base": Fraction(1, 2), "name": 0})
    assert result.points == 0
    assert said(result) == [("floor", 1, 0, "deductions take no more than there is")]


@pytest.mark.parametrize(("credit", "points"), [(0, 0), ("1/2", 0), ("3/4", 2), ("9/10", "16/5"), (1, 4)])
def test_a_ramp_earns_nothing_up_to_its_foot_and_everything_from_its_top(credit, points):
    [one] = card([task("1", rule("r", 4, ramp=(Fraction(1, 2), Fraction(1))))], {"r": Fraction(credit)}).tasks
    assert one.points == Fraction(points)


# --- lateness -------------------------------------------------------------------------------------


def late(days, credit=1, *, extensions=None, submission=None, **policy):
    received = None if days is None else DUE + timedelta(days=days)
    one = submission or Submission("s", "a", Path("/nowhere"), students=(Student("s1"),), received_at=received)
    terms = {"due": DUE, "late": LatePolicy(**policy), "extensions": extensions or {}}
    return card([task("1", rule("r", 20), rule("b", 4, is_bonus=True))], {"r": credit, "b": 0}, submission=one, **terms)


@pytest.mark.parametrize(
    ("days", "policy", "points"),
    [
        pytest.param(0, {"per_day": TEN}, 10, id="to the second"),
        pytest.param(1, {"per_day": TEN}, 8, id="a tenth of the maximum"),
        pytest.param(1, {"per_day": TEN, "is_of_earned": True}, 9, id="a tenth of what was earned"),
        pytest.param(2, {"per_day": Amount(Fraction(3))}, 4, id="points for each day"),
        pytest.param(30, {"per_day": TEN}, 0, id="never below 0"),
        pytest.param(30, {"per_day": TEN, "cap": Amount(Fraction(1, 4), is_share=True)}, 5, id="at most a quarter"),
        pytest.param(30, {"per_day": TEN, "cap": Amount(Fraction(7))}, 3, id="at most seven points"),
        pytest.param(3, {"accepted": timedelta(days=3)}, 10, id="still accepted, and free"),
        pytest.param(3.001, {"accepted": timedelta(days=3)}, 0, id="no longer accepted"),
        pytest.param(0.01, {"per_day": TEN, "grace": timedelta(minutes=15)}, 10, id="within the grace"),
        pytest.param(
            0.02, {"per_day": TEN, "grace": timedelta(minutes=15)}, 8, id="past the grace: late from the start"
        ),
        pytest.param(None, {"per_day": TEN}, 10, id="nobody knows when"),
    ],
)
def test_lateness_takes_what_the_policy_says(days, policy, points):
    assert late(days, Fraction(1, 2), **policy).points == points


def test_the_line_says_when_it_came_when_it_was_due_and_what_that_costs():
    result = late(1.5, per_day=TEN, cap=Amount(Fraction(1, 2), is_share=True))
    [(kind, points, waiting, sentence)] = said(result)
    assert (kind, points, waiting) == ("late", -4, 0)
    assert sentence == (
        "2 days late: handed in 2026-03-10 11:59:00 UTC, due 2026-03-08 23:59:00 UTC; "
        "10% of the maximum for each day begun, at most 50% of the maximum"
    )


def test_where_the_time_is_not_known_nothing_is_taken_and_a_person_is_told():
    [line] = late(None, per_day=TEN).adjustments
    assert (line.points, line.open_points, line.needs_person) == (0, 0, True)
    naive = Submission("s", "a", Path("/nowhere"), received_at=datetime(2030, 1, 1))  # noqa: DTZ001  that is the case
    [line] = late(1, submission=naive, per_day=TEN).adjustments
    assert line.needs_person


@pytest.mark.parametrize(
    ("is_late", "needs_person", "word"),
    [(None, True, "is not known here"), (True, True, "marks this as late"), (False, False, "does not mark")],
)
def test_where_the_lms_says_late_or_not_and_no_time_a_person_looks_at_who_is_late_alone(is_late, needs_person, word):
    """Canvas: else a whole class would wait for a person because nobody knows when it was handed in."""
    one = Submission("s", "a", Path("/nowhere"), is_late=is_late)
    result = late(None, submission=one, per_day=TEN)
    [line] = result.adjustments
    assert (line.points, line.open_points, line.needs_person) == (0, 0, needs_person)
    assert word in line.said


def test_the_lms_mark_is_not_asked_where_the_time_is_known():
    one = Submission("s", "a", Path("/nowhere"), received_at=DUE + timedelta(days=1), is_late=False)
    assert late(None, submission=one, per_day=TEN).adjustments[0].points == -2


def test_without_the_file_of_extensions_nothing_is_taken_and_it_is_named():
    tasks = [task("1", rule("r", 20))]
    one = Submission("s", "a", Path("/nowhere"), received_at=DUE + timedelta(days=9))
    result = card(tasks, {"r": 1}, submission=one, due=DUE, late=LatePolicy(TEN), missing=("later.csv",))
    assert result.points == 20
    [line] = result.adjustments
    assert line.needs_person
    assert "without later.csv, which is not here, lateness cannot be counted, so nothing is deducted" in line.said


def test_lateness_counts_against_decided_and_open_points():
    result = late(2, None, per_day=Amount(Fraction(3)))
    assert (result.points, result.open_points) == (0, 14)


def test_an_extension_of_one_holds_for_the_group_and_is_named():
    group = Submission("s", "a", Path("/nowhere"), students=(Student("s1"), Student("s2")),
                       received_at=DUE + timedelta(days=2))  # fmt: skip
    result = late(2, submission=group, per_day=TEN, extensions={"s2": DUE + timedelta(days=3), "x": DUE})
    assert result.points == 20
    [line] = result.adjustments
    assert line.said.endswith("due 2026-03-11 23:59:00 UTC, by the extension of s2")
    shorter = late(2, submission=group, per_day=TEN, extensions={"s2": DUE - timedelta(days=3)})
    assert shorter.points == 16


def test_without_a_policy_or_without_a_due_time_nothing_is_taken():
    one = Submission("s", "a", Path("/nowhere"), received_at=DUE + timedelta(days=9))
    tasks = [task("1", rule("r", 20))]
    told = card(tasks, {"r": 1}, submission=one, due=DUE)
    assert (told.points, [line.points for line in told.adjustments]) == (20, [0])
    assert card(tasks, {"r": 1}, submission=one, late=LatePolicy(TEN)).adjustments == ()


# --- groups, pass lines ---------------------------------------------------------------------------


def test_a_group_that_is_too_large_is_told_and_costs_nothing():
    three_of_them = Submission("s", "a", Path("/nowhere"), students=tuple(map(Student, "abc")))
    result = card(TASKS[:1], {"base": 1}, submission=three_of_them, group_limit=2)
    assert result.points == 6
    assert [(line.kind, line.needs_person) for line in result.adjustments] == [("group", True)]
    twice = Submission("s", "a", Path("/nowhere"), students=(Student("a"), Student("a"), Student("b")))
    assert card(TASKS[:1], {"base": 1}, submission=twice, group_limit=2).adjustments == ()


@pytest.mark.parametrize(
    ("one", "two", "passed"),
    [(1, 1, True), (1, 0, False), (0, 1, False), (1, None, None), (None, 0, False), (None, None, None)],
)
def test_to_pass_takes_the_points_and_those_of_every_task_that_asks_for_some(one, two, passed):
    tasks = [task("1", rule("x", 6)), task("2", rule("y", 4), pass_points=Fraction(2))]
    result = replace(card(tasks, {"x": one, "y": two}), pass_points=Fraction(5))
    assert has_passed(result) is passed


def test_an_optional_task_that_was_left_out_is_not_needed_to_pass():
    result = card(TASKS, {"base": 1, "extra": 0}, submission=handed_in())
    assert has_passed(replace(result, pass_points=Fraction(6))) is True


def test_there_is_nothing_to_pass_without_a_line():
    with pytest.raises(ValueError, match="no pass line"):
        has_passed(card(TASKS[:1], {"base": 1}))
