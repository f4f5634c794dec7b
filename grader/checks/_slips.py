"""Which usual slip explains a wrong shape or a wrong count?

A slip is named only where it gives exactly what the student wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, prod
from typing import NamedTuple

from grader.architecture.convolution import Conv, ConvTranspose
from grader.architecture.dense import Linear
from grader.architecture.layer import Layer
from grader.architecture.normalisation import BatchNorm
from grader.architecture.pooling import AvgPool, MaxPool
from grader.checks._network import Made, Sample, Step
from grader.model import Json

KERNELS, PADDINGS, STRIDES, DILATIONS = range(1, 16), range(8), range(1, 9), range(1, 5)


class Slip(NamedTuple):
    """A stable code, and what went wrong in words that end a sentence."""

    code: str
    said: str


class Change(NamedTuple):
    """A layer with one setting that is not the assignment's."""

    slip: Slip
    settings: Mapping[str, Json]


def changes(step: Step, sample: Sample) -> Iterator[Change]:
    """The layer with one setting changed, in the order in which students slip; `sample` is what they wrote."""
    yield from _usual_changes(step.own, sample)
    if isinstance(step.own, Conv | ConvTranspose | MaxPool | AvgPool):
        yield from _window(step.own)


def _usual_changes(own: Layer | None, sample: Sample) -> Iterator[Change]:
    if isinstance(own, Linear) and sample:
        if sample[-1] != own.out_features:
            yield _channels(sample[-1], own.out_features, "out_features", "feature")
        return
    if isinstance(own, Conv | ConvTranspose):
        if len(sample) == len(own.kernel) + 1 and sample[0] not in (0, own.out_channels):
            yield _channels(sample[0], own.out_channels, "out_channels", "channel")
    elif not isinstance(own, MaxPool | AvgPool):
        return
    yield from _padding_and_stride(own)
    if isinstance(own, MaxPool | AvgPool):
        words = "down where this layer rounds up" if own.ceil_mode else "up where this layer rounds down"
        yield Change(Slip("rounding", f"the size was rounded {words}"), {"ceil_mode": not own.ceil_mode})


def _channels(found: int, asked: int, setting: str, word: str) -> Change:
    many = f"{found:,} {word}{'' if found == 1 else 's'}"
    said = f"{many} instead of {asked:,}; the arithmetic is right for {many}: the slip is the {word} count"
    return Change(Slip(f"{word}-slip", said), {setting: found})


def _padding_and_stride(own: Conv | ConvTranspose | MaxPool | AvgPool) -> Iterator[Change]:
    if own.padding not in ("valid", (0,) * len(own.kernel)):
        yield Change(Slip("padding-forgotten", "the padding is left out"), {"padding": 0})
    elif isinstance(own, Conv) and set(own.stride) == {1}:
        yield Change(Slip("size-kept", "the size was kept, as if there were padding"), {"padding": "same"})
    if set(own.stride) != {1}:
        yield Change(Slip("stride-forgotten", "the stride is left out"), {"stride": 1})
    if not isinstance(own, AvgPool) and set(own.dilation) != {1}:
        yield Change(Slip("dilation-forgotten", "the dilation is left out"), {"dilation": 1})


def _window(own: Conv | ConvTranspose | MaxPool | AvgPool) -> Iterator[Change]:
    """Other kernels, paddings, strides and dilations, one at a time."""
    own_padding = own.padding if isinstance(own.padding, tuple) else ()
    dilations = () if isinstance(own, AvgPool) else own.dilation
    for word, sizes, tried in (
        ("kernel", own.kernel, KERNELS),
        ("padding", own_padding, PADDINGS),
        ("stride", own.stride, STRIDES),
        ("dilation", dilations, DILATIONS),
    ):
        for size in tried:
            if sizes and set(sizes) != {size}:
                yield Change(Slip(f"{word}-slip", f"it is what a {word} of {size} gives"), {word: size})


def shape_slip(step: Step, sample: Sample, entering: Sequence[Sample]) -> Slip | None:
    """The slip that makes `sample` of one of the inputs `entering` (the right one first)."""
    slip = _by_change(step, _usual_changes(step.own, sample), sample, entering)
    for source in entering:
        made = step.made_of(source)
        if slip is None and made is not None:
            slip = _other_shape(step, sample, source, made.output)
    return slip or _by_change(step, changes(step, sample), sample, entering)


def _by_change(step: Step, tried: Iterable[Change], sample: Sample, entering: Sequence[Sample]) -> Slip | None:
    for change in tried:
        for source in entering:
            made = step.made_of(source, change.settings)
            if made is not None and made.output == sample:
                return change.slip
    return None


def _other_shape(step: Step, sample: Sample, source: Sample, right: Sample) -> Slip | None:
    if sample == source:
        return Slip("input-kept", "it is the shape of the input")
    if len(sample) != len(right):
        return None
    if len(right) >= 2 and sample[0] == right[0]:
        return _other_sizes(step, sample[1:], source[1:], right[1:])
    return None


def _other_sizes(step: Step, sizes: Sample, before: Sample, right: Sample) -> Slip | None:
    """Slips in the spatial sizes only; the channels are right."""
    if sizes == before:
        return Slip("size-kept", "the size of the input was kept")
    if len(sizes) == 2 and sizes == right[::-1]:
        return Slip("axes-swapped", "height and width are swapped")
    if isinstance(step.own, Conv) and sizes == _rounded_up(step.own, before):
        return Slip("rounding", "the size was rounded up where a convolution rounds down")
    if all(size == one - 1 for size, one in zip(sizes, right, strict=True)):
        return Slip("plus-one", "the size is one too small: is the + 1 of the formula missing?")
    if all(size == one + 1 for size, one in zip(sizes, right, strict=True)):
        return Slip("plus-one", "the size is one too large")
    return None


