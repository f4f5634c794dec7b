"""What do both doors need of a request? Who asks, from where, and an upload read to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from grader.service.receiving import drained, received
from grader.service.service import RefusedError, Service, UploadView, no_space
from grader.service.store import NoSpaceError

if TYPE_CHECKING:
    from starlette.requests import Request

    from grader.service.people import Person


def address_of(request: Request, *, is_behind_proxy: bool) -> str:
    """Where a request comes from: the other end of the connection, or whom our own proxy names last."""
    if is_behind_proxy:
        named = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if named:
            return named[:100]
    return request.client.host if request.client else ""


async def uploaded(request: Request, service: Service, person: Person, assignment: str) -> UploadView:
    """Read the file of a request, and put it into the queue. Raises RefusedError; nothing is kept of it then."""
    try:
        terms = await run_in_threadpool(service.may_upload, person, assignment, _announced(request))
        _begun(service, person)
        try:
            with await run_in_threadpool(service.store.begin, terms.upload_bytes) as incoming:
                name = await received(request, incoming, terms)
                return await run_in_threadpool(service.accept, person, assignment, incoming, name)
        finally:
            service.at_once.end(person.id)
    except NoSpaceError as error:
        await drained(request)
        raise no_space() from error
    except RefusedError:
        await drained(request)
        raise


def _begun(service: Service, person: Person) -> None:
    if not service.at_once.begin(person.id):
        what, fix = "too many uploads are under way", "wait until one is whole, and send it again"
        raise RefusedError(429, what, where="service", fix=fix, code="too-many", wait_s=5)


def _announced(request: Request) -> int | None:
    """How many bytes the request says that it has."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 20 else None
