"""What does a student see in a browser? Four pages that need no script; one asks again by itself where it may."""

from typing import Annotated

from fastapi import FastAPI, Form, Request, Response
from starlette.concurrency import run_in_threadpool

from grader.service.api import file_of
from grader.service.doors import address_of, uploaded
from grader.service.people import Person
from grader.service.service import RefusedError, Service
from grader.service.view import problem_views
from grader.web.app import Pages, see
from grader.web.guard import browser_of

_EVERY_S = 2  # a page that waits asks again


def add_pages(app: FastAPI, pages: Pages, service: Service, *, is_behind_proxy: bool) -> None:
    """The routes of the pages. Times are shown by the clock of the course, which due times tell."""
    pages.env.filters["local"] = lambda at: at.astimezone(service.zone)

    def somebody(request: Request) -> Person | None:
        person = service.people.by_browser(browser_of(request).digest)
        if person is not None:
            service.count_request(person)
        return person

    def sign_in_page(request: Request, error: RefusedError | None = None) -> Response:
        code = error.status if error else 200
        page = pages.shown(request, "sign_in.html", code, error=error, contact=service.contact, person=None)
        page.headers.update(error.headers if error else {})
        return page

    @app.get("/", include_in_schema=False)
    def start(request: Request) -> Response:
        person = somebody(request)
        if person is None:
            return sign_in_page(request)
        rows = [(one, next(iter(service.uploads(person, one.name)), None)) for one in service.assignments(person)]
        return pages.shown(request, "start.html", person=person, rows=rows)

    @app.post("/sign-in", include_in_schema=False)
    def sign_in(request: Request, token: Annotated[str, Form(max_length=1000)] = "") -> Response:
        try:
            person = service.person(token, address_of(request, is_behind_proxy=is_behind_proxy))
        except RefusedError as error:
            return sign_in_page(request, error)
        browser = browser_of(request)
        browser.renew()
        service.people.sign_in(person, browser.digest)
        return see("/")

    @app.post("/sign-out", include_in_schema=False)
    def sign_out(request: Request) -> Response:
        service.people.sign_out(browser_of(request).digest)
        browser_of(request).renew()
        return see("/")

    def assignment_page(
        request: Request, person: Person, assignment: str, error: RefusedError | None = None
    ) -> Response:
        page = pages.shown(
            request,
            "assignment.html",
            error.status if error else 200,
            person=person,
            one=service.assignment(person, assignment),
            uploads=service.uploads(person, assignment),
            error=error,
            problems=problem_views(error.problems) if error else [],
        )
        page.headers.update(error.headers if error else {})
        return page

    @app.get("/assignments/{assignment}", include_in_schema=False)
    def assignment(request: Request, assignment: str) -> Response:
        person = somebody(request)
        return see("/") if person is None else assignment_page(request, person, assignment)

    @app.post("/assignments/{assignment}", include_in_schema=False)
    async def upload(request: Request, assignment: str) -> Response:
        person = await run_in_threadpool(somebody, request)
        if person is None:
            return see("/")
        try:
            view = await uploaded(request, service, person, assignment)
        except RefusedError as error:
            if error.status == 404:
                raise
            return await run_in_threadpool(assignment_page, request, person, assignment, error)
        return see(f"/uploads/{view.id}")

    @app.get("/uploads/{upload}", include_in_schema=False)
    def one_upload(request: Request, upload: str) -> Response:
        person = somebody(request)
        if person is None:
            return see("/")
        view = service.upload(person, upload)
        one = service.assignment(person, view.assignment)
        return pages.shown(request, "upload.html", person=person, upload=view, one=one, every_s=_EVERY_S)

    @app.get("/uploads/{upload}/state", include_in_schema=False)
    def state(request: Request, upload: str) -> Response:
        person = somebody(request)
        if person is None:
            raise RefusedError(401, "nobody is signed in", where="page", fix="load the page anew", code="no-token")
        view = service.upload(person, upload)
        return pages.shown(request, "_state.html", person=person, upload=view, every_s=_EVERY_S)

    @app.get("/uploads/{upload}/file", include_in_schema=False, response_model=None)
    def file(request: Request, upload: str) -> Response:
        person = somebody(request)
        return see("/") if person is None else file_of(service, person, upload)
