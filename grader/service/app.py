"""Which addresses does the service answer to? Pages for people, REST for programs, one guard before both."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from grader.errors import GraderError
from grader.service.api import PREFIX, problem_response, router
from grader.service.pages import add_pages
from grader.service.service import RefusedError, Service
from grader.web.app import problem_page, web_app

if TYPE_CHECKING:
    from grader.web.app import Pages

log = logging.getLogger(__name__)

TEMPLATES = Path(__file__).parent / "templates"
COOKIE = "grader_service"


def service_app(
    service: Service, *, hosts: Iterable[str], version: str, is_https: bool = False, is_behind_proxy: bool = False
) -> FastAPI:
    """The app of a service. `hosts` are the names that it may be called by."""
    app, pages = web_app(
        service.title,
        templates=TEMPLATES,
        hosts=hosts,
        cookie=COOKIE,
        is_https=is_https,
        version=version,
        openapi_url=f"{PREFIX}/openapi.json",
        description="Hand in a zip, see its place in the queue, read its result. Sign in with a student's token.",
    )
    _tell_errors(app, pages)
    app.include_router(router(service, version=version, is_behind_proxy=is_behind_proxy))
    add_pages(app, pages, service, is_behind_proxy=is_behind_proxy)
    return app


def _tell_errors(app: FastAPI, pages: Pages) -> None:
    """Every error in the same three words, as JSON for programs and as a page for people."""

    def told(request: Request, error: RefusedError) -> Response:
        if request.url.path.startswith("/api/"):
            return problem_response(error)
        what = f"{error.where}: {error.what}" if error.problems else error.what
        return problem_page(pages, request, error.status, what, error.fix, headers=error.headers)

    @app.exception_handler(RefusedError)
    def refused(request: Request, error: RefusedError) -> Response:
        return told(request, error)

    @app.exception_handler(HTTPException)
    def not_there(request: Request, error: HTTPException) -> Response:
        what = str(error.detail)
        fix = f"see {PREFIX}/openapi.json" if request.url.path.startswith("/api/") else "begin at the start"
        return told(request, RefusedError(error.status_code, what, where=request.url.path[:200], fix=fix, code="http"))

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(str(one["loc"][-1]) for one in error.errors())
        fix = f"see {PREFIX}/openapi.json"
        return told(request, RefusedError(422, "this cannot be read", where=fields, fix=fix, code="unreadable"))

    @app.exception_handler(GraderError)
    def stopped(request: Request, error: GraderError) -> Response:
        log.error("%s", error)
        what, fix = "the service cannot do this at the moment; nothing was counted", "try again later; tell the course"
        return told(request, RefusedError(503, what, where="service", fix=fix, code="not-now", wait_s=30))
