"""What is an upload? A zip that a student handed in, and what has become of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from grader.frozen import dataclass
from grader.model import ScoreCard


class State(StrEnum):
    """What has become of an upload."""

    QUEUED = "queued"
    GRADING = "grading"
    GRADED = "graded"
    HELD = "held"  # a fault of ours kept rules from being judged: staff looks, and it is graded again
    SUPERSEDED = "superseded"  # a newer one came before it was looked at


_WAITING = (State.QUEUED, State.GRADING)


@dataclass(frozen=True, slots=True)
class Upload:
    """One hand-in, as the database has it. `number` counts its owner's uploads to this assignment, from 1."""

    id: int
    public: str
    owner: str
    student: str
    assignment: str
    number: int
    digest: str
    size: int
    name: str
    received_at: datetime
    state: State
    is_attempt: bool
    lease: int
    crashes: int
    started_at: datetime | None
    ended_at: datetime | None
    rubric_digest: str
    card: ScoreCard | None
    is_recorded: bool

    @property
    def is_waiting(self) -> bool:
        """Whether its result is still to come."""
        return self.state in _WAITING


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is whole and on the disk, from `student` for `owner`."""

    owner: str
    student: str
    assignment: str
    digest: str
    size: int
    name: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upload in the queue. `is_repeat`: the newest one had the same bytes, and this is it."""

    upload: Upload
    is_repeat: bool = False


class AttemptsOverError(Exception):
    """The owner has had all attempts at this assignment."""

    def __init__(self, used: int, most: int) -> None:
        self.used, self.most = used, most
        super().__init__(f"{used} of {most} attempts are used")
