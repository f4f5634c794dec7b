"""Do the kernel, the output, the count and the multiply-adds of one row of torchsummaryX go together?

It prints the weight's own shape, its first two axes changed places, so that a row holds itself: with W numbers in the
weight, a layer has W parameters or W and its biases, and makes W multiplications, a convolution W for every pixel.

Source:  torchsummaryX 1.3.0
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import isqrt, prod

from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.operations import operation_of
from grader.architecture.recompute.verdict import Disagreement
from grader.frozen import dataclass


def held_against_kernels(summary: PrintedSummary) -> tuple[PrintedSummary, list[Disagreement]]:
    """The summary with the cells put right that its kernels contradict, and what they contradict."""
    if summary.format is not Format.TORCHSUMMARYX:
        return summary, []
    rows = list(summary.rows)
    gaps = {name: _gap(summary, name) for name in ("parameters", "mult_adds")}
    said: list[Disagreement] = []
    for index, row in enumerate(rows):
        weighed = _Row.of(row, summary)
        if weighed is None or weighed.holds():
            continue
        fix = weighed.fix(gaps)
        if fix is None:
            continue
        rows[index] = fix.row
        said.append(_told(fix, weighed, row, index))
    return (replace(summary, rows=tuple(rows)) if said else summary), said


def is_proved(row: PrintedRow) -> bool:
    """True if the row's kernel and multiply-adds say its output and count once more, as those of a convolution do."""
    return len(row.kernel or ()) > 2 and row.mult_adds is not None and row.parameters is not None


def _gap(summary: PrintedSummary, name: str) -> Fraction:
    """What the rows lack of the printed total; 0 where it comes out, or is not known."""
    total = summary.totals.get("trainable" if name == "parameters" else name)
    numbers = [row.parameters if name == "parameters" else row.mult_adds for row in summary.rows]
    if total is None or any(number is not None and number.is_rounded for number in numbers):
        return Fraction(0)
    gap = total.value - sum((number.value for number in numbers if number is not None), Fraction(0))
    return Fraction(0) if abs(gap) <= total.step else gap


