"""Where does a flat print begin and end, and which rows and totals are its own?

Rows of torchsummary or pytorch_model_summary that follow each other, whatever stands around them: header, rules and
totals may be missing. A print ends with its totals, where another one begins, or where only prose follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from grader.architecture.readers._flat_damage import mended_row, mended_total
from grader.architecture.readers._flat_rows import (
    EXACT,
    PLAIN_ROW,
    FlatRow,
    exact_count,
    flat_row,
    flat_rows,
    loosened,
    name_alone,
    named_row,
    plain_shape,
)
from grader.architecture.readers._flat_settling import is_plausible, settled, with_trainable
from grader.architecture.readers._flat_stacks import stacked_rows
from grader.architecture.readers._tree_totals import totals_in
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.documents.report_lines import Line
from grader.frozen import dataclass

_HEADER = re.compile(r"layer\s*\(type\)|layer\s*type|module\s*\(type\)", re.IGNORECASE)
_COLUMN = re.compile(
    r"(?P<input>input\s*shape)|(?P<output>output\s*shape)|(?P<kernel>kernel(?:\s*(?:shape|size))?)"
    r"|(?P<other>tr\.\s*param|mult[- ]?adds|macs|flops)|(?P<parameters>param)",
    re.IGNORECASE,
)
_MAYBE_ROW = re.compile(r"[-‐‑–—−](?<![\s:.,(|]\d.)(?<![\s:.,(|]\d\d.) ?[0-9A-Za-z]{1,6}[^\w\[(]*+[\[(]")
_LOOKS_LIKE_ROW = re.compile(r"[\s|`*'\"$]*(?:\w+ )?\w+ ?- ?\w{1,6}[\s|`*&$,\"]*[\[(]")
_CUT = re.compile(r"\[[^\]\[|]{0,200}\||\| {0,9}[\],]")  # a bar inside of a shape
_LABEL_ALONE = re.compile(r"(?:params|size \(mb\))[\s|*:`]*$", re.IGNORECASE)
_NUMBER_ALONE = re.compile(r"[\s|*`]*\d[\d,.]*[\s|*`]*$", re.ASCII)
_RULE = frozenset("-=_─━═+|│┃:* ")
_MOST_PROSE = 8  # lines between two rows of one print, such as a page's foot and head
_FARTHEST = 40  # lines behind which no row belongs to a print any more
_OPEN, _ASLEEP, _OVER = "open", "asleep", "over"
_BATCH = re.compile(r"batch size: \d", re.IGNORECASE)
_SHAPE_COLUMNS = ("input", "output", "kernel")


@dataclass
class _Open:
    """A print that is being read."""

    first: int
    at: int  # index of its last line that counts
    part: int = 0
    columns: tuple[str, ...] = ()
    has_header: bool = False
    rows: list[PrintedRow] = field(default_factory=list)
    counts: dict[int, tuple[PrintedNumber, ...]] = field(default_factory=dict)  # rows with more than one number
    restart: int = 0  # the row that counts from 1 again, where one does
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    last: int = 0
    shapes: tuple[str, ...] = ("output",)
    is_other: bool = False  # pytorch_model_summary, by its header

    def __post_init__(self) -> None:
        self.shapes = tuple(name for name in self.columns if name in _SHAPE_COLUMNS) or ("output",)
        self.is_other = "trainable" in self.columns


def is_rule(text: str) -> bool:
    """True for an empty line, a drawn line, or a Markdown fence."""
    stripped = text.strip()
    return set(stripped) <= _RULE or stripped.startswith(("```", "~~~"))


def flat_summaries(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every flat print in the lines, in their order."""
    made: list[PrintedSummary] = []
    current: _Open | None = None
    index, count = 0, len(lines)
    while index < count:
        line = lines[index]
        text = line.text
        if current is None and not _may_begin(text):
            index += 1
            continue
        is_next = current is None or (index == current.at + 1 and line.part == current.part)
        state = _OPEN if is_next or current is None else _state(current, index, lines)
        if state is _OVER and current is not None:
            made.extend(_closed(current))
            current = None
            continue  # the line may begin another one
        if state is _ASLEEP:
            index += 1
            continue
        if "-" in text and "]" in text and (found := PLAIN_ROW.match(text)):
            row = _plain_row(found, line, current)
            if row is not None:
                if current is None or current.totals or not current.rows or (row.number or 0) < 3:
                    current = _with_row(current, row, index, line.part, made)
                else:
                    current.rows.append(row)
                    current.at, current.last = index, line.number
                if found[6] is not None and not current.is_other:
                    _note_second(current, found, line.number)
                index += 1
                continue
        used, current = _step(lines, index, current, made)
        index += used
    if current is not None:
        made.extend(_closed(current))
    return tuple(made)


