"""Which maps should a file show, in all the ways in which they may honestly be drawn?

From the result of a `maps` job. A map of a layer may be drawn before or after its ReLU, with the image prepared as the
rubric says or as such images usually are; a filter of several channels as a colour, by its mean, or by one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grader.evidence.networks import unpacked
from grader.frozen import dataclass
from grader.model import Json

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

NAMED, OTHER = "named", "other"


@dataclass(frozen=True)
class Reading:
    """One way to draw what is asked for. `maps` are (H, W), or (H, W, 3) where `is_colour`; `of` is whose image."""

    of: str
    label: str
    maps: Sequence[Array]
    is_colour: bool = False


@dataclass(frozen=True)
class Wanted:
    """One entry of what a file shows. `numbers` are the maps' own, `total` how many the layer has.

    `filters` are the weights as they stand in the checkpoint, (maps, C, H, W); None of what a layer gives.
    """

    what: str
    name: str
    numbers: Sequence[int]
    total: int
    readings: Sequence[Reading]
    filters: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the numbers: (maps, H, W), of filters (maps, C, H, W)."""
        return (self.count, *self.size) if self.filters is None else self.filters.shape

    @property
    def count(self) -> int:
        """How many maps are to be seen."""
        return len(self.numbers)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a map."""
        height, width = self.readings[0].maps[0].shape[:2]
        return int(height), int(width)

    def of(self, whose: str) -> list[Reading]:
        """The readings of the named image, or of others; of weights there are no others."""
        return [one for one in self.readings if one.of == whose]


def wanted_maps(result: Mapping[str, Json]) -> list[Wanted]:
    """What is asked for, in its order."""
    made = []
    for one in result["show"]:
        array = unpacked(one["array"])
        readings = _of_layer(array, result["rows"]) if one["what"] == "layer" else _of_weights(array)
        filters = array if one["what"] == "weights" else None
        made.append(Wanted(one["what"], one["name"], one["maps"], one["total"], readings, filters))
    return made


def _of_layer(array: Array, rows: Sequence[Mapping[str, Json]]) -> list[Reading]:
    """Shape: (rows, maps, H, W)."""
    import numpy as np

    made = []
    for row, maps in zip(rows, array, strict=True):
        words = " ".join(word for word in (row["label"], row["view"]) if word)
        label = row["label"] if row["of"] == OTHER else words
        made.append(Reading(row["of"], label, list(maps)))
        if maps.min() < 0:
            made.append(Reading(row["of"], f"{label}, after a ReLU", list(np.maximum(maps, 0))))
    return made


def _of_weights(array: Array) -> list[Reading]:
    """Shape: (maps, C, H, W)."""
    import numpy as np

    channels = array.shape[1]
    if channels == 1:
        return [Reading(NAMED, "", list(array[:, 0]))]
    made = []
    if channels == 3:
        made.append(Reading(NAMED, "in colours", list(array.transpose(0, 2, 3, 1)), is_colour=True))
    made.append(Reading(NAMED, "the mean over its channels", list(array.mean(axis=1))))
    luma = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    if channels == 3:
        made.append(Reading(NAMED, "in grey", list(array.transpose(0, 2, 3, 1) @ luma)))
    made += [Reading(NAMED, f"channel {number}", list(array[:, number])) for number in range(min(channels, 3))]
    return made
