"""How do cards, decisions and rows stand in the database, and how do they come back?"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Row as SqlRow

from grader.cards import card_from
from grader.errors import MachineError
from grader.gradebook import tables
from grader.gradebook.about import digest_of
from grader.gradebook.nouns import Row, TaskPoints, Waiting
from grader.model import Decision, DecisionKind, Json, ScoreCard, Student


def moment(text: str | None) -> datetime | None:
    """A time as it was written."""
    return None if text is None else datetime.fromisoformat(text)


@lru_cache(maxsize=4096)
def fraction(text: str) -> Fraction:
    """Points: a class has few different ones."""
    return Fraction(text)


def pack(data: bytes) -> bytes:
    """For the database."""
    return zlib.compress(data, 1)


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return b""


def is_whole(packed: bytes, digest: str) -> bool:
    """Whether a card is what was kept."""
    return digest_of(_unpacked(packed)) == digest


def unpacked_card(packed: bytes, digest: str, submission: str) -> ScoreCard:
    """The card. Raises MachineError where it is damaged, or of a newer grader."""
    data = _unpacked(packed)
    if digest_of(data) != digest:
        what, fix = "the card in the gradebook is damaged", "run grader run-all again: it is made anew"
        raise MachineError.single(what, where=submission, fix=fix, code="damaged-card")
    try:
        return card_from(json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        what = f"the card in the gradebook is of another version of the grader ({error})"
        fix = "update the grader, or run grader run-all again: the card is made anew"
        raise MachineError.single(what, where=submission, fix=fix, code="other-card") from error


def decisions_of(connection: Connection, where: sa.ColumnElement[bool]) -> dict[int, list[Decision]]:
    """The decisions by their entries, in the order in which they were made."""
    table = tables.decisions
    joined = table.join(tables.entries, table.c.entry == tables.entries.c.id)
    asked = sa.select(table).select_from(joined).where(where).order_by(table.c.id)
    made: dict[int, list[Decision]] = {}
    for one in connection.execute(asked):
        made.setdefault(one.entry, []).append(_decision(one))
    return made


def _decision(one: SqlRow[Any]) -> Decision:
    return Decision(
        id=one.id,
        kind=DecisionKind(one.kind),
        task=one.task,
        rule=one.rule,
        points=None if one.points is None else Fraction(one.points),
        text=one.text,
        reason=one.reason,
        author=one.author,
        at=datetime.fromisoformat(one.at),
        ground=one.ground,
        is_undone=one.is_undone,
    )


def students_from(text: str) -> tuple[Student, ...]:
    """Who handed it in."""
    return tuple(Student(*one) for one in json.loads(text))


def row_from(one: SqlRow[Any]) -> Row:
    """A row of `entries`."""
    tasks: Mapping[str, Json] = json.loads(one.tasks)
    return Row(
        id=one.id,
        assignment=one.assignment,
        submission=one.submission,
        students=students_from(one.students),
        points=fraction(one.points),
        max_points=fraction(one.max_points),
        open_points=fraction(one.open_points),
        is_passed=one.is_passed,
        days_late=one.days_late,
        tasks={task: _task(numbers) for task, numbers in tasks.items()},
        waiting=tuple(map(Waiting, json.loads(one.waiting))),
        open_tasks=tuple(filter(None, one.open_tasks.split("\n"))),
        is_borderline=one.is_borderline,
        is_moved=one.is_moved,
        overrides=one.overrides,
        comments=one.remarks,
        assigned_to=one.assigned_to,
        is_reviewed=one.reviewed_card == one.card,
        reviewed_by=one.reviewed_by,
        rubric_digest=one.rubric_digest,
        variant=one.variant,
        version=one.version,
    )


def _task(numbers: Json) -> TaskPoints:
    points, most, waiting, is_counted = numbers
    return TaskPoints(fraction(points), fraction(most), fraction(waiting), is_counted)
