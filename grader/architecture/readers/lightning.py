"""What does a table printed by PyTorch Lightning's ModelSummary say?

Every version is read, plain (`0 | conv | Conv2d | 1.2 K`) and drawn by rich, with or without sizes, mode and FLOPs.
Counts are rounded by the tool (one decimal below 100, cut to a whole number from 100 on), and every row counts all
that is below it: a row "net" holds what the rows "net.0" and "net.1" say again.

Source:  pytorch-lightning 0.7 to 2.6, utilities/model_summary and callbacks/rich_model_summary.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

from grader.architecture.readers._torch_names import LEAVES
from grader.architecture.readers._tree_cells import shapes_of
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary, Unread
from grader.documents.report_lines import Line

LONGEST_LINE = 2_000  # characters
PATIENCE = 6  # lines of something else that may stand between two lines of the table

_BAR = re.compile(r"[|│┃¦]")
_COLUMNS = {
    "name": "name",
    "type": "type",
    "params": "parameters",
    "params per device": "device_parameters",
    "mode": "mode",
    "flops": "flops",
    "in sizes": "input",
    "out sizes": "output",
}
_COUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))? ?([KMBT]?)", re.ASCII)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_LABELS = (
    r"(Non-?\s?trainable params|Trainable params|Total params|Total estimated model params size|Modules in train mode"
    r"|Modules in eval mode|Total FLOPs)"
)
_PLAIN_TOTAL = re.compile(r"(\d[\d,.]{0,30} ?[KMBT]?)\s+" + _LABELS, re.ASCII | re.IGNORECASE)
_RICH_TOTAL = re.compile(_LABELS + r"(?: ?\(MB\))?\W{1,12}(\d[\d,.]{0,30}(?: [KMBT]\b)?)", re.ASCII | re.IGNORECASE)
_TOTALS = {
    "trainable params": "trainable",
    "non-trainable params": "non_trainable",
    "total params": "parameters",
    "total estimated model params size": "parameters_mb",
}
_UNKNOWN = frozenset({"?", "n/a", ""})
_RULE = re.compile(r"[-=_─━═+|│┃┏┓┗┛┡┩┳┻╇┴┬└┘┌┐├┤┼╭╮╰╯: ]{4,}")


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    r"""Every Lightning table in the lines, in order. Linear in the length of the text; never raises.

    >>> from grader.documents.report_lines import Line
    >>> text = "  | Name | Type   | Params\n-----\n0 | fc   | Linear | 7.9 K \n-----\n7.9 K     Total params"
    >>> [summary] = read([Line(number, one) for number, one in enumerate(text.splitlines(), 1)])
    >>> summary.rows[0].name, int(summary.rows[0].parameters.value), int(summary.totals["parameters"].step)
    ('fc', 7900, 100)
    """
    found: list[PrintedSummary] = []
    table: _Table | None = None
    for line in lines:
        text = line.text
        if len(text) > LONGEST_LINE:
            continue
        if table is not None and line.part != table.part:
            table.close(found)
            table = None
        is_header = "Params" in text and "Name" in text and "Type" in text
        started = _started(line) if is_header else None
        if started is not None:
            if table is not None:
                table.close(found)
            table = started
        elif table is not None:
            if not table.take(line):
                table.close(found)
                table = None
        elif text.startswith(("0 |", "0  |", " 0 |")):
            table = _Table(line.number, line.part, ("name", "type", "parameters"), 1, is_headless=True)
            if not table.take(line):
                table = None
    if table is not None:
        table.close(found)
    return tuple(found)


def _started(line: Line) -> _Table | None:
    """A table that begins at this header, None if the line is no header of Lightning."""
    if not _BAR.search(line.text):
        return None
    titles = [cell.strip(" *`_").lower() for cell in _BAR.split(line.text)]
    if "name" not in titles:
        return None
    at = titles.index("name")
    names = tuple(_COLUMNS.get(title, title) for title in titles[at:])
    while names and not names[-1]:
        names = names[:-1]
    return _Table(line.number, line.part, names, at) if names[:3] == ("name", "type", "parameters") else None


@dataclass(slots=True)
class _Row:
    """A row that rich may go on with in the next line."""

    line: int
    name: str
    type: str
    number: int | None
    inputs: tuple[PrintedShape, ...]
    outputs: tuple[PrintedShape, ...]
    parameters: PrintedNumber | None
    last_line: int = 0


@dataclass(slots=True)
class _Table:
    """A table as it is read, line by line. `at` is the index of the name among a line's cells."""

    first_line: int
    part: int
    columns: tuple[str, ...]
    at: int
    is_headless: bool = False
    rows: list[_Row] = field(default_factory=list)
    totals: dict[str, PrintedNumber] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    last_line: int = 0
    misses: int = 0

    def take(self, line: Line) -> bool:
        """Read a line; False if the table ended before it."""
        text = line.text.strip()
        if not text or _RULE.fullmatch(text):
            return True
        if self._totals_in(line.number, text):
            return True
        if not self.totals and _BAR.search(text):
            cells = [cell.strip(" *`") for cell in _BAR.split(line.text)]
            if len(cells) > self.at + 1:
                self._row(line, cells)
                return not self.is_headless or bool(self.rows)
        self.misses += 1
        return self.misses <= PATIENCE

    def _row(self, line: Line, cells: list[str]) -> None:
        index = cells[self.at - 1] if self.at else ""
        values = dict(zip(self.columns, cells[self.at :], strict=False))
        name, type_ = values.get("name", ""), values.get("type", "")
        if not name and not index and self.rows:
            self._continue(line, values)
            return
        count = values.get("parameters", "")
        parameters = _count(count, line.number)
        inputs, outputs = _sizes(values.get("input", "")), _sizes(values.get("output", ""))
        is_readable = bool(name) and parameters is not None and inputs is not None and outputs is not None
        if not is_readable or (self.at and not index.isdecimal() and name != "other params"):
            if not self.is_headless or self.rows:
                self.unread.append(Unread(line.number, line.text, "a row of the table that cannot be read"))
            return
        number = int(index) if index.isdecimal() and index.isascii() and len(index) < 10 else None
        self.rows.append(_Row(line.number, name, type_, number, inputs or (), outputs or (), parameters))
        self.last_line, self.misses = line.number, 0

    def _continue(self, line: Line, values: dict[str, str]) -> None:
        """A cell that rich wrapped goes on in a line without index and name."""
        last = self.rows[-1]
        last.type += values.get("type", "")
        last.last_line = line.number
        self.last_line, self.misses = line.number, 0

    def _totals_in(self, number: int, text: str) -> bool:
        lowered = text.lower()
        if "params" not in lowered and "modules in" not in lowered and "total flops" not in lowered:
            return False
        pairs = [(match[2], match[1]) for match in _PLAIN_TOTAL.finditer(text)]
        pairs = pairs or [(match[1], match[2]) for match in _RICH_TOTAL.finditer(text)]
        for label, said in pairs:
            name = _TOTALS.get(re.sub(r"non-?\s?", "non-", label.lower()))
            made = _count(said.strip(), number)
            if name is None:
                continue
            if made is None:
                self.unread.append(Unread(number, text, f"the number {said[:40]!r} cannot be read"))
            else:
                is_whole_megabytes = name == "parameters_mb" and not made.step
                made = replace(made, step=Fraction(1)) if is_whole_megabytes else made
                self.totals.setdefault(name, made)
        if pairs:
            self.last_line, self.misses = number, 0
        return bool(pairs)

    def close(self, found: list[PrintedSummary]) -> None:
        """Hand over what was read."""
        if not self.rows or (self.is_headless and not self.totals):
            return
        found.append(
            PrintedSummary(
                Format.LIGHTNING,
                self.first_line,
                self.last_line,
                _printed(self.rows),
                self.totals,
                columns=tuple(name for name in self.columns if name in _COLUMNS.values()),
                unread=tuple(self.unread),
                notes=("the header is missing",) if self.is_headless else (),
            )
        )


