"""The program `denoise`: what the student's network makes of many noisy images. There are no clean ones in here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import predict
from .channel import Fault
from .kept import Kept

prepare = predict.prepare


def main(request: dict[str, Any], box: Any) -> bytearray:
    """Images as raw float32, each a row, in the order of the inputs.

    Request: as of `predict`, with the pixels of an image for `classes`.
    """
    shape = request["shape"][1:]

    def images(kept: Kept, output: Any, rows: int) -> Any:
        return checked(kept, output, (rows, *shape), request["code"])

    return predict.answers(request, box, images)


def checked(kept: Kept, output: Any, shape: Sequence[int], code: str) -> Any:
    """The images of one batch as float32 (N, pixels), if that is what came. Raises Fault.

    Axes of length 1 may be left out, and so may all axes of an image of one channel: its pixels have one order only.
    """
    fix = f"return one tensor of shape (N, {', '.join(map(str, shape[1:]))}) from forward: an image for each image"
    if not kept.is_tensor(output):
        raise Fault("bad-output", code, f"the model returns {type(output).__name__}, not a tensor", fix)
    seen, rows = tuple(output.shape), shape[0]
    forms = [_long(shape)]
    if shape[1] == 1:
        forms.append(_long((rows, math.prod(shape[1:]))))
    if _long(seen) not in forms:
        what = f"the model returns the shape {seen} for {rows} noisy images, {tuple(shape)} was expected"
        raise Fault("bad-output", code, what, fix)
    if not output.dtype.is_floating_point:
        what = f"the model returns {output.dtype}, not floating-point pixels"
        raise Fault("bad-output", code, what, f"{fix}, with pixels from 0 to 1")
    made = kept.float_rows(output).reshape(rows, -1)
    bad = rows - kept.finite_rows(made)
    if bad:
        what = f"{bad} of {rows} images that the model makes have pixels that are NaN or infinite"
        raise Fault("not-finite", code, what, "look for a division by zero, or weights that diverged")
    return made


def _long(shape: Sequence[int]) -> list[int]:
    """The axes that are longer than 1."""
    return [side for side in shape if side != 1]
