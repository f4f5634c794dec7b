"""What are the points of a rubric, exactly? Fractions all the way: 0.15 + 0.10 is 0.25, three thirds are one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from grader.model import Json


def points_from(value: Json) -> Fraction:
    """Points as a rubric writes them: a number means the decimal that is written, text a fraction.

    Raises:  ValueError if it is neither

    >>> points_from(0.15) + points_from(0.1), points_from("1/3"), points_from(7)
    (Fraction(1, 4), Fraction(1, 3), Fraction(7, 1))
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not a number of points")  # noqa: TRY004  one error for the caller
    # repr gives the shortest decimal that is this float: the one that was written, not its binary neighbour.
    return Fraction(value if isinstance(value, int | str) else repr(value))


def share_from(value: Json) -> Fraction:
    """A share of 1 as a rubric writes it: 0.5, or "50%" as text.

    >>> share_from(0.1), share_from("12.5%")
    (Fraction(1, 10), Fraction(1, 8))
    """
    if isinstance(value, str) and value.endswith("%"):
        return Fraction(value[:-1]) / 100
    return points_from(value)


def points_text(points: Fraction) -> str:
    """Points exactly: as a decimal where there is one of at most six places, else as a fraction.

    >>> (
    ...     points_text(Fraction(7, 2)),
    ...     points_text(Fraction(20)),
    ...     points_text(Fraction(1, 3)),
    ...     points_text(Fraction(-1, 20)),
    ... )
    ('3.5', '20', '1/3', '-0.05')
    """
    scaled = points * 10**6
    if scaled.denominator != 1:
        return str(points)
    whole, rest = divmod(abs(scaled.numerator), 10**6)
    sign = "-" if points < 0 else ""
    return f"{sign}{whole}.{rest:06d}".rstrip("0").rstrip(".")


def points_words(points: Fraction) -> str:
    """Points with their noun.

    >>> points_words(Fraction(1)), points_words(Fraction(1, 2))
    ('1 point', '0.5 points')
    """
    return f"{points_text(points)} point{'' if points == 1 else 's'}"


def shared(total: Fraction, given: Sequence[Fraction | None]) -> tuple[Fraction, ...]:
    """The points of each rule: what it states, or an equal share of what the others leave.

    The shares are negative where the others take too much; the caller says so.

    >>> [str(points) for points in shared(Fraction(7), [Fraction(3), None, None])]
    ['3', '2', '2']
    """
    stated = sum((points for points in given if points is not None), Fraction(0))
    silent = sum(points is None for points in given)
    share = (total - stated) / silent if silent else Fraction(0)
    return tuple(share if points is None else points for points in given)
