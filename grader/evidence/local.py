"""Does jobs on this machine, without Ray: a few sandboxes at once.

The threads here only wait for sandboxes; what is computed is computed in them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import MachineError
from grader.evidence.cache import Cache
from grader.evidence.kinds import Bench, device_class, do, system_fault, versions
from grader.evidence.memory import workers_for
from grader.evidence.runner import Runner
from grader.evidence.tickets import Died, Ticket
from grader.limits import Limits
from grader.model import Evidence, Job

if TYPE_CHECKING:
    from grader.course import Course

AHEAD = 2  # jobs that are placed for each worker: enough that none idles, few enough to hold in memory


def default_workers() -> int:
    """How many jobs run at once here, where nobody says and no limits are known."""
    return workers_for(Limits())


class Here:
    """Workers of this process: threads that wait for sandboxes."""

    def __init__(self, bench: Bench, workers: int | None = None) -> None:
        self.bench, self.workers = bench, workers_for(bench.limits, workers)
        self.is_level_remembered = False  # and has to be confirmed before a job runs
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[tuple[Ticket, Evidence]], Ticket] = {}
        self._began: dict[str, float] = {}  # by key: when a worker took it up

    def open(self) -> None:
        """Start the threads. Raises MachineError where the sandbox is no longer what it was."""
        if self.is_level_remembered:
            from grader.evidence.last_level import confirm

            confirm(self.bench.level)
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="job")

    def has_room(self) -> bool:
        """Whether one more would soon be started."""
        return len(self._running) < AHEAD * self.workers

    def place(self, ticket: Ticket) -> None:
        """Give a job to the next thread that is free."""
        if self._pool is None:
            raise RuntimeError("a job was placed before the workers were there")
        self._running[self._pool.submit(self._one, ticket)] = ticket

    def arrived(self, timeout_s: float) -> list[tuple[Ticket, Evidence | Died]]:
        """What has come to an end."""
        if not self._running:
            return []
        done, _ = wait(self._running, timeout=timeout_s, return_when=FIRST_COMPLETED)
        for future in done:
            del self._running[future]
        return [future.result() for future in done]

    def has_news(self) -> bool:
        """Whether something has come to an end."""
        return any(future.done() for future in self._running)

    def hold(self) -> None:
        """Cancel what no thread has taken up."""
        for future in [future for future in self._running if future.cancel()]:
            del self._running[future]

    def forget(self, ticket: Ticket) -> None:
        """Ask no more for it. The sandbox has a clock of its own, by which the thread is free again."""
        for future in [future for future, placed in self._running.items() if placed == ticket]:
            future.cancel()
            del self._running[future]

    def under_way(self) -> Sequence[Ticket]:
        """What was placed and has not come to an end, with when a thread took it up: now, where none has yet."""
        began, now = dict(self._began), time.monotonic()
        return [replace(one, placed_at=began.get(one.key, now)) for one in self._running.values()]

    def close(self, *, at_once: bool) -> None:
        """End the threads; with `at_once` the sandboxes that they wait for."""
        if self._pool is None:
            return
        if not at_once:
            self._pool.shutdown()
            return
        from grader import sandbox

        sandbox.call_off()
        self._pool.shutdown(cancel_futures=True)
        sandbox.call_on()  # not where a second Ctrl-C ended the wait: then the boxes must end all the same

    def _one(self, ticket: Ticket) -> tuple[Ticket, Evidence]:
        """The evidence, with who had the job from when to when."""
        from grader.sandbox.usage import most_seen

        began = time.monotonic()
        number = int(threading.current_thread().name.rpartition("_")[2]) + 1
        most_seen()  # by this thread, up to now
        made = self._made(ticket, began)
        worker, ended = f"worker {number}", time.monotonic()
        return replace(ticket, placed_at=began, ended_at=ended, worker=worker, peak_bytes=most_seen()), made

    def _made(self, ticket: Ticket, began: float) -> Evidence:
        self._began[ticket.key] = began
        try:
            with tempfile.TemporaryDirectory(prefix="grader-job-") as folder:
                stage(ticket.job, ticket.root, Path(folder))
                return finished(ticket.job, Path(folder), self.bench, began)
        except Exception as error:  # noqa: BLE001  one broken job must not stop a class
            return replace(system_fault(error), seconds=time.monotonic() - began)
        finally:
            self._began.pop(ticket.key, None)


class LocalRunner(Runner):
    """Evidence from the cache, or from a sandbox here. The settings are those of `Runner`."""

    def __init__(self, bench: Bench, *, workers: int | None = None, **settings: Any) -> None:
        self.here = Here(bench, workers)
        super().__init__(bench, self.here, **settings)

    @classmethod
    def for_course(
        cls,
        course: Course,
        *,
        workers: int | None = None,
        is_isolated: bool = True,
        is_own_code: bool = False,
        uses_cache: bool = True,
        **settings: Any,
    ) -> LocalRunner:
        """The runner with the course's limits and data, the best sandbox there is, and the user's cache.

        Where there is no sandbox: `is_own_code` goes on with limits only; otherwise MachineError, unless
        `is_isolated` False says that this is wanted. The level is recorded in every scorecard.
        """
        from grader import sandbox
        from grader.evidence.last_level import likely_level
        from grader.places import cache_folder

        level, is_remembered = likely_level() if is_isolated else (sandbox.level("none"), False)
        if is_isolated and not level.is_isolated and not is_own_code:
            raise MachineError.single(
                f"the code of other people is not run without a sandbox: {level.reason}",
                where="sandbox",
                fix=f"{level.fix}; or say --sandbox none to run it with limits only",
                code="no-sandbox",
            )
        bench = Bench(course.limits, level, course.data_root)
        cache = Cache(cache_folder("evidence")) if uses_cache else None
        runner = cls(bench, workers=workers, cache=cache, **settings)
        runner.here.is_level_remembered = is_remembered
        return runner


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
