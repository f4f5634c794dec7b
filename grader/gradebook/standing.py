"""How does a hand-in stand, with what people decided? Its numbers, and why it waits for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fractions import Fraction

from grader.frozen import dataclass
from grader.gradebook.nouns import Waiting
from grader.model import Decision, DecisionKind, Json, Outcome, ScoreCard, TaskScore
from grader.scoring import has_passed
from grader.settling import in_force, marked, settle

NEAR = Fraction(1, 40)  # of the most that can be had: so close to a pass line, a person looks
RANKS = {Waiting.UNKNOWN: 1, Waiting.REVIEW: 2, Waiting.PERSON: 2, Waiting.MOVED: 2, Waiting.BORDERLINE: 3}


@dataclass(frozen=True)
class Standing:
    """A card with its decisions, each marked where its ground moved, and what becomes of them."""

    card: ScoreCard
    settled: ScoreCard
    decisions: tuple[Decision, ...]

    @classmethod
    def of(cls, card: ScoreCard, decisions: Sequence[Decision]) -> Standing:
        """Count it."""
        return cls(card, settle(card, decisions), tuple(marked(card, decisions)))

    @property
    def is_moved(self) -> bool:
        """Whether the ground of a decision that holds is another one by now."""
        latest = {(one.kind, one.task, one.rule): one for one in self.decisions if not one.is_undone}
        comments = [one for one in self.decisions if one.kind is DecisionKind.COMMENT and not one.is_undone]
        return any(one.is_moved for one in [*latest.values(), *comments])

    @property
    def is_passed(self) -> bool | None:
        """None where there is no line, and while open points decide."""
        return has_passed(self.settled) if has_line(self.settled) else None

    def waiting(self, *, is_reviewed: bool) -> tuple[Waiting, ...]:
        """Why a person has to look. Who has looked at this card is asked again for open points only."""
        found = set(self._reasons())
        if is_reviewed:
            found &= {Waiting.UNKNOWN, Waiting.REVIEW} if self.settled.open_points else set()
        return tuple(one for one in Waiting if one in found)

    def _reasons(self) -> Iterator[Waiting]:
        decided = in_force(self.card, self.decisions)
        for task in self.settled.tasks:
            if not task.is_counted or (task.task, "") in decided:
                continue
            for rule in task.rules:
                if (task.task, rule.rule) in decided:
                    continue
                found = {finding.outcome for finding in rule.findings if finding.weight > 0}
                if rule.open_points and not any(f.credit is None and f.weight > 0 for f in rule.findings):
                    yield Waiting.REVIEW  # nothing but remarks
                if Outcome.UNKNOWN in found:
                    yield Waiting.UNKNOWN
                if Outcome.REVIEW in found:
                    yield Waiting.REVIEW
        if any(one.needs_person for one in self.settled.adjustments):
            yield Waiting.PERSON
        if self.is_moved:
            yield Waiting.MOVED
        if is_borderline(self.settled):
            yield Waiting.BORDERLINE

    def open_tasks(self) -> tuple[str, ...]:
        """The tasks with points that wait."""
        return tuple(task.task for task in self.settled.tasks if task.is_counted and task.open_points)


def has_line(card: ScoreCard) -> bool:
    """Whether there is a pass line, of the card or of a task."""
    return any(one.pass_points is not None for one in _parts(card))


def is_borderline(card: ScoreCard) -> bool:
    """Whether the card, or a task with a line of its own, is within 1/40 of the maximum from its pass line.

    While points are open: the least or the most that it can come to.
    """
    return any(
        abs(points - one.pass_points) <= one.max_points * NEAR
        for one in _parts(card)
        if one.pass_points is not None
        for points in (one.points, one.points + one.open_points)
    )


def _parts(card: ScoreCard) -> tuple[ScoreCard | TaskScore, ...]:
    return (card, *card.tasks)


def columns(standing: Standing, *, is_reviewed: bool) -> dict[str, Json]:
    """What a row says of it: the columns of `entries` that follow from card and decisions."""
    settled = standing.settled
    waiting = standing.waiting(is_reviewed=is_reviewed)
    tasks = {
        one.task: [str(one.points), str(one.max_points), str(one.open_points), one.is_counted] for one in settled.tasks
    }
    there = [one for one in standing.decisions if not one.is_undone]
    return {
        "points": str(settled.points),
        "max_points": str(settled.max_points),
        "open_points": str(settled.open_points),
        "sum": float(settled.points),
        "is_passed": standing.is_passed,
        "days_late": standing.card.counting.days_late,
        "tasks": json.dumps(tasks),
        "waiting": json.dumps([one.value for one in waiting]),
        "open_tasks": "".join(f"\n{one}\n" for one in standing.open_tasks()),
        "rank": min((RANKS[one] for one in waiting), default=0),
        "is_borderline": is_borderline(settled),
        "is_moved": standing.is_moved,
        "overrides": sum(one.kind is DecisionKind.OVERRIDE for one in there),
        "remarks": sum(one.kind is DecisionKind.COMMENT for one in there),
    }
