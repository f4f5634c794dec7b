"""How does a run get into the gradebook? What is new of it, in one transaction, with every decision still in force."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Row as SqlRow

from grader.documents.wording import shown
from grader.gradebook import tables
from grader.gradebook.nouns import Change, HandInFacts, Recorded
from grader.gradebook.packed import (
    card_bytes,
    decisions_of,
    digest_of,
    fraction,
    now,
    pack,
    row_from,
    search_text,
    students_from,
    students_text,
    unpacked_card,
    utc_text,
)
from grader.gradebook.standing import Standing, columns
from grader.model import Decision, Json, Problem, ScoreCard

Known = Mapping[str, SqlRow[Any]]  # the entries of an assignment, by their hand-ins
entries = tables.entries


@dataclass(frozen=True)
class Prepared:
    """A card that differs from the recorded one, or from none, ready to be written; or only its facts do."""

    assignment: str
    submission: str
    digest: str
    packed: bytes
    about: Mapping[str, Json]  # columns of `entries` that follow from card and facts alone
    first: Mapping[str, Json] | None  # those that follow from its standing, where there is no entry yet


def known(connection: Connection, assignment: str, *, is_locked: bool = False) -> Known:
    """What is recorded of an assignment; locked against other writers until the transaction ends."""
    asked = sa.select(entries).where(entries.c.assignment == assignment).order_by(entries.c.id)
    rows = connection.execute(asked.with_for_update() if is_locked else asked)
    return {row.submission: row for row in rows}


def prepared(
    cards: Iterable[tuple[ScoreCard, HandInFacts]], known_of: Callable[[str], Known]
) -> tuple[list[Prepared], int, list[Problem]]:
    """What is to be written, how many cards are recorded as they are, and what cannot be. Reads them one by one."""
    made: list[Prepared] = []
    same = 0
    problems: list[Problem] = []
    for card, facts in cards:
        if not card.rubric_digest:
            what = "no rubric was found for this hand-in, so the gradebook has no place for it"
            problems.append(Problem("warning-not-recorded", card.submission, what, "say which assignment it is for"))
            continue
        data = card_bytes(card)
        about = _about(card, facts, digest_of(data))
        before = known_of(card.assignment).get(card.submission)
        if before is not None and _is_another(before, about):
            problems.append(_other_class(before, card))
            continue
        if before is not None and _is_same(before, about):
            same += 1
            continue
        first = None if before is not None else columns(Standing.of(card, ()), is_reviewed=False)
        made.append(Prepared(card.assignment, card.submission, about["card_digest"], pack(data), about, first))
    return made, same, problems


def _about(card: ScoreCard, facts: HandInFacts, digest: str) -> dict[str, Json]:
    return {
        "students": students_text(card.students),
        "source": facts.source,
        "received_at": utc_text(facts.received_at),
        "digest": facts.digest,
        "card_digest": digest,
        "rubric_digest": card.rubric_digest,
        "variant": card.variant,
        "terms": card.counting.terms,
        "search": search_text(card.submission, card.students),
    }


def _is_same(before: SqlRow[Any], about: Mapping[str, Json]) -> bool:
    return all(getattr(before, name) == value for name, value in about.items())


def _is_another(before: SqlRow[Any], about: Mapping[str, Json]) -> bool:
    """Whether this is of the same name by chance: other students, in another folder. No grade may hide another."""
    theirs = {one.id for one in students_from(before.students)}
    ours = {one.id for one in students_from(about["students"])}
    return bool(theirs and ours and not theirs & ours and before.source != about["source"])


def _other_class(before: SqlRow[Any], card: ScoreCard) -> Problem:
    named = ", ".join(shown(one.id) for one in students_from(before.students))
    what = f"the gradebook has a hand-in of this name by other students ({named}), from {shown(before.source)}"
    fix = "rename this one, or keep a gradebook of its own for this class with --gradebook FILE"
    return Problem("warning-not-recorded", f"{card.assignment}: {card.submission}", what, fix)


def written(
    connection: Connection, ready: Sequence[Prepared], *, same: int, problems: Sequence[Problem], run: Mapping[str, str]
) -> Recorded:
    """Write it. The entries are looked at again: others may have written since."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1735549283)")  # one run at a time
    there = {name: known(connection, name, is_locked=True) for name in sorted({one.assignment for one in ready})}
    decisions = decisions_of(connection, entries.c.assignment.in_(list(there)))
    number = connection.execute(sa.insert(tables.runs).values(**run, at=now()).returning(tables.runs.c.id)).scalar_one()
    fresh = [one for one in ready if one.submission not in there[one.assignment]]
    _added(connection, fresh, number, run["command"])
    counts = {"new": len(fresh), "changed": 0, "same": same, "flagged": 0}
    for one in ready:
        before = there[one.assignment].get(one.submission)
        if before is None:
            continue
        if before.card_digest == one.digest:
            counts["same"] += 1
            if not _is_same(before, one.about):
                connection.execute(sa.update(entries).where(entries.c.id == before.id).values(**one.about))
            continue
        is_flagged = _replaced(connection, before, one, decisions.get(before.id, []), number, run["command"])
        counts["changed"] += 1
        counts["flagged"] += is_flagged
    connection.execute(sa.update(tables.runs).where(tables.runs.c.id == number).values(counts=json.dumps(counts)))
    return Recorded(**counts, problems=tuple(problems))


