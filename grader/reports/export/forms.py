"""Which forms do grades go out in, and what makes each? One entry for each word of `grader export --to`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from grader.documents.wording import clean
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.reports.export import canvas, classroom, gradescope, moodle, nbgrader, own, workbook
from grader.reports.export.choosing import Line
from grader.reports.export.filling import Filled


@dataclass(frozen=True)
class Worksheet:
    """The LMS's own file of grades. `is_named`: by the caller, and so it must be one."""

    name: str
    data: bytes
    path: Path | None = None
    is_named: bool = True


@dataclass(frozen=True)
class Asked:
    """What is to go out, for which assignment; `column` names one of several in the worksheet."""

    assignment: str
    lines: Sequence[Line]
    worksheet: Worksheet | None = None
    column: str = ""


@dataclass(frozen=True)
class Form:
    """A form of grades: the ending of its files, and how it is made.

    `fill` puts grades into the LMS's own file, None where there is no such file; `make` makes one, None where only the
    LMS can. `title` is a column by which the LMS's own file is known.
    """

    ending: str
    about: str
    fill: Callable[[Asked, Worksheet], Filled] | None = None
    make: Callable[[Asked], Filled] | None = None
    title: str = ""


FORMS: Mapping[str, Form] = {
    "moodle": Form(
        "csv", "Moodle's offline grading worksheet", lambda asked, file: moodle.fill(file.data, file.name, asked.lines)
    ),
    "canvas": Form(
        "csv",
        "the gradebook that Canvas exports",
        lambda asked, file: canvas.fill(file.data, file.name, asked.lines, asked.assignment, asked.column),
    ),
    "gradescope": Form(
        "csv",
        "Gradescope's file of grades",
        lambda asked, file: gradescope.fill(file.data, file.name, asked.lines),
        lambda asked: gradescope.made(asked.lines),
        "Total Score",
    ),
    "classroom": Form(
        "csv",
        "GitHub Classroom's file of grades",
        lambda asked, file: classroom.fill(file.data, file.name, asked.lines),
        lambda asked: classroom.made(asked.lines, asked.assignment),
        "points_awarded",
    ),
    "nbgrader": Form(
        "csv",
        "the file of nbgrader export",
        lambda asked, file: nbgrader.fill(file.data, file.name, asked.lines, asked.assignment),
        lambda asked: nbgrader.made(asked.lines, asked.assignment),
        "max_score",
    ),
    "csv": Form("csv", "a table for people", make=lambda asked: own.as_csv(asked.lines)),
    "xlsx": Form("xlsx", "a workbook of Excel", make=lambda asked: workbook.as_xlsx(asked.lines, asked.assignment)),
    "json": Form("json", "JSON for programs", make=lambda asked: own.as_json(asked.lines, asked.assignment)),
}


def exported(kind: str, asked: Asked) -> Filled:
    """The file of one kind. Raises UsageError where it can only be made of the LMS's own, and that is not there."""
    form = FORMS[kind]
    file = asked.worksheet
    if form.fill is not None and file is not None and (file.is_named or _is_one(form, file)):
        return form.fill(asked, file)
    if file is not None and file.is_named:
        what = f"{kind} is not filled into a file: it is made anew"
        raise UsageError.single(what, where="--worksheet", fix="leave --worksheet out")
    if form.make is not None:
        return form.make(asked)
    what = f"the grades go into {form.about}, and none came with the import"
    raise UsageError.single(
        what, where=clean(asked.assignment), fix="download it from the LMS, and name it: --worksheet FILE"
    )


def _is_one(form: Form, file: Worksheet) -> bool:
    """Whether the import's worksheet has the column; what has none may be a roster."""
    head = file.data[:4096].replace(b"\0", b"")
    return form.title.lower().encode() in head.lower() if form.title else True
