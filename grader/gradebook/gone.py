"""Which hand-ins are no longer in the folder that they came from? They count for nobody, and nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Container

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from grader.documents.wording import shown
from grader.gradebook import tables
from grader.gradebook.about import is_other, now
from grader.model import Problem

entries = tables.entries


def looked_for(connection: Connection, folder: str, present: Container[str], command: str) -> list[Problem]:
    """Note which hand-ins of a folder are gone, and which are back. `present` are the places of all that are there.

    Without a `folder` none is taken for gone.
    A renamed one would else stand in every list twice, and one that was removed would be of an old rubric for ever.
    """
    named = ("id", "assignment", "submission", "source", "is_gone", "overrides", "remarks", "version")
    problems: list[Problem] = []
    asked = sa.select(*(entries.c[name] for name in named)).order_by(entries.c.id)
    for row in connection.execute(asked if folder else asked.where(entries.c.is_gone.is_(True))).all():
        if not is_other(row.source, is_gone=row.is_gone, folder=folder, present=present):
            continue
        is_gone = not row.is_gone
        connection.execute(sa.update(entries).where(entries.c.id == row.id).values(is_gone=is_gone))
        told = {"entry": row.id, "at": now(), "author": command, "kind": "gone" if is_gone else "back"}
        detail = json.dumps({"source": row.source})
        connection.execute(sa.insert(tables.events).values(**told, version=row.version, detail=detail))
        if is_gone:
            problems.append(_told(row.assignment, row.submission, folder, row.overrides + row.remarks))
    return problems


def _told(assignment: str, submission: str, folder: str, decided: int) -> Problem:
    what = f"this hand-in is no longer in {shown(folder, 200)}: it counts for nobody now"
    fix = "put it back if that was not meant"
    if decided:
        what += f", and neither does what people decided on it ({decided})"
        fix += "; else decide again on the one that took its place"
    return Problem("warning-gone", f"{assignment}: {submission}", what, fix)
