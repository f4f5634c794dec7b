"""What do the course's own rules change in the sum of the tasks? Choices, the floor at 0, lateness; called by scoring.

Every step is taken twice: once as if all open points were lost, once as if they were earned. No step turns the two
around, so what was decided stays the least that can come, and decided and open points together the most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from fractions import Fraction

from grader.checks._submitted import matching
from grader.course import points_text
from grader.course.late import Lateness, lateness, span_text
from grader.model import (
    Adjustment,
    Amount,
    Choice,
    Counting,
    Finding,
    Json,
    LatePolicy,
    LateStep,
    Rubric,
    Submission,
    Task,
    TaskScore,
    Terms,
)

ZERO = Fraction(0)


class Attempt(Enum):
    """Whether an optional task was attempted. A task that is none always was."""

    YES = "yes"
    NO = "no"
    UNSEEN = "unseen"  # what would show it cannot be read


def attempted(task: Task, rubric: Rubric, submission: Submission, findings: Mapping[str, Sequence[Finding]]) -> Attempt:
    """Whether there is an answer or a file of the task, other than the template's own."""
    if not task.is_optional:
        return Attempt.YES
    if not submission.is_readable:
        return Attempt.UNSEEN
    answers, files = task.signs
    for key in answers & submission.answers.keys():
        value = _said(submission.answers[key].value)
        if value is not None and value != _said(rubric.terms.given_answers.get(key)):
            return Attempt.YES
    handed_in = (file for pattern in sorted(files) for file in matching(submission, pattern))
    if any(file.digest not in rubric.terms.given_files for file in handed_in):
        return Attempt.YES
    is_unread = any(finding.code == "unread-answers" for rule in task.rules for finding in findings[rule.id])
    return Attempt.UNSEEN if is_unread else Attempt.NO


