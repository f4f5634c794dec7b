"""Which tables are drawn with blanks only: aligned columns, tabs, commas or semicolons?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from grader.architecture.readers.tables.grids import has_header_row, joined_header
from grader.architecture.readers.tables.markdown import is_rule
from grader.architecture.readers.tables.table import Cell, Found, Style, Table, TableRow, is_numeric, parts_of
from grader.documents.report_lines import Line, Source
from grader.frozen import dataclass

_CELL = re.compile(r"\S+(?: \S+)*")
_MAX_CELLS = 60
_MAX_LINE = 2_000
_SAMPLE = 30  # rows that show whether the first one is their header


@dataclass(frozen=True, slots=True)
class _Texts:
    index: int
    line: int
    cells: tuple[tuple[int, int, str], ...]  # where each begins, where it ends, its text


def find_tabs(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Lines that hold tabs between texts, one below the other (a table copied from a word processor)."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "\t" in line.text]:
        if index < free or taken[index] or not _has_tabs(lines[index].text):
            continue
        first = last = index
        while last + 1 < len(lines) and not taken[last + 1] and lines[last + 1].part == lines[first].part:
            if not _has_tabs(lines[last + 1].text):
                break
            last += 1
        free = last + 1
        if last == first:
            continue
        raw = [[parts_of(text) for text in line.text.rstrip("\n").split("\t")] for line in lines[first : last + 1]]
        # A tab at the margin of every line is an indent.
        while raw and all(len(cells) > 1 and not cells[0] for cells in raw):
            raw = [cells[1:] for cells in raw]
        width = min(max(len(cells) for cells in raw), _MAX_CELLS)
        rows = []
        for line, cells in zip(lines[first : last + 1], raw, strict=True):
            filled = (*cells, *[()] * width)[:width]
            rows.append(TableRow(tuple(Cell(parts, line.number) for parts in filled), line.number, line.number))
        yield Found(first, last, _made(Style.TABS, rows, lines, first, last, rule_after=0))


def _has_tabs(text: str) -> bool:
    return "\t" in text and "\t" in text.strip(" ") and "\t" in text.lstrip()


def find_aligned(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Lines of two and more texts, parted by two blanks and more, that stand below each other."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "  " in line.text]:
        if index < free or taken[index] or not _is_candidate(lines[index].text):
            continue
        first = index
        last, rows, rules = _block(lines, first, taken)
        free = last + 1
        if len(rows) < 2:
            continue
        yield Found(first, last, partial(_aligned, lines, first, last, rows, rules))


def _aligned(lines: Sequence[Line], first: int, last: int, rows: list[_Texts], rules: list[int]) -> Table:
    columns = _columns(rows)
    made = [_row(row, columns, lines[row.index].number) for row in rows]
    heads = [rule for rule in rules if rows[0].index < rule < rows[-1].index]
    above = sum(row.index < heads[0] for row in rows) if heads else 0
    return _made(Style.COLUMNS, made, lines, first, last, rule_after=above if above <= 2 else 0)


def _is_candidate(text: str) -> bool:
    return "  " in text and len(text) <= _MAX_LINE and "  " in text.strip() and not is_rule(text)


def _block(lines: Sequence[Line], first: int, taken: bytearray) -> tuple[int, list[_Texts], list[int]]:
    """The lines of one table from `first` on: the last index, its rows, its rules."""
    rows = [_texts(lines, first)]
    rules: list[int] = []
    last = first
    at = first + 1
    while at < len(lines) and not taken[at] and lines[at].part == lines[first].part:
        text = lines[at].text
        if not text.strip():
            # One empty line inside a table is usual; two end it.
            if at + 1 < len(lines) and _is_candidate(lines[at + 1].text) and not taken[at + 1]:
                at += 1
                continue
            break
        if is_rule(text):
            rules.append(at)
        elif _is_candidate(text):
            rows.append(_texts(lines, at))
            last = at
        else:
            break
        at += 1
    return last, rows, [rule for rule in rules if rule <= last]


def _texts(lines: Sequence[Line], index: int) -> _Texts:
    cells = tuple((cell.start(), cell.end(), cell.group()) for cell in _CELL.finditer(lines[index].text))
    return _Texts(index, lines[index].number, cells[:_MAX_CELLS])


def _columns(rows: list[_Texts]) -> list[tuple[int, int]]:
    """Where each column begins and ends, from the rows of the usual width, the widest where they overlap."""
    usual = Counter(len(row.cells) for row in rows).most_common()
    most = max(count for _, count in usual)
    width = max(width for width, count in usual if count == most or 3 * count >= len(rows))
    full = [row for row in rows if len(row.cells) == width]
    return [
        (min(row.cells[column][0] for row in full), max(row.cells[column][1] for row in full))
        for column in range(width)
    ]


def _row(row: _Texts, columns: list[tuple[int, int]], line: int) -> TableRow:
    if len(row.cells) == len(columns):
        return TableRow(tuple(Cell(parts_of(text), line) for _, _, text in row.cells), line, line)
    parts: list[list[str]] = [[] for _ in columns]
    least = 0
    for number, (start, end, text) in enumerate(row.cells):
        left = len(row.cells) - number - 1
        most = max(len(columns) - left, least + 1)
        choice = max(
            range(least, min(most, len(columns))),
            key=lambda column: _fit(columns[column], start, end),
            default=len(columns) - 1,
        )
        parts[choice].append(text)
        least = min(choice + 1, len(columns) - 1)
    return TableRow(tuple(Cell(parts_of(" ".join(texts)), line) for texts in parts), line, line)


def _fit(column: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    overlap = min(column[1], end) - max(column[0], start)
    return overlap, -min(abs(column[0] - start), abs(column[1] - end))


def find_commas(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Lines of comma- or semicolon-separated values: three and more with one count of short cells."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "," in line.text or ";" in line.text]:
        if index < free or taken[index] or lines[index].source is Source.CODE:
            continue
        text = lines[index].text
        mark = ";" if text.count(";") > text.count(",") else ","
        count = text.count(mark)
        if index + 1 == len(lines) or lines[index + 1].text.count(mark) != count:
            continue  # most lines of prose and code: three like it make a table
        if not _is_separated(text, mark, count):
            continue
        first = last = index
        while last + 1 < len(lines) and not taken[last + 1] and lines[last + 1].part == lines[first].part:
            if not _is_separated(lines[last + 1].text, mark, count):
                break
            last += 1
        free = last + 1
        if last - first < 2:
            continue
        if any(map(is_numeric, text.split(mark))):
            continue  # without a header, numbers between commas may be anything
        if has_header_row([_separated(line, mark) for line in lines[first : min(first + _SAMPLE, last + 1)]]):
            rows = [_separated(line, mark) for line in lines[first : last + 1]]
            yield Found(first, last, _made(Style.COMMAS, rows, lines, first, last, rule_after=1))


def _separated(line: Line, mark: str) -> TableRow:
    cells = tuple(Cell(parts_of(cell.strip().strip('"')), line.number) for cell in line.text.split(mark))
    return TableRow(cells, line.number, line.number)


def _is_separated(text: str, mark: str, count: int) -> bool:
    if text.count(mark) != count or count > _MAX_CELLS or len(text) > _MAX_LINE:
        return False
    if any(character in text for character in "([{=|"):
        return False
    return all(len(cell) <= 40 and not cell.rstrip().endswith(".") for cell in text.split(mark))


def _made(
    style: Style, rows: list[TableRow], lines: Sequence[Line], first: int, last: int, *, rule_after: int
) -> Table:
    head = rule_after or (1 if has_header_row(rows) else 0)
    return Table(
        style,
        joined_header(rows[:head]),
        tuple(rows[head:]),
        lines[first].number,
        lines[last].number,
        rows[0].line if head else 0,
    )
