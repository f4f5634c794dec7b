"""Where do the channels and the pixels of a printed shape stand?

PyTorch prints (batch, channels, *pixels), Keras (batch, *pixels, channels).
"""

from __future__ import annotations

from math import prod

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.operations import Operation


def same_shape(one: PrintedShape, other: PrintedShape) -> bool:
    """True if the shapes agree; an open batch agrees with any.

    >>> same_shape((None, 3, 8), (1, 3, 8)), same_shape((None, 3, 8), (None, 3, 9))
    (True, False)
    """
    if one == other:
        return True
    return len(one) == len(other) and one[1:] == other[1:] and (not one or one[0] is None or other[0] is None)


def volume(shape: PrintedShape) -> int | None:
    """How many numbers behind the batch axis; None where an axis is open.

    >>> volume((None, 64, 7, 7)), volume((None, None, 3))
    (3136, None)
    """
    rest = shape[1:]
    return None if None in rest else prod(rest)  # type: ignore[arg-type]


def channel_axis(operation: Operation, shape: PrintedShape) -> int:
    """Where the channels stand: last for Keras, behind the batch for PyTorch."""
    if operation.is_keras:
        return len(shape) - 1
    if operation.family in {"conv", "conv_transpose"} and operation.dims:
        return max(len(shape) - operation.dims - 1, 0)
    return min(1, len(shape) - 1)


def channels_of(operation: Operation, shape: PrintedShape) -> int | None:
    return shape[channel_axis(operation, shape)] if shape else None


def spatial_of(operation: Operation, shape: PrintedShape) -> PrintedShape:
    axis = channel_axis(operation, shape)
    return shape[1:axis] if operation.is_keras else shape[axis + 1 :]


def with_axes(operation: Operation, like: PrintedShape, channels: int | None, spatial: PrintedShape) -> PrintedShape:
    """A shape laid out as `like`, with these channels and sizes."""
    if operation.is_keras:
        return (like[0], *spatial, channels)
    return (*like[: channel_axis(operation, like)], channels, *spatial)
