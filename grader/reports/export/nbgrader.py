"""How does an nbgrader course get the grades? In the form of `nbgrader export`, or in that very file.

nbgrader's own export writes 0 for everybody without a submission; here such a row stays as it is, unless a 0 was asked
for. The penalty is what separates the sum of the tasks from the grade of a late hand-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from grader.reports.export.cells import number_from, number_text, text_cell
from grader.reports.export.choosing import ZERO, Line
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
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
    "late_submission_penalty", "score", "max_score",
)  # fmt: skip


def fill(data: bytes, name: str, lines: Sequence[Line], assignment: str) -> Filled:
    """The rows of the assignment with their scores; rows of other assignments stay as they are."""
    table = Table.read(data, name)
    score, most, who = (needed(table, column) for column in ("score", "max_score", "student_id"))
    raw, penalty = (column_of(table, column) for column in ("raw_score", "late_submission_penalty"))
    of = column_of(table, "assignment")
    names = {row.cells[of].text.strip() for row in table.rows} if of is not None else set()
    rows = [row for row in table.rows if of is None or len(names) == 1 or row.cells[of].text.strip() == assignment]
    filled = Filled()
    numbers = numbers_of(table, (score, most))
    maxima = {number_from(row.cells[most].text) for row in rows} - {None, Fraction(0)}
    tell_scale(lines, maxima.pop() if len(maxima) == 1 else None, filled)
    keys = [
        *cell_key(table, who, lms_key("nbgrader_id")),
        *cell_key(table, who, lambda line: line.grade.id),
        *cell_key(table, column_of(table, "email"), lambda line: line.grade.email),
    ]
    for row, line in matched(rows, lines, keys, filled):
        maximum = number_from(row.cells[most].text) or None
        if not put_grade(table, row, score, line, maximum, numbers, filled, is_zero_nothing=True):
            continue
        scale = maximum / line.most if maximum else Fraction(1)
        for column, value in ((raw, raw_of(line)), (penalty, raw_of(line) - (line.points or ZERO))):
            if column is not None and number_from(row.cells[column].text) != number_from(numbers.text(value * scale)):
                table.put(row, column, numbers.text(value * scale))
    tell_formulas(table, filled)
    filled.data = table.data()
    return filled


def made(lines: Sequence[Line], assignment: str) -> Filled:
    """A file of the same form, from the gradebook alone."""
    rows: list[Sequence[str]] = [COLUMNS]
    filled = Filled()
    for line in lines:
        grade = line.grade
        first, _, last = grade.name.rpartition(" ")
        raw = raw_of(line)
        numbers = ["", "", ""]
        if line.points is not None:
            numbers = [number_text(raw), number_text(raw - line.points), number_text(line.points)]
            filled.written.append(grade.id)
        names = [text_cell(one) for one in (grade.id, last, first, grade.email)]
        rows.append([text_cell(assignment), "", "", *names, *numbers, number_text(line.most)])
    filled.data = table_bytes(rows, has_mark=False)
    return filled


def raw_of(line: Line) -> Fraction:
    """The points before a late hand-in's deduction; those that go out, where it was not late."""
    points = line.points or ZERO
    if not line.grade.days_late:
        return points
    return max(points, sum((one.points for one in line.grade.tasks.values() if one.is_counted), ZERO))
