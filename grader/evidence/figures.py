"""How much is on a student's figures, and do two of them show the same? Decoded in the box, measured here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.model import Evidence, EvidenceStatus, Job, Json

if TYPE_CHECKING:
    import numpy as np

    from grader.evidence.kinds import Bench

    Array = np.ndarray[Any, Any]

MOST_SHOWN: Final = 2_000_000  # pixels that are looked at; of a larger figure, means of so many by so many
NOISE: Final = 8  # levels of 255 by which a pixel may differ from the ground and still be it: JPEG's own
_LINE: Final = 0.4  # of a side: a straight line of that length may be an axis
_SPAN: Final = 0.98  # of the plot's side: a grey line of that length is one of a grid
_MARGIN: Final = 0.03  # of the plot's sides, for ticks that point inwards
_PRINT: Final = 48  # pixels to a side of what is compared


def looked_at(job: Job, folder: Path, bench: Bench) -> Evidence:
    """Result: `files`, each with `path`, `problem`, and `found`: what `picture` says of it, and of its ink.

    Of `found`, besides: `ink`, the share of pixels that are not of the ground's colour, `ink_on_black` the same where
    what is transparent is shown on black; `colours`, how many colours there are, in steps of 32 levels; `plot`, the
    share of ink within the axes, and of what is left there away from the edges without grey lines from side to side
    (null: no axes seen);
    `print`, a small grey copy in hex; `digest` that of the pixels.
    """
    from grader import sandbox
    from grader.evidence.kinds import fault_of, files_of

    files = files_of(job, folder)
    ended = sandbox.run(
        "picture",
        files=files,
        request={"files": job.parameters["files"], "max_pixels": None},
        limits=bench.limits,
        level=bench.level,
    )
    if not isinstance(ended, sandbox.Answered):
        return fault_of(ended)
    made: list[Json] = []
    for row in ended.result["files"]:
        found, problem = row["found"], row["problem"]
        if found is not None:
            more = _measured(files[row["path"]], row["path"], found, bench)
            if isinstance(more, Evidence):
                return more
            found = {**found, **more}
        made.append({"path": row["path"], "problem": problem, "found": found})
    return Evidence("", EvidenceStatus.DONE, result={"files": made})


def _measured(file: Path, name: str, found: Json, bench: Bench) -> dict[str, Json] | Evidence:
    from grader.evidence.kinds import fault_of
    from grader.sandbox.pictures import Pixels, pixels

    size = (found["width"], found["height"])
    shrink = shrink_for(size)
    shown = []
    for ground in ("white", "black"):
        made = pixels(
            file, name, size, channels=3, shrink=shrink, ground=ground, limits=bench.limits, level=bench.level
        )
        if not isinstance(made, Pixels):
            return fault_of(made)
        shown.append(made.array)
    return measures(shown[0]) | {"ink_on_black": ink(shown[1])}


def shrink_for(size: tuple[int, int], most: int = MOST_SHOWN) -> int:
    """By how much a figure's sides are divided so that it has at most `most` pixels.

    >>> shrink_for((1000, 1000)), shrink_for((7000, 7000))
    (1, 5)
    """
    shrink = 1
    while (-(-size[0] // shrink)) * (-(-size[1] // shrink)) > most:
        shrink += 1
    return shrink


def measures(colours: Array) -> dict[str, Json]:
    """What there is on a figure. Shape: (height, width, 3) uint8."""
    coarse = colours >> 5
    codes = (coarse[..., 0].astype("u2") << 6) | (coarse[..., 1].astype("u2") << 3) | coarse[..., 2]
    return {
        "ink": ink(colours),
        "colours": len(set(codes.ravel()[:: max(1, codes.size // 500_000)].tolist())),
        "plot": plot_ink(colours),
        "print": small_print(colours),
    }


def ground_of(colours: Array) -> Array:
    """The commonest colour, (3,) uint8."""
    import numpy as np

    codes = colours.reshape(-1, 3).astype(np.uint32) @ np.array([65536, 256, 1], dtype=np.uint32)
    values, counts = np.unique(codes, return_counts=True)
    code = int(values[counts.argmax()])
    return np.array([code >> 16, code >> 8 & 255, code & 255], dtype=np.uint8)


def _is_ink(colours: Array, ground: Array) -> Array:
    import numpy as np

    made: Array = np.abs(colours.astype(np.int16) - ground.astype(np.int16)).max(axis=-1) > NOISE
    return made


def ink(colours: Array) -> float:
    """The share of pixels that are not of the commonest colour, give or take noise.

    >>> import numpy as np
    >>> page = np.full((10, 10, 3), 255, dtype=np.uint8)
    >>> page[3, 4] = 0
    >>> ink(page)
    0.01
    """
    return round(float(_is_ink(colours, ground_of(colours)).mean()), 6)


def plot_ink(colours: Array) -> Json:
    """What lies within the axes: {"all": share of ink, "without_grid": the same without ticks and lines of a grid}.

    None where no pair of axes is seen: a line down and a line across, each long and straight.
    """
    import numpy as np

    dark = colours.max(axis=-1) < 140
    rows, columns = (np.flatnonzero(_longest(dark, axis) >= _LINE * dark.shape[1 - axis]) for axis in (0, 1))
    if not len(rows) or not len(columns):
        return None
    left, bottom = int(columns[0]), int(rows[-1])
    while left + 1 in columns:  # a thick line
        left += 1
    while bottom - 1 in rows:
        bottom -= 1
    top = int(rows[0]) if rows[0] < bottom - 8 else 0
    while top + 1 in rows:
        top += 1
    right = int(columns[-1]) if columns[-1] > left + 8 else dark.shape[1]
    while right - 1 in columns:
        right -= 1
    inner = colours[top + 2 : bottom - 1, left + 2 : right - 1]
    if inner.shape[0] < 16 or inner.shape[1] < 16:
        return None
    whole = ink(inner)
    down, across = (max(2, round(_MARGIN * side)) for side in inner.shape[:2])
    inner = inner[down : inner.shape[0] - down, across : inner.shape[1] - across]
    is_ink = _is_ink(inner, ground_of(inner))
    spread = inner.max(axis=-1).astype(np.int16) - inner.min(axis=-1)
    is_grey = is_ink & (spread <= 2 * NOISE)
    lines = np.zeros_like(is_ink)
    lines[is_grey.mean(axis=1) >= _SPAN] = True
    lines[:, is_grey.mean(axis=0) >= _SPAN] = True
    return {
        "all": whole,
        "without_grid": round(float((is_ink & ~_wider(lines)).mean()), 6),
    }


def _longest(mask: Array, axis: int) -> Array:
    """The longest run of True in each row (axis 0) or column (axis 1)."""
    import numpy as np

    across = mask if axis == 0 else mask.T
    best = np.zeros(len(across), dtype=np.int64)
    run = np.zeros(len(across), dtype=np.int64)
    for column in across.T:
        run = np.where(column, run + 1, 0)
        best = np.maximum(best, run)
    return best


def _wider(lines: Array) -> Array:
    """The lines and their neighbours, where smoothing has left its grey."""
    made: Array = lines.copy()
    made[1:] |= lines[:-1]
    made[:-1] |= lines[1:]
    made[:, 1:] |= lines[:, :-1]
    made[:, :-1] |= lines[:, 1:]
    return made


def small_print(colours: Array) -> str:
    """A grey copy of 48 x 48 pixels, each the mean of its part of the figure, in hex."""
    import numpy as np

    grey = colours.astype(np.float32).mean(axis=-1)
    return averaged(grey, (_PRINT, _PRINT)).round().astype(np.uint8).tobytes().hex()


def averaged(grey: Array, size: tuple[int, int]) -> Array:
    """The means over a grid of `size` = (rows, columns) parts; each part has its share of the pixels at its edges.

    >>> import numpy as np
    >>> averaged(np.array([[0.0, 1, 2], [3, 4, 5]]), (1, 2)).round(6).tolist()
    [[1.833333, 3.166667]]
    """
    weights = [_weights(side, wanted) for side, wanted in zip(grey.shape[:2], size, strict=True)]
    made: Array = weights[0] @ grey @ weights[1].T
    return made


def _weights(side: int, wanted: int) -> Array:
    """Shape: (wanted, side), each row the share of every pixel in one part; rows sum to 1."""
    import numpy as np

    edges = np.linspace(0, side, wanted + 1)
    low, high = edges[:-1, None], edges[1:, None]
    at = np.arange(side)[None]
    shares = np.clip(np.minimum(high, at + 1) - np.maximum(low, at), 0, None)
    made: Array = shares / shares.sum(axis=1, keepdims=True)
    return made
