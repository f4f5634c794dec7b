"""How well can this machine keep student code apart, and does it really? Found out by trying, never by a version."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grader.limits import Limits
from grader.model import Json
from grader.sandbox.boxes import bubblewrap
from grader.sandbox.job import run
from grader.sandbox.layout import environment
from grader.sandbox.outcome import ISOLATED, TRUSTED, Answered, Level, StudentFault, SystemFault

_L3 = Level(ISOLATED, "bubblewrap works here")
_NEEDED = ("--disable-userns", "--as-pid-1", "--size", "--ro-bind-data", "--perms")

# What bubblewrap says, and what helps.
_REMEDIES = (
    (
        "uid map",
        "allow bubblewrap user namespaces: an AppArmor profile for bwrap with `userns,` (Ubuntu 24.04 and newer)",
    ),
    ("No permissions to creat", "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1"),
    (
        "namespace",
        "allow user namespaces; in a container, start it with a seccomp profile that permits unshare and mount",
    ),
    ("max_user_namespaces", "allow user namespaces: sysctl user.max_user_namespaces=10000"),
    ("open files", "allow more open files: ulimit -n 4096"),
    ("setgroups", "start the grader as an ordinary user, not as root in a container"),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One door that was tried: what it promises, whether it held, what was seen, and what to do where it did not."""

    name: str
    is_passed: bool
    said: str
    fix: str = ""


def level(asked: str = "auto") -> Level:
    """The level at which jobs run here: L3 where bubblewrap starts, otherwise L1, with the reason and the remedy.

    With "none" it is L1 by wish. The answer to "auto" is found by one start of a box, once per process.

    >>> level("none").is_isolated
    False
    """
    if asked == "none":
        return Level(TRUSTED, "asked for: no sandbox, for one's own code only", "leave out --sandbox none")
    if asked != "auto":
        raise ValueError(f"a sandbox is 'auto' or 'none', not {asked!r}")
    return _best()


@cache
def _best() -> Level:
    if sys.platform != "linux":
        fix = "grade other people's code on Linux (a virtual machine, WSL 2 or a container)"
        return Level(TRUSTED, f"bubblewrap needs Linux, this is {sys.platform}", fix)
    bwrap = bubblewrap()
    if bwrap is None:
        return Level(TRUSTED, "bubblewrap is not installed", "install it: apt install bubblewrap")
    lacking = [option for option in _NEEDED if option not in _options(bwrap)]
    if lacking:
        fix = "install bubblewrap 0.8 or newer"
        return Level(TRUSTED, f"this bubblewrap is too old: it does not know {lacking[0]}", fix)
    ended = run("probe", files={}, request={"ping": None}, level=_L3, limits=Limits(wall_s=30, cpu_s=30, memory_mb=512))
    if isinstance(ended, Answered):
        return _L3
    said = ended.problem.what
    if ended.problem.code == "machine-limit":
        return Level(TRUSTED, said, ended.problem.fix)
    fix = next((remedy for word, remedy in _REMEDIES if word in said), "run `bwrap --ro-bind / / true` to see why")
    return Level(TRUSTED, f"bubblewrap does not start: {said}", fix)


