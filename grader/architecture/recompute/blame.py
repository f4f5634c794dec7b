"""When the rows do not go together: which single cell, said otherwise, makes everything agree?

Every repair has a price (a slip of one digit is cheap) and a gain: the stories it makes plain and the sums it makes
come out. The best repair is kept if it gains clearly more than it costs; then the search goes on for the next. Only
what lies near a change is weighed again, and the stories told are counted: the search ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from grader.architecture.recompute.flow import UNLAWFUL, WINDOW, Flow
from grader.architecture.recompute.ledger import Ledger
from grader.architecture.recompute.repairs import Repair, counted, counts, outputs, swapped, totals_said_otherwise
from grader.frozen import dataclass

BROKEN_SUM = 5.0  # what an equation that does not come out weighs
LEAST_GAIN = 0.45
LEAST_PRICE = 1.2
CERTAIN_GAIN = 1.0  # no honest print of the zoo comes to half of it, with or without its totals
CERTAIN_PRICE = 1.5  # a slip in one number or one stride, no rewriting
CERTAIN_LEFT = 1.0  # the mended row is plain itself, and makes no other row odd
SUSPICIOUS = 0.85
WORSE = 0.3
MOST_REPAIRS = 12
_MOST_STRANGE = 120  # where more rows than this are strange, the worst of them are looked at
_LEAST_EFFORT, _EFFORT_A_ROW, _MOST_EFFORT = 4_000, 12, 15_000  # stories told; a slip is found in some hundreds
_SEARCHED = 3  # what a story costs more that had to be looked for everywhere, and was not found plain
_MANY_SLIPS, _MANY_STRANGE = (
    4,
    12,
)  # so many are no slip of one cell any more: what else is wrong is not sought for long
_LITTLE_EFFORT = 1_000
_MOST_PLACES = 24  # where rows may have changed places with each other
_ALL_ROWS = 4000  # in longer summaries only the rows near a strange one are tried
_REACH = 4  # how many rows after a changed one may take it as their input
_SUMS = frozenset({"parameters", "pass_mb", "mult_adds"})  # those that ask for another row


@dataclass(slots=True)
class _Try:
    """A repair with the steps that it touches; the price of their stories before, and after once it is known."""

    repair: Repair
    affected: Sequence[int]
    before: float
    after: float | None = None
    left: float = 0.0  # of those that the repair changes, or makes dearer, the dearest


def repairs_of(flow: Flow, ledger: Ledger) -> list[Repair]:
    """The repairs that make the summary agree, in the order of their weight; [] if nothing is to be mended."""
    search = _Search(flow, ledger)
    found: list[Repair] = []
    limit = MOST_REPAIRS if len(flow.steps) <= _ALL_ROWS else 6
    while len(found) < limit:
        best = search.best()
        if best is None:
            break
        found.append(best)
        search.apply(best)
    return found


class _Search:
    """The repairs of one summary, weighed; what a repair does not touch is not weighed again."""

    def __init__(self, flow: Flow, ledger: Ledger) -> None:
        self.flow, self.ledger = flow, ledger
        self.broken = ledger.broken()
        self.users = _users(flow)
        self._touched: set[tuple[int, str]] = set()
        self._tries: dict[int, list[_Try]] = {}
        self._effort = min(_LEAST_EFFORT + _EFFORT_A_ROW * len(flow.steps), _MOST_EFFORT)
        self._rounds = 0

    def best(self) -> Repair | None:
        """The repair that gains most, with its rivals; None if none gains enough."""
        self._rounds += 1
        near, strange_count = self._near_strange()
        if strange_count > max(_MANY_STRANGE, len(self.flow.steps) // 2):
            self._effort = min(self._effort, _LITTLE_EFFORT)
        tried = self._weigh(self._near_tries(near))
        is_found = any(repair.index >= 0 and repair.mended and repair.story_gain > 0.5 for repair in tried)
        is_small = len(self.flow.steps) <= _ALL_ROWS and strange_count <= _MOST_STRANGE // 2 and self._rounds <= 4
        if self.broken & _SUMS and not is_found and is_small:
            tried += self._weigh(self._tries_everywhere())
        return _with_rivals(tried)

    def apply(self, repair: Repair) -> None:
        """Take the repair as so, and forget what was weighed near it."""
        steps = list(self.flow.steps)
        around: set[int] = set()
        for index, step in repair.view.items():
            steps[index] = step
            around.update(range(index - WINDOW - _REACH, index + WINDOW + _REACH))
            around.update(self.users.get(index, ()))
        self._touched.add((repair.index, repair.cell))
        if self._rounds >= _MANY_SLIPS:
            self._effort = min(self._effort, _LITTLE_EFFORT)
        self.ledger = self.ledger.with_changes(steps, repair.totals)
        if repair.view:
            self.flow = self.flow.with_steps(steps, repair.view)
            self.users = _users(self.flow)
        self.broken = self.ledger.broken()
        for index in around:
            self._tries.pop(index, None)

    def _near_strange(self) -> tuple[list[int], int]:
        """The strange rows, those beside them and those that feed them; and how many are strange."""
        stories = self.flow.stories
        strange = [index for index, story in enumerate(stories) if story.price >= SUSPICIOUS]
        count = len(strange)
        if count > _MOST_STRANGE:
            strange = sorted(strange, key=lambda index: -stories[index].price)[:_MOST_STRANGE]
        near: set[int] = set()
        for index in strange:
            source = stories[index].source
            near.update(one for one in (index - 2, index - 1, index, index + 1) if 0 <= one < len(stories))
            if source is not None and source >= 0:
                near.add(source)
        return sorted(near), count

    # --- what is tried ----------------------------------------------------------------------------

    def _near_tries(self, near: Sequence[int]) -> Iterator[_Try]:
        for repair in totals_said_otherwise(self.ledger, self.broken):
            yield _Try(repair, (), 0.0, 0.0)
        yield from self._counted_tries(near)
        for index in near:
            if index not in self._tries:
                self._tries[index] = list(self._tries_at(index))
            yield from self._tries[index]
        yield from self._pairs(near)

    def _pairs(self, near: Sequence[int]) -> Iterator[_Try]:
        """Rows far from each other in each other's place: both places must be plainer so."""
        stories = self.flow.stories
        odd = [index for index in near if any(story.price >= SUSPICIOUS for story in stories[index : index + 2])]
        odd.sort(key=lambda index: -sum(story.price for story in stories[index : index + 2]))
        for one, other in combinations(sorted(odd[:_MOST_PLACES]), 2):
            for repair in swapped(self.flow, one, other) if other > one + 1 else ():
                tried = self._try(repair)
                if tried.before < repair.price + LEAST_GAIN or self._effort <= 0:
                    continue
                self._effort -= 2
                if all(self.flow.story(index, repair.view).price <= CERTAIN_LEFT for index in repair.view):
                    yield tried

    def _tries_at(self, index: int) -> Iterator[_Try]:
        if not self._is_hopeful(index):
            return
        flow, step = self.flow, self.flow.steps[index]
        for repair in outputs(flow, index, None):
            yield self._try(repair)
        if step.count is not None and step.outputs and flow.stories[index].price >= SUSPICIOUS:
            for count in counts(flow, index):
                if count != step.count:
                    yield self._try(counted(index, step, count))
        if index + 1 < len(flow.steps):
            for repair in swapped(flow, index, index + 1):
                yield self._try(repair)

    def _tries_everywhere(self) -> Iterator[_Try]:
        rows = range(len(self.flow.steps))
        yield from self._counted_tries(rows)
        if self.broken & {"pass_mb", "mult_adds"}:
            ledger = self.ledger if "pass_mb" in self.broken else None
            for index in rows:
                for repair in outputs(self.flow, index, ledger):
                    yield self._try(repair)

    def _counted_tries(self, rows: Sequence[int]) -> Iterator[_Try]:
        """Every count with which the total would come out."""
        if "parameters" not in self.broken or "parameters" not in self.ledger.witnesses:
            return
        gap = self.ledger.witnesses["parameters"].gap()
        for index in rows:
            step = self.flow.steps[index]
            if step.count is None or step.is_proved or self.ledger.is_again(step):
                continue
            if step.count + gap >= 0:
                yield self._try(counted(index, step, step.count + gap))

    def _is_hopeful(self, index: int) -> bool:
        """True if the rows that a change could touch are strange enough to pay for it."""
        stories = self.flow.stories
        touched = {*range(index, min(index + _REACH + 1, len(stories))), *self.users.get(index, ())[:12]}
        price: float = sum(stories[one].price for one in touched)
        return price + BROKEN_SUM * len(self.broken) >= LEAST_PRICE + LEAST_GAIN

    def _try(self, repair: Repair) -> _Try:
        affected: set[int] = set()
        for index in repair.view:
            affected.add(index)
            if repair.cell != "parameters":
                affected.update(range(index, min(index + _REACH, len(self.flow.steps))))
                affected.update(self.users.get(index, ())[:12])
        before: float = sum(self.flow.stories[index].price for index in affected)
        return _Try(repair, sorted(affected), before)

    # --- weighing ---------------------------------------------------------------------------------

    def _weigh(self, tries: Iterable[_Try]) -> list[Repair]:
        found = []
        for one in tries:
            repair = one.repair
            if (repair.index, repair.cell) in self._touched:
                continue
            weighed = self._weighed(one)
            if weighed is not None and weighed.gain >= LEAST_GAIN * (1 if repair.price <= CERTAIN_PRICE else 2):
                found.append(weighed)
        return found

    def _weighed(self, one: _Try) -> Repair | None:
        repair = one.repair
        if one.before + BROKEN_SUM * len(self.broken) < repair.price + LEAST_GAIN:
            return None
        left = self.ledger.broken(repair.view, repair.totals)
        worth = BROKEN_SUM * (len(self.broken) - len(left)) - repair.price
        bound = one.before + worth - LEAST_GAIN
        if bound <= 0 or (one.after is not None and one.after > bound):
            return None
        if one.after is None:
            after = 0.0
            for index in one.affected:
                if self._effort <= 0:
                    return None
                self._effort -= 1
                story = self.flow.story(index, repair.view)
                if story.price > SUSPICIOUS and not self.flow.steps[index].operation.is_keras:
                    self._effort -= _SEARCHED
                after += story.price
                is_joined = "concatenation" in story.needs  # a dense block's rows are never plainer than that
                if story.price > self.flow.stories[index].price + 0.1 or (index in repair.view and not is_joined):
                    one.left = max(one.left, story.price)
                if after > bound:
                    return None
            one.after = after
        gain = one.before - one.after
        if gain < -WORSE and repair.cell != "order":
            return None  # no slip makes a row look plainer than the truth does by so much
        was_unlawful = any(self.flow.stories[index].price >= UNLAWFUL for index in one.affected)
        return replace(
            repair,
            gain=gain + worth,
            story_gain=gain,
            left=one.left,
            mended=self.broken - left,
            was_impossible=was_unlawful and gain > UNLAWFUL - 1,
        )


def _with_rivals(tried: list[Repair]) -> Repair | None:
    """The best of them, with those that are about as good."""
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
    """The steps that each step feeds."""
    users: dict[int, list[int]] = {}
    for index, story in enumerate(flow.stories):
        if story.source is not None:
            users.setdefault(story.source, []).append(index)
    return users
