"""How far apart do means of training runs lie by chance? Student's t for the seeds, the binomial for the test images.

Two things move an accuracy. Another seed gives other weights: how far, a few runs can tell only roughly, and that is
what Student's t allows for. And the test images are a sample: a share p of n of them varies by p (1 - p) / n, however
many seeds are counted on the same images. Both variances are added, each with its own quantile (t for the one, the
normal's for the other), which covers at least as much as is said; the second is taken at the value in question, as
Wilson does, so that nothing goes wrong near 100%.

Source:  Student, The probable error of a mean (1908); E. B. Wilson (1927); W. G. Cochran, Approximate significance
         levels of the Behrens-Fisher test (1964) for adding variances of unlike certainty
"""

from __future__ import annotations

from fractions import Fraction
from math import atan, cos, pi, sin, sqrt
from typing import Final

from grader.frozen import dataclass

ONE_IN_20: Final = 0.05
ONE_IN_1000: Final = 0.001
_HIGHEST_T: Final = 1e7  # of one degree of freedom, for a chance of 3 in 100 million


@dataclass(frozen=True)
class Runs:
    """Trainings that differ in their seed only: the right ones of n test images, of each.

    Raises:  ValueError without a run, or for more right ones than there are images
    """

    counts: tuple[int, ...]
    n: int

    def __post_init__(self) -> None:
        if not self.counts or self.n < 1 or not all(0 <= count <= self.n for count in self.counts):
            raise ValueError(f"{self.counts} right of {self.n} are no runs")

    @property
    def mean(self) -> Fraction:
        """The mean accuracy, as a share of 1."""
        return Fraction(sum(self.counts), self.n * len(self.counts))

    @property
    def squares(self) -> Fraction:
        """The squared distances from the mean, added up."""
        return sum(((Fraction(count, self.n) - self.mean) ** 2 for count in self.counts), Fraction(0))


@dataclass(frozen=True)
class Spread:
    """The variance of an accuracy from seed to seed, and how many degrees of freedom it was estimated by; 0: unknown.

    Units:   accuracies as shares of 1
    """

    variance: float
    freedom: int

    def term(self, share: float, tail: float) -> float:
        """What seeds contribute to a squared half width: `share` times the variance, by Student's t."""
        return t_point(tail, self.freedom) ** 2 * self.variance * share if self.freedom else 0.0


def spread_of(*groups: Runs) -> Spread:
    """The spread between seeds that these groups of runs have in common.

    >>> spread = spread_of(Runs((97, 98, 99), 100), Runs((90, 92), 100))
    >>> round(spread.variance * 100**2, 3), spread.freedom
    (1.333, 3)
    """
    freedom = sum(len(group.counts) - 1 for group in groups)
    squares = sum((group.squares for group in groups), Fraction(0))
    return Spread(float(squares / freedom) if freedom else 0.0, freedom)


def interval(runs: Runs, spread: Spread) -> tuple[float, float]:
    """The 95% interval (low, high) of the accuracy that these runs estimate. Of one run without a spread: Wilson's.

    >>> [round(bound, 4) for bound in interval(Runs((9412,), 10_000), Spread(0.0, 0))]
    [0.9364, 0.9456]
    """
    tail = ONE_IN_20 / 2
    seeds = spread.term(1 / len(runs.counts), tail)
    return _bounds(float(runs.mean), seeds, normal_point(tail) ** 2 / runs.n)


def expected(reference: Runs, runs: int, tail: float, spread: Spread | None = None) -> tuple[float, float]:
    """(low, high): the mean of so many new runs of something as good lies below or above it 1 / `tail` times at most.

    As good means: of the same accuracy on all images of the kind, and not on the very same ones, so that the test
    images count twice. `spread` is that of the reference's own runs unless it is given.

    >>> low, high = expected(Runs((356, 357, 357, 356, 357), 360), 1, ONE_IN_20)
    >>> round(low, 4), round(high, 4)
    (0.969, 0.9976)
    """
    spread = spread_of(reference) if spread is None else spread
    seeds = spread.term(1 / runs + 1 / len(reference.counts), tail)
    return _bounds(float(reference.mean), seeds, 2 * normal_point(tail) ** 2 / reference.n)


def differ(one: Runs, other: Runs) -> tuple[float, float]:
    """The 95% interval (low, high) of how much better `one` is than `other`, both counted on the same n images.

    Units:   shares of 1
    Raises:  ValueError for runs on different numbers of images

    >>> low, high = differ(Runs((9787,), 10_000), Runs((9401,), 10_000))
    >>> low > 0.03, high < 0.05
    (True, True)
    """
    if one.n != other.n:
        raise ValueError(f"{one.n} and {other.n} images are not the same ones")
    tail = ONE_IN_20 / 2
    gap = float(one.mean - other.mean)
    middle = float(one.mean + other.mean) / 2
    seeds = spread_of(one, other).term(1 / len(one.counts) + 1 / len(other.counts), tail)
    half = sqrt(seeds + normal_point(tail) ** 2 * 2 * middle * (1 - middle) / one.n)
    return gap - half, gap + half


def is_erratic(runs: Runs, reference: Runs) -> bool:
    """Whether seeds move these runs over five times as far as they move the reference, and more than counting does.

    Runs of one distribution: 1 time in 120 for two runs against five, and less often for more.

    >>> five = Runs((356, 357, 357, 356, 357), 360)
    >>> is_erratic(Runs((355, 357), 360), five), is_erratic(Runs((40, 357), 360), five)
    (False, True)
    """
    own, usual = spread_of(runs), spread_of(reference)
    mean = float(reference.mean)
    floor = mean * (1 - mean) / reference.n
    return own.freedom > 0 and own.variance > 25 * max(usual.variance, floor)


def _bounds(mean: float, seeds: float, images: float) -> tuple[float, float]:
    """Both values v with (mean - v)^2 = seeds + images v (1 - v), within 0 to 1."""
    half = mean + images / 2
    root = sqrt(max(0.0, half * half - (1 + images) * (mean * mean - seeds)))
    return max(0.0, (half - root) / (1 + images)), min(1.0, (half + root) / (1 + images))


def normal_point(tail: float) -> float:
    """What a standard normal number exceeds with the probability `tail`.

    >>> round(normal_point(0.025), 6), round(normal_point(0.001), 6)
    (1.959964, 3.090232)
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - tail)


def t_point(tail: float, freedom: int) -> float:
    """What Student's t exceeds with the probability `tail`.

    Raises:  ValueError unless 0 < tail < 1/2 and freedom is at least 1

    >>> [round(t_point(0.05, freedom), 3) for freedom in (1, 2, 4, 30)]
    [6.314, 2.92, 2.132, 1.697]
    """
    if not 0 < tail < 0.5 or freedom < 1:
        raise ValueError(f"no quantile of Student's t for {tail} and {freedom}")
    low, high = 0.0, _HIGHEST_T
    for _ in range(100):
        middle = (low + high) / 2
        if _t_tail(middle, freedom) > tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_tail(t: float, freedom: int) -> float:
    """P(T > t) for t >= 0, by finite sums for whole degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4)."""
    angle = atan(t / sqrt(freedom))
    squared = cos(angle) ** 2
    is_even = freedom % 2 == 0
    term = total = 1.0 if is_even else cos(angle)
    for k in range(1 if is_even else 2, freedom - 2, 2):
        term *= squared * k / (k + 1)
        total += term
    part = sin(angle) * total if freedom > 1 else 0.0
    return (1 - (part if is_even else 2 / pi * (angle + part))) / 2
