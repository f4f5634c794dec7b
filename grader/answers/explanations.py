"""How can an accuracy have come about? From k of n, without the last incomplete batch, as a mean of batches, or not.

With few decimals everything is possible, and an explanation that any random number would find is worth nothing:
`Explanation.is_informative` says which it is. What can be written as what stands in `granularity`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from fractions import Fraction

from grader.answers.granularity import Claim, Fit, claim_of, counts_on, float32_ulp, possible_counts
from grader.answers.numbers import Number
from grader.frozen import dataclass

BATCH_SIZES = (1, 8, 10, 16, 20, 25, 32, 50, 64, 100, 128, 200, 250, 256, 500, 512, 1000, 1024)
MAX_CHANCE = 0.05
_USUAL = (64, 128, 32, 256, 16, 100, 512, 8, 50, 1024, 1000, 10, 500, 200, 250, 20, 25)  # in teaching material


class Kind(StrEnum):
    """How a value can come about, the simplest first."""

    EXACT = "k of n"
    DROP_LAST = "last incomplete batch dropped"
    BATCH_MEAN = "mean of batch accuracies"


@dataclass(frozen=True)
class Explanation:
    """How the value can have come about: `counts` correct of `total` images.

    `counts`       all k that fit; for a mean of batches the k that fits best
    `batch_sizes`  those that leave the same `total`, the most usual first; empty where no batch matters
    `in_last`      for a mean of batches: correct ones among the images of the last batch, and its size
    `chance`       how likely a number drawn at random, written as long, finds an explanation as good as this one
                   of this or a simpler kind (0 to 1)
    """

    kind: Kind
    fit: Fit
    counts: range
    total: int
    batch_sizes: tuple[int, ...] = ()
    in_last: tuple[int, int] | None = None
    chance: float = 1.0

    @property
    def count(self) -> int:
        """The k that fits best (the middle one of several)."""
        return self.counts[len(self.counts) // 2]

    @property
    def batch_size(self) -> int | None:
        return self.batch_sizes[0] if self.batch_sizes else None

    @property
    def is_informative(self) -> bool:
        """Would a random number seldom (under 5 %) be explained as well?"""
        return self.chance < MAX_CHANCE

    @property
    def odds(self) -> str:
        """How likely that is by chance, as a phrase; "" where many would fit, or a count of so few digits.

        >>> Explanation(Kind.EXACT, Fit.FLOAT32, range(8916, 8917), 10_000, chance=0.0142).odds
        'by chance 1 such number in 70 would fit as well'
        """
        is_worth_telling = self.fit is Fit.FLOAT32 or self.kind is not Kind.EXACT
        if not is_worth_telling or not 0 < self.chance < 0.1:
            return ""
        return f"by chance 1 such number in {round(1 / self.chance):,} would fit as well"

    @property
    def said(self) -> str:
        """One sentence.

        >>> Explanation(Kind.DROP_LAST, Fit.FLOAT32, range(54468, 54469), 59968, (64,)).said
        '54,468 of 59,968 = 937 batches of 64, the last incomplete batch dropped'
        """
        first, last = self.counts[0], self.counts[-1]
        counts = f"{first:,}" if first == last else f"{first:,} to {last:,}"
        said = f"{counts} of {self.total:,}"
        size = self.batch_size
        if size is None:
            return said + (", digits cut off" if self.fit is Fit.CUT_OFF else "")
        if self.in_last is None:
            others = " or ".join(f"{other:,}" for other in self.batch_sizes[1:])
            same = f" (or of {others})" if others else ""
            return f"{said} = {self.total // size:,} batches of {size:,}{same}, the last incomplete batch dropped"
        correct, images = self.in_last
        batches = -(-self.total // size)
        return (
            f"{said} as the mean of the accuracies of {batches:,} batches of {size:,}, "
            f"{correct} of the {images} in the last one"
        )


def explain(
    number: Number, total: int, *, batch_sizes: Sequence[int] = BATCH_SIZES, has_means: bool = True
) -> tuple[Explanation, ...]:
    """Every explanation of the value, the simplest first; empty: nothing explains it.

    `total`        n, the number of images
    `batch_sizes`  to try for a dropped last batch and for means of batches; () where n is known to be evaluated whole
    `has_means`    whether means of batches are tried at all; they are what costs time

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> def best(written, n):
    ...     found = explain(parse_number(written, Place("answers.json")), n)[0]
    ...     return found.said, found.is_informative
    >>> best("98.92 %", 10_000)
    ('9,892 of 10,000', False)
    >>> best("0.9082844034830729", 60_000)
    ('54,468 of 59,968 = 937 batches of 64, the last incomplete batch dropped', True)
    """
    counts = possible_counts(number, total)
    claim = claim_of(number)
    if claim is None:
        return ()
    if number.bound:
        return (Explanation(Kind.EXACT, Fit.ROUNDED, counts.all, total),)
    return tuple(_explanations(claim, total, batch_sizes, has_means=has_means))


def _explanations(claim: Claim, total: int, batch_sizes: Sequence[int], *, has_means: bool) -> Iterator[Explanation]:
    """All that fit. What counts as tried is a whole kind at a time: the order of batch sizes means nothing."""
    sizes = [size for size in sorted(set(batch_sizes)) if size > 0]
    tried = [total]  # the number of values that each hypothesis can give
    exact = _best_fit(claim, total)
    if exact:
        yield Explanation(Kind.EXACT, *exact, total, chance=_chance(claim, *exact, total, tried))
    kept = dict(_after_dropping(total, sizes))
    tried += kept
    found = ((images, _best_fit(claim, images)) for images in kept)
    yield from _best_first(
        Explanation(Kind.DROP_LAST, *fit, images, kept[images], chance=_chance(claim, *fit, images, tried))
        for images, fit in found
        if fit
    )
    if not has_means:
        return
    uneven = [size for size in sizes if size < total and total % size]  # the mean of equal batches is k of n
    grids = {size: -(-total // size) * math.lcm(size, total % size) for size in uneven}
    tried += grids.values()
    yield from _best_first(
        mean for size, grid in grids.items() if (mean := _best_mean(claim, total, size, grid, tried)) is not None
    )


def _best_first(found: Iterable[Explanation]) -> list[Explanation]:
    return sorted(found, key=lambda one: (one.fit is Fit.CUT_OFF, one.chance, _usualness(one.batch_sizes[0])))


def _after_dropping(total: int, sizes: Sequence[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(images kept, the batch sizes that keep so many, the most usual first)."""
    kept: dict[int, list[int]] = {}
    for size in sorted(sizes, key=_usualness):
        kept.setdefault(size * (total // size), []).append(size)
    for images, dropping in kept.items():
        if images not in (0, total):
            yield images, tuple(dropping)


def _usualness(size: int) -> int:
    return _USUAL.index(size) if size in _USUAL else len(_USUAL) + size


def _best_fit(claim: Claim, grid: int) -> tuple[Fit, range] | None:
    for fit in Fit:
        counts = counts_on(claim, fit, grid)
        if counts:
            return fit, counts
    return None


def _best_mean(claim: Claim, total: int, size: int, grid: int, tried: Sequence[int]) -> Explanation | None:
    """The mean of the accuracies of batches of which the last is incomplete.

    It is k_full/(size*batches) + k_last/(rest*batches), a multiple of 1/grid. Of several splits the one is named
    whose last batch is most like the others.
    """
    batches, rest = -(-total // size), total % size
    unit_full, unit_last = grid // (size * batches), grid // (rest * batches)
    for fit in Fit:
        points = counts_on(claim, fit, grid)
        if not points:
            continue
        splits = []
        for last in range(rest + 1):
            full = max(0, -((unit_last * last - points.start) // unit_full))  # the fewest that reach the window
            point = unit_full * full + unit_last * last
            if point in points and full <= size * (batches - 1):
                splits.append((abs(Fraction(last, rest) - claim.value), point, full, last))
        if splits:
            _, point, full, last = min(splits)
            chance = _chance(claim, fit, range(point, point + 1), grid, tried)
            counts = range(full + last, full + last + 1)
            return Explanation(Kind.BATCH_MEAN, fit, counts, total, (size,), (last, rest), chance)
    return None


def _chance(claim: Claim, fit: Fit, points: range, grid: int, tried: Sequence[int]) -> float:
    """How likely a random number is explained as well by one of the hypotheses `tried`.

    A hypothesis that can give `g` values in [0, 1] catches a window of width w with probability w*g, at most 1.
    For float32 the window is as wide as the distance that was really found, not as wide as is allowed, and at least
    as wide as the step of float32: all that lies within is printed alike, and who lies nearest means nothing.
    """
    low, high, _ = claim.window(fit)
    width = high - low
    if fit is Fit.FLOAT32:
        width = max(2 * min(abs(Fraction(point, grid) - claim.value) for point in points), float32_ulp(claim.value))
    width = max(width, claim.step * (Fraction(3, 2) if fit is Fit.CUT_OFF else 1))  # cut off is tried after rounded
    missed = 1.0
    for size in tried:
        missed *= 1.0 - min(1.0, float(width * size))
    return 1.0 - missed
