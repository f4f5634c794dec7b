"""Can the claimed accuracy be one at all? k right of n give k/n and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from grader.answers.candidates import candidates
from grader.answers.explanations import BATCH_SIZES, Explanation, Kind, explain
from grader.answers.granularity import Fit, claim_of, nearest_possible
from grader.answers.numbers import Number
from grader.checks._settings import percent
from grader.checks.base import shown
from grader.frozen import dataclass
from grader.model import Json

_FIX = "copy the number from the log of the evaluation, over all images and not rounded"
_WORTH_NAMING = 0.5  # an explanation that every second number would find says nothing


@dataclass(frozen=True)
class Possible:
    """The claimed accuracy can be: `value` is its best meaning, `said` how it can have come about."""

    value: Fraction
    said: str


@dataclass(frozen=True)
class Impossible:
    """It cannot be: why, and what to do about it."""

    said: str
    fix: str


@dataclass(frozen=True)
class Unclear:
    """No k of n, but a dropped batch could explain it, as it could many a number: only a person can tell."""

    value: Fraction
    said: str
    fix: str


def judge_accuracy(number: Number, of: Mapping[str, Json] | None) -> Possible | Impossible | Unclear:
    """Judge a claimed accuracy by its digits.

    `of`  the rubric's {n, batch_sizes, drop_last}, or None where nothing is known of the images

    Without `batch_sizes` the usual ones are tried, and what they explain counts only where a random number would
    seldom be explained as well. Where it often would, the value is Unclear: calling it impossible could be wrong.
    With `drop_last: never` the images were all counted, and it is Impossible; what would explain it is named.

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> def said(written, n):
    ...     return judge_accuracy(parse_number(written, Place("answers.json")), {"n": n}).said
    >>> said("98.92 %", 10_000), said("0.90", 10_000)
    ('98.92 % is 9,892 of 10,000', '0.90 can be any of 8,950 to 9,049 of 10,000')
    >>> said("0.5", 3)
    '0.5 is no possible accuracy on 3 images: next to it are 0.3 (1 of 3) and 0.7 (2 of 3)'
    """
    written = shown(number.written, 60)
    claim = claim_of(number)
    if claim is None:
        fix = "write it as a share such as 0.9892 or in percent such as 98.92 %"
        return Impossible(f"{written} is no accuracy: it lies outside of 0 to 100 %", fix)
    if of is None:
        return Possible(claim.value, f"{written} is claimed ({percent(claim.value, 4)})")
    sizes: Sequence[int] = of.get("batch_sizes", BATCH_SIZES)
    found = explain(number, of["n"], batch_sizes=sizes)
    one = next((one for one in found if _is_as_asked(one, of) or _is_telling(one, of)), None)
    if one is not None:
        return Possible(_meant(claim.value, one), _possible_words(written, one, of["n"], number))
    impossible = _impossible(number, written, of)
    dropped = next((one for one in found if one.kind is Kind.DROP_LAST), None)
    if of.get("drop_last", "maybe") == "maybe" and dropped is not None:
        said = f"{written} is no k of {of['n']:,}; it could be {dropped.said}, as could many a number"
        return Unclear(claim.value, said, impossible.fix)
    return impossible


def _is_as_asked(one: Explanation, of: Mapping[str, Json]) -> bool:
    """Is this how the rubric says that the value comes about?"""
    sizes, drop_last = of.get("batch_sizes", ()), of.get("drop_last", "maybe")
    if one.kind is Kind.EXACT:
        return drop_last != "always" or any(of["n"] % size == 0 for size in sizes)
    return one.kind is Kind.DROP_LAST and drop_last != "never" and bool(sizes)


def _is_telling(one: Explanation, of: Mapping[str, Json]) -> bool:
    """May it be, by the rubric, and would a random number seldom be explained like this?"""
    return of.get("drop_last", "maybe") == "maybe" and one.is_informative


def _meant(value: Fraction, one: Explanation) -> Fraction:
    """The exact value behind a long decimal: 0.8025999665260315 is 8026 of 10000."""
    is_single = one.fit is Fit.FLOAT32 and len(one.counts) == 1 and one.kind is not Kind.BATCH_MEAN
    return Fraction(one.count, one.total) if is_single else value


def _possible_words(written: str, one: Explanation, n: int, number: Number) -> str:
    odds = f" ({one.odds})" if one.odds else ""
    if one.kind is not Kind.EXACT:
        return f"{written} is no k of {n:,}, but {one.said}{odds}"
    if len(one.counts) == 1:
        return f"{written} is {one.said}{odds}"
    if number.bound:
        return f"{written} holds for {one.said}"
    return f"{written} can be any of {one.said}"


def _impossible(number: Number, written: str, of: Mapping[str, Json]) -> Impossible:
    """Name the neighbours, and how the value could have come about if not as the rubric has it."""
    n = of["n"]
    if of.get("drop_last") == "always":
        n = next((size * (n // size) for size in of.get("batch_sizes", ()) if size <= n), n)
    near = nearest_possible(number, n)
    said = f"{written} is no possible accuracy on {n:,} images"
    if near is not None:
        said += f": next to it are {near.said}"
    others = explain(number, of["n"])
    other = next(
        (one for one in others if one.is_informative or (one.kind is Kind.DROP_LAST and one.chance < _WORTH_NAMING)),
        None,
    )
    if other is not None:
        return Impossible(f"{said}; it would be {other.said}", _FIX)
    elsewhere = next((one for one in candidates(number) if one.explanation.is_informative), None)
    if elsewhere is not None and elsewhere.n != of["n"]:
        found = elsewhere.explanation
        said += f"; of {elsewhere.n:,} images it would be {found.said}" + (f" ({found.odds})" if found.odds else "")
    return Impossible(said, _FIX)
