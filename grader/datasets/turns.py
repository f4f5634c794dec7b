"""How is a set built once, when several processes want it at the same moment? One builds, the others wait for it.

The lock is the operating system's, on a file in the cache: it falls when its holder ends, in whatever way. It saves
work and nothing hangs on it: what is built is renamed into place whole. So where there is no lock to be had, or its
holder stands still, one builds for oneself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE_S = 600.0  # the largest set takes seconds; a holder that was stopped must not stop everybody
_LOOK_AGAIN_S = 0.05


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold the lock of this file, which is made and removed again; at most `PATIENCE_S` are waited for it."""
    descriptor = _locked(path)
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                path.unlink()  # before the lock falls: who opened this file looks whether it is still the one
            os.close(descriptor)


def _locked(path: Path) -> int | None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    until = time.monotonic() + PATIENCE_S
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while time.monotonic() < until:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            except (BlockingIOError, FileNotFoundError):
                pass
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)
            time.sleep(_LOOK_AGAIN_S)
    except OSError:  # a folder that cannot be written, a file system without locks
        return None
    return None
