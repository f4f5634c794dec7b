"""What files are in the download? Those of a zip or of a folder, listed strictly; nothing is unpacked here.

A download was made by an LMS and filled by students. What only the LMS can have got wrong (a broken archive) refuses
the whole; what a student can have done (a file name, a bomb) refuses that file, and nobody else's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import BinaryIO, Final

from grader.documents.wording import clean
from grader.errors import SubmissionError
from grader.frozen import dataclass
from grader.intake.kinds import HEAD_BYTES, other_archive, other_kind
from grader.intake.limits import IntakeLimits
from grader.intake.names import Flaw, hostile_flaws, is_left_out, name_flaws, submission_id
from grader.intake.zip_checks import content_flaws, kind_flaw
from grader.intake.zip_listing import LOCAL_MARK, BrokenArchive, Entry, has_end_record, read_listing
from grader.intake.zip_unpack import Refused, entry_blocks

# Of a whole class: 2,000 students with 200 files each. A file may be an archive as large as a hand-in.
LIMITS: Final = IntakeLimits(max_listed=500_000, max_entries=500_000, max_file_bytes=2**30)
_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_BLOCK: Final = 2**20
_AGAIN: Final = "download it from the LMS again"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the download: its path there with slashes, its bytes as declared, and how to read it.

    `blocks` raises `Refused` where what comes is not what was declared: the download is damaged.
    """

    path: str
    size: int
    blocks: Callable[[], Iterator[bytes]] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def read(self, most: int) -> bytes | None:
        """All of it, None where it has more than `most` bytes. Raises SubmissionError where its bytes are damaged."""
        if self.size > most:
            return None
        try:
            return b"".join(self.blocks())
        except Refused as error:
            what = f"the download is damaged at {clean(self.path, 200)}: {error.flaw.what}"
            raise SubmissionError.single(what, where="download", fix=f"{_AGAIN}; nothing was imported") from error


@dataclass(frozen=True)
class Tree:
    """A download as it was listed. `name` is that of its file or folder, without .zip.

    `files` are in the order of their paths; `folders` are all that are named, empty ones, too. `refused` are those that
    are taken for nobody, each with its flaw. `left_out` counts what tools leave behind.
    """

    path: Path
    name: str
    kind: str  # "zip", "folder"
    files: Mapping[str, Stored] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    refused: tuple[tuple[str, Flaw], ...] = ()
    left_out: int = 0

    def top(self) -> list[str]:
        """The names at the top, of files and of folders."""
        return sorted({path.split("/", 1)[0] for path in (*self.files, *self.folders)})

    def below(self, folder: str) -> Tree:
        """What lies in `folder`, as a tree of its own whose paths start there. The files keep their full paths.

        A download is often wrapped in one folder: a reader looks there, too.
        """
        lead = f"{folder}/"
        return Tree(
            self.path,
            folder.rsplit("/", 1)[-1],
            self.kind,
            {path.removeprefix(lead): file for path, file in self.files.items() if path.startswith(lead)},
            frozenset(path.removeprefix(lead) for path in self.folders if path.startswith(lead)),
            tuple((path.removeprefix(lead), flaw) for path, flaw in self.refused if path.startswith(lead)),
        )


