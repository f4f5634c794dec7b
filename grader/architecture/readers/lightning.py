"""What does a table printed by PyTorch Lightning's ModelSummary say?

Every version is read, plain (`0 | conv | Conv2d | 1.2 K`) and drawn by rich, with or without sizes, mode and FLOPs.
Counts are rounded by the tool (one decimal below 100, cut to a whole number from 100 on), and every row counts all
that is below it: a row "net" holds what the rows "net.0" and "net.1" say again.

Source:  pytorch-lightning 0.7 to 2.6, utilities/model_summary and callbacks/rich_model_summary.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field, replace
from fractions import Fraction
from functools import lru_cache

from grader.architecture.readers._gaps import LEFT_OUT, is_gap
from grader.architecture.readers._torch_names import LEAVES
from grader.architecture.readers._tree_cells import shapes_of
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary, Unread
from grader.documents.report_lines import Line
from grader.frozen import dataclass

LONGEST_LINE = 2_000  # characters
OTHER = "other params"  # what Lightning calls the parameters that no module of the table holds
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
        is_header = "Name" in text and "Type" in text and ("Par" in text or "…" in text)
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
    names = tuple(
        _column(title, is_last=number == len(titles) - 2) for number, title in enumerate(titles) if number >= at
    )
    while names and not names[-1]:
        names = names[:-1]
    return _Table(line.number, line.part, names, at) if names[:3] == ("name", "type", "parameters") else None


def _column(title: str, *, is_last: bool) -> str:
    """Our name of a column; in a narrow window rich writes "Par…", and "In sizes" in two lines of which this is one."""
    if title in _COLUMNS or not title.endswith("…"):
        return _COLUMNS.get(title, title)
    start = title.rstrip("…")
    if "sizes".startswith(start):
        return "output" if is_last else "input"
    return next((name for known, name in _COLUMNS.items() if known.startswith(start)), title)


@dataclass(slots=True)
class _Row:
    """A row's cells as they stand there; rich may go on with them in the next lines."""

    line: int
    text: str
    index: str
    cells: dict[str, str]
    last_line: int


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
        if not self.totals and _BAR.search(text) and not is_gap(text):
            cells = [cell.strip(" *`") for cell in _BAR.split(line.text)]
            if len(cells) > self.at + 1:
                self._row(line, cells)
                return not self.is_headless or bool(self.rows)
        if self.rows and not self.totals and is_gap(text):
            self.unread.append(Unread(line.number, text, LEFT_OUT))
        self.misses += 1
        return self.misses <= PATIENCE

    def _row(self, line: Line, cells: list[str]) -> None:
        index = cells[self.at - 1] if self.at else ""
        values = dict(zip(self.columns, cells[self.at :], strict=False))
        if not index and not values.get("name") and self.rows:
            last = self.rows[-1]
            for name, more in values.items():
                between = "" if name in {"name", "type"} else " "
                last.cells[name] = (last.cells.get(name, "") + between + more).strip()
            last.last_line = line.number
        elif self.is_headless and not _COUNT.fullmatch(values.get("parameters", "")):
            return
        else:
            self.rows.append(_Row(line.number, line.text, index, values, line.number))
        self.last_line, self.misses = line.number, 0

    def _printed(self) -> tuple[PrintedRow, ...]:
        """The rows. Dotted names make it a tree (1 for the module's children), plain ones a flat table (0)."""
        names = [row.cells.get("name", "") for row in self.rows]
        is_tree = any("." in name for name in names)
        parents = {name.rpartition(".")[0] for name in names}
        made: list[PrintedRow] = []
        for row, name in zip(self.rows, names, strict=True):
            cells = row.cells
            parameters = _count(cells.get("parameters", ""), row.line)
            inputs, outputs = _sizes(cells.get("input", "")), _sizes(cells.get("output", ""))
            is_shortened = any(cell.endswith("…") for cell in cells.values())
            is_numbered = row.index.isascii() and row.index.isdecimal() and len(row.index) < 10
            if not name or parameters is None or inputs is None or outputs is None:
                self.unread.append(Unread(row.line, row.text, "a row of the table that cannot be read"))
                continue
            if self.at and not is_numbered and name != OTHER:
                self.unread.append(Unread(row.line, row.text, "the number of this row cannot be read"))
            made.append(
                PrintedRow(
                    row.line,
                    name,
                    cells.get("type", ""),
                    row.last_line,
                    name.count(".") + 1 if is_tree else 0,
                    int(row.index) if is_numbered else None,
                    outputs,
                    inputs,
                    parameters=parameters,
                    mult_adds=_multiply_adds(cells.get("flops", ""), row.line),
                    is_cut=cells.get("type", "") not in LEAVES and name not in parents and name != OTHER,
                    mended=("rich cut cells off to fit its window",) if is_shortened else (),
                )
            )
        return tuple(made)

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
        rows = self._printed()
        if not rows or (self.is_headless and not self.totals):
            return
        found.append(
            PrintedSummary(
                Format.LIGHTNING,
                self.first_line,
                self.last_line,
                rows,
                self.totals,
                columns=tuple(name for name in self.columns if name in _COLUMNS.values()),
                unread=tuple(sorted(self.unread, key=lambda one: one.line)),
                notes=("the header is missing",) if self.is_headless else (),
            )
        )


def _sizes(text: str) -> tuple[PrintedShape, ...] | None:
    return () if text.lower() in _UNKNOWN or text.endswith("…") else shapes_of(text)


def _count(text: str, line: int) -> PrintedNumber | None:
    """The count as Lightning writes it: "75.8 K" is 75,800, known to 100.

    >>> _count("295 K", 1).step, _count("1,024", 1).value
    (Fraction(1000, 1), Fraction(1024, 1))
    """
    said = text.strip()
    read = _value_and_step(said)
    return None if read is None else PrintedNumber(*read, line, said)


def _multiply_adds(text: str, line: int) -> PrintedNumber | None:
    """Lightning prints FLOPs, of which a multiply-add is two.

    >>> _multiply_adds("389 K", 3).value
    Fraction(194500, 1)
    """
    made = _count(text, line)
    return None if made is None else replace(made, value=made.value / 2, step=made.step / 2)


@lru_cache(maxsize=2_048)
def _value_and_step(text: str) -> tuple[Fraction, Fraction] | None:
    match = _COUNT.fullmatch(text) if len(text) <= 40 else None
    if match is None:
        return None
    unit = _UNITS[match[3]]
    decimals = match[2] or ""
    value = Fraction(int(match[1].replace(",", "") + decimals) * unit, 10 ** len(decimals))
    return value, Fraction(unit, 10 ** len(decimals)) if unit > 1 or decimals else Fraction(0)
