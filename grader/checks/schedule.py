"""Does the learning rate end where the assignment wants it, by the log and by the code?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, Final

from grader.answers.curves import Value
from grader.checks._lint import as_meant
from grader.checks._logged import Logged, decided, read_of
from grader.checks._scheduler_code import MOST_BYTES, Scheduler, is_set_by_hand, schedulers_in
from grader.checks._settings import counted
from grader.checks._submitted import matching, opened
from grader.checks.base import Check, failed, passed, register, remark, review
from grader.frozen import dataclass
from grader.model import EvidenceByJob, Finding, Json, Outcome, Place, Rule, Submission

_MOST_FILES: Final = 20
_NEAR: Final = Fraction(1, 10**4)
_WIDE: Final = 2  # times: a rate that is rounded so coarsely shows nothing
_FILE: Final[Mapping[str, Json]] = {"type": "string", "minLength": 1, "maxLength": 200}


@register
class Schedule(Check):
    """Looks whether the learning rate falls to the share of its start that the assignment asks for.

    What it looks at: the learning rates in the training log (all forms that `training-log` reads), from the first
    entry to the last, as far as their printed digits go; and the scheduler in the code, read as text and never run.
    `MultiStepLR(optimizer, [3, 6], gamma=0.1)` is known to end at a hundredth; a scheduler of another kind, or
    milestones that are not written out, leave it to the log.

    Credit: one of the two is enough, unless the other says something else; then a person decides. It is wrong only
    where both say so: the log does not reach the share, and the code, which sets one schedule, does not either, or
    changes no rate at all. The milestones may lie behind the last line of a log, so that a log alone is never wrong.
    By default a person decides about what is wrong too; `contradictions: fail` lets it cost the points.

    Why it matters: large steps at first and small ones at the end are what lets a training settle.

    Not covered: when the rate falls, whether that helped, and code in notebooks.

        - check: schedule
          log: train.jsonl
          code: "*.py"
          scheduler: MultiStepLR
          falls_to: 0.01
    """

    name: ClassVar[str] = "schedule"
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["falls_to"],
        "anyOf": [{"required": ["log"]}, {"required": ["code"]}],
        "properties": {
            "log": {**_FILE, "description": "the log, or a pattern such as logs/**"},
            "code": {**_FILE, "description": "the code that trains, or a pattern such as *.py"},
            "falls_to": {
                "anyOf": [
                    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    {"type": "string", "minLength": 1, "maxLength": 40},
                ],
                "description": "the last learning rate as a share of the first one, such as 0.01 or 1/100",
            },
            "scheduler": {
                "type": "string",
                "pattern": "^[A-Za-z]{1,60}$",
                "description": "the class that the sheet names, such as MultiStepLR; another one is a remark",
            },
            "contradictions": {
                "enum": ["review", "fail"],
                "default": "review",
                "description": "review: a person decides; fail: what log and code agree to be wrong costs the points",
            },
        },
    }

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """What log and code say of the last rate."""
        del evidence
        settings = rule.settings
        asked = as_meant(settings["falls_to"])
        read = [read_of(submission, file) for file in _files(submission, settings.get("log"))]
        found = [one for one in read if isinstance(one, Finding)]
        falls = [fall for one in read if isinstance(one, Logged) for fall in _falls(one)]
        codes, unread = _codes(submission, settings.get("code"))
        verdict = _verdict(asked, falls, codes, submission, has_log=bool(read))
        found += [*unread, *verdict, *_other(settings.get("scheduler"), codes)]
        yield from decided(found, may_fail=settings.get("contradictions", "review") == "fail")


# --- the log ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fall:
    """From the first rate of a training to its last; `least` and `most` are their quotient as far as digits go."""

    place: Place
    first: Value
    last: Value
    least: Fraction
    most: Fraction
    is_constant: bool

    @property
    def said(self) -> str:
        return f"from {self.first.written.strip()} to {self.last.written.strip()}"

    def is_at(self, share: Fraction) -> bool:
        return self.least <= share * (1 + _NEAR) and share * (1 - _NEAR) <= self.most

    @property
    def is_told(self) -> bool:
        """Whether the digits say anything: 0.0000 may be any small rate."""
        return self.most <= _WIDE * self.least


def _files(submission: Submission, pattern: str | None) -> Sequence[Json]:
    return matching(submission, pattern)[:_MOST_FILES] if pattern else ()


def _falls(logged: Logged) -> Iterator[_Fall]:
    for run in logged.runs:
        rates = [
            (entry.number, rate)
            for entry in run.entries
            for rate in entry.learning_rates[:1]
            if rate.value is not None and rate.value >= 0
        ]
        if len(rates) < 2 or not rates[0][1].value:
            continue
        (_, first), (number, last) = rates[0], rates[-1]
        low, high = _range(first)
        least, most = _range(last)
        yield _Fall(
            logged.place(number),
            first,
            last,
            least / high,
            most / low,
            all(one.value == other.value for (_, one), (_, other) in pairwise(rates)),
        )


def _range(rate: Value) -> tuple[Fraction, Fraction]:
    """What a printed rate may have been: rounded, or its digits cut off. Six digits and more leave nothing open."""
    value = rate.value or Fraction(0)
    is_exact = value and rate.step / value < Fraction(1, 10**5)
    if is_exact or rate.written.strip() in ("1", "1.0"):
        return value, value
    if _is_plain(value):
        return value, value + (0 if value else rate.step)
    return max(value - rate.step / 2, Fraction(0)), value + rate.step


def _is_plain(value: Fraction) -> bool:
    """0.01, 0.005: rates that somebody chose, where printing has cut nothing off."""
    while value and value < 1:
        value *= 10
    return value.denominator == 1


# --- the code -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Code:
    path: str
    schedulers: tuple[Scheduler, ...]
    is_by_hand: bool


def _codes(submission: Submission, pattern: str | None) -> tuple[list[_Code], list[Finding]]:
    codes, unread = [], []
    for file in _files(submission, pattern):
        try:
            with opened(submission, file) as stream:
                text = stream.read(MOST_BYTES).decode("utf-8", "replace")
        except OSError as error:
            said = f"{file.path} could not be opened ({error})"
            unread.append(Finding(Outcome.UNKNOWN, said, code="unreadable"))
            continue
        codes.append(_Code(file.path, tuple(schedulers_in(text)), is_set_by_hand(text)))
    return codes, unread


def _only(codes: Sequence[_Code]) -> tuple[_Code, Scheduler] | None:
    """The one scheduler that all the code makes, where nothing else changes a rate."""
    made = [(code, one) for code in codes for one in code.schedulers]
    return made[0] if len(made) == 1 and not any(code.is_by_hand for code in codes) else None


def _other(wanted: str | None, codes: Sequence[_Code]) -> Iterator[Finding]:
    made = [(code, one) for code in codes for one in code.schedulers]
    if wanted and made and wanted not in {one.name for _, one in made}:
        code, one = made[0]
        said = f"{code.path}, line {one.line}: {one.name}; the sheet names {wanted}"
        yield remark(Outcome.REVIEW, said, place=Place(code.path, line=one.line), code="other-scheduler")


# --- both ---------------------------------------------------------------------------------------


def _verdict(
    asked: Fraction, falls: Sequence[_Fall], codes: Sequence[_Code], submission: Submission, *, has_log: bool
) -> Iterator[Finding]:
    said = f"to {_share(asked)} of its start"
    shown = next((one for one in falls if one.is_told and one.is_at(asked)), None)
    only = _only(codes)
    factor = only[1].factor if only else None
    where = f"{only[0].path}, line {only[1].line}" if only else ""
    if shown is not None:
        words = f"the learning rate falls {shown.said}, {said}"
        if factor is None or _is_near(factor, asked):
            yield passed(words, place=shown.place, code="falls")
        else:
            differs = f"{words}; {where}, sets a schedule that ends at {_share(factor)}: a person looks"
            yield review(differs, place=shown.place, code="log-and-code-differ")
        return
    told = [one for one in falls if one.is_told]
    fix = f"let the learning rate fall {said}, and print it"
    if factor is not None and _is_near(factor, asked):
        words = f"{where}: {only[1].name} lets the learning rate fall {said}" if only else ""
        place = Place(only[0].path, line=only[1].line) if only else None
        if not told:
            yield passed(words, place=place, code="falls-by-code")
        else:
            yield review(f"{words}; the log has it {told[-1].said}: a person looks", place=told[-1].place,
                         fix="print the rate until the end of the training", code="log-and-code-differ")  # fmt: skip
    elif not has_log and _is_silent(codes, submission):
        yield failed(f"neither a log nor code shows a learning rate that falls {said}", fix=fix, code="missing-file")
    elif told and _is_agreed(told, factor, codes, asked, submission):
        by = f"{where}, lets it end at {_share(factor)}" if factor is not None else "no code changes it"
        words = f"the learning rate goes {told[-1].said}, and {by}; it was to fall {said}"
        yield failed(words, place=told[-1].place, fix=fix, code="schedule")
    else:
        seen = f"the log has it {told[-1].said}" if told else "no log shows two of its values"
        made = [f"{one.name} in {code.path}" for code in codes for one in code.schedulers]
        names = ", ".join(made[:3]) if made else f"no scheduler in {counted(len(codes), 'file')} of code"
        words = f"whether the learning rate falls {said} is not seen: {seen}; {names}; a person looks"
        yield review(words, place=told[-1].place if told else None, fix=fix, code="not-shown")


def _is_agreed(
    told: Iterable[_Fall], factor: Fraction | None, codes: Sequence[_Code], asked: Fraction, submission: Submission
) -> bool:
    """Whether the code says that the log's rates are all there is."""
    if factor is not None:
        return not _is_near(factor, asked) and not _has_notebook(submission)
    return bool(codes) and _is_silent(codes, submission) and all(one.is_constant for one in told)


def _is_silent(codes: Sequence[_Code], submission: Submission) -> bool:
    """Whether no code changes a rate. A notebook is not read, and may."""
    return not _has_notebook(submission) and not any(code.schedulers or code.is_by_hand for code in codes)


def _has_notebook(submission: Submission) -> bool:
    return any(file.path.endswith(".ipynb") for file in submission.files)


def _is_near(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= other * _NEAR


def _share(value: Fraction) -> str:
    return str(value) if value.numerator == 1 else f"{float(value):g}"
