"""What are a denoiser's images worth, in which readings of PSNR, SSIM and MAE, and what do poor ones look like?

From the result of a denoise job alone. A rubric may leave open how a measure is meant; the graded reading is then the
one that the course's own networks are measured by, and the others are at hand for the student's sake.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from grader.checks._confusion import Hint
from grader.checks.base import review
from grader.frozen import dataclass
from grader.model import Finding, Json, Place

Z_95: Final = 1.959963984540054  # the 97.5% point of the standard normal distribution
BEST_DB: Final = 999.0  # what stands for the PSNR of no error at all
SAME: Final = 0.02  # of the clean images' spread: less is none
PASSED_ON: Final = 0.999  # correlation with the noisy image. Honest denoisers: 0.44 to 0.98
# What an honest denoiser may lose, in dB. Measured (2026-11, eleven networks of seven kinds, 500 to 6,000 training
# pairs, 12 draws of 250 images each): on another throw of the noise the lower 99% limit of the loss is at most 0.004,
# on images that were changed and moved 1.4.
ALLOWED_DB: Final[Mapping[str, float]] = {"noise": 0.5, "moved": 5.0}
_CHANGED: Final[Mapping[str, str]] = {
    "noise": "the same images under another throw of the noise",
    "moved": "the same images with other contrast and light, moved by one pixel, under another throw of the noise",
}


@dataclass(frozen=True)
class Measure:
    """A way to say how good images are. `sign` is -1 where less is better.

    `readings` are what it may mean, by name: a key of the scores, and what a rubric says who means it. The first that
    fits the rubric is graded.
    """

    word: str
    unit: str
    places: int
    sign: int
    readings: Mapping[str, tuple[str, Mapping[str, Json]]]


@dataclass(frozen=True)
class Reading:
    """A value with its 95% interval; exact numbers, rounded so that no machine's last bit shows.

    The interval is that of a mean over so many images (normal).
    """

    name: str
    value: Fraction
    low: Fraction
    high: Fraction


def _readings(*ways: tuple[str, str, Mapping[str, Json]]) -> Mapping[str, tuple[str, Mapping[str, Json]]]:
    """Each of these ways as the pixels are, then cut to 0 and 1."""
    return {
        name + ", cut to 0 and 1" * is_cut: (key, {**means, "clip": is_cut})
        for is_cut in (False, True)
        for name, key, means in ways
    }


MEASURES: Final[Mapping[str, Measure]] = {
    "psnr": Measure(
        "PSNR",
        " dB",
        2,
        1,
        _readings(
            ("over all pixels together", "squared", {"psnr_over": "pixels"}),
            ("as the mean over the images", "psnr_db", {"psnr_over": "images"}),
        ),
    ),
    "ssim": Measure(
        "SSIM",
        "",
        4,
        1,
        _readings(
            ("without the border", "ssim", {"ssim_border": "left-out"}),
            ("with mirrored borders", "ssim_bordered", {"ssim_border": "mirrored"}),
        ),
    ),
    "mae": Measure("mean absolute error", "", 4, -1, _readings(("over all pixels", "absolute", {}))),
}


def readings(name: str, result: Mapping[str, Json], settings: Mapping[str, Json]) -> list[Reading]:
    """Every reading of a measure that the rubric's settings leave open; the graded one first."""
    return [
        _reading(said, result["clipped" if means["clip"] else "made"][key], is_psnr=key == "squared")
        for said, (key, means) in MEASURES[name].readings.items()
        if all(settings.get(setting, value) == value for setting, value in means.items())
    ]


def otherwise(name: str, scores: Mapping[str, Json], graded: Reading) -> Reading:
    """The graded reading of these scores."""
    key, _ = MEASURES[name].readings[graded.name]
    return _reading(graded.name, scores[key], is_psnr=key == "squared")


def _reading(name: str, score: Mapping[str, Json] | None, *, is_psnr: bool) -> Reading:
    if score is None:  # an image is met exactly
        return Reading(name, Fraction(BEST_DB), Fraction(BEST_DB), Fraction(BEST_DB))
    mean, error = float(score["mean"]), Z_95 * float(score["error"])
    if is_psnr:
        values = [in_db(mean), in_db(mean + error), in_db(max(0.0, mean - error))]
        return Reading(name, *(_exact(value, 4) for value in values))
    return Reading(name, *(_exact(value, 6) for value in (mean, mean - error, mean + error)))


def in_db(squared: float) -> float:
    """The PSNR of a mean squared error, pixels from 0 to 1; 999 for none.

    >>> in_db(0.01), in_db(0.0)
    (20.0, 999.0)
    """
    return min(BEST_DB, -10 * math.log10(squared)) if squared > 0 else BEST_DB


def _exact(value: float, places: int) -> Fraction:
    return Fraction(f"{value:.{places}f}")


def shown(value: Fraction | float, unit: str, places: int) -> str:
    """A value with its unit.

    >>> shown(Fraction(3546, 200), " dB", 2), shown(999, " dB", 2)
    ('17.73 dB', 'no error at all')
    """
    return "no error at all" if unit == " dB" and value >= BEST_DB else f"{float(value):.{places}f}{unit}"


