"""How does each printing tool of PyTorch make its totals and its megabytes out of its rows?

A rule is one version of one tool. It says of every row what the row adds to each sum, and of the sums what is printed
below. What a print leaves open (a row without a shape, modules below the depth limit) makes a range.

Source:  torchsummary 1.5.1; torchsummaryX 1.3.0; pytorch_model_summary 0.1.2; torchinfo 0.0.9 to 1.8.0 and
         torch-summary 1.4.5 (model_statistics.py, layer_info.py)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from grader.architecture.readers._torch_names import CONTAINERS, LEAVES
from grader.architecture.readers.printed import Format, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.ranges import UNBOUNDED, Range, made_of, whole_bounds
from grader.frozen import dataclass

MEBIBYTE = Fraction(1, 2**20)
MEGABYTE = Fraction(1, 10**6)

# torchinfo asks Python for the size of the input's storage, which adds the object's own few bytes.
_OBJECT_BYTES = 256
_NUMBER_BYTES = (4, 8, 2, 1)
_RECURRENT = frozenset({"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "RNNBase"})


class Parts(NamedTuple):
    """What rows add to the sums, each as the least and the most.

    `parameters`  learned numbers; `trainable`  those of them that are trained; `sized`  those that the megabytes
    of the parameters count; `outputs`  numbers that the pass keeps; `mult_adds`  multiply-adds
    """

    parameters: tuple[int, int] = (0, 0)
    trainable: tuple[int, int] = (0, 0)
    sized: tuple[int, int] = (0, 0)
    outputs: tuple[int, int] = (0, 0)
    mult_adds: tuple[int, int] = (0, 0)

    def plus(self, other: Parts) -> Parts:
        """Both together."""
        return Parts(*((a[0] + b[0], a[1] + b[1]) for a, b in zip(self, other, strict=True)))

    def minus(self, other: Parts) -> Parts:
        """What is left without the other."""
        return Parts(*((a[0] - b[0], a[1] - b[1]) for a, b in zip(self, other, strict=True)))


@dataclass(frozen=True)
class Layout:
    """What the rules have to know of a print beside its rows.

    `is_leaf`  per row: True for a module without modules, False for one with, None where the print does not show it
    `hides`    rows of reused modules were left out, or the tree goes on below what is printed
    `batch`    the first axis of the shapes
    """

    summary: PrintedSummary
    is_leaf: tuple[bool | None, ...]
    hides: bool
    batch: int
    inputs: tuple[PrintedShape, ...] = ()

    def has(self, column: str) -> bool:
        """True if the print has this column, or does not say which it has."""
        return not self.summary.columns or column in self.summary.columns


@dataclass(frozen=True)
class Rule:
    """One version of a tool: what a row adds, what is printed of the sums, and the megabytes of one parameter."""

    name: str
    part: Callable[[Layout, int, PrintedRow], Parts]
    totals: Callable[[Layout, Parts], dict[str, Range]]
    input_mb: Callable[[Layout], tuple[Range, ...]] = lambda _: ()
    parameter_mb: Fraction = 4 * MEBIBYTE


def layout_of(summary: PrintedSummary, inputs: Sequence[PrintedShape] = ()) -> Layout:
    """What the rules need of the summary; `inputs` are the input shapes, batch first, where they are known."""
    rows = summary.rows
    leaves: list[bool | None] = []
    for index, row in enumerate(rows):
        has_below = index + 1 < len(rows) and rows[index + 1].depth > row.depth
        if has_below:
            leaves.append(False)
        elif row.type in LEAVES:
            leaves.append(True)
        elif row.type in CONTAINERS or row.type == "MultiheadAttention":
            leaves.append(False)
        else:
            leaves.append(None)
    first = next((shape for row in rows for shape in row.outputs if shape), ())
    batch = abs(first[0]) if first and first[0] else 1
    hides = any(row.is_cut for row in rows) or _has_gaps(rows)
    return Layout(summary, tuple(leaves), hides, batch, tuple(inputs) or summary.input)


def _has_gaps(rows: Sequence[PrintedRow]) -> bool:
    """True if numbers are left out among "2-1", "2-3": torchinfo was told to hide reused modules."""
    last: dict[int, int] = {}
    for row in rows:
        if row.number is not None and row.depth:
            if row.number > last.get(row.depth, 0) + 1:
                return True
            last[row.depth] = row.number
    return False


def rules_for(summary: PrintedSummary) -> tuple[Rule, ...]:
    """Every version of the tool whose rule is known, the newest first; () for other formats."""
    return _RULES.get(summary.format, ())


def count_of(layout: Layout, row: PrintedRow) -> tuple[int, int]:
    """The count of a row, least and most; nothing is known of a cell that could not be read."""
    if row.parameters is not None:
        return whole_bounds(row.parameters, layout.summary.format)
    return (0, 0) if layout.has("parameters") and not row.is_counted else (0, UNBOUNDED)


def _trained(row: PrintedRow, count: tuple[int, int]) -> tuple[int, int]:
    if row.is_trainable is False:
        return 0, 0
    return count if row.is_trainable else (0, count[1])


def _mult_adds_of(row: PrintedRow) -> tuple[int, int]:
    return whole_bounds(row.mult_adds, Format.TORCHINFO) if row.mult_adds is not None else (0, 0)


def _numbers(shape: PrintedShape) -> int:
    """How many numbers a shape holds; the open batch is 1."""
    return abs(prod(1 if axis is None else axis for axis in shape))


def _counts(layout: Layout, sums: Parts) -> dict[str, Range]:
    """The three counts of parameters, which every tool prints."""
    (low, high), (least, most) = sums.parameters, sums.trainable
    most = min(most, high)
    frozen = max(0, low - most), UNBOUNDED if high >= UNBOUNDED else max(0, high - least)
    del layout
    return {
        "parameters": made_of(low, high),
        "trainable": made_of(least, most),
        "non_trainable": made_of(*frozen),
    }


# --- torchsummary -------------------------------------------------------------------------------


def _signed(bits: int, value: int) -> int:
    """What is left of a whole number in so many bits, as numpy counts."""
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def _torchsummary_outputs(row: PrintedRow, *, is_product: bool) -> tuple[int, int]:
    """The product by numpy over the printed shape: the open batch is -1, and a list of shapes is one product."""
    if not row.outputs:
        return -UNBOUNDED, UNBOUNDED
    each = [prod(-1 if axis is None else axis for axis in shape) for shape in row.outputs]
    made = _signed(64, prod(each)) if is_product else sum(each)
    return made, made


def _torchsummary_rule(name: str, *, is_product: bool, bits: int = 64) -> Rule:
    def part(layout: Layout, _: int, row: PrintedRow) -> Parts:
        count = count_of(layout, row)
        return Parts(count, (0, count[1]), count, _torchsummary_outputs(row, is_product=is_product))

    def totals(layout: Layout, sums: Parts) -> dict[str, Range]:
        low, high = sums.outputs
        if low == high:
            kept = abs(_signed(bits, low))
            passed = made_of(kept, kept, 8 * MEBIBYTE)
        else:
            passed = Range(Fraction(0), None)
        return {
            **_counts(layout, sums),
            "parameters_mb": made_of(*sums.sized, 4 * MEBIBYTE),
            "pass_mb": passed,
        }

    return Rule(name, part, totals, _torchsummary_input)


def _torchsummary_input(layout: Layout) -> tuple[Range, ...]:
    """The product over all axes of all inputs, without the batch, times the batch."""
    if not layout.inputs or any(None in shape[1:] for shape in layout.inputs):
        return ()
    numbers = prod(_numbers(shape[1:]) for shape in layout.inputs) * layout.batch
    return (made_of(numbers, numbers, 4 * MEBIBYTE),)


# --- torchsummaryX and pytorch_model_summary ----------------------------------------------------------


def _plain_part(layout: Layout, _: int, row: PrintedRow) -> Parts:
    count = (0, 0) if row.is_recursive else count_of(layout, row)
    return Parts(count, _trained(row, count), count, mult_adds=_mult_adds_of(row))


def _torchsummaryx_totals(layout: Layout, sums: Parts) -> dict[str, Range]:
    """Its rows count what is trained; what is frozen stands in the totals alone."""
    low, high = sums.parameters
    made = {"parameters": made_of(low, high), "trainable": made_of(low, high)}
    if "non_trainable" in layout.summary.totals:
        made["parameters"] = made_of(low, UNBOUNDED)
        made["non_trainable"] = made_of(0, UNBOUNDED)
    if layout.has("mult_adds"):
        made["mult_adds"] = made_of(*sums.mult_adds)
    return made


# --- torchinfo and torch-summary ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Tree:
    """A version of torchinfo.

    `counts_reuse`  a reused module's output counts in the pass each time (from 1.7 on)
    `sizes_leaves`  the megabytes of the parameters leave out what a container owns itself (from 1.6 on)
    `has_batch`     multiply-adds count the batch and the biases; torch-summary's do neither
    """

    counts_reuse: bool
    sizes_leaves: bool
    has_batch: bool = True
    megabyte: Fraction = MEGABYTE
    number: int = 4

    def part(self, layout: Layout, index: int, row: PrintedRow) -> Parts:
        """What a row of the tree adds."""
        count = (0, 0) if row.is_recursive else count_of(layout, row)
        if row.is_recursive and row.is_cut:
            # A container that is called piece by piece is printed as "(recursive)" from the first piece on.
            count = (0, UNBOUNDED)
        is_leaf = layout.is_leaf[index]
        sized = count if is_leaf or not self.sizes_leaves else (0, count[1] if is_leaf is None or row.is_cut else 0)
        return Parts(
            count,
            _trained(row, count),
            sized,
            self._outputs(layout, is_leaf, row, count),
            self._mult_adds(layout, is_leaf, row, count),
        )

    def _outputs(
        self, layout: Layout, is_leaf: bool | None, row: PrintedRow, count: tuple[int, int]
    ) -> tuple[int, int]:
        if row.is_cut and (count[1] or row.is_recursive):
            return 0, UNBOUNDED
        learns = row.is_recursive if row.is_recursive and self.counts_reuse else count[0] > 0
        if is_leaf is False or not (learns or count[1]):
            return 0, 0
        if not layout.has("output") or len(row.outputs) > 1:
            return 0, UNBOUNDED
        made = 2 * _numbers(row.outputs[0]) if row.outputs else 0
        return (made if is_leaf and learns else 0), made

    def _mult_adds(
        self, layout: Layout, is_leaf: bool | None, row: PrintedRow, count: tuple[int, int]
    ) -> tuple[int, int]:
        if "mult_adds" in layout.summary.columns:
            return _mult_adds_of(row)
        if not row.is_recursive and not count[1]:
            return 0, 0
        if is_leaf is False and not row.is_cut:
            return 0, 0
        if row.is_recursive or row.is_cut or is_leaf is None or len(row.outputs) != 1 or not row.outputs[0]:
            return 0, UNBOUNDED if row.outputs or not layout.has("output") else 0
        shape = row.outputs[0]
        if row.type in _RECURRENT:
            times = _numbers(shape[:2])
        elif "Conv" in row.type:
            times = _numbers((*shape[:1], *shape[2:]))
        else:
            times = _numbers(shape[:1])
        if self.has_batch:
            return times * count[0], times * count[1]
        # Without the batch and without the biases, of which there are at most as many as output channels.
        times = _numbers(shape[2:]) if "Conv" in row.type else 1
        return times * max(0, count[0] - 8 * _numbers(shape[1:2])), times * count[1]

    def totals(self, layout: Layout, sums: Parts) -> dict[str, Range]:
        """What is printed below the tree."""
        out_high, adds = sums.outputs[1], sums.mult_adds
        if layout.hides:
            out_high = UNBOUNDED
            adds = (adds[0], UNBOUNDED)
        if not self.has_batch:
            # It adds to the leaves, once for every container above them, the weights again.
            levels = 1 + max((row.depth for row in layout.summary.rows), default=1)
            adds = (adds[0], adds[1] + levels * sums.parameters[1])
        made = {
            **_counts(layout, sums),
            "parameters_mb": made_of(*sums.sized, self.number * self.megabyte),
            "pass_mb": made_of(sums.outputs[0], out_high, self.number * self.megabyte),
        }
        if layout.has("mult_adds") or layout.has("output"):
            made["mult_adds"] = made_of(*adds)
        return made

    def input_mb(self, layout: Layout) -> tuple[Range, ...]:
        """The bytes of the inputs' storage. Pixels may be bytes, words are whole numbers of eight."""
        if not layout.inputs or any(axis is None for shape in layout.inputs for axis in shape[1:]):
            return ()
        numbers = sum(_numbers(shape) for shape in layout.inputs)
        extra = _OBJECT_BYTES * len(layout.inputs)
        sizes = _NUMBER_BYTES if self.megabyte == MEGABYTE else (4,)
        # The root's row shows the first input only; two of one shape are the usual case of several.
        return tuple(
            made_of(numbers * size * times, numbers * size * times + extra * times, self.megabyte)
            for times in (1, 2, 3)
            for size in sizes
        )

    def rule(self, name: str) -> Rule:
        """A rule of this version."""
        return Rule(name, self.part, self.totals, self.input_mb, self.number * self.megabyte)


