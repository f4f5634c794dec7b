"""What did a checkpoint answer? Its accuracy beside demand, claim and reference, its confusions, its worst mistakes.

Each recomputation is shown once, with all the rules that asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from fractions import Fraction

from grader.answers.answer_error import AnswerError
from grader.answers.granularity import claim_of
from grader.answers.working import parse_working
from grader.checks._binomial import wilson_interval
from grader.checks._settings import share
from grader.course.bands import ACCURACY, band_on
from grader.evidence.jobs import PREDICT
from grader.frozen import dataclass
from grader.model import Evidence, Job, Json, Rule, Visibility
from grader.reports.exhibited.images import png
from grader.reports.exhibits import (
    About,
    Accuracy,
    Case,
    Confusion,
    Exhibit,
    Mark,
    Measured,
    Picture,
    Pictures,
    ReferenceBand,
    about,
)

MOST_WORST = 16


@dataclass
class _Shown:
    """One recomputation with the rules that asked for it, and their tasks."""

    made: Evidence
    job: Job
    asked_by: list[tuple[str, Rule]] = field(default_factory=list)


def made(case: Case) -> Iterator[Exhibit]:
    """Of each checkpoint that was counted on a data set."""
    found: dict[Job, _Shown] = {}
    for task, rule in case.rules():
        for job, evidence in case.done(rule, PREDICT):
            found.setdefault(job, _Shown(evidence, job)).asked_by.append((task, rule))
    for shown in found.values():
        shown.asked_by = _told(shown.asked_by)
        result = shown.made.result
        what = f"{shown.job.parameters['checkpoint']} on the {shown.job.parameters['split']} images of {_set(shown)}"
        whose = together(shown.asked_by, f"Accuracy of {what}", _doubt(result))
        yield _accuracy(case, shown, whose)
        if len(result["classes"]) > 1:
            yield confusion(replace(whose, title=f"Confusion matrix of {what}", note=""), result)
        worst = _worst(case, shown, replace(whose, title=f"The worst mistakes of {what}", note=""))
        if worst is not None:
            yield worst


def together(asked_by: list[tuple[str, Rule]], title: str, note: str = "") -> About:
    """Whose an exhibit of several rules is: hidden from students only where all of them are."""
    all_ = [about(task, rule, title, note) for task, rule in asked_by]
    return replace(
        all_[0],
        rules=tuple(dict.fromkeys(rule for one in all_ for rule in one.rules)),
        is_staff_only=all(one.is_staff_only for one in all_),
        is_revealed=all(one.is_revealed for one in all_),
    )


def _told(asked_by: list[tuple[str, Rule]]) -> list[tuple[str, Rule]]:
    """The rules that a student knows of; where there is none of these, those for staff. The two are never mixed."""
    return [one for one in asked_by if one[1].visibility is Visibility.STUDENT] or asked_by


def _set(shown: _Shown) -> str:
    edition = shown.made.result.get("edition")
    return f"{shown.job.parameters['data']}" + (f" ({edition})" if edition else "")


def _doubt(result: Mapping[str, Json]) -> str:
    if result.get("is_repeatable", True):
        return ""
    return "An image's answer depends on its company or on chance: this count says nothing certain."


def measured(name: str, result: Mapping[str, Json]) -> Measured:
    """An accuracy with Wilson's interval, from a result that has `correct` and `n`."""
    low, high = wilson_interval(int(result["correct"]), int(result["n"]))
    return Measured(name, int(result["correct"]), int(result["n"]), low, high)


def _accuracy(case: Case, shown: _Shown, whose: About) -> Accuracy:
    marks: list[Mark] = []
    for _, rule in shown.asked_by:
        marks += _marks(case, rule)
    data = shown.job.parameters["data"]
    band = next((one for one in map(reference_band, _references(case, data)) if one is not None), None)
    return Accuracy(whose, (measured("recomputed", shown.made.result),), tuple(dict.fromkeys(marks)), band)


def _marks(case: Case, rule: Rule) -> Iterator[Mark]:
    settings = rule.settings
    if "at_least" in settings and settings.get("about", ACCURACY) == ACCURACY:
        yield Mark("asked", f"asked by {rule.id}", share(settings["at_least"]))
        if "from" in settings and share(settings["from"]) < share(settings["at_least"]):
            yield Mark("foot", f"credit of {rule.id} begins", share(settings["from"]))
    answer = case.submission.answers.get(rule.answer) if rule.answer and settings.get("about") == ACCURACY else None
    if answer is None or answer.value in (None, "", [], {}):
        return
    try:
        claim = claim_of(parse_working(answer.value, answer.place).number)
    except AnswerError:
        return
    if claim is not None:
        yield Mark("claimed", f"claimed ({rule.answer})", claim.value)


def _references(case: Case, data: str) -> Iterator[Mapping[str, Json]]:
    """The bands of this data set that any rule of the rubric names."""
    for _, rule in case.rules():
        document = rule.settings.get("reference")
        if isinstance(document, Mapping) and document["metric"] == ACCURACY and document["recipe"]["data_set"] == data:
            yield document


def reference_band(document: Mapping[str, Json]) -> ReferenceBand | None:
    """The band of a reference as far as it was counted; None where it has no counted runs."""
    band = band_on(document)
    counts = [Fraction(run["correct"], band["n"]) for run in band["runs"] if "correct" in run]
    if not counts:
        return None
    mean = sum(counts, Fraction(0)) / len(counts)
    return ReferenceBand(document["recipe_name"], min(counts), mean, max(counts), len(counts), band["device"])


def confusion(whose: About, result: Mapping[str, Json]) -> Confusion:
    """The matrix of a result."""
    return Confusion(whose, tuple(result["classes"]), tuple(tuple(map(int, row)) for row in result["confusion"]))


def _worst(case: Case, shown: _Shown, whose: About) -> Pictures | None:
    """The mistakes in which the wrong class won by the most, as far as the images are here."""
    result, asked = shown.made.result, shown.job.parameters
    rows = result.get("worst", [])
    pictures = []
    for number, true, predicted in rows[:MOST_WORST]:
        image = case.image_of(asked["data"], asked["split"], number)
        if image is None:
            return None
        said = f"{result['classes'][true]} taken for {result['classes'][predicted]}"
        height, width = image.shape[1:]
        pictures.append(
            Picture(
                f"{said} (number {number:,})", f"Image {number:,}: {said}.", width, height, png(image), is_small=True
            )
        )
    wrong = int(result["n"]) - int(result["correct"])
    return Pictures(whose, "worst", tuple(pictures), wrong - len(pictures)) if pictures else None
