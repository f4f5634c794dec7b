"""Is a run of rows a print, and which of two numbers is a row's count? What only all rows together can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from math import prod

from grader.architecture.readers._flat_damage import one_number
from grader.architecture.readers.printed import PrintedNumber, PrintedRow, Unread

_MOST_WAYS = 64


def is_plausible(rows: Sequence[PrintedRow], totals: Mapping[str, PrintedNumber]) -> bool:
    """Whether rows without a header are a print: "ResNet-18 [5] 92" in prose is none."""
    if any(shape[:1] == (None,) for row in rows for shape in (*row.outputs, *row.inputs)):
        return len(rows) >= 2 or bool(totals)
    ascending = sum((b.number or 0) == (a.number or 0) + 1 for a, b in pairwise(rows))
    return len(rows) >= 3 and ascending * 2 >= len(rows)


def with_trainable(row: PrintedRow, counts: Sequence[PrintedNumber]) -> PrintedRow:
    """The row with what its second count, of trainable parameters, says."""
    if len(counts) < 2 or not counts[0].value or counts[1].value not in (0, counts[0].value):
        return row
    return replace(row, is_trainable=bool(counts[1].value))


def settled(
    rows: Sequence[PrintedRow],
    counts: Mapping[int, Sequence[PrintedNumber]],
    totals: Mapping[str, PrintedNumber],
) -> tuple[list[PrintedRow], list[Unread]]:
    """The rows, where few have two numbers: a blank got into one, or a student wrote something behind it.

    `counts`  the numbers of each such row, by its index

    The total of the print decides which. Where it does not, a person has to.
    """
    made = list(rows)
    total = totals.get("parameters") or totals.get("trainable")
    known = sum(row.parameters.value for at, row in enumerate(rows) if row.parameters and at not in counts)
    ways = {at: [numbers[0], *one_number(numbers[:2])] for at, numbers in counts.items()}
    fitting = []
    if total is not None and prod(len(readings) for readings in ways.values()) <= _MOST_WAYS:
        fitting = [way for way in product(*ways.values()) if known + sum(one.value for one in way) == total.value]
    if len(fitting) == 1:
        for (at, readings), chosen in zip(ways.items(), fitting[0], strict=True):
            if chosen is not readings[0]:
                note = f"{chosen.text!r} was read as one number, {int(chosen.value):,}: only so the rows give the total"
                made[at] = replace(rows[at], parameters=chosen, mended=(*rows[at].mended, note))
        return made, []
    unread = []
    for at, readings in ways.items():
        row = rows[at]
        said = " ".join(number.text for number in counts[at])
        if len(readings) > 1:
            made[at] = replace(row, parameters=None, is_counted=False)
            unread.append(Unread(row.line, f"{row.name} {said}", "its count can be read in more than one way"))
    return made, unread
