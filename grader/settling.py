"""What is a card worth once people have decided? Their points in place of the findings', all else counted as before.

    ScoreCard as it was made + Decisions -> settle -> ScoreCard as it stands

Choices, the floor at 0 and lateness are counted anew by the same code that made the card. Overrides on a task go before
those on its rules; of several on one place, the latest that is not undone. One that names what the card no longer has
changes nothing, and one that lies outside what can be had by now is taken to the nearest that can: both are flagged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from grader.model import Decision, DecisionKind, Finding, Json, RuleScore, ScoreCard, TaskScore
from grader.scoring import ZERO, totalled

SET = "points set by a person"
_At = tuple[str, str]  # a task, and one of its rules or ""


def settle(card: ScoreCard, decisions: Iterable[Decision]) -> ScoreCard:
    """The card with the overrides that are in force. An override closes the open points of what it decides on.

    Where a whole task is decided on, its rules keep the points that their findings earned, for the reader; the task's
    own are the person's. With no override, the card comes back equal.

    >>> settle(ScoreCard("ada", "digits", (), "0" * 64, (), ZERO, ZERO, ZERO), ()).points
    Fraction(0, 1)
    """
    chosen = in_force(card, decisions)
    return totalled(card, [_settled(task, chosen) for task in _tasks(card, {task for task, _ in chosen})])


def in_force(card: ScoreCard, decisions: Iterable[Decision]) -> Mapping[_At, Decision]:
    """The overrides that decide on points of this card, by what they decide on."""
    there = _places(card)
    latest: dict[_At, Decision] = {}
    for one in sorted(decisions, key=lambda decision: decision.id):
        if one.kind is DecisionKind.OVERRIDE and not one.is_undone and (one.task, one.rule) in there:
            latest[one.task, one.rule] = one
    whole = {task for task, rule in latest if not rule}
    return {(task, rule): one for (task, rule), one in latest.items() if not rule or task not in whole}


def bounds(card: ScoreCard, task: str, rule: str = "") -> tuple[Fraction, Fraction]:
    """The least and the most points that a person may set there. A deduction takes at most its points, and gives none.

    Raises:  KeyError where the card has no such task or rule
    """
    for one in _tasks(card, {task}):
        if one.task == task:
            ranges = {each.rule: _range(each) for each in one.rules}
            if rule:
                return ranges[rule]
            low, high = (sum(ends, ZERO) for ends in zip(*ranges.values(), strict=True)) if ranges else (ZERO, ZERO)
            return low, high
    raise KeyError(task)


def ground(card: ScoreCard, task: str, rule: str = "") -> str:
    """A digest of what a decision is made on: the findings there, and what they are worth.

    Where it is another one later, somebody has to look whether the decision still holds. Empty where the card has no
    such task or rule.
    """
    if task and (task, rule) not in _places(card):
        return ""
    found: list[Json] = [[student.id for student in card.students]]
    for one in card.tasks:
        if task in ("", one.task):
            found += [[one.task, one.is_counted or bool(one.max_points), *_of_rule(each)]
                      for each in one.rules if rule in ("", each.rule)]  # fmt: skip
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def marked(card: ScoreCard, decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions, each marked where what it was made on has changed since."""
    grounds: dict[_At, str] = {}
    made = []
    for one in decisions:
        at = (one.task, one.rule)
        if at not in grounds:
            grounds[at] = ground(card, *at)
        made.append(replace(one, is_moved=one.ground != grounds[at]))
    return made


def _places(card: ScoreCard) -> set[_At]:
    rules = {(task.task, rule.rule) for task in card.tasks for rule in task.rules}
    return rules | {(task.task, "") for task in card.tasks}


def _tasks(card: ScoreCard, decided: set[str]) -> list[TaskScore]:
    """The tasks as they were before the best of them were chosen; optional ones that are decided on were attempted."""
    of_choice = {name for choice in card.counting.choices for name in choice.tasks}
    attempted = {task.task: task for task in card.counting.as_attempted if task.task in decided}
    made = []
    for task in card.tasks:
        if task.task in attempted:
            findings = {rule.rule: rule.findings for rule in task.rules}
            whole = attempted[task.task]
            rules = tuple(replace(rule, findings=findings[rule.rule]) for rule in whole.rules)
            made.append(replace(whole, rules=rules, note="optional; a person decided that it counts"))
        else:
            made.append(replace(task, is_counted=True, note="") if task.task in of_choice else task)
    return made


def _settled(task: TaskScore, chosen: Mapping[_At, Decision]) -> TaskScore:
    whole = chosen.get((task.task, ""))
    rules = tuple(
        replace(rule, points=_within(chosen[task.task, rule.rule], _range(rule)), open_points=ZERO)
        if (task.task, rule.rule) in chosen
        else rule
        for rule in task.rules
    )
    if whole is None and rules == task.rules and not any(of == task.task for of, _ in chosen):
        return task
    note = "; ".join(filter(None, (task.note, SET)))
    if whole is not None:
        low, high = (sum(ends, ZERO) for ends in zip(*map(_range, rules), strict=True)) if rules else (ZERO, ZERO)
        closed = tuple(replace(rule, open_points=ZERO) for rule in rules)
        return replace(task, points=_within(whole, (low, high)), open_points=ZERO, rules=closed, note=note)
    return replace(
        task,
        points=sum((rule.points for rule in rules), ZERO),
        open_points=sum((rule.open_points for rule in rules), ZERO),
        rules=rules,
        note=note,
    )


def _range(rule: RuleScore) -> tuple[Fraction, Fraction]:
    return (-rule.max_points, ZERO) if rule.is_deduction else (ZERO, rule.max_points)


def _within(decision: Decision, ends: tuple[Fraction, Fraction]) -> Fraction:
    points = decision.points if decision.points is not None else ZERO
    return min(max(points, ends[0]), ends[1])


def _of_rule(rule: RuleScore) -> list[Json]:
    worth = [rule.rule, str(rule.max_points), rule.is_bonus, rule.is_deduction]
    return [*worth, [_of_finding(finding) for finding in rule.findings]]


def _of_finding(one: Finding) -> list[Json]:
    credit = None if one.credit is None else str(one.credit)
    place = None if one.place is None else str(one.place)
    return [one.outcome.value, one.said, credit, str(one.weight), one.expected, one.observed, place, one.code]
