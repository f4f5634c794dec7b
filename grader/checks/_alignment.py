"""Which row of the student's stands for which layer, when a row was left out or one too many was written?

Row by row where the numbers agree. Else the assignment is sought that is best for the student; a layer without a
row, and a row without a layer, each cost a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb

from grader.answers.shapes import Entry
from grader.checks._follow_through import JudgedRow, Table
from grader.checks._live import squashed
from grader.checks._network import Step
from grader.checks._table_rows import TableRow
from grader.frozen import dataclass

MAX_TRIED = 300  # assignments that are tried one by one

Assignment = Mapping[int, TableRow]  # by the number of the step


@dataclass(frozen=True)
class Aligned:
    """The judged rows, and the student's rows that stand for no layer."""

    judged: tuple[JudgedRow, ...]
    spare: tuple[TableRow, ...]

    @property
    def credit(self) -> Fraction:
        """Credited cells among all that count, with a row's worth of cells for each spare row."""
        asked = [row for row in self.judged if row.number]
        width = len(asked[0].cells) if asked else 1
        return Fraction(sum(row.credited for row in asked), width * (len(asked) + len(self.spare)))


def align(table: Table, rows: Sequence[TableRow]) -> Aligned:
    """The judged table under the assignment of rows to layers that is best for the student; of several the plainest."""
    best: Assignment = {}
    best_credit = Fraction(-1)
    for assignment in _assignments(table, rows):
        credit = _judged(table, rows, assignment, is_named=False).credit
        if credit > best_credit:
            best, best_credit = assignment, credit
        if credit == 1:
            break
    return _judged(table, rows, best, is_named=True)


def _judged(table: Table, rows: Sequence[TableRow], assignment: Assignment, *, is_named: bool) -> Aligned:
    """A row for a layer that is not asked is welcome if it is right; else it is one too many."""
    judged = table.judge(assignment, is_named=is_named)
    kept = [row for row in judged if row.number or row.is_all_credited]
    used = {row.row.number for row in kept if row.row is not None}
    return Aligned(tuple(kept), tuple(row for row in rows if row.number not in used))


def _assignments(table: Table, rows: Sequence[TableRow]) -> Iterator[Assignment]:
    asked, steps = table.network.asked, table.network.steps
    if len(rows) == len(asked):
        yield _zipped(asked, rows)
    if len(rows) == len(steps):
        yield _zipped(steps, rows)
    if not rows or not asked:
        return
    missing, spare = len(asked) - len(rows), len(rows) - len(asked)
    if missing > 0 and comb(len(asked), missing) <= MAX_TRIED:
        for left in combinations(asked, len(rows)):
            yield _zipped(left, rows)
    if spare > 0 and comb(len(rows), spare) <= MAX_TRIED:
        for left_rows in combinations(rows, len(asked)):
            yield _zipped(asked, left_rows)
    yield _most_alike(asked, rows)
    if len(steps) > len(asked):
        yield _most_alike(steps, rows)


def _zipped(steps: Sequence[Step], rows: Sequence[TableRow]) -> Assignment:
    return {step.number: row for step, row in zip(steps, rows, strict=True)}


def _most_alike(steps: Sequence[Step], rows: Sequence[TableRow]) -> Assignment:
    """The assignment in order that makes the sum of likenesses largest (an alignment by dynamic programming)."""
    sums = [[0] * (len(rows) + 1) for _ in range(len(steps) + 1)]
    likeness = [[_likeness(step, row) for row in rows] for step in steps]
    for i in range(1, len(steps) + 1):
        for j in range(1, len(rows) + 1):
            together = sums[i - 1][j - 1] + likeness[i - 1][j - 1]
            sums[i][j] = max(together, sums[i - 1][j], sums[i][j - 1])
    made: dict[int, TableRow] = {}
    i, j = len(steps), len(rows)
    while i and j:
        if sums[i][j] == sums[i - 1][j]:
            i -= 1
        elif sums[i][j] == sums[i][j - 1]:
            j -= 1
        else:
            made[steps[i - 1].number] = rows[j - 1]
            i, j = i - 1, j - 1
    return made


def _likeness(step: Step, row: TableRow) -> int:
    """How much a row looks like a layer: above all by its numbers, then by rank and name; 1 for being a row at all."""
    score = 1
    output, parameters = row.cells.get("output"), row.cells.get("parameters")
    if output is not None:
        score += max((_shape_likeness(entries, step.right.output) for entries in output.shapes), default=0)
    if parameters is not None and step.right.parameters in parameters.numbers:
        score += 12 if step.right.parameters else 4
    if row.layer and (squashed(step.kind) in squashed(row.layer) or squashed(step.name) == squashed(row.layer)):
        score += 8
    return score


def _shape_likeness(entries: tuple[Entry, ...], right: tuple[int, ...]) -> int:
    body = entries[1:] if len(entries) == len(right) + 1 else entries
    if len(body) != len(right):
        return 0
    same = sum(entry == size for entry, size in zip(body, right, strict=True))
    return 12 if same == len(right) else 2 + 6 * same // max(len(right), 1)
