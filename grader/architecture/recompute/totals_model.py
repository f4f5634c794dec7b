"""Which values can each total have above these rows, and which printed one cannot be?

The sums of a summary by every version of its tool; a question about another row costs no new sum.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise

from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.lightning_rules import lightning_totals
from grader.architecture.recompute.megabytes import MEBIBYTE, Layout, Parts, Rule, layout_of, rules_for
from grader.architecture.recompute.other_totals import OTHER_RULES, is_part_sum, keras_size, optimizer_of
from grader.architecture.recompute.ranges import Range, made_of, printed_bounds, written_like
from grader.architecture.recompute.verdict import Disagreement

_WORDS = {
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


_HIDDEN = 12  # pixels of a side that padding and stride may hide
NESTED = frozenset({"Functional", "Model", "Sequential"})
# Keras prints a size behind each count.
SIZES = {
    "parameters": "total_mb",
    "trainable": "trainable_mb",
    "non_trainable": "non_trainable_mb",
    "optimizer": "optimizer_mb",
}


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
        if fitting and self._model.summary.format is not Format.TORCHINFO and _is_sure(self._model.layout.inputs):
            part = _around(fitting[0], self._model.layout.inputs, said) if not self._model.summary.input else fitting[0]
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
        found += self._keras_sizes({one.field for one in found})
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
                if not self._fits(name) and self._model.summary.format is not Format.LIGHTNING
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
            name: (self._price({**said, name: value}, name), _changed_digits(said[name], value))
            for name, value in options.items()
            if value >= 0
        }
        parts = " + ".join(_plain(self._printed[one]) for one in names)
        why = f"{parts} are not {_plain(self._printed['parameters'])} parameters"
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
            not self._can_be_frozen(said["non_trainable"]),
            "optimizer" in said and optimizer_of(int(said["trainable"]), int(extra)) is None,
        ]
        is_keras = self._model.summary.format is Format.KERAS
        size = self._printed.get(SIZES[changed] if is_keras else "parameters_mb" if changed == "parameters" else "")
        if size is not None:
            value = said[changed] * self._factor()
            against += [not Range(value, value).allows(size, is_cut=self._is_cut)] * 2
        return sum(against)

    def _can_be_frozen(self, value: Fraction) -> bool:
        """True if some layers of Keras, and what normalisations keep beside, hold so many numbers."""
        summary, counts = self._model.summary, [part.parameters for part in self._model.parts[self._rule]]
        kinds = {row.type for row in summary.rows}
        if summary.format is not Format.KERAS or kinds & NESTED or any(low != high for low, high in counts):
            return True
        parts = []
        for row, (count, _) in zip(summary.rows, counts, strict=True):
            parts += [count // 2, count // 2] if row.type == "BatchNormalization" else [count]
        return is_part_sum(int(value), parts)

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
            _plain(said),
            written_like(made, said),
            f"{why}: {_WORDS[name]} would be {_shown(made.low)}",
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
        elif total is not None and self._is_cut and "parameters_mb" in self._printed:
            # Lightning rounds the rows: the total that it prints says more of the size than they do.
            follows = self._size_of(total).allows(self._printed["parameters_mb"], is_cut=self._is_cut)
            if not follows:
                found.append(self._wrong("parameters_mb", self._why_size(total), is_certain=True))
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
        if rest < -said.step or _changed_digits(said.value * 100, rest * 100) != 1:
            return []
        why = f"{_shown(said.value)} + {_shown(passed)} + {_shown(weights)} MB are not {_shown(total)} MB"
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
            name: _changed_digits(values[name] * 100, value * 100)
            for name, value in options.items()
            if value >= 0 and name not in known and self._can_be(name, value + Fraction(2, 100))
        }
        least = min(slips.values(), default=0)
        why = f"{' + '.join(_shown(values[name]) for name in parts)} MB are not {_shown(values['total_mb'])} MB"
        names = [name for name, digits in slips.items() if digits == least] or ["total_mb"]
        return [self._instead(name, options[name], why) for name in names]

    def _keras_sizes(self, told: Collection[str]) -> list[Disagreement]:
        """The sizes that Keras prints behind the counts, those `told` of left out: each follows from its count."""
        if self._model.summary.format is not Format.KERAS:
            return []
        found = []
        for count, size in SIZES.items():
            said, total, made = self._printed.get(size), self._printed.get(count), self.ranges.get(size)
            if said is None or made is None or (made.is_known and made.allows(said)) or count in told:
                continue
            if total is not None:
                counter = 0 if "trainable" in count or "optimizer" not in self._printed else 8 * MEBIBYTE
                value = total.value * self._factor()
                follows = Range(value, value + counter)
                if follows.allows(said):
                    continue
                made = made if made.is_known else follows
            if not made.allows(said):
                right = keras_size(made.low)
                why = f"{_WORDS[size]} would be {right}, at {self._bytes()}, not {said.text.strip()}"
                found.append(Disagreement(said.line, size, said.text.strip(), right, why))
        return found

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
        if summary.format is Format.LIGHTNING:
            low, high = printed_bounds(said, is_cut=True)
            return high < max((part.parameters[0] for part in self._model.parts[self._rule]), default=0) or low < 0
        if summary.format is Format.KERAS:
            return not self._is_refrozen(int(said.value - made.low)) if made.is_known else True
        return True

    def _is_refrozen(self, difference: int) -> bool:
        """Keras counts what was trainable when the model was compiled: freezing later counts a layer twice or never."""
        counts = [part.parameters[0] for part in self._model.parts[self._rule]]
        frozen = self._printed.get("non_trainable")
        title = self._model.summary.title.lower()
        is_own = bool(title) and not title.startswith(("sequential", "model", "functional"))
        if difference > 0:
            twice = frozen is not None and frozen.value >= difference and is_part_sum(difference, counts)
            return twice or is_own
        # Layers left out of the count, or nested models that share layers with rows of this one or with each other.
        rows = self._model.summary.rows
        nested = [row.type in NESTED and not row.depth for row in rows]
        others = [count for count, is_nested in zip(counts, nested, strict=True) if not is_nested]
        return sum(nested) > 1 or is_part_sum(-difference, others if any(nested) else counts)

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
        return Disagreement(said.line, name, _plain(said), written_like(made, said), why, None, is_certain)

    def _why(self, name: str) -> str:
        said, made = self._printed[name], self.ranges[name]
        value = written_like(made, said)
        if name == "parameters":
            return f"the counts of the rows add up to {value}, not to {_plain(said)}"
        if name == "parameters_mb":
            count = written_like(self.ranges["parameters"], self._printed.get("parameters"))
            return f"{count} parameters at {self._bytes()} are {value} MB, not {_plain(said)}"
        if name == "pass_mb":
            return f"the output shapes of the rows make {value} MB, not {_plain(said)}"
        if name == "total_mb" and "pass_mb" in self.ranges:
            line = self._printed["input_mb"].line if "input_mb" in self._printed and not self._inputs else None
            other = f" (or the size of the input on line {line} is wrong)" if line else ""
            return f"input, pass and parameters together are {value} MB, not {_plain(said)}{other}"
        if name == "mult_adds":
            return f"the rows make {value} multiply-adds, not {_plain(said)}"
        return f"{_WORDS[name]} would be {value}, not {_plain(said)}"

    def _why_size(self, total: PrintedNumber) -> str:
        made = written_like(self._size_of(total), self._printed["parameters_mb"])
        return f"{_plain(total)} parameters are {made} MB"

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
            said_so = f"they add up to {both}, the total of {_plain(said)} counts it once"
            return (f"Lightning counts a module that is registered under two names in the rows of both: {said_so}",)
        return ()

    def doubts(self) -> tuple[str, ...]:
        """What could not be decided about the totals."""
        found = []
        if self._rule >= 0 and not self._fits("parameters") and self._is_left_out():
            said = self._printed["parameters"]
            value = written_like(self.ranges["parameters"], said)
            found.append(
                f"the rows add up to {value}, the total is {_plain(said)}: torchinfo before 1.7 leaves out of the "
                f"total what a module owns beside the modules below it"
            )
        kept, trained = self._printed.get("optimizer"), self._printed.get("trainable")
        if kept is not None and trained is not None and optimizer_of(int(trained.value), int(kept.value)) is None:
            found.append(f"no optimizer of Keras is known that keeps {_plain(kept)} numbers for {_plain(trained)}")
        return tuple(found)


def is_since_1_7(summary: PrintedSummary) -> bool:
    """True if torchinfo printed what it prints from 1.7 on: the root's shape, or counts of modules that hold others."""
    rows = summary.rows
    has_shape = bool(rows) and not rows[0].depth and bool(rows[0].outputs)
    return has_shape or any(
        row.parameters is not None and after.depth == row.depth + 1
        for row, after in pairwise(rows)
        if not row.is_recursive
    )


