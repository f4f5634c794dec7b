"""Every kind of mutant is applied somewhere, and noticed where it must be; no rule takes points for another's slip."""

import pytest

from grader.mutants.kind import all_kinds
from grader.mutants.trial import Verdict

pytestmark = [pytest.mark.sandbox, pytest.mark.torch]

# What takes image sets or pretrained weights: tried with the assignments that have them.
ELSEWHERE = {
    "frozen-not-frozen",
    "gives-its-input",
    "head-not-replaced",
    "image-inverted",
    "images-too-few",
    "maps-mirrored",
    "prediction-edited",
}


def faults(tested):
    return [(trial.kind, trial.said, trial.why) for trial in tested.trials if trial.is_fault]


def kinds(tested, *verdicts):
    return {trial.kind for trial in tested.trials if trial.verdict in verdicts}


@pytest.fixture(scope="module")
def rest(workshop, tried, digits):
    """In the workshop, what digits has no rule for."""
    return tried(workshop, "workshop", only=sorted(kinds(digits, Verdict.NOT_APPLICABLE)))


def test_digits_has_full_marks_and_notices_every_mutant(digits):
    assert digits.short == ()
    assert faults(digits) == []
    assert (digits.card.points, digits.card.open_points, digits.count(Verdict.SKIPPED)) == (20, 0, 0)
    assert len(kinds(digits, Verdict.CAUGHT)) >= 30


def test_the_workshop_notices_what_digits_does_not_ask_for(rest):
    assert [(loss.rule, loss.said) for loss in rest.short] == []
    assert faults(rest) == []


def test_every_kind_is_tried_somewhere(digits, rest):
    noticed = (Verdict.CAUGHT, Verdict.ASKED)
    assert set(all_kinds()) - kinds(digits, *noticed) - kinds(rest, *noticed) == ELSEWHERE
    assert len(all_kinds()) >= 30
