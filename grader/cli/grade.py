"""The grading behind `check` and `run-all`: what reads the hand-ins, and who gets their jobs done."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from grader.cli.common import load_rubric
from grader.frozen import dataclass

if TYPE_CHECKING:
    from grader.course import Course
    from grader.evidence.runner import Runner
    from grader.evidence.tickets import Ticket
    from grader.model import Evidence, Job, Json, ScoreCard, Submission
    from grader.running import ClassOf


@dataclass(frozen=True)
class Cluster:
    """Where Ray runs: at an address, or, with none, on this machine, started for this run."""

    address: str | None = None


@dataclass
class Doer(AbstractContextManager["Doer"]):
    """The runner, made when there is something to do: a theory-only check needs no sandbox, and pays for none.

    `settings` are those of `Runner`.
    """

    course: Course
    jobs: int | None = None
    sandbox: str = "auto"
    uses_cache: bool = True
    is_own_code: bool = False
    cluster: Cluster | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    on_tick: Callable[[Doer], None] | None = None  # called about every second while something runs
    _runner: Runner | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def runner(self) -> Runner:
        """The runner. Raises MachineError where student code must not be run here."""
        if self._runner is None:
            self._runner = self._stack.enter_context(self._made())
        return self._runner

    def _made(self) -> Runner:
        if self.cluster is not None:
            from grader.evidence.on_ray import RayRunner

            return RayRunner.for_course(
                self.course,
                workers=self.jobs,
                address=self.cluster.address,
                sandbox=self.sandbox,
                uses_cache=self.uses_cache,
                **self.settings,
            )
        from grader.evidence.local import LocalRunner

        return LocalRunner.for_course(
            self.course,
            workers=self.jobs,
            is_isolated=self.sandbox != "none",
            is_own_code=self.is_own_code,
            uses_cache=self.uses_cache,
            **self.settings,
        )

    @property
    def has_room(self) -> bool:
        """Whether more jobs are wanted."""
        return self._runner is None or self._runner.has_room

    @property
    def has_room_ahead(self) -> bool:
        """Whether more jobs are wanted to choose from."""
        return self.runner().has_room_ahead

    @property
    def most_open(self) -> int:
        """So many hand-ins keep the workers busy."""
        return self.runner().most_open

    def opened(self, submission: str, jobs: Collection[Job]) -> None:
        """A hand-in is being graded, which may need these jobs."""
        self.runner().opened(submission, jobs)

    def closed(self, submission: str) -> None:
        """Its card is there."""
        self.runner().closed(submission)

    def order(self, job: Job, root: Path, submission: str = "", *, is_anew: bool = False) -> Evidence | None:
        """The evidence where it is known; None where it will arrive."""
        return self.runner().order(job, root, submission, is_anew=is_anew)

    def key_of(self, job: Job) -> str:
        """A job's key. Raises MachineError where it has none."""
        return self.runner().key_of(job)

    def arrived(self) -> list[tuple[Job, Evidence]]:
        """What has come in."""
        made = self.runner().arrived()
        if self.on_tick is not None:
            self.on_tick(self)
        return made

    def under_way(self) -> Sequence[Ticket]:
        """The jobs that workers have, the oldest first."""
        return self._runner.under_way() if self._runner is not None else ()

    @property
    def workers(self) -> int:
        """How many jobs run at once."""
        return self.runner().backend.workers

    @property
    def counts(self) -> tuple[int, int]:
        """How many results were computed, and how many came from the cache."""
        return (self._runner.computed, self._runner.from_cache) if self._runner is not None else (0, 0)

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, stop: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._stack.__exit__(kind, stop, trace)


def class_of(course: Course, sources: Sequence[Path], assignment: str | None, variant: str = "") -> ClassOf:
    """The hand-ins at these places."""
    from grader.running import ClassOf

    return ClassOf(course, sources, lambda name: load_rubric(course, name, variant=variant), assignment)


def graded(
    course: Course, source: Path, *, assignment: str | None, variant: str = "", **how: Any
) -> tuple[Submission, ScoreCard]:
    """One submission with its scorecard. What was unpacked is gone by then. `how` is as `Doer` has it."""
    from grader.evidence.own_folder import own_folder
    from grader.grading import grade_as_done
    from grader.reports.progress import Progress

    with (
        own_folder(),
        Progress(1) as progress,
        Doer(course, on_tick=lambda doer: progress.show(doer.under_way(), doer.counts), **how) as doer,
    ):
        hand_ins = class_of(course, [source], assignment, variant).hand_ins()
        [(hand_in, card)] = grade_as_done(hand_ins, doer, made_with=program_version())
    return hand_in.submission, card


def program_version() -> dict[str, Json]:
    """What every scorecard says of its making."""
    from grader import __version__

    return {"grader": __version__}


def output(document: Json) -> None:
    """JSON on stdout. ASCII only, so that no terminal and no student's text can disturb each other."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))
