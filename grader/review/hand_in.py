"""What does the page of one hand-in say? Its tasks and rules as they stand, what waits, what people decided, and forms.

Pure: from an entry to values that templates lay out. Points in forms are exact, those for the eye are rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from grader.course import points_text
from grader.frozen import dataclass
from grader.gradebook.nouns import Entry, Event
from grader.model import Decision, DecisionKind, Finding, Outcome, RuleScore, TaskScore
from grader.settling import bounds, ground, in_force


@dataclass(frozen=True)
class Target:
    """A place that points or a comment can be given to: a rule, a task (rule ""), or the whole hand-in (both "").

    `name` is its id on the page. `decided` tells one state of its decisions from another, and `ground` is the digest of
    what they stand on: who decides says which of both was seen.
    """

    name: str
    task: str
    rule: str
    decided: int
    ground: str
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)
    current: Fraction = Fraction(0)


@dataclass(frozen=True)
class RuleView:
    """A rule: as it stands (`score`), as it was found (`made`), and what people decided on it."""

    target: Target
    score: RuleScore
    made: RuleScore
    decisions: tuple[Decision, ...]
    in_force: Decision | None
    is_waiting: bool  # for a decision on its points
    is_to_look: bool = False  # there are no points to decide on: somebody reads it, and marks the hand-in as reviewed

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings that count, for a sign in a list; what waits goes before all."""
        found = {one.outcome for one in self.made.findings if one.weight > 0}
        for one in (Outcome.UNKNOWN, Outcome.REVIEW, Outcome.FAILED, Outcome.PARTIAL):
            if one in found:
                return one
        return Outcome.PASSED if found else Outcome.REVIEW

    @property
    def open_findings(self) -> Sequence[tuple[int, Finding]]:
        """Those that somebody may have to read, remarks among them, with their places among all."""
        return [(at, one) for at, one in enumerate(self.made.findings) if not _is_passed(one)]

    @property
    def passed_findings(self) -> Sequence[tuple[int, Finding]]:
        """The others."""
        return [(at, one) for at, one in enumerate(self.made.findings) if _is_passed(one)]

    @property
    def is_calm(self) -> bool:
        """Whether nobody has to read it: everything passed, and nobody decided anything."""
        return self.outcome is Outcome.PASSED and not (self.is_waiting or self.is_to_look or self.decisions)

    @property
    def quick(self) -> Sequence[tuple[str, str]]:
        """One-press points: (as sent, as said)."""
        return list(_quick(self))


@dataclass(frozen=True)
class TaskView:
    """A task with its rules, and what people decided on the whole of it."""

    target: Target
    score: TaskScore
    made: TaskScore
    rules: tuple[RuleView, ...]
    decisions: tuple[Decision, ...]
    in_force: Decision | None

    @property
    def waiting(self) -> int:
        return sum(rule.is_waiting for rule in self.rules)


@dataclass(frozen=True)
class HandInView:
    """The page of an entry."""

    entry: Entry
    tasks: tuple[TaskView, ...]
    whole: Target
    comments: tuple[Decision, ...]

    @property
    def targets(self) -> Sequence[Target]:
        """Every place, the rules of a task behind it."""
        return [
            self.whole,
            *(target for task in self.tasks for target in (task.target, *(r.target for r in task.rules))),
        ]

    @property
    def waiting(self) -> int:
        """How many rules wait for a person."""
        return sum(task.waiting for task in self.tasks)

    def target(self, task: str, rule: str) -> Target | None:
        """The place of these names, None where the card has none."""
        return next((one for one in self.targets if (one.task, one.rule) == (task, rule)), None)

    @property
    def last(self) -> Decision | None:
        """The latest decision that is not undone."""
        there = [one for one in self.entry.decisions if not one.is_undone]
        return there[-1] if there else None


def view_of(entry: Entry) -> HandInView:
    """Lay an entry out."""
    decided = in_force(entry.card, entry.decisions)
    made = {task.task: task for task in entry.card.tasks}
    tasks = []
    for number, task in enumerate(entry.settled.tasks):
        before = made[task.task]
        whole = decided.get((task.task, ""))
        rules = tuple(
            _rule(entry, f"r{number}-{at}", task, rule, before.rules[at], decided.get((task.task, rule.rule)), whole)
            for at, rule in enumerate(task.rules)
        )
        target = _target(entry, f"t{number}", task.task, "", task.points)
        on_it = _on(entry, task.task, "", DecisionKind.OVERRIDE)
        tasks.append(TaskView(target, task, before, rules, on_it, whole))
    comments = tuple(one for one in entry.decisions if one.kind is DecisionKind.COMMENT)
    return HandInView(entry, tuple(tasks), _target(entry, "whole", "", "", entry.settled.points), comments)


