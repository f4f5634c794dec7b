"""What is said about a judged table of layers? One finding per row, then what a slip had for consequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from grader.answers.mentions import is_hedged, numbers_in, readings_of, run_of_numbers
from grader.checks._alignment import Aligned
from grader.checks._follow_through import CellVerdict, JudgedCell, JudgedRow
from grader.checks._network import Step
from grader.checks._settings import counted
from grader.checks._slips import Slip
from grader.checks._table_rows import TableRow
from grader.checks.base import failed, partial, remark, review, shown
from grader.model import Finding, Json, Outcome, Place

TOLD = 6  # rows named in a remark


def table_findings(aligned: Aligned, width: int, place: Place, *, is_revealed: bool) -> Iterator[Finding]:
    """The findings of a table with `width` columns that stands at `place`; `is_revealed`: with the right values."""
    rows = [row for row in aligned.judged if row.number]
    first = next((row.number for row in rows if not row.is_all_credited), None)
    for row in rows:
        yield _row_finding(row, place, is_first_wrong=row.number == first, is_revealed=is_revealed)
    for spare in aligned.spare:
        yield _spare(spare, width)
    yield from _consequences(rows)
    yield from _repeated(rows)
    yield from _workings(aligned.judged)


# --- one row -----------------------------------------------------------------------------------


def _row_finding(row: JudgedRow, place: Place, *, is_first_wrong: bool, is_revealed: bool) -> Finding:
    weight = Fraction(len(row.cells))
    details: dict[str, Json] = {
        "weight": weight,
        "expected": "; ".join(_with_unit(cell, cell.right) for cell in row.cells),
        "place": row.row.place if row.row is not None else place,
    }
    head = _head(row, is_first_wrong=is_first_wrong)
    # What was not tried is not told: an empty table must not be answered with the solution.
    if row.row is None:
        return failed(
            f"{head}: it is missing", **details | {"expected": ""}, fix="add a row for this layer", code="row-missing"
        )
    if all(cell.verdict is CellVerdict.MISSING for cell in row.cells):
        fix = f"fill in {' and '.join(cell.column for cell in row.cells)}"
        return failed(f"{head}: nothing is filled in", **details | {"expected": ""}, fix=fix, code="row-empty")
    details["observed"] = "; ".join(_with_unit(cell, cell.cell.written) for cell in row.cells if cell.cell is not None)
    if all(cell.verdict is CellVerdict.RIGHT for cell in row.cells):
        # A shape as the student has it, its batch may be left open; a number without its typesetting.
        values = (c.right if c.column == "parameters" else c.cell.said for c in row.cells if c.cell is not None)
        said = f"{head} is right: {', '.join(_with_unit(c, v) for c, v in zip(row.cells, values, strict=True))}"
    else:
        said = f"{head}: {'; '.join(_cell_words(cell, row, is_revealed=is_revealed) for cell in row.cells)}"
    if any(_holds_the_right(cell, row.step) for cell in row.cells):
        # Words around the right sizes: what is meant is for a person to tell.
        return review(said, **details, fix=_fix(row, is_revealed=is_revealed), code="unclear-answer")
    credit = Fraction(row.credited, len(row.cells))
    return partial(said, credit, **details, fix=_fix(row, is_revealed=is_revealed), code=_code(row))


def _holds_the_right(judged: JudgedCell, step: Step) -> bool:
    """Does a cell that cannot be read hold the right sizes, one behind the other, or the right count?"""
    problem = judged.cell.problem if judged.cell is not None else None
    if judged.cell is None or problem is None or problem.code == "not-a-row":
        return False
    if judged.column == "parameters":
        return any(step.right.parameters in readings_of(piece) for piece in numbers_in(judged.cell.written))
    sizes = step.input if judged.column == "input" else step.right.output
    return not is_hedged(judged.cell.written) and run_of_numbers(judged.cell.written, [Fraction(s) for s in sizes])


def _head(row: JudgedRow, *, is_first_wrong: bool) -> str:
    is_moved = row.row is not None and row.row.number != row.number
    own = f"; row {row.row.number} of your table" if row.row is not None and is_moved else ""
    name = f"row {row.number} ({label(row.step)}{own})"
    return f"{name} is the first that is wrong" if is_first_wrong else name


def label(step: Step) -> str:
    """What the rubric calls the layer: its kind, and its name where it was given one.

    >>> from grader.checks._network import Made
    >>> (
    ...     label(Step(1, "conv2d_1", "conv2d", None, (), Made((), 0))),
    ...     label(Step(1, "stem", "conv2d", None, (), Made((), 0))),
    ... )
    ('conv2d', 'stem, conv2d')
    """
    is_given = step.name not in (f"{step.kind}_{step.number}", step.kind)
    return f"{step.name}, {step.kind}" if is_given else step.kind


def _cell_words(cell: JudgedCell, row: JudgedRow, *, is_revealed: bool) -> str:
    noun, verb = cell.column, "are" if cell.column == "parameters" else "is"
    said = cell.cell.said if cell.cell is not None else ""
    s = "" if cell.column == "parameters" else "s"
    text = f" (from the text: {cell.right})" if is_revealed else ""
    match cell.verdict:
        case CellVerdict.RIGHT:
            return f"the {noun} {said} {verb} right"
        case CellVerdict.FOLLOWS:
            return f"the {noun} {said} follow{s} from your row {cell.origin}{text}"
        case CellVerdict.FOLLOWS_WITHIN:
            is_here = any(other.verdict is CellVerdict.WRONG for other in row.cells)
            why = "to that slip" if is_here else "to the slip in the output of this row, which is judged elsewhere,"
            return f"the {noun} {said} belong{s} {why} and cost{s} nothing more{text}"
        case CellVerdict.MISSING:
            return f"the {noun} {verb} missing"
        case CellVerdict.UNREADABLE:
            problem = cell.cell.problem if cell.cell is not None else None
            return f"the {noun} cannot be read: {problem.what if problem is not None else said}"
        case _:
            why = f": {cell.slip.said}" if cell.slip is not None else ""
            if not why and cell.column == "parameters" and row.step.right.parameters == 0:
                why = f": a {row.step.kind} learns nothing"
            return f"the {noun} {said} {verb} wrong{why}{text}"


def _fix(row: JudgedRow, *, is_revealed: bool) -> str:
    for cell in row.cells:
        if cell.verdict is CellVerdict.UNREADABLE and cell.cell is not None and cell.cell.problem is not None:
            return cell.cell.problem.fix
        if cell.verdict is CellVerdict.MISSING:
            return f"fill in the {cell.column}"
        if cell.verdict is CellVerdict.WRONG:
            return (
                f"the text gives {_with_unit(cell, cell.right)}" if is_revealed else f"compute the {cell.column} again"
            )
    return ""


def _code(row: JudgedRow) -> str:
    for cell in row.cells:
        if cell.verdict is CellVerdict.WRONG:
            return cell.slip.code if cell.slip is not None else f"wrong-{cell.column}"
        if not cell.verdict.is_credited:
            return f"{cell.verdict.value}-{cell.column}"
    is_following = any(cell.verdict is not CellVerdict.RIGHT for cell in row.cells)
    return "follows-through" if is_following else "right"


def _with_unit(cell: JudgedCell, text: str) -> str:
    """A cell's text with what it is.

    >>> _with_unit(JudgedCell("parameters", CellVerdict.RIGHT, "1"), "1")
    '1 parameter'
    """
    if cell.column == "parameters" and text.replace(",", "").isdigit():
        return f"{text} parameter{'' if text == '1' else 's'}"
    return f"input {text}" if cell.column == "input" else text


def _spare(row: TableRow, width: int) -> Finding:
    written = "; ".join(cell.written for cell in row.cells.values()) or "nothing"
    called = f" ({shown(row.layer, 40)})" if row.layer else ""
    return failed(
        f"row {row.number} of your table{called} stands for no layer that is asked for",
        weight=Fraction(width),
        observed=written,
        place=row.place,
        fix="leave it out: one row for each layer that the assignment names",
        code="row-too-many",
    )


# --- remarks -----------------------------------------------------------------------------------


def _consequences(rows: Sequence[JudgedRow]) -> Iterator[Finding]:
    """Which cells of later rows were credited although the text says otherwise, by the slip that they follow from."""
    by_origin: dict[int, list[int]] = {}
    for row in rows:
        for cell in row.cells:
            if cell.verdict is CellVerdict.FOLLOWS:
                by_origin.setdefault(cell.origin, []).append(row.number)
    for origin, cells in by_origin.items():
        count = len(cells)
        said = (
            f"one slip in row {origin}, {counted(count, 'consequence')} in {_rows(cells)} "
            f"{'is' if count == 1 else 'are'} not charged again"
        )
        yield remark(Outcome.PASSED, said, code="one-slip")


def _rows(numbers: Sequence[int]) -> str:
    distinct = list(dict.fromkeys(numbers))
    if len(distinct) == 1:
        return f"row {distinct[0]}"
    if len(distinct) > TOLD:
        return f"rows {', '.join(map(str, distinct[: TOLD - 1]))} and {len(distinct) - TOLD + 1} more"
    return f"rows {', '.join(map(str, distinct[:-1]))} and {distinct[-1]}"


def _repeated(rows: Sequence[JudgedRow]) -> Iterator[Finding]:
    """A slip that was made again and again: one thing to learn, though each row is its own computation."""
    by_slip: dict[Slip, list[int]] = {}
    for row in rows:
        for cell in row.cells:
            if cell.column == "parameters" and cell.slip is not None:
                by_slip.setdefault(cell.slip, []).append(row.number)
    for slip, numbers in by_slip.items():
        if len(numbers) > 1:
            yield remark(Outcome.FAILED, f"the same slip in {_rows(numbers)}: {slip.said}", code=slip.code)


def _workings(rows: Sequence[JudgedRow]) -> Iterator[Finding]:
    """Equations in the working that are not so. The value at the end was judged."""
    for row in rows:
        for cell in row.cells:
            if cell.cell is not None and cell.cell.slips:
                said = f"row {row.number or label(row.step)}: {cell.cell.slips[0]}; the value at the end was judged"
                fix = "mend the working, or the value"
                yield remark(Outcome.PARTIAL, said, place=cell.cell.place, fix=fix, code="working-disagrees")
