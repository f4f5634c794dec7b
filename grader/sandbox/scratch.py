"""What does a job keep in its folder on the disk, and how is that folder emptied, whatever was done to it?

Only without namespaces: elsewhere it is a file system of its own, which has a size and goes away with the job. Here
files may have been unlinked and still be open, folders closed to everybody, and nested deeper than a path is long.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count, islice
from pathlib import Path

from grader.frozen import dataclass

_DEEPEST = 100  # folders in folders: an honest program's have a handful
# By name: this file is imported on systems too that have no such flags, and run on none of them.
_FOLDER = sum(getattr(os, name, 0) for name in ("O_RDONLY", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"))
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes on the disk, and files and folders."""

    size: int = 0
    files: int = 0
    is_too_deep: bool = False


def kept_in(folder: str, pids: Iterable[int], *, most_files: int) -> Kept:
    """What is in the folder, with what these processes hold open although it has no name any more.

    Of more files than `most_files` no more than one over is counted.
    Not seen: a file without a name that is held by nothing but a message in a socket.
    """
    try:
        top = os.open(folder, _FOLDER)
    except OSError:
        return Kept()
    try:
        found = list(islice(_entries(top), most_files + 1))
    finally:
        os.close(top)
    is_too_deep = None in found
    entries = [entry for entry in found if entry is not None]
    sizes = {entry.st_ino: entry.st_blocks * 512 for entry in entries}  # a hard link is no second file
    for pid in pids:
        for inode, size in _nameless(pid, os.path.realpath(folder)):
            sizes[inode] = max(sizes.get(inode, 0), size)
    return Kept(sum(sizes.values()), len(entries), is_too_deep)


def _entries(folder: int, depth: int = 0) -> Iterator[os.stat_result | None]:
    """All that is beneath an open folder; None for what is nested too deep. No link is followed."""
    for name in _names(folder):
        with suppress(OSError):  # gone meanwhile
            entry = os.stat(name, dir_fd=folder, follow_symlinks=False)
            yield entry
            if not stat.S_ISDIR(entry.st_mode):
                continue
            if depth >= _DEEPEST:
                yield None
                continue
            inner = _opened(folder, name)
            try:
                yield from _entries(inner, depth + 1)
            finally:
                os.close(inner)


def _names(folder: int) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _opened(parent: int, name: str) -> int:
    """An open descriptor of a folder within another. One that was closed to its owner is opened to him first."""
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            Path(f"/proc/self/fd/{handle}").chmod(0o700)  # by the open folder: a name could be a link by now
        finally:
            os.close(handle)
        return os.open(name, _FOLDER, dir_fd=parent)


def _nameless(pid: int, folder: str) -> Iterator[tuple[int, int]]:
    """Inode and size of each file of the folder that a process holds open, or mapped, without its having a name.

    Of the folder only: a library that is replaced while a job goes on has lost its name too.
    """
    ours = f"{folder}/"
    with suppress(OSError):
        for link in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                entry = link.stat()
                if entry.st_nlink == 0 and stat.S_ISREG(entry.st_mode) and str(link.readlink()).startswith(ours):
                    yield entry.st_ino, entry.st_blocks * 512
    with suppress(OSError, ValueError):
        for line in (_PROC / str(pid) / "maps").read_text(errors="replace").splitlines():
            span, _, _, _, inode, *path = line.split(maxsplit=5)
            if path and path[0].startswith(ours) and path[0].endswith(" (deleted)"):
                first, last = (int(word, 16) for word in span.split("-"))
                yield int(inode), last - first


def furnish(root: str, opened: Mapping[str, int]) -> str:
    """Copy the files of a job into its folder, readable and no more; the path of the folder it may write to.

    `opened` are descriptors, by their path beneath `root`.
    """
    for path, descriptor in opened.items():
        target = Path(root) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy, os.fdopen(os.dup(descriptor), "rb") as source:
            shutil.copyfileobj(source, copy)
        target.chmod(0o444)
        for folder in target.parents:
            if folder == Path(root):
                break
            folder.chmod(0o755)  # whatever our umask is: the job may be another user
    for folder in (Path(root) / "job", Path(root) / "job" / "submission"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    work = Path(root) / "work"
    work.mkdir()
    return str(work)


def empty(folder: str) -> None:
    """Remove all that is in a folder, once no process of the job is left. Never raises.

    Folders within folders are moved up first, so that no depth is too deep.
    """
    with suppress(OSError):
        top = os.open(folder, _FOLDER)
        try:
            numbers = count()
            is_going_on = True
            while is_going_on:
                cleared = [_cleared(name, top, numbers) for name in _names(top)]
                is_going_on = any(cleared)
        finally:
            os.close(top)


def _cleared(name: str, top: int, numbers: Iterator[int]) -> bool:
    """Remove a file, or a folder whose folders are moved up to `top` first. False where nothing could be done."""
    if _unlinked(name, top):
        return True
    is_changed = False
    with suppress(OSError):
        inner = _opened(top, name)
        try:
            for child in _names(inner):
                is_changed |= _unlinked(child, inner) or _moved(child, inner, top, numbers)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=top)
        is_changed = True
    return is_changed


def _unlinked(name: str, parent: int) -> bool:
    try:
        os.unlink(name, dir_fd=parent)
    except OSError:
        return False
    return True


def _moved(name: str, parent: int, top: int, numbers: Iterator[int]) -> bool:
    try:
        os.close(_opened(parent, name))  # opened to its owner: else it could not be moved
        os.rename(name, f".grader-{os.getpid()}-{next(numbers)}", src_dir_fd=parent, dst_dir_fd=top)
    except OSError:
        return False
    return True
