"""Which row of a torchinfo tree is a line: its class, its label "2-3", its depth, and the cells behind the name?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field

from grader.architecture.readers import _tree_cells as tree_cells
from grader.architecture.readers._tree_cells import Cell, Column
from grader.frozen import dataclass

_LABEL = re.compile(
    r"\b([A-Za-z_]\w{0,99}(?: ?[1-3]d)?)((?: ?\([^()]{0,80}\))?) ?: ?(\d{1,4}) ?[-–−] ?(\d{1,7})(?![\d-])", re.ASCII
)
_NAME = re.compile(r"([A-Za-z_]\w{0,99})( ?\([^()]{1,80}\))?(?=\s|$)", re.ASCII)
_DEPTH_ONLY = re.compile(r"([A-Za-z_]\w{0,99})( ?\([^()]{1,80}\))?: ?(\d{1,4})(?=\s|$)", re.ASCII)  # containers of 2020
_PARAMETER = re.compile(r"[\w.-]{1,200}(?=\s|$)", re.ASCII)
_BEGIN = re.compile(r"\w", re.ASCII)
_TEES = "├└┣┗╠╚"
_BARS = re.compile(r"[│|┃║¦]")
_WHOLE_BRANCH = frozenset("│|└├─┣┗ +")
# How UTF-8 looks when it was taken for another code page, the usual one first.
_CODE_PAGES = ("cp1252", "latin-1", "cp437", "cp850")


@dataclass(frozen=True, slots=True)
class Style:
    """What the header says about the rows.

    `indent`  blanks before the header;  `separator`  "|" or "&" where the tree was pasted into a table
    `has_labels`, `has_variables`  rows carry ": 2-3" and "(conv1)";  `is_tree`  the header is torchinfo's for certain
    """

    columns: tuple[Column, ...] = ()
    separator: str = ""
    indent: int = 0
    has_labels: bool = True
    has_variables: bool = False
    is_tree: bool = False


@dataclass(slots=True)
class TreeRow:
    """A row whose cells may still go on in the next lines. `is_parameter`: one that `verbose=2` lists below a layer."""

    line: int
    name: str
    type: str
    depth: int
    number: int | None
    cells: list[Cell]
    mended: list[str] = field(default_factory=list)
    last_line: int = 0
    is_parameter: bool = False

    @property
    def said(self) -> str:
        return " ".join([self.name, *(cell.text for cell in self.cells)])


def has_label(text: str) -> bool:
    """True if a class with a label such as "Conv2d: 2-3" stands in the text."""
    return "-" in text and _LABEL.search(text) is not None


def has_branch(text: str) -> bool:
    """True if a branch of a tree is drawn in box characters."""
    return "├─" in text or "└─" in text


def row_in(text: str, line: int, style: Style, *, is_first: bool) -> TreeRow | None:
    """The row that a line holds, None if it holds none. `is_first`: no row was read before, so it may be the root."""
    if "$" in text or "\\" in text:
        text = text.replace("\\!", "").replace("{,}", ",").replace("$", "").replace("\\_", "_")
    name, rest = _split(text, style)
    name = name.replace("\\", "")
    label = _LABEL.search(name) if "-" in name and ":" in name else None
    if label is not None:
        cells = tree_cells.cells_in(rest) if rest else tree_cells.cells_in(name, label.end())
        return _labelled(name, line, label, cells, style, is_first=is_first)
    return _unlabelled(name, line, rest, style, is_first=is_first)


def _split(text: str, style: Style) -> tuple[str, str]:
    """The part of a table's line that holds the name, and the cells behind it parted by blanks."""
    separator = style.separator
    if not separator or separator not in text:
        return text, ""
    body = text.rstrip().removesuffix("\\hline").rstrip().removesuffix("\\\\").rstrip()
    if separator == "|":
        body = body.removesuffix("|")
    wanted = max(len(style.columns), 1)
    pieces = body.rsplit(separator, wanted)
    if len(pieces) <= wanted:
        return text, ""
    name = pieces[0].lstrip()
    if separator == "|":
        name = name.removeprefix("|")
    return name.replace("`", ""), "   ".join(piece.strip(" `*$") or "--" for piece in pieces[1:])


def _labelled(
    text: str, line: int, label: re.Match[str], cells: list[Cell], style: Style, *, is_first: bool
) -> TreeRow | None:
    if not are_cells(cells[:1]) or (is_first and not style.is_tree and not are_cells(cells)):
        return None  # prose that mentions a row
    type_, depth = label[1], int(label[3])
    row = TreeRow(line, label[0].strip(), type_, depth, int(label[4]), cells)
    if " " in type_:
        row.type = type_.replace(" ", "")
        row.name = row.name.replace(type_, row.type)
        row.mended.append(f"the class was broken by a blank: {type_!r}")
    prefix = text[: label.start()]
    branch = _branch_depth(prefix, style.indent)
    if branch is not None and branch != depth and _WHOLE_BRANCH.issuperset(prefix):
        row.mended.append(f"its branch is that of depth {branch}, its label that of depth {depth}")
    elif branch is None and prefix.strip():
        row.mended.append("its branch is damaged; the depth is that of its label")
    return row


