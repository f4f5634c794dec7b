"""What can a Keras layer make of its input, with which count? What PyTorch does otherwise, or has no layer for.

Keras knows the paddings "valid" and "same" (and "causal") alone, so that few sizes are possible; a normalisation may
lie along any axis; a recurrent layer's count follows from its units and the features that come in.

Source:  keras 2.12 and 3.15, layers/*: `build` and `compute_output_shape`
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, product
from math import isqrt, prod

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.layouts import same_shape
from grader.architecture.recompute.operations import Operation
from grader.architecture.recompute.windows import Asked, Fit

LAWFUL = 0.8  # what a layer may do, and seldom does
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
# Bias vectors of a recurrent layer: one, or none; a GRU that resets after the product has two, and so has CuDNN's LSTM.
_BIASES = {"lstm": (1, 0, 2), "gru": (2, 1, 0), "rnn": (1, 0)}
_LARGEST_AREA = 1 << 16
_STRIDES = range(1, 9)
_MOST_MULTIPLIERS = 64
_RECURRENT = frozenset({"recurrent", "bidirectional"})


# --- which counts ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def keras_counts(operation: Operation, out: PrintedShape) -> frozenset[int] | None:
    """Every count that a normalisation or a PReLU of this output can have; None where the input matters too.

    >>> sorted(keras_counts(Operation("batch_norm", is_keras=True), (None, 8, 8, 16)))[-1]
    64
    """
    sizes = [axis or 1 for axis in out[1:]]
    if operation.family == "batch_norm":  # mean and variance are always kept
        return frozenset(times * size for size in sizes for times in (2, 3, 4))
    parts = {prod(chosen) for length in range(1, len(sizes) + 1) for chosen in combinations(sizes, length)}
    if operation.family in {"layer_norm", "channel_norm", "rms_norm"}:
        return frozenset({0} | {times * part for part in parts for times in (1, 2)})
    if operation.family == "prelu":
        return frozenset({1} | parts)
    if operation.family == "normalization":  # mean, variance and how many were seen; nothing where both were given
        return frozenset({0, 3} | {2 * part + 1 for part in parts})
    return None


def usual_count(operation: Operation, out: PrintedShape) -> int | None:
    """The count of a normalisation along the last axis, as Keras does if not told otherwise."""
    size = out[-1] or 1
    times = {"batch_norm": 4, "layer_norm": 2, "channel_norm": 2, "rms_norm": 1}.get(operation.family)
    return None if times is None else times * size


def keras_why_not(operation: Operation, name: str, out: PrintedShape, count: int) -> str:
    """What is wrong with a count whatever the input was; "" if nothing.

    >>> keras_why_not(Operation("recurrent", word="lstm", is_keras=True), "LSTM", (None, 32), 24_833)[:45]
    'a LSTM of 32 units has a multiple of 4 x 32 ='
    """
    family = operation.family
    if family == "input":
        return f"a {name} has nothing to learn, printed is {count:,}" if count else ""
    units = out[-1] or 0
    if family == "recurrent" and units and operation.word in _GATES:
        gates = _GATES[operation.word]
        rest, left = divmod(count, gates * units)
        if left or rest - units < 1:
            made = f"{gates} x {units} = {gates * units:,}" if gates > 1 else f"{units}"
            return (
                f"a {name} of {units} units has a multiple of {made} parameters, and {count:,} is none that it can have"
            )
    if family == "bidirectional" and units and len(out) <= 3 and not _bidirectional_sizes(units, count):
        return f"a {name} of two layers that give {units} numbers cannot have {count:,} parameters"
    return ""


def _bidirectional_sizes(made: int, count: int) -> list[int]:
    """Features that may come in, for any recurrent class inside and any way to join the two directions."""
    found = []
    for units in {made, made // 2} if made % 2 == 0 else {made}:
        for word, gates in _GATES.items():
            rest, left = divmod(count, 2 * gates * units) if units else (0, 1)
            if not left:
                found += [rest - units - bias for bias in _BIASES[word] if rest - units - bias > 0]
    return found


@lru_cache(maxsize=1 << 14)
def keras_lawful_counts(operation: Operation, source: PrintedShape, out: PrintedShape) -> tuple[int, ...]:
    """Counts that a recurrent or distributed layer from `source` to `out` could have, the usual first.

    >>> keras_lawful_counts(Operation("recurrent", word="gru", is_keras=True), (None, 120, 64), (None, 24))
    (6480, 6408, 6336)
    """
    features, made = source[-1], out[-1]
    if not features or not made:
        return ()
    if operation.family == "recurrent" and operation.word in _GATES:
        gates = _GATES[operation.word]
        return tuple(gates * made * (features + made + bias) for bias in _BIASES[operation.word])
    if operation.family == "bidirectional":
        return tuple(
            2 * gates * units * (features + units + bias)
            for units in ([made // 2, made] if made % 2 == 0 else [made])
            for word, gates in _GATES.items()
            for bias in _BIASES[word]
        )
    if operation.family == "time_distributed" and len(source) == len(out):
        return (made * (features + 1), made * features)
    return ()


# --- which outputs --------------------------------------------------------------------------------------


def keras_outputs(
    operation: Operation, source: PrintedShape, count: int | None, out: PrintedShape
) -> Iterator[PrintedShape]:
    """Shapes that a layer which only Keras has could have made; `out` is what it says."""
    if operation.family in _RECURRENT:
        is_last = len(out) == 2
        for units in {out[-1], *_units_of(operation, source[-1], count)}:
            yield (source[0], units) if is_last else (*source[:-1], units)
    elif operation.family == "time_distributed" and len(source) > 1:
        yield (*source[:2], *out[2:])
        if count and source[-1] and len(source) == len(out):
            for bias in (1, 0):
                if count % (source[-1] + bias) == 0:
                    yield (*source[:-1], count // (source[-1] + bias))
    elif operation.family == "pool" and operation.dims == 3 and len(source) == len(out):
        halves = ({size, size // 2} if size else {size} for size in source[1:-1])
        yield from ((source[0], *sizes, source[-1]) for sizes in product(*halves) if 0 not in sizes)
    elif operation.family == "repeat" and len(out) == 3:
        yield (source[0], out[1], source[-1])
    elif operation.family == "global_pool" and len(out) == len(source):
        yield (source[0], *(1 for _ in source[1:-1]), source[-1])
    elif operation.family == "linear":
        yield (*source[:-1], out[-1])


def _units_of(operation: Operation, features: int | None, count: int | None) -> Iterator[int]:
    """Units with which a recurrent layer of so many features has this count: u(features + u + bias) gates = count."""
    if not features or not count:
        return
    twice = 2 if operation.family == "bidirectional" else 1
    for word, gates in _GATES.items():
        if operation.word not in {"", word}:
            continue
        whole, left = divmod(count, gates * twice)
        for bias in _BIASES[word] if not left else ():
            half = features + bias
            root = isqrt(half * half + 4 * whole)
            if root * root == half * half + 4 * whole and (root - half) % 2 == 0:
                yield twice * (root - half) // 2


# --- what explains a row --------------------------------------------------------------------------------


def recurrent(asked: Asked) -> Fit | None:
    """An RNN, LSTM or GRU, alone or in both directions: the last step or all of them."""
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    if len(source) != 3 or len(out) not in {2, 3} or (len(out) == 3 and out[1] != source[1]):
        return None
    features, made = source[-1], out[-1]
    if not features or not made or count is None:
        return Fit(0.1)
    is_twice = operation.family == "bidirectional"
    for units in ([made // 2, made] if made % 2 == 0 else [made]) if is_twice else [made]:
        for word, gates in _GATES.items():
            if operation.word in {"", word}:
                for bias in _BIASES[word]:
                    if count == (2 if is_twice else 1) * gates * units * (features + units + bias):
                        return Fit(
                            0.0 if units == made or is_twice else 0.1, (("hidden_size", units), ("bias", bias > 0))
                        )
    return None


def conv_recurrent(asked: Asked) -> Fit | None:
    """A ConvLSTM: four gates, each a convolution of the input and one of the state."""
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    dims = operation.dims
    is_all = len(out) == len(source)
    if len(source) != dims + 3 or len(out) not in {dims + 2, dims + 3} or (is_all and out[1] != source[1]):
        return None
    features, made = source[-1], out[-1]
    before, after = source[2:-1], out[2:-1] if is_all else out[1:-1]
    if not features or not made:
        return Fit(0.1)
    for bias in (1, 0):
        area, left = divmod((count or 0) - 4 * made * bias, 4 * made * (features + made))
        if count is None or (not left and area > 0 and _has_window(before, after, area)):
            return Fit(0.0, (("out_channels", made), ("bias", bias > 0)))
    return None


def time_distributed(asked: Asked) -> Fit | None:
    """Any layer, once for every step: the steps stay as they are."""
    source, out, count = asked.source, asked.out, asked.parameters
    if len(source) < 3 or len(out) < 2 or (source[1] != out[1] and None not in {source[1], out[1]}):
        return None
    features, made = source[-1], out[-1]
    if len(source) == len(out) and features and made and source[:-1] == out[:-1]:
        if count is None or count == made * (features + 1):
            return Fit(0.0, (("out_features", made), ("bias", True)))
        if count == made * features:
            return Fit(0.1, (("out_features", made), ("bias", False)))
    if same_shape(source, out) and (not count or count in {4 * (features or 0), 2 * (features or 0)}):
        return Fit(0.0)
    if not count:
        return Fit(0.0 if len(out) < len(source) else 0.3)
    # A model or a class of the student's own may be inside; vectors go into a Dense nearly always.
    return Fit(2.2 if len(source) == 3 and len(out) == 3 else 0.5)


def convolved_exactly(asked: Asked) -> Fit | None:
    """A convolution with any kernel, stride and dilation that Keras takes, however seldom."""
    operation, source, out, count = asked.operation, asked.source, asked.out, asked.parameters
    if len(source) != len(out) or len(out) != operation.dims + 2:
        return None
    inputs, outputs = source[-1], out[-1]
    before, after = source[1:-1], out[1:-1]
    if (
        not inputs
        or not outputs
        or any((one is None) != (other is None) for one, other in zip(before, after, strict=True))
    ):
        return None
    for area, groups, bias in _areas(operation, inputs, outputs, count):
        has = _has_transposed_window if operation.family == "conv_transpose" else _has_window
        window = has(before, after, area)
        if window is not None:
            steps = () if operation.family == "conv_transpose" else _steps(before, after, window)
            settings = (("out_channels", outputs), ("kernel", window), *steps, ("groups", groups), ("bias", bias))
            return Fit(LAWFUL, settings)
    return None


def _areas(operation: Operation, inputs: int, outputs: int, count: int | None) -> Iterator[tuple[int, int, bool]]:
    """Kernel areas, groups and bias with which the count comes out."""
    if count is None:
        yield from ((side**operation.dims, 1, True) for side in range(1, 12))
        return
    for bias in (True, False):
        weights = count - outputs * bias
        if weights <= 0:
            continue
        if operation.family == "depthwise":
            if outputs % inputs == 0 and weights % outputs == 0:
                yield weights // outputs, inputs, bias
        elif operation.family == "separable":
            for times in range(1, _MOST_MULTIPLIERS + 1):
                area, left = divmod(weights, inputs * times)
                if not left and area > outputs:
                    yield area - outputs, 1, bias
        else:
            for groups in (1, *(one for one in range(2, min(inputs, 512) + 1) if inputs % one == outputs % one == 0)):
                if weights * groups % (inputs * outputs) == 0:
                    yield weights * groups // (inputs * outputs), groups, bias


@lru_cache(maxsize=1 << 12)
def _kernels(area: int, dims: int) -> tuple[tuple[int, ...], ...]:
    """Every kernel of an area, square ones first.

    >>> _kernels(6, 2)
    ((2, 3), (3, 2), (1, 6), (6, 1))
    """
    if not 0 < area <= _LARGEST_AREA:
        return ()
    if dims == 1:
        return ((area,),)
    found = []
    for first in range(1, isqrt(area) + 1):
        if area % first == 0:
            for side in {first, area // first}:
                found += [(side, *rest) for rest in _kernels(area // side, dims - 1)]
    return tuple(sorted(dict.fromkeys(found), key=lambda sides: max(sides) - min(sides)))


@lru_cache(maxsize=1 << 14)
def _has_window(before: PrintedShape, after: PrintedShape, area: int) -> tuple[int, ...] | None:
    """A kernel that makes these sizes with one padding for all axes; strides and dilations exclude each other.

    >>> _has_window((154,), (39,), 7), _has_window((28, 28), (30, 30), 9)
    ((7,), None)
    """
    axes = [(size, made) for size, made in zip(before, after, strict=True) if size is not None and made is not None]
    is_same = all(_divides(size, made) for size, made in axes)
    for kernel in _kernels(area, len(before)):
        if is_same:
            return kernel
        sides = [side for side, size in zip(kernel, before, strict=True) if size is not None]
        strided = all(
            size >= side and _divides(size - side + 1, made) for side, (size, made) in zip(sides, axes, strict=True)
        )
        if strided or all(_is_dilated(side, *axis) for side, axis in zip(sides, axes, strict=True)):
            return kernel
    return None


def _steps(
    before: PrintedShape, after: PrintedShape, kernel: tuple[int, ...]
) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Strides, padding and dilations with which the kernel makes these sizes; padding "same" is said as its half.

    >>> _steps((56,), (26,), (3,))
    (('stride', (1,)), ('padding', (0,)), ('dilation', (15,)))
    >>> _steps((154,), (39,), (7,))
    (('stride', (4,)), ('padding', (3,)), ('dilation', (1,)))
    """
    axes = [(side, size or 1, made or 1) for side, size, made in zip(kernel, before, after, strict=True)]
    if all(_divides(size, made) for _, size, made in axes):
        strides, padding = tuple(-(-size // made) for _, size, made in axes), tuple((side - 1) // 2 for side in kernel)
        return (("stride", strides), ("padding", padding), ("dilation", (1,) * len(axes)))
    none = (0,) * len(axes)
    if all(size >= side and _divides(size - side + 1, made) for side, size, made in axes):
        strides = tuple(-(-(size - side + 1) // made) for side, size, made in axes)
        return (("stride", strides), ("padding", none), ("dilation", (1,) * len(axes)))
    dilations = tuple((size - made) // (side - 1) if side > 1 else 1 for side, size, made in axes)
    return (("stride", (1,) * len(axes)), ("padding", none), ("dilation", dilations))


def _divides(size: int, made: int) -> bool:
    """True if some stride makes `made` of `size`: ceil(size / stride) = made.

    >>> _divides(154, 39), _divides(10, 8)
    (True, False)
    """
    if made < 1 or size < made:
        return False
    return made == 1 or -(-size // -(-size // made)) == made


def _is_dilated(side: int, size: int, made: int) -> bool:
    missing = size - made
    return missing == 0 if side == 1 else missing >= side - 1 and missing % (side - 1) == 0


@lru_cache(maxsize=1 << 14)
def _has_transposed_window(before: PrintedShape, after: PrintedShape, area: int) -> tuple[int, ...] | None:
    """The same for a transposed convolution, with or without `output_padding`.

    >>> _has_transposed_window((11, 27), (24, 56), 9)
    (3, 3)
    """
    for kernel in _kernels(area, len(before)):
        axes = list(zip(kernel, before, after, strict=True))
        if any(all(_is_transposed(*axis, way) for axis in axes) for way in ("same", "valid", "padded", "cut")):
            return kernel
    return None


def _is_transposed(side: int, size: int | None, made: int | None, way: str) -> bool:
    if size is None or made is None:
        return size is made
    if way == "same":
        return made % size == 0
    for stride in _STRIDES:
        left = made - (size - 1) * stride
        if way == "valid" and left == max(side, stride):
            return True
        if way == "padded" and 0 <= left - side < max(stride, 1):
            return True
        if way == "cut" and 0 <= left - side % 2 < max(stride, 1):
            return True
    return False


KERAS_LAWS = {
    "recurrent": recurrent, "bidirectional": recurrent, "conv_recurrent": conv_recurrent,
    "time_distributed": time_distributed,
}  # fmt: skip
EXACT = frozenset({"conv", "conv_transpose", "depthwise", "separable"})
