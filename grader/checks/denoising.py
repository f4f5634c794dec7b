"""How much noise does the student's network take away, by our own measure?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, Final

from grader.checks._cheating import doubts, remarks
from grader.checks._data import data_problems
from grader.checks._denoised import (
    MEASURES,
    Measure,
    Reading,
    by_heart,
    hint,
    in_db,
    meant_otherwise,
    otherwise,
    readings,
    shown,
    unlike_itself,
)
from grader.checks._lint import setting_problem
from grader.checks._settings import MODEL, counted
from grader.checks.accuracy import ramp
from grader.checks.base import Check, fault, missing, partial, register, remark, review
from grader.course.bands import band_on
from grader.datasets import names, source
from grader.evidence.jobs import DENOISE, checkpoint_job, denoise_job, embedded_job, missing_files
from grader.evidence.kinds import device_class
from grader.frozen import dataclass
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission

_DB: Final[Mapping[str, Json]] = {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
_SHARE: Final[Mapping[str, Json]] = {"type": "number", "minimum": 0, "maximum": 1}
_OF_PSNR: Final = "below_reference_db"


@register
class Denoising(Check):
    """Measures the images that the student's denoiser makes of noisy ones: PSNR, SSIM and mean absolute error.

    What it looks at: the student's model with the student's weights turns every noisy image of a split into an image.
    The clean images never meet the student's code; the grader compares. Of `noisy_fashion_mnist` the network gets what
    the sheet calls the noisy image, a pixel plus its noise, from 0 to 2; so does the student's `preprocess(images)`,
    where there is one. What is wanted are the clean pixels, from 0 to 1.

    The measures, of pixels from 0 to 1 (data range 1), in float64:

    - PSNR, in dB: 10 log10(1 / MSE), with the mean squared error over all pixels of all images together, as the
      reference networks are measured. The mean over the images of each one's PSNR is a larger number;
      `psnr_over: images` grades that one.
    - SSIM: Wang, Bovik, Sheikh and Simoncelli (2004), with a Gaussian window of 11 x 11 pixels, sigma 1.5, K1 0.01, K2
      0.03, the mean over all places where the window lies within the image and over the images, as their own code and
      scikit-image have it. torchmetrics mirrors the image at its border and counts the border too:
      `ssim_border: mirrored` grades that one. On images of 28 x 28 pixels the two differ by up to 0.1.
    - The mean absolute error over all pixels.

    Nothing is cut off: a pixel of 1.2 where 1 is wanted is off by 0.2. The reference networks end in a convolution, and
    their loss and their band see such pixels too. `clip: true` cuts what the network gives to 0 and 1 before it is
    measured.

    Credit: each demand (`psnr_at_least`, `ssim_at_least`, `mae_at_most`, `below_reference_db`) is an equal share of the
    rule. It earns all of that from the demand on, the demand included. With `psnr_from`, `ssim_from`, `mae_from` the
    credit rises in a straight line from nothing there; without, there is a step. With `reference`, the report says how
    the network stands to the measured band of that recipe; `below_reference_db: 0.5` demands no less than half a dB
    below its worst run.

    Borderline: where the demand lies within the 95% interval of what was measured, another set of the same size might
    have decided otherwise. Where it lies between the graded number and a larger one that the student may have meant,
    for the rubric says nothing of `psnr_over`, `ssim_border` or `clip`, neither is wrong. `borderline: review` (the
    default) then lets a person decide, and proposes the credit of the graded number; `pass` gives full credit;
    `strict` takes the graded number as it is.

    Images that miss a demand are looked at: the same image whatever comes in, the noisy image itself, no better than
    the noisy image. Images on another scale (0 to 255, -1 to 1, inverted), and the noise in the place of the image,
    wait for a person, with the credit that they would earn as images; `other_scale: strict` takes them as they are. A
    network that gives -1 for black by the sheet's own wish is told by `output_range: [-1, 1]`.

    Doubts: some images are shown to a fresh copy of the network again, in small batches and one by one, and some clean
    images get another throw of the noise, a part of them changed and moved by a pixel before. Where an image depends on
    its company, where the network does far worse on noise that it cannot have seen, and where the noisy or the clean
    test images stand in the checkpoint, the points wait for a person.

    Not covered: whether the student claims the same number, how the images look to an eye, and how it was trained.

        - check: denoising
          model: denoiser
          data: noisy_fashion_mnist
          split: test
          psnr_at_least: 17
          psnr_from: 13
    """

    name: ClassVar[str] = "denoising"
    uses_model: ClassVar[bool] = True
    uses_reference: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["model", "data", "split"],
        "properties": {
            "model": MODEL,
            "data": {
                "type": "string",
                "minLength": 1,
                "description": "a set of noisy images with clean ones, such as noisy_fashion_mnist",
            },
            "split": {"type": "string", "minLength": 1, "description": "the part of the set, such as test"},
            "psnr_at_least": {**_DB, "description": "the PSNR in dB that earns all the credit"},
            "psnr_from": {**_DB, "description": "the PSNR in dB from which credit begins to rise; left out: a step"},
            "ssim_at_least": {**_SHARE, "description": "the SSIM that earns all the credit"},
            "ssim_from": {**_SHARE, "description": "the SSIM from which credit begins to rise; left out: a step"},
            "mae_at_most": {**_SHARE, "description": "the mean absolute error that earns all the credit"},
            "mae_from": {**_SHARE, "description": "the mean absolute error below which credit begins to rise"},
            "reference": {
                "type": ["string", "object"],
                "description": "the recipe of a reference denoiser whose measured band is shown, or ASSIGNMENT/RECIPE",
            },
            _OF_PSNR: {
                "type": "number",
                "minimum": 0,
                "maximum": 100,
                "description": "how far below the worst run of `reference` the PSNR may be, in dB, for all the credit",
            },
            "psnr_over": {
                "enum": ["pixels", "images"],
                "description": "PSNR of all pixels together, or the mean of each image's; left out: of the pixels, and "
                "a person decides where it matters",
            },
            "ssim_border": {
                "enum": ["left-out", "mirrored"],
                "description": "SSIM where its window lies within the image, or everywhere with the image mirrored; "
                "left out: within the image, and a person decides where it matters",
            },
            "clip": {
                "type": "boolean",
                "description": "whether pixels are cut to 0 and 1; left out: they are not, and a person decides where "
                "it matters",
            },
            "output_range": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "default": [0, 1],
                "description": "what the network gives for black and for white",
            },
            "other_scale": {
                "enum": ["review", "strict"],
                "default": "review",
                "description": "what becomes of images that are good on another scale, and of the noise itself: a "
                "person decides, or they are taken as they are",
            },
            "borderline": {
                "enum": ["review", "pass", "strict"],
                "default": "review",
                "description": "what happens where the demand lies within the interval of what was measured, or "
                "between two readings of it: a person decides, it counts as reached, or the graded number decides",
            },
        },
    }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """No demand, a ramp that falls, a band of something else, images without clean ones."""
        settings = rule.settings
        if not any(name in settings for name in (*_DEMANDS.values(), _OF_PSNR)):
            fix = "add psnr_at_least, ssim_at_least, mae_at_most or below_reference_db"
            yield setting_problem(rule, [], "nothing is demanded of the images", fix)
        for name, key in _DEMANDS.items():
            start = f"{name}_from"
            if start in settings and key not in settings and not (name == "psnr" and _OF_PSNR in settings):
                yield setting_problem(rule, [start], f"there is no {key} to which the credit rises", f"add {key}")
            elif start in settings and MEASURES[name].sign * (settings.get(key, 100) - settings[start]) < 0:
                what = f"credit would begin at {settings[start]}, beyond the {settings[key]} that earn all of it"
                yield setting_problem(rule, [start], what, f"let {start} be worse than {key}")
        yield from _reference_problems(rule)
        low, high = settings.get("output_range", (0, 1))
        if low == high:
            yield setting_problem(rule, ["output_range"], "black and white are one number", "write such as [-1, 1]")
        yield from data_problems(rule, settings["data"], settings["split"])
        if settings["data"] in names() and not source(settings["data"]).targets:
            noisy = ", ".join(name for name in names() if source(name).targets)
            what = f"the set {settings['data']!r} has no clean images to compare with"
            yield setting_problem(rule, ["data"], what, f"name one that has: {noisy}")

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The images that the network makes, where code and checkpoint are there; and what else the files hold."""
        if not missing_files(submission, rule.settings["model"]):
            yield _job(rule, submission)
            yield embedded_job(submission)
            yield checkpoint_job(submission, rule.settings["model"]["checkpoint"])

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """Each demand with what was measured; then what lets a person doubt it; then all the numbers."""
        settings, model = rule.settings, rule.settings["model"]
        absent = missing_files(submission, model)
        if absent:
            yield missing(absent)
            return
        made = evidence[_job(rule, submission)]
        result, code = made.result, Place(model["code"])
        broken = None if made.is_done else fault(made)
        if made.is_done and not result["is_repeatable"]:
            broken = unlike_itself(result)
        if broken is not None:
            yield broken
        else:
            found = [_judged(demand, settings, result, Place(model["checkpoint"])) for demand in _demands(settings)]
            waits = [*doubts(result, {}, code), *by_heart(result, code)]
            if waits and any(finding.credit != 0 for finding in found):  # what has earned nothing waits for nobody
                found = [replace(finding, weight=Fraction(0)) for finding in found]
            else:
                waits = [replace(finding, weight=Fraction(0)) for finding in waits]
            yield from found
            yield from waits
        if made.is_done:
            yield from _told(settings, result)
            source_job, tensors_job = embedded_job(submission), checkpoint_job(submission, model["checkpoint"])
            yield from remarks(result, evidence.get(source_job), evidence.get(tensors_job), code)


