"""Which tables of layers are there, what does each cell come to, and which row is the first that is wrong?

Tables that a student worked out, and summaries that a tool has printed into a report.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from grader.checks._alignment import Aligned
from grader.checks._follow_through import CellVerdict, JudgedCell
from grader.checks._submitted import matching
from grader.checks._table_findings import label
from grader.checks.layer_table import LayerTable as LayerTables
from grader.checks.layer_table import aligned_rows
from grader.checks.model_summary import TOOLS, ModelSummary, summaries_of
from grader.documents import DocumentError
from grader.model import Evidence, Job, Rule
from grader.reports.exhibits import About, Case, LayerCell, LayerRow, LayerTable, about

if TYPE_CHECKING:
    from grader.architecture.recompute.verdict import RowVerdict, SummaryVerdict


MOST_REPORTS: Final = 3  # of one rule
MOST_SUMMARIES: Final = 4
MOST_ROWS: Final = 200


def made(case: Case) -> Iterator[LayerTable]:
    """One for each table that was handed in, and for each summary that a report prints."""
    for task, rule in case.rules():
        if rule.check == LayerTables.name:
            evidence = dict(_known(case, rule))
            found = None
            if len(evidence) == len(case.asked.needs.get(rule.id, ())):
                found = aligned_rows(rule, case.submission, evidence)
            if found is not None:
                yield _table(about(task, rule, "Layer table: claimed beside recomputed"), *found)
        elif rule.check == ModelSummary.name:
            yield from _summaries(case, task, rule)


def _known(case: Case, rule: Rule) -> Iterator[tuple[Job, Evidence]]:
    for job in case.asked.needs.get(rule.id, ()):
        known = case.evidence_of(job)
        if known is not None:
            yield job, known


# --- tables worked out by hand --------------------------------------------------------------------


def _table(about_it: About, columns: tuple[str, ...], aligned: Aligned) -> LayerTable:
    rows = [
        LayerRow(
            judged.number,
            label(judged.step),
            tuple(_cell(cell, is_there=judged.row is not None) for cell in judged.cells),
            judged.row.layer if judged.row is not None else "",
        )
        for judged in aligned.judged
    ]
    rows += [
        LayerRow(
            0,
            "no such layer",
            tuple(
                LayerCell(column, spare.cells[column].written if column in spare.cells else "", "", "spare", False)
                for column in columns
            ),
            spare.layer,
        )
        for spare in aligned.spare
    ]
    first = next((i for i, row in enumerate(rows) if not all(cell.is_credited for cell in row.cells)), None)
    return LayerTable(about_it, columns, tuple(rows), first)


def _cell(cell: JudgedCell, *, is_there: bool) -> LayerCell:
    """What was not tried is not told: an empty table must not be answered with the solution."""
    is_tried = is_there and cell.verdict is not CellVerdict.MISSING
    return LayerCell(
        cell.column,
        cell.cell.written if cell.cell is not None else "",
        cell.right if is_tried else "",
        cell.verdict.value,
        cell.verdict.is_credited,
    )


# --- summaries that a tool printed ----------------------------------------------------------------


def _summaries(case: Case, task: str, rule: Rule) -> Iterator[LayerTable]:
    """Of the kinds that the rule asks for, each row beside what follows from the rows before it."""
    count = 0
    for file in matching(case.submission, rule.settings["report"])[:MOST_REPORTS]:
        try:
            verdicts = summaries_of(case.submission, file, tuple(rule.settings.get("input", ())))
        except (DocumentError, OSError):
            continue
        for verdict in verdicts:
            kind = verdict.summary.format.value
            if kind in rule.settings.get("kinds", TOOLS) and verdict.rows and count < MOST_SUMMARIES:
                count += 1
                title = (
                    f"The summary in {file.path}, line {verdict.summary.first_line} ({kind}), beside what is recomputed"
                )
                made_ = _summary(about(task, rule, title), verdict)
                if any(cell.claimed for row in made_.rows for cell in row.cells):
                    yield made_


def _summary(whose: About, verdict: SummaryVerdict) -> LayerTable:
    wrong = {(one.row, one.field): one.is_certain for one in verdict.disagreements if one.row is not None}
    by_row: dict[int, bool] = {}
    for (row, _), is_certain in wrong.items():
        by_row[row] = by_row.get(row, False) or is_certain
    rows = []
    for number, one in enumerate(verdict.rows[:MOST_ROWS]):
        cells = (_printed("output", number, one, wrong), _printed("parameters", number, one, wrong))
        rows.append(LayerRow(number + 1, one.row.name, cells, one.row.type if one.row.type != one.row.name else ""))
    first = min((row for row, is_certain in by_row.items() if is_certain and row < len(rows)), default=None)
    return LayerTable(whose, ("output", "parameters"), tuple(rows), first)


def _printed(column: str, number: int, one: RowVerdict, wrong: dict[tuple[int, str], bool]) -> LayerCell:
    if column == "output":
        said = ", ".join(map(_shape, one.row.outputs))
        right = _shape(one.output) if said and one.output is not None else ""
    else:
        said = one.row.parameters.text if one.row.parameters is not None else ""
        right = f"{one.parameters:,}" if said and one.parameters is not None else ""
    is_certain = wrong.get((number, column))
    if is_certain is None:
        return LayerCell(column, said, right, "right" if said and right else "unchecked", is_credited=True)
    return LayerCell(column, said, right, "wrong" if is_certain else "odd", is_credited=not is_certain)


def _shape(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("N" if size is None else str(size) for size in shape) + ")"
