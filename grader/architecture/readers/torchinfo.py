"""What does a tree printed by torchinfo, or by its ancestor torch-summary, say?

Every version is read: `Layer (type:depth-idx)`, `Layer (type (var_name))` and both, columns in any order, branches as
box characters, in ASCII, damaged or lost, the tree pasted into a Markdown or LaTeX table, rows wrapped over lines.
A row's depth is that of its label ("2-3"), else that of its branch.

Source:  torchinfo 0.0.9 to 1.8.0 and torch-summary 1.1 to 1.4.5, formatting.py and layer_info.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field, replace
from math import prod

from grader.architecture.readers import _tree_cells as tree_cells
from grader.architecture.readers._gaps import LEFT_OUT, is_gap
from grader.architecture.readers._torch_names import LEAVES
from grader.architecture.readers._tree_cells import Cell, Column
from grader.architecture.readers._tree_rows import Style, TreeRow, are_cells, has_branch, has_label, row_in
from grader.architecture.readers._tree_totals import totals_in
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.documents.report_lines import Line
from grader.frozen import dataclass

LONGEST_LINE = 2_000  # characters; a row is never longer
PATIENCE = 8  # lines of something else that may stand between two rows, or between the rows and the totals
WRAPPED = 8  # lines that one row may be wrapped over

_HEADER = re.compile(r"Layer ?\(type[^|&]{0,30}\)", re.IGNORECASE)
_RULE = re.compile(r"[=\-_─━═+| :]{5,}|\\(?:hline|toprule|midrule|bottomrule)")
_OWN_TITLES = frozenset({"input", "kernel", "share", "mult_adds"})  # "Trainable" is a title of fastai's flat print too


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    r"""Every torchinfo tree in the lines, in order. Linear in the length of the text; never raises.

    >>> from grader.documents.report_lines import Line
    >>> text = "Layer (type:depth-idx)    Param #\n======\nNet    --\n├─Linear: 1-1    7,850\nTotal params: 7,850"
    >>> [summary] = read([Line(number, one) for number, one in enumerate(text.splitlines(), 1)])
    >>> [(row.type, row.depth, row.parameters and int(row.parameters.value)) for row in summary.rows]
    [('Net', 0, None), ('Linear', 1, 7850)]
    """
    found: list[PrintedSummary] = []
    tree: _Tree | None = None
    for line in lines:
        text = line.text
        if len(text) > LONGEST_LINE:
            continue
        if tree is not None and line.part != tree.part:
            tree.close(found)
            tree = None
        if "ayer" in text and _HEADER.search(text):
            if tree is not None:
                tree.close(found)
            tree = _started(line)
        elif tree is not None:
            if not tree.take(line):
                tree.close(found)
                tree = _headless(line)
        elif "1-1" in text or "├" in text or "└" in text:
            tree = _headless(line)
    if tree is not None:
        tree.close(found)
    return tuple(found)


def _started(line: Line) -> _Tree:
    """A tree that begins at this header."""
    text = line.text
    columns = tree_cells.columns_in(text)
    lowered = text.lower().replace("\\", "")
    has_labels, has_variables = "idx" in lowered, "var_name" in lowered
    style = Style(
        columns,
        separator="|" if text.count("|") > 1 else "&" if "&" in text else "",
        indent=len(text) - len(text.lstrip()),
        has_labels=has_labels,
        has_variables=has_variables,
        is_tree=has_labels or has_variables or any(column.name in _OWN_TITLES for column in columns),
    )
    return _Tree(line.number, line.part, style)


def _headless(line: Line) -> _Tree | None:
    """A tree whose header was left out: it begins at a row that only torchinfo prints."""
    is_labelled = has_label(line.text)
    if not (is_labelled or has_branch(line.text)):
        return None
    tree = _Tree(line.number, line.part, Style(has_labels=is_labelled))
    return tree if tree.take(line) and tree.open is not None else None


@dataclass(slots=True)
class _Tree:
    """A tree as it is read, line by line."""

    first_line: int
    part: int
    style: Style
    rows: list[PrintedRow] = field(default_factory=list)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waiting: list[Unread] = field(default_factory=list)
    open: TreeRow | None = None
    last_line: int = 0
    misses: int = 0

    def take(self, line: Line) -> bool:
        """Read a line; False if the summary ended before it."""
        text = line.text
        if not text.strip() or _RULE.fullmatch(text.strip(" `")):
            return True
        is_first = not self.rows and self.open is None
        if not self.totals:
            row = row_in(text, line.number, self.style, is_first=is_first)
            if row is not None:
                self._finish()
                self.open = row
                self._read_to(line.number)
                return True
        elif has_label(text):
            return False
        totals = totals_in(text, line.number)
        if totals:
            if self.totals.keys() & totals.keys():
                return False
            self._finish()
            self.totals.update(totals)
            self._read_to(line.number)
            return True
        return self._goes_on(line, is_first=is_first)

    def _goes_on(self, line: Line, *, is_first: bool) -> bool:
        """A line that is neither row nor total: the rest of a wrapped row, another title of the header, or prose."""
        if self._is_rest(line):
            return True
        if is_first:
            known = {column.name for column in self.style.columns}
            more = tuple(column for column in tree_cells.columns_in(line.text) if column.name not in known)
            if more:
                self.style = replace(self.style, columns=self.style.columns + more)
                return True
        self.misses += 1
        if not self.totals and (self.rows or self.open is not None):
            if is_gap(line.text):
                self.waiting.append(Unread(line.number, line.text, LEFT_OUT))
            elif self.rows and _looks_like_row(line.text):
                why = "it looks like a row of the tree and cannot be read as one"
                self.waiting.append(Unread(line.number, line.text, why))
        return self.misses <= PATIENCE

    def _is_rest(self, line: Line) -> bool:
        """The rest of a wrapped row: nothing but cells, and the row still waits for some."""
        row, wanted = self.open, len(self.style.columns)
        if row is None or line.number - row.line > WRAPPED:
            return False
        begin = next((at for at, cell in enumerate(row.cells) if _open_brackets(cell.text) > 0), -1)
        if begin >= 0:
            # Inside a bracket a terminal breaks anywhere: "[2, 1" goes on with "0]".
            text = " ".join(cell.text for cell in row.cells[begin:]) + line.text.strip(" |`")
            more = tree_cells.cells_in(text)
            if _open_brackets(text) > 0 or not are_cells(more):
                return False
            row.cells = [*row.cells[:begin], *more]
        else:
            more = tree_cells.cells_in(line.text)
            if len(row.cells) + len(more) > wanted or not are_cells(more):
                return False
            row.cells = [*row.cells, *(Cell(LONGEST_LINE + cell.start, cell.text) for cell in more)]
        row.last_line = line.number
        self._read_to(line.number)
        return True

    def _read_to(self, number: int) -> None:
        """The line is part of the summary, and so is what stood between it and the last such line."""
        self.unread += self.waiting
        self.waiting.clear()
        self.last_line = number
        self.misses = 0

    def _finish(self) -> None:
        """The open row is whole: read its cells."""
        row, self.open = self.open, None
        if row is None:
            return
        if not self.style.columns and row.cells:
            self.style = replace(self.style, columns=_guessed(row.cells))
            self.notes.append("the header is missing: the columns are told by what stands in them")
        if row.is_parameter:
            self._check_parameter(row)
            return
        columns = self.style.columns
        fitted = tree_cells.arranged(row.cells, columns)
        cells, extra = fitted if fitted is not None else ({}, 0)
        missing = [column.name for column in columns if column.name not in cells]
        if fitted is None:
            self._cannot(row, "its cells do not fit the columns of the header")
        elif missing:
            self._cannot(row, f"no cell for the column {missing[-1]}" if row.cells else "the row has no cells")
        if extra:
            row.mended.append("what stands behind the last column is left out")
        self.rows.append(self._printed(row, cells))

    def _cannot(self, row: TreeRow, why: str) -> None:
        self.unread.append(Unread(row.line, row.said, why))

    def _check_parameter(self, row: TreeRow) -> None:
        """A parameter's own line (`verbose=2`) is counted in its module already: only its arithmetic is checked."""
        shape = next((cell.text for cell in row.cells if cell.text[0] in "[("), "--")
        count = next((cell.text for cell in row.cells if cell.text[0] in "├└"), "--")
        shapes, number = tree_cells.shapes_of(shape), tree_cells.count_of(count, row.line)
        if shapes is None or (number is None and count != "--"):
            self._cannot(row, "a parameter's own line that cannot be read")
        elif shapes and number is not None:
            product = prod(size or 1 for size in shapes[0])
            if product != number.value:
                self._cannot(row, f"the sizes of this parameter multiply to {product:,}")

    def _printed(self, row: TreeRow, cells: dict[str, str]) -> PrintedRow:
        shapes = {}
        for column in ("input", "output", "kernel"):
            read = tree_cells.shapes_of(cells[column]) if column in cells else ()
            if read is None and column == "kernel" and cells[column].isdecimal():
                read = ((int(cells[column][:18]),),)
            if read is None:
                self._cannot(row, f"the shape {cells[column][:60]!r} cannot be read")
            shapes[column] = read or ()
        count = cells.get("parameters", "")
        parameters = tree_cells.count_of(count, row.line) if count else None
        flag = cells.get("trainable", "").lower()
        is_frozen = flag == "false" or (parameters is not None and count.startswith("("))
        return PrintedRow(
            row.line,
            row.name,
            row.type,
            row.last_line or row.line,
            row.depth,
            row.number,
            shapes["output"],
            shapes["input"],
            shapes["kernel"][0] if shapes["kernel"] else None,
            parameters,
            is_counted=not count or parameters is not None,
            is_recursive="recursive" in count.lower(),
            is_trainable=False if is_frozen else True if flag == "true" else None,
            mult_adds=tree_cells.count_of(cells["mult_adds"], row.line) if "mult_adds" in cells else None,
            mended=tuple(row.mended),
        )

    def close(self, found: list[PrintedSummary]) -> None:
        """Hand over what was read, unless no tree followed the header."""
        self._finish()
        if not self.rows or not (self.style.is_tree or any(row.depth for row in self.rows)):
            return
        root = self.rows[0]
        found.append(
            PrintedSummary(
                Format.TORCHINFO,
                self.first_line,
                max(self.last_line, self.rows[-1].last_line),
                _cut(self.rows),
                self.totals,
                root.inputs if root.depth == 0 else (),
                ("name", *(column.name for column in self.style.columns)),
                root.type if root.depth == 0 else "",
                tuple(sorted(self.unread, key=lambda one: one.line)),
                tuple(dict.fromkeys(self.notes)),
            )
        )


