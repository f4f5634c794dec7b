"""What does one row of a flat print say? `Conv2d-1   [-1, 32, 28, 28]   320`, whole or damaged.

The grammar is that of torchsummary and its relatives: a class and a number, bracketed shapes, counts. Columns of
other tools' making behind the count (formulas of a student's own) are passed over.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from grader.architecture.readers._torch_names import CONTAINERS, LEAVES
from grader.architecture.readers.printed import PrintedNumber, PrintedRow, PrintedShape

_HEAD = re.compile(
    r"(?P<lead>[\s|`*\"'&#]*(?:[\w.]+(?:/[\w.]+)*\s+)?)(?P<type>[A-Za-z_]\w*)\s?-\s?(?P<number>\d{1,6})(?P<gap>[\s|`*:&]*)",
    re.ASCII,
)
_COUNT = re.compile(r"(?P<digits>\d{1,3}(?:(?:[,.'_ ]|&nbsp;)\d{3})+(?![\d,])|\d+)(?P<rest>.*)", re.ASCII | re.DOTALL)
_TYPESET = re.compile(r"\\[!,;:> ]|\\(?:quad|qquad|hline|hfill|text(?:bf|tt|rm)|mathbf|mathrm)\b|\$|\\\\")
_RULE = frozenset("-=_─━═+|│┃:* ")
MAX_ROW = 4_000  # letters; no tool prints a longer one


@dataclass(frozen=True, slots=True)
class FlatRow:
    """The pieces of a row: groups of shapes by column, counts in order, and what stands behind them."""

    type: str
    number: int
    columns: tuple[tuple[PrintedShape, ...], ...]
    counts: tuple[PrintedNumber, ...]
    has_empty_count: bool
    behind: str
    parents: str


def untypeset(text: str) -> str:
    r"""A line without LaTeX's typesetting and emphasis; blanks keep their number where there was none.

    >>> untypeset(r"Conv2d-4 & $[-1,\;\;32,\ 14]$ & $2,\!359,\!808$ \\\\")
    'Conv2d-4 & [-1,  32, 14] & 2,359,808 '
    """
    if "$" not in text and "\\" not in text and "{,}" not in text:
        return text
    text = text.replace("{,}", ",").replace("\\#", "#").replace("\\_", "_").replace("\\!", "").replace("\\,", "")
    text = text.replace("\\[", "[").replace("\\]", "]").replace("\\left", "").replace("\\right", "")
    return _TYPESET.sub(lambda found: " " if found[0][1:2] in "; :>" and found[0] != "\\\\" else "", text)


def is_rule(text: str) -> bool:
    """True for an empty line, a drawn line, or a Markdown fence."""
    stripped = text.strip()
    return set(stripped) <= _RULE or stripped.startswith(("```", "~~~"))


def flat_row(text: str, line: int) -> FlatRow | None:
    """The pieces of a row; None where the line is none.

    >>> row = flat_row("            Conv2d-1           [-1, 32, 28, 28]             320", 4)
    >>> row.type, row.number, row.columns, int(row.counts[0].value)
    ('Conv2d', 1, (((None, 32, 28, 28),),), 320)
    """
    if "-" not in text or ("[" not in text and "(" not in text) or len(text) > MAX_ROW:
        return None
    text = untypeset(text)
    head = _HEAD.match(text)
    if head is None:
        return None
    rest = text[head.end() :]
    if not rest.startswith(("[", "(")):
        return None
    columns: list[tuple[PrintedShape, ...]] = []
    joined = False
    while rest.startswith(("[", "(")):
        end = _closing(rest)
        shapes = shapes_in(rest[:end]) if end else None
        if shapes is None:
            return None
        if joined:
            columns[-1] += shapes
        else:
            columns.append(shapes)
        rest = rest[end:]
        after = rest.lstrip(" |`*&\t")
        joined = after.startswith(",") and after[1:].lstrip().startswith(("[", "("))
        rest = after[1:].lstrip() if joined else after
    counts, is_empty, behind = _counts(rest, line)
    if not counts and not is_empty:
        return None
    return FlatRow(
        head["type"], int(head["number"]), tuple(columns), counts, is_empty, behind, head["lead"].strip(" |`*\"'&#")
    )


def _closing(text: str) -> int:
    """The place behind the bracket that closes the first one; 0 where none does."""
    depth = 0
    for at, sign in enumerate(text):
        if sign in "[(":
            depth += 1
        elif sign in "])":
            depth -= 1
            if depth == 0:
                return at + 1
    return 0


_INNER = re.compile(r"[\[(]([^\[\]()]*)[\])]")


def shapes_in(text: str) -> tuple[PrintedShape, ...] | None:
    """Every shape in brackets, whatever they are nested in; None where a size is no number.

    >>> shapes_in("[[-1, 64, 64, 64], [-1, 64, 128, 128]]"), shapes_in("torch.Size([4, x])")
    (((None, 64, 64, 64), (None, 64, 128, 128)), None)
    """
    made: list[PrintedShape] = []
    for inner in _INNER.findall(text):
        sizes: list[int | None] = []
        for piece in re.split(r"[,;]", inner.strip(" ,;")):
            size = piece.strip()
            if size.isascii() and size.isdigit() and len(size) < 16:
                sizes.append(int(size))
            elif size in {"-1", "- 1", "–1", "None", "?"}:
                sizes.append(None)
            elif size or inner.strip():
                return None
        made.append(tuple(sizes))
    return tuple(made) if made else None


def _counts(text: str, line: int) -> tuple[tuple[PrintedNumber, ...], bool, str]:
    """The counts at the start of `text`, whether an empty cell stands there instead, and what is left."""
    rest = text.strip(" |`*&\t\"',;")
    if re.match(r"-{1,3}(?!\d)|–|—", rest) or not rest:
        return (), bool(rest), rest
    made: list[PrintedNumber] = []
    while True:
        found = _COUNT.match(rest)
        if found is None or len(found["digits"]) > 40:
            break
        digits = found["digits"]
        value = re.sub(r"[,.'_ ]|&nbsp;", "", digits)
        made.append(PrintedNumber(Fraction(int(value)), Fraction(0), line, digits))
        rest = found["rest"].lstrip(' |`*&\t"')
        if not rest[:1].isdigit():
            break
    return tuple(made), False, rest


# --- damaged rows: the cells of a table that cut through the words -------------------------------------

_CLASSES = LEAVES | CONTAINERS


def glued(cells: Sequence[str]) -> str:
    """The cells of a table that was cut through its words, as one text: what stands on both sides of a cut, once.

    >>> glued(["ReLU", "J-2 [-1, 3", "32, 28, 2", "8] 0"]), glued(["28] 32", "20"])
    ('ReLUJ-2 [-1, 32, 28, 28] 0', '28] 320')
    """
    made = ""
    for cell in cells:
        piece = cell.strip()
        if made and piece:
            alike = next((n for n in range(min(6, len(made), len(piece)), 0, -1) if made[-n:] == piece[:n]), 0)
            if alike and made[-alike:].isalnum():
                piece = piece[alike:]
        made += piece
    return made


def mended_row(text: str, line: int) -> tuple[FlatRow, tuple[str, ...]] | None:
    """A row that a conversion cut into cells at the wrong places, put together again, and what had to be done."""
    plain = untypeset(text)
    if "|" not in plain or len(plain) > MAX_ROW:
        return None
    whole = glued([cell for cell in plain.strip().strip("|").split("|") if cell.strip()])
    whole = re.sub(r"\s+", "", whole)
    whole = re.sub(r"\[-1(?=\d)", "[-1,", whole)  # torchsummary's batch axis is -1, and a comma follows it
    row = flat_row(whole, line)
    if row is None:
        return None
    notes = [f"the cells of line {line} cut through its words; they were put together"]
    name = class_name(row.type)
    if name != row.type:
        notes.append(f"{row.type!r} was read as {name}")
    return FlatRow(name, row.number, row.columns, row.counts, row.has_empty_count, row.behind, row.parents), tuple(
        notes
    )


def class_name(written: str) -> str:
    """The class that was meant, where one letter too many stands at its end.

    >>> class_name("ReLUJ"), class_name("Linear"), class_name("MyBlock")
    ('ReLU', 'Linear', 'MyBlock')
    """
    return written[:-1] if written not in _CLASSES and written[:-1] in _CLASSES else written


_LABELS = {
    "total params": "parameters",
    "trainable params": "trainable",
    "non-trainable params": "non_trainable",
}


def mended_total(text: str, line: int) -> dict[str, PrintedNumber]:
    """A total in a line that was cut into cells: {} where there is none."""
    if "|" not in text or not any(sign.isdigit() for sign in text) or len(text) > MAX_ROW:
        return {}
    whole = glued([cell for cell in untypeset(text).strip().strip("|").split("|") if cell.strip()])
    label, mark, digits = whole.partition(":")
    count = digits.replace(" ", "").replace(",", "")
    if not mark or not (count.isascii() and count.isdigit()) or len(count) > 30:
        return {}
    near = difflib.get_close_matches(label.strip().lower()[:40], _LABELS, n=1, cutoff=0.85)
    if not near:
        return {}
    return {_LABELS[near[0]]: PrintedNumber(Fraction(int(count)), Fraction(0), line, digits.strip())}


def printed_row(row: FlatRow, line: int, last: int, mended: tuple[str, ...], columns: Sequence[str]) -> PrintedRow:
    """The row by the columns of its header ("input" and "output" in their order)."""
    shapes = dict(zip(columns, row.columns, strict=False))
    return PrintedRow(
        line=line,
        last_line=last,
        name=f"{row.type}-{row.number}",
        type=row.type,
        number=row.number,
        outputs=shapes.get("output", ()),
        inputs=shapes.get("input", ()),
        parameters=row.counts[0] if row.counts else None,
        is_counted=bool(row.counts),
        mended=mended,
    )
