"""What does a tree printed by torchinfo, or by its ancestor torch-summary, say?

Every version is read: `Layer (type:depth-idx)`, `Layer (type (var_name))` and both, columns in any order, branches as
box characters, in ASCII, damaged or lost, the tree pasted into a Markdown or LaTeX table, rows wrapped over lines.
A row's depth is that of its label ("2-3"), else that of its branch.

Source:  torchinfo 0.0.9 to 1.8.0 and torch-summary 1.1 to 1.4.5, formatting.py and layer_info.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from grader.architecture.readers import _tree_cells as tree_cells
from grader.architecture.readers._torch_names import LEAVES
from grader.architecture.readers._tree_cells import Cell, Column
from grader.architecture.readers._tree_totals import totals_in
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary, Unread
from grader.documents.report_lines import Line, Source

LONGEST_LINE = 2_000  # characters; a row is never longer
PATIENCE = 8  # lines of something else that may stand between two rows, or between the rows and the totals
WRAPPED = 8  # lines that one row may be wrapped over

_HEADER = re.compile(r"Layer ?\(type[^|&]{0,30}\)", re.IGNORECASE)
_LABEL = re.compile(
    r"\b([A-Za-z_]\w{0,99}(?: ?[1-3]d)?)((?: ?\([^()]{0,80}\))?) ?: ?(\d{1,4}) ?[-–−] ?(\d{1,7})(?![\d-])",
    re.ASCII,
)
_NAME = re.compile(r"([A-Za-z_][\w.]{0,199})( ?\([^()]{1,80}\))?(?=\s|$)", re.ASCII)
_TEE = "├└┣┗╠╚"
_RULE = re.compile(r"[=\-_─━═+| :]{5,}|\\(?:hline|toprule|midrule|bottomrule)")
_BARS = re.compile(r"[│|┃║¦]")


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
        if tree is not None and (line.source is Source.CODE or line.part != tree.part):
            _close(tree, found)
            tree = None
        if "ayer" in text and _HEADER.search(text):
            _close(tree, found)
            tree = _started(line)
        elif tree is not None:
            if not tree.take(line):
                _close(tree, found)
                tree = _headless(line)
        elif "1-1" in text or "├" in text or "└" in text:
            tree = _headless(line)
    _close(tree, found)
    return tuple(found)


def _started(line: Line) -> _Tree | None:
    if line.source is Source.CODE:
        return None
    text = line.text
    separator = "|" if text.count("|") > 1 else "&" if "&" in text else "\t" if "\t" in text.strip() else ""
    lowered = text.lower()
    return _Tree(
        line.number,
        line.part,
        tree_cells.columns_in(text),
        separator=separator,
        indent=len(text) - len(text.lstrip()),
        has_labels="idx" in lowered,
        is_tree="idx" in lowered or "var_name" in lowered.replace("\\", ""),
    )


def _headless(line: Line) -> _Tree | None:
    """A tree whose header was left out: it begins at a row that only torchinfo prints."""
    if line.source is Source.CODE:
        return None
    label = _LABEL.search(line.text)
    is_branch = any(mark in line.text for mark in ("├─", "└─"))
    if label is None and not is_branch:
        return None
    tree = _Tree(line.number, line.part, (), has_labels=label is not None)
    return tree if tree.take(line) and tree.rows else None


def _close(tree: _Tree | None, found: list[PrintedSummary]) -> None:
    if tree is not None:
        summary = tree.summary()
        if summary is not None:
            found.append(summary)


@dataclass(slots=True)
class _Row:
    """A row whose cells may still go on in the next lines."""

    line: int
    name: str
    type: str
    depth: int
    number: int | None
    cells: list[Cell]
    mended: list[str] = field(default_factory=list)
    last_line: int = 0
    has_branch: bool = False
    has_label: bool = False


@dataclass(slots=True)
class _Tree:
    """A tree as it is read, line by line."""

    first_line: int
    part: int
    columns: tuple[Column, ...]
    separator: str = ""
    indent: int = 0
    has_labels: bool = True
    is_tree: bool = False
    rows: list[PrintedRow] = field(default_factory=list)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waiting: list[Unread] = field(default_factory=list)
    open: _Row | None = None
    last_line: int = 0
    misses: int = 0

    def take(self, line: Line) -> bool:
        """Read a line; False if the summary ended before it."""
        text = line.text
        if not text.strip() or _RULE.fullmatch(text.strip(" `")):
            return True
        if not self.rows and self.open is None and not self.columns:
            self._more_titles(text)
        if self._is_row(line):
            return True
        if self.totals and self._has_label(text):
            return False
        totals = totals_in(text, line.number)
        if totals:
            if any(name in self.totals and name != "parameters" for name in totals):
                return False
            self._finish()
            for name, number in totals.items():
                self.totals.setdefault(name, number)
            self._read_to(line.number)
            return True
        return self._goes_on(line)

    def _goes_on(self, line: Line) -> bool:
        """A line that is neither row nor total: the rest of a wrapped row, another title of the header, or prose."""
        text = line.text
        if self._is_rest(line):
            return True
        if not self.rows and self.open is None:
            titles = tree_cells.columns_in(text)
            if titles and len(self.columns) < len(tree_cells.TITLES):
                known = {column.name for column in self.columns}
                self.columns += tuple(column for column in titles if column.name not in known)
                return True
        self.misses += 1
        if self.rows and not self.totals and _looks_like_row(text):
            self.waiting.append(Unread(line.number, text, "it looks like a row of the tree and cannot be read as one"))
        return self.misses <= PATIENCE

    def _more_titles(self, text: str) -> None:
        if "hape" in text or "aram" in text:
            self.columns = tree_cells.columns_in(text)

    def _has_label(self, text: str) -> bool:
        return "-" in text and _LABEL.search(text) is not None

    def _is_row(self, line: Line) -> bool:
        if self.totals:
            return False
        text = line.text
        name, rest, offset = self._split(text)
        row = self._named(line.number, name, rest, offset)
        if row is None:
            return False
        self._finish()
        self.open = row
        self._read_to(line.number)
        return True

    def _split(self, text: str) -> tuple[str, str, int]:
        """The part of the line that holds the name, the rest, and where the rest begins."""
        if not self.separator or self.separator not in text:
            return text, "", 0
        wanted = max(len(self.columns), 1)
        body = text.rstrip().removesuffix("\\hline").rstrip().removesuffix("\\\\").rstrip()
        if self.separator == "|":
            body = body.removesuffix("|")
        pieces = body.rsplit(self.separator, wanted)
        if len(pieces) <= wanted:
            return text, "", 0
        name = pieces[0].lstrip()
        if self.separator == "|":
            name = name.removeprefix("|")
        rest = "   ".join(piece.strip(" `*$") or "--" for piece in pieces[1:])
        return name.strip("`").replace("`", ""), rest, len(pieces[0]) + 1

    def _named(self, line: int, name: str, rest: str, offset: int) -> _Row | None:
        if "\\" in name:
            name = name.replace("\\_", "_").replace("\\", "")
        if "-" in name and ":" in name:
            label = _LABEL.search(name)
            if label is not None:
                cells = tree_cells.cells_in(rest) if rest else tree_cells.cells_in(name, label.end())
                return self._labelled(line, name, label, cells)
        return self._unlabelled(line, name, rest, offset)

    def _labelled(self, line: int, text: str, label: re.Match[str], cells: list[Cell]) -> _Row | None:
        if not self.rows and self.open is None and not self.is_tree and not _is_cells(cells):
            return None
        if cells and not _is_cells(cells[:1]):
            return None  # prose that mentions a row
        type_, depth = label[1], int(label[3])
        row = _Row(line, label[0].strip(), type_, depth, int(label[4]), cells, has_label=True)
        if " " in type_:
            row.type = type_.replace(" ", "")
            row.name = row.name.replace(type_, row.type)
            row.mended.append(f"the class was broken by a blank: {type_!r}")
        prefix = text[: label.start()]
        branch = _branch_depth(prefix, self.indent)
        row.has_branch = branch is not None
        if branch is not None and branch != depth and prefix.strip("│|└├─┣┗ +") == "":
            row.mended.append(f"its branch is that of depth {branch}, its label that of depth {depth}")
        elif branch is None and prefix.strip():
            row.mended.append("its branch is damaged; the depth is that of its label")
        return row

    def _unlabelled(self, line: int, text: str, rest: str, offset: int) -> _Row | None:
        """A row without "2-3": the root, or any row where the labels were switched off."""
        start = 0
        while start < len(text) and not (text[start].isascii() and (text[start].isalpha() or text[start] == "_")):
            start += 1
        prefix = text[:start]
        if not prefix.isascii() and start < len(text) and not any(tee in prefix for tee in _TEE):
            repaired = _unscrambled(text)
            if repaired is not None:
                return self._unlabelled(line, repaired, rest, offset)
        match = _NAME.match(text, start)
        if match is None:
            return None
        cells = tree_cells.cells_in(rest) if rest else tree_cells.cells_in(text, match.end())
        is_first = not self.rows and self.open is None
        is_root = is_first and bool(self.columns) and not prefix.strip("|` ")
        branch = _branch_depth(prefix, self.indent)
        if is_root and branch is None:
            if self.separator and not rest:
                return None
            if not (_is_cells(cells) if cells else self.is_tree):
                return None
            return _Row(line, match[0].strip(), match[1], 0, None, cells)
        if branch is None and (self.has_labels or not self._is_plain_tree(cells)):
            return None
        if self.has_labels and not self._is_inner(match, cells):
            return None
        if not self.rows and self.open is None and not cells:
            return None
        if not _is_cells(cells):
            return None
        depth = branch if branch is not None else max(0, round((start - self.indent - 2) / 5) + 1)
        return _Row(line, match[0].strip(), match[1], depth, None, cells, has_branch=branch is not None)

    def _is_plain_tree(self, cells: list[Cell]) -> bool:
        """True if a row without branch may belong to this tree: its branches were lost and its cells are whole."""
        return self.is_tree and bool(self.columns) and len(cells) >= len(self.columns)

    def _is_inner(self, match: re.Match[str], cells: list[Cell]) -> bool:
        """A parameter of the module above, as `verbose=2` lists them."""
        return not match[2] and (match[1][0].islower() or "." in match[1] or match[1][0] == "_") and bool(cells)

    def _is_rest(self, line: Line) -> bool:
        """The rest of a wrapped row: nothing but cells, and the row still waits for some."""
        row = self.open
        if row is None or line.number - row.line > WRAPPED:
            return False
        is_full = not self.columns or len(row.cells) >= len(self.columns)
        if is_full and (not row.cells or row.cells[-1].text[0] not in "[("):
            return False
        cells = row.cells
        last = cells[-1].text if cells else ""
        is_broken = bool(last) and (_depth_of_brackets(" ".join(cell.text for cell in cells)) > 0)
        if is_broken:
            begin = next((i for i, cell in enumerate(cells) if _depth_of_brackets(cell.text) > 0), len(cells))
            text = " ".join(cell.text for cell in cells[begin:]) + " " + line.text.strip(" |`")
            more = tree_cells.cells_in(text)
            if not more or _depth_of_brackets(text) > 0 or not _is_cells(more):
                return False
            row.cells = [*cells[:begin], *more]
        else:
            more = tree_cells.cells_in(line.text)
            if len(cells) + len(more) > len(self.columns) or not _is_cells(more):
                return False
            row.cells = [*cells, *(Cell(10_000 + cell.start, cell.text) for cell in more)]
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
        if not self.columns:
            self.columns = _guessed(row.cells)
            if self.columns and row.cells:
                self.notes.append("the header is missing: the columns are told by what stands in them")
        if not row.has_label and self.rows and self._is_parameter(row):
            self._check_inner(row)
            return
        said = " ".join([row.name, *(cell.text for cell in row.cells)])
        fitted = tree_cells.arranged(row.cells, self.columns)
        if fitted is None:
            self.unread.append(Unread(row.line, said, "its cells do not fit the columns of the header"))
            fitted = ({}, 0)
        cells, extra = fitted
        if extra:
            row.mended.append("what stands behind the last column is left out")
        missing = [column.name for column in self.columns if column.name not in cells]
        if missing and row.cells:
            self.unread.append(Unread(row.line, said, f"no cell for the column {missing[-1]}"))
        elif missing:
            self.unread.append(Unread(row.line, said, "the row has no cells"))
        self.rows.append(self._printed(row, cells, said))

    def _is_parameter(self, row: _Row) -> bool:
        if not self.has_labels and (row.has_branch and "(" in row.name):
            return False
        is_marked = any(cell.text[0] in "├└" for cell in row.cells)
        return is_marked or (row.type[0].islower() and self.has_labels and row.has_branch)

    def _check_inner(self, row: _Row) -> None:
        """A parameter's own line (`verbose=2`) is counted in its module already: only its arithmetic is checked."""
        shape = next((cell.text for cell in row.cells if cell.text[0] in "[("), "--")
        count = next((cell.text for cell in row.cells if cell.text[0] in "├└" or cell.text[:1].isdigit()), "--")
        shapes, number = tree_cells.shapes_of(shape), tree_cells.count_of(count, row.line)
        said = " ".join([row.name, *(cell.text for cell in row.cells)])
        if shapes is None or (number is None and count != "--"):
            self.unread.append(Unread(row.line, said, "a parameter's own line that cannot be read"))
        elif shapes and number is not None:
            product = 1
            for size in shapes[0]:
                product *= size or 1
            if product != number.value:
                self.unread.append(Unread(row.line, said, f"the sizes of this parameter multiply to {product:,}"))

    def _printed(self, row: _Row, cells: dict[str, str], said: str) -> PrintedRow:
        shapes = {}
        for column in ("input", "output", "kernel"):
            read = tree_cells.shapes_of(cells[column]) if column in cells else ()
            if read is None:
                self.unread.append(Unread(row.line, said, f"the shape {cells[column][:60]!r} cannot be read"))
            shapes[column] = read or ()
        count = cells.get("parameters", "")
        parameters = tree_cells.count_of(count, row.line) if count else None
        is_frozen = parameters is not None and count.startswith("(")
        flag = cells.get("trainable", "").lower()
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
            is_trainable=False if is_frozen or flag == "false" else True if flag == "true" else None,
            mult_adds=tree_cells.count_of(cells["mult_adds"], row.line) if "mult_adds" in cells else None,
            mended=tuple(row.mended),
        )

    def summary(self) -> PrintedSummary | None:
        """What was read, or None where no tree followed the header."""
        self._finish()
        is_tree = self.is_tree or any(row.depth for row in self.rows)
        if not self.rows or not is_tree:
            return None
        rows = _cut(self.rows)
        root = rows[0]
        return PrintedSummary(
            Format.TORCHINFO,
            self.first_line,
            max(self.last_line, rows[-1].last_line),
            rows,
            self.totals,
            root.inputs if root.depth == 0 else (),
            ("name", *(column.name for column in self.columns)),
            root.type if root.depth == 0 else "",
            tuple(sorted(self.unread, key=lambda one: one.line)),
            tuple(dict.fromkeys(self.notes)),
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


def _is_cells(cells: Sequence[Cell]) -> bool:
    return all(tree_cells.kind_of_cell(cell.text.lstrip("├└─+ ")) or cell.text[0] in "[(" for cell in cells)


def _depth_of_brackets(text: str) -> int:
    return sum(text.count(mark) for mark in "[(") - sum(text.count(mark) for mark in "])")


def _branch_depth(prefix: str, indent: int) -> int | None:
    """The depth that the characters before a name draw, None where they draw no branch.

    >>> _branch_depth("├─", 0), _branch_depth("│    │    └─", 0), _branch_depth("|    + ", 0), _branch_depth("  ", 0)
    (1, 3, 2, None)
    """
    drawn = prefix.strip()
    if not drawn or not (any(mark in drawn for mark in _TEE) or drawn[-1] in "+─-"):
        return None
    if bars := len(_BARS.findall(drawn)):
        return bars + 1
    begin = next((at for at, mark in enumerate(prefix) if mark in _TEE + "+"), len(prefix) - len(prefix.lstrip()))
    return 1 if "├" in drawn else max(1, round((begin - indent) / 5) + 1)


def _unscrambled(text: str) -> str | None:
    """UTF-8 that was read as another code page, mended; None if it was not that."""
    for code in ("cp1252", "latin-1", "cp437", "cp850"):
        try:
            mended = text.encode(code).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if any(mark in mended for mark in _TEE):
            return mended
    return None


def _looks_like_row(text: str) -> bool:
    if any(mark in text for mark in _TEE):
        return True
    return text.rstrip().endswith("--") or (_LABEL.search(text) is not None and "  " in text.strip())
