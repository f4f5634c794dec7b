"""Where on a picture are the panels of a grid, such as the maps of a layer, drawn side by side?

Only where they lie is told, and only where they are cut off from each other by the ground of the page. Whether a panel
shows this map or that is for whoever compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_NOISE: Final = (10, 48)  # levels of 255 by which a pixel may differ from the ground and still be it: or in a JPEG
_LEAST: Final = 6  # pixels to a side of a panel
_ALIKE: Final = 0.06  # by which the sides of panels of one grid may differ
_FILLED: Final = 0.5  # of a row of a panel: less is a tick, or text that hangs on to it
MOST: Final = 400

Box = tuple[int, int, int, int]  # left, top, right, bottom: the last two behind the last pixel


def panels_of(colours: Array) -> list[Box]:
    """The panels of the commonest size in reading order, all of one size; none where no grid is seen.

    Shape: (height, width, 3) uint8.

    >>> import numpy as np
    >>> page = np.full((40, 60, 3), 255, dtype=np.uint8)
    >>> page[5:15, 5:15] = page[5:15, 25:35] = page[25:35, 5:15] = 0
    >>> panels_of(page)
    [(5, 5, 15, 15), (25, 5, 35, 15), (5, 25, 15, 35)]
    """
    apart = _apart(colours)
    found = []
    for noise in _NOISE:
        mask = apart > noise
        trimmed = [_trimmed(mask, box) for box in _blocks(mask)]
        found.append(_commonest([box for box in trimmed if box is not None and min(_sides(box)) >= _LEAST]))
    return _aligned(max(found, key=len))[:MOST]


def _apart(colours: Array) -> Array:
    """By how much each pixel differs from the ground: the commonest colour at the edges of the page."""
    import numpy as np

    border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]]).astype(np.uint32)
    codes = border @ np.array([65536, 256, 1], dtype=np.uint32)
    values, counts = np.unique(codes, return_counts=True)
    code = int(values[counts.argmax()])
    ground = np.array([code >> 16, code >> 8 & 255, code & 255], dtype=np.int16)
    made: Array = np.abs(colours.astype(np.int16) - ground).max(axis=-1)
    return made


def _sides(box: Box) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]


def _runs(marks: Array) -> list[tuple[int, int]]:
    """Where a row of True begins and ends.

    >>> import numpy as np
    >>> _runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[False], marks, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _blocks(mask: Array, depth: int = 0, at: tuple[int, int] = (0, 0)) -> list[Box]:
    """The parts into which lines of bare ground cut the page, down and across, one after the other."""
    made: list[Box] = []
    for top, bottom in _runs(mask.max(axis=1)):
        band = mask[top:bottom]
        for left, right in _runs(band.max(axis=0)):
            part = band[:, left:right]
            place = (at[0] + left, at[1] + top)
            if depth < 4 and len(_runs(part.max(axis=1))) > 1:
                made += _blocks(part, depth + 1, place)
            else:
                made.append((place[0], place[1], place[0] + right - left, place[1] + bottom - top))
            if len(made) > 20 * MOST:
                return []
    return made


def _trimmed(mask: Array, box: Box) -> Box | None:
    """Without rows and columns at its edges that are mostly bare: ticks, and the ends of letters."""
    import numpy as np

    left, top, right, bottom = box
    part = mask[top:bottom, left:right]
    rows, columns = (np.flatnonzero(part.mean(axis=axis) >= _FILLED) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return None
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1


def _is_alike(one: Box, other: Box) -> bool:
    return all(abs(a - b) <= max(2, _ALIKE * max(a, b)) for a, b in zip(_sides(one), _sides(other), strict=True))


def _commonest(boxes: list[Box]) -> list[Box]:
    """Those of the size that covers the most of the page."""
    best: list[Box] = []
    for box in boxes[: 4 * MOST]:
        alike = [other for other in boxes if _is_alike(box, other)]
        if sum(w * h for w, h in map(_sides, alike)) > sum(w * h for w, h in map(_sides, best)):
            best = alike
    return best


def _aligned(boxes: list[Box]) -> list[Box]:
    """In reading order, and those of one row or column of the grid with the same edges: the outermost of them."""
    made = []
    for box in boxes:
        row = [other for other in boxes if _meets(box[1], box[3], other[1], other[3])]
        column = [other for other in boxes if _meets(box[0], box[2], other[0], other[2])]
        made.append(
            (
                min(other[0] for other in column),
                min(other[1] for other in row),
                max(other[2] for other in column),
                max(other[3] for other in row),
            )
        )
    return sorted(made, key=lambda box: (box[1], box[0]))


def _meets(start: int, end: int, other_start: int, other_end: int) -> bool:
    """Whether two spans share most of their length."""
    return min(end, other_end) - max(start, other_start) > 0.7 * max(end - start, other_end - other_start)
