"""Which numbers can a run of digits and separators mean? "390.410" is two of them, and both are kept.

A separator groups thousands, or it is the decimal mark: English, Continental, Swiss, Indian, SI and Python's
own writing are all met in one course. A run that fits no writing has no reading.
"""

from __future__ import annotations

from fractions import Fraction

from grader.answers.answer_error import MAX_DIGITS
from grader.frozen import dataclass

_DIGITS = frozenset("0123456789")
_GROUPING = frozenset(".,'_ ")
_DECIMAL = frozenset(".,")
MAX_EXPONENT = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of what was written.

    `step` is the unit of the last digit written (1/100 for "98.92", 1000 for "25k"), 0 where the value is
    exact as it stands ("3/4"). `decimals` counts digits after the mark as written, before a percent sign.
    """

    value: Fraction
    decimals: int
    significant_digits: int
    step: Fraction
    mark: str = ""  # the decimal mark that this reading sees: "." or ",", or none


@dataclass(frozen=True, slots=True)
class Run:
    """A run of digits: where it ends in the text, and every reading (none: it fits no way of writing numbers)."""

    end: int
    readings: tuple[Reading, ...]
    digit_count: int


def scan(text: str, start: int, *, may_use_spaces: bool = True) -> Run | None:
    """The run of digits that begins at `start`, or None where none begins.

    >>> [str(r.value) for r in scan("390.410 in all", 0).readings]
    ['39041/100', '390410']
    >>> [str(r.value) for r in scan("1.234,5", 0).readings], scan("390 410 = x", 0).end
    (['2469/2'], 7)
    >>> scan("1.23.4", 0).readings
    ()
    """
    at = start
    groups: list[str] = []
    marks: list[str] = []
    if text[at : at + 1] == "." and text[at + 1 : at + 2] in _DIGITS and text[at + 1 : at + 2]:
        groups.append("0")
        marks.append(".")
        at += 1
    while True:
        stop = at
        while stop < len(text) and text[stop] in _DIGITS:
            stop += 1
        if stop == at:
            break
        groups.append(text[at:stop])
        at = stop
        mark = text[at : at + 1]
        is_followed = text[at + 1 : at + 2] in _DIGITS and at + 1 < len(text)
        if mark not in _GROUPING or not mark or not is_followed:
            break
        if mark == " " and not (may_use_spaces and _is_thousands_space(text, at, groups, marks)):
            break
        marks.append(mark)
        at += 1
    if not groups:
        return None
    if text[at : at + 1] == "." and "." not in marks and not text[at + 1 : at + 2].strip("=+-*/)]} \n"):
        at += 1  # "5." is five; the end of a sentence too
    count = sum(map(len, groups))
    exponent, end = _exponent(text, at)
    if count > MAX_DIGITS or exponent is None:
        return Run(end, (), count)
    found = dict.fromkeys(_meanings(groups, marks))
    return Run(end, tuple(_reading(whole, part, exponent, mark) for whole, part, mark in found), count)


def _is_thousands_space(text: str, at: int, groups: list[str], marks: list[str]) -> bool:
    after = text[at + 1 : at + 5]
    is_three = len(after) >= 3 and all(char in _DIGITS for char in after[:3]) and after[3:] not in _DIGITS
    return is_three and len(groups[0]) <= 3 and groups[0][0] != "0" and all(mark == " " for mark in marks)


def _exponent(text: str, at: int) -> tuple[int | None, int]:
    """The power of ten of "1.5e-3" and where it ends; None where it is beyond all measure."""
    if text[at : at + 1] not in ("e", "E"):
        return 0, at
    stop = at + 1
    if text[stop : stop + 1] in ("+", "-") and text[stop : stop + 1]:
        stop += 1
    first = stop
    while stop < len(text) and text[stop] in _DIGITS:
        stop += 1
    if stop == first or text[stop : stop + 1].isalpha():
        return 0, at
    digits = text[first:stop].lstrip("0") or "0"
    if len(digits) > 3 or int(digits) > MAX_EXPONENT:
        return None, stop
    return (-1 if text[at + 1] == "-" else 1) * int(digits), stop


def _meanings(groups: list[str], marks: list[str]) -> list[tuple[str, str, str]]:
    """(whole digits, decimal digits, decimal mark) of every meaning, the more usual one first."""
    if not marks:
        return [(groups[0], "", "")]
    found = []
    if _is_grouped(groups, marks):
        found.append(("".join(groups), "", ""))
    last = marks[-1]
    if last in _DECIMAL and last not in marks[:-1] and (len(marks) == 1 or _is_grouped(groups[:-1], marks[:-1])):
        meaning = ("".join(groups[:-1]), groups[-1], last)
        found.insert(0 if last == "." else len(found), meaning)
    return found


def _is_grouped(groups: list[str], marks: list[str]) -> bool:
    if len(set(marks)) != 1 or groups[0][0] == "0":
        return False
    rest = [len(group) for group in groups[1:]]
    is_by_threes = len(groups[0]) <= 3 and all(size == 3 for size in rest)
    # 12,34,567: lakhs and crores
    is_indian = marks[0] == "," and len(rest) > 1 and len(groups[0]) <= 2 and rest[-1] == 3 and set(rest[:-1]) == {2}
    return is_by_threes or is_indian


def _reading(whole: str, part: str, exponent: int, mark: str) -> Reading:
    step = Fraction(10) ** (exponent - len(part))
    digits = (whole + part).lstrip("0")
    return Reading(int(whole + part) * step, max(0, len(part) - exponent), len(digits) or 1, step, mark)
