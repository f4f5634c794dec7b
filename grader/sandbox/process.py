"""How is a job watched, and when is it ended? Clocks and sums out here; at the end no process of it is left.

The parent reads what comes on two pipes (the answer, and what is printed), looks at the tree's use ten times a
second, and kills the whole tree at the first limit. Nothing in here trusts the child to keep time.
"""

from __future__ import annotations

import itertools
import os
import selectors
import threading
import time
from contextlib import suppress
from dataclasses import field
from typing import Protocol

from grader.frozen import dataclass
from grader.limits import Limits
from grader.sandbox.cgroups import Group
from grader.sandbox.layout import SHARED, TEMPORARY
from grader.sandbox.protocol import FrameReader, MalformedError
from grader.sandbox.text import Tail
from grader.sandbox.usage import files_in, oom_kills, own_bytes, saw, tree, use_of

GRACE_S = 2.0  # for an end after the answer is complete, or after the kill
_LOOK_EVERY_S = 0.1
_GROWN = 1.25  # a tree that holds so much more than before is looked at closely, which takes milliseconds
_BLOCK = 1 << 16
MOST_FILES = 50_000  # in one folder: a million empty ones have no size, and fill the kernel's memory


_called_off = threading.Event()


class CalledOffError(Exception):
    """The run was called off while the job was going on: there is no result, and that is nobody's fault."""


def call_off() -> None:
    """From now on every job of this process ends within a moment, in whatever thread it is watched."""
    _called_off.set()


def call_on() -> None:
    """Jobs may be started again."""
    _called_off.clear()


def is_called_off() -> bool:
    """Whether what waits to be started must give up."""
    return _called_off.is_set()


class Pipe:
    """A pipe of which each end is closed once: other threads open files meanwhile, and reuse the numbers."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self._open = {self.reading, self.writing}

    def close_reading(self) -> None:
        self._close(self.reading)

    def close_writing(self) -> None:
        self._close(self.writing)

    def close(self) -> None:
        self.close_reading()
        self.close_writing()

    def _close(self, end: int) -> None:
        if end in self._open:
            self._open.remove(end)
            os.close(end)


@dataclass
class Watched:
    """How it went. `stopped` is what the parent ended it for: wall, cpu, memory, files, disk, malformed, or nothing."""

    returncode: int = 0  # below 0: ended by that signal; 128 and more: bubblewrap or the zygote says so
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    oom_kills: int = 0  # of the whole machine, while it ran; not those of the job's own cgroup
    stopped: str = ""
    why: str = ""
    is_lost: bool = False  # what held the job was killed from outside, and the job with it
    output: Tail = field(default_factory=lambda: Tail(0))


class Running(Protocol):
    """A job that has been started, by whatever means: a process of its own, or a fork of a warmed one."""

    @property
    def root(self) -> int:
        """The number of the process from which all of the job's descend; 0 where it is gone."""

    def members(self) -> list[int]:
        """The processes that count as the job's, by their numbers out here, parents first."""

    def folders(self) -> list[str]:
        """The writable folders of the job, as seen from out here; none as long as they are not its own."""

    def is_over(self, watched: Watched) -> bool:
        """Whether it has ended; then its code and its CPU time are in `watched`."""

    def kill(self) -> None:
        """SIGKILL to all of it, at once."""

    def end(self, watched: Watched) -> None:
        """Leave no process of it behind, however it stands now."""


def watch(
    job: Running, *, request: bytes, asked: Pipe, printed: Pipe, result: Pipe, reader: FrameReader, limits: Limits
) -> Watched:
    """Follow a job to its end, or end it.

    `request` is written to `asked`; what the job prints and answers is read from `printed` and `result`. The ends of
    the pipes that are the job's must be closed here by now. Raises CalledOffError where the run was called off;
    nothing is left then.
    """
    watched = Watched(output=Tail(limits.output_kb * 1024))
    started, killed_before = time.monotonic(), oom_kills()
    group = None
    try:
        group = _grouped(job, limits)  # it waits for its request: nothing of a student's has run yet
        _Loop(job, watched, reader, limits, started).run(request, asked, printed, result)
    finally:
        job.end(watched)
        if group is not None:
            _closed(group, watched, reader)
    watched.seconds = time.monotonic() - started
    watched.oom_kills += oom_kills() - killed_before
    return watched


_names = itertools.count()
_SPARE_BYTES = 256 * 2**20  # page tables, the kernel's own, and what the warmed process's pages cost when written to
_SPARE_PROCESSES = 4  # bubblewrap, and the keeper of the namespaces


def _grouped(job: Running, limits: Limits) -> Group | None:
    """The job in a control group, where there are some: a second wall behind the sums that are taken out here.

    Memory in there is that of files in the temporary folders too.
    """
    most = (limits.memory_mb + 2 * limits.tmpfs_mb) * 2**20 + _SPARE_BYTES
    group = Group.create(f"job-{next(_names)}", memory_bytes=most, processes=limits.processes + _SPARE_PROCESSES)
    if group is None:
        return None
    known: set[int] = set()
    while job.root and (found := set(tree(job.root)) - known):  # those that come after their parent was moved are in
        for pid in found:
            with suppress(OSError):
                group.add(pid)
        known |= found
    return group


