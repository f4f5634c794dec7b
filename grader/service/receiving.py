"""How does a file come in? Byte by byte to the disk, counted, by a clock; never whole in memory.

A program sends the zip as the body, a browser as the field `file` of a form. What is too large or too slow is refused
while it is read, and nothing of it stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from grader.service.service import RefusedError, no_space, too_big
from grader.service.store import Incoming, NoSpaceError, TooBigError

if TYPE_CHECKING:
    from starlette.requests import Request

    from grader.course.serving import Serving

IDLE_S = 30.0  # without a byte: a connection that only holds a place
_HEAD_BYTES = 4096  # of a form's part
_OTHER_BYTES = 65_536  # of fields beside the file, together
# Read and dropped, so that a browser is there to read the refusal: so much, so long, with no longer pause.
_DRAINED_BYTES, _DRAINED_S, _PAUSE_S = 64 * 2**20, 10.0, 0.5


async def received(request: Request, incoming: Incoming, terms: Serving) -> str:
    """Write the file of a request to `incoming`; what it is called there. Raises RefusedError."""
    try:
        async with asyncio.timeout(terms.upload_s):
            kind, options = parse_options_header(request.headers.get("content-type", ""))
            if kind == b"multipart/form-data":
                return await _form(request, incoming, options.get(b"boundary", b""))
            if kind not in (b"application/zip", b"application/octet-stream", b"application/x-zip-compressed"):
                fix = "send the zip as application/zip, or as the field file of multipart/form-data"
                raise RefusedError(415, "this is no upload", where="Content-Type", fix=fix, code="media-type")
            async for data in _chunks(request):
                incoming.write(data)
            return unquote(request.headers.get("x-file-name", ""))
    except TooBigError as error:
        raise too_big(terms) from error
    except NoSpaceError as error:
        raise no_space() from error
    except TimeoutError as error:
        what = f"the upload was not whole within {terms.upload_s:g} s, or no byte came for {IDLE_S:g} s"
        fix = "try again on a better line; a smaller file helps"
        raise RefusedError(408, what, where="file", fix=fix, code="too-slow") from error
    except ClientDisconnect as error:
        what = "the connection ended before the upload was whole"
        raise RefusedError(400, what, where="file", fix="send it again", code="cut-off") from error


async def drained(request: Request) -> None:
    """Read on for a moment and drop it: who is still sending does not read the answer."""
    if "100-continue" in request.headers.get("expect", "").lower():
        return  # who asks first may be told first
    left = _DRAINED_BYTES
    try:
        async with asyncio.timeout(_DRAINED_S):
            async for data in _chunks(request, idle_s=_PAUSE_S):
                left -= len(data)
                if left < 0:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):  # it was read to its end before
        return


async def _chunks(request: Request, *, idle_s: float | None = None) -> AsyncIterator[bytes]:
    stream = request.stream().__aiter__()
    while True:
        async with asyncio.timeout(IDLE_S if idle_s is None else idle_s):
            data = await anext(stream, None)
        if data is None:
            return
        if data:
            yield data


async def _form(request: Request, incoming: Incoming, boundary: bytes) -> str:
    form = _Form(incoming)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.part_begin,
                "on_part_data": form.part_data,
                "on_header_field": form.header_field,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_headers_finished": form.headers_finished,
                "on_end": form.end,
            },
        )
        async for data in _chunks(request):
            parser.write(data)
        parser.finalize()
    except MultipartParseError as error:
        raise _no_form("the form cannot be read") from error
    if not form.is_ended:
        raise _no_form("the form is cut off")
    if form.files != 1:
        raise _no_form("the form has no file" if not form.files else "the form has several files")
    return form.name


def _no_form(what: str) -> RefusedError:
    return RefusedError(422, what, where="file", fix="send one zip in the field file", code="no-form")


class _Form:
    """The parts of a form as they come: the field `file` goes to the disk, others are counted and dropped."""

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self.files, self.name, self.is_ended = 0, "", False
        self._is_file = False
        self._others = self._head = 0
        self._field, self._value = b"", b""

    def part_begin(self) -> None:
        self._is_file, self._head = False, 0
        self._field, self._value = b"", b""

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            if options.get(b"name") == b"file":
                self._is_file = True
                self.name = options.get(b"filename", b"").decode("utf-8", "replace")
        self._field, self._value = b"", b""

    def headers_finished(self) -> None:
        self.files += self._is_file
        if self.files > 1:
            raise _no_form("the form has several files")

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._incoming.write(data[start:end])
            return
        self._others += end - start
        if self._others > _OTHER_BYTES:
            raise _no_form("the form's other fields are too large")

    def end(self) -> None:
        self.is_ended = True

    def _count_head(self, count: int) -> None:
        self._head += count
        if self._head > _HEAD_BYTES:
            raise _no_form("a part of the form has too long a head")
