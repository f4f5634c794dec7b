"""What came of training a student's network again? Curves of each run, and where the runs lie beside the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from grader.checks._settings import share
from grader.course.bands import ACCURACY
from grader.evidence.jobs import TRAIN
from grader.model import Evidence, Job, Json, Rule
from grader.reports.exhibited.predictions import measured, reference_band
from grader.reports.exhibits import Accuracy, Case, Curves, Exhibit, Line, Mark, about

_CURVES = (("train_loss", "training loss", False), ("train_accuracy", "training accuracy", True))
MOST_POINTS = 400  # of one curve: more are not seen


def made(case: Case) -> Iterator[Exhibit]:
    """Of each rule whose trainings have come to an end."""
    for task, rule in case.rules():
        runs = list(case.done(rule, TRAIN))
        if not runs:
            continue
        named = [(_name(job, runs), evidence) for job, evidence in runs]
        whose = about(task, rule, "Trained again by the course's recipe, from the code alone")
        document = rule.settings.get("reference")
        band = reference_band(document) if isinstance(document, Mapping) and document["metric"] == ACCURACY else None
        marks = [Mark("asked", f"asked by {rule.id}", share(rule.settings["at_least"]))] if _is_asked(rule) else []
        yield Accuracy(whose, tuple(measured(name, one.result) for name, one in named), tuple(marks), band)
        for key, label, is_share in _CURVES:
            lines = [line for name, one in named if (line := _line(name, one, key)) is not None]
            if lines:
                title = f"{label.capitalize()} of these trainings"
                yield Curves(replace(whose, title=title), "mini-batch", label, tuple(lines), is_share)


def _is_asked(rule: Rule) -> bool:
    return isinstance(rule.settings.get("at_least"), int | float | str)


def _name(job: Job, runs: Sequence[tuple[Job, Evidence]]) -> str:
    recipes = [one.parameters["recipe"] for one, _ in runs]
    seed = f"seed {job.parameters['seed']}"
    if all(recipe == recipes[0] for recipe in recipes):
        return seed
    own: Mapping[str, Json] = job.parameters["recipe"]
    differing = [key for key in own if any(recipe.get(key) != own[key] for recipe in recipes)]
    return ", ".join([*(f"{key} {own[key]}" for key in differing[:3]), seed])


def _line(name: str, one: Evidence, key: str) -> Line | None:
    rows = [(float(row["step"]), float(row[key])) for row in one.result.get("log", ()) if key in row]
    return Line(name, tuple(thinned(rows)), len(rows)) if len(rows) > 1 else None


def thinned(points: Sequence[tuple[float, float | None]]) -> list[tuple[float, float | None]]:
    """At most `MOST_POINTS` of them, evenly taken, the last among them.

    >>> len(thinned([(float(x), 0.0) for x in range(10_000)])), thinned([(1.0, None)])
    (400, [(1.0, None)])
    """
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(MOST_POINTS)]