def _printed(rows: Sequence[_Row]) -> tuple[PrintedRow, ...]:
    """Dotted names make it a tree (1 for the children of the module itself), plain ones a flat table (0)."""
    is_tree = any("." in row.name for row in rows)
    parents = {row.name.rpartition(".")[0] for row in rows}
    return tuple(
        PrintedRow(
            row.line,
            row.name,
            row.type,
            row.last_line or row.line,
            row.name.count(".") + 1 if is_tree else 0,
            row.number,
            row.outputs,
            row.inputs,
            parameters=row.parameters,
            is_cut=row.type not in LEAVES and row.name not in parents and row.name != "other params",
        )
        for row in rows
    )


def _sizes(text: str) -> tuple[PrintedShape, ...] | None:
    return () if text.lower() in _UNKNOWN else shapes_of(text)


def _count(text: str, line: int) -> PrintedNumber | None:
    """The count as Lightning writes it: "75.8 K" is 75,800, known to 100.

    >>> _count("295 K", 1).step, _count("1,024", 1).value
    (Fraction(1000, 1), Fraction(1024, 1))
    """
    said = text.strip()
    read = _value_and_step(said)
    return None if read is None else PrintedNumber(*read, line, said)


@lru_cache(maxsize=2_048)
def _value_and_step(text: str) -> tuple[Fraction, Fraction] | None:
    match = _COUNT.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        return None
    unit = _UNITS[match[3]]
    decimals = match[2] or ""
    value = Fraction(int(match[1].replace(",", "") + decimals) * unit, 10 ** len(decimals))
    return value, Fraction(unit, 10 ** len(decimals)) if unit > 1 or decimals else Fraction(0)
