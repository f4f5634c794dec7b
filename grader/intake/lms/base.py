"""What does a reader of an LMS's download find, and which readers are there?

A reader is a module of this folder with a `READER`. It reads names as its LMS makes them, and gives back what it found:
hand-ins with whatever the LMS says of their owners. Whose they are in the course is settled in `matching`.

    READER = Reader("gradescope", "an export of submissions from Gradescope", fits, read)
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, tzinfo
from functools import cache
from typing import Final

from grader.errors import UsageError
from grader.frozen import dataclass
from grader.intake.classes import Quarantined, RosterEntry
from grader.intake.lms.tables import Table
from grader.intake.lms.tree import Stored, Tree

FALLBACK: Final = "folder"  # what a download is when it is no other kind


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody as the download names them. Nothing of it is checked yet.

    `id` is an id of the course's own that the LMS uses (nbgrader's folder, Gradescope's SID), empty where it has none.
    `keys` are the LMS's ids by the same names as in `RosterEntry.keys`: {"canvas_id": "77"}. `name` and `email` are
    matched only where nothing better is there, and only where they fit exactly one student and one hand-in.
    """

    id: str = ""
    name: str = ""
    email: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """One attempt of one student or group, as the download has it.

    `key` is the LMS's own id of who handed in (a person or a group): attempts of the same have the same key. `who` are
    all that the LMS names for it, empty where it names a group alone: then `group` says which. `files` are what was
    handed in, by the path that each gets in the hand-in (the LMS's prefix removed); empty where there was nothing.
    `received_at` (aware) and `is_late` are the LMS's word, never a zip's, a file's or git's. `lms_folder` is the name
    that feedback must go back under. `note` says what a person should know, such as "text entry only".
    """

    key: str
    who: tuple[Who, ...] = ()
    group: str = ""
    files: Mapping[str, Stored] = field(default_factory=dict)
    received_at: datetime | None = None
    is_late: bool | None = None
    attempt: int = 1
    lms_folder: str = ""
    note: str = ""

    @property
    def was(self) -> tuple[str, ...]:
        """The names of its files in the download."""
        return tuple(sorted({file.path for file in self.files.values()}))


@dataclass(frozen=True, slots=True)
class Worksheet:
    """The LMS's own grade file, byte for byte: the export fills a copy of it."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Download:
    """What a reader found. `roster` is the LMS's own list of students, None where the download has none.

    `is_roster_whole` is True where that list names everybody, also who handed nothing in. `worksheet` is a grade file
    in the download. Files that the reader cannot read as its LMS makes them are quarantined, never left out.
    """

    kind: str
    found: tuple[Found, ...] = ()
    roster: tuple[RosterEntry, ...] | None = None
    quarantined: tuple[Quarantined, ...] = ()
    worksheet: Worksheet | None = None
    is_roster_whole: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """What a reader may know beside the download: all of it from the person who imports, or from the course.

    `roster` is that of --roster and --worksheet, empty where there is none. `worksheet` is the LMS's own grade file as
    a table, for the times of receipt in it. `expected` are the paths of the files of the assignment's template. `zone`
    is the course's time zone, for LMS times without one.
    """

    assignment: str = ""
    roster: tuple[RosterEntry, ...] = ()
    worksheet: Table | None = None
    expected: frozenset[str] = frozenset()
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """A kind of download: whether a tree is one, and what is in it. `about` completes "it is ...".

    `fits` looks at names and at small files that only this LMS makes, and is True only for what is surely of this kind.
    `read` may raise GraderError for a download that is cut off or damaged; then nothing is imported.
    """

    kind: str
    about: str
    fits: Callable[[Tree], bool]
    read: Callable[[Tree, Options], Download]


@cache
def readers() -> Mapping[str, Reader]:
    """The readers by their kinds: every module of this folder that has one."""
    found = {}
    package = importlib.import_module("grader.intake.lms")
    for module in pkgutil.iter_modules(package.__path__, "grader.intake.lms."):
        reader = getattr(importlib.import_module(module.name), "READER", None)
        if isinstance(reader, Reader):
            found[reader.kind] = reader
    return dict(sorted(found.items()))


def reader_of(tree: Tree, kind: str | None = None) -> Reader:
    """The reader of this download; `kind` is what its user says it is. Raises UsageError where two could be meant."""
    if kind is not None:
        return readers()[kind]
    fitting = [one for one in readers().values() if one.kind != FALLBACK and one.fits(tree)]
    if len(fitting) > 1:
        what = "it may be " + " or ".join(one.about for one in fitting)
        fix = "say which: " + " or ".join(f"--from {one.kind}" for one in fitting)
        raise UsageError.single(what, where=str(tree.path), fix=fix)
    return fitting[0] if fitting else readers()[FALLBACK]
