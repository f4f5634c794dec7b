"""What does one ask of a gradebook, and what comes back? Frozen values; nothing here knows SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from grader.errors import GraderError
from grader.frozen import dataclass
from grader.model import Decision, Json, Problem, ScoreCard, Student


class Waiting(StrEnum):
    """Why a hand-in waits for a person."""

    UNKNOWN = "unknown"  # a check could not run
    REVIEW = "review"  # only a person can decide
    PERSON = "person"  # a rule of the course asks for one: nobody knows when this came, a group is too large
    BORDERLINE = "borderline"  # close to a pass line
    MOVED = "moved"  # what a decision was made on has changed since


class Order(StrEnum):
    """How rows are sorted."""

    NAME = "name"  # of the hand-in
    QUEUE = "queue"  # UNKNOWN first, then REVIEW and what else a person decides, then borderline
    LEAST = "least"  # points
    MOST = "most"


@dataclass(frozen=True, slots=True)
class HandInFacts:
    """What a card does not say of its hand-in: where it lies, when it came, the SHA-256 of its bytes."""

    source: str = ""
    received_at: datetime | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run changed: hand-ins never seen before, with another card, with the same one.

    `flagged` counts those with a decision whose ground is another one now. `problems` are cards that were not recorded,
    and hand-ins that are gone.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    flagged: int = 0
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskPoints:
    """A task's points as they stand. One that is not counted is optional and left out, or a worse one of a choice."""

    points: Fraction
    max_points: Fraction
    open_points: Fraction
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """What recording a card would change. `before` is None for a hand-in that the gradebook has not.

    Points are as they would stand with the decisions that are there: (before, after), and the same for each task that
    differs. `is_flagged`: a decision stands on findings that would be others.
    """

    entry: int | None
    assignment: str
    submission: str
    students: tuple[Student, ...]
    before: Fraction | None
    after: Fraction
    max_points: Fraction
    open_before: Fraction
    open_after: Fraction
    tasks: Mapping[str, tuple[Fraction | None, Fraction | None]]
    passed_before: bool | None
    passed_after: bool | None
    is_flagged: bool = False

    @property
    def is_line_crossed(self) -> bool:
        """Whether this decides otherwise on passing: from one to the other, or from decided to open and back."""
        return self.before is not None and self.passed_before is not self.passed_after


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are wanted. `text` is looked for in the hand-in's name and in ids and names of its students.

    `is_queue`: only what waits, in the order of the queue unless another is asked. `waiting`: only what waits for this
    reason. `task`: only where points of this task are open. `assigned_to`: one person's; "" nobody's, None anybody's.
    `is_reviewed`, `is_passed`: None for both. `is_gone`: those that are no longer in the folder that they came from.
    """

    text: str = ""
    is_queue: bool = False
    waiting: Waiting | None = None
    task: str = ""
    assigned_to: str | None = None
    is_reviewed: bool | None = None
    is_passed: bool | None = None
    is_gone: bool | None = False
    order: Order | None = None
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A hand-in as a list shows it. All points are settled: with what people decided."""

    id: int
    assignment: str
    submission: str
    students: tuple[Student, ...]
    points: Fraction
    max_points: Fraction
    open_points: Fraction
    is_passed: bool | None  # None where there is no line, and while open points decide
    days_late: int | None  # None where there is no due time, or nobody knows when it came
    tasks: Mapping[str, TaskPoints]
    waiting: tuple[Waiting, ...]
    open_tasks: tuple[str, ...]
    is_borderline: bool
    is_moved: bool
    overrides: int
    comments: int
    assigned_to: str
    is_reviewed: bool
    reviewed_by: str
    rubric_digest: str
    variant: str
    version: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


@dataclass(frozen=True)
class Entry:
    """A hand-in in full: its row, the card as it was made, as it stands, and every decision, undone ones too."""

    row: Row
    card: ScoreCard
    settled: ScoreCard
    decisions: tuple[Decision, ...]
    source: str
    received_at: datetime | None
    digest: str = ""

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def version(self) -> int:
        return self.row.version


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a hand-in.

    The kinds: "recorded", "regraded", "decided", "undone", "reviewed", "not-reviewed", "assigned", "gone", "back".

    `version` is that of the entry behind it; `detail` is plain JSON, with points as text such as "7/2".
    """

    id: int
    entry: int
    at: datetime
    author: str
    kind: str
    version: int
    detail: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment of the bank, to be used again."""

    id: int
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class Grade:
    """A student of the roster, once. Without a grade, `points` is None and `reason` says why.

    With open points, `points` is the least that it can come to, and `reason` says what waits; so it does where a rule
    of the course asks for a person who has not looked yet. `is_passed` is None where
    there is no line, and while open points decide. `days_late` counts for the grade; `is_late` is that, or the LMS's
    word. `lms_folder` is what feedback files go back under. `feedback` is plain text for the student.
    """

    id: str
    name: str = ""
    email: str = ""
    section: str = ""
    group: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    points: Fraction | None = None
    max_points: Fraction | None = None
    open_points: Fraction = Fraction(0)
    is_passed: bool | None = None
    is_late: bool | None = None
    days_late: int | None = None
    reason: str = ""
    entry: int | None = None
    submission: str = ""
    lms_folder: str = ""
    tasks: Mapping[str, TaskPoints] = field(default_factory=dict)
    feedback: str = ""


class ConflictError(GraderError):
    """Somebody changed the entry meanwhile. `entry` is what it is now; nothing of either was lost."""

    def __init__(self, problems: Problem | tuple[Problem, ...], entry: Entry | None = None) -> None:
        super().__init__(problems)
        self.entry = entry
