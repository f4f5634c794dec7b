"""How is arithmetic split into tokens? Numbers with all their readings, names, brackets and operators.

A letter x between two operands is a multiplication; anywhere else it is a name.
"""

from __future__ import annotations

from grader.answers.answer_error import MAX_DIGITS, quoted, refuse
from grader.answers.digits import Reading, scan
from grader.frozen import dataclass
from grader.model import Place

FIX = "write arithmetic with numbers, + - * / ( ), floor(...), ceil(...) or sqrt(...), such as (5*5*3+1)*32 = 2432"
OPENING = {"(": ")", "[": "]", "{": "}", "⌊": "⌋", "⌈": "⌉"}
_MODULES = ("math.", "np.", "numpy.", "torch.")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # "number", "word", "end", or the operator itself
    start: int
    end: int
    readings: tuple[Reading, ...] = ()
    name: str = ""


def tokenize(text: str, place: Place) -> tuple[Token, ...]:
    """Split plain text into tokens, or AnswerError for a character that belongs to no arithmetic."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace() or text[at] == "~":
            at += 1
            continue
        token = _number(text, at, place) or _word(text, at, tokens) or _operator(text, at)
        if token is None:
            what = f"{quoted(text[at])} in {quoted(text)} is no part of arithmetic"
            refuse(place, what, FIX, code="not-arithmetic")
        tokens.append(token)
        at = token.end
    tokens.append(Token("end", len(text), len(text)))
    return tuple(tokens)


def _number(text: str, at: int, place: Place) -> Token | None:
    run = scan(text, at)
    if run is None:
        return None
    if not run.readings:
        what = f"{quoted(text[at : run.end], 30)} fits no way of writing a number"
        fix = f"write at most {MAX_DIGITS} digits, a point before the decimals, and no thousands separators"
        refuse(place, what, fix, code="bad-number")
    return Token("number", at, run.end, run.readings)


def _word(text: str, at: int, before: list[Token]) -> Token | None:
    if not (text[at].isalpha() or text[at] == "_"):
        return Token("word", at, at + 1, name="sqrt") if text[at] == "√" else None
    is_after_operand = bool(before) and (before[-1].kind in ("number", *OPENING.values()))
    if text[at] in "xX" and is_after_operand and _starts_operand(text[at + 1 :].lstrip()[:1]):
        return Token("×", at, at + 1)
    end = at
    while end < len(text) and (text[end].isalnum() or text[end] == "_" or _is_dotted(text, end)):
        end += 1
    name = text[at:end]
    for module in _MODULES:
        name = name.removeprefix(module)
    return Token("word", at, end, name=name)


def _is_dotted(text: str, at: int) -> bool:
    return text[at] == "." and text[at + 1 : at + 2].isalpha()


def _starts_operand(char: str) -> bool:
    return char.isdigit() or (char in ("(", "[", "{", "⌊", "⌈", "√", "-", ".") and bool(char))


def _operator(text: str, at: int) -> Token | None:
    for symbol in ("**", "//"):
        if text.startswith(symbol, at):
            return Token(symbol, at, at + 2)
    if text[at] in "+-*×/%^()[]{}⌊⌋⌈⌉,.;:":
        return Token(text[at], at, at + 1)
    return None
