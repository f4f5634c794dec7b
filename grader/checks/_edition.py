"""Was a network counted on the images of the release, or on a copy with other pixels?

A copy costs a network points through no fault of its student, so it may not fail anybody alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from grader.checks._settings import percent
from grader.checks.base import remark
from grader.model import Finding, Json, Outcome, Place

# More than was measured, for the networks that were are small. (2026-11, two networks trained on 20,000 images of
# cifar100_coarse as they are here, counted on 4,000 of its test images as they are and encoded once more: a LeNet of
# 44% loses 0.9 points and an unfinished VGG of 38% 2.1 points at quality 75 with halved chroma, 29 dB as the copy of
# CIFAR-10 has; 0.4 and 1.2 points at quality 85, 34 dB, where the copy of CIFAR-100 has 37.) What a better network
# learns of fine structure it loses again, so these are bounds by choice.
MAY_COST: Final[Mapping[str, Fraction]] = {"cifar10": Fraction(10, 100), "cifar100_coarse": Fraction(3, 100)}
_OF_OTHERS: Final = Fraction(10, 100)


def may_cost(result: Mapping[str, Json], data: str) -> Fraction:
    """What a network that learned from the release may lose on the copy that it was counted on, as a share of 1.

    `result` is that of a predict job. 0 where the images are those of the release.

    >>> may_cost({"edition": "lossy JPEG copy"}, "cifar10"), may_cost({"edition": ""}, "cifar10"), may_cost({}, "mnist")
    (Fraction(1, 10), Fraction(0, 1), Fraction(0, 1))
    """
    return MAY_COST.get(data, _OF_OTHERS) if result.get("edition") else Fraction(0)


def named(result: Mapping[str, Json], data: str) -> str:
    """The copy in words, after "counted on"; empty where there is none.

    >>> named({"edition": "lossy JPEG copy"}, "cifar10")
    'a lossy JPEG copy of cifar10, not the released images'
    """
    return f"a {result['edition']} of {data}, not the released images" if result.get("edition") else ""


def edition_remark(result: Mapping[str, Json], data: str, place: Place) -> Finding | None:
    """What the reader of a count should know of its images; None where they are those of the release."""
    if not result.get("edition"):
        return None
    said = (
        f"counted on {named(result, data)}: who learned from those may lose points here, up to about "
        f"{percent(may_cost(result, data))}"
    )
    return remark(Outcome.PASSED, said, place=place, code="another-edition")
