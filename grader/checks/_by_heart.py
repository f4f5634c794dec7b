"""Did a network learn, or does it know the test images by heart? What it loses on mildly changed ones tells.

Measured (2026-11, `grader.datasets.mild`, 77 networks trained honestly: linear, fully connected, LeNet, three other
convolutional nets and one with BatchNorm and dropout, on digits, MNIST and Fashion-MNIST, several seeds, 6,000 and
60,000 images, with and without augmentation; 360 and 4,000 test images): other contrast, light and noise cost
0.0 points in the median and 0.8 at most; a move by one pixel besides 2.8 in the median, 7.5 at most of a
convolutional net, 10.5 of a fully connected one and 11.7 of a linear one. A table of images loses 80 and more. Drawn
as a job draws them, 250 of each kind, 20 times a network: of 1,540 draws none is told, and the lower limits that are
held against what is allowed were at most -0.002 and 0.112.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import sqrt
from typing import Final

from grader.checks._settings import percent, share
from grader.model import Json

Z_99: Final = 2.3263478740408408  # the 99% point of the standard normal distribution
# What an honest network may lose, in all and beyond what the reference loses: well over the most that was measured.
ALLOWED: Final = {"light": Fraction(2, 100), "moved": Fraction(20, 100)}
BEYOND_REFERENCE: Final = {"light": Fraction(2, 100), "moved": Fraction(15, 100)}
_CHANGED: Final = {
    "light": "other contrast, light and noise",
    "moved": "other contrast, light and noise, moved by one pixel",
}


def by_heart(altered: Mapping[str, Json], reference: Mapping[str, Json]) -> str | None:
    """What speaks for a test set learned by heart, as a sentence; None where nothing does.

    `altered` is the result of a predict job: by kind n, before, after, lost, gained. `reference` gives what the
    assignment's reference loses, as shares by kind, as far as that is known.
    A loss counts where its lower 99% limit is over what is allowed.

    >>> table = {"n": 250, "before": 249, "after": 31, "lost": 219, "gained": 1}
    >>> by_heart({"light": table}, {}).partition(":")[0]
    'of 250 test images with other contrast, light and noise 31 are right, and 249 of the same ones as they are'
    >>> by_heart({"light": table | {"after": 247, "lost": 3, "gained": 1}}, {})
    """
    for kind, allowed in ALLOWED.items():
        counts = altered.get(kind)
        if not counts or not counts["n"]:
            continue
        known = share(reference[kind]) if kind in reference else None
        most = allowed if known is None else known + BEYOND_REFERENCE[kind]
        if lower_limit(counts["lost"], counts["gained"], counts["n"]) > most:
            return _said(kind, counts, known, most)
    return None


def _said(kind: str, counts: Mapping[str, Json], known: Fraction | None, most: Fraction) -> str:
    n, lost = counts["n"], Fraction(counts["before"] - counts["after"], counts["n"])
    usual = "an honest network" if known is None else f"the reference loses {percent(known)}, and an honest network"
    return (
        f"of {n:,} test images with {_CHANGED[kind]} {counts['after']:,} are right, and {counts['before']:,} of the "
        f"same ones as they are: the network loses {percent(lost)} by a change that nobody would notice ({usual} "
        f"at most {percent(most)}), as if it knew the test images by heart"
    )


def lower_limit(lost: int, gained: int, n: int) -> float:
    """The lower 99% limit (one-sided) of a loss that was counted on the same n images before and after.

    Units:   share of 1; below 0 where more may have been gained
    Source:  D. G. Bonett and R. M. Price, Adjusted Wald confidence interval for a difference of binomial proportions
             based on paired data (2012)

    >>> round(lower_limit(20, 0, 250), 3), round(lower_limit(0, 0, 250), 3)
    (0.038, -0.013)
    """
    down, up = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    return down - up - Z_99 * sqrt((down + up - (down - up) ** 2) / (n + 2))
