"""What is in the folder? Its regular files, hashed as they are, found without following a link.

Every folder is opened from its parent's descriptor and every file without following links, so that what is
hashed is what was looked at, even where somebody swaps a name for a link meanwhile. Nothing is ever written.

A hard link is taken while all its names lie in this folder. One that has a name elsewhere is refused: a file that
two owners share (a classmate's answers, a label file) looks like any other, and nobody can tell from here.
What is left out entry by entry is told; the rest is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import Final

from grader.frozen import dataclass
from grader.intake.limits import IntakeLimits
from grader.intake.names import Flaw, compiled_flaw, is_left_out, name_flaws, same_key, twin_flaw
from grader.intake.zip_checks import kind_flaw
from grader.model import SubmittedFile

_BLOCK: Final = 2**20
_READ: Final = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip
_HAS_DESCRIPTORS: Final = os.open in os.supports_dir_fd and os.scandir in os.supports_fd  # not on Windows


class TooMuch(Exception):  # noqa: N818  a value on its way to a Problem
    """The folder is over a limit as a whole: what was read of it is not a hand-in."""

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw.what)


@dataclass
class FolderContent:
    """The files of a folder in the order of their paths, what was refused, how many things were left out."""

    files: list[SubmittedFile] = field(default_factory=list)
    refused: list[tuple[str, Flaw]] = field(default_factory=list)
    left_out: int = 0


def read_folder(folder: Path, limits: IntakeLimits) -> FolderContent:
    """Everything in `folder`. Raises OSError where it cannot be opened, TooMuch where it is over a limit."""
    walk = _Walk(limits)
    with _opened_folder(folder, None) as top:
        walk.into(top, "")
    walk.refuse_outside_links()
    walk.content.files.sort(key=lambda file: file.path)
    return walk.content


_Folder = int | Path  # an open descriptor; where the system has none for folders, the path


@contextmanager
def _opened_folder(name: str | Path, parent: _Folder | None) -> Iterator[_Folder]:
    if not _HAS_DESCRIPTORS:
        yield Path(name) if parent is None else Path(str(parent), name)
        return
    flags = _READ | os.O_DIRECTORY
    at = os.open(name, flags, dir_fd=parent if isinstance(parent, int) else None)
    try:
        yield at
    finally:
        os.close(at)


def _open_file(name: str, parent: _Folder) -> int:
    return os.open(name, _READ, dir_fd=parent) if isinstance(parent, int) else os.open(parent / name, _READ)


class _Walk:
    def __init__(self, limits: IntakeLimits) -> None:
        self.limits = limits
        self.content = FolderContent()
        self._listed = self._entries = self._bytes = 0
        self._names_of: Counter[tuple[int, int]] = Counter()  # by inode: how many of its names lie in here
        self._linked: dict[str, tuple[tuple[int, int], int]] = {}  # path -> (inode, how many names it has)

    def into(self, folder: _Folder, above: str) -> None:
        """Everything in one folder. Only this many folders are ever open: as many as the depth that is allowed."""
        for name, mode in self._taken(folder, above):
            path = above + name
            if stat.S_ISDIR(mode):
                try:
                    with _opened_folder(name, folder) as inner:
                        self.into(inner, path + "/")
                except OSError as error:
                    self._refuse(path, _unreadable(error))
            else:
                self._read(name, path, folder)

    def _taken(self, folder: _Folder, above: str) -> list[tuple[str, int]]:
        """(name, mode) of what is to be read in one folder, in the order of the names."""
        found: dict[str, list[tuple[str, int]]] = defaultdict(list)
        with os.scandir(folder) as entries:
            for entry in entries:
                self._listed += 1
                if is_left_out(entry.name):
                    self.content.left_out += 1
                else:
                    self._entries += 1
                    try:
                        found[same_key(entry.name)].append((entry.name, entry.stat(follow_symlinks=False).st_mode))
                    except OSError as error:
                        self._refuse(above + entry.name, _unreadable(error))
                self._stop_at_limits()
        taken = []
        for _, alike in sorted(found.items()):
            alike.sort()
            if len(alike) > 1:  # which of them counts would depend on the system: none does
                for name, _ in alike[1:]:
                    self._refuse(above + name, twin_flaw(above + alike[0][0]))
                continue
            [(name, mode)] = alike
            flaws = list(name_flaws(above + name, self.limits))
            kind = kind_flaw(mode)
            if kind and kind.code != "entry-setuid":  # here only the bytes are read, so that a mode does no harm
                flaws.append(kind)
            for flaw in flaws:
                self._refuse(above + name, flaw)
            if not flaws:
                taken.append((name, mode))
        return taken

    def _stop_at_limits(self) -> None:
        over = (
            (self._entries, self.limits.max_entries, "files and folders"),
            (self._listed, self.limits.max_listed, "files and folders with those that are left out"),
        )
        for count, most, what in over:
            if count > most:
                said = f"it holds more than {most:,} {what}"
                raise TooMuch(Flaw("too-many-entries", said, "hand in only the files of the template"))

    def _read(self, name: str, path: str, folder: _Folder) -> None:
        compiled = compiled_flaw(path)
        if compiled:
            self._refuse(path, compiled)
            return
        try:
            with os.fdopen(_open_file(name, folder), "rb", buffering=0) as file:
                is_now = os.fstat(file.fileno())
                if not stat.S_ISREG(is_now.st_mode):
                    self._refuse(path, Flaw("file-changed", "it changed while it was read", "grade it again"))
                    return
                size, digest = self._hash(file.fileno(), path)
        except OSError as error:
            self._refuse(path, _unreadable(error))
            return
        if digest is None:
            return
        if is_now.st_nlink > 1:
            inode = (is_now.st_dev, is_now.st_ino)
            self._names_of[inode] += 1
            self._linked[path] = (inode, is_now.st_nlink)
        self.content.files.append(SubmittedFile(path, size, digest))

    def _hash(self, file: int, path: str) -> tuple[int, str | None]:
        """(bytes, SHA-256), None for a file over its limit. Counts what is read, not what was promised."""
        digest, size = hashlib.sha256(), 0
        while block := os.read(file, _BLOCK):
            size += len(block)
            if size > self.limits.max_file_bytes:
                said = f"it has more than {self.limits.max_file_bytes:,} bytes"
                self._refuse(path, Flaw("file-too-large", said, "leave it out, or save it smaller"))
                return size, None
            self._bytes += len(block)
            if self._bytes > self.limits.max_total_bytes:
                said = f"its files have more than {self.limits.max_total_bytes:,} bytes"
                fix = "leave out data sets and all but the asked checkpoints"
                raise TooMuch(Flaw("too-many-bytes", said, fix))
            digest.update(block)
        return size, digest.hexdigest()

    def refuse_outside_links(self) -> None:
        """Take back the files that have a name outside this folder."""
        outside = {path for path, (inode, names) in self._linked.items() if names > self._names_of[inode]}
        for path in sorted(outside):
            said = "it is a hard link: the same file has another name outside this folder"
            self._refuse(path, Flaw("entry-link", said, "put a copy in its place (cp file copy; mv copy file)"))
        self.content.files = [file for file in self.content.files if file.path not in outside]

    def _refuse(self, path: str, flaw: Flaw) -> None:
        self.content.refused.append((path, flaw))


def _unreadable(error: OSError) -> Flaw:
    return Flaw("unreadable", f"it cannot be read ({error.strerror})", "check its permissions")


def read_again(root: Path, file: SubmittedFile, most: int) -> bytes | None:
    """The first `most` bytes of a file of a submission, or None where it is no longer what was hashed."""
    data = b""
    with suppress(OSError), os.fdopen(os.open(root / file.path, _READ), "rb") as opened:
        data = opened.read(most)
    is_whole = len(data) == file.size
    is_same = hashlib.sha256(data).hexdigest() == file.digest if is_whole else len(data) == most < file.size
    return data if is_same else None


def digest_of(files: Sequence[SubmittedFile]) -> str:
    """SHA-256 over the paths, sizes and digests of all files: equal for equal folders."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.digest} {file.size} {file.path}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
