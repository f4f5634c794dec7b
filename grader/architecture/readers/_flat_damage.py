"""How is a row read whose table was cut through its words? `| Conv  | 2d-1 [-1   | 32, 28,     | 28] 32 | 20   |`

A conversion of a PDF that took a plain print for a table: what stands on both sides of a cut often stands there twice.
Only the cutting is undone; what the row says is left as it is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise, product

from grader.architecture.readers._flat_rows import (
    CLASSES,
    EXACT,
    MAX_ROW,
    FlatRow,
    exact_count,
    flat_row,
    untypeset,
)
from grader.architecture.readers.printed import PrintedNumber

_SQUEEZED = re.compile(r"(\w+)-(\d{1,6})(\[[-\d,\[\]]+\])(0|[1-9]\d{0,2}(?:,\d{3})*)", re.ASCII)
_BATCH = re.compile(r"\[-1(?=\d)")  # torchsummary's batch axis is -1, and a comma follows it
_MAX_LETTERS = 300
_MOST_CELLS = 20
_MOST_WAYS = 64
_LABELS = {
    "total params": "parameters",
    "trainable params": "trainable",
    "non-trainable params": "non_trainable",
}


def glued(cells: Sequence[str]) -> str:
    """The cells of a table that was cut through its words, as one text: what stands on both sides of a cut, once.

    >>> glued(["ReLU", "U-4 [-1, 3", "32, 28, 2", "8] 0"])
    'ReLU-4 [-1, 32, 28, 28] 0'
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


def mended_row(text: str, line: int) -> FlatRow | None:
    """A row that a conversion cut into cells at the wrong places, put together again; it says what had to be done.

    >>> row = mended_row("| Conv  | 2d-1 [-1   | 32, 28,     | 28] 32 | 20   |      |", 4)
    >>> row.type, row.columns[0][0], int(row.counts[0].value)
    ('Conv2d', (None, 32, 28, 28), 320)
    """
    plain = untypeset(text)
    if "|" not in plain or len(plain) > _MAX_LETTERS:
        return None
    cells = [squeezed for cell in plain.strip().strip("|").split("|") if (squeezed := "".join(cell.split()))]
    if not 2 <= len(cells) <= _MOST_CELLS:
        return None
    found = {whole: match for whole in _ways(cells) if (match := _SQUEEZED.fullmatch(whole))}
    best = min(found, key=lambda whole: class_name(found[whole][1]) not in CLASSES, default=None)
    row = flat_row(best, line) if best is not None else None
    if row is None or best is None or not row.counts:
        return None
    notes = [f"the cells of line {line} cut through its words; they were put together"]
    name = class_name(row.type)
    if name != row.type:
        notes.append(f"{row.type!r} was read as {name}")
    if others := {match.group(3, 4) for match in found.values()} - {found[best].group(3, 4)}:
        shape, count = min(others)
        notes.append(f"it could be read as {shape} {count} too")
    return replace(row, type=name, name=f"{name}-{row.number}", mended=(*notes, *row.mended))


def _ways(cells: Sequence[str]) -> list[str]:
    """The ways to put cells together: a letter on both sides of a cut is one (tried first) or two."""
    alike = [
        next((n for n in range(min(6, len(one), len(two)), 0, -1) if one[-n:] == two[:n]), 0)
        for one, two in pairwise(cells)
    ]
    ways = []
    for taken in islice(product(*((n, 0) if n else (0,) for n in alike)), _MOST_WAYS):
        whole = cells[0] + "".join(cell[n:] for cell, n in zip(cells[1:], taken, strict=True))
        ways.append(_BATCH.sub("[-1,", whole))
    return ways


def class_name(written: str) -> str:
    """The class that was meant, where one letter too many stands at its end.

    >>> class_name("ReLUJ"), class_name("Linear"), class_name("MyBlock")
    ('ReLU', 'Linear', 'MyBlock')
    """
    return written[:-1] if written not in CLASSES and written[:-1] in CLASSES else written


def mended_total(text: str, line: int) -> dict[str, PrintedNumber]:
    """A total in a line that was cut into cells: {} where there is none.

    >>> {
    ...     name: int(number.value)
    ...     for name, number in mended_total("| Train | able pai | ams: 6, | 444,17 | 0 |", 3).items()
    ... }
    {'trainable': 6444170}
    """
    if "|" not in text or not any(sign.isdigit() for sign in text) or len(text) > MAX_ROW:
        return {}
    whole = glued([cell for cell in untypeset(text).strip().strip("|").split("|") if cell.strip()])
    label, mark, digits = whole.partition(":")
    value = exact_count(digits.replace(" ", ""))
    if not mark or value is None:
        return {}
    near = difflib.get_close_matches(label.strip().lower()[:40], _LABELS, n=1, cutoff=0.85)
    if not near:
        return {}
    return {_LABELS[near[0]]: PrintedNumber(value, EXACT, line, digits.strip())}


def one_number(numbers: Sequence[PrintedNumber]) -> list[PrintedNumber]:
    """The other ways to read the first of numbers that may be one, such as "32 20" for 320.

    A tool puts a comma into every number from 1,000 on: 3220 is none.

    >>> from fractions import Fraction
    >>> [int(one.value) for one in one_number([PrintedNumber(Fraction(n), EXACT, 1, str(n)) for n in (32, 20)])]
    [320]
    """
    texts = [number.text for number in numbers]
    readings = {"".join(texts), glued(texts)}
    made = []
    for text in sorted(readings):
        value = exact_count(text)
        if value is not None and ("," in text or value < 1000) and value != numbers[0].value:
            made.append(PrintedNumber(value, EXACT, numbers[0].line, " ".join(texts)))
    return made
