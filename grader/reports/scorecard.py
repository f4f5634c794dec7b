"""A scorecard as JSON, for machines, stable across versions.

The form is published as grader/course/schemas/scorecard.schema.json.
"""

from __future__ import annotations

from fractions import Fraction

from grader.model import Adjustment, Finding, Json, Place, Problem, RuleScore, ScoreCard, TaskScore, Visibility
from grader.scoring import rounded

FORM = "grader-scorecard/1"


def scorecard_json(card: ScoreCard, *, for_staff: bool = True) -> dict[str, Json]:
    """The card as plain JSON. Points are rounded to 4 decimals; staff findings only `for_staff`.

    Holds no time and no duration: the same submission, rubric and versions give the same bytes.
    """
    return {
        "form": FORM,
        "submission": card.submission,
        "assignment": card.assignment,
        "students": [{"id": student.id, "name": student.name} for student in card.students],
        "rubric_digest": card.rubric_digest,
        **({"variant": card.variant} if card.variant else {}),
        **_points(card.points, card.max_points, card.open_points),
        "pass_points": None if card.pass_points is None else _number(card.pass_points),
        "tasks": [_task(task, for_staff) for task in card.tasks],
        **({"adjustments": [_adjustment(one) for one in card.adjustments]} if card.adjustments else {}),
        "problems": [problem_json(problem) for problem in card.problems],
        "made_with": dict(card.made_with),
    }


def problem_json(problem: Problem) -> dict[str, Json]:
    """A problem as plain JSON."""
    return {"code": problem.code, "where": problem.where, "what": problem.what, "fix": problem.fix}


def _points(points: Fraction, max_points: Fraction, open_points: Fraction) -> dict[str, Json]:
    return {"points": _number(points), "max_points": _number(max_points), "open_points": _number(open_points)}


def _task(task: TaskScore, for_staff: bool) -> dict[str, Json]:
    return {
        "task": task.task,
        "title": task.title,
        **_points(task.points, task.max_points, task.open_points),
        **({} if task.is_counted else {"is_counted": False}),
        **({"note": task.note} if task.note else {}),
        **({} if task.pass_points is None else {"pass_points": _number(task.pass_points)}),
        "rules": [_rule(rule, for_staff) for rule in task.rules if for_staff or _is_known(rule)],
    }


def _adjustment(one: Adjustment) -> dict[str, Json]:
    numbers = _points(one.points, one.max_points, one.open_points)
    return {"kind": one.kind, "said": one.said, **numbers, "needs_person": one.needs_person}


def _is_known(rule: RuleScore) -> bool:
    """Whether a student may know that there is such a rule. What decides on points is no secret."""
    return rule.visibility is Visibility.STUDENT or rule.max_points > 0


def _rule(rule: RuleScore, for_staff: bool) -> dict[str, Json]:
    is_shown = for_staff or rule.visibility is Visibility.STUDENT
    return {
        "rule": rule.rule,
        "check": rule.check,
        **_points(rule.points, rule.max_points, rule.open_points),
        "is_bonus": rule.is_bonus,
        **({"is_deduction": True} if rule.is_deduction else {}),
        "visibility": rule.visibility.value,
        "findings": [_finding(finding) for finding in rule.findings] if is_shown else [],
    }


def _finding(finding: Finding) -> dict[str, Json]:
    return {
        "outcome": finding.outcome.value,
        "said": finding.said,
        "credit": None if finding.credit is None else _number(finding.credit),
        "weight": _number(finding.weight),
        "expected": finding.expected,
        "observed": finding.observed,
        "place": _place(finding.place),
        "fix": finding.fix,
        "code": finding.code,
    }


def _place(place: Place | None) -> Json:
    return None if place is None else {"file": place.file, "pointer": place.pointer, "line": place.line}


def _number(value: Fraction) -> int | float:
    number = rounded(value, 4)
    return int(number) if number == number.to_integral_value() else float(number)
