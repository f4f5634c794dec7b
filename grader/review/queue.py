"""What is left to do, and what comes next? The list of hand-ins, filtered, searched, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from grader.frozen import dataclass
from grader.gradebook.nouns import Order, Query, Row, Waiting

if TYPE_CHECKING:
    from grader.review.desk import Desk
    from grader.web.people import Person

ROWS: Final = 50  # a page
SHOWN: Final = {
    "waiting": "what waits",
    "mine": "my work",
    "free": "nobody's work",
    "moved": "decided, then changed",
    "reviewed": "reviewed",
    "all": "everything",
    "gone": "no longer there",
}
WHY: Final = {
    "": "any reason",
    Waiting.UNKNOWN.value: "a check could not run",
    Waiting.REVIEW.value: "a person decides",
    Waiting.PERSON.value: "a rule of the course asks",
    Waiting.MOVED.value: "the ground moved",
    Waiting.BORDERLINE.value: "close to the pass line",
}
ORDERS: Final = {
    "": "most urgent first",
    Order.NAME.value: "name",
    Order.LEAST.value: "fewest points",
    Order.MOST.value: "most points",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody wants to see: the words of the address. What is no word of ours is as if it were not said."""

    show: str = "waiting"
    why: str = ""
    task: str = ""
    q: str = ""
    order: str = ""
    page: int = 1

    @classmethod
    def of(cls, said: dict[str, str]) -> Filters:
        """From the query of an address.

        >>> Filters.of({"show": "mine", "why": "nonsense", "page": "-3", "q": " ada "})
        Filters(show='mine', why='', task='', q='ada', order='', page=1)
        """
        page = said.get("page", "1")
        return cls(
            show=said["show"] if said.get("show") in SHOWN else "waiting",
            why=said["why"] if said.get("why") in WHY else "",
            task=said.get("task", "")[:200],
            q=said.get("q", "").strip()[:200],
            order=said["order"] if said.get("order") in ORDERS else "",
            page=int(page) if page.isascii() and page.isdigit() and 0 < int(page) < 1_000_000 else 1,
        )

    @property
    def words(self) -> str:
        """The query of an address, without what is so anyway.

        >>> Filters(show="all", page=2).words, Filters().words
        ('?show=all&page=2', '')
        """
        plain = Filters()
        said = {name: str(getattr(self, name)) for name in ("show", "why", "task", "q", "order", "page")}
        kept = {name: value for name, value in said.items() if value != str(getattr(plain, name))}
        return f"?{urlencode(kept)}" if kept else ""

    def on_page(self, page: int) -> Filters:
        """The same on another page."""
        return replace(self, page=page)


@dataclass(frozen=True, slots=True)
class Listed:
    """Some rows of the list, how many there are in all, and how many pages."""

    rows: Sequence[Row]
    total: int
    first: int  # the place of the first one in the list, from 1

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // ROWS))


def listed(desk: Desk, assignment: str, filters: Filters, person: Person, *, is_veiled: bool) -> Listed:
    """A page of the list."""
    if not is_veiled:
        offset = (filters.page - 1) * ROWS
        page = desk.book.rows(assignment, replace(query_of(filters, person), limit=ROWS, offset=offset))
        return Listed(page.rows, page.total, offset + 1)
    rows = ordered(desk, assignment, filters, person, is_veiled=True)
    first = (filters.page - 1) * ROWS
    return Listed(rows[first : first + ROWS], len(rows), first + 1)


def ordered(desk: Desk, assignment: str, filters: Filters, person: Person, *, is_veiled: bool) -> Sequence[Row]:
    """The whole list. Where names are hidden neither search nor order may tell them: both go by the codes."""
    query = query_of(filters, person)
    if not is_veiled:
        return desk.book.rows(assignment, query).rows
    by_name = query.order is Order.NAME
    rows = desk.book.rows(assignment, replace(query, text="", order=None if by_name else query.order)).rows
    codes = {row.id: desk.code(row.id) for row in rows}
    if query.text:
        wanted = query.text.casefold().replace("hand-in", "").strip()
        rows = tuple(row for row in rows if wanted in codes[row.id])
    if query.order is Order.LEAST or query.order is Order.MOST:
        sign = 1 if query.order is Order.LEAST else -1
        return sorted(rows, key=lambda row: (sign * row.points, codes[row.id]))
    if query.is_queue and not by_name:
        return sorted(rows, key=lambda row: (urgency(row), codes[row.id]))
    return sorted(rows, key=lambda row: codes[row.id])


def urgency(row: Row) -> int:
    """1 for what a check could not see, 2 for what a person decides, 3 for what is borderline, 4 for the rest."""
    if Waiting.UNKNOWN in row.waiting:
        return 1
    if set(row.waiting) - {Waiting.BORDERLINE}:
        return 2
    return 3 if row.waiting else 4


def query_of(filters: Filters, person: Person) -> Query:
    """The filters as the gradebook is asked."""
    query = Query(
        text=filters.q,
        waiting=Waiting(filters.why) if filters.why else None,
        task=filters.task,
        order=Order(filters.order) if filters.order else None,
    )
    if filters.show == "waiting":
        return replace(query, is_queue=True)
    if filters.show == "mine":
        return replace(query, assigned_to=person.name, order=query.order or Order.QUEUE)
    if filters.show == "free":
        return replace(query, is_queue=True, assigned_to="")
    if filters.show == "moved":
        return replace(query, waiting=Waiting.MOVED)
    if filters.show == "gone":
        return replace(query, is_gone=True)
    if filters.show == "reviewed":
        return replace(query, is_reviewed=True)
    return query


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a hand-in stands in a list: its place from 1 (0: it is not in it), of how many, and those beside it."""

    place: int
    total: int
    before: int | None
    behind: int | None


def neighbours(rows: Sequence[Row], number: int, place: int) -> Neighbours:
    """Those beside the entry of a number. One that has left the list meanwhile is looked for at its former `place`.

    >>> neighbours([], 5, 1)
    Neighbours(place=0, total=0, before=None, behind=None)
    """
    ids = [row.id for row in rows]
    if number in ids:
        at = ids.index(number)
        behind = ids[at + 1] if at + 1 < len(ids) else None
        return Neighbours(at + 1, len(ids), ids[at - 1] if at else None, behind)
    at = min(max(place - 1, 0), len(ids))  # what stands there now moved up when this one left
    return Neighbours(0, len(ids), ids[at - 1] if at else None, ids[at] if at < len(ids) else None)
