"""How well can this machine keep student code apart, and does it really? Found out by trying, never by a version."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

from grader.limits import Limits
from grader.sandbox import doors
from grader.sandbox.boxes import bubblewrap
from grader.sandbox.doors import Probe
from grader.sandbox.job import run
from grader.sandbox.outcome import ALONE, ISOLATED, TRUSTED, Answered, Level, StudentFault, SystemFault
from grader.sandbox.raising import install, this_system

_KILLED = ("sandbox-killed", "signal")
_L3 = Level(ISOLATED, "bubblewrap works here")
_NEEDED = ("--disable-userns", "--as-pid-1", "--size", "--ro-bind-data", "--perms")

# What bubblewrap says, and what helps. `grader doctor` has the long form, for the system at hand (raising.py).
_APPARMOR = (
    "allow bubblewrap user namespaces: an AppArmor profile for bwrap with `userns,` (Ubuntu 24.04 and newer), of which "
    "`grader doctor` shows the lines"
)
_REMEDIES = (
    ("uid map", _APPARMOR),
    ("RTM_NEWADDR", _APPARMOR),  # the namespace was given, and the powers in it were not
    ("mount proc", "in a container, start it with its system paths unmasked: `grader doctor` says how"),
    ("No permissions to creat", "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1"),
    (
        "namespace",
        "allow user namespaces; in a container, start it with a seccomp profile that permits unshare and mount",
    ),
    ("max_user_namespaces", "allow user namespaces: sysctl user.max_user_namespaces=10000"),
    ("open files", "allow more open files: ulimit -n 4096"),
    ("setgroups", "start the grader as an ordinary user, not as root in a container"),
)


def level(asked: str = "auto") -> Level:
    """The level at which jobs run here, with the reason and how to raise it.

    L3 where bubblewrap starts, else L2 where the walls that a process can put up by itself hold, else L1. With "none"
    it is L1 by wish. The answer to "auto" is found by starting boxes, once per process.

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
    boxed = _boxed()
    return boxed if boxed.has_namespaces else _alone(boxed)


def _boxed() -> Level:
    """L3, or L1 with the reason why it is not L3."""
    bwrap = bubblewrap()
    if bwrap is None:
        return Level(TRUSTED, "bubblewrap is not installed", f"install it: {install(this_system())}")
    lacking = [option for option in _NEEDED if option not in _options(bwrap)]
    if lacking:
        fix = "install bubblewrap 0.8 or newer"
        return Level(TRUSTED, f"this bubblewrap is too old: it does not know {lacking[0]}", fix)
    ended = _ping()
    if not isinstance(ended, Answered) and ended.problem.code in _KILLED:  # somebody's doing: it says nothing of boxes
        ended = _ping()
    if isinstance(ended, Answered):
        return _L3
    said = ended.problem.what
    if ended.problem.code == "machine-limit":
        return Level(TRUSTED, said, ended.problem.fix)
    fix = next((remedy for word, remedy in _REMEDIES if word in said), "run `bwrap --ro-bind / / true` to see why")
    return Level(TRUSTED, f"bubblewrap does not start: {said}", fix)


def _ping() -> Answered | StudentFault | SystemFault:
    return run("probe", files={}, request={"ping": None}, level=_L3, limits=Limits(wall_s=30, cpu_s=30, memory_mb=512))


def _alone(without: Level) -> Level:
    """L2 where its walls hold, each of them tried; else L1, with what is missing for either."""
    from grader.sandbox import alone
    from grader.sandbox.layout import installation

    lacking = alone.why_not(installation())
    if lacking:
        reason, fix = lacking
        return Level(TRUSTED, f"{without.reason}; nor is there level L2: {reason}", f"{without.fix}; or {fix}")
    of = Level(ALONE, "")
    failed = [probe for probe in doors.quickly(of) if not probe.is_passed]
    if failed:
        seen = ", ".join(f"{probe.name}: {probe.said}" for probe in failed)
        return Level(TRUSTED, f"{without.reason}; nor does level L2 hold here ({seen})", without.fix)
    return Level(ALONE, f"{without.reason}, so that {alone.WALLS}; {alone.NOT_COVERED}", without.fix)


def self_test(of: Level | None = None) -> list[Probe]:
    """Try every door of the box, for `grader doctor`. A door that could not be tried counts as open.

    Takes about two seconds. At L1 there are no walls, so that only the limits are tried.
    """
    return doors.tried(of or level())


def _options(bwrap: str) -> str:
    try:
        asked = subprocess.run(  # noqa: S603  the path was found by us
            [bwrap, "--help"], capture_output=True, text=True, env={}, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout + asked.stderr