def _said(value: Json) -> Json:
    """An answer without its comments (keys that begin with _); None where nothing is said at all.

    >>> _said({"value": None, "_note": "to do"}), _said([["", None], []]), _said({"value": 0, "_note": ""})
    (None, None, {'value': 0})
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, list):
        parts = [_said(part) for part in value]
        return parts if any(part is not None for part in parts) else None
    if isinstance(value, Mapping):
        said = {key: _said(part) for key, part in value.items() if not key.startswith("_")}
        return said if any(part is not None for part in said.values()) else None
    return value


def counting(rubric: Rubric, submission: Submission) -> Counting:
    """How the sum of the tasks of this hand-in becomes that of its card; no optional task is looked at."""
    late = lateness(rubric.terms, submission)
    step = _late(late, rubric.terms) if late is not None else None
    said = [step] if isinstance(step, Adjustment) else []
    return Counting(
        choices=rubric.choices,
        late=step if isinstance(step, LateStep) else None,
        said=(*said, *_group(rubric.terms, submission)),
        days_late=late.days if late is not None else None,
        terms=_digest(rubric.terms),
    )


def adjusted(rules: Counting, tasks: Sequence[TaskScore]) -> tuple[list[TaskScore], list[Adjustment]]:
    """The tasks, marked where they do not count, and what is added to their sum, in the order in which it applies."""
    made: list[Adjustment] = []
    for choice in rules.choices:
        tasks, one = _chosen(choice, tasks)
        made.append(one)
    parts: tuple[TaskScore | Adjustment, ...] = (*tasks, *made)
    low = sum((part.points for part in parts), ZERO)
    high = low + sum((part.open_points for part in parts), ZERO)
    most = sum((part.max_points for part in parts), ZERO)
    if low < 0:
        low, high, one = _step("floor", "deductions take no more than there is", (low, high), (ZERO, max(ZERO, high)))
        made.append(one)
    if rules.late is not None:
        made.append(_step("late", rules.late.said, (low, high), _behind(rules.late, (low, high), most))[2])
    return list(tasks), [*made, *rules.said]


def _digest(terms: Terms) -> str:
    """What holds for everybody alike: two hand-ins of one class that were counted by different terms differ here."""
    held = [terms.due, terms.late, terms.group_limit, terms.pass_points]
    return hashlib.sha256(repr(held).encode()).hexdigest()


def _step(
    kind: str, said: str, before: tuple[Fraction, Fraction], behind: tuple[Fraction, Fraction]
) -> tuple[Fraction, Fraction, Adjustment]:
    """The sum behind a step, and the step: (the least, the most) before and behind it."""
    (low, high), (new_low, new_high) = before, behind
    one = Adjustment(kind, said, points=new_low - low, open_points=(new_high - new_low) - (high - low))
    return new_low, new_high, one


def _chosen(choice: Choice, tasks: Sequence[TaskScore]) -> tuple[list[TaskScore], Adjustment]:
    """The best `count` of the tasks count. Of equal ones, those that stand first."""
    members = [task for task in tasks if task.task in choice.tasks]
    ranked = sorted(members, key=lambda task: task.points, reverse=True)  # stable: the order of the sheet
    best, others = ranked[: choice.count], ranked[choice.count :]
    low = sum((task.points for task in best), ZERO)
    high = sum(sorted((task.points + task.open_points for task in members), reverse=True)[: choice.count], ZERO)
    named = _listed([task.task for task in members])
    said = f"of the tasks {named} the best {choice.count} count"
    if all(task.points + task.open_points <= best[-1].points for task in others):
        said += ": " + _listed([task.task for task in members if task in best])
        note = f"does not count: {said}"
        left_out = {task.task for task in others}
        tasks = [replace(task, is_counted=False, note=note) if task.task in left_out else task for task in tasks]
    else:
        said += "; which ones depends on points that are open"
    spare = best[0].max_points * len(others)
    before = sum((task.points for task in members), ZERO)
    waiting = sum((task.open_points for task in members), ZERO)
    return list(tasks), Adjustment("choice", said, low - before, -spare, (high - low) - waiting)


def _late(late: Lateness, terms: Terms) -> LateStep | Adjustment | None:
    """What lateness takes, or says. Where nobody knows when a hand-in came it takes nothing, and a person is told."""
    due = f"due {late.due:%Y-%m-%d %H:%M:%S %Z}"
    if late.extended_for:
        due += f", by the extension of {late.extended_for}"
    policy = terms.late
    if late.received is None or late.days is None:
        if policy is None:
            return None
        unknown = "when this was handed in is not known here"
        if terms.missing:
            unknown = f"without {_listed(terms.missing)}, which is not here, lateness cannot be counted"
        elif late.is_marked is False:
            said = f"{due}; the LMS does not mark this as late, and says no time: nothing is deducted"
            return Adjustment("late", said)
        elif late.is_marked:
            unknown = "the LMS marks this as late, and does not say by how much"
        return Adjustment("late", f"{due}; {unknown}, so nothing is deducted for it", needs_person=True)
    received = f"handed in {late.received.astimezone(late.due.tzinfo):%Y-%m-%d %H:%M:%S %Z}"
    if late.days == 0:
        is_told = late.extended_for or late.received > late.due
        return Adjustment("late", f"in time: {received}, {due}" + _grace(late, policy)) if is_told else None
    said = f"{late.days} day{'s' * (late.days != 1)} late: {received}, {due}"
    if policy is None:
        return Adjustment("late", f"{said}; no deduction is set")
    if not late.is_accepted:
        said += f"; nothing is accepted later than {span_text(policy.accepted)} behind that" if policy.accepted else ""
        return LateStep(said, late.days, None)
    taken = LatePolicy(policy.per_day, policy.is_of_earned, cap=policy.cap)
    return LateStep(f"{said}; {late_rule(policy)}", late.days, taken)


def _behind(late: LateStep, before: tuple[Fraction, Fraction], most: Fraction) -> tuple[Fraction, Fraction]:
    """What lateness leaves of the least and of the most."""
    if late.policy is None:
        return ZERO, ZERO
    low, high = (points - _taken(late.policy, late.days, points, most) for points in before)
    return low, high


def _grace(late: Lateness, policy: LatePolicy | None) -> str:
    if policy is None or late.received is None or late.received <= late.due:
        return ""
    return f", with a grace of {span_text(policy.grace)}"


def _taken(policy: LatePolicy, days: int, points: Fraction, most: Fraction) -> Fraction:
    """What lateness takes of a sum of points: never more than there is."""

    def worth(amount: Amount) -> Fraction:
        return amount.value * (points if policy.is_of_earned else most) if amount.is_share else amount.value

    taken = worth(policy.per_day) * days
    if policy.cap is not None:
        taken = min(taken, worth(policy.cap))
    return min(taken, points)


def late_rule(policy: LatePolicy) -> str:
    """The policy in words.

    >>> late_rule(LatePolicy(Amount(Fraction(1, 10), is_share=True), cap=Amount(Fraction(3))))
    '10% of the maximum for each day begun, at most 3 points'
    """

    def words(amount: Amount) -> str:
        if not amount.is_share:
            return f"{points_text(amount.value)} point{'s' * (amount.value != 1)}"
        of = "what was earned" if policy.is_of_earned else "the maximum"
        return f"{points_text(amount.value * 100)}% of {of}"

    cap = f", at most {words(policy.cap)}" if policy.cap is not None else ""
    return f"{words(policy.per_day)} for each day begun{cap}"


def _group(terms: Terms, submission: Submission) -> Iterator[Adjustment]:
    count = len({student.id for student in submission.students})
    if terms.group_limit is not None and count > terms.group_limit:
        said = f"{count} students handed this in, and groups have at most {terms.group_limit}: a person decides"
        yield Adjustment("group", said, needs_person=True)


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> _listed(["3", "4", "5"]), _listed(["3"])
    ('3, 4 and 5', '3')
    """
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
