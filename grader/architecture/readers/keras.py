"""What do the summaries of Keras in a report say: `model.summary()` of Keras 1, 2 and 3, copied anyhow?

The layouts are those of `print_summary` in keras/utils/layer_utils.py (1 and 2) and summary_utils.py (3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from grader.architecture.readers import _keras_text
from grader.architecture.readers._keras_cells import Cells, is_count, row_of, with_classes_by_rank, with_full_names
from grader.architecture.readers._keras_names import CONTAINERS
from grader.architecture.readers._keras_totals import holds_total, take_totals
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.architecture.readers.tables import Table, find_tables
from grader.architecture.readers.tables.markdown import is_rule
from grader.documents.report_lines import Line
from grader.frozen import dataclass

_BARS = ("|", "│", "┃", "║", "&", "\t", "<t")
_TITLE = re.compile(r"Model:?\s{0,4}[\"“”'`*]{1,4}([^\"“”'`]{1,120})[\"“”'`]")
_TITLE_LINES = 6  # a title stands at most so many lines above the header
_GAP = 4  # lines that are no rows before the next row or total


@dataclass(slots=True)
class _Summary:
    """The summary being read."""

    first: int
    last: int
    cells: list[Cells] = field(default_factory=list)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    columns: tuple[str, ...] = ("name", "output", "parameters")
    notes: list[str] = field(default_factory=list)


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    r"""Every Keras summary in the lines, in order; linear time.

    >>> text = '''Model: "net"
    ... _________________________________________________________________
    ... Layer (type)                 Output Shape              Param #
    ... =================================================================
    ... dense (Dense)                (None, 10)                7850
    ... ================================================================='''
    >>> [summary] = read([Line(number, line) for number, line in enumerate(text.split("\n"), 1)])
    >>> summary.title, summary.rows[0].type, summary.rows[0].outputs, int(summary.rows[0].parameters.value)
    ('net', 'Dense', ((None, 10),), 7850)
    """
    return tuple(_summaries(lines))


def _summaries(lines: Sequence[Line]) -> Iterator[PrintedSummary]:
    index, free = 0, 0  # no line before `free` is looked at again
    while index < len(lines):
        text = lines[index].text
        found = None
        if "ayer" in text and _is_header(lines, index):
            found = _with_header(lines, index)
        elif "(None" in text and _keras_text.looks_like_row(text):
            found = _in_text(lines, index, index, _keras_text.Columns())
            if len(found.cells) < 2:
                found = None
        if found is None or not _is_keras(found):
            index += 1
            continue
        yield _finished(lines, found, free)
        index = free = max(found.last, index) + 1


def _is_header(lines: Sequence[Line], index: int) -> bool:
    """True for the header's line, also where a narrow column broke it after "Layer"."""
    text = lines[index].text
    if _says_layer(text):
        return "depth" not in text
    after = lines[index + 1].text if index + 1 < len(lines) else ""
    return "(type)" in after and text.lstrip()[:1] in set("┃│|") and after.lstrip()[:1] in set("┃│|")


def _says_layer(text: str) -> bool:
    """True for the first title of the header, also where a person gave it capitals."""
    return "ayer (type" in text or "ayer (Type" in text


def _is_keras(found: _Summary) -> bool:
    """True if most rows are `name (Class)`: torchsummary and tables made by hand have the same header."""
    named = sum("(" in cells.name for cells in found.cells)
    if not found.cells or 2 * named < len(found.cells):
        return False
    plain = sum(
        cells.name.split("(")[0].strip().replace("/", "_").replace(".", "_").replace("-", "_").isidentifier()
        for cells in found.cells
    )
    return 2 * plain >= len(found.cells)


def _with_header(lines: Sequence[Line], header: int) -> _Summary | None:
    text = lines[header].text
    if not any(bar in text for bar in _BARS) and _keras_text.HEADER.search(text):
        return _in_text(lines, header, header + 1, _keras_text.columns_of(text))
    return _in_table(lines, header)


# --- aligned text ---------------------------------------------------------------------------------


