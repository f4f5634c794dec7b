"""How do Keras, Lightning and a person make the totals and megabytes out of the rows?

Source:  keras/utils/layer_utils.py (2.0 to 2.15) and summary_utils.py (3); pytorch-lightning 0.7 to 2.6,
         utilities/model_summary
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from grader.architecture.readers.printed import Format, PrintedRow, PrintedSummary
from grader.architecture.recompute.megabytes import MEBIBYTE, MEGABYTE, Layout, Parts, Rule, count_of
from grader.architecture.recompute.ranges import UNBOUNDED, Range, made_of

_KILO = 1024
# A sum of this many parameters is not taken apart: the set of its part sums would need too much memory.
_LARGEST_APART = 50_000_000

# Keras 3 keeps for each trained number so many more, and so many numbers beside them.
OPTIMIZERS = {
    "SGD": (0, (2,)),
    "SGD with momentum, RMSprop or Adagrad": (1, (2,)),
    "Adam, AdamW, Lion or RMSprop with momentum": (2, (2, 3)),
    "Adam with amsgrad": (3, (2, 3)),
}


# --- Keras --------------------------------------------------------------------------------------------


def _keras_part(layout: Layout, _: int, row: PrintedRow) -> Parts:
    """A row of a nested model is in the count of the model's own row already."""
    if row.depth > 0:
        return Parts()
    count = count_of(layout, row)
    if row.is_trainable is False:
        trained = (0, 0)
    elif row.type == "BatchNormalization":
        # Mean and variance are never trained; gamma or beta may be switched off.
        trained = (0, count[1] if count[1] >= UNBOUNDED else count[1] // 2)
    else:
        trained = (0, count[1])
    return Parts(count, trained, count)


def _keras_rule(name: str, number: int) -> Rule:
    def totals(layout: Layout, sums: Parts) -> dict[str, Range]:
        (low, high), most = sums.parameters, min(sums.trainable[1], sums.parameters[1])
        kept = layout.summary.totals.get("optimizer")
        extra = kept.value if kept is not None else Fraction(0)
        frozen = max(0, low - most)
        made = {
            "parameters": made_of(low, high).plus(Range(extra, extra)),
            "trainable": made_of(0, most),
            "non_trainable": made_of(frozen, high),
        }
        for count, size in (("trainable", "trainable_mb"), ("non_trainable", "non_trainable_mb")):
            said = layout.summary.totals.get(count)
            exact = Range(said.value, said.value) if said is not None else made[count]
            made[size] = exact.times(number * MEBIBYTE)
        if kept is not None:
            made["optimizer_mb"] = _with_counter(Range(extra, extra).times(number * MEBIBYTE))
        whole = made["parameters"].times(number * MEBIBYTE)
        made["total_mb"] = whole if kept is None else _with_counter(whole)
        return made

    return Rule(name, _keras_part, totals, parameter_mb=number * MEBIBYTE)


def _with_counter(size: Range) -> Range:
    """The optimizer's step counter is a number of eight bytes."""
    return Range(size.low, None if size.high is None else size.high + 8 * MEBIBYTE)


def keras_size(megabytes: Fraction) -> str:
    """A size as Keras prints it, in the unit that leaves it below 1,024.

    >>> keras_size(34826 * 4 * MEBIBYTE), keras_size(Fraction(0)), keras_size(Fraction(3, 2))
    ('136.04 KB', '0.00 B', '1.50 MB')
    """
    size, unit = float(megabytes * 2**20), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if size < _KILO or unit == "GB":
            break
        size /= _KILO
    return f"{size:.2f} {unit}"


# --- Lightning and hand-made tables ----------------------------------------------------------------------


def _lightning_part(layout: Layout, _: int, row: PrintedRow) -> Parts:
    """A row counts all below it, so the rows of the first level hold everything."""
    count = (0, 0) if row.depth > 1 else count_of(layout, row)
    return Parts(count, (0, count[1]), count)


def _lightning_rule(name: str, number: int) -> Rule:
    def totals(layout: Layout, sums: Parts) -> dict[str, Range]:
        del layout
        low, high = sums.parameters
        return {
            "parameters": made_of(low, high),
            "trainable": made_of(0, high),
            "non_trainable": made_of(0, high),
            "parameters_mb": made_of(low, high, number * MEGABYTE),
        }

    return Rule(name, _lightning_part, totals, parameter_mb=number * MEGABYTE)


def _hand_part(layout: Layout, _: int, row: PrintedRow) -> Parts:
    count = count_of(layout, row) if row.parameters is not None else (0, 0)
    return Parts(count, (0, count[1]), count)


def _hand_totals(layout: Layout, sums: Parts) -> dict[str, Range]:
    del layout
    return {"parameters": made_of(*sums.parameters), "trainable": made_of(0, sums.parameters[1])}


OTHER_RULES: dict[Format, tuple[Rule, ...]] = {
    Format.KERAS: (
        _keras_rule("Keras", 4),
        _keras_rule("Keras, half precision", 2),
        _keras_rule("Keras, double precision", 8),
    ),
    Format.LIGHTNING: (
        _lightning_rule("Lightning", 4),
        _lightning_rule("Lightning, half precision", 2),
        _lightning_rule("Lightning, double precision", 8),
    ),
    Format.HANDTABLE: (Rule("a hand-made table", _hand_part, _hand_totals),),
}


# --- what explains a total that is not the sum ---------------------------------------------------------


def is_part_sum(wanted: int, counts: Iterable[int]) -> bool:
    """True if some of the counts add up to `wanted`, or if that cannot be found out.

    >>> is_part_sum(42, [32, 8, 10]), is_part_sum(41, [32, 8, 10])
    (True, False)
    """
    if wanted < 0 or wanted > _LARGEST_APART:
        return wanted > 0
    sums, mask = 1, (1 << (wanted + 1)) - 1
    for count in counts:
        if 0 < count <= wanted:
            sums |= (sums << count) & mask
    return bool(sums >> wanted & 1)


def optimizer_of(trained: int, extra: int) -> str | None:
    """The Keras optimizers that keep so many numbers for so many trained ones, None if none of the known does.

    >>> optimizer_of(225034, 450070)
    'Adam, AdamW, Lion or RMSprop with momentum'
    """
    for name, (times, beside) in OPTIMIZERS.items():
        if extra - times * trained in beside:
            return name
    return None


def nested_sums(summary: PrintedSummary) -> dict[int, list[int]]:
    """The rows directly below each row that has any, by index."""
    below: dict[int, list[int]] = {}
    path: list[int] = []
    for index, row in enumerate(summary.rows):
        while path and summary.rows[path[-1]].depth >= row.depth:
            path.pop()
        if path:
            below.setdefault(path[-1], []).append(index)
        path.append(index)
    return below
