"""What stands in the columns behind the name of a torchinfo row: which cell belongs to which column, and what it says.

Cells are parted by blanks and may be longer than their column, so the order of the columns counts first, the place
on the line only where cells are missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from grader.architecture.readers.printed import PrintedNumber, PrintedShape

# Cells repeat from row to row: each text is read once.
REMEMBERED = 2_048

# What the columns are called, by our names, and what may stand in them.
TITLES = {
    "input shape": "input",
    "output shape": "output",
    "kernel shape": "kernel",
    "param #": "parameters",
    "param %": "share",
    "mult-adds": "mult_adds",
    "trainable": "trainable",
}
_TITLE = re.compile(
    r"(?:input|output|kernel) ?shape|param(?:eter)?s? ?\\?[#%]|mult[- ]?adds|trainable", re.IGNORECASE | re.ASCII
)
_SHAPES = frozenset({"input", "output", "kernel"})
_COUNTS = frozenset({"parameters", "mult_adds"})
_FLAT = r"[^\[\](){}]{0,400}"
_BRACKETED = rf"[\[({{]{_FLAT}(?:[\[({{]{_FLAT}[\])}}]{_FLAT}){{0,50}}[\])}}]"
_TOKEN = re.compile(_BRACKETED + r"[,.;]?|\S+")
_COUNT = re.compile(r"\(?\d{1,3}(?:,\d{3})+\)?|\(?\d+\)?", re.ASCII)
_PIECE = re.compile(r"\(?[\d,]+\)?", re.ASCII)
_INNERMOST = re.compile(r"[\[({]([^\[\](){}]*)[\])}]")
_FILLING = dict.fromkeys(map(ord, "[](){},; ?'\""))  # what may stand between the shapes of a nested cell
_EMPTY = frozenset({"--", "-", "—", "–", "(recursive)", "recursive", "n/a", "---", "−−"})
_FLAGS = frozenset({"true", "false", "partial", "--"})
_INNER_MARKS = "├└─|+- "


class Column(NamedTuple):
    """A column: our name for it, and where its title begins on the header's line."""

    name: str
    start: int


class Cell(NamedTuple):
    """The text of a cell and where it begins on its line."""

    start: int
    text: str


def columns_in(header: str) -> tuple[Column, ...]:
    """The columns that a header names, in order, without the one of the names.

    >>> [column.name for column in columns_in("Layer (type:depth-idx)    Output Shape     Param #")]
    ['output', 'parameters']
    """
    made: list[Column] = []
    for match in _TITLE.finditer(header):
        title = match[0].lower().replace("\\", "").replace("parameters", "param").replace("params", "param")
        title = title.replace("mult adds", "mult-adds").replace("multadds", "mult-adds")
        if title not in TITLES:
            title = title.replace("shape", " shape").replace("#", " #").replace("%", " %").replace("  ", " ")
        name = TITLES.get(title.replace("parameter ", "param "))
        if name is not None and all(column.name != name for column in made):
            made.append(Column(name, match.start()))
    return tuple(made)


def cells_in(text: str, start: int = 0) -> list[Cell]:
    """The cells from `start` on: brackets hold together, blanks part.

    >>> [cell.text for cell in cells_in("[1, 3, 32, 32]   (recursive)  1,728")]
    ['[1, 3, 32, 32]', '(recursive)', '1,728']
    """
    return [Cell(match.start(), match[0]) for match in _TOKEN.finditer(text, start)]


def arranged(cells: Sequence[Cell], columns: Sequence[Column]) -> tuple[dict[str, str], int] | None:
    """Which cell stands in which column, and how many cells are left behind the last column; None if they do not fit.

    Every column has its cell in the result unless cells are missing; then the place on the line decides.
    """
    if len(cells) > len(columns):
        cells = _joined(cells)
    if len(cells) >= len(columns):
        if all(fits(column.name, cell.text) for column, cell in zip(columns, cells, strict=False)):
            found = {column.name: cell.text for column, cell in zip(columns, cells, strict=False)}
            return found, len(cells) - len(columns)
        return None
    return _by_place(cells, columns)


