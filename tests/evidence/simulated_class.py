"""A class that is graded by workers of a simulated machine: how long it takes, and when each card is there.

A hand-in is a list of jobs, each (seconds, the job of the same hand-in that must be done before it, or None). As in a
run, at most so many hand-ins are open; each worker has one job and one that waits behind it.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from grader.evidence.order import SLACK, Line
from grader.evidence.tickets import Ticket
from grader.model import Job

PLACED_FOR_EACH = 2


@dataclass
class Run:
    """Seconds until all is over, and until each card is there, in the order of the class."""

    seconds: float
    cards: list[float]

    def share(self, part):
        """When this share of the cards was there."""
        return sorted(self.cards)[min(int(part * len(self.cards)), len(self.cards) - 1)]


def least_seconds(of, workers):
    """What no order can beat: all work shared evenly, or the longest chain of jobs that build on each other."""

    def chain(hand_in, number):
        seconds, before = hand_in[number]
        return seconds + (chain(hand_in, before) if before is not None else 0)

    longest = max((chain(one, number) for one in of for number in range(len(one))), default=0)
    return max(sum(seconds for one in of for seconds, _ in one) / workers, longest)


class Machine:
    """Grades a class, hand-in by hand-in, by a `Line` with a clock of its own."""

    def __init__(
        self, of, workers, *, window=64, is_planned=True, slack=SLACK, open_s=0.0, guess=lambda seconds: seconds
    ):
        self.of, self.workers, self.window, self.is_planned, self.open_s = of, workers, window, is_planned, open_s
        self.now = 0.0
        self.jobs = {
            (h, n): Job("simulated", (), {"hand_in": h, "number": n})
            for h, one in enumerate(of)
            for n in range(len(one))
        }
        self.true = {self.jobs[at]: of[at[0]][at[1]][0] for at in self.jobs}
        guesses = {job: guess(seconds) for job, seconds in self.true.items()}
        self.line = Line(guesses.__getitem__, hand_ins=len(of), slack=slack, clock=lambda: self.now)
        self.placed = []
        self.running = {}

    def run(self):
        """Grade them all."""
        left, opened, cards = list(range(len(self.of))), {}, {}
        while left or opened:
            while left and len(opened) < self.window and self._is_more_wanted():
                number = left.pop(0)
                self.now += self.open_s
                if self.is_planned:
                    self.line.opened(str(number), [self.jobs[number, n] for n in range(len(self.of[number]))])
                opened[number] = set()
                self._order(number, opened[number], None)
                self._done(number, opened, cards)
                self._place()
            if opened:
                self._next(opened, cards)
        return Run(max([self.now, *cards.values()]), [cards[number] for number in range(len(self.of))])

    def _is_more_wanted(self):
        is_room = not self.line and len(self.placed) + len(self.running) < PLACED_FOR_EACH * self.workers
        return is_room or (self.is_planned and not any(end <= self.now for end in self.running.values()))

    def _order(self, hand_in, done, after):
        for number, (_, before) in enumerate(self.of[hand_in]):
            if before == after and number not in done:
                self.line.add(Ticket(self.jobs[hand_in, number], Path(), "", 0, submission=str(hand_in)))

    def _place(self):
        while self.line and len(self.placed) + len(self.running) < PLACED_FOR_EACH * self.workers:
            under_way = [*self.running, *(replace(one, placed_at=self.now) for one in self.placed)]
            self.placed.append(self.line.next(under_way, self.workers))
            self._start()

    def _start(self):
        while self.placed and len(self.running) < self.workers:
            ticket = replace(self.placed.pop(0), placed_at=self.now)
            self.running[ticket] = self.now + self.true[ticket.job]

    def _next(self, opened, cards):
        ticket = min(self.running, key=lambda one: (self.running[one], one.submission))
        self.now = max(self.now, self.running.pop(ticket))
        hand_in, number = ticket.job.parameters["hand_in"], ticket.job.parameters["number"]
        self.line.ended(ticket.job, self.true[ticket.job])
        opened[hand_in].add(number)
        self._order(hand_in, opened[hand_in], number)
        self._start()
        self._done(hand_in, opened, cards)
        self._place()

    def _done(self, number, opened, cards):
        if len(opened[number]) == len(self.of[number]):
            del opened[number]
            cards[number] = self.now
            self.line.closed(str(number))
