"""Trained again by the course's recipes, are the runs in the order that the student claims?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from grader.checks._compared import Run, gap_said
from grader.checks._retrained import Usual, jobs_of, runs_in, suspicions, training_remarks, unfinished
from grader.checks._settings import counted, percent
from grader.checks._spread import Runs, differ
from grader.checks.base import missing, passed, remark, review
from grader.evidence.jobs import embedded_job, missing_files
from grader.model import EvidenceByJob, Finding, Json, Outcome, Place, Submission


def judge_again(
    settings: Mapping[str, Json], submission: Submission, runs: Sequence[Run], evidence: EvidenceByJob
) -> Iterator[Finding]:
    """The order and the gaps of the trained networks, against those of the claims, or of the logs without claims.

    Nothing here is FAILED: the comparison is the student's own, and code that does not run is charged by other rules.
    """
    model = settings["model"]
    absent = missing_files(submission, model, needs_checkpoint=False)
    if absent:
        yield replace(missing(absent), outcome=Outcome.REVIEW, credit=None)
        return
    place = Place(model["code"])
    trained: dict[str, Runs] = {}
    for name, about in settings["runs"].items():
        made = [evidence[job] for job in jobs_of(submission, settings, about["recipe"])]
        broken = unfinished(made, settings["budget_s"], Usual())
        if broken is not None:
            outcome = Outcome.UNKNOWN if broken.outcome is Outcome.UNKNOWN else Outcome.REVIEW
            said = f"{name} gave no result when it was trained again: {broken.said}"
            yield replace(broken, said=said, outcome=outcome, credit=None)
            return
        trained[name] = runs_in(made)
        yield from suspicions(made, place)
        if not trained.keys() - {name}:  # the network is the same: its remarks are told once
            yield from training_remarks(made, evidence.get(embedded_job(submission)), place)
    stated = [run for run in runs if run.claimed or run.measured]
    stated.sort(key=lambda run: _stated(run) or 0, reverse=True)
    if len(stated) < 2:
        said = f"trained again: {_listed(trained)}; nothing is claimed that it could be held against"
        yield remark(Outcome.REVIEW, said, code="nothing-claimed")
    for one, other in pairwise(stated):
        yield from _pair(one, other, trained[one.name], trained[other.name])


def _stated(run: Run) -> Fraction | None:
    value = run.claimed or (run.measured[0] if run.measured else None)
    return value.share if value else None


def _pair(one: Run, other: Run, first: Runs, second: Runs) -> Iterator[Finding]:
    low, high = (Fraction(bound) for bound in differ(first, second))
    words = f"trained again, {_listed({one.name: first, other.name: second})}"
    between = f"95% interval of the difference {100 * float(low):.2f} to {100 * float(high):.2f} points"
    gap = (_stated(one) or Fraction(0)) - (_stated(other) or Fraction(0))
    if low <= 0 <= high:
        yield passed(f"{words}: a tie ({between}), which contradicts nobody", code="retrained-tie")
    elif high < 0 or gap == 0:
        better, claim = (other, one) if high < 0 else (one, other)
        what = f"{claim.name} is claimed to be by {gap_said(gap)}" if gap else "no difference is claimed"
        said = (
            f"{words}: {better.name} is better ({between}), where {what}; the student trained in another way, "
            "so a person looks"
        )
        place = one.claimed.place if one.claimed else None
        fix = "hand in the logs of both trainings, with their settings"
        yield review(said, place=place, fix=fix, code="retrained-differs")
    else:
        yield passed(f"{words}: {one.name} is better here too ({between})", code="retrained")
    if not low <= gap <= high and not high < 0:
        said = f"{gap_said(gap)} between {one.name} and {other.name} are claimed; {words} ({between})"
        yield remark(Outcome.REVIEW, said, code="retrained-gap")


def _listed(trained: Mapping[str, Runs]) -> str:
    return " and ".join(
        f"{name} gets {percent(runs.mean)} ({counted(len(runs.counts), 'run')})" for name, runs in trained.items()
    )
