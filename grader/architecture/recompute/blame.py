"""When the rows do not go together: which single cell, said otherwise, makes everything agree?

Every repair has a price (a slip of one digit is cheap) and a gain: the stories it makes plain and the sums it makes
come out. The best repair is kept if it gains clearly more than it costs; then the search goes on for the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.alternatives import lawful_outputs
from grader.architecture.recompute.counts import allowed_counts, lawful_counts, why_not
from grader.architecture.recompute.demands import wanted_inputs
from grader.architecture.recompute.flow import INPUT, UNLAWFUL, Flow
from grader.architecture.recompute.ledger import Ledger, numbers_in
from grader.architecture.recompute.steps import Step

BROKEN_SUM = 5.0  # what an equation that does not come out weighs
LEAST_GAIN = 0.45
CERTAIN_GAIN = 1.0  # no honest print of the zoo comes to half of it, with or without its totals
CERTAIN_PRICE = 1.5  # a slip in one number or one stride, no rewriting
SUSPICIOUS = 0.85
WORSE = 0.3
MOST_REPAIRS = 24
_LEAST_EFFORT, _EFFORT_A_ROW = 1_200, 12  # an honest slip is found in some hundreds
_ALL_ROWS = 4000  # in longer summaries only the rows near a strange one are tried
_REACH = 4  # how many rows after a changed one may take it as their input


@dataclass(frozen=True)
class Repair:
    """One cell (or the order of two rows) said otherwise.

    `gain`  how much plainer the whole becomes;  `mended` the sums that come out with it
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
    mended: frozenset[str] = frozenset()
    was_impossible: bool = False
    rivals: tuple[Repair, ...] = ()


def repairs_of(flow: Flow, ledger: Ledger) -> list[Repair]:
    """The repairs that make the summary agree, in the order of their weight; [] if nothing is to be mended."""
    found: list[Repair] = []
    touched: set[tuple[int, str]] = set()
    steps = list(flow.steps)
    limit = MOST_REPAIRS if len(steps) <= _ALL_ROWS else 6
    effort = Effort(_LEAST_EFFORT + _EFFORT_A_ROW * len(steps))
    while len(found) < limit:
        best = _best(flow, ledger, touched, effort)
        if best is None:
            break
        found.append(best)
        touched.add((best.index, best.cell))
        for index, step in best.view.items():
            steps[index] = step
        ledger = ledger.with_changes(steps, best.totals)
        flow = flow.with_steps(steps, best.view)
    return found


@dataclass
class Effort:
    """How many rows may still be explained anew: a print that is strange everywhere ends the search, not the time."""

    left: int


def _best(flow: Flow, ledger: Ledger, touched: set[tuple[int, str]], effort: Effort) -> Repair | None:
    broken = ledger.broken()
    users = _users(flow)
    near = _near_strange(flow)
    tried: list[Repair] = []
    for rows in (near, range(len(flow.steps)) if len(flow.steps) <= _ALL_ROWS else ()):
        for repair in _candidates(flow, ledger, broken, rows, is_near=rows is near):
            if effort.left <= 0:
                break
            if (repair.index, repair.cell) not in touched:
                weighed = _weighed(repair, flow, ledger, broken, users, effort)
                if weighed.gain >= LEAST_GAIN * (1 if weighed.price <= CERTAIN_PRICE else 2):
                    tried.append(weighed)
        if not broken & {"parameters", "pass_mb", "mult_adds"}:
            break  # no sum asks for a row that looks right by itself
        if any(repair.index >= 0 and repair.mended and repair.story_gain > 0.5 for repair in tried):
            break
    if not tried:
        return None
    tried.sort(key=lambda repair: -repair.gain)
    best = tried[0]
    cells = {(best.index, best.cell)}
    rivals = []
    for repair in tried[1:]:
        if repair.gain < best.gain - 0.3:
            break
        if (repair.index, repair.cell) not in cells:
            cells.add((repair.index, repair.cell))
            rivals.append(repair)
    return replace(best, rivals=tuple(rivals[:5]))


def _users(flow: Flow) -> dict[int, list[int]]:
    users: dict[int, list[int]] = {}
    for index, story in enumerate(flow.stories):
        if story.source is not None:
            users.setdefault(story.source, []).append(index)
    return users


def _weighed(
    repair: Repair,
    flow: Flow,
    ledger: Ledger,
    broken: frozenset[str],
    users: Mapping[int, list[int]],
    effort: Effort,
) -> Repair:
    affected: set[int] = set()
    for index in repair.view:
        affected.add(index)
        if repair.cell != "parameters":
            affected.update(range(index, min(index + _REACH, len(flow.steps))))
            affected.update(users.get(index, ())[:12])
    before = sum(flow.stories[index].price for index in affected)
    after = 0.0
    was_unlawful = any(flow.stories[index].price >= UNLAWFUL for index in affected)
    if before + BROKEN_SUM * len(broken) < repair.price + LEAST_GAIN:
        return repair
    left = ledger.broken(repair.view, repair.totals)
    worth = BROKEN_SUM * (len(broken) - len(left)) - repair.price
    bound = before + worth - LEAST_GAIN
    if bound <= 0:
        return repair
    for index in sorted(affected):
        effort.left -= 1
        after += flow.story(index, repair.view).price
        if after > bound:
            return repair
    if before - after < -WORSE and repair.cell != "order":
        return repair  # no slip makes a row look plainer than the truth does by so much
    return replace(
        repair,
        gain=before - after + worth,
        story_gain=before - after,
        mended=broken - left,
        was_impossible=was_unlawful and before - after > UNLAWFUL - 1,
    )


