"""Is a formula for a size or a shape right for all whole numbers?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.formulas import names_in
from grader.answers.formulas.domain import points
from grader.answers.formulas.values import UndefinedError, compiled
from grader.checks._formula_answer import Stated, final_formulas, stated_formulas
from grader.checks._formula_findings import formula_findings
from grader.checks._formula_task import LAYOUTS, Task, task_of
from grader.checks._lint import setting_problem
from grader.checks._settings import share_schema
from grader.checks.base import Check, answer_to, register, unanswered
from grader.model import Answer, EvidenceByJob, Finding, Json, Outcome, Problem, Rule, Submission

_FORMULA: Final[Mapping[str, Json]] = {"type": "string", "minLength": 1, "maxLength": 500}
_ENTRY: Final[Mapping[str, Json]] = {
    "anyOf": [
        _FORMULA,
        {"type": "integer", "minimum": 0, "maximum": 10**9},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["formula"],
            "properties": {
                "formula": {**_FORMULA, "description": "the entry, such as floor((T-3)/2) + 1"},
                "also": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 10,
                    "items": _FORMULA,
                    "description": "other formulas that count as right, though they are not equal",
                },
                "credit": share_schema("the share of this entry; entries without one count as 1, and all are scaled"),
                "any_name": {
                    "type": "boolean",
                    "default": False,
                    "description": "whether any single new name is right here, such as C' or C_out",
                },
            },
        },
    ]
}
_QUANTITY: Final[Mapping[str, Json]] = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": 10_000}, {"type": "string", "minLength": 1, "maxLength": 30}]
}


def _quantity(description: str) -> Mapping[str, Json]:
    several = {"type": "array", "minItems": 1, "maxItems": 3, "items": _QUANTITY}
    return {
        "anyOf": [*_QUANTITY["anyOf"], several],
        "description": f"{description}: a number or a name, or one per axis",
    }


@register
class ShapeFormula(Check):
    r"""Compares a formula for a size, or a shape of formulas, with the right one for all whole numbers.

    What it looks at: the answer is read by a grammar of its own, as plain text or LaTeX: `ceil(T/2)`,
    `\left\lfloor\frac{W-K+2P}{S}\right\rfloor + 1`, `(W - K + 2P)//S + 1`, `B x T x (T-1)/2 x C`. Square brackets
    round down, as in `[(W - K + 2P)/S] + 1`, unless `brackets: grouping` is set. The right formula is written under
    `expected`, or follows from a `layer` and its `input`. Two formulas are the same when they agree for every
    whole number of the domain (names start at 1, paddings at 0, `variables` and `conditions` narrow that, and
    only points where the right size is at least 1 count), and that is proved, not sampled.

    A wrong formula gets the smallest counterexample ("T = 3 gives 1, not 2"), and what it would be right for, where
    something is known: another padding, the other rounding, a + 1 that is missing, a sign, swapped letters, the
    channels at another place.

    Credit: each entry of a shape its share. A formula without rounding that is right wherever it is a whole number
    earns `accept_unfloored`; without that setting a person decides. So does one about an answer with two readings
    (1/2T), with names that the task does not have, and with a text that contradicts its own last line.

    Why it matters: whoever can write the size as a formula has understood stride and padding for all inputs.

    Not covered: how the formula was found, and functions beyond rounding, min, max and abs.

        - check: shape-formula
          answer: "3.1b"
          layer: {kind: conv, kernel: 3, stride: 2, padding: 0}
          input: "[B, T, T, C]"
          layout: channels-last
          accept_unfloored: 0.5
    """

    name: ClassVar[str] = "shape-formula"
    reads_answer: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "expected": {
                "anyOf": [_FORMULA, {"type": "array", "minItems": 1, "maxItems": 8, "items": _ENTRY}],
                "description": "the right formula, or a shape: as text such as '[B, T - 2, C]' or entry by entry",
            },
            "layer": {
                "type": "object",
                "additionalProperties": False,
                "required": ["kernel"],
                "properties": {
                    "kind": {
                        "enum": ["conv", "pool", "transposed"],
                        "default": "conv",
                        "description": "a convolution, a pooling, or a transposed convolution",
                    },
                    "kernel": _quantity("the kernel, or the window of a pooling"),
                    "stride": _quantity("pixels per step; left out: 1, or the kernel for a pooling"),
                    "padding": _quantity("pixels added on each side; left out: 0"),
                    "dilation": _quantity("the distance of two entries of the kernel; left out: 1"),
                    "output_padding": _quantity("that of a transposed convolution; left out: 0"),
                    "ceil_mode": {
                        "type": "boolean",
                        "default": False,
                        "description": "whether a pooling rounds up, as PyTorch's argument of that name",
                    },
                    "out_channels": {
                        **_QUANTITY,
                        "description": "the channels of the output; left out: any name is right",
                    },
                },
                "description": "the layer from which the right shape follows, in place of `expected`",
            },
            "input": {
                "anyOf": [
                    _FORMULA,
                    {
                        "type": "array",
                        "minItems": 3,
                        "maxItems": 5,
                        "items": {"anyOf": [_FORMULA, {"type": "integer"}]},
                    },
                ],
                "description": "the shape of the layer's input, with batch and channels, such as '[B, T, T, C]'",
            },
            "layout": {
                "enum": list(LAYOUTS),
                "default": "channels-first",
                "description": "where the channels stand: (N, C, H, W) is channels-first, (N, H, W, C) channels-last",
            },
            "variables": {
                "type": "object",
                "maxProperties": 12,
                "propertyNames": {"pattern": "^[A-Za-z][A-Za-z0-9_']{0,20}$"},
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "min": {"type": "integer", "description": "the smallest value; left out: 1, of a padding 0"},
                        "max": {"type": "integer", "description": "the largest value; left out: without end"},
                        "also": {
                            "type": "array",
                            "maxItems": 10,
                            "items": {"type": "string", "minLength": 1, "maxLength": 30},
                            "description": "other names for it that students may use, such as F for K",
                        },
                    },
                },
                "description": "the names of the formula, with the whole numbers that they stand for",
            },
            "conditions": {
                "type": "array",
                "maxItems": 10,
                "items": {"type": "string", "minLength": 3, "maxLength": 200},
                "description": "what holds between the names, such as 'K <= W + 2P'",
            },
            "brackets": {
                "enum": ["floor", "grouping"],
                "default": "floor",
                "description": "what square brackets in an answer do: round down, or only group",
            },
            "is_size": {
                "type": "boolean",
                "default": True,
                "description": "whether only values of 1 and more count, as for the size of an output",
            },
            "accept_unfloored": share_schema("what a formula without rounding earns that is right where it is whole"),
            "other_layout": share_schema("what a shape earns that is right with the channels at the other place"),
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """A formula or a shape of formulas, in one of their writings."""
        text = {"type": "string", "minLength": 1, "maxLength": 2000}
        entry = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 500}, {"type": "integer"}]}
        working = {"type": "string", "maxLength": 4000, "description": "how it was found"}
        value = {"anyOf": [text, {"type": "array", "minItems": 1, "maxItems": 8, "items": entry}]}
        what = "a shape such as [B, floor((T-3)/2) + 1, T, C]" if _is_shape(rule) else "a formula such as (W-K)//S + 1"
        return {
            "anyOf": [
                *value["anyOf"],
                {
                    "type": "object",
                    "required": ["value"],
                    "additionalProperties": False,
                    "properties": {"value": {**value, "description": what}, "working": working},
                },
            ],
            "description": f"{what}; floor, ceil, //, fractions and LaTeX are understood",
        }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Both or none of `expected` and `layer`, formulas that cannot be read, a domain without a point."""
        settings = rule.settings
        if ("expected" in settings) == ("layer" in settings):
            what = "`expected` and `layer` are both given" if "layer" in settings else "neither `expected` nor `layer`"
            yield setting_problem(rule, ["expected"], what, "give the right formula, or the layer that it follows from")
            return
        if "layer" in settings and "input" not in settings:
            yield setting_problem(rule, ["input"], "a layer without an input", "add it, such as '[B, C, H, W]'")
            return
        try:
            task = task_of(settings, rule.place)
        except AnswerError as error:
            yield Problem("setting", error.problem.where, error.problem.what, error.problem.fix)
            return
        yield from _empty(rule, task)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding for each entry, or one for a formula; remarks on the layout."""
        del evidence
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        task = task_of(rule.settings, rule.place)
        stated = stated_formulas(answer, task, rule.settings.get("brackets", "floor"))
        if isinstance(stated, Finding):
            yield stated
            if stated.code == "contradiction":
                yield from _ends_on(rule, task, answer)
            return
        yield from formula_findings(task, stated, rule.settings, answer)


def _ends_on(rule: Rule, task: Task, answer: Answer) -> Iterator[Finding]:
    """For who decides about a contradiction: what is wrong with the line that the answer ends on."""
    last = final_formulas(answer, task, rule.settings.get("brackets", "floor"))
    if isinstance(last, Stated):
        for one in formula_findings(task, last, rule.settings, answer):
            if one.outcome is Outcome.FAILED:
                yield replace(one, said=f"what it ends on: {one.said}", weight=Fraction(0))


def _is_shape(rule: Rule) -> bool:
    try:
        return task_of(rule.settings, rule.place).is_shape
    except (AnswerError, KeyError):
        return True


def _empty(rule: Rule, task: Task) -> Iterator[Problem]:
    """A domain in which an entry has no value that counts."""
    for entry in task.entries:
        names = names_in(entry.tree)
        value = compiled(entry.tree, names)
        for point in points(task.domain, names, at_most=20_000):
            try:
                if task.domain.least is None or value(point) >= task.domain.least:
                    break
            except UndefinedError:
                continue
        else:
            fix = "widen `variables` and `conditions`, or set `is_size: false`"
            yield setting_problem(rule, ["variables"], "no whole numbers of the domain give a size of 1 or more", fix)
            return
