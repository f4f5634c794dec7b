"""How does somebody sign in, and who manages people? Sign-in, sign-out, the people's page, the keys' page."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Form, Request, Response
from starlette.exceptions import HTTPException

from grader.errors import UsageError
from grader.review.desk import Desk
from grader.web.app import see
from grader.web.guard import browser_of
from grader.web.people import LINK_HOURS, Person, Role

Text = Annotated[str, Form()]
SIGN_IN = "/sign-in"


def add(app: FastAPI, desk: Desk) -> None:
    """Put these pages into the app."""

    @app.get(SIGN_IN)
    def ask(request: Request, link: str = "") -> Response:
        """The link's page only asks: whoever fetches links ahead (a chat, a scanner of mails) uses none up."""
        person = desk.people.invited(link) if link else None
        signed_in = desk.people.signed_in(browser_of(request).digest)
        return desk.shown(
            request, "sign_in.html", link=link if person else "", whose=person, is_dead=bool(link) and person is None,
            signed_in=signed_in,
        )  # fmt: skip

    @app.post(SIGN_IN)
    def sign_in(request: Request, link: Text = "") -> Response:
        browser = browser_of(request)
        desk.people.sign_out(browser.digest)
        browser.renew()
        token = link.strip().rpartition("link=")[2]  # the whole address may be pasted
        if desk.people.sign_in(token, browser.digest) is None:
            return desk.shown(request, "sign_in.html", 403, link="", whose=None, is_dead=True, signed_in=None)
        return see("/")

    @app.post("/sign-out")
    def sign_out(request: Request) -> Response:
        browser = browser_of(request)
        desk.people.sign_out(browser.digest)
        browser.renew()
        return see(SIGN_IN)

    @app.get("/keys")
    def keys(request: Request) -> Response:
        return desk.shown(request, "keys.html", person=desk.person(request))

    @app.get("/people")
    def people(request: Request) -> Response:
        return _people(request, desk, desk.head(request))

    @app.post("/people/invite")
    def invite(request: Request, name: Text = "", role: Text = "") -> Response:
        person = desk.head(request)
        try:
            token = desk.people.invite(name, Role(role) if role in set(Role) else None)
        except UsageError as error:
            return _people(request, desk, person, problem=error.problems[0].what, status=422)
        link = f"{request.url.scheme}://{request.headers['host']}{SIGN_IN}?link={token}"
        return _people(request, desk, person, link=link, whose=name)

    @app.post("/people/{number}")
    def change(request: Request, number: int, role: Text = "", is_active: Text = "") -> Response:
        person = desk.head(request)
        if role and role not in set(Role):
            raise HTTPException(422, "there is no such role")
        try:
            active = {"yes": True, "no": False}.get(is_active)
            desk.people.change(number, role=Role(role) if role else None, is_active=active)
        except UsageError as error:
            return _people(request, desk, person, problem=error.problems[0].what, status=422)
        return see("/people")


def _people(
    request: Request,
    desk: Desk,
    person: Person,
    *,
    link: str = "",
    whose: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    return desk.shown(
        request, "people.html", status, person=person, everybody=desk.people.everybody(), roles=list(Role), link=link,
        whose=whose, problem=problem, hours=LINK_HOURS,
    )  # fmt: skip
