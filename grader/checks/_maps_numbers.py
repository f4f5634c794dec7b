"""Whose maps are these numbers? Arrays as a student saves them, against the maps, in every way to save them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from grader.checks._maps_wanted import NAMED, Wanted
from grader.checks._similarity import assigned, correlation, in_size, is_flat
from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SAME: Final = 0.995  # correlation from which numbers are those of a map, whatever machine computed them
_MOST_SIDE: Final = 64  # pixels to which maps are put before each is held against each


@dataclass(frozen=True)
class Fit:
    """How well numbers fit maps: r of each that is not the same everywhere, in the listed order and in the best one."""

    label: str
    listed: tuple[float, ...]
    best: tuple[float, ...]
    flat: int

    @property
    def middle(self) -> float:
        """The median in the listed order; 0 where no map can be told from another."""
        return statistics.median(self.listed) if self.listed else 0.0

    @property
    def is_same(self) -> bool:
        """Whether each is that map."""
        return bool(self.listed) and min(self.listed) >= SAME

    @property
    def is_reordered(self) -> bool:
        """Whether each is one of the maps, in another order."""
        return bool(self.best) and min(self.best) >= SAME

    @property
    def inverted(self) -> bool:
        """Whether each is that map with its sign turned."""
        return bool(self.listed) and max(self.listed) <= -SAME


def laid_out(array: Array, wanted: Wanted) -> Array | None:
    """The array in the shape of what is wanted; None where it has none that means it.

    A batch of one may stand before it, the maps' axis behind; of all maps of the layer the asked ones are taken.
    """
    made = array
    while made.ndim > len(wanted.shape) and made.shape[0] == 1:
        made = made[0]
    for count in dict.fromkeys((wanted.count, wanted.total)):
        shape = (count, *wanted.shape[1:])
        found = next((one for one in _turned(made, shape) if one.shape == shape), None)
        if found is not None:
            return found if count == wanted.count else found[list(wanted.numbers)]
    return None


def _turned(array: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """As it is; with the maps' axis behind; without the axis of one channel; one map by itself."""
    yield array
    if array.ndim == 3:
        yield array.transpose(2, 0, 1)
    if len(shape) == 4 and shape[1] == 1 and array.ndim == 3:
        yield array[:, None]
    if shape[0] == 1 and array.ndim == len(shape) - 1:
        yield array[None]


def fits(array: Array, wanted: Wanted, whose: str) -> list[Fit]:
    """The array, laid out, against each reading of the named image or of the others, the best one first."""
    if wanted.filters is not None:
        readings = [("", list(wanted.filters))] if whose == NAMED else []
    else:
        readings = [(one.label, list(one.maps)) for one in wanted.of(whose)]
    made = []
    for label, maps in readings:
        pairs = [(one, numbers) for one, numbers in zip(array, maps, strict=True) if not is_flat(numbers)]
        listed = tuple(_r(one, numbers) for one, numbers in pairs)
        made.append(Fit(label, listed, listed, wanted.count - len(pairs)))
    made.sort(key=lambda fit: (fit.is_same, fit.middle), reverse=True)
    if made and not made[0].is_same:  # each against each takes longer
        by_label = dict(readings)
        made = [replace(fit, best=_reordered(array, by_label[fit.label])) for fit in made]
        made.sort(key=lambda fit: (fit.is_reordered, fit.inverted, fit.middle), reverse=True)
    return made


def _r(one: Array, other: Array) -> float:
    made = correlation(one, other)
    return 0.0 if math.isnan(made) else made


def _reordered(array: Array, maps: Sequence[Array]) -> tuple[float, ...]:
    """The r of each map with the part of the array that fits it best."""
    import numpy as np

    small = [_small(one) for one in array]
    wanted = [_small(one) for one in maps]
    lively = [one for one in wanted if not is_flat(one)]
    known = np.array([[max(0.0, _r(one, other)) for other in lively] for one in small])
    if not lively:
        return ()
    return tuple(float(known[row, column]) if row >= 0 else 0.0 for column, row in enumerate(assigned(known)))


def _small(numbers: Array) -> Array:
    if numbers.ndim == 2 and max(numbers.shape) > _MOST_SIDE:
        return in_size(numbers, (min(numbers.shape[0], _MOST_SIDE), min(numbers.shape[1], _MOST_SIDE)))
    return numbers


def by_entry(arrays: Mapping[str, Array], wanted: Sequence[Wanted]) -> list[Array] | None:
    """One array for each entry: in the file's order, or by the names of the layers; None where they do not pair up."""
    by_name = [arrays[one.name] for one in wanted if one.name in arrays]
    if len(by_name) == len(wanted):
        return by_name
    if len(arrays) == len(wanted):
        return list(arrays.values())
    return None
