"""What does a class do to a shape, and which settings explain input, output and count of one row?

`fit` answers for a layer whose input is known; `why_not` says what no input can explain; `lawful_counts` and
`lawful_outputs` list what the row could have said instead. Prices: 0 for the usual, about 1 for the seldom.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.operations import Operation
from grader.architecture.recompute.windows import Side, conv_sides, pool_sides, same_padded, transposed_sides

_MAX_KERNEL = 64
_USUAL_KERNELS = (3, 1, 5, 7, 2, 4, 11, 9, 8, 6)
_KERNEL_PRICES = {1: 0.0, 3: 0.0, 5: 0.0, 7: 0.0, 2: 0.05, 4: 0.1, 9: 0.1, 11: 0.1, 13: 0.2, 8: 0.2, 16: 0.2}
# Gates of Keras's recurrent classes and how many bias vectors they have.
_RECURRENT = ((4, 1), (3, 2), (3, 1), (1, 1))


class Fit(NamedTuple):
    """One explanation of a row. `settings` are pairs, in the words of `make_layer`."""

    price: float
    settings: tuple[tuple[str, object], ...] = ()
    needs: str = ""


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


# --- counts -------------------------------------------------------------------------------------


def kernel_areas(operation: Operation, inputs: int, outputs: int, count: int) -> Iterator[tuple[int, int, bool]]:
    """Area, groups and bias of the convolutions from `inputs` to `outputs` channels with `count` parameters.

    >>> list(kernel_areas(Operation("conv", 2), 32, 64, 18_496))[:1]
    [(9, 1, True)]
    """
    for bias in (True, False):
        weights = count - outputs * bias
        if weights <= 0:
            continue
        whole = inputs * outputs
        for groups in _groups(inputs, outputs):
            if weights * groups % whole == 0:
                yield weights * groups // whole, groups, bias


@lru_cache(maxsize=4096)
def _groups(inputs: int, outputs: int) -> tuple[int, ...]:
    usual = [1, inputs, *(2, 4, 8, 16, 32, 64)]
    usual += [inputs // width for width in (8, 16, 24, 4, 48, 56, 64, 112, 128) if inputs % width == 0]
    return tuple(dict.fromkeys(g for g in usual if inputs % g == 0 and outputs % g == 0))


@lru_cache(maxsize=1 << 14)
def _kernels(area: int, dims: int) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Kernel sizes of this area with a price: square ones first."""
    if dims == 1:
        return ((0.0 if area <= 15 else 0.3, (area,)),) if area <= 4096 else ()
    side = round(area ** (1 / dims))
    found: list[tuple[float, tuple[int, ...]]] = []
    if side**dims == area and side <= _MAX_KERNEL:
        found.append((_KERNEL_PRICES.get(side, 0.3), (side,) * dims))
    if area <= 225 or side**dims == area:
        for first in range(1, min(area, 31) + 1):
            if area % first:
                continue
            if dims == 2 and first * first != area and area // first <= 31:
                found.append((0.35 if 1 in {first, area // first} else 0.9, (first, area // first)))
            if dims == 3:
                rest = area // first
                found += [
                    (0.4, (first, second, rest // second)) for second in range(1, min(rest, 15) + 1)
                    if rest % second == 0 and not first == second == rest // second
                ]  # fmt: skip
    return tuple(found)


def allowed_counts(operation: Operation, out: PrintedShape) -> frozenset[int] | None:
    """Every count the class can have with this output, None where the input matters too."""
    family = operation.family
    channels = channels_of(operation, out) or 0
    if family in {"same", "pool", "adaptive_pool", "global_pool", "flatten", "reshape", "permute", "repeat", "pad",
                  "upsample", "pixel_shuffle", "pixel_unshuffle", "merge", "concatenate", "input", "resize"}:  # fmt: skip
        return frozenset({0})
    if family == "batch_norm":
        return frozenset({4 * channels, 3 * channels, 2 * channels} if operation.is_keras else {2 * channels, 0})
    if family in {"channel_norm", "instance_norm"}:
        return frozenset({0, channels, 2 * channels})
    if family in {"layer_norm", "rms_norm"}:
        sizes = [axis or 1 for axis in out[1:]]
        made = {0}
        for start in range(len(sizes)):
            made |= {prod(sizes[start:]), 2 * prod(sizes[start:])}
        return frozenset(made | {axis * times for axis in sizes for times in (1, 2)})
    if family == "prelu":
        sizes = [axis or 1 for axis in out[1:]]
        made = {1}
        for axis in sizes:
            made |= {axis * one for one in made} if operation.is_keras else {axis}
        return frozenset(made)
    return None


def why_not(operation: Operation, name: str, out: PrintedShape, count: int | None) -> str:
    """What is wrong with a count whatever the input was, with the arithmetic; "" if nothing.

    >>> why_not(Operation("conv", 2), "Conv2d", (None, 64, 14, 14), 18_469)
    'a Conv2d with 64 output channels has a multiple of 64 parameters, and 18,469 is none'
    """
    if count is None or not out:
        return ""
    family = operation.family
    allowed = allowed_counts(operation, out)
    if allowed is not None:
        if count in allowed:
            return ""
        if allowed == {0}:
            return f"a {name} has nothing to learn, printed is {count:,}"
        axis = channels_of(operation, out)
        if family == "batch_norm":
            times = 4 if operation.is_keras else 2
            return f"a {name} of {axis} channels has {times} x {axis} = {times * (axis or 0):,} parameters, printed is {count:,}"
        if family in {"channel_norm", "instance_norm"}:
            return f"a {name} of {axis} channels has 2 x {axis} = {2 * (axis or 0):,} parameters, printed is {count:,}"
        return f"a {name} of the shape {list(out[1:])} cannot have {count:,} parameters"
    made = out[-1] if family == "linear" else channels_of(operation, out)
    if family in {"conv", "linear", "depthwise"} and made:
        what = "output features" if family == "linear" else "output channels"
        if count and count % made:
            return f"a {name} with {made} {what} has a multiple of {made} parameters, and {count:,} is none"
        if count == 0:
            return f"a {name} has weights, printed is 0"
    if family == "embedding" and made and (count == 0 or count % (out[-1] or 1)):
        return f"a {name} of {out[-1]} numbers per word has a multiple of {out[-1]} parameters, and {count:,} is none"
    if family == "conv_transpose" and made and not count:
        return f"a {name} has weights, printed is 0"
    return ""


# --- fit ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 17)
def fit(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, kernel: PrintedShape | None = None
) -> Fit | None:
    """The most usual explanation of a row that gets `source`, or None if there is none.

    >>> fit(Operation("conv", 2), (None, 1, 28, 28), (None, 32, 28, 28), 320).settings[1:5]
    (('kernel', (3, 3)), ('stride', (1, 1)), ('padding', (1, 1)), ('dilation', (1, 1)))
    """
    law = _LAWS.get(operation.family)
    if law is None or not source or not out:
        return None
    return law(operation, source, out, count, kernel)


def _same(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    allowed = allowed_counts(operation, out)
    if not same_shape(source, out) or (count is not None and allowed is not None and count not in allowed):
        return None
    return Fit(
        0.0 if count is None or not allowed or count == max(allowed) or operation.family != "batch_norm" else 0.5
    )


def _conv(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, kernel: PrintedShape | None
) -> Fit | None:
    if len(source) != len(out) or (source[0] is not None and out[0] is not None and source[0] != out[0]):
        return None
    inputs, outputs = channels_of(operation, source), channels_of(operation, out)
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    if not inputs or not outputs or (operation.dims and len(before) != operation.dims):
        return None
    best: Fit | None = None
    for price, sizes, groups, bias in _conv_kernels(operation, inputs, outputs, count, kernel):
        if best is not None and price >= best.price:
            continue
        sides = _sides(operation, before, after, sizes)
        if sides is None:
            continue
        price += _together(sides) + _crooked(before, after)
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
        for rank, side in enumerate(_USUAL_KERNELS):
            sizes = printed or (side,) * dims
            yield 0.02 * rank, sizes, 1, True
            if printed:
                return
        return
    if operation.family in {"depthwise", "separable"}:
        yield from _keras_separated(operation, inputs, outputs, count)
        return
    for area, groups, bias in kernel_areas(operation, inputs, outputs, count):
        grouped = 0.0 if groups == 1 else 0.05 if groups == inputs else 0.3
        for price, sizes in _kernels(area, dims):
            if not printed or sizes == printed:
                yield price + grouped + (0.0 if bias else 0.02), sizes, groups, bias


def _keras_separated(
    operation: Operation, inputs: int, outputs: int, count: int
) -> Iterator[tuple[float, tuple[int, ...], int, bool]]:
    for bias in (True, False):
        for side in _USUAL_KERNELS:
            area = side**operation.dims
            if operation.family == "depthwise":
                if outputs % inputs == 0 and count == area * outputs + outputs * bias:
                    yield 0.0, (side,) * operation.dims, inputs, bias
                continue
            for times in (1, 2, 3, 4):
                if count == area * inputs * times + inputs * times * outputs + outputs * bias:
                    yield 0.1 * (times - 1), (side,) * operation.dims, 1, bias


def _sides(
    operation: Operation, before: PrintedShape, after: PrintedShape, sizes: tuple[int, ...]
) -> tuple[Side, ...] | None:
    found = []
    for size, made, kernel in zip(before, after, sizes, strict=True):
        if size is None or made is None:
            if (size is None) != (made is None):
                return None
            found.append(Side(0.0, kernel, 1, 0))
            continue
        if operation.is_keras:  # it knows the paddings "valid" and "same", and no other
            options = _keras_sides(operation, size, made, kernel)
            if operation.family != "conv_transpose":
                options += [side for side in conv_sides(size, made, kernel) if side.padding == 0]
        else:
            options = list((transposed_sides if operation.family == "conv_transpose" else conv_sides)(size, made, kernel))
        if not options:
            return None
        found.append(options if len(sizes) > 1 else min(options))
    if any(isinstance(one, list) for one in found):
        return _agreeing(found)
    return tuple(found)


def _agreeing(found: list[Side | list[Side]]) -> tuple[Side, ...]:
    """One side per axis; the same stride and dilation on every axis is cheaper than the cheapest of each."""
    best: tuple[float, tuple[Side, ...]] | None = None
    lists = [one[:6] if isinstance(one, list) else [one] for one in found]
    for index, one in enumerate(lists):
        if isinstance(found[index], list):
            one.sort()
    for combination in product(*lists):
        price = _together(combination)
        if best is None or price < best[0]:
            best = (price, combination)
    return best[1] if best else ()


def _together(sides: tuple[Side, ...]) -> float:
    differs = len({(side.stride, side.dilation) for side in sides}) > 1
    return max(side.price for side in sides) + (0.45 if differs else 0.0)


def _crooked(before: PrintedShape, after: PrintedShape) -> float:
    """What it costs that a square becomes none."""
    return 0.5 if len(set(before)) == 1 and len(set(after)) > 1 else 0.0


def _keras_sides(operation: Operation, size: int, made: int, kernel: int) -> list[Side]:
    if operation.family == "conv_transpose":
        options = ((stride, size * stride + p * max(kernel - stride, 0)) for stride in (1, 2, 3, 4) for p in (0, 1))
        return [Side(0.0 if stride <= 2 else 0.2, kernel, stride, 0) for stride, result in options if result == made]
    return [
        Side(0.0 if stride <= 2 else 0.2, kernel, stride, (kernel - 1) // 2)
        for stride in (1, 2, 3, 4)
        if same_padded(size, stride) == made
    ]


def _linear(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    features, made = source[-1], out[-1]
    if not features or not made or len(source) != len(out) or not same_shape((*source[:-1], 1), (*out[:-1], 1)):
        return None
    if count is None or count == made * (features + 1):
        return Fit(0.0, (("out_features", made), ("bias", True)))
    if count == made * features:
        return Fit(0.1, (("out_features", made), ("bias", False)))
    return None


def _pool(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, kernel: PrintedShape | None
) -> Fit | None:
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
    sides = _agreeing(list(found))
    settings = (
        ("kernel", tuple(side.kernel for side in sides)),
        ("stride", tuple(side.stride for side in sides)),
        ("padding", tuple(side.padding for side in sides)),
    )
    if any(side.extra for side in sides):
        settings = (*settings, ("ceil_mode", True))
    differs = len({(side.kernel, side.padding) for side in sides}) > 1
    return Fit(_together(sides) + (0.3 if differs else 0.0) + _crooked(before, after), settings)


def _adaptive(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    dims = operation.dims
    if count or len(source) != len(out) or not same_shape(source[:-dims], out[:-dims]):
        return None
    before, after = source[-dims:], out[-dims:]
    price = 0.0
    if any(size is not None and made is not None and made > size for size, made in zip(before, after, strict=True)):
        price += 0.3
    if len(set(after)) > 1 and len(set(before)) == 1:
        price += 0.8
    return Fit(price, (("output_size", after),))


def _global_pool(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    channels = channels_of(operation, source)
    kept = (source[0], *(1 for _axis in source[1:-1]), channels)
    if not count and len(source) > 2 and out in {(source[0], channels), kept}:
        return Fit(0.0)
    return None


def _flatten(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    size = volume(source)
    if count or (size is None and out != source):
        return None
    if len(out) == 2 and out[1] == size and same_shape(source[:1], out[:1]):
        return Fit(0.0)
    if size == volume(out) and len(out) < len(source):
        return Fit(0.3)
    if len(out) == 1 and size is not None and out[0] in {size, size * (source[0] or 1)}:
        return Fit(0.6)
    return Fit(0.1) if same_shape(source, out) else None


def _reshape(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    if count:
        return None
    size, made = volume(source), volume(out)
    return Fit(0.0) if size is None or made is None or size == made else None


def _permute(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    return Fit(0.0) if not count and sorted(map(str, source[1:])) == sorted(map(str, out[1:])) else None


def _repeat(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    return Fit(0.0) if not count and len(out) == 3 and len(source) == 2 and out[2] == source[1] else None


def _upsample(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    if count or len(source) != len(out) or channels_of(operation, source) != channels_of(operation, out):
        return None
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    pairs = [(size, made) for size, made in zip(before, after, strict=True) if size and made]
    ratios = {made / size for size, made in pairs}
    if len(ratios) <= 1:
        [ratio] = ratios or {1.0}
        return Fit(0.0 if ratio.is_integer() else 0.5, (("scale_factor", ratio),))
    whole = all(made % size == 0 for size, made in pairs)
    return Fit(0.5 if whole else 0.6 if len(set(after)) == 1 else 1.0, (("size", after),))


def _pad(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    if count or len(source) != len(out) or channels_of(operation, source) != channels_of(operation, out):
        return None
    before, after = spatial_of(operation, source), spatial_of(operation, out)
    added = [made - size for size, made in zip(before, after, strict=True) if size is not None and made is not None]
    if len(set(added)) <= 1:
        return Fit(0.0 if not added or 0 <= abs(added[0]) <= 12 else 0.5)
    return Fit(0.5)


def _pixel_shuffle(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    first, second = (source, out) if operation.family == "pixel_shuffle" else (out, source)
    if count or len(source) != len(out) or len(out) < 4 or not first[-1] or not second[-1] or second[-1] % first[-1]:
        return None
    factor = second[-1] // first[-1]
    is_so = second[-2] == (first[-2] or 0) * factor and first[-3] == (second[-3] or 0) * factor**2
    return Fit(0.0, (("upscale_factor", factor),)) if is_so else None


def _embedding(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    if len(out) < 2 or not same_shape(source, out[:-1]) or (count is not None and count % (out[-1] or 1)):
        return None
    return Fit(0.0, (("num_embeddings", (count or 0) // (out[-1] or 1)), ("embedding_dim", out[-1])))


def _recurrent(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    features, made = source[-1], out[-1]
    if not features or not made or len(source) < 2:
        return None
    if operation.is_keras:
        if len(source) != 3 or len(out) not in {2, 3} or (len(out) == 3 and out[1] != source[1]):
            return None
    elif not same_shape(source[:-1], out[:-1]):
        return None
    if not count:
        return Fit(0.1)
    found = next(_recurrent_settings(operation, features, made, count), None)
    return None if found is None else Fit(0.0, found)


def _recurrent_settings(
    operation: Operation, features: int, made: int, count: int
) -> Iterator[tuple[tuple[str, object], ...]]:
    if operation.is_keras:
        twice = operation.family == "bidirectional"
        for units in {made, made // 2} if twice else {made}:
            for gates, biases in _RECURRENT:
                for bias in (biases, 0):
                    if count == (2 if twice else 1) * gates * units * (features + units + bias):
                        yield (("hidden_size", units), ("bias", bias > 0))
        return
    gates = {"rnn": (1,), "gru": (3,), "lstm": (4,)}.get(operation.word, (1, 3, 4))
    for directions in (1, 2):
        if made % directions:
            continue
        units = made // directions
        for gate in gates:
            for bias in (2, 0):
                for layers in range(1, 13):
                    first = gate * units * (features + units + bias)
                    later = gate * units * (made + units + bias)
                    if count == directions * (first + (layers - 1) * later):
                        yield (
                            ("hidden_size", units),
                            ("num_layers", layers),
                            ("bias", bias > 0),
                            ("bidirectional", directions == 2),
                        )


def _attention(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    return Fit(0.0 if same_shape(source, out) else 1.5)


def _resize(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, _: PrintedShape | None
) -> Fit | None:
    return Fit(0.2) if not count and len(source) == len(out) and source[-1] == out[-1] else None


_LAWS = {
    "same": _same, "batch_norm": _same, "channel_norm": _same, "instance_norm": _same, "layer_norm": _same,
    "rms_norm": _same, "prelu": _same, "normalization": _same, "conv": _conv, "conv_transpose": _conv, "depthwise": _conv,
    "separable": _conv, "linear": _linear, "pool": _pool, "adaptive_pool": _adaptive, "global_pool": _global_pool,
    "flatten": _flatten, "reshape": _reshape, "permute": _permute, "repeat": _repeat, "upsample": _upsample,
    "pad": _pad, "pixel_shuffle": _pixel_shuffle, "pixel_unshuffle": _pixel_shuffle, "embedding": _embedding,
    "recurrent": _recurrent, "bidirectional": _recurrent, "attention": _attention, "resize": _resize,
}  # fmt: skip


# --- what the row could have said instead ---------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def lawful_counts(operation: Operation, source: PrintedShape, out: PrintedShape) -> tuple[int, ...]:
    """Counts that a row from `source` to `out` could have, the usual first.

    >>> lawful_counts(Operation("linear"), (None, 256), (None, 10))
    (2570, 2560)
    """
    allowed = allowed_counts(operation, out)
    if allowed is not None:
        return tuple(sorted(allowed, reverse=True))
    family = operation.family
    if family == "linear" and source and out and out[-1]:
        features = [source[-1], volume(source), *([source[1]] if len(source) == 4 else [])]
        return tuple(dict.fromkeys(out[-1] * (size + bias) for size in features if size for bias in (1, 0)))
    inputs, outputs = channels_of(operation, source), channels_of(operation, out)
    if not inputs or not outputs:
        return ()
    dims = operation.dims or 2
    if family == "depthwise":
        return tuple(side**dims * outputs + outputs * bias for side in _USUAL_KERNELS for bias in (1, 0))
    if family == "separable":
        return tuple(
            side**dims * inputs + inputs * outputs + outputs * bias for side in _USUAL_KERNELS for bias in (1, 0)
        )
    if family in {"conv", "conv_transpose"}:
        groups = [1, inputs] if outputs % inputs == 0 else [1]
        return tuple(
            side**dims * inputs * outputs // group + outputs * bias
            for group in groups for side in _USUAL_KERNELS for bias in (1, 0)
        )  # fmt: skip
    return ()


@lru_cache(maxsize=1 << 14)
def lawful_outputs(
    operation: Operation, source: PrintedShape, count: int | None, out: PrintedShape
) -> tuple[PrintedShape, ...]:
    """Shapes that a row with this input and count could have made; `out` is what it says."""
    family = operation.family
    if not source or not out:
        return ()
    if operation.family in {"same", "batch_norm", "channel_norm", "instance_norm", "layer_norm", "rms_norm", "prelu"}:
        return (source,)
    if family == "flatten":
        return ((source[0], volume(source)),)
    if family == "linear":
        sizes = {source[-1], volume(source)} - {None, 0}
        if count is None:
            return ()
        return tuple(
            (*out[:-1], count // (size + bias))
            for size in sizes for bias in (1, 0) if count and count % (size + bias) == 0
        )  # fmt: skip
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
    for side in _USUAL_KERNELS:
        area = side ** (operation.dims or 2)
        for bias in (1, 0):
            for per in (inputs * area + bias, area + bias):
                if count % per == 0 and count // per <= 1 << 16:
                    found.add(count // per)
    return found
