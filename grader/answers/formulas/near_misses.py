"""What would a wrong formula be right for? Another padding, the other rounding, a sign, a + 1, another letter.

Each is tried as a formula of its own and named only where it agrees on the whole domain, proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Final

from grader.answers.formulas.compare import agree
from grader.answers.formulas.domain import Domain
from grader.answers.formulas.layers import Window, window_of
from grader.answers.formulas.tree import (
    Call,
    Name,
    Node,
    Number,
    Operation,
    names_in,
    nodes,
    number,
    parts,
    rebuilt,
    render,
    substituted,
)
from grader.answers.formulas.values import UndefinedError, Value, value_at
from grader.frozen import dataclass

MAX_TRIED: Final = 80
MAX_NAMED: Final = 2


@dataclass(frozen=True)
class NearMiss:
    """What the formula would be right for: a code, and a sentence's end."""

    code: str
    said: str


def near_misses(
    stated: Node, expected: Node, domain: Domain, *, size: Node | None = None, window: Window | None = None
) -> tuple[NearMiss, ...]:
    """The nearest explanations, the more usual first; none where no known slip fits.

    `size`, `window`  the input size and the layer that `expected` comes from; without them they are looked for

    >>> from grader.answers.formulas.reading import parse_formula
    >>> from grader.model import Place
    >>> def said(stated, expected):
    ...     read = [parse_formula(text, Place("")).tree for text in (stated, expected)]
    ...     return [one.said for one in near_misses(*read, Domain(least=1))]
    >>> said("ceil(T/2)", "floor((T-3)/2) + 1")
    ['it would be right for padding 1']
    >>> said("floor((W-K+2P)/S)", "floor((W-K+2P)/S) + 1")
    ['1 is missing: it is 1 too small everywhere']
    >>> said("(W-K+2P)//S - 1", "(W-K+2P)//S + 1")
    ['it is 2 too small everywhere: 1 is taken away where it is added']
    """
    found: list[NearMiss] = []
    seen: set[Node] = set()
    for count, (miss, tree) in enumerate(_candidates(stated, expected, domain, size, window)):
        if count >= MAX_TRIED or len(found) >= MAX_NAMED:
            break
        if tree in seen or not set(names_in(tree)) <= {*names_in(stated), *names_in(expected)}:
            continue
        seen.add(tree)
        if (miss.code, tree) != ("", expected) and agree(stated, tree, domain) and not agree(tree, expected, domain):
            found.append(miss)
            if miss.code in ("other-padding", "constant"):
                break
    if found:
        return tuple(found)
    return tuple(_in_the_stated(stated, expected, domain))


def _candidates(
    stated: Node, expected: Node, domain: Domain, size: Node | None, window: Window | None
) -> Iterator[tuple[NearMiss, Node]]:
    if window is None:
        known = window_of(expected, domain)
        size, window = known or (None, None)
    # Without the "+ 1" that ends the usual formula it is the + 1 that is missing, with it another layer is meant.
    is_ended = isinstance(stated, Operation) and stated.sign == "+" and stated.right == number(1)
    gap = _gap(stated, expected, domain)
    if gap in (-1, -2) and not is_ended:
        yield from _constants(gap, expected)
    if size is not None and window is not None:
        yield from _other_layers(size, window)
    yield from _constants(gap, expected)
    yield from _rounded_otherwise(expected)
    yield from _changed(expected)


def _other_layers(size: Node, window: Window) -> Iterator[tuple[NearMiss, Node]]:
    own = window.padding
    for pixels in (0, 1, 2, 3):
        if own != number(pixels):
            other = window.with_padding(pixels)
            yield NearMiss("other-padding", f"it would be right for padding {pixels}"), other.output(size)
    if window.kind == "pool" or not window.ceil_mode:
        other = replace(window, kind="pool", ceil_mode=not window.ceil_mode)
        words = "rounding up (ceil_mode)" if not window.ceil_mode else "rounding down (no ceil_mode)"
        yield NearMiss("ceil-for-floor", f"it would be right for {words}"), other.output(size)
    for name, values in (("stride", (1, 2, 3, 4)), ("kernel", (1, 2, 3, 4, 5, 7))):
        for value in values:
            if getattr(window, name) != number(value):
                put: dict[str, Any] = {name: number(value)}
                other = replace(window, **put)
                yield NearMiss(f"other-{name}", f"it would be right for {name} {value}"), other.output(size)


def _constants(gap: Fraction | None, expected: Node) -> Iterator[tuple[NearMiss, Node]]:
    """Always the same number too much or too little."""
    if gap is None or gap.denominator != 1 or not 0 < abs(gap) <= 20:
        return
    by = abs(int(gap))
    size = "small" if gap < 0 else "large"
    said = f"it is {by} too {size} everywhere"
    if gap == -1:
        said = f"1 is missing: {said}"
    elif gap == -2:
        said = f"{said}: 1 is taken away where it is added"
    yield NearMiss("constant", said), Operation("+" if gap > 0 else "-", expected, number(by))


