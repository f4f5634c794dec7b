"""Which student shows this token? One secret for each, shown once when it is made, and kept as its digest alone.

Who somebody is comes from the token and from nothing else: no file of a hand-in is asked.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select, update

from grader.documents import did_you_mean, shown
from grader.documents.wording import clean
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.intake.classes import RosterEntry, is_id
from grader.intake.names import same_key
from grader.model import Problem
from grader.service.moments import now
from grader.service.tables import SESSIONS, STUDENTS, reading, time_text, writing
from grader.web.tokens import digest_of, new_token

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SESSION = timedelta(hours=12)  # then a browser is asked for the token again
_S = STUDENTS.c


@dataclass(frozen=True, slots=True)
class Person:
    """A student of the service. `owner` is whom the uploads are of: the team, where there is one."""

    id: str
    name: str = ""
    email: str = ""
    team: str = ""
    has_token: bool = True

    @property
    def owner(self) -> str:
        """The team's name, else the student's id.

        >>> Person("ada").owner, Person("ada", team="team-1").owner
        ('ada', 'team-1')
        """
        return self.team or self.id


@dataclass(frozen=True, slots=True)
class Issued:
    """A student with the token that was just made: the only time it is seen."""

    person: Person
    token: str


class People:
    """The students of a course's service."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = now) -> None:
        self._engine, self._clock = engine, clock

    def add(self, people: Sequence[Person]) -> list[Issued]:
        """Take students in, all or none, each with a new token. Raises UsageError for what is wrong with any."""
        problems = list(_problems(people))
        with writing(self._engine) as connection:
            known = [_person(row) for row in connection.execute(select(STUDENTS))]
            problems += _clashes(people, known)
            if problems:
                raise UsageError(problems)
            made = []
            for one in people:
                token = _token()
                at = self._now()
                connection.execute(
                    insert(STUDENTS).values(
                        id=one.id,
                        name=one.name,
                        email=one.email,
                        team=one.team,
                        token_hash=digest_of(token),
                        token_made_at=at,
                        added_at=at,
                    )
                )
                made.append(Issued(one, token))
        return made

    def renew(self, student: str) -> Issued:
        """Another token for a student: the old one, and every browser that it signed in, are worth nothing now."""
        token = _token()
        with writing(self._engine) as connection:
            person = self._known(connection, student)
            values = {"token_hash": digest_of(token), "token_made_at": self._now()}
            connection.execute(update(STUDENTS).where(_S.id == student).values(**values))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.student == student))
        return Issued(person, token)

    def close(self, student: str) -> None:
        """Take a student's token back. What was handed in stays, and counts."""
        with writing(self._engine) as connection:
            self._known(connection, student)
            connection.execute(update(STUDENTS).where(_S.id == student).values(token_hash=None))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.student == student))

    def everybody(self) -> list[Person]:
        """All students, by their ids."""
        with reading(self._engine) as connection:
            return [_person(row) for row in connection.execute(select(STUDENTS).order_by(_S.id))]

    def of_owner(self, owner: str) -> list[Person]:
        """Who hands in under this name: the members of a team, or the one student."""
        wanted = select(STUDENTS).where(or_(_S.team == owner, (_S.id == owner) & (_S.team == ""))).order_by(_S.id)
        with reading(self._engine) as connection:
            return [_person(row) for row in connection.execute(wanted)]

    def count(self) -> int:
        """How many students there are."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(STUDENTS)) or 0

    # --- who is it ----------------------------------------------------------------------------

    def by_token(self, token: str) -> Person | None:
        """The student of a token; None for every other word."""
        return self._one(select(STUDENTS).where(_S.token_hash == digest_of(token)))

    def sign_in(self, person: Person, browser: str) -> None:
        """Remember a browser, by the digest of its secret, for some hours."""
        now = self._clock()
        with writing(self._engine) as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.ends_at <= time_text(now)))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.session_hash == browser))
            row = {"session_hash": browser, "student": person.id, "ends_at": time_text(now + SESSION)}
            connection.execute(insert(SESSIONS).values(**row))

    def by_browser(self, browser: str) -> Person | None:
        """The student who signed in there; None where nobody did, or it was too long ago."""
        joined = select(STUDENTS).join(SESSIONS, SESSIONS.c.student == _S.id)
        is_it = (SESSIONS.c.session_hash == browser) & (SESSIONS.c.ends_at > time_text(self._clock()))
        return self._one(joined.where(is_it, _S.token_hash.is_not(None)))

    def sign_out(self, browser: str) -> None:
        """Forget a browser."""
        with writing(self._engine) as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.session_hash == browser))

    # --- helpers ------------------------------------------------------------------------------

    def _one(self, wanted: Any) -> Person | None:
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        return _person(row) if row is not None else None

    def _known(self, connection: Connection, student: str) -> Person:
        row = connection.execute(select(STUDENTS).where(_S.id == student)).first()
        if row is None:
            ids = connection.scalars(select(_S.id)).all()
            what = f"there is no student {shown(student)}"
            raise UsageError.single(what, where="grader serve", fix=did_you_mean(student, ids), code="no-student")
        return _person(row)

    def _now(self) -> str:
        return time_text(self._clock())


def _token() -> str:
    """A secret that no spreadsheet takes for a formula."""
    while True:
        token = new_token()
        if token[0].isalnum():
            return token


# --- a class list --------------------------------------------------------------------------------

_COLUMNS = ("id", "name", "email", "team")
MAX_ROWS = 50_000


def people_from_csv(text: str, *, name: str) -> list[Person]:
    r"""The students of a table with the column id and, where wanted, name, email and team. Raises UsageError.

    >>> people_from_csv("id;name\nada;Ada Lovelace\n", name="class.csv")
    [Person(id='ada', name='Ada Lovelace', email='', team='', has_token=True)]
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    rows = csv.reader(StringIO(text), delimiter=max(",;\t", key=head.count))
    columns = [word.strip().lower() for word in next(rows, [])]
    if "id" not in columns:
        what = f"the first line does not name the column id (it has: {clean(', '.join(columns)) or 'nothing'})"
        fix = f"begin the file with: {','.join(_COLUMNS)}"
        raise UsageError.single(what, where=f"{clean(name)}:1", fix=fix, code="bad-table")
    made: list[Person] = []
    problems: list[Problem] = []
    for row in rows:
        cells = {key: cell.strip() for key, cell in zip(columns, row, strict=False) if key in _COLUMNS}
        if not any(cells.values()):
            continue
        if len(row) > len(columns) or not is_id(cells.get("id", "")) or len(made) >= MAX_ROWS:
            what = f"the row begins with {shown(row[0], 40)}: {_wrong_row(row, columns, cells)}"
            problems.append(
                Problem("bad-row", f"{clean(name)}:{rows.line_num}", what, "mend the row, and import again")
            )
            continue
        made.append(Person(cells["id"], cells.get("name", ""), cells.get("email", ""), cells.get("team", "")))
    if problems:
        raise UsageError(problems[:20])
    return made


