"""Which of a student's own images count, and what is odd about them?

From the result of an own-images job. The finding that moves points comes first, then remarks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from grader.answers.own_images import class_named
from grader.checks._own_compared import AS_THEY_ARE, INVERTED, Pair, right
from grader.checks._settings import counted
from grader.checks.base import partial, remark, review, shown
from grader.model import Finding, Json, Outcome, Place, Rule

_FLAT: Final = 2.0  # levels of 255, standard deviation: less is a blank page, JPEG's noise included
_MOST_NAMED: Final = 6
_HALF: Final = 127.5


def own_image_findings(rule: Rule, result: Mapping[str, Json], compared: Sequence[Pair]) -> Iterator[Finding]:
    """How many of the images count, and why the others do not; copies of the set's and inverted colours."""
    flaws = {image["path"]: _flaw(rule.settings, image) for image in result["images"]}
    good = [image["path"] for image in result["images"] if flaws[image["path"]] is None]
    wanted = rule.settings.get("at_least", 1)
    credit = min(Fraction(1), Fraction(len(good), wanted))
    is_given = rule.settings.get("given", False)
    said = f"{counted(len(good), 'given image' if is_given else 'image')}{'' if is_given else ' of your own'}"
    said += f" of the {wanted} that are asked" if wanted > 1 else ""
    lacking, is_told = _lacking(rule.settings, result["classes"], compared, set(good))
    if lacking:
        slots = len(rule.settings["classes"]) * rule.settings.get("per_class", 1)
        credit = min(credit, 1 - Fraction(sum(lacking.values()), slots))
        said += "; of " + ", ".join(f"{name!r} {count} more" for name, count in list(lacking.items())[:_MOST_NAMED])
        said += " must be there"
    bad = {path: flaw for path, flaw in flaws.items() if flaw is not None}
    for path, flaw in list(bad.items())[:_MOST_NAMED]:
        said += f"; {shown(path, 60)} {flaw[0]}"
    fix = next((flaw[1] for flaw in bad.values()), "add the images that are missing")
    found = partial(said, max(Fraction(0), credit), fix="" if credit == 1 else fix,
                    code="images" if credit == 1 else "images-missing")  # fmt: skip
    twins = [image for image in result["images"] if image.get("twin") and not is_given]
    if lacking and not is_told and not bad and len(good) >= wanted:
        said = f"{said}; what some of them show is not said by list or name, so that a person looks"
        found = review(said, credit=None, fix="list what each image shows", code="no-truth")
    elif twins and found.credit:
        found = replace(found, outcome=Outcome.REVIEW, said=f"{said}; {_twin_words(twins)}; a person looks",
                        code="not-own", place=Place(twins[0]["path"]))  # fmt: skip
    yield replace(found, weight=Fraction(0)) if is_given and found.outcome is Outcome.PASSED else found
    if result["left_out"]:
        said = f"{counted(result['left_out'], 'further image')} were not looked at"
        yield remark(Outcome.PASSED, said, code="left-out")
    turned = _turned(result, compared)
    if turned is not None:
        yield turned


def _flaw(settings: Mapping[str, Json], image: Mapping[str, Json]) -> tuple[str, str] | None:
    """What stands against counting an image, with its remedy."""
    found = image["found"]
    if found is None:
        return f"cannot be counted: {image['problem']['what']}", image["problem"]["fix"]
    if found["is_blank"] or image["spread"] < _FLAT:
        return "is blank", "draw something on it, and save it anew"
    if image["copy_of"] is not None:
        return f"is the same image as {shown(image['copy_of'], 60)}", "hand in each image once"
    size = settings.get("size")
    if size is not None and [found["width"], found["height"]] != list(size):
        has = f"{found['width']} x {found['height']}"
        return f"has {has} pixels, not {size[0]} x {size[1]}", f"save it as {size[0]} x {size[1]} pixels"
    if settings.get("grey") and not found["is_grey"]:
        return "is coloured, not grey", "turn it into grey: Image.open(path).convert('L').save(path)"
    return None


def _lacking(
    settings: Mapping[str, Json], classes: Sequence[str], compared: Sequence[Pair], good: set[str]
) -> tuple[dict[str, int], bool]:
    """(how many images of which classes are missing, whether of every image it is said what it shows)."""
    ours = [one for one in compared if one.image is not None and one.image["path"] in good]
    have = Counter(one.true for one in ours)
    wanted = settings.get("per_class", 1)
    asked = [class_named(name, classes) or str(name) for name in settings.get("classes", ())]
    made = {name: wanted - have[name] for name in asked if have[name] < wanted}
    return made, all(one.true is not None for one in ours)


def _twin_words(twins: Sequence[Mapping[str, Json]]) -> str:
    words = []
    for image in twins[:_MOST_NAMED]:
        twin = image["twin"]
        inverted = ", colours inverted" if twin["is_inverted"] else ""
        words.append(f"{shown(image['path'], 60)} is image {twin['index']:,} of the {twin['split']} split{inverted}")
    more = f" and {len(twins) - _MOST_NAMED} more" if len(twins) > _MOST_NAMED else ""
    return "not of your own hand: " + ", ".join(words) + more


def _turned(result: Mapping[str, Json], compared: Sequence[Pair]) -> Finding | None:
    """A remark where images are dark on light and the set is light on dark, or the other way round."""
    ground = result["ground"]
    opened = [image for image in result["images"] if image["found"] is not None]
    turned = [image for image in opened if (image["found"]["border"] > _HALF) != (ground > _HALF)]
    if not turned:
        return None
    has, wants = ("light", "dark") if ground < _HALF else ("dark", "light")
    said = (
        f"{len(turned)} of {counted(len(opened), 'image')} are drawn on a {has} ground, and the network was trained on "
        f"a {wants} one"
    )
    shown_as, inverted = (right(compared, mode) for mode in (AS_THEY_ARE, INVERTED))
    if shown_as[1]:
        said += f": it answers {shown_as[0]} of {shown_as[1]} right as they are, {inverted[0]} with colours inverted"
    fix = "invert them before the network gets them: 255 - pixels"
    return remark(Outcome.PARTIAL, said, place=Place(turned[0]["path"]), fix=fix, code="inverted")
