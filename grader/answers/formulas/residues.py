"""Are two formulas equal for all whole numbers, where every divisor is a number? A proof class by class.

A formula of whole numbers with floors of (whole numbers / constants) is a quasi-polynomial: on each class of remainders
(T = 2k and T = 2k + 1 for halves) it is one polynomial in k. Two of them are equal everywhere just when they are
equal in every class, and where a class differs, a counterexample lies in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Final

from grader.answers.formulas.domain import Domain
from grader.answers.formulas.tree import Call, Name, Negative, Node, Number
from grader.frozen import dataclass

MAX_CLASSES: Final = 2_048
MAX_TERMS: Final = 120
MAX_EXPONENT: Final = 6
_MAX_ROUNDS: Final = 40
Polynomial = dict[tuple[int, ...], Fraction]  # exponents of k, one for each name -> factor


class NotProvableError(Exception):
    """The formula is not of the kind that this proof is for, or has too many classes."""


class _FinerError(Exception):
    """The classes are too coarse: the steps of these names have to be multiplied."""

    def __init__(self, factors: dict[int, int]) -> None:
        super().__init__("finer classes")
        self.factors = factors


@dataclass(frozen=True)
class ClassVerdict:
    """One class of remainders in which the formulas differ: points `start + step * k`, by name."""

    start: tuple[int, ...]
    step: tuple[int, ...]


def differing_classes(
    stated: Node, expected: Node, domain: Domain, names: Sequence[str], *, only_whole: bool = False
) -> list[ClassVerdict]:
    """Every class in which the two are not the same polynomial; none: they are equal, proved.

    `only_whole`  look only at points where `stated` is a whole number
    Raises:       NotProvableError

    >>> from grader.answers.formulas.tree import Name, Operation, number
    >>> half, other = (Operation("//", Operation("+", Name("T"), number(n)), number(2)) for n in (0, 1))
    >>> differing_classes(half, half, Domain(), ["T"]), differing_classes(half, other, Domain(), ["T"])
    ([], [ClassVerdict(start=(1,), step=(2,))])
    """
    steps = [1] * len(names)
    for _ in range(_MAX_ROUNDS):
        if math.prod(steps) > MAX_CLASSES:
            break
        try:
            return list(_differing(stated, expected, domain, names, tuple(steps), only_whole))
        except _FinerError as error:
            for at, factor in error.factors.items():
                steps[at] *= factor
    raise NotProvableError


def _differing(
    stated: Node, expected: Node, domain: Domain, names: Sequence[str], steps: tuple[int, ...], only_whole: bool
) -> Iterator[ClassVerdict]:
    ranges = [domain.range_of(name) for name in names]
    for offsets in product(*(range(step) for step in steps)):
        start = tuple(one.low + offset for one, offset in zip(ranges, offsets, strict=True))
        if any(one.high is not None and at > one.high for one, at in zip(ranges, start, strict=True)):
            continue
        is_fixed = tuple(one.low == one.high for one in ranges)
        values = _Values(names, start, tuple(0 if fixed else step for fixed, step in zip(is_fixed, steps, strict=True)))
        left, right = values.of(stated), values.of(expected)
        if only_whole:
            _split_whole(left)  # raises where the classes are too coarse to tell
            if left.get(values.zero, Fraction(0)).denominator != 1:
                continue
        is_below = (
            domain.least is not None
            and not (set(right) - {values.zero})
            and (right.get(values.zero, Fraction(0)) < domain.least)
        )
        if left != right and not is_below:
            yield ClassVerdict(start, steps)


class _Values:
    """The polynomials of formulas on one class."""

    def __init__(self, names: Sequence[str], start: tuple[int, ...], steps: tuple[int, ...]) -> None:
        self.zero = (0,) * len(names)
        self.named: dict[str, Polynomial] = {}
        for at, name in enumerate(names):
            unit = tuple(int(i == at) for i in range(len(names)))
            terms = {unit: Fraction(steps[at]), self.zero: Fraction(start[at])}
            self.named[name] = {key: factor for key, factor in terms.items() if factor}

    def of(self, tree: Node) -> Polynomial:
        if isinstance(tree, Number):
            return self._constant(tree.value)
        if isinstance(tree, Name):
            return self.named[tree.name]
        if isinstance(tree, Negative):
            return _scaled(self.of(tree.of), Fraction(-1))
        if isinstance(tree, Call):
            return self._call(tree)
        left, right = self.of(tree.left), self.of(tree.right)
        if tree.sign in ("+", "-"):
            return _added(left, _scaled(right, Fraction(1 if tree.sign == "+" else -1)))
        if tree.sign == "*":
            return _multiplied(left, right)
        value = self._value(right)
        if tree.sign == "^":
            return self._power(left, value)
        if not value:
            raise NotProvableError
        ratio = _scaled(left, 1 / value)
        if tree.sign == "/":
            return ratio
        floored = self._floor(ratio)
        return floored if tree.sign == "//" else _added(left, _scaled(floored, -value))

    def _constant(self, value: Fraction) -> Polynomial:
        return {self.zero: value} if value else {}

    def _value(self, polynomial: Polynomial) -> Fraction:
        if set(polynomial) - {self.zero}:
            raise NotProvableError
        return polynomial.get(self.zero, Fraction(0))

    def _power(self, base: Polynomial, exponent: Fraction) -> Polynomial:
        if exponent.denominator != 1 or not 0 <= exponent <= MAX_EXPONENT:
            raise NotProvableError
        result = self._constant(Fraction(1))
        for _ in range(int(exponent)):
            result = _multiplied(result, base)
        return result

    def _call(self, tree: Call) -> Polynomial:
        inner = [self.of(one) for one in tree.arguments]
        if tree.name == "floor":
            return self._floor(inner[0])
        if tree.name == "ceil":
            return _scaled(self._floor(_scaled(inner[0], Fraction(-1))), Fraction(-1))
        if tree.name == "round":
            return self._round(inner[0])
        if tree.name == "trunc":
            is_negative = self._is_negative(inner[0])
            turned = _scaled(inner[0], Fraction(-1 if is_negative else 1))
            return _scaled(self._floor(turned), Fraction(-1 if is_negative else 1))
        if tree.name == "abs":
            return _scaled(inner[0], Fraction(-1 if self._is_negative(inner[0]) else 1))
        best = inner[0]
        for other in inner[1:]:
            is_less = self._is_negative(_added(other, _scaled(best, Fraction(-1))))
            best = other if is_less == (tree.name == "min") else best
        return best

    def _is_negative(self, polynomial: Polynomial) -> bool:
        """Is it never positive in the whole class (True), or never negative (False)?"""
        if all(factor >= 0 for factor in polynomial.values()):
            return False
        if all(factor <= 0 for factor in polynomial.values()):
            return True
        raise NotProvableError

    def _floor(self, polynomial: Polynomial) -> Polynomial:
        _split_whole(polynomial)
        below = Fraction(math.floor(polynomial.get(self.zero, Fraction(0))))
        kept = {key: factor for key, factor in polynomial.items() if key != self.zero}
        return {**kept, self.zero: below} if below else kept

    def _round(self, polynomial: Polynomial) -> Polynomial:
        """Half to even, as Python rounds: at a tie it matters whether the rest is even."""
        _split_whole(polynomial)
        value = polynomial.get(self.zero, Fraction(0))
        if value.denominator == 2:
            _split_whole(_scaled(polynomial, Fraction(1, 2)))
        kept = {key: factor for key, factor in polynomial.items() if key != self.zero}
        nearest = Fraction(round(value))
        return {**kept, self.zero: nearest} if nearest else kept


def _split_whole(polynomial: Polynomial) -> None:
    """Nothing where every factor but the constant is whole; else _FinerError with what the steps lack."""
    lacking: dict[int, int] = {}
    for exponents, factor in polynomial.items():
        if not any(exponents) or factor.denominator == 1:
            continue
        for at, exponent in enumerate(exponents):
            if exponent:
                lacking[at] = math.lcm(lacking.get(at, 1), factor.denominator)
    if lacking:
        if max(lacking.values()) > MAX_CLASSES:
            raise NotProvableError
        raise _FinerError(lacking)


def _added(one: Polynomial, other: Polynomial) -> Polynomial:
    total = dict(one)
    for key, factor in other.items():
        total[key] = total.get(key, Fraction(0)) + factor
    return {key: factor for key, factor in total.items() if factor}


def _scaled(one: Polynomial, by: Fraction) -> Polynomial:
    return {key: factor * by for key, factor in one.items()} if by else {}


def _multiplied(one: Polynomial, other: Polynomial) -> Polynomial:
    if len(one) * len(other) > MAX_TERMS:
        raise NotProvableError
    total: Polynomial = {}
    for left, a in one.items():
        for right, b in other.items():
            key = tuple(x + y for x, y in zip(left, right, strict=True))
            total[key] = total.get(key, Fraction(0)) + a * b
            if max(total[key].numerator.bit_length(), total[key].denominator.bit_length()) > 2_000:
                raise NotProvableError
    return {key: factor for key, factor in total.items() if factor}
