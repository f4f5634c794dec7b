"""Which shapes could a row with this input and count have made instead of the printed one?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.counts import USUAL_KERNELS
from grader.architecture.recompute.keras_laws import keras_outputs
from grader.architecture.recompute.layouts import channels_of, spatial_of, volume, with_axes
from grader.architecture.recompute.operations import Operation


@lru_cache(maxsize=1 << 14)
def lawful_outputs(
    operation: Operation, source: PrintedShape, count: int | None, out: PrintedShape
) -> tuple[PrintedShape, ...]:
    """Shapes that a row with this input and count could have made; `out` is what it says."""
    family = operation.family
    if not source or not out:
        return ()
    if operation.printed is not None:
        return tuple(dict.fromkeys(made for _, made in operation.printed.outputs(source, count)))
    if operation.is_keras and (shapes := tuple(keras_outputs(operation, source, count, out))):
        if family == "linear":
            return shapes + _lawful_features(source, count, out)
        return shapes if family != "pool" else (*shapes, *_lawful_images(operation, source, count, out))
    if operation.family in {"same", "batch_norm", "channel_norm", "instance_norm", "layer_norm", "rms_norm", "prelu"}:
        return (source,)
    if family == "flatten":
        return ((source[0], volume(source)),)
    if family == "linear":
        return _lawful_features(source, count, out)
    if family in {"conv", "conv_transpose", "depthwise", "separable", "pool", "adaptive_pool", "upsample", "pad"}:
        return tuple(_lawful_images(operation, source, count, out))
    if family == "global_pool":
        return ((source[0], source[-1]),)
    if family == "embedding":
        return ((*source, out[-1]),)
    if family in {"recurrent", "bidirectional"}:
        return ((*source[:-1], out[-1]),)
    if family in {"reshape", "permute"}:
        return tuple((*out[:axis], size, *out[axis + 1 :]) for axis, size in _completed(source, out))
    return ()


def _lawful_features(source: PrintedShape, count: int | None, out: PrintedShape) -> tuple[PrintedShape, ...]:
    sizes = {source[-1], volume(source)} - {None, 0}
    return tuple(
        (*out[:-1], count // (size + bias))
        for size in sizes for bias in (1, 0) if count and size and count % (size + bias) == 0
    )  # fmt: skip


def _completed(source: PrintedShape, out: PrintedShape) -> Iterator[tuple[int, int]]:
    """For each axis of `out` the size with which it holds as many numbers as `source`."""
    size, made = volume(source), volume(out)
    for axis in range(1, len(out)):
        others = (made or 0) // (out[axis] or 1)
        if size and others and size % others == 0:
            yield axis, size // others


def _lawful_images(
    operation: Operation, source: PrintedShape, count: int | None, out: PrintedShape
) -> Iterator[PrintedShape]:
    if len(source) != len(out):
        return
    inputs, said = channels_of(operation, source), channels_of(operation, out)
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    channels = {said, *_lawful_channels(operation, inputs, count)}
    sizes = {after, before}
    sizes |= {tuple(-(-size // 2) if size else size for size in before)}
    sizes |= {tuple(size // step if size else size for size in before) for step in (2, 3, 4)}
    sizes |= {tuple(size + change if size else size for size in before) for change in (-1, -2, -4, 1, 2, -6, -10)}
    sizes |= {tuple((size - 1) // 2 if size else size for size in before)}
    if operation.family in {"conv_transpose", "upsample"}:
        sizes |= {tuple(2 * size + more if size else size for size in before) for more in (0, 1, -1)}
    if len(set(after)) > 1:
        sizes |= {(size,) * len(after) for size in after}
    if operation.family in {"pool", "adaptive_pool"}:
        sizes.add((1,) * len(after))
    for made in product(channels, sizes):
        shape = with_axes(operation, out, made[0], made[1])
        if not any(axis is not None and axis < 1 for axis in shape) and shape != out:
            yield shape


def _lawful_channels(operation: Operation, inputs: int | None, count: int | None) -> set[int | None]:
    if operation.family in {"pool", "adaptive_pool", "upsample", "pad"}:
        return {inputs}
    if not inputs or not count:
        return set()
    found: set[int | None] = set()
    for side in USUAL_KERNELS:
        area = side ** (operation.dims or 2)
        for bias in (1, 0):
            for per in (inputs * area + bias, area + bias):
                if count % per == 0 and count // per <= 1 << 16:
                    found.add(count // per)
    return found
