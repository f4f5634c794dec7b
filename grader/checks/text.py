"""Is there a written answer that a person can grade?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from grader.answers.answer_error import AnswerError
from grader.answers.text import Text, parse_text, words
from grader.checks._lint import setting_problem
from grader.checks._settings import counted, share, share_schema
from grader.checks.base import Check, answer_to, failed, register, review, shown, unanswered, unreadable
from grader.model import EvidenceByJob, Finding, Json, Problem, Rule, Submission

_WORDS: Final[Mapping[str, Json]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1, "maxLength": 100},
}


@register
class WrittenText(Check):
    """Looks at the form of a written answer and hands it to a person.

    What it looks at: is there an answer, and is it as long as asked. Nothing there, or fewer words than `min_words`,
    fails: that is a demand a student can check at home. Everything else is for the TA to read, with what the
    machine saw: key words that are missing, words that were not to be used, too many words. Words are compared
    without regard to case, hyphens and spaces ("Max-Pooling" is "max pooling"), but only whole ones count.

    Credit: a person's. `presence_credit` proposes a part for an answer that has the right form, never more; without it
    all points wait for the TA. Missing key words fail an answer only where `words_required_or_fail` says so: a good
    explanation may do without the word, and a bad one may hold it.

    Why it matters: reasons are what a course teaches, and no machine should grade them alone.

    Not covered: whether the answer is right, whose it is, and how well it is written.

        - check: text
          answer: "1b"
          words_required: [translation]
          any_of: [max pooling, pooling]
          min_words: 5
          presence_credit: 0.5
    """

    name: ClassVar[str] = "text"
    reads_answer: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "words_required": {
                **_WORDS,
                "description": "words or phrases, all expected; missing ones are named",
            },
            "any_of": {**_WORDS, "description": "words or phrases of which one at least is expected"},
            "forbidden": {**_WORDS, "description": "words or phrases that are not to be used; found ones are named"},
            "words_required_or_fail": {
                "type": "boolean",
                "default": False,
                "description": "whether an answer without the expected words fails, instead of being read by a person",
            },
            "min_words": {
                "type": "integer",
                "minimum": 1,
                "maximum": 10_000,
                "default": 1,
                "description": "the fewest words; an answer with fewer fails",
            },
            "max_words": {
                "type": "integer",
                "minimum": 1,
                "maximum": 100_000,
                "description": "the most words that are asked; more are named for the TA and cost nothing",
            },
            "presence_credit": {
                **share_schema("what an answer of the right form earns before anybody has read it"),
                "default": 0,
            },
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """Text, its length in the description."""
        return {
            "anyOf": [
                {"type": "string", "maxLength": 100_000},
                {"type": "array", "items": {"type": "string"}, "description": "the paragraphs"},
            ],
            "description": f"text{_length_words(rule.settings)}; a person reads it",
        }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Lengths and words that contradict each other."""
        settings = rule.settings
        least, most = settings.get("min_words", 1), settings.get("max_words")
        if most is not None and most < least:
            what = f"at least {least} and at most {most} words are asked"
            yield setting_problem(rule, ["max_words"], what, f"ask for {least} or more")
        expected = [*settings.get("words_required", []), *settings.get("any_of", [])]
        for key in ("words_required", "any_of", "forbidden"):
            for index, phrase in enumerate(settings.get(key, [])):
                if not words(phrase):
                    yield setting_problem(rule, [key, index], f"{phrase!r} holds no word", "write a word")
        for index, phrase in enumerate(settings.get("forbidden", [])):
            clash = next((wanted for wanted in expected if Text(wanted).has(phrase)), None)
            if words(phrase) and clash is not None:
                what = f"{phrase!r} is forbidden, and {clash!r} is expected"
                yield setting_problem(rule, ["forbidden", index], what, "drop one of the two")
        if settings.get("words_required_or_fail") and not expected:
            what = "no words are expected that could be missing"
            yield setting_problem(
                rule, ["words_required_or_fail"], what, "list them under `words_required` or `any_of`"
            )

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding: FAILED for a form that is not right, else REVIEW with what the machine saw."""
        del evidence
        answer = answer_to(rule, submission)
        if answer is None:
            yield unanswered(rule)
            return
        try:
            text = parse_text(answer.value, answer.place)
        except AnswerError as error:
            yield unreadable(error.problem, answer.place)
            return
        details: dict[str, Json] = {
            "expected": _expected(rule.settings),
            "observed": shown(" ".join(text.written.split()), 200),
            "place": answer.place,
        }
        yield _judged(rule.settings, text, details)


def _judged(settings: Mapping[str, Json], text: Text, details: Mapping[str, Json]) -> Finding:
    count = text.word_count
    least = settings.get("min_words", 1)
    if not count:
        return failed("no word is written here", **details, fix="write the answer", code="empty")
    if count < least:
        said = f"the answer has {counted(count, 'word')}, at least {least:,} are asked"
        return failed(said, **details, fix="write in full what you mean", code="too-short")
    missing = _missing(settings, text)
    if missing and settings.get("words_required_or_fail"):
        fix = "say it in the words of the course"
        return failed(f"the answer does not speak of {missing}", **details, fix=fix, code="words-missing")
    seen = list(_seen(settings, text, missing))
    credit = share(settings.get("presence_credit", 0)) or None
    said = f"{counted(count, 'word')} for a person to read"
    if seen:
        said += f": {'; '.join(seen)}"
    return review(said, credit=credit, **details, code="to-be-read")


def _missing(settings: Mapping[str, Json], text: Text) -> str:
    """The expected words that are not there, as part of a sentence; "" where all are."""
    absent = [repr(phrase) for phrase in text.missing(settings.get("words_required", []))]
    choice: Sequence[str] = settings.get("any_of", [])
    if choice and len(text.missing(choice)) == len(choice):
        absent.append(f"any of {', '.join(map(repr, choice))}")
    return " and ".join(absent)


def _seen(settings: Mapping[str, Json], text: Text, missing: str) -> Iterator[str]:
    """What the TA should know before reading."""
    if missing:
        yield f"it does not speak of {missing}"
    found = [repr(phrase) for phrase in settings.get("forbidden", []) if text.has(phrase)]
    if found:
        yield f"it uses {' and '.join(found)}, which is not to be used"
    most = settings.get("max_words")
    if most is not None and text.word_count > most:
        yield f"at most {most:,} words are asked"


def _length_words(settings: Mapping[str, Json]) -> str:
    least, most = settings.get("min_words", 1), settings.get("max_words")
    parts = [f"at least {least:,} words"] if least > 1 else []
    parts += [f"at most {most:,} words"] if most is not None else []
    return f" of {' and '.join(parts)}" if parts else ""


def _expected(settings: Mapping[str, Json]) -> str:
    parts = [f"text{_length_words(settings)}"] if _length_words(settings) else []
    if "words_required" in settings:
        parts.append(f"speaks of {', '.join(settings['words_required'])}")
    if "any_of" in settings:
        parts.append(f"speaks of one of {', '.join(settings['any_of'])}")
    return "; ".join(parts)
