"""Which numbers stand in an answer that cannot be read as one? Pieces that can be read each by itself.

"The network has 14538 parameters" is no number, but one stands in it. Who names several to choose from has said none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from grader.answers.answer_error import AnswerError
from grader.answers.digits import scan
from grader.answers.numbers import parse_number
from grader.answers.text import words
from grader.answers.writing import plain
from grader.model import Json, Place

MAX_LENGTH = 500
MAX_MATRIX = 20_000
_HEDGES = frozenset(
    {"or", "oder", "either", "entweder", "maybe", "perhaps", "vielleicht", "between", "zwischen", "not"}
)
MAX_PIECES = 12  # with more, it is a list of guesses rather than an answer


def numbers_in(value: Json) -> tuple[str, ...]:
    """The numbers in a text, each with its sign and percent sign; none in what is no text, is long, or holds many.

    >>> numbers_in("I got 99.17 % after 5 epochs"), numbers_in(["12"]), numbers_in("conv2 has -3, x3")
    (('99.17 %', '5'), (), ('-3',))
    >>> numbers_in("250 or 251"), numbers_in("9**9**9")
    ((), ())
    """
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str):
        return ()
    try:
        text = plain(value, Place(""), limit=MAX_LENGTH)
    except AnswerError:
        return ()
    if is_hedged(text):
        return ()
    found = _pieces(text)
    return tuple(found) if len(found) <= MAX_PIECES else ()


def is_hedged(text: str) -> bool:
    """Does the text leave a choice, or say what it is not?

    >>> is_hedged("(16, 6) or (6, 16)"), is_hedged("(16, 6) in all")
    (True, False)
    """
    return any(word in _HEDGES for word in words(text))


def readings_of(piece: str) -> tuple[Fraction, ...]:
    """What a number from `numbers_in` can mean.

    >>> [str(value) for value in readings_of("2.432")]
    ['304/125', '2432']
    """
    return parse_number(piece, Place("")).readings


def run_of_numbers(text: str, wanted: Sequence[Fraction]) -> bool:
    """Whether all of `wanted` stand in the text one behind the other, whatever is written around and between them.

    >>> run_of_numbers("Result: [[1, -2], [− 3, 4.0]], dtype=int64", [Fraction(n) for n in (1, -2, -3, 4)])
    True
    >>> run_of_numbers("1 2 3", [Fraction(2), Fraction(1)])
    False
    """
    try:
        line = plain(text, Place(""), limit=MAX_MATRIX)
    except AnswerError:
        return False
    found = [Fraction(number.replace(" ", "")) for number in re.findall(r"(?:- ?)?\d{1,40}(?:\.\d{1,40})?", line)]
    size = len(wanted)
    return any(found[at : at + size] == list(wanted) for at in range(len(found) - size + 1))


def _pieces(text: str) -> list[str]:
    found = []
    at = 0
    while at < len(text):
        before = text[at - 1] if at else " "
        run = scan(text, at) if text[at].isdigit() and not (before.isalnum() or before in "._") else None
        if run is None:
            at += 1
            continue
        sign = "-" if before == "-" and not text[: at - 1].rstrip()[-1:].isdigit() else ""
        percent = " %" if text[run.end :].lstrip()[:1] == "%" else ""
        around = text[:at].rstrip()[-1:] + text[run.end :].lstrip()[:1]
        is_factor = any(char in "*/^×" for char in around)
        if run.readings and not is_factor and not text[run.end : run.end + 1].isalpha():
            found.append(f"{sign}{text[at : run.end]}{percent}")
        at = run.end
    return found
