r"""Where are tables, and what stands in their cells? Pipes, tabs, wide blanks, HTML rows, LaTeX rows with "&".

Only the cut into rows and cells is made here; `tabled` says what the numbers in them are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from grader.answers.claims.cleaning import clean
from grader.answers.claims.tokens import Kind, tokens_of_label
from grader.answers.claims.vocabulary import metric_phrase
from grader.documents.report_lines import Line, Source
from grader.frozen import dataclass

_RULE = re.compile(r"^[\s|+:=\-–—_┌┐└┘├┤┬┴┼─═╞╡╪│╔╗╚╝╠╣╦╩╬\\]*$|^\s*\\(?:hline|toprule|midrule|bottomrule|cline)")
_LATEX_RULE = re.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|cmidrule(?:\([^)]{0,20}\))?\{[^}]{0,20}\}|cline\{[^}]{0,20}\})"
)
_SPAN = re.compile(r"\\multi(?:column|row)\{(\d{1,2})\}\{[^{}]{0,40}\}\{")
_WIDE = re.compile(r"\t+| {2,}")
_CELL = re.compile(r"<t[dh]\b([^>]{0,300})>(.*?)(?=</t[dh]>|<t[dh]\b|</tr|$)", re.IGNORECASE | re.DOTALL)
_COLSPAN = re.compile(r"colspan\s*=\s*[\"']?(\d{1,2})", re.IGNORECASE)
MAX_COLUMNS = 60
MOST_HTML = 5_000  # lines of a table
MOST_WIDE = 2_000
LONGEST_ROW = 50  # lines that a row of LaTeX may take
LONGEST_COLUMN = 30  # characters of the head of a comma-separated column


@dataclass(slots=True)
class Row:
    """One row: the line of its first cell, and the cells' cleaned texts; `cell_lines` where they stand elsewhere."""

    line: int
    cells: list[str]
    is_head: bool = False
    cell_lines: list[int] = field(default_factory=list)

    def line_of(self, column: int) -> int:
        return self.cell_lines[column] if column < len(self.cell_lines) else self.line


@dataclass(slots=True)
class Grid:
    """A table: its rows, and which of the given lines it takes (`first` up to before `end`)."""

    rows: list[Row]
    first: int
    end: int
    kind: str


def find_grids(lines: Sequence[Line]) -> list[Grid]:
    """All tables of `lines` with at least two rows (a row of one number and its label counts).

    >>> [grid] = find_grids(
    ...     [Line(1, "| | Train | Test |"), Line(2, "|---|---|---|"), Line(3, "| Accuracy | 0.9 | **0.8** |")]
    ... )
    >>> [row.cells for row in grid.rows], grid.first, grid.end
    ([['', 'Train', 'Test'], ['Accuracy', '0.9', '0.8']], 0, 3)
    """
    found: list[Grid] = []
    hopeless = dict.fromkeys((_html, _latex, _wide), 0)  # before which line none of this kind begins, it is known
    at = 0
    while at < len(lines):
        text = lines[at].text
        grid: Grid | int | None = None
        kind = None
        if "|" in text or "│" in text or "┃" in text:
            grid = _flattened(lines, at) if _FLAT.search(text) else _pipes(lines, at)
        elif "<t" in text or "<T" in text:
            kind = _html
        elif "&" in text or "\\begin{tabular" in text:
            kind = _latex
        elif ("\t" in text or "   " in text) and lines[at].source is not Source.CODE:
            kind = _wide
        elif text.count(",") > 1 and text[:1].isalpha():
            grid = _commas(lines, at)
        if kind is not None and at >= hopeless[kind]:
            grid = kind(lines, at)
            if isinstance(grid, int):
                hopeless[kind] = grid
        if isinstance(grid, Grid):
            found.append(grid)
            at = grid.end
        else:
            at += 1
    return found


_FLAT = re.compile(r"\|\s*\|(?:\s*:?[-—–]{2,}:?\s*\|){2,}")


def _flattened(lines: Sequence[Line], at: int) -> Grid | None:
    """A Markdown table that ran together in one paragraph: the line of dashes tells how many columns."""
    first = at
    text, starts = "", []
    while at < len(lines) and "|" in lines[at].text and at - first < 200:
        starts.append((len(text), lines[at].number))
        text += " " + lines[at].text
        at += 1
    found = _FLAT.search(text)
    if found is None:
        return None
    width = found[0].count("|") - 2
    head = text[: found.start()].split("|")[-width:]
    cells = text[found.end() :].replace("\\|", "¦").split("|")
    rows = [Row(starts[0][1], [clean(cell).strip() for cell in head], is_head=True)]
    place = found.end()
    for start in range(0, len(cells) - width, width + 1):
        piece = cells[start + 1 : start + 1 + width] if not cells[start].strip() else cells[start : start + width]
        line = next((number for offset, number in reversed(starts) if offset <= place), starts[0][1])
        rows.append(Row(line, [clean(cell).strip() for cell in piece]))
        place += sum(len(cell) + 1 for cell in cells[start : start + width + 1])
    return Grid(rows, first, at, "flattened") if len(head) == width and len(rows) > 1 else None


