"""Which rows of a tree cannot stand where they stand, by the names that torch.nn.Sequential gives its children?

torchinfo lists the children of a module in the order of their calls. Those of a Sequential are named 0, 1, 2, ... and
are called in that order; a module that was printed before is marked as such, or left out where the print hides it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.architecture.readers.printed import Format, PrintedRow, PrintedSummary
from grader.architecture.recompute.verdict import Disagreement

_NUMBERED = re.compile(r"\((\d{1,6})\)", re.ASCII)  # "Conv2d (0)", "Conv2d (0): 2-1"


def misplaced_children(summary: PrintedSummary) -> Iterator[Disagreement]:
    """Rows below a Sequential whose number is not larger than that of the row above them.

    >>> rows = [("Net", 0), ("Sequential (f)", 1), ("ReLU (1)", 2), ("Conv2d (0)", 2)]
    >>> made = tuple(PrintedRow(n, name, name.split()[0], depth=depth) for n, (name, depth) in enumerate(rows, 1))
    >>> [one.line for one in misplaced_children(PrintedSummary(Format.TORCHINFO, 1, 9, made))]
    [3, 4]
    """
    if summary.format is not Format.TORCHINFO:
        return
    last: dict[int, tuple[int, int]] = {}  # the latest numbered child of each row that is a Sequential
    path: list[int] = []
    for index, row in enumerate(summary.rows):
        while path and summary.rows[path[-1]].depth >= row.depth:
            path.pop()
        parent = path[-1] if path else -1
        path.append(index)
        number = _number_of(row)
        if parent < 0 or number is None or row.is_recursive:
            continue
        holder = summary.rows[parent]
        if holder.type != "Sequential" or holder.is_recursive or row.depth != holder.depth + 1:
            continue
        if parent in last and last[parent][0] >= number:
            before = summary.rows[last[parent][1]]
            why = f"{before.name} and {row.name} below it are parts of {holder.name}, which calls them in their order"
            yield Disagreement(before.line, "name", before.name, row.name, why, last[parent][1])
            yield Disagreement(row.line, "name", row.name, before.name, why, index)
        last[parent] = (number, index)


def _number_of(row: PrintedRow) -> int | None:
    found = _NUMBERED.search(row.name)
    return int(found[1]) if found else None
