"""The grading behind `check` and `run-all`: read the submissions, run what they need here, give the scorecards."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import load_rubric

if TYPE_CHECKING:
    from grader.course import Course
    from grader.evidence.plan import Plan
    from grader.grading import RunPlan
    from grader.model import Evidence, EvidenceByJob, Job, Json, Rubric, ScoreCard, Submission


@dataclass(frozen=True)
class Cluster:
    """Where Ray runs: at an address, or, with none, on this machine, started for this run."""

    address: str | None = None


@contextmanager
def graded(
    course: Course,
    sources: Sequence[Path],
    *,
    assignment: str | None,
    jobs: int | None,
    sandbox: str,
    uses_cache: bool,
    is_own_code: bool = False,
    cluster: Cluster | None = None,
    drains: bool = False,
) -> Iterator[list[tuple[Submission, ScoreCard]]]:
    """Every submission with its scorecard, in the order of `sources`. What was unpacked goes when the block ends."""
    from grader import __version__
    from grader.grading import grade
    from grader.intake import submission_from

    _refuse_unknown(course, assignment)
    with ExitStack() as stack:
        read = [stack.enter_context(submission_from(source, assignment=assignment)) for source in sources]
        work = _with_rubrics(course, _told_apart(read, sources))
        runner = _runner(
            course, jobs=jobs, sandbox=sandbox, uses_cache=uses_cache, is_own_code=is_own_code, cluster=cluster,
            drains=drains,
        )  # fmt: skip
        cards = list(grade(work, runner, made_with={"grader": __version__}))
        yield [(submission, card) for (submission, _), card in zip(work, cards, strict=True)]


def _refuse_unknown(course: Course, assignment: str | None) -> None:
    """An assignment on the command line that the course has not is a slip of the one who typed, not of the student."""
    from grader.course import assignments
    from grader.documents import did_you_mean, shown
    from grader.errors import UsageError

    known = assignments(course) if assignment else []
    if assignment and assignment not in known:
        what = f"the course has no assignment {shown(assignment)}"
        raise UsageError.single(what, where="--assignment", fix=did_you_mean(assignment, known))


def _told_apart(read: Sequence[Submission], sources: Sequence[Path]) -> list[Submission]:
    """Two hand-ins of one name, such as ada/ and ada.zip, by their whole names: no grade may hide another."""
    from collections import Counter
    from dataclasses import replace

    times = Counter(submission.id for submission in read)
    pairs = zip(read, sources, strict=True)
    return [replace(one, id=source.name) if times[one.id] > 1 else one for one, source in pairs]


def _with_rubrics(course: Course, read: Sequence[Submission]) -> list[tuple[Submission, Rubric]]:
    """Each submission with its rubric. One that belongs to none gets a card without tasks, and stops no other."""
    from grader.course import assignments

    known = assignments(course)
    named = {submission.assignment for submission in read} & set(known)
    # Where a submission does not say, it is for what the others are for, or for all that there is.
    likely = named if len(named) == 1 else set(known) if len(known) == 1 else set()
    rubrics: dict[str, Rubric] = {}
    work = []
    for submission in read:
        name = submission.assignment or next(iter(likely), "")
        if name in known:
            if name not in rubrics:
                rubrics[name] = load_rubric(course, name)
            work.append((submission, rubrics[name]))
        else:
            work.append(_without_rubric(submission, name, known))
    return work


def _without_rubric(submission: Submission, name: str, known: Sequence[str]) -> tuple[Submission, Rubric]:
    from dataclasses import replace

    from grader.documents import did_you_mean, shown
    from grader.model import Problem, Rubric

    if name:
        what, fix = f"the course has no assignment {shown(name)}", did_you_mean(name, known)
    elif submission.problems and not submission.files:
        return replace(submission, is_readable=False), Rubric(name, "", (), "", "")  # it says why there is nothing
    else:
        what = "the submission does not say which assignment it is for"
        fix = f"say it there, or use --assignment with one of: {', '.join(known)}"
    problems = (*submission.problems, Problem("no-assignment", "submission.json", what, fix))
    return replace(submission, problems=problems, is_readable=False), Rubric(name, "", (), "", "")


def _runner(
    course: Course,
    *,
    jobs: int | None,
    sandbox: str,
    uses_cache: bool,
    is_own_code: bool,
    cluster: Cluster | None,
    drains: bool,
) -> RunPlan:
    """What runs a plan. Imported when there is one: a theory-only check needs no sandbox."""

    def run(plan: Plan) -> EvidenceByJob:
        with _progress(len(plan)) as on_done:
            if cluster is not None:
                from grader.evidence.on_ray import RayRunner

                return RayRunner.for_course(
                    course,
                    workers=jobs,
                    address=cluster.address,
                    sandbox=sandbox,
                    uses_cache=uses_cache,
                    on_done=on_done,
                    on_drain=_draining if drains else None,
                )(plan)
            from grader.evidence.local import LocalRunner

            runner = LocalRunner.for_course(
                course,
                workers=jobs,
                is_isolated=sandbox != "none",
                is_own_code=is_own_code,
                uses_cache=uses_cache,
                on_done=on_done,
                on_drain=_draining if drains else None,
            )
            return runner(plan)

    return run


def _draining(count: int) -> None:
    """Said after a first Ctrl-C."""
    what = "1 recomputation comes" if count == 1 else f"{count} recomputations come"
    click.echo(f"\nstopping: {what} to an end and will be kept; Ctrl-C again stops at once", err=True)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Job, Evidence], None]]:
    """A bar with the time left, on a terminal's stderr only: pipes and files stay clean."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    screen = Console(stderr=True)
    is_screen = sys.stderr.isatty()  # rich takes FORCE_COLOR, common where tests run, for a terminal
    columns = (TextColumn("recomputing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not is_screen) as bar:
        task = bar.add_task("recomputing", total=total)
        yield lambda _job, _evidence: bar.advance(task)


def output(document: Json) -> None:
    """JSON on stdout. ASCII only, so that no terminal and no student's text can disturb each other."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))
