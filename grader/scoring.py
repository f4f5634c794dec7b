"""What are findings worth? The only place where points exist.

Exact fractions throughout: rounding is for whoever prints. Points that a person must decide are `open`,
neither given nor taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

from grader.adjusting import Attempt, adjusted, attempted, counting
from grader.model import Adjustment, Finding, Json, Rubric, Rule, RuleScore, ScoreCard, Submission, Task, TaskScore

ZERO = Fraction(0)
ONE = Fraction(1)


def rule_score(rule: Rule, findings: Sequence[Finding]) -> RuleScore:
    """Share the rule's points among its findings by weight.

    >>> from grader.model import Outcome
    >>> rule = Rule("layers", "layer-table", Fraction(7), {})
    >>> half = [Finding(Outcome.PASSED, "", Fraction(1)), Finding(Outcome.UNKNOWN, "")]
    >>> score = rule_score(rule, half)
    >>> score.points, score.open_points
    (Fraction(7, 2), Fraction(7, 2))
    """
    shares = _shares(tuple((finding.weight, finding.credit) for finding in findings))
    low, high = (_risen(share, rule.ramp) for share in shares) if shares else (ZERO, ONE)  # remarks: a person decides
    return RuleScore(
        rule=rule.id,
        check=rule.check,
        points=rule.points * (low - 1 if rule.is_deduction else low),
        max_points=rule.points,
        open_points=rule.points * (high - low),
        is_bonus=rule.is_bonus,
        visibility=rule.visibility,
        findings=tuple(findings),
        is_deduction=rule.is_deduction,
    )


@lru_cache(maxsize=4096)  # the rules of a class have few different rows of them: adding was a tenth of a re-scoring
def _shares(weighed: tuple[tuple[Fraction, Fraction | None], ...]) -> tuple[Fraction, Fraction] | None:
    """The least and the highest share of a rule's credit, from weights and credits; None where nothing has a weight.

    >>> half = Fraction(1, 2)
    >>> [str(share) for share in _shares(((half, ONE), (half, None)))]
    ['1/2', '1']
    """
    total = sum((weight for weight, _ in weighed), ZERO)
    if not total:
        return None
    decided = sum((weight * credit for weight, credit in weighed if credit is not None), ZERO)
    waiting = sum((weight for weight, credit in weighed if credit is None), ZERO)
    return decided / total, (decided + waiting) / total


def _risen(share: Fraction, ramp: tuple[Fraction, Fraction] | None) -> Fraction:
    """The share of the points for a share of credit: nothing up to the ramp's foot, all from its top, evenly between.

    >>> half = Fraction(1, 2)
    >>> [str(_risen(share, (half, Fraction(1)))) for share in (half, Fraction(3, 4), Fraction(1))]
    ['0', '1/2', '1']
    """
    if ramp is None:
        return share
    foot, top = ramp
    return min(ONE, max(ZERO, (share - foot) / (top - foot)))


def task_score(task: Task, findings: Mapping[str, Sequence[Finding]], attempt: Attempt = Attempt.YES) -> TaskScore:
    """One task of the card. Bonus rules and deductions raise no maximum.

    An optional task that was not attempted has neither points nor a maximum.
    """
    rules = tuple(rule_score(rule, findings[rule.id]) for rule in task.rules)
    if attempt is Attempt.NO:
        rules = tuple(replace(rule, points=ZERO, max_points=ZERO, open_points=ZERO) for rule in rules)
        note = "optional, and not attempted: it counts neither way"
        return TaskScore(task.id, task.title, ZERO, ZERO, ZERO, rules, is_counted=False, note=note)
    return TaskScore(
        task=task.id,
        title=task.title,
        points=sum((rule.points for rule in rules), ZERO),
        max_points=sum((rule.max_points for rule in rules if not rule.is_bonus and not rule.is_deduction), ZERO),
        open_points=sum((rule.open_points for rule in rules), ZERO),
        rules=rules,
        note="optional; whether it was attempted cannot be seen" if attempt is Attempt.UNSEEN else "",
        pass_points=task.pass_points,
    )


def score(
    rubric: Rubric,
    submission: Submission,
    findings: Mapping[str, Sequence[Finding]],
    made_with: Mapping[str, Json] | None = None,
) -> ScoreCard:
    """The scorecard of one submission, from the findings of every rule by its id."""
    attempts = {task.id: attempted(task, rubric, submission, findings) for task in rubric.tasks}
    rules = replace(
        counting(rubric, submission),
        as_attempted=tuple(
            _without_findings(task_score(task, findings)) for task in rubric.tasks if attempts[task.id] is Attempt.NO
        ),
    )
    card = ScoreCard(
        submission=submission.id,
        assignment=rubric.assignment,
        students=submission.students,
        rubric_digest=rubric.digest,
        tasks=(),
        points=ZERO,
        max_points=ZERO,
        open_points=ZERO,
        problems=submission.problems,
        pass_points=rubric.pass_points,
        made_with=made_with or {},
        variant=rubric.variant,
        counting=rules,
    )
    return totalled(card, [task_score(task, findings, attempts[task.id]) for task in rubric.tasks])


def totalled(card: ScoreCard, tasks: Sequence[TaskScore]) -> ScoreCard:
    """The card with these tasks, all of them counting, and what the rules of the course make of their sum."""
    tasks, adjustments = adjusted(card.counting, tasks)
    parts: tuple[TaskScore | Adjustment, ...] = (*tasks, *adjustments)
    return replace(
        card,
        tasks=tuple(tasks),
        points=sum((part.points for part in parts), ZERO),
        max_points=sum((part.max_points for part in parts), ZERO),
        open_points=sum((part.open_points for part in parts), ZERO),
        adjustments=tuple(adjustments),
    )


def _without_findings(task: TaskScore) -> TaskScore:
    return replace(task, rules=tuple(replace(rule, findings=()) for rule in task.rules))


def has_passed(card: ScoreCard) -> bool | None:
    """Whether the pass line was reached, and that of every task which has one; None while open points decide.

    Raises:  ValueError where there is no line at all
    """
    parts: tuple[ScoreCard | TaskScore, ...] = (card, *card.tasks)
    lines = [(part.points, part.open_points, part.pass_points) for part in parts if part.pass_points is not None]
    if not lines:
        raise ValueError("the rubric has no pass line")
    if any(points + open_points < line for points, open_points, line in lines):
        return False
    return True if all(points >= line for points, _, line in lines) else None


def rounded(points: Fraction, places: int = 2) -> Decimal:
    """Points for the eye: halves go up, as teachers round.

    >>> str(rounded(Fraction(1, 8))), str(rounded(Fraction(7)))
    ('0.13', '7')
    """
    step = Decimal(1).scaleb(-places)
    # Enough digits that the division's own rounding cannot tip a half.
    exact = Decimal(points.numerator) / Decimal(points.denominator)
    value = exact.quantize(step, rounding=ROUND_HALF_UP)
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()
