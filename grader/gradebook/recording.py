"""How does a run get into the gradebook? What is new of it, in one transaction, with every decision still in force."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Row as SqlRow

from grader.cards import KeptCard
from grader.documents.wording import shown
from grader.frozen import dataclass
from grader.gradebook import tables
from grader.gradebook.about import about, now
from grader.gradebook.aside import Aside
from grader.gradebook.gone import looked_for
from grader.gradebook.nouns import Change, HandInFacts, Recorded
from grader.gradebook.packed import (
    decisions_of,
    fraction,
    is_whole,
    pack,
    row_from,
    students_from,
    unpacked_card,
)
from grader.gradebook.standing import Standing, columns
from grader.model import Decision, Json, Problem, ScoreCard

Known = Mapping[str, SqlRow[Any]]  # the entries of an assignment, by their hand-ins
entries = tables.entries


@dataclass(frozen=True)
class Before:
    """What is recorded of an assignment: its entries by their hand-ins, the decisions, and whose cards are damaged."""

    rows: Known
    decisions: Mapping[int, Sequence[Decision]]
    damaged: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Counted:
    """What follows from a card and the decisions that an entry had at a version; 0 where there was no entry."""

    version: int
    columns: Mapping[str, Json]
    flagged: tuple[int, ...]  # decisions whose ground is another one now
    is_moved: bool

    @classmethod
    def of(cls, card: ScoreCard, decisions: Sequence[Decision], version: int) -> Counted:
        standing = Standing.of(card, decisions)
        flagged = (one.id for one in standing.decisions if one.is_moved and not one.is_undone)
        return cls(version, columns(standing, is_reviewed=False), tuple(flagged), standing.is_moved)


@dataclass(frozen=True)
class Prepared:
    """A card that differs from the recorded one, or from none, ready to be written; or only its facts do."""

    assignment: str
    submission: str
    digest: str
    packed: bytes
    about: Mapping[str, Json]  # columns of `entries` that follow from card and facts alone
    counted: Counted
    is_mending: bool = False  # the card that is recorded is this one, and damaged


def known(connection: Connection, assignment: str, *, is_locked: bool = False) -> Known:
    """The entries of an assignment; locked against other writers until the transaction ends."""
    asked = sa.select(entries).where(entries.c.assignment == assignment).order_by(entries.c.id)
    rows = connection.execute(asked.with_for_update() if is_locked else asked)
    return {row.submission: row for row in rows}


def before_of(connection: Connection, assignment: str) -> Before:
    """What is recorded of an assignment, with a look at every card."""
    cards = tables.cards
    joined = entries.join(cards, entries.c.card == cards.c.id)
    asked = sa.select(entries.c.id, entries.c.card_digest, cards.c.card).select_from(joined)
    found = connection.execute(asked.where(entries.c.assignment == assignment), execution_options={"yield_per": 200})
    damaged = frozenset(number for number, digest, packed in found if not is_whole(packed, digest))
    decisions = decisions_of(connection, entries.c.assignment == assignment)
    return Before(known(connection, assignment), decisions, damaged)


class Preparation:
    """What is to be written of a run, put aside; how many cards are recorded as they are, and what cannot be."""

    def __init__(self, before_of_: Callable[[str], Before]) -> None:
        self.ready: Aside[Prepared] = Aside()
        self.same = 0
        self.problems: list[Problem] = []
        self.assignments: set[str] = set()  # of what is ready
        self._before_of = before_of_
        self._seen: set[tuple[str, str]] = set()

    def add(self, card: KeptCard, facts: HandInFacts) -> None:
        """See what is to be done for a card."""
        assignment, submission = place = (card.document["assignment"], card.document["submission"])
        if not card.document["rubric_digest"] or place in self._seen:
            self.problems.append(_without_place(submission, is_second=place in self._seen))
            return
        self._seen.add(place)
        told = about(card, facts)
        there = self._before_of(assignment)
        row = there.rows.get(submission)
        if row is not None and _is_another(row, told):
            self.problems.append(_other_class(row, assignment, submission))
            return
        is_mending = row is not None and row.id in there.damaged
        if row is not None and _is_same(row, told) and not is_mending:
            self.same += 1
            return
        decisions = there.decisions.get(row.id, ()) if row is not None else ()
        counted = Counted.of(card.card, decisions, row.version if row is not None else 0)
        self.assignments.add(assignment)
        self.ready.put(Prepared(*place, told["card_digest"], pack(card.data), told, counted, is_mending))


def _without_place(submission: str, *, is_second: bool) -> Problem:
    what, fix = "no rubric was found for this hand-in, so the gradebook has no place for it", "say what it is for"
    if is_second:
        what, fix = "two cards of this run have the same name: the first is recorded", "give each a name of its own"
    return Problem("warning-not-recorded", submission, what, fix)


def _is_same(before: SqlRow[Any], told: Mapping[str, Json]) -> bool:
    return all(getattr(before, name) == value for name, value in told.items())


def _is_another(before: SqlRow[Any], told: Mapping[str, Json]) -> bool:
    """Whether this is of the same name by chance: other students, in another folder. No grade may hide another."""
    theirs = {one.id for one in students_from(before.students)}
    ours = {one.id for one in students_from(told["students"])}
    return bool(theirs and ours and not theirs & ours and before.source != told["source"])


def _other_class(before: SqlRow[Any], assignment: str, submission: str) -> Problem:
    named = ", ".join(shown(one.id) for one in students_from(before.students))
    what = f"the gradebook has a hand-in of this name by other students ({named}), from {shown(before.source)}"
    fix = "rename this one, or keep a gradebook of its own for this class with --gradebook FILE"
    return Problem("warning-not-recorded", f"{assignment}: {submission}", what, fix)


def written(
    connection: Connection, made: Preparation, *, run: Mapping[str, str], folder: str, places: Container[str]
) -> Recorded:
    """Write it. The entries are looked at again: others may have written since, and then it is counted anew.

    `places` are those of the hand-ins; with `folder`, of all that are in it.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1735549283)")  # one run at a time
    there = {name: known(connection, name, is_locked=True) for name in sorted(made.assignments)}
    number = connection.execute(sa.insert(tables.runs).values(**run, at=now()).returning(tables.runs.c.id)).scalar_one()
    done = Recorded(same=made.same)
    for part in made.ready.parts():
        done = _written(connection, part, there, done, number, run["command"])
    counts = {"new": done.new, "changed": done.changed, "same": done.same, "flagged": done.flagged}
    connection.execute(sa.update(tables.runs).where(tables.runs.c.id == number).values(counts=json.dumps(counts)))
    gone = looked_for(connection, folder, places, run["command"])
    return replace(done, problems=(*made.problems, *gone))


