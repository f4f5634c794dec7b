"""Which layers do the printed rows imply, and what printed thing cannot be?

PrintedSummary -> steps in time -> flow (what feeds what) -> blame (which cell is wrong) -> SummaryVerdict
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from grader.architecture.readers.printed import PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.blame import Repair, is_impossible, repairs_of
from grader.architecture.recompute.flow import IMPOSSIBLE, UNEXPLAINED, Flow, Story
from grader.architecture.recompute.ledger import Ledger
from grader.architecture.recompute.order import misplaced
from grader.architecture.recompute.sentences import count_sentence, output_sentence, shape_words
from grader.architecture.recompute.steps import Step, steps_of
from grader.architecture.recompute.verdict import Disagreement, LayerReading, RowVerdict, SummaryVerdict
from grader.architecture.shapes import Shape

_MOST_DOUBTS = 8


def verify(summary: PrintedSummary, *, input_shape: Shape | None = None) -> SummaryVerdict:
    """Recompute everything that `summary` says, from its own rows alone.

    Shapes:  `input_shape` with the batch first, where the caller knows what the network was given
    Returns: the verdict; it never raises for what a file may hold
    """
    order, said, doubts = misplaced(summary)
    steps = steps_of(replace(summary, rows=tuple(summary.rows[index] for index in order)))
    steps = [replace(step, row=order[step.row]) for step in steps]
    inputs = _inputs(summary, input_shape)
    flow, ledger = Flow(steps, inputs), Ledger(summary, steps)
    repairs = repairs_of(flow, ledger)
    mended = list(steps)
    totals: dict[str, Fraction] = {}
    for repair in repairs:
        totals |= repair.totals
        for index, step in repair.view.items():
            mended[index] = step
    after = Flow(mended, inputs) if repairs else flow
    for repair in repairs:
        said.append(_told(summary, steps, after, repair))
    said += _impossible(summary, after, repairs, said)
    doubts += _doubts(summary, after)
    rows = _row_verdicts(summary.rows, mended, after)
    return SummaryVerdict(
        summary,
        rows,
        disagreements=tuple(sorted(said, key=lambda one: one.line)),
        doubts=tuple(doubts),
        input=_closed(inputs[0]) if inputs else None,
    )


def _inputs(summary: PrintedSummary, input_shape: Shape | None) -> tuple[PrintedShape, ...]:
    if input_shape is not None:
        return ((None, *input_shape[1:]),)
    if summary.input:
        return summary.input
    first = next((row for row in summary.rows if row.outputs), None)
    return first.inputs[:1] if first is not None else ()


def _told(summary: PrintedSummary, steps: Sequence[Step], after: Flow, repair: Repair) -> Disagreement:
    if repair.index < 0:
        return _total_told(summary, repair)
    step, form = steps[repair.index], summary.format
    row = summary.rows[step.row]
    is_certain = bool(repair.mended) or repair.was_impossible
    if repair.cell == "order":
        other = summary.rows[steps[repair.index + 1].row]
        why = f"the shapes and counts go together if {other.name} comes before {row.name}"
        return Disagreement(row.line, "name", row.name, other.name, why, step.row, is_certain=is_certain)
    new, story = after.steps[repair.index], after.stories[repair.index]
    if repair.cell == "parameters":
        why = count_sentence(new, story, step.count or 0, repair.mended)
        text = row.parameters.text if row.parameters is not None else ""
        return Disagreement(
            row.line,
            "parameters",
            text,
            f"{new.count:,}",
            why + _or(summary, steps, repair),
            step.row,
            is_certain=is_certain,
        )
    why = output_sentence(new, story, step.outputs[0], repair.mended, form) + _or(summary, steps, repair)
    said, right = shape_words(step.outputs[0], form), shape_words(new.outputs[0], form)
    return Disagreement(row.line, "output", said, right, why, step.row, is_certain=is_certain)


def _or(summary: PrintedSummary, steps: Sequence[Step], repair: Repair) -> str:
    lines = [summary.rows[steps[one.index].row].line for one in repair.rivals if one.index >= 0]
    return f"; or line {', '.join(map(str, dict.fromkeys(lines)))} is wrong" if lines else ""


def _total_told(summary: PrintedSummary, repair: Repair) -> Disagreement:
    number = summary.totals[repair.cell]
    value = repair.totals[repair.cell]
    text = f"{int(value):,}" if number.step == 0 or value.denominator == 1 else f"{float(value):,.2f}"
    why = f"the rows and the other totals go together with {text}, printed is {number.text}"
    return Disagreement(number.line, repair.cell, number.text, text, why)


def _impossible(
    summary: PrintedSummary, after: Flow, repairs: Sequence[Repair], said: Sequence[Disagreement]
) -> list[Disagreement]:
    """Rows that break a law and that no single change mends."""
    done = {repair.index for repair in repairs}
    found = []
    for index, (step, story) in enumerate(zip(after.steps, after.stories, strict=True)):
        if story.price < IMPOSSIBLE or index in done:
            continue
        why = is_impossible(step)
        if why:
            row = summary.rows[step.row]
            text = row.parameters.text if row.parameters is not None else ""
            found.append(Disagreement(row.line, "parameters", text, "", why, step.row))
    return found


def _doubts(summary: PrintedSummary, after: Flow) -> list[str]:
    found = []
    for step, story in zip(after.steps, after.stories, strict=True):
        if UNEXPLAINED <= story.price < IMPOSSIBLE:
            row = summary.rows[step.row]
            found.append(f"line {row.line}: no printed output explains the input of {row.name}")
    left = len(found) - _MOST_DOUBTS
    return [*found[:_MOST_DOUBTS], f"and {left} more rows"] if left > 0 else found


def _row_verdicts(rows: Sequence[PrintedRow], steps: Sequence[Step], flow: Flow) -> tuple[RowVerdict, ...]:
    made: dict[int, RowVerdict] = {}
    for index, (step, story) in enumerate(zip(steps, flow.stories, strict=True)):
        made[step.row] = _row_verdict(rows[step.row], step, story, steps, index)
    return tuple(made.get(index) or RowVerdict(row) for index, row in enumerate(rows))


def _row_verdict(row: PrintedRow, step: Step, story: Story, steps: Sequence[Step], index: int) -> RowVerdict:
    out = _closed(step.outputs[0]) if step.outputs else None
    if step.operation.is_custom or story.fit is None:
        return RowVerdict(row)
    settings: Mapping[str, object] = dict(story.fit.settings)
    if step.operation.word:
        settings = {"kind": step.operation.word, **settings}
    source = () if story.source is None else (steps[story.source].row if story.source >= 0 else -1,)
    reading = LayerReading(
        settings, _closed(story.given) if story.given else None, out, step.count, source, story.needs
    )
    return RowVerdict(row, (reading,), out, step.count)


def _closed(shape: PrintedShape) -> Shape:
    """The shape for one picture: an open axis is 1."""
    return tuple(1 if axis is None else axis for axis in shape)
