"""Do the walls stand? Every door is tried from within, as hostile code would, and what happened is said.

By behaviour, never by a version: some kernels claim what they do not do. A door that could not be tried counts as
open. The doors of a level without namespaces are its own: there a file outside can be seen to exist, and not opened.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json
from grader.sandbox.job import run
from grader.sandbox.layout import environment
from grader.sandbox.outcome import Answered, Level, StudentFault, SystemFault

_STAY_OUT = "do not run other people's code on this machine"
_OURS = {*environment(), "LC_CTYPE", "PWD"}
_MANY = 4 * 2**20
_FAR = 600


@dataclass(frozen=True, slots=True)
class Probe:
    """One door that was tried: what it promises, whether it held, what was seen, and what to do where it did not."""

    name: str
    is_passed: bool
    said: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Baits:
    """What is really there outside, for the probe to reach for."""

    canary: str
    port: int
    local: str
    descriptor: int


@dataclass(frozen=True, slots=True)
class _Door:
    """A door, as the answer of the program `probe` shows it."""

    name: str
    holds: Callable[[Any, Baits], bool]
    said: Callable[[Any], str]
    fix: str = _STAY_OUT


def tried(of: Level) -> list[Probe]:
    """Every door of this level, and the limits, which hold at every level. Takes about two seconds."""
    if not of.is_isolated:
        return [*limits(of)]
    with baits() as bait:
        return [*walls(of, bait), *caps(of), *limits(of)]


def quickly(of: Level) -> list[Probe]:
    """The doors without which a level is not used, in half a second: is it there at all?"""
    with baits() as bait:
        return [*walls(of, bait), *caps(of), _clock(of, 0.3)]


# --- walls ------------------------------------------------------------------------------------


def walls(of: Level, bait: Baits) -> Iterator[Probe]:
    """What lies outside and must stay there."""
    doors, request = (_BOXED, _boxed_request(bait)) if of.has_namespaces else (_ALONE, _alone_request(bait))
    yield from _judged(doors, *_asked(of, request), bait)


def _judged(doors: Iterable[_Door], ended: Ended, seen: Json, bait: Baits) -> Iterator[Probe]:
    for door in doors:
        if seen is None:
            yield _untried(door.name, ended)
        else:
            held = door.holds(seen, bait)
            yield Probe(door.name, held, door.said(seen), "" if held else door.fix)


def _untried(name: str, ended: Ended) -> Probe:
    return Probe(name, is_passed=False, said=f"could not be tried: {_problem(ended)}", fix="see the level above")


def _boxed_request(bait: Baits) -> dict[str, Json]:
    return {
        # Not in /tmp alone: the box has its own.
        "read": [bait.canary, str(Path(__file__)), "/etc/passwd"],
        "connect": bait.port,
        "environment": None,
        "descriptors": None,
        "hoard": None,
        "namespace": None,
        "identity": None,
    }


def _alone_request(bait: Baits) -> dict[str, Json]:
    return {
        "read": [bait.canary, str(Path(__file__)), "/etc/passwd", f"/proc/{os.getpid()}/environ"],
        "change": bait.canary,
        "connect": bait.port,
        "datagram": bait.port,
        "local": bait.local,
        "descriptors": None,
        "signal": [os.getpid()],
        "memory": os.getpid(),
        "hoard": None,
        "namespace": None,
        "identity": None,
        "fill": [_MANY, "/", "/tmp", "/dev/shm", str(Path.home())],  # noqa: S108
    }


def _is_refused(seen: Iterable[str]) -> bool:
    return all(word.endswith("Error") for word in seen)


def _words(seen: Iterable[str]) -> str:
    return ", ".join(sorted(set(seen)))


def _pairs(seen: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {end}" for name, end in seen.items())


_COMMON = (
    _Door(
        "no memory outside of processes",
        lambda seen, _: "made" not in seen["hoard"].values(),
        lambda seen: _pairs(seen["hoard"]),
    ),
    _Door(
        "no namespace within",
        lambda seen, _: "made" not in seen["namespace"],
        lambda seen: ", ".join(seen["namespace"]),
    ),
)
_HANDED_IN = _Door(
    "no open file is handed in",
    lambda seen, bait: len(seen["descriptors"]) <= 4 and bait.descriptor not in seen["descriptors"],
    lambda seen: f"open: {', '.join(map(str, seen['descriptors']))}",
)
_IDENTITY = "uid {}, pid {}, parent {}, session {}"
_BOXED = (
    _Door(
        "files outside cannot be read",
        lambda seen, _: set(seen["read"].values()) == {"FileNotFoundError"},
        lambda seen: _words(seen["read"].values()),
    ),
    _Door("the network is off", lambda seen, _: _is_refused([seen["connect"]]), lambda seen: seen["connect"]),
    _Door(
        "the environment is empty",
        lambda seen, _: set(seen["environment"]["here"]) | set(seen["environment"]["first"]) <= _OURS,
        lambda seen: ", ".join(sorted(set(seen["environment"]["first"]) - _OURS)) or "only our own words",
    ),
    _HANDED_IN,
    *_COMMON,
    _Door(
        "nobody, alone, in a session of its own",
        lambda seen, _: seen["identity"][0] != 0 and seen["identity"][1:] == [1, 0, 1],
        lambda seen: _IDENTITY.format(*seen["identity"]),
    ),
)
_ALONE = (
    _Door(
        "files outside cannot be read",
        lambda seen, _: set(seen["read"].values()) == {"PermissionError"},
        lambda seen: _words(seen["read"].values()),
    ),
    _Door(
        "files outside cannot be made or changed",
        lambda seen, _: _is_refused(seen["change"].values()) and set(seen["fill"].values()) == {-1},
        lambda seen: _pairs(seen["change"]),
    ),
    _Door(
        "the network is off",
        lambda seen, _: _is_refused((seen["connect"], seen["datagram"], seen["local"])),
        lambda seen: f"TCP: {seen['connect']}, UDP: {seen['datagram']}, a local socket: {seen['local']}",
    ),
    _HANDED_IN,
    _Door("no signal leaves", lambda seen, _: _is_refused(seen["signal"]), lambda seen: _words(seen["signal"])),
    _Door(
        "the memory of others is out of reach",
        lambda seen, _: _is_refused(seen["memory"].values()),
        lambda seen: _pairs(seen["memory"]),
    ),
    *_COMMON,
    _Door("not root", lambda seen, _: seen["identity"][0] != 0, lambda seen: _IDENTITY.format(*seen["identity"])),
)


# --- caps and limits --------------------------------------------------------------------------


def caps(of: Level) -> Iterator[Probe]:
    """What could be used up: processes, and the folders that may be written to."""
    yield from _caps_boxed(of) if of.has_namespaces else _caps_alone(of)


def _caps_boxed(of: Level) -> Iterator[Probe]:
    most = Limits(processes=16, tmpfs_mb=2, wall_s=30)
    ended, seen = _asked(of, {"fork": 40, "fill": [_MANY, "/", "/tmp", "/dev/shm", "/dev", "/box"]}, most)  # noqa: S108
    yield _counted(ended, seen, most.processes, 40)
    name = "every writable folder has a size"
    if seen is None:
        yield _untried(name, ended)
    else:
        held = all(count < _MANY for count in seen["fill"].values())
        said = ", ".join(f"{path}: {max(count, 0):,}" for path, count in seen["fill"].items()) + " bytes"
        yield Probe(name, held, said, "" if held else "install bubblewrap 0.8 or newer")


def _caps_alone(of: Level) -> Iterator[Probe]:
    from grader.sandbox.alone import most_processes

    most = Limits(processes=8, tmpfs_mb=2, wall_s=30)
    at_most = most_processes(most) + 16  # others of this user may end meanwhile
    ended, seen = _asked(of, {"fork": at_most + 24, "allocate": 2**40}, most)
    yield _counted(ended, seen, at_most, at_most + 24)
    name = "memory is capped in each process"
    if seen is None:
        yield _untried(name, ended)
    else:
        held = seen["allocate"] == "MemoryError"
        yield Probe(name, held, seen["allocate"], "" if held else _STAY_OUT)
    ended, _ = _asked(of, {"keep": _MANY, "sleep": 10}, most)
    held = isinstance(ended, StudentFault) and ended.problem.code == "disk"
    said = f"ended after {ended.seconds:.1f} s" if held else _problem(ended) or "went on"
    yield Probe("what is kept in its folder is counted", held, said, "" if held else _STAY_OUT)


def _counted(ended: Ended, seen: Json, most: int, asked: int) -> Probe:
    name = "processes are counted"
    if seen is None:
        return _untried(name, ended)
    held = 0 < seen["fork"] < most
    return Probe(name, held, f"{seen['fork']} of {asked} started", "" if held else "run the grader as an ordinary user")


def limits(of: Level) -> Iterator[Probe]:
    """Memory and clocks."""
    ended, seen = _asked(of, {"allocate": 2 * 2**30}, Limits(memory_mb=512, wall_s=30))
    held = seen is not None and seen["allocate"] == "MemoryError"
    said = seen["allocate"] if seen is not None else f"could not be tried: {_problem(ended)}"
    yield Probe("memory is limited", held, said, "" if held else "this system ignores RLIMIT_AS: grade on Linux")
    yield _clock(of, 1)
    ended, _ = _asked(of, {"spin": 30}, Limits(wall_s=20, cpu_s=0.5))
    held = isinstance(ended, StudentFault) and ended.problem.code == "cpu-time"
    said = f"ended after {ended.cpu_seconds:.1f} s of 0.5 s"
    yield Probe("CPU time is counted", held, said, "" if held else "report this")


def _clock(of: Level, seconds: float) -> Probe:
    """On a busy machine a job may not even have started by then, which says nothing: then it gets more time."""
    for patience in (seconds, 4 * seconds, 16 * seconds):
        ended, _ = _asked(of, {"sleep": 60}, Limits(wall_s=patience))
        if not isinstance(ended, SystemFault):
            break
    held = isinstance(ended, StudentFault) and ended.problem.code == "wall-time"
    said = f"ended after {ended.seconds:.1f} s of {patience:g} s"
    return Probe("the clock ends a job", held, said, "" if held else "report this")


# --- the tries --------------------------------------------------------------------------------

Ended = Answered | StudentFault | SystemFault


def _asked(of: Level, request: dict[str, Json], limits: Limits | None = None) -> tuple[Ended, Any]:
    """How it ended, and what the probe saw; None where it saw nothing."""
    ended = run("probe", files={}, request=request, limits=limits or Limits(wall_s=30), level=of)
    return ended, ended.result if isinstance(ended, Answered) else None


def _problem(ended: Ended) -> str:
    return "" if isinstance(ended, Answered) else ended.problem.what


def far_copy(descriptor: int) -> int:
    """A copy of a descriptor with a number that no pipe of a job can have by chance."""
    import fcntl  # not on every system that can import this file

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD, _FAR)


@contextmanager
def baits() -> Iterator[Baits]:
    """A file that all may read, two listening sockets, and an open descriptor that a careless start would hand on."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-canary-"))
        Path(folder).chmod(0o755)
        canary = Path(folder) / "canary"
        canary.write_bytes(b"out of reach\n")
        canary.chmod(0o644)
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(f"{folder}/local")
        local.listen()
        Path(f"{folder}/local").chmod(0o777)
        descriptor = far_copy(server.fileno())
        stack.callback(os.close, descriptor)
        os.set_inheritable(descriptor, True)
        yield Baits(str(canary), server.getsockname()[1], f"{folder}/local", descriptor)
