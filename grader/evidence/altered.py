"""Does a network know what it sees, or the test images by heart? Some of them go in a second time, mildly changed.

They are answered in a box in which the images that they were made of are not at hand. A network that has learned loses
little; a table of the test images, wherever it is kept, no longer finds them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from grader.model import Json

if TYPE_CHECKING:
    import numpy as np


MOST = 250  # of each kind: with 10,000 images 5% more to compute
KINDS: Final[Mapping[str, bool]] = {"light": False, "moved": True}  # -> whether it is moved by a pixel as well


def altered_rows(count: int, seed: str, kinds: Iterable[str] = KINDS) -> dict[str, list[int]]:
    """Which of `count` images are changed in which way; the same for the same seed.

    >>> {kind: len(rows) for kind, rows in altered_rows(10_000, "a seed").items()}
    {'light': 250, 'moved': 250}
    """
    dice = random.Random(seed)  # noqa: S311  no cipher
    return {kind: sorted(dice.sample(range(count), min(MOST, count))) for kind in kinds}


def altered_images(images: np.ndarray[Any, Any], rows: Mapping[str, Sequence[int]], seed: str) -> np.ndarray[Any, Any]:
    """The changed copies, kind after kind.

    Shapes:  (N, C, H, W) uint8 -> (P, C, H, W) uint8
    """
    import numpy as np

    from grader.datasets.mild import mildly_changed

    changed = [
        mildly_changed(images[np.asarray(chosen)], f"{seed} {kind}", is_shifted=KINDS[kind])
        for kind, chosen in rows.items()
    ]
    return np.concatenate(changed)


def altered_counts(
    scores: np.ndarray[Any, Any],
    changed: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
    rows: Mapping[str, Sequence[int]],
) -> Json:
    """By kind: `n` images, `before` of them right as they are and `after` when changed; `lost` and `gained` between.

    Shapes:  scores (N, classes) and labels (N,); changed (P, classes) in the order of `altered_images`
    A row with a NaN got no answer: that is a wrong one, or else a table would refuse what it does not hold.
    """
    import numpy as np

    is_right = scores.argmax(axis=1) == labels
    is_answered = np.isfinite(changed).all(axis=1)
    made: dict[str, Json] = {}
    start = 0
    for kind, chosen in rows.items():
        which, part = np.asarray(chosen), slice(start, start + len(chosen))
        start = part.stop
        before = is_right[which]
        after = is_answered[part] & (changed[part].argmax(axis=1) == labels[which])
        made[kind] = {
            "n": len(which),
            "before": int(before.sum()),
            "after": int(after.sum()),
            "lost": int((before & ~after).sum()),
            "gained": int((~before & after).sum()),
        }
    return made
