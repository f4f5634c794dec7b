"""Who of the staff is this, and what may they do? Invited by name, signed in by a link that works once.

    invite(name, role) -> a token, shown once -> sign_in(token, browser) -> signed_in(browser) -> Person

The database keeps digests alone, of tokens and of browsers' cookies: who reads it can sign in as nobody.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, delete, insert, select, text, update

from grader.documents import shown
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.gradebook.book import Gradebook
from grader.web.tokens import digest_of, new_token

LINK_HOURS: Final = 24.0
SESSION_DAYS: Final = 14.0
MAX_NAME: Final = 60

metadata = MetaData()
people = Table(
    "people", metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),  # the name as it is compared: ADA is ada
    Column("role", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("at", Text, nullable=False),
)  # fmt: skip
links = Table(
    "sign_in_links", metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Integer, nullable=False),
    Column("until", Text, nullable=False),
    Column("used_at", Text, nullable=True),
)  # fmt: skip
browsers = Table(
    "browsers", metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("until", Text, nullable=False),
)  # fmt: skip


# Of two who invite the same newcomer at the same moment one makes the row, and the other finds it.
_NEW = text(
    "INSERT INTO people (name, key, role, is_active, at) VALUES (:name, :key, :role, :is_active, :at)"
    " ON CONFLICT DO NOTHING"
)


class Role(StrEnum):
    """What somebody may do. A head TA also assigns work, manages people, and decides who sees names."""

    TA = "ta"
    HEAD = "head-ta"


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff. `name` is what decisions are signed with: it is nobody else's, and never changes."""

    id: int
    name: str
    role: Role
    is_active: bool = True

    @property
    def is_head(self) -> bool:
        return self.role is Role.HEAD


class People:
    """The staff of a gradebook. Safe from many threads and processes: every question is its own transaction."""

    def __init__(self, book: Gradebook) -> None:
        self._book = book

    def invite(self, name: str, role: Role | None = None, *, hours: float = LINK_HOURS) -> str:
        """A token that signs this person in once, within `hours`. Who is new gets the role (TA where none is said).

        Somebody known keeps their role unless another is said, and may sign in again where they were shut out. Raises
        UsageError for a name that cannot sign a decision.
        """
        name = name_of(name)
        token = new_token()
        with self._book.writing() as connection:
            given = {
                "name": name,
                "key": key_of(name),
                "role": (role or Role.TA).value,
                "is_active": True,
                "at": _text(),
            }
            connection.execute(_NEW, given)
            mine = people.c.key == key_of(name)
            changes = {"is_active": True, **({} if role is None else {"role": role.value})}
            connection.execute(update(people).where(mine).values(changes))
            number = connection.execute(select(people.c.id).where(mine)).scalar_one()
            until = _text(timedelta(hours=hours))
            connection.execute(insert(links).values(digest=digest_of(token), person=number, until=until))
        return token

    def invited(self, token: str) -> Person | None:
        """Whom a token would sign in; None where it was used, is too old, or never was one. Nothing is used up."""
        query = (
            select(people)
            .join(links, links.c.person == people.c.id)
            .where(links.c.digest == digest_of(token), links.c.used_at.is_(None), links.c.until > _text())
        )
        with self._book.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _person(row) if row is not None and row.is_active else None

    def sign_in(self, token: str, browser: str) -> Person | None:
        """Sign a browser (its digest) in, and use the token up: of two at the same moment, one gets in."""
        now = _text()
        mine = (links.c.digest == digest_of(token), links.c.used_at.is_(None), links.c.until > now)
        with self._book.writing() as connection:
            if connection.execute(update(links).where(*mine).values(used_at=now)).rowcount != 1:
                return None
            number = connection.execute(select(links.c.person).where(links.c.digest == digest_of(token))).scalar_one()
            row = connection.execute(select(people).where(people.c.id == number, people.c.is_active)).one_or_none()
            if row is None:
                return None
            connection.execute(delete(browsers).where((browsers.c.digest == browser) | (browsers.c.until <= now)))
            until = _text(timedelta(days=SESSION_DAYS))
            connection.execute(insert(browsers).values(digest=browser, person=number, at=now, until=until))
        return _person(row)

    def signed_in(self, browser: str) -> Person | None:
        """Who is signed in there now."""
        query = (
            select(people)
            .join(browsers, browsers.c.person == people.c.id)
            .where(browsers.c.digest == browser, browsers.c.until > _text(), people.c.is_active)
        )
        with self._book.reading() as connection:
            row = connection.execute(query).one_or_none()
        return _person(row) if row is not None else None

    def sign_out(self, browser: str) -> None:
        """Nobody is signed in there any more."""
        with self._book.writing() as connection:
            connection.execute(delete(browsers).where(browsers.c.digest == browser))

    def everybody(self) -> Sequence[Person]:
        """All of the staff, also those who were shut out, in the order of their names."""
        with self._book.reading() as connection:
            return [_person(row) for row in connection.execute(select(people).order_by(people.c.key))]

    def change(self, number: int, *, role: Role | None = None, is_active: bool | None = None) -> None:
        """Give another role, or shut somebody out: then no browser and no link of theirs works any more.

        Raises:  UsageError where nobody has that number, or where no head TA would be left
        """
        changes = {
            **({} if role is None else {"role": role}),
            **({} if is_active is None else {"is_active": is_active}),
        }
        with self._book.writing() as connection:
            if (
                changes
                and connection.execute(update(people).where(people.c.id == number).values(changes)).rowcount != 1
            ):
                raise UsageError.single("there is no such person", where="people", fix="load the page of people anew")
            heads = select(people.c.id).where(people.c.role == Role.HEAD.value, people.c.is_active).limit(1)
            if connection.execute(heads).one_or_none() is None:
                fix = "make somebody else a head TA first"
                raise UsageError.single("nobody would be left who manages people", where="people", fix=fix)
            if is_active is False:
                connection.execute(delete(browsers).where(browsers.c.person == number))
                connection.execute(delete(links).where(links.c.person == number))


def name_of(name: str) -> str:
    """A name as decisions are signed with it. Raises UsageError for one that is empty, long, or does not print."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        what = f"{shown(name)} is no name that can stand below a decision"
        raise UsageError.single(what, where="name", fix=f"give 1 to {MAX_NAME} letters that print")
    return name


def key_of(name: str) -> str:
    """What two spellings of one name share.

    >>> key_of("Ada  L.") == key_of("ada l.")
    True
    """
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def _person(row: object) -> Person:
    return Person(row.id, row.name, Role(row.role), row.is_active)  # type: ignore[attr-defined]


def _text(later: timedelta = timedelta(0)) -> str:
    """The time now, or so much later, as the database keeps it: UTC, so that texts compare as times do."""
    return (datetime.now(UTC) + later).isoformat(timespec="microseconds")
