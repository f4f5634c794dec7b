r"""What does `(5*5*3+1)*32 = 2432` say? The value it ends on, and whether every step before it is so.

A chain of equalities is split at its signs, each side is evaluated, and neighbours are compared: exactly, but for a
decimal, which may be rounded or cut off at the digits written. Sides that are formulas, such as `(k-1)/2`, are passed
over. A slip in the working never changes the value that the student ends on: what it costs is the rubric's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from grader.answers.answer_error import AnswerError, described, quoted, refuse
from grader.answers.expressions import MAX_LENGTH, Expression, Style, SymbolError, Value
from grader.answers.numbers import Number, exact, parse_number
from grader.answers.tokens import FIX
from grader.answers.writing import plain, spoken
from grader.frozen import dataclass
from grader.model import Json, Place

MAX_SIDES = 60


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two neighbouring sides that are not equal, with their values."""

    left: str
    left_value: Fraction
    right: str
    right_value: Fraction

    @property
    def said(self) -> str:
        """One sentence for the student.

        >>> Disagreement("(28-3)/2 + 1", Fraction(27, 2), "13", Fraction(13)).said
        '"(28-3)/2 + 1" is 13.5, not 13: to round down, write floor(...)'
        """
        hint = ""
        if math.floor(self.left_value) == self.right_value:
            hint = ": to round down, write floor(...)"
        elif math.ceil(self.left_value) == self.right_value:
            hint = ": to round up, write ceil(...)"
        return f"{quoted(self.left)} is {spoken(self.left_value)}, not {spoken(self.right_value)}{hint}"