@dataclass(frozen=True, slots=True)
class _Fix:
    """The row with one cell said otherwise; `mends` is the total that comes out with it, "" for none."""

    row: PrintedRow
    field: str
    said: str
    right: str
    mends: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """One row with a kernel. `is_known` if its class is one of PyTorch's, so that its laws are certain."""

    row: PrintedRow
    kernel: tuple[int, ...]
    out: PrintedShape
    is_known: bool
    is_conv: bool
    frozen: int

    @classmethod
    def of(cls, row: PrintedRow, summary: PrintedSummary) -> _Row | None:
        if not row.kernel or None in row.kernel or len(row.outputs) != 1 or row.mended:
            return None
        if row.parameters is None and row.mult_adds is None:
            return None
        operation = operation_of(row.type)
        if operation.family in {"recurrent", "attention", "embedding"}:
            return None
        frozen = summary.totals.get("non_trainable")
        kept = int(frozen.value) if frozen is not None else 0
        kernel = tuple(axis or 1 for axis in row.kernel)
        # What multiplies more often than it has parameters does so for every pixel.
        learned = row.parameters.value + kept if row.parameters is not None and frozen is not None else None
        is_conv = "Conv" in row.type or (
            len(kernel) > 2 and learned is not None and row.mult_adds is not None and row.mult_adds.value > learned
        )
        return cls(row, kernel, row.outputs[0], not operation.is_custom, is_conv, kept)

    def numbers(self) -> int:
        return prod(self.kernel)

    def counts(self) -> set[int]:
        """Every count of a layer with this weight: with a bias, without one, with the weight or the bias frozen."""
        numbers = self.numbers()
        if len(self.kernel) == 1 or self.row.type.endswith("Norm"):
            return {numbers, 2 * numbers}
        biases = {self.kernel[1]} if "Transpose" not in self.row.type else {self.out[1] or 1}
        if not self.is_known:
            biases |= {numbers, self.kernel[0], self.out[min(1, len(self.out) - 1)] or 1}
        return {numbers, *(numbers + bias for bias in biases), *(biases if self.frozen else ())}

    def adds(self) -> set[int]:
        numbers, pixels = self.numbers(), prod(axis or 1 for axis in self.out[2:])
        if self.is_conv:
            return {numbers * pixels}
        return {numbers} if self.is_known else {numbers, numbers * pixels}

    def has_channels(self) -> bool:
        """True if the output has as many channels as the weight makes."""
        if len(self.out) < 2 or self.kernel == (1,):
            return True
        made = {self.out[1], self.out[-1]} if not self.is_known or len(self.kernel) < 3 else {self.out[1]}
        if "Transpose" in self.row.type:
            return (self.out[1] or 1) % self.kernel[0] == 0
        if len(self.kernel) == 1 or not self.is_known:
            return bool(made & set(self.kernel)) or not self.is_known
        if self.row.type.endswith("Norm") and "Batch" not in self.row.type:
            return True
        return self.kernel[1] in made if len(self.kernel) > 2 else self.out[-1] == self.kernel[1]

    def is_broken(self) -> bool:
        """True if a count is no whole number."""
        numbers = (self.row.parameters, self.row.mult_adds)
        return any(number is not None and number.value.denominator > 1 for number in numbers)

    def holds(self) -> bool:
        return (
            not self.is_broken()
            and (self.row.parameters is None or _is_one_of(self.row.parameters, self.counts()))
            and (self.row.mult_adds is None or _is_one_of(self.row.mult_adds, self.adds()))
            and self.has_channels()
        )

    def fix(self, gaps: dict[str, Fraction]) -> _Fix | None:
        """The one cell that, said otherwise, makes the row hold; one that mends a total before others."""
        found = [fix for fix in self._fixes(gaps) if replace(self, row=fix.row, out=fix.row.outputs[0]).holds()]
        mending = [fix for fix in found if fix.mends]
        if mending:
            return mending[0]
        if not self.is_known and not self.is_conv and not self.is_broken():
            return None  # a class of the student's own may hold more than its weight
        # The total says that the row adds what it should: its shape is wrong then, and not a number.
        whole = [fix for fix in found if fix.field == "output" or gaps[fix.field]]
        return next(iter(whole or found), None)

    def _fixes(self, gaps: dict[str, Fraction]) -> Iterator[_Fix]:
        for name, laws in (("parameters", self.counts()), ("mult_adds", self.adds())):
            number: PrintedNumber | None = getattr(self.row, name)
            if number is None:
                continue
            for right in sorted(laws, reverse=True):
                other = replace(number, value=Fraction(right))
                mends = name if gaps[name] and right - number.value == gaps[name] else ""
                row = replace(self.row, **{name: other})  # type: ignore[arg-type]
                yield _Fix(row, name, number.text.strip(), f"{right:,}", mends)
        for shape in self._shapes():
            said, right_shape = str(list(self.out)), str(list(shape))
            yield _Fix(replace(self.row, outputs=(shape,)), "output", said, right_shape)

    def _shapes(self) -> Iterator[PrintedShape]:
        """Other outputs, as the kernel's channels and the multiplications per pixel tell them."""
        out = self.out
        if len(self.kernel) == 2:
            yield (*out[:-1], self.kernel[1])
        if len(out) < 2:
            return
        yield (*out[:1], self.kernel[min(1, len(self.kernel) - 1)], *out[2:])
        if self.is_conv and self.row.mult_adds is not None and len(out) > 2:
            pixels, left = divmod(int(self.row.mult_adds.value), self.numbers())
            if left or pixels < 1:
                return
            for axis in range(2, len(out)):
                others = prod(one or 1 for one in (*out[2:axis], *out[axis + 1 :]))
                if pixels % others == 0:
                    yield (*out[:axis], pixels // others, *out[axis + 1 :])
            side = isqrt(pixels)
            if len(out) == 4 and side * side == pixels:
                yield (*out[:2], side, side)


def _is_one_of(number: PrintedNumber, values: set[int]) -> bool:
    return any(abs(number.value - value) <= number.step for value in values)


def _told(fix: _Fix, weighed: _Row, row: PrintedRow, index: int) -> Disagreement:
    kernel, numbers = list(weighed.kernel), weighed.numbers()
    why = f"a weight of {kernel} holds {numbers:,} numbers: {_words(fix)}"
    if fix.mends:
        why += ", and the total comes out"
    return Disagreement(row.line, fix.field, fix.said, fix.right, why, index)


def _words(fix: _Fix) -> str:
    if fix.field == "parameters":
        return f"{fix.right} parameters with the biases, printed is {fix.said}"
    if fix.field == "mult_adds":
        return f"{fix.right} multiplications for this output, printed is {fix.said}"
    return f"with the multiplications of this row it makes {fix.right}, printed is {fix.said}"
