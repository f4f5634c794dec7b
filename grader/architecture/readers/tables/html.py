"""Which tables are written in HTML? Tolerant: tags may be missing, unclosed or spread over lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import field

from grader.architecture.readers.tables.grids import joined_header
from grader.architecture.readers.tables.table import Cell, Found, Style, Table, TableRow, padded, parts_of
from grader.documents.report_lines import Line
from grader.frozen import dataclass

# Every tag runs to the next angle bracket, so that the search is linear whatever the text.
_TAG = re.compile(r"<(/?)(table|thead|tbody|tfoot|tr|td|th|caption)\b([^<>]*)>", re.IGNORECASE)
_SPAN = re.compile(r"\b(row|col)span\s{0,4}=\s{0,4}[\"']?\s{0,4}(\d{1,3})", re.IGNORECASE)
_MAX_SPAN = 50
_MAX_COLUMNS = 200


@dataclass(slots=True)
class _Row:
    cells: list[Cell] = field(default_factory=list)
    is_head: bool = False  # inside <thead>, or every cell is <th>
    has_data: bool = False


@dataclass(slots=True)
class _Open:
    """The table being read: its rows, the cell whose text is being read, and the cells that reach down."""

    first: int
    rows: list[_Row] = field(default_factory=list)
    caption: str = ""
    is_head: bool = False
    cell: tuple[int, int, int, int] | None = None  # where its text begins, its line, rows and columns that it spans
    hanging: dict[int, tuple[int, Cell]] = field(default_factory=dict)  # column -> rows left, the cell above


def find(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Every HTML table; one that is not closed ends where the next begins, or with the text."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "<" in line.text]:
        if index < free or taken[index] or "<table" not in lines[index].text.lower():
            continue
        last = index
        while "</table" not in lines[last].text.lower() and last + 1 < len(lines) and not taken[last + 1]:
            after = lines[last + 1]
            if after.part != lines[index].part or "<table" in after.text.lower():
                break
            # A table that is never closed ends before the next paragraph.
            if not lines[last].text.strip() and after.text.strip() and "<" not in after.text:
                break
            last += 1
        yield from _tables(lines, index, last)
        free = last + 1


def _tables(lines: Sequence[Line], first: int, last: int) -> Iterator[Found]:
    starts, length = [], 0
    for line in lines[first : last + 1]:
        starts.append(length)
        length += len(line.text) + 1
    text = "\n".join(line.text for line in lines[first : last + 1])
    table: _Open | None = None
    caption_from = -1
    for tag in _TAG.finditer(text):
        closes, name = bool(tag.group(1)), tag.group(2).lower()
        at = first + bisect_right(starts, tag.start()) - 1
        if name == "table":
            if table is not None:
                _end_cell(table, text, tag.start())
                yield from _closed(table, lines, at)
            table = None if closes else _Open(at)
        elif table is None:
            continue
        elif name == "caption":
            if closes and caption_from >= 0:
                table.caption = " ".join(parts_of(" ".join(text[caption_from : tag.start()].split())))
            caption_from = -1 if closes else tag.end()
        else:
            _end_cell(table, text, tag.start())
            _step(table, tag, lines[at].number)
    if table is not None:
        _end_cell(table, text, len(text))
        yield from _closed(table, lines, last)


def _step(table: _Open, tag: re.Match[str], line: int) -> None:
    """What an opening or closing tag of a row, a cell or a group of rows does."""
    closes, name = bool(tag.group(1)), tag.group(2).lower()
    if name in {"thead", "tbody", "tfoot"}:
        table.is_head = name == "thead" and not closes
    elif closes:
        return
    elif name == "tr":
        table.rows.append(_Row(is_head=table.is_head))
    else:
        if not table.rows:
            table.rows.append(_Row(is_head=table.is_head))
        table.rows[-1].has_data |= name == "td"
        spans = {which.lower(): int(count) for which, count in _SPAN.findall(tag.group(3)[:1_000])}
        down, across = (min(max(spans.get(which, 1), 1), _MAX_SPAN) for which in ("row", "col"))
        table.cell = tag.end(), line, down, across


def _end_cell(table: _Open, text: str, end: int) -> None:
    if table.cell is None:
        return
    start, line, down, across = table.cell
    table.cell = None
    cells = table.rows[-1].cells
    _hang(table, cells, line)
    if len(cells) + across > _MAX_COLUMNS:
        return
    cell = Cell(parts_of(" ".join(text[start:end].split())), line, columns=across)
    column = len(cells)
    cells.append(cell)
    cells.extend(Cell(line=line, is_merged=True) for _ in range(across - 1))
    if down > 1:
        for offset in range(across):
            above = cell if offset == 0 else Cell(line=line)
            # This row's own turn is over: the count starts with the row below.
            table.hanging[column + offset] = (len(table.rows) + down - 1, above)


def _hang(table: _Open, cells: list[Cell], line: int) -> None:
    """Put the cells that reach down from a row above into this row, up to its next free column."""
    while len(cells) in table.hanging and len(cells) < _MAX_COLUMNS:
        until, above = table.hanging[len(cells)]
        if len(table.rows) > until:
            del table.hanging[len(cells)]
            return
        cells.append(Cell(above.parts, line, is_merged=True))


def _closed(table: _Open, lines: Sequence[Line], last: int) -> Iterator[Found]:
    rows = [row for row in table.rows if row.cells]
    if not rows:
        return
    # Cells that hang down behind the last written cell of a row.
    width = max(len(row.cells) for row in rows)
    head = 0
    while head < len(rows) and (rows[head].is_head or not rows[head].has_data):
        head += 1
    if head == len(rows):
        head = min(1, len(rows) - 1)
    made = [_row(row, width, is_header=not row.has_data) for row in rows]
    yield Found(
        table.first,
        last,
        Table(
            Style.HTML,
            joined_header(made[:head]),
            tuple(made[head:]),
            lines[table.first].number,
            lines[last].number,
            made[0].line if head else 0,
            table.caption,
        ),
    )


def _row(row: _Row, width: int, *, is_header: bool) -> TableRow:
    line = row.cells[0].line
    return TableRow(padded(row.cells, width, line), line, max(cell.line for cell in row.cells), is_header)
