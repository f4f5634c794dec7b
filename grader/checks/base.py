"""What is a check? Two pure halves: `needs` names recomputations, `judge` turns their results into findings.

A check awards no points, prints nothing, runs no student code and reads no file but through its arguments.
Its class docstring is its documentation page. It stands in a file of its own and registers itself:

    @register
    class Choice(Check):
        name = "choice"
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, TypeVar

from grader.model import (
    Answer,
    Evidence,
    EvidenceByJob,
    EvidenceStatus,
    Finding,
    Job,
    Json,
    Outcome,
    Place,
    Problem,
    Rule,
    Submission,
)

ANSWERS_FILE = "answers.json"
RIGHT, WRONG = Fraction(1), Fraction(0)
REVEAL: Mapping[str, Json] = {
    "type": "boolean",
    "default": True,
    "description": "whether a finding shows what was expected; false for a graded task that students may check at home",
}


class Check(ABC):
    """The half-open form that every check fills in."""

    name: ClassVar[str]
    settings_schema: ClassVar[Mapping[str, Json]]  # JSON Schema of the rule's settings, references resolved
    reads_answer: ClassVar[bool] = False  # the rule must name a key of answers.json
    uses_model: ClassVar[bool] = False  # settings["model"] is filled in from the rubric's `models`
    uses_network: ClassVar[bool] = False  # settings["network"] is filled in from the rubric's `networks`
    uses_reference: ClassVar[bool] = False  # settings["reference"], where written, becomes that reference's band

    def answer_schema(self, rule: Rule) -> Mapping[str, Json] | None:
        """JSON Schema of the answer that the rule reads, for the student's editor. None: it reads none."""
        del rule
        return None

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """JSON Schemas of answers that the rule's settings name besides, by their keys in answers.json."""
        del rule
        return {}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """What is wrong with the settings beyond their schema; `rule.place` says where they stand."""
        del rule
        return ()

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The recomputations that `judge` will ask for."""
        del rule, submission
        return ()

    def fingerprint(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Mapping[str, Json] | None:
        """What is kept of a hand-in, to be held against the whole class once that is graded. None: nothing.

        Plain JSON. It goes into no scorecard; `grader.originality` reads it.
        """
        del rule, submission, evidence
        return None

    @abstractmethod
    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """What is so: at least one finding of weight over 0. The same input gives the same findings."""


CHECKS: dict[str, Check] = {}
_C = TypeVar("_C", bound=type[Check])


def register(kind: _C) -> _C:
    """Make a check known under the name that rubrics use, and give it the setting that all of them have."""
    if kind.name in CHECKS:
        raise ValueError(f"two checks are named {kind.name!r}")
    properties = {**kind.settings_schema.get("properties", {}), "reveal": REVEAL}
    kind.settings_schema = {**kind.settings_schema, "properties": properties}
    CHECKS[kind.name] = kind()
    return kind


def run_check(check: Check, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> tuple[Finding, ...]:
    """Judge one rule. A check that breaks or says nothing is UNKNOWN: a person looks, the student loses nothing."""
    try:
        unread = unread_answers(submission) if check.reads_answer else None
        # list() here, so a late crash is caught too
        findings = [unread] if unread else list(check.judge(rule, submission, evidence))
    except Exception as error:  # noqa: BLE001  our own bug must not cost a student anything
        findings = [_unknown(f"this check broke ({type(error).__name__}: {error}); a person will look", "check-broke")]
    if not any(finding.weight > 0 for finding in findings):
        findings.append(_unknown("this check came to no verdict; a person will look", "no-verdict"))
    if rule.settings.get("reveal") is False:
        findings = [replace(finding, expected="") for finding in findings]
    return tuple(replace(f, rule=rule.id, check=rule.check, visibility=rule.visibility) for f in findings)


def take_fingerprint(
    check: Check, rule: Rule, submission: Submission, evidence: EvidenceByJob
) -> Mapping[str, Json] | None:
    """What a check keeps of a hand-in; None where it keeps nothing, and where it broke: its finding says that."""
    try:
        return check.fingerprint(rule, submission, evidence)
    except Exception:  # noqa: BLE001  our own bug must not stop a class
        return None


def _unknown(said: str, code: str) -> Finding:
    return Finding(Outcome.UNKNOWN, said, code=code)


def unread_answers(submission: Submission) -> Finding | None:
    """Where answers.json is broken as a whole: "no answer was given" would be untrue, and a person can read it."""
    if submission.answers:
        return None
    broken = next((p for p in submission.problems if p.where.startswith(ANSWERS_FILE)), None)
    if broken is None:
        return None
    said = f"this answer could not be read, since {ANSWERS_FILE} as a whole cannot; a person will look"
    return Finding(
        Outcome.UNKNOWN, said, observed=f"{broken.where}: {broken.what}", fix=broken.fix, code="unread-answers"
    )


# --- what checks have in common ---------------------------------------------------------------


def passed(said: str, **details: Json) -> Finding:
    """Full credit."""
    return Finding(Outcome.PASSED, said, RIGHT, **details)


def failed(said: str, **details: Json) -> Finding:
    """No credit."""
    return Finding(Outcome.FAILED, said, WRONG, **details)


def partial(said: str, credit: Fraction, **details: Json) -> Finding:
    """Part of the credit; 0 and 1 become FAILED and PASSED, so that the word never contradicts the number."""
    outcome = {WRONG: Outcome.FAILED, RIGHT: Outcome.PASSED}.get(credit, Outcome.PARTIAL)
    return Finding(outcome, said, credit, **details)


def remark(outcome: Outcome, said: str, **details: Json) -> Finding:
    """Something worth saying that moves no point."""
    credit = None if outcome in (Outcome.UNKNOWN, Outcome.REVIEW) else (WRONG if outcome is Outcome.FAILED else RIGHT)
    return Finding(outcome, said, credit, Fraction(0), **details)


def review(said: str, *, credit: Fraction | None = None, **details: Json) -> Finding:
    """A person decides; `credit` is what the check proposes, None where it proposes nothing."""
    return Finding(Outcome.REVIEW, said, credit, **details)


def answer_to(rule: Rule, submission: Submission) -> Answer | None:
    """The student's answer that the rule reads; None where there is none, an empty one included."""
    answer = submission.answers.get(rule.answer or "")
    is_empty = answer is None or answer.value is None or answer.value in ("", [], {})
    return None if is_empty else answer


