"""How do grades become a workbook of Excel? Numbers as numbers, text as text that no program runs.

Every text cell is stored as a string, is marked as text, and begins with nothing that a spreadsheet would run after it
was saved as CSV.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from grader.reports.export.choosing import Line
from grader.reports.export.filling import Filled
from grader.reports.export.own import Value, columns, rows_of

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_WIDTHS = {"name": 28, "email": 28, "why": 40, "feedback": 60}
_TEXT_FORMAT = "@"


def as_xlsx(lines: Sequence[Line], assignment: str) -> Filled:
    """The workbook's bytes: one sheet, its header frozen, its columns filtered."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    if sheet is None:
        raise RuntimeError("a new workbook has a sheet")
    sheet.title = re.sub(r"[\[\]:*?/\\']", " ", assignment)[:31] or "grades"
    header = columns(lines)
    rows: list[Sequence[Value]] = [header, *rows_of(lines)]
    for at, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            _put(sheet.cell(at, column), value)
    bold, top = Font(bold=True), Alignment(vertical="top", wrap_text=True)
    for column, name in enumerate(header, start=1):
        sheet.cell(1, column).font = bold
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(name, 14)
        if name == "feedback":
            for at in range(2, len(lines) + 2):
                sheet.cell(at, column).alignment = top
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    made = io.BytesIO()
    book.save(made)
    return Filled(made.getvalue(), [line.grade.id for line in lines if line.points is not None])


def _put(cell: object, value: Value) -> None:
    """A value of its own type; text never as a formula, whatever the library makes of its first character."""
    from openpyxl.cell.cell import Cell

    if not isinstance(cell, Cell) or value is None:
        return
    if isinstance(value, str):
        cell.value = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value) or None
        if value:
            cell.data_type = "s"
            cell.number_format = _TEXT_FORMAT
            cell.quotePrefix = True
    else:
        cell.value = value
