"""Which tensor goes into each row, and what does that story cost?

For every step the earlier outputs are tried: the row above, then others near it, then any that has the channels
or features that the count asks for, then concatenations. The cheapest story is kept; its price says how much has
to be supposed beyond the print.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.between import change_between
from grader.architecture.recompute.counts import why_not
from grader.architecture.recompute.demands import taken_sizes, wanted_inputs
from grader.architecture.recompute.laws import fit
from grader.architecture.recompute.layouts import same_shape, volume
from grader.architecture.recompute.steps import Step
from grader.architecture.recompute.stories import KEEPING, UNEXPLAINED, Story, applied, custom_price, merges
from grader.architecture.recompute.windows import Fit

INPUT = -1  # the index of the network's own input
WINDOW = 10  # how many rows back a branch is looked for by shape alone
UNLAWFUL = 7.0  # what feeds the row is certain, and does not explain it
IMPOSSIBLE = 8.0  # no input at all explains the row
_FAR = 1.7
_FAR_PLAIN = 1.2  # another branch from a tensor just as it was printed
_TAKEN = 1.2  # a concatenation that the branch beside it takes too
_PRODUCT = 1.6
_OTHER_INPUT = 2.3  # features that no row shows: of a second input of the network


class Flow:
    """The steps of a summary with the tensors that each could take; in a chain that is the row above, always.

    A list in the order of making (Lightning's) says nothing of what feeds what: each row is held against itself.

    `opening`  where the input is a guess: what speaks against a step as the first one

    `view` in the methods lays other steps over the printed ones: a supposed repair is tried without a copy.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        inputs: Sequence[PrintedShape] = (),
        known: Mapping[int, Story] | None = None,
        *,
        is_chain: bool = False,
        is_listed: bool = False,
        opening: Callable[[Step], float] | None = None,
    ) -> None:
        self.is_chain, self.is_listed, self.opening = is_chain, is_listed, opening
        self.steps = steps
        inner = sum(step.operation.family == "input" for step in steps[1:])
        # a graph whose connections were cut away
        self.is_loose = inner > 0 or any(step.operation.family in {"merge", "concatenate"} for step in steps)
        self.inputs = tuple(inputs)
        self._by_channels: dict[int, list[int]] = defaultdict(list)
        self._by_volume: dict[int, list[int]] = defaultdict(list)
        self._by_shape: dict[PrintedShape, list[int]] = defaultdict(list)
        for index, step in enumerate([None, *steps], start=-1):
            for shape in self.inputs if step is None else step.outputs:
                self._note(index, shape)
        known = known or {}
        self.stories = [known.get(index) or self.story(index, {}) for index in range(len(steps))]

    def with_steps(self, steps: Sequence[Step], changed: Mapping[int, Step]) -> Flow:
        """The flow after a repair; stories that cannot have changed are kept."""
        moved = set(changed)
        for index in changed:
            moved.update(range(index, index + WINDOW + 2))
        kept = {
            index: story
            for index, story in enumerate(self.stories)
            if index not in moved and story.source not in changed and story.price < 1.0
        }
        return Flow(
            list(steps), self.inputs, kept, is_chain=self.is_chain, is_listed=self.is_listed, opening=self.opening
        )

    def _note(self, index: int, shape: PrintedShape) -> None:
        if self._by_shape[shape[1:]][-1:] != [index]:
            self._by_shape[shape[1:]].append(index)
        axes = {shape[axis] for axis in (1, -1) if len(shape) > 1}
        for size in axes:
            if size is not None and self._by_channels[size][-1:] != [index]:
                self._by_channels[size].append(index)
        numbers = volume(shape)
        if numbers is not None:
            self._by_volume[numbers].append(index)

    def step(self, index: int, view: Mapping[int, Step]) -> Step:
        return view.get(index) or self.steps[index]

    def outputs(self, index: int, view: Mapping[int, Step]) -> tuple[PrintedShape, ...]:
        return self.inputs if index == INPUT else self.step(index, view).outputs

    def above(self, index: int, view: Mapping[int, Step]) -> int | None:
        """The nearest step before `index` that shows an output, `INPUT` where there is none."""
        for earlier in range(index - 1, max(index - 40, -1), -1):
            if self.step(earlier, view).outputs:
                return earlier
        return INPUT if self.inputs and index < 40 else None

    def story(self, index: int, view: Mapping[int, Step]) -> Story:
        """The cheapest explanation of a step."""
        step = self.step(index, view)
        operation = step.operation
        if not step.outputs or operation.family == "input":
            return Story(IMPOSSIBLE if step.count and operation.family == "input" else 0.0)
        out = step.outputs[0]
        is_guessed = self.opening is not None and index == 0 and index in view
        above = None if self.is_listed or is_guessed else self.above(index, view)
        if not operation.is_custom and above is not None and step.sources is None and not step.inputs:
            for shape in self.outputs(above, view):  # the row above and nothing supposed: nearly always
                found = fit(operation, shape, out, step.count, step.kernel)
                if found is not None and found.price <= 0.5:
                    return Story(found.price, above, shape, "", found)
        if why_not(operation, step.name, out, step.count):
            return Story(IMPOSSIBLE)
        if self.is_listed:
            return self._stated(step, out, None, view) if step.inputs else Story(0.0)
        if self.opening is not None and index == 0 and (index in view or not self.inputs):
            return Story(self.opening(step))  # the input was guessed by the row itself
        if operation.family in {"merge", "concatenate"} and step.sources is None:
            return Story(0.3)  # what it takes is not printed, or cut
        if operation.family == "sequence" and above == index - 1 and step.holds:
            last = self.outputs(above, view)
            return Story(0.0 if any(same_shape(shape, out) for shape in last) else UNEXPLAINED, above, last[0])
        if step.sources is not None:
            return self._connected(step, out, view)
        if step.inputs:
            return self._stated(step, out, above, view)
        if above is None:
            return Story(0.0) if index == 0 else Story(0.5)
        if (
            self.is_chain and not self.is_loose and not operation.is_custom
        ):  # Keras prints what is connected unless it is the row above
            shape = self.outputs(above, view)[0]
            found = fit(operation, shape, out, step.count, step.kernel)
            return Story(UNEXPLAINED if found is None else found.price, above, shape, "", found)
        return self._searched(index, step, out, view)

    def _connected(self, step: Step, out: PrintedShape, view: Mapping[int, Step]) -> Story:
        """Keras names what is connected: nothing has to be guessed."""
        shapes = [shape for source in step.sources or () for shape in self.outputs(source, view)[:1]]
        first = (step.sources or (None,))[0]
        stated = step.inputs[:1]
        if stated and shapes and not any(same_shape(shape, stated[0]) for shape in shapes):
            return Story(UNLAWFUL, first, shapes[0])
        if not shapes or step.operation.is_custom:
            return Story(0.0, first)
        if step.operation.family in {"merge", "concatenate"}:
            is_so = merges(step.operation, shapes, out)
            return Story(0.0 if is_so else UNLAWFUL, first, shapes[0])
        for shape in shapes:
            found = fit(step.operation, shape, out, step.count, step.kernel)
            if found is not None:
                return Story(found.price, first, shape, "", found)
        return Story(UNLAWFUL, first, shapes[0])

    def _stated(self, step: Step, out: PrintedShape, above: int | None, view: Mapping[int, Step]) -> Story:
        """The print states the input: it must explain the row, and it should be there."""
        best = Story(UNLAWFUL)
        for shape in step.inputs:
            if step.operation.is_custom:
                last = self.outputs(above, view)[:1] if step.holds and above is not None else (shape,)
                found: Fit | None = Fit(min(custom_price(one, out, step.count) for one in last) if last else 0.0)
            else:
                found = fit(step.operation, shape, out, step.count, step.kernel)
            if found is not None and found.price < best.price:
                best = Story(found.price, above, shape, "", found)
        if best.given is None or above is None or step.holds:
            return best  # the row above a container is its own last child
        given = best.given
        for shape in self.outputs(above, view):
            if same_shape(shape, given):
                return best
            change = change_between(shape, given)
            if change is not None:
                extra = 0.9 if step.operation.family in KEEPING else 0.0
                return best._replace(price=best.price + change.price + extra, needs=change.needs)
        known = self._before(self._by_shape.get(given[1:], ()), above + 1, view, 1)
        return best._replace(price=best.price + (0.9 if known else 1.8), source=None, needs="another branch")

    # --- searching ------------------------------------------------------------------------------

    def _searched(self, index: int, step: Step, out: PrintedShape, view: Mapping[int, Step]) -> Story:
        best = Story(UNEXPLAINED)
        seen: set[PrintedShape] = set()
        for rank, source in enumerate(self._near(index, view)):
            distance = 0.0 if rank == 0 else 0.9 + 0.03 * rank
            if step.operation.is_custom:
                distance *= 0.5
            elif rank and step.operation.is_keras and not self.is_loose:
                distance += 1.0  # it prints what is connected, unless that is the row above
            elif rank and step.operation.family in KEEPING:
                distance += 0.5
            for shape in self.outputs(source, view):
                if shape in seen or distance >= best.price:
                    continue
                seen.add(shape)
                made = applied(step.operation, shape, out, step.count, step.kernel)
                if made.price + distance < best.price:
                    best = made._replace(price=made.price + distance, source=source)
            if rank == 0 and best.price <= 1.0:
                return best
        if best.price > _FAR_PLAIN:
            for source, shape in self._far(index, step, out, view):
                made = applied(step.operation, shape, out, step.count, step.kernel)
                distance = (_FAR if made.needs else _FAR_PLAIN) + (
                    1.0 if step.operation.is_keras and not self.is_loose else 0.0
                )
                if made.price + distance < best.price:
                    best = made._replace(price=made.price + distance, source=source)
        if best.price > 2.3:
            joined = self._joined(index, step, out, view)
            if joined is not None and joined.price < best.price:
                best = joined
        is_lawful = bool(step.count) and step.operation.family == "linear" and not step.operation.is_keras
        if best.price > _OTHER_INPUT and is_lawful:
            [*_, features] = wanted_inputs(step.operation, out, step.count or 0) or (0,)
            given = (*out[:-1], features)
            best = Story(_OTHER_INPUT, None, given, "another input", fit(step.operation, given, out, step.count))
        if best.price > _PRODUCT and step.operation.family in KEEPING and self._is_product(index, out, view):
            best = Story(_PRODUCT, None, out, "a matrix product", fit(step.operation, out, out, step.count, None))
        return best

    def _is_product(self, index: int, out: PrintedShape, view: Mapping[int, Step]) -> bool:
        """True if a product of earlier tensors can have this shape, as the weights of attention do."""
        step = self.step(index, view)
        if len(out) < 3 or step.operation.is_keras or not step.name.startswith(("Softmax", "Dropout", "Identity")):
            return False
        shapes = [shape for place in self._near(index, view) for shape in self.outputs(place, view)]
        sequences = [shape for shape in shapes if len(shape) == 3]
        heads = (out[1] or 1) if len(out) == 4 else 1
        return out[-1] == out[-2] and any(
            out[-1] in shape[1:] and any(axis and axis % heads == 0 for axis in shape[1:]) for shape in sequences
        )

    def _is_taken(self, size: int, index: int, view: Mapping[int, Step]) -> bool:
        """True if the count of a row near by says that it takes `size` channels, as the branches of a block do."""
        return any(
            size in taken_sizes(step.operation, step.outputs[0], step.count)
            for near in range(max(index - WINDOW, 0), min(index + WINDOW, len(self.steps)))
            if near != index and (step := self.step(near, view)).count and step.outputs
        )

    def _near(self, index: int, view: Mapping[int, Step]) -> Iterator[int]:
        for source in range(index - 1, max(index - 1 - WINDOW, -1), -1):
            if self.step(source, view).outputs:
                yield source
        if index <= WINDOW and self.inputs:
            yield INPUT

    def _before(self, places: Sequence[int], index: int, view: Mapping[int, Step], limit: int) -> list[int]:
        """The last `limit` of `places` that lie before `index` and still say what they say."""
        end = bisect_left(places, index)
        return [place for place in places[max(0, end - limit - len(view)) : end][::-1] if place not in view][:limit]

    def _far(
        self, index: int, step: Step, out: PrintedShape, view: Mapping[int, Step]
    ) -> Iterator[tuple[int, PrintedShape]]:
        """Tensors further back that have what the step asks for."""
        family = step.operation.family
        places: list[int] = []
        if family in {"conv", "conv_transpose", "linear"} and step.count:
            for size in wanted_inputs(step.operation, out, step.count):
                places += self._before(self._by_channels.get(size, ()), index, view, 3)
                if family == "linear":
                    places += self._before(self._by_volume.get(size, ()), index, view, 2)
        else:
            places += self._before(self._by_shape.get(out[1:], ()), index, view, 1)
            if family in {"pool", "adaptive_pool", "upsample", "pad"} and len(out) > 1 and out[1]:
                places += self._before(self._by_channels.get(out[1], ()), index, view, 6)
        for place in dict.fromkeys(places):
            for shape in self.outputs(place, view):
                yield place, shape

    def _joined(self, index: int, step: Step, out: PrintedShape, view: Mapping[int, Step]) -> Story | None:
        """A concatenation, or a part, of earlier tensors."""
        family = step.operation.family
        if (family in {"conv", "conv_transpose"} and step.count) or (family == "linear" and step.count):
            wanted = list(wanted_inputs(step.operation, out, step.count))
        elif len(out) > 1 and out[1]:
            wanted = [out[1]]
        else:
            return None
        shapes = [
            shape
            for place in range(index - 1, max(index - 1 - 60, -2), -1)
            if place >= 0 or self.inputs
            for shape in self.outputs(place, view)
        ]
        is_whole = family not in {"conv", "conv_transpose", "pool", "adaptive_pool", "upsample", "pad"}
        groups: dict[PrintedShape, list[int]] = defaultdict(list)
        for shape in shapes:
            if len(shape) == len(out) or family == "linear":
                groups[shape[2:]].append(shape[1] if len(shape) > 1 and shape[1] else 0)
        best: Story | None = None
        for rest, sizes in groups.items():
            if is_whole and family != "linear" and rest != out[2:]:
                continue
            reachable = _sums(tuple(sizes[:24]), max(wanted, default=0))
            recent = _sums(tuple(sizes[:5]), max(wanted, default=0))
            for size in wanted:
                given = (out[0], size, *rest)
                is_there = reachable >> size & 1
                price = (2.3 if family == "linear" else 2.2) - (0.0 if family == "same" else 0.6 * (recent >> size & 1))
                if not is_there:
                    continue
                made = applied(step.operation, given, out, step.count, step.kernel)
                if family == "pool" and self._is_taken(size, index, view):
                    price = min(price, _TAKEN)
                if made.price < 1.5 and (best is None or price + made.price < best.price):
                    price += made.price - (1.2 if step.operation.is_custom else 0.0)
                    needs = "a concatenation of earlier outputs"
                    best = made._replace(price=price, source=None, needs=needs)
        return best


@lru_cache(maxsize=4096)
def _sums(sizes: tuple[int, ...], limit: int) -> int:
    """A number whose bit n is set where n is a sum of some of `sizes`."""
    mask = (1 << (limit + 1)) - 1
    bits = 1
    for size in sizes:
        if 0 < size <= limit:
            bits |= (bits << size) & mask
    return bits & ~1
