r"""What does `floor((T-3)/2) + 1` mean? A grammar of its own, bounded in length and depth; nothing is ever executed.

    sum      = product { ("+" | "-") product }
    product  = sign { ("*" | "×" | "/" | "//" | "%") sign  |  power next to power }
    sign     = { "-" | "+" } power
    power    = factor [ "^" sign ]
    factor   = number | name | bracket | function bracket | function product | "frac" bracket bracket

Precedence is Python's. What can be read in two ways is a `Style`, and `styles` lists those that make a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NoReturn

from grader.answers.answer_error import quoted, refuse
from grader.answers.formulas.lexing import FIX, Piece
from grader.answers.formulas.tree import Call, Name, Negative, Node, Number, Operation
from grader.answers.tokens import OPENING
from grader.frozen import dataclass
from grader.model import Place

MAX_DEPTH: Final = 24
_PRODUCTS: Final = {"*": "*", "×": "*", "/": "/", "//": "//", "%": "%"}


@dataclass(frozen=True, slots=True)
class Style:
    """How to read what can be read in two ways.

    `is_floor`  square brackets round down
    `is_tight`  what stands together holds together: 1/2T is 1/(2T), not (1/2)T
    `is_greedy` a function without brackets takes the whole sum that follows: floor T/2 + 1
    """

    is_floor: bool = True
    is_tight: bool = False
    is_greedy: bool = False


@dataclass
class Doubts:
    """What was met on the way that another style would read otherwise."""

    brackets: bool = False
    slash: bool = False
    bare_function: bool = False


class Parser:
    """Recursive descent over pieces; one instance reads one text in one style."""

    def __init__(self, text: str, pieces: Sequence[Piece], place: Place, style: Style) -> None:
        self.text, self.pieces, self.place, self.style = text, pieces, place, style
        self.at = 0
        self.depth = 0
        self.doubts = Doubts()

    def whole(self) -> Node:
        """The formula that all pieces make, or AnswerError."""
        tree = self.sum()
        if self._kind() != "end":
            self._refuse()
        return tree

    def entries(self, closing: str) -> tuple[Node, ...]:
        """Formulas with commas between them, up to the closing bracket, which is taken."""
        found = [self.sum()]
        while self._kind() in (",", ";"):
            self.at += 1
            if self._kind() == closing:
                break  # the comma of (28,)
            found.append(self.sum())
        if self._kind() != closing:
            self._refuse()
        self.at += 1
        return tuple(found)

    def _kind(self) -> str:
        return self.pieces[self.at].kind

    def _refuse(self) -> NoReturn:
        piece = self.pieces[self.at]
        rest = self.text[piece.start :]
        where = "ends too early" if piece.kind == "end" else f"cannot be read from {quoted(rest, 20)} on"
        place = f" (character {piece.start + 1})"
        refuse(self.place, f"{quoted(self.text)} {where}{place}", FIX, code="not-a-formula")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            fix = f"nest at most {MAX_DEPTH} levels"
            refuse(self.place, f"{quoted(self.text)} is nested too deeply", fix, code="too-deep")

    def sum(self) -> Node:
        self._deeper()
        tree = self._product()
        while self._kind() in ("+", "-"):
            sign = self._kind()
            self.at += 1
            tree = Operation(sign, tree, self._product())
        self.depth -= 1
        return tree

    def _product(self) -> Node:
        tree = self._sign()
        is_divisor = False  # is what stands before a divisor after a slash?
        while True:
            kind = self._kind()
            if kind in _PRODUCTS:
                self.at += 1
                is_divisor = kind in ("/", "//", "%")
                tree = Operation(_PRODUCTS[kind], tree, self._joined())
            elif self._begins_factor():
                self._refuse_prose()
                self.doubts.slash |= is_divisor
                tree = Operation("*", tree, self._power())
            else:
                return tree

    def _joined(self) -> Node:
        """What follows an operator: with `is_tight` all that stands together, such as 2T."""
        tree = self._sign()
        if self.style.is_tight:
            while self._begins_factor():
                self._refuse_prose()
                self.doubts.slash = True
                tree = Operation("*", tree, self._power())
        return tree

    def _begins_factor(self) -> bool:
        kind = self._kind()
        return kind in ("name", "function", "frac", "number") or kind in OPENING

    def _refuse_prose(self) -> None:
        """Two words side by side are a sentence; a number right behind a name or a number is a slip of the copy."""
        before, piece = self.pieces[self.at - 1], self.pieces[self.at]
        is_sentence = piece.is_word or (before.is_word and piece.kind not in OPENING)
        is_number_behind = piece.kind == "number" and before.kind in ("number", "name")
        if is_sentence or is_number_behind:
            self._refuse()

    def _sign(self) -> Node:
        is_negative = False
        while self._kind() in ("-", "+"):
            is_negative ^= self._kind() == "-"
            self.at += 1
        tree = self._power()
        return Negative(tree) if is_negative else tree

    def _power(self) -> Node:
        base = self._factor()
        if self._kind() != "^":
            return base
        self.at += 1
        self._deeper()
        exponent = self._sign()
        self.depth -= 1
        return Operation("^", base, exponent)

    def _factor(self) -> Node:
        piece = self.pieces[self.at]
        if piece.kind == "number":
            self.at += 1
            return Number(piece.value)
        if piece.kind == "name":
            self.at += 1
            return Name(piece.text)
        if piece.kind == "function":
            return self._call(piece)
        if piece.kind == "frac":
            self.at += 1
            above = self._fraction_part()
            return Operation("/", above, self._fraction_part())
        if piece.kind not in OPENING:
            self._refuse()
        self.at += 1
        tree = self.sum()
        if self._kind() != OPENING[piece.kind]:
            self._refuse()
        self.at += 1
        self.doubts.brackets |= piece.kind == "["
        if piece.kind == "⌊" or (piece.kind == "[" and self.style.is_floor):
            return Call("floor", (tree,))
        return Call("ceil", (tree,)) if piece.kind == "⌈" else tree

    def _fraction_part(self) -> Node:
        """Above or below the line: in braces, or one digit or letter each ("frac12")."""
        piece = self.pieces[self.at]
        if piece.kind == "number" and len(piece.text) == 2 and piece.text.isdigit():
            pieces = list(self.pieces)
            pieces[self.at : self.at + 1] = [
                Piece("number", piece.start + i, piece.start + i + 1, digit, Fraction(int(digit)))
                for i, digit in enumerate(piece.text)
            ]
            self.pieces = pieces
        if self._kind() not in ("{", "(", "number", "name"):
            self._refuse()
        self._deeper()
        tree = self._factor()
        self.depth -= 1
        return tree

    def _call(self, piece: Piece) -> Node:
        self.at += 1
        if self._kind() in ("(", "[", "{"):
            closing = OPENING[self._kind()]
            self.at += 1
            arguments = self.entries(closing)
        else:
            self.doubts.bare_function = True
            self._deeper()
            arguments = (self.sum() if self.style.is_greedy else self._product(),)
            self.depth -= 1
        is_choice = piece.text in ("min", "max")
        if (len(arguments) > 1) != is_choice:
            counts = "two or more values" if is_choice else "one value"
            self.at -= 1
            what = f"{piece.text} in {quoted(self.text)} is given {len(arguments)}"
            refuse(self.place, what, f"give {piece.text} {counts}", code="not-a-formula")
        return Call(piece.text, arguments)


def styles(doubts: Doubts, *, is_floor: bool | None) -> list[Style]:
    """The styles that make a difference, the more usual first; `is_floor` None leaves the brackets open."""
    floors = (True, False) if doubts.brackets and is_floor is None else (is_floor is not False,)
    tights = (False, True) if doubts.slash else (False,)
    greedy = (False, True) if doubts.bare_function else (False,)
    return [Style(floor, tight, wide) for floor in floors for tight in tights for wide in greedy]