def _options(bwrap: str) -> str:
    try:
        asked = subprocess.run(  # noqa: S603  the path was found by us
            [bwrap, "--help"], capture_output=True, text=True, env={}, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout + asked.stderr


# --- the self-test -----------------------------------------------------------------------------


def self_test(of: Level | None = None) -> list[Probe]:
    """Try every door of the box, for `grader doctor`. A door that could not be tried counts as open.

    Takes about two seconds. At L1 there are no walls, so that only the limits are tried.
    """
    of = of or level()
    with _canary() as canary, _listener() as port, _descriptor() as descriptor:
        probes = [*_limits(of)]
        if of.is_isolated:
            probes = [*_walls(of, canary, port, descriptor), *_caps(of), *probes]
    return probes


def _walls(of: Level, canary: str, port: int, descriptor: int) -> Iterator[Probe]:
    request = {
        # Not in /tmp alone: the box has its own.
        "read": [canary, str(Path(__file__)), "/etc/passwd"],
        "connect": port,
        "environment": None,
        "descriptors": None,
        "hoard": None,
        "namespace": None,
        "identity": None,
    }
    ended, seen = _asked(of, request)

    def probe(name: str, is_passed: Callable[[dict[str, Json]], bool], said: Callable[[dict[str, Json]], str]) -> Probe:
        if seen is None:
            return Probe(
                name, is_passed=False, said=f"could not be tried: {_problem(ended)}", fix="see the level above"
            )
        held = is_passed(seen)
        return Probe(name, held, said(seen), "" if held else "do not run other people's code on this machine")

    def _words(seen: dict[str, Json]) -> str:
        return ", ".join(sorted(set(seen["read"].values())))

    yield probe("files outside cannot be read", lambda s: set(s["read"].values()) == {"FileNotFoundError"}, _words)
    yield probe(
        "the network is off",
        lambda s: s["connect"] != "connected" and s["connect"].endswith("Error"),
        lambda s: s["connect"],
    )
    ours = {*environment(), "LC_CTYPE", "PWD"}
    yield probe(
        "the environment is empty",
        lambda s: set(s["environment"]["here"]) | set(s["environment"]["first"]) <= ours,
        lambda s: ", ".join(sorted(set(s["environment"]["first"]) - ours)) or "only our own words",
    )
    yield probe(
        "no open file is handed in",
        lambda s: len(s["descriptors"]) <= 4 and descriptor not in s["descriptors"],
        lambda s: f"open: {', '.join(map(str, s['descriptors']))}",
    )
    yield probe(
        "no memory outside of processes",
        lambda s: "made" not in s["hoard"].values(),
        lambda s: ", ".join(f"{way}: {end}" for way, end in s["hoard"].items()),
    )
    yield probe("no namespace within", lambda s: "made" not in s["namespace"], lambda s: ", ".join(s["namespace"]))
    yield probe(
        "nobody, alone, in a session of its own",
        lambda s: s["identity"][0] != 0 and s["identity"][1:] == [1, 0, 1],
        lambda s: "uid {}, pid {}, parent {}, session {}".format(*s["identity"]),
    )


def _caps(of: Level) -> Iterator[Probe]:
    limits = Limits(processes=16, tmpfs_mb=2, wall_s=30)
    size = 4 * 2**20
    ended, seen = _asked(of, {"fork": 40, "fill": [size, "/", "/tmp", "/dev/shm", "/dev", "/box"]}, limits)  # noqa: S108
    for name in ("processes are counted", "every writable folder has a size"):
        if seen is None:
            yield Probe(name, is_passed=False, said=f"could not be tried: {_problem(ended)}", fix="see the level above")
        elif name.startswith("processes"):
            held = seen["fork"] < limits.processes
            yield Probe(
                name, held, f"{seen['fork']} of 40 started", "" if held else "run the grader as an ordinary user"
            )
        else:
            held = all(count < size for count in seen["fill"].values())
            said = ", ".join(f"{path}: {max(count, 0):,}" for path, count in seen["fill"].items()) + " bytes"
            yield Probe(name, held, said, "" if held else "install bubblewrap 0.8 or newer")


def _limits(of: Level) -> Iterator[Probe]:
    ended, seen = _asked(of, {"allocate": 2 * 2**30}, Limits(memory_mb=512, wall_s=30))
    held = seen is not None and seen["allocate"] == "MemoryError"
    said = seen["allocate"] if seen is not None else f"could not be tried: {_problem(ended)}"
    yield Probe("memory is limited", held, said, "" if held else "this system ignores RLIMIT_AS: grade on Linux")
    ended, _ = _asked(of, {"sleep": 30}, Limits(wall_s=1))
    held = isinstance(ended, StudentFault) and ended.problem.code == "wall-time"
    yield Probe(
        "the clock ends a job", held, f"ended after {ended.seconds:.1f} s of 1 s", "" if held else "report this"
    )
    ended, _ = _asked(of, {"spin": 30}, Limits(wall_s=20, cpu_s=0.5))
    held = isinstance(ended, StudentFault) and ended.problem.code == "cpu-time"
    yield Probe(
        "CPU time is counted", held, f"ended after {ended.cpu_seconds:.1f} s of 0.5 s", "" if held else "report this"
    )


Tried = tuple[Answered | StudentFault | SystemFault, dict[str, Json] | None]


def _asked(of: Level, request: dict[str, Json], limits: Limits | None = None) -> Tried:
    ended = run("probe", files={}, request=request, limits=limits or Limits(wall_s=30), level=of)
    return ended, ended.result if isinstance(ended, Answered) else None


def _problem(ended: Answered | StudentFault | SystemFault) -> str:
    return "" if isinstance(ended, Answered) else ended.problem.what


@contextmanager
def _canary() -> Iterator[str]:
    with tempfile.NamedTemporaryFile(prefix="grader-canary-") as file:
        file.write(b"out of reach\n")
        file.flush()
        Path(file.name).chmod(0o644)
        yield file.name


@contextmanager
def _listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def _descriptor() -> Iterator[int]:
    """An open descriptor that a careless start would hand on."""
    descriptor = os.open("/", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
