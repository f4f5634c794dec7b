"""Do the columns of a receptive-field table follow from each other?

The usual recurrences, from the input on: effective kernel k' = d (k - 1) + 1; receptive field r' = r + (k' - 1) j;
jump j' = j s; size n' = floor((n + 2p - k') / s) + 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.architecture import ShapeError, conv_output_size
from grader.architecture.readers.printed import PrintedRow, PrintedSummary
from grader.architecture.recompute.verdict import Disagreement

COLUMNS = ("receptive_field", "size", "jump")


def is_receptive_table(summary: PrintedSummary) -> bool:
    """True if the table says how far each layer sees."""
    return any(f"{name}_out" in row.settings for row in summary.rows for name in COLUMNS)


def check_receptive(summary: PrintedSummary) -> tuple[Disagreement, ...]:
    """Every cell that does not follow from its own row and from the row before; a follower of a slip is not named.

    Units:  pixels of the input
    """
    found: list[Disagreement] = []
    before: PrintedRow | None = None
    for index, row in enumerate(summary.rows):
        found += _row(row, index, before)
        before = row
    return tuple(found)


def _row(row: PrintedRow, index: int, before: PrintedRow | None) -> Iterator[Disagreement]:
    for name in COLUMNS:
        given, last = _number(row, f"{name}_in"), _number(before, f"{name}_out")
        if given is not None and last is not None and given != last:
            why = f"the layer before ends with {last}, this one begins with {given}"
            yield Disagreement(row.line, f"{name}_in", str(given), str(last), why, index)
    kernel, stride = _number(row, "kernel"), _number(row, "stride") or 1
    if kernel is None:
        return
    effective = (_number(row, "dilation") or 1) * (kernel - 1) + 1
    said = _number(row, "effective_kernel")
    if said is not None and said != effective:
        why = f"a kernel of {kernel} with dilation {_number(row, 'dilation') or 1} reaches over {effective} pixels"
        yield Disagreement(row.line, "effective_kernel", str(said), str(effective), why, index)
    # What follows from the row as it stands: one slip is named once.
    wide = {effective, said} - {None}
    yield from _outputs(row, index, before, sorted(width for width in wide if width), stride)


def _outputs(
    row: PrintedRow, index: int, before: PrintedRow | None, widths: Sequence[int], stride: int
) -> Iterator[Disagreement]:
    jumps, fields, sizes = (_inputs(row, before, name) for name in ("jump", "receptive_field", "size"))
    laws = {
        "jump": [jump * stride for jump in jumps],
        "receptive_field": [field + (width - 1) * jump for field in fields for width in widths for jump in jumps],
        "size": [made for size in sizes for width in widths if (made := _size(row, size, width, stride)) is not None],
    }
    for name, right in laws.items():
        said = _number(row, f"{name}_out")
        if said is None or not right or said in right:
            continue
        words = {
            "jump": f"jump {jumps[:1]} times stride {stride}",
            "receptive_field": f"{fields[:1]} + ({widths[0]} - 1) * {jumps[:1]}",
            "size": f"{sizes[:1]} pixels, kernel {widths[0]}, stride {stride}, padding {_number(row, 'padding') or 0}",
        }[name]
        why = f"{words.replace('[', '').replace(']', '')} gives {right[0]}"
        yield Disagreement(row.line, f"{name}_out", str(said), str(right[0]), why, index)


def _inputs(row: PrintedRow, before: PrintedRow | None, name: str) -> list[int]:
    """What goes in: as the row says and as the row before ends; either may be the slip."""
    values = [_number(row, f"{name}_in"), _number(before, f"{name}_out")]
    return list(dict.fromkeys(value for value in values if value is not None))


def _size(row: PrintedRow, size: int, width: int, stride: int) -> int | None:
    padding = row.settings.get("padding")
    if padding == "same":
        return -(-size // stride)
    try:
        return conv_output_size(size, width, stride=stride, padding=_number(row, "padding") or 0)
    except ShapeError:
        return None


def _number(row: PrintedRow | None, name: str) -> int | None:
    value = row.settings.get(name) if row is not None else None
    if isinstance(value, list | tuple) and value and len(set(map(str, value))) == 1:
        value = value[0]
    return value if isinstance(value, int) and not isinstance(value, bool) else None
