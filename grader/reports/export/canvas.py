"""How does Canvas get its grades? In its own gradebook export, of which one column changes.

Canvas matches students by `ID` and assignments by the number at the end of a column's title. Columns behind the
sections are assignments and totals; `(read only)` in the row of the points possible says which are not to be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.documents.wording import clean, did_you_mean, shown
from grader.errors import UsageError
from grader.reports.export.cells import number_from
from grader.reports.export.choosing import Line
from grader.reports.export.delimited import Row, Table
from grader.reports.export.filling import (
    Filled,
    cell_key,
    column_of,
    lms_key,
    matched,
    needed,
    numbers_of,
    put_grade,
    tell_formulas,
    tell_scale,
)

KEPT = frozenset({"ex", "n/a"})  # excused; not assigned
_TITLE = re.compile(r"(?P<title>.*\S)\s*\((?P<number>\d+)\)")


def fill(data: bytes, name: str, lines: Sequence[Line], assignment: str, column: str = "") -> Filled:
    """The gradebook with the lines' grades in the assignment's column.

    `column` names it: its title, its number or both; without it, the one that is called like the assignment, or the
    only one. Raises UsageError where that is not exactly one, or cannot be written.
    """
    table = Table.read(data, name)
    ids = needed(table, "ID")
    points_row = next((row for row in table.rows[:3] if "Points Possible" in row.cells[0].text), None)
    if points_row is None:
        what = "none of its first rows has the points possible"
        fix = "export the gradebook in Canvas, and name that file: --worksheet FILE"
        raise UsageError.single(what, where=clean(table.name), fix=fix, code="no-gradebook")
    chosen = _column(table, points_row, assignment, column)
    maximum = number_from(points_row.cells[chosen].text)
    if not maximum or maximum < 0:
        what = f"{shown(table.columns[chosen])} has {shown(points_row.cells[chosen].text)} points possible"
        raise UsageError.single(what, where=clean(table.name), fix="set its points in Canvas, and export anew")
    filled = Filled()
    tell_scale(lines, maximum, filled)
    rows = [row for row in table.rows if row.line > points_row.line and not _is_test_student(row)]
    last = column_of(table, "Section")
    works = range((last if last is not None else ids) + 1, len(table.columns))
    numbers = numbers_of(table, [at for at in works if at == chosen or "read only" not in points_row.cells[at].text])
    keys = [
        *cell_key(table, ids, lms_key("canvas_id")),
        *cell_key(table, column_of(table, "SIS User ID"), lms_key("sis_id")),
        *cell_key(table, column_of(table, "SIS Login ID"), lms_key("login_id")),
        *cell_key(table, column_of(table, "SIS User ID"), lambda line: line.grade.id),
        *cell_key(table, column_of(table, "SIS Login ID"), lambda line: line.grade.id),
        *cell_key(table, column_of(table, "SIS Login ID"), lambda line: line.grade.email),
    ]
    for row, line in matched(rows, lines, keys, filled):
        before = row.cells[chosen].text.strip()
        if before.casefold() in KEPT:
            if line.points is not None:
                filled.tell("kept", line.grade.id, f"Canvas has {shown(before)} here: left alone")
            continue
        put_grade(table, row, chosen, line, maximum, numbers, filled)
    tell_formulas(table, filled)
    filled.data = table.data()
    return filled


def _is_test_student(row: Row) -> bool:
    """Canvas's own, whom everybody may look at the course as."""
    return row.cells[0].text == "Student, Test" or [cell.text for cell in row.cells[:2]] == ["Student", "Test"]


def _column(table: Table, points_row: Row, assignment: str, wanted: str) -> int:
    titles = dict(_assignments(table, points_row))
    if wanted:
        fitting = [at for at, title in titles.items() if wanted.strip().casefold() in _names(title)]
        if not fitting and wanted.strip() in table.columns:
            what = f"{shown(wanted)} is a column that Canvas computes, or one of a person"
            raise UsageError.single(what, where="--column", fix=did_you_mean(wanted, titles.values()))
    else:
        fitting = [at for at, title in titles.items() if _plain(assignment) in map(_plain, _names(title))]
        fitting = fitting or list(titles)
    if len(fitting) != 1:
        what = "more than one column" if fitting else "no column"
        what += f" could be the assignment {shown(wanted or assignment)}"
        known = "; ".join(shown(title, 80) for title in titles.values())
        raise UsageError.single(what, where=clean(table.name), fix=f"name it with --column, one of: {known}")
    return fitting[0]


def _assignments(table: Table, points_row: Row) -> Iterator[tuple[int, str]]:
    """The columns that hold an assignment's grades, by Canvas's own rules."""
    for at, title in enumerate(table.columns):
        if _TITLE.fullmatch(title) and "read only" not in points_row.cells[at].text.casefold():
            yield at, title


def _names(title: str) -> set[str]:
    found = _TITLE.fullmatch(title)
    return {title.casefold(), *(one.casefold() for one in found.groups())} if found else {title.casefold()}


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