def _closed(group: Group, watched: Watched, reader: FrameReader) -> None:
    use = group.use()
    watched.cpu_seconds = max(watched.cpu_seconds, use.cpu_s)
    watched.oom_kills -= use.oom_kills  # the machine had memory: this job's own share was used up
    if use.oom_kills and not watched.stopped and not reader.is_complete:
        watched.stopped = "memory"
        watched.peak_bytes = max(watched.peak_bytes, use.peak_bytes)
    group.remove()


class _Loop:
    """The time between start and end."""

    def __init__(self, job: Running, watched: Watched, reader: FrameReader, limits: Limits, started: float) -> None:
        self.job, self.watched, self.reader, self.limits = job, watched, reader, limits
        self.wall_end = started + limits.wall_s
        self.drain_end: float | None = None  # set once nothing more is expected
        self.next_look = started + _LOOK_EVERY_S
        self.most_counted = 0  # bytes, each page as often as it is mapped

    def run(self, request: bytes, asked: Pipe, printed: Pipe, result: Pipe) -> None:
        with selectors.DefaultSelector() as selector:
            for end in (asked.writing, printed.reading, result.reading):
                os.set_blocking(end, False)
            selector.register(asked.writing, selectors.EVENT_WRITE, _Request(asked, request))
            selector.register(printed.reading, selectors.EVENT_READ, self._printed)
            selector.register(result.reading, selectors.EVENT_READ, self._answered)
            while self._is_going_on(selector):
                next_end = self.drain_end if self.drain_end is not None else self.wall_end
                wait = min(self.next_look, next_end) - time.monotonic()
                if not selector.get_map():
                    time.sleep(min(max(wait, 0.001), 0.002))  # all pipes closed: only the end is awaited
                    continue
                for key, _events in selector.select(max(wait, 0.0)):
                    if not key.data(key.fd):
                        selector.unregister(key.fileobj)
                        if isinstance(key.data, _Request):
                            key.data.close()

    def _is_going_on(self, selector: selectors.BaseSelector) -> bool:
        if _called_off.is_set():
            raise CalledOffError
        now = time.monotonic()
        if self.job.is_over(self.watched):
            if not selector.get_map():
                return False
            self._drain(now)
        if self.drain_end is not None and now >= self.drain_end:
            return False
        if now >= self.wall_end and self.drain_end is None:
            self._stop("wall")
        if now >= self.next_look:
            self.next_look = now + _LOOK_EVERY_S
            self._look()
        return True

    def _look(self) -> None:
        members, most = self.job.members(), self.limits.memory_mb * 2**20
        use = use_of(members)
        held = use.private_bytes if use.private_bytes <= most else own_bytes(members)
        self.watched.peak_bytes = max(self.watched.peak_bytes, held)
        if use.private_bytes > _GROWN * self.most_counted:
            self.most_counted = use.private_bytes
            saw(own_bytes(members))
        self.watched.cpu_seconds = max(self.watched.cpu_seconds, use.cpu_s)
        if self.drain_end is not None:
            return
        if use.cpu_s > self.limits.cpu_s:
            self._stop("cpu")
        elif held > most:
            self._stop("memory")
        elif self._files() > MOST_FILES:
            self._stop("files")

    def _files(self) -> int:
        """How many files the box holds. Before the program has started, its root may still be the machine's own."""
        return max(map(files_in, self.job.folders()), default=0) if self.reader.is_started else 0

    def _stop(self, what: str, why: str = "") -> None:
        if not self.reader.is_complete or what == "malformed":
            self.watched.stopped, self.watched.why = what, why
        self._drain(time.monotonic())
        self.job.kill()

    def _drain(self, now: float) -> None:
        if self.drain_end is None:
            self.drain_end = now + GRACE_S

    def _printed(self, descriptor: int) -> bool:
        block = _read(descriptor)
        if block:
            self.watched.output.add(block)
        return block != b""

    def _answered(self, descriptor: int) -> bool:
        block = _read(descriptor)
        if block is None or self.watched.stopped == "malformed":
            return block != b""
        try:
            if not block:
                self.reader.finish()
                return False
            self.reader.feed(block)
        except MalformedError as error:
            self._stop("malformed", str(error))
            return False
        if self.reader.is_complete:
            self._drain(time.monotonic())
        return True


class _Request:
    """Writes the request as the pipe takes it, and closes the pipe."""

    def __init__(self, pipe: Pipe, data: bytes) -> None:
        self.pipe, self.data = pipe, memoryview(data)

    def __call__(self, descriptor: int) -> bool:
        try:
            self.data = self.data[os.write(descriptor, self.data) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return bool(self.data)

    def close(self) -> None:
        self.pipe.close_writing()


def _read(descriptor: int) -> bytes | None:
    """The next bytes, nothing at the end, None where there are none yet."""
    try:
        return os.read(descriptor, _BLOCK)
    except (BlockingIOError, InterruptedError):
        return None


def writable(root_of: int) -> list[str]:
    """The two writable folders of a box, by a process in it."""
    return [f"/proc/{root_of}/root{path}" for path in (TEMPORARY, SHARED)]


def wait_until_over(job: Running, watched: Watched, seconds: float = GRACE_S) -> bool:
    """Whether it ended in time."""
    patience = time.monotonic() + seconds
    while not job.is_over(watched):
        if time.monotonic() >= patience:
            return False
        with suppress(InterruptedError):
            time.sleep(0.002)
    return True