_DEMANDS: Final = {"psnr": "psnr_at_least", "ssim": "ssim_at_least", "mae": "mae_at_most"}


@dataclass(frozen=True)
class _Demand:
    """What is asked of a measure: all the credit from `most` on, none up to `least`."""

    name: str
    most: Fraction
    least: Fraction
    of_reference: str = ""

    @property
    def measure(self) -> Measure:
        return MEASURES[self.name]

    @property
    def said(self) -> str:
        word = "at least" if self.measure.sign > 0 else "at most"
        return f"{word} {float(self.most):g}{self.measure.unit}{self.of_reference}"

    def credit(self, value: Fraction) -> Fraction:
        sign = self.measure.sign
        return ramp(sign * value, sign * self.least, sign * self.most)

    def is_met(self, value: Fraction) -> bool:
        return self.measure.sign * (value - self.most) >= 0

    def is_within(self, reading: Reading) -> bool:
        return reading.low <= self.most <= reading.high


def _demands(settings: Mapping[str, Json]) -> Iterator[_Demand]:
    for name, key in _DEMANDS.items():
        if key in settings:
            most = Fraction(str(settings[key]))
            yield _Demand(name, most, Fraction(str(settings.get(f"{name}_from", settings[key]))))
    if _OF_PSNR in settings:
        below, worst = settings[_OF_PSNR], Fraction(f"{_band(settings)['min']:.4f}")
        most = worst - Fraction(str(below))
        start = min(most, Fraction(str(settings.get("psnr_from", float(most)))))
        yield _Demand("psnr", most, start, f" ({below:g} dB below the worst run of the reference)")


