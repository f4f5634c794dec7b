"""Which channels or features must the input of a row have, so that its count comes out?"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.layouts import channels_of
from grader.architecture.recompute.operations import Operation

_AREAS = (1, 9, 25, 49, 3, 5, 7, 4, 16, 121, 81, 2)


@lru_cache(maxsize=1 << 14)
def wanted_inputs(operation: Operation, out: PrintedShape, count: int) -> tuple[int, ...]:
    """Channels or features of the input that the count asks for, the usual kernels first."""
    is_last = operation.family in {"linear", "recurrent", "bidirectional"}
    made = out[-1] if is_last else channels_of(operation, out)
    if not made:
        return ()
    if operation.printed is not None:
        return operation.printed.inputs(out, count)
    found: list[int] = []
    if operation.family in {"recurrent", "bidirectional"}:
        found = _recurrent_inputs(made, count)
    for bias in (1, 0) if not found else ():
        weights, left = divmod(count - bias * made, made)
        if left or weights <= 0:
            continue
        if operation.family == "linear":
            found.append(weights)
            continue
        dims = operation.dims or 2
        for area in (*_AREAS, *(side**dims for side in (1, 3, 5, 7))):
            if weights % area == 0:
                found.append(weights // area)
    return tuple(dict.fromkeys(size for size in found if size <= 1 << 17))


def taken_sizes(operation: Operation, out: PrintedShape, count: int) -> tuple[int, ...]:
    """Channels that the row takes by its count; a block of the student's own is taken for a 1x1 convolution and a norm.

    >>> taken_sizes(Operation("custom"), (1, 256, 14, 14), 135_680)
    (530, 529, 528)
    """
    if operation.family == "conv":
        return wanted_inputs(operation, out, count)
    if operation.family != "custom" or len(out) < 3 or not out[1] or count % out[1]:
        return ()
    return tuple(count // out[1] - learned for learned in range(3))


def _recurrent_inputs(made: int, count: int) -> list[int]:
    """Features per step with which a single recurrent layer has `count` parameters."""
    found = []
    for directions in (1, 2):
        units, left = divmod(made, directions)
        for gates, biases in product((4, 3, 1), (0, 1, 2)):
            size, rest = divmod(count, directions * gates * units) if units and not left else (0, 1)
            if not rest and size - units - biases > 0:
                found.append(size - units - biases)
    return found
