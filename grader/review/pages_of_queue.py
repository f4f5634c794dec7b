"""Which pages list hand-ins? The assignments, the queue of one, whose work is whose, the comment bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response

from grader.gradebook.nouns import Query, Row, Waiting
from grader.review.desk import Desk
from grader.review.queue import ORDERS, SHOWN, WHY, Filters, listed, query_of
from grader.web.app import see
from grader.web.people import Person

Text = Annotated[str, Form()]
Texts = Annotated[list[str] | None, Form()]
WAITS = {
    Waiting.UNKNOWN: "could not run",
    Waiting.REVIEW: "to decide",
    Waiting.PERSON: "course rule",
    Waiting.MOVED: "ground moved",
    Waiting.BORDERLINE: "borderline",
}


def add(app: FastAPI, desk: Desk) -> None:
    """Put these pages into the app."""

    @app.get("/")
    def start(request: Request) -> Response:
        person = desk.person(request)
        names = desk.assignments()
        if len(names) == 1:
            return see(f"/a/{names[0]}")
        counts = [(name, *_counts(desk, name, person, ("waiting", "all"))) for name in names]
        return desk.shown(request, "assignments.html", person=person, counts=counts)

    @app.get("/a/{assignment}")
    def queue(request: Request, assignment: str) -> Response:
        person = desk.person(request)
        desk.assignment(assignment)
        filters = Filters.of(dict(request.query_params))
        is_veiled = desk.is_veiled(request, person, assignment)
        found = listed(desk, assignment, filters, person, is_veiled=is_veiled)
        if not found.rows and filters.page > 1:
            return see(f"/a/{assignment}{filters.on_page(found.pages).words}")
        is_part = request.headers.get("hx-target") == "list"
        values: dict[str, Any] = {
            "person": person,
            "assignment": assignment,
            "filters": filters,
            "found": found,
            "is_veiled": is_veiled,
            "waits": WAITS,
            "people": [one for one in desk.people.everybody() if one.is_active],
        }
        if is_part:
            return desk.shown(request, "_list.html", **values)
        names = tuple(SHOWN)
        return desk.shown(
            request, "queue.html", **values, shown=SHOWN, why=WHY, orders=ORDERS, tasks=_tasks(desk, assignment),
            counts=dict(zip(names, _counts(desk, assignment, person, names), strict=True)),
            is_anonymous=desk.settings.is_anonymous(assignment),
        )  # fmt: skip

    @app.post("/a/{assignment}/assign")
    def assign(request: Request, assignment: str, code: Texts = None, to: Text = "") -> Response:
        """Give the chosen hand-ins to somebody. Who is no head TA takes what is nobody's, and gives back their own."""
        person = desk.person(request)
        desk.assignment(assignment)
        rows = [desk.changed(person, one).row for one in code or ()]
        if to and not person.is_head:
            to = person.name
        known = {one.name for one in desk.people.everybody() if one.is_active}
        if not to or to in known:
            desk.book.assign([row.id for row in rows if row.assignment == assignment], to, person.name)
        return see(f"/a/{assignment}{Filters.of(dict(request.query_params)).words}")

    @app.post("/a/{assignment}/share")
    def share(request: Request, assignment: str) -> Response:
        """Share what waits and is nobody's among all who are active, so that everybody has as much as the others."""
        person = desk.head(request)
        desk.assignment(assignment)
        names = [one.name for one in desk.people.everybody() if one.is_active]
        for name, numbers in shared(desk, assignment, names).items():
            desk.book.assign(numbers, name, person.name)
        return see(f"/a/{assignment}")

    @app.post("/a/{assignment}/anonymous")
    def anonymous(request: Request, assignment: str, is_anonymous: Text = "", names: Text = "") -> Response:
        """Hide names from everybody, or show them; and for a head TA alone, show them in this browser."""
        desk.head(request)
        desk.assignment(assignment)
        if is_anonymous in ("yes", "no"):
            desk.settings.set_anonymous(assignment, is_anonymous=is_anonymous == "yes")
        if names in ("yes", "no"):
            desk.show_names(request, assignment, is_shown=names == "yes")
        return see(f"/a/{assignment}")

    @app.get("/a/{assignment}/comments")
    def bank(request: Request, assignment: str) -> Response:
        person = desk.person(request)
        desk.assignment(assignment)
        remarks = desk.book.comments(assignment)
        return desk.shown(request, "comments.html", person=person, assignment=assignment, remarks=remarks)

    @app.post("/a/{assignment}/comments")
    def keep(request: Request, assignment: str, text: Text = "", remove: Text = "") -> Response:
        """Keep a comment in the bank, or take one of it out: one's own, or for a head TA anybody's."""
        person = desk.person(request)
        desk.assignment(assignment)
        if text.strip():
            desk.book.save_comment(assignment, text.strip()[:5000], person.name)
        for one in desk.book.comments(assignment):
            if str(one.id) == remove and (person.is_head or one.author == person.name):
                desk.book.remove_comment(one.id)
        return see(f"/a/{assignment}/comments")


def shared(desk: Desk, assignment: str, names: Sequence[str]) -> dict[str, list[int]]:
    """Who is given what of the work that is nobody's: always whoever has least of what waits."""
    waiting = desk.book.rows(assignment, Query(is_queue=True)).rows
    load = {name: sum(row.assigned_to == name for row in waiting) for name in names}
    given: dict[str, list[int]] = {name: [] for name in names}
    for row in waiting:
        if not row.assigned_to and load:
            least = min(names, key=lambda name: load[name])
            load[least] += 1
            given[least].append(row.id)
    return given


def _counts(desk: Desk, assignment: str, person: Person, shown: Sequence[str]) -> list[int]:
    """How many hand-ins each of these views has."""
    queries = (query_of(Filters(show=one), person) for one in shown)
    return [desk.book.rows(assignment, replace(query, limit=0)).total for query in queries]


def _tasks(desk: Desk, assignment: str) -> list[str]:
    """The tasks that a filter may name, as the first hand-in has them."""
    rows: Sequence[Row] = desk.book.rows(assignment, Query(limit=1)).rows
    return list(rows[0].tasks) if rows else []
