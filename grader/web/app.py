"""What does every page of the grader have? The guard, its static files, its look, and pages for errors.

`app, pages = web_app("review", templates=..., hosts=[...], cookie="grader_review")`; then functions that are plain
ones, so that they run in threads and may use the database, and end in `pages.shown(request, "queue.html", rows=rows)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment
from starlette.exceptions import HTTPException

from grader.errors import GraderError, UsageError
from grader.frozen import dataclass
from grader.web.guard import browser_of, guarded
from grader.web.pages import environment, static_file


@dataclass(frozen=True)
class Pages:
    """Fills templates. Every one knows `request`, `csrf` (the token for its forms), `path` and `title`."""

    env: Environment
    title: str

    def shown(self, request: Request, name: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """The page made of a template."""
        return HTMLResponse(self.text(request, name, **values), status)

    def text(self, request: Request, name: str, /, **values: Any) -> str:
        """The HTML made of a template."""
        shared = {"request": request, "csrf": browser_of(request).csrf, "path": request.url.path, "site": self.title}
        return self.env.get_template(name).render({**shared, **values})


def web_app(
    title: str,
    *,
    templates: Path,
    hosts: Iterable[str],
    cookie: str,
    is_https: bool = False,
    **settings: Any,
) -> tuple[FastAPI, Pages]:
    """An app behind the guard, and what fills its templates. `settings` are FastAPI's own; it documents nothing itself.

    `templates` is the app's own folder, which goes before those of all. The rest is as `guarded` has it.
    """
    app = FastAPI(title=title, **{"docs_url": None, "redoc_url": None, "openapi_url": None, **settings})
    pages = Pages(environment([templates]), title)
    guarded(app, hosts, cookie=cookie, is_https=is_https)

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str) -> Response:
        found = static_file(name)
        if found is None:
            raise HTTPException(404, "there is no such file")
        data, kind, digest = found
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{digest}"'}
        return Response(data, media_type=kind, headers=headers)

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        return problem_page(pages, request, error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(str(one["loc"][-1]) for one in error.errors())
        return problem_page(pages, request, 422, f"what was sent cannot be read: {fields}")

    @app.exception_handler(GraderError)
    def stopped(request: Request, error: GraderError) -> Response:
        first = error.problems[0]
        status = 422 if isinstance(error, UsageError) else 503
        return problem_page(pages, request, status, f"{first.where}: {first.what}", first.fix)

    return app, pages


def problem_page(
    pages: Pages,
    request: Request,
    status: int,
    what: str,
    fix: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """What is so and what to do: as a page, or as JSON for a program."""
    if "text/html" not in request.headers.get("accept", "") and "hx-request" not in request.headers:
        return JSONResponse({"what": what, "fix": fix}, status, headers=dict(headers or {}))
    page = pages.shown(request, "problem.html", status, status=status, what=what, fix=fix)
    page.headers.update(headers or {})
    return page


def see(url: str) -> RedirectResponse:
    """Behind a form: the page to look at next (303, so that a reload sends nothing again). `url` is a path of ours."""
    if not url.startswith("/") or url.startswith(("//", "/\\")):
        url = "/"
    return RedirectResponse(url, 303)
