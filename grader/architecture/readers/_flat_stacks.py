"""How is a print read whose cells stand below each other? The text of a PDF: one cell a line, or a column at a time.

Conv2d-1                 Conv2d-1
[-1, 32, 28, 28]         ReLU-2
320                      [-1, 32, 28, 28]
ReLU-2                   [-1, 32, 28, 28]
[-1, 32, 28, 28]         320
0                        0
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from grader.architecture.readers._flat_rows import FlatRow, flat_row, loosened, name_alone
from grader.documents.report_lines import Line

_LABEL = re.compile(r"[\s:]*(?:layer \(type\)|(?:output|input) shape|param #?|[-=_ ]*)[\s:]*$", re.IGNORECASE)
_MOST_NAMES = 2_000
_MOST_CELLS = 6  # lines that one row may take, blank ones among them


def stacked_rows(lines: Sequence[Line], index: int) -> tuple[list[FlatRow], int]:
    """The rows whose names begin at `index`, and the index of the last line that was looked at.

    >>> text = ["Conv2d-1", "ReLU-2", "[-1, 6, 28, 28]", "[-1, 6, 28, 28]", "156", "0"]
    >>> rows, last = stacked_rows([Line(number, line) for number, line in enumerate(text, 1)], 0)
    >>> [(row.name, row.line, int(row.counts[0].value)) for row in rows], last
    ([('Conv2d-1', 1, 156), ('ReLU-2', 2, 0)], 5)
    """
    names: list[int] = []
    at = index
    while at < len(lines) and len(names) < _MOST_NAMES and lines[at].part == lines[index].part:
        if name_alone(lines[at].text) is not None:
            names.append(at)
        elif not _is_label(lines[at].text):
            break
        at += 1
    if len(names) == 1:
        return _one(lines, names[0], at)
    found = _columns(lines, names, at)
    return found if found is not None else ([], names[-1])


def _is_label(text: str) -> bool:
    return len(text) < 200 and _LABEL.match(loosened(text)) is not None


def _one(lines: Sequence[Line], name: int, at: int) -> tuple[list[FlatRow], int]:
    text = lines[name].text
    for place in range(at, min(at + _MOST_CELLS, len(lines))):
        cell = lines[place].text
        if len(cell) > 200 or name_alone(cell) is not None:
            break
        text += " " + cell.strip()
        row = flat_row(text, lines[name].number)
        if row is not None and (row.counts or row.has_empty_count):
            last = lines[place].number
            return [_placed(row, lines[name].number, last, last)], place
        if row is None and "[" in text and "]" in text:
            break
    return [], name


def _columns(lines: Sequence[Line], names: Sequence[int], at: int) -> tuple[list[FlatRow], int] | None:
    """Rows out of a column of names, one of shapes and one of counts; None where the columns are not equally long."""
    rows: list[FlatRow] = []
    while at < len(lines) and len(rows) < len(names):
        text = lines[at].text
        if not _is_label(text):
            row = flat_row(f"{lines[names[len(rows)]].text} {text}", lines[at].number)
            if row is None:
                return None
            rows.append(replace(row, last_line=lines[at].number))
        at += 1
    if len(rows) < len(names):
        return None
    if all(row.counts or row.has_empty_count for row in rows):
        return [
            _placed(row, lines[name].number, row.last_line, row.last_line)
            for row, name in zip(rows, names, strict=True)
        ], at - 1
    if any(row.counts for row in rows):
        return None
    whole: list[FlatRow] = []
    while at < len(lines) and len(whole) < len(rows):
        text, row = lines[at].text, rows[len(whole)]
        if not _is_label(text) or text.strip() in ("-", "--"):
            made = flat_row(f"{row.name} [1] {text}", lines[at].number)
            if made is None or not (made.counts or made.has_empty_count):
                return None
            counted = replace(row, counts=made.counts, has_empty_count=made.has_empty_count)
            whole.append(_placed(counted, lines[names[len(whole)]].number, lines[at].number, lines[at].number))
        at += 1
    return (whole, at - 1) if len(whole) == len(rows) else None


def _placed(row: FlatRow, line: int, last: int, count_line: int) -> FlatRow:
    counts = tuple(replace(number, line=count_line) for number in row.counts)
    note = f"the cells of the row stand on lines {line} to {last}"
    return replace(row, line=line, last_line=last, counts=counts, mended=(*row.mended, note))