def _commas(lines: Sequence[Line], at: int) -> Grid | None:
    """A file of comma-separated values: a head of words that names a metric, then rows of as many numbers."""
    head = [cell.strip() for cell in lines[at].text.split(",")]
    if len(head) > MAX_COLUMNS or any(not cell[:1].isalpha() or len(cell) > LONGEST_COLUMN for cell in head):
        return None
    rows = [Row(lines[at].number, head, is_head=True)]
    first = at
    at += 1
    while at < len(lines) and lines[at].text.count(",") == len(head) - 1:
        cells = [cell.strip() for cell in lines[at].text.split(",")]
        if sum(map(is_number_cell, cells)) * 2 < len(cells):
            break
        rows.append(Row(lines[at].number, cells))
        at += 1
    return Grid(rows, first, at, "commas") if len(rows) > 1 else None


def _pipes(lines: Sequence[Line], at: int) -> Grid | None:
    rows: list[Row] = []
    first = at
    while at < len(lines) and (
        "|" in lines[at].text
        or "│" in lines[at].text
        or (rows and _RULE.match(lines[at].text) and lines[at].text.strip())
    ):
        text = lines[at].text.strip().replace("│", "|").replace("┃", "|")
        if not _RULE.match(text) and text.count("|") < MAX_COLUMNS:
            if text.count("|") < 2 and not rows and not (at + 1 < len(lines) and _is_divider(lines[at + 1].text)):
                return None
            inner = text.replace("\\|", "¦").removeprefix("|").removesuffix("|")
            cells = [clean(cell).strip() for cell in inner.split("|")]
            rows.append(Row(lines[at].number, cells))
        at += 1
    return (
        Grid(rows, first, at, "markdown")
        if len(rows) > 1 or (rows and len(rows[0].cells) > 1 and at - first > 1)
        else None
    )


def _is_divider(text: str) -> bool:
    return "-" in text and "|" in text and not text.strip(" |:-")


def _html(lines: Sequence[Line], at: int) -> Grid | int | None:
    """The table, or up to which line there is none for want of rows."""
    low = lines[at].text.casefold()
    if "<table" not in low and "<tr" not in low and "<td" not in low:
        return None
    first = at
    text: list[tuple[int, str]] = []
    while at < len(lines) and at - first < MOST_HTML:
        text.append((lines[at].number, lines[at].text))
        at += 1
        if "</table" in text[-1][1].casefold():
            break
        if at < len(lines) and lines[at].text.lstrip().startswith(("#", "```")):
            break
    rows: list[Row] = []
    joined, starts, size = [], [], 0
    for number, piece in text:
        starts.append((size, number))
        joined.append(piece)
        size += len(piece) + 1
    whole = "\n".join(joined)
    line_at = 0
    for piece, offset in _html_rows(whole):
        while line_at + 1 < len(starts) and starts[line_at + 1][0] <= offset:
            line_at += 1
        cells: list[str] = []
        cell_lines: list[int] = []
        line_cell = line_at
        for found in _CELL.finditer(piece):
            while line_cell + 1 < len(starts) and starts[line_cell + 1][0] <= offset + found.start(2):
                line_cell += 1
            span = _COLSPAN.search(found[1])
            count = min(int(span[1]), 20) if span else 1
            cells += [" ".join(clean(found[2]).split())] * count
            cell_lines += [starts[line_cell][1]] * count
        if cells and len(cells) < MAX_COLUMNS:
            rows.append(
                Row(
                    cell_lines[0],
                    cells,
                    is_head="<th" in piece.casefold() and "<td" not in piece.casefold(),
                    cell_lines=cell_lines,
                )
            )
    return Grid(rows, first, at, "html") if rows else (first + at) // 2 if at - first >= MOST_HTML else at


def _html_rows(whole: str) -> Iterator[tuple[str, int]]:
    low = whole.casefold()
    at = low.find("<tr")
    if len(low) != len(whole):
        return
    stop = 0
    while at >= 0:
        following = low.find("<tr", at + 3)
        if 0 <= stop < at:  # looked for once where there is none: this is linear
            stop = low.find("</tr", at)
        end = min(x for x in (following, stop, len(whole)) if x >= 0)
        yield whole[at:end], at
        at = following


