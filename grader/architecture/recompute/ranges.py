"""Which values can a total have, when not every number behind it is known?"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from grader.architecture.readers.printed import Format, PrintedNumber

# Stands for "no upper bound": larger than any sum that a tool prints, and sums of it stay above it.
UNBOUNDED = 10**40

# The tools count in floating point before they print: the last digit may lean either way at a tie.
_NOISE = Fraction(1, 10**9)


class Range(NamedTuple):
    """Every value from `low` to `high`, both included; `high` is None where there is no bound.

    Units:  those of the total: parameters, multiply-adds, megabytes

    >>> Range(Fraction(3), Fraction(3)).is_known, Range(Fraction(0), None).is_known
    (True, False)
    """

    low: Fraction
    high: Fraction | None

    @property
    def is_known(self) -> bool:
        """True if only one value is left."""
        return self.low == self.high

    def allows(self, number: PrintedNumber, *, is_cut: bool = False) -> bool:
        """True if one of the values can have been printed as `number`; `is_cut` if the tool may drop digits.

        >>> from grader.architecture.readers.printed import PrintedNumber
        >>> known = Range(Fraction(1505, 1000), Fraction(1505, 1000))
        >>> [
        ...     known.allows(PrintedNumber(Fraction(text), Fraction(1, 100), 1, text))
        ...     for text in ("1.50", "1.51", "1.52")
        ... ]
        [True, True, False]
        """
        low, high = printed_bounds(number, is_cut=is_cut)
        return high >= self.low and (self.high is None or low <= self.high)

    def plus(self, other: Range) -> Range:
        """Every sum of two values."""
        return Range(self.low + other.low, None if self.high is None or other.high is None else self.high + other.high)

    def times(self, factor: Fraction) -> Range:
        """Every value times a positive factor."""
        return Range(self.low * factor, None if self.high is None else self.high * factor)

    def hull(self, other: Range) -> Range:
        """The smallest range that holds both."""
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return Range(min(self.low, other.low), high)


def made_of(low: int, high: int, factor: Fraction = Fraction(1)) -> Range:
    """The range of whole numbers from `low` to `high`, times `factor`.

    >>> made_of(0, UNBOUNDED).high is None
    True
    """
    return Range(low * factor, None if high >= UNBOUNDED else high * factor)


def printed_bounds(number: PrintedNumber, *, is_cut: bool = False) -> tuple[Fraction, Fraction]:
    """The values that may have been printed as `number`.

    >>> from grader.architecture.readers.printed import PrintedNumber
    >>> low, high = printed_bounds(PrintedNumber(Fraction(75800), Fraction(100), 1, "75.8 K"))
    >>> round(low), round(high)
    (75750, 75850)
    """
    if not number.step:
        return number.value, number.value
    noise = abs(number.value) * _NOISE
    if is_cut and "." not in number.text:  # what has decimals is rounded
        return number.value, number.value + number.step - noise
    return number.value - number.step / 2 - noise, number.value + number.step / 2 + noise


def whole_bounds(number: PrintedNumber, form: Format) -> tuple[int, int]:
    """The whole numbers that may have been printed as `number`; Lightning cuts 132,999 to "132 K"."""
    if not number.step:
        return floor(number.value), floor(number.value)
    low, high = printed_bounds(number, is_cut=form is Format.LIGHTNING)
    return max(0, ceil(low)), floor(high)


def written_like(value: Range, number: PrintedNumber | None) -> str:
    """A value as the tool would print it beside `number`: as many decimals, thousands separated.

    >>> from grader.architecture.readers.printed import PrintedNumber
    >>> written_like(Range(Fraction(3, 2), Fraction(3, 2)), PrintedNumber(Fraction(1), Fraction(1, 100), 1, "1.00"))
    '1.50'
    >>> written_like(Range(Fraction(1200), None), None)
    'at least 1,200'
    """
    step = number.step if number else Fraction(0)
    low = _written(value.low, step)
    if value.high is None:
        return f"at least {low}"
    high = _written(value.high, step)
    return low if low == high else f"{low} to {high}"


def _written(value: Fraction, step: Fraction) -> str:
    if 0 < step < 1:
        decimals = 0
        while step < 1 and decimals < 6:
            step, decimals = step * 10, decimals + 1
        return f"{float(value):,.{decimals}f}"
    if value.denominator == 1:
        return f"{value.numerator:,}"
    return f"{float(value):,.2f}"
