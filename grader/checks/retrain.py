"""Does the student's own network learn what the reference learns, when it is trained as the reference was?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

from grader.checks._band import Band, band_in, other_precision, other_versions, strange
from grader.checks._confusion import hint
from grader.checks._data import chance_problems
from grader.checks._lint import setting_problem
from grader.checks._recipes import RECIPE, recipe_problems
from grader.checks._retrain_claim import held_claim
from grader.checks._retrained import (
    BUDGET,
    ROOM,
    SEEDS,
    Usual,
    jobs_of,
    runs_in,
    suspicions,
    training_remarks,
    unfinished,
    waiting,
)
from grader.checks._settings import MODEL, counted, percent, share, share_schema
from grader.checks._spread import (
    ONE_IN_20,
    ONE_IN_1000,
    Runs,
    expected,
    interval,
    is_erratic,
    spread_of,
)
from grader.checks._working import RESULT
from grader.checks.accuracy import ramp
from grader.checks.base import Check, missing, partial, register, remark, review
from grader.evidence.jobs import TRAIN, embedded_job, missing_files
from grader.evidence.kinds import device_class
from grader.frozen import dataclass
from grader.model import Evidence, EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission

_MOST = 10**-9  # below any accuracy that can be counted: limits are rounded down to it, the same on every machine


@register
class Retrain(Check):
    """Trains the student's network by a recipe of the course, and places its test accuracy among the reference's runs.

    What it looks at: the code alone. The network that it builds is trained in the sandbox from `seeds` seeds, by the
    recipe of a `reference` of the course or by a `recipe` that stands in the rule, and answers the test images, whose
    labels it never meets. The weights that were handed in play no part.

    Credit: all of it from `at_least` on, by the mean of the runs; with `from` it rises in a straight line up to there,
    without there is a step. Where `at_least` is left out, the reference decides: all the credit down to the accuracy
    that a network as good as the reference would miss 1 time in 20 at most. That limit allows for the seeds (Student's
    t, for a band has few runs) and for the test images (binomial, as they are a sample for both networks).

    Borderline: below that limit, but where an equally good network could end up 1 time in 1,000, a person decides,
    with the ramp's credit as a proposal. Where `at_least` is stated, a person decides when it lies within the 95%
    interval of the mean. `borderline: pass` and `strict` work as in `accuracy`. Seeds that lead five times as far
    apart as the reference's go to a person too, unless all of them earn the same.

    Budget: `budget_s` is CPU time. A training that is not over by then counts against the network only where the
    reference needs at most a quarter of it; elsewhere the verdict is open. A loss that becomes NaN, or too little
    memory, goes to a person: the recipe is the course's, not the student's.

    Band: only runs of the reference on the same images and the same kind of device are compared with. Where there are
    none, nothing is concluded from them: the verdict is open, or rests on a stated `at_least` alone.

    Claim: `claimed` names an answer. The student trained in another way, so a claim that is lower, or a little higher,
    says nothing; one that is over `allowed_gap` higher than the runs, the band and chance goes to a person.

    Doubts: a network that knew the training images before it was trained, and what makes a checkpoint's accuracy
    doubtful (see `accuracy`), let the points wait for a person. Tensors that no training moved are a remark.

    Not covered: how the student trained, and whether the handed-in weights came of it (see `accuracy`, `claim` and
    `training-log`). A network that suits another recipe better is judged by this one.

        - check: retrain
          model: cnn
          reference: baseline
          seeds: 3
          budget_s: 600
          claimed: test_accuracy
    """

    name: ClassVar[str] = "retrain"
    uses_model: ClassVar[bool] = True
    uses_reference: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["model", "budget_s"],
        "properties": {
            "model": MODEL,
            "reference": {
                "type": ["string", "object"],
                "description": "the recipe in reference_solutions/ that trains the network, and whose measured band "
                "it is held against: RECIPE, or ASSIGNMENT/RECIPE",
            },
            "recipe": RECIPE,
            "seeds": {**SEEDS, "default": 1},
            "budget_s": BUDGET,
            "at_least": share_schema(
                "the mean accuracy that earns all the credit; left out: what a network as good as the reference "
                "misses 1 time in 20"
            ),
            "from": share_schema("the accuracy from which credit begins to rise; left out: a step"),
            "borderline": {
                "enum": ["review", "pass", "strict"],
                "default": "review",
                "description": "what happens where chance may have decided: a person decides, it counts as reached, "
                "or the measured mean decides",
            },
            "claimed": {
                "type": "string",
                "minLength": 1,
                "maxLength": 100,
                "description": "the key in answers.json of an accuracy that the student claims on the same test images",
            },
            "allowed_gap": {
                **share_schema("how far over the runs a claim may be before a person looks"),
                "default": 0.02,
            },
        },
    }

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """The claimed accuracy."""
        key = rule.settings.get("claimed")
        return {key: RESULT} if key else {}

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """One training and not two, a ramp that rises, a demand over guessing, a budget that the reference fits in."""
        settings = rule.settings
        reference = settings.get("reference")
        if ("recipe" in settings) == ("reference" in settings):
            what = "both `reference` and `recipe` are named" if reference else "no training is named"
            fix = "name a `reference` of the course, or write a `recipe`"
            yield setting_problem(rule, ["recipe"] if reference else [], what, fix)
            return
        if "recipe" in settings:
            yield from recipe_problems(rule, settings["recipe"], ("recipe",))
            if "at_least" not in settings:
                fix = "add `at_least`, or train by a `reference`"
                yield setting_problem(rule, [], "nothing is demanded: without a reference there is no band", fix)
        if "claimed" not in settings and "allowed_gap" in settings:
            yield setting_problem(rule, ["allowed_gap"], "says nothing without `claimed`", "leave it out")
        band = None
        if isinstance(reference, Mapping):
            yield from _band_problems(rule, reference)
            band = band_in(reference) if reference["metric"] == "accuracy" else None
            if band is not None:
                yield from _budget_problems(rule, band)
        yield from _ramp_problems(rule, band)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """A training from each seed, where the code is there and could be judged; and what the code holds."""
        if not missing_files(submission, rule.settings["model"], needs_checkpoint=False) and _can_judge(rule.settings):
            yield from jobs_of(submission, rule.settings, _recipe(rule.settings))
            yield embedded_job(submission)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """The mean and its place in the band; then what lets a person doubt it; then the claim."""
        settings, model = rule.settings, rule.settings["model"]
        absent = missing_files(submission, model, needs_checkpoint=False)
        if absent:
            yield missing(absent)
            return
        if not _can_judge(settings):
            yield _unplaced(settings, f"it was never measured on the device {device_class(TRAIN)!r}")
            return
        made = [evidence[job] for job in jobs_of(submission, settings, _recipe(settings))]
        band, place = _band(settings), Place(model["code"])
        broken = unfinished(made, settings["budget_s"], band.usual if band is not None else Usual())
        if broken is not None:
            yield broken
            return
        why = strange(band, made[0]) if band is not None else ""
        if why and "at_least" not in settings:
            yield _unplaced(settings, why)
            return
        runs, known = runs_in(made), None if why else band
        found = _judged(settings, runs, known, made, place)
        if found.credit != 1 and found.outcome is not Outcome.REVIEW:
            found = _elsewhere(found, settings, known, made)
        waits = list(suspicions(made, place))
        far = held_claim(settings, submission, runs, known.runs if known is not None else None)
        if far is not None and far.outcome is Outcome.REVIEW and far.weight:
            waits.append(replace(far, credit=found.credit))
            far = None
        yield from waiting(found, waits)
        if far is not None:
            yield far
        if why:
            yield remark(Outcome.UNKNOWN, f"not placed in the band of the reference: {why}", code="no-band")
        if known is not None and found.credit != 1 and (told := other_versions(known, made[0])):
            said = f"the band was measured with {told}"
            yield remark(Outcome.REVIEW, said, code="other-versions")
        yield from training_remarks(made, evidence.get(embedded_job(submission)), place)


def _recipe(settings: Mapping[str, Json]) -> Mapping[str, Json]:
    recipe: Mapping[str, Json] = settings["recipe"] if "recipe" in settings else settings["reference"]["recipe"]
    return recipe


def _band(settings: Mapping[str, Json]) -> Band | None:
    return band_in(settings["reference"]) if "reference" in settings else None


def _can_judge(settings: Mapping[str, Json]) -> bool:
    """Whether a training would be held against anything."""
    return "at_least" in settings or _band(settings) is not None


def _unplaced(settings: Mapping[str, Json], why: str) -> Finding:
    name = settings["reference"]["recipe_name"]
    said = f"the training cannot be placed in the band of the reference {name!r}: {why}"
    fix = "calibrate the reference where students' networks are trained: see `grader reference calibrate --help`"
    return Finding(Outcome.UNKNOWN, said, fix=fix, code="no-band")


# --- the verdict ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Demand:
    """From where on there is all the credit, from where on any, and where chance may have decided."""

    at_least: Fraction
    start: Fraction
    is_borderline: bool
    said: str


def _demand(settings: Mapping[str, Json], runs: Runs, band: Band | None) -> _Demand:
    if "at_least" in settings:
        at_least = share(settings["at_least"])
        spread = spread_of(runs) if band is None else spread_of(runs, band.runs)
        low, high = interval(runs, spread)
        said = f"at least {percent(at_least, 10)}"
        is_borderline = Fraction(low) <= at_least <= Fraction(high)
    else:
        if band is None:
            raise ValueError("a rule without a demand has a band")  # `_can_judge` sees to it
        at_least, lowest = (_exact(expected(band.runs, len(runs.counts), tail)[0]) for tail in (ONE_IN_20, ONE_IN_1000))
        said = f"at least {percent(at_least)}, which a network as good as the reference misses 1 time in 20"
        is_borderline = lowest <= runs.mean < at_least
    return _Demand(at_least, share(settings["from"]) if "from" in settings else at_least, is_borderline, said)


def _exact(value: float) -> Fraction:
    return Fraction(int(value / _MOST), round(1 / _MOST))


def _judged(
    settings: Mapping[str, Json], runs: Runs, band: Band | None, made: Sequence[Evidence], place: Place
) -> Finding:
    demand = _demand(settings, runs, band)
    credit = ramp(runs.mean, demand.start, demand.at_least)
    said = _sentence(settings, runs, band)
    details: dict[str, Json] = {"expected": demand.said, "observed": _observed(runs), "place": place}
    own = {ramp(Fraction(count, runs.n), demand.start, demand.at_least) for count in runs.counts}
    if band is not None and is_erratic(runs, band.runs) and len(own) > 1:
        low, high = (percent(Fraction(count, runs.n)) for count in (min(runs.counts), max(runs.counts)))
        said = f"{said}; its seeds lead to {low} and to {high}, far more apart than the reference's: a person decides"
        fix = "look at how the weights are initialised, and for layers that die"
        return review(said, credit=credit, **details, fix=fix, code="erratic")
    if demand.is_borderline:
        borderline = settings.get("borderline", "review")
        if borderline == "review":
            said = f"{said}: chance may have decided about {percent(demand.at_least)}, so a person does"
            return review(said, credit=credit, **details, code="borderline")
        if borderline == "pass":
            return partial(f"{said}: within chance, counted as reached", Fraction(1), **details, code="reached")
    if credit == 1:
        return partial(said, credit, **details, code="reached")
    worst = min(made, key=lambda one: int(one.result["correct"]))
    why = hint(worst.result["confusion"], worst.result["classes"])
    if why is not None:
        said = f"{said}; in its worst run {why.said}"
    fix = "compare model.py with the network that was asked for: layers, activations between them, and the last one"
    return partial(said, credit, **details, fix=fix, code="below-demand")


def _elsewhere(found: Finding, settings: Mapping[str, Json], band: Band | None, made: Sequence[Evidence]) -> Finding:
    """`found`, or REVIEW where something else than the network may explain what it misses."""
    precision, edition = other_precision(band, made) if band is not None else "", made[0].result["data"]["edition"]
    if precision:
        said = f"{found.said}; it was trained in {precision}, so a person decides"
        return replace(found, outcome=Outcome.REVIEW, said=said, code="other-precision")
    if edition and "at_least" in settings:
        said = f"{found.said}; it was trained and counted on a copy of the images ({edition}), so a person decides"
        return replace(found, outcome=Outcome.REVIEW, said=said, code="another-edition")
    return found


def _sentence(settings: Mapping[str, Json], runs: Runs, band: Band | None) -> str:
    by = f"the course's recipe {settings['reference']['recipe_name']!r}" if "reference" in settings else "the recipe"
    mean = " in the mean" if len(runs.counts) > 1 else ""
    said = f"trained by {by}, the network gets {percent(runs.mean)} of the test images right{mean}"
    return said if band is None else f"{said}; the reference gets {band.said}"


def _observed(runs: Runs) -> str:
    counts = ", ".join(f"{count:,}" for count in runs.counts)
    return f"{percent(runs.mean)} in {counted(len(runs.counts), 'run')} ({counts} of {runs.n:,})"


# --- the rubric -------------------------------------------------------------------------------


def _band_problems(rule: Rule, reference: Mapping[str, Json]) -> Iterator[Problem]:
    name = reference["recipe_name"]
    if reference["metric"] != "accuracy":
        what = f"the reference {name!r} makes images, and students' networks are trained to name classes only"
        yield setting_problem(rule, ["reference"], what, "name a reference that classifies, or use `denoising`")
        return
    yield from recipe_problems(rule, reference["recipe"], ("reference",))
    band = band_in(reference)
    if band is None:
        what = f"the band of {name!r} has no runs on {device_class(TRAIN)!r}, where students' networks are trained"
        problem = setting_problem(rule, ["reference"], what, "run `grader reference calibrate` on such a machine")
        yield problem if "at_least" not in rule.settings else _warning("warning-no-band", problem)
    elif len(band.counts) == 1:
        what = f"the band of {name!r} is a single run, which says nothing of what another seed gives"
        problem = setting_problem(rule, ["reference"], what, "calibrate it with 5 runs")
        yield _warning("warning-single-run", problem)


def _budget_problems(rule: Rule, band: Band) -> Iterator[Problem]:
    budget = rule.settings["budget_s"]
    if band.usual.fits(budget):
        return
    what = f"the reference itself takes {band.seconds:.0f} s, and {budget:,} s are given"
    fix = f"give at least {-int(-band.seconds * ROOM // 1):,} s: {ROOM} times as much, for slower machines"
    problem = setting_problem(rule, ["budget_s"], what, fix)
    yield problem if budget < band.seconds else _warning("warning-budget", problem)


def _ramp_problems(rule: Rule, band: Band | None) -> Iterator[Problem]:
    settings = rule.settings
    if "recipe" in settings or isinstance(settings["reference"], Mapping):
        yield from chance_problems(rule, _recipe(settings)["data_set"])
    if "at_least" in settings:
        at_least = share(settings["at_least"])
        if at_least == 0:
            yield setting_problem(rule, ["at_least"], "every model reaches 0", "demand more than 0, such as 0.95")
        limit = at_least
    elif band is not None:
        limit = _exact(expected(band.runs, settings.get("seeds", 1), ONE_IN_20)[0])
    else:
        return
    if "from" in settings and share(settings["from"]) > limit:
        what = f"the ramp would fall: credit begins at {percent(share(settings['from']))}, and all of it is given"
        fix = "let `from` be the lower one"
        yield setting_problem(rule, ["from"], f"{what} from {percent(limit)} on", fix)


def _warning(code: str, problem: Problem) -> Problem:
    return replace(problem, code=code)
