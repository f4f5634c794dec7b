r"""Which formulas stand in a report, on which line, and of what? LaTeX between dollars, and plain text among words.

A report is full of fractions and brackets that are no sizes. What is taken has letters, and rounds, divides, defines
something or is a shape: `[B, T, ceil(T/2), C]`, `$$[(W - K + 2P)/S] + 1$$`, `W2 = (W1 - F + 2P)/S + 1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.formulas.lexing import is_symbol
from grader.answers.formulas.reading import Formula, ShapeFormula, parse_formula, parse_shape_formula
from grader.answers.formulas.tree import FUNCTIONS, Call, Name, Negative, Number, Operation, nodes, rounds
from grader.answers.tokens import OPENING
from grader.answers.writing import plain
from grader.documents.report_lines import Line, Source
from grader.frozen import dataclass
from grader.model import Place

MAX_LINE: Final = 8_000  # of a line, so much is looked at
MAX_FORMULA: Final = 600
MAX_LOOKED_AT: Final = 100_000  # characters of lines that may hold a formula; no report has so many
LABEL_REACH: Final = 90

# What a line must hold before anything costly is done with it.
_ANCHOR: Final = re.compile(
    r"floor|ceil|⌊|⌈|\\d?frac|//"
    r"|[\w)\]}]\s?[/÷]\s?[A-Za-z(\\{\d]"  # a division
    r"|[\[(]\s?[A-Za-z]'?\s?,"  # a shape that begins with a letter
    r"|=[^=]{0,40}\\(?:cdot|times)|=[^=]{0,60}[-−–+*·]\s?\(?\d{0,3}\s?[A-Za-z]"  # something is defined
    r"|\$[^$]{1,30}[-−–+*]\s?\d{0,3}\s?[A-Za-z\d]"  # anything between dollars
    r"|[A-Z]'?\s?(?:×|\\times|x)\s?[A-Z(\\]"  # a shape with crosses
)
_PIECE: Final = re.compile(
    r"\d+(?:\.\d+)?|[^\W\d_]+\d*(?:_(?:\{[^{}]{0,20}\}|[^\W_]{1,12}(?:_[^\W_]{1,12})?))?'{0,2}|\s+|."
)
_BREAK: Final = re.compile(r"<br ?/?>")
_BELOW_A_LINE: Final = re.compile(r"\s{0,20}(?:[A-Za-z]{1,2}\d?|\d|\+ ?1| ){1,4}\s{0,20}")  # "SW", "S + 1", "2"
_SIGNS: Final = frozenset("+-*×/%^()[]{}⌊⌋⌈⌉,=≈")
_OPERATORS: Final = frozenset("+-*×/%^=≈,")
_CLOSING: Final = frozenset(OPENING.values())
_LETTERS: Final = frozenset("BTCHWKPSDNFXIOLMbtchwkpsdnfxilmor")
_KNOWN_WORDS: Final = frozenset({"Cin", "Cout", "Hin", "Hout", "Win", "Wout", "frac", "mod"})
_LABELS: Final = (
    ("input", re.compile(r"\binput\b")),
    ("height", re.compile(r"\bheight\b")),
    ("width", re.compile(r"\bwidth\b")),
    ("channels", re.compile(r"\b(?:channels?|depth)\b")),
    ("output", re.compile(r"\b(?:output|result(?:ing)?|out)\b")),
)


@dataclass(frozen=True)
class FoundFormula:
    """A formula of a report.

    `line`   the line of the file, from 1
    `text`   as written, without dollars
    `label`  what the words before it call it: "height", "width", "channels", "input", "output", or ""
    """

    line: int
    text: str
    formula: Formula | ShapeFormula
    label: str = ""
    part: int = 0

    @property
    def name(self) -> str:
        """What stands left of the equals sign, "" where nothing does."""
        return self.formula.name

    @property
    def is_shape(self) -> bool:
        return isinstance(self.formula, ShapeFormula)


def find_formulas(lines: Sequence[Line]) -> tuple[FoundFormula, ...]:
    r"""Every formula in the lines of a report, in their order; code and printed output are passed over.

    The time is bounded: of a text that is all formulas the first 100,000 characters are looked at.

    >>> found = find_formulas(
    ...     [
    ...         Line(4, "the height is $\\text{ceil}(\\frac{T}{2})$ and the width is floor(C/2), as the stride is 2."),
    ...         Line(9, "$$[(W - K + 2P)/S] + 1$$"),
    ...     ]
    ... )
    >>> [(one.line, one.label, str(one.formula)) for one in found]
    [(4, 'height', 'ceil(T/2)'), (4, 'width', 'floor(C/2)'), (9, '', 'floor((W - K + 2*P)/S) + 1')]
    """
    found: list[FoundFormula] = []
    looked_at = 0
    for index, line in enumerate(lines):
        if line.source is not Source.TEXT or not _ANCHOR.search(line.text, 0, MAX_LINE):
            continue
        looked_at += min(len(line.text), MAX_LINE)
        if looked_at > MAX_LOOKED_AT:
            break
        after = lines[index + 1].text if index + 1 < len(lines) else ""
        rows = [*_BREAK.split(line.text[:MAX_LINE]), after]
        for row, below in pairwise(rows):
            is_stacked = bool(_BELOW_A_LINE.fullmatch(below)) and "frac" not in row
            found += (one for one in _in_row(line, row) if not (is_stacked and _lacks_a_divisor(one)))
    return tuple(found)


def _lacks_a_divisor(one: FoundFormula) -> bool:
    """May a fraction have lost its line, so that the divisor stands in the row below?"""
    return "/" not in one.text and not one.is_shape


def _in_row(line: Line, row: str) -> Iterator[FoundFormula]:
    before = ""
    for text, is_mathematics in _segments(row):
        found = list(_in_mathematics(text) if is_mathematics else _in_words(text))
        at = 0
        for start, end, written, formula in found:
            before = (before + text[at:start])[-LABEL_REACH:]
            yield FoundFormula(line.number, written, formula, _label(before), line.part)
            before, at = "", end
        before += text[at:]


def _label(before: str) -> str:
    """The last word before the formula that says what it is of."""
    text = before.casefold()
    best, label = -1, ""
    for name, pattern in _LABELS:
        ends = [match.start() for match in pattern.finditer(text)]
        if ends and ends[-1] > best and not (name == "output" and label in ("height", "width", "channels")):
            best, label = ends[-1], name
    return label


def _segments(text: str) -> list[tuple[str, bool]]:
    """The line in pieces, each mathematics (between dollars or code marks) or words."""
    text = text.replace("\\$", " ").replace("$$", "$").replace("\\(", "$").replace("\\)", "$")
    if "$" not in text or text.count("$") % 2:
        return [(text.replace("$", " "), False)]
    return [(piece, index % 2 == 1) for index, piece in enumerate(text.split("$")) if piece.strip()]


Found = tuple[int, int, str, Formula | ShapeFormula]


def _in_mathematics(text: str) -> Iterator[Found]:
    """All of it as one statement, or as several; else what can be read inside."""
    try:
        line = plain(text, Place(""), limit=MAX_LINE)
    except AnswerError:
        return
    statements = [one for one in line.replace("→", "\n").split("\n") if one.strip()]
    for statement in statements:
        formula = _read(statement)
        if formula is not None and _is_size(formula, is_plain=False):
            yield 0, len(text), text.strip() if len(statements) == 1 else statement.strip(), formula
        elif formula is None:
            yield from ((0, len(text), written, one) for _, _, written, one in _runs_read(statement))


def _in_words(text: str) -> Iterator[Found]:
    try:
        line = plain(text.replace("`", " "), Place(""), limit=MAX_LINE)
    except AnswerError:
        return
    at = 0
    for start, end, written, formula in _runs_read(line):
        # Places in the plain text serve for the words before a formula only: these hardly differ.
        yield max(at, min(start, len(text))), min(end, len(text)), written, formula
        at = min(end, len(text))


def _runs_read(line: str) -> Iterator[Found]:
    for start, end in _runs(line):
        written = line[start:end].strip(" .,;:*-")
        formula = _read(written) if len(written) > 2 else None
        if formula is not None and _is_size(formula, is_plain=True):
            yield start, end, written, formula


def _runs(line: str) -> Iterator[tuple[int, int]]:
    """Stretches of numbers, letters and signs between words; brackets that do not close are left out."""
    start, end = -1, 0
    open_at: list[int] = []
    for match in _PIECE.finditer(line):
        piece = match.group()
        at = match.start()
        if piece.isspace():
            continue
        if piece in _CLOSING and not open_at and start >= 0:
            yield start, end  # the bracket of a sentence around it
            start = -1
            continue
        if not _belongs(piece) or (piece == "," and not open_at):
            if start >= 0:
                yield from _closed(start, end, open_at)
            start, open_at = -1, []
            continue
        if start < 0:
            if piece in _CLOSING:
                continue
            start = at
        if piece in OPENING:
            open_at.append(at)
        elif piece in _CLOSING:
            open_at.pop()
        end = match.end()
    if start >= 0:
        yield from _closed(start, end, open_at)


def _closed(start: int, end: int, open_at: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The stretch, or what stands before and behind its brackets that never close: "W/2 + 1 (see"."""
    if not open_at:
        yield start, end
        return
    yield start, open_at[0]
    yield open_at[-1] + 1, end


