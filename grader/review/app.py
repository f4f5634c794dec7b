"""What is the review page made of? One app for one course and its gradebook, behind the guard, for signed-in staff."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response

from grader.course import Course
from grader.gradebook.book import Gradebook
from grader.review import pages_of_files, pages_of_hand_in, pages_of_queue, pages_of_staff
from grader.review.desk import Desk, SignInNeededError
from grader.review.exhibits import Exhibits
from grader.review.settings import ReviewSettings
from grader.web.app import see, web_app
from grader.web.guard import LOOPBACK
from grader.web.people import People

COOKIE = "grader_review"
TEMPLATES = Path(__file__).parent / "templates"


def review_app(
    course: Course,
    gradebook_url: str,
    *,
    only: Iterable[str] = (),
    hosts: Iterable[str] = (),
    is_https: bool = False,
) -> FastAPI:
    """The review page of a course. Raises as `Gradebook.open` does where the gradebook cannot be used.

    `only` are the assignments that are served, none: all. `hosts` are names it may be called by besides this machine's
    own.
    """
    book = Gradebook.open(gradebook_url)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.hand_ins.close()
        book.close()

    app, pages = web_app(
        f"review of {course.name}",
        templates=TEMPLATES,
        hosts=[*LOOPBACK, *hosts],
        cookie=COOKIE,
        is_https=is_https,
        lifespan=lifespan,
    )
    desk = Desk(course, book, People(book), ReviewSettings(book), pages, tuple(only), Exhibits(course))
    app.state.desk = desk

    @app.exception_handler(SignInNeededError)
    def needs_sign_in(request: Request, _error: SignInNeededError) -> Response:
        if "hx-request" in request.headers:
            return Response(status_code=204, headers={"HX-Redirect": "/sign-in"})
        return see("/sign-in")

    for part in (pages_of_staff, pages_of_queue, pages_of_hand_in, pages_of_files):
        part.add(app, desk)
    return app