def _latex(lines: Sequence[Line], at: int) -> Grid | int | None:
    """The table, or up to which line there is none, as no row comes to an end."""
    first = at
    rows: list[Row] = []
    pending, pending_line = "", 0
    begun = at
    while at < len(lines) and at - begun < LONGEST_ROW:
        text = lines[at].text
        bare = _LATEX_RULE.sub("", text).strip()
        if not bare or bare.startswith(("\\begin{tabular", "\\centering", "%")):
            at += 1
            if not bare and not text.strip() and rows:
                break
            continue
        if bare.startswith(("\\end{", "\\caption")) or ("&" not in bare and not pending and not bare.endswith("\\\\")):
            break
        pending_line = pending_line or lines[at].number
        pending += " " + bare
        at += 1
        if "\\\\" in bare or "&" not in "".join(line.text for line in lines[at : at + 1]):
            pieces = [piece for piece in pending.replace("\\&", "＆").split("\\\\") if "&" in piece]
            begun = at
            rows += [
                Row(pending_line, [cell for part in piece.split("&") for cell in _spanned(part)]) for piece in pieces
            ]
            pending, pending_line = "", 0
    if not rows and at - begun >= LONGEST_ROW:
        return (begun + at) // 2
    return Grid(rows, first, max(at, first + 1), "latex") if len(rows) > 1 else None


def _spanned(cell: str) -> list[str]:
    found = _SPAN.search(cell)
    count = min(int(found[1]), 20) if found and "multicolumn" in cell else 1
    text = clean(_SPAN.sub("{", cell)).strip()
    return [text] * count


def _continues(rows: Sequence[Row], text: str) -> bool:
    """Does a table of wide blanks go on behind an empty line? Its next row has a number and as many cells."""
    cells = [cell.strip() for cell in _WIDE.split(text.strip())]
    width = len(rows[0].cells)
    fits = len(cells) in (width, width + 1) or (
        len(cells) == 3 and width >= 3 and metric_phrase([cells[0].casefold()]) is not None
    )
    return fits and len(cells) > 2 and any(is_number_cell(cell) for cell in cells[1:])


def _wide(lines: Sequence[Line], at: int) -> Grid | int | None:
    """Rows of cells that tabs or wide blanks part, all of one width (a head may lack its first cell).

    Or up to which line there is no such table, for want of numbers.
    """
    first = at
    rows: list[Row] = []
    text = lines[at].text
    stripped = text.strip()
    if "  " not in stripped and "\t" not in stripped and not _RULE.match(text):
        return None  # a line of code, mostly: its blanks are all at its margin
    while at < len(lines) and at - first < MOST_WIDE:
        if not lines[at].text.strip() and rows and at + 1 < len(lines) and _continues(rows, lines[at + 1].text):
            at += 1
            continue
        if not lines[at].text.strip():
            break
        if _RULE.match(lines[at].text):
            at += 1
            continue
        cells = [clean(cell).strip() for cell in _WIDE.split(lines[at].text.strip())]
        if len(cells) < 2 or len(cells) > MAX_COLUMNS or "|" in lines[at].text:
            break
        if rows and len(cells) < len(rows[0].cells) and len(cells) == 3 and metric_phrase([cells[0].casefold()]):
            width = max(len(row.cells) for row in rows)
            cells = [
                cells[0],
                *[""] * (width - len(cells)),
                *cells[1:],
            ]  # sklearn's "accuracy": the first columns are empty
        if rows and not (
            len(cells) in (len(rows[0].cells), len(rows[0].cells) + 1) or len(cells) == len(rows[-1].cells)
        ):
            break
        rows.append(Row(lines[at].number, cells))
        at += 1
    if len(rows) < 2:
        return None
    if not any(is_number_cell(cell) for row in rows[1:] for cell in row.cells):
        is_even = len({len(row.cells) for row in rows}) == 1
        end = (first + at) // 2 if at - first >= MOST_WIDE else at
        return end if is_even or at - first > MOST_WIDE // 20 else None
    width = max(len(row.cells) for row in rows)
    for row in rows:
        if len(row.cells) == width - 1:
            row.cells.insert(0, "")
    return Grid(rows, first, at, "wide")


def is_number_cell(cell: str) -> bool:
    """Does a cell hold numbers and no words but "epoch" or a unit: "0.89 / 0.91", "98.2 %", "99.1 ± 0.2"?

    >>> is_number_cell("0.89 / 0.91"), is_number_cell("Model 1"), is_number_cell("~99.1%"), is_number_cell("-")
    (True, False, True, False)
    """
    stripped = cell.strip("*_ ")
    if len(stripped) > LONGEST_NUMBER:
        return False
    head = stripped.lstrip("~≈<>≥≤+-±( .")
    if not head[:1].isdigit():
        return False
    if _PLAIN_NUMBER.fullmatch(stripped):
        return True
    return not any(token.kind is Kind.WORD and token.low not in _IN_NUMBERS for token in tokens_of_label(stripped))


LONGEST_NUMBER = 60  # characters of a cell of numbers
_PLAIN_NUMBER = re.compile(r"[-+~]? ?\d+(?:[.,]\d+)?(?: ?%)?", re.ASCII)


_IN_NUMBERS = frozenset(
    {
        "e",
        "epoch",
        "epochs",
        "x",
        "acc",
        "params",
        "percent",
        "approx",
        "about",
        "of",
        "s",
        "best",
        "m",
        "k",
        "st",
        "nd",
        "th",
    }
)