def _rounded_up(own: Conv, before: Sample) -> Sample:
    rooms = zip(before, own.paddings(), own.kernel, own.dilation, own.stride, strict=False)
    return tuple(ceil((size + sum(added) - d * (k - 1) - 1) / s) + 1 for size, added, k, d, s in rooms)


def rank_slip(entries: int, expected: int, sample: Sample | None, right: Sample) -> Slip:
    """The slip of a shape with another number of axes."""
    if sample is not None and prod(sample) == prod(right):
        return Slip("axes", "the number of values is right, but the axes are merged or split")
    return Slip("rank", f"{entries} {'axis' if entries == 1 else 'axes'} where {expected} are expected")


# --- counts ------------------------------------------------------------------------------------

Counted = Iterator[tuple[int, str, str]]  # the wrong count, code, words


def count_slip(step: Step, value: int, entering: Sequence[Sample], batch: int | None) -> Slip | None:
    """The slip that counts `value` parameters for one of the inputs `entering` (the right one first)."""
    for source in entering:
        layer, made = step.layer(source), step.made_of(source)
        if layer is None or made is None:
            continue
        for count, code, said in _counts(layer, made, batch):
            if count == value != made.parameters:
                return Slip(code, said)
        if made.parameters and (slip := _other_channels(layer, value)) is not None:
            return slip
    return None


def _counts(layer: Layer, made: Made, batch: int | None) -> Counted:
    if isinstance(layer, Conv | ConvTranspose):
        yield from _of_conv(layer, made)
    elif isinstance(layer, Linear):
        yield from _of_linear(layer)
    elif isinstance(layer, BatchNorm):
        n = layer.num_features
        yield 4 * n, "statistics-counted", "the running mean and variance are kept, not learned: 2 per channel count"
        yield n, "half-counted", "each channel has a factor and a bias: 2 per channel"
        yield 2, "channels-forgotten", "each channel has its own factor and bias: 2 per channel"
    values = prod(made.output)
    said = "the values of the output were counted, not what the layer learns"
    yield values, "values-counted", said
    if batch is not None:
        yield values * batch, "values-counted", said
        yield made.parameters * batch, "batch-multiplied", "it was multiplied by the batch; parameters are shared by it"


def _of_conv(layer: Conv | ConvTranspose, made: Made) -> Counted:
    k, i, o = prod(layer.kernel), layer.in_channels // layer.groups, layer.out_channels
    if isinstance(layer, ConvTranspose):
        i, o = layer.in_channels, layer.out_channels // layer.groups
    b = int(layer.bias)
    weights, biases = k * i * o, layer.out_channels
    if layer.bias:
        yield weights, "bias-forgotten", "the biases are left out"
    else:
        yield weights + biases, "bias-added", "biases were counted where the layer has none"
    yield weights + 1, "bias-once", "one bias was counted for the whole layer; each output channel has its own"
    said = "there is one bias per output channel, not per input channel: are the channels swapped?"
    yield weights + layer.in_channels, "bias-per-input", said
    yield k * o * i + k * b, "bias-per-weight", "a bias was counted per kernel entry; it is one per output channel"
    said = "the input channels are left out: each output channel has a kernel for each of them"
    yield (k + b) * o, "input-channels-forgotten", said
    yield k * o, "input-channels-forgotten", said
    yield k * i + b, "output-channels-forgotten", "the output channels are left out: each has its own kernel"
    if len(layer.kernel) > 1:
        side = layer.kernel[0]
        said = f"the kernel has {k} entries per channel, not {side}"
        yield (side * i + b) * o, "kernel-not-squared", said
    if layer.groups > 1:
        full = k * layer.in_channels * layer.out_channels + b * layer.out_channels
        yield full, "groups-forgotten", "the groups are left out: each group sees its own channels only"
    pixels = prod(made.output[1:])
    said = "it was multiplied by the pixels of the output: these are multiplications, not parameters"
    yield weights * pixels, "multiply-adds", said
    yield made.parameters * pixels, "multiply-adds", said


def _of_linear(layer: Linear) -> Counted:
    i, o = layer.in_features, layer.out_features
    if layer.bias:
        yield i * o, "bias-forgotten", "the biases are left out"
    else:
        yield (i + 1) * o, "bias-added", "biases were counted where the layer has none"
    yield i * o + 1, "bias-once", "one bias was counted for the whole layer; each output has its own"
    yield i * o + i, "bias-per-input", "a bias was counted per input; it is one per output"
    yield i + o, "added", "inputs and outputs were added; each pair of them has a weight"


def _other_channels(layer: Layer, value: int) -> Slip | None:
    """Right for another number of channels in or out. Tried last: some number may fit by chance."""
    if isinstance(layer, Conv) and layer.groups == 1:
        k, i, o, word = prod(layer.kernel), layer.in_channels, layer.out_channels, "channel"
    elif isinstance(layer, Linear):
        k, i, o, word = 1, layer.in_features, layer.out_features, "feature"
    else:
        return None
    b = int(layer.bias)
    other, rest = divmod(value - b * o, k * o) if k * o else (0, 1)
    if other > 0 and not rest:
        return Slip(f"input-{word}s", f"it is right for {other:,} input {word}s, not {i:,}")
    other, rest = divmod(value, k * i + b) if k * i + b else (0, 1)
    if other > 0 and not rest:
        return Slip(f"output-{word}s", f"it is right for {other:,} output {word}s, not {o:,}")
    return None
