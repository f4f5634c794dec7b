"""What was the network given, where the print does not state it?

The first layer tells its input channels by its count and its output's size; the line "Input size (MB)" confirms it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from grader.architecture.readers.printed import Format, PrintedShape, PrintedSummary
from grader.architecture.recompute.demands import wanted_inputs
from grader.architecture.recompute.laws import fit
from grader.architecture.recompute.layouts import with_axes
from grader.architecture.recompute.steps import Step

_CHANNELS = (3, 1, 4, 2, 6)  # colour, grey, colour with transparency, pairs
USUAL_SIDES = (28, 32, 64, 96, 128, 192, 224, 256, 299, 384, 416, 512, 640)
_LARGEST = 4096
_NO_INPUT = 2.0  # the price of a first row that no input of the printed size explains


class Likely(NamedTuple):
    """A guessed input; `is_confirmed` if the megabytes agree with it, `times` how many alike the network takes."""

    shape: PrintedShape
    is_confirmed: bool
    times: int = 1


def likely_input(summary: PrintedSummary, steps: Sequence[Step]) -> Likely | None:
    """The plainest input of the first step, confirmed by the megabytes where they are printed; None if unclear."""
    first = next((step for step in steps if step.outputs), None)
    if first is None or first.operation.is_custom:
        return None
    ranges = list(_numbers_allowed(summary))
    out = first.outputs[0]
    plain, confirmed = _plainest(summary, steps, first, ranges)
    if confirmed is not None and confirmed[0] < 1.0:
        return Likely(confirmed[1], is_confirmed=True, times=_times(summary, confirmed[1], ranges))
    if ranges and first.operation.family == "conv" and first.operation.dims == 2:
        # the row itself may be wrong: a picture of a usual size that makes the megabytes
        low, high = ranges[0]
        pictures = [
            with_axes(first.operation, out, channel, (size, size)) for channel in (3, 1) for size in USUAL_SIDES
        ]
        fitting = [shape for shape in pictures if len(shape) == len(out) and low <= _size(shape) <= high]
        if len(fitting) == 1:
            return Likely(fitting[0], is_confirmed=True)
    if plain is None or plain[0] > 0.35 or ranges:
        return None
    return Likely(plain[1], is_confirmed=False)


def opening_prices(summary: PrintedSummary) -> Callable[[Step], float]:
    """What speaks against a step as the first one: that no input explains both it and the printed megabytes."""
    ranges = list(_numbers_allowed(summary))
    known: dict[tuple[object, ...], float] = {}

    def price(step: Step) -> float:
        if not ranges or step.operation.is_custom or not step.outputs:
            return 0.0
        key = (step.operation, step.outputs[0], step.count)
        if key not in known:
            _, confirmed = _plainest(summary, (), step, ranges)
            known[key] = _NO_INPUT if confirmed is None else 0.0 if confirmed[0] < 1.0 else _NO_INPUT / 2
        return known[key]

    return price


def plainest_input(summary: PrintedSummary, steps: Sequence[Step]) -> PrintedShape | None:
    """The plainest input that explains the first row and agrees with the megabytes; None if none does."""
    first = next((step for step in steps if step.outputs), None)
    if first is None or first.operation.is_custom:
        return None
    ranges = list(_numbers_allowed(summary))[:1]
    plain, confirmed = _plainest(summary, steps, first, ranges)
    found = confirmed if ranges else plain
    return None if found is None else found[1]


def _plainest(
    summary: PrintedSummary, steps: Sequence[Step], first: Step, ranges: Sequence[tuple[Fraction, Fraction]]
) -> tuple[tuple[float, PrintedShape] | None, tuple[float, PrintedShape] | None]:
    """The plainest input with its price, and the plainest that the megabytes confirm."""
    out = first.outputs[0]
    plain: tuple[float, PrintedShape] | None = None
    confirmed: tuple[float, PrintedShape] | None = None
    for count in _counts(summary, steps, first):
        for extra, shape in _candidates(replace(first, count=count), out):
            against = [
                0.3 * rank + (0.0 if low <= _size(shape) <= high else 0.35)
                for rank, (low, high) in enumerate(ranges)
                if low <= _size(shape) <= high or _is_pair(summary, shape, low, high)
            ]
            if ranges and not against:
                continue  # fitting it would take long, and say nothing
            found = fit(first.operation, shape, out, count, first.kernel)
            if found is None:
                continue
            price = found.price + extra + (0.0 if count == first.count else 0.1)
            if plain is None or price < plain[0]:
                plain = (price, shape)
            if against and (confirmed is None or price + min(against) < confirmed[0]):
                confirmed = (price + min(against), shape)
    return plain, confirmed


def _is_pair(summary: PrintedSummary, shape: PrintedShape, low: Fraction, high: Fraction) -> bool:
    """True if two inputs alike make the printed size: torchsummary multiplies them with each other."""
    if summary.format is not Format.TORCHSUMMARY:
        return False
    return low <= _size(shape) * _size((1, *shape[1:])) <= high


def _times(summary: PrintedSummary, shape: PrintedShape, ranges: Sequence[tuple[Fraction, Fraction]]) -> int:
    is_one = any(low <= _size(shape) <= high for low, high in ranges)
    return 1 if is_one or not any(_is_pair(summary, shape, low, high) for low, high in ranges) else 2


def _counts(summary: PrintedSummary, steps: Sequence[Step], first: Step) -> list[int | None]:
    """The printed count, and the one with which the rows add up to the total."""
    counts: list[int | None] = [first.count]
    total = summary.totals.get("parameters")
    if steps and total is not None and not total.is_rounded and first.count is not None:
        extra = summary.totals["optimizer"].value if "optimizer" in summary.totals else 0
        other = first.count + int(total.value - extra) - sum(step.count or 0 for step in steps)
        if other != first.count and other > 0:
            counts.append(other)
    return counts


def _numbers_allowed(summary: PrintedSummary) -> Iterator[tuple[Fraction, Fraction]]:
    """How many numbers the input has by its own line, and by the sum of the sizes."""
    unit = Fraction(4, 1024**2) if summary.format is Format.TORCHSUMMARY else Fraction(4, 10**6)
    totals = summary.totals
    if "input_mb" in totals:
        slack = totals["input_mb"].step * Fraction(51, 100)
        yield (totals["input_mb"].value - slack) / unit, (totals["input_mb"].value + slack) / unit
    if {"input_mb", "pass_mb", "parameters_mb", "total_mb"} <= totals.keys():
        value = totals["total_mb"].value - totals["pass_mb"].value - totals["parameters_mb"].value
        slack = totals["total_mb"].step * Fraction(3, 2)
        yield (value - slack) / unit, (value + slack) / unit


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
    if family == "embedding":
        yield 0.0, out[:-1]
    if family not in {"conv", "pool", "pad", "conv_transpose"} or len(out) < 3:
        return
    asked = wanted_inputs(first.operation, out, first.count) if first.count else ()
    channels = [size for size in _CHANNELS if size in asked] + [size for size in asked if size not in _CHANNELS][:6]
    if asked and family == "conv":  # kernels that are no squares, and groups
        few = [size * groups for groups in (1, 2, 4) for size in (3, 1, 2, 4) if max(asked) % size == 0]
        channels = list(dict.fromkeys([*channels, *few]))
    if family in {"pool", "pad"}:
        channels = [out[-1] or 0 if first.operation.is_keras else out[1] or 0]
    for rank, channel in enumerate(channels):
        against = 0.0 if channel in {1, 3} else 0.15 + 0.05 * rank
        for more, sizes in _sizes(first, out):
            yield against + more, with_axes(first.operation, out, channel, sizes)


def _sizes(first: Step, out: PrintedShape) -> Iterator[tuple[float, tuple[int, ...]]]:
    last = len(out) - 1 if first.operation.is_keras else len(out)
    spatial = [axis or 1 for axis in (out[1:last] if first.operation.is_keras else out[2:])]
    shapes = {tuple(spatial), *((size,) * len(spatial) for size in spatial)}
    for times, change, given in product(
        (1, 2, 4), range(-4, 13), sorted(shapes, key=lambda one: one != tuple(spatial))
    ):
        sizes = tuple(size * times + change for size in given)
        if min(sizes) < 1 or max(sizes) > _LARGEST:
            continue
        is_usual = all(size in USUAL_SIDES for size in sizes)
        yield (0.0 if is_usual else 0.1) + (0.02 * abs(change) if not is_usual else 0.0) + 0.05 * (times > 1), sizes
