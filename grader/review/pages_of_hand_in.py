"""The page of one hand-in: what was claimed, what it comes to, what people decide. Saved at once, by htmx or form."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response
from starlette.exceptions import HTTPException

from grader.gradebook.nouns import ConflictError, Entry
from grader.model import DecisionKind
from grader.review.desk import Desk
from grader.review.exhibits import by_task
from grader.review.hand_in import HandInView, first_said, told, view_of
from grader.review.pages_of_queue import WAITS
from grader.review.queue import Filters, Neighbours, neighbours, ordered
from grader.review.saving import BY_HAND, Saved, Wanted, save, since, undo
from grader.web.app import see
from grader.web.people import Person

Text = Annotated[str, Form()]
Number = Annotated[int, Form()]


def add(app: FastAPI, desk: Desk) -> None:
    """Put these pages into the app."""

    @app.get("/h/{code}")
    def hand_in(request: Request, code: str) -> Response:
        person = desk.person(request)
        return _page(request, desk, person, desk.entry(code))

    @app.get("/h/{code}/next")
    def behind(request: Request, code: str) -> Response:
        return _beside(request, code, is_behind=True)

    @app.get("/h/{code}/previous")
    def before(request: Request, code: str) -> Response:
        return _beside(request, code, is_behind=False)

    def _beside(request: Request, code: str, *, is_behind: bool) -> Response:
        """To the next one in the list that the address describes; back to the list where there is none."""
        person = desk.person(request)
        entry = desk.entry(code)
        filters, beside = _neighbours(request, desk, person, entry)
        return see(_link_beside(request, desk, entry, filters, beside, is_behind=is_behind))

    @app.post("/h/{code}/decide")
    def decide(
        request: Request,
        code: str,
        kind: Text,
        seen_version: Number,
        task: Text = "",
        rule: Text = "",
        points: Text = "",
        quick: Text = "",
        text: Text = "",
        from_bank: Text = "",
        is_kept: Text = "",
        reason: Text = "",
        seen_decided: Number = 0,
        seen_ground: Text = "",
    ) -> Response:
        person = desk.person(request)
        entry = desk.changed(person, code)
        if kind not in set(DecisionKind):
            raise HTTPException(422, "there is no such kind of decision")
        wanted = Wanted(
            DecisionKind(kind), task, rule, quick or points, text.strip() or from_bank,
            reason.strip() or (BY_HAND if quick else ""), seen_version, seen_decided, seen_ground,
        )  # fmt: skip
        saved = save(desk, entry, wanted, person)
        if is_kept and not saved.problem and not saved.is_conflict and wanted.text:
            desk.book.save_comment(entry.row.assignment, wanted.text, person.name)
        return _answered(request, desk, person, saved)

    @app.post("/h/{code}/undo")
    def take_back(request: Request, code: str, decision: Number, seen_version: Number) -> Response:
        person = desk.person(request)
        return _answered(request, desk, person, undo(desk, desk.changed(person, code), decision, person, seen_version))

    @app.post("/h/{code}/reviewed")
    def reviewed(request: Request, code: str, seen_version: Number, is_reviewed: Text = "yes") -> Response:
        """Mark as reviewed and go to the next; where somebody changed it meanwhile, look at that first."""
        person = desk.person(request)
        entry = desk.changed(person, code)
        filters, beside = _neighbours(request, desk, person, entry)
        is_done = is_reviewed == "yes"
        try:
            desk.book.mark_reviewed(entry.id, person.name, seen_version, is_reviewed=is_done)
        except ConflictError:
            others = since(desk, entry.id, seen_version)
            return _page(request, desk, person, desk.entry(code), others=others, is_unreviewed=True, status=409)
        here = beside.place or _place(request)
        if not is_done:
            return see(f"/h/{code}{_words(filters, here)}")
        if beside.behind is None:
            return see(f"/a/{entry.row.assignment}{filters.words}")
        return see(f"/h/{desk.code(beside.behind)}{_words(filters, here)}")

    @app.post("/h/{code}/assign")
    def assign(request: Request, code: str, to: Text = "") -> Response:
        person = desk.person(request)
        entry = desk.changed(person, code)
        to = to if person.is_head or not to else person.name
        if not to or to in {one.name for one in desk.people.everybody() if one.is_active}:
            desk.book.assign([entry.id], to, person.name)
        return see(f"/h/{code}{_words(*_asked(request))}")

    @app.get("/h/{code}/exhibits")
    def exhibits(request: Request, code: str) -> Response:
        """Curves, tables, images: into the page by htmx, or as a page of their own."""
        person = desk.person(request)
        entry = desk.entry(code)
        is_veiled = desk.is_veiled(request, person, entry.row.assignment)
        known = desk.exhibits.of(entry)
        shown = by_task(known.exhibits, entry.card, desk.veil(entry) if is_veiled else None)
        name = "_exhibits.html" if "hx-request" in request.headers else "exhibits.html"
        with desk.veiled(entry, is_veiled=is_veiled):
            label = desk.label(entry.row, is_veiled=is_veiled)
            return desk.shown(
                request, name, person=person, entry=entry, code=code, label=label, shown=shown, note=known.note
            )


def _asked(request: Request) -> tuple[Filters, int]:
    """The list that the address describes, and the place in it."""
    return Filters.of(dict(request.query_params)), _place(request)


def _place(request: Request) -> int:
    said = request.query_params.get("at", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 7 else 0


def _words(filters: Filters, place: int) -> str:
    words = filters.words
    return words + (f"{'&' if words else '?'}at={place}" if place else "")


def _neighbours(request: Request, desk: Desk, person: Person, entry: Entry) -> tuple[Filters, Neighbours]:
    filters, place = _asked(request)
    is_veiled = desk.is_veiled(request, person, entry.row.assignment)
    rows = ordered(desk, entry.row.assignment, filters, person, is_veiled=is_veiled)
    return filters, neighbours(rows, entry.id, place)


def _link_beside(
    request: Request, desk: Desk, entry: Entry, filters: Filters, beside: Neighbours, *, is_behind: bool
) -> str:
    """The address of the next or previous hand-in of the list, with its place there; that of the list at its ends."""
    number = beside.behind if is_behind else beside.before
    if number is None:
        return f"/a/{entry.row.assignment}{filters.words}"
    here = beside.place or _place(request)
    step = (1 if beside.place else 0) if is_behind else -1
    return f"/h/{desk.code(number)}{_words(filters, max(here + step, 1))}"


def _answered(request: Request, desk: Desk, person: Person, saved: Saved) -> Response:
    """What a decision changes on the page, or the page; without htmx the page again, at the place of the decision."""
    view = view_of(saved.entry)
    target = view.target(saved.wanted.task, saved.wanted.rule)
    if "hx-request" not in request.headers:
        if saved.status != 200:
            return _page(request, desk, person, saved.entry, saved=saved, status=saved.status)
        mark = f"#{target.name}" if target is not None and saved.wanted.kind is DecisionKind.OVERRIDE else "#comments"
        return see(f"/h/{desk.code(saved.entry.id)}{_words(*_asked(request))}{mark}")
    if target is None:  # the card has no such place any more: everything has changed
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    values = _values(request, desk, person, view, saved=saved)
    with desk.veiled(saved.entry, is_veiled=values["is_veiled"]):
        answer = desk.shown(request, "_saved.html", saved.status, target=target, **values)
    answer.headers["X-Version"] = str(saved.entry.version)  # every form of the page has seen this one now
    return answer


def _page(request: Request, desk: Desk, person: Person, entry: Entry, *, status: int = 200, **more: Any) -> Response:
    view = view_of(entry)
    values = _values(request, desk, person, view, **more)
    with desk.veiled(entry, is_veiled=values["is_veiled"]):
        return desk.shown(request, "hand_in.html", status, **values)


def _values(request: Request, desk: Desk, person: Person, view: HandInView, **more: Any) -> dict[str, Any]:
    entry = view.entry
    filters, beside = _neighbours(request, desk, person, entry)
    is_veiled = desk.is_veiled(request, person, entry.row.assignment)
    return {
        "person": person,
        "entry": entry,
        "view": view,
        "code": desk.code(entry.id),
        "label": desk.label(entry.row, is_veiled=is_veiled),
        "is_veiled": is_veiled,
        "may_change": desk.may_change(person, entry.row),
        "filters": filters,
        "beside": beside,
        "next": _link_beside(request, desk, entry, filters, beside, is_behind=True),
        "previous": _link_beside(request, desk, entry, filters, beside, is_behind=False),
        "words": _words(filters, beside.place or _place(request)),
        "waits": WAITS,
        "events": [(one, told(one)) for one in reversed(desk.book.history(entry.id))],
        "told": told,
        "first_said": first_said,
        "bank": desk.book.comments(entry.row.assignment),
        "people": [one for one in desk.people.everybody() if one.is_active] if person.is_head else [],
        "saved": None,
        "others": (),
        "is_unreviewed": False,
        **more,
    }
