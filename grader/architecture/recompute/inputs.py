"""What was the network given, where the print does not state it?

The first layer tells its input channels by its count and its output's size; the line "Input size (MB)" confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from grader.architecture.readers.printed import Format, PrintedShape, PrintedSummary
from grader.architecture.recompute.flow import wanted_inputs
from grader.architecture.recompute.laws import fit, with_axes
from grader.architecture.recompute.steps import Step

_CHANNELS = (3, 1, 4, 2, 6)  # colour, grey, colour with transparency, pairs
_LARGEST = 4096


def likely_input(summary: PrintedSummary, steps: Sequence[Step]) -> PrintedShape | None:
    """The plainest input of the first step, confirmed by the megabytes where they are printed; None if unclear."""
    first = next((step for step in steps if step.outputs), None)
    if first is None or first.operation.is_custom:
        return None
    numbers = _numbers_allowed(summary)
    out = first.outputs[0]
    best: tuple[float, PrintedShape] | None = None
    confirmed: tuple[float, PrintedShape] | None = None
    for extra, shape in _candidates(first, out):
        found = fit(first.operation, shape, out, first.count, first.kernel)
        if found is None:
            continue
        price = found.price + extra
        if best is None or price < best[0]:
            best = (price, shape)
        is_confirmed = numbers is not None and numbers[0] <= _size(shape) <= numbers[1]
        if is_confirmed and (confirmed is None or price < confirmed[0]):
            confirmed = (price, shape)
    if confirmed is not None and confirmed[0] < 1.5:
        return confirmed[1]
    if best is None or best[0] > 0.35:
        return None
    return best[1] if numbers is None else None


def _numbers_allowed(summary: PrintedSummary) -> tuple[Fraction, Fraction] | None:
    number = summary.totals.get("input_mb")
    if number is None:
        return None
    unit = Fraction(4, 1024**2) if summary.format is Format.TORCHSUMMARY else Fraction(4, 10**6)
    slack = number.step * Fraction(51, 100)
    return (number.value - slack) / unit, (number.value + slack) / unit


def _size(shape: PrintedShape) -> int:
    size = 1
    for axis in shape:
        size *= axis or 1
    return size


def _candidates(first: Step, out: PrintedShape) -> Iterator[tuple[float, PrintedShape]]:
    """Inputs worth a try, each with what speaks against it."""
    family = first.operation.family
    if family in {"same", "batch_norm", "channel_norm", "layer_norm", "rms_norm", "prelu", "instance_norm"}:
        yield 0.0, out
    if family == "linear" and first.count:
        for rank, size in enumerate(wanted_inputs(first.operation, out, first.count)):
            yield 0.2 * rank, (*out[:-1], size)
    if family not in {"conv", "pool", "conv_transpose"} or len(out) < 3:
        return
    asked = wanted_inputs(first.operation, out, first.count) if first.count else ()
    channels = [size for size in _CHANNELS if size in asked] + [size for size in asked if size not in _CHANNELS][:6]
    if family == "pool":
        channels = [out[-1] or 0 if first.operation.is_keras else out[1] or 0]
    for rank, channel in enumerate(channels):
        against = 0.0 if channel in {1, 3} else 0.15 + 0.05 * rank
        for more, sizes in _sizes(first, out):
            yield against + more, with_axes(first.operation, out, channel, sizes)


def _sizes(first: Step, out: PrintedShape) -> Iterator[tuple[float, tuple[int, ...]]]:
    last = len(out) - 1 if first.operation.is_keras else len(out)
    spatial = [axis or 1 for axis in (out[1:last] if first.operation.is_keras else out[2:])]
    usual = {28, 32, 64, 96, 128, 192, 224, 256, 299, 384, 416, 512, 640}
    for times in (1, 2, 4):
        for change in range(-4, 13):
            sizes = tuple(size * times + change for size in spatial)
            if min(sizes) < 1 or max(sizes) > _LARGEST:
                continue
            is_usual = all(size in usual for size in sizes)
            yield (0.0 if is_usual else 0.1) + (0.02 * abs(change) if not is_usual else 0.0) + 0.05 * (times > 1), sizes