def unanswered(rule: Rule) -> Finding:
    """The finding for an answer that is not there."""
    place = Place(ANSWERS_FILE, f"/answers/{rule.answer}")
    return failed(
        "no answer was given",
        place=place,
        fix=f'add "{rule.answer}" under "answers" in answers.json',
        code="unanswered",
    )


def unreadable(problem: Problem, place: Place | None = None) -> Finding:
    """The finding for an answer that cannot be read as what it should be."""
    return failed(problem.what, place=place, observed=problem.where, fix=problem.fix, code=problem.code)


def missing(files: Iterable[str]) -> Finding:
    """The finding for files that a rule needs and that were not handed in."""
    names = " and ".join(repr(name) for name in files)
    return failed(f"{names} was not handed in", fix=f"add {names} to the submission", code="missing-file")


def fault(evidence: Evidence) -> Finding | None:
    """The finding for a recomputation that gave no result; None where it did.

    The student's own fault (code that raises, a refused file) costs the points. A fault of the machine is UNKNOWN.
    Predictions that change with what else is in the batch are no result: a person looks.
    """
    if evidence.is_done:
        return None if evidence.result.get("is_repeatable", True) else _unrepeatable(evidence.result)
    problem = evidence.problem or Problem(
        "no-result", "grader", "the recomputation gave no result", "ask the course staff"
    )
    if evidence.status is EvidenceStatus.STUDENT_FAULT:
        return failed(problem.what, observed=problem.where, fix=problem.fix, code=problem.code)
    return Finding(Outcome.UNKNOWN, problem.what, observed=problem.where, fix=problem.fix, code=problem.code)


def _unrepeatable(result: Mapping[str, Json]) -> Finding:
    seen = (
        f"of {result['repeated']} images that were shown again, in other company, {result['changed']} got another class"
    )
    if result.get("unanswered", 0) > result["repeated"]:
        seen = (
            f"{result['unanswered']} images got no answer when shown again, few at a time ({result['why_unanswered']})"
        )
    elif not result["changed"]:
        seen = f"{result['repeated']} images that were shown again, in other company, got other scores"
    said = f"{seen}: the answers depend on the batch or on chance, so that no accuracy can be stated; a person looks"
    fix = "let an image's scores depend on that image alone: eval() must switch dropout and batch statistics off"
    return Finding(Outcome.REVIEW, said, fix=fix, code="not-repeatable")


def shown(value: Json, limit: int = 120) -> str:
    """An answer as text on one line, shortened, control characters escaped."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return text if len(text) <= limit else text[: limit - 3] + "..."
