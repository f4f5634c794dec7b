"""What are findings worth? The only place where points exist.

Exact fractions throughout: rounding is for whoever prints. Points that a person must decide are `open`,
neither given nor taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from grader.model import Finding, Json, Rubric, Rule, RuleScore, ScoreCard, Submission, Task, TaskScore

ZERO = Fraction(0)


def rule_score(rule: Rule, findings: Sequence[Finding]) -> RuleScore:
    """Share the rule's points among its findings by weight.

    >>> from grader.model import Outcome
    >>> rule = Rule("layers", "layer-table", Fraction(7), {})
    >>> half = [Finding(Outcome.PASSED, "", Fraction(1)), Finding(Outcome.UNKNOWN, "")]
    >>> score = rule_score(rule, half)
    >>> score.points, score.open_points
    (Fraction(7, 2), Fraction(7, 2))
    """
    total = sum((finding.weight for finding in findings), ZERO)
    points = open_points = ZERO
    for finding in findings:
        share = rule.points * finding.weight / total if total else ZERO
        if finding.credit is None:
            open_points += share
        else:
            points += share * finding.credit
    return RuleScore(
        rule=rule.id,
        check=rule.check,
        points=points,
        max_points=rule.points,
        open_points=rule.points if not total else open_points,  # nothing but remarks: a person decides
        is_bonus=rule.is_bonus,
        visibility=rule.visibility,
        findings=tuple(findings),
    )


def task_score(task: Task, findings: Mapping[str, Sequence[Finding]]) -> TaskScore:
    """One task of the card. Bonus rules add points and raise no maximum."""
    rules = tuple(rule_score(rule, findings[rule.id]) for rule in task.rules)
    return TaskScore(
        task=task.id,
        title=task.title,
        points=sum((rule.points for rule in rules), ZERO),
        max_points=sum((rule.max_points for rule in rules if not rule.is_bonus), ZERO),
        open_points=sum((rule.open_points for rule in rules), ZERO),
        rules=rules,
    )


def score(
    rubric: Rubric,
    submission: Submission,
    findings: Mapping[str, Sequence[Finding]],
    made_with: Mapping[str, Json] | None = None,
) -> ScoreCard:
    """The scorecard of one submission, from the findings of every rule by its id."""
    tasks = tuple(task_score(task, findings) for task in rubric.tasks)
    return ScoreCard(
        submission=submission.id,
        assignment=rubric.assignment,
        students=submission.students,
        rubric_digest=rubric.digest,
        tasks=tasks,
        points=sum((task.points for task in tasks), ZERO),
        max_points=sum((task.max_points for task in tasks), ZERO),
        open_points=sum((task.open_points for task in tasks), ZERO),
        problems=submission.problems,
        pass_points=rubric.pass_points,
        made_with=made_with or {},
        variant=rubric.variant,
    )


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
