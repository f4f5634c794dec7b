"""A mutant's card against the reference's: caught, left to a person, missed, noticed elsewhere, not judged here."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from grader.checks.base import failed, passed, review
from grader.model import (
    Answer,
    Finding,
    Outcome,
    Place,
    Rubric,
    Rule,
    Submission,
    Task,
)
from grader.mutants.kind import Spot, all_kinds
from grader.mutants.original import Original
from grader.mutants.trial import Verdict, held
from grader.reports.mutants import json_of, summary
from grader.scoring import score

KIND = next(iter(all_kinds().values()))
RULES = [Rule(name, "number", Fraction(2), {"expected": 1}, answer=f"{name}_answer") for name in ("first", "second")]
RUBRIC = Rubric("a", "A", tuple(Task(f"task {rule.id}", "", Fraction(2), (rule,)) for rule in RULES), "a.yaml", "0")
ANSWERS = {rule.answer: Answer(1, Place("answers.json")) for rule in RULES}
SUBMISSION = Submission("reference", "a", Path(), answers=ANSWERS)


def card(first, second):
    return score(RUBRIC, SUBMISSION, {"first": [first], "second": [second]})


@pytest.fixture
def verdict():
    original = Original(RUBRIC, SUBMISSION, card(passed("right"), passed("right")))

    def of(first, second, touched=("answers.json#first_answer",)):
        spot = Spot("one answer is changed", ("first",))
        return held(original, KIND, spot, card(first, second), frozenset(touched))

    return of


OURS = Finding(Outcome.UNKNOWN, "the image set is missing", code="no-data-set")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(failed("wrong"), passed("right"), Verdict.CAUGHT, id="points lost where they must be"),
        pytest.param(review("look"), passed("right"), Verdict.ASKED, id="a person is asked, nothing proposed"),
        pytest.param(review("look", credit=Fraction(1)), passed("right"), Verdict.ASKED, id="a person is asked"),
        pytest.param(passed("right"), passed("right"), Verdict.MISSED, id="nothing noticed"),
        pytest.param(passed("right"), failed("wrong"), Verdict.MISSED, id="noticed at the wrong task only"),
        pytest.param(failed("wrong"), failed("wrong"), Verdict.ELSEWHERE, id="noticed, and elsewhere too"),
        pytest.param(OURS, passed("right"), Verdict.SKIPPED, id="a fault of ours is no catch"),
    ],
)
def test_a_mutant_is_judged_by_the_rules_that_read_it(verdict, first, second, expected):
    assert verdict(first, second).verdict is expected


def test_a_rule_that_reads_what_was_changed_may_lose_too(verdict):
    both = ("answers.json#first_answer", "answers.json#second_answer")
    assert verdict(failed("wrong"), failed("wrong"), touched=both).verdict is Verdict.CAUGHT


def test_what_waits_for_a_rule_that_failed_is_not_elsewhere(verdict):
    waits = Finding(Outcome.UNKNOWN, "not looked at", code="builds-on-failed")
    assert verdict(failed("wrong"), waits).verdict is Verdict.CAUGHT


def test_every_loss_is_told_with_its_task(verdict):
    trial = verdict(failed("wrong"), failed("wrong as well"))
    assert [(loss.task, loss.rule, loss.points) for loss in trial.losses] == [
        ("task first", "first", 2),
        ("task second", "second", 2),
    ]
    assert [loss.rule for loss in trial.elsewhere] == ["second"]
    assert "second (task task second) reads nothing of it" in trial.why


def test_a_missed_mutant_fails_the_rubric_and_a_skipped_one_does_not(verdict):
    from grader.documents import schema, validator
    from grader.mutants.trial import Tested

    reference = card(passed("right"), passed("right"))
    caught, skipped = verdict(failed("wrong"), passed("right")), verdict(OURS, passed("right"))
    tested = Tested(RUBRIC, reference, (), {}, (caught, skipped))
    assert tested.is_passed
    assert summary(tested) == "2 mutants of 1 kinds: 1 caught, 0 missed, 1 skipped"
    missed = replace(tested, trials=(caught, verdict(passed("right"), passed("right"))))
    assert not missed.is_passed
    for one in (tested, missed):
        assert list(validator(schema("rubric-test")).iter_errors(json_of(one))) == []
