"""What passes between who decides on jobs and who carries them to workers? Tickets out, evidence or a death back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol

from grader.frozen import dataclass
from grader.model import Evidence, Job


@dataclass(frozen=True)
class Ticket:
    """One try at a job. `lease` tells it from earlier tries: a result under an old lease does not count.

    When it has arrived, `worker` says who had it from `placed_at` to `ended_at`, and `peak_bytes` the most private
    memory that was seen of it; 0 where nobody looked.
    """

    job: Job
    root: Path
    key: str
    lease: int
    attempt: int = 1
    submission: str = ""
    placed_at: float = field(default=0.0, compare=False)  # by the monotonic clock
    ended_at: float = field(default=0.0, compare=False)
    worker: str = field(default="", compare=False)
    peak_bytes: int = field(default=0, compare=False)

    @property
    def kind(self) -> str:
        """The kind of its job."""
        return self.job.kind


@dataclass(frozen=True)
class Died:
    """The worker died with the job, or was lost: nothing is known of the job itself."""

    what: str


class Backend(Protocol):
    """Where jobs are done. Used from one thread."""

    workers: int

    def open(self) -> None:
        """Called before the first `place`. Raises MachineError where there are no workers to be had."""

    def has_room(self) -> bool:
        """Whether one more job would soon be started: about two for each worker may be here."""

    def place(self, ticket: Ticket) -> None:
        """Take a job. What keeps it from being started arrives like a result."""

    def arrived(self, timeout_s: float) -> list[tuple[Ticket, Evidence | Died]]:
        """What has come in; waits for something that long, and not at all where nothing is under way."""

    def has_news(self) -> bool:
        """Whether something has come in, so that `arrived` would not wait."""

    def hold(self) -> None:
        """Start nothing more: jobs that wait for a worker are dropped, those that run come to their end."""

    def forget(self, ticket: Ticket) -> None:
        """Stop this job if that can be done; whatever becomes of it is not asked for any more."""

    def under_way(self) -> Sequence[Ticket]:
        """What has been placed and has not arrived, the oldest first."""

    def close(self, *, at_once: bool) -> None:
        """No more jobs. With `at_once` what runs is ended, its processes with it."""