_RULES: dict[Format, tuple[Rule, ...]] = {
    Format.TORCHSUMMARY: (
        _torchsummary_rule("torchsummary", is_product=True),
        _torchsummary_rule("torchsummary (a fork that adds the outputs of a row up)", is_product=False),
        _torchsummary_rule("torchsummary (on Windows, in 32 bits)", is_product=True, bits=32),
    ),
    Format.TORCHSUMMARYX: (Rule("torchsummaryX", _plain_part, _torchsummaryx_totals),),
    Format.PYTORCH_MODEL_SUMMARY: (Rule("pytorch_model_summary", _plain_part, _counts),),
    Format.TORCHINFO: (
        _Tree(counts_reuse=True, sizes_leaves=True).rule("torchinfo"),
        _Tree(counts_reuse=False, sizes_leaves=True).rule("torchinfo 1.6"),
        _Tree(counts_reuse=False, sizes_leaves=False).rule("torchinfo before 1.6"),
        _Tree(counts_reuse=False, sizes_leaves=False, has_batch=False, megabyte=MEBIBYTE).rule("torch-summary"),
        _Tree(counts_reuse=True, sizes_leaves=True, number=2).rule("torchinfo, half precision"),
        _Tree(counts_reuse=True, sizes_leaves=True, number=8).rule("torchinfo, double precision"),
    ),
}
