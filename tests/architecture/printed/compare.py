"""Is a real print read as its tool meant it, and found in order? Each thing that is not, as one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Truth = dict[str, Any]


def truths(folder: Path) -> list[Truth]:
    """What is known about every print of a folder (see make_printed.py)."""
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))["prints"]


def plain(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    """A shape with its open axis as None: torchsummary prints -1."""
    return tuple(None if axis == -1 else axis for axis in shape)


def flat(shapes: Any) -> Iterator[list[int]]:
    """The shapes of an output however nested; a tensor that was not there (Lightning's `?`) is left out."""
    for shape in shapes or ():
        if isinstance(shape, list):
            if all(isinstance(axis, int) or axis is None for axis in shape):
                yield shape
            else:
                yield from flat(shape)


def holds(number: Any, value: int) -> bool:
    """True if a printed number, exact or rounded, can stand for this value. Lightning cuts: a whole step either way."""
    return abs(number.value - value) <= number.step


def expanded(rows: Sequence[Any]) -> Iterator[Any]:
    """The rows without children of a repr, `(0-5): 6 x Block` as often as it says."""
    for index, row in enumerate(rows):
        if not (index + 1 < len(rows) and rows[index + 1].depth > row.depth):
            yield row


def reading_problems(truth: Truth, summaries: Sequence[Any]) -> Iterator[str]:
    """What was read otherwise than it was printed."""
    of_kind = [summary for summary in summaries if str(summary.format) == truth["kind"]]
    if len(of_kind) != 1 or (len(summaries) > 1 and truth["variant"] != "hierarchical"):
        yield f"{len(summaries)} summaries found: {[str(summary.format) for summary in summaries]}"
        return
    [summary] = of_kind
    if summary.unread:
        one = summary.unread[0]
        yield f"{len(summary.unread)} lines not read, first {one.line}: {one.text.strip()[:60]!r} ({one.why})"
    if truth["kind"] == "print":
        yield from _repr_problems(truth, summary)
        return
    rows, wanted = list(summary.rows), truth["rows"]
    if truth["kind"] == "lightning" and "other" in truth and len(rows) == len(wanted) + 1:
        rows = rows[:-1]
    if len(rows) != len(wanted):
        yield f"{len(rows)} rows of {len(wanted)}"
        return
    for row, (kind, shapes, count, *more) in zip(rows, wanted, strict=True):
        where = f"line {row.line}, {row.name}"
        if truth["kind"] != "torchsummaryX" and row.type != kind:
            yield f"{where}: type {row.type!r} of {kind!r}"
        shapes_wanted = tuple(plain(shape) for shape in flat(shapes))
        if tuple(plain(shape) for shape in row.outputs) != shapes_wanted:
            yield f"{where}: shapes {row.outputs} of {shapes_wanted}"
        if count is None and row.parameters is not None:
            yield f"{where}: count {row.parameters.text!r} where none is printed"
        if count is not None and (row.parameters is None or not holds(row.parameters, count)):
            yield f"{where}: count {row.parameters.text if row.parameters else None!r} of {count:,}"
        if truth["kind"] != "torchsummaryX" and ("recursive" in more) != row.is_recursive:  # pandas prints "-" for it
            yield f"{where}: recursive {row.is_recursive}"
    total = summary.totals.get("parameters")
    if total is None or not holds(total, truth["total"]):
        yield f"total {total.text if total else None!r} of {truth['total']:,}"


def _repr_problems(truth: Truth, summary: Any) -> Iterator[str]:
    leaves = [row.type for row in expanded(summary.rows)]
    wanted = [row[0] for row in truth["rows"]]
    if len(set(wanted)) != len(set(leaves)) or (
        len(leaves) != len(wanted) and not any("x " in note for note in summary.notes)
    ):
        yield f"{len(leaves)} modules of {len(wanted)}"


def judging_problems(truth: Truth, verdicts: Sequence[Any]) -> Iterator[str]:
    """What an honest print was accused of, and known faults of its tool that were not said."""
    for verdict in verdicts:
        for one in verdict.disagreements:
            certain = "wrong" if one.is_certain else "doubtful"
            numbers = f"said {one.said}, recomputed {one.recomputed}"
            yield f"{certain}: line {one.line}, {one.field}: {numbers}: {one.why[:160]}"
        if _shows_a_defect(truth) and not verdict.defects and str(verdict.summary.format) == truth["kind"]:
            yield f"no defect said: {truth['defect']}"


def _shows_a_defect(truth: Truth) -> bool:
    """True where a person sees from the print alone that its tool miscounts: a recurrent layer without parameters.

    Two layers that share a tensor, or one that is called twice, look like any two layers.
    """
    uncounted = ("LSTM", "GRU", "RNN", "MultiheadAttention")
    return truth["kind"] == "torchsummary" and any(row[0] in uncounted and not row[2] for row in truth["rows"])
