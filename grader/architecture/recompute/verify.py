"""Which layers do the printed rows imply, and what printed thing cannot be?

PrintedSummary -> steps in time -> flow (what feeds what) -> blame (which cell is wrong) -> SummaryVerdict
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from grader.architecture.readers.printed import Format, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.blame import CERTAIN_GAIN, CERTAIN_LEFT, CERTAIN_PRICE, repairs_of
from grader.architecture.recompute.channels import misfit
from grader.architecture.recompute.counts import why_not
from grader.architecture.recompute.flow import IMPOSSIBLE, Flow
from grader.architecture.recompute.hand import verify_handtable
from grader.architecture.recompute.inputs import likely_input, opening_prices, plainest_input
from grader.architecture.recompute.kernels import held_against_kernels
from grader.architecture.recompute.ledger import Ledger
from grader.architecture.recompute.lightning_rules import lightning_rows
from grader.architecture.recompute.order import misplaced
from grader.architecture.recompute.repairs import Repair
from grader.architecture.recompute.replay import verify_repr
from grader.architecture.recompute.rivals import rivals_told, unlawful_rows
from grader.architecture.recompute.sentences import count_sentence, output_sentence, shape_words
from grader.architecture.recompute.steps import Step, steps_of
from grader.architecture.recompute.stories import UNEXPLAINED, Story
from grader.architecture.recompute.totals import check_totals
from grader.architecture.recompute.tree_rules import misplaced_children
from grader.architecture.recompute.verdict import Disagreement, LayerReading, RowVerdict, SummaryVerdict
from grader.architecture.shapes import Shape

_MOST_DOUBTS = 8
_SIZES = frozenset({"input_mb", "pass_mb", "parameters_mb", "total_mb"})


def verify(summary: PrintedSummary, *, input_shape: Shape | None = None) -> SummaryVerdict:
    """Recompute everything that `summary` says, from its own rows alone.

    Shapes:  `input_shape` with the batch first, where the caller knows what the network was given
    Returns: the verdict; it never raises for what a file may hold
    """
    if summary.format is Format.PRINT:
        return verify_repr(summary, input_shape=input_shape)
    if summary.format is Format.HANDTABLE:
        return verify_handtable(summary, input_shape=input_shape)
    printed = summary
    summary, told = held_against_kernels(printed)
    order, said, doubts = misplaced(summary)
    said += told
    steps, flow, guessed = _opened(summary, order, input_shape)
    is_listed = flow.is_listed
    inputs = flow.inputs or guessed
    totals = check_totals(summary, inputs=inputs)
    wrong_totals = {one.field for one in totals.disagreements}
    ledger = Ledger(summary, steps, inputs=flow.inputs).believing(wrong_totals)
    repairs = repairs_of(flow, ledger)
    repairs += _counted(repairs, steps, ledger)
    misprinted = [repair for repair in repairs if repair.index < 0]
    repairs = [repair for repair in repairs if repair.index >= 0 and _is_named(repair, flow)]
    mended = list(steps)
    for repair in repairs:
        for index, step in repair.view.items():
            mended[index] = step
    is_same = not repairs and inputs == flow.inputs
    after = flow if is_same else Flow(mended, inputs, is_chain=flow.is_chain, is_listed=is_listed)
    for repair in repairs:
        first = _told(summary, steps, after, repair)
        said += [first, *rivals_told(summary, steps, repair, first)]
    unlawful = [*unlawful_rows(summary, flow, after, said), *lightning_rows(summary), *misplaced_children(summary)]
    said = [one for one in said if one.is_certain or one.row not in {other.row for other in unlawful}] + unlawful
    said += _impossible(summary, after, repairs)
    if repairs:
        totals = check_totals(_repaired(summary, steps, mended), inputs=inputs)
    said += _totals_told(summary, totals.disagreements, misprinted)
    if summary.modules:
        said += _modules_told(summary, after.steps, said, input_shape)
    said = _mended_doubted(summary, said, {steps[repair.index].row for repair in repairs if repair.mended})
    return SummaryVerdict(
        printed,
        _row_verdicts(printed.rows, mended, after.stories),
        disagreements=tuple(sorted(said, key=lambda one: one.line)),
        defects=totals.defects,
        doubts=(*doubts, *totals.doubts, *_doubts(summary, after)),
        totals=totals.recomputed or {},
        input=_closed(inputs[0]) if inputs else None,
    )


def _modules_told(
    summary: PrintedSummary, steps: Sequence[Step], told: Sequence[Disagreement], input_shape: Shape | None
) -> list[Disagreement]:
    """The modules printed below whose settings rows are held against, where nothing else speaks against the row."""
    layers = {step.row: (step, step.operation.printed) for step in steps if step.operation.printed is not None}
    held = [one for one in told if one.row in layers]
    if not held:
        return []
    alone = {one.row for one in verify(replace(summary, modules=()), input_shape=input_shape).disagreements}
    found = []
    for one in held:
        step, printed = layers[one.row or 0]
        if one.row in alone or printed is None or not step.outputs:
            continue
        name = summary.rows[step.row].name
        for module in printed.matching(step.outputs[0], step.count)[:1]:
            why = f"{name} on line {one.line} contradicts these settings: one of the two is wrong"
            lines = module.lines[:2]
            found += [Disagreement(line, "kernel", step.name, "", why, is_certain=one.is_certain) for line in lines]
    return found


def _mended_doubted(
    summary: PrintedSummary, said: Sequence[Disagreement], confirmed: Collection[int]
) -> list[Disagreement]:
    """What is said of rows, uncertain where the text was damaged and read anew; in `confirmed` a sum says it too.

    Keras cuts the names of its classes itself: to read them whole is no guess about a number.
    """
    if summary.format is Format.KERAS:
        return list(said)
    return [
        replace(one, is_certain=False)
        if one.row is not None and summary.rows[one.row].mended and one.row not in confirmed
        else one
        for one in said
    ]


def rows_as_printed(summary: PrintedSummary) -> tuple[RowVerdict, ...]:
    """Every row with the plainest explanation of what is printed, nothing put right; no reading where there is none.

    Only for prints whose rows follow each other in `verify`: no repr and no hand-made table.
    """
    steps, flow, _ = _opened(summary, misplaced(summary)[0], None)
    likely = None if flow.inputs else plainest_input(summary, steps)
    if likely is not None:
        flow = Flow(steps, (likely,), is_chain=flow.is_chain, is_listed=flow.is_listed)
    told = [story._replace(fit=None) if story.price >= UNEXPLAINED else story for story in flow.stories]
    return _row_verdicts(summary.rows, steps, told)


def _opened(
    summary: PrintedSummary, order: Sequence[int], input_shape: Shape | None
) -> tuple[list[Step], Flow, tuple[PrintedShape, ...]]:
    """The steps in their order, what feeds what, and an input that is only likely."""
    steps = steps_of(replace(summary, rows=tuple(summary.rows[index] for index in order)))
    steps = [replace(step, row=order[step.row]) for step in steps]
    inputs, guessed = _inputs(summary, steps, input_shape)
    is_stated = input_shape is not None or bool(summary.input)
    opening = None if is_stated or summary.format is not Format.TORCHSUMMARY else opening_prices(summary)
    is_listed = summary.format is Format.LIGHTNING
    flow = Flow(steps, inputs, is_chain=_is_chain(summary), is_listed=is_listed, opening=opening)
    return steps, flow, guessed


def _counted(repairs: Sequence[Repair], steps: Sequence[Step], ledger: Ledger) -> list[Repair]:
    """The row whose count alone can make the total come out, where shapes do not tell: by the other counts."""
    broken = ledger.broken()
    is_told = any(repair.index >= 0 for repair in repairs)
    if is_told or "parameters" not in broken or broken & {"trainable", "parameters_mb"}:
        return []
    found = misfit(steps, int(ledger.witnesses["parameters"].gap()))
    if found is None:
        return []
    index, count = found
    view = {index: replace(steps[index], count=count)}
    mended = broken - ledger.broken(view)
    return [Repair(index, "parameters", view, 0.0, story_gain=1.0, mended=mended)] if mended else []


def _totals_told(
    summary: PrintedSummary, told: Sequence[Disagreement], misprinted: Sequence[Repair]
) -> list[Disagreement]:
    """What is told of the totals; of sizes that do not add up, the one whose slip mends all of them is named."""
    sizes = [one for one in told if one.field in _SIZES]
    if len(sizes) != 1 or len(misprinted) != 1 or misprinted[0].rivals or misprinted[0].cell not in _SIZES:
        return list(told)
    [repair], [size] = misprinted, sizes
    if repair.cell == size.field:
        return list(told)
    number = summary.totals[repair.cell]
    text = f"{float(repair.totals[repair.cell]):,.2f}"
    said = f"{float(number.value):,.2f}"
    why = f"the sizes and the other totals go together with {text}, printed is {said}"
    other = Disagreement(number.line, repair.cell, said, text, why)
    return [*(one for one in told if one is not size), other]


def _is_named(repair: Repair, flow: Flow) -> bool:
    """True if the row itself looks better so, and not only the sum: else the total's own line is named."""
    is_known = flow.stories[repair.index].given is not None
    is_alone = is_known and not repair.rivals and repair.story_gain > -0.05
    return (
        repair.story_gain > 0.25 or is_alone or repair.cell == "order" or flow.stories[repair.index].price >= IMPOSSIBLE
    )