def _belongs(piece: str) -> bool:
    if piece[0].isdigit() or piece in _SIGNS or piece.casefold() in FUNCTIONS or piece in _KNOWN_WORDS:
        return True
    letters = piece.rstrip("'").rstrip("0123456789")
    if "_" in piece:
        return len(piece.partition("_")[0]) <= 10
    return letters.isalpha() and is_symbol(letters)


def _read(text: str) -> Formula | ShapeFormula | None:
    """The text as a shape, where it has the form of one, or as a formula; None where it is neither."""
    if not any(char.isalpha() for char in text) or len(text) > MAX_FORMULA:
        return None
    here = Place("")
    right = text.rpartition("=")[2].strip()
    if "," in right or ("×" in text and right[:1] not in "([") or " x " in right:
        try:
            shape = parse_shape_formula(text, here)
        except AnswerError:
            return None if "," in right else _read_formula(text)
        is_product = "," not in right and (bool(shape.name) or any(_is_sum(entry) for entry in shape.entries))
        return _read_formula(text) if is_product or len(shape.entries) < 2 else shape
    return _read_formula(text)


def _is_sum(entry: Formula) -> bool:
    """Is this a sum without brackets? Between crosses it is a part of a product and no size."""
    tree = entry.tree
    is_open = entry.written[:1] not in OPENING or entry.written[-1:] not in _CLOSING
    return isinstance(tree, Operation) and tree.sign in ("+", "-") and is_open


