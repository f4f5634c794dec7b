"""How is a job started, watched and ended? Clocks and sums out here; at the end no process of it is left.

The parent reads what comes on two pipes (the answer, and what is printed), looks at the tree's use ten times a
second, and kills the whole tree at the first limit. Nothing in here trusts the child to keep time.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from grader.limits import Limits
from grader.sandbox.layout import SHARED, TEMPORARY
from grader.sandbox.protocol import FrameReader, MalformedError
from grader.sandbox.text import Tail
from grader.sandbox.usage import files_in, kill, oom_kills, tree, use_of

_LOOK_EVERY_S = 0.1
_GRACE_S = 2.0  # for an end after the answer is complete, or after the kill
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


class ResultPipe:
    """The one private pipe out. Each end is closed once: other threads open files meanwhile, and reuse the numbers."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        self._open = {self.reading, self._writing}

    @property
    def writing(self) -> int:
        """The end that the box gets."""
        return self._writing

    def close_writing(self) -> None:
        self._close(self._writing)

    def close(self) -> None:
        for end in (self.reading, self._writing):
            self._close(end)

    def _close(self, end: int) -> None:
        if end in self._open:
            self._open.remove(end)
            os.close(end)


@dataclass
class Watched:
    """How it went. `stopped` is what the parent ended it for: wall, cpu, memory, malformed, or nothing."""

    returncode: int = 0  # below 0: ended by that signal
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    oom_kills: int = 0  # of the whole machine, while it ran
    stopped: str = ""
    why: str = ""
    is_wrapped: bool = False
    output: Tail = field(default_factory=lambda: Tail(0))


def watch(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    request: bytes,
    result: ResultPipe,
    reader: FrameReader,
    limits: Limits,
    is_wrapped: bool,
    folder: str | None = None,
) -> Watched:
    """Run `command` to its end, or end it.

    `descriptors` stay open in it, and so does the writing end of the pipe `result`; everything else is closed.
    `request` is its standard input. `is_wrapped` where the outermost process is bubblewrap, which ends when the box
    has. Raises OSError where it cannot be started, CalledOffError where the run was called off; nothing is left then.
    """
    watched = Watched(output=Tail(limits.output_kb * 1024), is_wrapped=is_wrapped)
    started, killed_before = time.monotonic(), oom_kills()
    process = subprocess.Popen(  # noqa: S603  the command is ours, word by word
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # one pipe, so that the order of what is printed is kept
        env=dict(environment),
        cwd=folder,
        pass_fds=[*descriptors, result.writing],
        close_fds=True,
        start_new_session=True,
    )
    try:
        result.close_writing()
        _Loop(process, watched, reader, limits, started).run(request, result.reading)
    finally:
        _end(process, watched)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    watched.seconds = time.monotonic() - started
    watched.oom_kills = oom_kills() - killed_before
    return watched


