"""Which printed summaries does a report hold? The readers look one after the other, each at what is left.

The narrower a format's rules, the earlier its reader looks: the print of a tool beats a table made by hand. Lines that
one reader took are blank for the next, so that a line is costly once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from grader.architecture.readers import handtable, keras, lightning, module_repr, torchinfo, torchsummaryx
from grader.architecture.readers._flat_summaries import flat_summaries
from grader.architecture.readers._gaps import LEFT_OUT, is_gap
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.documents.report_lines import Line

_Reader = Callable[[Sequence[Line]], tuple[PrintedSummary, ...]]
_HIERARCHICAL = "= Hierarchical Summary ="
_BETWEEN = 8  # lines between the table and its modules: a rule, the title, and blanks
_TOOLS: tuple[_Reader, ...] = (flat_summaries, torchsummaryx.read, torchinfo.read, keras.read, lightning.read)


def read_summaries(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every printed summary in the lines, in the order of their first lines, none of them overlapping another.

    >>> text = ["Net(", "  (fc): Linear(in_features=4, out_features=2, bias=True)", ")"]
    >>> [one.format.value for one in read_summaries([Line(number, line) for number, line in enumerate(text, 1)])]
    ['print']
    """
    numbers = [line.number for line in lines]
    if all(a < b for a, b in itertools.pairwise(numbers)):
        return _read(lines)
    # Several lines of text stand on one line of the file (a notebook's string): readers tell them apart by number.
    counted = [replace(line, number=number) for number, line in enumerate(lines, 1)]
    return tuple(_placed(summary, numbers) for summary in _read(counted))


def _read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    left = list(lines)
    places = {line.number: index for index, line in enumerate(lines)}
    found: list[PrintedSummary] = []

    def look(read: _Reader, seen: list[Line]) -> None:
        fresh = _apart(read(seen))
        _blank(left, places, fresh)
        found.extend(fresh)

    for read in _TOOLS:
        look(read, left)
    # A repr that stands in the cells of a table is the table's, if it is a table of layers.
    in_cells = {index for index, line in enumerate(left) if "|" in line.text[:3]}
    look(module_repr.read, [_emptied(line) if index in in_cells else line for index, line in enumerate(left)])
    look(handtable.read, left)
    if any("(" in left[index].text for index in in_cells):
        look(module_repr.read, left)
    whole = [_with_gaps(summary, lines, places) for summary in _apart(found)]
    return _with_modules(sorted(whole, key=lambda one: (one.first_line, one.last_line)), lines, places)


def _with_modules(
    summaries: Sequence[PrintedSummary], lines: Sequence[Line], places: dict[int, int]
) -> tuple[PrintedSummary, ...]:
    """The summaries, each table of pytorch_model_summary with the modules that it printed below, all of them read."""
    made = list(summaries)
    for index, (table, below) in enumerate(itertools.pairwise(summaries)):
        if table.format is not Format.PYTORCH_MODEL_SUMMARY or below.format is not Format.PRINT or below.unread:
            continue
        between = lines[places[table.last_line] + 1 : places[below.first_line]]
        if len(between) <= _BETWEEN and any(_HIERARCHICAL in line.text for line in between):
            made[index] = replace(table, modules=below.rows)
    return tuple(made)


def _with_gaps(summary: PrintedSummary, lines: Sequence[Line], places: dict[int, int]) -> PrintedSummary:
    """The summary, with the lines on which dots stand in place of rows among the unread ones."""
    known = {one.line for one in summary.unread}
    for row in summary.rows:
        known.update(range(row.line, max(row.last_line, row.line) + 1))
    fresh = []
    for number in range(summary.first_line, summary.last_line + 1):
        index = places.get(number)
        if index is not None and number not in known and is_gap(lines[index].text):
            fresh.append(Unread(number, lines[index].text.strip()[:200], LEFT_OUT))
    return replace(summary, unread=(*summary.unread, *fresh)) if fresh else summary


def _apart(summaries: Iterable[PrintedSummary]) -> list[PrintedSummary]:
    """Of readings of the same lines the one that left fewer lines unread, then the one with more rows."""
    taken: set[int] = set()
    made: list[PrintedSummary] = []
    for summary in sorted(summaries, key=lambda one: (len(one.unread), -len(one.rows))):
        span = range(summary.first_line, summary.last_line + 1)
        if taken.isdisjoint(span):
            taken.update(span)
            made.append(summary)
    return made


def _blank(left: list[Line], places: dict[int, int], found: Sequence[PrintedSummary]) -> None:
    for summary in found:
        for number in range(summary.first_line, summary.last_line + 1):
            index = places.get(number)
            if index is not None and left[index].text:
                left[index] = _emptied(left[index])


def _emptied(line: Line) -> Line:
    return Line(line.number, "", line.source, line.part)


def _placed(summary: PrintedSummary, numbers: Sequence[int]) -> PrintedSummary:
    """The summary with the file's lines for the count of its lines of text."""

    def number(one: PrintedNumber | None) -> PrintedNumber | None:
        return None if one is None else replace(one, line=numbers[one.line - 1])

    def row(one: PrintedRow) -> PrintedRow:
        return replace(
            one,
            line=numbers[one.line - 1],
            last_line=numbers[one.last_line - 1] if one.last_line else 0,
            parameters=number(one.parameters),
            mult_adds=number(one.mult_adds),
        )

    return replace(
        summary,
        first_line=numbers[summary.first_line - 1],
        last_line=numbers[summary.last_line - 1],
        rows=tuple(map(row, summary.rows)),
        modules=tuple(map(row, summary.modules)),
        totals={name: replace(one, line=numbers[one.line - 1]) for name, one in summary.totals.items()},
        unread=tuple(replace(one, line=numbers[one.line - 1]) for one in summary.unread),
    )
