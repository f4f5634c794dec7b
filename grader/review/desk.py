"""What does every page of the review need? Who is signed in, which hand-in is meant, and what may be shown of it.

Every question about one hand-in goes through `entry`, and every change of one through `may_change`: a number or code
that somebody made up leads nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from grader.course import Course
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.gradebook.book import Gradebook
from grader.gradebook.nouns import Entry, Row
from grader.review.codes import code_of, number_of
from grader.review.exhibits import Exhibits
from grader.review.files import HandIns
from grader.review.settings import ReviewSettings
from grader.review.veil import Veil
from grader.web.app import Pages
from grader.web.guard import browser_of
from grader.web.pages import VEIL
from grader.web.people import People, Person

_WORDS_S = 60.0
_LONGEST = 120  # letters of a label: a name may be of any length


class SignInNeededError(Exception):
    """Nobody is signed in in this browser."""


@dataclass
class Desk:
    """What the pages share. `only` are the assignments that are served, none: all of the gradebook."""

    course: Course
    book: Gradebook
    people: People
    settings: ReviewSettings
    pages: Pages
    only: tuple[str, ...]
    exhibits: Exhibits
    hand_ins: HandIns = field(default_factory=HandIns)
    _words: dict[str, tuple[float, dict[str, list[str]]]] = field(default_factory=dict)
    _with_names: set[tuple[str, str]] = field(default_factory=set)  # browsers of head TAs who asked for names

    # --- who ------------------------------------------------------------------------------------

    def person(self, request: Request) -> Person:
        """Who asks. Raises SignInNeededError where that is nobody."""
        person = self.people.signed_in(browser_of(request).digest)
        if person is None:
            raise SignInNeededError
        return person

    def head(self, request: Request) -> Person:
        """Who asks, where that is a head TA; else 403."""
        person = self.person(request)
        if not person.is_head:
            raise HTTPException(403, "only a head TA may do this")
        return person

    # --- which ----------------------------------------------------------------------------------

    def assignments(self) -> list[str]:
        """The assignments that are served here and have hand-ins."""
        there = self.book.assignments()
        return [name for name in there if not self.only or name in self.only]

    def assignment(self, name: str) -> str:
        """The same name; 404 where it is not served here."""
        if name not in self.assignments():
            raise HTTPException(404, "there is no such assignment here")
        return name

    def code(self, number: int) -> str:
        """What a hand-in is called in addresses."""
        return code_of(number, self.settings.key)

    def entry(self, code: str) -> Entry:
        """The hand-in of a code; 404 where there is none, or where its assignment is not served here."""
        number = number_of(code, self.settings.key)
        if number is None:
            raise HTTPException(404, "there is no such hand-in here")
        try:
            found = self.book.entry(number)
        except UsageError as error:
            raise HTTPException(404, "there is no such hand-in here") from error
        if self.only and found.row.assignment not in self.only:
            raise HTTPException(404, "there is no such hand-in here")
        return found

    @staticmethod
    def may_change(person: Person, row: Row) -> bool:
        """Whether somebody may decide on a hand-in: it is theirs or nobody's, or they are a head TA."""
        return person.is_head or row.assigned_to in ("", person.name)

    def changed(self, person: Person, code: str) -> Entry:
        """The hand-in that somebody is about to change; 403 where it is another's work."""
        entry = self.entry(code)
        if not self.may_change(person, entry.row):
            raise HTTPException(403, f"this hand-in is the work of {entry.row.assigned_to}: a head TA can hand it over")
        return entry

    # --- what may be shown ------------------------------------------------------------------------

    def is_veiled(self, request: Request, person: Person, assignment: str) -> bool:
        """Whether names are hidden from this browser."""
        if not self.settings.is_anonymous(assignment):
            return False
        return not (person.is_head and (browser_of(request).digest, assignment) in self._with_names)

    def show_names(self, request: Request, assignment: str, *, is_shown: bool) -> None:
        """Show names to this browser until it asks for none, or the page is started anew. For head TAs."""
        one = (browser_of(request).digest, assignment)
        (self._with_names.add if is_shown else self._with_names.discard)(one)

    def label(self, row: Row, *, is_veiled: bool) -> str:
        """What a hand-in is called on a page: by its students, or by its code."""
        if is_veiled:
            return f"Hand-in {self.code(row.id)}"
        names = ", ".join(one.name or one.id for one in row.students) or row.submission
        return names if len(names) <= _LONGEST else f"{names[: _LONGEST - 1]}…"

    def veil(self, entry: Entry) -> Veil:
        """What hides the students of a hand-in: what the card and the class list call them."""
        told = [entry.row.submission]
        of_class = self._class_words(entry.row.assignment)
        for one in entry.row.students:
            told += [one.id, one.name, *of_class.get(one.id, ())]
        return Veil.of(told)

    def _class_words(self, assignment: str) -> dict[str, list[str]]:
        """Names, addresses and LMS folders by student. A class list changes seldom: it is asked for once a minute."""
        asked_at, words = self._words.get(assignment, (0.0, {}))
        if time.monotonic() - asked_at > _WORDS_S or not asked_at:
            of_class = self.book.class_list(assignment)
            words = {}
            for one in of_class.roster if of_class is not None else ():
                words[one.id] = [word for word in (one.name, one.email, *one.keys.values()) if word]
            for hand_in in of_class.hand_ins if of_class is not None else ():
                for student in hand_in.students:
                    words.setdefault(student, []).extend((hand_in.lms_folder, hand_in.name))
            self._words[assignment] = (time.monotonic(), words)
        return words

    @contextmanager
    def veiled(self, entry: Entry | None, *, is_veiled: bool) -> Iterator[None]:
        """While this lasts, no text that comes into a page says whose the hand-in is."""
        token = VEIL.set(self.veil(entry).over if is_veiled and entry is not None else None)
        try:
            yield
        finally:
            VEIL.reset(token)

    def shown(self, request: Request, name: str, status: int = 200, /, **values: Any) -> Response:
        """A page for who is signed in."""
        return self.pages.shown(request, name, status, desk=self, **values)
