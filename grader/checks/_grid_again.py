"""Trained again at each value of a hyperparameter, what does the student's network reach?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from grader.answers.trends import Order
from grader.checks._grid import VALUE, Level, levels_of
from grader.checks._retrained import Usual, jobs_of, runs_in, suspicions, training_remarks, unfinished
from grader.checks._settings import counted, percent
from grader.checks._spread import Runs, differ
from grader.checks.base import missing
from grader.evidence.jobs import embedded_job, missing_files
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceByJob, Finding, Job, Json, Outcome, Place, Submission

DIVERGED: Final = "training-diverged"


@dataclass(frozen=True)
class Trained:
    """What the trainings at one value came to; `runs` without a right answer where all of them diverged."""

    runs: Runs
    is_diverged: bool

    @property
    def said(self) -> str:
        """In words."""
        times = counted(len(self.runs.counts), "run")
        return f"diverges ({times})" if self.is_diverged else f"{percent(self.runs.mean)} ({times})"


def jobs_at(submission: Submission, settings: Mapping[str, Json], level: Level) -> tuple[Job, ...]:
    """The trainings at one value, one for each seed."""
    model = settings["model"]
    if "factory" in settings:
        model = {**model, "factory": settings["factory"].replace(VALUE, level.name)}
    return jobs_of(submission, {**settings, "model": model}, recipe_at(settings, level))


def recipe_at(settings: Mapping[str, Json], level: Level) -> Mapping[str, Json]:
    """The recipe with the hyperparameter set, where it is one of the recipe's."""
    base: Mapping[str, Json] = settings["recipe"] if "recipe" in settings else settings["reference"]["recipe"]
    over = settings["over"]
    if over not in recipe_names() or level.number is None:
        return base
    is_whole = level.number.denominator == 1 and over != "learning_rate"
    return {**base, over: int(level.number) if is_whole else float(level.number)}


def recipe_names() -> frozenset[str]:
    """The settings that a recipe has."""
    from dataclasses import fields

    from grader.training.recipe import Recipe

    return frozenset(field.name for field in fields(Recipe))


def trained_grid(
    settings: Mapping[str, Json], submission: Submission, evidence: EvidenceByJob
) -> tuple[dict[str, Trained], list[Finding]]:
    """What each value came to, or why there is nothing to be compared. Nothing here is FAILED."""
    absent = missing_files(submission, settings["model"], needs_checkpoint=False)
    if absent:
        return {}, [replace(missing(absent), outcome=Outcome.REVIEW, credit=None)]
    levels = levels_of(settings)
    made = {level.name: [evidence[job] for job in jobs_at(submission, settings, level)] for level in levels}
    diverged = {name for name, ended in made.items() if all(_is_diverged(one) for one in ended)}
    n = next((int(one.result["n"]) for ended in made.values() for one in ended if one.is_done), 0)
    found: list[Finding] = []
    trained: dict[str, Trained] = {}
    for name, ended in made.items():
        if name in diverged and n:
            trained[name] = Trained(Runs((0,) * len(ended), n), is_diverged=True)
            continue
        broken = unfinished(ended, settings["budget_s"], Usual())
        if broken is not None:
            outcome = Outcome.UNKNOWN if broken.outcome is Outcome.UNKNOWN else Outcome.REVIEW
            said = f"{name} gave no result when it was trained again: {broken.said}"
            return {}, [replace(broken, said=said, outcome=outcome, credit=None)]
        trained[name] = Trained(runs_in(ended), is_diverged=False)
        found += _doubts(submission, settings, ended, evidence, is_first=not found)
    return trained, found


def _is_diverged(one: Evidence) -> bool:
    return one.problem is not None and one.problem.code == DIVERGED


def _doubts(
    submission: Submission,
    settings: Mapping[str, Json],
    ended: list[Evidence],
    evidence: EvidenceByJob,
    *,
    is_first: bool,
) -> Iterator[Finding]:
    place = Place(settings["model"]["code"])
    yield from suspicions(ended, place)
    if is_first:
        yield from training_remarks(ended, evidence.get(embedded_job(submission)), place)


def order_of_trained(one: Trained, other: Trained) -> Order:
    """Which of two is better, beyond what seeds and test images explain; one that diverged is under any other."""
    if one.is_diverged or other.is_diverged:
        return "tie" if one.is_diverged == other.is_diverged else "under" if one.is_diverged else "over"
    low, high = differ(one.runs, other.runs)
    return "over" if low > 0 else "under" if high < 0 else "tie"
