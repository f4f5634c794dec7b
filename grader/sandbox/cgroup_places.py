"""Where in the tree of control groups may this process make some of its own? Read from /proc, and tried.

v1  one folder per controller (memory, pids, cpuacct), below this process's own group in each of their trees
v2  one folder, below the nearest group around this process whose children have the controllers memory and pids
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from grader.frozen import dataclass

_V1 = ("memory", "pids", "cpuacct")
_V2 = frozenset(("memory", "pids"))
_SELF = Path("/proc/self")
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where groups can be made: the kind, and the folder for each controller ("" stands for all, in v2)."""

    kind: str
    folders: Mapping[str, Path]
    killer: Path | None = None  # beside v1: a v2 hierarchy without controllers, whose groups can be killed at once


def _mounts() -> Iterator[tuple[str, str, Path, set[str]]]:
    """Of each mounted hierarchy: its type, the group that is its root, where it stands, and its options."""
    with suppress(OSError):
        for line in (_SELF / "mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            fields, (kind, _, options) = before.split(), after.split(" ", 2)
            if kind in ("cgroup", "cgroup2"):
                yield kind, _unescaped(fields[3]), Path(_unescaped(fields[4])), set(options.split(","))


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _own(controller: str) -> str | None:
    """The group of this process in the hierarchy of a controller ("" for v2), as the kernel names it."""
    with suppress(OSError):
        for line in (_SELF / "cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if controller in names.split(","):
                return path
    return None


def _folder(root: str, mount: Path, own: str) -> Path:
    """The folder of the group `own` in a hierarchy of which `root` is mounted at `mount`."""
    inside = own.removeprefix(root.rstrip("/")) if own == root or own.startswith(root.rstrip("/") + "/") else ""
    folder = mount / inside.lstrip("/")
    return folder if folder.is_dir() else mount


def place_v1() -> Place | str:
    """Where v1 groups may be made, or why they may not."""
    folders: dict[str, Path] = {}
    killer = None
    for kind, root, mount, options in _mounts():
        if kind == "cgroup2" and (own := _own("")) is not None:
            killer = _folder(root, mount, own)
        for controller in _V1:
            own = _own(controller)
            if kind == "cgroup" and controller in options and own is not None and controller not in folders:
                folders[controller] = _folder(root, mount, own)
    lacking = [controller for controller in _V1 if controller not in folders]
    if lacking:
        return f"the cgroup controller {lacking[0]} is not there"
    closed = [folder for folder in folders.values() if not os.access(folder, os.W_OK)]
    if closed:
        return f"{closed[0]} cannot be written"
    return Place("v1", folders, killer if killer and os.access(killer, os.W_OK) else None)


def place_v2() -> Place | str:
    """Where v2 groups may be made, or why they may not."""
    for kind, root, mount, _ in _mounts():
        own = _own("")
        if kind != "cgroup2" or own is None:
            continue
        here = _folder(root, mount, own)
        if not words(mount / "cgroup.controllers") >= _V2:
            return "cgroup v2 has not the controllers memory and pids here"
        for folder in (here, *(parent for parent in here.parents if parent == mount or mount in parent.parents)):
            if words(folder / "cgroup.subtree_control") >= _V2 and os.access(folder, os.W_OK):
                return Place("v2", {"": folder})
        if not os.access(here, os.W_OK) or not os.access(here / "cgroup.procs", os.W_OK):
            return f"the cgroup {here} belongs to somebody else"
        if not words(here / "cgroup.controllers") >= _V2:
            return f"the cgroup {here} has not the controllers memory and pids"
        return _delegated(here) or f"the cgroup {here} has other processes in it"
    return "no cgroup file system is mounted here"


def _delegated(here: Path) -> Place | None:
    """Our own group, with ourselves moved into a leaf of it: a group with processes may have no capped children."""
    leaf = here / "grader-itself"
    try:
        leaf.mkdir(exist_ok=True)
        write(leaf / "cgroup.procs", os.getpid())
        write(here / "cgroup.subtree_control", "+memory +pids")
    except OSError:
        with suppress(OSError):
            write(here / "cgroup.procs", os.getpid())
        remove_folder(leaf)
        return None
    return Place("v2", {"": here})


# --- files of the kernel ------------------------------------------------------------------------


def children(folder: Path) -> list[Path]:
    try:
        return [child for child in folder.iterdir() if child.is_dir()]
    except OSError:
        return []


def remove_folder(folder: Path) -> None:
    """The kernel lets go of a group a moment after its last process."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        for child in children(folder):
            remove_folder(child)
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > end:
                return
            time.sleep(0.005)
        else:
            return


def write(path: Path, value: int | str) -> None:
    """One write call, as the kernel wants it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(value).encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(descriptor)


def words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


def numbers(path: Path) -> list[int]:
    return [int(word) for word in words(path) if word.isdigit()]


def number(path: Path) -> int:
    return next(iter(numbers(path)), 0)


def value(path: Path, name: str) -> int:
    """The number behind a word, in a file of lines of both."""
    with suppress(OSError):
        for line in path.read_text().splitlines():
            word, _, number = line.partition(" ")
            if word == name and number.strip().isdigit():
                return int(number)
    return 0