def _written(
    connection: Connection, part: Sequence[Prepared], there: Mapping[str, Known], done: Recorded, run: int, command: str
) -> Recorded:
    """Write some, whatever else is written; what is done then."""
    fresh = [one for one in part if one.submission not in there[one.assignment]]
    pairs = [(one, there[one.assignment][one.submission]) for one in part if one.submission in there[one.assignment]]
    changed = [(one, row) for one, row in pairs if row.card_digest != one.digest or one.is_mending]
    for one, row in pairs:
        if row.card_digest == one.digest and not _is_same(row, one.about):
            connection.execute(sa.update(entries).where(entries.c.id == row.id).values(**one.about))
    _added(connection, fresh, run, command)
    flagged = _replaced(connection, changed, run, command)
    return Recorded(
        done.new + len(fresh),
        done.changed + len(changed),
        done.same + len(pairs) - len(changed),
        done.flagged + flagged,
    )


def _added(connection: Connection, fresh: Sequence[Prepared], run: int, command: str) -> None:
    """Make entries."""
    if not fresh:
        return
    rows = [
        {
            "assignment": one.assignment, "submission": one.submission, "version": 1, "card": 0, "assigned_to": "",
            "is_gone": False,
            **one.about, **_counted(connection, one).columns,
        }
        for one in fresh
    ]  # fmt: skip
    ids = connection.execute(sa.insert(entries).returning(entries.c.id, sort_by_parameter_order=True), rows)
    numbers = list(ids.scalars())
    cards = _cards(connection, zip(numbers, fresh, strict=True), run)
    _update(connection, [{"of": entry, "card": card} for entry, card in zip(numbers, cards, strict=True)])
    details = [{"run": run, "points": row["points"], "open_points": row["open_points"]} for row in rows]
    told = [(entry, 1, detail) for entry, detail in zip(numbers, details, strict=True)]
    _tell(connection, "recorded", told, command)


def _replaced(connection: Connection, changed: Sequence[tuple[Prepared, SqlRow[Any]]], run: int, command: str) -> int:
    """Give entries their new cards; how many have a decision that stands on other findings now."""
    if not changed:
        return 0
    counted = [_counted(connection, one, row) for one, row in changed]
    cards = _cards(connection, [(row.id, one) for one, row in changed], run)
    _update(
        connection,
        [
            {"of": row.id, "card": card, "version": row.version + 1, **one.about, **made.columns}
            for (one, row), card, made in zip(changed, cards, counted, strict=True)
        ],
    )
    told = []
    for (_, row), made in zip(changed, counted, strict=True):
        sums = {name: [getattr(row, name), made.columns[name]] for name in ("points", "open_points")}
        told.append((row.id, row.version + 1, {"run": run, **sums, "flagged": list(made.flagged)}))
    _tell(connection, "regraded", told, command)
    return sum(made.is_moved for made in counted)


def _counted(connection: Connection, one: Prepared, row: SqlRow[Any] | None = None) -> Counted:
    """As it was counted, unless somebody decided something since."""
    version = row.version if row is not None else 0
    if one.counted.version == version:
        return one.counted
    decisions = decisions_of(connection, entries.c.id == row.id).get(row.id, []) if row is not None else []
    return Counted.of(unpacked_card(one.packed, one.digest, one.submission), decisions, version)


def _cards(connection: Connection, made: Iterable[tuple[int, Prepared]], run: int) -> Sequence[int]:
    """Keep the cards; their numbers."""
    at, table = now(), tables.cards
    rows = [{"entry": entry, "run": run, "digest": one.digest, "card": one.packed, "at": at} for entry, one in made]
    return (
        connection.execute(sa.insert(table).returning(table.c.id, sort_by_parameter_order=True), rows).scalars().all()
    )


def _update(connection: Connection, rows: Sequence[Mapping[str, Json]]) -> None:
    """Change entries, whose numbers are `of`, all in the same columns."""
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in rows[0] if name != "of"}
    bound = [{name if name == "of" else f"new_{name}": value for name, value in row.items()} for row in rows]
    connection.execute(sa.update(entries).where(entries.c.id == sa.bindparam("of")).values(**values), bound)


def _tell(connection: Connection, kind: str, told: Iterable[tuple[int, int, Mapping[str, Json]]], command: str) -> None:
    at = now()
    rows = [
        {"entry": entry, "at": at, "author": command, "kind": kind, "version": version, "detail": json.dumps(detail)}
        for entry, version, detail in told
    ]
    connection.execute(sa.insert(tables.events), rows)


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
        told = about(KeptCard.of(card), facts)
        if before is not None and (before.card_digest == told["card_digest"] or _is_another(before, told)):
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
