"""Which kernel, stride, padding, dilation and groups explain a convolution's or a pooling's row?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.counts import USUAL_KERNELS, kernel_areas, kernels_of
from grader.architecture.recompute.layouts import channels_of, same_shape, spatial_of
from grader.architecture.recompute.operations import Operation
from grader.architecture.recompute.windows import (
    Asked,
    Fit,
    Side,
    conv_sides,
    pool_sides,
    same_padded,
    transposed_sides,
)


def convolved(asked: Asked) -> Fit | None:
    operation, source, out, count, kernel = asked.operation, asked.source, asked.out, asked.parameters, asked.kernel
    if len(source) != len(out) or (source[0] is not None and out[0] is not None and source[0] != out[0]):
        return None
    inputs, outputs = channels_of(operation, source), channels_of(operation, out)
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    if not inputs or not outputs or (operation.dims and len(before) != operation.dims):
        return None
    best: Fit | None = None
    bent = crooked(before, after)
    for least, sizes, groups, bias in _conv_kernels(operation, inputs, outputs, count, kernel):
        if best is not None and least + bent >= best.price:
            continue
        sides = _sides(operation, before, after, sizes)
        if sides is None:
            continue
        price = least + _together(sides) + bent
        if best is None or price < best.price:
            settings = [
                ("out_channels", outputs),
                ("kernel", sizes),
                ("stride", tuple(side.stride for side in sides)),
                ("padding", tuple(side.padding for side in sides)),
                ("dilation", tuple(side.dilation for side in sides)),
                ("groups", groups),
                ("bias", bias),
            ]
            if operation.family == "conv_transpose":
                settings.insert(4, ("output_padding", tuple(side.extra for side in sides)))
            best = Fit(price, tuple(settings))
    return best


def _conv_kernels(
    operation: Operation, inputs: int, outputs: int, count: int | None, kernel: PrintedShape | None
) -> Iterator[tuple[float, tuple[int, ...], int, bool]]:
    dims = operation.dims or 2
    printed = tuple(size for size in kernel if size) if kernel else ()
    if printed and len(printed) == 1:
        printed *= dims
    if printed and len(printed) != dims:
        printed = printed[-dims:]  # a kernel column may hold [in, out, height, width]
    if count is None:
        for rank, side in enumerate(USUAL_KERNELS):
            sizes = printed or (side,) * dims
            yield 0.02 * rank, sizes, 1, True
            if printed:
                return
        return
    if operation.family in {"depthwise", "separable"}:
        yield from _keras_separated(operation, inputs, outputs, count)
        return
    for area, groups, bias in kernel_areas(inputs, outputs, count):
        grouped = 0.0 if groups == 1 else 0.05 if groups == inputs else 0.3
        for price, sizes in kernels_of(area, dims):
            if not printed or sizes == printed:
                yield price + grouped + (0.0 if bias else 0.02), sizes, groups, bias


def _keras_separated(
    operation: Operation, inputs: int, outputs: int, count: int
) -> Iterator[tuple[float, tuple[int, ...], int, bool]]:
    for bias in (True, False):
        for side in USUAL_KERNELS:
            area = side**operation.dims
            if operation.family == "depthwise":
                if outputs % inputs == 0 and count == area * outputs + outputs * bias:
                    yield 0.0, (side,) * operation.dims, inputs, bias
                continue
            for times in (1, 2, 3, 4):
                if count == area * inputs * times + inputs * times * outputs + outputs * bias:
                    yield 0.1 * (times - 1), (side,) * operation.dims, 1, bias


@lru_cache(maxsize=1 << 16)
def _sides(
    operation: Operation, before: PrintedShape, after: PrintedShape, sizes: tuple[int, ...]
) -> tuple[Side, ...] | None:
    found: list[Sequence[Side]] = []
    for axis in zip(before, after, sizes, strict=True):
        options = _axis_sides(operation, *axis)
        if not options:
            return None
        if len(set(zip(before, after, sizes, strict=True))) == 1:  # a square on a square: every axis alike
            return (options[0],) * len(sizes)
        found.append(options)
    return _agreeing(found)


@lru_cache(maxsize=1 << 16)
def _axis_sides(operation: Operation, size: int | None, made: int | None, kernel: int) -> tuple[Side, ...]:
    """The settings for one axis, the plainest first."""
    if size is None or made is None:
        return (Side(0.0, kernel, 1, 0),) if size is made else ()
    if not operation.is_keras:
        return (transposed_sides if operation.family == "conv_transpose" else conv_sides)(size, made, kernel)
    options = _keras_sides(operation, size, made, kernel)  # it knows the paddings "valid" and "same", and no other
    if operation.family != "conv_transpose":  # and strides and dilations exclude each other
        valid = (side for side in conv_sides(size, made, kernel) if side.padding == 0)
        options += [side for side in valid if side.stride == 1 or side.dilation == 1]
    return tuple(sorted(options))


def _agreeing(found: Sequence[Sequence[Side]]) -> tuple[Side, ...]:
    """One side per axis; the same stride and dilation on every axis is cheaper than the cheapest of each."""
    plainest = tuple(sides[0] for sides in found)
    best, price = plainest, _together(plainest)
    if price == max(side.price for side in plainest):
        return best  # they agree as they are
    for pair in {(side.stride, side.dilation) for side in found[0][:6]}:
        alike = [[side for side in sides[:6] if (side.stride, side.dilation) == pair][:1] for sides in found]
        if all(alike):
            chosen = tuple(one for [one] in alike)
            if _together(chosen) < price:
                best, price = chosen, _together(chosen)
    return best


def _together(sides: tuple[Side, ...]) -> float:
    differs = len({(side.stride, side.dilation) for side in sides}) > 1
    return max(side.price for side in sides) + (0.45 if differs else 0.0)


def crooked(before: PrintedShape, after: PrintedShape) -> float:
    """What it costs that a square becomes none."""
    return 0.7 if len(set(before)) == 1 and len(set(after)) > 1 else 0.0


def _keras_sides(operation: Operation, size: int, made: int, kernel: int) -> list[Side]:
    if operation.family == "conv_transpose":
        options = ((stride, size * stride + p * max(kernel - stride, 0)) for stride in (1, 2, 3, 4) for p in (0, 1))
        return [Side(0.0 if stride <= 2 else 0.2, kernel, stride, 0) for stride, result in options if result == made]
    return [
        Side(0.0 if stride <= 2 else 0.2, kernel, stride, (kernel - 1) // 2)
        for stride in (1, 2, 3, 4)
        if same_padded(size, stride) == made
    ]


def pooled(asked: Asked) -> Fit | None:
    operation, source, out, count, kernel = asked.operation, asked.source, asked.out, asked.parameters, asked.kernel
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    if count or len(source) != len(out) or channels_of(operation, source) != channels_of(operation, out):
        return None
    if not operation.is_keras:  # (N, C, L) and (C, L) alike: the last axes are pooled
        before, after = source[len(source) - operation.dims :], out[len(out) - operation.dims :]
        if not same_shape(source[: -operation.dims], out[: -operation.dims]):
            return None
    found: list[list[Side]] = []
    for axis, (size, made) in enumerate(zip(before, after, strict=True)):
        if size is None or made is None:
            if (size is None) != (made is None):
                return None
            continue
        options = list(pool_sides(size, made))
        if size == made and before != after:
            options.append(Side(0.0, 1, 1, 0))  # an axis that is left alone, such as time
        if operation.is_keras:
            options = [side for side in options if side.padding == 0 and side.extra == 0]
            options += [
                Side(0.6 if step == 1 else 0.0 if step <= 3 else 0.2, step, step, 0)
                for step in (1, 2, 3, 4)
                if same_padded(size, step) == made
            ]
        if kernel:
            wanted = kernel[min(axis, len(kernel) - 1)]
            options = [side for side in options if side.kernel == wanted]
        if not options:
            return None
        found.append(sorted(options))
    if not found:
        return Fit(0.0)
    sides = _agreeing(found)
    settings: tuple[tuple[str, object], ...] = (
        ("kernel", tuple(side.kernel for side in sides)),
        ("stride", tuple(side.stride for side in sides)),
        ("padding", tuple(side.padding for side in sides)),
    )
    if any(side.extra for side in sides):
        settings = (*settings, ("ceil_mode", True))
    differs = len({(side.kernel, side.padding) for side in sides}) > 1
    return Fit(_together(sides) + (0.3 if differs else 0.0) + crooked(before, after), settings)
