"""Entries, cards, runs, decisions, events, the comment bank, class lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table("runs", _id(), *_texts("command at made_with counts"))
    op.create_table(
        "entries",
        _id(),
        *_texts("assignment submission students source"),
        *_texts("received_at", is_nullable=True),
        *_texts("digest"),
        *_numbers("version card"),
        *_texts("card_digest rubric_digest variant terms points max_points open_points"),
        sa.Column("sum", sa.Float, nullable=False),
        sa.Column("is_passed", sa.Boolean, nullable=True),
        sa.Column("days_late", sa.Integer, nullable=True),
        *_texts("tasks waiting open_tasks"),
        *_numbers("rank"),
        *_flags("is_borderline is_moved is_gone"),
        *_numbers("overrides remarks"),
        *_texts("assigned_to"),
        sa.Column("reviewed_card", sa.Integer, nullable=True),
        *_texts("reviewed_by"),
        *_texts("reviewed_at", is_nullable=True),
        *_texts("search"),
        sa.UniqueConstraint("assignment", "submission"),
    )
    op.create_index("entries_by_queue", "entries", ["assignment", "rank"])
    op.create_table(
        "cards",
        _id(),
        *_numbers("entry run"),
        *_texts("digest"),
        sa.Column("card", sa.LargeBinary, nullable=False),
        *_texts("at"),
    )
    op.create_index("cards_by_entry", "cards", ["entry"])
    op.create_table(
        "decisions",
        _id(),
        *_numbers("entry"),
        *_texts("kind task rule"),
        *_texts("points", is_nullable=True),
        *_texts("text reason author at ground"),
        *_flags("is_undone"),
    )
    op.create_index("decisions_by_entry", "decisions", ["entry"])
    op.create_table(
        "events",
        _id(),
        sa.Column("entry", sa.Integer, nullable=True),
        *_texts("at author kind"),
        *_numbers("version"),
        *_texts("detail"),
    )
    op.create_index("events_by_entry", "events", ["entry"])
    op.create_table("comments", _id(), *_texts("assignment text author at"), *_flags("is_removed"))
    op.create_table(
        "class_lists",
        _id(),
        *_texts("assignment digest"),
        sa.Column("document", sa.LargeBinary, nullable=False),
        *_texts("at"),
        *_flags("is_current"),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _texts(names: str, *, is_nullable: bool = False) -> list[sa.Column[str]]:
    default = None if is_nullable else ""
    return [sa.Column(name, sa.Text, nullable=is_nullable, server_default=default) for name in names.split()]


def _numbers(names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer, nullable=False) for name in names.split()]


def _flags(names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean, nullable=False) for name in names.split()]
