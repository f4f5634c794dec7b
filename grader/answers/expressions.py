r"""What is `(5*5*3+1)*32`? Arithmetic as students write it, evaluated exactly by a small grammar, never as code.

    sum      = product { ("+" | "-") product }
    product  = sign { ("*" | "×" | "x" | "/" | "//" | "%") sign  |  factor next to factor }
    sign     = { "-" | "+" } power
    power    = factor [ ("^" | "**") sign ]
    factor   = number | "(" sum ")" | "[" sum "]" | "{" sum "}" | "⌊" sum "⌋" | "⌈" sum "⌉"
             | name "(" sum ")" | "frac" "{" sum "}" "{" sum "}" , each optionally followed by "%"

Precedence and `//`, `%`, `**` are Python's. Length, depth, exponents and the size of every intermediate result are
capped before anything is computed, so `9**9**9` is refused at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from grader.answers.answer_error import MAX_DIGITS, quoted, refuse
from grader.answers.digits import Reading
from grader.answers.tokens import FIX, OPENING, Token, tokenize
from grader.answers.writing import plain
from grader.frozen import dataclass
from grader.model import Place

MAX_LENGTH = 2_000
MAX_DEPTH = 40
MAX_BITS = 1_330  # of a numerator or denominator: MAX_DIGITS decimal digits
_SQRT_DIGITS = 40  # an irrational root is computed to so many decimals
_FUNCTIONS: dict[str, Callable[[Fraction], int]] = {
    "floor": math.floor, "ceil": math.ceil, "ceiling": math.ceil, "int": math.trunc,
}  # fmt: skip
_CROSSES = ("*", "×")


class SymbolError(Exception):
    """The text holds a name, such as k in `(k-1)/2`: it is a formula, not a number."""


@dataclass(frozen=True, slots=True)
class Style:
    """How to read what can be read in two ways.

    `mark`      the decimal mark of a literal such as 1.000 or 1,000
    `is_floor`  do square brackets round down, as in [(28 - 3)/2] + 1
    """

    mark: str = "."
    is_floor: bool = False


@dataclass(frozen=True)
class Value:
    """What an expression is worth. `literal` is set where it is a single number as written.

    `side` is the a of "a × a": "9x9" is a size at least as often as it is 81.
    """

    value: Fraction
    is_exact: bool = True
    literal: Reading | None = None
    side: int | None = None
    is_percent: bool = False  # a lone number with a percent sign, which `value` has applied
    words: str = ""  # what follows the arithmetic: "parameters"


@dataclass(frozen=True)
class Expression:
    """An expression split into tokens, ready to be evaluated in any style."""

    text: str
    place: Place
    tokens: tuple[Token, ...]

    @classmethod
    def of(cls, text: str, place: Place) -> Expression:
        """Split plain text into tokens, or AnswerError for a character that belongs to no arithmetic."""
        return cls(text, place, tokenize(text, place))

    def styles(self) -> tuple[Style, ...]:
        """Every way to read the expression, the more usual first."""
        is_doubtful = any(len(token.readings) > 1 for token in self.tokens)
        marks = (".", ",") if is_doubtful else (".",)
        floors = (False, True) if any(token.kind == "[" for token in self.tokens) else (False,)
        return tuple(Style(mark, is_floor) for is_floor in floors for mark in marks)

    def evaluate(self, style: Style = Style()) -> Value:  # noqa: B008  a frozen value
        """The exact value, or AnswerError, or SymbolError where it holds a name."""
        return _Evaluator(self, style).run()


def evaluate(text: str, place: Place) -> Fraction:
    """The exact value of an expression in its usual reading, or AnswerError.

    >>> here = Place("answers.json", "/answers/conv1")
    >>> (
    ...     str(evaluate("(5*5*3+1)*32", here)),
    ...     str(evaluate("⌊(28 − 3)/2⌋ + 1", here)),
    ...     str(evaluate("-2**2 + 7 % 4", here)),
    ... )
    ('2432', '13', '-1')
    >>> evaluate("9**9**9", here)
    Traceback (most recent call last):
    grader.answers.answer_error.AnswerError: answers.json /answers/conv1: "9**9**9" is too large to compute
      fix: write numbers of at most 400 digits
    """
    expression = Expression.of(plain(text, place, limit=MAX_LENGTH), place)
    try:
        return expression.evaluate().value
    except SymbolError as error:
        refuse(place, f"{quoted(text)} holds the name {quoted(str(error), 20)}", FIX, code="not-arithmetic")


class _Evaluator:
    """Recursive descent, computing as it goes."""

    def __init__(self, expression: Expression, style: Style) -> None:
        self.expression = expression
        self.tokens = expression.tokens
        self.style = style
        self.at = 0
        self.depth = 0
        self.is_exact = True

    def run(self) -> Value:
        value = self._sum()
        core = self.tokens[: self.at]
        words = self._trailing_words()
        literal = self._literal(core)
        is_percent = literal is not None and core[-1].kind == "%"
        return Value(value, self.is_exact, literal, self._square_side(core), is_percent, words)

    def _literal(self, core: tuple[Token, ...]) -> Reading | None:
        """The reading of a lone number, its sign and percent sign applied."""
        sign = -1 if core[0].kind == "-" else 1
        kinds = [token.kind for token in core[core[0].kind in ("-", "+") :]]
        if kinds not in (["number"], ["number", "%"]):
            return None
        scale = Fraction(sign, 100 if kinds[-1] == "%" else 1)
        reading = self._reading(next(token for token in core if token.kind == "number"))
        return replace(reading, value=reading.value * scale, step=reading.step * abs(scale))

    def _trailing_words(self) -> str:
        """The words after the arithmetic. One letter that touches a number, as in 2k, is a symbol."""
        rest = self.tokens[self.at :]
        first = rest[0]
        if first.kind == "word" and first.end - first.start == 1 and first.start == self.tokens[self.at - 1].end:
            raise SymbolError(first.name)
        allowed = ("word", "end", ",", ".", ";", ":", "(", ")")
        is_remark = all(token.kind in allowed for token in rest) and rest[0].kind != ")"
        if not is_remark:
            self._refuse_here(rest[0])
        return self.expression.text[first.start :].strip(" ,.;:")

    def _square_side(self, core: tuple[Token, ...]) -> int | None:
        if [token.kind for token in core] != ["number", "×", "number"]:
            return None
        a, b = self._reading(core[0]).value, self._reading(core[2]).value
        return int(a) if a == b and a.denominator == 1 else None

    def _peek(self) -> str:
        return self.tokens[self.at].kind

    def _take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _refuse_here(self, token: Token) -> None:
        if token.kind == "word":
            raise SymbolError(token.name)
        text = self.expression.text
        where = "ends too early" if token.kind == "end" else f"cannot be read from {quoted(text[token.start :], 20)} on"
        refuse(self.expression.place, f"{quoted(text)} {where}", FIX, code="not-arithmetic")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            what = f"{quoted(self.expression.text)} is nested too deeply"
            refuse(self.expression.place, what, f"nest at most {MAX_DEPTH} levels", code="too-deep")

    def _sum(self) -> Fraction:
        self._deeper()
        total = self._product()
        while self._peek() in ("+", "-"):
            sign = 1 if self._take().kind == "+" else -1
            total = self._checked(total + sign * self._product())
        self.depth -= 1
        return total

    def _product(self) -> Fraction:
        total = self._sign()
        while True:
            kind = self._peek()
            if kind in _CROSSES:
                self._take()
                total = self._checked(total * self._sign())
            elif kind in ("/", "//", "%"):
                self._take()
                total = self._divided(total, kind, self._sign())
            elif kind in OPENING or self._is_function() or (kind == "number" and self._is_after_bracket()):
                if self._is_remark():
                    return total
                is_spaced = kind == "(" and self.tokens[self.at].start > self.tokens[self.at - 1].end
                value = self._power()
                # "2432 (2400 + 32)" says the same number twice; nobody multiplies a number with itself like this.
                total = total if is_spaced and value == total else self._checked(total * value)
            else:
                return total

    def _is_function(self) -> bool:
        token = self.tokens[self.at]
        return token.kind == "word" and token.name in (*_FUNCTIONS, "sqrt", "frac")

    def _is_after_bracket(self) -> bool:
        return self.tokens[self.at - 1].kind in OPENING.values()

    def _is_remark(self) -> bool:
        """Is this bracket a remark in words, as in "2432 (with bias)"?"""
        following = self.tokens[self.at + 1]
        is_name = following.kind == "word" and following.name not in (*_FUNCTIONS, "sqrt", "frac")
        return self._peek() == "(" and is_name and following.end - following.start > 1

    def _divided(self, total: Fraction, kind: str, by: Fraction) -> Fraction:
        if not by:
            what = f"{quoted(self.expression.text)} divides by zero"
            refuse(self.expression.place, what, "check the divisor", code="divides-by-zero")
        if kind == "/":
            return self._checked(total / by)
        return self._checked(Fraction(total // by) if kind == "//" else total % by)

    def _sign(self) -> Fraction:
        is_negative = False
        while self._peek() in ("-", "+"):
            is_negative ^= self._take().kind == "-"
        value = self._power()
        return -value if is_negative else value

    def _power(self) -> Fraction:
        base = self._factor()
        if self._peek() not in ("^", "**"):
            return base
        self._take()
        self._deeper()
        exponent = self._sign()
        self.depth -= 1
        return self._raised(base, exponent)

    def _raised(self, base: Fraction, exponent: Fraction) -> Fraction:
        if exponent == Fraction(1, 2):
            return self._root(base)
        if exponent.denominator != 1:
            what = f"{quoted(self.expression.text)} has an exponent that is not a whole number"
            refuse(self.expression.place, what, "use whole exponents, or sqrt(...)", code="bad-exponent")
        if not base and exponent < 0:
            return self._divided(Fraction(1), "/", base)
        bits = max(base.numerator.bit_length(), base.denominator.bit_length()) - 1  # 0 for 0, 1 and -1
        if bits * abs(exponent.numerator) > MAX_BITS:
            self._too_large()
        # int() keeps the base of bits 0 fast too: (-1)**(10**300) is a question of parity.
        power = exponent.numerator if bits else exponent.numerator % 2 or (2 if exponent else 0)
        return self._checked(Fraction(base**power))

    def _factor(self) -> Fraction:
        token = self._take()
        if token.kind == "number":
            value = self._reading(token).value
        elif token.kind in OPENING:
            value = self._bracket(token.kind)
        elif token.kind == "word":
            value = self._call(token)
        else:
            self.at -= 1
            self._refuse_here(token)
        # "%" is a percent sign unless an operand follows: "100 % - 0.21 %", but "7 % 3".
        if self._peek() == "%" and not self._is_operand(self.tokens[self.at + 1]):
            self._take()
            value /= 100
        return value

    def _is_operand(self, token: Token) -> bool:
        is_function = token.kind == "word" and token.name in (*_FUNCTIONS, "sqrt", "frac")
        return token.kind == "number" or token.kind in OPENING or is_function

    def _bracket(self, opening: str) -> Fraction:
        value = self._sum()
        if self._peek() != OPENING[opening]:
            self._refuse_here(self.tokens[self.at])
        self._take()
        if opening == "⌊" or (opening == "[" and self.style.is_floor):
            return Fraction(math.floor(value))
        return Fraction(math.ceil(value)) if opening == "⌈" else value

    def _call(self, token: Token) -> Fraction:
        if token.name == "frac":
            above = self._argument(token)
            return self._divided(above, "/", self._argument(token))
        if token.name == "sqrt":
            if self._peek() in ("(", "{"):
                return self._root(self._argument(token))
            self._deeper()
            value = self._root(self._factor())
            self.depth -= 1
            return value
        if token.name in _FUNCTIONS and self._peek() in ("(", "{"):
            return Fraction(_FUNCTIONS[token.name](self._argument(token)))
        raise SymbolError(token.name)

    def _argument(self, function: Token) -> Fraction:
        if self._peek() not in ("(", "{"):
            raise SymbolError(function.name)
        return self._bracket(self._take().kind)

    def _root(self, value: Fraction) -> Fraction:
        if value < 0:
            what = f"{quoted(self.expression.text)} takes the root of a negative number"
            refuse(self.expression.place, what, "check the sign", code="bad-root")
        root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        if root * root == value:
            return root
        self.is_exact = False
        scale = 10**_SQRT_DIGITS
        return Fraction(math.isqrt(value.numerator * scale * scale // value.denominator), scale)

    def _reading(self, token: Token) -> Reading:
        if len(token.readings) == 1:
            return token.readings[0]
        # Where the style's mark is not in the number, its mark groups thousands: 1.000 in a text with decimal commas.
        return next((r for r in token.readings if r.mark in (self.style.mark, "")), token.readings[0])

    def _checked(self, value: Fraction) -> Fraction:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > 2 * MAX_BITS:
            self._too_large()
        return value

    def _too_large(self) -> None:
        what = f"{quoted(self.expression.text)} is too large to compute"
        refuse(self.expression.place, what, f"write numbers of at most {MAX_DIGITS} digits", code="too-large")
