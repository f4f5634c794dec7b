"""Runs a plan on Ray: on this machine's cores, or on a cluster whose nodes share no folder with this one.

The driver reads the submissions, sends each job's own files, and keeps every result as it arrives; a worker stages
them in a folder of its own and opens the sandbox there. Student code never runs in a Ray worker's process: it runs in
the sandbox that this one starts. Ray carries plain data only, and retries nothing: what is run again, and how often,
is decided here.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import MachineError
from grader.evidence.cache import Cache
from grader.evidence.kinds import Bench, cache_key, lent_splits, system_fault
from grader.evidence.local import default_workers, finished
from grader.evidence.parcels import Contents, heard, packed, told, unpacked
from grader.model import Evidence, EvidenceByJob, EvidenceStatus, Job, Json, Problem

if TYPE_CHECKING:
    from grader.course import Course
    from grader.evidence.plan import Plan

log = logging.getLogger(__name__)

OLDEST_RAY = (2, 54)  # before it, the job port of a cluster could be reached through a TA's browser
MOST_ATTEMPTS = 2  # of a job whose worker died: then it is a person's business, for a third worker would die too
_AHEAD = 2  # jobs that wait in Ray for each that runs: enough that no worker idles, few enough to hold in memory
_OBJECT_STORE_BYTES = 2 * 2**30


@dataclass
class _Waiting:
    job: Job
    root: Path
    key: str
    attempts: int = 0


class RayRunner:
    """Evidence for every job of a plan: from the cache, or from a worker of Ray.

    `address` is that of a cluster to join ("auto" for one that runs here); without it Ray is started here, with
    `workers` processes. `sandbox` is "auto" or "none", and is settled on the node where a job runs: with "auto" a node
    without a sandbox runs no student code.
    """

    def __init__(
        self,
        bench: Bench,
        *,
        cache: Cache | None = None,
        workers: int | None = None,
        address: str | None = None,
        sandbox: str = "auto",
        on_done: Callable[[Job, Evidence], None] | None = None,
        on_drain: Callable[[int], None] | None = None,
    ) -> None:
        self.bench, self.cache, self.address, self.sandbox = bench, cache, address, sandbox
        self.on_done, self.on_drain = on_done, on_drain
        self.workers = workers or default_workers()
        self.not_kept: MachineError | None = None  # the last result that the cache's disk refused

    @classmethod
    def for_course(
        cls,
        course: Course,
        *,
        workers: int | None = None,
        address: str | None = None,
        sandbox: str = "auto",
        uses_cache: bool = True,
        on_done: Callable[[Job, Evidence], None] | None = None,
        on_drain: Callable[[int], None] | None = None,
    ) -> RayRunner:
        """The runner with the course's limits and data, and the user's cache."""
        from grader import sandbox as box
        from grader.places import cache_folder

        level = box.Level("", "each node has its own")
        cache = Cache(cache_folder("evidence")) if uses_cache else None
        bench = Bench(course.limits, level, course.data_root)
        return cls(
            bench, cache=cache, workers=workers, address=address, sandbox=sandbox, on_done=on_done, on_drain=on_drain
        )

    def __call__(self, plan: Plan) -> EvidenceByJob:
        """Evidence by job. A job that breaks, or whose worker dies twice, is a system fault and stops no other."""
        evidence: dict[Job, Evidence] = {}
        waiting: deque[_Waiting] = deque()
        for job, root in plan.roots.items():
            try:
                key = cache_key(job, self.bench)
                known = self.cache.get(key) if self.cache is not None else None
            except Exception as error:  # noqa: BLE001  one broken job must not stop a class
                known, key = system_fault(error), ""
            if known is not None:
                self._arrived(evidence, job, known)
            else:
                waiting.append(_Waiting(job, root, key))
        if waiting:  # starting Ray takes seconds
            with started(self.workers, self.address) as ray:
                self._run(ray, waiting, evidence)
        if self.not_kept is not None:
            log.warning("%s", self.not_kept)
        return evidence

    def _run(self, ray: Any, waiting: deque[_Waiting], evidence: dict[Job, Evidence]) -> None:
        work = ray.remote(num_cpus=1, max_retries=0)(done_there)
        settings = {"limits": asdict(self.bench.limits), "sandbox": self.sandbox}
        lent: dict[tuple[str, str], Any] = {}  # each data set travels once to each node
        running: dict[Any, _Waiting] = {}
        try:
            while waiting or running:
                self._send(ray, work, settings, lent, waiting, running, evidence)
                self._receive(ray, waiting, running, evidence)
        except KeyboardInterrupt as stop:
            if (
                self.on_drain is not None and running and type(stop) is KeyboardInterrupt
            ):  # not where we are told to end
                self.on_drain(len(running))
                while running:
                    self._receive(ray, waiting, running, evidence)
            raise

    def _send(
        self,
        ray: Any,
        work: Any,
        settings: Mapping[str, Json],
        lent: dict[tuple[str, str], Any],
        waiting: deque[_Waiting],
        running: dict[Any, _Waiting],
        evidence: dict[Job, Evidence],
    ) -> None:
        """As many jobs as keep every worker busy, and no more."""
        most = _AHEAD * max(int(ray.cluster_resources().get("CPU", 1)), 1)
        while waiting and len(running) < most:
            one = waiting.popleft()
            try:
                document, contents = packed(one.job, one.root)
                sets = {split: lent.get(split) or self._lend(ray, lent, split) for split in lent_splits(one.job)}
            except Exception as error:  # noqa: BLE001  one broken job must not stop a class
                self._arrived(evidence, one.job, system_fault(error))
                continue
            names, references = list(sets), list(sets.values())
            running[work.remote(document, contents, settings, names, *references)] = one

    def _receive(
        self, ray: Any, waiting: deque[_Waiting], running: dict[Any, _Waiting], evidence: dict[Job, Evidence]
    ) -> None:
        """The next result, or none within a second."""
        arrived, _ = ray.wait(list(running), num_returns=1, timeout=1.0) if running else ([], None)
        for reference in arrived:
            one = running.pop(reference)
            made = self._result(ray, reference, one)
            if made is None:
                waiting.append(one)
            else:
                self._arrived(evidence, one.job, made, one.key)

    def _lend(self, ray: Any, lent: dict[tuple[str, str], Any], split: tuple[str, str]) -> Any:
        lent[split] = ray.put(self.bench.image_set(*split))
        return lent[split]

    def _result(self, ray: Any, reference: Any, one: _Waiting) -> Evidence | None:
        """The evidence; None where the job is to be run again, since its worker died and not its code."""
        try:
            return heard(ray.get(reference))
        except ray.exceptions.RayTaskError as error:
            return system_fault(error.as_instanceof_cause())
        except ray.exceptions.RayError as error:
            one.attempts += 1
            log.warning("a worker of Ray died with a job of kind %r (%s)", one.job.kind, type(error).__name__)
            if one.attempts < MOST_ATTEMPTS:
                return None
            what = f"{one.attempts} workers of Ray died with this job ({type(error).__name__}): it is not tried again"
            fix = "see Ray's logs, and grade this submission alone without --parallel"
            return Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem("worker-died", "ray", what, fix))

    def _arrived(self, evidence: dict[Job, Evidence], job: Job, made: Evidence, key: str = "") -> None:
        """Kept at once: what has arrived is never computed again."""
        if key:
            made = replace(made, key=key)
            if self.cache is not None:
                try:
                    self.cache.put(made)
                except MachineError as error:  # the grade stands; it will only be computed again
                    self.not_kept = error
        evidence[job] = made
        if self.on_done is not None:
            self.on_done(job, made)


# --- on the worker ------------------------------------------------------------------------------


def done_there(
    document: Mapping[str, Json],
    contents: Contents,
    settings: Mapping[str, Json],
    names: list[tuple[str, str]],
    *sets: Any,
) -> dict[str, Json]:
    """Do a job on a node: what a worker of Ray runs. Plain data in, plain data out."""
    from grader import sandbox
    from grader.limits import Limits

    began = time.monotonic()
    level = sandbox.level(settings["sandbox"])
    if settings["sandbox"] != "none" and not level.is_isolated:
        what = f"the code of other people is not run without a sandbox, and a node has none: {level.reason}"
        return told(
            Evidence("", EvidenceStatus.SYSTEM_FAULT, problem=Problem("no-sandbox", "sandbox", what, level.fix))
        )
    lent = dict(zip(names, sets, strict=True))
    bench = Bench(Limits(**settings["limits"]), level, lent=lent)
    with tempfile.TemporaryDirectory(prefix="grader-job-") as folder:
        job = unpacked(document, contents, Path(folder))
        return told(finished(job, Path(folder), bench, began))


# --- Ray itself ---------------------------------------------------------------------------------


@contextmanager
def started(workers: int, address: str | None) -> Iterator[Any]:
    """Ray, as long as this lasts: started here behind a token and on the loopback alone, or a cluster that is joined.

    Raises MachineError where it cannot be had, with what helps.
    """
    # Read when Ray is imported, and by the processes that it starts.
    for name, value in {
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    }.items():
        os.environ.setdefault(name, value)
    if not address:
        # By its name for the systems on which it is the default: else Ray takes 127.0.0.1 for "any address of this
        # machine", and listens on all of them.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise _without(f"Ray cannot be imported ({error})") from error
    version = tuple(int(part) for part in ray.__version__.split(".")[:2])
    if version < OLDEST_RAY:
        raise _without(f"Ray {ray.__version__} is too old, {'.'.join(map(str, OLDEST_RAY))} is the oldest that is used")
    here: dict[str, Any] = {
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
    }
    try:
        ray.init(
            address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **({} if address else here)
        )
    except Exception as error:
        said = str(error).strip().split("\n")[0][:300]
        raise _without(f"Ray does not start: {said or type(error).__name__}") from error
    try:
        yield ray
    finally:
        with suppress(Exception):
            ray.shutdown()


def _without(what: str) -> MachineError:
    fix = "leave out --parallel: the same grades, by this process's own workers"
    return MachineError.single(what, where="ray", fix=fix, code="no-ray")
