"""Is the number right, and does the working that leads to it hold?"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import ClassVar

from grader.answers.answer_error import AnswerError
from grader.answers.matching import Match, matches
from grader.answers.numbers import Number, exact, parse_number
from grader.answers.working import parse_working
from grader.answers.writing import spoken
from grader.checks._doubt import doubtful
from grader.checks._lint import as_meant, is_decimal, setting_problem
from grader.checks._settings import share, share_schema
from grader.checks._working import ANSWER, working_remarks
from grader.checks.base import (
    Check,
    answer_to,
    failed,
    partial,
    passed,
    register,
    remark,
    review,
    shown,
    unanswered,
    unreadable,
)
from grader.model import EvidenceByJob, Finding, Json, Outcome, Problem, Rule, Submission

VALUE: Mapping[str, Json] = {
    "anyOf": [{"type": "number"}, {"type": "string", "minLength": 1, "maxLength": 300}],
}


@register
class NumberCheck(Check):
    """Compares a number with the right one.

    What it looks at: the value that the answer ends on. A number may be written as JSON, as text in any usual way
    ("390,410", "98.92 %", "1.15 MB", LaTeX), or with its working: "(5*5*3+1)*32 = 2432". Where a writing has two
    meanings ("390.410"), the one that fits counts, and a remark says so. Only the value earns points; a step
    of the working that does not hold is quoted with both sides, as a remark.

    How near it must be: exactly, unless a tolerance is given. Limits are inclusive, and with several tolerances one is
    enough. A bound ("more than 250") is no value.

    Why it matters: a number is right or wrong whatever the words around it, so it can be told at once.
    Part credit for well-known slips (`accept`) says which slip it was, in your words.

    Not covered: how the student came to the value. Numbers that belong to a checkpoint or a data set: see `claim`.

        - check: number
          answer: "1g"
          expected: (5*5*3+1)*32
          accept:
            - {value: 2400, credit: 0.5, because: the biases are left out}
    """

    name: ClassVar[str] = "number"
    reads_answer: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["expected"],
        "properties": {
            "expected": {
                **VALUE,
                "description": "the right value: a number, or arithmetic as text such as 1/3 or (5*5*3+1)*32",
            },
            "abs_tolerance": {"type": "number", "minimum": 0, "description": "how far off it may be, in the same unit"},
            "rel_tolerance": {
                "type": "number",
                "minimum": 0,
                "exclusiveMaximum": 1,
                "description": "how far off it may be, as a share of the right value",
            },
            "significant_digits": {
                "type": "integer",
                "minimum": 1,
                "maximum": 15,
                "description": "how many significant digits must agree, rounded",
            },
            "decimals": {
                "type": "integer",
                "minimum": 0,
                "maximum": 15,
                "description": "how many digits after the decimal mark must agree, rounded",
            },
            "unit": {
                "type": "string",
                "minLength": 1,
                "maxLength": 40,
                "description": "the unit of `expected`, such as MB or s; an answer without one is taken to be in it",
            },
            "percent": {
                "enum": ["fraction", "percent", "either"],
                "default": "fraction",
                "description": "what is asked: a fraction (0.92 or 92 %), a percentage (92 or 92 %, as `expected` is), "
                "or either of them (`expected` is a fraction)",
            },
            "accept": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20,
                "description": "wrong values that earn a part, each with the slip that leads to it",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["value", "credit", "because"],
                    "properties": {
                        "value": {**VALUE, "description": "the value that the slip leads to, written as `expected` is"},
                        "credit": share_schema("the part that it earns"),
                        "because": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 200,
                            "description": "the slip, as the student reads it: 'the biases are left out'",
                        },
                    },
                },
            },
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """A number, or text with its working."""
        asked = {"fraction": ", as 0.92 or 92 %", "percent": ", in percent", "either": ", as 0.92 or 92 %"}
        what = asked.get(rule.settings.get("percent", ""), "")
        if "unit" in rule.settings:
            what = f" in {rule.settings['unit']}"
        return {**ANSWER, "description": f"a number{what}; its working may stand with it: (5*5*3+1)*32 = 2432"}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Values that cannot be read, a right one that no decimal number is, accepted ones that are right anyway."""
        settings = rule.settings
        target = yield from _read(rule, settings["expected"], "expected")
        if target is None:
            return
        if not _has_tolerance(settings) and not is_decimal(target):
            what = f"no decimal number is exactly {spoken(target)}"
            yield setting_problem(rule, ["expected"], what, "give `significant_digits` or another tolerance")
        if settings.get("percent") == "either" and abs(target) > 1:
            what = f"with `percent: either` the right value is a fraction, but it is {spoken(target)}"
            yield setting_problem(rule, ["expected"], what, "write the fraction, such as 0.9892")
        for index, slip in enumerate(settings.get("accept", [])):
            steps: tuple[str | int, ...] = ("accept", index, "value")
            value = yield from _read(rule, slip["value"], *steps)
            if value is not None and _match(settings, exact(value, ""), settings["expected"]).is_match:
                what = f"{spoken(value)} is right anyway, within the tolerance"
                yield setting_problem(rule, steps, what, "name a value that is wrong")

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding on the value, and a remark for each step of the working that does not hold."""
        del evidence
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        try:
            working = parse_working(answer.value, answer.place)
        except AnswerError as error:
            right = doubtful(
                answer, error.problem, lambda piece: _is_right(rule.settings, parse_number(piece, answer.place))
            )
            yield right or unreadable(error.problem, answer.place)
            return
        details: dict[str, Json] = {
            "expected": _expected(rule.settings),
            "observed": shown(answer.value),
            "place": answer.place,
        }
        yield _judged(rule.settings, working.number, details)
        yield from working_remarks(working, answer.place)
        if _is_bare_match(rule.settings, working.number) and abs(_target(rule.settings, rule.settings["expected"])) > 1:
            said = (
                f"{shown(working.number.written, 60)} is taken without its percent sign, as the question seems to mean"
            )
            yield remark(Outcome.PASSED, said, place=answer.place, code="percent-sign")


def _is_right(settings: Mapping[str, Json], number: Number) -> bool:
    return _match(settings, number, settings["expected"]).is_match or _is_bare_match(settings, number)


def _judged(settings: Mapping[str, Json], number: Number, details: Mapping[str, Json]) -> Finding:
    found = _match(settings, number, settings["expected"])
    written = shown(number.written, 60)
    if not found.is_match and _is_bare_match(settings, number) and abs(_target(settings, settings["expected"])) <= 1:
        # "0.9 %" for 0.9 can be a hundredth of what is right, or the right number of percent.
        said = f"{written} is right without its percent sign only; a person decides what the question means"
        return review(said, **details, fix="write it in the form that is asked", code="percent-sign")
    if _is_right(settings, number):
        # "14,538 (read as 14,538)" would tell nobody anything.
        note = f" ({found.note})" if found.note and not found.note.endswith(f" {written}") else ""
        return passed(f"{written} is right{note}", **details, code="right")
    for slip in settings.get("accept", []):
        if _match(settings, number, slip["value"]).is_match:
            fix = "correct this step and compute it again"
            said = f"{written} is not the right value: {slip['because']}"
            return partial(said, share(slip["credit"]), **details, fix=fix, code="known-slip")
    reason = f"{written} is not the right value" if found.code == "different" else found.reason
    return failed(
        reason, **details, fix=_FIXES.get(found.code, "compute it again step by step"), code=_CODES[found.code]
    )


_FIXES = {
    "percent": "write it in the form that is asked",
    "unit": "convert it to the unit that is asked",
    "factor-1024": "convert it to the unit that is asked",
    "too-coarse": "write more digits",
    "bound": "write the value itself",
    "magnitude": "count the zeros and the decimals again",
    "sign": "check the sign",
}
_CODES = {
    "different": "wrong-number",
    "percent": "percent-or-fraction",
    "unit": "wrong-unit",
    "factor-1024": "wrong-unit",
    "too-coarse": "rounded-too-far",
    "bound": "bound-not-value",
    "magnitude": "wrong-magnitude",
    "sign": "wrong-sign",
}


def _target(settings: Mapping[str, Json], value: Json) -> Fraction:
    """What the rubric means: a decimal is what is written; text is arithmetic; "92 %" is 92 where that is asked."""
    is_percentage = settings.get("percent") == "percent" and isinstance(value, str) and value.rstrip().endswith("%")
    return as_meant(value) * (100 if is_percentage else 1)


def _match(settings: Mapping[str, Json], number: Number, value: Json, *, is_bare: bool = False) -> Match:
    return matches(
        number,
        _target(settings, value),
        abs_tolerance=settings.get("abs_tolerance"),
        rel_tolerance=settings.get("rel_tolerance"),
        significant_digits=settings.get("significant_digits"),
        decimals=settings.get("decimals"),
        unit=settings.get("unit"),
        percent="percent" if is_bare else settings.get("percent", "fraction"),
    )


def _is_bare_match(settings: Mapping[str, Json], number: Number) -> bool:
    """Is it right without its percent sign, in a rubric that does not say whether a percentage is asked?"""
    if "percent" in settings or not number.is_percent:
        return False
    is_match = _match(settings, number, settings["expected"]).is_match
    return not is_match and _match(settings, number, settings["expected"], is_bare=True).is_match


def _has_tolerance(settings: Mapping[str, Json]) -> bool:
    keys = ("abs_tolerance", "rel_tolerance", "significant_digits")
    return "decimals" in settings or any(settings.get(key) for key in keys)


_ALLOWANCES = (
    ("abs_tolerance", "within {}"),
    ("rel_tolerance", "within {} of it"),
    ("significant_digits", "to {} significant digits"),
    ("decimals", "to {} decimals"),
)


def _expected(settings: Mapping[str, Json]) -> str:
    """The right value as the rubric has it, worked out where it is arithmetic, and how near is near enough."""
    value = settings["expected"]
    text = f"{value:,}" if isinstance(value, int) else str(value)
    if isinstance(value, str) and any(char in value.strip(" -") for char in "+-*/^("):
        text = f"{value} = {spoken(_target(settings, value))}"
    if settings.get("percent") == "percent" and "%" not in text:
        text += " %"
    if "unit" in settings:
        text += f" {settings['unit']}"
    parts = [words.format(settings[key]) for key, words in _ALLOWANCES if key in settings]
    return text + (f" ({' or '.join(parts)})" if parts else "")


def _read(rule: Rule, value: Json, *steps: str | int) -> Generator[Problem, None, Fraction | None]:
    """The value of a setting; where it cannot be read, a problem and None."""
    try:
        return _target(rule.settings, value)
    except AnswerError as error:
        yield setting_problem(rule, steps, error.problem.what, error.problem.fix)
        return None
