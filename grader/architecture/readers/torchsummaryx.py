"""What does a print of torchsummaryX say? A pandas frame of kernel, output, parameters and multiply-adds per layer.

The rules are those of torchsummaryX 1.1 to 1.3 and its fork torchsummaryM: an index `{call}_{dotted name}`, "-" for
nothing, engineering prefixes (37.752832M, all digits printed) in later versions and columns in thousands
("Params (K)", rounded) in earlier ones, a frame too wide for the terminal broken into blocks of columns, each under
its own header, more than 600 rows cut in the middle, and totals in a frame of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field
from fractions import Fraction
from functools import lru_cache

from grader.architecture.readers._flat_rows import shapes_in
from grader.architecture.readers.printed import (
    Format,
    PrintedNumber,
    PrintedRow,
    PrintedShape,
    PrintedSummary,
    Unread,
)
from grader.documents.report_lines import Line
from grader.frozen import dataclass

_COLUMN = re.compile(r"(Kernel Shape|Output Shape|(?:# ?)?Params|(?:# ?)?Mult-Adds)(?: \(([KMG])\))?")
_NAMES = {"Kernel Shape": "kernel", "Output Shape": "output", "Params": "parameters", "Mult-Adds": "mult_adds"}
_ROW = re.compile(r"[\s|`]*(?P<call>\d{1,6})_(?P<name>[^\s|]+)\s+(?P<cells>[^\s].*)", re.ASCII)
_CELL = re.compile(r"\[[^\[\]]*\]|[^\s|`]+")
_NUMBER = re.compile(r"(?P<digits>\d[\d,]*(?:\.\d+)?(?:e\+?\d{1,2})?)(?P<prefix>[kKMGT]?)")
_TOTAL = re.compile(
    r"[\s|`]*(?P<label>Total params|Trainable params|Non-trainable params|Mult-Adds|# ?Params|# ?Mult-Adds)"
    r"(?: \((?P<factor>[KMG])\))?[\s:|]+(?P<number>\d[^\s|]*)"
)
_TOTALS = {
    "Total params": "parameters",
    "Trainable params": "trainable",
    "Non-trainable params": "non_trainable",
    "Mult-Adds": "mult_adds",
    "Params": "parameters",
}
_FACTORS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_MOST_PROSE = 20  # lines
_ROUNDED = 2  # decimals that somebody who rounds keeps; the tool itself prints all
_FEW = 3


@dataclass(slots=True)
class _Row:
    line: int
    call: int
    name: str
    last: int
    kernel: PrintedShape | None = None
    outputs: tuple[PrintedShape, ...] = ()
    numbers: dict[str, PrintedNumber] = field(default_factory=dict)
    is_recursive: bool = False


@dataclass
class _Open:
    first: int
    part: int
    at: int
    columns: list[tuple[str, int]] = field(default_factory=list)  # name and factor, of the block that is being read
    found: list[str] = field(default_factory=list)
    rows: dict[str, _Row] = field(default_factory=dict)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    last: int = 0


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every print of torchsummaryX in the lines.

    >>> text = [
    ...     "         Kernel Shape Output Shape Params Mult-Adds",
    ...     "Layer",
    ...     "0_fc     [4, 2]      [1, 2]     10       8",
    ... ]
    >>> [summary] = read([Line(number, line) for number, line in enumerate(text, 1)])
    >>> summary.rows[0].name, summary.rows[0].kernel, int(summary.rows[0].parameters.value)
    ('fc', (4, 2), 10)
    """
    made: list[PrintedSummary] = []
    current: _Open | None = None
    for index, line in enumerate(lines):
        text = line.text
        if current is None:
            if "Kernel Shape" in text and _is_header(text):
                current = _headed(None, line, index, made)
            continue
        if line.part != current.part or index - current.at > _MOST_PROSE:
            made += _closed(current)
            current = _headed(None, line, index, made) if "Kernel Shape" in text and _is_header(text) else None
        elif ("Shape" in text or "Mult-Adds" in text or "Params" in text) and _is_header(text):
            current = _headed(current, line, index, made)
        else:
            _take(current, line, index)
    if current is not None:
        made += _closed(current)
    return tuple(made)


def _is_header(text: str) -> bool:
    if len(text) > 2_000 or _COLUMN.search(text) is None:
        return False
    return not _COLUMN.sub("", text).replace("Layer", "").replace("(type)", "").strip(" |\\#-:`")


def _headed(current: _Open | None, line: Line, index: int, made: list[PrintedSummary]) -> _Open:
    columns = [(_NAMES[found[1].lstrip("# ")], _FACTORS[found[2] or ""]) for found in _COLUMN.finditer(line.text)]
    names = [name for name, _ in columns]
    if current is None or set(names) & set(current.found):
        if current is not None:
            made += _closed(current)
        current = _Open(line.number, line.part, index)
    current.columns, current.at, current.last = columns, index, line.number
    current.found += names
    return current


