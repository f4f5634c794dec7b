"""Which other values could a cell have had, and how likely is the printed one a slip for each?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from fractions import Fraction

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.alternatives import lawful_outputs
from grader.architecture.recompute.counts import allowed_counts, lawful_counts
from grader.architecture.recompute.demands import wanted_inputs
from grader.architecture.recompute.flow import INPUT, Flow
from grader.architecture.recompute.ledger import Ledger, numbers_in
from grader.architecture.recompute.steps import Step, with_cells
from grader.frozen import dataclass

_MOST_PRICE = 1.5  # a shape that differs in more is no slip


@dataclass(frozen=True)
class Repair:
    """One cell (or the order of two rows) said otherwise.

    `gain`  how much plainer the whole becomes;  `mended` the sums that come out with it
    `left`  the price of the dearest story that it changes or makes dearer
    `was_impossible`  a row, as printed, breaks a law whatever else is supposed, and no longer does
    `rivals`  other repairs that are about as good
    """

    index: int  # the step; -1 for a total
    cell: str  # "output", "parameters", "order", or the name of a total
    view: Mapping[int, Step]
    price: float
    totals: Mapping[str, Fraction] = field(default_factory=dict)
    gain: float = 0.0
    story_gain: float = 0.0
    left: float = 0.0
    mended: frozenset[str] = frozenset()
    was_impossible: bool = False
    rivals: tuple[Repair, ...] = ()


def totals_said_otherwise(ledger: Ledger, broken: frozenset[str]) -> Iterator[Repair]:
    for name, value in ledger.other_totals(broken):
        price = _digits_price(int(ledger.said[name] * 100), int(value * 100))
        said = {**ledger.said, name: value}
        if said.get("non_trainable") == 0 and name in {"trainable", "non_trainable"}:
            price -= 0.35  # nothing frozen: the usual case
        yield Repair(-1, name, {}, price + 0.2, {name: value})


def counted(index: int, step: Step, count: int) -> Repair:
    return Repair(
        index, "parameters", {index: with_cells(step, step.outputs, count)}, _digits_price(step.count or 0, count)
    )


def counts(flow: Flow, index: int) -> list[int]:
    step = flow.steps[index]
    if step.is_proved:
        return []
    out = step.outputs[0]
    counts = dict.fromkeys(sorted(allowed_counts(step.operation, out) or ()))
    above = flow.above(index, {})
    sources = list(flow.outputs(above, {})) if above is not None else []
    sources += [*step.inputs, *(shape for one in step.sources or () for shape in flow.outputs(one, {}))]
    given = flow.stories[index].given
    for source in (*sources[:3], *([given] if given else [])):
        counts |= dict.fromkeys(lawful_counts(step.operation, source, out))
    return list(counts)


def swapped(flow: Flow, index: int, later: int) -> Iterator[Repair]:
    """The rows at two places in each other's place."""
    one, other = flow.steps[index], flow.steps[later]
    same = one.operation == other.operation and one.outputs == other.outputs and one.count == other.count
    if same or one.sources is not None or other.sources is not None or one.holds or other.holds:
        return
    yield Repair(index, "order", {index: other, later: one}, 1.5)


def outputs(flow: Flow, index: int, ledger: Ledger | None) -> Iterator[Repair]:
    """Other first outputs for a step; with a ledger only those that its gap in `pass_mb` allows."""
    step = flow.steps[index]
    if not step.outputs or step.is_proved:
        return
    out = step.outputs[0]
    bounds = ledger.pass_bounds(step) if ledger is not None else None
    beside = _shapes_beside(flow, index)
    for shape in _other_shapes(flow, index, step, out):
        price = _shape_price(out, shape, is_last=step.operation.is_keras)
        if price > _MOST_PRICE and shape not in beside:
            continue
        if bounds is not None and not bounds[0] <= numbers_in(shape) <= bounds[1]:
            continue
        view = {index: with_cells(step, (shape, *step.outputs[1:]), step.count)}
        yield Repair(index, "output", view, price)


