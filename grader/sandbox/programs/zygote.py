"""The warmed process of a worker: imports once what every job needs, then forks a child for each. Runs no student byte.

`python -I -S -B zygote.py CONTROL`, where CONTROL is the number of a socket of whole messages. The first message says
what to import; each later one carries four descriptors (request, printed, result, parcel) and one word, whether it is
a training: what a job is about is read by its child alone, so that no child inherits a word of another's.

    grader -> zygote            zygote -> child (its namespaces' keeper) -> child (process 1 in there) -> the student

The keeper waits for process 1, so that the CPU time of all is counted, and ends as it ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

MESSAGE = 1 << 16
DESCRIPTORS = 4
TRAINING = b"training"


def main() -> NoReturn:
    gc.disable()  # imports make no rings that are lost, and looking for them takes a fifth of their time
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    setup = json.loads(control.recv(MESSAGE))
    sys.path.insert(0, setup["root"])
    start = importlib.import_module("programs.start")
    importlib.import_module("programs.walls")
    sys.path.remove(setup["root"])
    start.add_paths(setup["root"], setup["sites"])
    for name in setup["programs"]:
        importlib.import_module(f"programs.{name}")
    if setup["is_torch"]:
        importlib.import_module("programs.warmth").warm()
    _settle()
    control.send(b"ready")
    _serve(control, setup)


def _settle() -> None:
    """Leave everything as children are to find it."""
    gc.collect()
    gc.freeze()  # or the first collection of each child would copy every page of torch's objects
    gc.enable()
    if threading.active_count() != 1 or len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208
        sys.exit("a second thread runs: its locks would hang every child")


def _serve(control: socket.socket, setup: dict[str, Any]) -> NoReturn:
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE, DESCRIPTORS)
        if not message:
            os._exit(0)  # the grader is gone, or wants no more
        if message == TRAINING:  # said once, before the first
            gc.disable()
            importlib.import_module("programs.warmth").warm_for_training()
            _settle()
        keeper = os.fork()
        if keeper == 0:
            control.close()
            _keep(setup, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(b"forked")
        _, status, used = os.wait4(keeper, 0)
        ended = {"code": os.waitstatus_to_exitcode(status), "cpu_s": used.ru_utime + used.ru_stime}
        control.send(json.dumps(ended).encode())


def _keep(setup: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """The child: new namespaces, and process 1 in them. Ends as that one did."""
    code = 1
    try:
        request, printed, result, parcel = descriptors
        os.dup2(request, 0)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        for descriptor in (request, printed):
            os.close(descriptor)
        sys.modules["programs.walls"].apart()
        first = os.fork()
        if first == 0:
            _first(setup, result, parcel)
        for descriptor in (0, 1, 2, result, parcel):
            os.close(descriptor)
        _, status, _ = os.wait4(first, 0)
        code = os.waitstatus_to_exitcode(status)
    except BaseException as error:  # noqa: BLE001  nothing may return into the zygote's own loop
        _say(f"the job could not be set apart: {error}")
    os._exit(code if code >= 0 else 128 - code)


def _first(setup: dict[str, Any], result: int, parcel: int) -> NoReturn:
    """Process 1 of the new namespaces: the request, the files, the walls, the work."""
    try:
        os.setsid()  # no typing into a terminal, whatever the grader was started from
        start, walls = sys.modules["programs.start"], sys.modules["programs.walls"]
        said = start.read_request()
        walls.furnish(f"{said['root']}/job", said["parcel"], parcel, tmpfs_mb=said["limits"]["tmpfs_mb"])
        start.run(said, result, lambda: _enclose(setup), keepers=1)
    except BaseException as error:  # noqa: BLE001
        _say(f"the job could not be set up: {type(error).__name__}: {error}")
    os._exit(1)


def _enclose(setup: dict[str, Any]) -> None:
    """The last doors: after this, the process can compute, and write to its two temporary folders."""
    walls = sys.modules["programs.walls"]
    landlock = importlib.import_module("programs.landlock")
    filters = importlib.import_module("programs.filters")
    walls.give_up()
    if landlock.abi() > 0:
        landlock.restrict(["/"], [walls.TEMPORARY, walls.SHARED, *walls.DEVICES], alone=False)
    if setup["filter"]:
        filters.install(bytes.fromhex(setup["filter"]))


def _say(text: str) -> None:
    with suppress(OSError):
        os.write(2, text.encode("utf-8", "replace")[:2000] + b"\n")


if __name__ == "__main__":
    main()
