"""Staff, their one-time links, the browsers that are signed in, and how an assignment is reviewed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of `grader.web.people` and `grader.review.settings`."""
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("used_at", sa.Text, nullable=True),
    )
    op.create_table(
        "browsers",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
    )
    op.create_table(
        "review_settings",
        sa.Column("assignment", sa.Text, primary_key=True),
        sa.Column("is_anonymous", sa.Boolean, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
    )
