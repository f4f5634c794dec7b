"""What do checks share that read numbers of a rubric and report what cannot be meant?"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from grader.answers.expressions import evaluate
from grader.model import Json, Place, Problem, Rule


def as_meant(value: Json) -> Fraction:
    """A number of a rubric: 0.1 is a tenth, text is arithmetic.

    Raises:  AnswerError for text that is no arithmetic

    >>> str(as_meant(0.1)), str(as_meant("1/3")), str(as_meant("(5*5*3+1)*32")), str(as_meant("92 %"))
    ('1/10', '1/3', '2432', '23/25')
    """
    return evaluate(value, Place("rubric")) if isinstance(value, str) else Fraction(str(value))


def is_decimal(value: Fraction) -> bool:
    """Can the value be written with finitely many decimals?

    >>> is_decimal(Fraction(3, 8)), is_decimal(Fraction(1, 3))
    (True, False)
    """
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def setting_problem(rule: Rule, steps: Iterable[str | int], what: str, fix: str) -> Problem:
    """A setting that the schema allows and that cannot be meant; `steps` lead to it from the rule."""
    return Problem("setting", str(rule.place.child(*steps)), what, fix)
