"""Settings that several checks share: how rubrics name a model, a network, a share, a kind of layer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from grader.model import Json

# In the file a rule writes the name; the loader puts what the rubric says under that name in its place.
MODEL: Final[Mapping[str, Json]] = {
    "type": ["string", "object"],
    "description": "the name of one of the rubric's `models`: the student's code, factory, checkpoint and input",
}
NETWORK: Final[Mapping[str, Json]] = {
    "type": ["string", "object"],
    "description": "the name of one of the rubric's `networks`: an input shape and layers",
}
# As with these; the band is measured and lies with the course's reference solutions.
REFERENCE: Final[Mapping[str, Json]] = {
    "type": ["string", "object"],
    "description": "the network of the course that `grader rubric lint` holds the demand against, as RECIPE or "
    "ASSIGNMENT/RECIPE; see `grader reference list`. Left out: the best one of this assignment on the same images",
}

_SHARE: Final = "a share such as 0.95, or text such as '95%'"


def share_schema(description: str) -> Mapping[str, Json]:
    """JSON Schema of a share of 1, written as 0.95 or "95%"."""
    return {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1, "description": _SHARE},
            {"type": "string", "pattern": r"^(100|[0-9]{1,2}(\.[0-9]{1,10})?)%$", "description": _SHARE},
        ],
        "description": f"{description}, as a share such as 0.95 or as text such as '95%'",
    }


def share(value: float | str) -> Fraction:
    """A share as its writer meant it: 0.1 is a tenth, not the nearest binary fraction.

    >>> share(0.1), share("97.8%"), share(1)
    (Fraction(1, 10), Fraction(489, 500), Fraction(1, 1))
    """
    if isinstance(value, str):
        return Fraction(value.removesuffix("%")) / 100
    return Fraction(str(value))


def percent(value: Fraction, places: int = 2) -> str:
    """A share in percent, rounded half up, without trailing zeros.

    >>> percent(Fraction(9412, 10_000)), percent(Fraction(1, 3)), percent(Fraction(19, 20))
    ('94.12%', '33.33%', '95%')
    """
    exact = Decimal(100 * value.numerator) / Decimal(value.denominator)
    text = f"{exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def counted(number: int, word: str) -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {word}" + ("" if number == 1 else "s")