def _around(made: Range, inputs: Sequence[PrintedShape], said: PrintedNumber | None) -> Range:
    """The size of a guessed picture, or of one a little smaller or larger that prints the same: the padding is a guess.

    A stride and a padding hide some pixels of each side; a vector is known by its weights.
    """
    sides = [shape[2] or 1 for shape in inputs if len(shape) == 4]
    if not sides or made.high is None:
        return made
    low = made.low * Fraction(max(sides[0] - _HIDDEN, 0), sides[0]) ** 2
    high = made.high * Fraction(sides[0] + _HIDDEN, sides[0]) ** 2
    least, most = printed_bounds(said) if said is not None else (low, high)
    return Range(max(low, least), min(high, most))


def _is_sure(inputs: Sequence[PrintedShape]) -> bool:
    """True if a guessed input can hardly be another one of about the same size: vectors, and grey or colour squares.

    >>> _is_sure([(None, 3, 224, 224)]), _is_sure([(None, 100, 1, 1)])
    (True, False)
    """
    return all(len(shape) == 2 or (len(shape) == 4 and shape[1] in {1, 3} and shape[2] == shape[3]) for shape in inputs)


def _plain(number: PrintedNumber) -> str:
    """A total without its label: the printed text where it is short, else the value."""
    value = number.value
    return written_like(Range(value, value), number)


def _shown(value: Fraction) -> str:
    return f"{value.numerator:,}" if value.denominator == 1 else f"{float(value):,.2f}"


def _changed_digits(said: Fraction, wanted: Fraction) -> int:
    one, other = str(int(said)), str(int(wanted))
    width = max(len(one), len(other))
    return sum(a != b for a, b in zip(one.zfill(width), other.zfill(width), strict=True))
