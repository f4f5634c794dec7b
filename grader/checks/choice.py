"""Did the student pick the right option, or the right set of options?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import ClassVar

from grader.answers.answer_error import AnswerError
from grader.answers.choices import mentioned, parse_choices
from grader.answers.text import words
from grader.checks._doubt import review_of
from grader.checks._lint import setting_problem
from grader.checks._settings import share, share_schema
from grader.checks.base import Check, answer_to, failed, partial, passed, register, shown, unanswered, unreadable
from grader.model import Answer, EvidenceByJob, Finding, Json, Problem, Rule, Submission


@register
class Choice(Check):
    """Compares the picked option, or the set of picked options, with the right one.

    What it looks at: the answer names an option by its key ("b", in either case, "b)" and "(b)" too), by its whole
    text, or by its place in the list. With `multiple: true` it is a list of options, in any order, or "a, c".

    Why it matters: a choice is the one form of understanding that needs no reading. Ask with it whatever
    has few possible answers, and keep `text` for reasons.

    Credit: all or nothing. For a set, `credit: right-minus-wrong` gives each right pick its share and takes a share
    for each wrong one, never less than nothing in all, so that ticking everything earns nothing by itself.
    For one option, `credit` may be a table that gives a nearly right option its part.

    Not covered: why the student picked it. Guessing among four options earns a quarter on average.

        - check: choice
          answer: "1b"
          options:
            a: it makes the network invariant to rotation
            b: it makes the network less sensitive to small translations
            c: it adds parameters
          correct: b
          credit: {a: 0.25}
    """

    name: ClassVar[str] = "choice"
    reads_answer: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["options", "correct"],
        "properties": {
            "options": {
                "anyOf": [
                    {
                        "type": "object",
                        "minProperties": 2,
                        "maxProperties": 50,
                        "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 500},
                    },
                    {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 50,
                        "uniqueItems": True,
                        "items": {"type": "string", "minLength": 1, "maxLength": 500},
                    },
                ],
                "description": "what can be picked: a table from key to text, or a list of texts, each its own key",
            },
            "correct": {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "minLength": 1}},
                ],
                "description": "the key of the right option; a list is the right set with `multiple: true`, "
                "and without it any of the list is right",
            },
            "multiple": {
                "type": "boolean",
                "default": False,
                "description": "whether a set of options is asked for, instead of one",
            },
            "credit": {
                "anyOf": [
                    {"enum": ["all-or-nothing", "right-minus-wrong"]},
                    {"type": "object", "minProperties": 1, "additionalProperties": share_schema("the part it earns")},
                ],
                "default": "all-or-nothing",
                "description": "what an answer earns that is not quite right: `right-minus-wrong` for a set, "
                "a table from option to part for one option",
            },
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """The keys, with their texts in the description."""
        options = _options(rule)
        texts = "; ".join(key if key == text else f"{key}: {text}" for key, text in options.items())
        if not rule.settings.get("multiple", False):
            return {"enum": list(options), "description": f"one of {texts}"}
        return {
            "type": "array",
            "uniqueItems": True,
            "items": {"enum": list(options)},
            "description": f"a list of all that are right of {texts}",
        }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Keys that are no option, twins, and credit that does not fit the kind of answer."""
        options, correct = _options(rule), _correct(rule)
        known = f"the options are {', '.join(options)}"
        for key in correct:
            if key not in options:
                yield setting_problem(rule, ["correct"], f"{key!r} is no option", known)
        seen: dict[str, str] = {}
        for key in options:
            twin = seen.setdefault(" ".join(words(key)), key)
            if twin != key:
                what = f"{twin!r} and {key!r} are told apart by case or punctuation only"
                yield setting_problem(rule, ["options"], what, "give them different keys")
        is_multiple = rule.settings.get("multiple", False)
        if not is_multiple and len(correct) >= len(options):
            yield setting_problem(rule, ["correct"], "every option is right", "leave one out, or set `multiple: true`")
        yield from _credit_problems(rule, options, correct, is_multiple=is_multiple)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding."""
        del evidence
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        try:
            picked = parse_choices(_as_text(answer.value), _options(rule), answer.place)
        except AnswerError as error:
            is_meant = error.problem.code == "not-an-option" and _may_be_meant(rule, answer)
            yield review_of(answer, error.problem) if is_meant else unreadable(error.problem, answer.place)
            return
        judged = _judged_set if rule.settings.get("multiple", False) else _judged_one
        yield judged(rule, answer, set(picked))


def _may_be_meant(rule: Rule, answer: Answer) -> bool:
    """Does a text that is no option hold a right one and none of the wrong ones?"""
    found = mentioned(answer.value, _options(rule))
    correct = set(_correct(rule))
    return found == correct if rule.settings.get("multiple", False) else bool(found) and found <= correct


def _as_text(value: Json) -> Json:
    """JSON's true for an option that is written "true"."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def _options(rule: Rule) -> dict[str, str]:
    options = rule.settings["options"]
    return {key: key for key in options} if isinstance(options, list) else dict(options)


