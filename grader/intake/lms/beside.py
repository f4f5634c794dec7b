"""Does the LMS's own grade file lie beside the hand-ins? A person put it there; what a student named is never asked."""

from __future__ import annotations

from collections.abc import Iterable

from grader.intake.classes import RosterEntry
from grader.intake.lms.base import Worksheet
from grader.intake.lms.roster import kind_of, roster_from
from grader.intake.lms.tables import Table, read_table
from grader.intake.lms.tree import Stored

_MOST_BYTES = 256 * 2**20


def grade_file(files: Iterable[Stored], kind: str) -> tuple[Worksheet | None, Table | None, tuple[RosterEntry, ...]]:
    """The grade file of this LMS among `files`, as bytes, as a table and as its roster; nothing where two could be it.

    `files` are those that no reader of hand-ins took. Raises SubmissionError where one is a table that is broken.
    """
    found = []
    for file in files:
        data = file.read(_MOST_BYTES) if file.name.lower().endswith(".csv") else None
        if data is not None:
            table = read_table(data, file.name)
            if kind_of(table) == kind:
                found.append((Worksheet(file.name, data), table))
    if len(found) != 1:
        return None, None, ()
    [(worksheet, table)] = found
    return worksheet, table, roster_from(table).entries
