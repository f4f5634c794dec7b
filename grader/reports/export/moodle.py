"""How does Moodle get its grades? In its own offline grading worksheet, of which two cells a row change.

Moodle passes over a row in silence where the grade is above the maximum or locked, so that is told here. It matches
rows by `Identifier`, compares dates with its own, and keeps comments as HTML: names, dates and order stay as they came.
Its words are those of the site's language; columns are known by their order and content, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from grader.documents.wording import clean, shown
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.intake.lms.roster import identifier_number
from grader.reports.export.cells import number_from
from grader.reports.export.choosing import Line
from grader.reports.export.comments import comment_html, is_own
from grader.reports.export.delimited import Row, Table
from grader.reports.export.filling import (
    Filled,
    Key,
    matched,
    numbers_of,
    put_grade,
    tell_formulas,
    tell_scale,
)

_MAXIMUM = re.compile(r"max|maks|máx|best|höchst|najw|nejv|enimm|макс|最高|最大|최대|μέγ", re.IGNORECASE)
_COMMENTS = re.compile(
    r"feedback|comment|komment|rückmeld|retroal|retroaz|coment|opmerk|tilbakem|palaut|kommentti|отзыв|комм|评语|反馈|コメント",
    re.IGNORECASE,
)
_NO_WORDS = "no nein non não nao nee nej nei ne nie ei нет ні όχι いいえ 否 아니요 hayır nem не nu tidak không"
_YES_WORDS = "yes ja oui sí si sim ano tak kyllä да так ναι はい 是 예 evet igen jah taip jā"
_NO, _YES = frozenset(_NO_WORDS.split()), frozenset(_YES_WORDS.split())
IDENTIFIER = 0  # the column that says who a row is for


@dataclass(frozen=True)
class Columns:
    """Where things stand in this worksheet."""

    grade: int
    maximum: int
    changeable: int | None
    comments: int | None


def fill(data: bytes, name: str, lines: Sequence[Line]) -> Filled:
    """The worksheet with the lines' grades and comments. Raises UsageError for what is no such worksheet."""
    table = Table.read(data, name)
    columns = columns_of(table)
    filled = Filled()
    numbers = numbers_of(table, (columns.grade, columns.maximum))
    maximum = number_from(table.rows[0].cells[columns.maximum].text) if table.rows else None
    tell_scale(lines, maximum, filled)
    if columns.comments is None:
        filled.tell(
            "no-comments", "", "the file has no column for comments: only grades go out (--feedback makes a zip)"
        )
    for row, line in matched(table.rows, lines, keys_of(columns), filled):
        if line.points is None:
            continue
        if columns.changeable is not None and row.cells[columns.changeable].text.strip().casefold() in _NO:
            filled.tell("locked", line.grade.id, "the grade is locked in Moodle: the row is left alone")
            continue
        of = number_from(row.cells[columns.maximum].text) or Fraction(0)
        if put_grade(table, row, columns.grade, line, of, numbers, filled) and columns.comments is not None:
            _put_comment(table, row, columns.comments, line, filled)
    tell_formulas(table, filled)
    filled.data = table.data()
    return filled


def _put_comment(table: Table, row: Row, column: int, line: Line, filled: Filled) -> None:
    before = row.cells[column].text
    if before.strip() and not is_own(before):
        filled.tell("comment-kept", line.grade.id, f"somebody's comment stands there, and is kept: {shown(before)}")
        return
    table.put(row, column, comment_html(line, is_unicode=table.is_unicode))


def keys_of(columns: Columns) -> list[Key]:
    """Moodle's own number of a person; where the class list lacks it, a cell with a student's address or id."""
    keys = [Key(lambda row: identifier_number(row.cells[IDENTIFIER].text) or "", participant)]
    for of_line in (lambda line: line.grade.email, lambda line: line.grade.id):
        keys += [Key(_text_at(column), of_line) for column in range(IDENTIFIER + 1, columns.grade)]
    return keys


def participant(line: Line) -> str:
    """The assignment's own number of a student, as Moodle gives it; empty where it never said one."""
    keys = line.grade.keys
    return keys.get("participant", "") or identifier_number(keys.get("identifier", "")) or ""


def _text_at(column: int) -> Callable[[Row], str]:
    return lambda row: row.cells[column].text.strip()


def columns_of(table: Table) -> Columns:
    """Where the columns are. Raises UsageError where that cannot be said, or grades are words of a scale."""
    numbers = [identifier_number(text) for text in _texts(table, IDENTIFIER)]
    if None in numbers or len(set(numbers)) != len(numbers):
        raise _no_worksheet(table, "the first column does not say who a row is for, such as 'Participant 4711'")
    likely = [at for at in range(IDENTIFIER + 2, len(table.columns)) if _is_maximum(table, at)]
    named = [at for at in likely if _MAXIMUM.search(table.columns[at])]
    if len(named or likely) != 1:
        what = "no column has the maximum grade: grades that are words of a scale cannot be exported"
        raise _no_worksheet(table, "more than one column could be the maximum grade" if likely else what)
    [maximum] = named or likely
    behind = range(maximum + 1, len(table.columns))
    changeable = next((at for at in behind if _says_yes_or_no(table, at)), None)
    comments = [at for at in behind if at != changeable and _COMMENTS.search(table.columns[at])]
    return Columns(maximum - 1, maximum, changeable, comments[-1] if comments else None)


def _texts(table: Table, column: int) -> list[str]:
    return [row.cells[column].text.strip() for row in table.rows]


def _is_maximum(table: Table, column: int) -> bool:
    """Whether every cell is the same number above 0, and the column before it may hold grades."""
    values = {number_from(text) for text in _texts(table, column)}
    before = _texts(table, column - 1)
    [value] = values if len(values) == 1 else [None]
    return (
        value is not None and value > 0 and all(not text.strip("-") or number_from(text) is not None for text in before)
    )


def _says_yes_or_no(table: Table, column: int) -> bool:
    texts = {text.casefold() for text in _texts(table, column)}
    return bool(texts) and texts <= _YES | _NO


def _no_worksheet(table: Table, what: str) -> UsageError:
    fix = "name the file that Moodle gives as Download grading worksheet: --worksheet FILE"
    return UsageError.single(what, where=clean(table.name), fix=fix, code="no-worksheet")
