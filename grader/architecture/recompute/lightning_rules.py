"""What can PyTorch Lightning's table not print: of the numbers of its rows, of one module, of the lines below?

Every row counts all that is below it, rounded; the total counts a shared tensor once, the rows of its owners each.
Rows are numbered from 0 on, in the order in which the modules were made. Sizes are those of a module's first call, the
FLOPs those of all its calls.

Source:  pytorch-lightning 1.9 to lightning 2.6, utilities/model_summary; torch.utils.flop_counter
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, prod

from grader.architecture.readers._torch_names import LEAVES
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.counts import allowed_counts, kernel_areas
from grader.architecture.recompute.laws import fit
from grader.architecture.recompute.operations import operation_of
from grader.architecture.recompute.ranges import printed_bounds, whole_bounds
from grader.architecture.recompute.sentences import article, shape_words
from grader.architecture.recompute.verdict import Disagreement

_BYTES = (4, 2, 8)
_OF_MODULES = frozenset({"Sequential", "ModuleList", "ModuleDict"})  # they own nothing themselves
_AGAIN = Fraction(11, 10)  # a further call on an image of less than a third of the side would hardly be seen
Bounds = tuple[Fraction, Fraction]


def lightning_rows(summary: PrintedSummary) -> list[Disagreement]:
    """Rows that no network makes Lightning print: their number, their counts and sizes, and those below them."""
    if summary.format is not Format.LIGHTNING:
        return []
    found = [*_numbering(summary)]
    for index, row in enumerate(summary.rows):
        why = misfit_of(row)
        if why:
            found.append(_told(row, "parameters", why, index))
    return [*found, *_children(summary, {one.row for one in found})]


def lightning_totals(summary: PrintedSummary) -> list[Disagreement]:
    """The lines below the table that contradict each other, or the rows."""
    totals = summary.totals
    bounds = {name: printed_bounds(number, is_cut=True) for name, number in totals.items()}
    size = _in_parameters(bounds)
    split = _sum_of(bounds.get("trainable"), bounds.get("non_trainable"))
    total = bounds.get("parameters")
    fails = {
        "split": not _meet(total, split) or _is_unequal(totals),
        "size": not _meet(total, size),
        "across": not _meet(split, size),
    }
    if fails["size"] and fails["split"]:
        wrong = ["parameters"]
    elif fails["size"] or (fails["across"] and not fails["split"]):
        wrong = ["parameters_mb"]
    elif fails["split"]:
        rows = _of_rows(summary)
        is_total = not fails["across"] and not (_meet(rows, total) and not _meet(rows, split))
        is_part = fails["across"] or not (_meet(rows, split) and not _meet(rows, total))
        frozen = ["non_trainable"] if totals["non_trainable"].value else []
        wrong = [*(["parameters"] if is_total else []), *(["trainable", *frozen] if is_part else [])]
    else:
        found = _against_rows(summary, _shared(total, split))
        if found or size is None:
            return found
        # The counts go together: what is left can only be said of the megabytes.
        number = totals["parameters_mb"]
        said = number.text.strip()
        return [
            replace(
                one, line=number.line, field="parameters_mb", said=said, recomputed="", why=f"{one.why} ({said} MB)"
            )
            for one in _against_rows(summary, _shared(total, split, size))
            if one.row is None
        ]
    why = _contradiction(totals, fails)
    return [Disagreement(totals[name].line, name, totals[name].text.strip(), "", why) for name in wrong]


# --- the lines below -------------------------------------------------------------------------------------


def _in_parameters(bounds: Mapping[str, Bounds]) -> Bounds | None:
    """How many parameters make the printed megabytes, with the bytes each that fit best."""
    size = bounds.get("parameters_mb")
    if size is None:
        return None
    each = [(size[0] * 10**6 / many, size[1] * 10**6 / many) for many in _BYTES]
    counts = (bounds.get("parameters"), _sum_of(bounds.get("trainable"), bounds.get("non_trainable")))
    if any(_meet(each[0], one) for one in counts if one is not None):
        return each[0]
    return next((one for one in each if all(_meet(one, count) for count in counts)), each[0])


def _sum_of(one: Bounds | None, other: Bounds | None) -> Bounds | None:
    return None if one is None or other is None else (one[0] + other[0], one[1] + other[1])


def _meet(one: Bounds | None, other: Bounds | None) -> bool:
    return one is None or other is None or (one[0] <= other[1] and other[0] <= one[1])


def _shared(*bounds: Bounds | None) -> Bounds | None:
    known = [one for one in bounds if one is not None]
    return (max(low for low, _ in known), min(high for _, high in known)) if known else None


def _is_unequal(totals: Mapping[str, PrintedNumber]) -> bool:
    """True if nothing is frozen, and yet the total and what is trained are not written alike."""
    if any(name not in totals for name in ("parameters", "trainable", "non_trainable")):
        return False
    one, other = totals["parameters"], totals["trainable"]
    return not totals["non_trainable"].value and (one.value, one.step) != (other.value, other.step)


def _of_rows(summary: PrintedSummary) -> Bounds | None:
    """What the rows of the first level add up to."""
    top = min((row.depth for row in summary.rows), default=0)
    counts = [row.parameters for row in summary.rows if row.depth == top]
    if summary.unread or not counts:
        return None
    bounds = [whole_bounds(number, Format.LIGHTNING) for number in counts if number is not None]
    return Fraction(sum(low for low, _ in bounds)), Fraction(sum(high for _, high in bounds))


def _contradiction(totals: Mapping[str, PrintedNumber], fails: Mapping[str, bool]) -> str:
    said = {name: number.text.strip() for name, number in totals.items()}
    words = []
    if fails["split"]:
        words.append(f"{said['trainable']} + {said['non_trainable']} are not {said['parameters']}")
    if fails["size"]:
        words.append(f"{said['parameters']} parameters are not {said['parameters_mb']} MB at 4 bytes each")
    if fails["across"] and not words:
        parts = f"{said['trainable']} + {said['non_trainable']}"
        words.append(f"{parts} parameters are not {said['parameters_mb']} MB at 4 bytes each")
    return ", and ".join(words)


def _against_rows(summary: PrintedSummary, total: Bounds | None) -> list[Disagreement]:
    """Rows that are larger than the total, or too small for it: Lightning adds a row for what no row holds."""
    top = min((row.depth for row in summary.rows), default=0)
    rows = [(index, row) for index, row in enumerate(summary.rows) if row.depth == top and row.parameters is not None]
    said = summary.totals.get("parameters")
    if total is None or said is None or not rows or summary.unread:
        return []
    counts = [whole_bounds(row.parameters, Format.LIGHTNING) for _, row in rows if row.parameters is not None]
    low, high = sum(one for one, _ in counts), sum(one for _, one in counts)
    found = []
    for (index, row), (least, _) in zip(rows, counts, strict=True):
        if least > total[1]:
            why = f"{row.name} alone has more parameters than the whole network, {said.text.strip()}"
            found.append(_told(row, "parameters", why, index))
    if found:
        return found
    text = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    if high < total[0]:
        # Since 1.9 a row "other params" holds what no module does, unless modules of modules are listed too.
        is_certain = "mode" in summary.columns and len({row.depth for row in summary.rows}) == 1
        why = f"the rows add up to {text}, not to {said.text.strip()}"
        return [Disagreement(said.line, "parameters", said.text.strip(), text, why, None, is_certain)]
    more = (low - total[1], high - total[0])
    if low > total[1] and not any(least <= more[1] and more[0] <= most for least, most in counts):
        why = f"the rows add up to {text}, more than {said.text.strip()}: modules share parameters, or a row is wrong"
        return [Disagreement(said.line, "parameters", said.text.strip(), text, why, None, is_certain=False)]
    return []


# --- the rows --------------------------------------------------------------------------------------------


def _told(row: PrintedRow, field: str, why: str, index: int, *, is_certain: bool = True) -> Disagreement:
    said = row.parameters.text.strip() if row.parameters is not None and field == "parameters" else row.name
    return Disagreement(row.line, field, said, "", why, index, is_certain)


def _numbering(summary: PrintedSummary) -> Iterator[Disagreement]:
    """0, 1, 2, ... and every name once."""
    seen: dict[str, PrintedRow] = {}
    expected = 0
    for index, row in enumerate(summary.rows):
        if row.name in seen and not row.name.endswith("…"):
            why = f"{row.name} stands on line {seen[row.name].line} already: a module has one row"
            yield _told(row, "name", why, index)
        seen[row.name] = row
        if row.number is None:
            continue
        if row.number != expected:
            why = (
                f"Lightning numbers its rows from 0 on: {row.name} would be number {expected}, printed is {row.number}"
            )
            yield _told(row, "name", why, index)
        expected = row.number + 1


def misfit_of(row: PrintedRow) -> str:
    """Why no module of this class has such a count, sizes and FLOPs; "" where one has, or its class is not known.

    >>> from fractions import Fraction
    >>> count = PrintedNumber(Fraction(9300), Fraction(100), 3, "9.3 K")
    >>> misfit_of(PrintedRow(3, "fc2", "Linear", inputs=((1, 128),), outputs=((1, 10),), parameters=count))
    'a Linear from 128 to 10 features has 1,290 or 1,280 parameters, printed is 9.3 K'
    """
    is_attention = row.type == "MultiheadAttention" and row.inputs and row.outputs
    if is_attention and row.inputs[0] != row.outputs[0]:
        return f"an attention gives what has the shape of its first input, {list(row.inputs[0])}"
    if row.parameters is None or row.is_cut or row.type not in LEAVES:
        return ""
    operation = operation_of(row.type)
    counts = whole_bounds(row.parameters, Format.LIGHTNING)
    said = row.parameters.text.strip()
    is_plain = allowed_counts(operation, (1, 7, 7, 7)) == frozenset({0}) or row.type.endswith("Loss")
    if is_plain and counts[0]:
        return f"{article(row.type)} has nothing to learn, printed is {said}"
    if len(row.inputs) != 1 or len(row.outputs) != 1 or not row.inputs[0] or not row.outputs[0]:
        return ""
    source, out = row.inputs[0], row.outputs[0]
    if operation.family == "linear":
        return _linear_misfit(row, source, out, counts)
    if operation.family == "conv" and operation.dims:
        return _conv_misfit(row, source, out, counts)
    allowed = allowed_counts(operation, out)
    if allowed is None:
        return ""
    if not any(counts[0] <= one <= counts[1] for one in allowed):
        return f"{article(row.type)} that gives {shape_words(out, Format.LIGHTNING)} cannot have {said} parameters"
    if fit(operation, source, out, None) is None and operation.family != "reshape":
        made, given = shape_words(out, Format.LIGHTNING), shape_words(source, Format.LIGHTNING)
        return f"{article(row.type)} cannot make {made} of {given}"
    return ""


def _linear_misfit(row: PrintedRow, source: PrintedShape, out: PrintedShape, counts: tuple[int, int]) -> str:
    features, made = source[-1] or 0, out[-1] or 0
    said = row.parameters.text.strip() if row.parameters is not None else ""
    options = (made * (features + 1), made * features)
    if source[:-1] != out[:-1]:
        return f"a Linear changes the last axis alone, and makes {list(out)} of {list(source)}"
    if not any(counts[0] <= one <= counts[1] for one in options):
        both = f"{options[0]:,} or {options[1]:,}"
        return f"a Linear from {features} to {made} features has {both} parameters, printed is {said}"
    return _operations_misfit(row, [options[1]], prod(axis or 1 for axis in out[:-1]))


def _conv_misfit(row: PrintedRow, source: PrintedShape, out: PrintedShape, counts: tuple[int, int]) -> str:
    dims = operation_of(row.type).dims
    if len(source) != len(out) or len(out) != dims + 2 or not source[1] or not out[1] or counts[1] > 10**9:
        return ""
    inputs, outputs = source[1], out[1]
    weights = _weights(inputs, outputs, counts)
    if not weights:
        said = row.parameters.text.strip() if row.parameters is not None else ""
        return f"no {row.type} from {inputs} to {outputs} channels has {said} parameters"
    if out[0] != source[0]:
        return f"a {row.type} keeps the batch, and makes {list(out)} of {list(source)}"
    return _operations_misfit(row, weights, prod(axis or 1 for axis in (out[0], *out[2:])))


def _weights(inputs: int, outputs: int, counts: tuple[int, int]) -> list[int]:
    """The numbers of weights that a convolution with so many parameters, biases or not, can have."""
    found = []
    for bias in (outputs, 0):
        first, last = ceil(Fraction(counts[0] - bias, outputs)), floor(Fraction(counts[1] - bias, outputs))
        per_group = 1 if outputs % inputs == 0 else 0
        found += [
            per * outputs
            for per in range(max(first, 1), min(last, first + 4096) + 1)
            if per_group or any(True for _ in kernel_areas(inputs, outputs, per * outputs))
        ]
    return found


def _operations_misfit(row: PrintedRow, weights: Sequence[int], positions: int) -> str:
    """Every weight is used once for every position and call; a module that is called again has more to do."""
    if row.mult_adds is None or not row.mult_adds.value:
        return ""
    low, high = printed_bounds(row.mult_adds, is_cut=True)
    for weight in weights:
        made = Fraction(weight * positions)
        times = floor(high / made)
        if times >= 1 and (made * times >= low or low >= made * _AGAIN):
            return ""
    said = row.mult_adds
    nearest = min(weights, key=lambda one: abs(one * positions - said.value))
    flops = f"{2 * nearest * positions:,} FLOPs, printed is {said.text.strip()}"
    return f"{nearest:,} weights at {positions:,} positions make {flops}"


# --- what holds others -----------------------------------------------------------------------------------


def _children(summary: PrintedSummary, told: set[int | None]) -> Iterator[Disagreement]:
    """A module has as many parameters as any below it; a Sequential has no others, and hands on what each makes."""
    rows = summary.rows
    place = {row.name: index for index, row in enumerate(rows)}
    below: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        parent = place.get(row.name.rpartition(".")[0], -1)
        if parent >= 0:
            below.setdefault(parent, []).append(index)
            if parent > index:
                why = f"{row.name} is a part of {rows[parent].name}, and stands above it"
                yield _told(row, "name", why, index)
    for parent, inside in below.items():
        if not told & {parent, *inside}:
            yield from _held(rows, parent, inside)


def _held(rows: Sequence[PrintedRow], parent: int, inside: Sequence[int]) -> Iterator[Disagreement]:
    holder = rows[parent]
    if holder.parameters is None or any(rows[index].parameters is None for index in inside):
        return
    low, high = whole_bounds(holder.parameters, Format.LIGHTNING)
    counts = [whole_bounds(number, Format.LIGHTNING) for index in inside if (number := rows[index].parameters)]
    for index, (least, _) in zip(inside, counts, strict=True):
        if least > high:
            part = rows[index]
            why = f"{part.name} is a part of {holder.name} on line {holder.line}, and has more parameters"
            yield _told(part, "parameters", why, index)
            why = f"{part.name} on line {part.line} is a part of it, and has more parameters"
            yield _told(holder, "parameters", why, parent)
            return
    if holder.type in _OF_MODULES and low > sum(most for _, most in counts):
        names = ", ".join(rows[index].name for index in inside[:3]) + (", ..." if len(inside) > 3 else "")
        why = f"a {holder.type} owns nothing itself, and {names} have fewer parameters"
        yield _told(holder, "parameters", why, parent)
    if holder.type != "Sequential":
        return
    last = rows[inside[-1]]
    if last.outputs and holder.outputs and last.outputs != holder.outputs:  # a module used before is not listed again
        why = f"{last.name}, the last that is listed in it, gives {shape_words(last.outputs[0], Format.LIGHTNING)}"
        yield _told(holder, "output", why, parent, is_certain=False)
    for one, other in pairwise(inside):
        yield from _handed_on(rows, one, other)


def _handed_on(rows: Sequence[PrintedRow], one: int, other: int) -> Iterator[Disagreement]:
    """What one child of a Sequential makes, the next one takes; a module without weights may be one of many places."""
    names = [rows[index].name.rpartition(".")[2] for index in (one, other)]
    if not all(name.isdecimal() for name in names) or int(names[1]) != int(names[0]) + 1:
        return
    made, taken = rows[one].outputs, rows[other].inputs
    if len(made) != 1 or len(taken) != 1 or made == taken:
        return
    counts = [rows[index].parameters for index in (one, other)]
    is_certain = all(number is not None and number.value > 0 for number in counts)
    given, wanted = (shape_words(shape, Format.LIGHTNING) for shape in (made[0], taken[0]))
    why = f"{rows[one].name} gives {given}, and {rows[other].name} behind it takes {wanted}"
    yield _told(rows[one], "output", why, one, is_certain=is_certain)
    yield _told(rows[other], "output", why, other, is_certain=is_certain)