def _in_text(lines: Sequence[Line], first: int, start: int, columns: _keras_text.Columns) -> _Summary:
    found = _Summary(first, first)
    if columns.connected is not None:
        found.columns += ("connected",)
    if columns.trainable is not None:
        found.columns += ("trainable",)
    by_words = False
    skipped: list[Line] = []
    index = start
    while index < len(lines) and lines[index].part == lines[first].part:
        line = lines[index]
        text = line.text.translate(_TO_BLANKS) if not line.text.isascii() else line.text
        stripped = text.strip()
        if not stripped or is_rule(text) or not stripped.strip("|¯_=- \\"):
            if found.totals and found.last < index - 1:
                break
            index += 1
            continue
        if _says_layer(text) and index > start:
            break
        cells = None if found.totals else _keras_text.main_line(text, line.number, columns)
        if cells is not None:
            _keep(found, skipped)
            found.cells.append(cells)
        elif _total(found, line):
            _keep(found, skipped)
        elif found.totals:
            break
        elif (
            found.cells
            and not skipped
            and (by_words or _can_go_on(found.cells[-1], stripped))
            and _keras_text.add_line(
                found.cells[-1],
                text,
                line.number,
                columns,
                by_words=by_words or _breaks_words(found.cells[-1], stripped),
            )
        ):
            by_words = by_words or "(" not in found.cells[-1].name
        else:
            skipped.append(line)
            if len(skipped) > _GAP:
                break
            index += 1
            continue
        found.last = index
        index += 1
    return found


_TO_BLANKS = str.maketrans(dict.fromkeys("│┃║", " "))


def _can_go_on(cells: Cells, text: str) -> bool:
    return len(text) < 200 and bool(cells)


def _breaks_words(cells: Cells, text: str) -> bool:
    """True if the table was broken between words: the class stands whole in a line below the name."""
    return "(" not in cells.name and text.startswith("(")


def _keep(found: _Summary, skipped: list[Line]) -> None:
    """Lines between two rows that look like part of the summary are unread; the rest is noise."""
    for line in skipped:
        text = line.text
        if found.cells and any(mark in text for mark in "([") and any(character.isdigit() for character in text):
            found.unread.append(Unread(line.number, text.strip(), "looks like a row and could not be read"))
    skipped.clear()


# --- drawn tables ---------------------------------------------------------------------------------


def _in_table(lines: Sequence[Line], header: int) -> _Summary | None:
    first, last = _extent(lines, header)
    window = lines[first : last + 1]
    number = lines[header].number
    tables = [table for table in find_tables(window) if table.first_line <= number <= table.last_line]
    table = next((table for table in tables if any(_says_layer(text) for text in table.header)), None)
    if table is None:
        table = next(
            (table for table in tables if any(_says_layer(cell) for row in table.rows for cell in row.texts)), None
        )
    if table is None:
        return None
    places = _places(table)
    if places is None:
        return None
    begin = next(index for index in range(first, last + 1) if lines[index].number == table.first_line)
    end = next(index for index in range(last, first - 1, -1) if lines[index].number == table.last_line)
    found = _Summary(min(begin, header), end, columns=tuple(places))
    texts: dict[int, str] = {}
    for line in window:
        texts.setdefault(line.number, line.text)
    for row in table.rows:
        _table_row(found, row.texts, row.line, row.last_line, places, texts.get(row.line, ""))
    if "parameters" not in places:
        found.notes.append("The column of the counts is cut off: the table was wider than its window.")
    _totals_below(lines, found)
    return found


def _extent(lines: Sequence[Line], header: int) -> tuple[int, int]:
    """The lines that a table around the header can fill: those that hold a mark of its drawing."""
    text = lines[header].text
    is_block = "<" in text or "&" in text
    first = last = header
    part = lines[header].part
    while first > 0 and lines[first - 1].part == part and header - first < 40:
        above = lines[first - 1].text
        # A header of several lines: those above this one, up to the rule on top.
        is_head = header - first < 4 and above.lstrip()[:1] == "┃"
        if not (is_rule(above) or is_head or (is_block and above.strip())):
            break
        first -= 1
    blanks = 0
    while last + 1 < len(lines) and lines[last + 1].part == part:
        below = lines[last + 1].text
        if not below.strip():
            blanks += 1
            if not is_block or blanks > 1:
                break
        elif not is_block and not any(bar in below for bar in _BARS) and not is_rule(below):
            break
        elif _says_layer(below) or (is_block and ("</table" in below.lower() or "\\end{" in below)):
            last += not _says_layer(below)
            break
        else:
            blanks = 0
        last += 1
    return first, last


def _places(table: Table) -> dict[str, int] | None:
    """The columns by our names, from the words of the header."""
    header = table.header
    if not any(_says_layer(text) for text in header):
        header = next((row.texts for row in table.rows if any(_says_layer(text) for text in row.texts)), ())
    places: dict[str, int] = {}
    for column, text in enumerate(header):
        word = text.lower()
        name = (
            "name" if "layer (type" in word
            else "output" if word.startswith("ou")
            else "parameters" if word.startswith("pa")
            else "connected" if word.startswith("co")
            else "trainable" if word.startswith("tr")
            else ""
        )  # fmt: skip
        if name:
            places.setdefault(name, column)
    # Keras 3 crops a table that is wider than its console: the column of the counts may be missing.
    return places if "name" in places and ("parameters" in places or "output" in places) else None


