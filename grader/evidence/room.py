"""Can this folder be written, and is there space for a class? Asked before hours of work, not after."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

from grader.errors import MachineError

NEEDED_BYTES = 16 * 2**20  # the ledger's log before it is folded in, and the cards of a class of a thousand
_TRIED_BYTES = 2**20
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def tried(folder: Path, *, other: str) -> None:
    """Make the folder, and see that it can be written and has space; nothing is left of the trial.

    `other` says how another folder is named, such as "--state FOLDER". Raises MachineError with the path and the bytes
    that are needed. By writing: what a quota allows is told by nothing else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = free_bytes(folder)
        if 0 <= free < NEEDED_BYTES:
            raise no_space(folder, other=other)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_TRIED_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in _FULL:
            raise no_space(folder, other=other) from error
        raise not_writable(folder, error.strerror or type(error).__name__, other=other) from error


def free_bytes(folder: Path) -> int:
    """Free for this user; -1 where that cannot be known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return -1


def no_space(path: Path, *, other: str) -> MachineError:
    """The disk of `path` is full, or nearly."""
    free = free_bytes(path if path.is_dir() else path.parent)
    has = f"{free:,} bytes are free" if free >= 0 else "how much is free is not known"
    return MachineError.single(
        f"the disk is full: {has}, {NEEDED_BYTES:,} bytes are needed",
        where=str(path),
        fix=f"free some space there and start again, what is done is kept; or name another folder with {other}",
        code="no-space",
    )


def not_writable(path: Path, said: str, *, other: str) -> MachineError:
    """`path` refuses what must be kept."""
    fix = f"make this folder writable, or name another one with {other}"
    return MachineError.single(f"this cannot be written ({said})", where=str(path), fix=fix, code="not-writable")
