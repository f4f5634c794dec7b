"""In which order did the printed rows happen?

A torchsummary prints a container behind its children; a tree prints it before them. Here every print becomes one
list in the order of execution, containers behind their children.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from grader.architecture.readers.printed import Format, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.kernels import is_proved
from grader.architecture.recompute.operations import CUSTOM, Operation, operation_of
from grader.architecture.recompute.printed_layers import printed_layers
from grader.frozen import dataclass

_SEQUENCE = Operation("sequence")  # a torch.nn.Sequential gives what its last child gives


@dataclass(frozen=True, slots=True)
class Step:
    """One row at its place in time.

    `row`      index into the summary's rows;  `name` the class as printed
    `count`    the printed parameters, None where none is printed or it is rounded
    `sources`  the steps that feed it, where that is certain: Keras's connections, the children of a Sequential
    `inputs`   the input shapes where the print states them
    `holds`    how many of the steps before it are its own children
    `is_proved`  other cells of the row say its output and count once more
    """

    row: int
    name: str
    operation: Operation
    outputs: tuple[PrintedShape, ...]
    count: int | None
    kernel: PrintedShape | None = None
    inputs: tuple[PrintedShape, ...] = ()
    sources: tuple[int, ...] | None = None
    holds: int = 0
    is_proved: bool = False


def with_cells(step: Step, outputs: tuple[PrintedShape, ...], count: int | None) -> Step:
    """The step with other cells: made thousands of times, and `replace` is slow."""
    return Step(step.row, step.name, step.operation, outputs, count, step.kernel, step.inputs, step.sources, step.holds)


def steps_of(summary: PrintedSummary) -> list[Step]:
    """The rows of `summary` in the order of execution."""
    rows = summary.rows
    is_keras = summary.format is Format.KERAS
    made: list[Step] = []
    place: dict[str, int] = {}
    at: dict[int, int] = {}
    before = {} if is_keras else _fed_by_sibling(rows)
    names = Counter(_plain(row.name) for row in rows)
    twice = {name for name, times in names.items() if times > 1}  # cut, or in two nested models
    printed = printed_layers(summary) if summary.modules else {}
    for index, holds in _in_time(rows):
        row = rows[index]
        operation = operation_of(row.type, is_keras=is_keras)
        if row.type in printed:
            operation = replace(operation, printed=printed[row.type])
        if holds or row.is_cut:
            is_sequence = row.type == "Sequential" and holds and not row.is_recursive and not row.is_cut
            operation = _SEQUENCE if is_sequence else Operation("custom", is_keras=True) if is_keras else CUSTOM
        count = None
        if row.parameters is not None and not row.parameters.is_rounded and not row.is_recursive:
            count = int(row.parameters.value)
        sources = _connected(row, place, len(made), is_first=not made) if is_keras else None
        outputs = tuple(shape for shape in row.outputs if shape)
        if index in before and before[index] in at:
            sources = (at[before[index]],)
        kernel, is_sure = row.kernel or None, summary.format is Format.TORCHSUMMARYX and is_proved(row)
        made.append(Step(index, row.type, operation, outputs, count, kernel, row.inputs, sources, holds, is_sure))
        at[index] = len(made) - 1
        if _plain(row.name) not in twice:
            place[_plain(row.name)] = at[index]
    return made


def _fed_by_sibling(rows: Sequence[PrintedRow]) -> dict[int, int]:
    """For the children of a torch.nn.Sequential that ran as a whole: the sibling whose output each one takes."""
    found: dict[int, int] = {}
    parents: list[int] = []
    last: dict[int, int] = {}
    for index, row in enumerate(rows):
        while parents and rows[parents[-1]].depth >= row.depth:
            parents.pop()
        if parents:
            parent = parents[-1]
            one = rows[parent]
            if one.type == "Sequential" and one.outputs and not one.is_recursive and row.depth == one.depth + 1:
                if parent in last and rows[last[parent]].outputs:
                    found[index] = last[parent]
                last[parent] = index
        parents.append(index)
    return found


def _plain(name: str) -> str:
    return name.split(" ", maxsplit=1)[0].split("[", maxsplit=1)[0].rstrip("….,")


def _connected(row: PrintedRow, place: dict[str, int], here: int, *, is_first: bool) -> tuple[int, ...] | None:
    if not row.connected:
        return None
    found = [None if name.endswith("…") else place.get(_plain(name)) for name in row.connected]
    if is_first or any(one is None for one in found):
        return None
    return tuple(one for one in found if one is not None and one < here)


def _in_time(rows: Sequence[PrintedRow]) -> list[tuple[int, int]]:
    """Indices of the rows, each with the number of rows below it, children first."""
    order: list[tuple[int, int]] = []
    open_rows: list[tuple[int, int]] = []  # (index, length of `order` when it was opened)
    for index, row in enumerate(rows):
        while open_rows and rows[open_rows[-1][0]].depth >= row.depth:
            top, since = open_rows.pop()
            order.append((top, len(order) - since))
        open_rows.append((index, len(order)))
    while open_rows:
        top, since = open_rows.pop()
        order.append((top, len(order) - since))
    return order
