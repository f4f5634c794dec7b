"""What do the tables of layers say that people made by hand: in Markdown, HTML, LaTeX, aligned text, a PDF's text?

A table that is not about layers (results, hyperparameters, who did what) is not read. Where one row names several
layers, there is a row for each, on the same line; where it also counts the parameters of several together, a row of
its own holds that count, and the layers follow one level deeper. Shapes keep the axes as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from grader.architecture.readers._hand_columns import columns_of, is_tool_print, role_of
from grader.architecture.readers._hand_rows import Reading, names_a_layer, read_row
from grader.architecture.readers._layer_prose import find_prose
from grader.architecture.readers._layer_words import begins_with_layer
from grader.architecture.readers._stacked_layers import find_stacked
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedSummary
from grader.architecture.readers.tables import Table, find_tables
from grader.documents.report_lines import Line

_TOTAL = re.compile(
    r"^\W{0,6}(total|trainable|non-?trainable)\s(?:(?:number|no\.|count)\sof\s)?(?:trainable\s)?(?:param\w{0,8}|weights)\W{0,8}"
    r"(\d{1,3}(?:[,'’. ]\d{3})+|\d{1,12})\b",
    re.IGNORECASE,
)
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
    for table in (*find_tables(lines), *find_stacked(lines), *find_prose(lines)):
        if any(one.first_line <= table.last_line and table.first_line <= one.last_line for one in found[-50:]):
            continue
        made = _summary(table)
        if made is not None:
            found.append(made)
    found.sort(key=lambda one: one.first_line)
    return tuple(_with_totals_below(lines, found))


def _summary(table: Table) -> PrintedSummary | None:
    header, rows = table.header, list(table.rows)
    if not header and rows and not any(begins_with_layer(text) for text in rows[0].texts):
        # The first row is a header that nothing marks where it asks for what a column holds.
        if any(role_of(text) for text in rows[0].texts):
            header, rows = rows[0].texts, rows[1:]
    body = [row for row in rows if not row.is_header]
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
