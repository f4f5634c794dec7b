"""How is a file written whole or not at all, and who clears away what a dead process had begun?

The bytes go to a file of another name in the same folder, which is renamed when they are on the disk: whoever reads
finds the old file or the new one. Its writer holds a lock on it as long as it is written. The kernel lets go of that
lock when the writer dies, in whatever way, so that an unlocked one is nobody's: no process number and no clock decides.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from grader.evidence.crash_points import crash_point

try:
    import fcntl
except ImportError:  # Windows, where no hand-in's code is run: there nothing is swept
    fcntl = None  # type: ignore[assignment]

PREFIX = ".new-"
_NOT_THROUGH_LINKS = sum(getattr(os, name, 0) for name in ("O_RDONLY", "O_NOFOLLOW", "O_CLOEXEC"))


def write_whole(path: Path, data: bytes, *, point: str) -> None:
    """Write `data` to `path`, over what stands there: whole, and lasting through a power cut.

    `point` begins the names of its crash points. Raises OSError where the disk refuses; nothing is left then.
    """
    is_new = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = begun(path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            crash_point(f"{point}.begun")
            file.write(data)
            crash_point(f"{point}.half-written")
            file.flush()
            os.fsync(file.fileno())
            crash_point(f"{point}.written")
            Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    crash_point(f"{point}.renamed")
    sync_folder(path.parent)
    if is_new:
        sync_folder(path.parent.parent)


def begun(folder: Path) -> tuple[int, str]:
    """A new file that is locked by this process as long as it is open: its descriptor and its path."""
    while True:  # who sweeps between the two steps takes it away, so look again
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=PREFIX)
        if is_locked_by_us(descriptor) and os.fstat(descriptor).st_nlink:
            return descriptor, temporary
        os.close(descriptor)


def is_locked_by_us(descriptor: int, *, is_lock_needed: bool = False) -> bool:
    """Lock an open file or folder as long as it is open here. False where another process holds it.

    On a file system without locks one can write all the same, but not clear away: `is_lock_needed` makes it False.
    """
    if fcntl is None:
        return not is_lock_needed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return not is_lock_needed
    return True


def sync_folder(folder: Path) -> None:
    """Make renames in a folder lasting. Not every file system can: what is read there is checked anyhow."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove what dead processes had begun in `folder` and the folders in it; how many files that were."""
    swept = 0
    for pattern in (f"{PREFIX}*", f"*/{PREFIX}*"):
        for left in folder.glob(pattern):
            with suppress(OSError):  # another one sweeps too
                swept += _is_removed(left)
    return swept


def _is_removed(left: Path) -> bool:
    """False where its writer is alive, or where the file system cannot tell."""
    descriptor = os.open(left, _NOT_THROUGH_LINKS)
    try:
        is_nobodys = is_locked_by_us(descriptor, is_lock_needed=True)
        if is_nobodys:
            left.unlink()
    finally:
        os.close(descriptor)
    return is_nobodys
