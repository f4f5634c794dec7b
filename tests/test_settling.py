"""What people decide is counted by the rules that made the card: exactly as if the findings had earned those points."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.cards import card_from, kept
from grader.model import (
    Answer,
    Decision,
    DecisionKind,
    Finding,
    Outcome,
    Place,
    Student,
    Submission,
)
from grader.scoring import score
from grader.settling import bounds, ground, in_force, marked, settle
from tests.test_adjusting import Rubric, Terms, card, found, graded, made, rule, task

AT = datetime(2026, 3, 9, tzinfo=UTC)


def override(number, of, rule_="", points=Fraction(0), **more):
    return Decision(number, DecisionKind.OVERRIDE, of, rule_, Fraction(points), "", "so", "ta", AT, "", **more)


def numbers(result):
    """All that is counted, without the words and the findings."""
    tasks = [
        (one.task, one.points, one.max_points, one.open_points, one.is_counted, one.pass_points) for one in result.tasks
    ]
    return tasks, result.adjustments, result.points, result.max_points, result.open_points


def owners(tasks):
    return {one.id: (each.id, one) for each in tasks for one in each.rules}


def worth(one, share):
    """The points of a rule for a share of what it decides on."""
    return one.points * (share - 1) if one.is_deduction else one.points * share


def credit_for(one, share):
    """The credit that earns this share."""
    if one.ramp is None:
        return share
    foot, top = one.ramp
    return foot + share * (top - foot)


@settings(max_examples=60)
@given(graded())
def test_with_no_decision_the_card_comes_back(case):
    result = made(*case)
    assert settle(result, ()) == result
    assert settle(card_from(kept(result)), ()) == result, "also after it was kept"


@settings(max_examples=120)
@given(graded(), st.data())
def test_an_override_counts_as_if_the_findings_had_given_those_points(case, data):
    tasks, choices, earned, late, days = case
    there = owners(tasks)
    chosen = data.draw(st.lists(st.sampled_from(sorted(there)), unique=True))
    shares = {name: data.draw(st.fractions(0, 1, max_denominator=9)) for name in chosen}
    decisions = [
        override(number, there[name][0], name, worth(there[name][1], shares[name]))
        for number, name in enumerate(chosen)
    ]
    wanted = {**earned, **{name: credit_for(there[name][1], share) for name, share in shares.items()}}
    as_earned = made(tasks, choices, wanted, late, days)
    assert numbers(settle(made(*case), decisions)) == numbers(as_earned)


@settings(max_examples=60)
@given(graded(), st.data())
def test_the_points_of_a_whole_task_count_as_if_its_rules_had_given_them(case, data):
    tasks, choices, earned, late, days = case
    whole = data.draw(st.sampled_from(tasks))
    shares = {one.id: data.draw(st.fractions(0, 1, max_denominator=9)) for one in whole.rules}
    points = sum(worth(one, shares[one.id]) for one in whole.rules)
    wanted = {**earned, **{one.id: credit_for(one, shares[one.id]) for one in whole.rules}}
    result = settle(made(*case), [override(1, whole.id, points=points)])
    assert numbers(result) == numbers(made(tasks, choices, wanted, late, days))


@settings(max_examples=60)
@given(graded())
def test_overriding_every_rule_to_its_most_gives_the_full_card(case):
    tasks, choices, earned, late, days = case
    result = made(*case)
    decisions = [
        override(number, of, name, bounds(result, of, name)[1])
        for number, (name, (of, _)) in enumerate(owners(tasks).items())
    ]
    full = made(tasks, choices, dict.fromkeys(earned, Fraction(1)), late, days)
    assert numbers(settle(result, decisions)) == numbers(full)
    assert settle(result, decisions).open_points == 0
    by_task = [override(number, one.id, "", bounds(result, one.id)[1]) for number, one in enumerate(tasks)]
    assert numbers(settle(result, by_task)) == numbers(full)


@settings(max_examples=60)
@given(graded(), st.data())
def test_whatever_is_set_the_lines_add_up_and_stay_within_what_can_be_had(case, data):
    tasks = case[0]
    there = owners(tasks)
    places = [(of, name) for name, (of, _) in there.items()] + [(one.id, "") for one in tasks]
    chosen = data.draw(st.lists(st.sampled_from(places), max_size=6))
    decisions = [
        override(number, *place, data.draw(st.fractions(-30, 30, max_denominator=7)))
        for number, place in enumerate(chosen)
    ]
    result = settle(made(*case), decisions)
    for number in ("points", "max_points", "open_points"):
        assert getattr(result, number) == sum(getattr(part, number) for part in (*result.tasks, *result.adjustments))
    bonus = sum(one.points for _, one in there.values() if one.is_bonus)
    assert 0 <= result.points <= result.points + result.open_points <= result.max_points + bonus


# --- which one holds ------------------------------------------------------------------------------

TASKS = [task("1", rule("a", 4), rule("b", 2)), task("2", rule("c", 6))]


def simple(**earned):
    return card(TASKS, {"a": Fraction(1, 2), "b": None, "c": 1, **earned})


def points_of(result, of):
    return next(one.points for one in result.tasks if one.task == of)


def test_of_several_on_one_place_the_latest_holds_and_undone_it_is_the_one_before():
    first, second = override(1, "1", "a", 1), override(2, "1", "a", 4)
    assert points_of(settle(simple(), [second, first]), "1") == 4
    assert points_of(settle(simple(), [first, replace(second, is_undone=True)]), "1") == 1
    assert settle(simple(), [replace(first, is_undone=True)]) == simple()


def test_the_points_of_a_task_go_before_those_of_its_rules():
    whole, part = override(1, "1", "", 5), override(2, "1", "a", 0)
    assert points_of(settle(simple(), [whole, part]), "1") == 5
    assert set(in_force(simple(), [whole, part])) == {("1", "")}


def test_an_override_closes_the_open_points_of_what_it_decides_on_and_no_others():
    assert simple().open_points == 2
    assert settle(simple(), [override(1, "1", "a", 1)]).open_points == 2
    assert settle(simple(), [override(1, "1", "b", 1)]).open_points == 0
    closed = settle(simple(), [override(1, "1", "", 1)])
    assert closed.open_points == 0
    assert [one.open_points for one in closed.tasks[0].rules] == [0, 0]


def test_one_on_what_the_card_no_longer_has_changes_nothing_and_is_flagged():
    gone = override(1, "1", "gone", 3)
    assert settle(simple(), [gone]) == simple()
    assert [one.is_moved for one in marked(simple(), [replace(gone, ground="0" * 64)])] == [True]


def test_points_that_can_no_longer_be_had_are_taken_to_the_nearest_that_can():
    assert points_of(settle(simple(), [override(1, "1", "a", 9)]), "1") == 4
    assert points_of(settle(simple(), [override(1, "1", "a", -9)]), "1") == 0


def test_a_comment_moves_no_point():
    said = Decision(1, DecisionKind.COMMENT, "1", "a", None, "well done", "", "ta", AT, "")
    assert settle(simple(), [said]) == simple()


def test_who_reads_the_task_sees_that_a_person_set_its_points():
    assert settle(simple(), [override(1, "1", "a", 1)]).tasks[0].note == "points set by a person"
    assert settle(simple(), [override(1, "1", "a", 1)]).tasks[1].note == ""


# --- an optional task that was left out ------------------------------------------------------------


def with_optional(*, is_attempted):
    more = task("more", rule("m", 3), rule("n", 1), is_optional=True, pass_points=Fraction(2))
    more = replace(more, signs=(frozenset({"more"}), frozenset()))
    rubric = Rubric("a", "A", (TASKS[1], more), "a.yaml", "0" * 64, terms=Terms())
    answers = {"more": Answer(7, Place("answers.json"))} if is_attempted else {}
    one = Submission("s", "a", Path("/nowhere"), students=(Student("s1"),), answers=answers)
    return score(rubric, one, {"c": found(1), "m": found(Fraction(1, 3)), "n": found(None)})


def test_who_decides_on_an_optional_task_that_was_not_attempted_says_that_it_was():
    left_out, attempted = with_optional(is_attempted=False), with_optional(is_attempted=True)
    assert (left_out.max_points, attempted.max_points) == (6, 10)
    assert bounds(left_out, "more") == (0, 4)
    decisions = [override(1, "more", "m", 2)]
    assert numbers(settle(left_out, decisions)) == numbers(settle(attempted, decisions))
    assert settle(left_out, decisions).tasks[1].rules[1].findings == found(None)
    assert settle(left_out, ()) == left_out


# --- the ground -----------------------------------------------------------------------------------


def test_the_ground_is_what_was_found_there_and_what_it_is_worth():
    before = simple()
    assert ground(before, "1", "a") == ground(simple(c=0), "1", "a"), "another task is other ground"
    assert ground(before, "1") != ground(simple(b=1), "1")
    assert ground(before, "") != ground(simple(b=1), "")
    assert ground(before, "1", "a") != ground(simple(a=1), "1", "a")
    dearer = card([task("1", rule("a", 5), rule("b", 2)), TASKS[1]], {"a": Fraction(1, 2), "b": None, "c": 1})
    assert ground(before, "1", "a") != ground(dearer, "1", "a")
    assert ground(before, "1", "b") == ground(dearer, "1", "b")
    assert ground(before, "1", "zz") == ground(before, "zz") == ""


@pytest.mark.parametrize(
    "change",
    [{"said": "other"}, {"observed": "2"}, {"expected": "2"}, {"code": "x"}, {"place": Place("a.py", line=2)},
     {"outcome": Outcome.REVIEW}, {"weight": Fraction(2)}],
)  # fmt: skip
def test_a_finding_that_says_anything_else_is_other_ground(change):
    one = Finding(Outcome.PARTIAL, "so", Fraction(1, 2))
    rubric = Rubric("a", "A", (TASKS[1],), "a.yaml", "0" * 64)
    made_of = [
        score(rubric, Submission("s", "a", Path("/nowhere")), {"c": (finding,)})
        for finding in (one, replace(one, **change), replace(one, fix="do it otherwise"))
    ]
    assert ground(made_of[0], "2", "c") != ground(made_of[1], "2", "c")
    assert ground(made_of[0], "2", "c") == ground(made_of[2], "2", "c"), "the advice is none of it"
