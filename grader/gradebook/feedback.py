"""What does a student read of a grade in plain text? Points, what cost some, what to do, and what people said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from grader.documents.wording import clean
from grader.model import Decision, DecisionKind, Finding, Outcome, ScoreCard, TaskScore, Visibility
from grader.scoring import rounded
from grader.settling import in_force

MOST_FINDINGS = 100  # of a card; a page that nobody reads to its end helps nobody
MOST_LETTERS = 500  # of a sentence


def feedback(settled: ScoreCard, decisions: Sequence[Decision]) -> str:
    """The text, without a finding that is for staff, and without anybody's reason. Lines end in a line feed.

    `settled` is the card with these decisions.
    """
    waiting = f", {_points(settled.open_points)} more wait for a person" if settled.open_points else ""
    lines = [f"{_points(settled.points)} of {_points(settled.max_points)} points{waiting}"]
    lines += [f"! {clean(one.where)}: {clean(one.what, MOST_LETTERS)}" for one in settled.problems[:MOST_FINDINGS]]
    found = [(task, list(_findings(task))) for task in settled.tasks]
    left = MOST_FINDINGS
    for task, findings in found:
        lines += ["", _head(task)]
        for finding in findings[: max(left, 0)]:
            lines.extend(_finding(finding))
        lines.extend(_said(settled, decisions, task))
        left -= len(findings)
    if left < 0:
        lines += ["", f"{-left:,} more findings are left out here"]
    told = [one for one in settled.adjustments if one.points or one.open_points or one.needs_person]
    if told:
        lines += ["", *(f"{_signed(one.points)}: {clean(one.said, MOST_LETTERS)}" for one in told)]
    whole = [line for one in _comments(decisions) if not one.task for line in _text(one)]
    lines += ["", *whole] if whole else []
    return "\n".join(lines) + "\n"


def _head(task: TaskScore) -> str:
    waiting = f", {_points(task.open_points)} open" if task.open_points else ""
    note = f" ({clean(task.note)})" if task.note else ""
    points = f"{_points(task.points)} of {_points(task.max_points)}"
    return f"Task {clean(task.task)} {clean(task.title)}: {points}{waiting}{note}"


def _findings(task: TaskScore) -> Iterator[Finding]:
    """What cost points or waits, and a student may read."""
    if not (task.is_counted or task.max_points):
        return
    for rule in task.rules:
        if rule.visibility is Visibility.STUDENT:
            yield from (one for one in rule.findings if one.outcome is not Outcome.PASSED and one.weight > 0)


def _finding(one: Finding) -> Iterator[str]:
    word = {Outcome.UNKNOWN: "open: ", Outcome.REVIEW: "a person looks: "}.get(one.outcome, "")
    yield f"- {word}{clean(one.said, MOST_LETTERS)}"
    if one.place is not None:
        yield f"  see {clean(str(one.place))}"
    if one.fix:
        yield f"  fix: {clean(one.fix, MOST_LETTERS)}"


def _said(settled: ScoreCard, decisions: Sequence[Decision], task: TaskScore) -> Iterator[str]:
    """What people set, and said."""
    for (name, rule), one in sorted(in_force(settled, decisions).items()):
        if name == task.task and one.points is not None:
            yield f"> points of {clean(rule) if rule else 'the task'} set by a person: {_points(one.points)}"
            yield from _text(one)
    for one in _comments(decisions):
        if one.task == task.task:
            yield from _text(one)


def _comments(decisions: Sequence[Decision]) -> Iterator[Decision]:
    return (one for one in decisions if one.kind is DecisionKind.COMMENT and not one.is_undone)


def _text(one: Decision) -> Iterator[str]:
    return (f"> {clean(line, 2000)}" for line in one.text.splitlines() if line.strip())


def _points(points: Fraction) -> str:
    return f"{rounded(points):f}"


def _signed(points: Fraction) -> str:
    return ("+" if points > 0 else "") + _points(points)