def _may_begin(text: str) -> bool:
    if "[" in text or "ayer" in text or "AYER" in text:
        return True
    return "-" in text and len(text) <= 60 and name_alone(text) is not None


def _plain_row(found: re.Match[str], line: Line, current: _Open | None) -> PrintedRow | None:
    """The row of a line that is just as a tool prints it."""
    parents, kind, digits, inner, count, second = found.groups()
    shape, value = plain_shape(inner), exact_count(count)
    shapes, is_other = (current.shapes, current.is_other) if current is not None else (("output",), False)
    if shape is None or value is None or len(shapes) > 1 or (parents is not None and not is_other):
        return None
    is_trainable = None
    if is_other and value and second is not None:
        is_trainable = True if second == count else False if second == "0" else None
    return PrintedRow(
        line.number,
        f"{kind}-{digits}",
        kind,
        line.number,
        0,
        int(digits),
        (shape,) if shapes[0] == "output" else (),
        (shape,) if shapes[0] == "input" else (),
        shape if shapes[0] == "kernel" else None,
        PrintedNumber(value, EXACT, line.number, count),
        is_trainable=is_trainable,
    )


def _note_second(current: _Open, found: re.Match[str], line: int) -> None:
    first, value = current.rows[-1].parameters, exact_count(found[6])
    if first is not None and value is not None:
        current.counts[len(current.rows) - 1] = (first, PrintedNumber(value, EXACT, line, found[6]))


def _with_row(current: _Open | None, row: PrintedRow, index: int, part: int, made: list[PrintedSummary]) -> _Open:
    """The print that a row belongs to, with it: the one that is open, or another that it begins."""
    if current is not None and current.totals and current.rows:
        made.extend(_closed(current))
        current = None
    if current is None:
        current = _Open(row.line, index, part)
    if current.rows and current.restart == len(current.rows) - 1 > 0 and row.number == 2:
        first, current = _halves(current)
        made.extend(_closed(first))
    if row.number == 1 and len(current.rows) > 1:
        current.restart = len(current.rows)
    current.rows.append(row)
    current.at, current.last = index, max(current.last, row.last_line)
    return current


def _halves(current: _Open) -> tuple[_Open, _Open]:
    """A print whose last row counted from 1 again, and the print that this row began."""
    at = current.restart
    row = current.rows[at]
    counts = {index: numbers for index, numbers in current.counts.items() if index < at}
    last = current.rows[at - 1].last_line
    first = replace(current, rows=current.rows[:at], counts=counts, last=last, restart=0)
    again = {0: current.counts[at]} if at in current.counts else {}
    return first, _Open(row.line, current.at, current.part, rows=[row], counts=again, last=row.last_line)


def _state(current: _Open, index: int, lines: Sequence[Line]) -> str:
    """Whether a line may belong to the open print: far behind its last row, only the very next row does."""
    line = lines[index]
    distance = index - current.at
    if line.part != current.part or distance > _FARTHEST:
        return _OVER
    if distance <= _MOST_PROSE:
        return _OPEN
    if not current.rows or current.totals or ("ayer" in line.text and _is_header(line.text)):
        return _OVER
    if not _MAYBE_ROW.search(line.text):
        return _ASLEEP
    row = flat_row(line.text, line.number)
    last = current.rows[-1].number
    if row is None:
        return _ASLEEP
    return _OPEN if row.number is not None and last is not None and row.number == last + 1 else _OVER