def _shapes_beside(flow: Flow, index: int) -> set[PrintedShape]:
    """The outputs of the rows above and below."""
    above = flow.above(index, {})
    shapes = set(flow.outputs(above, {})) if above is not None else set()
    return shapes | (set(flow.steps[index + 1].outputs) if index + 1 < len(flow.steps) else set())


def _other_shapes(flow: Flow, index: int, step: Step, out: PrintedShape) -> list[PrintedShape]:
    shapes: dict[PrintedShape, None] = {}
    above = flow.above(index, {})
    sources = list(flow.outputs(above, {}))[:2] if above is not None else []
    if above is not None and above != INPUT:
        earlier = flow.above(above, {})
        sources += list(flow.outputs(earlier, {}))[:1] if earlier is not None else []
    sources += step.inputs[:1]
    sources += [shape for one in (step.sources or ())[:2] for shape in flow.outputs(one, {})[:1]]
    for source in sources:
        shapes |= dict.fromkeys(lawful_outputs(step.operation, source, step.count, out))
        shapes[source] = None
    for later in range(index + 1, min(index + 4, len(flow.steps))):
        following = flow.steps[later]
        shapes |= dict.fromkeys([*following.outputs[:1], *following.inputs[:1]])
        if (
            following.operation.family in {"conv", "linear", "recurrent", "bidirectional"}
            and following.count
            and len(out) > 1
        ):
            shapes |= dict.fromkeys(_asked_for(following, out))
    for shape in [*shapes]:
        if len(shape) == len(out) and shape != out:  # one axis of it, or all but the channels
            for axis in range(1, len(out)):
                shapes[*out[:axis], shape[axis], *out[axis + 1 :]] = None
            shapes[*out[:2], *shape[2:]] = None
            shapes[*out[:1], *shape[1:-1], out[-1]] = None
    shapes.pop(out, None)
    return [shape for shape in shapes if shape and all(axis is None or axis > 0 for axis in shape)]


def _asked_for(following: Step, out: PrintedShape) -> Iterator[PrintedShape]:
    for size in (
        wanted_inputs(following.operation, following.outputs[0], following.count or 0)[:6] if following.outputs else ()
    ):
        if following.operation.family == "linear" or following.operation.is_keras:
            yield (*out[:-1], size)
        else:
            yield (out[0], size, *out[2:])


# --- prices -------------------------------------------------------------------------------------


def _digits_price(said: int, other: int) -> float:
    """How likely `said` is a slip for `other`.

    >>> _digits_price(18_469, 18_496), _digits_price(320, 330), _digits_price(320, 18_496)
    (1.3, 1.2, 2.0)
    """
    one, two = str(said), str(other)
    if len(one) == len(two):
        differing = [place for place in range(len(one)) if one[place] != two[place]]
        if len(differing) == 1:
            return 1.2
        if len(differing) == 2:
            return 1.3 if sorted(one) == sorted(two) else 1.6
        return 1.9
    if abs(len(one) - len(two)) == 1:
        longer, shorter = (one, two) if len(one) > len(two) else (two, one)
        if any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer))):
            return 1.3
    return 2.0


def _shape_price(said: PrintedShape, other: PrintedShape, *, is_last: bool) -> float:
    """The same for a shape: one axis is a slip, all pixels are a stride, the rest is a story.

    `is_last` where the channels are the last axis.
    """
    if len(said) != len(other):
        return 2.4
    differing = [axis for axis in range(len(said)) if said[axis] != other[axis]]
    if len(differing) == 1:
        return 1.2 + 0.1 * (_digits_price(said[differing[0]] or 0, other[differing[0]] or 0) - 1.2)
    if said[:2] == other[:2] or (is_last and said[-1] == other[-1] and said[0] == other[0]):
        return 1.35
    return 2.2
