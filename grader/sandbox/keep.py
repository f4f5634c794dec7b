"""How do all processes of a job that stands alone end with it? Under one that they can neither leave nor reach.

Run as a script between the grader and a job at level L2: `keep.py PLAN`, where PLAN is the number of an open file with
JSON: `parent`, `root`, `folder`, `result`, `command`, `environment`, `limits` (pairs of a limit's name and value) and,
where the grader is root, `uid`. Whatever the job starts stays below this process (it is their subreaper); when the job
ends, or the grader does, all of it is killed, however fast it forks, and waited for, so that its CPU time is known.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from contextlib import suppress
from typing import Any, NoReturn

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
_PATIENCE_S = 10.0


def main() -> NoReturn:
    with os.fdopen(int(sys.argv[1])) as file:
        plan = json.load(file)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
    _prctl(_SET_CHILD_SUBREAPER, 1)
    _prctl(_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != plan["parent"]:
        sys.exit("the grader has ended")
    is_scoped = plan["uid"] is None and _landlock(plan["root"]).scope_signals()
    child = os.fork()
    if child == 0:
        _become(plan)
    _let_go(plan["result"])
    code = _waited(child)
    _end_all(plan["uid"], is_scoped=is_scoped)
    # Asked now, and not by the signal: a job can end by the grader's closed pipe before that comes.
    if os.getppid() != plan["parent"]:
        with suppress(RecursionError):  # of folders in folders without end
            shutil.rmtree(plan["root"], ignore_errors=True)  # nobody else is left to do it
    os._exit(code)


def _become(plan: dict[str, Any]) -> NoReturn:
    """Turn into the job: with its limits, without root, without anything of ours but the pipe."""
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for name, most in plan["limits"]:
            which = getattr(resource, name)
            already = resource.getrlimit(which)[1]
            value = most if already == resource.RLIM_INFINITY else min(most, already)
            resource.setrlimit(which, (value, value))
        uid = plan["uid"]
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)
        os.chdir(plan["folder"])
        os.execve(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606  no shell is meant
    except BaseException as error:  # noqa: BLE001  it must not go on as a second keeper
        os.write(2, f"the job could not be started: {error}\n".encode())
    os._exit(120)


def _let_go(result: int) -> None:
    """Hold none of the job's pipes: where it closes them, the grader must see it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(result)


def _waited(child: int) -> int:
    """The code with which the job ended (128 and more: by a signal). Also returns where the grader has ended."""
    while True:
        got = signal.sigwait({signal.SIGCHLD, signal.SIGTERM})
        if got == signal.SIGTERM:
            return 128 + signal.SIGTERM
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == child:
                    code = os.waitstatus_to_exitcode(found[1])
                    return code if code >= 0 else 128 - code


def _end_all(uid: int | None, *, is_scoped: bool) -> None:
    """Kill what is left until nothing is. By one call that reaches all at once, where there is such a one.

    Of another user's processes, or of those within our own Landlock domain, -1 means every one. Else they are killed
    one by one; what they started becomes ours meanwhile.
    """
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return  # whatever the job started would be ours by now
        if uid is not None:
            _kill_user(uid)
        elif is_scoped:
            with suppress(OSError):
                os.kill(-1, signal.SIGKILL)
        for pid in _children():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _kill_user(uid: int) -> None:
    """SIGKILL to all processes of a user that is only this job's: by one who has become that user."""
    helper = os.fork()
    if helper == 0:
        try:
            os.setresuid(uid, uid, uid)
            if os.getuid() == uid != 0:
                os.kill(-1, signal.SIGKILL)
        except BaseException:  # noqa: BLE001, S110  it is over either way
            pass
        os._exit(0)
    with suppress(ChildProcessError):
        os.waitpid(helper, 0)


def _children() -> list[int]:
    try:
        with open("/proc/thread-self/children") as file:  # noqa: PTH123  the fewest imports as root
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _landlock(root: str) -> Any:
    sys.path.insert(0, f"{root}/programs")
    return importlib.import_module("landlock")


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    main()
