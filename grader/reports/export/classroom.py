"""How does a teacher of GitHub Classroom get the grades? In Classroom's own file of grades, or in one of its form."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from grader.reports.export.cells import number_from, number_text, text_cell
from grader.reports.export.choosing import Line
from grader.reports.export.delimited import Table
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
from grader.reports.export.own import table_bytes

COLUMNS = (
    "assignment_name", "assignment_url", "starter_code_url", "github_username", "roster_identifier",
    "student_repository_name", "student_repository_url", "submission_timestamp", "points_awarded", "points_available",
)  # fmt: skip


def fill(data: bytes, name: str, lines: Sequence[Line]) -> Filled:
    """Classroom's own file, with the points. Where it says 0 points are available, ours go into both columns."""
    table = Table.read(data, name)
    score, most = needed(table, "points_awarded"), needed(table, "points_available")
    filled = Filled()
    numbers = numbers_of(table, (score, most))
    keys = [
        *cell_key(table, column_of(table, "github_username"), lms_key("github_username")),
        *cell_key(table, column_of(table, "roster_identifier"), lms_key("roster_identifier")),
        *cell_key(table, column_of(table, "roster_identifier"), lambda line: line.grade.id),
    ]
    maxima = {number_from(row.cells[most].text) for row in table.rows} - {None, Fraction(0)}
    tell_scale(lines, maxima.pop() if len(maxima) == 1 else None, filled)
    for row, line in matched(table.rows, lines, keys, filled):
        available = number_from(row.cells[most].text)
        if (
            put_grade(table, row, score, line, available or None, numbers, filled, is_zero_nothing=True)
            and not available
        ):
            table.put(row, most, numbers.text(line.most))
    tell_formulas(table, filled)
    filled.data = table.data()
    return filled


def made(lines: Sequence[Line], assignment: str) -> Filled:
    """A file of the same form, from the gradebook alone: what only GitHub knows stays empty."""
    rows: list[Sequence[str]] = [COLUMNS]
    filled = Filled()
    for line in lines:
        grade = line.grade
        known = {
            "assignment_name": text_cell(assignment),
            "github_username": text_cell(grade.keys.get("github_username", "")),
            "roster_identifier": text_cell(grade.keys.get("roster_identifier", grade.id)),
            "student_repository_name": text_cell(grade.lms_folder),
            "points_awarded": "" if line.points is None else number_text(line.points),
            "points_available": number_text(line.most),
        }
        rows.append([known.get(column, "") for column in COLUMNS])
        if line.points is not None:
            filled.written.append(grade.id)
    filled.data = table_bytes(rows, has_mark=False)
    return filled
