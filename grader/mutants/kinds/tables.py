"""A table of layers with one slip in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from grader.model import Rule
from grader.mutants.kind import register
from grader.mutants.kinds._answers import AnswerKind, count, integers, written_shape
from grader.mutants.original import Original

DEFAULT = ("output", "parameters")


class TableKind(AnswerKind):
    """A slip in a table. `column` is the one that it is in; a rule that does not ask for it cannot notice."""

    checks = ("layer-table",)
    column: ClassVar[str] = ""
    nothing: ClassVar[str] = "no rule asks for a table with this column"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """The answer with its rows changed in place."""
        del original
        if self.column and self.column not in rule.settings.get("columns", DEFAULT):
            return None
        rows = answer["rows"] if isinstance(answer, dict) else answer
        return answer if self.slipped(rows, rule) else None

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """Change the rows; whether it could be done."""
        raise NotImplementedError


def _shapes(rows: list[dict[str, Any]], least: int) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Rows with the numbers of their output, where it has so many axes at least."""
    for row in rows:
        numbers = integers(row.get("output", ""))
        if len(numbers) >= least:
            yield row, numbers


@register
class ShapeSwapped(TableKind):
    name, slip, column = "shape-swapped", "two sizes of a shape are swapped", "output"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """Channels and height, of the first row in which they differ."""
        del rule
        for row, numbers in _shapes(rows, 3):
            if numbers[-3] != numbers[-2]:
                numbers[-3], numbers[-2] = numbers[-2], numbers[-3]
                row["output"] = written_shape(numbers)
                return True
        return False


@register
class ShapeOffByOne(TableKind):
    name, slip, column = "shape-off-by-one", "a side of a shape is one pixel too large", "output"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """The height in the first row that has one: no layer whose kernel is square gives it."""
        del rule
        for row, numbers in _shapes(rows, 3):
            numbers[-2] += 1
            row["output"] = written_shape(numbers)
            return True
        return False


@register
class BatchForgotten(TableKind):
    name, slip, column = "batch-forgotten", "the batch is left out of every shape", "output"
    nothing = "no rule asks for shapes with a batch of a stated size"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """Only where the rule, or the input of its network, states the batch's size."""
        batch = rule.settings.get("batch")
        network = rule.settings.get("network")
        if batch is None and isinstance(network, dict) and len(network["input"]) == 4:
            batch = network["input"][0]
        if not isinstance(batch, int):
            return False
        for row, numbers in _shapes(rows, 2):
            row["output"] = written_shape(numbers[1:])
        return True


@register
class CountOffByOne(TableKind):
    name, slip, column = "table-count-off-by-one", "a number of parameters is one too large", "parameters"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """The first one that is not zero."""
        del rule
        for row in rows:
            number = count(row.get("parameters", ""))
            if number:
                row["parameters"] = number + 1
                return True
        return False


@register
class BiasesForgotten(TableKind):
    name, slip, column = "table-without-biases", "every number of parameters is without the biases", "parameters"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """One for each channel that comes out, where the shape tells how many there are."""
        network = rule.settings.get("network") or {"layers": []}
        sizes = {layer.get("name"): layer.get("out_channels", layer.get("out_features")) for layer in network["layers"]}
        is_done = False
        for row in rows:
            number, outputs = count(row.get("parameters", "")), sizes.get(row.get("layer"))
            if number and outputs:
                row["parameters"] = number - outputs
                is_done = True
        return is_done


@register
class RowMissing(TableKind):
    name, slip = "table-row-missing", "a row is missing"
    nothing = "no rule asks for a table of layers"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """The one in the middle."""
        del rule
        if len(rows) > 1:
            del rows[len(rows) // 2]
            return True
        return False


@register
class RowsSwapped(TableKind):
    name, slip = "table-rows-swapped", "two rows are swapped"
    nothing = "no rule asks for a table of layers"

    def slipped(self, rows: list[dict[str, Any]], rule: Rule) -> bool:
        """What stands in the first and the last one; their names stay."""
        columns = rule.settings.get("columns", DEFAULT)
        if len(rows) < 2:
            return False
        for column in columns:
            rows[0][column], rows[-1][column] = rows[-1].get(column), rows[0].get(column)
        return True


@register
class TotalWrong(TableKind):
    name, slip = "table-total-wrong", "the total of the table is one too large"
    nothing = "no rule asks for the total of a table"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """The total stands beside the rows."""
        del original
        if not rule.settings.get("trainable_total") or not isinstance(answer, dict):
            return None
        number = count(answer.get("total"))
        return {**answer, "total": number + 1} if number is not None else None
