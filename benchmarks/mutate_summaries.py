"""How many wrong prints does the grader notice, and on the right line?

    python benchmarks/mutate_summaries.py PATH...            every change of every print (files or folders of *.txt)
    python benchmarks/mutate_summaries.py PATH... --each 40  40 changes a summary; --show missed prints what was missed

Real summaries are changed in one place at a time: a digit of a count, of a shape's axis (the batch axis excepted), of
a total, of a megabyte line; a channel number; a spatial size; the order of two rows; a row dropped or doubled; one
number in a repr. A change counts as

    found       a certain disagreement stands on the changed line (for a swap on one of the two; for a dropped or a
                doubled row beside the gap or at a total; for a width in a repr within four lines of it)
    by a sum    the row can be as it is (a class of the student's own, another kernel), only a total contradicts it,
                and the disagreement stands there
    elsewhere   the summary is called wrong, but at other lines
    a person    nothing is certain, but it is said that the line is doubtful or cannot be read
    no witness  an honest network prints exactly this: row by row a layer, run by PyTorch on the meta device, makes the
                printed shape and count of an earlier row's output, or of what one function of PyTorch makes of it
                (functional_steps.py), and no printed total tells it from the original
    missed      none of these

A `no witness` change alters nothing that the print can show, and is counted apart from those that do.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))  # its neighbours

MEGABYTES = {"input_mb", "pass_mb", "parameters_mb", "total_mb", "trainable_mb", "non_trainable_mb", "optimizer_mb"}
OUTCOMES = ("found", "by a sum", "elsewhere", "a person", "no witness", "missed")


def group_of(kind: str) -> str:
    """ "asked" for a change of the issue's list, "more" for rows that are dropped or doubled.

    >>> group_of("a digit of a total"), group_of("a row dropped, the rest renumbered")
    ('asked', 'more')
    """
    return "more" if kind.startswith(("a row dropped", "a row doubled")) else "asked"


@dataclass(frozen=True)
class Change:
    """A summary with one thing changed: where it must be noticed, and what was done."""

    kind: str
    text: str
    lines: frozenset[int]
    what: str
    at: int = 0  # the changed line itself
    original: Any = None


# reading and judging ---------------------------------------------------------------------------------------------


def summaries_in(text: str) -> tuple[Any, ...]:
    from grader.architecture.readers import read_summaries
    from grader.documents.report_lines import report_lines

    return tuple(read_summaries(report_lines(text)))


def verdicts_on(text: str) -> list[Any]:
    from grader.architecture.recompute import verify

    return [verify(summary) for summary in summaries_in(text)]


def outcome_of(change: Change, original: Any, verdicts: Sequence[Any] | None = None) -> str:
    """One of OUTCOMES. `original` is the summary that was changed."""
    verdicts = verdicts_on(change.text) if verdicts is None else verdicts
    certain = {one.line for verdict in verdicts for one in verdict.disagreements if one.is_certain}
    said = {one.line for verdict in verdicts for one in verdict.disagreements}
    if certain & change.lines:
        return "found"
    if certain:
        totals = {total.line for verdict in verdicts for total in verdict.summary.totals.values()}
        rows = [judged for verdict in verdicts for judged in verdict.rows if judged.row.line in change.lines]
        only_totals = certain <= totals and rows and not change.lines & totals
        return "by a sum" if only_totals and all(_can_be(judged) for judged in rows) else "elsewhere"
    if len(verdicts) == 1 and is_honest(verdicts[0], original, change):
        return "no witness"
    unread = {one.line for verdict in verdicts for one in verdict.summary.unread}
    if not verdicts or (said | unread) & change.lines:
        return "a person"
    return "a person" if said or unread or any(verdict.doubts for verdict in verdicts) else "missed"


# the witness: PyTorch ---------------------------------------------------------------------------------------------


def is_honest(verdict: Any, original: Any, change: Change | None = None) -> bool:
    """True if another network prints just this: every row can be, and no total tells it from the original.

    Of prints with rows in the order of the calls the witness is built row by row: each layer takes an earlier row's
    output, or what one function of PyTorch makes of it, and PyTorch makes of that what the row says.
    """
    rows = [judged.row for judged in verdict.rows]
    containers = {index for index in range(len(rows)) if _is_container(rows, index)}
    if change is not None and ("total" in change.kind or "megabyte" in change.kind):
        tool = str(verdict.summary.format)
        if tool == "torchinfo" and any(row.is_cut for row in verdict.summary.rows):
            return _hidden_rows_agree(verdict.summary, change)
        return tool == "lightning" and _lines_below_agree(verdict.summary)
    if change is not None and "repr" in change.kind:
        return not _has_repr_witness(rows, change)
    if str(verdict.summary.format) == "lightning" and change is not None and change.kind.startswith("a row"):
        return False  # it numbers its rows: 0, 1, 2
    judged_rows = _as_printed(verdict)
    if not all(_can_be(judged) for index, judged in enumerate(judged_rows) if index not in containers):
        return False
    if str(verdict.summary.format) in _CALLED and not all(
        _is_fed(judged, verdict, index) for index, judged in enumerate(judged_rows) if index not in containers
    ):
        return False
    return not any(_told_apart(verdict.summary, original))


_CALLED = {"torchsummary", "torchsummaryX", "pytorch_model_summary"}


def _as_printed(verdict: Any) -> Sequence[Any]:
    """The rows with readings of what is printed: those of the verdict are of what it puts right."""
    if str(verdict.summary.format) not in _CALLED:
        return verdict.rows
    from grader.architecture.recompute.verify import rows_as_printed

    return rows_as_printed(verdict.summary)


def _is_fed(judged: Any, verdict: Any, index: int) -> bool:
    """True if what the row takes can be had: an earlier output, the network's input, or one function of these."""
    from functional_steps import makes

    rows = verdict.summary.rows
    if not judged.readings or any(None in shape[1:] for row in rows for shape in row.outputs):
        return True  # a class of the student's own may do anything; what else there is was told apart before
    for reading in judged.readings:
        wanted = reading.input_shape
        if wanted is None or reading.needs in {"another input", "a matrix product"} or not index:
            return True
        sources = [tuple(shape) for row in rows[:index] for shape in row.outputs]
        sources += [] if verdict.input is None else [tuple(verdict.input)]
        if makes(tuple(dict.fromkeys((1, *shape[1:]) for shape in sources[::-1])), (1, *wanted[1:])):
            return True
    return False


