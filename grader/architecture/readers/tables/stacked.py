"""Which tables did a PDF's text take apart, one cell a line? Those with a header that is known and numbers below.

    Train        ->  |          | Train | Validation | Test |
    Validation       | Accuracy | 0.745 | 0.693      | 0.69 |
    Test             | Loss     | 0.72  | 0.87       | 0.88 |
    Accuracy
    0.745
    ...

Empty cells leave no line, so that only tables whose rows all have one length are read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.architecture.readers.tables.grids import header_words
from grader.architecture.readers.tables.table import Cell, Found, Style, Table, TableRow, is_numeric, parts_of
from grader.documents.report_lines import Line, Source

_LONGEST = 50  # characters of a cell
_MAX_COLUMNS = 12


def find(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Every stacked table of numbers."""
    free = 0
    short = bytearray(map(_is_short, lines))
    for index in range(len(lines) - 3):
        # A table takes four lines and more.
        if not short[index] or not short[index + 1] or not short[index + 2] or not short[index + 3] or index < free:
            continue
        if taken[index] or not header_words(lines[index].text):
            continue
        first = index
        last = first
        while last + 1 < len(lines) and not taken[last + 1] and short[last + 1]:
            if lines[last + 1].part != lines[first].part:
                break
            last += 1
        found = _table(lines, first, last) if last - first >= 3 else None
        if found is None:
            free = index + (1 if last - first < 200 else last - first)
            continue
        yield found
        free = found.last + 1


def _is_short(line: Line) -> bool:
    text = line.text
    if not 0 < len(text) <= _LONGEST or line.source is Source.CODE:
        return False
    stripped = text.strip()
    return bool(stripped) and stripped[0] not in "•#*"


def _table(lines: Sequence[Line], first: int, last: int) -> Found | None:
    texts = [line.text.strip() for line in lines[first : last + 1]]
    numeric = [is_numeric(text) for text in texts]
    header = 0
    while header < len(texts) and not numeric[header]:
        header += 1
    if header == len(texts):
        return None
    values = header
    while values < len(texts) and numeric[values]:
        values += 1
    count = values - header  # numbers behind the first label
    found = None
    if header >= 2 and count + 1 in {header, header - 1} and count >= 2:
        # The last text is the first row's label; the corner above the labels is written or left out.
        found = _labelled(texts, numeric, header - 1, count)
    elif header >= 2 and all(header_words(text) for text in texts[:header]) and count % header == 0:
        found = header, [range(at, at + header) for at in range(header, values, header)]
    elif header == 1:
        found = _pairs(texts, numeric)
    if found is None or not found[1]:
        return None
    head, rows = found
    width = len(rows[0])
    if width > _MAX_COLUMNS:
        return None
    if head and not any(header_words(text) for text in texts[:head]):
        return None

    def row(cells: range) -> TableRow:
        made = tuple(Cell(parts_of(texts[cell]), lines[first + cell].number) for cell in cells)
        return TableRow(made, made[0].line, made[-1].line)

    names = tuple(" ".join(parts_of(text)) for text in texts[:head])
    end = first + rows[-1].stop - 1
    table = Table(
        Style.STACKED,
        ("",) * (width - head) + names if head else (),
        tuple(map(row, rows)),
        lines[first].number,
        lines[end].number,
        lines[first].number if head else 0,
    )
    return Found(first, end, table)


def _labelled(texts: list[str], numeric: list[bool], head: int, count: int) -> tuple[int, list[range]] | None:
    """Rows of one label and `count` numbers, from the label at `head` on."""
    rows = []
    at = head
    while at + count < len(texts) and not numeric[at] and all(numeric[at + 1 : at + 1 + count]):
        rows.append(range(at, at + 1 + count))
        at += 1 + count
    return (head, rows) if rows else None


def _pairs(texts: list[str], numeric: list[bool]) -> tuple[int, list[range]] | None:
    """Rows of a label and a number each: three and more of them, without a header."""
    rows = []
    at = 0
    while at + 1 < len(texts) and header_words(texts[at]) and numeric[at + 1] and texts[at + 1].strip("-–—−"):
        rows.append(range(at, at + 2))
        at += 2
    return (0, rows) if len(rows) >= 3 else None
