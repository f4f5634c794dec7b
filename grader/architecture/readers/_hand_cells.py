"""What numbers and shapes did a person write into a cell of a table made by hand?"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from grader.answers.answer_error import AnswerError
from grader.answers.expressions import evaluate
from grader.architecture.readers.printed import PrintedNumber, PrintedShape
from grader.model import Place

_LATEX = (
    ("\\times", "x"), ("\\cdot", "*"), ("\\ast", "*"), ("\\rightarrow", "->"), ("\\to", "->"), ("\\left", ""),
    ("\\right", ""), ("{,}", ","), ("\\,", ""), ("\\!", ""), ("\\;", " "), ("\\:", " "), ("\\ ", " "), ("$", ""),
    ("\\(", ""), ("\\)", ""), ("\\_", "_"), ("\\#", "#"), ("\\%", "%"), ("→", "->"), ("⟶", "->"), ("➜", "->"),
    ("⇒", "->"), ("∗", "*"), ("·", "*"), ("⋅", "*"), ("−", "-"), ("–", "-"), ("✕", "x"), ("╳", "x"), ("⨯", "x"),
    ("\u202f", " "), ("\u2009", " "), ("\u00a0", " "), ("＝", "="), ("ˣ", "x"),
)  # fmt: skip
_DIGITS = r"(?:\d{1,3}(?:[,'’′ ]\d{3})+|\d{1,15})"
_AXIS = r"(?:\d{1,7}|-1|None|none|\?|[BNb](?:atch)?(?:[ _-]?size)?|bs|batch)"
_BRACKETED = re.compile(rf"(?:torch\.Size\()?[(\[]\s*({_AXIS}(?:\s*[,x×X*]\s*{_AXIS}){{0,6}})\s*,?\s*[)\]]")
_CROSSED = re.compile(rf"(?<![\w.])({_AXIS}(?:\s?[x×X*]\s?\d{{1,7}}){{1,5}})(?![\w]|\.\d|\s?[x×X*]\s?[a-zA-Z(])")
_MAPS = re.compile(r"(?<![\w.])(\d{1,6})\s?@\s?(\d{1,6}(?:\s?[x×X*]\s?\d{1,6}){1,3})(?!\w)")
_COUNT = re.compile(rf"(?<![\w.]){_DIGITS}(?:\.\d{{3}}(?=\.\d{{3}}))*(?:\.\d{{1,6}})?\s?([kKMG])?(?![\w.]\d|\w)")
_BYTES = re.compile(r"\s?[(\[]\s?\d[\d.,]{0,15}\s?(?:[KMG]i?)?B(?:ytes?)?\s?[)\]]$", re.IGNORECASE)
_GERMAN = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_NOTHING = frozenset({"", "-", "--", "---", "n/a", "na", "none", "no", "/", "—", "–", "x", "✗", "keine", "nil"})
_UNITS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}


@lru_cache(maxsize=16384)
def plain(text: str) -> str:
    r"""The text without the marks of mathematics: one sign for times, one arrow.

    >>> plain(r"$5 \times 5 \times 3$"), plain("(16, 1) → (16, 6)")
    ('5 x 5 x 3', '(16, 1) -> (16, 6)')
    """
    if "\\" in text or "$" in text or not text.isascii():
        for mark, said in _LATEX:
            if mark in text:
                text = text.replace(mark, said)
        text = re.sub(r"\\(?:mathrm|text|mathbf|textbf)\s?\{([^{}]{0,60})\}", r"\1", text)
    return " ".join(text.split())


def is_nothing(text: str) -> bool:
    """True for an empty cell, a dash or "none"."""
    return plain(text).strip(" .()").lower() in _NOTHING


@lru_cache(maxsize=16384)
def hand_shapes(text: str) -> tuple[PrintedShape, ...]:
    """Every shape in a cell, in order, the axes as written; a letter for the batch is None.

    >>> hand_shapes("28X28"), hand_shapes("[B, 64, 16, 16]"), hand_shapes("6@24x24"), hand_shapes("14 x 14 x 6")
    (((28, 28),), ((None, 64, 16, 16),), ((6, 24, 24),), ((14, 14, 6),))
    >>> hand_shapes("(16, 1, 28, 28) -> (16, 6, 24, 24)"), hand_shapes("512"), hand_shapes("-")
    (((16, 1, 28, 28), (16, 6, 24, 24)), ((512,),), ())
    """
    text = plain(text)[:400]
    if text.replace(",", "").isdecimal() and len(text) < 9:
        return ((int(text.replace(",", "")),),)
    found: list[tuple[int, int, PrintedShape]] = []
    for match in _BRACKETED.finditer(text):
        axes = re.split(r"\s*[,x×X*]\s*", match.group(1))
        found.append((match.start(), match.end(), tuple(map(_axis, axes))))
    for match in _MAPS.finditer(text):
        sides = re.split(r"\s?[x×X*]\s?", match.group(2))
        found.append((match.start(), match.end(), (int(match.group(1)), *map(int, sides))))
    for match in _CROSSED.finditer(text):
        if not any(start <= match.start() < end for start, end, _ in found):
            found.append((match.start(), match.end(), tuple(map(_axis, re.split(r"\s?[x×X*]\s?", match.group(1))))))
    return tuple(shape for _, _, shape in sorted(found) if shape)


def _axis(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isdecimal() else None


def hand_count(text: str, line: int) -> PrintedNumber | None:
    """The number that a cell ends on: of "(1*5*5+1)*6 = 156" the 156; a product without a result is worked out.

    >>> [int(hand_count(text, 1).value) for text in ("(1*5*5+1)*6 =156", "131'136", "75.8K", "5x5x3x32 + 32")]
    [156, 131136, 75800, 2432]
    >>> int(hand_count("10,575 (41.31 KB)", 1).value)  # Keras says the size behind the count
    10575
    >>> hand_count("-", 1) is None
    True
    """
    text = plain(text)[:400]
    if is_nothing(text):
        return None
    text = _BYTES.sub("", text)
    said = text.rsplit("=", 1)[-1].strip() if "=" in text else text
    numbers = list(_COUNT.finditer(said))
    if len(numbers) == 1 and not re.search(r"\d\s?[x*+]\s?[\d(]", said):
        return _number(numbers[0], line)
    if "=" in text and len(numbers) > 1 and not re.search(r"[x*+]", said):
        return _number(numbers[0], line)
    expression = said.replace("x", "*").replace("X", "*").replace("×", "*").strip(" .;:")
    if not numbers or not re.fullmatch(r"[\d\s*+()\-.,/]{1,200}", expression):
        return None
    try:
        value = evaluate(expression, Place("", f"line {line}"))
    except (AnswerError, ArithmeticError, ValueError):
        return None
    return PrintedNumber(value, Fraction(0), line, text) if value.denominator == 1 and value >= 0 else None


def _number(found: re.Match[str], line: int) -> PrintedNumber:
    unit = found.group(1) or ""
    written = found.group().removesuffix(unit).strip()
    digits = re.sub(r"[,'’′ ]", "", written)
    if not unit and _GERMAN.fullmatch(digits):
        digits = digits.replace(".", "")  # parameters are whole: the point parts thousands
    scale = _UNITS.get(unit, 1)
    decimals = len(digits.partition(".")[2])
    step = Fraction(scale, 10**decimals) if unit or decimals else Fraction(0)
    return PrintedNumber(Fraction(digits) * scale, step, line, found.group().strip())


def has_working(text: str) -> bool:
    """True if a cell shows how its number comes about."""
    return bool(re.search(r"\d\s?[)\]]?\s?[x×*+·∗]\s?[(\[]?\s?\d", plain(text)))