def _hidden_rows_agree(summary: Any, change: Change) -> bool:
    """True if modules below the depth limit, of which nothing is printed, make what a line below torchinfo's tree says.

    Their multiply-adds and outputs are open, so that only what is too small could not be.
    """
    name = change.what.partition(":")[0]
    if name == "mult_adds":
        return float(summary.totals[name].value) >= _sums(summary)["adds"]
    parts = ("input_mb", "pass_mb", "parameters_mb", "total_mb")
    if name not in ("pass_mb", "total_mb", "input_mb") or any(part not in summary.totals for part in parts):
        return False
    *sizes, total = (float(summary.totals[part].value) for part in parts)
    return abs(sum(sizes) - total) <= 0.02 and sizes[1] * 1e6 >= _sums(summary)["bytes"]


def _lines_below_agree(summary: Any) -> bool:
    """True if a number of parameters, so many of them frozen, makes Lightning print these rounded lines."""
    ends = {}
    for name in ("parameters", "trainable", "non_trainable", "parameters_mb"):
        if name not in summary.totals or not any(row.is_cut for row in summary.rows):
            return False
        number = summary.totals[name]
        is_cut = number.step and "." not in number.text
        half = 0 if is_cut else number.step / 2
        ends[name] = (number.value - half, number.value + (number.step - 1 if is_cut else half))
    written = [(summary.totals[name].value, summary.totals[name].step) for name in ("parameters", "trainable")]
    if not ends["non_trainable"][1] and written[0] != written[1]:
        return False
    size = [end * 250_000 for end in ends["parameters_mb"]]
    split = [sum(pair) for pair in zip(ends["trainable"], ends["non_trainable"], strict=True)]
    alike = [ends["parameters"], size, split]
    return max(low for low, _ in alike) <= min(high for _, high in alike)