def _repaired(summary: PrintedSummary, steps: Sequence[Step], mended: Sequence[Step]) -> PrintedSummary:
    """The summary with the repairs written into its rows."""
    rows = list(summary.rows)
    for old, new in zip(steps, mended, strict=True):
        if old is new or old.operation != new.operation:
            continue
        row = rows[old.row]
        number = row.parameters
        if number is not None and new.count is not None:
            number = replace(number, value=Fraction(new.count))
        rows[old.row] = replace(
            row, outputs=new.outputs if old.outputs != new.outputs else row.outputs, parameters=number
        )
    return replace(summary, rows=tuple(rows))


def _is_chain(summary: PrintedSummary) -> bool:
    """True if Keras printed a model whose layers stand in a row, each on the one above.

    It prints what is connected otherwise; where the column is cut at the margin, so are the counts. A class of the
    student's own shows no inputs.
    """
    title = summary.title.lower()
    is_keras_own = title.startswith(("sequential", "functional", "model"))
    has_input = bool(summary.rows) and summary.rows[0].type == "InputLayer"
    is_whole = "parameters" in summary.columns and not any(row.connected for row in summary.rows)
    return summary.format is Format.KERAS and (is_keras_own or (has_input and not title)) and is_whole


def _inputs(
    summary: PrintedSummary, steps: Sequence[Step], input_shape: Shape | None
) -> tuple[tuple[PrintedShape, ...], tuple[PrintedShape, ...]]:
    """The input that is known, and the one that is only likely: it cannot speak against the row it comes from."""
    if input_shape is not None:
        return ((None, *input_shape[1:]),), ()
    if summary.input:
        return summary.input, ()
    first = next((row for row in summary.rows if row.outputs), None)
    if first is not None and first.inputs:
        return first.inputs[:1], ()
    likely = likely_input(summary, steps)
    if likely is None:
        return (), ()
    shapes = (likely.shape,) * likely.times
    return (shapes, ()) if likely.is_confirmed else ((), shapes)


