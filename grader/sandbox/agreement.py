"""Does a network say the same of an image wherever it stands? Two answers to each image of a slice, compared.

What decides a class is the gap between a network's two highest scores; everything here is measured in the usual gap
(the median over all images), so that no factor and no offset in the scores hides a difference, and a few scores of
any size do not either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np

# Of the usual gap. Measured (2026-11, torch 2.13, networks trained on three sets, an attention network): at most 2e-7
# in eval mode, in bfloat16, half precision and autocast too; with BatchNorm's batch statistics 0.03 at least, with the
# batch's mean in the scores or the inputs 0.02, with dropout 0.5. Kernels of other machines may round half precision
# by the size of the batch: a digit of it is 0.004 to 0.008.
TOLERANCE = 0.005
COARSE = 0.015  # where all scores are numbers of bfloat16 or half precision
_BITS_LEFT_OUT = {"bfloat16": 16, "float16": 13}  # of a float32, for a number that the shorter type has too
MOST_UNDECIDED = 0.1  # of all images: where more are near a tie, a tie is no excuse. Honest networks: 0.04 at most


@dataclass(frozen=True, slots=True)
class Agreement:
    """`compared` images had two answers; `changed` of them another class, `disagreement` is the usual difference.

    The difference is that of the gaps between the two highest scores, as a share of the usual gap.
    """

    compared: int = 0
    changed: int = 0
    disagreement: float = 0.0
    tolerance: float = TOLERANCE

    @property
    def is_good(self) -> bool:
        """Whether the two answers are one, but for rounding."""
        return self.changed == 0 and self.disagreement <= self.tolerance


def agreement(scores: np.ndarray[Any, Any], first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> Agreement:
    """Compare the answers `first` with `second`; rows of NaN in `second` are no answer.

    Shapes:  `scores` (N, classes) of all images; `first` and `second` (R, classes) of the same images in one order

    >>> import numpy as np
    >>> said = np.array([[3.0, 1, 0], [0, 2, 0], [1, 0, 5]])
    >>> agreement(said, said, said * (1 + 1e-6)).is_good
    True
    >>> agreement(said, said, said[::-1])
    Agreement(compared=3, changed=2, disagreement=0.5, tolerance=0.015)
    """
    import numpy as np

    usual = float(np.median(_gaps(scores)))
    tolerance = COARSE if is_coarse(scores) else TOLERANCE
    undecided = 2 * tolerance * usual  # a gap so small that rounding may turn it
    is_answered = np.isfinite(second).all(axis=1)
    one, other = (rows[is_answered].astype(np.float64) for rows in (first, second))
    if not len(one):
        return Agreement()
    if one.shape[1] == 1:
        apart, is_turned = np.abs(one - other)[:, 0], np.zeros(len(one), dtype=bool)
    else:
        top, next_best = np.argsort(-one, axis=1, kind="stable")[:, :2].T
        rows = np.arange(len(one))
        gap, again = one[rows, top] - one[rows, next_best], other[rows, top] - other[rows, next_best]
        apart = np.abs(gap - again)
        is_turned = other.argmax(axis=1) != one.argmax(axis=1)
        if (_gaps(scores) <= undecided).mean() <= MOST_UNDECIDED:
            is_turned &= np.maximum(np.abs(gap), _gaps(other)) > undecided
    scale = usual or float(np.abs(scores).max()) or 1.0
    return Agreement(len(one), int(is_turned.sum()), float(np.median(apart)) / scale, tolerance)


def is_coarse(scores: np.ndarray[Any, Any]) -> bool:
    """Whether every score has so few digits that it came from a type of 16 bits."""
    import numpy as np

    bits = np.ascontiguousarray(scores, dtype=np.float32).view(np.uint32)
    return any(not (bits & np.uint32((1 << left_out) - 1)).any() for left_out in _BITS_LEFT_OUT.values())


def _gaps(scores: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Between the two highest scores of each row; for one score alone, its size."""
    import numpy as np

    if scores.shape[1] == 1:
        return np.abs(scores[:, 0].astype(np.float64))
    two = np.sort(scores.astype(np.float64), axis=1)[:, -2:]
    made: np.ndarray[Any, Any] = two[:, 1] - two[:, 0]
    return made