def _added(connection: Connection, fresh: Sequence[Prepared], run: int, command: str) -> None:
    if not fresh:
        return
    at = now()
    rows = []
    for one in fresh:
        first = one.first
        if first is None:  # somebody removed the entry since: there is no such command
            card = unpacked_card(one.packed, one.digest, one.submission)
            first = columns(Standing.of(card, ()), is_reviewed=False)
        place = {"assignment": one.assignment, "submission": one.submission}
        rows.append({**place, **one.about, **first, "version": 1, "card": 0, "assigned_to": ""})
    ids = connection.execute(sa.insert(entries).returning(entries.c.id, sort_by_parameter_order=True), rows).scalars()
    numbers = list(ids)
    table = tables.cards
    cards = [
        {"entry": entry, "run": run, "digest": one.digest, "card": one.packed, "at": at}
        for entry, one in zip(numbers, fresh, strict=True)
    ]
    made = connection.execute(sa.insert(table).returning(table.c.id, sort_by_parameter_order=True), cards).scalars()
    pairs = [{"of": entry, "to": card} for entry, card in zip(numbers, made, strict=True)]
    connection.execute(
        sa.update(entries).where(entries.c.id == sa.bindparam("of")).values(card=sa.bindparam("to")), pairs
    )
    told = [
        {
            "entry": entry, "at": at, "author": command, "kind": "recorded", "version": 1,
            "detail": json.dumps({"run": run, "points": row["points"], "open_points": row["open_points"]}),
        }
        for entry, row in zip(numbers, rows, strict=True)
    ]  # fmt: skip
    connection.execute(sa.insert(tables.events), told)


def _replaced(
    connection: Connection, before: SqlRow[Any], one: Prepared, decisions: Sequence[Decision], run: int, command: str
) -> bool:
    """Give an entry its new card; whether a decision stands on other findings now."""
    standing = Standing.of(unpacked_card(one.packed, one.digest, one.submission), decisions)
    at = now()
    values = {"entry": before.id, "run": run, "digest": one.digest, "card": one.packed, "at": at}
    number = connection.execute(sa.insert(tables.cards).values(**values).returning(tables.cards.c.id)).scalar_one()
    row = columns(standing, is_reviewed=False)
    changed = {**one.about, **row, "card": number, "version": before.version + 1}
    connection.execute(sa.update(entries).where(entries.c.id == before.id).values(**changed))
    detail = {
        "run": run,
        "points": [before.points, row["points"]],
        "open_points": [before.open_points, row["open_points"]],
        "flagged": [decision.id for decision in standing.decisions if decision.is_moved and not decision.is_undone],
    }
    told = {"entry": before.id, "at": at, "author": command, "kind": "regraded", "version": before.version + 1}
    connection.execute(sa.insert(tables.events).values(**told, detail=json.dumps(detail)))
    return standing.is_moved


# --- what would change ---------------------------------------------------------------------------


def changes(connection: Connection, cards: Iterable[tuple[ScoreCard, HandInFacts]]) -> Iterator[Change]:
    """What recording these cards would change: points, what is open, passing, what decisions stand on."""
    there: dict[str, Known] = {}
    decisions: dict[str, dict[int, list[Decision]]] = {}
    for card, facts in cards:
        name = card.assignment
        if not card.rubric_digest:
            continue
        if name not in there:
            there[name] = known(connection, name)
            decisions[name] = decisions_of(connection, entries.c.assignment == name)
        before = there[name].get(card.submission)
        about = _about(card, facts, digest_of(card_bytes(card)))
        if before is not None and (before.card_digest == about["card_digest"] or _is_another(before, about)):
            continue
        made = _change(card, before, decisions[name].get(before.id, []) if before is not None else [])
        if made is not None:
            yield made


def _change(card: ScoreCard, before: SqlRow[Any] | None, decisions: Sequence[Decision]) -> Change | None:
    standing = Standing.of(card, decisions)
    settled = standing.settled
    old = {} if before is None else row_from(before).tasks
    new = {task.task: task.points for task in settled.tasks}
    tasks = {
        name: (old[name].points if name in old else None, new.get(name))
        for name in [*new, *(name for name in old if name not in new)]
        if name not in old or old[name].points != new.get(name)
    }
    made = Change(
        entry=None if before is None else before.id,
        assignment=card.assignment,
        submission=card.submission,
        students=card.students,
        before=None if before is None else fraction(before.points),
        after=settled.points,
        max_points=settled.max_points,
        open_before=fraction("0" if before is None else before.open_points),
        open_after=settled.open_points,
        tasks=tasks,
        passed_before=None if before is None else before.is_passed,
        passed_after=standing.is_passed,
        is_flagged=standing.is_moved and not (before is not None and before.is_moved),
    )
    is_other = made.before != made.after or made.open_before != made.open_after or tasks or made.is_flagged
    if before is not None and not (is_other or made.is_line_crossed or before.max_points != str(settled.max_points)):
        return None
    return replace(made, tasks=tasks)
