"""Which tables of layers are there, what does each cell come to, and which row is the first that is wrong?"""

from __future__ import annotations

from collections.abc import Iterator

from grader.checks._alignment import Aligned
from grader.checks._follow_through import CellVerdict, JudgedCell
from grader.checks._table_findings import label
from grader.checks.layer_table import LayerTable as Check
from grader.checks.layer_table import aligned_rows
from grader.model import Evidence, Job
from grader.reports.exhibits import About, Case, LayerCell, LayerRow, LayerTable, about


def made(case: Case) -> Iterator[LayerTable]:
    """One for each rule that judges a table which was handed in."""
    for task, rule in case.rules():
        if rule.check != Check.name:
            continue
        evidence: dict[Job, Evidence] = {}
        for job in case.asked.needs.get(rule.id, ()):
            known = case.evidence_of(job)
            if known is not None:
                evidence[job] = known
        if len(evidence) < len(case.asked.needs.get(rule.id, ())):
            continue
        found = aligned_rows(rule, case.submission, evidence)
        if found is not None:
            columns, aligned = found
            yield _table(about(task, rule, "Layer table: claimed beside recomputed"), columns, aligned)


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