def _read_formula(text: str) -> Formula | None:
    try:
        return parse_formula(text, Place(""))
    except (AnswerError, RecursionError):
        return None


def _is_size(formula: Formula | ShapeFormula, *, is_plain: bool) -> bool:
    """Can it be meant as the size of something?"""
    entries = formula.entries if isinstance(formula, ShapeFormula) else (formula,)
    trees = [entry.tree for entry in entries]
    names = [one.name for tree in trees for one in nodes(tree) if isinstance(one, Name)]
    if not names or not all(_is_size_name(name) for name in names):
        return False
    if isinstance(formula, ShapeFormula):
        is_bracketed = "," in formula.written
        has_formula = any(not isinstance(tree, (Name, Number, Negative)) for tree in trees)
        is_open = has_formula or len(set(names)) > 1  # [B, 64, 16, 16] is a plain shape
        return (
            is_open and len(entries) > 2 and (is_bracketed or has_formula or all(name[0].isupper() for name in names))
        )
    operations = [one for one in nodes(formula.tree) if isinstance(one, (Operation, Call))]
    if not operations or _is_application(formula) or " " in formula.name:
        return False
    if not is_plain:
        return True
    signs = [one.sign for one in operations if isinstance(one, Operation)]
    has_division = "/" in signs or "//" in signs
    is_definition = bool(formula.name) and any(sign in formula.written for sign in "+-*/·")
    return rounds(formula.tree) or is_definition or (has_division and len(signs) > 1 and bool({"+", "-"} & set(signs)))


def _is_size_name(name: str) -> bool:
    base = name.partition("_")[0].rstrip("'").rstrip("0123456789")
    return base in _KNOWN_WORDS or (is_symbol(base) and base[0] in _LETTERS) or name.casefold() in (
        "kernel_size", "stride", "padding", "kernel", "height", "width", "channels", "in_channels", "out_channels",
        "input", "output", "in_size", "out_size", "dilation",
    )  # fmt: skip


def _is_application(formula: Formula) -> bool:
    """A product of two names at most, such as f(x) or O(n): no size is written so."""
    tree = formula.tree
    if not isinstance(tree, Operation) or tree.sign != "*" or formula.name:
        return False
    return isinstance(tree.left, Name) and isinstance(tree.right, Name)
