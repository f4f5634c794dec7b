"""How is a decision saved that somebody made on a page which may be old by now? Never over another's.

The gradebook takes a decision only on the version that its author saw. Where the hand-in changed meanwhile but nothing
that this decision is about, it is saved on the new version; else both versions are shown, and nothing is saved.
"""

from __future__ import annotations

import re
from dataclasses import field
from fractions import Fraction
from typing import TYPE_CHECKING

from grader.errors import UsageError
from grader.frozen import dataclass
from grader.gradebook.nouns import ConflictError, Entry, Event
from grader.model import DecisionKind
from grader.review.hand_in import Target, decided_on, view_of
from grader.settling import ground

if TYPE_CHECKING:
    from grader.review.desk import Desk
    from grader.web.people import Person

BY_HAND = "looked at by hand"
_TRIES = 5  # of others who save at the same moments


@dataclass(frozen=True)
class Wanted:
    """What a form asks for: the words as they were typed, so that nothing is lost where it cannot be saved."""

    kind: DecisionKind
    task: str
    rule: str
    points: str  # as typed; "" for a comment
    text: str
    reason: str
    seen_version: int
    seen_decided: int
    seen_ground: str


@dataclass(frozen=True)
class Saved:
    """What came of it. `problem` says why nothing was saved; `others` are what was done meanwhile, by whomever.

    With `is_conflict` those have to do with what was wanted, and `wanted` was not saved.
    """

    entry: Entry
    wanted: Wanted
    problem: str = ""
    fix: str = ""
    is_conflict: bool = False
    others: tuple[Event, ...] = field(default_factory=tuple)

    @property
    def status(self) -> int:
        """Of the answer."""
        return 409 if self.is_conflict else 422 if self.problem else 200


def save(desk: Desk, entry: Entry, wanted: Wanted, person: Person) -> Saved:
    """Save a decision, or say why not."""
    try:
        points = None if wanted.kind is DecisionKind.COMMENT else points_of(wanted.points)
    except ValueError as error:
        return Saved(entry, wanted, str(error), "write a number such as 1.5 or 2/3")
    version = wanted.seen_version
    for _ in range(_TRIES):
        try:
            made = desk.book.decide(
                entry.id,
                wanted.kind,
                task=wanted.task,
                rule=wanted.rule,
                points=points,
                text=wanted.text.strip(),
                reason=wanted.reason.strip(),
                author=person.name,
                seen_version=version,
            )
        except ConflictError as error:
            entry = error.entry if error.entry is not None else desk.book.entry(entry.id)
            if not _is_untouched(entry, wanted):
                return Saved(entry, wanted, is_conflict=True, others=since(desk, entry.id, wanted.seen_version))
            version = entry.version
        except UsageError as error:
            first = error.problems[0]
            return Saved(entry, wanted, first.what, first.fix)
        else:
            others = since(desk, entry.id, wanted.seen_version)[:-1]  # all but this one
            return Saved(made, wanted, others=others)
    return Saved(entry, wanted, is_conflict=True, others=since(desk, entry.id, wanted.seen_version))


def undo(desk: Desk, entry: Entry, decision: int, person: Person, seen_version: int) -> Saved:
    """Take a decision of this hand-in back, unless somebody decided on the same points after it."""
    version = seen_version
    for _ in range(_TRIES):
        found = next((one for one in entry.decisions if one.id == decision), None)
        kind, task, rule = (found.kind, found.task, found.rule) if found else (DecisionKind.COMMENT, "", "")
        wanted = Wanted(kind, task, rule, "", "", "", seen_version, 0, "")
        try:
            return Saved(desk.book.undo(entry.id, decision, author=person.name, seen_version=version), wanted)
        except ConflictError as error:
            entry = error.entry if error.entry is not None else desk.book.entry(entry.id)
            if any(one.id > decision and (one.kind, one.task) == (kind, task) for one in entry.decisions):
                break
            version = entry.version
        except UsageError as error:
            return Saved(desk.book.entry(entry.id), wanted, error.problems[0].what, error.problems[0].fix)
    return Saved(entry, wanted, is_conflict=True, others=since(desk, entry.id, seen_version))


def since(desk: Desk, number: int, version: int) -> tuple[Event, ...]:
    """What happened to an entry behind a version."""
    return tuple(one for one in desk.book.history(number) if one.version > version)


def _is_untouched(entry: Entry, wanted: Wanted) -> bool:
    """Whether what the decision is about is as its author saw it: the same findings, the same decisions."""
    now = ground(entry.card, wanted.task, wanted.rule)[:16]
    if wanted.kind is DecisionKind.COMMENT:
        return now == wanted.seen_ground  # a comment stands beside others, and covers none
    return now == wanted.seen_ground and decided_on(entry, wanted.task, wanted.rule) == wanted.seen_decided


def target_of(entry: Entry, wanted: Wanted) -> Target | None:
    """Where a decision belongs on the page; None where the card has no such place any more."""
    return view_of(entry).target(wanted.task, wanted.rule)


def points_of(text: str) -> Fraction:
    """Points as a person types them, with a point or a comma. Raises ValueError, in words.

    >>> points_of(" 1,5 "), points_of("2/3"), points_of("-1")
    (Fraction(3, 2), Fraction(2, 3), Fraction(-1, 1))
    >>> points_of("1e9")
    Traceback (most recent call last):
    ValueError: '1e9' is no number of points
    """
    said = text.strip().replace("−", "-")
    if re.fullmatch(r"-?\d{1,6}([.,]\d{1,6})?|-?\d{1,6}/[1-9]\d{0,3}", said):
        return Fraction(said.replace(",", "."))
    if not said:
        raise ValueError("no points are given")
    raise ValueError(f"{said[:40]!r} is no number of points")
