"""What is said about an answer that cannot be read? One problem, with its place, the words as written, and the fix."""

from __future__ import annotations

from typing import NoReturn

from grader.model import Json, Place, Problem

MAX_DIGITS = 400  # in one number; longer than any float64, shorter than what makes int() slow


class AnswerError(Exception):
    """An answer that cannot be read as what it should be. The only exception that leaves this package."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def refuse(place: Place, what: str, fix: str, *, code: str) -> NoReturn:
    """Raise AnswerError.

    >>> refuse(Place("answers.json", "/answers/p"), "true is not a number", "write a number", code="not-a-number")
    Traceback (most recent call last):
    grader.answers.answer_error.AnswerError: answers.json /answers/p: true is not a number
      fix: write a number
    """
    raise AnswerError(Problem(code, str(place), what, fix))


def quoted(text: str, limit: int = 60) -> str:
    r"""`text` for a message: in quotes, on one line, shortened, with everything unprintable escaped.

    >>> print(quoted("9\n8\u202e"), quoted("7" * 100, limit=10))
    "9\n8\u202e" "7777777..."
    """
    shown = text if len(text) <= limit else text[: limit - 3] + "..."
    return '"' + "".join(_escaped(char) for char in shown) + '"'


def _escaped(char: str) -> str:
    if char in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def described(value: Json) -> str:
    """A JSON value by its kind, for "... is not a number".

    >>> described([1, 2]), described(True), described(None), described("two")
    ('a list of 2', 'true', 'null', '"two"')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    return "a value of an unknown kind"
