"""Runs a plan on this machine, without Ray: a few sandboxes at once, each job's result kept as it arrives.

The threads here only wait for sandboxes; what is computed is computed in them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import MachineError
from grader.evidence.cache import Cache
from grader.evidence.kinds import Bench, cache_key, device_class, do, system_fault, versions
from grader.model import Evidence, EvidenceByJob, Job

if TYPE_CHECKING:
    from grader.course import Course
    from grader.evidence.plan import Plan

log = logging.getLogger(__name__)

MOST_WORKERS = 8  # a torch process wants about half a GiB; more at once is the TA's choice, by --jobs


def default_workers() -> int:
    """How many jobs run at once here, where nobody says."""
    return min(os.cpu_count() or 1, MOST_WORKERS)


class LocalRunner:
    """Evidence for every job of a plan: from the cache, or from a sandbox here."""

    def __init__(
        self,
        bench: Bench,
        *,
        cache: Cache | None = None,
        workers: int | None = None,
        on_done: Callable[[Job, Evidence], None] | None = None,
        on_drain: Callable[[int], None] | None = None,
    ) -> None:
        self.bench = bench
        self.cache = cache
        self.workers = workers or default_workers()
        self.on_done = on_done
        self.on_drain = on_drain
        self.not_kept: MachineError | None = None  # the last result that the cache's disk refused

    @classmethod
    def for_course(
        cls,
        course: Course,
        *,
        workers: int | None = None,
        is_isolated: bool = True,
        is_own_code: bool = False,
        uses_cache: bool = True,
        on_done: Callable[[Job, Evidence], None] | None = None,
        on_drain: Callable[[int], None] | None = None,
    ) -> LocalRunner:
        """The runner with the course's limits and data, the best sandbox there is, and the user's cache.

        Where there is no sandbox: `is_own_code` goes on with limits only; otherwise MachineError, unless
        `is_isolated` False says that this is wanted. The level is recorded in every scorecard.
        """
        from grader import sandbox
        from grader.places import cache_folder

        level = sandbox.level() if is_isolated else sandbox.level("none")
        if is_isolated and not level.is_isolated and not is_own_code:
            raise MachineError.single(
                f"the code of other people is not run without a sandbox: {level.reason}",
                where="sandbox",
                fix=f"{level.fix}; or say --sandbox none to run it with limits only",
                code="no-sandbox",
            )
        bench = Bench(course.limits, level, course.data_root)
        cache = Cache(cache_folder("evidence")) if uses_cache else None
        return cls(bench, cache=cache, workers=workers, on_done=on_done, on_drain=on_drain)

    def __call__(self, plan: Plan) -> EvidenceByJob:
        """Evidence by job. A job that breaks is a system fault of its own and stops no other.

        An exception from outside ends the jobs that are going on; those that are done are in the cache. With
        `on_drain` a first Ctrl-C lets them come to their end, after telling it how many they are.
        """
        evidence: dict[Job, Evidence] = {}
        running: dict[Future[Evidence], Job] = {}
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="job")
        try:
            running = {pool.submit(self._one, job, root): job for job, root in plan.roots.items()}
            for future in as_completed(running):
                job = running[future]
                evidence[job] = future.result()
                if self.on_done is not None:
                    self.on_done(job, evidence[job])
        except BaseException as stop:
            from grader import sandbox

            try:
                if self.on_drain is not None and type(stop) is KeyboardInterrupt:  # not where we are told to end
                    self._drain(running, self.on_drain)
            finally:
                sandbox.call_off()
                pool.shutdown(cancel_futures=True)
                sandbox.call_on()  # not where a second Ctrl-C ended the wait: then the boxes must end all the same
            raise
        pool.shutdown()
        if self.not_kept is not None:
            log.warning("%s", self.not_kept)
        return evidence

    @staticmethod
    def _drain(running: Iterable[Future[Evidence]], on_drain: Callable[[int], None]) -> None:
        """Start nothing more, and wait for what has been started: its results are kept as they arrive."""
        left = [future for future in running if not future.cancel() and not future.done()]
        if left:
            on_drain(len(left))
            wait(left)

    def _one(self, job: Job, root: Path) -> Evidence:
        began = time.monotonic()
        try:
            key = cache_key(job, self.bench)
            known = self.cache.get(key) if self.cache is not None else None
            if known is not None:
                return known
            with tempfile.TemporaryDirectory(prefix="grader-job-") as folder:
                stage(job, root, Path(folder))
                made = replace(finished(job, Path(folder), self.bench, began), key=key)
        except Exception as error:  # noqa: BLE001  one broken job must not stop a class
            return replace(system_fault(error), key="", seconds=time.monotonic() - began)
        if self.cache is not None:
            try:
                self.cache.put(made)
            except MachineError as error:  # the grade stands; it will only be computed again
                self.not_kept = error
        return made


def finished(job: Job, folder: Path, bench: Bench, began: float) -> Evidence:
    """The job done on the files in `folder`, with what it was made with; `began` is when, by the monotonic clock."""
    made = do(job, folder, bench)
    return replace(
        made,
        device=device_class(job.kind),
        versions=versions(job.kind),
        sandbox=str(bench.level),
        seconds=time.monotonic() - began,
    )


def stage(job: Job, root: Path, folder: Path) -> None:
    """Copy the job's files into a private folder, by the bytes that were handed in.

    Raises MachineError where a file is no longer what intake saw: grading something else would be worse than
    not grading.
    """
    for file in job.files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        try:
            source = os.open(root / file.path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise _changed(file.path, f"can no longer be read ({error.strerror})") from error
        with os.fdopen(source, "rb") as reader, target.open("xb") as writer:
            while block := reader.read(1 << 20):
                digest.update(block)
                writer.write(block)
        if digest.hexdigest() != file.digest:
            with suppress(OSError):
                target.unlink()
            raise _changed(file.path, "changed while it was graded")


def _changed(path: str, what: str) -> MachineError:
    return MachineError.single(what, where=path, fix="grade the submission again", code="file-changed")
