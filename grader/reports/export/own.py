"""What do our own files of grades hold? One row a student, as CSV for people and as JSON for programs.

The JSON form is published as grader/course/schemas/grades.schema.json. In CSV every cell of text is kept from being a
formula; numbers are digits with a point, and empty where nothing goes out.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterable, Sequence
from fractions import Fraction

from grader.model import Json
from grader.reports.export.cells import number, text_cell
from grader.reports.export.choosing import Line
from grader.reports.export.comments import comment_cell
from grader.reports.export.filling import Filled

FORM = "grader-grades/1"
Value = str | int | float | bool | None


def columns(lines: Sequence[Line]) -> list[str]:
    """The header: who, the grade, the points of every task, and what the student is told."""
    who = ["id", "name", "email", "section", "group"]
    grade = ["points", "max_points", "open_points", "is_passed", "is_late", "days_late", "hand_in", "why"]
    return [*who, *grade, *(text_cell(f"task {task}") for task in _tasks(lines)), "feedback"]


def cells(line: Line, tasks: Sequence[str]) -> list[Value]:
    """A student's row: text that is no formula, numbers, and None for nothing."""
    grade = line.grade
    known = grade.points is not None
    who = [text_cell(one) for one in (grade.id, grade.name, grade.email, grade.section, grade.group)]
    of_tasks: list[Value] = [number(grade.tasks[task].points) if task in grade.tasks else None for task in tasks]
    return [
        *who,
        _number(line.points),
        number(line.most),
        number(grade.open_points) if known else None,
        grade.is_passed,
        grade.is_late,
        grade.days_late,
        text_cell(grade.submission),
        text_cell(line.why),
        *(of_tasks if line.points is not None else [None] * len(tasks)),
        "" if line.points is None else comment_cell(line),
    ]


def rows_of(lines: Sequence[Line]) -> Iterable[list[Value]]:
    """The rows below the header."""
    tasks = _tasks(lines)
    return (cells(line, tasks) for line in lines)


def as_csv(lines: Sequence[Line]) -> Filled:
    """CSV with commas, in UTF-8 with the mark by which a spreadsheet knows it."""
    rows = [columns(lines), *([_text(value) for value in row] for row in rows_of(lines))]
    return Filled(table_bytes(rows), [line.grade.id for line in lines if line.points is not None])


def as_json(lines: Sequence[Line], assignment: str) -> Filled:
    """JSON in the published form: text as it is, numbers as numbers to 4 decimals."""
    document = {"form": FORM, "assignment": assignment, "students": [_student(line) for line in lines]}
    text = json.dumps(document, indent=2, ensure_ascii=True) + "\n"
    return Filled(text.encode(), [line.grade.id for line in lines if line.points is not None])


def table_bytes(rows: Iterable[Sequence[str]], *, has_mark: bool = True) -> bytes:
    """A table as CSV with commas, every line ended as RFC 4180 has it."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return (codecs.BOM_UTF8 if has_mark else b"") + text.getvalue().encode("utf-8", "backslashreplace")


def _student(line: Line) -> dict[str, Json]:
    grade = line.grade
    return {
        "id": grade.id,
        "name": grade.name,
        "email": grade.email,
        "section": grade.section,
        "group": grade.group,
        "keys": dict(grade.keys),
        "points": _number(line.points),
        "max_points": number(line.most),
        "open_points": number(grade.open_points),
        "is_passed": grade.is_passed,
        "is_late": grade.is_late,
        "days_late": grade.days_late,
        "hand_in": grade.submission,
        "code": line.code,
        "why": line.why,
        "tasks": {
            name: {
                "points": number(one.points),
                "max_points": number(one.max_points),
                "open_points": number(one.open_points),
                "is_counted": one.is_counted,
            }
            for name, one in grade.tasks.items()
        },
        "feedback": grade.feedback,
    }


def _tasks(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(task for line in lines for task in line.grade.tasks))


def _number(value: Fraction | None) -> int | float | None:
    return None if value is None else number(value)


def _text(value: Value) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
