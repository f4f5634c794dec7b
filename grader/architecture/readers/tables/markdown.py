"""Which tables are drawn with bars: Markdown with or without outer bars, box characters, ASCII grids?"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from grader.architecture.readers.tables.table import Cell, Found, Style, Table, TableRow, padded, parts_of
from grader.documents.report_lines import Line
from grader.frozen import dataclass

_BARS = str.maketrans(dict.fromkeys("│┃║┆┇┊┋╎╏▏❘∣｜", "|"))
_RULE_CHARACTERS = frozenset("|+-=_:—–―─━═┄┅┈┉╌╍┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋┡┩╇╒╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡╢╣╤╥╦╧╨╩╪╫╬╭╮╯╰╴╵╶╷*'` \t.")
_RULE_MARKS = frozenset("-=_—–―─━═┄┅┈┉╌╍")
_MAX_CELLS = 200


@dataclass(frozen=True, slots=True)
class _Bars:
    """A line with bars: the texts between them and the place of each bar that parts two cells."""

    index: int
    line: int
    texts: tuple[str, ...]
    bars: tuple[int, ...]


def find(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Every table drawn with bars. `taken` marks lines that belong to another table already."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "|" in line.text or not line.text.isascii()]:
        if index < free or taken[index] or not _has_bar(lines[index].text):
            continue
        first = index
        while first > 0 and not taken[first - 1] and is_rule(lines[first - 1].text) and _joined(lines, first):
            first -= 1
        last = index
        while last + 1 < len(lines) and not taken[last + 1] and _joined(lines, last + 1):
            text = lines[last + 1].text
            if not (_has_bar(text) or (is_rule(text) and text.strip())):
                break
            last += 1
        table = _table(lines, first, last)
        if table is not None:
            yield Found(first, last, table)
        free = last + 1


def is_rule(text: str) -> bool:
    """True for a line that only draws: `|---|:--:|`, `+----+`, `======`, `├──┼──┤`.

    >>> is_rule("|---|:--:|"), is_rule("| - | - |"), is_rule("====  ==")
    (True, False, True)
    """
    marks = text.strip()
    if not marks or not _RULE_CHARACTERS.issuperset(marks) or not _RULE_MARKS.intersection(marks):
        return False
    # A row of dashes for "nothing" is a row: a rule has at least two marks beside each other somewhere.
    return bool(_DRAWN.search(marks)) or ("|" in marks and ":" in marks)


_DRAWN = re.compile(r"[-=_—–―─━═┄┅┈┉╌╍]{2}")


def _has_bar(text: str) -> bool:
    return (
        "|" in text
        or "│" in text
        or "┃" in text
        or "║" in text
        or (not text.isascii() and "|" in text.translate(_BARS))
    )


def _joined(lines: Sequence[Line], index: int) -> bool:
    return lines[index].part == lines[index - 1].part


def _split(index: int, line: Line) -> _Bars:
    # Where plain bars part the cells, a box character is part of a text: the tree of torchinfo in a Markdown table.
    text = line.text if "|" in line.text else line.text.translate(_BARS)
    start = len(text) - len(text.lstrip())
    stripped = text.strip()
    bars = [start + place for place in _bars_of(stripped)]
    if not bars:
        return _Bars(index, line.number, (stripped,), ())
    edges = [-1, *bars, len(text)]
    texts = [text[left + 1 : right].replace("\\|", "|").strip() for left, right in itertools.pairwise(edges)]
    if not texts[0] and not text[: bars[0]].strip() and bars[0] == start:
        texts, bars = texts[1:], bars[1:]
    if bars and not texts[-1] and stripped.endswith("|"):
        texts, bars = texts[:-1], bars[:-1]
    return _Bars(index, line.number, tuple(texts[:_MAX_CELLS]), tuple(bars[: _MAX_CELLS - 1]))


def _bars_of(text: str) -> list[int]:
    """The places of the bars; an escaped one and one inside code marks are text."""
    places = [
        place for place, character in enumerate(text) if character == "|" and (not place or text[place - 1] != "\\")
    ]
    if "`" not in text:
        return places
    code, inside, opened = [], False, 0
    if text.count("`") % 2 == 0:
        for place, character in enumerate(text):
            if character == "`":
                if inside:
                    code.append((opened, place))
                inside, opened = not inside, place
    # A code span never reaches over a whole cell's bars that stand between blanks.
    return [place for place in places if not any(a < place < b and text[a:b].count(" | ") == 0 for a, b in code)]


def _table(lines: Sequence[Line], first: int, last: int) -> Table | None:
    rules = [index for index in range(first, last + 1) if is_rule(lines[index].text)]
    ruled = set(rules)
    rows = [_split(index, lines[index]) for index in range(first, last + 1) if index not in ruled]
    rows = [row for row in rows if row.texts]
    if not rows or max(len(row.texts) for row in rows) < 2:
        return None
    if len(rows) == 1 and not rules:
        return None
    if not rules and _is_prose(rows):
        return None
    header_end = _header_end(rows, rules)
    grid = _is_grid(rows, rules, header_end)
    layout = _Layout(rows, has_delimiter=_has_delimiter(lines, rules))
    width = layout.width
    groups = _groups(rows, rules) if grid else [[row] for row in rows]
    made: list[tuple[TableRow, int]] = []
    for group in groups:
        cells = _merged([layout.cells(row) for row in group], width)
        made.append((TableRow(cells, group[0].line, group[-1].line), group[-1].index))
    header_rows = [row for row, index in made if index < header_end]
    body = [row for row, index in made if index >= header_end]
    header = tuple(
        " ".join(text for text in column if text) for column in zip(*(row.texts for row in header_rows), strict=True)
    )
    return Table(
        Style.MARKDOWN,
        header,
        tuple(body),
        lines[first].number,
        lines[last].number,
        header_rows[0].line if header_rows else 0,
    )


def _is_prose(rows: list[_Bars]) -> bool:
    """Lines with a bar that are no table: the widths disagree, or a cell is a whole sentence of code."""
    if len(rows) < 2:
        return True
    widths = [len(row.texts) for row in rows]
    return max(widths) - min(widths) > 2 and len(rows) < 4


def _has_delimiter(lines: Sequence[Line], rules: list[int]) -> bool:
    return any("|" in lines[index].text for index in rules)


def _header_end(rows: list[_Bars], rules: list[int]) -> int:
    """The index of the first line below the header; 0 where no rule parts a header from the rest.

    The header stands above the first rule that has rows on both sides.
    """
    first_row, last_row = rows[0].index, rows[-1].index
    inner = [index for index in rules if first_row < index < last_row]
    if not inner:
        return 0
    above = [row for row in rows if row.index < inner[0]]
    # A rule far below the top parts two halves of a table, not a header from its rows.
    return inner[0] if len(above) <= 3 else 0


def _is_grid(rows: list[_Bars], rules: list[int], header_end: int) -> bool:
    """True if a rule stands between the rows, so that several lines between two rules are one row."""
    body = [row.index for row in rows if row.index > header_end]
    if len(body) < 2:
        return False
    inside = [index for index in rules if body[0] < index < body[-1]]
    groups = len(inside) + 1
    return len(inside) >= 1 and (len(body) <= 3 * groups) and (groups > 2 or len(body) <= 2 * groups)


def _groups(rows: list[_Bars], rules: list[int]) -> list[list[_Bars]]:
    groups: dict[int, list[_Bars]] = {}
    for row in rows:
        groups.setdefault(bisect_left(rules, row.index), []).append(row)
    return list(groups.values())


def _merged(rows: list[list[Cell]], width: int) -> tuple[Cell, ...]:
    """One row of the lines between two rules: the cells of a column on top of each other."""
    if len(rows) == 1:
        return padded(rows[0], width, rows[0][0].line)
    cells = []
    for column in zip(*(padded(row, width, row[0].line) for row in rows), strict=True):
        parts = tuple(part for cell in column for part in cell.parts)
        line = next((cell.line for cell in column if cell.parts), column[0].line)
        cells.append(Cell(parts, line, columns=max(cell.columns for cell in column)))
    return tuple(cells)


class _Layout:
    """Where the columns are: by order, or by the places of the bars where rows leave bars out."""

    def __init__(self, rows: list[_Bars], *, has_delimiter: bool) -> None:
        self.places: list[int] = []
        self.width = max(len(row.texts) for row in rows)
        if has_delimiter or len({len(row.texts) for row in rows}) == 1:
            return
        places = sorted({place for row in rows for place in row.bars})
        # Bars of different rows at nearly the same place are one; only then do places mean anything.
        merged: list[int] = []
        for place in places:
            if not merged or place - merged[-1] > 1:
                merged.append(place)
        if len(merged) == self.width - 1:
            self.places = merged

    def cells(self, row: _Bars) -> list[Cell]:
        if not self.places or len(row.texts) == self.width:
            return [Cell(parts_of(text), row.line) for text in row.texts]
        cells: list[Cell] = []
        column = 0
        for text, bar in zip(row.texts, (*row.bars, None), strict=True):
            end = self.width if bar is None else min(bisect_left(self.places, bar - 1) + 1, self.width)
            span = max(end - column, 1)
            cells.append(Cell(parts_of(text), row.line, columns=span))
            cells.extend(Cell(line=row.line, is_merged=True) for _ in range(span - 1))
            column += span
        return cells[: self.width]


_DELIMITER = re.compile(r"\|(?:[ \t]{0,3}:?[-—–―]{2,80}:?[ \t]{0,3}\|){2,40}")


def find_flattened(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    """Markdown that was not rendered and ran together: header, delimiter and all rows in one paragraph.

    `| Layer | Type | |---|---| | 1 | Conv2D | | 2 | Linear |`, on one line or wrapped anywhere.
    """
    for first, last, starts, text in _paragraphs_with_delimiter(lines, taken):
        match = _DELIMITER.search(text)
        if match is None:
            continue
        width = match.group().count("|") - 1
        before, after = text[: match.start()].rstrip(), match.end()
        if not before.endswith("|"):
            continue
        header_cells = before[:-1].split("|")[-width:]
        if len(header_cells) < width or "|" not in before[:-1]:
            continue
        rows = []
        place, cells = after, []
        gap = True  # between two rows stands "| |": a piece that is no cell
        for piece in text[after:].split("|"):
            line = lines[first + bisect_left(starts, place + (len(piece) - len(piece.lstrip())) + 1) - 1].number
            place += len(piece) + 1
            if gap:
                if piece.strip():
                    break  # prose goes on behind the table
                gap = False
                continue
            cells.append(Cell(parts_of(piece.replace("\n", " ")), line))
            if len(cells) == width:
                rows.append(TableRow(tuple(cells), cells[0].line, cells[-1].line))
                cells, gap = [], True
        if rows:
            begin = first + bisect_left(starts, before.rfind("|", 0, -1) + 1) - 1
            header = tuple(" ".join(parts_of(cell.replace("\n", " "))) for cell in header_cells)
            table = Table(
                Style.FLATTENED, header, tuple(rows), lines[first].number, rows[-1].last_line, lines[begin].number
            )
            yield Found(first, last, table)


def _paragraphs_with_delimiter(lines: Sequence[Line], taken: bytearray) -> Iterator[tuple[int, int, list[int], str]]:
    """Paragraphs that hold a delimiter beside other cells: (first, last, where each line begins, text)."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "|" in line.text]:
        text = lines[index].text
        if index < free or taken[index] or not _DELIMITER.search(text) or is_rule(text):
            continue
        first, last = index, index
        while (
            first > 0
            and not taken[first - 1]
            and lines[first - 1].text.strip()
            and _joined(lines, first)
            and index - first < 3
        ):
            first -= 1
        while (
            last + 1 < len(lines) and not taken[last + 1] and "|" in lines[last + 1].text and _joined(lines, last + 1)
        ):
            last += 1
        starts, length = [], 0
        for line in lines[first : last + 1]:
            starts.append(length)
            length += len(line.text) + 1
        yield first, last, starts, "\n".join(line.text for line in lines[first : last + 1])
        free = last + 1
