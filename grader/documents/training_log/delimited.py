"""What does a CSV log record? A header of names, and rows of as many cells."""

from __future__ import annotations

import csv
import re
from typing import Final

from grader.documents.training_log.record import MAX_PAIRS, MAX_ROWS, Log, Row, kept

_DELIMITERS: Final = (",", ";", "\t", "|", None)  # None: runs of blanks, as printed tables have them
_NUMBER: Final = re.compile(r"[-+]?(?:\d[\d.,]*(?:[eE][-+]?\d+)?|\.\d+|nan|inf(?:inity)?) ?%?", re.IGNORECASE)
_MAX_LINE: Final = 10_000
_SHORT: Final = 3  # of a table without a delimiter, fewer columns than this are prose


def read_delimited(text: str) -> Log | None:
    r"""The rows of a CSV file, or None for a text that is none. Empty cells are left out.

    >>> read_delimited("step;lr\n100;0,001\n").rows
    (Row(number=2, pairs=(('step', '100'), ('lr', '0,001'))),)
    >>> read_delimited("Epoch 1, loss: 0.3\nEpoch 2, loss: 0.2\n") is None
    True
    """
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    if first + 1 >= len(lines):
        return None
    for delimiter in _DELIMITERS:
        header = _cells(lines[first], delimiter)
        if _is_header(header, _cells(lines[first + 1], delimiter), delimiter):
            return _rows(lines, first, header, delimiter)
    return None


def _cells(line: str, delimiter: str | None) -> list[str]:
    if len(line) > _MAX_LINE:
        return []
    if delimiter is None:
        return line.split()
    try:
        found = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    cells = [cell.strip() for cell in found]
    if delimiter == "|" and len(cells) > 2 and not cells[0] and not cells[-1]:
        return cells[1:-1]
    return cells


def _is_header(header: list[str], second: list[str], delimiter: str | None) -> bool:
    least = _SHORT if delimiter is None else 2
    if len(header) < least or len(header) > MAX_PAIRS or len(header) != len(second):
        return False
    if any(_NUMBER.fullmatch(cell) for cell in header) or any(":" in cell or "=" in cell for cell in header):
        return False
    if delimiter == "|" and all(set(cell) <= set("-: ") for cell in second):
        return True
    numeric = sum(bool(_NUMBER.fullmatch(cell)) for cell in second)
    return numeric > 0 and 2 * numeric >= sum(map(bool, second))


def _rows(lines: list[str], first: int, header: list[str], delimiter: str | None) -> Log:
    rows: list[Row] = []
    odd = 0
    doubts = [] if len(set(header)) == len(header) else ["two columns have one name"]
    for number, line in enumerate(lines[first + 1 :], first + 2):
        if not line.strip() or line.startswith("#"):
            continue
        if len(rows) == MAX_ROWS:
            doubts.append(f"the lines from {number:,} on")
            break
        cells = _cells(line, delimiter)
        if cells == header or (delimiter == "|" and all(set(cell) <= set("-: ") for cell in cells)):
            continue
        if len(cells) != len(header):
            odd += 1
            if odd == 1:
                doubts.append(f"line {number:,}, which has {len(cells)} cells and not {len(header)}")
            continue
        pairs = tuple((name, cell) for name, cell in zip(header, cells, strict=True) if kept(name, cell))
        if pairs:
            rows.append(Row(number, pairs))
    if odd > 1:
        doubts.append(f"{odd - 1:,} more lines like it")
    return Log("csv", "line", tuple(rows), tuple(doubts))
