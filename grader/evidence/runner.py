"""Who does a job, how often, and what counts? Cache, leases, second tries and quarantine, wherever jobs are done.

    order(job) -> evidence at once, from the cache; or None, and it arrives later
    arrived()  -> the evidence that has come in

A `Backend` only carries jobs to workers and results back; what is run again, and which result counts, is decided
here. So a class graded on this machine's cores and one graded on a cluster come to the same evidence.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from grader.errors import MachineError
from grader.evidence.cache import Cache, is_lasting
from grader.evidence.estimates import Estimates
from grader.evidence.kinds import Bench, cache_key, system_fault
from grader.evidence.occupancy import Occupancy
from grader.evidence.order import Line
from grader.evidence.plan import Plan
from grader.evidence.tickets import Backend, Died, Ticket
from grader.model import Evidence, EvidenceByJob, EvidenceStatus, Job, Problem

log = logging.getLogger(__name__)

MOST_FAULTS = 2  # of one job: then it is a person's business, for a third worker would die too
# What ends a job from outside of it. It may be the job's doing all the same, hence the quarantine.
_KILLED = ("sandbox-killed", "machine-memory")
LOOK_AHEAD = 256  # jobs that wait to be chosen from, where many hand-ins are looked at ahead
_TICK_S = 1.0  # how long one look for results lasts: a backend that has lost a result is asked again


class Record(Protocol):
    """What is written down of jobs, so that a run which was killed goes on: the ledger, or nothing."""

    def lease(self, key: str, kind: str, submission: str) -> int: ...
    def finish(self, key: str, lease: int, status: str, seconds: float) -> bool: ...
    def fault(self, key: str, lease: int, what: str) -> int: ...
    def faults(self, key: str) -> int: ...
    def seconds_of(self, kind: str, key: str | None = None) -> float | None: ...


class Unrecorded:
    """A record for one process, which ends with it."""

    def __init__(self) -> None:
        self._leases: dict[str, int] = {}
        self._faults: dict[str, int] = {}

    def lease(self, key: str, kind: str, submission: str) -> int:
        del kind, submission
        self._leases[key] = self._leases.get(key, 0) + 1
        return self._leases[key]

    def finish(self, key: str, lease: int, status: str, seconds: float) -> bool:
        del status, seconds
        return self._leases.get(key) == lease

    def fault(self, key: str, lease: int, what: str) -> int:
        del lease, what
        self._faults[key] = self._faults.get(key, 0) + 1
        return self._faults[key]

    def faults(self, key: str) -> int:
        return self._faults.get(key, 0)

    def seconds_of(self, kind: str, key: str | None = None) -> None:
        """Nothing is known of earlier runs."""


class Runner:
    """Evidence for jobs: from the cache, or from a worker of the backend. Use it as a context.

    `patience_s` ends a job that gave no result within it: as a fault of the system, for nothing is known of it. With
    `on_drain` a first Ctrl-C lets what runs come to its end and keeps it, after telling it how many these are;
    otherwise, and by any other exception, what runs is ended. Without a cache results live as long as the runner, so
    that equal jobs are done once.

    With `look_ahead` it asks for hand-ins until so many jobs wait, and chooses from these (`grader.evidence.order`);
    `hand_ins` is how many there will be in all, where that is known. What workers did when is told to `occupancy`.
    """

    def __init__(
        self,
        bench: Bench,
        backend: Backend,
        *,
        cache: Cache | None = None,
        record: Record | None = None,
        patience_s: float | None = None,
        on_done: Callable[[Job, Evidence], None] | None = None,
        on_drain: Callable[[int], None] | None = None,
        look_ahead: int = 0,
        hand_ins: int = 0,
        occupancy: Occupancy | None = None,
    ) -> None:
        self.bench, self.backend, self.cache = bench, backend, cache
        self.record: Record = record or Unrecorded()
        self.patience_s, self.on_done, self.on_drain = patience_s, on_done, on_drain
        self.not_kept: MachineError | None = None  # the last result that the cache's disk refused
        self.from_cache = self.computed = 0
        self.look_ahead, self.occupancy = look_ahead, occupancy
        self._estimates = Estimates(self.record if look_ahead else None)
        self._line = Line(self._estimates.of, hand_ins=hand_ins)
        self._current: dict[str, Ticket] = {}  # by key: the try whose result counts
        self._found: set[str] = set()  # keys of jobs whose results were there before
        self._anew: set[str] = set()  # keys of jobs that were done in this run
        self._signalled: set[str] = set()  # keys of jobs that ended by a signal, perhaps one from outside, once
        self._passing: dict[str, Evidence] = {}  # by key: what the cache does not take, for equal jobs of this run
        self._unasked: list[tuple[Job, Evidence]] = []  # what no worker could be given
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._is_open = False

    # --- jobs in, evidence out ------------------------------------------------------------------

    def order(self, job: Job, root: Path, submission: str = "", *, is_anew: bool = False) -> Evidence | None:
        """The evidence where it is known; None where it will arrive. Order a job that is under way only once.

        With `is_anew` it is done although its result is in the cache, once in the life of this runner.
        """
        try:
            key = cache_key(job, self.bench)
            known = self._known(key, is_anew=is_anew)
        except Exception as error:  # noqa: BLE001  one broken job must not stop a class
            key, known = "", system_fault(error)
        if known is None and not is_anew and self.record.faults(key) >= MOST_FAULTS:
            known = _quarantined(self.record.faults(key), "in an earlier run that was cut off")
        if known is not None:
            self._line.ended(job)
            self._tell(job, known)
            return known
        if self.look_ahead:
            self._estimates.look_up(job, key)
        self._line.add(Ticket(job, root, key, 0, submission=submission))
        self._place()
        return None

    @property
    def has_room(self) -> bool:
        """Whether more jobs are wanted, for a worker to do soon."""
        return not self._line and (not self._is_open or self.backend.has_room())

    @property
    def has_room_ahead(self) -> bool:
        """Whether more jobs are wanted to choose from, and nothing that has come in waits for that."""
        is_news = bool(self._unasked) or (self._is_open and self.backend.has_news())
        return len(self._line) < self.look_ahead and not is_news

    @property
    def most_open(self) -> int:
        """So many hand-ins keep all workers busy, where each waits for one job at a time."""
        return 2 * self.backend.workers

    def opened(self, submission: str, jobs: Collection[Job]) -> None:
        """A hand-in is being graded, which may need these jobs."""
        if self.look_ahead:
            self._line.opened(submission, jobs)

    def closed(self, submission: str) -> None:
        """Its card is there."""
        self._line.closed(submission)
        if self.occupancy is not None:
            self.occupancy.graded()

    def arrived(self, timeout_s: float = _TICK_S) -> list[tuple[Job, Evidence]]:
        """What has come in since; waits that long for something. Empty at once where nothing is under way."""
        self._place()
        made, self._unasked = self._unasked, []
        if self._is_open and not made:
            for ticket, outcome in self.backend.arrived(timeout_s):
                evidence = self._judged(ticket, outcome)
                if evidence is not None:
                    made.append((ticket.job, evidence))
            made += self._overdue()
            self._place()
        for job, evidence in made:
            self._tell(job, evidence)
        return made

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits, runs, or has arrived without being asked for."""
        return not (self._line or self._current or self._unasked)

    def under_way(self) -> Sequence[Ticket]:
        """The jobs that were given to workers, the oldest first."""
        return self.backend.under_way() if self._is_open else ()

    def __call__(self, plan: Plan) -> EvidenceByJob:
        """The evidence for a plan that fits into memory, by job."""
        evidence: dict[Job, Evidence] = {}
        with self:
            for job, root in plan.roots.items():
                known = self.order(job, root)
                if known is not None:
                    evidence[job] = known
            while not self.is_idle:
                evidence.update(self.arrived())
        return evidence

    # --- from the first job to the last ---------------------------------------------------------

    def __enter__(self) -> Self:
        if self.cache is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="grader-results-")
        return self

    def __exit__(self, kind: type[BaseException] | None, stop: BaseException | None, _: TracebackType | None) -> None:
        try:
            if self._is_open:
                try:
                    if kind is KeyboardInterrupt and self.on_drain is not None:  # not where we are told to end
                        self._drain(self.on_drain)
                finally:
                    self.backend.close(at_once=stop is not None)
        finally:
            self._is_open = False
            if self._scratch is not None:
                self._scratch.cleanup()
        if self.not_kept is not None:
            log.warning("%s", self.not_kept)

    def _drain(self, on_drain: Callable[[int], None]) -> None:
        """Start nothing more, and keep what has been started."""
        self._line.clear()
        self.backend.hold()
        left = self.backend.under_way()
        if left:
            on_drain(len(left))
        while self.backend.under_way():
            for ticket, outcome in self.backend.arrived(_TICK_S):
                self._judged(ticket, outcome)
            self._line.clear()  # what died is not tried again: the next run does

    # --- one job --------------------------------------------------------------------------------

    def _store(self) -> Cache:
        if self.cache is not None:
            return self.cache
        if self._scratch is None:
            raise RuntimeError("a runner without a cache is to be used as a context: its results live as long as that")
        return Cache(Path(self._scratch.name))

    def key_of(self, job: Job) -> str:
        """A job's key. Raises MachineError where it has none, as its data set is missing."""
        return cache_key(job, self.bench)

    def is_known(self, key: str) -> bool:
        """Whether the evidence under a key is there already."""
        return self._store().get(key) is not None

    def _known(self, key: str, *, is_anew: bool) -> Evidence | None:
        if key in self._passing:
            return self._passing[key]
        if is_anew and key not in self._anew:
            return None
        known = self._store().get(key)
        if known is not None and key not in self._anew and key not in self._found:
            self._found.add(key)
            self.from_cache += 1
        return known

    def _place(self) -> None:
        if self._line and not self._is_open:
            self.backend.open()
            self._is_open = True
        while self._line and self.backend.has_room():
            ticket = self._line.next(self.backend.under_way(), self.backend.workers)
            lease = self.record.lease(ticket.key, ticket.job.kind, ticket.submission)
            ticket = replace(ticket, lease=lease, placed_at=time.monotonic())
            self._current[ticket.key] = ticket
            try:
                self.backend.place(ticket)
            except Exception as error:  # noqa: BLE001  one broken job must not stop a class
                self._unasked.append((ticket.job, self._kept(ticket, system_fault(error))))

    def _judged(self, ticket: Ticket, outcome: Evidence | Died) -> Evidence | None:
        """The evidence, where this result counts and is the last word."""
        if self.occupancy is not None:
            lost = outcome.what if isinstance(outcome, Died) else ""
            self.occupancy.add(
                ticket.worker, ticket.kind, ticket.placed_at, ticket.ended_at, ticket.peak_bytes, lost=lost
            )
        current = self._current.get(ticket.key)
        if current is None or current.lease != ticket.lease:
            log.warning("a late result of a job of kind %r is not used: its lease was over", ticket.job.kind)
            return None
        if isinstance(outcome, Died):
            return self._died(ticket, outcome.what)
        code = outcome.problem.code if outcome.problem else ""
        if outcome.status is EvidenceStatus.SYSTEM_FAULT and code in _KILLED:
            return self._died(ticket, outcome.problem.what if outcome.problem else code)
        if code == "signal" and ticket.key not in self._signalled:
            # From in there a kill from outside looks like the code's own. What the code does, it does again.
            self._signalled.add(ticket.key)
            self._again(ticket)
            return None
        return self._kept(ticket, outcome)

    def _died(self, ticket: Ticket, what: str) -> Evidence | None:
        count = self.record.fault(ticket.key, ticket.lease, what)
        log.warning("a job of kind %r was lost with its worker, try %d (%s)", ticket.job.kind, count, what)
        if count >= MOST_FAULTS:
            return self._kept(ticket, _quarantined(count, what))
        self._again(ticket)
        return None

    def _again(self, ticket: Ticket) -> None:
        del self._current[ticket.key]
        self._line.add_again(replace(ticket, attempt=ticket.attempt + 1))

    def _overdue(self) -> list[tuple[Job, Evidence]]:
        if self.patience_s is None:
            return []
        late = [ticket for ticket in self.backend.under_way() if time.monotonic() - ticket.placed_at > self.patience_s]
        made = []
        for ticket in late:
            self.backend.forget(ticket)
            what = f"there was no result after {self.patience_s:g} s, and it is not waited for any longer"
            fix = "grade this submission again with a longer --timeout"
            problem = Problem("overdue", "grader", what, fix)
            made.append((ticket.job, self._kept(ticket, Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=problem))))
        return made

    def _kept(self, ticket: Ticket, made: Evidence) -> Evidence:
        """The last word on a job, written down before anybody hears of it."""
        del self._current[ticket.key]
        if made.status is not EvidenceStatus.SYSTEM_FAULT:
            made = replace(made, key=ticket.key)
        if not is_lasting(made):
            self._passing[ticket.key] = made
        else:
            self._anew.add(ticket.key)
            try:
                self._store().put(made)
            except MachineError as error:  # the grade stands; it will only be computed again
                self.not_kept = error
                self._passing[ticket.key] = made
        self.computed += 1
        seconds = (ticket.ended_at or time.monotonic()) - ticket.placed_at
        self._line.ended(ticket.job, seconds)
        self._estimates.learn(ticket.job, seconds)
        self._estimates.forget(ticket.job)
        if not self.record.finish(ticket.key, ticket.lease, made.status.value, made.seconds or seconds):
            log.warning("a second result of a job of kind %r was not written down", ticket.job.kind)
        return made

    def _tell(self, job: Job, evidence: Evidence) -> None:
        if self.on_done is not None:
            self.on_done(job, evidence)


def _quarantined(count: int, what: str) -> Evidence:
    said = f"{count} workers died with this job ({what}): it is not tried again, so that the others are graded"
    fix = "look at the submission; grade it alone by `run-all --only`, on a machine with more memory if that was short"
    return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem("worker-died", "grader", said, fix))
