"""What does a tree of processes use right now? Read from /proc, where student code cannot change the figures.

One process's own limits (RLIMIT_CPU, RLIMIT_AS) do not bound sixty-four of them; the sum does.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from grader.frozen import dataclass

_PROC = Path("/proc")
_seen = threading.local()


@dataclass(frozen=True, slots=True)
class Use:
    """Seconds of CPU, bytes of private memory, and processes, of a tree that is alive."""

    cpu_s: float = 0.0
    private_bytes: int = 0
    processes: int = 0


def tree(pid: int) -> Iterator[int]:
    """The process and its descendants, parents first. Those that end meanwhile are left out."""
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += children(current)


def children(pid: int) -> list[int]:
    """The processes that it started, or adopted."""
    found: list[int] = []
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except (OSError, ValueError):
        return found or _children_by_parent(pid)
    return found


def _children_by_parent(pid: int) -> list[int]:
    """The slow way, for kernels that do not list children."""
    if (_PROC / "self" / "task" / str(os.getpid()) / "children").exists() or not _PROC.is_dir():
        return []
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (the third of the manual page's list)."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def use_of(pids: Iterable[int]) -> Use:
    """The sum over these processes: nothing where there is no /proc."""
    if not _PROC.is_dir():
        return Use()
    ticks = os.sysconf("SC_CLK_TCK")
    page = os.sysconf("SC_PAGE_SIZE")
    cpu = memory = count = 0
    for member in pids:
        fields = _stat(member)
        if len(fields) < 15:
            continue
        # utime, stime, and those of children that it has waited for
        cpu += sum(map(int, fields[11:15]))
        count += 1
        with suppress(OSError, ValueError, IndexError):
            sizes = (_PROC / str(member) / "statm").read_text().split()
            memory += (int(sizes[1]) - int(sizes[2])) * page  # resident less shared
    return Use(cpu / ticks, memory, count)


def own_bytes(pids: Iterable[int]) -> int:
    """Private memory of these processes, with a page that several of them share counted once.

    Right after a fork all pages are shared: twenty workers of a data loader are not twenty times torch. It takes
    milliseconds a process: ask only where the plain sum is too large. Where the kernel does not tell, it is that sum.
    """
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            total += use_of([pid]).private_bytes
            continue
        told = [line.split()[1] for line in lines if line.startswith("Pss_Anon:")]
        total += int(told[0]) * 1024 if told else use_of([pid]).private_bytes
    return total


def saw(held: int) -> None:
    """Something that this thread watches held so many bytes of memory."""
    _seen.most = max(held, getattr(_seen, "most", 0))


def most_seen() -> int:
    """The most that this thread saw since it was asked last, in bytes; 0 where it took no look.

    >>> before = most_seen()
    >>> saw(3), saw(2), most_seen(), most_seen()
    (None, None, 3, 0)
    """
    most = getattr(_seen, "most", 0)
    _seen.most = 0
    return most


def most_held(pid: int) -> int:
    """The most that one process has held resident since it began, in bytes; 0 where that is not told."""
    try:
        lines = (_PROC / str(pid) / "status").read_text(errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since it started; 0 where it does not say."""
    try:
        lines = (_PROC / "vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def files_in(folder: str) -> int:
    """How many files are in the file system of `folder`; 0 where that cannot be seen."""
    try:
        seen = os.statvfs(folder)
    except OSError:
        return 0
    return seen.f_files - seen.f_ffree


def is_alive(pid: int) -> bool:
    """Whether it is there, and not only waited for."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def kill(pids: list[int]) -> None:
    """SIGKILL, to those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