def _near_strange(flow: Flow) -> list[int]:
    """The strange rows, those beside them and those that feed them."""
    strange = [index for index, story in enumerate(flow.stories) if story.price >= SUSPICIOUS]
    near: set[int] = set()
    for index in strange[:400]:
        source = flow.stories[index].source
        near.update(one for one in (index - 2, index - 1, index, index + 1) if 0 <= one < len(flow.steps))
        if source is not None and source >= 0:
            near.add(source)
    return sorted(near)


def _candidates(
    flow: Flow, ledger: Ledger, broken: frozenset[str], rows: Sequence[int], *, is_near: bool
) -> Iterator[Repair]:
    if is_near:
        yield from _totals_said_otherwise(ledger, broken)
    if "parameters" in broken:
        gap = int(ledger.witnesses["parameters"].gap())
        for index in rows:
            step = flow.steps[index]
            if step.count is not None and step.count + gap >= 0 and not ledger.is_again(step):
                yield _counted(index, step, step.count + gap)
    if not is_near:
        if broken & {"pass_mb", "mult_adds"}:
            for index in rows:
                yield from _outputs(flow, index, ledger if "pass_mb" in broken else None)
        return
    for index in rows:
        step = flow.steps[index]
        yield from _outputs(flow, index, None)
        if step.count is not None and step.outputs and flow.stories[index].price >= SUSPICIOUS:
            for count in _counts(flow, index):
                if count != step.count:
                    yield _counted(index, step, count)
        if index + 1 < len(flow.steps):
            yield from _swapped(flow, index)


def _totals_said_otherwise(ledger: Ledger, broken: frozenset[str]) -> Iterator[Repair]:
    for name, value in ledger.other_totals(broken):
        price = _digits_price(int(ledger.said[name] * 100), int(value * 100))
        said = {**ledger.said, name: value}
        if said.get("non_trainable") == 0 and name in {"trainable", "non_trainable"}:
            price -= 0.35  # nothing frozen: the usual case
        yield Repair(-1, name, {}, price + 0.2, {name: value})


def _counted(index: int, step: Step, count: int) -> Repair:
    return Repair(index, "parameters", {index: replace(step, count=count)}, _digits_price(step.count or 0, count))


def _counts(flow: Flow, index: int) -> list[int]:
    step = flow.steps[index]
    out = step.outputs[0]
    counts = dict.fromkeys(sorted(allowed_counts(step.operation, out) or ()))
    above = flow.above(index, {})
    sources = list(flow.outputs(above, {})) if above is not None else []
    sources += [*step.inputs, *(shape for one in step.sources or () for shape in flow.outputs(one, {}))]
    given = flow.stories[index].given
    for source in (*sources[:3], *([given] if given else [])):
        counts |= dict.fromkeys(lawful_counts(step.operation, source, out))
    return list(counts)


def _swapped(flow: Flow, index: int) -> Iterator[Repair]:
    one, other = flow.steps[index], flow.steps[index + 1]
    same = one.operation == other.operation and one.outputs == other.outputs and one.count == other.count
    if same or one.sources is not None or other.sources is not None or one.holds or other.holds:
        return
    yield Repair(index, "order", {index: other, index + 1: one}, 1.5)


def _outputs(flow: Flow, index: int, ledger: Ledger | None) -> Iterator[Repair]:
    """Other first outputs for a step; with a ledger only those that its gap in `pass_mb` allows."""
    step = flow.steps[index]
    if not step.outputs:
        return
    out = step.outputs[0]
    bounds = ledger.pass_bounds(step) if ledger is not None else None
    for shape in _other_shapes(flow, index, step, out):
        if bounds is not None and not bounds[0] <= numbers_in(shape) <= bounds[1]:
            continue
        view = {index: replace(step, outputs=(shape, *step.outputs[1:]))}
        yield Repair(index, "output", view, _shape_price(out, shape))


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


def _shape_price(said: PrintedShape, other: PrintedShape) -> float:
    """The same for a shape: one axis is a slip, all pixels are a stride, the rest is a story."""
    if len(said) != len(other):
        return 2.4
    differing = [axis for axis in range(len(said)) if said[axis] != other[axis]]
    if len(differing) == 1:
        return 1.2 + 0.1 * (_digits_price(said[differing[0]] or 0, other[differing[0]] or 0) - 1.2)
    if said[:2] == other[:2] or (said[-1] == other[-1] and said[0] == other[0]):
        return 1.35
    return 2.2


def is_impossible(step: Step) -> str:
    """The law that the printed row breaks by itself, "" if none."""
    return why_not(step.operation, step.name, step.outputs[0], step.count) if step.outputs else ""
