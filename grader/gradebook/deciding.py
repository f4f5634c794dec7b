"""How is a decision saved so that nobody's is lost? Only on what its author saw, together with its history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Row as SqlRow

from grader.course import points_text
from grader.documents.wording import shown
from grader.errors import UsageError
from grader.gradebook import tables
from grader.gradebook.about import now
from grader.gradebook.nouns import ConflictError, Entry
from grader.gradebook.packed import decisions_of, moment, row_from, unpacked_card
from grader.gradebook.standing import Standing, columns
from grader.model import DecisionKind, Json, Problem
from grader.settling import bounds, ground, in_force

entries = tables.entries
MOST_TEXT = 20_000  # letters of a comment or a reason
MOST_PARTS = 10**6  # of a point


def entry(connection: Connection, number: int, *, is_locked: bool = False) -> Entry:
    """An entry in full. Raises UsageError where there is none."""
    return _entry(connection, _row(connection, number, is_locked=is_locked))[0]


def _row(connection: Connection, number: int, *, is_locked: bool) -> SqlRow[Any]:
    asked = sa.select(entries).where(entries.c.id == number)
    row = connection.execute(asked.with_for_update() if is_locked else asked).one_or_none()
    if row is None:
        what = f"the gradebook has no entry {number}"
        raise UsageError.single(what, where="gradebook", fix="look it up in the list again", code="no-entry")
    return row


def _entry(connection: Connection, row: SqlRow[Any]) -> tuple[Entry, Standing]:
    made = connection.execute(sa.select(tables.cards).where(tables.cards.c.id == row.card)).one()
    card = unpacked_card(made.card, row.card_digest, row.submission)
    standing = Standing.of(card, decisions_of(connection, entries.c.id == row.id).get(row.id, []))
    at = moment(row.received_at)
    return Entry(row_from(row), card, standing.settled, standing.decisions, row.source, at, row.digest), standing


def _seen(connection: Connection, number: int, seen_version: int) -> tuple[SqlRow[Any], Entry]:
    """The entry, locked, as its author saw it; else ConflictError."""
    row = _row(connection, number, is_locked=True)
    now_there = _entry(connection, row)[0]
    if row.version != seen_version:
        asked = sa.select(tables.events).where(tables.events.c.entry == number).order_by(tables.events.c.id.desc())
        last = connection.execute(asked.where(tables.events.c.version > seen_version).limit(1)).one_or_none()
        who = f" by {shown(last.author)}" if last is not None else ""
        what = f"this was changed meanwhile{who}: it is at version {row.version}, and you saw {seen_version}"
        fix = "look at what is there now, and decide again: nothing of either was lost"
        raise ConflictError(Problem("conflict", row.submission, what, fix), now_there)
    return row, now_there


def decide(
    connection: Connection,
    number: int,
    kind: DecisionKind,
    *,
    place: tuple[str, str],
    points: Fraction | None,
    text: str,
    reason: str,
    author: str,
    seen_version: int,
) -> Entry:
    """Add a decision."""
    row, before = _seen(connection, number, seen_version)
    _allowed(before, kind, place, points, text, reason, author)
    task, rule = place
    values = {
        "entry": number, "kind": kind.value, "task": task, "rule": rule,
        "points": None if points is None else str(points),
        "text": text, "reason": reason, "author": author, "at": now(),
        "ground": ground(before.card, task, rule), "is_undone": False,
    }  # fmt: skip
    made = connection.execute(
        sa.insert(tables.decisions).values(**values).returning(tables.decisions.c.id)
    ).scalar_one()
    told = {key: values[key] for key in ("task", "rule", "points", "text", "reason")}
    return _changed(connection, row, before, author, "decided", {"decision": made, "kind": kind.value, **told})


def undo(connection: Connection, number: int, decision: int, *, author: str, seen_version: int) -> Entry:
    """Take a decision back. It stays in the history; what was in force before it is again."""
    row, before = _seen(connection, number, seen_version)
    found = next((one for one in before.decisions if one.id == decision), None)
    if found is None or found.is_undone:
        what = "this decision is undone already" if found is not None else f"there is no decision {decision} here"
        raise UsageError.single(what, where=row.submission, fix="look at the history", code="no-decision")
    connection.execute(sa.update(tables.decisions).where(tables.decisions.c.id == decision).values(is_undone=True))
    told = {"decision": decision, "kind": found.kind.value, "task": found.task, "rule": found.rule}
    return _changed(connection, row, before, author, "undone", told)


def reviewed(connection: Connection, number: int, author: str, seen_version: int, *, is_reviewed: bool) -> Entry:
    """Note that somebody has looked at all of it, as it is now; or that it waits again."""
    row, before = _seen(connection, number, seen_version)
    _named(author, row.submission)
    values = {
        "reviewed_card": row.card if is_reviewed else None,
        "reviewed_by": author if is_reviewed else "",
        "reviewed_at": now() if is_reviewed else None,
    }
    connection.execute(sa.update(entries).where(entries.c.id == number).values(**values))
    return _changed(connection, row, before, author, "reviewed" if is_reviewed else "not-reviewed", {})


def assigned(connection: Connection, numbers: Sequence[int], to: str, author: str) -> None:
    """Say whose work these entries are; no version changes with it."""
    at = now()
    for number in sorted(set(numbers)):
        row = _row(connection, number, is_locked=True)
        if row.assigned_to == to:
            continue
        connection.execute(sa.update(entries).where(entries.c.id == number).values(assigned_to=to))
        told = {"entry": number, "at": at, "author": author, "kind": "assigned", "version": row.version}
        detail = json.dumps({"from": row.assigned_to, "to": to})
        connection.execute(sa.insert(tables.events).values(**told, detail=detail))


def _changed(
    connection: Connection, row: SqlRow[Any], before: Entry, author: str, kind: str, detail: Mapping[str, Json]
) -> Entry:
    """Count the entry anew, raise its version, and note what happened; the entry as it is then."""
    version = row.version + 1
    fresh = _row(connection, row.id, is_locked=False)
    standing = _entry(connection, fresh)[1]
    values = columns(standing, is_reviewed=fresh.reviewed_card == fresh.card)
    connection.execute(sa.update(entries).where(entries.c.id == row.id).values(**values, version=version))
    told = {"entry": row.id, "at": now(), "author": author, "kind": kind, "version": version}
    sums = {"sum": [str(before.row.points), values["points"]], "open": [row.open_points, values["open_points"]]}
    connection.execute(sa.insert(tables.events).values(**told, detail=json.dumps({**detail, **sums})))
    return entry(connection, row.id)


# --- what may be decided -------------------------------------------------------------------------


def _allowed(
    before: Entry,
    kind: DecisionKind,
    place: tuple[str, str],
    points: Fraction | None,
    text: str,
    reason: str,
    author: str,
) -> None:
    """Raises UsageError for what cannot be meant."""
    where = before.row.submission
    _named(author, where)
    if max(len(text), len(reason)) > MOST_TEXT:
        raise _refused(where, f"this is longer than {MOST_TEXT:,} letters", "say it in fewer")
    task, rule = place
    if (task or rule) and not ground(before.card, task, rule):
        what = (
            f"there is no rule {shown(rule)} in the task {shown(task)}" if rule else f"there is no task {shown(task)}"
        )
        raise _refused(where, what, "name one of the card")
    if kind is DecisionKind.COMMENT:
        if points is not None or not text.strip():
            raise _refused(where, "a comment is text without points", "write what the student is to read")
        return
    if not task or points is None:
        raise _refused(
            where, "an override sets the points of a task or of one of its rules", "name it, with the points"
        )
    if not reason.strip():
        raise _refused(
            where, "an override needs a reason", "say why: others of the staff read it, the student does not"
        )
    if points.denominator > MOST_PARTS:
        raise _refused(where, "these points have too many decimals", "name points such as 2.5 or 1/3")
    low, high = bounds(before.card, task, rule)
    if not low <= points <= high:
        what = f"{points_text(points)} points are not between {points_text(low)} and {points_text(high)}"
        raise _refused(where, what, "name points that can be had there")
    if rule and (task, "") in in_force(before.card, before.decisions):
        what = f"the points of the whole task {shown(task)} are set already, so those of a rule would change nothing"
        raise _refused(where, what, "undo that decision first, or set the task's points anew")


def _named(author: str, where: str) -> None:
    if not author.strip():
        raise _refused(where, "nobody is named who decides", "name the author")


def _refused(where: str, what: str, fix: str) -> UsageError:
    return UsageError.single(what, where=where, fix=fix, code="no-such-decision")
