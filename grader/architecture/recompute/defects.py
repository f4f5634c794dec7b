"""Which known faults of a printing tool show in a print? They are said, and never charged to who pasted it.

What only the live model shows (one module called twice, a tensor shared by two layers, a parameter that no row has)
cannot be told from a print: there the rows and the total still agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grader.architecture.readers.printed import Format, PrintedRow, PrintedShape, PrintedSummary
from grader.frozen import dataclass

_UNSEEN = frozenset({"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention"})
_VECTOR_AXES = 2  # batch and features


@dataclass(frozen=True)
class Defect:
    """A fault of a tool: who has it, and the sentence for a print that shows it (None where it does not show)."""

    formats: tuple[Format, ...]
    said: Callable[[PrintedSummary], str | None]


def known_defects(summary: PrintedSummary) -> tuple[str, ...]:
    """The faults of the tool that show in this print, one sentence each.

    >>> from fractions import Fraction
    >>> from grader.architecture.readers.printed import PrintedNumber
    >>> zero = PrintedNumber(Fraction(0), Fraction(0), 4, "0")
    >>> row = PrintedRow(4, "GRU-2", "GRU", outputs=((None, 40, 96),), parameters=zero)
    >>> known_defects(PrintedSummary(Format.TORCHSUMMARY, 1, 9, (row,)))[0][:52]
    'torchsummary counts nothing for GRU-2, for it looks '
    """
    found = (defect.said(summary) for defect in DEFECTS if summary.format in defect.formats)
    return tuple(sentence for sentence in found if sentence is not None)


def _uncounted(summary: PrintedSummary) -> str | None:
    """It reads `.weight` and `.bias` only."""
    rows = [
        row for row in summary.rows if row.type in _UNSEEN and row.parameters is not None and not row.parameters.value
    ]
    if not rows:
        return None
    return (
        f"torchsummary counts nothing for {_names(rows)}, for it looks at attributes named weight and bias only: "
        f"the total is smaller than that of the network"
    )


def _multiplied(summary: PrintedSummary) -> str | None:
    """It multiplies the shapes of an output that is a list."""
    rows = [row for row in summary.rows if len(row.outputs) > 1]
    if not rows or "pass_mb" not in summary.totals:
        return None
    return (
        f"torchsummary multiplies the shapes of {_names(rows)} with each other instead of adding them up: the size of "
        f"the forward and backward pass is no real one"
    )


def _counted_again(summary: PrintedSummary) -> str | None:
    """It counts a module at every call: the rows start again although the image is a vector already."""
    for length in _repeats(summary):
        first, again = summary.rows[0], summary.rows[length]
        return (
            f"the rows from {again.name} on are those from {first.name} on once more, as when one network is called "
            f"twice: torchsummary counts its parameters at every call"
        )
    return None


def _repeats(summary: PrintedSummary) -> Iterator[int]:
    rows = summary.rows
    for length in range(2, len(rows) // 2 + 1):
        if _told(rows[length]) != _told(rows[0]) or not rows[length - 1].outputs or not rows[0].outputs:
            continue
        is_over = len(rows[length - 1].outputs[0]) == _VECTOR_AXES < len(rows[0].outputs[0])
        is_same = all(_told(one) == _told(other) for one, other in zip(rows, rows[length : 2 * length], strict=False))
        learns = any(row.parameters is not None and row.parameters.value for row in rows[:length])
        if is_over and is_same and learns:
            yield length


def _told(row: PrintedRow) -> tuple[str, tuple[PrintedShape, ...], object]:
    return row.type, row.outputs, row.parameters.value if row.parameters is not None else None


def _left_out(summary: PrintedSummary) -> str | None:
    """Before 1.7 torchinfo counted modules without modules only."""
    rows = [
        row
        for row in summary.rows
        if row.type == "MultiheadAttention" and row.parameters is None and not row.is_recursive and not row.is_counted
    ]
    if not rows:
        return None
    return f"torchinfo before 1.7 counts nothing for {_names(rows)}: the total is smaller than that of the network"


def _unlisted(summary: PrintedSummary) -> str | None:
    """It lists modules without modules only: an attention holds one, and is called past it."""
    names = [row.name for row in summary.rows]
    has_layers = any(".linear1" in name or "_linear1" in name for name in names)
    if not has_layers or not any("norm1" in name for name in names) or any("attn" in name for name in names):
        return None
    return "torchsummaryX does not list the attention in a transformer's layers: the total leaves it out"


def _names(rows: list[PrintedRow]) -> str:
    names = [row.name for row in rows]
    return " and ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more rows"


DEFECTS = (
    Defect((Format.TORCHSUMMARY,), _uncounted),
    Defect((Format.TORCHSUMMARY,), _multiplied),
    Defect((Format.TORCHSUMMARY,), _counted_again),
    Defect((Format.TORCHINFO,), _left_out),
    Defect((Format.TORCHSUMMARYX,), _unlisted),
)
