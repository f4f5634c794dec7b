"""How sure is an accuracy that was measured on n images? The Wilson interval, exactly where it decides.

Source:  E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927)
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

# The 97.5% point of the standard normal distribution; a fraction, so that the decision below is exact.
Z_95 = Fraction("1.959963984540054")


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval (low, high) of `correct` right ones among `n`.

    Units:   fractions of 1
    Raises:  ValueError unless 0 <= correct <= n and n > 0

    >>> [round(bound, 4) for bound in wilson_interval(9412, 10_000)]
    [0.9364, 0.9456]
    >>> [round(bound, 4) for bound in wilson_interval(0, 20)]
    [0.0, 0.1611]
    """
    share = _share(correct, n)
    z2 = Z_95 * Z_95
    scale = 1 + z2 / n
    centre = (share + z2 / (2 * n)) / scale
    half = sqrt((share * (1 - share) + z2 / (4 * n)) * z2 / n) / scale
    return max(0.0, float(centre - Fraction(half))), min(1.0, float(centre + Fraction(half)))


def is_within_wilson(value: Fraction, correct: int, n: int) -> bool:
    """Whether `value` lies in the 95% Wilson interval, bounds included, decided without rounding.

    The interval holds just the values p with (share - p)^2 <= z^2 p (1 - p) / n.

    Raises:  ValueError unless 0 <= correct <= n and n > 0

    >>> is_within_wilson(Fraction("0.94"), 9412, 10_000), is_within_wilson(Fraction("0.93"), 9412, 10_000)
    (True, False)
    """
    share = _share(correct, n)
    return (share - value) ** 2 <= Z_95 * Z_95 * value * (1 - value) / n


def _share(correct: int, n: int) -> Fraction:
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"{correct} right of {n} is no count")
    return Fraction(correct, n)
