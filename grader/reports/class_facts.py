"""How did the class do? How its points are spread, which tasks were the hardest, and who stands on the line.

Made of cards or of the gradebook's rows, one after the other; of a hand-in a few numbers are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from grader.frozen import dataclass
from grader.gradebook.standing import has_line, is_borderline
from grader.model import ScoreCard, Student
from grader.scoring import has_passed

if TYPE_CHECKING:
    from grader.gradebook.nouns import Row

BINS: Final = 10
NEAR_WORDS: Final = "2.5% of the maximum"  # `grader.gradebook.standing.NEAR`

Numbers = tuple[Fraction, Fraction]  # points, of


@dataclass(frozen=True, slots=True)
class Stand:
    """A hand-in in numbers. `tasks` are those that count and wait for nobody, by their ids: (points, of)."""

    assignment: str
    submission: str
    students: tuple[Student, ...]
    points: Fraction
    max_points: Fraction
    open_points: Fraction
    is_passed: bool | None
    is_borderline: bool
    tasks: Mapping[str, Numbers]
    line: Fraction | None = None

    @property
    def share(self) -> Fraction | None:
        """Of the maximum; None where there is nothing to be had."""
        return self.points / self.max_points if self.max_points > 0 else None


def stand_of_card(card: ScoreCard) -> Stand:
    """A card's."""
    tasks = {
        task.task: (task.points, task.max_points)
        for task in card.tasks
        if task.is_counted and task.max_points > 0 and not task.open_points
    }
    return Stand(
        card.assignment, card.submission, card.students, card.points, card.max_points, card.open_points,
        has_passed(card) if has_line(card) else None, is_borderline(card), tasks, card.pass_points,
    )  # fmt: skip


def stand_of_row(row: Row, line: Fraction | None = None) -> Stand:
    """A row's: settled, with what people decided. `line` is the pass line of its rubric."""
    tasks = {
        name: (task.points, task.max_points)
        for name, task in row.tasks.items()
        if task.is_counted and task.max_points > 0 and not task.open_points
    }
    return Stand(
        row.assignment, row.submission, row.students, row.points, row.max_points, row.open_points, row.is_passed,
        row.is_borderline, tasks, line,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bin:
    """How many hand-ins have a share of the points from `low` on and under `high`; the last has its end too."""

    low: int  # percent
    high: int | None  # None: over 100%
    count: int

    @property
    def name(self) -> str:
        """In words.

        >>> Bin(20, 30, 4).name, Bin(100, None, 1).name
        ('20–30%', 'over 100%')
        """
        return f"over {self.low}%" if self.high is None else f"{self.low}–{self.high}%"


@dataclass(frozen=True, slots=True)
class Hard:
    """A task with the mean share of its points over the hand-ins in which it counts and is decided."""

    task: str
    title: str
    mean: Fraction
    hand_ins: int
    full: int
    nothing: int


@dataclass(frozen=True)
class ClassFacts:
    """The numbers of one class, for one assignment. `hard` begins with the hardest task."""

    assignment: str
    count: int
    mean: Fraction | None
    median: Fraction | None
    bins: tuple[Bin, ...]
    hard: tuple[Hard, ...]
    borderline: tuple[Stand, ...]
    passed: int
    failed: int
    undecided: int
    open_count: int
    line: Fraction | None = None
    max_points: Fraction | None = None  # where all have the same

    @property
    def has_line(self) -> bool:
        """Whether anybody can pass or fail."""
        return bool(self.passed or self.failed or self.line is not None)

    @property
    def line_share(self) -> Fraction | None:
        """The pass line as a share of the maximum, where that is the same for all."""
        return self.line / self.max_points if self.line is not None and self.max_points else None


def class_facts(stands: Iterable[Stand], titles: Mapping[tuple[str, str], str] | None = None) -> list[ClassFacts]:
    """The facts of each assignment, by name. `titles` are those of tasks, by (assignment, task)."""
    by_assignment: dict[str, list[Stand]] = {}
    for one in stands:
        by_assignment.setdefault(one.assignment, []).append(one)
    return [_facts(name, found, titles or {}) for name, found in sorted(by_assignment.items())]


def _facts(assignment: str, found: Sequence[Stand], titles: Mapping[tuple[str, str], str]) -> ClassFacts:
    shares = [share for one in found if (share := one.share) is not None]
    lines = {one.line for one in found if one.share is not None}
    most = {one.max_points for one in found if one.share is not None}
    line = next(iter(lines)) if len(lines) == 1 else None
    return ClassFacts(
        assignment,
        len(found),
        sum(shares, Fraction(0)) / len(shares) if shares else None,
        _median(shares) if shares else None,
        _bins(shares),
        _hard(assignment, found, titles),
        tuple(one for one in found if one.is_borderline and one.share is not None),
        sum(one.is_passed is True for one in found),
        sum(one.is_passed is False for one in found),
        sum(one.is_passed is None for one in found),
        sum(one.open_points > 0 for one in found),
        line,
        next(iter(most)) if len(most) == 1 else None,
    )


def _median(shares: Sequence[Fraction]) -> Fraction:
    """The middle one, or the mean of the two.

    >>> _median([Fraction(1), Fraction(3), Fraction(2)]), _median([Fraction(1), Fraction(2)])
    (Fraction(2, 1), Fraction(3, 2))
    """
    ordered, half = sorted(shares), len(shares) // 2
    return ordered[half] if len(shares) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _bins(shares: Sequence[Fraction]) -> tuple[Bin, ...]:
    """Each hand-in stands in one: less than nothing in the first, all points in the tenth, a bonus beyond behind it."""
    counts = [0] * (BINS + 1)
    for share in shares:
        counts[BINS if share > 1 else min(BINS - 1, max(0, int(share * BINS)))] += 1
    step = 100 // BINS
    made = [Bin(number * step, (number + 1) * step, counts[number]) for number in range(BINS)]
    return (*made, Bin(100, None, counts[BINS])) if counts[BINS] else tuple(made)


def _hard(assignment: str, found: Sequence[Stand], titles: Mapping[tuple[str, str], str]) -> tuple[Hard, ...]:
    by_task: dict[str, list[Fraction]] = {}
    for one in found:
        for task, (points, most) in one.tasks.items():
            by_task.setdefault(task, []).append(points / most)
    made = [
        Hard(
            task, titles.get((assignment, task), ""), sum(shares, Fraction(0)) / len(shares), len(shares),
            sum(share >= 1 for share in shares), sum(share <= 0 for share in shares),
        )
        for task, shares in by_task.items()
    ]  # fmt: skip
    return tuple(sorted(made, key=lambda one: one.mean))  # stable: of equal ones the first of the sheet