_WIDE = ("Conv", "Linear", "BatchNorm", "InstanceNorm")
_OPAQUE = ("Flatten", "PixelShuffle", "Unflatten", "Pad", "Embedding", "LSTM", "GRU", "RNN")


def _has_repr_witness(rows: Sequence[Any], change: Change) -> bool:
    """True where a Sequential says what comes before or after the changed width: elsewhere `forward` may do anything.

    A kernel, stride or padding has no witness in a repr, which prints no shapes.
    """
    if change.kind != "a channel number in a repr":
        return False
    side = change.what.rsplit(": ", 1)[1].split(" ")[1:2]
    at = next(index for index, row in enumerate(rows) if row.line == change.at)
    parent = rows[at].name.rpartition(".")[0]
    holder = next(
        (row for row in rows[:at] if row.depth == rows[at].depth - 1 and row.name in (parent, row.type)), None
    )
    if holder is None or holder.type != "Sequential":
        return False
    steps = (-1, 1) if side[0] not in ("in", "out") else ((-1,) if side[0] == "in" else (1,))
    for step in steps:
        other = at + step
        while 0 <= other < len(rows) and rows[other].depth == rows[at].depth:
            if rows[other].name.rpartition(".")[0] != parent or any(word in rows[other].type for word in _OPAQUE):
                break
            if rows[other].type.startswith(_WIDE):
                return True
            other += step
    return False


_SUM_OF = {"parameters": "count", "trainable": "count", "pass_mb": "bytes", "total_mb": "bytes", "mult_adds": "adds"}


def _told_apart(summary: Any, original: Any) -> Iterator[str]:
    """The totals that would have been printed otherwise for the original's rows than for these."""
    mine, theirs = _sums(summary), _sums(original)
    for name in summary.totals:
        key = _SUM_OF.get(name)
        if key is None or (key == "bytes" and str(summary.format) == "keras"):  # there the sizes are of the parameters
            continue
        unit = {"count": 1, "adds": 1, "bytes": 1e6}[key]
        rounded = [row.parameters.step for row in summary.rows if row.parameters is not None]  # Lightning's rows
        if abs(mine[key] - theirs[key]) / unit > summary.totals[name].step + (sum(rounded) if key == "count" else 0):
            yield name


def _sums(summary: Any) -> dict[str, float]:
    """Sums over the rows that hold others' sums in no way: of counts, of the bytes of outputs, of multiply-adds."""
    sums = {"count": 0.0, "bytes": 0.0, "adds": 0.0}
    tool = str(summary.format)
    for index, row in enumerate(summary.rows):
        if _is_container(summary.rows, index):
            continue
        count = float(row.parameters.value) if row.parameters is not None else 0.0
        shape = [axis for axis in (row.outputs[0] if row.outputs else ()) if axis is not None]
        size = 1.0
        for axis in shape:
            size *= axis
        sums["count"] += count
        if row.is_cut and tool == "torchinfo":
            continue  # what is inside it is counted, and not printed
        if tool == "torchsummary" or count:
            sums["bytes"] += 8 * size
        if count and shape:
            sums["adds"] += count * (size / shape[-len(shape) + 1] if "Conv" in row.type and len(shape) > 2 else 1.0)
    return sums


def _is_container(rows: Sequence[Any], index: int) -> bool:
    return index + 1 < len(rows) and rows[index + 1].depth > rows[index].depth


def _can_be(judged: Any) -> bool:
    """True if some layer, or a class of the student's own, prints this row."""
    if not judged.readings:
        return _unread_can_be(judged.row)
    return any(_runs(judged.row, reading) for reading in judged.readings)


def _unread_can_be(row: Any) -> bool:
    """A class that is none of PyTorch's may hold anything; one of PyTorch's without a printed shape as well."""
    import torch

    if row.kernel is not None and row.parameters is not None and not hasattr(torch.nn, row.type):
        weights = 1
        for axis in row.kernel:
            weights *= axis or 1
        return any(row.parameters.value - weights == bias for bias in (0, *row.kernel[:2]))
    if row.type == "Embedding" and row.outputs and row.parameters is not None:
        return row.parameters.value % (row.outputs[0][-1] or 1) == 0
    return row.type in {"Sequential", "ModuleList", "ModuleDict"} or not hasattr(torch.nn, row.type) or not row.outputs


