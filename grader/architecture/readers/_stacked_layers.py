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
    r"(?:(?:in|out|input|output|p|k|f|s|stride|kernel|padding|pad|size|rate|units|filters|channels|features)[\w ]{0,12}"
    r"\s?[=:]\s?[\d.,() x×]{1,16}(?:,\s)?){1,4}|\d{1,6}\s(?:features|filters|channels|units|neurons)|\d{1,6}, ?\d{1,6}",
    re.IGNORECASE,
)
_PAGE = 8  # lines between the halves of a table on two pages


def find_stacked(lines: Sequence[Line]) -> Iterator[Table]:
    """Every stacked table of layers, its rows as wide as its header."""
    index = 0
    halves: list[Table] = []
    end_of_last = 0
    for start, line in enumerate(lines):
        text = line.text
        header = _header(lines, start) if start >= index and text and len(text) <= _LONGEST else None
        if header is None:
            continue
        index = start
        roles, texts = header
        rows, end = _rows(lines, index + len(roles), roles)
        if not rows:
            index += len(roles) - 1
            continue
        table = Table(Style.STACKED, texts, tuple(rows), lines[index].number, rows[-1].last_line, lines[index].number)
        if halves and not (index - end_of_last <= _PAGE and _goes_on(halves[-1], table)):
            yield _joined(halves)
            halves = []
        halves.append(table)
        index = end_of_last = end
    if halves:
        yield _joined(halves)


def _joined(halves: Sequence[Table]) -> Table:
    first = halves[0]
    rows = tuple(row for half in halves for row in half.rows)
    return Table(Style.STACKED, first.header, rows, first.first_line, halves[-1].last_line, first.header_line)


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
        if not text or len(text) > _LONGEST or _is_header_text(text):
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
        after = [line.text.strip() for line in lines[index + 1 : index + 3]]
        follows = "".join(after) if after and after[0].endswith("-") else after[0] if after else ""
        column = next((place for place in range(last + 1, len(roles)) if _fits(text, roles[place], roles)), None)
        if (
            column is not None
            and text.isdecimal()
            and roles[column] == "filters"
            and _numbers_a_row(cells, roles, follows)
        ):
            column = None
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


def _is_header_text(text: str) -> bool:
    is_plain = not any(character.isdigit() for character in text)
    return is_plain and bool(role_of(text) and header_words(text)) and not begins_with_layer(text)


def _numbers_a_row(cells: dict[int, tuple[str, int]], roles: Sequence[str], follows: str) -> bool:
    """True if a number behind a layer without filters is that of the next row, or of the page."""
    kind = cells.get(roles.index("type") if "type" in roles else 0, ("", 0))[0]
    word = begins_with_layer(kind)
    if word is None or word.word.startswith(("conv", "linear")):
        return False
    return not follows or (begins_with_layer(follows) is not None and not activation_of(follows))


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
