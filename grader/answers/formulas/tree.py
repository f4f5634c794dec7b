"""What is a formula once it is read? A small tree of numbers, names and operations; and its one way of being written.

Every tree comes from `parsing` (or from our own code): nothing in it can be executed, and its size is bounded there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from grader.frozen import dataclass

ROUNDING: Final = frozenset({"floor", "ceil", "trunc", "round"})
FUNCTIONS: Final[Mapping[str, str]] = {
    "floor": "floor", "ceil": "ceil", "ceiling": "ceil", "int": "trunc", "trunc": "trunc", "fix": "trunc",
    "round": "round", "abs": "abs", "min": "min", "max": "max",
}  # fmt: skip
_STRENGTH: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "^": 4}
_NEGATIVE, _ATOM = 3, 5


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, never negative: -2 is the Negative of 2."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A variable as it is spoken of: T, C_out, H'."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    of: Node


@dataclass(frozen=True, slots=True)
class Operation:
    """`sign` is one of + - * / // % ^, with Python's meaning (^ raises to a power)."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """`name` is floor, ceil, trunc, round (half to even, as Python's), abs, min or max."""

    name: str
    arguments: tuple[Node, ...]


Node = Number | Name | Negative | Operation | Call


def number(value: int) -> Node:
    """A whole number as a tree.

    >>> render(number(-3))
    '-3'
    """
    return Negative(Number(Fraction(-value))) if value < 0 else Number(Fraction(value))


def render(tree: Node) -> str:
    """The formula as plain text with the fewest brackets; reading it gives the same tree.

    >>> half = Operation("/", Operation("-", Name("T"), number(3)), number(2))
    >>> render(Operation("+", Call("floor", (half,)), number(1)))
    'floor((T - 3)/2) + 1'
    """
    return _written(tree)[0]


def _written(tree: Node) -> tuple[str, int]:
    """The text, and how strongly it holds together."""
    if isinstance(tree, Number):
        return _literal(tree.value), _ATOM
    if isinstance(tree, Name):
        return tree.name, _ATOM
    if isinstance(tree, Call):
        return f"{tree.name}({', '.join(render(one) for one in tree.arguments)})", _ATOM
    if isinstance(tree, Negative):
        return f"-{_wrapped(tree.of, _NEGATIVE)}", _NEGATIVE
    strength = _STRENGTH[tree.sign]
    if tree.sign == "^":
        return f"{_wrapped(tree.left, _ATOM)}^{_wrapped(tree.right, _NEGATIVE)}", strength
    left, right = _wrapped(tree.left, strength), _wrapped(tree.right, strength + 1)
    gap = " " if strength == 1 else ""
    return f"{left}{gap}{tree.sign}{gap}{right}", strength


def _wrapped(tree: Node, least: int) -> str:
    text, strength = _written(tree)
    return text if strength >= least else f"({text})"


def _literal(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    places = next((n for n in range(1, 60) if (value * 10**n).denominator == 1), 60)
    digits = f"{value.numerator * 10**places // value.denominator:0{places + 1}d}"
    return f"{digits[:-places]}.{digits[-places:]}"


def parts(tree: Node) -> tuple[Node, ...]:
    """The trees directly below."""
    if isinstance(tree, Operation):
        return (tree.left, tree.right)
    if isinstance(tree, Negative):
        return (tree.of,)
    return tree.arguments if isinstance(tree, Call) else ()


def nodes(tree: Node) -> Iterator[Node]:
    """Every node, the tree itself first."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(parts(one)))


def names_in(tree: Node) -> tuple[str, ...]:
    """The variables in the order of their first appearance.

    >>> names_in(Operation("*", Name("T"), Operation("+", Name("C"), Name("T"))))
    ('T', 'C')
    """
    return tuple(dict.fromkeys(one.name for one in nodes(tree) if isinstance(one, Name)))


def rounds(tree: Node) -> bool:
    """Is any rounding written in it?"""
    return any(
        (isinstance(one, Call) and one.name in ROUNDING) or (isinstance(one, Operation) and one.sign == "//")
        for one in nodes(tree)
    )


def rebuilt(tree: Node, below: Callable[[Node], Node]) -> Node:
    """The same node with `below` applied to the trees directly below."""
    if isinstance(tree, Operation):
        return Operation(tree.sign, below(tree.left), below(tree.right))
    if isinstance(tree, Negative):
        return Negative(below(tree.of))
    if isinstance(tree, Call):
        return Call(tree.name, tuple(below(one) for one in tree.arguments))
    return tree


def substituted(tree: Node, meanings: Mapping[str, Node]) -> Node:
    """The tree with names replaced.

    >>> render(substituted(Operation("/", Name("W"), Name("S")), {"S": number(2)}))
    'W/2'
    """
    if isinstance(tree, Name):
        return meanings.get(tree.name, tree)
    return rebuilt(tree, lambda one: substituted(one, meanings))
