"""What is a formula worth at a point? Exact values, computed by closures that were made once from the tree.

Whole numbers stay whole numbers; a fraction appears only where a division leaves a rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from grader.answers.formulas.tree import Call, Name, Negative, Node, Number, names_in

Value = int | Fraction
Point = Sequence[int]
MAX_BITS: Final = 4_096  # of an intermediate result


class UndefinedError(ArithmeticError):
    """The formula has no value at this point, or one beyond all measure; the message says why."""


def compiled(tree: Node, names: Sequence[str]) -> Callable[[Point], Value]:
    """A function from the values of `names`, in this order, to the exact value.

    Raises:  KeyError for a name that is not among `names`; the function raises UndefinedError

    >>> from grader.answers.formulas.tree import Name, Operation, number
    >>> half = compiled(Operation("//", Operation("-", Name("T"), number(3)), number(2)), ["T"])
    >>> half([7]), half([8])
    (2, 2)
    """
    return _made(tree, {name: index for index, name in enumerate(names)})


def value_at(tree: Node, point: Mapping[str, int]) -> Value:
    """The exact value at one point.

    >>> from grader.answers.formulas.tree import Name, Operation
    >>> value_at(Operation("/", Name("T"), Number(Fraction(2))), {"T": 3})
    Fraction(3, 2)
    """
    names = names_in(tree)
    return compiled(tree, names)([point[name] for name in names])


def _made(tree: Node, index: Mapping[str, int]) -> Callable[[Point], Value]:
    if isinstance(tree, Number):
        constant = simple(tree.value)
        return lambda _: constant
    if isinstance(tree, Name):
        at = index[tree.name]
        return lambda point: point[at]
    if isinstance(tree, Negative):
        inner = _made(tree.of, index)
        return lambda point: -inner(point)
    if isinstance(tree, Call):
        return _call(tree, index)
    left, right = _made(tree.left, index), _made(tree.right, index)
    operation = _OPERATIONS[tree.sign]
    return lambda point: operation(left(point), right(point))


def _call(tree: Call, index: Mapping[str, int]) -> Callable[[Point], Value]:
    inner = [_made(one, index) for one in tree.arguments]
    if tree.name in ("min", "max"):
        choose = min if tree.name == "min" else max
        return lambda point: choose(one(point) for one in inner)
    function, only = _FUNCTIONS[tree.name], inner[0]
    return lambda point: function(only(point))


def simple(value: Value) -> Value:
    """A whole number as an int."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value


def _checked(value: Value) -> Value:
    bits = value.bit_length() if isinstance(value, int) else max(value.numerator, value.denominator).bit_length()
    if bits > MAX_BITS:
        raise UndefinedError("is too large to compute")
    return value


def _divided(a: Value, b: Value) -> Value:
    if not b:
        raise UndefinedError("divides by zero")
    if isinstance(a, int) and isinstance(b, int):
        whole, rest = divmod(a, b)
        return whole if not rest else Fraction(a, b)
    return _checked(simple(Fraction(a) / b))


def _floored(a: Value, b: Value) -> Value:
    if not b:
        raise UndefinedError("divides by zero")
    return a // b


def _rest(a: Value, b: Value) -> Value:
    if not b:
        raise UndefinedError("divides by zero")
    return simple(a % b)


def _raised(a: Value, b: Value) -> Value:
    if isinstance(b, Fraction) or (not a and b < 0):
        raise UndefinedError("has an exponent that gives no exact number")
    bits = max(abs(Fraction(a).numerator).bit_length(), Fraction(a).denominator.bit_length())
    if abs(b) * max(bits - 1, 0) > MAX_BITS:
        raise UndefinedError("is too large to compute")
    if bits <= 1:  # 0, 1 or -1: only the parity of the exponent matters
        return 1 if not b else a if b % 2 or not a else 1
    return simple(Fraction(a) ** b)


_OPERATIONS: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "+": lambda a, b: simple(a + b),
    "-": lambda a, b: simple(a - b),
    "*": lambda a, b: _checked(simple(a * b)),
    "/": _divided,
    "//": _floored,
    "%": _rest,
    "^": _raised,
}
_FUNCTIONS: Final[Mapping[str, Callable[[Value], Value]]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "round": round,
    "abs": lambda a: -a if a < 0 else a,
}
