"""How alike are two maps, however they were scaled, coloured and sized? Numbers between 0 and 1.

Maps are (H, W) of any numbers. A panel of a picture shows one in colours, by a colour map that nobody told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from grader.evidence.figures import averaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

_STEPS: Final = 12  # of a map's values, each of which a colour map gives a colour of its own
_EACH: Final = 5  # pixels at least for each step, or an accident explains the colours as well
_RIDGE: Final = 1e-9
_FLAT: Final = 1e-6  # of a map's largest number: less is the same everywhere
_FLAT_LEVELS: Final = 3.0  # of 255, as of a panel of one colour, saved as JPEG


def correlation(one: Array, other: Array) -> float:
    """Pearson's r, which no scale and no offset changes; nan where one of them is the same everywhere.

    Shapes:  both the same

    >>> import numpy as np
    >>> a = np.array([[0.0, 1], [2, 3]])
    >>> round(correlation(a, 5 - 2 * a), 6), correlation(a, a * 0)
    (-1.0, nan)
    """
    import numpy as np

    a, b = (part.astype(np.float64).ravel() for part in (one, other))
    if is_flat(one) or is_flat(other):
        return float("nan")
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def is_flat(numbers: Array) -> bool:
    """Whether a map has one value everywhere, as that of a dead filter.

    >>> import numpy as np
    >>> is_flat(np.full((2, 2), 0.1)), is_flat(np.eye(2))
    (True, False)
    """
    import numpy as np

    largest = float(np.abs(numbers).max(initial=0))
    return float(np.ptp(numbers)) <= _FLAT * largest


def is_flat_panel(colours: Array) -> bool:
    """Whether a panel (h, w, 3) has one colour everywhere, but for noise."""
    import numpy as np

    return float(colours.astype(np.float64).std(axis=(0, 1)).max()) < _FLAT_LEVELS


def in_size(numbers: Array, size: tuple[int, int]) -> Array:
    """A map or a picture with so many rows and columns, each the mean of its part.

    Shapes:  (H, W) -> size, (H, W, 3) -> (*size, 3)
    """
    import numpy as np

    if numbers.ndim == 2:
        return averaged(numbers.astype(np.float64), size)
    return np.stack([averaged(numbers[..., channel].astype(np.float64), size) for channel in range(3)], axis=-1)


def explained(maps: Sequence[Array], panels: Sequence[Array]) -> Array:
    """How much of each panel's colours the value of each map explains: 1 where a colour map could have made them.

    Shapes:  maps (h, w) and panels (h, w, 3), all of one size -> (panels, maps)
    No scale, no offset, no sign and no colour map changes it. Adjusted, so that it is about 0 where they have nothing
    to do with each other, and negative by accident; nan where a map or a panel is flat.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.random((20, 20)), rng.random((20, 20))
    >>> red = np.stack([255 * a, 0 * a, 255 - 255 * a], axis=-1)
    >>> [round(float(share), 1) for share in explained([a, -3 * a, b], [red])[0]]
    [1.0, 1.0, 0.0]
    """
    import numpy as np

    made = np.full((len(panels), len(maps)), np.nan)
    count = panels[0].shape[0] * panels[0].shape[1] if panels else 0
    steps = int(np.clip(count // _EACH, 2, _STEPS))
    colours = np.stack([panel.reshape(count, 3) for panel in panels], axis=1).astype(np.float64)  # (n, P, 3)
    colours = colours - colours.mean(axis=0)
    whole = (colours**2).sum(axis=(0, 2))
    lively = np.array([not is_flat_panel(panel) for panel in panels])
    for column, numbers in enumerate(maps):
        if is_flat(numbers):
            continue
        levels = _levels(numbers.ravel().astype(np.float64), steps)
        weights = _tents(levels, steps)
        gram = weights.T @ weights + _RIDGE * np.eye(steps)  # a step that no value meets is left at 0
        hidden = np.linalg.solve(gram, weights.T @ colours.reshape(count, -1))
        rest = ((colours.reshape(count, -1) - weights @ hidden) ** 2).reshape(colours.shape).sum(axis=(0, 2))
        used = int((weights.max(axis=0) > 0).sum())
        share = 1 - rest / np.maximum(whole, 1e-12) * (count - 1) / max(1, count - used)
        made[lively, column] = share[lively]
    return made


def _levels(values: Array, steps: int) -> Array:
    """From 0 to steps - 1."""
    import numpy as np

    low, high = values.min(), values.max()
    made: Array = (values - low) / (high - low) * (steps - 1)
    return np.clip(made, 0, steps - 1)


def _tents(levels: Array, steps: int) -> Array:
    """Shape: (n, steps). Each value shares itself between its two neighbouring steps: a broken line, not stairs."""
    import numpy as np

    low = np.minimum(levels.astype(np.int64), steps - 2)
    part = levels - low
    made = np.zeros((len(levels), steps))
    rows = np.arange(len(levels))
    made[rows, low] = 1 - part
    made[rows, low + 1] = part
    return made


def assigned(shares: Array) -> list[int]:
    """Which panel shows each map, so that the sum is the largest; -1 where there are fewer panels than maps.

    Shape:  (panels, maps) of numbers between 0 and 1

    >>> import numpy as np
    >>> assigned(np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]]))
    [1, 0]
    """
    import numpy as np

    rows, columns = shares.shape
    side = max(rows, columns)
    costs = np.zeros((side, side))  # of a map to a panel; what is lacking costs as much as the worst
    costs[:columns, :rows] = -shares.T
    costs[:, rows:] = costs[columns:, :] = 1.0
    taken = _cheapest(costs)
    return [taken[column] if taken[column] < rows else -1 for column in range(columns)]


def _cheapest(costs: Array) -> list[int]:
    """The column of each row so that the sum of the costs is the smallest: Hungarian method with potentials.

    Source: H. W. Kuhn, The Hungarian method for the assignment problem, 1955; shortest augmenting paths, O(n^3)
    """
    import numpy as np

    count = len(costs)
    row_potential, column_potential = np.zeros(count + 1), np.zeros(count + 1)
    row_of = np.zeros(count + 1, dtype=np.int64)  # of each column, from 1; column 0 is where a path begins
    for row in range(1, count + 1):
        row_of[0], column = row, 0
        least = np.full(count + 1, np.inf)
        came_from = np.zeros(count + 1, dtype=np.int64)
        is_used = np.zeros(count + 1, dtype=bool)
        while True:
            is_used[column] = True
            here = row_of[column]
            reduced = costs[here - 1] - row_potential[here] - column_potential[1:]
            is_better = ~is_used[1:] & (reduced < least[1:])
            least[1:][is_better] = reduced[is_better]
            came_from[1:][is_better] = column
            following = int(np.where(is_used[1:], np.inf, least[1:]).argmin()) + 1
            step = least[following]
            row_potential[row_of[is_used]] += step
            column_potential[is_used] -= step
            least[~is_used] -= step
            column = following
            if row_of[column] == 0:
                break
        while column:
            row_of[column] = row_of[came_from[column]]
            column = int(came_from[column])
    made = [0] * count
    for place in range(1, count + 1):
        made[int(row_of[place]) - 1] = place - 1
    return made
