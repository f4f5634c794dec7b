"""How is a formula with letters split? Numbers, names with subscripts and primes, functions, brackets, operators.

`grader.answers.tokens` splits arithmetic, where a name is a function or a refusal and a comma may be decimal; here a
name is a variable, a comma separates, and the text has gone through `grader.answers.writing.plain` as well.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from typing import Final

from grader.answers.answer_error import quoted, refuse
from grader.answers.formulas.tree import FUNCTIONS
from grader.answers.tokens import OPENING
from grader.frozen import dataclass
from grader.model import Place

FIX: Final = "write a formula such as floor((T - 3)/2) + 1, with names, numbers, + - * / ( ), floor(...) and ceil(...)"
MAX_TOKENS: Final = 240
MAX_DIGITS: Final = 40
MAX_NAME: Final = 30
_MODULES: Final = ("math.", "np.", "numpy.", "torch.")
_OPERATORS: Final = frozenset("+-*×/%^()[]{}⌊⌋⌈⌉,;=<>≤≥≈&|")
_CLOSING: Final = frozenset(OPENING.values())
_SHORT_WORDS: Final = frozenset({"We", "He", "Hi", "Ho", "No", "So", "Do", "PC", "CV", "NN", "SD", "PR", "CS", "DL"})


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind` is "number", "name", "function", "frac", "end", or the sign itself; `text` what it says."""

    kind: str
    start: int
    end: int
    text: str = ""
    value: Fraction = Fraction(0)
    is_word: bool = False  # more than one letter: a name, or prose


def split(text: str, place: Place, *, known: Collection[str] = ()) -> tuple[Piece, ...]:
    """Split plain text, or AnswerError for a sign that belongs to no formula, or for too many of them.

    `known`  the names that are spoken of: "BT" is B times T where B and T are known and BT is not

    >>> [piece.text for piece in split("2P_{in} + C'", Place(""))]
    ['2', 'P_in', '+', "C'", '']
    >>> [piece.kind for piece in split("B x T", Place(""))]
    ['name', '×', 'name', 'end']
    """
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        if text[at].isspace() or text[at] == "~":
            at += 1
            continue
        found = _pieces_at(text, at, pieces, frozenset(known), place)
        if not found:
            refuse(place, f"{quoted(text[at])} in {quoted(text)} is no part of a formula", FIX, code="not-a-formula")
        pieces += found
        at = found[-1].end
        if len(pieces) > MAX_TOKENS:
            fix = f"write a formula of at most {MAX_TOKENS} numbers, names and signs"
            refuse(place, f"{quoted(text)} is too long a formula", fix, code="too-long")
    return (*pieces, Piece("end", len(text), len(text)))


def _pieces_at(text: str, at: int, before: list[Piece], known: frozenset[str], place: Place) -> list[Piece]:
    char = text[at]
    is_digit = char in "0123456789"
    if is_digit or (char == "." and text[at + 1 : at + 2] in frozenset("0123456789")):
        return [_number(text, at, place)]
    if char.isalpha():
        return _word(text, at, before, known, place)
    for sign in ("**", "//", "<=", ">=", "=="):
        if text.startswith(sign, at):
            return [Piece({"**": "^", "<=": "≤", ">=": "≥", "==": "="}.get(sign, sign), at, at + 2, sign)]
    return [Piece(char, at, at + 1, char)] if char in _OPERATORS else []


def _number(text: str, at: int, place: Place) -> Piece:
    end = at
    while end < len(text) and text[end] in "0123456789":
        end += 1
    if text[end : end + 1] == "." and text[end + 1 : end + 2] in frozenset("0123456789"):
        end += 1
        while end < len(text) and text[end] in "0123456789":
            end += 1
    if end - at > MAX_DIGITS:
        what = f"{quoted(text[at:end], 30)} has {end - at} digits"
        refuse(place, what, f"write numbers of at most {MAX_DIGITS} digits", code="too-large")
    return Piece("number", at, end, text[at:end], Fraction(text[at:end]))


def _word(text: str, at: int, before: list[Piece], known: frozenset[str], place: Place) -> list[Piece]:
    for module in _MODULES:
        if text.startswith(module, at) and text[at + len(module) : at + len(module) + 1].isalpha():
            return _word(text, at + len(module), [], known, place)
    end = at
    while end < len(text) and text[end].isalpha():
        end += 1
    word = text[at:end]
    if word.startswith("frac") and (word == "frac" or set(word[4:]) <= known):
        return [Piece("frac", at, at + 4, "frac")]
    if word in FUNCTIONS or word.casefold() in ("floor", "ceil", "ceiling"):
        return [Piece("function", at, end, FUNCTIONS[word.casefold()])]
    if word in ("mod", "bmod"):
        return [Piece("%", at, end, word)]
    if word in "xX" and word not in known and _is_cross(text, at, before):
        return [Piece("×", at, end, word)]
    name, after = _with_marks(text, word, end, place)
    if name not in known and name == word and len(word) > 1 and known and all(char in known for char in word):
        return [Piece("name", at + i, at + i + 1, char) for i, char in enumerate(word)]
    is_word = len(word) > 1 and name not in known and not is_symbol(word)
    return [Piece("name", at, after, name, is_word=is_word)]


def is_symbol(word: str) -> bool:
    """Is a word of two letters a letter with its index, as PDF text has it: FW, PW, Wa, but not "We"?

    >>> [word for word in ("FW", "Wa", "We", "In", "OK", "x") if is_symbol(word)]
    ['FW', 'Wa', 'x']
    """
    if len(word) != 2:
        return len(word) == 1
    is_capital = word[0] in "WHXNFKPSCD" and word not in _SHORT_WORDS
    return is_capital and (word.isupper() or word[1].islower())


def _is_cross(text: str, at: int, before: list[Piece]) -> bool:
    """Does this x multiply? It stands between two operands: "B x T", "3x3", "(T-1)x(W)"."""
    if not before or not (before[-1].kind in ("number", "name") or before[-1].kind in _CLOSING):
        return False
    after = text[at + 1 : at + 2]
    is_apart = before[-1].end < at and after.isspace()
    follows = text[at + 1 :].lstrip()[:1]
    is_operand = bool(follows) and (follows.isalnum() or follows in OPENING or follows == "\\")
    return is_operand and (is_apart or follows.isdigit() or follows in OPENING)


def _with_marks(text: str, word: str, at: int, place: Place) -> tuple[str, int]:
    """The name with its digits, subscript and primes, and where it ends."""
    name, end = word, at
    while end < len(text) and text[end] in "0123456789":
        end += 1
    name += text[at:end]
    if text[end : end + 1] == "_" and (text[end + 1 : end + 2].isalnum() or text[end + 1 : end + 2] == "{"):
        if text[end + 1] == "{":
            stop = text.find("}", end, end + MAX_NAME)
            subscript, end = ("", end) if stop < 0 else (text[end + 2 : stop], stop + 1)
        else:
            stop = end + 1
            while stop < len(text) and (text[stop].isalnum() or text[stop] == "_"):
                stop += 1
            subscript, end = text[end + 1 : stop], stop
        name += "_" + "".join(char for char in subscript if char.isalnum() or char in "'_")
    for prime in ("'", "^{prime}", "^prime", "^{'}", "^'", "^(prime)"):
        while text.startswith(prime, end) and len(name) <= MAX_NAME:
            name, end = name + "'", end + len(prime)
    if len(name) > MAX_NAME:
        fix = f"write names of at most {MAX_NAME} letters"
        refuse(place, f"{quoted(name, 30)} is too long a name", fix, code="too-long")
    return name.rstrip("_"), end