def _wrong_row(row: Sequence[str], columns: Sequence[str], cells: dict[str, str]) -> str:
    if len(row) > len(columns):
        return f"it has {len(row)} cells, the first line {len(columns)}"
    if not is_id(cells.get("id", "")):
        return "an id has letters, digits and . _ @ + -, at most 64, and begins with a letter or digit"
    return f"there are more than {MAX_ROWS:,} rows"


def roster(people: Sequence[Person]) -> list[RosterEntry]:
    """The students as class lists have them."""
    return [RosterEntry(one.id, one.name, one.email, group=one.team) for one in people]


def _problems(people: Sequence[Person]) -> Iterator[Problem]:
    """What is wrong with students that are to be taken in, by themselves."""
    for one in people:
        for what, value in (("id", one.id), ("team", one.team)):
            if (value or what == "id") and not is_id(value):
                fix = "use letters, digits and . _ @ + -, at most 64; begin with a letter or digit"
                yield Problem("bad-id", shown(value, 80), f"this cannot be a student's {what}", fix)
        if len(one.name) > 400 or len(one.email) > 400:
            yield Problem("bad-id", shown(one.id, 80), "the name or address is longer than 400 letters", "shorten it")


def _clashes(people: Sequence[Person], known: Sequence[Person]) -> Iterator[Problem]:
    """Ids that are there already, or that some system takes for another; a team that is called like a student."""
    ids = {same_key(one.id): one.id for one in known}
    for one in people:
        other = ids.get(same_key(one.id))
        if other is not None:
            fix = f"another token for this one: grader serve --renew-token {other}"
            yield Problem("student-twice", shown(one.id, 80), f"there is a student {shown(other)} already", fix)
        ids.setdefault(same_key(one.id), one.id)
    teams = {same_key(one.team): one.team for one in (*known, *people) if one.team}
    for key in teams.keys() & ids.keys():
        what = f"{shown(teams[key])} is a team and a student's id"
        yield Problem("team-is-student", shown(teams[key], 80), what, "call the team by another name")


def _person(row: Any) -> Person:
    return Person(row.id, row.name, row.email, row.team, has_token=row.token_hash is not None)
