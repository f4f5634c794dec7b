"""How does a box that runs as nobody come to see a Python that only root may reach, such as one under /root?

Run as a script, by root only, between the grader and bubblewrap: `reach.py PLAN`, where PLAN is the number of an open
file with JSON: `binds` (paths here), `stage` (an existing folder), `uid`, `command`. In a private mount namespace it
binds each path to STAGE/0, STAGE/1, ... (a small tmpfs that hides what else is there), gives up root for good, and
becomes `command`. Nothing of this is seen outside, and it is gone with the process.

An ordinary user's grader does not need it. A root's grader does: a process limit does not hold for root, and what
breaks out of a box should not be root either.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


def main() -> None:
    with os.fdopen(int(sys.argv[1])) as file:
        plan = json.load(file)
    stage, uid = plan["stage"], plan["uid"]
    _call("unshare", CLONE_NEWNS)
    _mount("none", "/", None, MS_REC | MS_PRIVATE, None)
    # Opened after unshare: a bind from another namespace's descriptor is refused. Before the tmpfs: it may hide them.
    sources = [os.open(path, os.O_PATH) for path in plan["binds"]]
    is_folder = [os.path.isdir(path) for path in plan["binds"]]  # noqa: PTH112  -S: the fewest imports as root
    _mount("tmpfs", stage, "tmpfs", 0, "size=1m,mode=755")
    for index, source in enumerate(sources):
        target = f"{stage}/{index}"
        if is_folder[index]:
            os.mkdir(target, 0o755)  # noqa: PTH102
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        _mount(f"/proc/self/fd/{source}", target, None, MS_BIND | MS_REC, None)
        os.close(source)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.execve(plan["command"][0], plan["command"], {})  # noqa: S606  no shell is meant


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None) -> None:
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    _call("mount", *words, ctypes.c_ulong(flags), data.encode() if data is not None else None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"the box could not be prepared: {error}")