def _runs(row: Any, reading: Any) -> bool:
    """True if PyTorch, given this reading, makes the printed shape and count."""
    import torch

    from grader.architecture import KINDS

    kind = KINDS.get(str(reading.settings.get("kind")))
    if kind is None or reading.input_shape is None:
        return reading.parameters is None or row.parameters is None or reading.parameters == row.parameters.value
    taken = list(reading.input_shape)
    is_last = row.outputs and len(taken) > 2 and _is_keras(row.type)
    if is_last:  # Keras keeps channels last
        taken.insert(1, taken.pop())
    settled = _settled(kind.word, taken, row)
    if settled is not None:
        return settled
    names = {setting.name: setting.torch_name or setting.name for setting in kind.settings}
    try:
        arguments = {
            names[key]: tuple(value) if isinstance(value, list) else value
            for key, value in reading.settings.items()
            if key in names
        }
        if kind.word.startswith(("conv", "linear")):
            arguments["in_features" if kind.word == "linear" else "in_channels"] = taken[
                -1 if kind.word == "linear" else 1
            ]
        if kind.word.startswith("batch_norm"):
            arguments["num_features"] = taken[1]
        with torch.device("meta"):
            module = getattr(torch.nn, kind.torch_name)(**arguments).eval()
            made = module(torch.zeros(taken))
    except Exception:  # noqa: BLE001 - what PyTorch refuses is no witness
        return False
    shape = list((made[0] if isinstance(made, tuple) else made).shape)
    if is_last and len(shape) > 2:
        shape.append(shape.pop(1))
        if row.outputs and not _same_shape(row, shape):
            shape = _padded_as_keras_does(module, taken)
    count = sum(one.numel() for one in module.parameters())
    buffers = sum(one.numel() for one in module.buffers() if one.dim()) if _is_keras(row.type) else 0
    return _same_shape(row, shape) and _same_count(row, count, count + buffers)