def _cut(rows: Sequence[PrintedRow]) -> tuple[PrintedRow, ...]:
    """The rows, those at the deepest level marked as cut that may hold more and show nothing below them."""
    deepest = max(row.depth for row in rows)
    return tuple(
        replace(row, is_cut=True) if row.depth == deepest > 0 and row.type not in LEAVES else row for row in rows
    )


def _guessed(cells: Sequence[Cell]) -> tuple[Column, ...]:
    """Columns told by what stands in them: shapes are input and output in this order, counts parameters first."""
    kinds = [tree_cells.kind_of_cell(cell.text) for cell in cells]
    is_two = kinds.count("shape") == 2
    names = {"shape": ["input", "output"] if is_two else ["output"], "flag": ["trainable"], "share": ["share"]}
    names["count"] = ["parameters", "mult_adds"]
    made: list[Column] = []
    for cell, kind in zip(cells, kinds, strict=True):
        wanted = names.get("count" if kind == "empty" else kind)
        if wanted:
            made.append(Column(wanted.pop(0), cell.start))
    return tuple(made)


def _open_brackets(text: str) -> int:
    return text.count("[") + text.count("(") - text.count("]") - text.count(")")


def _looks_like_row(text: str) -> bool:
    return has_branch(text) or text.rstrip().endswith("--") or ("  " in text.strip() and has_label(text))
