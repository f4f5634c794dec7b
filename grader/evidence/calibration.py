"""What do several seeds of the course's references come to? All of them as jobs of one runner, a band as each is done.

Asked (assignment, recipe, seeds) -> jobs -> Runner -> Calibrated (the band document, kept) or what went wrong
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path

from grader.course.bands import band_file
from grader.errors import GraderError
from grader.evidence.references import Prepared, keep_band, prepared
from grader.evidence.runner import Runner
from grader.frozen import dataclass
from grader.model import Evidence, Job, Json, Problem
from grader.training.bands import banded, stored
from grader.training.reference import Recipes


@dataclass(frozen=True)
class Asked:
    """One network to be measured, and how often."""

    assignment: str
    recipes: Recipes
    recipe_name: str
    runs: int
    threads: int
    device: str
    command: str
    weights_file: Path | None = None


@dataclass(frozen=True)
class Calibrated:
    """What became of it: the band document and its file; or, where a run failed, the problem."""

    asked: Asked
    document: Mapping[str, Json] | None = None
    file: Path | None = None
    problem: Problem | None = None


@dataclass
class _Open:
    """A network of which runs are still out."""

    asked: Asked
    waits_for: set[Job]
    results: list[Mapping[str, Json]] = field(default_factory=list)
    problem: Problem | None = None


def calibrated(
    wanted: Sequence[Asked],
    runner: Runner,
    root: Path,
    *,
    on_run: Callable[[Asked, Mapping[str, Json], int], None] | None = None,
) -> Iterator[Calibrated]:
    """Measure what is wanted; each band is written below `root` (the reference solutions) before it is handed out.

    One that fails stops no other. `on_run` hears of every run that came to its end, and how many of its network have.
    """
    with ExitStack() as stack:
        out: dict[Job, list[_Open]] = {}  # two networks of one recipe are one job
        with runner:
            for asked in wanted:
                try:
                    ready = stack.enter_context(prepared(asked.recipes, asked.weights_file))
                    jobs = _jobs(asked, ready)
                except GraderError as error:
                    yield Calibrated(asked, problem=error.problems[0])
                    continue
                one = _Open(asked, set(jobs))
                for job in jobs:
                    out.setdefault(job, []).append(one)
                    known = runner.order(job, ready.folder, asked.assignment) if len(out[job]) == 1 else None
                    if known is not None:
                        yield from _with(out.pop(job), job, known, root, on_run)
            while not runner.is_idle:
                for job, evidence in runner.arrived():
                    yield from _with(out.pop(job), job, evidence, root, on_run)


def _jobs(asked: Asked, ready: Prepared) -> list[Job]:
    return [
        ready.job(asked.recipe_name, seed=seed, threads=asked.threads, device=asked.device)
        for seed in range(asked.runs)
    ]


def _with(
    waiting: Sequence[_Open],
    job: Job,
    evidence: Evidence,
    root: Path,
    on_run: Callable[[Asked, Mapping[str, Json], int], None] | None,
) -> Iterator[Calibrated]:
    """One more run is known; of each network for which it was the last one, the band."""
    for one in waiting:
        one.waits_for.discard(job)
        if evidence.is_done:
            one.results.append(evidence.result)
            if on_run is not None:
                on_run(one.asked, evidence.result, len(one.results))
        else:
            problem = evidence.problem or Problem("no-result", "grader", "the run gave no result", "run it again")
            where = f"{one.asked.assignment} {one.asked.recipe_name} seed {job.parameters['seed']}, {problem.where}"
            one.problem = one.problem or replace(problem, where=where)
        if one.waits_for:
            continue
        if one.problem is not None:
            yield Calibrated(one.asked, problem=one.problem)
            continue
        try:
            yield _kept(one, root)
        except GraderError as error:
            yield Calibrated(one.asked, problem=error.problems[0])


def _kept(one: _Open, root: Path) -> Calibrated:
    asked = one.asked
    path = band_file(root, asked.assignment, asked.recipe_name)
    known = stored(root, asked.assignment, asked.recipes, asked.recipe_name)
    document = banded(asked.recipes, asked.recipe_name, one.results, command=asked.command, known=known)
    keep_band(path, document)
    return Calibrated(asked, document, path)
