"""Does a checkpoint hold the very images that a network is asked about? Looked at before any of its code runs.

A network that has the test images with their answers in its tensors need not have learned anything, and small changes
of an image do not show it, for the nearest stored image is still its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .tensors import Tensor
from .weights import Weights

if TYPE_CHECKING:
    import numpy as np

# Correlation of pixels, or of their negative. Stored copies, normalised or in half precision, have over 0.9999. Of
# 1,000 test images of MNIST, Fashion-MNIST and digits the nearest training image has 0.987, 0.998 and 0.993 at most.
SAME = 0.999
MOST_PRODUCTS = 250_000_000  # multiplications for one checkpoint: about 20 ms
_LEAST_IMAGES, _MOST_IMAGES = 16, 2_000  # compared, however large or small the checkpoint is
_LEAST_PIXELS = 16
_ROWS = 2048
_POOLED = (1, 2)  # sides are looked at whole and halved
_TYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "uint8": "u1", "int8": "i1", "int16": "<i2",
          "int32": "<i4", "int64": "<i8", "bfloat16": "<u2"}  # fmt: skip


def stored_images(images: np.ndarray[Any, Any], weights: Weights) -> dict[str, Any]:
    """How many of the images stand in one tensor of the checkpoint, as they are or in halved size.

    Shapes:  images (N, C, H, W) uint8; a tensor holds images where its numbers, row by row or column by column, are
             some of them up to brightness and contrast, or their negatives
    Result:  `compared` images of N, `found` in the tensor named `tensor`; nothing found is 0 and ""
    """
    import numpy as np

    most = min(_MOST_IMAGES, max(_LEAST_IMAGES, MOST_PRODUCTS // max(1, weights.elements)))
    looked = images[:most]
    best, name = 0, ""
    with np.errstate(all="ignore"):  # a NaN in the weights is told later, and is no image
        for pooled in _POOLED:
            size = math.prod((looked.shape[1], looked.shape[2] // pooled, looked.shape[3] // pooled))
            held = [(tensor.name, rows) for tensor in weights.tensors for rows in _as_rows(weights, tensor, size)]
            if not held:
                continue
            wanted = _standard(_smaller(looked.astype(np.float32), pooled).reshape(len(looked), -1))
            for tensor_name, rows in held:
                found = int((_highest(wanted, rows) > SAME).sum())
                if found > best:
                    best, name = found, tensor_name
    return {"compared": len(looked), "found": best, "tensor": name}


def _smaller(images: np.ndarray[Any, Any], by: int) -> np.ndarray[Any, Any]:
    count, channels, height, width = images.shape
    cut = images[:, :, : height // by * by, : width // by * by]
    made: np.ndarray[Any, Any] = cut.reshape(count, channels, height // by, by, width // by, by).mean(axis=(3, 5))
    return made


def _standard(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Each row with mean 0 and length 1; a row of one number only becomes 0."""
    import numpy as np

    made = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((made * made).sum(axis=1, keepdims=True))
    length[length == 0] = 1
    standard: np.ndarray[Any, Any] = made / length
    return standard


def _highest(wanted: np.ndarray[Any, Any], rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each image the highest correlation with a row; some rows at a time, for there may be 100,000."""
    import numpy as np

    made = np.zeros(len(wanted), dtype=np.float32)
    for start in range(0, len(rows), _ROWS):
        block = rows[start : start + _ROWS]
        if block.dtype == np.uint16:  # bfloat16 is the upper half of a float32
            block = (np.ascontiguousarray(block).astype(np.uint32) << 16).view(np.float32)
        made = np.maximum(made, np.abs(wanted @ _standard(block.astype(np.float32)).T).max(axis=1))
    return made


def _as_rows(weights: Weights, tensor: Tensor, size: int) -> Iterator[np.ndarray[Any, Any]]:
    """The tensor's numbers in rows of `size`; and in columns, where it is a matrix with so many rows. No copies."""
    import numpy as np

    if tensor.elements < size or size < _LEAST_PIXELS or tensor.reach != tensor.elements or tensor.dtype not in _TYPES:
        return
    flat = np.frombuffer(weights.data, dtype=_TYPES[tensor.dtype], count=tensor.elements, offset=tensor.start)
    if tensor.elements % size == 0:
        yield flat.reshape(-1, size)
    if len(tensor.shape) == 2 and tensor.shape[0] == size:
        yield flat.reshape(tensor.shape).T
