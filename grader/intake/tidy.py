"""How is a folder that strangers filled removed? For certain: whatever its modes, depth and links are."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Final

_OPEN_FOLDER: Final = (
    os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
)
_LEVELS: Final = 64
_TRIES: Final = 3  # something may still come or go while it is emptied
_HAS_DESCRIPTORS: Final = shutil.rmtree.avoids_symlink_attacks


def remove_tree(folder: Path) -> bool:
    """Remove `folder` and all in it; whether it is gone. A link is removed, never followed.

    Works from folder descriptors, opens up what cannot be read (mode 000), and needs few descriptors and little stack
    for a million levels, too: what lies deeper than some is lifted to the top and emptied from there.
    """
    if not _HAS_DESCRIPTORS:
        return _remove_by_path(folder)
    for _ in range(_TRIES):
        with suppress(OSError):
            parent = os.open(folder.parent, _OPEN_FOLDER)
            try:
                _empty(folder.name, parent)
                os.rmdir(folder.name, dir_fd=parent)
            finally:
                os.close(parent)
        if not os.path.lexists(folder):
            return True
    return False


def _empty(name: str, parent: int) -> None:
    top = _opened(name, parent)
    try:
        while _empty_below(top, top, 0):  # what was lifted while it was emptied is next
            pass
    finally:
        os.close(top)


def _empty_below(folder: int, top: int, level: int) -> bool:
    """Remove everything in `folder`; whether something of it was lifted to `top` instead."""
    with os.scandir(folder) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    is_lifted = False
    for name, is_folder in listed:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
            continue
        inner = _opened(name, folder)  # opened up even where it only moves: what cannot be written cannot be moved
        try:
            if level >= _LEVELS:
                os.rename(name, f"lifted-{uuid.uuid4().hex}", src_dir_fd=folder, dst_dir_fd=top)
                is_lifted = True
                continue
            is_lifted |= _empty_below(inner, top, level + 1)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=folder)
    return is_lifted


def _opened(name: str, parent: int) -> int:
    """A descriptor of a folder that can be read, written and searched from now on."""
    try:
        folder = os.open(name, _OPEN_FOLDER, dir_fd=parent)
    except PermissionError:
        _open_up(name, parent)
        folder = os.open(name, _OPEN_FOLDER, dir_fd=parent)
    with suppress(OSError):
        if os.fstat(folder).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(folder, 0o700)
    return folder


def _open_up(name: str, parent: int) -> None:
    """Give the owner back the right to read a folder, without following a link in its place."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)
        return
    # Linux: a descriptor for the name alone needs no right on the folder; its mode is set by way of /proc.
    found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if stat.S_ISDIR(os.fstat(found).st_mode):
            Path(f"/proc/self/fd/{found}").chmod(0o700)
    finally:
        os.close(found)


def _remove_by_path(folder: Path) -> bool:
    def make_writable(remove: object, path: str, _error: object) -> None:
        with suppress(OSError):
            Path(path).chmod(stat.S_IWRITE)
            getattr(os, getattr(remove, "__name__", ""), os.unlink)(path)

    shutil.rmtree(folder, onerror=make_writable)
    return not os.path.lexists(folder)
