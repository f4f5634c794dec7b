"""Can the kernel itself count and cap all processes of a job together? Where it lets us: in a control group.

A group holds what no sum over /proc can: memory of files in a tmpfs, processes that come and go between two looks,
the CPU time of those that nobody waited for. Nothing relies on one, for a container or an ordinary user often has
none; `usable` says why, REMEDY what would help.

Groups are named after the process that made them, so that those of a grader that was killed are found and removed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from grader.frozen import dataclass
from grader.sandbox.cgroup_places import (
    Place,
    children,
    number,
    numbers,
    place_v1,
    place_v2,
    remove_folder,
    value,
    write,
)

_PATIENCE_S = 2.0
REMEDY = (
    "start the grader in a group of its own: systemd-run --user --scope --property=Delegate=yes grader ..., "
    "or as root where cgroups can be written"
)


@dataclass(frozen=True, slots=True)
class GroupUse:
    """What a group has used until now.

    `cpu_s` in seconds, of all processes that ever were in it; `peak_bytes` of memory, with files in memory and the
    cache of files that it was the first to read (so it may touch the limit without harm); `oom_kills` processes ended
    by the kernel for want of memory; `pids_denied` refusals of a further process. 0 where the kernel does not say.
    """

    cpu_s: float = 0.0
    peak_bytes: int = 0
    oom_kills: int = 0
    pids_denied: int = 0


def usable() -> tuple[str, str]:
    """The kind of groups that can be made here, "v2", "v1" or "", and a sentence: what they do, or why not.

    Tried once per process, by making a group and moving a process into it.

    >>> usable()[0] in ("v2", "v1", "")
    True
    """
    place, said = _tried()
    return (place.kind if place else "", said)


@dataclass(frozen=True, slots=True)
class Group:
    """A control group for one job. Use `create`; at the end `kill` and `remove`, which never raise."""

    kind: str
    folders: Mapping[str, Path]
    killer: Path | None

    @staticmethod
    def create(name: str, *, memory_bytes: int, processes: int) -> Group | None:
        """A new group with these caps on all of its processes together, or None where none can be made.

        `name` tells the jobs of this process apart. Without swap, where the kernel lets us. Threads count as
        processes.
        """
        place, _ = _tried()
        if place is None:
            return None
        _sweep(place)
        try:
            return _made(place, name, memory_bytes, processes)
        except OSError:
            return None

    def add(self, pid: int) -> None:
        """Move a process in; all that it starts from now on is in it too. Raises OSError where it is gone."""
        for folder in self._all():
            write(folder / "cgroup.procs", pid)

    def members(self) -> list[int]:
        """The processes in it now."""
        found: set[int] = set()
        for folder in self._all():
            found.update(numbers(folder / "cgroup.procs"))
        return sorted(found - {0})

    def use(self) -> GroupUse:
        """What it has used until now."""
        if self.kind == "v2":
            folder = self.folders[""]
            return GroupUse(
                cpu_s=value(folder / "cpu.stat", "usage_usec") / 1e6,
                peak_bytes=number(folder / "memory.peak") or number(folder / "memory.current"),
                oom_kills=value(folder / "memory.events", "oom_kill"),
                pids_denied=value(folder / "pids.events", "max"),
            )
        return GroupUse(
            cpu_s=number(self.folders["cpuacct"] / "cpuacct.usage") / 1e9,
            peak_bytes=number(self.folders["memory"] / "memory.max_usage_in_bytes"),
            oom_kills=value(self.folders["memory"] / "memory.oom_control", "oom_kill"),
            pids_denied=value(self.folders["pids"] / "pids.events", "max"),
        )

    def kill(self) -> None:
        """End every process in it, however fast they fork. Returns when none is left, after two seconds at most."""
        end = time.monotonic() + _PATIENCE_S
        killer = self.killer or self.folders.get("")
        if "pids" in self.folders:
            with suppress(OSError):
                write(self.folders["pids"] / "pids.max", 0)  # no new ones while we count
        while time.monotonic() < end:
            if killer is not None:
                with suppress(OSError):
                    write(killer / "cgroup.kill", 1)
            members = self.members()
            if not members:
                return
            for pid in members:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def remove(self) -> None:
        """Remove the group; processes that are left in it are ended first."""
        if self.members():
            self.kill()
        for folder in self._all():
            remove_folder(folder)

    def _all(self) -> Iterator[Path]:
        yield from self.folders.values()
        if self.killer is not None:
            yield self.killer


def _made(place: Place, name: str, memory_bytes: int, processes: int) -> Group:
    called = f"{_own_prefix()}{re.sub(r'[^A-Za-z0-9]+', '-', name)}"
    folders = {controller: folder / called for controller, folder in place.folders.items()}
    group = Group(place.kind, folders, place.killer / called if place.killer else None)
    try:
        for folder in group._all():  # noqa: SLF001  a constructor's part
            folder.mkdir()
        if place.kind == "v2":
            write(folders[""] / "memory.max", memory_bytes)
            write(folders[""] / "pids.max", processes)
            with suppress(OSError):
                write(folders[""] / "memory.swap.max", 0)
        else:
            write(folders["memory"] / "memory.limit_in_bytes", memory_bytes)
            write(folders["pids"] / "pids.max", processes)
            with suppress(OSError):
                write(folders["memory"] / "memory.swappiness", 0)
            with suppress(OSError):
                write(folders["memory"] / "memory.memsw.limit_in_bytes", memory_bytes)
    except OSError:
        group.remove()
        raise
    return group


# --- whether it works ------------------------------------------------------------------------


@cache
def _tried() -> tuple[Place | None, str]:
    if sys.platform != "linux":
        return None, f"control groups are Linux's, this is {sys.platform}"
    said = ["no cgroup file system is mounted here"]
    for find in (place_v2, place_v1):
        place = find()
        if isinstance(place, str):
            said.append(place)
            continue
        why = _trial(place)
        if not why:
            return place, f"cgroup {place.kind}: memory and processes of a job are capped together"
        said.append(why)
    return None, said[-1]


def _trial(place: Place) -> str:
    """Why it does not work, or nothing. A group is made, and a process of ours moved into it."""
    _sweep(place)
    try:
        group = _made(place, f"trial-{os.urandom(4).hex()}", 2**30, 64)
    except OSError as error:
        return f"no cgroup {place.kind} can be made ({error.strerror}: {error.filename})"
    sleeper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    )
    try:
        group.add(sleeper.pid)
        is_in = sleeper.pid in group.members()
    except OSError as error:
        return f"no process can be moved into a cgroup {place.kind} ({error.strerror})"
    finally:
        sleeper.kill()
        sleeper.communicate()
        group.remove()
    return "" if is_in else f"a process that is moved into a cgroup {place.kind} does not stay there"


# --- names, and what is left over -----------------------------------------------------------------


@cache
def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return "0"


def _own_prefix() -> str:
    pid = os.getpid()
    return f"grader-{_pid_namespace()}-{pid}-{_started(pid)}-"


def _started(pid: int) -> str:
    """When a process was started, in ticks: another process that gets its number later has another time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _sweep(place: Place) -> None:
    """Remove the groups of graders that are no more, with what is still running in them."""
    ours = re.compile(rf"grader-{_pid_namespace()}-([0-9]+)-([0-9]+)-")
    for controller, parent in place.folders.items():
        for child in children(parent):
            found = ours.match(child.name)
            if found and _started(int(found[1])) != found[2]:
                Group(place.kind, {controller: child}, None).remove()
    for child in children(place.killer) if place.killer else ():
        found = ours.match(child.name)
        if found and _started(int(found[1])) != found[2]:
            remove_folder(child)
