"""How does a grade get into a row of the LMS's own file? By the LMS's id of the student, scaled to the file's maximum.

Nothing is guessed: a row that two students fit, or none, is told and left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from fractions import Fraction

from grader.documents.wording import clean, shown
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.reports.export.cells import fixed_text, is_like_a_formula, number_from, number_text
from grader.reports.export.choosing import Line, Told
from grader.reports.export.delimited import Row, Table


@dataclass
class Filled:
    """An LMS's file with grades in it: its bytes, whose grades are there now, and what a person has to know."""

    data: bytes = b""
    written: list[str] = field(default_factory=list)  # ids of students
    told: list[Told] = field(default_factory=list)

    def tell(self, code: str, who: str, what: str) -> None:
        """Tell something of a student, or of the file where `who` is empty."""
        self.told.append(Told(code, who, what))


@dataclass(frozen=True)
class Key:
    """One way to know a student in a row: what the row says, and what the line's student is called."""

    of_row: Callable[[Row], str]
    of_line: Callable[[Line], str]


def cell_key(table: Table, column: int | None, of_line: Callable[[Line], str]) -> list[Key]:
    """A key by the text of a column, or none where the file lacks that column."""
    del table
    return [] if column is None else [Key(lambda row: row.cells[column].text.strip(), of_line)]


def lms_key(name: str) -> Callable[[Line], str]:
    """What the LMS itself calls the student, such as "canvas_id"."""
    return lambda line: line.grade.keys.get(name, "").strip()


def matched(
    rows: Sequence[Row], lines: Sequence[Line], keys: Sequence[Key], filled: Filled
) -> Iterator[tuple[Row, Line]]:
    """The rows with their lines, in the order of the file. The first key that both have decides.

    A key that several rows or several students share decides nothing. Told: rows that are nobody's in the gradebook,
    and students with a grade who are in no row.
    """
    found: dict[int, int] = {}  # by row: the line
    taken: set[int] = set()
    for key in keys:
        of_rows = _once((key.of_row(rows[at]).casefold(), at) for at in range(len(rows)) if at not in found)
        of_lines = _once((key.of_line(lines[at]).casefold(), at) for at in range(len(lines)) if at not in taken)
        for text, at in of_rows.items():
            if text in of_lines:
                found[at] = of_lines[text]
                taken.add(of_lines[text])
    for at, row in enumerate(rows):
        if at in found:
            yield row, lines[found[at]]
        else:
            filled.tell("not-in-gradebook", "", f"line {row.line}, {_who(row)}: nobody in the gradebook; left alone")
    for at, line in enumerate(lines):
        if at not in taken and line.points is not None:
            filled.tell("not-in-file", line.grade.id, "has a grade, and is not in the file")


def _who(row: Row) -> str:
    """The first two cells that say something: a number and a name, or a name and a number."""
    return ", ".join(shown(cell.text.strip(), 40) for cell in [cell for cell in row.cells if cell.text.strip()][:2])


def _once(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What stands there exactly once."""
    pairs = [pair for pair in pairs if pair[0]]
    times = Counter(text for text, _ in pairs)
    return {text: at for text, at in pairs if times[text] == 1}


# --- columns -----------------------------------------------------------------------------------


def column_of(table: Table, *names: str) -> int | None:
    """The column of one of these names, whatever their case; None where there is none."""
    folded = [name.casefold() for name in table.columns]
    return next((folded.index(name.casefold()) for name in names if name.casefold() in folded), None)


def needed(table: Table, *names: str) -> int:
    """The column of one of these names. Raises UsageError where there is none."""
    found = column_of(table, *names)
    if found is None:
        columns = ", ".join(shown(name, 40) for name in table.columns[:20])
        what = f"there is no column {shown(names[0])} among {columns}"
        raise UsageError.single(what, where=clean(table.name), fix="name the LMS's own file: --worksheet FILE")
    return found


# --- numbers -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbers:
    """How this file writes numbers: its decimal mark, and whether always with two decimals."""

    mark: str = "."
    is_fixed: bool = False

    def text(self, points: Fraction) -> str:
        """Points as the file writes them, with at most two decimals."""
        return (fixed_text(points) if self.is_fixed else number_text(points)).replace(".", self.mark)


def numbers_of(table: Table, columns: Iterable[int]) -> Numbers:
    """How the numbers in these columns are written; where none has decimals, as a file with that delimiter would."""
    texts = [row.cells[column].text.strip() for column in columns for row in table.rows]
    texts = [text for text in texts if number_from(text) is not None]
    marks = Counter(text[-3] for text in texts if len(text) > 3 and text[-3] in ".,")
    marks += Counter(text[-2] for text in texts if len(text) > 2 and text[-2] in ".,")
    fixed = [text for text in texts if len(text) > 3 and text[-3] in ".,"]
    mark = marks.most_common(1)[0][0] if marks else "," if table.delimiter == ";" else "."
    return Numbers(mark, bool(texts) and len(fixed) == len(texts))


def put_grade(
    table: Table,
    row: Row,
    column: int,
    line: Line,
    maximum: Fraction | None,
    numbers: Numbers,
    filled: Filled,
    *,
    is_zero_nothing: bool = False,
) -> bool:
    """Put a line's points into a cell, scaled from its own maximum to the file's. False where the cell is left alone.

    `maximum` None: the file has none, and the points go in as they are. Points above the maximum are told: an LMS
    passes over such a row without a word. So is a grade that is replaced, but for a 0 where this is what the LMS writes
    for nothing at all.
    """
    if line.points is None:
        if is_zero_nothing and number_from(row.cells[column].text) == 0:
            filled.tell("zero-in-file", line.grade.id, "the LMS's own file has a 0 here, and keeps it")
        return False
    points = line.points if maximum is None else line.points * maximum / line.most
    who = line.grade.id
    if maximum is not None and points > maximum:
        had = f"{number_text(line.points)} of {number_text(line.most)} points"
        most = f"the file's maximum of {number_text(maximum)}"
        filled.tell("above-maximum", who, f"{had} are more than {most}: the cell is left alone")
        return False
    if points < 0:
        filled.tell("below-zero", who, f"{number_text(line.points)} points are below 0: the cell is left alone")
        return False
    before = row.cells[column].text.strip()
    now = number_from(before)
    text = numbers.text(points)
    if now != number_from(text):
        if before.strip("-") and not (is_zero_nothing and now == 0):
            filled.tell("changed", who, f"the file had {shown(before, 40)}, and has {text} now")
        table.put(row, column, text)
    filled.written.append(who)
    return True


def tell_scale(lines: Iterable[Line], maximum: Fraction | None, filled: Filled) -> None:
    """Tell where points are not what goes into the file."""
    if maximum is None:
        return
    others = sorted({line.most for line in lines if line.points is not None and line.most != maximum})
    if others:
        of = " or ".join(number_text(one) for one in others[:4])
        filled.tell("scaled", "", f"the file's maximum is {number_text(maximum)}: points of {of} are scaled to it")


def tell_formulas(table: Table, filled: Filled) -> None:
    """Tell of cells of the LMS's own that a spreadsheet would run: they stay, for the LMS must know its file again."""
    risky = [row.line for row in table.rows if any(is_like_a_formula(cell.text) for cell in row.cells)]
    if risky:
        where = f"line {risky[0]}" + (f" and {len(risky) - 1} more" if len(risky) > 1 else "")
        what = (
            f"{where} of the LMS's own file has a cell that begins like a formula: upload it, open it in no spreadsheet"
        )
        filled.tell("formula-in-file", "", what)
