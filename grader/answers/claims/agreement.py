"""Do two places state the same result? Report against answers.json, log, checkpoint, and against itself.

Only what is surely about the same thing is held against each other: one metric, split, data set, model, optimizer and
epoch, where neither place leaves one open that the other names. Rounding is no contradiction: 0.734, 73.4 % and
0.7339999675750732 agree; 98.92 and 98.29 do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from grader.answers.claims.found import COUNTS, RATES, FoundClaim
from grader.answers.writing import rounded

FLOAT32 = Fraction(1, 10**6)  # what printing a float32 can add to a rate
_NAMES = {"parameters": "number of parameters", "trainable_parameters": "number of trainable parameters"}


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two places that state different values of one thing; `said` is one sentence for a person."""

    first_file: str
    first: FoundClaim
    second_file: str
    second: FoundClaim
    said: str


def contradictions(sources: Sequence[tuple[str, Sequence[FoundClaim]]], *, task: str = "") -> tuple[Contradiction, ...]:
    """All pairs of claims of one thing whose values exclude each other; each claim is named once, against the first place.

    `sources`  (file, its claims) in the order in which they are trusted
    `task`     the task's id, put before the sentence

    >>> from grader.answers.claims import read_claims
    >>> from grader.documents.report_lines import Line
    >>> def of(text):
    ...     return read_claims([Line(14, text)])
    >>> report, log = of("Final test accuracy: 98.92%"), of("Test accuracy: 0.9829")
    >>> [found.said for found in contradictions([("report.md", report), ("train.log", log)], task="1a")]
    ['1a: the test accuracy is 98.92% in report.md on line 14, 0.9829 in train.log on line 14']
    >>> contradictions(
    ...     [("report.md", of("Test accuracy: 73.4%")), ("train.log", of("Test accuracy: 0.7339999675750732"))]
    ... )
    ()
    """
    return tuple(_pairs(sources, f"{task}: " if task else ""))


def _pairs(sources: Sequence[tuple[str, Sequence[FoundClaim]]], head: str) -> Iterator[Contradiction]:
    known: dict[tuple[object, ...], list[tuple[str, FoundClaim]]] = {}
    for file, claims in sources:
        for claim in claims:
            if not _is_comparable(claim):
                continue
            others = known.setdefault(_about(claim), [])
            # A report has several networks, often without a name: only what is named can contradict itself.
            comparable = [one for one in others if one[0] != file or claim.model]
            clash = next((other for other in comparable if not agree(other[1], claim)), None)
            if clash is not None and not any(agree(other, claim) for _, other in others):
                yield Contradiction(*clash, file, claim, head + _said(*clash, file, claim))
            others.append((file, claim))


def _is_comparable(claim: FoundClaim) -> bool:
    """Is it one firm result? Goals, values of others, readings that are open and rows of single classes are not."""
    return claim.is_result and len(claim.readings) < 2 and not (claim.split is None and claim.metric not in COUNTS)


def _about(claim: FoundClaim) -> tuple[object, ...]:
    """What a claim is about. Words of a model count by their letters and digits."""
    model = " ".join("".join(char if char.isalnum() else " " for char in claim.model.casefold()).split())
    return claim.metric, claim.split, claim.dataset, model, claim.optimizer, claim.epoch, claim.epochs


def agree(one: FoundClaim, other: FoundClaim) -> bool:
    """Can both values be the same number, each rounded or cut as it was written, a bound kept?

    >>> from grader.answers.claims import read_claims
    >>> from grader.documents.report_lines import Line
    >>> def of(text):
    ...     return read_claims([Line(1, text)])[0]
    >>> agree(of("accuracy: 0.734"), of("accuracy: 73.4%")), agree(of("accuracy: 98.92%"), of("accuracy: 98.29%"))
    (True, False)
    >>> agree(of("accuracy over 97%"), of("accuracy: 98.2%")), agree(of("accuracy: about 72%"), of("accuracy: 72.9%"))
    (True, True)
    """
    low, high = _window(one)
    other_low, other_high = _window(other)
    return low <= other_high and other_low <= high


def _window(claim: FoundClaim) -> tuple[Fraction, Fraction]:
    """The values that can stand behind what was written: rounded either way or cut off, wider where it says "about"."""
    step = claim.number.step
    slack = (
        step
        if not claim.is_approximate
        else max(2 * step, Fraction(1, 100) if claim.metric in RATES else abs(claim.value) / 20)
    )
    if claim.metric in RATES or claim.metric not in COUNTS:
        slack = max(slack, FLOAT32)
    elif step <= 1:
        slack = Fraction(0)  # a count is written whole
    low, high = claim.value - slack, claim.value + slack
    top = Fraction(1) if claim.metric in RATES else claim.value + 10**12
    return (
        (low, max(high, top))
        if claim.bound == ">"
        else (min(low, Fraction(0)), high)
        if claim.bound == "<"
        else (low, high)
    )


def _said(file: str, one: FoundClaim, other_file: str, other: FoundClaim) -> str:
    what = " ".join(part for part in (one.split or "", _NAMES.get(one.metric, one.metric.replace("_", " "))) if part)
    of_model = f" of {one.model}" if one.model else ""
    if file == other_file:
        return f"the {what}{of_model} is {_written(one)} on line {one.line} of {file}, {_written(other)} on line {other.line}"
    return f"the {what}{of_model} is {_written(one)} in {file} on line {one.line}, {_written(other)} in {other_file} on line {other.line}"


def _written(claim: FoundClaim) -> str:
    """As the student wrote it; a value without writing (from a log) in six digits."""
    return claim.as_written or rounded(claim.value, 6)
