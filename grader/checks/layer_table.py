"""Is the student's table of layers right: every output shape, every number of parameters?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import ClassVar

from grader.checks._alignment import Aligned, align
from grader.checks._follow_through import CellVerdict, Table
from grader.checks._network import Network, from_model, from_rubric, network_problems
from grader.checks._settings import MODEL, NETWORK, counted
from grader.checks._table_findings import label, table_findings
from grader.checks._table_rows import COLUMNS, Cell, read_cell, read_rows, rows_and_total
from grader.checks.base import Check, answer_to, failed, fault, missing, passed, register, remark, shown, unanswered
from grader.evidence.jobs import describe_job, missing_files
from grader.frozen import dataclass
from grader.model import EvidenceByJob, Finding, Job, Json, Outcome, Place, Problem, Rule, Submission

DEFAULT_COLUMNS = ("output", "parameters")
SPARE_ROWS = 20  # beyond twice the network's layers; with more it is no longer this table

_CELLS: Mapping[str, Mapping[str, Json]] = {
    "layer": {"type": "string", "maxLength": 100, "description": "what you call the layer; may be left out"},
    "input": {
        "type": ["string", "array"],
        "description": "the shape that goes in, such as (16, 1, 28, 28)",
    },
    "output": {
        "type": ["string", "array"],
        "description": "the shape that comes out, such as (16, 6, 24, 24), or as a chain input -> output",
    },
    "parameters": {
        "type": ["string", "integer"],
        "description": "the number of parameters, with its working if you like: (3*3*6 + 1)*32 = 1760",
    },
}


@register
class LayerTable(Check):
    """Compares a table of layers, row by row and cell by cell, with what the layers come to.

    What it looks at: output shape and number of parameters of every layer (and its input, if `columns` says so),
    computed from the rubric's `network`, or `from: model`: from the student's own model, as traced in the sandbox.
    Shapes may be written in any bracket, with a chain (input -> output) or without; of a number's working the last
    value counts, and an equation that is not so is remarked on.

    Credit: each cell counts the same.

    Follow-through: a cell is right if the text says so, and also if it follows from the student's own previous row.
    Who writes 6 channels instead of 16 in the first row and computes everything else right for 6 has made
    one slip and loses one cell: the shape of that row. Its parameters belong to the same slip; later rows follow
    from it. The finding names the first wrong row, the slip, and what the text says. The same holds for slips in
    kernel, stride and padding, and for a form that was not asked (batch left out, channels last). Only one slip per
    row is forgiven its consequences. `follow_through: false` holds every cell against the text alone.

    Two rules on one answer: where one rule gives points for shapes and another for parameters, the second says
    `judged_elsewhere: [output]`. It then knows what the student had in mind, and a slip in a shape is charged once.
    Without it, a table of parameters alone is followed by the channels that its own wrong counts tell.

    Rows: `rows` says which layers are asked: by their names or their numbers from 0, or `all`. Left out: all but
    activations, dropout and flatten. A row that is missing costs a row; so does one that stands for no layer.
    A right row for a layer that is not asked is welcome. If the numbers of rows differ, rows are assigned to layers
    in the way that is best for the student.

    Batch: `batch: 16` wants that size, `any` takes every size or none; left out, it is the one that the network's
    input states, else any. A batch left open (-1, None, N) fits every size.

    Named slips: channel count, kernel, stride, padding, rounding, + 1 forgotten, sizes swapped; bias left out or
    counted wrongly, kernel not squared, channels swapped, batch or pixels multiplied in, running statistics of
    a BatchNorm counted, and more. A slip is named only where it gives exactly what was written.

    Not covered: the working is not graded, and branches in a network are read as one sequence.

        - check: layer-table
          answer: layers
          network: seven-layers
          batch: 16
          columns: [output, parameters]
          trainable_total: true
    """

    name: ClassVar[str] = "layer-table"
    reads_answer: ClassVar[bool] = True
    uses_model: ClassVar[bool] = True
    uses_network: ClassVar[bool] = True
    settings_schema: ClassVar[Mapping[str, Json]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "network": NETWORK,
            "from": {"enum": ["model"], "description": "model: the student's own model says what is right"},
            "model": MODEL,
            "columns": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": list(COLUMNS)},
                "default": list(DEFAULT_COLUMNS),
                "description": "what is asked of each layer",
            },
            "rows": {
                "anyOf": [
                    {"const": "all"},
                    {
                        "type": "array",
                        "minItems": 1,
                        "uniqueItems": True,
                        "items": {"type": ["integer", "string"], "minimum": 0},
                    },
                ],
                "description": "the layers that are asked, by name or number from 0, or all; "
                "left out: all but activations, dropout and flatten",
            },
            "batch": {
                "anyOf": [{"type": "integer", "minimum": 1}, {"const": "any"}],
                "description": "the batch size that shapes must have, or any; left out: that of the network's input",
            },
            "judged_elsewhere": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": ["input", "output"]},
                "description": "columns of the same answer that another rule judges: a slip there costs nothing here, "
                "and what follows from it is right",
            },
            "follow_through": {
                "type": "boolean",
                "default": True,
                "description": "whether a cell is right too if it follows from the student's own previous row",
            },
            "trainable_total": {
                "type": "boolean",
                "default": False,
                "description": "whether the number of all trainable parameters is asked as well; it counts as one cell",
            },
        },
    }

    def answer_schema(self, rule: Rule) -> Mapping[str, Json]:
        """A list of rows with the asked columns; with a total, an object of both. The rows' number is fixed."""
        columns = _columns(rule)
        about = f"The table of layers: one row for each, with {' and '.join(columns)}."
        row = {
            "type": "object",
            "additionalProperties": False,
            "required": list(columns),
            # All columns, whichever are asked here: another rule may read the others of the same answer.
            "properties": dict(_CELLS),
        }
        rows: dict[str, Json] = {"type": "array", "items": row, "description": about}
        if not _is_from_model(rule):
            asked = from_rubric(rule.settings["network"], rule.settings.get("rows")).asked
            rows |= {
                "minItems": len(asked),
                "maxItems": len(asked),
                "prefixItems": [{**row, "title": f"row {n}: {label(step)}"} for n, step in enumerate(asked, 1)],
                "items": False,
            }
        if not rule.settings.get("trainable_total"):
            return rows
        total = {"type": ["string", "integer"], "description": "the number of all trainable parameters"}
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["rows", "total"],
            "properties": {"rows": rows, "total": total},
            "description": about,
        }

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """Layers that do not fit, rows that are none, a batch that the network contradicts."""
        settings, place = rule.settings, rule.place
        network = settings.get("network")
        if _is_from_model(rule):
            if network is not None:
                what = "`from: model` and `network` are two tables"
                yield Problem("setting", str(place.child("network")), what, "keep one of the two")
            if settings.get("model") is None:
                yield Problem("setting", str(place), "`from: model` needs a model", "add `model` with its name")
            return
        if not isinstance(network, Mapping):
            yield Problem("setting", str(place), "no network is named", "add `network` with its name, or `from: model`")
            return
        told = list(network_problems(network, place.child("network")))
        yield from told
        if any(problem.code == "layer" for problem in told):
            return
        made = from_rubric(network, settings.get("rows"))
        both = sorted(set(_columns(rule)) & set(_elsewhere(rule)))
        if both:
            what = f"{' and '.join(both)} cannot be judged here and elsewhere"
            yield Problem("setting", str(place.child("judged_elsewhere")), what, "keep one of the two")
        yield from _row_problems(made, settings, place)
        yield from _batch_problems(made, network, settings, place)

    def needs(self, rule: Rule, submission: Submission) -> Iterable[Job]:
        """The description of the student's model, where it says what is right."""
        if _is_from_model(rule) and answer_to(rule, submission) is not None:
            model = rule.settings["model"]
            if not missing_files(submission, model, needs_checkpoint=False):
                yield describe_job(submission, model)

    def judge(self, rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Iterator[Finding]:
        """One finding per row, one for the total, and remarks."""
        read = _read(rule, submission, evidence)
        if isinstance(read, Finding):
            yield read
            return
        wanted = len(read.network.asked)
        if read.count != wanted:
            said = f"the table has {counted(read.count, 'row')}, {wanted} are asked for"
            yield remark(Outcome.PARTIAL, said, place=read.place, code="row-count")
        is_revealed = rule.settings.get("reveal") is not False
        yield from table_findings(read.aligned, len(_columns(rule)), read.place, is_revealed=is_revealed)
        if rule.settings.get("trainable_total"):
            is_followed = rule.settings.get("follow_through", True)
            cell = read_cell(read.total, read.total_place, is_shape=False) if read.total not in (None, "") else None
            yield _total(
                read.network, read.aligned, cell, read.total_place, is_followed=is_followed, is_revealed=is_revealed
            )


@dataclass(frozen=True)
class _Read:
    """A table that was handed in, judged; `count` of its rows as the student wrote them."""

    network: Network
    aligned: Aligned
    count: int
    place: Place
    total: Json
    total_place: Place


def _read(rule: Rule, submission: Submission, evidence: EvidenceByJob) -> _Read | Finding:
    """The table, or the finding that says why there is none to judge."""
    answer = answer_to(rule, submission)
    if answer is None:
        return unanswered(rule)
    network = _network(rule, submission, evidence)
    if isinstance(network, Finding):
        return network
    columns = _columns(rule)
    written, place, total, total_place = rows_and_total(answer)
    most = 2 * len(network.steps) + SPARE_ROWS
    if isinstance(written, list) and len(written) > most:
        said = f"the table has {counted(len(written), 'row')}, {len(network.asked)} are asked for"
        return failed(said, place=place, fix="write one row per layer", code="row-count")
    rows = read_rows(written if written is not None else [], place, (*columns, *_elsewhere(rule)))
    if rows is None:
        fix = 'write a list of rows such as [{"output": "(16, 6, 24, 24)", "parameters": 156}]'
        return failed(f"{shown(written, 60)} is no list of rows", place=place, fix=fix, code="not-a-table")
    is_followed = rule.settings.get("follow_through", True)
    table = Table(network, columns, _batch(rule, network), is_followed, _elsewhere(rule))
    return _Read(network, align(table, rows), len(rows), place, total, total_place)


def aligned_rows(rule: Rule, submission: Submission, evidence: EvidenceByJob) -> tuple[tuple[str, ...], Aligned] | None:
    """The asked columns and the judged rows, for whoever draws the table; None where there is none to judge."""
    read = _read(rule, submission, evidence)
    return None if isinstance(read, Finding) else (_columns(rule), read.aligned)


def _is_from_model(rule: Rule) -> bool:
    return bool(rule.settings.get("from") == "model")


def _columns(rule: Rule) -> tuple[str, ...]:
    asked = rule.settings.get("columns", DEFAULT_COLUMNS)
    return tuple(column for column in COLUMNS if column in asked)


def _elsewhere(rule: Rule) -> tuple[str, ...]:
    return tuple(rule.settings.get("judged_elsewhere", ()))


def _batch(rule: Rule, network: Network) -> int | None:
    batch = rule.settings.get("batch")
    return network.batch if batch is None else (None if batch == "any" else int(batch))


def _network(rule: Rule, submission: Submission, evidence: EvidenceByJob) -> Network | Finding:
    """What is right, or the finding that says why nobody knows."""
    if not _is_from_model(rule):
        return from_rubric(rule.settings["network"], rule.settings.get("rows"))
    model = rule.settings["model"]
    absent = missing_files(submission, model, needs_checkpoint=False)
    if absent:
        return missing(absent)
    made = evidence[describe_job(submission, model)]
    broken = fault(made)
    if broken is not None:
        return broken
    network = from_model(made.result, rule.settings.get("rows"))
    if not network.asked:
        fix = "build the model from layers of torch.nn"
        return failed("the model has no layer that the table could be about", place=Place(model["code"]), fix=fix)
    return network


def _total(
    network: Network, aligned: Aligned, cell: Cell | None, place: Place, *, is_followed: bool, is_revealed: bool
) -> Finding:
    """The total from the text, or the sum of the student's own rows."""
    right = f"{network.trainable:,}"
    details: dict[str, Json] = {"expected": f"{right} parameters", "place": place}
    if cell is None:
        return failed("the total of the trainable parameters is missing", **details, fix="add it", code="missing-total")
    details["observed"] = cell.written
    if cell.problem is not None:
        said = f"the total cannot be read: {cell.problem.what}"
        return failed(said, **details, fix=cell.problem.fix, code="unreadable-total")
    if network.trainable in cell.numbers:
        return passed(f"the total of {right} trainable parameters is right", **details, code="right")
    own = _own_sum(network, aligned) if is_followed else None
    if own is not None and own in cell.numbers:
        said = f"the total {cell.said} is the sum of your own rows" + (
            f" (from the text: {right})" if is_revealed else ""
        )
        return passed(said, **details, code="follows-through")
    said = f"the total {cell.said} is wrong" + (f": from the text it is {right}" if is_revealed else "")
    if own is not None and own != network.trainable:
        said += f", and your own rows come to {float(own):,.0f}"
    return failed(said, **details, fix="add the parameters of all rows", code="wrong-total")


def _own_sum(network: Network, aligned: Aligned) -> Fraction | None:
    """The sum of the parameters in the student's rows, and of the layers that are no rows; None where one is open."""
    total = Fraction(sum(s.right.parameters for s in network.steps if not (s.is_asked or s.is_frozen)))
    for row in aligned.judged:
        if not row.number or row.step.is_frozen:
            continue
        cell = next((cell for cell in row.cells if cell.column == "parameters"), None)
        if cell is None or cell.cell is None or not cell.cell.is_readable:
            return None
        is_right = cell.verdict is CellVerdict.RIGHT
        total += row.step.right.parameters if is_right else cell.cell.numbers[0]
    return total


def _row_problems(made: Network, settings: Mapping[str, Json], place: Place) -> Iterator[Problem]:
    rows = settings.get("rows")
    if isinstance(rows, list):
        names = {step.name for step in made.steps}
        for index, row in enumerate(rows):
            at = str(place.child("rows", index))
            if isinstance(row, int) and row >= len(made.steps):
                what = f"there is no layer {row}: the network has {len(made.steps)}, counted from 0"
                yield Problem("setting", at, what, f"write a number up to {len(made.steps) - 1}")
            elif isinstance(row, str) and row not in names:
                known = ", ".join(step.name for step in made.steps[:20])
                yield Problem("setting", at, f"no layer is called {row!r}", f"names: {known}")
    if not made.asked:
        yield Problem("setting", str(place), "no layer of the network is asked", "write `rows: all`, or name some")


def _batch_problems(
    made: Network, network: Mapping[str, Json], settings: Mapping[str, Json], place: Place
) -> Iterator[Problem]:
    batch = settings.get("batch")
    if isinstance(batch, int) and made.batch is not None and batch != made.batch:
        what = f"the batch is {batch} here, and {made.batch} in the network's input {tuple(network['input'])}"
        yield Problem("setting", str(place.child("batch")), what, "write one of the two, or the input without a batch")