def _step(
    lines: Sequence[Line], index: int, current: _Open | None, made: list[PrintedSummary]
) -> tuple[int, _Open | None]:
    """Read one line (or a row over several): how many lines were used, and the print that is open now."""
    line = lines[index]
    text = line.text
    if "ayer" in text.lower() and _is_header(text):
        current = _headed(current, line, index, made)
        rows = flat_rows(text, line.number) if _MAYBE_ROW.search(text) else []
        last = index
    else:
        rows, last = _rows(lines, index, current)
    for row in rows:
        if not row.counts and not row.has_empty_count and (current is None or "parameters" in current.columns):
            if current is not None:
                current.unread.append(Unread(line.number, text.strip()[:200], "it is a row without a count"))
                current.at, current.last = last, lines[last].number
            continue
        columns = current.shapes if current is not None else ("output",)
        current = _with_row(current, _printed(row, columns), last, line.part, made)
        if len(row.counts) > 1:
            current.counts[len(current.rows) - 1] = row.counts
    if current is None:
        return last - index + 1, None
    found = _totals(lines, index)
    fresh = {name: number for name, number in found.items() if name not in current.totals}
    if fresh and current.rows:
        current.totals.update(fresh)
        current.at, current.last = max(index, last), max(current.last, *(one.line for one in fresh.values()))
    elif not rows and not _is_header(text):
        _note_rest(current, line, index)
    return last - index + 1, current


def _note_rest(current: _Open, line: Line, index: int) -> None:
    """A line of an open print that is neither a row nor a total."""
    text = line.text
    if _BATCH.search(text):
        current.at, current.last = index, line.number
    elif is_rule(text):
        if text.strip() and index == current.at + 1:
            current.at, current.last = index, line.number
    elif not current.totals and index == current.at + 1 and name_alone(text) is not None and current.rows:
        current.unread.append(Unread(line.number, text.strip()[:200], "it is the name of a row without the rest of it"))
        current.at, current.last = index, line.number
    elif not current.totals and _LOOKS_LIKE_ROW.match(text) and len(re.findall(r"[^\W\d]{3,}", text)) <= 4:
        current.unread.append(Unread(line.number, text.strip()[:200], "it looks like a row, and is none as it stands"))
        current.at, current.last = index, line.number


def _is_header(text: str) -> bool:
    if "depth-idx" in text or "(None" in text or len(text) > 10_000:
        return False
    return _HEADER.search(text) is not None and any(
        found["input"] or found["output"] for found in _COLUMN.finditer(text)
    )


def _headed(current: _Open | None, line: Line, index: int, made: list[PrintedSummary]) -> _Open:
    if current is not None and current.rows and not current.totals and index - current.at <= _MOST_PROSE:
        return current  # the header again, at the top of a new page
    if current is not None:
        made.extend(_closed(current))
    columns = [found.lastgroup or "" for found in _COLUMN.finditer(line.text)]
    if re.search(r"tr\.\s*param|parent layers", line.text, re.IGNORECASE):
        columns.append("trainable")
    return _Open(line.number, index, line.part, tuple(columns), has_header=True, last=line.number)


def _totals(lines: Sequence[Line], index: int) -> dict[str, PrintedNumber]:
    line = lines[index]
    text = line.text
    if "|" in text and "size" not in text:
        mended = mended_total(text, line.number)
        if mended:
            return mended
    if ":" not in text and "arams" not in text and "ize" not in text:
        return {}
    found = totals_in(text.replace("tensor(", ""), line.number)
    if not found and _LABEL_ALONE.search(text) and index + 1 < len(lines):
        following = lines[index + 1]
        if _NUMBER_ALONE.match(following.text):
            return totals_in(f"{text.strip()} {following.text.strip()}", following.number)
    return found


