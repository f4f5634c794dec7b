"""Do the counts printed behind the modules of a print agree with their settings, and with each other?

pytorch_model_summary prints ", 156 params" behind every module: of a layer what its settings say, of a module that
holds others their sum and what it learns itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from grader.architecture import ShapeError, make_layer
from grader.architecture.readers.module_repr import repr_parameters
from grader.architecture.readers.printed import PrintedNumber, PrintedRow, PrintedSummary
from grader.architecture.recompute.verdict import Disagreement

_HOLDERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})  # they learn nothing themselves


def miscounted(summary: PrintedSummary) -> list[Disagreement]:
    """The printed counts that the settings or the sums contradict.

    Not certain where old weight normalisation, or a weight that was exchanged by hand, prints the same.
    """
    if "parameters" not in summary.columns or summary.unread:
        return []
    counted = _Counted(summary.rows)
    for index in range(len(summary.rows) - 1, -1, -1):
        counted.settle(index)
    return sorted(counted.said, key=lambda one: one.line)


class _Counted:
    """The modules of a print with the count that each has, as far as it is settled; children before their holders."""

    def __init__(self, rows: Sequence[PrintedRow]) -> None:
        self.rows = rows
        self.said: list[Disagreement] = []
        self.below: dict[int, list[int]] = defaultdict(list)
        self.holder: dict[int, int] = {}
        path: list[int] = []
        for index, row in enumerate(rows):
            while path and rows[path[-1]].depth >= row.depth:
                path.pop()
            if path:
                self.below[path[-1]].append(index)
                self.holder[index] = path[-1]
            path.append(index)
        self.settled: list[int | None] = [_value(row.parameters) for row in rows]

    def settle(self, index: int) -> None:
        row = self.rows[index]
        if row.parameters is None:
            return
        if self.below[index]:
            self._settle_holder(index, row, row.parameters)
            return
        own = repr_parameters(row)
        if own is None or own == self.settled[index]:
            return
        said = int(row.parameters.value)
        is_summed = self._left_for(index) == own
        is_certain = is_summed or not _is_other_weight(row, own, said)
        why = f"{row.type} with these settings has {own:,} parameters, printed is {said:,}"
        if is_summed:
            self.settled[index] = own
            why += ", and the module that holds it has as many more than its others"
        self.said.append(Disagreement(row.line, "parameters", row.parameters.text, f"{own:,}", why, index, is_certain))

    def _left_for(self, index: int) -> int | None:
        """What the count of the holder leaves for a module beside its sisters."""
        holder = self.holder.get(index)
        total = None if holder is None else _value(self.rows[holder].parameters)
        others = [_value(self.rows[one].parameters) for one in self.below[holder or 0] if one != index]
        if total is None or None in others:
            return None
        return total - sum(one or 0 for one in others)

    def _settle_holder(self, index: int, row: PrintedRow, number: PrintedNumber) -> None:
        counts = [self.settled[one] for one in self.below[index]]
        if None in counts:
            return
        total, said = sum(one or 0 for one in counts), int(number.value)
        if said == total or (said > total and row.type not in _HOLDERS):
            return
        for one in self.below[index]:  # a module of the student's own may hold more, unless this sum says otherwise
            inner = [self.settled[below] or 0 for below in self.below[one]]
            own = self.rows[one].parameters
            if inner and own is not None and own.value > sum(inner) == own.value - (total - said):
                self.settled[one] = sum(inner)
                self._tell(one, own, sum(inner), f"and so {row.name} comes out")
                return
        self.settled[index] = total
        is_known = all(self._is_proved(one) for one in self.below[index])
        self._tell(index, number, total, "", is_certain=is_known or self._left_for(index) == total)

    def _is_proved(self, index: int) -> bool:
        """True if settings or sums say the module's count once more."""
        below = self.below[index]
        if not below:
            return repr_parameters(self.rows[index]) == self.settled[index]
        is_sum = sum(self.settled[one] or 0 for one in below) == self.settled[index]
        return is_sum and all(self._is_proved(one) for one in below)

    def _tell(self, index: int, number: PrintedNumber, right: int, more: str, *, is_certain: bool = True) -> None:
        row = self.rows[index]
        why = f"the modules in {row.name} have {right:,} parameters together, printed is {number.text}"
        why = f"{why}, {more}" if more else why
        self.said.append(Disagreement(number.line, "parameters", number.text, f"{right:,}", why, index, is_certain))


def _value(number: PrintedNumber | None) -> int | None:
    return None if number is None else int(number.value)


def _is_other_weight(row: PrintedRow, own: int, said: int) -> bool:
    """True if a weight of another length, or one in two parts, has the printed count."""
    try:
        shapes = make_layer(row.settings, (1,)).parameters()
    except (ShapeError, TypeError):
        return True
    if not shapes:
        return False
    weight = next(iter(shapes.values()))
    if said - own in {*weight, 1}:
        return True  # torch.nn.utils.weight_norm: a length for each direction
    rest = sum(_numbers(shape) for shape in shapes.values()) - _numbers(weight)
    per = _numbers(weight) // (weight[1] if len(weight) > 1 else 1)
    return said > rest and per > 0 and (said - rest) % per == 0


def _numbers(shape: Sequence[int]) -> int:
    count = 1
    for axis in shape:
        count *= axis
    return count
