"""Which of the jobs that wait is given to a worker next? One of the cheapest hand-in, while the long ones still fit.

Two wishes pull apart. The first results shall show early, so the hand-in with the least left to do comes first. And all
shall be over soon, so no long job may be left to run last and alone, with idle workers beside it. Before each choice
both are tried on paper: all that is left, longest first (Graham's LPT rule, never more than 4/3 of the best there is),
with the cheapest job put before it, and without. While the whole run would end within 3 % of what no order can beat
(all work shared evenly, or the longest chain), or no later than without, the cheapest is taken; else the longest.

The order decides when a result is there, never what it is.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from grader.model import Job

if TYPE_CHECKING:
    from grader.evidence.tickets import Ticket

SLACK = 0.03  # of the shortest run there can be: what early results may cost
_LEAST_LEFT = 0.1  # of its estimate, for a job that has run longer than that
_ROUNDING_S = 1e-6


class Line:
    """The jobs that wait for a worker. Those of hand-ins that were told by `opened` are chosen from, others in turn.

    `seconds` estimates a job; `hand_ins` is how many there will be in all, 0 where nobody knows: those that were not
    told yet are taken to be like those that were.
    """

    def __init__(
        self,
        seconds: Callable[[Job], float],
        *,
        hand_ins: int = 0,
        slack: float = SLACK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._hand_ins, self._slack, self._clock = seconds, hand_ins, slack, clock
        self._again: deque[Ticket] = deque()  # what died with its worker: it was next once
        self._waiting: dict[Job, Ticket] = {}  # in the order in which they came
        self._needs: dict[str, set[Job]] = {}  # by hand-in: what of it has not been done
        self._holders: dict[Job, set[str]] = {}
        self._opened = 0
        self._done_s = 0.0
        self._began: float | None = None  # when the first job was taken out

    def __len__(self) -> int:
        return len(self._again) + len(self._waiting)

    def opened(self, hand_in: str, needs: Collection[Job]) -> None:
        """A hand-in is being graded: all that it may need, ordered by now or not."""
        self._opened += 1
        self._needs[hand_in] = set(needs)
        for job in needs:
            self._holders.setdefault(job, set()).add(hand_in)

    def closed(self, hand_in: str) -> None:
        """Its card is there: what of it was not done will not be."""
        for job in self._needs.pop(hand_in, ()):
            self._let_go(job, hand_in)

    def add(self, ticket: Ticket) -> None:
        """A job that was ordered."""
        self._waiting[ticket.job] = ticket

    def add_again(self, ticket: Ticket) -> None:
        """A job that has to be done once more: before all others."""
        self._again.appendleft(ticket)

    def ended(self, job: Job, seconds: float = 0.0) -> None:
        """Its evidence is there, after so many seconds of a worker; none where it was known."""
        self._done_s += seconds
        for hand_in in tuple(self._holders.get(job, ())):
            self._needs[hand_in].discard(job)
            self._let_go(job, hand_in)

    def clear(self) -> None:
        """Nothing waits any more."""
        self._again.clear()
        self._waiting.clear()

    def next(self, under_way: Sequence[Ticket] = (), workers: int = 1) -> Ticket:
        """Take a job out of the line; `under_way` are those that were taken before. Raises IndexError without any."""
        if self._began is None:
            self._began = self._clock()
        if self._again:
            return self._again.popleft()
        if not self._waiting:
            raise IndexError("no job waits")
        first = next(iter(self._waiting))
        chosen = self._chosen(under_way, workers) if self._needs and len(self._waiting) > 1 else first
        return self._waiting.pop(chosen)

    # --- the choice -----------------------------------------------------------------------------

    def _chosen(self, under_way: Sequence[Ticket], workers: int) -> Job:
        taken = {one.job for one in under_way}
        jobs = set(self._waiting).union(*self._needs.values()) - taken
        seconds = {job: self._seconds(job) for job in jobs}
        now, workers = self._clock(), max(workers, 1)
        running = [_left(self._seconds(one.job), now - one.placed_at) for one in under_way]
        chains = self._chains(seconds)
        left = {hand_in: sum(seconds.get(job, 0.0) for job in needs) for hand_in, needs in self._needs.items()}

        def of_hand_in(job: Job) -> float:
            return min((left[one] for one in self._holders.get(job, ())), default=seconds[job])

        places = {job: place for place, job in enumerate(self._waiting)}
        cheap = min(places, key=lambda job: (of_hand_in(job), -chains[job], places[job]))
        dear = max(places, key=lambda job: (chains[job], -places[job]))
        if cheap == dear:
            return cheap
        parts = [chain for chain in chains.values() if chain > 0]
        open_s = sum(running) + sum(parts)
        unread = max(self._hand_ins - self._opened, 0) * (self._done_s + open_s) / max(self._opened, 1)
        least = max((self._done_s + open_s + unread) / workers, *parts)
        gone = now - (now if self._began is None else self._began)
        rest = list(parts)
        rest.remove(chains[cheap])
        if chains[cheap] > seconds[cheap]:
            rest.append(chains[cheap] - seconds[cheap])
        with_cheap = longest_first(workers, running, rest, first=seconds[cheap], filling=unread)
        limit = (1 + self._slack) * least - gone
        if with_cheap > limit:
            limit = longest_first(workers, running, parts, filling=unread)
        return cheap if with_cheap <= limit + _ROUNDING_S else dear

    def _chains(self, seconds: dict[Job, float]) -> dict[Job, float]:
        """How long each job keeps its hand-in from its end: itself, and the longest that can only be ordered later.

        That counts for one job of the hand-in, the longest of those that wait; else alone.
        """
        chains = dict(seconds)
        seen: set[Job] = set()
        for needs in self._needs.values():
            ready = [job for job in needs if job in self._waiting and job not in seen]
            later = [job for job in needs if job in seconds and job not in self._waiting and job not in seen]
            if ready and later:
                last = max(later, key=lambda job: seconds[job])
                chains[max(ready, key=lambda job: seconds[job])] += seconds[last]
                chains[last] = 0.0
            seen.update(ready, later)
        return chains

    def _let_go(self, job: Job, hand_in: str) -> None:
        holders = self._holders.get(job)
        if holders is not None:
            holders.discard(hand_in)
            if not holders:
                del self._holders[job]


def _left(estimate: float, gone: float) -> float:
    return max(estimate - gone, _LEAST_LEFT * estimate)


def longest_first(
    workers: int, running: Iterable[float], jobs: Iterable[float], *, first: float = 0.0, filling: float = 0.0
) -> float:
    """Seconds until all is done where whoever is free takes the longest job that is left.

    `running`: seconds that are left of jobs that workers have. `first` is a job that is begun before the others.
    `filling`: seconds of small jobs, which fit in wherever a worker would idle.

    >>> longest_first(2, [], [3, 3, 2, 2, 2]), longest_first(2, [], [5], first=2), longest_first(2, [], [5], filling=9)
    (7.0, 5.0, 7.0)
    """
    free = [0.0] * workers
    for seconds in (*sorted(running, reverse=True), first, *sorted(jobs, reverse=True)):
        heapq.heapreplace(free, free[0] + seconds)
    return max(*free, (sum(free) + filling) / workers)
