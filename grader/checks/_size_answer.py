"""Which sizes can an answer mean? 9, 9x9, (9, 9), "512 + 1 - 504 = 9": one number for both axes, or two."""

from __future__ import annotations

import re
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.shapes import Entry, Shape, parse_shape
from grader.answers.working import Working, parse_working
from grader.checks.base import shown
from grader.frozen import dataclass
from grader.model import Answer, Json, Problem


@dataclass(frozen=True)
class Stated:
    """The sizes that the writing can mean, each of one or two numbers, and its working."""

    readings: tuple[tuple[int, ...], ...]
    working: Working | None


def stated_size(answer: Answer, *, may_have_channels: bool) -> Stated:
    """Read an answer as a size.

    `may_have_channels`  of (C, H, W), (H, W, C), (N, C, H, W) and (N, H, W, C) the height and the width count
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
        shape = parse_shape(_without_symbols(answer.value) if may_have_channels else answer.value, answer.place)
    except AnswerError:
        # No shape, but it may end on a number.
        if working is None or working.number.value.denominator != 1 or working.number.value < 0:
            raise
        return Stated(((int(working.number.value),),), working)
    readings: list[tuple[int, ...]] = []
    for entries in _meant(shape):
        for part in _spatial(entries) if may_have_channels else (entries,):
            sizes = tuple(entry for entry in part if isinstance(entry, int))
            if len(sizes) == len(part) and len(sizes) in (1, 2):
                readings.append(sizes)
    if not readings:
        what = f"{shown(answer.value, 60)} is not one or two whole numbers"
        fix = "write one number, or height and width as 9x9"
        raise AnswerError(Problem("not-a-size", str(answer.place), what, fix))
    # The commas of "H=14, W=13" separate sizes: these are no steps of a working.
    is_listed = len(shape.entries) > 1 and "," in shape.written and "=" in shape.written
    return Stated(tuple(readings), None if is_listed else working)


def _meant(shape: Shape) -> tuple[tuple[Entry, ...], ...]:
    """The readings of the shape as a size: "3x3" is one, and never the 9 that it multiplies to."""
    is_square = len(shape.entries) == 2 and len(set(shape.entries)) == 1
    return (shape.entries,) if is_square or "*" not in shape.written else shape.readings


def _spatial(entries: tuple[Entry, ...]) -> tuple[tuple[Entry, ...], ...]:
    """Height and width, with the channels before them or behind; the batch is always in front."""
    if len(entries) not in (3, 4):
        return (entries,)
    return entries[-2:], entries[-3:-1]


_SYMBOLS: Final = re.compile(r"^\s*([(\[]?)\s*(?:[A-Za-z]\w*\s*[,×xX]\s*){1,2}(?=\d)")


def _without_symbols(value: Json) -> Json:
    """Without the batch and the channels where they are letters, as in (B, C, 24, 24)."""
    return _SYMBOLS.sub(r"\1", value[:200]) + value[200:] if isinstance(value, str) else value


def working_of(answer: Answer) -> Working | None:
    """The answer as a number with its working; None where it is none."""
    try:
        return parse_working(answer.value, answer.place)
    except AnswerError:
        return None
