"""What may a student see of a result while more attempts are to come? Outcomes and points; no answer, no hidden image.

Three kinds of rules are told apart by their check. What the student's own files are is told in full. Of what has a
right answer, a word of ours could hold that answer: unless the course gives it away (`feedback = "full"`), the outcome,
the place, and what was not there or could not be read. Where the student's code saw images of the course's, nothing
that it could have put its hand on is passed on: one outcome, and points in tenths, rounded down. Rules for staff are
not named.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from grader.model import Adjustment, Finding, Outcome, Problem, RuleScore, ScoreCard, TaskScore, Visibility
from grader.reports.plain import plain
from grader.scoring import has_passed, rounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STEPS = 10  # so many parts of a rule's points are told apart where hidden images decide
_GRID_S = 5  # a result is shown at the next multiple of so many seconds: when it ends, the code could choose

# Checks that say what the student's own files are.
OWN_FILES = frozenset({"artifacts"})
# Checks that hold the student's word against a right answer, and run no code of the student's on hidden images.
# What is in neither set is taken for hidden: accuracy and all the others that recompute.
ANSWERS = _words(
    "architecture choice contradictions conv-arithmetic figure hand-convolution layer-table model-summary number "
    "originality schedule shape-formula text transfer"
)

# What is decided before any job, and tells nothing but what is not there.
_BEFORE = _words("missing-file unanswered unread-answers unreadable-submission builds-on-failed")
# What the student's code does by itself: no image of the course's is near when a network is described.
_OF_CODE = _words(
    "syntax-error import-error missing-module not-a-module script-module no-factory factory-raised forward-raised "
    "code-raised bad-output keys-differ state-mismatch no-answer signal wall-time cpu-time memory files disk"
)

_WORDS = {
    Outcome.PASSED: "right",
    Outcome.PARTIAL: "partly right",
    Outcome.FAILED: "not right",
    Outcome.UNKNOWN: "not judged: a person looks at it",
    Outcome.REVIEW: "a person decides",
}
_HIDDEN_WORDS = {
    **_WORDS,
    Outcome.PASSED: "reached",
    Outcome.PARTIAL: "partly reached",
    Outcome.FAILED: "not reached, or there was no result",
}
_HOME = "run `grader check` on your own computer: it shows what happens there, and why"
_RANK = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.REVIEW, Outcome.PARTIAL, Outcome.PASSED)


class FindingView(BaseModel):
    """One thing that was found out."""

    outcome: Outcome = Field(
        description="passed, partial, failed, unknown (could not run) or review (a person decides)"
    )
    is_remark: bool = Field(default=False, description="whether it moves no point")
    said: str = Field(description="one sentence")
    where: str = Field(default="", description="the place in the hand-in, such as answers.json /answers/layers/2")
    fix: str = Field(default="", description="what to do, where there is something")
    expected: str = Field(default="", description="what would be right, where the course tells it")
    observed: str = Field(default="", description="what was found, where the course tells it")


class RuleView(BaseModel):
    """A rule and what it came to."""

    rule: str
    points: float
    max_points: float
    open_points: float = Field(description="points that wait for a person")
    is_bonus: bool = False
    is_deduction: bool = Field(default=False, description="its points are what it takes away, below 0")
    is_coarse: bool = Field(
        default=False, description="points are shown in tenths, rounded down; the recorded ones are exact"
    )
    findings: list[FindingView]


class TaskView(BaseModel):
    """A task with its rules. Its points include those of rules that are not shown."""

    task: str
    title: str
    points: float
    max_points: float
    open_points: float
    is_counted: bool = True
    note: str = ""
    has_more: bool = Field(default=False, description="whether its points include rules that are not listed")
    rules: list[RuleView]


class AdjustmentView(BaseModel):
    """A rule of the course that changed the sum, such as lateness."""

    kind: str
    said: str
    points: float


class ProblemView(BaseModel):
    """Something to mend: where it is, what is so, what to do."""

    where: str
    what: str
    fix: str


class ResultView(BaseModel):
    """The result as its student sees it."""

    points: float
    max_points: float
    open_points: float = Field(description="points that wait for a person: neither given nor taken")
    pass_points: float | None = None
    is_passed: bool | None = Field(
        default=None, description="null while open points decide, and where there is no line"
    )
    is_coarse: bool = Field(default=False, description="some points are shown in tenths, rounded down")
    tasks: list[TaskView]
    adjustments: list[AdjustmentView] = []
    problems: list[ProblemView] = []


def result_view(card: ScoreCard, *, is_full: bool = False) -> ResultView:
    """The card as its student may see it. `is_full`: findings of the course's own questions in full."""
    tasks = [(task, [_rule(rule, is_full=is_full) for rule in task.rules if _is_shown(rule)]) for task in card.tasks]
    is_coarse = any(_is_hidden(rule) for task in card.tasks for rule in task.rules)
    sums = [[_coarse(rule) for rule in task.rules] for task in card.tasks]
    moved = [(_tenth(one.points), _tenth(one.open_points)) if is_coarse else (one.points, one.open_points)
             for one in card.adjustments]  # fmt: skip
    points = sum((low for task in sums for low, _ in task), Fraction(0)) + sum((low for low, _ in moved), Fraction(0))
    waiting = sum((up for task in sums for _, up in task), Fraction(0)) + sum((up for _, up in moved), Fraction(0))
    return ResultView(
        points=_number(points),
        max_points=_number(card.max_points),
        open_points=_number(waiting),
        pass_points=None if card.pass_points is None else _number(card.pass_points),
        is_passed=_passed(card),
        is_coarse=is_coarse,
        tasks=[_task(task, rules, some) for (task, rules), some in zip(tasks, sums, strict=True)],
        adjustments=[_adjustment(one, low) for one, (low, _) in zip(card.adjustments, moved, strict=True)],
        problems=problem_views(card.problems),
    )