def _rows(lines: Sequence[Line], index: int, current: _Open | None) -> tuple[list[FlatRow], int]:
    """The rows that begin on a line, and the index of the last line that they take."""
    line = lines[index]
    text = line.text
    if "<t" in text or "torch.Size" in text:
        text = loosened(text)
    mended = mended_row(text, line.number) if "|" in text and _CUT.search(text) else None
    if mended is not None and (current is not None or "[-" in text.replace(" ", "")):
        return [mended], index
    if _MAYBE_ROW.search(text):
        rows = flat_rows(text, line.number, is_inside=current is not None)
        if rows and (rows[-1].counts or rows[-1].has_empty_count):
            return rows, index
        joined = _joined(lines, index)
        if joined is not None:
            return [*rows[:-1], joined[0]], joined[1]
        return rows, index
    if name_alone(text) is not None:
        return stacked_rows(lines, index)
    if current is not None and not current.totals and "[" in text and "None" not in text and index <= current.at + 2:
        named = named_row(text, line.number)
        return ([named] if named else []), index
    return [], index


def _joined(lines: Sequence[Line], index: int) -> tuple[FlatRow, int] | None:
    """A row that goes on in the lines below, and the index of its last line."""
    line = lines[index]
    if not _LOOKS_LIKE_ROW.match(loosened(line.text)):
        return None
    text = line.text
    for at in range(index + 1, min(index + 4, len(lines))):
        following = lines[at].text
        if not following.strip() or following.strip()[0] not in "[(0123456789-]),|'\"" or is_rule(following):
            return None
        if _MAYBE_ROW.search(following) and flat_row(following, 0) is not None:
            return None
        text += " " + following.strip()
        row = flat_row(text, line.number)
        if row is not None and row.counts:
            note = f"the row goes over lines {line.number} to {lines[at].number}"
            return replace(row, last_line=lines[at].number, mended=(*row.mended, note)), at
    return None


def _printed(row: FlatRow, columns: Sequence[str]) -> PrintedRow:
    """The row by the columns of its header ("input" and "output" in their order)."""
    groups = row.columns
    if len(columns) > len(groups):  # a column that was left empty: what every row has is the output
        columns = [name for name in columns if name == "output"] or columns
    shapes = dict(zip(columns, groups, strict=False))
    kernel = shapes.get("kernel", ())
    return PrintedRow(
        line=row.line,
        last_line=row.last_line,
        name=row.name,
        type=row.type,
        number=row.number,
        outputs=shapes.get("output", ()),
        inputs=shapes.get("input", ()),
        kernel=kernel[0] if kernel else None,
        parameters=row.counts[0] if row.counts else None,
        is_counted=bool(row.counts),
        mended=row.mended,
    )


def _closed(current: _Open) -> Iterator[PrintedSummary]:
    """The print, if it is one: a citation such as "ResNet-18 [5] 92.1" is none."""
    rows = current.rows
    if not rows and not (current.has_header and any("[-1" in one.text.replace(" ", "") for one in current.unread)):
        return
    if not current.has_header and not is_plausible(rows, current.totals):
        return
    is_other = _is_other(current)
    if is_other:
        for at, numbers in current.counts.items():
            rows[at] = with_trainable(rows[at], numbers)
    elif current.counts and len(current.counts) * 2 < len(rows):
        rows, doubtful = settled(rows, current.counts, current.totals)
        current.unread += doubtful
    yield PrintedSummary(
        format=Format.PYTORCH_MODEL_SUMMARY if is_other else Format.TORCHSUMMARY,
        first_line=current.first,
        last_line=max(current.last, current.first),
        rows=tuple(rows),
        totals=current.totals,
        columns=("name", *current.shapes, "parameters", *(("trainable",) if is_other else ())),
        unread=tuple(current.unread),
    )


def _is_other(current: _Open) -> bool:
    """Whether pytorch_model_summary printed it: it says so in its header, or all rows have a second, smaller count."""
    if current.has_header or any(shape[:1] == (None,) for row in current.rows for shape in row.outputs):
        return current.is_other
    return 0 < len(current.counts) == len(current.rows) and all(
        len(numbers) == 2 and numbers[1].value <= numbers[0].value for numbers in current.counts.values()
    )
