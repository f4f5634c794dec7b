"""What does a course of nbgrader hold? For each student and assignment a folder below `submitted`.

    dl101/submitted/s1001/digits/digits.ipynb
    dl101/submitted/s1001/digits/timestamp.txt
    dl101/gradebook.db

`timestamp.txt` is nbgrader's own record of when a hand-in was taken, and nobody's file. Who is in the course is in its
database, which names those, too, who handed nothing in.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Final

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import SubmissionError, UsageError
from grader.intake.classes import Quarantined, RosterEntry, is_id
from grader.intake.lms.base import Download, Found, Options, Reader, Who
from grader.intake.lms.shape import paths_of, unwrapped
from grader.intake.lms.times import moment
from grader.intake.lms.tree import Stored, Tree

SUBMITTED: Final = "submitted"
DATABASE: Final = "gradebook.db"
TIMESTAMP: Final = "timestamp.txt"
_BESIDE: Final = frozenset({"source", "release", "autograded", "feedback", DATABASE, "nbgrader_config.py"})
_MOST_DATABASE: Final = 512 * 2**20
_MOST_STAMP: Final = 200


def fits(tree: Tree) -> bool:
    """Whether this is a course's folder (`submitted` beside what nbgrader keeps there), or its folder `submitted`."""
    for one in (tree, unwrapped(tree)):
        if SUBMITTED in one.folders and not _BESIDE.isdisjoint(one.top()):
            return True
    root = _submitted(tree)
    if root is None or not all(top in root.folders for top in root.top()):
        return False
    return any(path.count("/") == 2 and path.endswith(f"/{TIMESTAMP}") for path in root.files)


def read(tree: Tree, options: Options) -> Download:
    """The hand-ins of one assignment. Raises UsageError where it is not clear which, SubmissionError for no course."""
    root = _submitted(tree)
    if root is None:
        what = f"there is no folder {SUBMITTED!r}, where nbgrader keeps what was handed in"
        raise SubmissionError.single(what, where=clean(str(tree.path)), fix="name the folder of the course")
    files = _by_student(root)
    name = _assignment(files, options, tree)
    found = []
    quarantined = []
    for student, by_assignment in files.items():
        if student in root.files:
            reason = "it lies where nbgrader keeps the folders of students"
            quarantined.append(Quarantined((root.files[student].path,), reason, "ask whose it is"))
            continue
        mine = dict(by_assignment.get(name, {}))
        stamp = mine.pop(TIMESTAMP, None)
        if mine or stamp or name in by_assignment:
            found.append(
                Found(
                    key=student,
                    who=(Who(id=student, keys={"nbgrader_id": student}),),
                    files=mine,
                    received_at=_stamped(stamp, options),
                    lms_folder=student,
                    note="" if mine else "its folder is empty",
                )
            )
        loose = by_assignment.get("", {})
        if loose:
            reason = f"it lies beside the assignments of {shown(student)}, not in one"
            quarantined.append(Quarantined(paths_of(loose), reason, f"move it into the folder {name!r}, if it is part"))
    roster, remarks = _roster(tree)
    return Download("nbgrader", tuple(found), roster, tuple(quarantined), None, roster is not None, remarks)


READER: Final = Reader("nbgrader", "a course of nbgrader", fits, read)


def _submitted(tree: Tree) -> Tree | None:
    """The folder `submitted`: in the course's folder, in the only folder at the top, or the download itself."""
    for root in (tree, unwrapped(tree)):
        if SUBMITTED in root.folders:
            return root.below(SUBMITTED)
    return next((root for root in (tree, unwrapped(tree)) if root.name == SUBMITTED), None)


def _by_student(root: Tree) -> dict[str, dict[str, dict[str, Stored]]]:
    """The files by student and assignment, with their paths there; under "" those that lie in no assignment."""
    made: dict[str, dict[str, dict[str, Stored]]] = {top: {} for top in root.top()}
    for path in sorted(root.folders):
        student, _, rest = path.partition("/")
        if rest and "/" not in rest:
            made[student].setdefault(rest, {})
    for path, file in root.files.items():
        student, _, rest = path.partition("/")
        name, _, inner = rest.partition("/")
        if rest:
            made[student].setdefault(name if inner else "", {})[inner or name] = file
    return made


def _assignment(files: Mapping[str, Mapping[str, object]], options: Options, tree: Tree) -> str:
    """Which of the course's assignments is meant: the one of that name, or the only one there is."""
    names = sorted({name for by_assignment in files.values() for name in by_assignment if name})
    if options.assignment in names:
        return options.assignment
    if len(names) == 1:
        return names[0]
    if not names:
        raise SubmissionError.single(
            "nobody has handed anything in", where=clean(str(tree.path)), fix="name the folder of the course"
        )
    listed = ", ".join(shown(name, 40) for name in names[:20])
    what = f"it holds the assignments {listed}, and none is called {shown(options.assignment)}"
    fix = "copy the folders of one of them, and import that copy; or rename them as the course calls the assignment"
    raise UsageError.single(what, where=clean(str(tree.path)), fix=fix)


def _stamped(stamp: Stored | None, options: Options) -> datetime | None:
    data = stamp.read(_MOST_STAMP) if stamp is not None else None
    return moment(data.decode("utf-8", "replace"), options.zone) if data is not None else None


def _roster(tree: Tree) -> tuple[tuple[RosterEntry, ...] | None, tuple[str, ...]]:
    """(the students of the course's database, what a person should know of it). None where there is no database."""
    files = {**unwrapped(tree).files, **tree.files}
    database = files.get(DATABASE)
    if database is None:
        return None, ()
    data = database.read(_MOST_DATABASE)
    rows = _rows(data) if data is not None else None
    if rows is None:
        return None, (f"{DATABASE} cannot be read: who handed nothing in is not known from it",)
    entries = []
    remarks = []
    for student, first, last, email in rows:
        if not is_id(student):
            remarks.append(f"{DATABASE}: {shown(student, 80)} is no id, and is left out")
            continue
        entries.append(RosterEntry(student, f"{first} {last}".strip(), email, keys={"nbgrader_id": student}))
    return tuple(entries), tuple(remarks)


def _rows(data: bytes) -> list[tuple[str, str, str, str]] | None:
    """(id, first name, last name, address) of the table `student`; None where the bytes are no such database."""
    import sqlite3

    if not data.startswith(b"SQLite format 3\0"):
        return None
    try:
        with closing(sqlite3.connect(":memory:")) as opened:
            opened.deserialize(data)
            opened.execute("PRAGMA trusted_schema = OFF")
            rows = opened.execute("SELECT id, first_name, last_name, email FROM student ORDER BY id").fetchall()
    except (sqlite3.Error, OverflowError, UnicodeDecodeError):
        return None
    made = [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    return [(row[0], row[1], row[2], row[3]) for row in made]