def _table_row(
    found: _Summary, texts: tuple[str, ...], line: int, last_line: int, places: dict[str, int], raw: str
) -> None:
    def cell(name: str) -> str:
        place = places.get(name)
        return texts[place] if place is not None and place < len(texts) else ""

    joined = " ".join(text for text in texts if text)
    if _says_layer(joined) or not joined:
        return
    if _total(found, Line(line, " ".join((*texts[:1], ":", *texts[1:])) if not holds_total(joined) else joined)):
        return
    name, count = cell("name"), cell("parameters")
    if found.cells and _goes_on(found.cells[-1], name, count, has_counts="parameters" in places):
        # The rest of a row that goes over several lines.
        above = found.cells[-1]
        above.name = " ".join(filter(None, (above.name, name)))
        above.output = " ".join(filter(None, (above.output, cell("output"))))
        above.count = " ".join(filter(None, (above.count, count)))
        above.connected = " ".join(filter(None, (above.connected, cell("connected"))))
        above.last_line = last_line
        return
    if "parameters" in places and not is_count(count) and "…" not in count.split("(")[0]:
        found.unread.append(Unread(line, joined, f"{count!r} is no count of parameters"))
    depth = 0
    if "└" in name:
        before = raw[: raw.index("└")] if "└" in raw else ""
        blanks = len(before) - len(before.rstrip(" "))
        depth = max(1, round((blanks - 1) / 3))
        name = name.replace("└", " ")
    found.cells.append(
        Cells(line, last_line, name.strip(), cell("output"), count, cell("connected"), cell("trainable"), depth)
    )


def _goes_on(above: Cells, name: str, count: str, *, has_counts: bool) -> bool:
    """True if a line of a table is the rest of the row above it."""
    if has_counts:
        return not count.strip() or count.strip().startswith("(u") or count.strip() == "(…"
    return not name or (name.startswith("(") and "(" not in above.name)


def _totals_below(lines: Sequence[Line], found: _Summary) -> None:
    index = found.last + 1
    gap = 0
    while index < len(lines) and lines[index].part == lines[found.first].part and gap <= _GAP:
        text = lines[index].text
        if _total(found, lines[index]):
            found.last, gap = index, 0
        elif (
            _says_layer(text)
            or (found.totals and not text.strip())
            or (text.strip() and not is_rule(text) and "```" not in text)
        ):
            break
        else:
            gap += 1
        index += 1


# --- totals and the end ---------------------------------------------------------------------------


def _total(found: _Summary, line: Line) -> bool:
    return take_totals(found.totals, line.text, line.number)


def _finished(lines: Sequence[Line], found: _Summary, free: int) -> PrintedSummary:
    title, first = "", found.first
    for index in range(found.first - 1, max(found.first - _TITLE_LINES, free) - 1, -1):
        if lines[index].part != lines[found.first].part:
            break
        match = _TITLE.search(lines[index].text)
        if match:
            title, first = match.group(1).strip(), index
            break
        if lines[index].text.strip() and not is_rule(lines[index].text):
            break
    rows: list[PrintedRow] = []
    unread = list(found.unread)
    for cells in found.cells:
        row = row_of(cells)
        if row is None:
            unread.append(Unread(cells.line, cells.name, "no name of a layer"))
        else:
            rows.append(row)
            if "…" in cells.count.split("(")[0]:
                unread.append(Unread(cells.line, cells.count, "the count is cut by Keras: the column was too narrow"))
    rows = [
        replace(row, is_cut=row.type in CONTAINERS and not (after is not None and after.depth > row.depth))
        for row, after in zip(rows, [*rows[1:], None], strict=False)  # no rows at all is a print, too
    ]
    rows = with_classes_by_rank(rows)
    full = with_full_names(rows)
    if full:
        rows = [
            replace(
                row,
                connected=tuple(full.get(name, name) for name in row.connected),
                mended=(
                    *row.mended,
                    *(f"{name!r} read as {full[name]!r}" for name in dict.fromkeys(row.connected) if name in full),
                ),
            )
            for row in rows
        ]
    return PrintedSummary(
        Format.KERAS,
        lines[first].number,
        lines[found.last].number,
        tuple(rows),
        found.totals,
        tuple(shape for row in rows if row.type == "InputLayer" and row.depth == 0 for shape in row.outputs),
        found.columns,
        title,
        tuple(sorted(unread, key=lambda one: one.line)),
        tuple(found.notes),
    )