def _padded_as_keras_does(module: Any, taken: list[int]) -> list[int]:
    """The shape by padding "same": PyTorch pads both sides alike, so that zeros are put around the input before."""
    import torch

    sides = module.kernel_size if isinstance(module.kernel_size, tuple) else (module.kernel_size,) * (len(taken) - 2)
    steps = module.stride if isinstance(module.stride, tuple) else (module.stride,) * (len(taken) - 2)
    around: list[int] = []
    for size, side, step in zip(taken[2:], sides, steps, strict=True):
        missing = max((-(-size // step) - 1) * step + side - size, 0)
        around = [missing // 2, missing - missing // 2, *around]
    module.padding = (0,) * len(sides)
    try:
        made = module(torch.nn.functional.pad(torch.zeros(taken, device="meta"), around))
    except RuntimeError:
        return []
    return [made.shape[0], *made.shape[2:], made.shape[1]]


def _settled(word: str, taken: list[int], row: Any) -> bool | None:
    """Layers whose readings leave their settings open: what their counts can be for this input."""
    size = taken[1] if len(taken) > 1 else taken[0]
    if word in ("layer_norm", "group_norm") or word.startswith("instance_norm"):
        counts, product = {0, size, 2 * size}, 1
        for axis in reversed(taken[1:]):
            product *= axis
            counts |= {product, 2 * product}
        return _same_shape(row, taken) and _same_count(row, *counts)
    if word == "prelu":
        return _same_shape(row, taken) and _same_count(row, 1, size)
    if word in ("embedding", "lstm", "gru", "rnn", "multihead_attention") or "pad" in word:
        return True
    return None


def _is_keras(kind: str) -> bool:
    return kind.endswith(("1D", "2D", "3D")) or kind in {"BatchNormalization", "Dense"}


def _same_shape(row: Any, made: Sequence[int]) -> bool:
    printed = list(row.outputs[0]) if row.outputs else list(made)
    return len(printed) == len(made) and all(
        a is None or a == b for a, b in zip(printed[1:], list(made)[1:], strict=True)
    )


def _same_count(row: Any, *counts: int) -> bool:
    return row.parameters is None or any(abs(row.parameters.value - count) <= row.parameters.step for count in counts)


# the changes ------------------------------------------------------------------------------------------------------

_GROUP = re.compile(r"[\[(](?:\s*(?:None|-?\d+)\s*,?)+[\])]")
_INTEGER = re.compile(r"-?\d+|None")
_REPR_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_REPR_ROW = re.compile(r"\(([^()]+)\): (\w+)\((.*)\)\s*$")


def other_digit(digit: str, dice: random.Random, *, first: bool = False) -> str:
    return dice.choice([one for one in "0123456789" if one != digit and not (first and one == "0")])


def digit_changes(token: str, dice: random.Random) -> Iterator[str]:
    """The token with one digit changed, once for every digit."""
    digits = [index for index, sign in enumerate(token) if sign.isdigit()]
    for index in digits:
        first = index == digits[0] and len(digits) > 1 and "." not in token[index : index + 2]
        yield token[:index] + other_digit(token[index], dice, first=first) + token[index + 1 :]


class Page:
    """A text with the lines of one summary's rows."""

    def __init__(self, text: str, summary: Any) -> None:
        self.lines = text.split("\n")
        self.summary = summary

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def with_line(self, number: int, new: str) -> str:
        return "\n".join([*self.lines[: number - 1], new, *self.lines[number:]])

    def place_of_count(self, row: Any) -> tuple[int, int, int] | None:
        """(line, start, end) of a row's count."""
        if row.parameters is None:
            return None
        number, token = row.parameters.line or row.line, row.parameters.text.strip()
        masked = _GROUP.sub(lambda group: " " * len(group[0]), self.line(number))
        found = [one.span() for one in re.finditer(r"(?<![\w.,:\-\[])" + re.escape(token) + r"(?![\w.,]*\d|:)", masked)]
        return (number, *found[0]) if token and found else None

    def place_of_shape(self, row: Any, index: int) -> tuple[int, int, int] | None:
        """(line, start, end) of a row's output shape."""
        shape = row.outputs[index]
        before = (
            self.summary.columns[: self.summary.columns.index("output")] if "output" in self.summary.columns else ()
        )
        is_after = bool({"input", "kernel"} & set(before))
        for number in range(row.line, (row.last_line or row.line) + 1):
            found = []
            for group in _GROUP.finditer(self.line(number)):
                values = [None if one in ("None", "-1") else int(one) for one in _INTEGER.findall(group[0])]
                if values == [None if axis == -1 else axis for axis in shape]:
                    found.append(group.span())
            if found:
                same = [one for place, one in enumerate(row.outputs) if one == shape and place < index]
                at = len(found) - 1 if is_after and len(row.outputs) == 1 else min(len(same), len(found) - 1)
                return (number, *found[at])
        return None


def all_changes(text: str, summary: Any, dice: random.Random) -> Iterator[Change]:
    page = Page(text, summary)
    if str(summary.format) == "print":
        yield from _repr_changes(page, dice)
        return
    yield from _count_changes(page, dice)
    yield from _shape_changes(page, dice)
    yield from _total_changes(page, dice)
    yield from _order_changes(page, dice)


def _count_changes(page: Page, dice: random.Random) -> Iterator[Change]:
    for row in page.summary.rows:
        place = page.place_of_count(row)
        if place is None:
            continue
        number, start, end = place
        line = page.line(number)
        for new in digit_changes(line[start:end], dice):
            what = f"{line.strip()[:60]!r}: {line[start:end]} -> {new}"
            lines = frozenset(range(row.line, max(number, row.last_line) + 1))
            yield Change("a digit of a count", page.with_line(number, line[:start] + new + line[end:]), lines, what)


def _with_axes(
    page: Page, place: tuple[int, int, int], lines: frozenset[int], kind: str, new: dict[int, str]
) -> Change:
    """The page with these axes of one shape changed."""
    number, start, end = place
    line = page.line(number)
    group = line[start:end]
    axes = [one.span() for one in _INTEGER.finditer(group)]
    for axis in sorted(new, reverse=True):
        a, b = axes[axis]
        group = group[:a] + new[axis] + group[b:]
    what = f"{line.strip()[:60]!r}: {line[start:end]} -> {group}"
    return Change(kind, page.with_line(number, line[:start] + group + line[end:]), lines, what)


def _shape_changes(page: Page, dice: random.Random) -> Iterator[Change]:
    is_keras = str(page.summary.format) == "keras"
    for row in page.summary.rows:
        for index, shape in enumerate(row.outputs):
            place = page.place_of_shape(row, index) if len(shape) > 1 else None
            if place is None:
                continue
            number = place[0]
            lines = frozenset(range(row.line, max(number, row.last_line) + 1))
            changed = partial(_with_axes, page, place, lines)
            for axis in range(1, len(shape)):
                if shape[axis] is None:
                    continue
                for new in digit_changes(str(shape[axis]), dice):
                    yield changed("a digit of a shape", {axis: new})
            channel = len(shape) - 1 if is_keras else 1
            if shape[channel] is not None:
                for size in {2 * shape[channel], max(shape[channel] + dice.choice((-1, 1)), 1)} - {shape[channel]}:
                    yield changed("a channel number", {channel: str(size)})
            spatial = [axis for axis in range(1, len(shape)) if axis != channel and shape[axis] is not None]
            if spatial:
                other = {axis: str((shape[axis] + 1) // 2 if shape[axis] > 1 else 2) for axis in spatial}
                yield changed("a spatial size", other)
                yield changed("a spatial size", {axis: str(2 * shape[axis]) for axis in spatial})


def _total_changes(page: Page, dice: random.Random) -> Iterator[Change]:
    for name, total in page.summary.totals.items():
        line = page.line(total.line)
        token = total.text.strip()
        starts = [one.start() for one in re.finditer(re.escape(token), line)] if token else []
        if not starts:
            continue
        labels = {"trainable": r"(?<!non-)(?<!non)(?<!non )trainable", "non_trainable": r"non-?\s?trainable"}
        label = re.search(labels.get(name, "."), line, re.IGNORECASE)
        start = next((one for one in starts if label and one > label.start()), starts[0])
        for new in digit_changes(token, dice):
            changed = line[:start] + new + line[start + len(token) :]
            kind = "a digit of a megabyte line" if name in MEGABYTES else "a digit of a total"
            what = f"{name}: {line.strip()[:60]!r}: {token} -> {new}"
            yield Change(kind, page.with_line(total.line, changed), frozenset({total.line}), what)


_NUMBERED = re.compile(r"^(\s*(?:\||\[)?\s*[A-Za-z_]\w*-)(\d+)(\s)")


def _renumbered(line: str, like: str) -> str:
    """The row `line` with the number of the row `like` (Conv2d-3), its width kept."""
    mine, other = _NUMBERED.match(line), _NUMBERED.match(like)
    if not mine or not other:
        return line
    head = mine[1] + other[2]
    grown = len(head) - len(mine[1] + mine[2])
    if grown < 0:
        head = " " * -grown + head
    elif grown > 0 and head.startswith(" " * grown):
        head = head[grown:]
    return head + line[mine.end(2) :]


def _order_changes(page: Page, dice: random.Random) -> Iterator[Change]:
    rows = [row for row in page.summary.rows if (row.last_line or row.line) - row.line < 12]
    rows = [
        row
        for index, row in enumerate(rows)
        if index == 0 or row.line > (rows[index - 1].last_line or rows[index - 1].line)
    ]
    if str(page.summary.format) == "torchsummaryX":  # a wide table is printed in parts: a row stands in several
        rows = [row for row in rows if (row.last_line or row.line) == row.line]
    blocks = [page.lines[row.line - 1 : row.last_line or row.line] for row in rows]
    numbered = [bool(_NUMBERED.match(block[0])) for block in blocks]
    totals = {total.line for total in page.summary.totals.values()}
    leaves = [
        index for index, row in enumerate(rows)
        if not (index + 1 < len(rows) and rows[index + 1].depth > row.depth)
    ]  # fmt: skip

    def joined(parts: list[tuple[int, list[str]]]) -> str:
        """The page with these blocks in place of the rows' own, by the row's place."""
        lines = list(page.lines)
        for at, block in sorted(parts, key=lambda part: -part[0]):
            row = rows[at]
            lines[row.line - 1 : row.last_line or row.line] = block
        return "\n".join(lines)

    def swapped(kind: str, first: int, second: int) -> Iterator[Change]:
        a, b = blocks[first], blocks[second]
        if a == b or rows[first].depth != rows[second].depth:
            return
        lines = frozenset(
            number
            for at, block in ((first, b), (second, a))
            for number in range(rows[at].line, rows[at].line + max(len(block), len(blocks[at])) + abs(len(a) - len(b)))
        )
        what = f"{a[0].strip()[:50]!r} <-> {b[0].strip()[:50]!r}"
        yield Change(kind, joined([(first, b), (second, a)]), lines, what)
        if numbered[first] and numbered[second]:
            new_b, new_a = [_renumbered(b[0], a[0]), *b[1:]], [_renumbered(a[0], b[0]), *a[1:]]
            if (new_b, new_a) != (a, b):
                yield Change(f"{kind}, numbers kept", joined([(first, new_b), (second, new_a)]), lines, what)

    for first, second in pairwise(leaves):
        if second == first + 1:
            yield from swapped("two adjacent rows swapped", first, second)
    for _ in range(len(leaves)):
        first, second = sorted((dice.choice(leaves), dice.choice(leaves)))
        if second > first + 1:
            yield from swapped("two distant rows swapped", first, second)

    def later_renumbered(lines: list[str], start: int, step: int) -> list[str]:
        """Every number of a row from a place on moved by one."""
        out = list(lines)
        for at in range(start, len(out)):
            found = _NUMBERED.match(out[at])
            if found:
                out[at] = _renumbered(out[at], f"x-{int(found[2]) + step} ")
        return out

    for index in leaves:
        row, block = rows[index], blocks[index]
        last = row.last_line or row.line
        gap = {row.line - 1, row.line, row.line + 1}
        if index:
            gap.add(rows[index - 1].line)
        if index + 1 < len(rows):
            gap.add(rows[index + 1].line - len(block))
            gap.add(rows[index + 1].line)
        what = block[0].strip()[:60]
        dropped = [*page.lines[: row.line - 1], *page.lines[last:]]
        lines = frozenset(gap | {number - len(block) for number in totals})
        yield Change("a row dropped", "\n".join(dropped), lines, what)
        doubled = [*page.lines[:last], *block, *page.lines[last:]]
        after = range(row.line, last + len(block) + 3)
        beside = {rows[index + 1].line + len(block)} if index + 1 < len(rows) else set()
        lines_doubled = frozenset(set(after) | beside | {number + len(block) for number in totals})
        yield Change("a row doubled", "\n".join(doubled), lines_doubled, what)
        if numbered[index]:
            text = "\n".join(later_renumbered(dropped, row.line - 1, -1))
            yield Change("a row dropped, the rest renumbered", text, lines, what)
            text = "\n".join(later_renumbered(doubled, last, 1))
            yield Change("a row doubled, the rest renumbered", text, lines_doubled, what)


_REPR_WIDTHS = {"in_features": "width in", "out_features": "width out"}


def _repr_changes(page: Page, dice: random.Random) -> Iterator[Change]:
    for row in page.summary.rows:
        line = page.line(row.line)
        found = _REPR_ROW.search(line)
        if not found:
            continue
        start, inside, kind = found.start(3), found[3], found[2]
        neighbours = {row.line}
        depth = 0
        for position, number in enumerate(_REPR_NUMBER.finditer(inside)):
            before = inside[: number.start()]
            depth = before.count("(") - before.count(")")
            key = re.search(r"(\w+)=\(?[\d, ]*$", before)
            if key is not None:
                name = _REPR_WIDTHS.get(key[1], key[1])
            elif depth == 0 and kind.startswith(("BatchNorm", "InstanceNorm")) and position == 0:
                name = "width"
            elif depth == 0 and kind.startswith(("Conv", "Linear")) and position < 2:
                name = ("width in", "width out")[position]
            else:
                name = ""
            if not name or name in {"eps", "momentum"}:
                continue
            for new in digit_changes(number[0], dice):
                changed = line[: start + number.start()] + new + line[start + number.end() :]
                label = "a channel number in a repr" if name.startswith("width") else f"{name} in a repr"
                what = f"{line.strip()[:70]!r}: {name} {number[0]} -> {new}"
                beside = {other.line for other in page.summary.rows if abs(other.line - row.line) <= 4}
                yield Change(label, page.with_line(row.line, changed), frozenset(neighbours | beside), what, row.line)


# the table --------------------------------------------------------------------------------------------------------


def changes_of(text: str, *, seed: int = 1, each: int | None = None) -> Iterator[Change]:
    """The changes of every summary in a text that is read; a sample of `each` of every summary if asked for."""
    for summary in summaries_in(text):
        dice = random.Random(seed)  # noqa: S311 - the same changes every time
        made = list(all_changes(text, summary, dice))
        made = [change for change in made if change.text != text]
        if each is not None and len(made) > each:
            by_kind: dict[str, list[Change]] = defaultdict(list)
            for change in made:
                by_kind[change.kind].append(change)
            for kind in by_kind.values():
                dice.shuffle(kind)
            kinds, made = list(by_kind.values()), []
            dice.shuffle(kinds)
            while len(made) < each and any(kinds):
                made += [kind.pop() for kind in kinds if kind][: each - len(made)]
        yield from (replace(change, original=summary) for change in made)


def files_in(paths: Sequence[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob("*.txt")) if path.is_dir() else [path])]


def run(
    files: Sequence[Path], each: int | None, seed: int, tell: Callable[[str, Path, Change], None]
) -> tuple[dict[str, Counter[str]], dict[str, Counter[str]]]:
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    by_tool: dict[str, Counter[str]] = defaultdict(Counter)
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        verdicts = verdicts_on(text)
        if not verdicts:
            by_tool["nothing read"]["files"] += 1
            continue
        if any(not verdict.is_consistent for verdict in verdicts):
            by_tool["wrong as it stands"]["files"] += 1
            continue
        tool = str(verdicts[0].summary.format)
        for change in changes_of(text, seed=seed, each=each):
            outcome = outcome_of(change, change.original)
            by_kind[change.kind][outcome] += 1
            by_tool[tool][outcome] += 1
            if outcome != "found":
                tell(outcome, file, change)
    return by_kind, by_tool


def table(title: str, counts: dict[str, Counter[str]]) -> None:
    print(f"\n{title:46}" + "".join(f"{name:>12}" for name in OUTCOMES) + f"{'found %':>10}")
    whole: Counter[str] = Counter()
    for name, count in sorted(counts.items()):
        if "files" in count:
            print(f"{name:46}{count['files']:>12} files")
            continue
        whole.update(count)
        _row(name, count)
    _row("all", whole)


def _row(name: str, count: Counter[str]) -> None:
    altered = sum(count.values()) - count["no witness"]
    share = 100 * (count["found"] + count["by a sum"]) / altered if altered else 100.0
    print(f"{name:46}" + "".join(f"{count[one]:>12,}" for one in OUTCOMES) + f"{share:>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--each", type=int, help="changes a summary (all of them without it)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", nargs="*", choices=OUTCOMES, default=[], help="print the changes that came out so")
    chosen = parser.parse_args()
    started = time.perf_counter()
    shown: Counter[str] = Counter()

    def tell(outcome: str, file: Path, change: Change) -> None:
        shown[outcome] += 1
        if outcome in chosen.show:
            print(f"{outcome}: {file.name}: {change.kind}: {change.what}")

    by_kind, by_tool = run(files_in(chosen.paths), chosen.each, chosen.seed, tell)
    table("by kind of change", by_kind)
    table("by tool", by_tool)
    print(f"\n{time.perf_counter() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
