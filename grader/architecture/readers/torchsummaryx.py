"""What does a print of torchsummaryX say? A pandas frame of kernel, output, parameters and multiply-adds per layer.

The rules are those of torchsummaryX 1.1 to 1.3: an index `{call}_{dotted name}`, "-" for nothing, engineering
prefixes (37.752832M) in later versions and columns in thousands ("Params (K)") in earlier ones, a frame too wide for
the terminal broken into blocks of columns, each under its own header, and totals in a frame of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from grader.architecture.readers._flat_rows import shapes_in
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary
from grader.documents.report_lines import Line

_COLUMN = re.compile(r"(Kernel Shape|Output Shape|Params|Mult-Adds)(?: \(([KMG])\))?")
_NAMES = {"Kernel Shape": "kernel", "Output Shape": "output", "Params": "parameters", "Mult-Adds": "mult_adds"}
_ROW = re.compile(r"[\s|#]*(?P<call>\d{1,6})_(?P<name>[\w.]+)\s+(?P<cells>\S.*)", re.ASCII)
_CELL = re.compile(r"\[[^\[\]]*\]|[^\s|]+")
_NUMBER = re.compile(r"(?P<digits>\d[\d,]*(?:\.\d+)?(?:e\+?\d{1,2})?)(?P<prefix>[kKMGT]?)")
_TOTAL = re.compile(
    r"[\s|#]*(?P<label>Total params|Trainable params|Non-trainable params|Mult-Adds)\s+(?P<number>\d\S*)"
)
_TOTALS = {
    "Total params": "parameters",
    "Trainable params": "trainable",
    "Non-trainable params": "non_trainable",
    "Mult-Adds": "mult_adds",
}
_FACTORS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_EMPTY = frozenset({"-", "--", "NaN", "nan", "(recursive)"})


@dataclass
class _Open:
    first: int
    part: int
    at: int
    columns: list[tuple[str, int]] = field(default_factory=list)  # name and factor, of the block that is being read
    found: list[str] = field(default_factory=list)
    rows: dict[str, PrintedRow] = field(default_factory=dict)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)


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
            if "Kernel Shape" not in text or "depth-idx" in text or not _is_header(text):
                continue
        elif line.part != current.part or index - current.at > 20:
            made += _closed(current)
            current = None
            if "Kernel Shape" not in text or not _is_header(text):
                continue
        if ("Shape" in text or "Mult-Adds" in text or "Params" in text) and _is_header(text):
            current = _headed(current, line, index, made)
        elif current is not None:
            _take(current, line, index)
    if current is not None:
        made += _closed(current)
    return tuple(made)


def _is_header(text: str) -> bool:
    rest = _COLUMN.sub("", text).replace("Layer", "").strip(" |\\#-:")
    return not rest and _COLUMN.search(text) is not None


def _headed(current: _Open | None, line: Line, index: int, made: list[PrintedSummary]) -> _Open:
    columns = [(_NAMES[found[1]], _FACTORS[found[2] or ""]) for found in _COLUMN.finditer(line.text)]
    names = [name for name, _ in columns]
    if current is None or set(names) & set(current.found):
        if current is not None:
            made += _closed(current)
        current = _Open(line.number, line.part, index)
    current.columns, current.at = columns, index
    current.found += names
    return current


def _take(current: _Open, line: Line, index: int) -> None:
    total = _TOTAL.match(line.text)
    if total is not None:
        number = _number(total["number"], line.number, 1)
        if number is not None:
            current.totals.setdefault(_TOTALS[total["label"]], number)
            current.at = index
        return
    found = _ROW.match(line.text)
    if found is None:
        return
    cells = _CELL.findall(found["cells"])
    if len(cells) < len(current.columns):
        return
    key = f"{found['call']}_{found['name']}"
    row = current.rows.get(key) or PrintedRow(
        line=line.number,
        last_line=line.number,
        name=found["name"],
        type=_class_of(found["name"]),
        number=int(found["call"]),
        is_counted=False,
    )
    for (name, factor), cell in zip(current.columns, cells, strict=False):
        row = _with(row, name, cell, line.number, factor)
    current.rows[key] = row
    current.at = index


def _class_of(name: str) -> str:
    """The class in a name such as features.Conv2d_0; a name without one is all that is printed of the layer."""
    last = name.rsplit(".", 1)[-1]
    return re.sub(r"_[^_]+$", "", last) if "." in name else ""


def _with(row: PrintedRow, name: str, cell: str, line: int, factor: int) -> PrintedRow:
    if name in ("kernel", "output"):
        shapes = shapes_in(cell) if cell.startswith("[") else None
        if shapes is None:
            return row
        return replace(row, kernel=shapes[0]) if name == "kernel" else replace(row, outputs=shapes)
    if cell == "(recursive)":
        return replace(row, is_recursive=True)
    number = _number(cell, line, factor)
    if number is None:
        return row
    return replace(row, parameters=number, is_counted=True) if name == "parameters" else replace(row, mult_adds=number)


def _number(text: str, line: int, factor: int) -> PrintedNumber | None:
    found = _NUMBER.fullmatch(text)
    if found is None or text in _EMPTY or len(text) > 30:
        return None
    digits = found["digits"].replace(",", "")
    scale = factor * _FACTORS[found["prefix"]]
    decimals = len(digits.partition("e")[0].partition(".")[2])
    value = Fraction(digits) * scale
    step = Fraction(scale, 10**decimals)
    is_exact = value.denominator == 1 and (step <= 1 or (scale == 1 and "e" not in digits))
    return PrintedNumber(value, Fraction(0) if is_exact else step, line, text)


def _closed(current: _Open) -> list[PrintedSummary]:
    if not current.rows:
        return []
    last = max([row.last_line for row in current.rows.values()] + [number.line for number in current.totals.values()])
    return [
        PrintedSummary(
            format=Format.TORCHSUMMARYX,
            first_line=current.first,
            last_line=last,
            rows=tuple(current.rows.values()),
            totals=current.totals,
            columns=("name", *dict.fromkeys(current.found)),
        )
    ]