class _Loop:
    """The time between start and end."""

    def __init__(
        self, process: subprocess.Popen[bytes], watched: Watched, reader: FrameReader, limits: Limits, started: float
    ) -> None:
        self.process, self.watched, self.reader, self.limits = process, watched, reader, limits
        self.wall_end = started + limits.wall_s
        self.drain_end: float | None = None  # set once nothing more is expected
        self.next_look = started + _LOOK_EVERY_S

    def run(self, request: bytes, result_read: int) -> None:
        assert self.process.stdin is not None  # noqa: S101  for the type checker: both are pipes
        assert self.process.stdout is not None  # noqa: S101
        with selectors.DefaultSelector() as selector:
            for stream in (self.process.stdin, self.process.stdout):
                os.set_blocking(stream.fileno(), False)
            os.set_blocking(result_read, False)
            selector.register(self.process.stdin, selectors.EVENT_WRITE, _Request(self.process.stdin, request))
            selector.register(self.process.stdout, selectors.EVENT_READ, self._printed)
            selector.register(result_read, selectors.EVENT_READ, self._answered)
            while self._is_going_on(selector):
                next_end = self.drain_end if self.drain_end is not None else self.wall_end
                wait = min(self.next_look, next_end) - time.monotonic()
                if not selector.get_map():
                    time.sleep(min(max(wait, 0.001), 0.02))  # all pipes closed: only the end is awaited
                    continue
                for key, _events in selector.select(max(wait, 0.0)):
                    if not key.data(key.fd):
                        selector.unregister(key.fileobj)

    def _is_going_on(self, selector: selectors.BaseSelector) -> bool:
        if _called_off.is_set():
            raise CalledOffError
        now = time.monotonic()
        if _is_over(self.process, self.watched):
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
        use = use_of(self.process.pid)
        self.watched.peak_bytes = max(self.watched.peak_bytes, use.private_bytes)
        self.watched.cpu_seconds = max(self.watched.cpu_seconds, use.cpu_s)
        if self.drain_end is not None:
            return
        if use.cpu_s > self.limits.cpu_s:
            self._stop("cpu")
        elif use.private_bytes > self.limits.memory_mb * 2**20:
            self._stop("memory")
        elif self._files() > MOST_FILES:
            self._stop("files")

    def _files(self) -> int:
        """How many files the box holds. Before the program has started, its root may still be the machine's own."""
        members = list(tree(self.process.pid))[:2]
        if not self.watched.is_wrapped or not self.reader.is_started or len(members) < 2:
            return 0
        return max(files_in(f"/proc/{members[1]}/root{path}") for path in (TEMPORARY, SHARED))

    def _stop(self, what: str, why: str = "") -> None:
        if not self.reader.is_complete or what == "malformed":
            self.watched.stopped, self.watched.why = what, why
        self._drain(time.monotonic())
        _kill_tree(self.process, self.watched)

    def _drain(self, now: float) -> None:
        if self.drain_end is None:
            self.drain_end = now + _GRACE_S

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
    """Writes the request as the pipe takes it."""

    def __init__(self, stream: IO[bytes], data: bytes) -> None:
        self.stream, self.data = stream, memoryview(data)

    def __call__(self, descriptor: int) -> bool:
        try:
            self.data = self.data[os.write(descriptor, self.data) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False
        return bool(self.data)


def _read(descriptor: int) -> bytes | None:
    """The next bytes, nothing at the end, None where there are none yet."""
    try:
        return os.read(descriptor, _BLOCK)
    except (BlockingIOError, InterruptedError):
        return None


def _is_over(process: subprocess.Popen[bytes], watched: Watched) -> bool:
    """Whether it has ended; then its code and its CPU time, with those of all that it waited for, are known."""
    if process.returncode is not None:
        return True
    try:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
    except ChildProcessError:
        process.returncode = watched.returncode = -signal.SIGKILL  # someone else has waited for it
        return True
    if pid == 0:
        return False
    process.returncode = watched.returncode = os.waitstatus_to_exitcode(status)
    watched.cpu_seconds = max(watched.cpu_seconds, used.ru_utime + used.ru_stime)
    return True


def _kill_tree(process: subprocess.Popen[bytes], watched: Watched) -> None:
    """SIGKILL to all; bubblewrap itself is spared: it ends with the box and hands on the CPU time of the others."""
    members = list(tree(process.pid))
    kill(members[1:] if watched.is_wrapped and len(members) > 1 else members)


def _end(process: subprocess.Popen[bytes], watched: Watched) -> None:
    """Leave nothing behind."""
    if not _is_over(process, watched):
        _kill_tree(process, watched)
        patience = time.monotonic() + _GRACE_S
        while not _is_over(process, watched) and time.monotonic() < patience:
            time.sleep(0.005)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # L1, where nothing else binds them together
    while not _is_over(process, watched):
        kill([process.pid])
        time.sleep(0.005)
