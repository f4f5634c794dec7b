"""Is the print whole? What a print leaves out can explain whatever does not fit: then nothing about it is certain.

Students shorten a print by dots, paste its lower half, or paste that of another framework's tool that looks alike.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

from grader.architecture.readers.printed import Format, PrintedSummary
from grader.architecture.recompute.verdict import Disagreement, SummaryVerdict

_OF_OTHERS = re.compile(r"[123]D(?:Transpose)?$")  # PyTorch writes Conv2d, Keras and PaddlePaddle Conv2D
_COUNTED_FROM = {Format.TORCHSUMMARY: 1, Format.PYTORCH_MODEL_SUMMARY: 1, Format.TORCHSUMMARYX: 0}


def humbled(verdict: SummaryVerdict) -> SummaryVerdict:
    """The verdict, with everything uncertain where the print is not whole, and one doubt that says why."""
    why = _why(verdict.summary)
    if not why:
        said = tuple(one for one in verdict.disagreements if not _is_nothing(one, verdict))
        return verdict if said == verdict.disagreements else replace(verdict, disagreements=said)
    said = tuple(replace(one, is_certain=False) for one in verdict.disagreements)
    return replace(verdict, disagreements=said, doubts=(why, *verdict.doubts))


def _is_nothing(one: Disagreement, verdict: SummaryVerdict) -> bool:
    """What an honest print of this tool shows too, and so is not worth a person's time.

    Lightning lists modules as they were made, not as they are called. An input is what the network was given. What a
    container gives whose inside is not shown is open.
    """
    summary = verdict.summary
    row = summary.rows[one.row] if one.row is not None else None
    if summary.format is Format.LIGHTNING and one.field == "name":
        return not one.is_certain
    if row is not None and one.field == "output":
        is_open = row.is_cut
        is_given = row.type.lower().startswith("input") and not (summary.format is Format.KERAS and one.is_certain)
        return is_given or (is_open and not one.is_certain)
    return False


def _why(summary: PrintedSummary) -> str:
    if summary.unread:
        lines = sorted({one.line for one in summary.unread})
        return f"line {lines[0]} was not read ({summary.unread[0].why}), so that no sum can be held against a total"
    if summary.format is Format.TORCHINFO and summary.rows:
        top = summary.rows[0]
        if top.depth > 1 or (top.depth == 1 and (top.number or 1) > 1):
            return f"the tree begins with {top.name} at depth {top.depth}: the rows above it are missing"
    start = _COUNTED_FROM.get(summary.format)
    numbers = [row.number for row in summary.rows if row.number is not None]
    if start is None or not numbers:
        return ""
    if is_numbered_by_class(summary) or any(_OF_OTHERS.search(row.type) for row in summary.rows):
        return "its rows are named or numbered as no tool of PyTorch's does: another framework's rules may hold"
    first = summary.rows[0]
    if numbers[0] > start and numbers == sorted(numbers):
        return f"the print begins with number {numbers[0]} ({first.name}): the rows before it are missing"
    jumps = [(a, b) for a, b in pairwise(numbers) if b > a + 1]
    if jumps and numbers == sorted(set(numbers)):
        a, b = jumps[0]
        return f"after number {a} comes {b}: the rows between them are missing"
    return ""


def is_numbered_by_class(summary: PrintedSummary) -> bool:
    """Whether the numbers count within each class (Conv2D-1, ReLU-1, Conv2D-2), and not the rows.

    >>> from grader.architecture.readers.printed import PrintedRow
    >>> def printed(*names):
    ...     rows = [(name.split("-")[0], int(name.split("-")[1])) for name in names]
    ...     made = tuple(PrintedRow(n, f"{kind}-{k}", kind, number=k) for n, (kind, k) in enumerate(rows, 1))
    ...     return PrintedSummary(Format.TORCHSUMMARY, 1, 9, made)
    >>> is_numbered_by_class(printed("Conv2D-1", "ReLU-1", "Conv2D-2", "ReLU-2"))
    True
    >>> is_numbered_by_class(printed("Conv2d-1", "ReLU-2", "Conv2d-3", "ReLU-4"))
    False
    """
    counted: dict[str, int] = defaultdict(int)
    has_restart = 0
    for row in summary.rows:
        if row.number is None:
            continue
        has_restart += row.number == 1
        if row.number <= counted[row.type]:
            return False
        counted[row.type] = row.number
    return has_restart > 1