@dataclass(frozen=True)
class Working:
    """An answer with or without its working. `number` is what the student ends on."""

    number: Number
    sides: tuple[str, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    passed_over: tuple[str, ...] = ()  # sides that hold names or cannot be computed: nothing is said about them

    @property
    def is_consistent(self) -> bool:
        """Does every step that can be evaluated agree with the next one?"""
        return not self.disagreements


def parse_working(value: Json, place: Place) -> Working:
    r"""Read a number, an expression, a chain of equalities, or {"value": ..., "working": ...}; else AnswerError.

    >>> here = Place("answers.json", "/answers/layer1")
    >>> w = parse_working("(5*5*3+1)*32 = 2432", here)
    >>> str(w.number.value), w.is_consistent
    ('2432', True)
    >>> w = parse_working("(252-3)/1 - 1 = 250", here)
    >>> str(w.number.value), [d.said for d in w.disagreements]
    ('250', ['"(252-3)/1 - 1" is 248, not 250'])
    >>> str(parse_working({"value": 2432, "working": "(5*5*3+1)*32"}, here).number.value)
    '2432'
    """
    if isinstance(value, dict) and "working" in value:
        return _from_object(value, place)
    if not isinstance(value, str):
        return Working(parse_number(value, place))
    try:
        return Working(parse_number(value, place))
    except AnswerError as error:
        if error.problem.code in ("not-finite", "two-numbers") and "=" not in value:
            raise
        not_a_number = error
    return _from_text(value, place, not_a_number)


def _from_object(value: dict[str, Json], place: Place) -> Working:
    stated, working = value.get("value"), value["working"]
    if working is None or working == "":
        return Working(parse_number({k: v for k, v in value.items() if k != "working"}, place))
    if not isinstance(working, str):
        refuse(place.child("working"), f"{described(working)} is not working", FIX, code="not-arithmetic")
    if stated is None:
        return parse_working(working, place.child("working"))
    ends_on = parse_working(stated, place.child("value"))
    if "unit" in value and not ends_on.sides:
        ends_on = Working(parse_number({"value": stated, "unit": value["unit"]}, place))
    try:
        steps = parse_working(working, place.child("working"))
    except AnswerError as error:
        if error.problem.code in ("not-arithmetic", "not-a-number"):
            return ends_on  # working in words: nothing to hold against the value
        raise
    last = None
    if not any(_agree(a, b) for a in _values(steps.number) for b in _values(ends_on.number)):
        last = Disagreement(working.strip(), steps.number.value, ends_on.number.written, ends_on.number.value)
    disagreements = steps.disagreements + ends_on.disagreements + ((last,) if last else ())
    passed_over = steps.passed_over + ends_on.passed_over
    return Working(ends_on.number, steps.sides + ends_on.sides, disagreements, passed_over)


def _values(number: Number) -> Iterator[Value]:
    for form in number.forms:
        yield Value(form.value, literal=form if form.step else None)


@dataclass(frozen=True)
class _Side:
    text: str
    expression: Expression | None  # None: it cannot be split into tokens
    is_about: bool  # it follows "≈"


def _from_text(text: str, place: Place, not_a_number: AnswerError) -> Working:
    chains = [list(_sides(chain, place)) for chain in _chains(plain(text, place, limit=MAX_LENGTH))]
    sides = [side for chain in chains for side in chain]
    if len(sides) > MAX_SIDES:
        what = f"{quoted(text, 30)} has {len(sides)} sides"
        refuse(place, what, f"write at most {MAX_SIDES} sides", code="too-long")
    if any(side.expression is None for side in sides[-1:]):
        Expression.of(sides[-1].text, place)  # says what is wrong with it
    best: tuple[list[Disagreement], Value, str] | None = None
    ends: list[Fraction] = []
    for style in _styles(sides):
        outcome = _evaluated(chains, style)
        if outcome is None:
            continue
        if best is None or len(outcome[0]) < len(best[0]):
            best, ends = outcome, []
        if len(outcome[0]) == len(best[0]):
            ends += [outcome[1].value, *([Fraction(outcome[1].side)] if outcome[1].side is not None else [])]
    if best is None:
        last = sides[-1].expression if sides else None
        if last is not None:
            _evaluate_or_refuse(last, text, not_a_number)
        raise not_a_number
    disagreements, last_value, last_text = best
    number = _final_number(last_text, place, last_value, ends)
    passed_over = tuple(side.text for side in sides if _value_of(side, Style()) is None)
    return Working(number, tuple(side.text for side in sides), tuple(disagreements), passed_over)


def _chains(text: str) -> list[str]:
    """Statements stand apart: "28-5+1 = 24; 24/2 = 12", or an implication arrow between them."""
    for separator in ("→", ";"):
        text = text.replace(separator, "\n")
    return [chain for chain in (part.strip() for part in text.split("\n")) if chain.strip(" .,")]


def _sides(chain: str, place: Place) -> Iterator[_Side]:
    is_about = False
    chain = chain.replace("( =", "(").replace("(=", "(")  # "2432 (= 2400 + 32)"
    for part in chain.replace(":=", "=").replace("≈", "=≈").split("="):
        is_next_about = part.startswith("≈")
        text = part.lstrip("≈").strip(" ,.~")
        is_about |= is_next_about
        if not text:
            continue
        try:
            yield _Side(text, Expression.of(_without_label(text), place), is_about)
        except AnswerError:
            yield _Side(text, None, is_about)
        is_about = False


def _without_label(text: str) -> str:
    """Pass over the words of "Layer 1: (5*5*3+1)*32"."""
    label, colon, rest = text.partition(":")
    is_label = colon and label[:1].isalpha() and not any(char in label for char in "+*/=([×")
    return rest if is_label and rest.strip() else text


def _styles(sides: list[_Side]) -> list[Style]:
    found = dict.fromkeys(style for side in sides if side.expression for style in side.expression.styles())
    return list(found) or [Style()]


def _evaluated(chains: list[list[_Side]], style: Style) -> tuple[list[Disagreement], Value, str] | None:
    """The disagreements of every chain in one style, and the value that the last side comes to."""
    disagreements: list[Disagreement] = []
    last: tuple[Value, str] | None = None
    for chain in chains:
        before: tuple[Value, str] | None = None
        for side in chain:
            value = _value_of(side, style)
            if value is None:
                continue
            if before and not _agree(before[0], value, is_about=side.is_about):
                disagreements.append(Disagreement(before[1], before[0].value, side.text, value.value))
            before = last = (value, side.text)
    # A formula at the very end is not what anybody ends on.
    is_open = bool(chains) and bool(chains[-1]) and _value_of(chains[-1][-1], style) is None
    return None if last is None or is_open else (disagreements, *last)


def _value_of(side: _Side, style: Style) -> Value | None:
    if side.expression is None:
        return None
    try:
        return side.expression.evaluate(style)
    except (SymbolError, AnswerError):
        return None


def _evaluate_or_refuse(expression: Expression, text: str, not_a_number: AnswerError) -> None:
    try:
        expression.evaluate()
    except SymbolError as error:
        what = f"{quoted(text)} holds the name {quoted(str(error), 20)}"
        refuse(expression.place, f"{what} and ends on no number", FIX, code="not-arithmetic")
    raise not_a_number


def _agree(left: Value, right: Value, *, is_about: bool = False) -> bool:
    """Are two sides equal? "2/3 = 0.667" and "≈ 30,000,000" are, "125.5 = 125" is not; 9 = 9×9 as a size."""
    return any(_is_near(a, b, is_about) for a in _meanings(left) for b in _meanings(right))


def _meanings(value: Value) -> Iterator[Value]:
    yield value
    if value.side is not None:
        yield replace(value, value=Fraction(value.side))
    if value.is_percent and value.literal:  # "100 - 0.21 = 99.79 %": counted in percent from the start
        literal = replace(value.literal, step=value.literal.step * 100)
        yield replace(value, value=value.value * 100, literal=literal)


def _is_near(left: Value, right: Value, is_about: bool) -> bool:
    gap = abs(left.value - right.value)
    if not gap:
        return True
    if not (left.is_exact and right.is_exact) and gap < (abs(left.value) + 1) / 10**30:
        return True
    steps = [_step(side, is_about) for side in (left, right)]
    coarse, fine = (left, right) if steps[0] > steps[1] else (right, left)
    is_cut = abs(coarse.value) < abs(fine.value) and gap < max(steps)  # cut off instead of rounded
    return gap <= max(steps) / 2 or (is_cut and not is_about)


def _step(side: Value, is_about: bool) -> Fraction:
    """The last digit's worth where it may be rounded: in a decimal; after "≈" in any number but its end zeros too."""
    literal = side.literal
    if literal is None:
        return Fraction(0)
    if literal.decimals or literal.step < 1:
        return literal.step
    if not is_about:
        return Fraction(0)
    step = literal.step
    while literal.value and not literal.value % (step * 10):
        step *= 10
    return step


def _final_number(text: str, place: Place, value: Value, ends: list[Fraction]) -> Number:
    """The last side as a Number: with its unit and decimals where it is a number as written."""
    if value.literal is not None:
        try:
            number = parse_number(text, place)
        except AnswerError:
            return replace(exact(value.value, text), forms=(value.literal,), unit=value.words)
        # Of two readings keep those that the working bears out.
        forms = tuple(form for form in number.forms if form.value in ends)
        return replace(number, forms=forms or number.forms)
    number = exact(ends[0], text, *ends[1:])
    return replace(number, unit=value.words, is_size=value.side is not None)
