"""What is said of several trainings, the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from grader.model import Json
from grader.mutants.kind import Kind, Spot, register
from grader.mutants.kinds._answers import put
from grader.mutants.kinds.claims import share_of
from grader.mutants.original import Original


class SaidKind(Kind):
    """Answers that are changed together."""

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Write them."""
        del original
        put(folder, spot.data["answers"])


@register
class OrderReversed(SaidKind):
    name, slip = "order-reversed", "the results of two trainings are swapped"
    nothing: ClassVar[str] = "no rule compares claimed results with their logs"

    def spots(self, original: Original) -> Iterator[Spot]:
        """The two runs of a comparison that are furthest apart, where both have a log to be held against."""
        for rule in original.rules("comparison"):
            runs = rule.settings["runs"]
            held = [run["answer"] for run in runs.values() if "answer" in run and "log" in run]
            known = sorted(
                (share_of(original.value(key)) or 0.0, key) for key in held if original.value(key) is not None
            )
            if len(known) > 1 and known[0][0] != known[-1][0]:
                low, high = known[0][1], known[-1][1]
                changed = {low: original.value(high), high: original.value(low)}
                yield Spot(f"{low} and {high} are swapped", (rule.id,), {"answers": changed})


@register
class BestWrong(SaidKind):
    name, slip = "best-wrong", "another training than the best is called the best"
    nothing: ClassVar[str] = "no rule asks which training was the best"

    def spots(self, original: Original) -> Iterator[Spot]:
        """The last one in the claimed order, or another value of the grid."""
        for rule in original.rules("comparison", "hyperparameters"):
            key = rule.settings.get("best")
            own: Any = original.value(str(key)) if key else None
            if own is None:
                continue
            if rule.check == "comparison":
                runs = rule.settings["runs"]
                known = sorted(
                    (share_of(original.value(run.get("answer", ""))) or 0.0, name) for name, run in runs.items()
                )
                wrong: Json = known[0][1]
            else:
                others = [value for value in rule.settings["values"] if str(value) != str(own)]
                table = original.value(str(rule.settings.get("table")))
                ranked = sorted(others, key=lambda value: share_of((table or {}).get(str(value), 0)) or 0.0)
                wrong = ranked[0]
            if str(wrong) != str(own):
                yield Spot(f"{key}: {wrong} instead of {own}", (rule.id,), {"answers": {key: wrong}})


@register
class TrendWrong(SaidKind):
    name, slip = "trend-wrong", "what a larger value does is said the wrong way round"
    nothing: ClassVar[str] = "no rule asks what a larger value of a hyperparameter does"

    def spots(self, original: Original) -> Iterator[Spot]:
        """Rising for falling; a peak is called falling."""
        for rule in original.rules("hyperparameters"):
            key = rule.settings.get("direction")
            own = str(original.value(str(key)) or "") if key else ""
            if own:
                wrong = "rises" if own.startswith("fall") else "falls"
                yield Spot(f"{key}: {wrong} instead of {own}", (rule.id,), {"answers": {key: wrong}})


@register
class GridValueWrong(SaidKind):
    name, slip = "grid-value-wrong", "a result in the table of a study is not that of its run"
    nothing: ClassVar[str] = "no rule holds a table of results against logs"

    def spots(self, original: Original) -> Iterator[Spot]:
        """Two thirds of the first result."""
        for rule in original.rules("hyperparameters"):
            key = rule.settings.get("table")
            table = original.value(str(key)) if key else None
            if isinstance(table, dict) and table and "log" in rule.settings:
                first = next(iter(table))
                share = share_of(table[first]) or 0.5
                changed = {**table, first: f"{share * 200 / 3:.2f}%"}
                yield Spot(f"{key}: the result of {first}", (rule.id,), {"answers": {key: changed}})
