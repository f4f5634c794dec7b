"""Who works in this folder? One grader at a time: a second one is told who the first is.

A lock of the kernel on a file decides: it ends with the process that holds it, however that ends, so a dead grader
keeps nobody out. What is written in the file is for the message alone, and is believed only where that process, by its
number and its start, is still there. The lock is of the kind that NFS carries to other machines (fcntl); where a file
system does not carry it, a grader of another machine that did not say goodbye is taken for one that still works.
"""

from __future__ import annotations

import json
import logging
import os
import platform
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Self

from grader.errors import MachineError
from grader.frozen import dataclass

try:
    import fcntl
except ImportError:  # Windows, where no hand-in's code is run: the second grader is not refused
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

NAME = "lock"
_LONGEST = 4096  # bytes of an owner's text
# Their locks end at this machine, or may do so, by how they were mounted.
_KEEP_LOCKS_TO_THEMSELVES = ("fuse", "9p", "virtiofs", "vboxsf")

# By device and inode: a lock of this kind does not keep its own process out.
_held: dict[tuple[int, int], Owner] = {}


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that grades, or did: `started` tells it from a later one with the same number."""

    host: str
    pid: int
    started: str
    since: str
    command: str = ""

    @classmethod
    def here(cls, command: str = "") -> Self:
        """The process that asks."""
        since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        return cls(platform.node(), os.getpid(), started(os.getpid()), since, command[:1000])

    def __str__(self) -> str:
        """In words.

        >>> print(Owner("lab-3", 4711, "", "2026-11-21 10:42:00+00:00", "grader run-all ex1"))
        process 4711 on lab-3 since 2026-11-21 10:42:00+00:00 (grader run-all ex1)
        """
        return f"process {self.pid} on {self.host} since {self.since}" + (f" ({self.command})" if self.command else "")

    @property
    def is_of_this_machine(self) -> bool:
        return self.host == platform.node()

    @property
    def is_alive(self) -> bool:
        """Whether this very process, on this machine, is still there."""
        return self.is_of_this_machine and bool(self.started) and started(self.pid) == self.started


def started(pid: int) -> str:
    """When a process began, in the kernel's own count since the machine was started; empty where there is none."""
    with suppress(OSError, IndexError):
        line = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {line.rpartition(')')[2].split()[19]}"  # its name, in brackets, may hold blanks
    return ""


class Lock:
    """The right to work in a folder, until it is released or this process ends."""

    def __init__(self, path: Path, descriptor: int, owner: Owner, before: Owner | None) -> None:
        self.path = path
        self.owner = owner
        self.before = before  # who held it last and did not release it
        self._descriptor = descriptor
        self._pid = os.getpid()
        entry = os.fstat(descriptor)
        self._identity = entry.st_dev, entry.st_ino
        _held[self._identity] = owner

    @classmethod
    def take(cls, folder: Path, *, command: str = "") -> Self:
        """Take the lock of an existing folder.

        Raises MachineError where another grader holds it, which it names, or where the folder cannot be written.
        """
        path = folder / NAME
        with suppress(OSError):
            entry = path.stat()
            if (entry.st_dev, entry.st_ino) in _held:  # to open it and close it again would end our own lock
                raise _in_use(folder, _held[entry.st_dev, entry.st_ino])
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise MachineError.single(
                f"the ledger's lock cannot be written ({error.strerror})",
                where=str(path),
                fix="make its folder writable, or name another one with --state FOLDER",
                code="not-writable",
            ) from error
        try:
            before = _locked(descriptor, folder)
            owner = Owner.here(command)
            _write(descriptor, json.dumps(asdict(owner)).encode())
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, owner, before)

    def release(self) -> None:
        """Let others work here. The file stays: to remove it would be to lock what nobody else sees."""
        if self._descriptor >= 0:
            if os.getpid() == self._pid:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, 0)
                _held.pop(self._identity, None)
            os.close(self._descriptor)
            self._descriptor = -1


def _locked(descriptor: int, folder: Path) -> Owner | None:
    """Lock the open file; the owner who left without a word, if there is one."""
    if fcntl is not None:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise _in_use(folder, _owner(os.pread(descriptor, _LONGEST, 0))) from None
        except OSError as error:
            raise MachineError.single(
                f"the file system of this folder has no locks ({error.strerror})",
                where=str(folder),
                fix="name a folder on a disk of this machine with --state FOLDER",
                code="no-locks",
            ) from error
    before = _owner(os.pread(descriptor, _LONGEST, 0))
    if before is None or before.is_of_this_machine:
        return before
    kind = file_system(folder)
    if kind.startswith(_KEEP_LOCKS_TO_THEMSELVES):
        raise MachineError.single(
            f"another grader may be working in this folder: {before}; its file system ({kind}) cannot tell",
            where=str(folder),
            fix=f"where that one has ended, remove {folder / NAME}; or name another folder with --state FOLDER",
            code="in-use",
        )
    return before


def _in_use(folder: Path, owner: Owner | None) -> MachineError:
    # The holder writes its name just after it has the lock: until then the text is that of one that is gone.
    is_it = owner is not None and (owner.is_alive or not owner.is_of_this_machine)
    return MachineError.single(
        f"another grader works in this folder: {owner if is_it else 'one that has just started'}",
        where=str(folder),
        fix="wait for it to end or stop it; or keep the ledger of this run elsewhere with --state FOLDER",
        code="in-use",
    )


def _owner(text: bytes) -> Owner | None:
    try:
        return Owner(**json.loads(text)) if text.strip() else None
    except (ValueError, TypeError):
        return None


def _write(descriptor: int, text: bytes) -> None:
    """For the message only: a full disk is told by what comes next."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text, 0)


def file_system(folder: Path) -> str:
    """The kind of file system that a folder is on, such as "ext4" or "nfs4"; empty where that cannot be known."""
    with suppress(OSError, IndexError, ValueError):
        device = folder.stat().st_dev
        name = f"{os.major(device)}:{os.minor(device)}"
        for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
            if line.split()[2] == name:
                return line.partition(" - ")[2].split()[0]
    return ""
