"""Where does an upload lie, and what is it? On the disk under the digest of its bytes, counted while it comes in.

    begin -> write, write, ... (refused past the cap) -> whole -> looked at -> COURSE/.grader/uploads/ab/abcd....zip

A file is renamed into place when it is whole, read and synced; the database hears of it afterwards. What a death leaves
in between is nobody's, and is removed at the next start.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from grader.documents.wording import clean
from grader.evidence.crash_points import crash_point
from grader.evidence.room import NEEDED_BYTES, free_bytes, tried
from grader.evidence.whole_files import begun, sweep, sync_folder
from grader.intake import read_submission, remove_tree
from grader.intake.belonging import OTHER_STUDENTS
from grader.model import Problem, Student, Submission

FOLDER = "uploads"  # in COURSE/.grader
_WORK = "work"
_NAME = re.compile(r"[0-9a-f]{64}\.zip")


class TooBigError(Exception):
    """More bytes came than are taken."""


class NoSpaceError(Exception):
    """The disk takes no more: nobody's fault who uploads."""


class Incoming:
    """An upload that is on its way. Use it as a context: what was not kept is gone at the end."""

    def __init__(self, store: Store, most: int) -> None:
        self._store, self._most = store, most
        self.size = 0
        self._digest = hashlib.sha256()
        self._descriptor, path = begun(store.folder)
        self.path = Path(path)
        self._is_kept = False

    def write(self, data: bytes) -> None:
        """Take some more. Raises TooBigError before a byte past the cap is written, and NoSpaceError."""
        if self.size + len(data) > self._most:
            raise TooBigError
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise NoSpaceError(error.strerror) from error
        self._digest.update(data)
        self.size += len(data)

    @property
    def digest(self) -> str:
        """SHA-256 of what has come, in hex."""
        return self._digest.hexdigest()

    def keep(self) -> str:
        """Put it in its place, lasting through a power cut; its digest. The same bytes twice are kept once."""
        try:
            os.fsync(self._descriptor)
            path = self._store.path(self.digest)
            path.parent.mkdir(exist_ok=True)
            crash_point("service.upload-whole")
            self.path.replace(path)
            sync_folder(path.parent)
            sync_folder(self._store.folder)
        except OSError as error:
            raise NoSpaceError(error.strerror) from error
        self._is_kept = True
        crash_point("service.upload-kept")
        return self.digest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
        if not self._is_kept:
            with suppress(OSError):
                self.path.unlink()


class Store:
    """The uploads of a course."""

    def __init__(self, state: Path) -> None:
        self.folder = state / FOLDER
        self.work = self.folder / _WORK

    def prepare(self, known: Callable[[], set[str]]) -> int:
        """See that uploads can be kept, and remove what no upload names; how many files.

        For the one process that serves, before it serves. Raises MachineError where the folder cannot be written.
        """
        tried(self.folder, other="--course DIR")
        self.folder.chmod(0o700)  # what students handed in is for the service and the staff alone
        remove_tree(self.work)
        self.work.mkdir(mode=0o700)
        swept, wanted = sweep(self.folder), known()
        for path in self.folder.glob("??/*.zip"):
            if _NAME.fullmatch(path.name) and path.stem not in wanted:
                path.unlink(missing_ok=True)
                swept += 1
        return swept

    def begin(self, most: int) -> Incoming:
        """An upload of at most so many bytes. Raises NoSpaceError where the disk would not hold it."""
        if 0 <= free_bytes(self.folder) < most + NEEDED_BYTES:
            raise NoSpaceError("the disk is nearly full")
        try:
            return Incoming(self, most)
        except OSError as error:
            raise NoSpaceError(error.strerror) from error

    def path(self, digest: str) -> Path:
        """Where the file of these bytes lies."""
        return self.folder / digest[:2] / f"{digest}.zip"

    @contextmanager
    def named(self, path: Path, owner: str) -> Iterator[Path]:
        """The file under its owner's name, by which messages call it, for as long as the block lasts."""
        folder = self.work / secrets.token_hex(8)
        folder.mkdir(mode=0o700)
        try:
            link = folder / f"{owner}.zip"
            try:
                os.link(path, link)
            except OSError:  # a file system without links
                shutil.copyfile(path, link)
            yield link
        finally:
            remove_tree(folder)

    def problems(self, path: Path, *, owner: str, assignment: str) -> tuple[bool, tuple[Problem, ...]]:
        """Whether the file can be graded, and what is to be said of it: it is unpacked as for grading, and removed."""
        with self.named(path, owner) as link:
            submission = read_submission(link, workspace=link.parent, assignment=assignment)
            return submission.is_readable, submission.problems

    def submission(self, link: Path, *, owner: str, assignment: str, students: tuple[Student, ...]) -> Submission:
        """The hand-in that lies there, unpacked beside it: whose it is, the caller says, and no file in it."""
        submission = read_submission(link, workspace=link.parent, assignment=assignment)
        named = {student.id for student in submission.students}
        problems = submission.problems
        others = sorted(named - {student.id for student in students})
        if others:
            listed = ", ".join(clean(one, 64) for one in others[:5])
            what = f"it names {listed}, and was handed in by {', '.join(one.id for one in students)}"
            fix = "nothing is lost: it counts for who handed it in; put your own id there"
            problems = (*problems, Problem(OTHER_STUDENTS, "submission.json", what, fix))
        return replace(submission, id=owner, students=students, problems=problems)