def _told(summary: PrintedSummary, steps: Sequence[Step], after: Flow, repair: Repair) -> Disagreement:
    step, form = steps[repair.index], summary.format
    row = summary.rows[step.row]
    is_certain = _is_certain(steps, repair)
    if repair.cell == "order":
        other = summary.rows[steps[max(repair.view)].row]
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


def _is_certain(steps: Sequence[Step], repair: Repair) -> bool:
    """A sum that comes out, a law of the class, or a story no honest network tells: each is enough."""
    if repair.mended or repair.was_impossible:
        return True
    step = steps[repair.index]
    if step.operation.family == "custom":
        # a block may give away an inner tensor, but not one that is nowhere inside it
        inside = [one.outputs for one in steps[repair.index - step.holds : repair.index]]
        is_new = bool(step.holds) and not any(step.outputs[0] in outputs for outputs in inside)
        return is_new and repair.gain >= CERTAIN_GAIN / 2 and repair.price <= CERTAIN_PRICE
    return repair.gain >= CERTAIN_GAIN and repair.price <= CERTAIN_PRICE and repair.left <= CERTAIN_LEFT


def _or(summary: PrintedSummary, steps: Sequence[Step], repair: Repair) -> str:
    lines = [summary.rows[steps[one.index].row].line for one in repair.rivals if one.index >= 0]
    return f"; or line {', '.join(map(str, dict.fromkeys(lines)))} is wrong" if lines else ""


def _impossible(summary: PrintedSummary, after: Flow, repairs: Sequence[Repair]) -> list[Disagreement]:
    """Rows that break a law and that no single change mends."""
    done = {repair.index for repair in repairs}
    found = []
    for index, (step, story) in enumerate(zip(after.steps, after.stories, strict=True)):
        if story.price < IMPOSSIBLE or index in done:
            continue
        why = why_not(step.operation, step.name, step.outputs[0], step.count) if step.outputs else ""
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


def _row_verdicts(
    rows: Sequence[PrintedRow], steps: Sequence[Step], stories: Sequence[Story]
) -> tuple[RowVerdict, ...]:
    made: dict[int, RowVerdict] = {}
    for step, story in zip(steps, stories, strict=True):
        made[step.row] = _row_verdict(rows[step.row], step, story, steps)
    return tuple(made.get(index) or RowVerdict(row) for index, row in enumerate(rows))


def _row_verdict(row: PrintedRow, step: Step, story: Story, steps: Sequence[Step]) -> RowVerdict:
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
