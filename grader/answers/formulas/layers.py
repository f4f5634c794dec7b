"""Which formula does a layer's output size have? From its kernel, stride and padding, as numbers or as names.

The arithmetic is PyTorch's, as in `grader.architecture.arithmetic`, with letters in place of sizes.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from grader.answers.formulas.domain import Domain
from grader.answers.formulas.normal import Normaliser, TooComplexError
from grader.answers.formulas.tree import Call, Name, Node, Number, Operation, number
from grader.frozen import dataclass

ONE: Final = number(1)


@dataclass(frozen=True)
class Window:
    """One axis of a layer: `kind` is "conv", "pool" or "transposed"; every quantity is a number or a name."""

    kind: str = "conv"
    kernel: Node = ONE
    stride: Node = ONE
    padding: Node = number(0)
    dilation: Node = ONE
    output_padding: Node = number(0)
    ceil_mode: bool = False

    def output(self, size: Node) -> Node:
        """The size of the output.

        >>> from grader.answers.formulas.tree import render
        >>> print(render(Window(kernel=number(3), stride=number(2)).output(Name("T"))))
        floor((T - 3)/2) + 1
        >>> print(render(Window(kernel=Name("K"), stride=Name("S"), padding=Name("P")).output(Name("W"))))
        floor((W - K + 2*P)/S) + 1
        """
        if self.kind == "transposed":
            spread = _times(_minus(size, ONE), self.stride)
            reached = _minus(spread, _times(number(2), self.padding))
            return _plus(
                _plus(_plus(reached, _times(self.dilation, _minus(self.kernel, ONE))), self.output_padding), ONE
            )
        room = _plus(_minus(size, self._span()), _times(number(2), self.padding))
        ratio = _over(room, self.stride)
        if not self.ceil_mode:
            return _plus(Call("floor", (ratio,)) if self.stride != ONE else room, ONE)
        last = Call("ceil", (_over(_plus(size, self.padding), self.stride),))  # windows that start before the end
        return Call("min", (_plus(Call("ceil", (ratio,)), ONE), last))

    def _span(self) -> Node:
        """How far the dilated kernel reaches."""
        if self.dilation == ONE:
            return self.kernel
        return _plus(_times(self.dilation, _minus(self.kernel, ONE)), ONE)

    def with_padding(self, pixels: int) -> Window:
        """The same window with another padding."""
        return replace(self, padding=number(pixels))


def _value(tree: Node) -> int | None:
    return int(tree.value) if isinstance(tree, Number) else None


def _plus(left: Node, right: Node) -> Node:
    if _value(right) == 0:
        return left
    a, b = _value(left), _value(right)
    return Number(Fraction(a + b)) if a is not None and b is not None else Operation("+", left, right)


def _minus(left: Node, right: Node) -> Node:
    if _value(right) == 0:
        return left
    a, b = _value(left), _value(right)
    return number(a - b) if a is not None and b is not None else Operation("-", left, right)


def _times(left: Node, right: Node) -> Node:
    a, b = _value(left), _value(right)
    if a is not None and b is not None:
        return Number(Fraction(a * b))
    return right if a == 1 else left if b == 1 else Operation("*", left, right)


def _over(left: Node, right: Node) -> Node:
    return left if right == ONE else Operation("/", left, right)


def window_of(expected: Node, domain: Domain) -> tuple[Node, Window] | None:
    """The input size and the window with padding 0 whose output the formula is; None where it is of no such kind.

    >>> from grader.answers.formulas.reading import parse_formula
    >>> from grader.model import Place
    >>> size, window = window_of(parse_formula("floor((T-1)/2)", Place("")).tree, Domain())
    >>> size, window.kernel, window.stride
    (Name(name='T'), Number(value=Fraction(3, 1)), Number(value=Fraction(2, 1)))
    """
    normaliser = Normaliser(domain)
    try:
        terms = normaliser.terms(expected)
    except TooComplexError:
        return None
    rest = {monomial: factor for monomial, factor in terms.items() if monomial}
    outside = terms.get((), Fraction(0))
    if len(rest) != 1 or outside.denominator != 1:
        return None
    [(monomial, factor)] = rest.items()
    if len(monomial) != 1 or monomial[0][1] != 1 or factor != 1:
        return None
    inside = normaliser.inside.get(monomial[0][0], {monomial: factor})
    inner = {one: value for one, value in inside.items() if one}
    if len(inner) != 1:
        return None
    [(name, step)] = inner.items()
    if len(name) != 1 or name[0][1] != 1 or name[0][0] in normaliser.inside or step.numerator != 1:
        return None
    # floor(T/s + b) + c = floor((T - k)/s) + 1, with k = s (1 - c) - s b
    stride = step.denominator
    kernel = stride * (1 - outside) - stride * inside.get((), Fraction(0))
    if kernel.denominator != 1 or not 1 <= kernel <= 1_000:
        return None
    return Name(name[0][0]), Window(kernel=number(int(kernel)), stride=number(stride))