def _take(current: _Open, line: Line, index: int) -> None:
    found = _ROW.match(line.text)
    if found is not None:
        if not _fill(current, line, found):
            current.unread.append(Unread(line.number, line.text.strip()[:200], "its cells do not fit the columns"))
        current.at, current.last = index, line.number
        return
    total = _TOTAL.match(line.text)
    if total is not None:
        number = _number(total["number"], line.number, _FACTORS[total["factor"] or ""])
        if number is not None:
            current.totals.setdefault(_TOTALS[total["label"].lstrip("# ")], number)
            current.at, current.last = index, line.number
    elif current.rows and not current.totals and set(line.text) <= {".", " "} and "..." in line.text:
        current.unread.append(Unread(line.number, line.text.strip()[:200], "pandas left rows out here"))
        current.at, current.last = index, line.number


def _fill(current: _Open, line: Line, found: re.Match[str]) -> bool:
    """Put the cells of a line into its row; False where they do not fit."""
    cells = _CELL.findall(found["cells"])
    if len(cells) != len(current.columns):
        return False
    key = f"{found['call']}_{found['name']}"
    row = current.rows.get(key)
    if row is None:
        row = current.rows[key] = _Row(line.number, int(found["call"]), found["name"], line.number)
    for (name, factor), cell in zip(current.columns, cells, strict=True):
        if name in ("kernel", "output"):
            shapes = shapes_in(cell) if cell[0] == "[" else ()
            if shapes is None or (not shapes and cell not in ("-", "--")):
                return False
            if name == "output":
                row.outputs = shapes
            elif shapes:
                row.kernel = shapes[0]
        elif cell == "(recursive)":
            row.is_recursive = True
        elif cell not in ("-", "--", "NaN", "nan"):
            number = _number(cell, line.number, factor)
            if number is None:
                return False
            row.numbers[name] = number
    return True


@lru_cache(maxsize=4096)
def _value(text: str, factor: int) -> tuple[Fraction, Fraction] | None:
    """The value and the unit of its last digit; 0 where the number is exact."""
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > 30:
        return None
    digits = found["digits"].replace(",", "")
    scale = factor * _FACTORS[found["prefix"]]
    mantissa, _, power = digits.partition("e")
    value = Fraction(digits) * scale
    step = Fraction(scale, 10 ** len(mantissa.partition(".")[2])) * 10 ** int(power or 0)
    is_printed_in_full = factor == 1 and not power and value.denominator == 1
    return value, Fraction(0) if is_printed_in_full else step


def _number(text: str, line: int, factor: int) -> PrintedNumber | None:
    found = _value(text, factor)
    return PrintedNumber(found[0], found[1], line, text) if found else None


def _class_of(name: str) -> str:
    """The class in a name such as features.Conv2d_0; a name without one is all that is printed of the layer."""
    last = name.rsplit(".", 1)[-1]
    return re.sub(r"_[^_]+$", "", last) if "." in name else ""


def _closed(current: _Open) -> list[PrintedSummary]:
    if not current.rows:
        return []
    numbers = [number for row in current.rows.values() for number in row.numbers.values()]
    is_rounded = _were_rounded([*numbers, *current.totals.values()])
    rows = tuple(_printed(row, is_rounded=is_rounded) for row in current.rows.values())
    return [
        PrintedSummary(
            format=Format.TORCHSUMMARYX,
            first_line=current.first,
            last_line=max(current.last, current.first),
            rows=rows,
            totals={name: _rounded(number) if is_rounded else number for name, number in current.totals.items()},
            columns=("name", *dict.fromkeys(current.found)),
            unread=tuple(current.unread),
        )
    ]


def _were_rounded(numbers: Sequence[PrintedNumber]) -> bool:
    """Whether somebody rounded the prefixed numbers: the tool prints 9.437184M, a person who retypes it 9.44M."""
    decimals = [len(one.text.partition(".")[2]) - 1 for one in numbers if one.text[-1:] in ("k", "K", "M", "G", "T")]
    return len(decimals) >= _FEW and max(decimals) <= _ROUNDED and decimals.count(max(decimals)) * 2 > len(decimals)


def _rounded(number: PrintedNumber) -> PrintedNumber:
    factor = _FACTORS.get(number.text[-1:], 1)
    if factor == 1 or number.step:
        return number
    step = Fraction(factor, 10 ** (len(number.text.partition(".")[2][:-1])))
    return PrintedNumber(number.value, step, number.line, number.text)


def _printed(row: _Row, *, is_rounded: bool) -> PrintedRow:
    numbers = {name: _rounded(number) for name, number in row.numbers.items()} if is_rounded else row.numbers
    return PrintedRow(
        line=row.line,
        last_line=row.last,
        name=row.name,
        type=_class_of(row.name),
        number=row.call,
        outputs=row.outputs,
        kernel=row.kernel,
        parameters=numbers.get("parameters"),
        is_counted="parameters" in numbers,
        is_recursive=row.is_recursive,
        mult_adds=numbers.get("mult_adds"),
    )