def problem_views(problems: Iterable[Problem]) -> list[ProblemView]:
    """Problems of reading a hand-in: they say what its own files are."""
    return [ProblemView(where=plain(one.where), what=plain(one.what), fix=plain(one.fix)) for one in problems]


def is_due(ended_at: datetime, now: datetime) -> bool:
    """Whether a result that ended then is shown by now: at the next of a row of fixed moments.

    >>> at = datetime.fromisoformat
    >>> is_due(at("2026-01-01T10:00:01+00:00"), at("2026-01-01T10:00:04+00:00"))
    False
    >>> is_due(at("2026-01-01T10:00:01+00:00"), at("2026-01-01T10:00:05+00:00"))
    True
    """
    return floor(now.timestamp() / _GRID_S) > floor(ended_at.timestamp() / _GRID_S)


def _is_hidden(rule: RuleScore) -> bool:
    return rule.check not in OWN_FILES | ANSWERS


def _is_shown(rule: RuleScore) -> bool:
    return rule.visibility is Visibility.STUDENT


def _task(task: TaskScore, rules: list[RuleView], sums: Sequence[tuple[Fraction, Fraction]]) -> TaskView:
    return TaskView(
        task=task.task,
        title=plain(task.title),
        points=_number(sum((low for low, _ in sums), Fraction(0))),
        max_points=_number(task.max_points),
        open_points=_number(sum((waiting for _, waiting in sums), Fraction(0))),
        is_counted=task.is_counted,
        note=plain(task.note),
        has_more=any(rule.max_points > 0 and not _is_shown(rule) for rule in task.rules),
        rules=rules,
    )


def _rule(rule: RuleScore, *, is_full: bool) -> RuleView:
    low, waiting = _coarse(rule)
    is_hidden = _is_hidden(rule)
    return RuleView(
        rule=rule.rule,
        points=_number(low),
        max_points=_number(rule.max_points),
        open_points=_number(waiting),
        is_bonus=rule.is_bonus,
        is_deduction=rule.is_deduction,
        is_coarse=is_hidden,
        findings=[_hidden(rule)] if is_hidden else [_finding(one, is_full=is_full) for one in _told(rule, is_full)],
    )


def _told(rule: RuleScore, is_full: bool) -> list[Finding]:
    """The findings that are told one by one. A remark may hold an answer: it is told where all is."""
    is_whole = is_full or rule.check in OWN_FILES
    return [
        one for one in rule.findings if one.visibility is Visibility.STUDENT and (is_whole or one.weight > 0)
    ]  # fmt: skip


def _finding(finding: Finding, *, is_full: bool) -> FindingView:
    where = plain(str(finding.place)) if finding.place is not None else ""
    if is_full or finding.check in OWN_FILES:
        return FindingView(
            outcome=finding.outcome,
            is_remark=finding.weight == 0,
            said=plain(finding.said),
            where=where,
            fix=plain(finding.fix),
            expected=plain(finding.expected),
            observed=plain(finding.observed),
        )
    if finding.code in _BEFORE or finding.code in _OF_CODE:
        return FindingView(outcome=finding.outcome, said=plain(finding.said), where=where, fix=plain(finding.fix))
    return FindingView(outcome=finding.outcome, said=_WORDS[finding.outcome], where=where)


def _hidden(rule: RuleScore) -> FindingView:
    """What came of a rule in one word: neither how many findings there are nor what they say is passed on."""
    counted = [one for one in rule.findings if one.weight > 0]
    before = next((one for one in counted if one.code in _BEFORE), None)
    if before is not None and len(counted) == 1:
        return _finding(before, is_full=False)
    found = {one.outcome for one in counted} or {Outcome.UNKNOWN}
    if found & {Outcome.UNKNOWN, Outcome.REVIEW}:
        outcome = Outcome.REVIEW if Outcome.REVIEW in found else Outcome.UNKNOWN
    elif len(found) > 1:
        outcome = Outcome.PARTIAL
    else:
        [outcome] = found
    fix = _HOME if outcome is Outcome.FAILED else ""
    return FindingView(outcome=outcome, said=_HIDDEN_WORDS[outcome], fix=fix)


def _adjustment(one: Adjustment, points: Fraction) -> AdjustmentView:
    return AdjustmentView(kind=one.kind, said=plain(one.said), points=_number(points))


def _coarse(rule: RuleScore) -> tuple[Fraction, Fraction]:
    """(points, open points) as they are shown."""
    if not _is_hidden(rule) or not rule.max_points:
        return rule.points, rule.open_points
    step = rule.max_points / STEPS
    low = floor(rule.points / step) * step
    return low, floor((rule.points + rule.open_points) / step) * step - low


def _tenth(points: Fraction) -> Fraction:
    """In tenths of a point: a share of what was earned would tell exactly what that was."""
    return Fraction(floor(points * 10), 10)


def _passed(card: ScoreCard) -> bool | None:
    try:
        return has_passed(card)
    except ValueError:
        return None


def _number(value: Fraction) -> float:
    return float(rounded(value, 4))
