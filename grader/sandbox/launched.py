"""How is a job started as a process of its own? Cold: a new box or a bare process, which ends with the job."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from grader.limits import Limits
from grader.sandbox.process import GRACE_S, Pipe, Watched, wait_until_over, watch, writable
from grader.sandbox.protocol import FrameReader
from grader.sandbox.usage import kill, tree


class Launched:
    """A process of its own. `is_wrapped` where the outermost is bubblewrap, which ends when the box has."""

    def __init__(self, process: subprocess.Popen[bytes], *, is_wrapped: bool) -> None:
        self.process, self.is_wrapped = process, is_wrapped

    @property
    def root(self) -> int:
        return self.process.pid

    def members(self) -> list[int]:
        return list(tree(self.process.pid))

    def folders(self) -> list[str]:
        members = self.members()[:2]
        return writable(members[1]) if self.is_wrapped and len(members) > 1 else []

    def is_over(self, watched: Watched) -> bool:
        """Also takes its CPU time, with that of all that it waited for."""
        process = self.process
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

    def kill(self) -> None:
        """Bubblewrap itself is spared: it ends with the box and hands on the CPU time of the others."""
        members = self.members()
        kill(members[1:] if self.is_wrapped and len(members) > 1 else members)

    def end(self, watched: Watched) -> None:
        if not self.is_over(watched):
            self.kill()
            wait_until_over(self, watched, GRACE_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # L1, where nothing else binds them together
        while not self.is_over(watched):
            kill([self.process.pid])
            time.sleep(0.005)


def launch(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    request: bytes,
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
    is_wrapped: bool,
    folder: str | None = None,
    made: Callable[[subprocess.Popen[bytes]], Launched] | None = None,
) -> Watched:
    """Run `command` to its end, or end it.

    `descriptors` stay open in it, and so does the writing end of the pipe `result`; everything else is closed.
    `request` is its standard input. `made` says how the started process is looked after, where not as a plain
    Launched. Raises OSError where it cannot be started, CalledOffError where the run was
    called off; nothing is left then.
    """
    asked, printed = Pipe(), Pipe()
    try:
        process = subprocess.Popen(  # noqa: S603  the command is ours, word by word
            command,
            stdin=asked.reading,
            stdout=printed.writing,
            stderr=printed.writing,  # one pipe, so that the order of what is printed is kept
            env=dict(environment),
            cwd=folder,
            pass_fds=[*descriptors, result.writing],
            close_fds=True,
            start_new_session=True,
        )
        for close in (asked.close_reading, printed.close_writing, result.close_writing):
            close()
        job = made(process) if made is not None else Launched(process, is_wrapped=is_wrapped)
        return watch(job, request=request, asked=asked, printed=printed, result=result, reader=reader, limits=limits)
    finally:
        asked.close()
        printed.close()
