"""How is an assignment reviewed? Whether names are hidden, and the key of the codes that hand-ins are called by."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, MetaData, Table, Text, select, text, update
from sqlalchemy.engine import Connection

from grader.gradebook.book import Gradebook
from grader.web.tokens import new_token

metadata = MetaData()
review_settings = Table(
    "review_settings", metadata,
    Column("assignment", Text, primary_key=True),  # "" for the gradebook as a whole
    Column("is_anonymous", Boolean, nullable=False),
    Column("key", Text, nullable=False),
)  # fmt: skip
_WHOLE = ""
# Of several who write it first at the same moment one does, and the others find it. Both databases read this.
_NEW = text(
    "INSERT INTO review_settings (assignment, is_anonymous, key) VALUES (:assignment, :is_anonymous, :key)"
    " ON CONFLICT DO NOTHING"
)


class ReviewSettings:
    """The settings in a gradebook's database."""

    def __init__(self, book: Gradebook) -> None:
        self._book = book
        self.key = self._key()

    def _key(self) -> str:
        """That of the codes: made once, the same for everybody who opens this gradebook."""
        with self._book.reading() as connection:
            found = _row(connection, _WHOLE)
        if found is not None:
            return str(found.key)
        with self._book.writing() as connection:
            connection.execute(_NEW, {"assignment": _WHOLE, "is_anonymous": False, "key": new_token()})
        with self._book.reading() as connection:
            return str(_row(connection, _WHOLE).key)

    def is_anonymous(self, assignment: str) -> bool:
        """Whether names are hidden in this assignment."""
        with self._book.reading() as connection:
            found = _row(connection, assignment)
        return found is not None and bool(found.is_anonymous)

    def set_anonymous(self, assignment: str, *, is_anonymous: bool) -> None:
        """Hide or show names in this assignment, for everybody."""
        mine = review_settings.c.assignment == assignment
        with self._book.writing() as connection:
            connection.execute(_NEW, {"assignment": assignment, "is_anonymous": is_anonymous, "key": ""})
            connection.execute(update(review_settings).where(mine).values(is_anonymous=is_anonymous))


def _row(connection: Connection, assignment: str) -> Any:
    return connection.execute(select(review_settings).where(review_settings.c.assignment == assignment)).one_or_none()
