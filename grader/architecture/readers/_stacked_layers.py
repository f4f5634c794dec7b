"""Which tables of layers did a PDF's text take apart, one cell a line, with the empty cells lost?

The header names the columns; a cell goes to the next column that can hold it, and begins a new row where none can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.architecture.readers._hand_cells import hand_count, hand_shapes, is_nothing
from grader.architecture.readers._hand_columns import role_of
from grader.architecture.readers._layer_settings import activation_of
from grader.architecture.readers._layer_words import ACTIVATIONS, begins_with_layer
from grader.architecture.readers.tables import Cell, Style, Table, TableRow, header_words
from grader.documents.report_lines import Line, Source

_LONGEST = 60  # characters of a cell
_STATED = re.compile(
    r"[\w\s]{0,20}[=:]\s?[\w.,()\s=x×]{1,30}|\d{1,6}\s(?:features|filters|channels|units|neurons)|\d{1,6}, ?\d{1,6}",
    re.IGNORECASE,
)
_PAGE = 8  # lines between the halves of a table on two pages


def find_stacked(lines: Sequence[Line]) -> Iterator[Table]:
    """Every stacked table of layers, its rows as wide as its header."""
    index = 0
    pending: Table | None = None
    pending_end = 0
    while index < len(lines):
        header = _header(lines, index)
        if header is None:
            index += 1
            continue
        roles, texts = header
        rows, end = _rows(lines, index + len(roles), roles)
        if not rows:
            index += 1
            continue
        table = Table(Style.STACKED, texts, tuple(rows), lines[index].number, rows[-1].last_line, lines[index].number)
        if pending is not None and index - pending_end <= _PAGE and _goes_on(pending, table):
            pending = Table(
                Style.STACKED, texts, (*pending.rows, *rows), pending.first_line, table.last_line, pending.header_line
            )
        else:
            if pending is not None:
                yield pending
            pending = table
        index = pending_end = end
    if pending is not None:
        yield pending


def _header(lines: Sequence[Line], first: int) -> tuple[list[str], tuple[str, ...]] | None:
    """The roles and texts of a header that begins at this line, one a line: three columns and more, one of layers."""
    line = lines[first]
    if len(line.text) > _LONGEST or line.source is Source.CODE or not line.text or "|" in line.text:
        return None
    lowered = line.text.lower()
    if (
        "layer" not in lowered
        and "schicht" not in lowered
        and lowered.strip() not in {"#", "no", "no.", "nr.", "type", "name", "block", "stage", "operation"}
    ):
        return None
    roles: list[str] = []
    texts: list[str] = []
    for after in lines[first : first + 12]:
        text = after.text.strip()
        role = role_of(text)
        is_header = bool(text) and len(text) <= _LONGEST and role and (header_words(text) or text.endswith("Layer"))
        if not is_header or begins_with_layer(text) or role in roles or after.part != line.part:
            break
        roles.append(role)
        texts.append(text)
    if len(roles) < 3 or not {"name", "type"} & set(roles):
        return None
    return roles, tuple(texts)


def _rows(lines: Sequence[Line], start: int, roles: list[str]) -> tuple[list[TableRow], int]:
    rows: list[TableRow] = []
    cells: dict[int, tuple[str, int]] = {}
    last = -1
    index = start
    while index < len(lines):
        text = lines[index].text.strip()
        if not text or len(text) > _LONGEST or (role_of(text) and header_words(text) and not begins_with_layer(text)):
            break
        # "Fully-" and "Connected": a word broken at its hyphen.
        taken = 1
        if (
            text.endswith("-")
            and len(text) > 1
            and index + 1 < len(lines)
            and begins_with_layer(text + lines[index + 1].text.strip())
        ):
            text, taken = text + lines[index + 1].text.strip(), 2
        column = next((place for place in range(last + 1, len(roles)) if _fits(text, roles[place], roles)), None)
        if column is None:
            column = next((place for place in range(len(roles)) if _fits(text, roles[place], roles)), None)
            if column is None:
                break
            if cells:
                rows.append(_row(cells, len(roles)))
            cells = {}
        cells[column] = (text, lines[index].number)
        last = column
        index += taken
    # A number alone at the end is a page number.
    if cells and not (len(cells) == 1 and 0 in cells):
        rows.append(_row(cells, len(roles)))
    return rows, max(index, start)


def _row(cells: dict[int, tuple[str, int]], width: int) -> TableRow:
    line = min(number for _, number in cells.values())
    made = tuple(
        Cell((cells[place][0],), cells[place][1]) if place in cells else Cell(line=line) for place in range(width)
    )
    return TableRow(made, line, max(number for _, number in cells.values()))


def _fits(text: str, role: str, roles: Sequence[str]) -> bool:
    """True if a cell of this text can stand in a column of this role."""
    word = begins_with_layer(text)
    if role == "name":
        if "type" not in roles:
            return word is not None or is_nothing(text) or text.lower() in {"input", "output", "total"}
        return (text.isdecimal() and len(text) < 4) or is_nothing(text)
    if role == "type":
        if word is None:
            return text.lower() in {"input", "output"}
        return word.kind not in ACTIVATIONS or "activation" not in roles
    if role == "activation":
        return is_nothing(text) or bool(activation_of(text)) or text.lower() == "none"
    if is_nothing(text):
        return True
    if role in {"output", "input"}:
        return bool(hand_shapes(text))
    if role == "filters":
        return text.isdecimal() or bool(_STATED.fullmatch(text))
    if role in {"parameters", "working"}:
        return hand_count(text, 0) is not None and word is None
    if role == "kernel":
        return bool(re.fullmatch(r"[\dx×X ,()=/FfKkPpSs.:]{1,30}", text))
    return bool(re.fullmatch(r"\(?[\d., x×]{1,12}\)?%?|same|valid", text, re.IGNORECASE))


def _goes_on(table: Table, after: Table) -> bool:
    """True if `after` is the rest on the next page: one header, and its numbering does not begin again."""
    if tuple(map(str.lower, table.header)) != tuple(map(str.lower, after.header)):
        return False
    last = next((row.texts[0] for row in reversed(table.rows) if row.texts[0].isdecimal()), "")
    follows = after.rows[0].texts[0]
    return follows.isdecimal() and last.isdecimal() and int(follows) in {int(last), int(last) + 1}
