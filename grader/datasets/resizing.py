"""How does an image get another size? By the bilinear filter of Pillow, which torchvision's Resize uses, in NumPy.

Source:  Pillow's own description of its resampling: a triangle as wide as the step, in both directions, one after
         the other, each rounded to whole numbers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def resized(image: Array, size: tuple[int, int]) -> Array:
    """The image with `size` = (height, width).

    Shapes:  (C, H, W) uint8 -> (C, height, width) uint8
    Errors:  at most one level to Pillow's result

    >>> import numpy as np
    >>> resized(np.array([[[0, 100], [200, 250]]], dtype=np.uint8), (1, 1)).tolist()
    [[[138]]]
    """
    import numpy as np

    made = image
    for axis, wanted in ((2, size[1]), (1, size[0])):
        if made.shape[axis] != wanted:
            weights = _weights(made.shape[axis], wanted)
            moved = np.moveaxis(made, axis, -1).astype(np.float64) @ weights.T
            made = np.moveaxis(np.clip(np.floor(moved + 0.5), 0, 255), -1, axis).astype(np.uint8)
    return np.ascontiguousarray(made)


def middle(image: Array, size: tuple[int, int]) -> Array:
    """The shorter side resized to fill `size`, and of the longer one the middle: Resize and CenterCrop.

    Shapes:  (C, H, W) uint8 -> (C, height, width) uint8
    """
    height, width = size
    scale = max(height / image.shape[1], width / image.shape[2])
    # Pillow's sides are whole, and torchvision cuts off what is behind the point.
    sides = max(height, int(image.shape[1] * scale)), max(width, int(image.shape[2] * scale))
    made = resized(image, sides)
    top, left = round((sides[0] - height) / 2), round((sides[1] - width) / 2)
    return made[:, top : top + height, left : left + width]


def _weights(side: int, wanted: int) -> Array:
    """Shape: (wanted, side); row i holds the weights of the old pixels in new pixel i, and sums to 1."""
    import numpy as np

    scale = side / wanted
    support = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    made = np.zeros((wanted, side))
    for row, centre in enumerate(centres):
        low, high = max(0, int(centre - support + 0.5)), min(side, int(centre + support + 0.5))
        at = np.arange(low, high)
        weights = np.clip(1 - np.abs((at + 0.5 - centre) / support), 0, None)
        made[row, low:high] = weights / weights.sum()
    return made
