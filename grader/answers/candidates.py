"""Of how many images can an accuracy be, where nobody says? Every usual size of a data set is tried.

`explanations` says how a value comes about for one n. Here n is open: the sizes of the data sets that courses use,
whole or without the last incomplete batch. What fits is ordered by how likely it is before the number is seen (whole
sets before dropped batches, usual batch sizes first, training averages more often over full batches) and by how well
it fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final, Protocol

from grader.answers.explanations import BATCH_SIZES, Explanation, Kind, explain
from grader.answers.granularity import Claim, Fit, claim_of, float32_ulp
from grader.answers.numbers import Number
from grader.frozen import dataclass
from grader.model import Json

# Test sets first, then training sets whole and less a validation set, then validation sets.
STANDARD_TOTALS: Final = (10_000, 60_000, 50_000, 45_000, 5_000, 55_000, 40_000, 48_000, 54_000, 12_000, 6_000, 360)
MAX_CHANCE: Final = 0.5  # what every second number would fit says nothing
_MNIST: Final = {
    "train": (60_000, 55_000, 50_000, 54_000, 48_000),
    "validation": (10_000, 5_000, 6_000, 12_000),
    "test": (10_000,),
}
_CIFAR: Final = {
    "train": (50_000, 45_000, 40_000, 49_000, 47_500),
    "validation": (5_000, 10_000, 1_000, 2_500),
    "test": (10_000,),
}
_SIZES: Final[Mapping[str, Mapping[str, tuple[int, ...]]]] = {
    "mnist": _MNIST, "fashion_mnist": _MNIST, "kmnist": _MNIST,
    "cifar10": _CIFAR, "cifar100": _CIFAR, "cifar100_coarse": _CIFAR,
    "svhn": {"train": (73_257,), "validation": (26_032,), "test": (26_032,)},
    "stl10": {"train": (5_000,), "validation": (8_000,), "test": (8_000,)},
}  # fmt: skip
_BATCH_PRIOR: Final = {64: 0.35, 128: 0.2, 32: 0.15, 256: 0.08, 16: 0.06, 100: 0.04, 512: 0.03, 8: 0.02, 50: 0.02}
_LEAST_PRIOR: Final = 0.005
_FIT_PRIOR: Final = {Fit.ROUNDED: 1.0, Fit.TIE: 0.3, Fit.FLOAT32: 1.0, Fit.CUT_OFF: 0.1}


class StatedAccuracy(Protocol):
    """What a claim of a report says that helps: the number, its words, its data set and its split."""

    @property
    def number(self) -> Number: ...
    @property
    def bound(self) -> str: ...
    @property
    def is_approximate(self) -> bool: ...
    @property
    def dataset(self) -> str | None: ...
    @property
    def split(self) -> str | None: ...


@dataclass(frozen=True)
class Candidate:
    """One size that fits, how, and how likely it is among all that fit (`weight`, to compare only)."""

    n: int
    explanation: Explanation
    weight: float

    def as_json(self) -> dict[str, Json]:
        """For `grader read --json`: `chance` is how likely a random number as long would fit this n as well."""
        found = self.explanation
        return {
            "n": self.n,
            "count": found.count,
            "counts": [found.counts[0], found.counts[-1]],
            "of": found.total,
            "batch_size": found.batch_size,
            "batch_sizes": list(found.batch_sizes),
            "drop_last": found.kind is Kind.DROP_LAST,
            "mean_of_batches": found.kind is Kind.BATCH_MEAN,
            "chance": round(found.chance, 6),
            "said": found.said,
        }


def candidates(
    value: Number | StatedAccuracy,
    *,
    totals: Sequence[int] | None = None,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    at_most: int = 6,
) -> tuple[Candidate, ...]:
    """Every n that fits, the most likely first; empty for a bound, for "about", and for what is no accuracy.

    `totals`       the sizes to try, the more usual first; None: those of the claim's data set and split where it names
                   them, the usual ones elsewhere
    `batch_sizes`  to try for a dropped last batch and for means of batches; () for neither

    >>> from grader.answers.numbers import parse_number
    >>> from grader.model import Place
    >>> def best(written, **about):
    ...     return candidates(parse_number(written, Place("report.md")), **about)[0].explanation.said
    >>> best("0.9082844034830729")
    '54,468 of 59,968 = 937 batches of 64, the last incomplete batch dropped'
    >>> best("98.92 %"), best("0.7346000075340271")
    ('9,892 of 10,000', '7,346 of 10,000')
    """
    number = value if isinstance(value, Number) else value.number
    claim = claim_of(number)
    if claim is None or any(one.bound or one.is_approximate for one in (number, value)):
        return ()
    tried = tuple(dict.fromkeys(totals if totals is not None else _totals_of(value)))
    split = None if isinstance(value, Number) else value.split
    telling: list[Candidate] = []
    # The simple ways first: a number of few digits fits most of them, and then no batch is told by it.
    for sizes, has_means in (((), False), (batch_sizes, False), (batch_sizes, True)):
        found = [
            Candidate(n, one, _weight(one, claim.value, rank, len(tried), split))
            for rank, n in enumerate(tried)
            if n > 0 and (has_means or _may_fit(claim, n, sizes))
            for one in explain(number, n, batch_sizes=sizes, has_means=has_means)
        ]
        telling = [one for one in found if one.explanation.kind is Kind.EXACT or one.explanation.chance < MAX_CHANCE]
        if telling and not (claim.has_noise and not sizes):
            break
    telling.sort(key=lambda one: -one.weight)
    return tuple(_distinct(telling))[:at_most]


def _may_fit(claim: Claim, n: int, sizes: Sequence[int]) -> bool:
    """Does a count of all images, or of full batches, come near? In floats, and wide: a no is certain."""
    value = float(claim.value)
    radius = float(max(claim.step, claim.noise)) * 1.01 + 1e-12
    grids = {n, *(size * (n // size) for size in sizes if size > 0)}
    return any(abs(value * grid - round(value * grid)) <= radius * grid for grid in grids)


def _distinct(found: Sequence[Candidate]) -> Iterator[Candidate]:
    """One for each number of images that was counted: 44,992 is left of 45,000 and of 45,050."""
    seen = set()
    for one in found:
        key = (one.explanation.kind, one.explanation.total, one.explanation.counts)
        if key not in seen:
            seen.add(key)
            yield one


def _totals_of(value: Number | StatedAccuracy) -> tuple[int, ...]:
    if isinstance(value, Number):
        return STANDARD_TOTALS
    by_split = _SIZES.get(value.dataset or "")
    if by_split is None:
        return _by_split(value.split)
    if value.split is not None and value.split in by_split:
        # What a report calls validation is often the test set, and the other way round.
        others = by_split["test"] if value.split == "validation" else ()
        return (*by_split[value.split], *others)
    return (*by_split["test"], *by_split["train"], *by_split["validation"])


def _by_split(split: str | None) -> tuple[int, ...]:
    if split == "train":
        return tuple(total for total in STANDARD_TOTALS if total > 20_000)
    if split in ("validation", "test"):
        return tuple(total for total in STANDARD_TOTALS if total <= 20_000)
    return STANDARD_TOTALS


def _weight(one: Explanation, value: Fraction, rank: int, tried: int, split: str | None) -> float:
    """How likely this is, up to a factor that all share: what was usual before, times how often it gives this value."""
    weight = 1.0 / (rank + 3) if tried > 1 else 1.0
    if one.kind is Kind.EXACT and tried > 1:
        # A smaller set fits each of its values more often: the usual one stays ahead of its own halves and tenths.
        weight = (rank + 1.0) ** -2
    weight *= _FIT_PRIOR[one.fit] * len(one.counts) / one.total
    if one.kind is Kind.EXACT:
        weight *= 0.6 if split == "train" else 0.9
    elif one.kind is Kind.DROP_LAST:
        sizes = sum(_BATCH_PRIOR.get(size, _LEAST_PRIOR) for size in one.batch_sizes)
        weight *= (0.3 if split == "train" else 0.07) * sizes
    else:
        size = one.batch_sizes[0] if one.batch_sizes else 0
        weight *= 0.03 * _BATCH_PRIOR.get(size, _LEAST_PRIOR) * (1 - min(one.chance, 0.99))
    if one.fit is Fit.FLOAT32:
        off = abs(Fraction(one.count, one.total) - value)
        weight *= 1.0 if one.kind is Kind.BATCH_MEAN or off <= float32_ulp(value) else 0.3
    return weight
