"""What did the student hand in? Its files as text, pictures or attachments: read as intake reads, never rendered."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from grader.documents.report_lines import report_lines
from grader.frozen import dataclass
from grader.gradebook.nouns import Entry
from grader.intake import read_submission, remove_tree
from grader.model import Submission, SubmittedFile

KEPT: Final = 12  # hand-ins that stay unpacked: who goes back and forth does not wait
MAX_TEXT: Final = 1 << 20  # bytes of a file that are shown
MAX_LINES: Final = 5000
MAX_LINE: Final = 2000  # letters
MAX_PICTURE: Final = 20 << 20  # bytes
_TEXTS: Final = frozenset(
    (
        "md", "markdown", "txt", "rst", "tex", "csv", "tsv", "json", "jsonl", "ipynb", "py", "log", "yaml", "yml",
        "toml", "cfg", "ini", "html", "htm", "svg", "xml", "css", "js", "sh", "bib", "out",
    )
)  # fmt: skip
_PICTURES: Final = ("png", "jpg", "jpeg")
_REPORTS: Final = ("report", "readme", "bericht", "rapport", "informe", "notebook")


@dataclass
class _Opened:
    submission: Submission
    users: int = 0
    is_dropped: bool = False


@dataclass
class HandIns:
    """The hand-ins that were looked at last, open. Safe from many threads; `close` removes what was unpacked."""

    _open: OrderedDict[tuple[int, str], _Opened] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def of(self, entry: Entry) -> Iterator[Submission]:
        """The hand-in of an entry, as it lies there now. One that is not there any more has no files and says why."""
        opened = self._taken(entry)
        try:
            yield opened.submission
        finally:
            with self._lock:
                opened.users -= 1
                self._removed(opened)

    def _taken(self, entry: Entry) -> _Opened:
        key = (entry.id, _state_of(entry.source))
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
                self._open[key].users += 1
                return self._open[key]
        made = _Opened(read_submission(Path(entry.source), assignment=entry.row.assignment), users=1)
        with self._lock:
            other = self._open.get(key)
            if other is not None:  # two asked at the same moment
                other.users += 1
                made.users = 0
                made.is_dropped = True
                self._removed(made)
                return other
            self._open[key] = made
            while len(self._open) > KEPT:
                _, oldest = self._open.popitem(last=False)
                oldest.is_dropped = True
                self._removed(oldest)
        return made

    @staticmethod
    def _removed(one: _Opened) -> None:
        source = one.submission.source
        if one.is_dropped and not one.users and source is not None and source.unpacked_at is not None:
            remove_tree(source.unpacked_at)

    def close(self) -> None:
        """Remove what was unpacked."""
        with self._lock:
            for one in self._open.values():
                one.is_dropped, one.users = True, 0
                self._removed(one)
            self._open.clear()


def _state_of(source: str) -> str:
    """What tells that a hand-in was replaced: a zip's size and time; a folder's own time."""
    try:
        there = os.lstat(source)
    except (OSError, ValueError):
        return ""
    return f"{there.st_size}-{there.st_mtime_ns}"


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as a list shows it. `number` is its place in the hand-in, by which pages ask for it."""

    number: int
    path: str
    size: int
    is_text: bool
    is_picture: bool


def listed(submission: Submission) -> list[FileRow]:
    """The files, in the order of their paths."""
    return [
        FileRow(
            number, file.path, file.size, _ending(file.path) in _TEXTS, _ending(file.path) in ("png", "jpg", "jpeg")
        )
        for number, file in enumerate(submission.files)
    ]


def report_of(submission: Submission) -> int | None:
    """The number of the file that is most likely the report; None where there is none that can be shown as text."""
    best: tuple[int, int] | None = None
    for number, file in enumerate(submission.files):
        name = PurePosixPath(file.path)
        if _ending(file.path) not in ("md", "markdown", "txt", "tex", "rst", "ipynb"):
            continue
        rank = next((at for at, word in enumerate(_REPORTS) if word in name.stem.casefold()), len(_REPORTS))
        is_likely = rank < len(_REPORTS) or _ending(file.path) in ("md", "ipynb", "tex")
        if is_likely and (best is None or rank < best[0]):
            best = (rank, number)
    return best[1] if best is not None else None


def _ending(path: str) -> str:
    return PurePosixPath(path).suffix.casefold().removeprefix(".")


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a text: its number in the file, the text, and for notebooks what it is ("code", "output")."""

    number: int
    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class ShownText:
    """A file as text. `left_out` says what is not shown of it."""

    lines: tuple[ShownLine, ...]
    left_out: str = ""
    has_kinds: bool = False


def shown_text(data: bytes, size: int, path: str) -> ShownText:
    """The first bytes of a file as lines. Nothing is refused: what is no UTF-8 is shown as what can be read of it."""
    text = data[:MAX_TEXT].decode("utf-8", "replace").expandtabs(4)
    left_out = f"the first {MAX_TEXT:,} of {size:,} bytes" if size > MAX_TEXT else ""
    is_notebook = _ending(path) == "ipynb"
    if is_notebook and not left_out:
        lines = [ShownLine(line.number, line.text, line.source.value) for line in report_lines(text, name=path)]
    else:
        lines = [ShownLine(number, line) for number, line in enumerate(text.split("\n"), 1)]
        if lines and not lines[-1].text:
            lines.pop()
    if len(lines) > MAX_LINES:
        left_out = f"the first {MAX_LINES:,} of {len(lines):,} lines" + (f" of {left_out}" if left_out else "")
        lines = lines[:MAX_LINES]
    cut = [
        ShownLine(line.number, f"{line.text[:MAX_LINE]} … ({len(line.text):,} letters)", line.kind)
        if len(line.text) > MAX_LINE
        else line
        for line in lines
    ]
    return ShownText(tuple(cut), f"shown: {left_out}" if left_out else "", has_kinds=is_notebook)


class ChangedError(Exception):
    """The file is not what was listed a moment ago."""


def bytes_of(submission: Submission, file: SubmittedFile, limit: int) -> bytes:
    """The first bytes of a file, as many as `limit`. Raises ChangedError where it is another than was listed, or gone.

    No link is followed: what is sent is what was listed and hashed.
    """
    try:
        descriptor = os.open(submission.root / file.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as opened:
            data = opened.read(min(limit, file.size) + 1)
    except (OSError, ValueError) as error:
        raise ChangedError from error
    if len(data) > file.size:
        raise ChangedError
    if len(data) == file.size and hashlib.sha256(data).hexdigest() != file.digest:
        raise ChangedError
    return data[:limit]


@contextmanager
def opened(submission: Submission, file: SubmittedFile) -> Iterator[BinaryIO]:
    """A file of any size, once it was seen to be what was listed. Raises ChangedError where it is not."""
    try:
        descriptor = os.open(submission.root / file.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file.digest:
                raise ChangedError
            stream.seek(0)
            yield stream
    except (OSError, ValueError) as error:
        raise ChangedError from error
