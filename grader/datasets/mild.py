"""What does an image look like that is a little different, and still shows the same to everybody?

A network that learned what a digit is hardly notices; a table of the test images does not know them any more.
Whole numbers only, and a generator that is the same everywhere: the same seed gives the same bytes on every machine.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

CONTRAST = 38  # in 256ths, either way: about 15%
BRIGHTNESS = 8  # grey levels of 255, either way
NOISE = 16  # the most grey levels, either way; two dice of 0 to 16, so that 7 is usual
_WAYS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]


def mildly_changed(images: np.ndarray[Any, Any], seed: str, *, is_shifted: bool) -> np.ndarray[Any, Any]:
    """Each image with a little more or less contrast and light, a little noise, and, where asked, moved by one pixel.

    What is black stays black, and nothing else becomes it: a network may ask where there is ink at all.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    Units:   grey levels from 0 to 255; moved up, down, left, right or diagonally, and the border is drawn on

    >>> import numpy as np
    >>> images = np.full((1, 1, 2, 3), 100, dtype=np.uint8)
    >>> mildly_changed(images, "a seed", is_shifted=False)[0, 0].tolist()
    [[109, 111, 93], [109, 121, 111]]
    """
    import numpy as np

    count, _, height, width = images.shape
    dice = random.Random(seed)  # noqa: S311  no cipher
    ways = [dice.choice(_WAYS) if is_shifted else (0, 0) for _ in range(count)]
    contrast = [256 + dice.randint(-CONTRAST, CONTRAST) for _ in range(count)]
    light = [dice.randint(-BRIGHTNESS, BRIGHTNESS) for _ in range(count)]
    thrown = np.frombuffer(dice.randbytes(2 * images.size), dtype=np.uint8).reshape(2, *images.shape)
    wide = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge").astype(np.int32)
    made = np.empty(images.shape, dtype=np.int32)
    is_black = np.empty(images.shape, dtype=bool)
    for row, (down, right) in enumerate(ways):
        moved = wide[row, :, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        middle = int(moved.sum()) // moved.size
        made[row] = (moved - middle) * contrast[row] // 256 + middle + light[row]
        is_black[row] = moved == 0
    made += thrown[0] % (NOISE + 1)
    made += thrown[1] % (NOISE + 1)
    made -= NOISE
    made = made.clip(1, 255)
    made[is_black] = 0
    return made.astype(np.uint8)
