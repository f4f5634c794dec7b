"""How does an array become a picture that every browser shows? As PNG, written here: no library, no metadata."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MARK = b"\x89PNG\r\n\x1a\n"


def png(image: Array) -> bytes:
    r"""The PNG of an image, grey or in colours.

    Shapes:  (H, W), (1, H, W), (3, H, W) or (H, W, 3) uint8
    Raises:  ValueError for other shapes and types

    >>> import numpy as np
    >>> png(np.zeros((1, 2, 3), dtype=np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    import numpy as np

    if image.ndim == 3 and image.shape[0] in (1, 3) and image.shape[2] != 3:
        image = image.transpose(1, 2, 0)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"{image.dtype} of shape {image.shape} is no picture")
    height, width = image.shape[:2]
    colour = 0 if image.ndim == 2 else 2
    rows = np.ascontiguousarray(image).reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), dtype=np.uint8), rows], axis=1)  # no filter in front of any line
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return _MARK + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def as_grey(values: Array) -> Array:
    """Numbers of any range as grey: the lowest black, the highest white, NaN and infinities black.

    Shapes:  (H, W) float -> (H, W) uint8

    >>> import numpy as np
    >>> as_grey(np.array([[0.0, 1.0, float("nan"), 2.0]])).tolist()
    [[0, 128, 0, 255]]
    """
    import numpy as np

    values = np.asarray(values, dtype=np.float64)
    is_there = np.isfinite(values)
    if not is_there.any():
        return np.zeros(values.shape, dtype=np.uint8)
    low, high = values[is_there].min(), values[is_there].max()
    with np.errstate(over="ignore", invalid="ignore"):
        shares = np.where(is_there, (values - low) / (high - low), 0.0) if high > low else np.zeros(values.shape)
    made: Array = np.rint(np.nan_to_num(shares).clip(0, 1) * 255).astype(np.uint8)
    return made


def smaller(image: Array, most: int) -> Array:
    """An image of (H, W) or (H, W, 3) with sides of at most `most` pixels: means of so many by so many."""
    import numpy as np

    by = -(-max(image.shape[:2]) // most)
    if by <= 1:
        return image
    height, width = (side // by * by for side in image.shape[:2])
    if not height or not width:  # a stripe
        return image[::by, ::by]
    blocks = image[:height, :width].reshape(height // by, by, width // by, by, -1).mean(axis=(1, 3))
    made: Array = np.rint(blocks).astype(np.uint8)
    return made[..., 0] if image.ndim == 2 else made
