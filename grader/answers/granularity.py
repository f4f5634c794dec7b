"""Which accuracies are possible? k correct of n images give k/n and nothing else.

A claimed 98.92 % of 10,000 images is 9,892 of them; 97.055 % is none. A long decimal tells more: 0.9082844034830729
is no k of 60,000, but 54,468 of 59,968 = 937 batches of 64, the last incomplete batch dropped.

A wrong "impossible" costs a student a grade, so every writing is allowed for: rounded either way at a tie, cut off
instead of rounded, printed from float32. Batches stand in `explanations`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from grader.answers.numbers import Number
from grader.answers.writing import rounded
from grader.frozen import dataclass
from grader.model import Json

if TYPE_CHECKING:
    from grader.answers.candidates import StatedAccuracy

# Four units in the last place of float32 cover what printed accuracies show (0.9108000755310058 is off by 1.3,
# 0.891600112915039 by 1.9). More would take 0.8788895606994629 for 39,550 of 45,000, from which it is 11 away.
FLOAT32_ULPS = 4
FLOAT32_DIGITS = 7  # with fewer significant digits the rounding as written is the coarser one
MAX_TOTAL = 10**9


class Fit(StrEnum):
    """How a possible value became what was written, the most usual first."""

    ROUNDED = "rounded"
    TIE = "rounded down at a tie"  # half to even, or a float a hair under the half
    FLOAT32 = "float32"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Claim:
    """The accuracy that was written, as a fraction, and the unit of its last digit."""

    value: Fraction
    step: Fraction
    has_noise: bool
    is_loose: bool

    @property
    def noise(self) -> Fraction:
        """The width to either side that float32 arithmetic and printing can account for."""
        if not self.has_noise or not self.value:
            return Fraction(0)
        return FLOAT32_ULPS * _noise_unit(self.value)

    def window(self, fit: Fit) -> tuple[Fraction, Fraction, bool]:
        """(low, high, is high included): the exact values that would be written so."""
        value, step = self.value, self.step
        if self.is_loose:
            return value - step, value + step, True
        if fit is Fit.ROUNDED:
            return value - step / 2, value + step / 2, not step
        if fit is Fit.TIE:
            return value + step / 2, value + step / 2, True
        if fit is Fit.FLOAT32:
            return value - self.noise, value + self.noise, True
        return value, value + step, not step


def _noise_unit(value: Fraction) -> Fraction:
    """One unit in the last place of a float32 near `value`, or near 100 times it: the coarser of the two."""
    return max(float32_ulp(value), float32_ulp(value * 100) / 100)


def float32_ulp(value: Fraction) -> Fraction:
    """One unit in the last place of a float32 near `value`, which is over 0.

    >>> float32_ulp(Fraction(3, 4)) == Fraction(1, 2**24)
    True
    """
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > value  # 2**exponent <= value < 2**(exponent + 1)
    return Fraction(2) ** (exponent - 23)


def claim_of(number: Number) -> Claim | None:
    """The reading of `number` as an accuracy between 0 and 1; a bare number over 1 counts as percent."""
    for form in number.forms:
        scale = Fraction(1) if number.is_percent or form.value <= 1 else Fraction(1, 100)
        if 0 <= form.value * scale <= 1:
            has_noise = form.significant_digits >= FLOAT32_DIGITS and form.step > 0
            step = form.step or (_step_of(form.value) if number.total is None else Fraction(0))
            return Claim(form.value * scale, step * scale, has_noise, number.is_approximate)
    return None


def _step_of(value: Fraction) -> Fraction:
    """The last digit of what was computed from rounded numbers, such as 1 - 0.0083; 0 for an endless one, like 1/3."""
    places = next((places for places in range(8) if (value * 10**places).denominator == 1), None)
    return Fraction(0) if places is None else Fraction(1, 10**places)


@dataclass(frozen=True)
class PossibleCounts:
    """All k for which k of `total` can have been written as it was.

    `rounded`  rounding to the nearest, the lower end of the interval included ("0.90": 0.895 <= k/n < 0.905)
    `tie`      the k, if there is one, exactly at the upper end: half to even rounds it down
    `cut_off`  the digits after the last one dropped
    `float32`  within a few float32 units of a long decimal, such as 0.9108000755310058
    """

    total: int
    rounded: range
    tie: range
    cut_off: range
    float32: range

    @property
    def all(self) -> range:
        """Every possible k. (The intervals overlap, so there is no gap in it.)"""
        parts = [part for part in (self.rounded, self.tie, self.cut_off, self.float32) if part]
        return range(min(part[0] for part in parts), max(part[-1] for part in parts) + 1) if parts else range(0)

    @property
    def is_possible(self) -> bool:
        return bool(self.all)

    def __contains__(self, count: int) -> bool:
        return any(count in part for part in (self.rounded, self.tie, self.cut_off, self.float32))


def possible_counts(number: Number, total: int) -> PossibleCounts:
    """All k with k of `total` written as `number`. None where it is no accuracy between 0 and 100 %.

    `total`  n, the number of images (1 to 10**9)
    Raises:  ValueError for another `total`

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> def counts(written, n):
    ...     return possible_counts(parse_number(written, Place("answers.json")), n)
    >>> list(counts("98.92 %", 10_000).rounded), counts("0.90", 10_000).rounded, counts("0.90", 10_000).tie
    ([9892], range(8950, 9050), range(9050, 9051))
    >>> list(counts("0.9108000755310058", 10_000).float32), counts("97.055 %", 10_000).is_possible
    ([9108], False)
    """
    _refuse_total(total)
    claim = claim_of(number)
    if number.bound:
        return _bounded(number.bound, claim, total)
    ranges = {fit: counts_on(claim, fit, total) if claim else range(0) for fit in Fit}
    return PossibleCounts(total, ranges[Fit.ROUNDED], ranges[Fit.TIE], ranges[Fit.CUT_OFF], ranges[Fit.FLOAT32])


def _refuse_total(total: int) -> None:
    if not 1 <= total <= MAX_TOTAL:
        raise ValueError(f"{total} images: n must be between 1 and {MAX_TOTAL:,}")


def _bounded(bound: str, claim: Claim | None, total: int) -> PossibleCounts:
    counts = range(0)
    if claim:
        limit = claim.value * total
        counts = range(math.ceil(limit), total + 1) if bound == "above" else range(math.floor(limit) + 1)
    return PossibleCounts(total, counts, range(0), range(0), range(0))


def counts_on(claim: Claim, fit: Fit, grid: int) -> range:
    """The k with k/grid in the window of `fit`."""
    low, high, is_high_included = claim.window(fit)
    first = max(0, math.ceil(low * grid))
    last = math.floor(high * grid)
    if not is_high_included and last == high * grid:
        last -= 1
    return range(first, min(last, grid) + 1)


# --- the neighbours of an impossible value ----------------------------------------------------


@dataclass(frozen=True)
class Possible:
    """A possible accuracy: k of n, and how the student would have written it."""

    count: int
    total: int
    written: str

    @property
    def value(self) -> Fraction:
        return Fraction(self.count, self.total)


@dataclass(frozen=True)
class Neighbours:
    """The nearest possible values at or below, and above; None beyond 0 and 100 %."""

    below: Possible | None
    above: Possible | None

    @property
    def said(self) -> str:
        """One phrase.

        >>> Neighbours(Possible(9705, 10_000, "97.050 %"), Possible(9706, 10_000, "97.060 %")).said
        '97.050 % (9,705 of 10,000) and 97.060 % (9,706 of 10,000)'
        """
        both = [p for p in (self.below, self.above) if p is not None]
        return " and ".join(f"{p.written} ({p.count:,} of {p.total:,})" for p in both)


def nearest_possible(number: Number, total: int) -> Neighbours | None:
    """The possible values next to what was written, in the student's own format; None where it is no accuracy.

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> nearest_possible(parse_number("95.1%", Place("answers.json")), 360).said
    '95.0 % (342 of 360) and 95.3 % (343 of 360)'
    """
    _refuse_total(total)
    claim = claim_of(number)
    if claim is None:
        return None
    form = next(form for form in number.forms if claim.value in (form.value, form.value / 100))
    is_in_percent = number.is_percent or form.value != claim.value

    def written(count: int) -> str:
        value = Fraction(count, total) * (100 if is_in_percent else 1)
        text = rounded(value, form.decimals).replace(".", form.mark or ".")
        return f"{text} %" if number.is_percent else text

    below = math.floor(claim.value * total)
    pair = [Possible(k, total, written(k)) if k <= total else None for k in (below, below + 1)]
    return Neighbours(pair[0], pair[1])


# --- where n is not known -------------------------------------------------------------------------


def granularity_readings(
    value: Number | StatedAccuracy, *, totals: Sequence[int] | None = None, batch_sizes: Sequence[int] | None = None
) -> list[dict[str, Json]]:
    """What an accuracy can be a count of, the most likely first, where nobody says of how many images it is.

    `value`        a number, or a claim of a report, whose data set and split narrow the sizes down
    `totals`       the sizes to try; None: those of the data set, or the usual ones
    `batch_sizes`  to try for a dropped last batch; None: the usual ones

    Each is JSON-ready: n, count, counts (first and last), of (the images counted), batch_size, drop_last, chance, said.

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> first = granularity_readings(parse_number("0.9082844034830729", Place("report.md")))[0]
    >>> first["n"], first["count"], first["batch_size"], first["drop_last"], first["chance"] < 0.05
    (60000, 54468, 64, True, True)
    """
    from grader.answers.candidates import candidates
    from grader.answers.explanations import BATCH_SIZES

    sizes = BATCH_SIZES if batch_sizes is None else batch_sizes
    return [one.as_json() for one in candidates(value, totals=totals, batch_sizes=sizes)]
