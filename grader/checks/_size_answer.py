"""Which sizes can an answer mean? 9, 9x9, (9, 9), "512 + 1 - 504 = 9": one number for both axes, or two."""

from __future__ import annotations

from dataclasses import dataclass

from grader.answers.answer_error import AnswerError
from grader.answers.shapes import parse_shape
from grader.answers.working import Working, parse_working
from grader.checks.base import shown
from grader.model import Answer, Problem


@dataclass(frozen=True)
class Stated:
    """The sizes that the writing can mean, each of one or two numbers, and its working."""

    readings: tuple[tuple[int, ...], ...]
    working: Working | None


def stated_size(answer: Answer, *, may_have_channels: bool) -> Stated:
    """Read an answer as a size.

    `may_have_channels`  (C, H, W) and (N, C, H, W) count by their last two entries
    Raises:  AnswerError for what is neither one nor two whole numbers

    >>> from grader.model import Place
    >>> place = Place("answers.json")
    >>> [stated_size(Answer(written, place), may_have_channels=False).readings[0] for written in (9, "9x9", "(9, 7)")]
    [(9,), (9, 9), (9, 7)]
    >>> stated_size(Answer("p = (k-1)/2 → p = 2", place), may_have_channels=False).readings
    ((2,),)
    """
    working = working_of(answer)
    try:
        shape = parse_shape(answer.value, answer.place)
    except AnswerError:
        # No shape, but it may end on a number.
        if working is None or working.number.value.denominator != 1 or working.number.value < 0:
            raise
        return Stated(((int(working.number.value),),), working)
    readings: list[tuple[int, ...]] = []
    for entries in shape.readings:
        last = entries[-2:] if may_have_channels and len(entries) in (3, 4) else entries
        sizes = tuple(entry for entry in last if isinstance(entry, int))
        if len(sizes) == len(last) and len(sizes) in (1, 2):
            readings.append(sizes)
    if not readings:
        what = f"{shown(answer.value, 60)} is not one or two whole numbers"
        fix = "write one number, or height and width as 9x9"
        raise AnswerError(Problem("not-a-size", str(answer.place), what, fix))
    return Stated(tuple(readings), working)


def working_of(answer: Answer) -> Working | None:
    """The answer as a number with its working; None where it is none."""
    try:
        return parse_working(answer.value, answer.place)
    except AnswerError:
        return None
