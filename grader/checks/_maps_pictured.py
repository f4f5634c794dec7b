"""Whose maps does a picture show? Each of its panels held against each map, in every way to draw it.

What is found are shares between 0 and 1 (see `_similarity`); what they are worth is for the check to say.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from grader.checks._maps_wanted import NAMED, OTHER, Reading, Wanted
from grader.checks._similarity import assigned, correlation, explained, in_size, is_flat, is_flat_panel
from grader.frozen import dataclass
from grader.model import Json

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

    Panels = list[tuple[tuple[int, int, int, int], Array]]

CLEAR: Final = 0.9  # of a panel's colours: such a panel shows that map
_INSETS: Final = (0, 1, 2, 3)  # pixels at the edges of a panel that may be its frame
_PADS: Final = (0, 1, 2)  # pixels between maps that lie side by side, as torchvision's make_grid puts them
_NEAR: Final = 0.05
_TIE: Final = 0.005  # between two ways to draw the maps: the first one, as the rubric says, is meant
_HOPELESS: Final = 0.6  # a frame of a few pixels hides no more than that
_INK: Final = 48  # levels of 255
_MOST_SIDE: Final = 64  # pixels to which larger maps are put for the comparison
_MOST_PANELS: Final = 150


@dataclass(frozen=True)
class Match:
    """How well a picture's panels show maps. `shares` has one number for each map that is not the same everywhere.

    `shown` are the places of the panels, in reading order, by map (-1: none); `flat` counts maps that are the same
    everywhere, `of_layers` are the shares of what layers give alone; `in_order` whether they stand as listed, across or
    down; `labels` say how they are drawn; `is_bare` is whether there is nothing on the page but these panels.
    """

    panels: int
    shares: tuple[float, ...]
    shown: tuple[int, ...]
    flat: int
    in_order: bool
    labels: tuple[str, ...]
    is_bare: bool = False
    of_layers: tuple[float, ...] = ()

    @property
    def middle(self) -> float:
        """The median share; 0 where no map can be told from another."""
        return statistics.median(self.shares) if self.shares else 0.0

    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.shares, default=0.0)

    @property
    def middle_of_layers(self) -> float:
        """The median share of what depends on the image."""
        return statistics.median(self.of_layers) if self.of_layers else 0.0

    @property
    def clear(self) -> int:
        """How many maps are clearly seen."""
        return sum(share >= CLEAR for share in self.shares)


def best_matches(picture: Mapping[str, Json], pixels: Array, wanted: Sequence[Wanted]) -> tuple[Match, Match | None]:
    """(how well it shows the named image's maps, how well another image's): the best way to see panels in it."""
    count = sum(one.count for one in wanted)
    best, seen = Match(0, (), (), 0, in_order=False, labels=()), None
    for number, panels in enumerate(_panel_sets(picture["panels"], pixels, count, wanted[0].size)):
        named = _match(panels, wanted, NAMED)
        if seen is None or named.middle > best.middle:
            best, seen = named, panels
        if best.panels >= count and (best.least >= CLEAR or (number == 0 and best.middle < _HOPELESS)):
            break
    best = replace(best, is_bare=_is_bare(picture["panels"], pixels) and best.panels == len(picture["panels"]))
    has_others = any(one.of(OTHER) for one in wanted)
    return best, _match(seen, wanted, OTHER) if seen is not None and has_others else None


def _is_bare(boxes: Sequence[Sequence[int]], pixels: Array) -> bool:
    """Whether there is no ink but in the boxes. A map in the colour of the page may else be one that was not seen."""
    import numpy as np

    apart = np.abs(pixels.astype(np.int16) - pixels[0, 0].astype(np.int16)).max(axis=-1) > _INK
    for left, top, right, bottom in boxes:
        apart[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = False
    return not apart.any()


def _panel_sets(boxes: Sequence[Sequence[int]], pixels: Array, count: int, size: tuple[int, int]) -> Iterator[Panels]:
    """The panels that were seen, with and without a frame; then the page cut into equal parts."""
    if boxes and len(boxes) <= _MOST_PANELS:
        for inset in _INSETS:
            made: Panels = []
            for left, top, right, bottom in boxes:
                box = (left + inset, top + inset, right - inset, bottom - inset)
                if box[2] - box[0] >= 4 and box[3] - box[1] >= 4:
                    made.append((box, pixels[box[1] : box[3], box[0] : box[2]]))
            if made:
                yield made
    if len(boxes) >= count:
        return
    whole = pixels.shape[1], pixels.shape[0]
    for columns in range(1, min(count, 64) + 1):
        for pad in _PADS:
            made = _cut(pixels, whole, (-(-count // columns), columns), pad, size)
            if made:
                yield made


def _cut(pixels: Array, whole: tuple[int, int], grid: tuple[int, int], pad: int, size: tuple[int, int]) -> Panels:
    """The page as a grid of (rows, columns), where its cells have the form of a map."""
    rows, columns = grid
    width, height = ((side - pad) / parts - pad for side, parts in zip(whole, (columns, rows), strict=True))
    if min(width, height) < 4 or abs(width / height * size[0] / size[1] - 1) > 0.03:
        return []
    made = []
    for row in range(rows):
        for column in range(columns):
            left, top = pad + column * (width + pad), pad + row * (height + pad)
            box = round(left), round(top), round(left + width), round(top + height)
            made.append((box, pixels[box[1] : box[3], box[0] : box[2]]))
    return made


def _match(panels: Panels, wanted: Sequence[Wanted], whose: str) -> Match:
    """Each map with the panel that shows it best, each panel once."""
    import numpy as np

    parts, labels, is_layer = [], [], []
    for one in wanted:
        is_layer += [one.filters is None] * one.count
        readings = one.of(whose) or one.of(NAMED)
        least = [min(panel.shape[axis] for _, panel in panels) for axis in (0, 1)]
        height, width = (min(side, there, _MOST_SIDE) for side, there in zip(one.size, least, strict=True))
        seen = [in_size(panel, (height, width)) for _, panel in panels]
        shares = [_shares(seen, reading, (height, width)) for reading in readings]
        worths = [_worth(one) for one in shares]
        near = [place for place, worth in enumerate(worths) if worth >= max(worths) - _NEAR]
        if len(near) > 1:  # by each panel for one map only, which takes longer
            worths = [_worth_of_pairs(shares[place]) if place in near else -1.0 for place in range(len(shares))]
        best = next(place for place, worth in enumerate(worths) if worth >= max(worths) - _TIE)
        parts.append(shares[best])
        labels.append(readings[best].label)
    whole = np.concatenate(parts, axis=1)  # (panels, maps)
    lively = [column for column in range(whole.shape[1]) if not np.isnan(whole[:, column]).all()]
    known = np.nan_to_num(whole[:, lively], nan=0.0).clip(0, 1)
    if not lively:
        return Match(len(panels), (), (), whole.shape[1], in_order=False, labels=tuple(labels))
    shown = assigned(known)
    got = [float(known[row, column]) if row >= 0 else 0.0 for column, row in enumerate(shown)]
    places = [-1] * whole.shape[1]
    for column, row in zip(lively, shown, strict=True):
        places[column] = row
    return Match(
        len(panels),
        tuple(got),
        tuple(places),
        whole.shape[1] - len(lively),
        in_order=_is_in_order(panels, known, shown, got),
        labels=tuple(labels),
        of_layers=tuple(share for share, column in zip(got, lively, strict=True) if is_layer[column]),
    )


def _worth(shares: Array) -> float:
    """The mean over the maps of what the best panel shows."""
    import numpy as np

    if np.isnan(shares).all():
        return -1.0
    best = np.nanmax(np.where(np.isnan(shares), -1.0, shares), axis=0)
    lively = best[best > -1.0]
    return float(lively.mean()) if len(lively) else -1.0


def _worth_of_pairs(shares: Array) -> float:
    """The mean over the maps of what the panel shows that is given to each."""
    import numpy as np

    lively = [column for column in range(shares.shape[1]) if not np.isnan(shares[:, column]).all()]
    if not lively:
        return -1.0
    known = np.nan_to_num(shares[:, lively], nan=0.0).clip(0, 1)
    return float(np.mean([known[row, column] if row >= 0 else 0.0 for column, row in enumerate(assigned(known))]))


def _shares(seen: Sequence[Array], reading: Reading, size: tuple[int, int]) -> Array:
    """Shape: (panels, maps); nan for what is flat. The panels have that size."""
    import numpy as np

    maps = [in_size(one, size) for one in reading.maps]
    if not reading.is_colour:
        return explained(maps, seen)
    made = np.full((len(seen), len(maps)), np.nan)
    for column, colours in enumerate(maps):
        for row, panel in enumerate(seen):
            if not (is_flat(colours) or is_flat_panel(panel)):
                made[row, column] = max(0.0, correlation(panel, colours)) ** 2
    return made


def _is_in_order(panels: Panels, known: Array, shown: Sequence[int], got: Sequence[float]) -> bool:
    """Whether the panels of the maps follow each other across or down; maps that look the same may be swapped."""
    boxes = [box for box, _ in panels]
    for key in ((1, 0), (0, 1)):
        order = [place for _, place in sorted(((box[key[0]], box[key[1]]), place) for place, box in enumerate(boxes))]
        rank = {place: number for number, place in enumerate(order)}
        ranks = sorted(rank[row] for row in shown if row >= 0)
        straight = [known[order[number], column] for column, number in enumerate(ranks)]
        if len(ranks) == len(shown) and all(now >= before - 0.02 for now, before in zip(straight, got, strict=True)):
            return True
    return False