def _judged(demand: _Demand, settings: Mapping[str, Json], result: Mapping[str, Json], place: Place) -> Finding:
    measure = demand.measure
    # A band is of all pixels as they are, whatever else the rubric asks.
    meant_as = {"psnr_over": "pixels", "clip": False} if demand.of_reference else settings
    graded, *others = readings(demand.name, result, meant_as)
    credit = demand.credit(graded.value)
    low, high = (f"{float(value):.{measure.places}f}" for value in (graded.low, graded.high))
    number = shown(graded.value, measure.unit, _places(graded.value, demand))
    said = f"{measure.word} {number} {graded.name} (95% interval {low} to {high}); {demand.said} was asked"
    details: dict[str, Json] = {"expected": demand.said, "observed": number, "place": place}
    reason = hint(result)
    other = meant_otherwise(result) if settings.get("other_scale", "review") == "review" else None
    if credit < 1 and other is not None:
        proposed = None if other[0] is None else demand.credit(otherwise(demand.name, other[0], graded).value)
        if proposed is None or proposed > credit:
            said = f"{said}; {reason.said}; a person decides"
            return review(said, credit=proposed, **details, fix=reason.fix, code=reason.code)
    meant = next((other for other in others if demand.is_met(other.value)), None)
    between = ""
    if demand.is_within(graded):
        between = "the interval holds the demand"
    elif not demand.is_met(graded.value) and meant is not None:
        between = f"{meant.name} it is {shown(meant.value, measure.unit, measure.places)}"
    borderline = settings.get("borderline", "review")
    if between and borderline == "review":
        return review(f"{said}: {between}, so a person decides", credit=credit, **details, code="borderline")
    if credit == 1 or (between and borderline == "pass"):
        said += f": {between}, counted as reached" if credit < 1 else ""
        return partial(said, Fraction(1), **details, code="reached")
    return partial(said + ("; " + reason.said if reason.said else ""), credit, **details,
                   fix=reason.fix, code=reason.code)  # fmt: skip


