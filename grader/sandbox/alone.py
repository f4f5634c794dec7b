"""How is a job run without bubblewrap, and yet apart? Level L2: Landlock, a system call filter, limits, no more root.

    grader  ->  keep.py (holds the job's processes together)  ->  start.py  ->  programs/alone.py (the walls)

The job sees the machine's own tree of files, of which it can open the interpreter, its libraries and its own folder.
As root, the job becomes a user that nobody else is, so that its processes are counted by themselves; an ordinary
user's jobs are counted with all else that he runs, and so go one after another where there are no control groups.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from grader.limits import Limits
from grader.model import Json
from grader.places import cache_folder
from grader.sandbox import cgroups, layout, process, scratch, syscalls
from grader.sandbox.boxes import in_memory
from grader.sandbox.launched import Launched, launch
from grader.sandbox.process import MOST_FILES, CalledOffError, Pipe, Watched
from grader.sandbox.programs import landlock
from grader.sandbox.protocol import FrameReader

_KEEP = Path(__file__).parent / "keep.py"
_OURS = Path(__file__).parent.parent
_OPEN_FILES = 512
_SPARE_PROCESSES = 128  # of an ordinary user: what his other programs may start while a job goes on
WALLS = "Landlock, a filter of system calls and limits stand around a job instead"
NOT_COVERED = (
    "not covered: names, sizes and times of files outside and the list of processes can be seen; the disk is counted "
    "and not partitioned, nor are cores; data loaders with worker processes do not start"
)
# Ranges of users that nobody is, of which the first that this machine has is taken: by convention unused, and what is
# left of them in a container.
_USERS = (range(0x7000_0000, 0x7FFF_0000), range(61184, 65520))
_LOOK_EVERY_S = 0.1


def why_not(here: layout.Installation) -> tuple[str, str] | None:
    """What is missing for level L2 on this machine, and what helps; None where it can be tried."""
    if sys.platform != "linux":
        return f"Landlock is Linux's, this is {sys.platform}", "grade other people's code on Linux"
    if landlock.abi() == 0:
        fix = "use a kernel from 5.13 on with landlock in its list of security modules (lsm=)"
        return "this kernel has no Landlock", fix
    if not syscalls.program(alone=True):
        return f"there is no system call filter for {os.uname().machine}", "grade on x86-64 or arm64"
    if os.geteuid() == 0:
        if _user() is None:
            return "root has no other user to become in this container", "start the grader as an ordinary user"
        closed = _closed([here.python, *(source for source, _ in here.binds), tempfile.gettempdir()])
        if closed:
            return (
                f"the grader is root, and {closed} is closed to the user that a job becomes",
                "start the grader as an ordinary user, or with a Python that all may read",
            )
    return None


def words(here: layout.Installation, root: str) -> dict[str, Json]:
    """What the request says beside the rest: where things stand, and which walls the job puts up (programs/alone)."""
    readable, listed = [f"{root}/programs", f"{root}/job"], [root]
    ours = {_OURS, *(Path(site) / "grader" for site in here.sites)}
    for source, _ in here.binds:
        found = _around(Path(source), ours)
        readable += found[0]
        listed += found[1]
    walls: dict[str, Json] = {
        "readable": readable,
        "listed": listed,
        "writable": [f"{root}/work"],
        "filter": syscalls.program(alone=True).hex(),
    }
    return {"root": root, "sites": list(here.sites), "walls": walls}


def alone(
    here: layout.Installation,
    opened: Mapping[str, int],
    root: str,
    request: bytes,
    result: Pipe,
    reader: FrameReader,
    limits: Limits,
) -> Watched:
    """Run a job in `root`, an empty folder of ours, with the walls that `words` named in its request.

    `opened` are descriptors of its files, by their path in there. Raises OSError where it cannot be started.
    """
    uid = _user() if os.geteuid() == 0 else None
    work = scratch.furnish(root, opened)
    if uid is not None:
        os.chown(root, 0, uid)  # a group of which the job alone is: nobody else's way leads into the folder
        Path(root).chmod(0o750)
        os.chown(work, uid, uid)
    command = [here.python, *layout.PYTHON_OPTIONS, f"{root}/programs/start.py", str(result.writing)]
    plan = {
        "parent": os.getpid(),
        "root": root,
        "folder": work,
        "result": result.writing,
        "uid": uid,
        "command": command,
        "environment": layout.environment() | {"HOME": work, "TMPDIR": work},
    }
    try:
        with _turn(is_counted_alone=uid is not None):
            plan["limits"] = list(_limits(limits, uid).items())
            with in_memory(json.dumps(plan).encode()) as planned:
                return launch(
                    [sys.executable, "-I", "-S", "-B", str(_KEEP), str(planned)],
                    environment={},
                    descriptors=[planned],
                    request=request,
                    result=result,
                    reader=reader,
                    limits=limits,
                    is_wrapped=True,
                    made=lambda started: _Alone(started, work, reader, limits),
                )
    finally:
        scratch.empty(work)


class _Alone(Launched):
    """A job below its keeper. Its folder has no size of its own: what is in it is counted out here."""

    def __init__(self, started: subprocess.Popen[bytes], work: str, reader: FrameReader, limits: Limits) -> None:
        super().__init__(started, is_wrapped=True)
        self.work, self.reader, self.limits = work, reader, limits
        self.next_look = 0.0

    def folders(self) -> list[str]:
        return []

    def is_over(self, watched: Watched) -> bool:
        is_over = super().is_over(watched)
        if is_over:
            watched.is_lost = watched.returncode < 0  # the keeper runs no student byte: it was killed from outside
        elif time.monotonic() >= self.next_look:
            self._look(watched)
            self.next_look = time.monotonic() + _LOOK_EVERY_S
        return is_over

    def _look(self, watched: Watched) -> None:
        kept = scratch.kept_in(self.work, self.members()[1:], most_files=MOST_FILES)
        passed = "disk" if kept.size > self.limits.tmpfs_mb * 2**20 else ""
        if kept.files > MOST_FILES or kept.is_too_deep:
            passed = "files"
        if passed and not watched.stopped:
            if not self.reader.is_complete:
                watched.stopped = passed
            self.kill()


def most_processes(limits: Limits) -> int:
    """How many processes and threads a job of this user can have at most, beside the caps on all of them."""
    if os.geteuid() == 0:
        return limits.processes
    return limits.processes + (0 if cgroups.usable()[0] else _SPARE_PROCESSES)


def _limits(limits: Limits, uid: int | None) -> dict[str, int]:
    """The kernel's own limits, for each process; the parent watches the sum of them all."""
    most = {
        "RLIMIT_AS": limits.memory_mb * 2**20,
        "RLIMIT_CPU": math.ceil(limits.cpu_s) + 1,
        "RLIMIT_FSIZE": limits.tmpfs_mb * 2**20,
        "RLIMIT_CORE": 1,  # as in programs/start.py
        "RLIMIT_NOFILE": _OPEN_FILES,
    }
    if uid is not None:
        most["RLIMIT_NPROC"] = limits.processes
    elif not cgroups.usable()[0]:
        most["RLIMIT_NPROC"] = _tasks() + limits.processes + _SPARE_PROCESSES
    return most


