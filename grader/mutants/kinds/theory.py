"""Answers to questions of theory, each off by a slip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from grader.checks._lint import as_meant
from grader.model import Json, Rule
from grader.mutants.kind import Kind, Spot, register
from grader.mutants.kinds._answers import AnswerKind, integers, put
from grader.mutants.original import Original


@register
class AnswerMissing(Kind):
    name, slip = "answer-missing", "a question is not answered"
    nothing: ClassVar[str] = "no rule reads an answer"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each answer: every rule that must have it is charged."""
        keys = dict.fromkeys(rule.answer for rule in original.rubric.rules() if rule.answer)
        for key in keys:
            if original.value(str(key)) is not None:
                must = tuple(rule.id for rule in original.rubric.rules() if rule.answer == key)
                yield Spot(f"{key}: {self.slip}", must, {"answers": {key: None}})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Take it away."""
        del original
        put(folder, spot.data["answers"])


@register
class NumberOff(AnswerKind):
    name, slip, checks = "number-off", "a number is half as large again", ("number",)
    nothing: ClassVar[str] = "no rule asks for a number"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """Beyond every tolerance that the rule has, and none of the slips that it accepts."""
        del original, answer
        settings = rule.settings
        expected = as_meant(settings["expected"])
        off = abs(expected) / 2 + 1 + 2 * as_meant(settings.get("abs_tolerance", 0))
        off += 2 * abs(expected) * as_meant(settings.get("rel_tolerance", 0))
        wrong = expected + off
        while any(as_meant(one["value"]) == wrong for one in settings.get("accept", ())):
            wrong += off
        return _plain(wrong)


@register
class NumberOffByOne(AnswerKind):
    name, slip, checks = "number-off-by-one", "a whole number is one too large", ("number",)
    nothing: ClassVar[str] = "no rule asks for a whole number without tolerance"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """Where the rule allows none, and calls it no slip that earns everything."""
        del original, answer
        settings = rule.settings
        expected = as_meant(settings["expected"])
        loose = {"abs_tolerance", "rel_tolerance", "significant_digits", "decimals", "percent", "unit"} & set(settings)
        if expected.denominator != 1 or loose:
            return None
        is_accepted = any(as_meant(one["value"]) == expected + 1 for one in settings.get("accept", ()))
        return None if is_accepted else int(expected) + 1


def _plain(value: Fraction) -> Json:
    return int(value) if value.denominator == 1 else round(float(value), 6)


@register
class ChoiceWrong(AnswerKind):
    name, slip, checks = "choice-wrong", "another option is picked", ("choice",)
    nothing: ClassVar[str] = "no rule lets an option be picked"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """One that is not right, and earns less than everything."""
        del original, answer
        settings = rule.settings
        right = settings["correct"] if isinstance(settings["correct"], list) else [settings["correct"]]
        part = settings.get("credit")
        partly = part if isinstance(part, Mapping) else {}
        wrong = [
            str(key)
            for key in settings["options"]
            if str(key) not in map(str, right) and partly.get(key) not in (1, "100%")
        ]
        if not wrong:
            return None
        return wrong[:1] if settings.get("multiple") else wrong[0]


@register
class ChoiceIncomplete(AnswerKind):
    name, slip, checks = "choice-incomplete", "of several right options one is not picked", ("choice",)
    nothing: ClassVar[str] = "no rule asks for a set of options"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """The last one is left out."""
        del original, answer
        right = rule.settings["correct"]
        return right[:-1] if rule.settings.get("multiple") and len(right) > 1 else None


@register
class SizeOffByOne(AnswerKind):
    name, slip, checks = "size-off-by-one", "a size, kernel, stride or padding is off by one", ("conv-arithmetic",)
    nothing: ClassVar[str] = "no rule asks for a size"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """By one, or by the first step that is no solution too: several strides may give one size."""
        del original
        value = answer.get("value") if isinstance(answer, dict) else answer
        numbers = integers(value) if not isinstance(value, int) else [value]
        if not numbers:
            return None
        own = numbers[-1]
        wrong = next((own + step for step in (1, 2, 3, 5, 8) if not _solves(rule.settings, own + step)), None)
        return None if wrong is None else f"{wrong}x{wrong}" if len(numbers) > 1 else wrong


def _solves(settings: Mapping[str, Json], value: int) -> bool:
    """Whether a value of the unknown gives the known output, on both axes, in PyTorch's equation."""
    if settings["unknown"] == "receptive_field":
        return False  # there is one right number, and the reference has it
    quantities = {**settings["known"], settings["unknown"]: value}

    def axis(name: str, index: int, default: Json) -> int:
        written = quantities.get(name, default)
        one = written[index] if isinstance(written, list) else written
        found = integers(one)
        return found[index] if len(found) > index and index else found[0]

    kind = settings.get("kind", "conv")
    for index in (0, 1):
        size, kernel, padding, dilation, output = (
            axis(name, index, default)
            for name, default in (("input", 0), ("kernel", 1), ("padding", 0), ("dilation", 1), ("output", 0))
        )
        stride = axis("stride", index, quantities.get("kernel", 1) if kind == "pool" else 1)
        if stride < 1:
            return False
        if kind == "transposed":
            made = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + axis("output_padding", index, 0) + 1
        else:
            room = size + 2 * padding - dilation * (kernel - 1) - 1
            made = (-(-room // stride) if settings.get("ceil_mode") else room // stride) + 1
        if made != output:
            return False
    return True


@register
class FormulaWrong(AnswerKind):
    name, slip, checks = "formula-wrong", "a formula has a + 1 too many", ("shape-formula",)
    nothing: ClassVar[str] = "no rule asks for a formula"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """Its last entry."""
        del original, rule
        if isinstance(answer, list):
            return [*answer[:-1], f"({answer[-1]}) + 1"]
        text = str(answer).rstrip()
        for closing in ("]", ")"):
            if text.endswith(closing) and "," in text:
                return f"{text[:-1].rstrip()} + 1{closing}"
        return f"{text} + 1"


class MatrixKind(AnswerKind):
    """A convolution by hand with a slip."""

    checks = ("hand-convolution",)
    nothing: ClassVar[str] = "no rule asks for a convolution by hand that this would change"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """The matrix, where it is one of numbers, and where the slip is not worth everything."""
        del original
        if not isinstance(answer, list) or not all(isinstance(row, list) for row in answer):
            return None
        settings = rule.settings
        is_worth_all = self.worth is not None and settings.get(self.worth) in (1, "100%")
        return None if is_worth_all else self.slipped(answer, settings)

    worth: ClassVar[str | None] = None  # the setting that says what this slip earns

    def slipped(self, matrix: list[list[Any]], settings: Mapping[str, Json]) -> Any:
        """The matrix with the slip."""
        raise NotImplementedError


@register
class EntryWrong(MatrixKind):
    name, slip = "convolution-entry-wrong", "one entry of the convolution is wrong"

    def slipped(self, matrix: list[list[Any]], settings: Mapping[str, Json]) -> Any:
        """The last one, by more than any tolerance."""
        off = 1 + 2 * settings.get("abs_tolerance", 0)
        return [*matrix[:-1], [*matrix[-1][:-1], _plain(as_meant(matrix[-1][-1]) + as_meant(off))]]


@register
class KernelNotFlipped(MatrixKind):
    name, slip, worth = "convolution-flipped", "the kernel is turned over where it must not be", "other_convention"

    def slipped(self, matrix: list[list[Any]], settings: Mapping[str, Json]) -> Any:
        """The other convention, pixel by pixel; only where zeros or nothing lie beyond the border."""
        border = settings["padding"]
        if border not in ("zero", "valid") and not isinstance(border, int):
            return None
        image, kernel = ([[as_meant(one) for one in row] for row in settings[name]] for name in ("image", "kernel"))
        if settings["convention"] == "cross-correlation":
            kernel = [row[::-1] for row in kernel[::-1]]
        added = [0, 0] if border == "valid" else [border, border] if isinstance(border, int) else []
        down, across = added or (len(kernel) // 2, len(kernel[0]) // 2)
        step = settings.get("stride", 1)
        steps = step if isinstance(step, list) else [step, step]

        def pixel(row: int, column: int) -> Fraction:
            is_inside = 0 <= row < len(image) and 0 <= column < len(image[0])
            return image[row][column] if is_inside else Fraction(0)

        def entry(row: int, column: int) -> Fraction:
            places = ((i, j) for i in range(len(kernel)) for j in range(len(kernel[0])))
            top, left = row * steps[0] - down, column * steps[1] - across
            return sum((kernel[i][j] * pixel(top + i, left + j) for i, j in places), Fraction(0))

        return [[_plain(entry(row, column)) for column in range(len(matrix[0]))] for row in range(len(matrix))]


@register
class Transposed(MatrixKind):
    name, slip, worth = "convolution-transposed", "rows and columns of the convolution are swapped", "transposed"

    def slipped(self, matrix: list[list[Any]], settings: Mapping[str, Json]) -> Any:
        """Every row a column."""
        del settings
        return [list(column) for column in zip(*matrix, strict=True)]
