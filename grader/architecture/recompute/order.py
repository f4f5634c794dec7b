"""Do the rows stand in the order in which they are numbered?

torchsummary and its kin number every call (Conv2d-1, ReLU-2), torchinfo every row of a depth (2-3): both ascend by
one. Keras numbers the layers of a class (conv2d, conv2d_1), in the order in which they were made: weak evidence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from grader.architecture.readers.printed import Format, PrintedRow, PrintedSummary
from grader.architecture.recompute.verdict import Disagreement

_CHILD = re.compile(r"\((\d+)\)")
_COUNTED = {Format.TORCHSUMMARY, Format.TORCHINFO, Format.TORCHSUMMARYX, Format.PYTORCH_MODEL_SUMMARY}


def misplaced(summary: PrintedSummary) -> tuple[list[int], list[Disagreement], list[str]]:
    """The rows in their numbered order (indices), what disagrees with it, and what is doubtful."""
    order = list(range(len(summary.rows)))
    if summary.format is Format.KERAS:
        return order, _keras_order(summary.rows), []
    if summary.format not in _COUNTED:
        return order, [], []
    said: list[Disagreement] = []
    doubts: list[str] = []
    levels: dict[int, list[int]] = defaultdict(list)
    seen: set[tuple[int, str]] = set()
    is_shaped = any(row.outputs for row in summary.rows)
    for index, row in enumerate(summary.rows):
        # what torchinfo prints again, or never ran, keeps the number of another time
        is_again = row.is_recursive or (row.depth, row.name) in seen or (is_shaped and not row.outputs)
        if row.number is not None and not (summary.format is Format.TORCHINFO and is_again):
            levels[row.depth].append(index)
        seen.add((row.depth, row.name))
    said += _sequence_order(summary)
    for places in levels.values():
        numbers = [summary.rows[index].number or 0 for index in places]
        if all(later > earlier for earlier, later in pairwise(numbers)):
            if numbers and numbers[-1] - numbers[0] >= len(numbers) and not summary.unread:
                doubts += _gaps(summary, places, numbers)
            continue
        found, sorted_places = _displaced(summary.rows, places, numbers)
        said += found
        if sorted_places is not None:
            for place, index in zip(places, sorted_places, strict=True):
                order[place] = index
    return order, said, doubts


def _sequence_order(summary: PrintedSummary) -> list[Disagreement]:
    """The children of a torch.nn.Sequential are called "0", "1", ... and run in this order."""
    found: list[Disagreement] = []
    parents: list[int] = []
    last: dict[int, tuple[int, int]] = {}
    for index, row in enumerate(summary.rows):
        while parents and summary.rows[parents[-1]].depth >= row.depth:
            parents.pop()
        name = _CHILD.search(row.name)
        if name is not None and parents and summary.rows[parents[-1]].type == "Sequential":
            number, before = int(name[1]), last.get(parents[-1])
            if before is not None and number < before[0] and not row.is_recursive:
                other = summary.rows[before[1]]
                why = f"a Sequential runs its children in their order: {row.name} belongs before {other.name}"
                found.append(Disagreement(other.line, "name", other.name, row.name, why, before[1]))
            last[parents[-1]] = (number, index)
        parents.append(index)
    return found


def _gaps(summary: PrintedSummary, places: Sequence[int], numbers: Sequence[int]) -> list[str]:
    if summary.format is not Format.TORCHSUMMARY:
        return []  # hidden recursive layers and depth limits leave gaps in a tree
    return [
        f"line {summary.rows[place].line}: {summary.rows[place].name} follows {summary.rows[before].name}: "
        "a row between them is not printed"
        for (before, place), (one, other) in zip(pairwise(places), pairwise(numbers), strict=True)
        if other != one + 1
    ][:5]


def _displaced(
    rows: Sequence[PrintedRow], places: Sequence[int], numbers: Sequence[int]
) -> tuple[list[Disagreement], list[int] | None]:
    """The rows whose number is not the one of their place."""
    first = min(numbers)
    is_shuffled = len(set(numbers)) == len(numbers)
    wanted = sorted(numbers) if is_shuffled else list(range(first, first + len(numbers)))
    found = []
    skip = -1
    for position, (place, number, right) in enumerate(zip(places, numbers, wanted, strict=True)):
        if number == right or position <= skip:
            continue
        row = rows[place]
        is_pair = position + 1 < len(numbers) and numbers[position + 1] == right and wanted[position + 1] == number
        if is_pair:
            skip = position + 1
            other = rows[places[position + 1]]
            why = f"rows are numbered in the order in which they ran: {other.name} belongs before {row.name}"
        else:
            why = f"rows are numbered in the order in which they ran: here number {right} is due, printed is {number}"
        said = row.name if str(number) in row.name else f"{row.name} (number {number})"
        found.append(Disagreement(row.line, "name", said, str(right), why, place))
        if len(found) >= 12:
            break
    ordered = sorted(places, key=lambda place: rows[place].number or 0) if is_shuffled else None
    return found, ordered


def _keras_order(rows: Sequence[PrintedRow]) -> list[Disagreement]:
    """Layers of one class whose numbers go down, in a model whose layers stand in a row."""
    if any(row.connected for row in rows):
        return []
    last: dict[str, tuple[int, PrintedRow]] = {}
    found = []
    for index, row in enumerate(rows):
        base, _, digits = row.name.rpartition("_")
        if not digits.isdigit():
            base, digits = row.name, "0"
        number = int(digits)
        before = last.get(base)
        if before is not None and number < before[0]:
            why = f"Keras counts the layers of a class up as they are made: {row.name} was made before {before[1].name}"
            found.append(
                Disagreement(before[1].line, "name", before[1].name, row.name, why, index - 1, is_certain=False)
            )
        last[base] = (number, row)
    return found
