"""What is in the gradebook? The tables, as this version writes them; `migrations` makes them.

    entries  a hand-in of an assignment: what is listed of it, and which card it has
    cards    every card that a hand-in ever had, packed
    runs     who recorded them, and when
    decisions, events, comments, class_lists

Points are exact, as text such as "7/2"; times are UTC as text. What a list shows and filters by stands in `entries`,
and is counted anew from card and decisions in the transaction that changes either.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData()
_BARE: Final = re.compile("[\0\ud800-\udfff]")
_ESCAPED: Final = "\ufdd0"  # no character, so no text begins with it


class AnyText(TypeDecorator[str]):
    """Text of any origin: a file's name may hold what no database takes (NUL, halves of characters)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        del dialect
        if value is not None and (_BARE.search(value) or value.startswith(_ESCAPED)):
            return _ESCAPED + json.dumps(value)
        return value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        del dialect
        return json.loads(value[1:]) if value is not None and value.startswith(_ESCAPED) else value


def _text(name: str, *, default: str | None = "") -> Column[str]:
    return Column(name, AnyText, nullable=default is None, server_default=default)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _number(name: str, *, is_nullable: bool = False) -> Column[int]:
    return Column(name, Integer, nullable=is_nullable)


runs = Table(
    "runs", metadata,
    Column("id", Integer, primary_key=True),
    _text("command"), _text("at"), _text("made_with"), _text("counts"),
)  # fmt: skip
entries = Table(
    "entries", metadata,
    Column("id", Integer, primary_key=True),
    _text("assignment"), _text("submission"),
    _text("students"),  # JSON: [[id, name]]
    _text("source"), _text("received_at", default=None), _text("digest"),
    _number("version"),
    _number("card"), _text("card_digest"),
    _text("rubric_digest"), _text("variant"), _text("terms"),
    _text("points"), _text("max_points"), _text("open_points"),  # settled
    Column("sum", Float, nullable=False),  # points, to sort by
    Column("is_passed", Boolean, nullable=True),
    _number("days_late", is_nullable=True),
    _text("tasks"),  # JSON: {task: [points, max_points, open_points, is_counted]}
    _text("waiting"),  # JSON: words
    _text("open_tasks"),  # one a line, each with a line end before and behind it
    _number("rank"),  # in the queue: 0 where nothing waits
    _flag("is_borderline"), _flag("is_moved"), _flag("is_gone"),
    _number("overrides"), _number("remarks"),  # decisions that are not undone
    _text("assigned_to"),
    _number("reviewed_card", is_nullable=True), _text("reviewed_by"), _text("reviewed_at", default=None),
    _text("search"),
    UniqueConstraint("assignment", "submission"),
    Index("entries_by_queue", "assignment", "rank"),
)  # fmt: skip
cards = Table(
    "cards", metadata,
    Column("id", Integer, primary_key=True),
    _number("entry"), _number("run"),
    _text("digest"),  # of the JSON
    Column("card", LargeBinary, nullable=False),  # JSON, packed by zlib
    _text("at"),
    Index("cards_by_entry", "entry"),
)  # fmt: skip
decisions = Table(
    "decisions", metadata,
    Column("id", Integer, primary_key=True),
    _number("entry"),
    _text("kind"), _text("task"), _text("rule"), _text("points", default=None),
    _text("text"), _text("reason"), _text("author"), _text("at"), _text("ground"),
    _flag("is_undone"),
    Index("decisions_by_entry", "entry"),
)  # fmt: skip
events = Table(
    "events", metadata,
    Column("id", Integer, primary_key=True),
    _number("entry", is_nullable=True),
    _text("at"), _text("author"), _text("kind"), _number("version"),
    _text("detail"),  # JSON
    Index("events_by_entry", "entry"),
)  # fmt: skip
comments = Table(
    "comments", metadata,
    Column("id", Integer, primary_key=True),
    _text("assignment"), _text("text"), _text("author"), _text("at"),
    _flag("is_removed"),
)  # fmt: skip
class_lists = Table(
    "class_lists", metadata,
    Column("id", Integer, primary_key=True),
    _text("assignment"), _text("digest"),
    Column("document", LargeBinary, nullable=False),  # JSON, packed by zlib
    _text("at"),
    _flag("is_current"),
)  # fmt: skip
