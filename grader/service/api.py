"""The REST interface, version 1: what a program may ask, with a student's token in the Authorization header.

Every answer has a type, every error is `application/problem+json` with where, what and fix. Cookies are not looked at.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from grader.service.doors import address_of, uploaded
from grader.service.people import Person
from grader.service.service import AssignmentView, PersonView, RefusedError, Service, UploadView
from grader.service.uploads import State
from grader.service.view import ProblemView, problem_views
from grader.web.uploaded import SANDBOX, download_name

PREFIX = "/api/v1"
PROBLEM = "application/problem+json"
_TITLES = {
    400: "Cut off", 401: "Not signed in", 404: "Not found", 408: "Too slow", 409: "No attempt left", 413: "Too large",
    415: "No upload", 422: "Cannot be graded", 429: "Too many", 503: "Not possible now", 507: "No space",
}  # fmt: skip

_REPEAT: dict[int | str, dict[str, Any]] = {
    200: {"model": UploadView, "description": "These bytes are your newest upload already"}
}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}
_BODY: dict[str, Any] = {
    "required": True,
    "description": "The zip itself, or a form with the field file. X-File-Name may say what it is called.",
    "content": {
        "application/zip": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
    },
}


class ProblemDetails(BaseModel):
    """An error (RFC 9457), with the three things that a person needs."""

    type: str = Field(default="about:blank")
    title: str
    status: int
    detail: str = Field(description="where and what, in one line")
    code: str = Field(default="", description="stable, for programs")
    where: str = ""
    what: str = ""
    fix: str = ""
    problems: list[ProblemView] = Field(default=[], description="more of the same hand-in")


class ServiceView(BaseModel):
    """The service and its queue."""

    course: str
    version: str = Field(description="of the grader")
    assignments: list[str]
    queued: int
    grading: int


class HealthView(BaseModel):
    """That the service is there: it ends with its worker."""

    status: Literal["ok"] = "ok"


def problem_response(error: RefusedError) -> JSONResponse:
    """A refusal as a program reads it."""
    details = ProblemDetails(
        title=_TITLES.get(error.status, "Refused"),
        status=error.status,
        detail=f"{error.where}: {error.what}",
        code=error.code,
        where=error.where,
        what=error.what,
        fix=error.fix,
        problems=problem_views(error.problems),
    )
    return JSONResponse(details.model_dump(), error.status, headers=error.headers, media_type=PROBLEM)


def router(service: Service, *, version: str, is_behind_proxy: bool) -> APIRouter:
    """The routes of version 1."""

    def signed_in(request: Request) -> Person:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            fix = "send the header Authorization: Bearer TOKEN"
            raise RefusedError(401, "there is no token", where="Authorization", fix=fix, code="no-token")
        return service.person(token, address_of(request, is_behind_proxy=is_behind_proxy))

    somebody = Annotated[Person, Depends(signed_in)]
    assignment_name = Annotated[str, Path(max_length=64, description="the assignment's name")]
    upload_id = Annotated[str, Path(max_length=32, description="the id of an upload of yours")]
    made = APIRouter(prefix=PREFIX, responses=_problems(401, 429))

    @made.get("/health", responses={}, summary="Is the service there?")
    def health() -> HealthView:
        return HealthView()

    @made.get("", summary="The course, its assignments, and how long the queue is")
    def about(person: somebody) -> ServiceView:
        del person
        status = service.status()
        return ServiceView(
            course=service.title,
            version=version,
            assignments=service.rubrics.names,
            queued=status[State.QUEUED],
            grading=status[State.GRADING],
        )

    @made.get("/me", summary="Whose token this is")
    def me(person: somebody) -> PersonView:
        return PersonView(id=person.id, name=person.name, team=person.team)

    @made.get("/assignments", summary="The assignments that are open")
    def assignments(person: somebody) -> list[AssignmentView]:
        return service.assignments(person)

    @made.get("/assignments/{assignment}", responses=_problems(404), summary="One assignment")
    def assignment(person: somebody, assignment: assignment_name) -> AssignmentView:
        return service.assignment(person, assignment)

    @made.get("/assignments/{assignment}/uploads", responses=_problems(404), summary="Your uploads, the newest first")
    def uploads(person: somebody, assignment: assignment_name) -> list[UploadView]:
        return service.uploads(person, assignment)

    @made.post(
        "/assignments/{assignment}/uploads",
        status_code=201,
        responses=_REPEAT | _problems(400, 404, 408, 409, 413, 415, 422, 507),
        openapi_extra={"requestBody": _BODY},
        summary="Hand in a zip",
    )
    async def upload(request: Request, response: Response, assignment: assignment_name) -> UploadView:
        person = await run_in_threadpool(signed_in, request)
        view = await uploaded(request, service, person, assignment)
        response.status_code = 200 if view.is_repeat else 201
        response.headers["Location"] = f"{PREFIX}/uploads/{view.id}"
        return view

    @made.get("/uploads/{upload}", responses=_problems(404), summary="How far an upload is, and its result")
    def one_upload(person: somebody, upload: upload_id) -> UploadView:
        return service.upload(person, upload)

    @made.get(
        "/uploads/{upload}/file",
        response_class=FileResponse,
        responses=_FILE | _problems(404),
        summary="The zip as it was handed in",
    )
    def file(person: somebody, upload: upload_id) -> FileResponse:
        return file_of(service, person, upload)

    return made


def file_of(service: Service, person: Person, public: str) -> FileResponse:
    """The zip of an upload, to be saved and never opened in a page."""
    found = service.found(person, public)
    return FileResponse(
        service.store.path(found.digest),
        media_type="application/octet-stream",
        filename=download_name(found.name if found.name.lower().endswith(".zip") else f"{found.name}.zip"),
        headers={"Content-Security-Policy": SANDBOX},
    )


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of errors."""
    return {
        status: {"model": ProblemDetails, "description": _TITLES[status], "content": {PROBLEM: {}}}
        for status in statuses
    }
