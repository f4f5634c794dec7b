"""Where does a process keep what lasts no longer than itself, and who clears away after one that was killed?

In one folder, which it locks as long as it lives: all its temporary files are made there, and those of its children.
The kernel lets go of the lock when the process dies, in whatever way. So whoever comes next knows which folders are
nobody's, and removes them: by no process number, which another may have by then, and by no clock. A process that still
names such a folder in its environment, or writes there, was the dead one's (helpers of Ray go on for a minute): it is
ended first.
"""

from __future__ import annotations

import os
import select
import signal
import tempfile
import time
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from grader.evidence.whole_files import is_locked_by_us

PREFIX = "grader-run-"
_PATIENCE_S = 2.0  # a killed process is gone at once, unless the machine is very busy
_LONGEST_FOR_RAY = 39  # letters: its sockets stand 68 letters deeper, and the kernel takes 107
_FOLDER = sum(getattr(os, name, 0) for name in ("O_RDONLY", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"))


@contextmanager
def own_folder(*, ends_orphans: bool = False) -> Iterator[Path]:
    """A folder for all temporary files of this process and its children, as long as this lasts.

    Those of dead processes are removed first. With `ends_orphans` what still works there at the end, and is no child
    of this process any more, is ended: a Ray that broke leaves some.

    >>> with own_folder() as folder:
    ...     print(Path(tempfile.mkdtemp()).parent == folder)
    True
    >>> folder.exists()
    False
    """
    outer, named = tempfile.gettempdir(), {name: os.environ.get(name) for name in ("TMPDIR", "RAY_TMPDIR")}
    sweep_dead(Path(outer))
    folder, descriptor = _begun(outer)
    try:
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        if len(str(folder)) > _LONGEST_FOR_RAY:
            os.environ.setdefault("RAY_TMPDIR", outer)
        yield folder
    finally:
        tempfile.tempdir = outer
        for name, value in named.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if ends_orphans:
            from grader.sandbox.usage import tree

            _end_orphans(folder, but=set(tree(os.getpid())))
        _remove(folder)
        if descriptor is not None:
            os.close(descriptor)


def sweep_dead(outer: Path) -> int:
    """Remove the folders in `outer` of processes that are dead, and end what these left running; how many folders.

    Those of other users are left alone.
    """
    swept = 0
    for left in outer.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if not hasattr(os, "geteuid") or left.lstat().st_uid != os.geteuid():
                continue
            descriptor = os.open(left, _FOLDER)
            try:
                if is_locked_by_us(descriptor, is_lock_needed=True):
                    _end_orphans(left)
                    _remove(left)
                    swept += 1
            finally:
                os.close(descriptor)
    return swept


def _end_orphans(folder: Path, *, but: Container[int] = ()) -> None:
    """End every process whose temporary files were to go there, and wait a moment until they are gone."""
    end = time.monotonic() + _PATIENCE_S
    with ExitStack() as ended:
        handles = []
        for process in Path("/proc").glob("[0-9]*"):
            if int(process.name) in but:
                continue
            with suppress(OSError), ExitStack() as looked_at:
                handle = os.pidfd_open(int(process.name))  # before the look: who has its number later is not meant
                looked_at.callback(os.close, handle)
                if _works_in(process, folder):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    ended.push(looked_at.pop_all())
                    handles.append(handle)
        for handle in handles:
            select.select([handle], [], [], max(end - time.monotonic(), 0))


def _works_in(process: Path, folder: Path) -> bool:
    """Whether a process (its folder in /proc) was told to keep its files there, or has one open to write."""
    if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
        return True
    for opened in (process / "fd").iterdir():  # who changes its own title writes over its environment
        with suppress(OSError, ValueError, IndexError):
            if str(opened.readlink()).startswith(f"{folder}/"):
                flags = (process / "fdinfo" / opened.name).read_text().partition("flags:")[2].split()[0]
                if int(flags, 8) & os.O_ACCMODE:
                    return True
    return False


def _begun(outer: str) -> tuple[Path, int | None]:
    """A new folder that is locked by this process; who sweeps between the two steps takes it away, so look again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=outer))
        folder.chmod(0o711)  # where a job becomes another user, it walks through to its own folder
        if os.name != "posix":
            return folder, None
        descriptor = os.open(folder, _FOLDER)
        if is_locked_by_us(descriptor) and folder.exists():
            return folder, descriptor
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """With all that is in it, however it was left. Never raises."""
    try:
        folder.rmdir()
    except OSError:  # it is not empty, as it is where nothing had to be computed
        from grader.sandbox.scratch import empty

        empty(str(folder))
        with suppress(OSError):
            folder.rmdir()