def _is_passed(one: Finding) -> bool:
    return one.outcome is Outcome.PASSED and one.weight > 0


def _rule(
    entry: Entry,
    name: str,
    task: TaskScore,
    rule: RuleScore,
    made: RuleScore,
    decided: Decision | None,
    whole: Decision | None,
) -> RuleView:
    on_it = _on(entry, task.task, rule.rule, DecisionKind.OVERRIDE)
    is_open = bool(rule.open_points) or any(
        one.outcome in (Outcome.UNKNOWN, Outcome.REVIEW) and one.weight > 0 for one in made.findings
    )
    is_moved = decided is not None and decided.is_moved
    target = _target(entry, name, task.task, rule.rule, rule.points)
    is_open = is_moved or (task.is_counted and decided is None and whole is None and is_open)
    has_points = target.low != target.high
    return RuleView(target, rule, made, on_it, decided, is_open and has_points, is_open and not has_points)


def _on(entry: Entry, task: str, rule: str, kind: DecisionKind) -> tuple[Decision, ...]:
    return tuple(one for one in entry.decisions if (one.task, one.rule, one.kind) == (task, rule, kind))


def _target(entry: Entry, name: str, task: str, rule: str, current: Fraction) -> Target:
    low, high = bounds(entry.card, task, rule) if task else (Fraction(0), Fraction(0))
    return Target(
        name, task, rule, decided_on(entry, task, rule), ground(entry.card, task, rule)[:16], low, high, current
    )


def decided_on(entry: Entry, task: str, rule: str) -> int:
    """A number that changes with every decision, and every undoing of one, on the points of a place.

    Those of a rule depend on its task's too, and those of a task on all of its rules'.
    """
    return sum(
        2 * one.id + one.is_undone
        for one in entry.decisions
        if one.kind is DecisionKind.OVERRIDE and one.task == task and (not rule or one.rule in ("", rule))
    )


def _quick(rule: RuleView) -> Iterator[tuple[str, str]]:
    low, high = rule.target.low, rule.target.high
    if low == high:
        return
    if rule.score.is_deduction:
        yield points_text(high), "take nothing"
        yield points_text(low), f"take {points_text(-low)}"
        return
    proposed = rule.made.points
    yield points_text(high), f"all {points_text(high)}"
    if low < proposed < high:
        yield points_text(proposed), f"{points_text(proposed)}, as found"
    elif not low < proposed < high and high != 1:
        yield points_text(high / 2), f"half, {points_text(high / 2)}"
    yield points_text(low), f"none, {points_text(low)}"


def first_said(rule: RuleView) -> str:
    """The sentence that stands for a rule in one line."""
    worst = [one for one in rule.made.findings if one.outcome is rule.outcome and one.weight > 0]
    found: Sequence[Finding] = worst or rule.made.findings
    return found[0].said if found else "nothing was found out"


def told(event: Event) -> str:
    """What happened, in words.

    >>> from datetime import datetime, UTC
    >>> told(Event(1, 1, datetime(2026, 3, 8, tzinfo=UTC), "Bo", "assigned", 1, {"from": "", "to": "Cy"}))
    'gave it to Cy'
    """
    detail = event.detail
    place = f" for {detail['rule'] or 'task ' + str(detail['task'])}" if detail.get("task") else ""
    if event.kind == "decided" and detail.get("kind") == "comment":
        return f"commented{place}: {_quoted(detail.get('text'))}"
    if event.kind == "decided":
        sums = detail.get("sum") or ["", ""]
        given = detail.get("points")
        set_to = (
            f"set {_points(given)} point{'' if given == '1' else 's'}{place} ({_points(sums[0])} → {_points(sums[1])})"
        )
        return f"{set_to}: {_quoted(detail.get('reason'))}"
    if event.kind == "undone":
        return f"took back {'a comment' if detail.get('kind') == 'comment' else 'the points'}{place}"
    if event.kind == "assigned":
        return f"gave it to {detail['to']}" if detail.get("to") else "gave it to nobody"
    if event.kind == "regraded":
        before, behind = (_points(one) for one in detail.get("points") or ["", ""])
        flagged = "; a decision stands on other findings now" if detail.get("flagged") else ""
        return f"graded anew ({before} → {behind}){flagged}"
    return _HAPPENED.get(event.kind, event.kind)


_HAPPENED = {
    "recorded": "graded",
    "reviewed": "reviewed it",
    "not-reviewed": "put it back into the queue",
    "gone": "did not find it any more",
    "back": "found it again",
}


def _points(text: object) -> str:
    return points_text(Fraction(str(text))) if text else "?"


def _quoted(text: object) -> str:
    said = " ".join(str(text or "").split())
    return f"“{said if len(said) <= 120 else said[:117] + '…'}”"
