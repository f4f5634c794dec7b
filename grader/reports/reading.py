"""How is a read report shown? Each printed row beside what was recomputed, then what disagrees, then the claims.

Student text is only ever shown through `plain` and rich's Text: markup and escape codes in it are letters.
The JSON form is published as grader/course/schemas/reading.schema.json.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from rich.console import ConsoleRenderable, Group
from rich.table import Table
from rich.text import Text

from grader.reports.plain import plain

if TYPE_CHECKING:
    from grader.answers.claims import FoundClaim
    from grader.answers.claims.found import Meaning
    from grader.architecture.readers.printed import PrintedNumber, PrintedShape
    from grader.architecture.recompute.verdict import LayerReading, RowVerdict, SummaryVerdict
    from grader.model import Json, Problem
    from grader.reading import Report

FORM: Final = "grader-reading/1"
MANY_READINGS: Final = 5  # more ways to explain a row tell a person nothing


# --- for machines -----------------------------------------------------------------------------


def report_json(report: Report) -> dict[str, Json]:
    """Everything that was read and recomputed, as plain JSON."""
    return {
        "form": FORM,
        "file": report.file,
        "summaries": [_summary_json(verdict) for verdict in report.summaries],
        "claims": [_claim_json(claim, report.granularity.get(index, ())) for index, claim in enumerate(report.claims)],
        "formulas": [
            {"line": found.line, "text": found.text, "remarks": list(said)} for found, said in report.formulas
        ],
        "contradictions": list(report.contradictions),
        "remarks": list(report.remarks),
        "problems": [],
    }


def unread_json(file: str, problems: tuple[Problem, ...]) -> dict[str, Json]:
    """The same form for a file that could not be read at all."""
    said = [{"code": p.code, "where": p.where, "what": p.what, "fix": p.fix} for p in problems]
    empty: dict[str, Json] = {key: [] for key in ("summaries", "claims", "formulas", "contradictions", "remarks")}
    return {"form": FORM, "file": file, **empty, "problems": said}


def _summary_json(verdict: SummaryVerdict) -> dict[str, Json]:
    summary = verdict.summary
    return {
        "kind": summary.format.value,
        "title": summary.title,
        "first_line": summary.first_line,
        "last_line": summary.last_line,
        "input": _input(verdict),
        "rows": [_row_json(row) for row in verdict.rows],
        "totals": {name: _number(number) for name, number in summary.totals.items()},
        "recomputed_totals": dict(verdict.totals),
        "consistent": verdict.is_consistent,
        "is_whole": summary.is_whole,
        "readings": [
            {"row": index, "line": row.row.line, "readings": [_reading_json(one) for one in row.readings]}
            for index, row in enumerate(verdict.rows)
            if row.readings
        ],
        "disagreements": [
            {
                "line": one.line,
                "row": one.row,
                "field": one.field,
                "said": one.said,
                "recomputed": one.recomputed,
                "why": one.why,
                "is_certain": one.is_certain,
            }
            for one in verdict.disagreements
        ],
        "unread": [{"line": one.line, "text": one.text, "why": one.why} for one in summary.unread],
        "defects": list(verdict.defects),
        "doubts": list(verdict.doubts),
        "notes": list(summary.notes),
    }


def _input(verdict: SummaryVerdict) -> Json:
    """The input shape: as it is printed, else as it was worked out; null where neither is known."""
    printed = verdict.summary.input
    if printed:
        return list(printed[0]) if len(printed) == 1 else [list(shape) for shape in printed]
    return list(verdict.input) if verdict.input is not None else None


def _row_json(verdict: RowVerdict) -> dict[str, Json]:
    row = verdict.row
    return {
        "line": row.line,
        "name": row.name,
        "type": row.type,
        "depth": row.depth,
        "output": _shapes(row.outputs),
        "parameters": _number(row.parameters) if row.parameters is not None else None,
        "recomputed": {
            "output": _opened(verdict),
            "parameters": verdict.parameters,
        },
        "mended": list(row.mended),
    }


def _opened(verdict: RowVerdict) -> list[int | None] | None:
    """The recomputed shape, with the print's own batch, and the axes open that it leaves open."""
    if verdict.output is None:
        return None
    printed = next((shape for shape in verdict.row.outputs if len(shape) == len(verdict.output)), ())
    made: list[int | None] = list(verdict.output)
    for axis, size in enumerate(printed):
        # The batch is one where nobody says what it is; the print's own is as good.
        made[axis] = size if size is None or (axis == 0 and made[0] == 1) else made[axis]
    return made