def _by_place(cells: Sequence[Cell], columns: Sequence[Column]) -> tuple[dict[str, str], int] | None:
    """Cells are missing: each goes to the first column that it fits and that it does not stand far before."""
    found: dict[str, str] = {}
    at = 0
    for cell in cells:
        nearest = min(
            (index for index in range(at, len(columns)) if fits(columns[index].name, cell.text)),
            key=lambda index: abs(columns[index].start - cell.start),
            default=None,
        )
        if nearest is None:
            return None
        found[columns[nearest].name] = cell.text
        at = nearest + 1
    return found, 0


def _joined(cells: Sequence[Cell]) -> list[Cell]:
    """Counts that a blank broke ("2,359 ,296"), put together again."""
    made: list[Cell] = []
    for cell in cells:
        last = made[-1].text if made else ""
        if last and _PIECE.fullmatch(cell.text) and _PIECE.fullmatch(last) and "," in last + cell.text:
            text = last + cell.text
            if _COUNT.fullmatch(text):
                made[-1] = Cell(made[-1].start, text)
                continue
        made.append(cell)
    return made


@lru_cache(maxsize=REMEMBERED)
def fits(column: str, text: str) -> bool:
    """True if `text` can stand in the column."""
    lowered = text.lower()
    if column in _SHAPES:
        if column == "kernel" and text.isascii() and text.isdecimal():
            return True  # a pooling's kernel of one number
        return lowered in _EMPTY or (text[0] in "[({" and text[-1] in "])},;" and not text.startswith("(rec"))
    if column in _COUNTS:
        return lowered in _EMPTY or _COUNT.fullmatch(text.lstrip(_INNER_MARKS)) is not None
    if column == "share":
        return lowered in _EMPTY or text.endswith("%")
    return lowered in _FLAGS


@lru_cache(maxsize=REMEMBERED)
def kind_of_cell(text: str) -> str:
    """What an unlabelled cell can only be: "shape", "count", "share", "flag", "empty", or "" for none of them."""
    lowered = text.lower()
    if lowered in _EMPTY:
        return "empty"
    if lowered in _FLAGS:
        return "flag"
    if text.endswith("%"):
        return "share"
    if _COUNT.fullmatch(text):
        return "count"
    return "shape" if shapes_of(text) else ""


@lru_cache(maxsize=REMEMBERED)
def shapes_of(text: str) -> tuple[PrintedShape, ...] | None:
    """Every shape of a cell; () for an empty one, None if it cannot be read.

    >>> shapes_of("[-1, 16, 28, 28]"), shapes_of("[[1, 3], [1, 4]]"), shapes_of("--"), shapes_of("[1, ...]")
    (((None, 16, 28, 28),), ((1, 3), (1, 4)), (), None)
    >>> shapes_of("[[5, 1, 6], [[1, 1, 6], '?']]")
    ((5, 1, 6), (1, 1, 6))
    """
    if text.lower() in _EMPTY:
        return ()
    inner = text.strip(",;. ")
    if len(inner) < 2 or inner[0] not in "[({" or inner[-1] not in "])}":
        return None
    flat = _shape(inner[1:-1])
    if flat is not None:
        return (flat,) if flat else ()
    shapes = [_shape(match[1]) for match in _INNERMOST.finditer(inner)]
    if None in shapes or _INNERMOST.sub("", inner).translate(_FILLING):
        return None
    return tuple(shape for shape in shapes if shape)


def _shape(text: str) -> PrintedShape | None:
    sizes: list[int | None] = []
    plain = text.replace(";", ",").strip(", ")
    for piece in plain.split(",") if plain else ():
        size = piece.strip()
        if size.isascii() and size.isdigit() and len(size) < 20:
            sizes.append(int(size))
        elif size in {"-1", "None", "−1", "–1"}:
            sizes.append(None)
        else:
            return None
    return tuple(sizes)


def count_of(text: str, line: int) -> PrintedNumber | None:
    """The count of a cell, without the brackets of frozen parameters; None for an empty one.

    >>> int(count_of("(1,728)", 4).value)
    1728
    """
    if text.lower() in _EMPTY:
        return None
    digits = text.lstrip(_INNER_MARKS).strip("()").replace(",", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 40:
        return None
    return PrintedNumber(Fraction(int(digits)), _EXACT, line, text)


_EXACT = Fraction(0)
