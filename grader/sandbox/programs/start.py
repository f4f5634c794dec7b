"""The first file that runs in the box: reads the request, sets the limits, runs the program, answers, ends.

`python -I -S -B start.py RESULT`, where RESULT is the number of the pipe to answer on. The request comes on standard
input. Everything up to `started` is ours; a failure before it is never the student's.
"""

from __future__ import annotations

import builtins
import importlib
import json
import math
import os
import resource
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

MOST_REQUEST_BYTES = 64 * 2**20
OPEN_FILES = 512


class Box:
    """Where things stand in here, and how to speak."""

    def __init__(self, root: str, channel: Any, limits: dict[str, Any]) -> None:
        self.root = root
        self.limits = limits  # for the sentence when one is met: what holds is outside of this process
        self.submission = f"{root}/job/submission"
        self.inputs = f"{root}/job/inputs"
        self.channel = channel


def main() -> NoReturn:
    """Cold: this process has been started for one job."""
    descriptor = int(sys.argv[1])
    said = read_request()
    add_paths(said["root"], said["sites"])
    if "walls" in said:  # no namespaces stand around it: before anything is imported that may start a thread
        importlib.import_module("programs.alone").enclose(said["walls"])
    run(said, descriptor)


def add_paths(root: str, sites: list[str]) -> None:
    """Make our programs and the machine's packages importable: the programs as one package, ahead of nothing."""
    sys.path.insert(0, root)
    importlib.import_module("programs")
    sys.path.remove(root)
    sys.path += sites
    # What `site` would have set, which does not run in here.
    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]


def run(said: dict[str, Any], descriptor: int, wall: Callable[[], None] | None = None, *, keepers: int = 0) -> NoReturn:
    """Do the job that the request names, answer on the descriptor, end the process.

    `wall` closes the last doors, once what the work needs has been imported.
    """
    # Kept, for student code may replace them: an answer ends the process, whatever atexit or threads were left.
    leave, printed = os._exit, (sys.stdout, sys.stderr)
    _only(descriptor)
    _limit(said["limits"], is_isolated=said["is_isolated"], keepers=keepers)
    sys.modules["programs"].__path__.append(f"{said['root']}/job/programs")  # where tests put a program of their own
    channels = importlib.import_module("programs.channel")
    channel = channels.Channel(descriptor, bytes.fromhex(said["nonce"]))
    program = importlib.import_module(f"programs.{said['program']}")
    prepare: Callable[[], None] | None = getattr(program, "prepare", None)
    if prepare is not None:
        prepare()
    if wall is not None:
        wall()
    channel.started()
    try:
        channel.answer(program.main(said["request"], Box(said["root"], channel, said["limits"])))
    except channels.Fault as fault:
        channel.fault(fault)
    except MemoryError:
        channel.fault(out_of_memory(channels.Fault, said["limits"]["memory_mb"]))
    except BaseException:  # noqa: BLE001  our program's own failure must reach the parent, whatever it is
        import traceback

        channel.broken(traceback.format_exc())
    for stream in printed:
        with suppress(BaseException):
            stream.flush()
    leave(0)


def out_of_memory(fault: Callable[..., Exception], memory_mb: int) -> Exception:
    """The limit was met outside of the student's own functions, such as while the checkpoint is read."""
    what = f"needs more than {memory_mb:,} MB of memory"
    fix = "hand in a smaller model"
    return fault("memory", "submission", what, fix, limit=f"{memory_mb:,} MB", use=f"over {memory_mb:,} MB")


def read_request() -> Any:
    """From standard input: a length, then so many bytes of JSON."""
    (length,) = struct.unpack("!Q", _exactly(8))
    if length > MOST_REQUEST_BYTES:
        raise ValueError(f"a request of {length:,} bytes")
    return json.loads(_exactly(length))


def _exactly(count: int) -> bytes:
    read = bytearray()
    while len(read) < count:
        block = os.read(0, count - len(read))
        if not block:
            raise EOFError("the request breaks off")
        read += block
    return bytes(read)


def _only(descriptor: int) -> None:
    """Close whatever else is open; nothing that this process starts gets the pipe."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    most = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, min(most, 65_536) if most > 0 else 65_536)
    os.set_inheritable(descriptor, False)


def _limit(limits: dict[str, Any], *, is_isolated: bool, keepers: int) -> None:
    """Hard limits of the kernel, for each process; the parent watches the sum of them all.

    `keepers` are processes of ours that are counted with the student's.
    """
    wanted = {
        "RLIMIT_AS": limits["memory_mb"] * 2**20,
        "RLIMIT_CPU": math.ceil(limits["cpu_s"]) + 1,  # the parent's clock comes first, and says it better
        "RLIMIT_FSIZE": limits["tmpfs_mb"] * 2**20,
        "RLIMIT_CORE": 1,  # no dump; unlike 0 not even to a program of the machine's that collects them (core_pattern)
        "RLIMIT_NOFILE": OPEN_FILES,
    }
    if is_isolated:
        # Counted in the box's own user namespace. Outside of a box it would count the user's other processes.
        wanted["RLIMIT_NPROC"] = limits["processes"] + keepers
    for name, most in wanted.items():
        which = getattr(resource, name)
        already = resource.getrlimit(which)[1]
        if already != resource.RLIM_INFINITY:
            most = min(most, already)  # noqa: PLW2901  nobody can raise it; where it matters the parent refused before
        try:
            resource.setrlimit(which, (most, most))
        except (ValueError, OSError):
            if is_isolated:
                raise
    _die_first()
    if not is_isolated and sys.platform == "linux":
        _end_with_parent()


def _die_first() -> None:
    """Where the machine runs out of memory the kernel ends this process, not the grader."""
    with suppress(OSError):
        adjustment = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        try:
            os.write(adjustment, b"1000")
        finally:
            os.close(adjustment)


def _end_with_parent() -> None:
    """What bubblewrap's --die-with-parent does in a box: no process outlives a grader that was killed."""
    import ctypes

    death_signal, kill = 1, 9  # PR_SET_PDEATHSIG, SIGKILL
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(death_signal, kill, 0, 0, 0)


if __name__ == "__main__":
    main()