def _shapes(shapes: tuple[PrintedShape, ...]) -> Json:
    """One shape as a list, several as a list of lists, none as null; an open axis is null."""
    if not shapes:
        return None
    return list(shapes[0]) if len(shapes) == 1 else [list(shape) for shape in shapes]


def _number(number: PrintedNumber) -> int | float:
    return plain_number(number.value)


def plain_number(value: Fraction) -> int | float:
    """A whole number as such, else the nearest float.

    >>> plain_number(Fraction(320)), plain_number(Fraction(151, 100))
    (320, 1.51)
    """
    return int(value) if value.denominator == 1 else float(value)


def _reading_json(reading: LayerReading) -> dict[str, Json]:
    return {
        "settings": {key: _listed(value) for key, value in reading.settings.items()},
        "input": list(reading.input_shape) if reading.input_shape is not None else None,
        "output": list(reading.output_shape) if reading.output_shape is not None else None,
        "parameters": reading.parameters,
        "inputs": list(reading.inputs),
        "needs": reading.needs,
    }


def _listed(value: Json) -> Json:
    return [_listed(one) for one in value] if isinstance(value, list | tuple) else value


def _claim_json(claim: FoundClaim, granularity: tuple[Mapping[str, Json], ...]) -> dict[str, Json]:
    return {
        "line": claim.line,
        "metric": claim.metric,
        "dataset": claim.dataset,
        "split": claim.split,
        "value": plain_number(claim.value),
        "as_written": claim.as_written,
        "model": claim.model,
        "epoch": claim.epoch,
        "epochs": claim.epochs,
        "optimizer": claim.optimizer,
        "bound": claim.bound,
        "is_approximate": claim.is_approximate,
        "is_goal": claim.is_goal,
        "is_literature": claim.is_literature,
        "readings": [_meaning_json(one) for one in claim.readings],
        "granularity": [dict(one) for one in granularity],
        "text": claim.text,
    }


def _meaning_json(reading: Meaning) -> dict[str, Json]:
    return {
        "metric": reading.metric,
        "dataset": reading.dataset,
        "split": reading.split,
        "model": reading.model,
        "why": reading.reason,
    }


# --- for people -------------------------------------------------------------------------------


def report_shown(report: Report) -> ConsoleRenderable:
    """The whole report as a rich renderable."""
    parts: list[ConsoleRenderable] = [Text(plain(report.file, limit=200), style="bold")]
    parts.extend(Text(f"  note: {plain(remark)}", style="dim") for remark in report.remarks)
    if not (report.summaries or report.claims or report.formulas):
        parts.append(Text("  no printed summary, no claim and no formula was found"))
    for verdict in report.summaries:
        parts.append(Text())
        parts.extend(_summary_shown(verdict))
    if report.claims:
        parts.extend((Text(), Text("Claims", style="bold"), _claims_table(report)))
    if report.formulas:
        parts.extend((Text(), Text("Formulas", style="bold")))
        for found, said in report.formulas:
            parts.append(Text(f"  line {found.line}: {plain(found.text, limit=300)}"))
            parts.extend(Text(f"    {plain(one, limit=400)}", style="dim") for one in said)
    if report.contradictions:
        parts.extend((Text(), Text("Contradictions", style="bold")))
        parts.extend(Text.assemble(("  ✎ ", "cyan"), plain(one, limit=500)) for one in report.contradictions)
    return Group(*parts)