# --- what poor images look like ------------------------------------------------------------------------


def meant_otherwise(result: Mapping[str, Json]) -> tuple[Mapping[str, Json] | None, Hint] | None:
    """Images of a denoiser that are none as they are: on another scale, or the noise in the place of the image.

    Their scores when they are taken so, where that is known, and what to say. None where they are no such images: read
    in the other way, half of the squared error must be gone, and a fifth less be left than of the noisy images
    themselves after the best scale and offset.
    """
    most = min(0.5 * result["made"]["squared"]["mean"], 0.8 * result["noisy_fitted"])
    taken = result["taken_away"]
    if taken is not None and taken["squared"]["mean"] < min(most, result["fitted"]):
        left = in_db(taken["squared"]["mean"])
        said = f"as if what comes out were the noise: taken away from the noisy image, {left:.2f} dB"
        return taken, Hint(said, "let forward return the image without the noise: images - noise", "noise-itself")
    if result["fitted"] >= most:
        return None
    fix = "let the network give 0 for black and 1 for white, as the clean images are"
    code = "inverted" if result["scale"] < 0 else "other-scale"
    known = result["rescaled"]
    if known is not None and known["squared"]["mean"] < 1.25 * result["fitted"]:  # within 1 dB of the best of all
        said = f"as if the pixels were {known['name']}: put on 0 to 1, {in_db(known['squared']['mean']):.2f} dB"
        return known, Hint(said, fix, code)
    line = f"{result['scale']:.4g} * y {'+' if result['offset'] >= 0 else '-'} {abs(result['offset']):.4g}"
    said = f"on another scale the images are better ({line}: {in_db(result['fitted']):.2f} dB)"
    return None, Hint(said, fix, code)


def hint(result: Mapping[str, Json]) -> Hint:
    """The nearest reason why the images are poor, with its remedy."""
    squared = result["made"]["squared"]["mean"]
    fitted = in_db(result["noisy_fitted"])
    if result["between"] < SAME:
        fix = "look for layers that are dead: a learning rate too high, or a final activation that holds at one value"
        return Hint("the same image comes out whatever goes in", fix, "constant-image")
    if result["within"] < SAME:
        fix = "let forward return an image; a mean over its pixels is none"
        return Hint("each image that comes out is of one grey", fix, "flat-images")
    if abs(result["like_input"]) > PASSED_ON:
        itself = "itself" if result["like_input"] > 0 else "inverted"
        said = f"what comes out is the noisy image {itself} (correlation {result['like_input']:.4f})"
        return Hint(said, "return what the network makes of it, and train it on pairs of a noisy and a clean image",
                    "no-denoising")  # fmt: skip
    meant = meant_otherwise(result)
    if meant is not None:
        return meant[1]
    if squared >= result["noisy"]["squared"]["mean"]:
        said = f"the noisy images themselves are no worse ({in_db(result['noisy']['squared']['mean']):.2f} dB)"
        return Hint(said, "train on pairs of a noisy and a clean image, with pixels from 0 to 1", "no-better")
    if squared >= result["noisy_fitted"]:
        said = f"the noisy images themselves, a little darker and of less contrast, have {fitted:.2f} dB"
        return Hint(said, "train longer, or change the recipe or the network", "no-better")
    return Hint("", "train longer, or change the recipe or the network", "below-demand")


# --- what lets a person doubt them ---------------------------------------------------------------------


def by_heart(result: Mapping[str, Json], place: Place) -> Iterator[Finding]:
    """A finding where the network does far worse on noise that it cannot have seen: as if it knew the test images."""
    for kind, allowed in ALLOWED_DB.items():
        seen = (result.get("again") or {}).get(kind)
        if not seen or seen["lower"] <= 10 ** (allowed / 10):
            continue
        before, after = (shown(in_db(seen[word]), " dB", 2) for word in ("before", "after"))
        refused = f", {seen['unanswered']} of them without an answer" if seen["unanswered"] else ""
        said = (
            f"of {seen['n']:,} test images the network makes {before}, and of {_CHANGED[kind]} {after}{refused}: more "
            f"than the {allowed:g} dB that an honest denoiser may lose, as if it knew the test images by heart; "
            "a person looks"
        )
        fix = "train on the training pairs alone, and use the test pairs for nothing but measuring"
        yield review(said, place=place, fix=fix, code="learned-by-heart")
        return


def unlike_itself(result: Mapping[str, Json]) -> Finding:
    """The finding for images that depend on what else is in the batch, or on chance."""
    repeated, changed = result["repeated"], result["changed"]
    seen = f"of {repeated} noisy images that were shown again, in other company, {changed or 'all'} came out otherwise"
    if result["unanswered"] > repeated:
        seen = (
            f"{result['unanswered']} images got no answer when shown again, few at a time ({result['why_unanswered']})"
        )
    said = f"{seen}: what comes out depends on the batch or on chance, so that it cannot be measured; a person looks"
    fix = "let an image depend on its noisy image alone: eval() must switch dropout and batch statistics off"
    return review(said, fix=fix, code="not-repeatable")
