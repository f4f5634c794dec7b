"""How can one tensor become a row's output, functional steps before it included, and what does that story cost?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import isqrt
from typing import NamedTuple

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.between import change_between, changes, images_of
from grader.architecture.recompute.demands import wanted_inputs
from grader.architecture.recompute.laws import fit
from grader.architecture.recompute.layouts import same_shape, spatial_of, volume
from grader.architecture.recompute.operations import Operation
from grader.architecture.recompute.windowed import crooked
from grader.architecture.recompute.windows import Fit

UNEXPLAINED = 4.0  # only a tensor that no row shows would explain it
KEEPING = frozenset(
    {"same", "batch_norm", "channel_norm", "instance_norm", "layer_norm", "rms_norm", "prelu", "normalization"}
)


class Story(NamedTuple):
    """How a step is explained: the price, the step that feeds it, what it is fed, what happens before it."""

    price: float
    source: int | None = None
    given: PrintedShape | None = None
    needs: str = ""
    fit: Fit | None = None


@lru_cache(maxsize=1 << 17)
def applied(
    operation: Operation, source: PrintedShape, out: PrintedShape, count: int | None, kernel: PrintedShape | None
) -> Story:
    """The cheapest way from one tensor to the step's output, functional steps included."""
    if operation.is_custom:
        return Story(custom_price(source, out, count), None, source)
    best = Story(UNEXPLAINED, None, source)
    found = fit(operation, source, out, count, kernel)
    if found is not None:
        best = Story(found.price, None, source, "", found)
    if best.price <= 0.7 or operation.is_keras:
        return best
    extra = (
        0.4 if operation.family in KEEPING or operation.family == "flatten" else 0.0
    )  # what keeps a shape stands mostly right behind another row
    is_conv = operation.family == "conv" and operation.printed is None
    for change in changes(source):
        if change.price + extra >= best.price:
            break
        if is_conv and change.price + crooked(change.shape[2:], out[2:]) >= best.price:
            continue  # whatever the kernel: no use to try them all
        found = fit(operation, change.shape, out, count, kernel)
        if found is not None and found.price + change.price + extra < best.price:
            best = Story(found.price + change.price + extra, None, change.shape, change.needs, found)
    if best.price > 1.0:
        best = _unusual(operation, source, out, count, kernel, best)
    return best


def _unusual(
    operation: Operation,
    source: PrintedShape,
    out: PrintedShape,
    count: int | None,
    kernel: PrintedShape | None,
    best: Story,
) -> Story:
    """Views and adaptive poolings: the step itself says what shape it wants."""
    family = operation.family
    numbers = volume(source)
    options: list[tuple[float, PrintedShape, str]] = []
    if family in {"conv", "conv_transpose"} and count and numbers:
        for channels in wanted_inputs(operation, out, count):
            size = images_of(numbers, channels)
            if size is not None and operation.dims == 2:
                price = 0.5 if len(source) == 2 else 1.6
                options.append((price, (source[0], channels, *size), "a view as an image"))
            elif operation.dims == 1 and numbers % channels == 0 and len(source) == 2:
                options.append((0.7, (source[0], channels, numbers // channels), "a view as a sequence"))
            if len(source) == operation.dims + 2 and channels == source[1]:
                for price, sizes in ((1.3, spatial_of(operation, out)), (1.4, tuple(2 * (s or 0) for s in out[2:]))):
                    options.append((price, (source[0], channels, *sizes), "a resizing"))
        if operation.printed is not None and len(source) == operation.dims + 2:
            for least in operation.printed.least_sizes(out, count):
                options += [(1.3, (*source[:2], *least), "a resizing")]
    elif family == "linear" and count and out[-1]:
        for features in wanted_inputs(operation, out, count):
            options += _features_from(source, features, out)
    elif operation.family != "embedding":
        change = change_between(source, out)
        if change is not None:
            options.append((change.price + (0.4 if family in KEEPING else 0.0), change.shape, change.needs))
        if operation.printed is not None and len(source) == len(out) and family == "pool":
            options += [(1.3, (*source[:2], *one), "a resizing") for one in operation.printed.least_sizes(out, count)]
        if numbers and len(out) == 4 and len(source) == 2 and out[1]:
            size = images_of(numbers, out[1])
            if size is not None:
                options.append((0.5, (source[0], out[1], *size), "a view as an image"))
    for price, shape, needs in options:
        found = fit(operation, shape, out, count, kernel)
        if found is not None and found.price + price < best.price:
            best = Story(found.price + price, None, shape, needs, found)
    return best


def _features_from(source: PrintedShape, features: int, out: PrintedShape) -> Iterator[tuple[float, PrintedShape, str]]:
    given, made = (*out[:-1], features), out[-1] or 1
    numbers = volume(source)
    if len(source) == 4 and source[1] and features % source[1] == 0:
        pixels = features // source[1]
        side = isqrt(pixels)
        if side * side == pixels and pixels <= (numbers or 0) // source[1]:
            yield 1.1, given, f"a pooling to {side} x {side} pixels and a flatten"
        elif pixels <= (numbers or 0) // source[1]:
            yield 1.8, given, "a pooling and a flatten"
    if features in source[1:]:
        yield 1.0, given, "a permutation"
    if numbers and numbers % features == 0 and (out[0] is None or numbers == features * (volume(out) or 0) // made):
        yield 1.2, given, "a view"
    if len(source) == 3 and source[1] and features % source[1] == 0 and features < (numbers or 0):
        yield 1.3, given, "a pooling and a flatten"


def custom_price(source: PrintedShape, out: PrintedShape, count: int | None) -> float:
    """A class of the student's own can do anything; that it keeps the shape is most usual."""
    if same_shape(source, out):
        return 0.0
    change = change_between(source, out)
    price = 1.1 if change is None else 0.4 + 0.4 * change.price
    return 0.5 * price if count else price


def merges(operation: Operation, shapes: Sequence[PrintedShape], out: PrintedShape) -> bool:
    if operation.family == "merge":
        if not all(len(shape) == len(out) for shape in shapes):
            return True  # broadcasting
        sizes = [(out[axis], {one[axis] for one in shapes} - {None, 1}) for axis in range(1, len(out))]
        return all(size is None or there <= {size} for size, there in sizes)
    if any(len(shape) != len(out) for shape in shapes):
        return False
    for axis in range(1, len(out)):
        others = all(
            shape[other] == out[other] for shape in shapes for other in range(1, len(out)) if other != axis
        )  # fmt: skip
        if others and (out[axis] is None or sum(shape[axis] or 0 for shape in shapes) == out[axis]):
            return True
    return False
