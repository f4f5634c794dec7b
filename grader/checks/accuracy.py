"""How good is the student's checkpoint on a data set, by our own count?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

from grader.checks._binomial import is_within_wilson, wilson_interval
from grader.checks._cheating import doubts, remarks
from grader.checks._confusion import Hint, hint
from grader.checks._data import chance_problems, data_problems
from grader.checks._edition import edition_remark, may_cost, named
from grader.checks._settings import MODEL, REFERENCE, percent, share, share_schema
from grader.checks.base import Check, fault, missing, partial, register, review
from grader.evidence.jobs import checkpoint_job, embedded_job, missing_files, predict_job
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission


@register
class Accuracy(Check):
    """Compares the accuracy of the student's checkpoint, counted by the grader, with what the assignment demands.

    What it looks at: the student's model with the student's weights answers every image of a split. The labels
    never meet the student's code; the grader counts. The same files give the same count on every machine.

    Credit: all of it from `at_least` on, the threshold included. With `from`, the credit rises in a straight line
    from nothing at `from` to everything at `at_least`; without it there is a step. All of it is exact: 9,400 of
    10,000 is 94%. With `round_to: 0.01` an accuracy is rounded (halves up) before it is compared, as a student
    would who reports two digits: 93.5% then reaches a demanded 94%.

    Borderline: an accuracy is measured on a finite set. Where the demand lies within the 95% interval (Wilson's) of
    what was measured, another set of the same size might have decided otherwise. `borderline: review` (the default)
    then lets a person decide, and proposes the credit of the measured value; `pass` gives full credit;
    `strict` takes the measured value as it is. The interval narrows with the size of the set: at 95% it reaches
    0.4 points to each side for 10,000 images, 2.3 points for 360: on a small set set the demand well below
    what the reference reaches, or use `strict`.

    A model that fails is looked at: one class for every image, classes answered under each other's numbers, and
    accuracies no better than guessing are named, for each has its own remedy.

    Doubts: some images are shown to a fresh copy of the network again, in small batches and one by one, and some with
    a little other contrast, light and noise or moved by a pixel. Where an image's answer depends on its company, where
    the network loses far more on the changed images than an honest one or the reference (`reference_drop`) does, and
    where the test images stand in the checkpoint, the points wait for a person. Functions of torch that were replaced,
    tensors that change while it answers, many numbers in buffers and data in the code are remarks for that person.

    Other images: where the machine has a copy of the set with other pixels than the release (CIFAR as lossy JPEG), a
    remark says so. A network that learned from the release loses points on the copy, so a demand that is reached stays
    reached, and the points of a miss that the copy alone could explain wait for a person. Where the students were given
    that copy, `other_edition: strict` takes the count as it is.

    Not covered: whether the student claims the same number (check `claim`), whether the model was trained on the
    test set in the usual way, by steps, and how it was trained.

        - check: accuracy
          model: cnn
          data: mnist
          split: test
          at_least: 0.95
          from: 0.90
    """

    name: ClassVar[str] = "accuracy"
    uses_model: ClassVar[bool] = True
    uses_reference: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["model", "data", "split", "at_least"],
        "properties": {
            "model": MODEL,
            "data": {
                "type": "string",
                "minLength": 1,
                "description": "the image set, such as mnist; see `grader data list`",
            },
            "split": {
                "type": "string",
                "minLength": 1,
                "description": "the part of the set that is asked, such as test",
            },
            "at_least": share_schema("the accuracy that earns all the credit"),
            "from": share_schema("the accuracy from which credit begins to rise; left out: a step at `at_least`"),
            "reference": REFERENCE,
            "round_to": share_schema("the step to which an accuracy is rounded before it is compared"),
            "borderline": {
                "enum": ["review", "pass", "strict"],
                "default": "review",
                "description": "what happens where the demand lies within the interval of the measured accuracy: "
                "a person decides, it counts as reached, or the measured value decides",
            },
            "other_edition": {
                "enum": ["review", "strict"],
                "default": "review",
                "description": "what becomes of a miss that the copy of the images that is here could explain, which "
                "is not the release: a person decides, or the measured value does",
            },
            "reference_drop": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "light": share_schema("its loss where contrast, light and noise are a little different"),
                    "moved": share_schema("its loss where the images are moved by one pixel as well"),
                },
                "description": "what the assignment's reference loses on mildly changed test images; left out: what "
                "networks of all kinds lose",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """A ramp that falls, a demand or a step of nothing, images that are not there."""
        at_least = share(rule.settings["at_least"])
        start = share(rule.settings.get("from", rule.settings["at_least"]))
        if at_least == 0:
            yield _problem(rule, "at_least", "every model reaches 0", "demand more than 0, such as 0.95")
        if start > at_least:
            yield _problem(
                rule,
                "from",
                f"credit would begin at {percent(start)}, above the {percent(at_least)} that earn all of it",
                "let `from` be at most `at_least`",
            )
        if "round_to" in rule.settings and share(rule.settings["round_to"]) == 0:
            yield _problem(rule, "round_to", "nothing can be rounded to steps of 0", "write a step such as 0.01")
        yield from data_problems(rule, rule.settings["data"], rule.settings["split"])
        yield from chance_problems(rule, rule.settings["data"])

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The predictions, where code and checkpoint are there; and what else the files hold."""
        if not missing_files(submission, rule.settings["model"]):
            yield _job(rule, submission)
            yield embedded_job(submission)
            yield checkpoint_job(submission, rule.settings["model"]["checkpoint"])

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """The count, its interval and the demand; then what lets a person doubt it."""
        settings, model = rule.settings, rule.settings["model"]
        absent = missing_files(submission, model)
        if absent:
            yield missing(absent)
            return
        made = evidence[_job(rule, submission)]
        broken = fault(made)
        place = Place(model["checkpoint"])
        found = broken or _as_if_released(_judged(settings, made.result, place), settings, made.result)
        waits = [] if broken else list(doubts(made.result, settings.get("reference_drop", {}), Place(model["code"])))
        if waits and found.credit != 0:  # what has earned nothing waits for nobody
            found = replace(found, weight=Fraction(0))
        elif waits:
            waits = [replace(finding, weight=Fraction(0)) for finding in waits]
        yield found
        yield from waits
        if made.is_done:
            edition = edition_remark(made.result, settings["data"], place)
            if edition is not None:
                yield edition
            source = evidence.get(embedded_job(submission))
            checkpoint = evidence.get(checkpoint_job(submission, model["checkpoint"]))
            yield from remarks(made.result, source, checkpoint, Place(model["code"]))


def _job(rule: Rule, submission: Submission) -> Job:
    return predict_job(submission, rule.settings["model"], data=rule.settings["data"], split=rule.settings["split"])


def _problem(rule: Rule, setting: str, what: str, fix: str) -> Problem:
    return Problem("setting", str(rule.place.child(setting)), what, fix)


def _judged(settings: Mapping[str, Json], result: Mapping[str, Json], place: Place) -> Finding:
    correct, n = int(result["correct"]), int(result["n"])
    at_least = share(settings["at_least"])
    start = share(settings.get("from", settings["at_least"]))
    step = share(settings["round_to"]) if "round_to" in settings else None
    measured = Fraction(correct, n)
    credit = ramp(rounded_to(measured, step), start, at_least)
    said = _sentence(correct, n, at_least)
    details: dict[str, Json] = {
        "expected": f"at least {percent(at_least, 10)}" + (f", rounded to {percent(step, 10)}" if step else ""),
        "observed": f"{_shown(measured, at_least)} ({correct:,} of {n:,})",
        "place": place,
    }
    if is_within_wilson(least_that_passes(at_least, step), correct, n):
        borderline = settings.get("borderline", "review")
        if borderline == "review":
            return review(
                f"{said}: the interval holds the demand, so a person decides",
                credit=credit,
                **details,
                code="borderline",
            )
        if borderline == "pass":
            return partial(f"{said}: within the interval, counted as reached", Fraction(1), **details, code="reached")
    if credit == 1:
        return partial(said, credit, **details, code="reached")
    why = hint(result["confusion"], result["classes"])
    return _below(said, credit, why, details)


def _as_if_released(found: Finding, settings: Mapping[str, Json], result: Mapping[str, Json]) -> Finding:
    """`found`; or one for a person, where the images are a copy and the released ones might have earned more."""
    cost = may_cost(result, settings["data"])
    is_strict = settings.get("other_edition", "review") == "strict"
    if not cost or is_strict or found.credit is None or found.outcome is Outcome.REVIEW:
        return found
    at_least = share(settings["at_least"])
    step = share(settings["round_to"]) if "round_to" in settings else None
    best = min(Fraction(1), Fraction(int(result["correct"]), int(result["n"])) + cost)
    if ramp(rounded_to(best, step), share(settings.get("from", settings["at_least"])), at_least) <= found.credit:
        return found
    said = f"{found.said}; it was counted on {named(result, settings['data'])}, which may explain it: a person decides"
    return replace(found, outcome=Outcome.REVIEW, credit=None, said=said, code="another-edition")


def _below(said: str, credit: Fraction, why: Hint | None, details: Mapping[str, Json]) -> Finding:
    if why is None:
        return partial(
            said, credit, **details, fix="train longer, or change the recipe or the network", code="below-demand"
        )
    return partial(f"{said}; {why.said}", credit, **details, fix=why.fix, code=why.code)


def ramp(accuracy: Fraction, start: Fraction, at_least: Fraction) -> Fraction:
    """The credit of an accuracy: 0 at `start` and below, 1 from `at_least` on, a straight line between.

    Units:   fractions of 1

    >>> [str(ramp(Fraction(a, 100), Fraction("0.9"), Fraction("0.95"))) for a in (89, 90, 92, 95, 99)]
    ['0', '0', '2/5', '1', '1']
    """
    if accuracy >= at_least:
        return Fraction(1)
    if accuracy <= start:
        return Fraction(0)
    return (accuracy - start) / (at_least - start)


def rounded_to(accuracy: Fraction, step: Fraction | None) -> Fraction:
    """`accuracy` to the nearest multiple of `step`, halves up.

    >>> rounded_to(Fraction("0.935"), Fraction("0.01")), rounded_to(Fraction("0.9349"), Fraction("0.01"))
    (Fraction(47, 50), Fraction(93, 100))
    """
    return accuracy if step is None else (accuracy / step + Fraction(1, 2)).__floor__() * step


def least_that_passes(at_least: Fraction, step: Fraction | None) -> Fraction:
    """The smallest accuracy that is `at_least` after rounding.

    >>> least_that_passes(Fraction("0.94"), Fraction("0.01")), least_that_passes(Fraction("0.94"), None)
    (Fraction(187, 200), Fraction(47, 50))
    """
    return at_least if step is None else ((at_least / step).__ceil__() - Fraction(1, 2)) * step


def _sentence(correct: int, n: int, at_least: Fraction) -> str:
    low, high = wilson_interval(correct, n)
    bounds = f"{100 * low:.2f} to {100 * high:.2f}"
    return (
        f"{correct:,} of {n:,} right ({_shown(Fraction(correct, n), at_least)}, 95% interval {bounds}); "
        f"{percent(at_least, 10)} was asked"
    )


def _shown(measured: Fraction, at_least: Fraction) -> str:
    """In percent with two digits, or as many as it takes not to look like the demand that was missed."""
    places = 2
    while places < 10 and measured != at_least and percent(measured, places) == percent(at_least, places):
        places += 1
    return percent(measured, places)
