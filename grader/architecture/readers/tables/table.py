"""What is a table, whoever drew it? Cells with their lines, rows, a header: the nouns of every table reader."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from enum import StrEnum

from grader.frozen import dataclass


class Style(StrEnum):
    """How the table was drawn."""

    MARKDOWN = "markdown"  # pipes, box characters and ASCII grids too
    FLATTENED = "flattened"  # Markdown that ran together in one paragraph
    HTML = "html"
    LATEX = "latex"
    COLUMNS = "columns"  # blanks between aligned columns
    TABS = "tabs"
    COMMAS = "commas"  # or semicolons
    STACKED = "stacked"  # the text of a PDF: one cell a line


# Cells and rows are never changed; like `Line`, they are too many to be frozen.
@dataclass(slots=True, unsafe_hash=True)
class Cell:
    r"""One cell as a person sees it, without emphasis marks.

    `parts`      what is stacked in it, top first (<br>, several lines); () where it is empty
    `line`       line of the file that its text begins on
    `columns`    how many columns it spans; the columns that it spans beyond its own hold empty cells with `is_merged`
    `is_merged`  it repeats or continues a cell that spans this place (rowspan, colspan, \multirow)

    >>> Cell(("Conv2D", "BatchNorm2d"), line=7).text
    'Conv2D BatchNorm2d'
    """

    parts: tuple[str, ...] = ()
    line: int = 0
    columns: int = 1
    is_merged: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.parts)


@dataclass(slots=True, unsafe_hash=True)
class TableRow:
    """One row, as wide as its table. `is_header` marks a second header in the middle of a table."""

    cells: tuple[Cell, ...]
    line: int
    last_line: int
    is_header: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(cell.text for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """A table: every row has `width` cells.

    `header`   the texts above the columns, where the table has a header row; () where it has none. Header rows
               on top of each other are joined column by column ("Accuracy" above "train" is "Accuracy train")
    `rows`     the rows below the header, in order; never the header or a rule
    `caption`  what stands on or under it as its caption, where the format says so (HTML, LaTeX)
    """

    style: Style
    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    first_line: int
    last_line: int
    header_line: int = 0
    caption: str = ""

    @property
    def width(self) -> int:
        return max((len(self.header), *(len(row.cells) for row in self.rows)), default=0)


@dataclass(slots=True)
class Found:
    """A table and the lines (indices into the lines read) that it took, the last one included.

    `make`  makes the table, once it is asked for: of many nobody wants to know more than where they are
    """

    first: int
    last: int
    make: Table | Callable[[], Table]

    @property
    def table(self) -> Table:
        if not isinstance(self.make, Table):
            self.make = self.make()
        return self.make


_BREAK = re.compile(r"<br\s{0,4}/?>|</?(?:p|div|li|ul|ol)\b[^<>]{0,200}>", re.IGNORECASE)
# Nothing in a text of these characters needs cleaning.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;()[]/+-=#%|")
_TAG = re.compile(
    r"</?(?:b|i|em|strong|code|span|sub|sup|u|font|small|tt|center|a|kbd|pre)\b[^<>]{0,400}>", re.IGNORECASE
)


def parts_of(text: str) -> tuple[str, ...]:
    """The texts stacked in a cell, cleaned of tags, entities and emphasis.

    >>> parts_of("**Fully-**<br>`Connected`"), parts_of(" ")
    (('Fully-', 'Connected'), ())
    """
    if _PLAIN.issuperset(text):
        return (text.strip(),) if text and not text.isspace() else ()
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    if "&" in text:
        text = html.unescape(text)
    cleaned = (without_emphasis(part.strip()) for part in text.replace("\xa0", " ").split("\n"))
    return tuple(part for part in cleaned if part)


def without_emphasis(text: str) -> str:
    """The text without backticks and Markdown's marks for bold and italics; a product's `*` stays.

    >>> without_emphasis("**Total**"), without_emphasis("`(1*5*5+1)*6`"), without_emphasis("*total* params")
    ('Total', '(1*5*5+1)*6', 'total params')
    """
    if "`" in text:
        text = text.replace("`", "")
    if "**" in text and text.count("**") % 2 == 0 and not re.search(r"\d\s?\*\*\s?\d", text):
        text = text.replace("**", "")
    if "__" in text and text.startswith("__") and text.endswith("__") and len(text) > len("____"):
        text = text[2:-2]
    if text.count("*") == 2 and text.startswith("*"):
        text = text.replace("*", "")
    if len(text) > 2 and text[0] == text[-1] == "_":
        text = text[1:-1]
    return text.strip()


def padded(cells: list[Cell], width: int, line: int) -> tuple[Cell, ...]:
    """The cells, with empty ones behind them up to `width`."""
    return (*cells, *(Cell(line=line) for _ in range(width - len(cells))))


_NUMERIC = re.compile(r"[-+~≈<>]?\s?[$€]?\d[\d.,'e+\-_ ]{0,30}\s?(?:%|[kKMGB]{1,2})?")


def is_numeric(text: str) -> bool:
    """True for a number, a percentage, a pair of them, or a dash: what stands under a header, seldom in one.

    >>> [is_numeric(text) for text in ("0.745", "98.3 %", "0.89 / 0.91", "-", "3x3", "Conv2D")]
    [True, True, True, True, False, False]
    """
    text = text.strip().strip("*`$")
    if not text:
        return False
    if len(text) > 60:
        return False
    return all(_NUMERIC.fullmatch(part.strip()) or set(part.strip()) <= set("-–—−") for part in text.split("/"))
