"""Do the walls around a warmed process hold? Every one is tried when it starts, by its first two jobs.

They try what hostile code would: a file outside, a port, a namespace, more processes, memory and files than allowed,
an open descriptor; and one sleeps past its clock. Whatever does not hold is named, and the process is not used.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from grader.limits import Limits
from grader.model import Json
from grader.sandbox.layout import SHARED, TEMPORARY

TMPFS_MB, PROCESSES = 2, 8
OWN = (TEMPORARY, SHARED)
_FILL = 4 * 2**20
_FAR = 600
TRIED = Limits(memory_mb=4096, wall_s=30, cpu_s=30, processes=PROCESSES, tmpfs_mb=TMPFS_MB)
SLEPT = Limits(memory_mb=4096, wall_s=0.05, cpu_s=30)
SLEEP: Json = {"sleep": 30}

_HOLDS: tuple[tuple[str, Callable[[Any, int], bool]], ...] = (
    ("a file outside can be read", lambda seen, _: set(seen["read"].values()) == {"FileNotFoundError"}),
    ("the network can be reached", lambda seen, _: seen["connect"] != "connected"),
    ("an open file is handed in", lambda seen, own: own not in seen["descriptors"] and len(seen["descriptors"]) <= 4),
    ("memory outside of processes can be had", lambda seen, _: "made" not in seen["hoard"].values()),
    ("a namespace can be made within", lambda seen, _: "made" not in seen["namespace"]),
    ("it is not nobody, alone, in a session of its own", lambda seen, _: seen["identity"][1:] == [1, 0, 1]),
    ("processes are not counted", lambda seen, _: seen["fork"] < PROCESSES),
    ("a writable folder has no size of its own", lambda seen, _: _is_sized(seen["fill"])),
    ("memory is not limited", lambda seen, _: seen["allocate"] == "MemoryError"),
)


def _is_sized(written: Mapping[str, int]) -> bool:
    """The two temporary folders hold what was said, and nothing else can be written.

    Another size would be that of the warmed process's own folders, which all jobs would share.
    """
    return all(count == (TMPFS_MB * 2**20 if path in OWN else -1) for path, count in written.items())


@contextmanager
def baits() -> Iterator[tuple[dict[str, Json], int]]:
    """A request of the program `probe`, with a canary, a listener and an open descriptor that are really there.

    Gives the request, and the number of the descriptor.
    """
    import fcntl  # not on every system that can import this file

    with ExitStack() as stack:
        canary = stack.enter_context(tempfile.NamedTemporaryFile(prefix="grader-canary-"))
        canary.write(b"out of reach\n")
        canary.flush()
        os.fchmod(canary.fileno(), 0o644)
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        # Far from the numbers that pipes get in the box: one of its own is not ours because its number is.
        descriptor = fcntl.fcntl(canary.fileno(), fcntl.F_DUPFD, _FAR)
        stack.callback(os.close, descriptor)
        os.set_inheritable(descriptor, True)
        yield (
            {
                "read": [canary.name, __file__, "/etc/passwd"],
                "connect": server.getsockname()[1],
                "descriptors": None,
                "hoard": None,
                "namespace": None,
                "identity": None,
                "fork": 3 * PROCESSES,
                "fill": [_FILL, "/", *OWN, "/dev", "/box", "/box/job"],
                "allocate": 2**40,
            },
            descriptor,
        )


def holes(seen: Json, descriptor: int) -> list[str]:
    """What does not hold, by what the probe saw; every wall, where it saw nothing that can be read.

    >>> len(holes({}, 9))
    9
    """
    found = []
    for name, holds in _HOLDS:
        try:
            is_held = holds(seen, descriptor)
        except (KeyError, TypeError, AttributeError):
            is_held = False
        if not is_held:
            found.append(name)
    return found
