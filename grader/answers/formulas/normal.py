"""Are two formulas the same after rewriting? A normal form: sums of products of names, inverses and floors.

Rewriting knows that floor(x + n) = floor(x) + n, that ceil(p/D) = floor((p + D - 1)/D) for whole p and positive D, and
that -floor(x) is a ceil. Equal normal forms prove formulas equal for all whole numbers, divisors such as S included;
different ones prove nothing (`residues` is complete where all divisors are numbers).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from grader.answers.formulas.domain import Domain
from grader.answers.formulas.tree import Call, Name, Negative, Node, Number

MAX_TERMS: Final = 200
MAX_EXPONENT: Final = 8
Monomial = tuple[tuple[str, int], ...]  # (atom, exponent), by atom; exponents may be negative
Terms = dict[Monomial, Fraction]
_CONSTANT: Final[Monomial] = ()


class TooComplexError(Exception):
    """The normal form would grow beyond all use."""


class Normaliser:
    """Rewrites formulas over one domain; atoms are names, floors, inverses and what cannot be looked into."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.inside: dict[str, Terms] = {}  # of a floor: what it rounds down
        self.facts: list[Terms] = []
        for condition in domain.conditions:
            self.assume(self.terms(condition))

    def assume(self, terms: Terms) -> None:
        """Take for granted that `terms` is not negative on the domain."""
        self.facts.append(terms)

    def assume_expected(self, expected: Node) -> None:
        """From "the expected size is at least 1": of floor(x) + 1 that x is not negative."""
        if self.domain.least is None:
            return
        terms = self.terms(expected)
        self.assume(added(terms, constant(Fraction(-self.domain.least))))
        rest = {one: value for one, value in terms.items() if one != _CONSTANT}
        [(monomial, factor)] = rest.items() if len(rest) == 1 else [((), Fraction(0))]
        if factor == 1 and len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0] in self.inside:
            least = self.domain.least - math.floor(terms.get(_CONSTANT, Fraction(0)))
            self.assume(added(self.inside[monomial[0][0]], {_CONSTANT: Fraction(-least)}))

    def terms(self, tree: Node) -> Terms:
        """The normal form, or TooComplexError."""
        if isinstance(tree, Number):
            return constant(tree.value)
        if isinstance(tree, Name):
            return {((tree.name, 1),): Fraction(1)}
        if isinstance(tree, Negative):
            return scaled(self.terms(tree.of), -1)
        if isinstance(tree, Call):
            return self._call(tree)
        left, right = self.terms(tree.left), self.terms(tree.right)
        if tree.sign == "^":
            return self._power(left, right)
        return self._operation(tree.sign, left, right)

    def _operation(self, sign: str, left: Terms, right: Terms) -> Terms:
        if sign in ("+", "-"):
            return added(left, right if sign == "+" else scaled(right, -1))
        if sign == "*":
            return multiplied(left, right)
        ratio = multiplied(left, self._inverse(right))
        if sign == "/":
            return ratio
        floored = self._floor(ratio)
        return floored if sign == "//" else added(left, scaled(multiplied(right, floored), -1))

    def _inverse(self, terms: Terms) -> Terms:
        if not terms:
            raise TooComplexError
        if len(terms) == 1:
            [(monomial, factor)] = terms.items()
            return {tuple((atom, -exponent) for atom, exponent in monomial): 1 / factor}
        leading = terms[max(terms)]
        return {((f"inverse({_key(scaled(terms, 1 / leading))})", 1),): 1 / leading}

    def _power(self, base: Terms, exponent: Terms) -> Terms:
        value = exponent.get(_CONSTANT, Fraction(0))
        if set(exponent) - {_CONSTANT} or value.denominator != 1 or abs(value) > MAX_EXPONENT:
            return {((f"power({_key(base)}, {_key(exponent)})", 1),): Fraction(1)}
        factor = base if value >= 0 else self._inverse(base)
        result = constant(Fraction(1))
        for _ in range(abs(int(value))):
            result = multiplied(result, factor)
        return result

    def _call(self, tree: Call) -> Terms:
        inner = [self.terms(one) for one in tree.arguments]
        only = inner[0]
        if tree.name == "floor":
            return self._floor(only)
        if tree.name == "ceil":
            return self._ceil(only)
        is_whole = all(_is_whole(monomial, factor) for monomial, factor in only.items())
        if tree.name in ("trunc", "round") and is_whole:
            return only
        if tree.name == "trunc" and self.is_not_negative(only):
            return self._floor(only)
        if tree.name == "abs" and self.is_not_negative(only):
            return only
        if tree.name in ("min", "max") and len(inner) == 2:
            difference = added(inner[0], scaled(inner[1], -1))
            for gap, larger in ((difference, 0), (scaled(difference, -1), 1)):
                if self.is_not_negative(gap):
                    return inner[larger if tree.name == "max" else 1 - larger]
        keys = sorted(_key(one) for one in inner)
        return {((f"{tree.name}({', '.join(keys)})", 1),): Fraction(1)}

    def _ceil(self, terms: Terms) -> Terms:
        denominator = self._denominator(terms)
        if denominator is None:
            return scaled(self._floor(scaled(terms, -1)), -1)
        return self._floor(added(terms, added(constant(Fraction(1)), scaled(self._inverse(denominator), -1))))

    def _denominator(self, terms: Terms) -> Terms | None:
        """A positive D with D times `terms` whole; None where none is known."""
        below: dict[str, int] = {}
        for monomial in terms:
            for atom, exponent in monomial:
                if exponent < 0:
                    below[atom] = max(below.get(atom, 0), -exponent)
                elif not _is_whole_atom(atom):
                    return None
        if any(not _is_name(atom) or self.domain.range_of(atom).low < 1 for atom in below):
            return None
        factor = math.lcm(*(value.denominator for value in terms.values())) if terms else 1
        return {tuple(sorted(below.items())): Fraction(factor)}

    def _floor(self, terms: Terms) -> Terms:
        whole: Terms = {}
        rest: Terms = {}
        for monomial, factor in terms.items():
            pulled = Fraction(math.floor(factor)) if _is_whole(monomial, Fraction(1)) else Fraction(0)
            if pulled:
                whole[monomial] = pulled
            if factor != pulled:
                rest[monomial] = factor - pulled
        rest = _without_idle_constant(rest)
        if not set(rest) - {_CONSTANT}:
            return whole
        denominator = self._denominator(rest)
        above = [monomial for monomial in rest if any(exponent > 0 for _, exponent in monomial)]
        if above and rest[max(above)] < 0 and denominator is not None:
            # floor(x) = -floor(-x + (D - 1)/D)
            up = added(constant(Fraction(1)), scaled(self._inverse(denominator), -1))
            return added(whole, scaled(self._floor(added(scaled(rest, -1), up)), -1))
        atom = f"floor({_key(rest)})"
        self.inside[atom] = rest
        return added(whole, {((atom, 1),): Fraction(1)})

    def is_not_negative(self, terms: Terms) -> bool:
        """Is it certain that this is never negative on the domain? (False: it is not known.)"""
        for fact in ({}, *self.facts):
            gap = added(terms, scaled(fact, -1))
            denominator = self._denominator(gap)
            if denominator is None:
                continue
            above = multiplied(gap, denominator)
            if all(_is_name(atom) for monomial in above for atom, _ in monomial) and all(
                factor >= 0 for factor in self._shifted(above).values()
            ):
                return True
        return False

    def _shifted(self, terms: Terms) -> Terms:
        """With each name counted from the low end of its range."""
        result: Terms = {}
        for monomial, factor in terms.items():
            product = constant(factor)
            for atom, exponent in monomial:
                step = added({((atom, 1),): Fraction(1)}, constant(Fraction(self.domain.range_of(atom).low)))
                for _ in range(exponent):
                    product = multiplied(product, step)
            result = added(result, product)
        return result


