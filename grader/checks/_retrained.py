"""What did training a student's network give, and if nothing, who decides? Shared by `retrain` and `comparison`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from grader.checks._cheating import doubts, remarks
from grader.checks._settings import counted
from grader.checks._spread import Runs
from grader.checks.base import failed, fault, remark, review
from grader.evidence.jobs import train_job
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceStatus, Finding, Job, Json, Outcome, Place, Submission

ROOM: Final = 4  # times the reference's seconds: a slower machine, a little larger network
SEEDS: Final[Mapping[str, Json]] = {
    "type": "integer",
    "minimum": 1,
    "maximum": 20,
    "description": "how many trainings, from the seeds 0, 1, 2, and so on",
}
BUDGET: Final[Mapping[str, Json]] = {
    "type": "integer",
    "minimum": 1,
    "maximum": 86_400,
    "description": "seconds of CPU time that one training may take; on the clock three times as many",
}
_DECIDED_BY_A_PERSON: Final = {
    "training-diverged": "this recipe is not the student's own, and another learning rate may do",
    "memory": "the course's own network may need as much",
}
_TIME: Final = ("cpu-time", "wall-time")
_MOST_NAMED: Final = 3


@dataclass(frozen=True)
class Usual:
    """What the reference takes: its slowest run, in seconds of CPU time. 0 where it is not known."""

    seconds: float = 0.0

    def fits(self, budget_s: float) -> bool:
        """Whether the budget holds it with room, so that who is over it is far slower than the reference."""
        return 0 < self.seconds * ROOM <= budget_s


def jobs_of(submission: Submission, settings: Mapping[str, Json], recipe: Mapping[str, Json]) -> tuple[Job, ...]:
    """The trainings of the student's network by this recipe, one for each seed."""
    asked = {"recipe": recipe, "budget_s": settings["budget_s"]}
    return tuple(
        train_job(submission, settings["model"], seed=seed, **asked) for seed in range(settings.get("seeds", 1))
    )


def runs_in(made: Sequence[Evidence]) -> Runs:
    """The counts of trainings that all came to their end."""
    return Runs(tuple(int(one.result["correct"]) for one in made), int(made[0].result["n"]))


def unfinished(made: Sequence[Evidence], budget_s: int, usual: Usual) -> Finding | None:
    """Why there is no mean of these trainings, and who decides; None where all of them ended well.

    The machine's fault is UNKNOWN. What only some seeds show, another recipe might not, or a budget made for no one
    explains, goes to a person. The rest (code that raises, no weight that can be trained) is the student's.
    """
    for one in made:
        if one.status is EvidenceStatus.SYSTEM_FAULT:
            return fault(one)
    broken = [one for one in made if not one.is_done]
    if not broken:
        return next((found for one in made if (found := fault(one)) is not None), None)
    first = broken[0]
    problem = first.problem
    code = problem.code if problem is not None else ""
    if code in _TIME:
        return _over_budget(first, budget_s, usual, is_all=len(broken) == len(made))
    details: dict[str, Json] = {"observed": problem.where, "fix": problem.fix, "code": code} if problem else {}
    what = problem.what if problem is not None else "no result"
    if code in _DECIDED_BY_A_PERSON:
        return review(f"{what}: {_DECIDED_BY_A_PERSON[code]}, so a person looks", **details)
    if len(broken) < len(made):
        said = f"{counted(len(broken), 'training')} of {len(made)} gave no result ({what}); a person looks"
        return review(said, **details)
    return fault(first)


def _over_budget(one: Evidence, budget_s: int, usual: Usual, *, is_all: bool) -> Finding:
    problem = one.problem
    code = problem.code if problem is not None else ""
    details: dict[str, Json] = {"observed": problem.what if problem is not None else "", "code": "over-budget"}
    if not usual.fits(budget_s):
        takes = f", and the reference takes {usual.seconds:.0f} s" if usual.seconds else ""
        said = f"the training was not over in {budget_s:,} s{takes}: whether that is the network's fault is not known"
        return Finding(Outcome.UNKNOWN, said, fix="give it a larger `budget_s` in the rubric", **details)
    said = (
        f"the training was not over in {budget_s:,} s of CPU time, where the reference takes {usual.seconds:.0f} s; "
        "the network is far slower"
    )
    fix = "use fewer channels or layers, or pool earlier: count the multiplications of each layer"
    if code == "wall-time" or not is_all:
        return review(f"{said}, or the machine was busy; a person looks", **details, fix=fix)
    return failed(said, **details, fix=fix)


def suspicions(made: Sequence[Evidence], place: Place) -> Iterator[Finding]:
    """For which the points wait: a network that knew the images before, and the doubts that a checkpoint meets."""
    for one in made:
        if not one.result.get("is_fresh", True):
            right = Fraction(str(one.result["accuracy_before"]))
            said = (
                f"before any training the network had {float(right):.0%} of the training images right: weights that "
                "stand in the code were not learned here; a person looks"
            )
            fix = "let build_model() give the network as PyTorch initialises it"
            yield review(said, place=place, fix=fix, code="not-fresh")
            return
    for one in made:
        found = next(doubts(one.result, {}, place), None)
        if found is not None:
            yield found
            return


def training_remarks(made: Sequence[Evidence], source: Evidence | None, place: Place) -> Iterator[Finding]:
    """What a person should know of, and what moves no point."""
    result = made[0].result
    unmoved = result.get("unmoved", ())
    if unmoved:
        names = ", ".join(unmoved[:_MOST_NAMED])
        more = f" and {len(unmoved) - _MOST_NAMED} more" if len(unmoved) > _MOST_NAMED else ""
        said = f"training left {names}{more} as it was: no image passes there, or what comes out is cut off"
        yield remark(Outcome.REVIEW, said, place=place, code="unmoved")
    yield from remarks(result, source, None, place)


def waiting(found: Finding, waits: Sequence[Finding]) -> Iterator[Finding]:
    """`found`, or in its place what lets a person doubt it. What has earned nothing waits for nobody."""
    if waits and found.credit != 0:
        yield replace(found, weight=Fraction(0))
        yield from waits
        return
    yield found
    yield from (replace(one, weight=Fraction(0)) for one in waits)
