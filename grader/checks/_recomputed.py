"""What is the claimed number really? Counted by the checkpoint, or computed from the layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from grader.answers.digits import Reading
from grader.answers.granularity import claim_of, possible_counts
from grader.answers.numbers import Number
from grader.checks._edition import may_cost, named
from grader.checks._lint import as_meant
from grader.checks._network import built
from grader.checks._settings import percent
from grader.evidence.jobs import describe_job, missing_files, predict_job
from grader.frozen import dataclass
from grader.model import Job, Json, Submission

_COARSEST = Fraction(1, 100)  # an accuracy says at least whole percents; JSON writes 0.90 as 0.9


@dataclass(frozen=True)
class Recomputed:
    """The value, and how it reads. `correct` and `n` where images were counted.

    `may_cost` is how much higher the value might be on the released images, where it was counted on a copy of others.
    """

    value: Fraction
    said: str
    correct: int = 0
    n: int = 0
    may_cost: Fraction = Fraction(0)


@dataclass(frozen=True)
class Comparison:
    """How a claim stands to the recomputed value. `is_too_coarse`: it agrees only as far as its few digits go.

    `gap` is by how much an accuracy is claimed too high, as a share of 1.
    """

    agrees: bool
    is_too_high: bool = False
    is_too_coarse: bool = False
    gap: Fraction = Fraction(0)


def job_of(settings: Mapping[str, Json], submission: Submission) -> Job | None:
    """The job that recomputes the claim; None where none is needed. Its files must be there."""
    how = settings.get("recompute", {})
    if how.get("from") == "predict":
        return predict_job(submission, settings["model"], data=how["data"], split=how["split"])
    return describe_job(submission, settings["model"]) if how.get("from") == "describe" else None


def absent_files(settings: Mapping[str, Json], submission: Submission) -> list[str]:
    """The files that the recomputation needs and that were not handed in."""
    source = settings.get("recompute", {}).get("from")
    if source not in ("predict", "describe"):
        return []
    return missing_files(submission, settings["model"], needs_checkpoint=source == "predict")


def recomputed(settings: Mapping[str, Json], result: Mapping[str, Json]) -> Recomputed:
    """The value from a job's result, or from the rubric's network.

    Raises:  ShapeError for a network that does not fit together
    """
    how = settings["recompute"]
    if how["from"] == "predict":
        correct, n = int(result["correct"]), int(result["n"])
        value = Fraction(correct, n)
        copy = named(result, how["data"])
        said = f"{percent(value, 4)} ({correct:,} of {n:,}{copy and f', on {copy}'})"
        return Recomputed(value, said, correct, n, may_cost(result, how["data"]))
    if how["from"] == "describe":
        count = int(result[how["field"]])
    else:
        network, _ = built(settings["network"])  # with a batch in front: flatten would take the channels for it
        count = network.parameter_count if how["field"] == "parameters" else network.trainable_count
    return Recomputed(Fraction(count), f"{count:,}")


def compare(settings: Mapping[str, Json], number: Number, real: Recomputed) -> Comparison:
    """Does the claim agree with the recomputed value, as far as its digits go or the rubric allows?"""
    return _compare_accuracy(settings, number, real) if real.n else _compare_count(settings, number, real)


def _compare_accuracy(settings: Mapping[str, Json], number: Number, real: Recomputed) -> Comparison:
    claim = claim_of(number)
    if claim is None:
        raise ValueError("no accuracy")  # judged impossible before
    gap = claim.value - real.value
    if number.bound:  # "over 97 %" is so or not
        missed = gap if number.bound == "above" else -gap
        return Comparison(missed <= _tolerance(settings), gap > 0, gap=gap)
    if number.is_approximate:
        return Comparison(abs(gap) <= _approximate(settings), gap > 0, gap=gap)
    agrees = abs(gap) <= _tolerance(settings) or real.correct in possible_counts(_sharpened(number), real.n)
    is_covered = real.correct in possible_counts(number, real.n)
    return Comparison(agrees, gap > 0, is_too_coarse=is_covered and not agrees, gap=gap)


def _compare_count(settings: Mapping[str, Json], number: Number, real: Recomputed) -> Comparison:
    """Of several readings ("390.410") the one that agrees counts."""
    allowed = _tolerance(settings)
    if number.is_approximate:
        allowed = max(allowed, as_meant(settings.get("approximate_tolerance", "0.01")) * real.value)
    for form in number.forms:
        if abs(form.value - real.value) <= max(allowed, form.step / 2) and not number.bound:
            return Comparison(agrees=True)
    gap = number.value - real.value
    is_so = (number.bound == "above" and gap <= allowed) or (number.bound == "below" and -gap <= allowed)
    return Comparison(is_so, gap > 0)


def _tolerance(settings: Mapping[str, Json]) -> Fraction:
    return as_meant(settings.get("tolerance", 0))


def _approximate(settings: Mapping[str, Json]) -> Fraction:
    return max(_tolerance(settings), as_meant(settings.get("approximate_tolerance", "0.01")))


def _sharpened(number: Number) -> Number:
    """The number as if it were written to whole percents at least: "1" must not agree with 60 %."""

    def sharp(form: Reading) -> Reading:
        is_share = number.is_percent or form.value <= 1
        return replace(form, step=min(form.step, _COARSEST if is_share else _COARSEST * 100))

    return replace(number, forms=tuple(map(sharp, number.forms)))
