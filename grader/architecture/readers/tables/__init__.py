"""Which tables does a report hold, however they are drawn? Cells with lines; what they mean is for others.

lines -> find_tables -> Table(header, rows of cells) -> readers.handtable (layers), answers.claims (results)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.architecture.readers.tables import columns, html, latex, markdown, stacked
from grader.architecture.readers.tables.grids import continues, header_words, joined, marked_headers
from grader.architecture.readers.tables.table import Cell, Found, Style, Table, TableRow, is_numeric
from grader.documents.report_lines import Line

__all__ = ["Cell", "Style", "Table", "TableRow", "find_tables", "header_words", "is_numeric"]

# The surest mark first: a line that one of them took is not looked at by the next.
_FINDERS = (
    html.find,
    latex.find,
    markdown.find_flattened,
    markdown.find,
    columns.find_tabs,
    columns.find_aligned,
    columns.find_commas,
    stacked.find,
)
_PAGE_BREAK = 6  # lines between the two halves of a table: page number, running head, blanks


def find_tables(lines: Sequence[Line], *, is_wanted: Callable[[int, int], bool] | None = None) -> tuple[Table, ...]:
    """Every table in the lines, in the order of their first lines; linear time.

    A table that goes on after a page break (its header repeated) is one table. Rows that repeat the header
    are kept, marked `is_header`. Nothing says what a table is about: layers, results and lists all come.

    `is_wanted`  whether a table from this line of the file to that one is of use at all; others may be left out

    >>> from grader.documents.report_lines import Line
    >>> text = ["Model | Test acc", "--- | ---", "A | **0.75**", "B | 0.80"]
    >>> [table] = find_tables([Line(number, line) for number, line in enumerate(text, 1)])
    >>> table.header, [(row.line, row.texts) for row in table.rows]
    (('Model', 'Test acc'), [(3, ('A', '0.75')), (4, ('B', '0.80'))])
    """
    taken = bytearray(len(lines))
    found: list[Found] = []
    for finder in _FINDERS:
        for one in finder(lines, taken):
            found.append(one)
            taken[one.first : one.last + 1] = b"\x01" * (one.last + 1 - one.first)
    found.sort(key=lambda one: one.first)
    tables: list[list[Found]] = []
    for at, one in enumerate(found):
        if is_wanted is not None and not is_wanted(lines[one.first].number, lines[one.last].number):
            around = [found[place] for place in (at - 1, at + 1) if 0 <= place < len(found)]
            if not any(_is_near(lines, *sorted((one, other), key=_first)) for other in around):
                continue  # not a half of another table either
        before = tables[-1][-1] if tables else None
        if (
            before is not None
            and _is_near(lines, before, one)
            and continues(tables[-1][0].table, before.table, one.table)
        ):
            tables[-1].append(one)
        else:
            tables.append([one])
    return tuple(_finished(joined([half.table for half in halves])) for halves in tables)


def _first(found: Found) -> int:
    return found.first


def _is_near(lines: Sequence[Line], before: Found, after: Found) -> bool:
    if after.first - before.last > _PAGE_BREAK or lines[after.first].part != lines[before.last].part:
        return False
    between = [line.text.strip() for line in lines[before.last + 1 : after.first]]
    return all(not text or text.isdecimal() or text in {"\f", "---"} or text.startswith("<!--") for text in between)


def _finished(table: Table) -> Table:
    rows = marked_headers(table.rows, table.header)
    return Table(table.style, table.header, rows, table.first_line, table.last_line, table.header_line, table.caption)