def _unlabelled(text: str, line: int, rest: str, style: Style, *, is_first: bool) -> TreeRow | None:
    """A row without "2-3": the root, a parameter, or any row where the labels were switched off."""
    begin = _BEGIN.search(text)
    if begin is None:
        return None
    start = begin.start()
    prefix = text[:start]
    if not prefix.isascii() and not any(tee in prefix for tee in _TEES):
        mended = _unscrambled(text)
        if mended is not None:
            return _unlabelled(mended, line, rest, style, is_first=is_first)
    branch = _branch_depth(prefix, style.indent)
    label = _DEPTH_ONLY.match(text, start) if style.has_labels else None
    if label is not None and (branch is not None or style.is_tree):
        cells = tree_cells.cells_in(rest) if rest else tree_cells.cells_in(text, label.end())
        return TreeRow(line, label[0], label[1], int(label[3]), None, cells) if are_cells(cells) else None
    is_drawn = branch is not None or start == style.indent + 2  # flat rows (branching=False) indent parameters by 2
    match = _NAME.match(text, start) or (_PARAMETER.match(text, start) if is_drawn else None)
    if match is None:
        return None
    cells = tree_cells.cells_in(rest) if rest else tree_cells.cells_in(text, match.end())
    if not are_cells(cells) or (not rest and style.separator and not is_first):
        return None
    class_, variable = match[1] if match.re is _NAME else match[0], match[2] if match.re is _NAME else None
    if branch is None:
        if is_first and style.columns and not prefix.strip("|` "):
            return TreeRow(line, match[0].strip(), class_, 0, None, cells) if cells or style.is_tree else None
        if not is_first and _is_flat_parameter(text[start:], cells, style):
            return TreeRow(line, match[0].strip(), class_, 1, None, cells, is_parameter=True)
        is_lost = not style.has_labels and style.is_tree and len(cells) >= len(style.columns) > 0
        if not is_lost:
            return None
        branch = max(0, round((start - style.indent - 2) / 5) + 1)
    elif not cells and not style.columns:
        return None
    row = TreeRow(line, match[0].strip(), class_, branch, None, cells)
    row.is_parameter = not is_first and _is_parameter(class_, variable, cells, style)
    if style.has_labels and not row.is_parameter:
        row.mended.append("its label is missing; the depth is that of its branch")
    return row


def _is_parameter(class_: str, variable: str | None, cells: Sequence[Cell], style: Style) -> bool:
    """True for a line that `verbose=2` adds below a layer: "weight", "0.bias", often with a branch before its count."""
    if any(cell.text[0] in "├└" for cell in cells):
        return True
    if variable is not None:
        return False
    is_marked = style.has_labels or style.has_variables
    return len(cells) < len(style.columns) or "." in class_ or (is_marked and not class_[0].isupper())


def _is_flat_parameter(name: str, cells: Sequence[Cell], style: Style) -> bool:
    """True for a parameter of torch-summary's flat print: "  0.weight", with at most a kernel shape behind it."""
    if not (style.has_labels and style.is_tree) or name[0].isupper():
        return False
    return cells[0].text[0] == "[" and len(cells) == 1 if cells else "weight" in name


def are_cells(cells: Sequence[Cell]) -> bool:
    """True if nothing but cells of a tree's columns stands there."""
    for cell in cells:
        text = cell.text
        if (
            not tree_cells.kind_of_cell(text)
            and text[0] not in "[("
            and not tree_cells.kind_of_cell(text.lstrip("├└─+ "))
        ):
            return False
    return True


def _branch_depth(prefix: str, indent: int) -> int | None:
    """The depth that the characters before a name draw, None where they draw no branch.

    >>> _branch_depth("├─", 0), _branch_depth("│    │    └─", 0), _branch_depth("|    + ", 0), _branch_depth("  ", 0)
    (1, 3, 2, None)
    """
    drawn = prefix.strip()
    if not drawn or not (any(mark in drawn for mark in _TEES) or drawn[-1] in "+─-"):
        return None
    if bars := len(_BARS.findall(drawn)):
        return bars + 1
    begin = next((at for at, mark in enumerate(prefix) if mark in _TEES + "+"), len(prefix) - len(prefix.lstrip()))
    return 1 if "├" in drawn else max(1, round((begin - indent) / 5) + 1)


def _unscrambled(text: str) -> str | None:
    """UTF-8 that was taken for another code page, mended; None if it was not that."""
    for code in _CODE_PAGES:
        try:
            mended = text.encode(code).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if any(mark in mended for mark in _TEES):
            return mended
    return None