def _summary_shown(verdict: SummaryVerdict) -> Iterator[ConsoleRenderable]:
    summary = verdict.summary
    yield _head(verdict)
    yield _rows_table(verdict)
    if summary.totals:
        yield _totals_table(verdict)
    for one in verdict.disagreements:
        sign, style = ("✗", "red") if one.is_certain else ("✎", "cyan")
        yield Text.assemble(
            (f"  {sign} ", style), (f"line {one.line}, {_words(one.field)}: ", "dim"), plain(one.why, limit=800)
        )
    for unread in summary.unread:
        said = f"{plain(unread.text, limit=120)!r} was not read: {plain(unread.why)}"
        yield Text.assemble(("  ? ", "magenta"), (f"line {unread.line}: ", "dim"), said)
    for doubt in verdict.doubts:
        yield Text.assemble(("  ✎ ", "cyan"), plain(doubt, limit=800))
    for defect in verdict.defects:
        yield Text(f"  · {plain(defect, limit=800)}", style="dim")
    for note in summary.notes:
        yield Text(f"  · {plain(note, limit=800)}", style="dim")


def _head(verdict: SummaryVerdict) -> Text:
    summary = verdict.summary
    shape = _input(verdict)
    told = Text.assemble(
        (f"{summary.format.value}", "bold"),
        f", lines {summary.first_line} to {summary.last_line}, {len(summary.rows)} rows",
        f", input {_shape_text(tuple(shape))}" if shape and not isinstance(shape[0], list) else "",
        ": ",
    )
    if not verdict.is_consistent:
        return told.append("does not agree with itself", style="red")
    if not summary.is_whole or verdict.doubts or verdict.disagreements:
        return told.append("a person should look", style="cyan")
    return told.append("agrees with itself", style="green")


def _rows_table(verdict: SummaryVerdict) -> Table:
    table = Table(pad_edge=False, box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("line", justify="right")
    table.add_column("layer", overflow="fold")
    table.add_column("output", overflow="fold")
    table.add_column("parameters", justify="right")
    table.add_column("recomputed", overflow="fold")
    wrong = {(one.row, one.field): one for one in verdict.disagreements if one.row is not None}
    for index, row in enumerate(verdict.rows):
        is_wrong = any(at == index for at, _ in wrong)
        printed = row.row
        table.add_row(
            str(printed.line),
            Text("  " * min(printed.depth, 12) + plain(_called(row), limit=60)),
            Text(", ".join(_shape_text(shape) for shape in printed.outputs) or "-"),
            Text(plain(printed.parameters.text, limit=30) if printed.parameters is not None else "-"),
            Text.assemble(("✗ ", "red"), _recomputed(row)) if is_wrong else Text(_recomputed(row)),
        )
    return table


def _called(verdict: RowVerdict) -> str:
    row = verdict.row
    return row.name if row.type.lower() in row.name.lower() else f"{row.name} ({row.type})" if row.name else row.type


def _shape_text(shape: PrintedShape) -> str:
    return "×".join("?" if size is None else str(size) for size in shape) or "()"


def _recomputed(verdict: RowVerdict) -> str:
    """A sign where the row holds, else what it comes to; and as which layer."""
    said = []
    output = _opened(verdict)
    printed = verdict.row
    is_output_right = output is None or not printed.outputs or tuple(output) in printed.outputs
    is_count_right = verdict.parameters is None or printed.parameters is None or _is(printed.parameters, verdict)
    if output is not None and not (is_output_right and printed.outputs):
        said.append(_shape_text(tuple(output)))
    if verdict.parameters is not None and not (is_count_right and printed.parameters is not None):
        said.append(f"{verdict.parameters:,}")
    is_held = (output is not None and printed.outputs) or (verdict.parameters is not None and printed.parameters)
    if is_output_right and is_count_right and is_held:
        said.insert(0, "✓")
    words = list(dict.fromkeys(word for word in map(_settings_text, verdict.readings[:MANY_READINGS]) if word))
    if words:
        more = len(verdict.readings) - 2
        said.append(" or ".join(words[:2]) + (f" or {more} more" if more > 0 and len(words) > 1 else ""))
    return "  ".join(said) or "-"


def _is(number: PrintedNumber, verdict: RowVerdict) -> bool:
    return verdict.parameters is not None and abs(number.value - verdict.parameters) <= number.step


_SETTINGS_SAID: Final = ("kernel", "stride", "padding", "dilation", "groups", "bias")
_USUAL: Final[Mapping[str, Json]] = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}


