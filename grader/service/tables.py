"""What does the service write down? Students with their tokens, uploads in their order, and what happened to each.

These tables lie in the gradebook's database, beside the grades. Times are text in ISO 8601, UTC, of one width, so that
their order is the order of their letters in SQLite as in PostgreSQL. A token is kept as its SHA-256: it has 256 bits of
chance in it, so that there is nothing to guess and nothing to slow down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from grader.gradebook.database import told, written

METADATA = MetaData()
_TIME = String(32)

STUDENTS = Table(
    "service_students",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("team", String(64), nullable=False, server_default=""),  # who hands in together
    Column("token_hash", String(64), unique=True),  # NULL: the token was taken back
    Column("token_made_at", _TIME),
    Column("added_at", _TIME, nullable=False),
)

SESSIONS = Table(
    "service_sessions",
    METADATA,
    Column("session_hash", String(64), primary_key=True),
    Column("student", String(64), ForeignKey("service_students.id", ondelete="CASCADE"), nullable=False),
    Column("ends_at", _TIME, nullable=False),
)

UPLOADS = Table(
    "service_uploads",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),  # the order in which they came
    Column("public", String(32), nullable=False, unique=True),  # what a student calls it by; drawn by chance
    Column("owner", String(64), nullable=False),  # a student's id, or a team's name
    Column("student", String(64), nullable=False),  # who sent it
    Column("assignment", String(64), nullable=False),
    Column("number", Integer, nullable=False),  # of this owner's uploads to this assignment, from 1
    Column("digest", String(64), nullable=False),  # SHA-256 of the zip, which lies on disk under it
    Column("size", Integer, nullable=False),  # bytes
    Column("name", Text, nullable=False),  # what the file was called, to be shown
    Column("received_at", _TIME, nullable=False),  # by this machine's clock, when the last byte was here
    Column("state", String(16), nullable=False),
    Column("is_attempt", Boolean, nullable=False),
    Column("lease", Integer, nullable=False, server_default="0"),  # how often its grading was begun
    Column("crashes", Integer, nullable=False, server_default="0"),  # how often the service died while it was graded
    Column("started_at", _TIME),
    Column("ended_at", _TIME),
    Column("rubric_digest", String(64), nullable=False, server_default=""),  # that it is, or was, graded by
    Column("card", LargeBinary),  # the scorecard as JSON, packed by zlib
    Column("is_recorded", Boolean, nullable=False, server_default=false()),  # whether the gradebook has that card
    UniqueConstraint("owner", "assignment", "number", name="service_uploads_number"),
    Index("service_uploads_state", "state", "id"),
)

EVENTS = Table(
    "service_events",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("upload", Integer, ForeignKey("service_uploads.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", _TIME, nullable=False),
    Column("said", Text, nullable=False),  # one sentence, which the student may read
)


def time_text(at: datetime) -> str:
    """A time as these tables have it.

    >>> time_text(datetime(2026, 11, 21, 17, 5, tzinfo=UTC))
    '2026-11-21T17:05:00.000000+00:00'
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(text: str) -> datetime:
    """The time that such a text says; aware."""
    return datetime.fromisoformat(text)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes, from its first statement on the only one; committed at the end, or undone.

    Raises MachineError, with words, where the database refuses.
    """
    with told(engine.url), written(engine, engine.url) as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes nothing. Raises MachineError."""
    with told(engine.url), engine.connect() as connection, connection.begin():
        yield connection