@contextmanager
def opened_tree(source: Path) -> Iterator[Tree]:
    """The files of a download. They can be read while the block lasts.

    Raises SubmissionError where it is no zip and no folder, or is cut off or damaged.
    """
    path = Path(os.path.abspath(source))  # noqa: PTH100  resolve() would follow a link
    try:
        if path.is_dir():
            yield _folder_tree(path)
            return
        with os.fdopen(os.open(path, _READ & ~getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            yield _zip_tree(path, file)
    except OSError as error:
        if error.filename not in (str(path), path):
            raise
        raise _refused(path, f"it cannot be read ({error.strerror})", "check the path and its permissions") from error


def _refused(path: Path, what: str, fix: str) -> SubmissionError:
    return SubmissionError.single(what, where=clean(str(path)), fix=fix)


# --- a zip ------------------------------------------------------------------------------------


def _zip_tree(path: Path, file: BinaryIO) -> Tree:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "it is neither a folder nor a file", "name the zip or the folder that was downloaded")
    head = file.read(HEAD_BYTES)
    archive = other_archive(head)
    if archive:
        raise _refused(path, f"it is {archive}, not a zip", "unpack it, and name the folder")
    if not has_end_record(file, status.st_size):
        raise _refused(path, f"it is {other_kind(head)}", _AGAIN if head.startswith(LOCAL_MARK) else "name a zip")
    try:
        listing = read_listing(file, status.st_size, LIMITS)
    except BrokenArchive as error:
        raise _refused(path, error.flaw.what, _AGAIN) from error
    damaged = [(e, flaw) for e in listing.entries for flaw in e.flaws if not flaw.code.startswith("name-")]
    if damaged:
        entry, flaw = damaged[0]
        raise _refused(path, f"the archive is damaged at {clean(entry.name, 120)}: {flaw.what}", _AGAIN)
    files: dict[str, Stored] = {}
    folders: set[str] = set()
    refused: list[tuple[str, Flaw]] = []
    left_out = 0
    for entry in listing.entries:
        if entry.name == "./":
            continue
        flaws = _entry_flaws(entry, files)
        if flaws:
            refused.append((entry.name, flaws[0]))
        elif any(is_left_out(part) for part in entry.path.split("/")):
            left_out += not entry.is_folder
        elif entry.is_folder:
            folders.add(entry.path)
        else:
            files[entry.path] = Stored(entry.path, entry.size, _opener(file, entry))
    return _made(path, "zip", files, folders, refused, left_out)


def _entry_flaws(entry: Entry, files: Mapping[str, Stored]) -> list[Flaw]:
    """What stands against one entry, which its student can have done."""
    flaws = list(entry.flaws)
    if any(is_left_out(part) for part in entry.path.split("/")):
        return flaws + list(hostile_flaws(entry.path, LIMITS))
    flaws += [*name_flaws(entry.path, LIMITS), *content_flaws(entry, LIMITS)]
    if entry.path in files:
        flaws.append(Flaw("name-twice", "the same name stands twice in the archive", _AGAIN))
    return flaws


def _opener(file: BinaryIO, entry: Entry) -> Callable[[], Iterator[bytes]]:
    return lambda: entry_blocks(file, entry)


# --- a folder ---------------------------------------------------------------------------------


def _folder_tree(path: Path) -> Tree:
    files: dict[str, Stored] = {}
    folders: set[str] = set()
    refused: list[tuple[str, Flaw]] = []
    left_out = count = 0
    waiting = [""]
    while waiting:
        above = waiting.pop()
        with os.scandir(path / above) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        count += len(found)
        if count > LIMITS.max_listed:
            what = f"it holds more than {LIMITS.max_listed:,} files and folders"
            raise _refused(path, what, "name the folder of one assignment's hand-ins")
        for entry in found:
            inner = f"{above}/{entry.name}" if above else entry.name
            if is_left_out(entry.name):
                left_out += 1
                continue
            status = entry.stat(follow_symlinks=False)
            flaws = [*name_flaws(inner, LIMITS)]
            kind = kind_flaw(status.st_mode)
            if kind and kind.code != "entry-setuid":  # only the bytes are read, so that a mode does no harm
                flaws.append(kind)
            if flaws:
                refused.append((inner, flaws[0]))
            elif stat.S_ISDIR(status.st_mode):
                folders.add(inner)
                waiting.append(inner)
            else:
                files[inner] = Stored(inner, status.st_size, _reader(path / inner, status.st_size))
    return _made(path, "folder", files, folders, refused, left_out)


def _reader(path: Path, size: int) -> Callable[[], Iterator[bytes]]:
    def blocks() -> Iterator[bytes]:
        read = 0
        with os.fdopen(os.open(path, _READ), "rb", buffering=0) as file:
            while block := os.read(file.fileno(), _BLOCK):
                read += len(block)
                yield block
        if read != size:
            raise Refused(Flaw("file-changed", "it changed while it was read", "import it again"))

    return blocks


def _made(
    path: Path,
    kind: str,
    files: Mapping[str, Stored],
    folders: set[str],
    refused: list[tuple[str, Flaw]],
    left_out: int,
) -> Tree:
    """With the folders that are named only as the place of files. A file that is also a folder is taken for nobody."""
    for inner in (*files, *folders):
        while inner := inner.rpartition("/")[0]:
            if inner in folders:
                break
            folders.add(inner)
    clash = Flaw("name-clash", "the same name is a file and a folder", "rename one of the two")
    refused += [(inner, clash) for inner in files if inner in folders]
    taken = {inner: files[inner] for inner in sorted(files) if inner not in folders}
    name = submission_id(path) if kind == "zip" else path.name
    return Tree(path, name, kind, taken, frozenset(folders), tuple(sorted(refused)), left_out)