def _settings_text(reading: LayerReading) -> str:
    """The settings that are not the usual ones, in a few words."""
    said = []
    for key in _SETTINGS_SAID:
        value = reading.settings.get(key)
        if value is None:
            continue
        sizes = list(value) if isinstance(value, list | tuple) else [value]
        one = sizes[0] if len(set(map(str, sizes))) == 1 else None
        if one is not None and one == _USUAL.get(key, object()):
            continue
        if key == "bias":
            said.append("no bias")
        elif key == "kernel":
            said.append("×".join(map(str, sizes)))
        else:
            said.append(f"{key} {one if one is not None else '×'.join(map(str, sizes))}")
    return ", ".join(said) + (f" ({plain(reading.needs, limit=80)})" if reading.needs and said else "")


def _totals_table(verdict: SummaryVerdict) -> Table:
    table = Table(pad_edge=False, box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("line", justify="right")
    table.add_column("total")
    table.add_column("printed", justify="right")
    table.add_column("recomputed", justify="right")
    wrong = {one.field for one in verdict.disagreements if one.row is None}
    for name, number in verdict.summary.totals.items():
        again = verdict.totals.get(name, "-")
        table.add_row(
            str(number.line),
            _words(name),
            Text(_printed(number)),
            Text.assemble(("✗ ", "red"), again) if name in wrong else Text(again),
        )
    return table


def _printed(number: PrintedNumber) -> str:
    """A total as it was printed, without its label."""
    if number.value.denominator == 1 and number.step.denominator == 1:
        return f"{int(number.value):,}"
    decimals = max(len(str(number.step.denominator)) - 1, 0)
    return f"{float(number.value):,.{min(decimals, 6)}f}"


_TOTAL_WORDS: Final = {
    "input_mb": "input size (MB)",
    "pass_mb": "forward/backward (MB)",
    "parameters_mb": "parameters (MB)",
    "total_mb": "estimated total (MB)",
    "trainable_mb": "trainable (MB)",
    "non_trainable_mb": "non-trainable (MB)",
    "optimizer_mb": "optimizer (MB)",
    "mult_adds": "multiply-adds",
    "non_trainable": "non-trainable",
}


def _words(name: str) -> str:
    return _TOTAL_WORDS.get(name, name)


def _claims_table(report: Report) -> Table:
    table = Table(pad_edge=False, box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("line", justify="right")
    table.add_column("claim", overflow="fold")
    table.add_column("of", overflow="fold")
    table.add_column("value", justify="right", overflow="fold")
    table.add_column("possible as", overflow="fold")
    for index, claim in enumerate(report.claims):
        table.add_row(
            str(claim.line),
            Text(_what(claim)),
            Text(plain(", ".join(filter(None, (claim.model, claim.dataset))), limit=60) or "-"),
            Text(plain(claim.as_written, limit=40)),
            Text(_possible(claim, report.granularity.get(index, ()))),
        )
    return table


def _what(claim: FoundClaim) -> str:
    words = [claim.split or "", claim.metric]
    if claim.epoch is not None:
        words.append(f"epoch {claim.epoch}")
    if claim.is_goal:
        words.append("(a goal)")
    if claim.is_literature:
        words.append("(of others)")
    if claim.readings:
        words.append(f"({len(claim.readings)} readings)")
    return plain(" ".join(word for word in words if word), limit=60)


def _possible(claim: FoundClaim, granularity: tuple[Mapping[str, Json], ...]) -> str:
    if claim.readings:
        return plain("; or ".join(one.reason for one in claim.readings), limit=200)
    if not granularity:
        return ""
    return " or ".join(dict.fromkeys(_counted(one) for one in granularity[:2]))


def _counted(one: Mapping[str, Json]) -> str:
    said = f"{one['count']:,} of {one['n']:,}"
    if not one.get("drop_last"):
        return said
    return f"{one['count']:,} of {one.get('of', one['n']):,}: batches of {one['batch_size']}, last dropped"
