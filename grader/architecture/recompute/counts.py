"""Which counts can a class have, and what is wrong with one whatever the input was?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.keras_laws import keras_counts, keras_lawful_counts, keras_why_not
from grader.architecture.recompute.layouts import channels_of, volume
from grader.architecture.recompute.operations import Operation

_MAX_KERNEL = 64
_WITHOUT = frozenset({
    "same", "pool", "adaptive_pool", "global_pool", "flatten", "reshape", "permute", "repeat", "pad", "upsample",
    "pixel_shuffle", "pixel_unshuffle", "merge", "concatenate", "input", "resize",
})  # fmt: skip
USUAL_KERNELS = (3, 1, 5, 7, 2, 4, 11, 9, 8, 6)
_KERNEL_PRICES = {1: 0.0, 3: 0.0, 5: 0.0, 7: 0.0, 2: 0.05, 4: 0.1, 9: 0.1, 11: 0.1, 13: 0.2, 8: 0.2, 16: 0.2}


def kernel_areas(inputs: int, outputs: int, count: int) -> Iterator[tuple[int, int, bool]]:
    """Area, groups and bias of the convolutions from `inputs` to `outputs` channels with `count` parameters.

    >>> list(kernel_areas(32, 64, 18_496))[:1]
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
def kernels_of(area: int, dims: int) -> tuple[tuple[float, tuple[int, ...]], ...]:
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
    if operation.is_keras and (counts := keras_counts(operation, out)) is not None:
        return counts
    channels = channels_of(operation, out) or 0
    if family in _WITHOUT:
        return frozenset({0})
    if family == "batch_norm":
        return frozenset({2 * channels, 0})
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
        made |= set(sizes)
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
    if operation.printed is not None and not operation.printed.matching(out, count):
        width = f"{out[-1]} features" if family == "linear" else f"{channels_of(operation, out)} channels"
        return f"no {name} printed below makes {width} with {count:,} parameters"
    allowed = allowed_counts(operation, out)
    if allowed is not None:
        if count in allowed:
            return ""
        if allowed == {0}:
            return f"a {name} has nothing to learn, printed is {count:,}"
        axis = channels_of(operation, out)
        if family == "batch_norm":
            times = 4 if operation.is_keras else 2
            right = times * (axis or 0)
            return f"a {name} of {axis} channels has {times} x {axis} = {right:,} parameters, printed is {count:,}"
        if family in {"channel_norm", "instance_norm"}:
            return f"a {name} of {axis} channels has 2 x {axis} = {2 * (axis or 0):,} parameters, printed is {count:,}"
        return f"a {name} of the shape {list(out[1:])} cannot have {count:,} parameters"
    if operation.is_keras and (why := keras_why_not(operation, name, out, count)):
        return why
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


@lru_cache(maxsize=1 << 14)
def lawful_counts(operation: Operation, source: PrintedShape, out: PrintedShape) -> tuple[int, ...]:
    """Counts that a row from `source` to `out` could have, the usual first.

    >>> lawful_counts(Operation("linear"), (None, 256), (None, 10))
    (2570, 2560)
    """
    if operation.printed is not None:
        return tuple(sorted({one.count for one in operation.printed.layers if one.has_width(out)}))
    allowed = allowed_counts(operation, out)
    if allowed is not None:
        return tuple(sorted(allowed, reverse=True))
    family = operation.family
    if operation.is_keras and (counts := keras_lawful_counts(operation, source, out)):
        return counts
    if family == "linear" and source and out and out[-1]:
        features = [source[-1], volume(source), *([source[1]] if len(source) == 4 else [])]
        return tuple(dict.fromkeys(out[-1] * (size + bias) for size in features if size for bias in (1, 0)))
    inputs, outputs = channels_of(operation, source), channels_of(operation, out)
    if not inputs or not outputs:
        return ()
    dims = operation.dims or 2
    if family == "depthwise":
        return tuple(side**dims * outputs + outputs * bias for side in USUAL_KERNELS for bias in (1, 0))
    if family == "separable":
        return tuple(
            side**dims * inputs + inputs * outputs + outputs * bias for side in USUAL_KERNELS for bias in (1, 0)
        )
    if family in {"conv", "conv_transpose"}:
        groups = [1, inputs] if outputs % inputs == 0 else [1]
        return tuple(
            side**dims * inputs * outputs // group + outputs * bias
            for group in groups for side in USUAL_KERNELS for bias in (1, 0)
        )  # fmt: skip
    return ()
