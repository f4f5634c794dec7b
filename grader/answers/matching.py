"""Is the number the expected one? Yes with the reading used, or no with what seems to have gone wrong.

A sentence of this module never shows the expected value: students run the same comparison before they hand in.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from grader.answers.answer_error import quoted
from grader.answers.numbers import Number
from grader.answers.units import BYTES, known, ratios
from grader.answers.writing import rounded, spoken
from grader.frozen import dataclass

Percent = Literal["fraction", "percent", "either"]
Real = Fraction | int | float | str  # a float or text counts as the decimal it is written as


@dataclass(frozen=True)
class Match:
    """The verdict on a number.

    `reading`  the value that was compared, on the scale of the expected one
    `reason`   when it does not match: one sentence; `code` is its slug
    `note`     when it does: which reading of several was used, empty where there was only one
    """

    is_match: bool
    reading: Fraction
    reason: str = ""
    code: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Candidate:
    """A reading brought to the scale and the unit of the expected value."""

    value: Fraction
    step: Fraction
    note: str


@dataclass(frozen=True)
class _Tolerance:
    absolute: Fraction | None
    relative: Fraction | None
    significant_digits: int | None
    decimals: int | None

    def allows(self, value: Fraction, expected: Fraction) -> bool:
        """Any one of the given tolerances is enough; limits are inclusive. None given: exactly equal."""
        gap = abs(value - expected)
        limits = [Fraction(0)]
        if self.absolute is not None:
            limits.append(self.absolute)
        if self.relative is not None:
            limits.append(self.relative * abs(expected))
        if self.decimals is not None:
            limits.append(Fraction(1, 2) / 10**self.decimals)
        if self.significant_digits is not None and expected:
            limits.append(Fraction(10) ** (_exponent(expected) + 1 - self.significant_digits) / 2)
        return gap <= max(limits)


def matches(
    number: Number,
    expected: Real,
    *,
    abs_tolerance: Real | None = None,
    rel_tolerance: Real | None = None,
    significant_digits: int | None = None,
    decimals: int | None = None,
    unit: str | None = None,
    percent: Percent = "fraction",
) -> Match:
    """Compare a student's number with the expected value.

    `expected`, `abs_tolerance`  on the same scale: in percent where `percent` is "percent", in `unit` where it is given
    `significant_digits`, `decimals`  half a unit of that digit of the expected value is allowed
    `unit`     what is asked; a number without a unit is taken to be in it
    `percent`  "fraction": 0.9892 or 98.92 %; "percent": 98.92 or 98.92 %; "either": 0.9892, 98.92 or 98.92 %, with
               `expected` a fraction

    Limits are inclusive, and with several tolerances one is enough. Of several readings ("390.410") any that fits
    counts, and `note` says which one it was.

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> here = Place("answers.json", "/answers/accuracy")
    >>> matches(parse_number("390.410", here), 390410).note
    'read as 390,410'
    >>> matches(parse_number("0.9892", here), "98.92", percent="percent").reason
    '"0.9892" is a fraction where a percentage is asked: 98.92 %'
    >>> matches(parse_number("0.667", here), Fraction(2, 3), significant_digits=3).is_match
    True
    """
    target = _fraction(expected)
    tolerance = _Tolerance(
        None if abs_tolerance is None else _fraction(abs_tolerance),
        None if rel_tolerance is None else _fraction(rel_tolerance),
        significant_digits,
        decimals,
    )
    candidates = list(_candidates(number, unit, percent))
    fitting = [c for c in candidates if tolerance.allows(c.value, target)]
    if fitting and not number.bound:
        best = min(fitting, key=lambda c: abs(c.value - target))
        return Match(True, best.value, note=best.note if _is_note_needed(number, candidates) else "")
    usual = candidates[0].value if candidates else number.value
    if fitting:
        word = "at least" if number.bound == "above" else "at most"
        return Match(False, usual, f"{quoted(number.written)} is a bound ({word}), not a value", "bound")
    code, reason = _why_not(number, target, tolerance, unit, percent, candidates)
    return Match(False, usual, reason, code)


def _fraction(value: Real) -> Fraction:
    return Fraction(repr(value) if isinstance(value, float) else value)


def _exponent(value: Fraction) -> int:
    """The power of ten of the first digit: 2 for 252, -1 for 0.5."""
    value = abs(value)
    guess = len(str(value.numerator)) - len(str(value.denominator))
    return guess if value >= Fraction(10) ** guess else guess - 1


def _candidates(number: Number, unit: str | None, percent: Percent) -> Iterator[_Candidate]:
    asked = known(unit) if unit else None
    written = number.known_unit
    factors = [(Fraction(1), "")]
    if asked and written and written != asked:
        factors = list(ratios(written, asked))
    for form in number.forms:
        for factor, remark in factors:
            for scale, scale_remark in _scales(number, percent):
                value = form.value * factor * scale
                note = remark or scale_remark or f"read as {spoken(form.value)}"
                yield _Candidate(value, form.step * factor * scale, note)


def _scales(number: Number, percent: Percent) -> list[tuple[Fraction, str]]:
    """Factors from a reading (percent sign applied) to the scale of the expected value."""
    if percent == "percent":
        return [(Fraction(100 if number.is_percent else 1), "")]
    if percent == "either" and not number.is_percent:
        return [(Fraction(1), "read as a fraction"), (Fraction(1, 100), "read as a percentage")]
    return [(Fraction(1), "")]


def _is_note_needed(number: Number, candidates: list[_Candidate]) -> bool:
    return number.is_ambiguous or len({c.value for c in candidates}) > 1


# --- what went wrong --------------------------------------------------------------------------


def _why_not(
    number: Number,
    target: Fraction,
    tolerance: _Tolerance,
    unit: str | None,
    percent: Percent,
    candidates: list[_Candidate],
) -> tuple[str, str]:
    """(code, sentence), the most specific that fits."""
    shown = quoted(number.written)
    asked, written = known(unit) if unit else None, number.known_unit

    def is_off_by(factor: Fraction) -> bool:
        return any(tolerance.allows(form.value * factor, target) for form in number.forms)

    if percent == "percent" and not number.is_percent and is_off_by(Fraction(100)):
        as_percent = rounded(number.value * 100, max(0, number.decimals - 2))
        return "percent", f"{shown} is a fraction where a percentage is asked: {as_percent} %"
    if percent == "fraction" and not number.is_percent and is_off_by(Fraction(1, 100)):
        return "percent", f"{shown} is a percentage where a fraction is asked: {spoken(number.value / 100)}"
    if percent == "fraction" and number.is_percent and is_off_by(Fraction(100)):
        return "percent", f"the percent sign of {shown} makes it {spoken(number.value)}: leave it out"
    if asked and written and asked != written and is_off_by(Fraction(1)):
        return "unit", f"right digits, wrong unit: {written} where {asked} is asked"
    values = [c.value for c in candidates] or list(number.readings)
    if any(tolerance.allows(-value, target) for value in values):
        return "sign", f"{shown} has the wrong sign"
    for factor, name in ((1024, "1024"), (Fraction(1024**2, 1000**2), "1.048576"), (Fraction(1024, 1000), "1.024")):
        both = (Fraction(factor), Fraction(1) / factor)
        if asked in BYTES and any(tolerance.allows(v * f, target) for v in values for f in both):
            return "factor-1024", f"{shown} is off by a factor {name}: MB (10**6 bytes) or MiB (2**20 bytes)?"
    for power in (1, 2, 3, 6, 9):
        for sign in (1, -1):
            factor = Fraction(10) ** (sign * power)
            if target and any(tolerance.allows(value * factor, target) for value in values):
                return "magnitude", f"{shown} has the right digits, but the decimal point stands elsewhere"
    if asked and written and not candidates:
        return "unit", f"{shown} is in {written} where {asked} is asked"
    coarse = [c for c in candidates if c.step and abs(c.value - target) <= c.step / 2]
    if coarse:
        return "too-coarse", f"{shown} is rounded too far: {_asked_precision(tolerance)}"
    return "different", f"{shown} is not the expected value"


def _asked_precision(tolerance: _Tolerance) -> str:
    if tolerance.significant_digits is not None:
        return f"{tolerance.significant_digits} significant digits are asked"
    if tolerance.decimals is not None:
        return f"{tolerance.decimals} decimals are asked"
    return "write more digits"
