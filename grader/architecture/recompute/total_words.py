"""How is a total named and written in a sentence, and what does a print say of the version that made it?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from grader.architecture.readers.printed import PrintedNumber, PrintedShape, PrintedSummary
from grader.architecture.recompute.inputs import USUAL_SIDES
from grader.architecture.recompute.ranges import Range, printed_bounds, written_like

WORDS = {
    "parameters": "the total of the parameters",
    "trainable": "the number of trainable parameters",
    "non_trainable": "the number of parameters that are not trained",
    "optimizer": "the number that the optimizer keeps",
    "mult_adds": "the total of the multiply-adds",
    "input_mb": "the size of the input",
    "pass_mb": "the size of the forward and backward pass",
    "parameters_mb": "the size of the parameters",
    "total_mb": "the estimated total size",
    "trainable_mb": "the size of the trainable parameters",
    "non_trainable_mb": "the size of the parameters that are not trained",
    "optimizer_mb": "the size of what the optimizer keeps",
}

_MOST_STRIDE = 4
_HIDDEN = 12  # pixels of a side that padding and stride may hide


def is_since_1_7(summary: PrintedSummary) -> bool:
    """True if torchinfo printed what it prints from 1.7 on: the root's shape, or counts of modules that hold others."""
    rows = summary.rows
    has_shape = bool(rows) and not rows[0].depth and bool(rows[0].outputs)
    return has_shape or any(
        row.parameters is not None and after.depth == row.depth + 1
        for row, after in pairwise(rows)
        if not row.is_recursive
    )


def around(made: Range, inputs: Sequence[PrintedShape], said: PrintedNumber | None) -> Range:
    """The size of a guessed picture, or of one a little smaller or larger that prints the same: the padding is a guess.

    A stride and a padding hide some pixels of each side; a vector is known by its weights.
    """
    sides = [shape[2] or 1 for shape in inputs if len(shape) == 4]
    if not sides or made.high is None:
        return made
    low = made.low * Fraction(max(sides[0] - _HIDDEN, 0), sides[0]) ** 2
    times = 1 if sides[0] in USUAL_SIDES else _MOST_STRIDE  # an unusual side may come of a stride
    high = made.high * Fraction(times * sides[0] + _HIDDEN, sides[0]) ** 2
    least, most = printed_bounds(said) if said is not None else (low, high)
    return Range(max(low, least), min(high, most))


def is_sure(inputs: Sequence[PrintedShape]) -> bool:
    """True if a guessed input can hardly be another one of about the same size: vectors, and grey or colour squares.

    >>> is_sure([(None, 3, 224, 224)]), is_sure([(None, 100, 1, 1)])
    (True, False)
    """
    return all(len(shape) == 2 or (len(shape) == 4 and shape[1] in {1, 3} and shape[2] == shape[3]) for shape in inputs)


def plain(number: PrintedNumber) -> str:
    """A total without its label: the printed text where it is short, else the value."""
    value = number.value
    return written_like(Range(value, value), number)


def shown(value: Fraction) -> str:
    """A value in a sentence: whole numbers in full, others with two decimals."""
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,.2f}"


def changed_digits(said: Fraction, wanted: Fraction) -> int:
    """How many digits of two whole numbers differ.

    >>> changed_digits(Fraction(320), Fraction(340)), changed_digits(Fraction(0), Fraction(700))
    (1, 1)
    """
    one, other = str(int(said)), str(int(wanted))
    width = max(len(one), len(other))
    return sum(a != b for a, b in zip(one.zfill(width), other.zfill(width), strict=True))