def _gap(stated: Node, expected: Node, domain: Domain) -> Fraction | None:
    """Stated less expected, at a point somewhere inside the domain."""
    names = tuple(dict.fromkeys((*names_in(expected), *names_in(stated))))
    for offset in (50, 7, 3):
        point = {name: domain.range_of(name).low + (offset if index == 0 else 1) for index, name in enumerate(names)}
        try:
            values: list[Value] = [value_at(tree, point) for tree in (stated, expected)]
        except UndefinedError:
            continue
        return Fraction(values[0]) - Fraction(values[1])
    return None


def _rounded_otherwise(expected: Node) -> Iterator[tuple[NearMiss, Node]]:
    other = {"floor": "ceil", "ceil": "floor", "trunc": "ceil"}
    up = "it rounds up where it must round down"
    down = "it rounds down where it must round up"
    for one in nodes(expected):
        if isinstance(one, Call) and one.name in other:
            turned = Call(other[one.name], one.arguments)
            miss = NearMiss("ceil-for-floor", up) if turned.name == "ceil" else NearMiss("floor-for-ceil", down)
            yield miss, replaced(expected, one, turned)
            half = Call("floor", (Operation("+", one.arguments[0], Number(Fraction(1, 2))),))
            yield NearMiss("rounded-to-nearest", "it rounds to the nearest"), replaced(expected, one, half)
            yield (
                NearMiss("rounded-to-nearest", "it rounds to the nearest"),
                replaced(expected, one, Call("round", one.arguments)),
            )
        if isinstance(one, Operation) and one.sign == "//":
            turned = Call("ceil", (Operation("/", one.left, one.right),))
            yield NearMiss("ceil-for-floor", up), replaced(expected, one, turned)


def _changed(expected: Node) -> Iterator[tuple[NearMiss, Node]]:
    for one in nodes(expected):
        if not isinstance(one, Operation):
            continue
        if one.sign in ("+", "-"):
            turned = Operation("-" if one.sign == "+" else "+", one.left, one.right)
            said = f"a sign is turned around: {one.sign} {_wrapped(one.right)} belongs there"
            yield NearMiss("sign", said), replaced(expected, one, turned)
            said = f"{one.sign} {_wrapped(one.right)} is left out"
            yield NearMiss("left-out", said), replaced(expected, one, one.left)
        if one.sign == "*" and isinstance(one.left, Number) and one.left.value > 1:
            factor, what = render(one.left), render(one.right)
            said = f"{what} is counted once, and not {factor} times"
            yield NearMiss("counted-once", said), replaced(expected, one, one.right)
        if one.sign in ("/", "//"):
            said = f"the division by {render(one.right)} is left out"
            yield NearMiss("left-out", said), replaced(expected, one, one.left)
    yield from _other_names(expected)


def _other_names(expected: Node) -> Iterator[tuple[NearMiss, Node]]:
    names = names_in(expected)
    for one in names:
        for other in names:
            if one < other:
                swap: Mapping[str, Node] = {one: Name(other), other: Name(one)}
                said = f"{one} and {other} are swapped"
                yield NearMiss("names-swapped", said), substituted(expected, swap)


def _in_the_stated(stated: Node, expected: Node, domain: Domain) -> Iterator[NearMiss]:
    """Slips of the writing: brackets that are missing around a sum before a slash, one letter for another."""
    for tree, divided in _bracketed(stated):
        if set(names_in(tree)) <= set(names_in(expected)) and agree(tree, expected, domain):
            yield NearMiss("missing-brackets", f"with brackets, {divided}, it would be right")
            return
    used, wanted = names_in(stated), names_in(expected)
    for own in used:
        for other in wanted:
            if other != own and agree(substituted(stated, {own: Name(other)}), expected, domain):
                yield NearMiss("other-name", f"it would be right with {other} in place of {own}")
                return


def _bracketed(tree: Node) -> Iterator[tuple[Node, str]]:
    """The tree with "a + b/c" read as "(a + b)/c", for each such place."""
    for one in nodes(tree):
        if isinstance(one, Operation) and one.sign in ("+", "-") and isinstance(one.right, Operation):
            inner = one.right
            if inner.sign in ("/", "//"):
                sum_before = Operation(one.sign, one.left, inner.left)
                divided = Operation(inner.sign, sum_before, inner.right)
                for made in (divided, Call("floor", (divided,))):
                    yield replaced(tree, one, made), render(divided)


def replaced(tree: Node, old: Node, new: Node) -> Node:
    """The tree with one node, found by identity, replaced."""
    if tree is old:
        return new
    return rebuilt(tree, lambda one: replaced(one, old, new)) if parts(tree) else tree


def _wrapped(tree: Node) -> str:
    text = render(tree)
    return f"({text})" if isinstance(tree, Operation) and tree.sign in ("+", "-") else text


def explained(misses: Sequence[NearMiss]) -> str:
    """A sentence's end.

    >>> explained([NearMiss("a", "it is 1 too small"), NearMiss("b", "a sign is turned around")])
    'it is 1 too small; or a sign is turned around'
    """
    return "; or ".join(one.said for one in misses)