def _places(value: Fraction, demand: _Demand) -> int:
    """So many digits that a number does not look like the demand that it missed."""
    places = demand.measure.places
    while places < 6 and value != demand.most and f"{float(value):.{places}f}" == f"{float(demand.most):.{places}f}":
        places += 1
    return places


def _told(settings: Mapping[str, Json], result: Mapping[str, Json]) -> Iterator[Finding]:
    """All numbers once, beside those of the noisy images; and how the reference does. Moves no point."""
    said, demanded = [], {demand.name for demand in _demands(settings)}
    for name, measure in MEASURES.items():
        listed = [
            f"{shown(one.value, measure.unit, measure.places)} {one.name}"
            for one in readings(name, result, {} if name in demanded else settings)
        ]
        said.append(f"{measure.word} {', '.join(listed if name in demanded else listed[:1])}")
    noisy = result["noisy"]
    said.append(
        f"the noisy images themselves: {in_db(noisy['squared']['mean']):.2f} dB, SSIM {noisy['ssim']['mean']:.4f}, "
        f"mean absolute error {noisy['absolute']['mean']:.4f}, and {in_db(result['noisy_fitted']):.2f} dB after the "
        "best scale and offset"
    )
    yield remark(Outcome.PASSED, f"{counted(result['n'], 'image')}: " + "; ".join(said), code="measured")
    if isinstance(settings.get("reference"), Mapping):
        yield remark(Outcome.PASSED, _standing(settings, result), code="reference")


def _standing(settings: Mapping[str, Json], result: Mapping[str, Json]) -> str:
    band, own = _band(settings), in_db(result["made"]["squared"]["mean"])
    low, high = band["min"], band["max"]
    where = "within its runs"
    if own < low:
        where = f"{low - own:.2f} dB below the worst of them"
    elif own > high:
        where = f"{own - high:.2f} dB above the best of them"
    name, runs = settings["reference"]["recipe_name"], counted(len(band["runs"]), "run")
    return (
        f"the reference {name!r} has {low:.2f} to {high:.2f} dB in {runs} on {band['device']}: {own:.2f} dB is {where}"
    )


def _band(settings: Mapping[str, Json]) -> Mapping[str, Json]:
    return band_on(settings["reference"], device_class(DENOISE))


def _reference_problems(rule: Rule) -> Iterator[Problem]:
    settings = rule.settings
    document = settings.get("reference")
    if _OF_PSNR in settings and "psnr_at_least" in settings:
        what = "the PSNR is demanded twice: by psnr_at_least and by below_reference_db"
        yield setting_problem(rule, [_OF_PSNR], what, "leave one of them out")
    if document is None:
        if _OF_PSNR in settings:
            what = "there is no `reference` below whose runs a PSNR could be"
            yield setting_problem(rule, [_OF_PSNR], what, "add reference: RECIPE")
        return
    if not isinstance(document, Mapping):
        return
    if document["metric"] != "psnr_db":
        what = f"the band of {document['recipe_name']!r} is one of {document['metric']}, not of PSNR"
        yield setting_problem(rule, ["reference"], what, "name the recipe of a denoiser")
        return
    if document["recipe"]["data_set"] != settings["data"]:
        what = f"{document['recipe_name']!r} was measured on {document['recipe']['data_set']!r}"
        yield setting_problem(rule, ["reference"], what, f"name a recipe for {settings['data']!r}")
    worst = _band(settings)["min"]
    if settings.get("psnr_at_least", 0) > worst:
        place = str(rule.place.child("psnr_at_least"))
        what = (
            f"the worst run of the reference has {worst:.2f} dB, less than the {settings['psnr_at_least']:g} demanded"
        )
        yield Problem("warning-too-hard", place, what, "demand less, or train the reference longer")


def _job(rule: Rule, submission: Submission) -> Job:
    asked = rule.settings
    range_ = asked.get("output_range", (0, 1))
    return denoise_job(submission, asked["model"], data=asked["data"], split=asked["split"], output_range=range_)
