"""What do the tables of layers say that people made by hand: in Markdown, HTML, LaTeX, aligned text, a PDF's text?

A table that is not about layers (results, hyperparameters, who did what) is not read. Where one row names several
layers, there is a row for each, on the same line; where it also counts the parameters of several together, a row of
its own holds that count, and the layers follow one level deeper. Shapes keep the axes as they were written.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

from grader.architecture.readers._hand_columns import columns_of, is_tool_print, role_of
from grader.architecture.readers._hand_rows import Reading, names_a_layer, read_row
from grader.architecture.readers._layer_prose import find_prose
from grader.architecture.readers._layer_words import begins_with_layer
from grader.architecture.readers._stacked_layers import find_stacked
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedSummary
from grader.architecture.readers.tables import Table, TableRow, find_tables
from grader.documents.report_lines import Line

_TOTAL = re.compile(
    r"^\W{0,6}(total|trainable|non-?trainable)\s(?:(?:number|no\.|count)\sof\s)?(?:trainable\s)?(?:param\w{0,8}|weights)\W{0,8}"
    r"(\d{1,3}(?:[,'’. ]\d{3})+|\d{1,12})\b",
    re.IGNORECASE,
)
# Every layer with weights or a change of size has one of these in its name.
_WORDS = (
    "conv", "pool", "linear", "dense", "connected", "conected", "fc", "falt", "verbunden", "vernetzt", "vermascht",
    "lstm", "gru", "rnn", "embedding", "sampl", "product", "depthwise", "depth-wise", "separable", "gap",
)  # fmt: skip
_DASHES = frozenset("-:")
_NEAR = 40  # lines around such a word in which its table can begin or end
_BELOW = 4  # lines below a table in which its totals may stand


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every table of layers made by hand, in order; linear time.

    >>> text = [
    ...     "| Layer | Output | Params |",
    ...     "|---|---|---|",
    ...     "| Conv 5x5, 6 | 6x24x24 | (1*5*5+1)*6 = 156 |",
    ...     "| Max pooling | 6x12x12 | 0 |",
    ...     "| FC | 10 | 8,650 |",
    ...     "| Total | | 8806 |",
    ... ]
    >>> [table] = read([Line(number, line) for number, line in enumerate(text, 1)])
    >>> [(row.type, row.outputs, int(row.parameters.value)) for row in table.rows][:2]
    [('Conv 5x5, 6', ((6, 24, 24),), 156), ('Max pooling', ((6, 12, 12),), 0)]
    >>> dict(table.rows[0].settings), int(table.totals["parameters"].value)
    ({'kind': 'conv2d', 'out_channels': 6, 'kernel': [5, 5]}, 8806)
    """
    found: list[PrintedSummary] = []
    named = _naming(lines)
    numbers = [lines[index].number for index in named]
    windows = _windows(lines, named)

    def names_a_layer_in(first: int, last: int) -> bool:
        place = bisect_left(numbers, first)
        return place < len(numbers) and numbers[place] <= last

    tables = [table for window in windows for table in find_tables(window, is_wanted=names_a_layer_in)]
    tables += [table for finder in (find_stacked, find_prose) for window in windows for table in finder(window)]
    for table in tables:
        if any(one.first_line <= table.last_line and table.first_line <= one.last_line for one in found[-50:]):
            continue
        made = _summary(table)
        if made is not None:
            found.append(made)
    found.sort(key=lambda one: one.first_line)
    return tuple(_with_totals_below(lines, found))


def _naming(lines: Sequence[Line]) -> list[int]:
    """The lines in which layers are named at all."""
    text = "\n".join(line.text for line in lines).lower()
    ends = list(accumulate(len(line.text) + 1 for line in lines))
    named: set[int] = set()
    for word in _WORDS:
        place = text.find(word)
        while place >= 0:
            index = bisect_right(ends, place)
            named.add(index)
            place = text.find(word, ends[index])
    return sorted(named)


def _windows(lines: Sequence[Line], named: Sequence[int]) -> list[Sequence[Line]]:
    """The stretches of the lines around those that name layers: the rest of a long report is not looked at."""
    windows: list[tuple[int, int]] = []
    for index in named:
        first, last = max(index - _NEAR, 0), min(index + _NEAR, len(lines))
        if windows and first <= windows[-1][1]:
            windows[-1] = (windows[-1][0], last)
        else:
            windows.append((first, last))
    return [lines[first:last] for first, last in windows]


def _summary(table: Table) -> PrintedSummary | None:
    header, rows = table.header, list(table.rows)
    # The first row is a header that nothing marks where it asks for what a column holds.
    if (
        not header
        and rows
        and any(role_of(text) for text in rows[0].texts)
        and not any(begins_with_layer(text) for text in rows[0].texts)
    ):
        header, rows = rows[0].texts, rows[1:]
    header, rows = _below_title(header, rows)
    body = [row for row in rows if not row.is_header]
    if header and body and all(set(text) <= _DASHES for text in body[0].texts):
        del body[0]  # "| - | - |" below the header
    columns = columns_of(header, [row.texts for row in body])
    if columns is None or is_tool_print(table):
        return None
    reading = Reading()
    for row in body:
        read_row(reading, row, columns)
    if names_a_layer(reading.rows) < 2:
        return None
    return PrintedSummary(
        Format.HANDTABLE,
        table.first_line,
        table.last_line,
        tuple(reading.rows),
        reading.totals,
        reading.input,
        tuple(sorted(columns, key=lambda role: columns[role])),
        table.caption,
        tuple(reading.unread),
        tuple(reading.notes),
    )


def _below_title(header: tuple[str, ...], rows: list[TableRow]) -> tuple[tuple[str, ...], list[TableRow]]:
    """The header and the rows, where a title over all columns ("Encoder") stands above the true header."""
    if len({text for text in header if text}) > 1:
        return header, rows
    for index, row in enumerate(rows[:2]):
        texts = [text for text in row.texts if text]
        roles = [role_of(text) for text in texts]
        if len(texts) > 1 and all(roles) and not any(map(begins_with_layer, texts)):
            return row.texts, rows[index + 1 :]
    return header, rows


def _with_totals_below(lines: Sequence[Line], found: list[PrintedSummary]) -> list[PrintedSummary]:
    """The summaries, with totals that stand in the lines right below a table: "Total parameters: 390,410"."""
    if not found:
        return []
    places: dict[int, int] = {}
    for index, line in enumerate(lines):
        places[line.number] = index
    made = []
    for one in found:
        totals, last = dict(one.totals), one.last_line
        for line in lines[places[one.last_line] + 1 : places[one.last_line] + 1 + _BELOW]:
            match = _TOTAL.search(line.text.replace("*", "").replace("`", "")) if len(line.text) < 200 else None
            if match is None:
                if line.text.strip(" -|_=`"):
                    break
                continue
            word = match.group(1).lower()
            name = "trainable" if word == "trainable" else "non_trainable" if "non" in word else "parameters"
            digits = re.sub(r"\D", "", match.group(2))
            totals.setdefault(name, PrintedNumber(Fraction(int(digits)), Fraction(0), line.number, match.group(2)))
            last = line.number
        made.append(
            PrintedSummary(
                one.format,
                one.first_line,
                last,
                one.rows,
                totals,
                one.input,
                one.columns,
                one.title,
                one.unread,
                one.notes,
            )
        )
    return made
