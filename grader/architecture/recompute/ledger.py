"""Which sums must come out, and do they, if some rows or totals said something else?

The total of the parameters, the megabytes and the multiply-adds are witnesses of the rows that no slip in a row
changes with it: a repair that makes them agree is confirmed by them. What a tool really prints, faults included,
is decided in `totals.py`; here is only how far the sums are from agreeing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, prod

from grader.architecture.readers.printed import Format, PrintedShape, PrintedSummary
from grader.architecture.recompute.steps import Step
from grader.frozen import dataclass

_COUNTS = frozenset({"parameters", "trainable", "non_trainable", "optimizer"})
_SIZES = frozenset({"input_mb", "pass_mb", "parameters_mb", "total_mb"})
# Under which names `totals.py` tells that an equation fails.
_TOLD_AS: Mapping[str, frozenset[str]] = {
    "parameters": _COUNTS,
    "trainable": _COUNTS,
    "parameters_mb": _SIZES | {"parameters"},
    "pass_mb": frozenset({"pass_mb", "total_mb"}),
    "total_mb": _SIZES,
    "input_mb": frozenset({"input_mb", "total_mb"}),
    "mult_adds": frozenset({"mult_adds"}),
}
Totals = Mapping[str, Fraction]
MEBIBYTE = Fraction(4, 1024**2)
MEGABYTE = Fraction(4, 10**6)
_MULTIPLYING = frozenset({"conv", "conv_transpose", "linear", "batch_norm", "channel_norm", "layer_norm", "prelu"})


@dataclass(frozen=True, slots=True)
class Witness:
    """A total that is a sum over the rows, in whole numbers: the sum of the rows, and where it may lie."""

    name: str
    total: int
    low: int
    high: int

    def gap(self, change: int = 0, shift: int = 0) -> int:
        """How far the total is from the sum of rows that `change` changed; 0 if the printed digits agree.

        >>> Witness("parameters", 90, 100, 100).gap(), Witness("parameters", 90, 100, 100).gap(10)
        (10, 0)
        """
        moved = self.total + change
        if moved > self.high + shift:
            return self.high + shift - moved
        if moved < self.low + shift:
            return self.low + shift - moved
        return 0


class Ledger:
    """The sums of one summary."""

    def __init__(
        self,
        summary: PrintedSummary,
        steps: Sequence[Step],
        said: Totals | None = None,
        distrusted: Collection[str] = (),
        inputs: Sequence[PrintedShape] = (),
    ) -> None:
        self.inputs = tuple(inputs)
        self.summary = summary
        self.steps = steps
        self.said: dict[str, Fraction] = {name: number.value for name, number in summary.totals.items()}
        self.said.update(said or {})
        # torch-summary, from which torchinfo came, prints -1 for the batch and counts in mebibytes
        self.is_old_tree = summary.format is Format.TORCHINFO and any(
            shape[:1] == (None,) for row in summary.rows for shape in row.outputs
        )
        is_binary = summary.format is Format.TORCHSUMMARY or self.is_old_tree
        self.unit = MEBIBYTE if is_binary else MEGABYTE
        self._sign = 1
        self.distrusted = frozenset(distrusted)
        self.witnesses = {one.name: one for one in self._witnesses() if one.name not in self.distrusted}

    def _witnesses(self) -> list[Witness]:
        found = []
        is_cut = any(row.is_cut for row in self.summary.rows)
        is_again = any(row.is_recursive for row in self.summary.rows)
        form = self.summary.format
        counts = "parameters" in self.said and all(
            row.parameters is None or not row.parameters.is_rounded for row in self.summary.rows
        )
        if counts:
            found.append(self._witness("parameters", Fraction(1)))
        shapes = all(row.outputs for row in self.summary.rows)
        if form is Format.TORCHSUMMARY and shapes and "pass_mb" in self.said:
            found.append(self._witness("pass_mb", 2 * MEBIBYTE))
        if form is Format.TORCHINFO and not is_cut and shapes:
            if "pass_mb" in self.said:
                found.append(self._witness("pass_mb", 2 * self.unit))
            if "mult_adds" in self.said and not is_again and not self.is_old_tree and self._are_plain():
                found.append(self._witness("mult_adds", Fraction(1)))
        return found

    def _are_plain(self) -> bool:
        """True if every count belongs to a layer whose multiply-adds are known."""
        return all(not step.count or (not step.holds and step.operation.family in _MULTIPLYING) for step in self.steps)

    def _witness(self, name: str, unit: Fraction) -> Witness:
        slack = self.summary.totals[name].step * Fraction(51, 100)
        value = self.said[name]
        if name == "parameters" and "optimizer" in self.said:
            value -= self.said["optimizer"]
        total = sum(self.share(name, step) for step in self.steps)
        if name == "pass_mb" and total < 0:  # rows with several shapes count negative, and the tool prints the amount
            self._sign = -1
            total = -total
        return Witness(name, total, ceil((value - slack) / unit), floor((value + slack) / unit))

    def share(self, name: str, step: Step) -> int:
        """What one row adds to the sum."""
        if name == "parameters":  # Keras counts the layers of a nested model in the model's own row
            is_inside = self.summary.format is Format.KERAS and self.summary.rows[step.row].depth > 0
            return 0 if is_inside else step.count or 0
        form = self.summary.format
        if form is Format.TORCHSUMMARY:
            numbers = prod(-1 if axis is None else axis for shape in step.outputs for axis in shape)
            return -numbers if step.outputs and step.outputs[0][:1] == (None,) else numbers
        is_leaf = not step.holds and (step.count or self.summary.rows[step.row].is_recursive)
        if not is_leaf or not step.outputs:
            return 0
        out = tuple(axis or 1 for axis in step.outputs[0])
        if name == "pass_mb":
            return prod(out)
        if "Conv" in step.name:
            return (step.count or 0) * prod((*out[:1], *out[2:]))
        steps = prod(out[:2]) if step.operation.family == "recurrent" else out[0]
        return (step.count or 0) * steps

    def with_changes(self, steps: Sequence[Step], totals: Totals) -> Ledger:
        """The ledger after a repair."""
        return Ledger(self.summary, list(steps), {**self.said, **totals}, self.distrusted, self.inputs)

    def believing(self, fields: Collection[str]) -> Ledger:
        """The ledger without the equations that fail though no total is wrong by the tool's own rules (`fields`)."""
        wrong = set(fields)
        failing = self.broken()
        unbelieved = {name for name in failing if not wrong & _TOLD_AS[name]}
        return Ledger(self.summary, self.steps, None, unbelieved, self.inputs) if unbelieved else self

    def is_again(self, step: Step) -> bool:
        """True if the row is a module that was counted before."""
        return self.summary.rows[step.row].is_recursive

    def pass_bounds(self, step: Step) -> tuple[int, int]:
        """How many numbers the row's output may hold for `pass_mb` to come out."""
        witness = self.witnesses["pass_mb"]
        own = self.share("pass_mb", step)
        if not own:
            return -1, -1
        ends = (self._sign * (end - witness.total) + own for end in (witness.low, witness.high))
        low, high = sorted(ends)
        return low, high

    def other_totals(self, broken: frozenset[str]) -> list[tuple[str, Fraction]]:
        """Totals said otherwise, each so that one equation comes out."""
        found: list[tuple[str, Fraction]] = []
        said = self.said
        for name, witness in self.witnesses.items():
            if name in broken:
                unit = {"pass_mb": 2 * self.unit}.get(name, Fraction(1))
                extra = said.get("optimizer", Fraction(0)) if name == "parameters" else Fraction(0)
                found.append((name, witness.total * unit + extra))
        if "trainable" in broken:
            rest = said["parameters"] - said.get("optimizer", 0)
            found.append(("parameters", said["trainable"] + said["non_trainable"] + said.get("optimizer", 0)))
            found.append(("trainable", rest - said["non_trainable"]))
            found.append(("non_trainable", rest - said["trainable"]))
        if "parameters_mb" in broken:
            found.append(("parameters_mb", said["parameters"] * self.unit))
        if "input_mb" in broken:
            found.append(("input_mb", sum(numbers_in(shape) for shape in self.inputs) * self.unit))
        if "total_mb" in broken:
            parts = ("input_mb", "pass_mb", "parameters_mb")
            found.append(("total_mb", sum((said[name] for name in parts), Fraction(0))))
            for name in parts:
                others = sum((said[other] for other in parts if other != name), Fraction(0))
                found.append((name, said["total_mb"] - others))
        return [(name, Fraction(value)) for name, value in found if value >= 0]

    def change(self, name: str, view: Mapping[int, Step]) -> int:
        """What the sum gains with these steps in place of the printed ones."""
        sign = self._sign if name == "pass_mb" else 1
        moved = (self.share(name, step) - self.share(name, self.steps[index]) for index, step in view.items())
        return sign * sum(moved)

    def broken(self, view: Mapping[int, Step] | None = None, totals: Totals | None = None) -> frozenset[str]:
        """Names of the equations that do not come out, with `view` and `totals` laid over the print."""
        names = set()
        for name, witness in self.witnesses.items():
            shift = 0
            if totals and name in totals:
                unit = {"pass_mb": 2 * self.unit}.get(name, Fraction(1))
                shift = round((totals[name] - self.said[name]) / unit)
            if witness.gap(self.change(name, view) if view else 0, shift):
                names.add(name)
        if totals:
            return frozenset(names | (self._between_totals({**self.said, **totals}) - self.distrusted))
        return frozenset(names) | self._among_totals

    @cached_property
    def _among_totals(self) -> frozenset[str]:
        return frozenset(self._between_totals(self.said) - self.distrusted)

    def _between_totals(self, said: Totals) -> set[str]:
        names = set()
        if {"parameters", "trainable", "non_trainable"} <= said.keys():
            numbers = [self.summary.totals[name] for name in ("parameters", "trainable", "non_trainable")]
            slack = sum((number.step for number in numbers), Fraction(0))
            rest = said["parameters"] - said["trainable"] - said["non_trainable"] - said.get("optimizer", 0)
            if abs(rest) > slack:
                names.add("trainable")
        if "input_mb" in said and self.inputs:
            values = sum(numbers_in(shape) for shape in self.inputs)
            if abs(values * self.unit - said["input_mb"]) > self.summary.totals["input_mb"].step * Fraction(51, 100):
                names.add("input_mb")
        if {"parameters", "parameters_mb"} <= said.keys() and self.summary.format in {
            Format.TORCHSUMMARY, Format.TORCHINFO, Format.LIGHTNING,
        }:  # fmt: skip
            slack = self.summary.totals["parameters_mb"].step * Fraction(51, 100)
            slack += self.summary.totals["parameters"].step * self.unit
            # torchinfo weighs the parameters of layers only, not those that a container holds itself
            own = sum(step.count or 0 for step in self.steps if step.holds)
            counted = said["parameters"] - (own if self.summary.format is Format.TORCHINFO else 0)
            if abs(counted * self.unit - said["parameters_mb"]) > slack:
                names.add("parameters_mb")
        parts = {"input_mb", "pass_mb", "parameters_mb"}
        if parts | {"total_mb"} <= said.keys():
            slack = sum((self.summary.totals[name].step for name in (*parts, "total_mb")), Fraction(0)) * Fraction(
                51, 100
            )
            if abs(sum((said[name] for name in parts), Fraction(0)) - said["total_mb"]) > slack:
                names.add("total_mb")
        return names


def numbers_in(shape: PrintedShape) -> int:
    """How many numbers a printed shape holds, an open axis counted once.

    >>> numbers_in((None, 32, 28, 28))
    25088
    """
    return prod(axis or 1 for axis in shape)