def _correct(rule: Rule) -> list[str]:
    correct = rule.settings["correct"]
    return [correct] if isinstance(correct, str) else list(correct)


def _judged_one(rule: Rule, answer: Answer, keys: set[str]) -> Finding:
    correct = _correct(rule)
    details: dict[str, Json] = {
        "expected": " or ".join(correct),
        "observed": shown(answer.value),
        "place": answer.place,
    }
    if len(keys) > 1:
        said = f"{len(keys)} options were picked, one is asked"
        return failed(said, **details, fix="pick the one that fits best", code="too-many")
    [key] = keys
    if key in correct:
        return passed(f"{key!r} is right", **details, code="right")
    table = rule.settings.get("credit")
    if isinstance(table, Mapping) and key in table:
        said = f"{key!r} is not the best of the options"
        return partial(said, share(table[key]), **details, fix="compare it with the others again", code="nearly-right")
    return failed(f"{key!r} is not right", **details, fix="compare it with the other options again", code="wrong")


def _judged_set(rule: Rule, answer: Answer, keys: set[str]) -> Finding:
    correct = set(_correct(rule))
    right, wrong = len(keys & correct), len(keys - correct)
    details: dict[str, Json] = {
        "expected": ", ".join(key for key in _options(rule) if key in correct),
        "observed": shown(answer.value),
        "place": answer.place,
    }
    if keys == correct:
        return passed("exactly the right options are picked", **details, code="right")
    missing = len(correct) - right
    parts = [f"{right} right", f"{wrong} wrong", f"{missing} missing"]
    said = f"the set is not the right one: {', '.join(part for part in parts if not part.startswith('0'))}"
    fix = "look at each option by itself again"
    if rule.settings.get("credit") != "right-minus-wrong":
        return failed(said, **details, fix=fix, code="wrong-set")
    credit = max(Fraction(0), Fraction(right - wrong, len(correct)))
    return partial(said, credit, **details, fix=fix, code="wrong-set")


def _credit_problems(
    rule: Rule, options: Mapping[str, str], correct: list[str], *, is_multiple: bool
) -> Iterator[Problem]:
    credit = rule.settings.get("credit")
    if credit == "right-minus-wrong" and not is_multiple:
        yield setting_problem(rule, ["credit"], "`right-minus-wrong` is for a set of options", "set `multiple: true`")
    if not isinstance(credit, Mapping):
        return
    if is_multiple:
        what = "a table of parts is for one option, not for a set"
        yield setting_problem(rule, ["credit"], what, "use `right-minus-wrong`, or leave `multiple` out")
    for key in credit:
        if key not in options:
            yield setting_problem(rule, ["credit"], f"{key!r} is no option", f"the options are {', '.join(options)}")
        elif key in correct:
            yield setting_problem(rule, ["credit"], f"{key!r} is right and earns everything", "name wrong options only")