def _tasks() -> int:
    """How many processes and threads this user has now."""
    count = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, KeyError):
                lines = (entry / "status").read_text(errors="replace").splitlines()
                said = dict(line.split(":", 1) for line in lines if ":" in line)
                count += int(said["Threads"]) * (int(said["Uid"].split()[0]) == os.getuid())
    return count


@contextmanager
def _turn(*, is_counted_alone: bool) -> Iterator[None]:
    """Wait until no other job of this user runs, where one job's processes would be counted with another's."""
    if is_counted_alone or cgroups.usable()[0]:
        yield
        return
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "alone.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while not _is_locked(descriptor):
            if process.is_called_off():
                raise CalledOffError
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# --- as root ----------------------------------------------------------------------------------


def _user() -> int | None:
    """A user that nobody else is, for one job; None where this machine knows none."""
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return None
    known = [range(first, first + length) for first, _, length in (map(int, line.split()) for line in lines)]
    for users in _USERS:
        if any(users[0] in own and users[-1] in own for own in known):
            return secrets.choice(users)
    return None


def _closed(paths: Iterable[str]) -> str:
    """The first of the paths, or of the folders on the way to them, that other users may not read; or nothing."""
    for path in paths:
        for part in (Path(path), *Path(path).parents):
            try:
                mode = part.stat().st_mode
            except OSError:
                continue
            if not mode & (0o004 if part == Path(path) else 0o001):
                return str(part)
    return ""


def _around(path: Path, closed: Iterable[Path]) -> tuple[list[str], list[str]]:
    """A path, or all beneath it but what is closed; and the folders of which only the names may be seen."""
    within = [one for one in closed if one == path or path in one.parents]
    if not within:
        return [str(path)], []
    readable: list[str] = []
    listed = [str(path)]
    if path not in within:
        for child in path.iterdir():
            found = _around(child, within)
            readable += found[0]
            listed += found[1]
    return readable, listed
