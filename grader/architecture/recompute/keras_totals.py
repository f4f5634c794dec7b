"""Which lines below the table of Keras can be: the sizes behind the counts, what is frozen, a total that is no sum?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

from grader.architecture.readers.printed import Format, PrintedNumber, PrintedSummary
from grader.architecture.recompute.megabytes import MEBIBYTE
from grader.architecture.recompute.other_totals import is_part_sum, keras_size
from grader.architecture.recompute.ranges import Range
from grader.architecture.recompute.total_words import WORDS
from grader.architecture.recompute.verdict import Disagreement

NESTED = frozenset({"Functional", "Model", "Sequential"})
# Keras prints a size behind each count.
SIZES = {
    "parameters": "total_mb",
    "trainable": "trainable_mb",
    "non_trainable": "non_trainable_mb",
    "optimizer": "optimizer_mb",
}


def keras_sizes(
    printed: Mapping[str, PrintedNumber], ranges: Mapping[str, Range], parameter_mb: Fraction, told: Collection[str]
) -> list[Disagreement]:
    """The sizes behind the counts that do not follow from them; those of counts that are `told` wrong are left out."""
    found = []
    for count, size in SIZES.items():
        said, total, made = printed.get(size), printed.get(count), ranges.get(size)
        if said is None or made is None or (made.is_known and made.allows(said)) or count in told:
            continue
        if total is not None:
            counter = 0 if "trainable" in count or "optimizer" not in printed else 8 * MEBIBYTE
            value = total.value * parameter_mb
            follows = Range(value, value + counter)
            if follows.allows(said):
                continue
            made = made if made.is_known else follows
        if not made.allows(said):
            right, text = keras_size(made.low), said.text.strip()
            each = int(parameter_mb / MEBIBYTE)
            why = f"{WORDS[size]} would be {right}, at {each} bytes each, not {text}"
            found.append(Disagreement(said.line, size, text, right, why))
    return found


def can_be_frozen(summary: PrintedSummary, counts: Sequence[tuple[int, int]], value: Fraction) -> bool:
    """True if some layers of Keras, and what normalisations keep beside, hold so many numbers."""
    kinds = {row.type for row in summary.rows}
    if summary.format is not Format.KERAS or kinds & NESTED or any(low != high for low, high in counts):
        return True
    parts = []
    for row, (count, _) in zip(summary.rows, counts, strict=True):
        parts += [count // 2, count // 2] if row.type == "BatchNormalization" else [count]
    return is_part_sum(int(value), parts)


def is_refrozen(summary: PrintedSummary, counts: Sequence[int], difference: int) -> bool:
    """True if the total may honestly differ so much from the sum of the rows.

    Keras counts what was trainable when the model was compiled: freezing later counts a layer twice or never. And
    nested models may share layers with rows of this one or with each other.
    """
    frozen = summary.totals.get("non_trainable")
    title = summary.title.lower()
    is_own = bool(title) and not title.startswith(("sequential", "model", "functional"))
    if difference > 0:
        twice = frozen is not None and frozen.value >= difference and is_part_sum(difference, counts)
        return twice or is_own
    nested = [row.type in NESTED and not row.depth for row in summary.rows]
    others = [count for count, is_nested in zip(counts, nested, strict=True) if not is_nested]
    return sum(nested) > 1 or is_part_sum(-difference, others if any(nested) else counts)
