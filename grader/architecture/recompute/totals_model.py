"""Which values can each total have above these rows, and which printed one cannot be?

The sums of a summary by every version of its tool; a question about another row costs no new sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.keras_totals import SIZES, can_be_frozen, is_refrozen, keras_sizes
from grader.architecture.recompute.lightning_rules import lightning_totals
from grader.architecture.recompute.megabytes import Layout, Parts, Rule, layout_of, rules_for
from grader.architecture.recompute.other_totals import OTHER_RULES, optimizer_of
from grader.architecture.recompute.ranges import Range, made_of, printed_bounds, written_like
from grader.architecture.recompute.total_words import (
    WORDS,
    around,
    changed_digits,
    is_since_1_7,
    is_sure,
    plain,
    shown,
)
from grader.architecture.recompute.verdict import Disagreement


class TotalsModel:
    """The sums of one summary by every version of its tool; a question about another row costs no new sum."""

    def __init__(self, summary: PrintedSummary, inputs: Sequence[PrintedShape] = ()) -> None:
        self.summary = summary
        self.layout: Layout = layout_of(summary, inputs)
        self.rules: tuple[Rule, ...] = rules_for(summary) or OTHER_RULES.get(summary.format, ())
        self.parts = tuple(
            tuple(rule.part(self.layout, index, row) for index, row in enumerate(summary.rows)) for rule in self.rules
        )
        self._sums = tuple(_added(parts) for parts in self.parts)
        self._best: TotalsView | None = None

    def view(self) -> TotalsView:
        """The totals by the version of the tool that explains the print best, the newest first."""
        if self._best is None:
            views = [TotalsView(self, index, sums) for index, sums in enumerate(self._sums)]
            empty = TotalsView(self, -1, Parts())
            self._best = min(views, key=TotalsView.contradictions, default=empty)
        return self._best

    def with_row(self, index: int, row: PrintedRow) -> TotalsView:
        """The totals if the row of this index were another one of the same class and place."""
        return self.view().with_row(index, row)


def _added(parts: Sequence[Parts]) -> Parts:
    made = Parts()
    for part in parts:
        made = made.plus(part)
    return made


class TotalsView:
    """The totals by one version of a tool, over the rows as printed or with some replaced."""

    def __init__(self, model: TotalsModel, rule: int, sums: Parts, changed: Mapping[int, Parts] | None = None) -> None:
        self._model, self._rule, self._sums = model, rule, sums
        self._changed = changed or {}
        self.ranges: dict[str, Range] = {}
        self._inputs: tuple[Range, ...] = ()
        if rule >= 0:
            self.ranges = model.rules[rule].totals(model.layout, sums)
            self._inputs = model.rules[rule].input_mb(model.layout)
            self._add_sizes()

    def with_row(self, index: int, row: PrintedRow) -> TotalsView:
        """The totals if the row of this index were another one."""
        if self._rule < 0:
            return self
        rule = self._model.rules[self._rule]
        old = self._changed.get(index) or self._model.parts[self._rule][index]
        new = rule.part(self._model.layout, index, row)
        return TotalsView(self._model, self._rule, self._sums.minus(old).plus(new), {**self._changed, index: new})

    def expected(self, name: str) -> Range | None:
        """The values that this total can have; None where nothing follows."""
        return self.ranges.get(name)

    def _add_sizes(self) -> None:
        """The size of the input, and the sum of the sizes."""
        if self._inputs:
            self.ranges["input_mb"] = self._inputs[0]
        if "pass_mb" not in self.ranges:
            return
        said = self._printed.get("input_mb")
        fitting = [made for made in self._inputs if said is None or made.allows(said)]
        if fitting and self._model.summary.format is not Format.TORCHINFO and is_sure(self._model.layout.inputs):
            part = around(fitting[0], self._model.layout.inputs, said) if not self._model.summary.input else fitting[0]
        elif said is not None:
            part = Range(*printed_bounds(said))
        else:
            part = Range(Fraction(0), None)
        self.ranges["total_mb"] = self.ranges["pass_mb"].plus(self.ranges["parameters_mb"]).plus(part)

    @property
    def _printed(self) -> Mapping[str, PrintedNumber]:
        return self._model.summary.totals

    @property
    def _is_cut(self) -> bool:
        return self._model.summary.format is Format.LIGHTNING

    def _fits(self, name: str) -> bool:
        """True if the total was printed as it follows, or was not printed, or nothing follows."""
        said, made = self._printed.get(name), self.ranges.get(name)
        if said is None or made is None:
            return True
        if name == "input_mb":
            return any(one.allows(said) for one in self._inputs)
        return made.allows(said, is_cut=self._is_cut)

    # --- the questions, in the order of cause and consequence ---------------------------------------

    def disagreements(self) -> tuple[Disagreement, ...]:
        """Every total that does not follow, in the order of the lines; what follows from another is not repeated."""
        if self._rule < 0:
            return ()
        if self._model.summary.format is Format.LIGHTNING:
            return tuple(sorted(lightning_totals(self._model.summary), key=lambda one: one.line))
        found = [*self._counts(), *self._sizes()]
        if self._model.summary.format is Format.KERAS:
            told = {one.field for one in found}
            found += keras_sizes(self._printed, self.ranges, self._factor(), told)
        if not self._fits("mult_adds"):
            found.append(self._wrong("mult_adds", self._why("mult_adds"), is_certain=self._are_adds_printed()))
        return tuple(sorted(found, key=lambda one: one.line))

    def contradictions(self) -> int:
        """How many things do not follow; lines of which one only is wrong are told with the same words."""
        return len({one.why.partition(": ")[0] for one in self.disagreements()})

    def _counts(self) -> list[Disagreement]:
        found: list[Disagreement] = []
        if not self._fits("parameters") and not self.defects() and not self._is_left_out():
            found.append(self._wrong("parameters", self._why("parameters"), is_certain=self._is_total_certain()))
        split = self._split()
        if split:
            is_total = any(one.field == "parameters" for one in split)
            found = [*(one for one in found if one.field != "parameters" or not is_total), *split]
        elif not found:
            found += [
                self._wrong(name, self._why(name), is_certain=not self._model.layout.hides)
                for name in ("trainable", "non_trainable")
                if not self._fits(name)
            ][:1]
        return found

    def _is_left_out(self) -> bool:
        """True if the total may be too small because it leaves out what a module, cut off below, owns itself.

        torchinfo did so before 1.7; all that is printed below the rows must then agree with the total.
        """
        said, made = self._printed["parameters"], self.ranges["parameters"]
        summary = self._model.summary
        if summary.format is not Format.TORCHINFO or not self._model.layout.hides or is_since_1_7(summary):
            return False
        size = self._printed.get("parameters_mb")
        agrees = size is None or self._size_of(said).allows(size, is_cut=self._is_cut)
        return said.value < made.low and agrees and not self._split()

    def _split(self) -> list[Disagreement]:
        """Trainable, not trainable and the optimizer's add up to the total; else the one is named that mends most.

        Where two mend as much, both are.
        """
        if any(name not in self._printed for name in ("parameters", "trainable", "non_trainable")):
            return []
        names = [name for name in ("trainable", "non_trainable", "optimizer") if name in self._printed]
        low, high = printed_bounds(self._printed["parameters"], is_cut=self._is_cut)
        bounds = [printed_bounds(self._printed[name], is_cut=self._is_cut) for name in names]
        if sum(bound[0] for bound in bounds) <= high and low <= sum(bound[1] for bound in bounds):
            return []
        said = {name: self._printed[name].value for name in ("parameters", *names)}
        rest = said["parameters"] - sum(said[name] for name in names)
        options = {name: said[name] + rest for name in names} | {"parameters": said["parameters"] - rest}
        prices = {
            name: (self._price({**said, name: value}, name), changed_digits(said[name], value))
            for name, value in options.items()
            if value >= 0
        }
        parts = " + ".join(plain(self._printed[one]) for one in names)
        why = f"{parts} are not {plain(self._printed['parameters'])} parameters"
        best = min(prices.values())
        return [self._instead(name, options[name], why) for name, price in prices.items() if price == best]

    def _price(self, said: Mapping[str, Fraction], changed: str) -> int:
        """How many other things in the print speak against these counts."""
        extra = said.get("optimizer", Fraction(0))
        least = self.ranges["non_trainable"].low if "non_trainable" in self.ranges else Fraction(0)
        against = [
            not self._rows_add_up_to(said["parameters"] - extra),
            not self._can_be("trainable", said["trainable"]),
            not self._can_be("non_trainable", said["non_trainable"]),
            said["non_trainable"] != least,
            not can_be_frozen(self._model.summary, self._counts_of_rows(), said["non_trainable"]),
            "optimizer" in said and optimizer_of(int(said["trainable"]), int(extra)) is None,
        ]
        is_keras = self._model.summary.format is Format.KERAS
        size = self._printed.get(SIZES[changed] if is_keras else "parameters_mb" if changed == "parameters" else "")
        if size is not None:
            value = said[changed] * self._factor()
            against += [not Range(value, value).allows(size, is_cut=self._is_cut)] * 2
        return sum(against)

    def _counts_of_rows(self) -> list[tuple[int, int]]:
        return [part.parameters for part in self._model.parts[self._rule]]

    def _can_be(self, name: str, value: Fraction) -> bool:
        made = self.ranges.get(name)
        return made is None or (made.low <= value and (made.high is None or value <= made.high))

    def _rows_add_up_to(self, value: Fraction) -> bool:
        """True if the rows can add up to this many parameters, the optimizer's left out."""
        kept = self._printed.get("optimizer")
        made = self.ranges["parameters"]
        extra = kept.value if kept is not None else Fraction(0)
        return made.low <= value + extra and (made.high is None or value + extra <= made.high)

    def _instead(self, name: str, value: Fraction, why: str) -> Disagreement:
        said = self._printed[name]
        made = Range(max(Fraction(0), value), max(Fraction(0), value))
        return Disagreement(
            said.line,
            name,
            plain(said),
            written_like(made, said),
            f"{why}: {WORDS[name]} would be {shown(made.low)}",
        )

    def _sizes(self) -> list[Disagreement]:
        """The megabytes of the PyTorch tools."""
        if self._model.summary.format is Format.KERAS:
            return []
        found = []
        sums_up = self._sizes_add_up()
        total = self._printed.get("parameters")
        if not self._fits("parameters_mb"):
            size = self._printed["parameters_mb"]
            follows = total is not None and self._size_of(total).allows(size, is_cut=self._is_cut)
            if not follows:
                found.append(self._wrong("parameters_mb", self._why("parameters_mb"), is_certain=True))
        if not self._fits("pass_mb"):
            found.append(self._wrong("pass_mb", self._why("pass_mb"), is_certain=self._is_pass_certain()))
        if self._inputs and not self._fits("input_mb"):
            found.append(self._wrong("input_mb", self._why("input_mb"), is_certain=not sums_up))
        are_known = all(name in self.ranges and self.ranges[name].is_known for name in ("pass_mb", "parameters_mb"))
        is_follower = sums_up and not (are_known and self._inputs)
        if not found and not is_follower and not self._fits("total_mb"):
            found.append(self._wrong("total_mb", self._why("total_mb"), is_certain=True))
            found += self._other_than_total()
        elif not sums_up and not found:
            found += self._odd_size()
        return found

    def _other_than_total(self) -> list[Disagreement]:
        """The size of the input where the sum of the sizes may be right, and nothing else tells how large it is."""
        said = self._printed.get("input_mb")
        names = ("pass_mb", "parameters_mb", "total_mb")
        if said is None or self._inputs or any(name not in self._printed for name in names):
            return []
        passed, weights, total = (self._printed[name].value for name in names)
        rest = total - passed - weights
        if rest < -said.step or changed_digits(said.value * 100, rest * 100) != 1:
            return []
        why = f"{shown(said.value)} + {shown(passed)} + {shown(weights)} MB are not {shown(total)} MB"
        return [self._instead("input_mb", rest, why)]

    def _size_of(self, total: PrintedNumber) -> Range:
        """The megabytes of the parameters if the printed total is right."""
        return Range(*printed_bounds(total, is_cut=self._is_cut)).times(self._factor())

    def _factor(self) -> Fraction:
        """Megabytes of one parameter, by this version of the tool."""
        return self._model.rules[self._rule].parameter_mb

    def _sizes_add_up(self) -> bool:
        """True unless the printed sizes contradict their printed sum."""
        names = ("input_mb", "pass_mb", "parameters_mb", "total_mb")
        if any(name not in self._printed for name in names):
            return True
        *parts, (low, high) = (printed_bounds(self._printed[name]) for name in names)
        return sum(part[0] for part in parts) <= high and low <= sum(part[1] for part in parts)

    def _odd_size(self) -> list[Disagreement]:
        """The sizes do not add up, and each may be right for itself: those are named that fewest digits mend."""
        parts = ("input_mb", "pass_mb", "parameters_mb")
        values = {name: self._printed[name].value for name in (*parts, "total_mb")}
        rest = values["total_mb"] - sum(values[name] for name in parts)
        options = {name: values[name] + rest for name in parts} | {"total_mb": values["total_mb"] - rest}
        known = {name for name in parts if name in self.ranges and self.ranges[name].is_known}
        known |= {"input_mb"} if self._inputs else set()
        slips = {
            name: changed_digits(values[name] * 100, value * 100)
            for name, value in options.items()
            if value >= 0 and name not in known and self._can_be(name, value + Fraction(2, 100))
        }
        least = min(slips.values(), default=0)
        why = f"{' + '.join(shown(values[name]) for name in parts)} MB are not {shown(values['total_mb'])} MB"
        names = [name for name, digits in slips.items() if digits == least] or ["total_mb"]
        return [self._instead(name, options[name], why) for name in names]

    # --- how certain, and in which words --------------------------------------------------------------

    def _is_total_certain(self) -> bool:
        """True if no honest network prints this total below these rows."""
        summary = self._model.summary
        said, made = self._printed["parameters"], self.ranges["parameters"]
        if summary.unread or any("cut" in note or "missing row" in note for note in summary.notes):
            return False
        if summary.format is Format.TORCHINFO:
            # Below its depth limit a module may be shared, which some versions count once, others never.
            is_above = made.high is not None and said.value > made.high and summary.rows[0].depth == 0
            return is_above or not (self._model.layout.hides or None in self._model.layout.is_leaf)
        if summary.format is Format.KERAS:
            counts = [low for low, _ in self._counts_of_rows()]
            return not (made.is_known and is_refrozen(summary, counts, int(said.value - made.low)))
        return True

    def _is_pass_certain(self) -> bool:
        # What is hidden makes the sum open above, so that what is too small is so for certain.
        return not self._model.summary.unread

    def _are_adds_printed(self) -> bool:
        summary, is_old = self._model.summary, "torch-summary" in self._model.rules[self._rule].name
        if summary.format is Format.TORCHINFO and not is_old:
            return not summary.unread
        is_whole = not self._model.layout.hides and not summary.unread
        return (
            "mult_adds" in summary.columns and is_whole and not (is_old and any(row.depth > 1 for row in summary.rows))
        )

    def _wrong(self, name: str, why: str, *, is_certain: bool) -> Disagreement:
        said, made = self._printed[name], self.ranges[name]
        return Disagreement(said.line, name, plain(said), written_like(made, said), why, None, is_certain)

    def _why(self, name: str) -> str:
        said, made = self._printed[name], self.ranges[name]
        value = written_like(made, said)
        if name == "parameters":
            return f"the counts of the rows add up to {value}, not to {plain(said)}"
        if name == "parameters_mb":
            count = written_like(self.ranges["parameters"], self._printed.get("parameters"))
            return f"{count} parameters at {self._bytes()} are {value} MB, not {plain(said)}"
        if name == "pass_mb":
            return f"the output shapes of the rows make {value} MB, not {plain(said)}"
        if name == "total_mb" and "pass_mb" in self.ranges:
            line = self._printed["input_mb"].line if "input_mb" in self._printed and not self._inputs else None
            other = f" (or the size of the input on line {line} is wrong)" if line else ""
            return f"input, pass and parameters together are {value} MB, not {plain(said)}{other}"
        if name == "mult_adds":
            return f"the rows make {value} multiply-adds, not {plain(said)}"
        return f"{WORDS[name]} would be {value}, not {plain(said)}"

    def _bytes(self) -> str:
        name = self._model.rules[self._rule].name
        return "2 bytes each" if "half" in name else "8 bytes each" if "double" in name else "4 bytes each"

    def defects(self) -> tuple[str, ...]:
        """Faults of the tool that explain a total which is not the sum of its rows."""
        if self._rule < 0 or self._model.summary.format is not Format.LIGHTNING or self._fits("parameters"):
            return ()
        said = self._printed["parameters"]
        _, high = printed_bounds(said, is_cut=True)
        parts = [part.parameters for part in self._model.parts[self._rule]]
        made = made_of(*self._sums.parameters)
        if high < made.low and max((count[0] for count in parts), default=0) <= high:
            both = written_like(made, said)
            said_so = f"they add up to {both}, the total of {plain(said)} counts it once"
            return (f"Lightning counts a module that is registered under two names in the rows of both: {said_so}",)
        return ()

    def doubts(self) -> tuple[str, ...]:
        """What could not be decided about the totals."""
        found = []
        if self._rule >= 0 and not self._fits("parameters") and self._is_left_out():
            said = self._printed["parameters"]
            value = written_like(self.ranges["parameters"], said)
            found.append(
                f"the rows add up to {value}, the total is {plain(said)}: torchinfo before 1.7 leaves out of the "
                f"total what a module owns beside the modules below it"
            )
        kept, trained = self._printed.get("optimizer"), self._printed.get("trainable")
        if kept is not None and trained is not None and optimizer_of(int(trained.value), int(kept.value)) is None:
            found.append(f"no optimizer of Keras is known that keeps {plain(kept)} numbers for {plain(trained)}")
        return tuple(found)