def is_same(one: Node, other: Node, domain: Domain) -> bool:
    """Are they equal on all of the domain by rewriting alone? (False: that is not known.)

    `other` is the expected one: where the domain asks for sizes of 1 or more, that is used.

    >>> from grader.answers.formulas.reading import parse_formula
    >>> from grader.model import Place
    >>> def same(one, other):
    ...     return is_same(parse_formula(one, Place("")).tree, parse_formula(other, Place("")).tree, Domain())
    >>> same("(W - K + 2P + S)//S", "floor((W + 2P - K)/S) + 1"), same("ceil((W-K+1)/S)", "floor((W-K)/S) + 1")
    (True, True)
    """
    try:
        normaliser = Normaliser(domain)
        normaliser.assume_expected(other)
        return normaliser.terms(one) == normaliser.terms(other)
    except TooComplexError:
        return False


# --- sums of products ---------------------------------------------------------------------------


def constant(value: Fraction) -> Terms:
    """A number as terms."""
    return {_CONSTANT: value} if value else {}


def added(one: Mapping[Monomial, Fraction], other: Mapping[Monomial, Fraction]) -> Terms:
    """The sum."""
    total = dict(one)
    for monomial, factor in other.items():
        total[monomial] = total.get(monomial, Fraction(0)) + factor
    return {monomial: factor for monomial, factor in total.items() if factor}


def scaled(terms: Mapping[Monomial, Fraction], by: Fraction | int) -> Terms:
    """Every factor multiplied."""
    return {monomial: factor * by for monomial, factor in terms.items()} if by else {}


def multiplied(one: Mapping[Monomial, Fraction], other: Mapping[Monomial, Fraction]) -> Terms:
    """The product, or TooComplexError."""
    if len(one) * len(other) > MAX_TERMS:
        raise TooComplexError
    total: Terms = {}
    for left, a in one.items():
        for right, b in other.items():
            exponents = dict(left)
            for atom, exponent in right:
                exponents[atom] = exponents.get(atom, 0) + exponent
            key = tuple(sorted((atom, exponent) for atom, exponent in exponents.items() if exponent))
            total[key] = total.get(key, Fraction(0)) + a * b
            if total[key].denominator.bit_length() > 2_000 or total[key].numerator.bit_length() > 2_000:
                raise TooComplexError
    return {monomial: factor for monomial, factor in total.items() if factor}


def _without_idle_constant(rest: Terms) -> Terms:
    """The constant of T/2 + 3/4 counts in halves only: it is 1/2."""
    others = [factor.denominator for monomial, factor in rest.items() if monomial != _CONSTANT]
    if _CONSTANT not in rest or not all(_is_whole(one, Fraction(1)) for one in rest):
        return rest
    unit = math.lcm(*others) if others else 1
    kept = Fraction(math.floor(rest[_CONSTANT] * unit), unit)
    return {monomial: factor for monomial, factor in {**rest, _CONSTANT: kept}.items() if factor}


def _is_whole(monomial: Monomial, factor: Fraction) -> bool:
    return factor.denominator == 1 and all(exponent > 0 and _is_whole_atom(atom) for atom, exponent in monomial)


def _is_whole_atom(atom: str) -> bool:
    return _is_name(atom) or atom.startswith("floor(")


def _is_name(atom: str) -> bool:
    return not atom.endswith(")")


def _key(terms: Terms) -> str:
    text = " + ".join(
        f"{factor}{''.join(f'*{atom}^{exponent}' for atom, exponent in monomial)}"
        for monomial, factor in sorted(terms.items())
    )
    if len(text) > 5_000:
        raise TooComplexError
    return text or "0"
