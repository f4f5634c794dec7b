"""Which lines of a report are one flat print of torchsummary or of its relative pytorch_model_summary?

Both print `Layer-N  [shape]  count` rows between rules, and totals below. The second has a column of trainable
counts, and a batch size where the first has -1. A print may have lost its header, its rules or its totals, and
prose may stand between its rows where a page ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grader.architecture.readers._flat_rows import (
    FlatRow,
    flat_row,
    is_rule,
    mended_row,
    mended_total,
    printed_row,
)
from grader.architecture.readers._tree_totals import totals_in
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.documents.report_lines import Line

_HEADER = re.compile(r"layer\s*\(type\)", re.IGNORECASE)
_COLUMN = re.compile(r"(input|output)\s*shape", re.IGNORECASE)
_LOOKS_LIKE_ROW = re.compile(r"[\s|`*]*[A-Za-z_]\w*\s?-\s?\d{1,6}\b.*[\[(]", re.ASCII)
_NAME_ALONE = re.compile(r"[\s|`*]*[A-Za-z_]\w*-\d{1,6}[\s|`*]*", re.ASCII)
_MOST_PROSE = 8  # lines between two rows of one print, such as a page's foot and head
_BATCH = re.compile(r"batch size: \d", re.IGNORECASE)


@dataclass
class _Open:
    """A print that is being read."""

    first: int
    at: int  # index of its last line that counts
    columns: list[str] = field(default_factory=list)
    has_header: bool = False
    is_other: bool = False  # pytorch_model_summary
    rows: list[PrintedRow] = field(default_factory=list)
    flats: list[FlatRow] = field(default_factory=list)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    last: int = 0


def flat_summaries(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every flat print in the lines, in their order."""
    made: list[PrintedSummary] = []
    current: _Open | None = None
    index = 0
    while index < len(lines):
        line = lines[index]
        text = line.text
        if current is None and "[" not in text and "ayer" not in text and "LAYER" not in text:
            index += 1
            continue
        if current is not None and _is_over(current, index, lines, text):
            made.extend(_closed(current))
            current = None
            continue  # the line may begin another one
        used, current = _step(lines, index, current, made)
        index += used
    if current is not None:
        made.extend(_closed(current))
    return tuple(made)


def _is_over(current: _Open, index: int, lines: Sequence[Line], text: str) -> bool:
    if lines[index].part != lines[current.at].part:
        return True
    if index - current.at > _MOST_PROSE:
        return not (current.rows and not current.totals and _goes_on(current, lines[index]))
    return bool(current.totals) and _HEADER.search(text) is not None


def _goes_on(current: _Open, line: Line) -> bool:
    """Whether the line is the very next row of a print that broke off long before."""
    row = flat_row(line.text, line.number)
    return row is not None and row.number == current.flats[-1].number + 1


def _step(
    lines: Sequence[Line], index: int, current: _Open | None, made: list[PrintedSummary]
) -> tuple[int, _Open | None]:
    """Read one line (or a row over several): how many lines were used, and the print that is open now."""
    line = lines[index]
    text = line.text
    if _HEADER.search(text) and _COLUMN.search(text) and "depth-idx" not in text and "(None" not in text:
        return 1, _headed(current, line, index, made)
    row, used, mended = _row(lines, index, current)
    if row is not None:
        if current is not None and current.rows and _is_another(current, row):
            made.extend(_closed(current))
            current = None
        current = current or _Open(line.number, index)
        current.flats.append(row)
        columns = current.columns or ["output"]
        last = lines[index + used - 1]
        current.rows.append(printed_row(row, line.number, last.number, mended, columns))
        current.at, current.last = index + used - 1, last.number
        return used, current
    if current is None:
        return 1, None
    found = totals_in(text, line.number) or (mended_total(text, line.number) if "|" in text else {})
    fresh = {name: number for name, number in found.items() if name not in current.totals}
    if fresh:
        current.totals.update(fresh)
        current.at, current.last = index, line.number
    elif _BATCH.search(text):
        current.at, current.last = index, line.number
    elif is_rule(text):
        if text.strip() and index == current.at + 1:
            current.at, current.last = index, line.number
    elif _LOOKS_LIKE_ROW.match(text) and not current.totals:
        current.unread.append(Unread(line.number, text.strip()[:200], "it looks like a row, and is none as it stands"))
        current.at, current.last = index, line.number
    return 1, current


def _headed(current: _Open | None, line: Line, index: int, made: list[PrintedSummary]) -> _Open:
    if current is not None and current.rows and not current.totals and index - current.at <= _MOST_PROSE:
        return current  # the header again, at the top of a new page
    if current is not None:
        made.extend(_closed(current))
    opened = _Open(line.number, index, has_header=True, last=line.number)
    opened.columns = [found[1].lower() for found in _COLUMN.finditer(line.text)]
    opened.is_other = "tr. param" in line.text.lower() or "parent layers" in line.text.lower()
    return opened


def _row(lines: Sequence[Line], index: int, current: _Open | None) -> tuple[FlatRow | None, int, tuple[str, ...]]:
    """The row that begins on a line, how many lines it takes, and how it was mended."""
    line = lines[index]
    row = flat_row(line.text, line.number)
    if row is not None:
        return row, 1, ()
    if current is None:
        if "|" in line.text and "[-1" in line.text.replace(" ", ""):
            made = mended_row(line.text, line.number)
            return (made[0], 1, made[1]) if made else (None, 1, ())
        return None, 1, ()
    if "|" in line.text and "]" in line.text:
        mended = mended_row(line.text, line.number)
        if mended is not None:
            return mended[0], 1, mended[1]
    if _NAME_ALONE.fullmatch(line.text) or _LOOKS_LIKE_ROW.match(line.text):
        text = line.text
        for more in range(1, min(4, len(lines) - index)):
            following = lines[index + more]
            if flat_row(following.text, following.number) is not None or not following.text.strip():
                break
            text += " " + following.text.strip()
            row = flat_row(text, line.number)
            if row is not None:
                return row, more + 1, (f"the row goes over lines {line.number} to {following.number}",)
    return None, 1, ()


def _is_another(current: _Open, row: FlatRow) -> bool:
    """Whether a row begins another print: it counts from 1 again behind totals, or behind a longer run of rows."""
    if row.number != 1:
        return False
    return bool(current.totals) or len(current.rows) > 2 or current.flats[-1].number > 2


def _closed(current: _Open) -> Iterator[PrintedSummary]:
    """The print, if it is one: a citation such as "ResNet-18 [5] 92.1" is none."""
    if not current.rows:
        return
    if not current.has_header and not _is_plausible(current):
        return
    is_other = current.is_other or (not current.has_header and all(len(row.counts) == 2 for row in current.flats))
    yield PrintedSummary(
        format=Format.PYTORCH_MODEL_SUMMARY if is_other else Format.TORCHSUMMARY,
        first_line=current.first,
        last_line=max(current.last, current.first),
        rows=tuple(current.rows),
        totals=current.totals,
        columns=("name", *(current.columns or ("output",)), "parameters", *(("trainable",) if is_other else ())),
        unread=tuple(current.unread),
        notes=tuple(current.notes),
    )


def _is_plausible(current: _Open) -> bool:
    has_batch = any(shape[:1] == (None,) for row in current.flats for column in row.columns for shape in column)
    ascending = sum(b.number == a.number + 1 for a, b in zip(current.flats, current.flats[1:], strict=False))
    if has_batch:
        return len(current.rows) >= 2 or bool(current.totals)
    return len(current.rows) >= 3 and ascending * 2 >= len(current.rows)
