"""What is listed of an assignment? Rows by a query, from the columns of `entries` alone: no card is unpacked."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from grader.gradebook import tables
from grader.gradebook.nouns import Event, Order, Page, Query
from grader.gradebook.packed import row_from

entries = tables.entries


def assignments(connection: Connection) -> list[str]:
    """Those with a hand-in or a class list."""
    lists = tables.class_lists
    both = sa.union(sa.select(entries.c.assignment), sa.select(lists.c.assignment))
    return sorted(connection.execute(both).scalars())


def rows(connection: Connection, assignment: str, query: Query) -> Page:
    """The rows that are asked for, and how many there are."""
    wanted = _wanted(assignment, query)
    total = connection.execute(sa.select(sa.func.count()).select_from(entries).where(wanted)).scalar_one()
    order = query.order or (Order.QUEUE if query.is_queue else Order.NAME)
    is_plain = connection.dialect.name == "sqlite"
    name = entries.c.submission if is_plain else entries.c.submission.collate("C")  # one order, whatever the database
    by: dict[Order, list[sa.ColumnElement[Any]]] = {
        Order.NAME: [name],
        Order.QUEUE: [entries.c.rank == 0, entries.c.rank, name],
        Order.LEAST: [entries.c.sum, name],
        Order.MOST: [entries.c.sum.desc(), name],
    }
    asked = sa.select(entries).where(wanted).order_by(*by[order], entries.c.id).limit(query.limit).offset(query.offset)
    return Page(tuple(map(row_from, connection.execute(asked))), total)


def _wanted(assignment: str, query: Query) -> sa.ColumnElement[bool]:
    tests = [entries.c.assignment == assignment]
    tests += [_holds(entries.c.search, word) for word in query.text.casefold().split()]
    if query.is_queue:
        tests.append(entries.c.rank > 0)
    if query.waiting is not None:
        tests.append(_holds(entries.c.waiting, json.dumps(query.waiting.value)))
    if query.task:
        tests.append(_holds(entries.c.open_tasks, f"\n{query.task}\n"))
    if query.is_gone is not None:
        tests.append(entries.c.is_gone.is_(query.is_gone))
    if query.assigned_to is not None:
        tests.append(entries.c.assigned_to == query.assigned_to)
    if query.is_passed is not None:
        tests.append(entries.c.is_passed.is_(query.is_passed))
    if query.is_reviewed is not None:
        is_seen = sa.func.coalesce(entries.c.reviewed_card, -1) == entries.c.card
        tests.append(is_seen if query.is_reviewed else sa.not_(is_seen))
    return sa.and_(*tests)


def _holds(column: sa.Column[str], part: str) -> sa.ColumnElement[bool]:
    """Whether a text holds another, letter by letter: LIKE takes `a` for `A` in one database and not in the other."""
    return sa.func.replace(column, part.replace("\0", "").encode(errors="replace").decode(), "") != column


def history(connection: Connection, entry: int) -> list[Event]:
    """All that happened to an entry, the latest last."""
    table = tables.events
    asked = sa.select(table).where(table.c.entry == entry).order_by(table.c.id)
    return [
        Event(
            one.id, one.entry, datetime.fromisoformat(one.at), one.author, one.kind, one.version, json.loads(one.detail)
        )
        for one in connection.execute(asked)
    ]
