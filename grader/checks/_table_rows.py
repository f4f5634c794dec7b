"""What did the student write into a table of layers? Each cell read once, with where it stands."""

from __future__ import annotations

from fractions import Fraction

from grader.answers.answer_error import AnswerError
from grader.answers.shapes import Entry, parse_shapes
from grader.answers.working import parse_working
from grader.checks.base import shown
from grader.frozen import dataclass
from grader.model import Answer, Json, Place, Problem

SHAPES = ("input", "output")
COLUMNS = (*SHAPES, "parameters")


@dataclass(frozen=True)
class Cell:
    """One cell. `shapes` or `numbers` are its readings; `problem` says why there are none.

    `written` is what stands there, `said` what it comes to: the last shape of a chain, the end of a working.
    """

    written: str
    said: str
    place: Place
    shapes: tuple[tuple[Entry, ...], ...] = ()
    numbers: tuple[Fraction, ...] = ()
    problem: Problem | None = None
    slips: tuple[str, ...] = ()  # steps of the working that are not so; they cost nothing

    @property
    def is_readable(self) -> bool:
        return self.problem is None


@dataclass(frozen=True)
class TableRow:
    """One row. A column without a cell was left empty."""

    number: int  # from 1, as the student counts
    place: Place
    layer: str
    cells: dict[str, Cell]


def read_rows(value: Json, place: Place, columns: tuple[str, ...]) -> list[TableRow] | None:
    """The rows of an answer; None where it is no list of rows."""
    if not isinstance(value, list):
        return None
    return [_row(row, place.child(index), index + 1, columns) for index, row in enumerate(value)]


def rows_and_total(answer: Answer) -> tuple[Json, Place, Json, Place]:
    """The rows with their place, and the total with its own. Rows may stand alone, or under "rows"."""
    if isinstance(answer.value, dict):
        total = answer.value.get("total")
        return answer.value.get("rows"), answer.place.child("rows"), total, answer.place.child("total")
    return answer.value, answer.place, None, answer.place


def _row(row: Json, place: Place, number: int, columns: tuple[str, ...]) -> TableRow:
    if not isinstance(row, dict):
        problem = Problem(
            "not-a-row", str(place), f"{shown(row, 60)} is no row", 'write {"output": ..., "parameters": ...}'
        )
        cells = {column: Cell(shown(row, 60), shown(row, 60), place, problem=problem) for column in columns}
        return TableRow(number, place, "", cells if row is not None else {})
    cells = {
        column: read_cell(row[column], place.child(column), is_shape=column in SHAPES)
        for column in columns
        if column in row and row[column] is not None and row[column] != ""
    }
    layer = row.get("layer")
    return TableRow(number, place, layer[:100] if isinstance(layer, str) else "", cells)


def read_cell(value: Json, place: Place, *, is_shape: bool) -> Cell:
    """A shape (of a chain the last one) or a number with or without its working."""
    written = shown(value, 80)
    try:
        if is_shape:
            shape = parse_shapes(value, place)[-1]
            return Cell(written, str(shape), place, shapes=shape.readings)
        working = parse_working(value, place)
    except AnswerError as error:
        return Cell(written, written, place, problem=error.problem)
    if working.number.bound:
        what = f"{written} is a bound, not a number of parameters"
        problem = Problem("not-a-number", str(place), what, "write the number itself")
        return Cell(written, written, place, problem=problem)
    slips = tuple(disagreement.said for disagreement in working.disagreements)
    numbers = working.number.readings
    return Cell(written, counted_words(numbers, written), place, numbers=numbers, slips=slips)


def counted_words(numbers: tuple[Fraction, ...], written: str) -> str:
    """A count for a sentence; as it was written where it means two numbers or no whole one.

    >>> counted_words((Fraction(1760),), "(6*3*3+1)*32"), counted_words((Fraction(1, 2),), "1/2")
    ('1,760', '1/2')
    """
    is_plain = len(set(numbers)) == 1 and numbers[0].denominator == 1 and abs(numbers[0]) < 10**15
    return f"{int(numbers[0]):,}" if is_plain else written
