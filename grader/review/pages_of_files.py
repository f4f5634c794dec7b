"""The files of a hand-in: a list, one as text with its lines, as a picture, or to be saved. Asked for by number."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from grader.documents import DocumentError, json_document
from grader.documents.text import decode
from grader.gradebook.nouns import Entry
from grader.model import Place, Submission
from grader.review.desk import Desk
from grader.review.files import (
    MAX_PICTURE,
    MAX_TEXT,
    ChangedError,
    FileRow,
    bytes_of,
    listed,
    opened,
    report_of,
    shown_text,
)
from grader.review.hand_in import view_of
from grader.web.app import see
from grader.web.uploaded import attachment, picture

REPORT_LINES = 400
_PART = 1 << 20  # bytes


def add(app: FastAPI, desk: Desk) -> None:
    """Put these pages into the app."""

    @app.get("/h/{code}/files")
    def files(request: Request, code: str) -> Response:
        """The list of files, and the report's text: into the page by htmx, or as a page of their own."""
        person = desk.person(request)
        entry = desk.entry(code)
        is_veiled = desk.is_veiled(request, person, entry.row.assignment)
        with desk.hand_ins.of(entry) as submission, desk.veiled(entry, is_veiled=is_veiled):
            rows = listed(submission)
            number = report_of(submission)
            report = None
            if number is not None:
                file = submission.files[number]
                report = shown_text(_bytes(submission, number, MAX_TEXT), file.size, file.path)
            source = submission.source
            is_other = bool(entry.digest and source and source.digest and source.digest != entry.digest)
            name = "_files.html" if "hx-request" in request.headers else "files.html"
            return desk.shown(
                request, name, person=person, entry=entry, code=code, rows=rows, report=report, is_other=is_other,
                report_file=submission.files[number].path if number is not None else "", number=number,
                label=desk.label(entry.row, is_veiled=is_veiled), most=REPORT_LINES, submission=submission,
            )  # fmt: skip

    @app.get("/h/{code}/file/{number}")
    def file(request: Request, code: str, number: int) -> Response:
        person = desk.person(request)
        entry = desk.entry(code)
        is_veiled = desk.is_veiled(request, person, entry.row.assignment)
        with desk.hand_ins.of(entry) as submission, desk.veiled(entry, is_veiled=is_veiled):
            row = _row(submission, number)
            data = _bytes(submission, number, MAX_TEXT) if row.is_text else b""
            return desk.shown(
                request, "file.html", person=person, entry=entry, code=code, row=row, is_veiled=is_veiled,
                text=shown_text(data, row.size, row.path) if row.is_text else None,
                is_shown=row.is_picture and _picture(submission, row) is not None,
                label=desk.label(entry.row, is_veiled=is_veiled),
            )  # fmt: skip

    @app.get("/h/{code}/file/{number}/save")
    def save(request: Request, code: str, number: int) -> Response:
        """As it was handed in, to be saved. Where names are hidden its own name is too; what stands in it is not."""
        person = desk.person(request)
        entry = desk.entry(code)
        parts = _parts(desk, entry, number)
        row = next(parts)
        assert isinstance(row, FileRow)  # noqa: S101  it comes first
        name = row.path
        if desk.is_veiled(request, person, entry.row.assignment):
            ending = row.path.rpartition(".")[2] if "." in row.path else "txt"
            name = f"{code}-file-{number + 1}.{ending}"
        return attachment((part for part in parts if isinstance(part, bytes)), name, row.size)

    @app.get("/h/{code}/file/{number}/picture")
    def image(request: Request, code: str, number: int) -> Response:
        """A PNG or JPEG for an <img>. Nothing else is ever sent as what a browser shows."""
        desk.person(request)
        with desk.hand_ins.of(desk.entry(code)) as submission:
            row = _row(submission, number)
            made = _picture(submission, row) if row.is_picture else None
            if made is None:
                raise HTTPException(404, "this file is no picture that can be shown")
            return made

    @app.get("/h/{code}/see/{name}/{at}")
    def place(request: Request, code: str, name: str, at: int) -> Response:
        """To the file and line that a finding names. Addresses hold no name of a file: it could tell whose it is."""
        desk.person(request)
        entry = desk.entry(code)
        found = _place(entry, name, at)
        with desk.hand_ins.of(entry) as submission:
            for number, one in enumerate(submission.files):
                if found is not None and one.path == found.file:
                    line = found.line or line_of(submission, number, found.pointer)
                    mark = f"#L{line}" if line else ""
                    return see(f"/h/{code}/file/{number}{mark}")
        raise HTTPException(404, "there is no such file in the hand-in")


def _picture(submission: Submission, row: FileRow) -> Response | None:
    """What is called a picture, where it is one that can be shown."""
    return picture(_bytes(submission, row.number, MAX_PICTURE)) if row.size <= MAX_PICTURE else None


def _parts(desk: Desk, entry: Entry, number: int) -> Iterator[FileRow | bytes]:
    """The file's row, then its bytes in parts: a checkpoint is never held in memory. It stays open until the last."""
    with desk.hand_ins.of(entry) as submission:
        row = _row(submission, number)
        try:
            with opened(submission, submission.files[number]) as stream:
                yield row
                while part := stream.read(_PART):
                    yield part
        except ChangedError as error:
            raise _changed() from error


def _place(entry: Entry, name: str, at: int) -> Place | None:
    for task in view_of(entry).tasks:
        for rule in task.rules:
            if rule.target.name == name and 0 <= at < len(rule.made.findings):
                return rule.made.findings[at].place
    return None


def line_of(submission: Submission, number: int, pointer: str) -> int | None:
    """The line of a JSON file that a pointer (RFC 6901) leads to; None where it leads nowhere."""
    if not pointer.startswith("/"):
        return None
    file = submission.files[number]
    try:
        text = decode(_bytes(submission, number, MAX_TEXT), name=file.path, max_bytes=MAX_TEXT)
        document = json_document(text, name=file.path)
    except DocumentError:
        return None
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return document.place([int(step) if step.isdecimal() else step for step in steps]).line


def _row(submission: Submission, number: int) -> FileRow:
    rows = listed(submission)
    if not 0 <= number < len(rows):
        raise HTTPException(404, "there is no such file")
    return rows[number]


def _bytes(submission: Submission, number: int, limit: int) -> bytes:
    try:
        return bytes_of(submission, submission.files[number], limit)
    except ChangedError as error:
        raise _changed() from error


def _changed() -> HTTPException:
    return HTTPException(409, "the file changed since it was listed: load the page anew")
