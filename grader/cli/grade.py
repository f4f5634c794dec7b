"""The grading behind `check` and `run-all`: read the submissions, run what they need here, give the scorecards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import load_rubric

if TYPE_CHECKING:
    from grader.course import Course
    from grader.evidence.plan import Plan
    from grader.grading import RunPlan
    from grader.model import Evidence, EvidenceByJob, Job, Json, Rubric, ScoreCard, Submission


@contextmanager
def graded(
    course: Course,
    sources: Sequence[Path],
    *,
    assignment: str | None,
    jobs: int | None,
    sandbox: str,
    uses_cache: bool,
) -> Iterator[list[tuple[Submission, ScoreCard]]]:
    """Every submission with its scorecard, in the order of `sources`. What was unpacked goes when the block ends."""
    from grader import __version__  # noqa: PLC0415
    from grader.grading import grade  # noqa: PLC0415
    from grader.intake import submission_from  # noqa: PLC0415

    with ExitStack() as stack:
        rubrics: dict[str, Rubric] = {}
        work: list[tuple[Submission, Rubric]] = []
        for source in sources:
            submission = stack.enter_context(submission_from(source, assignment=assignment))
            name = submission.assignment or _only_assignment(course)
            if name not in rubrics:
                rubrics[name] = load_rubric(course, name)
            work.append((submission, rubrics[name]))
        runner = _runner(course, jobs=jobs, sandbox=sandbox, uses_cache=uses_cache)
        cards = list(grade(work, runner, made_with={"grader": __version__}))
        yield [(submission, card) for (submission, _), card in zip(work, cards, strict=True)]


def _runner(course: Course, *, jobs: int | None, sandbox: str, uses_cache: bool) -> RunPlan:
    """What runs a plan. Imported when there is one: a theory-only check needs no sandbox."""

    def run(plan: Plan) -> EvidenceByJob:
        from grader.evidence.local import LocalRunner  # noqa: PLC0415

        with _progress(len(plan)) as on_done:
            runner = LocalRunner.for_course(
                course, workers=jobs, is_isolated=sandbox != "none", uses_cache=uses_cache, on_done=on_done
            )
            return runner(plan)

    return run


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Job, Evidence], None]]:
    """A bar with the time left, on a terminal's stderr only: pipes and files stay clean."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    screen = Console(stderr=True)
    columns = (TextColumn("recomputing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("recomputing", total=total)
        yield lambda _job, _evidence: bar.advance(task)


def _only_assignment(course: Course) -> str:
    """The assignment of a submission that names none, where the course has just one."""
    from grader.course import assignments  # noqa: PLC0415
    from grader.errors import UsageError  # noqa: PLC0415

    names = assignments(course)
    if len(names) == 1:
        return names[0]
    raise UsageError.single(
        "the submission does not say which assignment it is for",
        where="submission.json",
        fix=f'add {{"assignment": ...}} there, or use --assignment with one of: {", ".join(names) or "none"}',
    )


def output(document: Json) -> None:
    """JSON on stdout. ASCII only, so that no terminal and no student's text can disturb each other."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))
