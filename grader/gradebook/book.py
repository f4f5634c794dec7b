"""How is the gradebook used? By any number of threads and processes at a time; each call is a transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from grader.cards import KeptCard
from grader.evidence.crash_points import crash_point
from grader.gradebook import database, deciding, reading, recording, tables
from grader.gradebook import grades as of_grades
from grader.gradebook.about import now
from grader.gradebook.nouns import Change, Entry, Event, Grade, HandInFacts, Page, Query, Recorded, Remark
from grader.intake.classes import ClassList
from grader.model import DecisionKind, Json, ScoreCard

_EVERYTHING = Query()
P = ParamSpec("P")
T = TypeVar("T")


class Gradebook:
    """What was decided about each hand-in of a course, by the program and by people, and everything before that.

    Every method raises MachineError, with words, where the database refuses: nothing of that call is saved then.
    """

    def __init__(self, url: URL, engine: Engine) -> None:
        self.url = url
        self.where = database.where_of(url)  # for people: a path, or a URL without its password
        self._engine = engine

    @classmethod
    def open(cls, url: str, *, is_new_allowed: bool = True) -> Self:
        """The gradebook at a URL (`grader.gradebook.place.gradebook_url`), with this version's schema.

        Raises UsageError for a URL that is none and, without `is_new_allowed`, where there is no gradebook; else
        MachineError where it is locked, damaged, of a newer grader or of another program, without its log, or out of
        reach. Nothing is ever made anew over what is there.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Gradebook.open(f"sqlite:///{folder}/gradebook.db") as book:
        ...     print(book.assignments(), book.rows("digits").total)
        [] 0
        """
        parsed = database.parsed(url)
        return cls(parsed, database.opened(parsed, is_new_allowed=is_new_allowed))

    def close(self) -> None:
        """Let go of the database. Closing twice is no fault."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that writes nothing: all that is read in it belongs together."""
        with database.told(self.url), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it is saved when this ends, or nothing."""
        with database.told(self.url), database.written(self._engine, self.url) as connection:
            yield connection

    # --- runs --------------------------------------------------------------------------------

    def record_class(self, class_list: ClassList) -> None:
        """Keep the roster and the hand-ins of an import; the same once more changes nothing."""
        with self.writing() as connection:
            of_grades.record_class(connection, class_list)

    def record(
        self,
        cards: Iterable[tuple[ScoreCard | KeptCard, HandInFacts]],
        *,
        command: str = "",
        made_with: Mapping[str, Json] | None = None,
        folder: str = "",
    ) -> Recorded:
        """Keep the cards of a run, in one transaction. Decisions stay in force; what they stand on is looked at anew.

        A card that is there already costs next to nothing. `cards` are read before the transaction begins, so that
        nobody waits for a slow source. With `folder` these are all the hand-ins of that folder: others that came from
        there before are gone, and are told among the problems.
        """
        places: set[str] = set()
        there: dict[str, recording.Before] = {}

        def before_of(assignment: str) -> recording.Before:
            if assignment not in there:
                with self.reading() as connection:
                    there[assignment] = recording.before_of(connection, assignment)
            return there[assignment]

        run = {"command": command, "made_with": json.dumps(dict(made_with or {}))}
        made = recording.Preparation(before_of)
        with made.ready:
            for card, facts in cards:
                places.add(facts.source)
                made.add(card if isinstance(card, KeptCard) else KeptCard.of(card), facts)
            there.clear()
            crash_point("gradebook.record")
            with self.writing() as connection:
                return recording.written(connection, made, run=run, folder=folder, places=places)

    def preview(self, cards: Iterable[tuple[ScoreCard, HandInFacts]]) -> list[Change]:
        """What recording these cards would change. Writes nothing."""
        with self.reading() as connection:
            return list(recording.changes(connection, cards))

    # --- lists -------------------------------------------------------------------------------

    def assignments(self) -> list[str]:
        """Those with a hand-in or a class list, by name."""
        return self._read(reading.assignments)

    def rows(self, assignment: str, query: Query = _EVERYTHING) -> Page:
        """The hand-ins of an assignment that a query wants."""
        return self._read(reading.rows, assignment, query)

    def entry(self, number: int) -> Entry:
        """A hand-in in full. Raises UsageError (code "no-entry") where there is none."""
        return self._read(deciding.entry, number)

    def history(self, entry: int) -> list[Event]:
        """All that happened to a hand-in, the latest last."""
        return self._read(reading.history, entry)

    def class_list(self, assignment: str) -> ClassList | None:
        """The class as it was recorded last; None where it never was."""
        return self._read(of_grades.class_list_of, assignment)

    def grades(self, assignment: str, *, has_feedback: bool = True, is_mixed_allowed: bool = False) -> list[Grade]:
        """Every student of the roster exactly once, in its order; without a roster, of the hand-ins.

        Raises UsageError (code "mixed-rubrics") where some hand-ins were graded by another form of the rubric, or of
        the assignment's terms, than others, unless `is_mixed_allowed`. Without `has_feedback` no card is unpacked.
        """
        with self.reading() as connection:
            return of_grades.grades(
                connection, assignment, has_feedback=has_feedback, is_mixed_allowed=is_mixed_allowed
            )

    def mixed(self, assignment: str) -> list[tuple[str, str, int]]:
        """The hand-ins by what they were graded by: (variant, digest of rubric and terms, count), the most first."""
        return self._read(of_grades.mixed, assignment)

    # --- decisions ---------------------------------------------------------------------------

    def decide(
        self,
        entry: int,
        kind: DecisionKind,
        *,
        author: str,
        seen_version: int,
        task: str = "",
        rule: str = "",
        points: Fraction | None = None,
        text: str = "",
        reason: str = "",
    ) -> Entry:
        """Add a decision to what its author saw; the entry with it.

        Raises ConflictError, with the entry as it is now, where somebody was faster; UsageError for points that cannot
        be had there, an override without a reason, a task or rule that the card has not.
        """
        with self.writing() as connection:
            return deciding.decide(
                connection, entry, kind, place=(task, rule), points=points, text=text, reason=reason, author=author,
                seen_version=seen_version,
            )  # fmt: skip

    def undo(self, entry: int, decision: int, *, author: str, seen_version: int) -> Entry:
        """Take a decision back: what was in force before it is again. Raises as `decide` does."""
        with self.writing() as connection:
            return deciding.undo(connection, entry, decision, author=author, seen_version=seen_version)

    def mark_reviewed(self, entry: int, author: str, seen_version: int, *, is_reviewed: bool = True) -> Entry:
        """Note that somebody has looked at all of it: it waits for open points only, until its card is another one."""
        with self.writing() as connection:
            return deciding.reviewed(connection, entry, author, seen_version, is_reviewed=is_reviewed)

    def assign(self, entries: Sequence[int], to: str, author: str) -> None:
        """Give this work to somebody; to nobody with "". Raises no conflict, and makes none."""
        with self.writing() as connection:
            deciding.assigned(connection, entries, to, author)

    # --- the comment bank --------------------------------------------------------------------

    def comments(self, assignment: str) -> list[Remark]:
        """The comments that are kept to be used again."""
        table = tables.comments
        asked = sa.select(table).where(table.c.assignment == assignment, table.c.is_removed.is_(False))
        with self.reading() as connection:
            found = connection.execute(asked.order_by(table.c.id))
            return [Remark(one.id, one.text, one.author) for one in found]

    def save_comment(self, assignment: str, text: str, author: str) -> Remark:
        """Keep a comment; one of the same words is kept once."""
        table = tables.comments
        same = sa.select(table).where(
            table.c.assignment == assignment, table.c.text == text, table.c.is_removed.is_(False)
        )
        with self.writing() as connection:
            found = connection.execute(same).first()
            if found is not None:
                return Remark(found.id, found.text, found.author)
            values = {"assignment": assignment, "text": text, "author": author, "at": now(), "is_removed": False}
            made = connection.execute(sa.insert(table).values(**values)).inserted_primary_key
        return Remark(made[0] if made else 0, text, author)

    def remove_comment(self, comment: int) -> None:
        """Take it out of the bank. What was said with it stays said."""
        table = tables.comments
        with self.writing() as connection:
            connection.execute(sa.update(table).where(table.c.id == comment).values(is_removed=True))

    def _read(self, asked: Callable[Concatenate[Connection, P], T], *about: P.args, **more: P.kwargs) -> T:
        with self.reading() as connection:
            return asked(connection, *about, **more)
