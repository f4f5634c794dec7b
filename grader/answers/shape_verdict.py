"""Is the student's shape the expected one, and if not, which usual mistake is it?

Conventions: `(N, C, H, W)` as PyTorch writes it; Keras writes the channels last. A batch dimension that was left
open (-1, None, B) fits any batch size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from math import prod

from grader.answers.shapes import Entry, Shape, is_open
from grader.frozen import dataclass


class ShapeVerdict(StrEnum):
    """How a shape relates to the expected one."""

    RIGHT = "right"
    BATCH_LEFT_OUT = "batch-left-out"
    BATCH_ADDED = "batch-added"
    CHANNELS_LAST = "channels-last"
    TRANSPOSED = "transposed"
    FLATTENED = "flattened"
    WRONG_ENTRIES = "wrong-entries"
    WRONG_RANK = "wrong-rank"


@dataclass(frozen=True)
class ShapeComparison:
    """The verdict, the reading that was compared, and the indices (from 0) of the entries that are wrong."""

    verdict: ShapeVerdict
    reading: tuple[Entry, ...]
    wrong: tuple[int, ...] = ()
    said: str = ""

    @property
    def is_right(self) -> bool:
        return self.verdict is ShapeVerdict.RIGHT


_SAID = {
    ShapeVerdict.RIGHT: "the shape is right",
    ShapeVerdict.BATCH_LEFT_OUT: "right but for the batch dimension, which is left out",
    ShapeVerdict.BATCH_ADDED: "right but for a batch dimension in front, which is not asked",
    ShapeVerdict.CHANNELS_LAST: "the channels stand last, as Keras writes it; asked is (N, C, H, W)",
    ShapeVerdict.TRANSPOSED: "height and width are swapped",
    ShapeVerdict.FLATTENED: "the number of elements is right, but the dimensions are merged or split differently",
}


def compare_shapes(shape: Shape, expected: Sequence[int], *, has_batch: bool = True) -> ShapeComparison:
    """Compare with the expected shape, whose first entry is the batch size where `has_batch`.

    Of several readings of the writing the best one counts. `said` never shows the expected sizes.

    >>> from grader.answers.shapes import parse_shape
    >>> from grader.model import Place
    >>> def verdict(written, **how):
    ...     c = compare_shapes(parse_shape(written, Place("answers.json")), (16, 6, 24, 20), **how)
    ...     return str(c.verdict), c.wrong
    >>> verdict("(16, 6, 24, 20)"), verdict("[-1, 6, 24, 20]"), verdict("6x24x20")
    (('right', ()), ('right', ()), ('batch-left-out', ()))
    >>> verdict("(16, 24, 20, 6)"), verdict("(16, 6, 20, 24)"), verdict("(16, 16, 24, 20)")
    (('channels-last', ()), ('transposed', ()), ('wrong-entries', (1,)))
    """
    wanted = tuple(expected)
    outcomes = [_compare(reading, wanted, has_batch) for reading in shape.readings]
    order = list(ShapeVerdict)
    return min(outcomes, key=lambda outcome: (order.index(outcome.verdict), len(outcome.wrong)))


def _compare(entries: tuple[Entry, ...], wanted: tuple[int, ...], has_batch: bool) -> ShapeComparison:
    verdict = _verdict(entries, wanted, has_batch)
    if verdict is not None:
        return ShapeComparison(verdict, entries, said=_SAID[verdict])
    if len(entries) != len(wanted):
        said = f"{len(entries)} dimensions where {len(wanted)} are expected"
        return ShapeComparison(ShapeVerdict.WRONG_RANK, entries, said=said)
    pairs = enumerate(zip(entries, wanted, strict=True))
    wrong = tuple(at for at, (entry, size) in pairs if not _fits(entry, size, may_be_open=has_batch and at == 0))
    return ShapeComparison(ShapeVerdict.WRONG_ENTRIES, entries, wrong, _said_of(entries, wrong))


def _verdict(entries: tuple[Entry, ...], wanted: tuple[int, ...], has_batch: bool) -> ShapeVerdict | None:
    if _is_same(entries, wanted, has_batch):
        return ShapeVerdict.RIGHT
    body = wanted[1:] if has_batch else wanted
    if has_batch and _is_same(entries, body, False):
        return ShapeVerdict.BATCH_LEFT_OUT
    if not has_batch and entries and _is_same(entries[1:], wanted, False):
        return ShapeVerdict.BATCH_ADDED
    rearranged: list[tuple[ShapeVerdict, Callable[[tuple[int, ...]], tuple[int, ...]]]] = [
        (ShapeVerdict.CHANNELS_LAST, lambda sizes: (*sizes[1:], sizes[0])),
        (ShapeVerdict.TRANSPOSED, lambda sizes: (*sizes[:-2], sizes[-1], sizes[-2])),
    ]
    for verdict, change in rearranged:
        if len(body) < (2 if verdict is ShapeVerdict.CHANNELS_LAST else 3):
            continue
        changed = change(body)
        if _is_same(entries, (wanted[0], *changed) if has_batch else changed, has_batch):
            return verdict
        if has_batch and _is_same(entries, changed, False):
            return verdict  # without the batch too: the larger slip is named
    sizes = [entry for entry in entries if isinstance(entry, int)]
    start = has_batch and bool(entries) and is_open(entries[0])
    if len(entries) != len(wanted) and len(sizes) == len(entries) - start and sizes:
        count = prod(sizes)
        if count in ((prod(body),) if start else (prod(wanted), prod(body))):
            return ShapeVerdict.FLATTENED
    return None


def _is_same(entries: tuple[Entry, ...], wanted: tuple[int, ...], has_batch: bool) -> bool:
    return len(entries) == len(wanted) and all(
        _fits(entry, size, may_be_open=has_batch and at == 0)
        for at, (entry, size) in enumerate(zip(entries, wanted, strict=True))
    )


def _fits(entry: Entry, size: int, *, may_be_open: bool) -> bool:
    return may_be_open if is_open(entry) else entry == size


def _said_of(entries: tuple[Entry, ...], wrong: tuple[int, ...]) -> str:
    shown = [f"{at + 1} ({entries[at]})" for at in wrong]
    if len(shown) == 1:
        return f"entry {shown[0]} of the shape is wrong"
    return f"entries {', '.join(shown[:-1])} and {shown[-1]} of the shape are wrong"
