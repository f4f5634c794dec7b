"""Carries jobs to workers of Ray: on this machine's cores, or on a cluster whose nodes share no folder with this one.

The driver reads the submissions and sends each job's own files; a worker stages them in a folder of its own and opens
the sandbox there. Ray carries plain data only, and retries nothing: what is run again, and how often, `Runner` decides.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from grader.evidence.cache import Cache
from grader.evidence.clusters import Cluster, without
from grader.evidence.gpus import Gpus, NoGpuError, on
from grader.evidence.jobs import PREDICT
from grader.evidence.kinds import Bench, lent_splits, system_fault
from grader.evidence.local import AHEAD, default_workers
from grader.evidence.nodes import Node, Nodes
from grader.evidence.parcels import heard, packed
from grader.evidence.runner import Runner
from grader.evidence.there import PEAK, about, done_there, made_by
from grader.evidence.tickets import Died, Ticket
from grader.frozen import dataclass
from grader.model import Evidence, Json

if TYPE_CHECKING:
    from grader.course import Course

log = logging.getLogger(__name__)

MOST_STARTS = 3  # of Ray in one run: what ends it time and again is no accident
_PAUSE_S = 0.2
_ASK_S = 60.0
_LARGE_BYTES = 100_000  # a file from this size on is put into the object store: each node fetches it once for its jobs
_MOST_LENT_BYTES = 2**28  # of such files at once; the oldest is let go, and sent again if a job still reads it


@dataclass(frozen=True)
class _Sent:
    """A job in Ray's hands: its node, the share of a GPU that it has there, and what the place is called that it takes.

    Which of its processes does a job is Ray's business; as many jobs as there are places run at once.
    """

    ticket: Ticket
    node: str
    share: float
    worker: str

    def over(self, peak_bytes: int = 0) -> Ticket:
        """The ticket with who had it until now."""
        return replace(self.ticket, ended_at=time.monotonic(), worker=self.worker, peak_bytes=peak_bytes)


class OnRay:
    """Workers of Ray. As many jobs as there are cores are in Ray's hands, so that those it has are those that run.

    `address` is that of a cluster to join ("auto" for one that runs here); without it Ray is started here, with
    `workers` processes. `sandbox` is "auto" or "none", and is settled on the node where a job runs.
    """

    def __init__(
        self, bench: Bench, workers: int | None = None, *, address: str | None = None, sandbox: str = "auto"
    ) -> None:
        self.bench = bench
        self.workers = workers or default_workers()
        self.cluster = Cluster(self.workers, address)
        self._settings: dict[str, Json] = {"limits": asdict(bench.limits), "sandbox": sandbox, "made_by": {}}
        self._ray: Any = None
        self._work: Any = None
        self._nodes = Nodes(self.cluster)
        self._gpus = Gpus(bench)
        self._starts = 0
        self._is_held = False
        self._line: deque[Ticket] = deque()  # placed, and not yet in Ray's hands
        self._unsent: list[tuple[Ticket, Evidence | Died]] = []  # whose files or data cannot be read: they arrive
        self._running: dict[Any, _Sent] = {}  # by the reference of its result, the oldest first
        self._sets: dict[tuple[str, str], Any] = {}  # data sets in the object store: each travels once to each node
        self._files: OrderedDict[str, tuple[Any, int]] = OrderedDict()  # by digest: large files there, with their size

    def open(self) -> None:
        """Start Ray, or join the cluster. Raises MachineError where it cannot be had."""
        self.cluster.start()
        self._starts += 1
        self._ray = self.cluster.ray
        self._work = self._ray.remote(num_cpus=1, max_retries=0)(done_there)
        self._nodes = Nodes(self.cluster)
        self._nodes.open()
        self._gpus.open(self.cluster, self._nodes)
        if not self.cluster.is_started_here:
            self._leave_out_unlike()
        self.workers = max(self._nodes.cores, 1)

    def has_room(self) -> bool:
        """Whether one more would soon be started."""
        return len(self._line) + len(self._running) < AHEAD * self.workers

    def place(self, ticket: Ticket) -> None:
        """Into the line, or into Ray's hands where a worker is free."""
        self._line.append(ticket)
        self._send()

    def arrived(self, timeout_s: float) -> list[tuple[Ticket, Evidence | Died]]:
        """What has come in. A job whose file or data set cannot be read comes back at once.

        Where Ray itself has ended, it is started again, or joined, and what it had in hand has died with it. Raises
        MachineError where that does not help.
        """
        what = self.cluster.lost()
        if what:
            self._start_again(what)
        self._without_lost_nodes()
        made, self._unsent = self._unsent, []
        if self._running:
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=0 if made else timeout_s)
            for reference in ready:
                sent = self._running.pop(reference)
                outcome, peak_bytes = self._outcome(reference, sent)
                if outcome is None:
                    self._line.appendleft(sent.ticket)
                else:
                    made.append((sent.over(peak_bytes), outcome))
        self._send()
        if not self._running and self._line and not made:
            if not self._nodes.known:
                raise without("no node of the cluster is left", "start them again, and run the same command")
            time.sleep(min(timeout_s, _PAUSE_S))
        return made

    def has_news(self) -> bool:
        """Whether something has come in."""
        if self._unsent or not self._running:
            return bool(self._unsent)
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=0)
        return bool(ready)

    def hold(self) -> None:
        """Drop the line."""
        self._is_held = True
        self._line.clear()

    def forget(self, ticket: Ticket) -> None:
        """End the worker that has it: a task of Ray's has no other end from outside."""
        with suppress(ValueError):
            self._line.remove(ticket)
        for reference in [one for one, sent in self._running.items() if sent.ticket == ticket]:
            del self._running[reference]
            with suppress(Exception):
                self._ray.cancel(reference, force=True)

    def under_way(self) -> Sequence[Ticket]:
        """What was placed and has not arrived; what stands in line has its time still before it."""
        unsent = (ticket for ticket, _ in self._unsent)
        running = (sent.ticket for sent in self._running.values())
        return [*running, *unsent, *(replace(one, placed_at=time.monotonic()) for one in self._line)]

    def close(self, *, at_once: bool) -> None:
        """Leave Ray, and end it where it was started here. What still runs is ended either way."""
        if at_once:
            for sent in list(self._running.values()):
                self.forget(sent.ticket)
        self._line.clear()
        self._let_go()
        self.cluster.stop()

    def _let_go(self) -> None:
        """Forget every object in Ray's store."""
        self._running.clear()
        self._sets.clear()
        self._files.clear()

    def _start_again(self, what: str) -> None:
        self._unsent += [(sent.over(), Died(what)) for sent in self._running.values()]
        log.warning("%s, and %d jobs were lost with it", what, len(self._running))
        self._let_go()
        self.cluster.stop()
        if self._is_held:
            return
        if self._starts >= MOST_STARTS:
            raise without(f"{what}, and has done so {self._starts} times in this run", "see whether memory is short")
        self.open()

    def _leave_out_unlike(self) -> None:
        """Use the nodes with this grader and torch, and of these the ones with the sandbox that most have."""
        ask = self._ray.remote(num_cpus=0, max_retries=0)(about)
        asked = {
            ask.options(scheduling_strategy=on(self._ray, node.name)).remote(self._settings["sandbox"]): node
            for node in self._nodes.known.values()
        }
        self._ray.wait(list(asked), num_returns=len(asked), timeout=_ASK_S)
        said: dict[Node, tuple[str, dict[str, str]]] = {}
        for reference, node in asked.items():
            with suppress(self._ray.exceptions.RayError):
                said[node] = self._ray.get(reference, timeout=0)
        here = made_by(PREDICT)
        levels = Counter(level for level, there in said.values() if there == here)
        self._settings["level"] = levels.most_common(1)[0][0] if levels else ""
        for node in asked.values():
            if said.get(node) != (self._settings["level"], here):
                log.warning("the node %s is left out: %s", node.place[0], said.get(node, "it gave no answer"))
                self._nodes.leave_out(node.name)
        if not self._nodes.known:
            fix = "install this grader and its packages on every node"
            raise without(f"no node of the cluster has the versions of this machine: {here}", fix)

    # --- one job --------------------------------------------------------------------------------

    def _send(self) -> None:
        """As many jobs as keep every worker busy, and no more: each that is sent can be started."""
        waits: list[Ticket] = []
        while self._line and len(self._running) < self.workers:
            ticket = self._line.popleft()
            try:
                share = self._gpus.share(ticket.job)
                taken = ((sent.node, sent.share) for sent in self._running.values())
                node = self._nodes.room(taken, share, self._gpus.avoided(ticket.key))
                if node is None:
                    waits.append(ticket)
                    continue
                reference = self._sent(ticket, node, share)
            except self._ray.exceptions.RayError as error:
                self._unsent.append((ticket, Died(f"{type(error).__name__} in Ray")))
            except NoGpuError as error:
                self._unsent.append((ticket, error.evidence))
            except Exception as error:  # noqa: BLE001  one broken job must not stop a class
                self._unsent.append((ticket, system_fault(error)))
            else:
                ticket = replace(ticket, placed_at=time.monotonic())
                self._running[reference] = _Sent(ticket, node, share, self._free_place(node))
        self._line.extendleft(reversed(waits))

    def _without_lost_nodes(self) -> None:
        for node in self._nodes.lost():
            log.warning("the node %s of the cluster is lost", node.place[0])
            for reference in [one for one, sent in self._running.items() if sent.node == node.name]:
                self._unsent.append((self._running.pop(reference).over(), Died(f"its node {node.place[0]} was lost")))
        self.workers = max(self._nodes.cores, 1)

    def _sent(self, ticket: Ticket, node: str, share: float) -> Any:
        """The job in Ray's hands: the reference of its result."""
        document, contents = packed(ticket.job, ticket.root)
        digests = {file.path: file.digest for file in ticket.job.files}
        small = tuple((path, data) for path, data in contents if len(data) < _LARGE_BYTES)
        large = {path: self._file(digests[path], data) for path, data in contents if len(data) >= _LARGE_BYTES}
        sets = {split: self._set(split) for split in lent_splits(ticket.job)}
        if ticket.job.kind not in self._settings["made_by"]:
            self._settings["made_by"][ticket.job.kind] = made_by(ticket.job.kind)
        names = (list(large), list(sets))
        work = self._work.options(num_gpus=share, scheduling_strategy=on(self._ray, node))
        return work.remote(document, small, self._settings, names, *large.values(), *sets.values())

    def _set(self, split: tuple[str, str]) -> Any:
        if split not in self._sets:
            self._sets[split] = self._ray.put(self.bench.lendable(*split))
        return self._sets[split]

    def _file(self, digest: str, data: bytes) -> Any:
        """A large file in the object store, for all jobs that read it about now."""
        if digest not in self._files:
            self._files[digest] = (self._ray.put(data), len(data))
        self._files.move_to_end(digest)
        while len(self._files) > 1 and sum(size for _, size in self._files.values()) > _MOST_LENT_BYTES:
            self._files.popitem(last=False)
        return self._files[digest][0]

    def _free_place(self, node: str) -> str:
        """What a place of the node is called that no job has."""
        known = self._nodes.known.get(node)
        host = f"{known.place[0]} " if known is not None and not self.cluster.is_started_here else ""
        taken = {sent.worker for sent in self._running.values()}
        return next(name for number in count(1) if (name := f"{host}worker {number}") not in taken)

    def _outcome(self, reference: Any, sent: _Sent) -> tuple[Evidence | Died | None, int]:
        """The evidence; Died where the worker ended and not its job; None where it is to have more of a GPU.

        With the most bytes of memory that were seen of it.
        """
        try:
            document = dict(self._ray.get(reference))
            peak_bytes = int(document.pop(PEAK, 0))
            made = heard(document)
        except self._ray.exceptions.RayTaskError as error:
            return system_fault(error.as_instanceof_cause()), 0
        except self._ray.exceptions.RayError as error:
            return Died(f"{type(error).__name__} in Ray"), 0
        except Exception as error:  # noqa: BLE001  an answer that is none must not stop a class
            return system_fault(error), 0
        judged = self._gpus.judged(sent.ticket, sent.share, made, sent.node) if sent.share else made
        return judged, peak_bytes


class RayRunner(Runner):
    """Evidence from the cache, or from a worker of Ray. The settings are those of `Runner`."""

    def __init__(
        self,
        bench: Bench,
        *,
        workers: int | None = None,
        address: str | None = None,
        sandbox: str = "auto",
        **settings: Any,
    ) -> None:
        super().__init__(bench, OnRay(bench, workers, address=address, sandbox=sandbox), **settings)

    @classmethod
    def for_course(
        cls,
        course: Course,
        *,
        workers: int | None = None,
        address: str | None = None,
        sandbox: str = "auto",
        uses_cache: bool = True,
        **settings: Any,
    ) -> RayRunner:
        """The runner with the course's limits and data, and the user's cache. Each node has its own sandbox."""
        from grader import sandbox as box
        from grader.places import cache_folder

        # One that runs here has this machine's sandbox, and shares its cached results with a run without Ray.
        level = box.Level("", "each node has its own") if address else box.level(sandbox)
        bench = Bench(course.limits, level, course.data_root)
        cache = Cache(cache_folder("evidence")) if uses_cache else None
        return cls(bench, workers=workers, address=address, sandbox=sandbox, cache=cache, **settings)
