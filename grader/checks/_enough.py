"""Does a claim reach what is demanded of it, and not only by its rounding?"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from grader.answers.granularity import possible_counts
from grader.answers.numbers import Number
from grader.answers.writing import spoken
from grader.checks._lint import as_meant
from grader.checks._recomputed import Recomputed, compare
from grader.checks._settings import percent
from grader.checks.base import failed, passed, review, shown
from grader.model import Finding, Json


def threshold(
    settings: Mapping[str, Json],
    number: Number,
    value: Fraction,
    real: Recomputed | None,
    details: Mapping[str, Json],
) -> Finding:
    """Does the claim reach the demand? Where rounding decides it, the recomputed value does, or a person."""
    least = as_meant(settings["at_least"])
    is_accuracy = settings.get("about") == "accuracy"
    claimed, asked = (percent(v, 4) if is_accuracy else spoken(v) for v in (value, least))
    details = {**details, "expected": f"at least {asked}"}
    agrees = real is not None and compare(settings, number, real).agrees
    if number.bound == "below":
        said = f"{shown(number.written, 60)} is a bound from above, and {asked} are asked"
        return failed(said, **details, fix="report the value", code="below-demand")
    if real is not None and agrees and real.value < least <= value:
        said = f"the claim of {claimed} reaches the {asked} that are asked by its rounding only: it is {real.said}"
        return review(said, **details, fix="report the number with all its digits", code="demand-by-rounding")
    if value >= least:
        said = f"the claim of {claimed} reaches the {asked} that are asked"
        return passed(said, **{**details, "expected": ""}, code="demand-reached")
    if real is not None and real.value >= least:
        said = f"less than the {asked} that are asked is claimed, but {real.said} is reached"
        return passed(said, **details, code="demand-reached")
    if real is None and is_accuracy and _highest(settings, number) >= least:
        said = f"the claim of {claimed} has too few digits to tell whether it reaches the {asked} that are asked"
        return review(said, **details, fix="report the number with all its digits", code="too-coarse")
    return failed(
        f"the claim of {claimed} is below the {asked} that are asked",
        **details,
        fix="improve the result, and report the new one",
        code="below-demand",
    )


def _highest(settings: Mapping[str, Json], number: Number) -> Fraction:
    """The highest accuracy that is rounded to what is written; 0 where n is not known, or no value is stated."""
    n = settings.get("of", {}).get("n")
    if n is None or number.bound or number.is_approximate:
        return Fraction(0)
    counts = possible_counts(number, n)
    found = [part[-1] for part in (counts.rounded, counts.tie, counts.float32) if part]
    return Fraction(max(found, default=0), n)
