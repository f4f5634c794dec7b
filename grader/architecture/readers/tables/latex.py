r"""Which tables are written in LaTeX: tabular and its kin, or rows of `a & b \\` pasted without it?"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from grader.architecture.readers.tables.grids import has_header_row, joined_header
from grader.architecture.readers.tables.table import Cell, Found, Style, Table, TableRow, padded, without_emphasis
from grader.documents.report_lines import Line

_ENVIRONMENTS = "tabular|tabularx|tabulary|longtable|supertabular|tabu|tblr|longtblr|array|NiceTabular|xltabular"
_BEGIN = re.compile(rf"\\begin\s{{0,4}}\{{\s{{0,4}}({_ENVIRONMENTS})\*?\s{{0,4}}\}}")
_END = re.compile(rf"\\end\s{{0,4}}\{{\s{{0,4}}({_ENVIRONMENTS})\*?\s{{0,4}}\}}")
_RULE = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|specialrule|Xhline|firsthline|lasthline|hhline|endhead|endfirsthead|endfoot"
    r"|endlastfoot|addlinespace|cline|cmidrule|noalign|rowcolor|rowcolors|rule|vspace|arrayrulecolor)(?![A-Za-z])"
    r"(?:\([^()]{0,20}\))?(?:\[[^\[\]]{0,40}\])?(?:\{[^{}]{0,60}\}){0,3}"
)
_HEAD_RULES = ("\\hline", "\\midrule", "\\endhead", "\\endfirsthead", "\\Xhline", "\\cmidrule")
_SPAN = re.compile(r"\\(multicolumn|multirow)\s{0,4}(?:\[[^\[\]]{0,20}\])?\s{0,4}\{\s{0,4}(\d{1,3})\s{0,4}\}")
_WRAPPERS = re.compile(
    r"\\(?:textbf|textit|emph|texttt|textrm|textsf|textsc|text|underline|makecell|shortstack|thead|centering|mbox|bm"
    r"|mathbf|mathrm|bfseries|itshape|ttfamily|small|footnotesize|scriptsize|tiny|normalsize|large|raggedright|verb"
    r"|parbox|pbox|rotatebox|color|textcolor|cellcolor|centeredcell|num)(?![A-Za-z])"
)
_ESCAPES = {"\\%": "%", "\\_": "_", "\\#": "#", "\\&": "&", "\\{": "{", "\\}": "}", "~": " ", "\\ ": " "}
_MARKS = "\\{}~*_`"  # a cell without any of them is plain text
_MAX_COLUMNS = 200
# What parts rows and cells; an escaped character is no mark.
_MARK = re.compile(r"\\\\(?:\*?\[[^\[\]]{0,20}\])?|\\tabularnewline|\\.|[{}&]", re.DOTALL)


def find(lines: Sequence[Line], taken: bytearray) -> Iterator[Found]:
    r"""Every LaTeX table, with its \begin or without."""
    free = 0
    for index in [index for index, line in enumerate(lines) if "\\" in line.text]:
        if index < free or taken[index]:
            continue
        text = lines[index].text
        first = last = index
        if _BEGIN.search(text):
            last = _end(lines, index, taken)
        elif _is_row(text):
            last = _last_row(lines, index, taken)
        else:
            continue
        table = _table(lines, first, last)
        if table is not None:
            yield Found(first, last, table)
        free = last + 1


def _end(lines: Sequence[Line], first: int, taken: bytearray) -> int:
    last = first
    while not _END.search(lines[last].text):
        after = last + 1
        if after >= len(lines) or taken[after] or lines[after].part != lines[first].part:
            break
        if last > first and _BEGIN.search(lines[after].text):
            break
        last = after
    return last


def _is_row(text: str) -> bool:
    stripped = text.rstrip()
    if "matrix" in stripped or "align" in stripped or "cases" in stripped:
        return False
    return "&" in stripped and "\\\\" in stripped and not stripped.lstrip().startswith(("%", "//"))


def _last_row(lines: Sequence[Line], first: int, taken: bytearray) -> int:
    last = first
    for index in range(first + 1, len(lines)):
        text = lines[index].text.strip()
        if taken[index] or lines[index].part != lines[first].part:
            break
        if _is_row(text):
            last = index
        elif (text and not _RULE.match(text)) or (
            not text and not (index + 1 < len(lines) and _is_row(lines[index + 1].text))
        ):
            break
    return last


def _table(lines: Sequence[Line], first: int, last: int) -> Table | None:
    starts, length = [], 0
    for line in lines[first : last + 1]:
        starts.append(length)
        length += len(line.text) + 1
    text = "\n".join(_without_comment(line.text) for line in lines[first : last + 1])

    def line_at(place: int) -> int:
        return lines[first + bisect_right(starts, place) - 1].number

    begin = _BEGIN.search(text)
    start = (
        _behind_columns(text, begin.end(), is_wide=begin.group(1) in {"tabularx", "tabulary", "xltabular"})
        if begin
        else 0
    )
    stop = _END.search(text, start)
    rows: list[TableRow] = []
    head = -1
    hanging: dict[int, tuple[int, Cell]] = {}
    for pieces in _rows(text, start, stop.start() if stop else len(text)):
        before = pieces[0][1]
        rules = _RULE.findall(before)
        if rows and head < 0 and any(rule.startswith(_HEAD_RULES) for rule in rules):
            head = len(rows)
        cells = _cells(pieces, line_at, len(rows), hanging)
        if any(cell.parts for cell in cells):
            top = min(cell.line for cell in cells if cell.parts)
            rows.append(TableRow(tuple(cells), top, max(cell.line for cell in cells)))
    if not rows or max(len(row.cells) for row in rows) < 2:
        return None
    width = max(len(row.cells) for row in rows)
    rows = [TableRow(padded(list(row.cells), width, row.line), row.line, row.last_line) for row in rows]
    if not 0 < head <= 3 or head >= len(rows):
        head = 0
    if not has_header_row(rows[max(head - 1, 0) :]) and (head == 0 or any(map(_is_count, rows[0].texts))):
        head = 0
    elif head == 0:
        head = 1
    return Table(
        Style.LATEX,
        joined_header(rows[:head]),
        tuple(rows[head:]),
        lines[first].number,
        lines[last].number,
        rows[0].line if head else 0,
        _caption(lines, first, last),
    )


def _is_count(text: str) -> bool:
    return text.replace(",", "").replace(".", "").isdecimal()


def _without_comment(text: str) -> str:
    place = text.find("%")
    while place > 0 and text[place - 1] == "\\":
        place = text.find("%", place + 1)
    return text if place < 0 else text[:place] + " " * (len(text) - place)


def _behind_columns(text: str, place: int, *, is_wide: bool) -> int:
    r"""The place behind `{|c|c|}`, and behind `{\textwidth}` before it."""
    for _ in range(2 if is_wide else 1):
        while place < len(text) and text[place] in " \n[":
            place = text.find("]", place) + 1 or len(text) if text[place] == "[" else place + 1
        if place < len(text) and text[place] == "{":
            place = _closing(text, place) + 1
    return place


def _closing(text: str, place: int, *, limit: int = 2_000) -> int:
    """The place of the brace that closes the one at `place`; the end of the search where there is none."""
    depth = 0
    for at in range(place, min(len(text), place + limit)):
        if text[at] == "{" and text[at - 1] != "\\":
            depth += 1
        elif text[at] == "}" and text[at - 1] != "\\":
            depth -= 1
            if depth == 0:
                return at
    return min(len(text), place + limit) - 1


def _rows(text: str, start: int, stop: int) -> Iterator[list[tuple[int, str]]]:
    r"""The cells of each row as (where, text), parted at `&` and `\\` outside braces."""
    pieces: list[tuple[int, str]] = []
    depth, begin = 0, start
    for mark in _MARK.finditer(text, start, stop):
        found, at = mark.group(), mark.start()
        if found == "{":
            depth += 1
        elif found == "}":
            depth = max(depth - 1, 0)
        elif depth and found != "\\tabularnewline":
            continue
        elif found == "&":
            if len(pieces) < _MAX_COLUMNS:
                pieces.append((begin, text[begin:at]))
            begin = at + 1
        elif found.startswith(("\\\\", "\\tab")):
            pieces.append((begin, text[begin:at]))
            yield pieces
            pieces, begin = [], mark.end()
    if text[begin:stop].strip():
        pieces.append((begin, text[begin:stop]))
        yield pieces


def _cells(
    pieces: list[tuple[int, str]], line_at: Callable[[int], int], row: int, hanging: dict[int, tuple[int, Cell]]
) -> list[Cell]:
    cells: list[Cell] = []
    for place, raw in pieces:
        text = _RULE.sub(lambda rule: " " * len(rule.group()), raw) if "\\" in raw else raw
        line = line_at(place + len(text) - len(text.lstrip()) if text.strip() else place)
        across, down = 1, 1
        for _ in range(2):  # a \multirow inside a \multicolumn
            span = _SPAN.search(text)
            if span is None:
                break
            count = min(int(span.group(2)), _MAX_COLUMNS)
            across, down = (count, down) if span.group(1) == "multicolumn" else (across, count)
            inner = _arguments(text, span.end())
            text = inner[-1] if inner else text[span.end() :]
        parts = _parts(text)
        column = len(cells)
        if not parts and column in hanging and row < hanging[column][0]:
            cells.append(Cell(hanging[column][1].parts, line, is_merged=True))
            continue
        cell = Cell(parts, line, columns=max(across, 1))
        cells.append(cell)
        cells.extend(Cell(line=line, is_merged=True) for _ in range(across - 1))
        if down > 1:
            hanging[column] = (row + down, cell)
    return cells[:_MAX_COLUMNS]


def _arguments(text: str, place: int) -> list[str]:
    """The `{...}` that follow each other from `place` on."""
    found: list[str] = []
    while True:
        while place < len(text) and text[place].isspace():
            place += 1
        if place >= len(text) or text[place] != "{":
            # \multirow{2}*{text} and \multirow{2}{*}[2pt]{text}
            if text.startswith("*", place):
                place += 1
                continue
            if text.startswith("[", place) and "]" in text[place : place + 40]:
                place = text.index("]", place) + 1
                continue
            return found
        close = _closing(text, place)
        found.append(text[place + 1 : close])
        place = close + 1


def _parts(text: str) -> tuple[str, ...]:
    if not any(mark in text for mark in _MARKS):
        joined = " ".join(text.split())
        return (joined,) if joined else ()
    text = _WRAPPERS.sub(" ", text)
    outside = []
    for part in text.replace("\\newline", "\\\\").split("\\\\"):
        cleaned = part
        for escape, plain in _ESCAPES.items():
            cleaned = cleaned.replace(escape, plain)
        cleaned = cleaned.replace("{,}", ",")
        if "$" not in cleaned and "\\" not in cleaned and "^" not in cleaned:
            cleaned = cleaned.replace("{", "").replace("}", "")
        outside.append(without_emphasis(" ".join(cleaned.split())))
    return tuple(part for part in outside if part)


def _caption(lines: Sequence[Line], first: int, last: int) -> str:
    for index in (*range(max(first - 6, 0), first), *range(last + 1, min(last + 6, len(lines)))):
        place = lines[index].text.find("\\caption{")
        if place >= 0:
            start = place + len("\\caption")
            return " ".join(_parts(lines[index].text[start + 1 : _closing(lines[index].text, start)]))
    return ""
