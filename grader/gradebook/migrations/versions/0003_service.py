"""The students of the service with their tokens, what they uploaded, and what happened to each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of `grader.service.tables`."""
    op.create_table(
        "service_students",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, server_default=""),
        sa.Column("email", sa.Text, nullable=False, server_default=""),
        sa.Column("team", sa.String(64), nullable=False, server_default=""),
        sa.Column("token_hash", sa.String(64), unique=True),
        sa.Column("token_made_at", sa.String(32)),
        sa.Column("added_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "service_sessions",
        sa.Column("session_hash", sa.String(64), primary_key=True),
        sa.Column("student", sa.String(64), sa.ForeignKey("service_students.id", ondelete="CASCADE"), nullable=False),
        sa.Column("ends_at", sa.String(32), nullable=False),
    )
    op.create_table(
        "service_uploads",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("public", sa.String(32), nullable=False, unique=True),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("student", sa.String(64), nullable=False),
        sa.Column("assignment", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_attempt", sa.Boolean, nullable=False),
        sa.Column("lease", sa.Integer, nullable=False, server_default="0"),
        sa.Column("crashes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("started_at", sa.String(32)),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("rubric_digest", sa.String(64), nullable=False, server_default=""),
        sa.Column("card", sa.LargeBinary),
        sa.Column("is_recorded", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("owner", "assignment", "number", name="service_uploads_number"),
    )
    op.create_index("service_uploads_state", "service_uploads", ["state", "id"])
    op.create_table(
        "service_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("upload", sa.Integer, sa.ForeignKey("service_uploads.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )
    op.create_index("ix_service_events_upload", "service_events", ["upload"])
