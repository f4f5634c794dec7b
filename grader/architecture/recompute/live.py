"""Is the printed summary one of this model? The print beside what the sandbox saw when it called the model.

`torchsummary` and its relatives print calls in their order, `print` and Lightning modules by name. A print may lack
rows (functions are no modules) and may be of another input size: then only the counts are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from grader.architecture.readers._torch_names import CONTAINERS, LEAVES
from grader.architecture.readers.module_repr import repr_parameters
from grader.architecture.readers.printed import Format, PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.megabytes import layout_of
from grader.architecture.recompute.ranges import printed_bounds, whole_bounds
from grader.architecture.recompute.verdict import Disagreement, SummaryVerdict
from grader.frozen import dataclass
from grader.model import Json

FUNCTIONAL = "functional:"
_WORDS = {"kernel": "kernel_size", "factor": "upscale_factor"}
# torchsummary reads `.weight` and `.bias` alone, which these do not have.
_UNSEEN = frozenset({"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention"})
_ORDERED = frozenset({Format.TORCHSUMMARY, Format.TORCHINFO, Format.PYTORCH_MODEL_SUMMARY})
_OUTPUT_AXES = 1  # the batch is the caller's choice


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of the live model, or one call of it."""

    name: str
    type: str
    parameters: int
    output: tuple[int, ...] | None
    attributes: Mapping[str, Json]


def compare_live(print_: SummaryVerdict | PrintedSummary, described: Mapping[str, Json]) -> tuple[Disagreement, ...]:
    """Every place where the print is not one of the live model.

    Shapes:  `described` is the result of the sandbox's `describe` job: "layers" (each with "name", "kind",
             "parameters", "output_shape", "is_leaf", "attributes"), "parameters", "input_shape", "unused"
    Returns: disagreements in the order of the lines; () for formats that are no print of PyTorch

    >>> from dataclasses import replace
    >>> from fractions import Fraction
    >>> from grader.architecture.readers.printed import PrintedNumber
    >>> row = PrintedRow(3, "Linear-1", "Linear", outputs=((None, 5),))
    >>> row = replace(row, parameters=PrintedNumber(Fraction(55), Fraction(0), 3, "55"))
    >>> summary = PrintedSummary(Format.TORCHSUMMARY, 1, 9, (row,))
    >>> layer = {"name": "fc", "kind": "Linear", "parameters": 50, "output_shape": [2, 5], "is_leaf": True}
    >>> [one.why for one in compare_live(summary, {"layers": [layer], "parameters": 50})]
    ['Linear-1 has 50 parameters in the model, 55 in the print']
    """
    summary = print_.summary if isinstance(print_, SummaryVerdict) else print_
    printed_input = print_.input if isinstance(print_, SummaryVerdict) else None
    if summary.format is Format.KERAS:
        return ()
    calls = tuple(_modules(described))
    found: list[Disagreement] = []
    if summary.format in {Format.PRINT, Format.LIGHTNING} and _are_names_known(summary, calls):
        found += _by_name(summary, calls, described)
    elif summary.format is Format.TORCHSUMMARYX:
        found += _pairs(summary, list(_named(summary, calls)), _is_same_input(printed_input, described))
    elif summary.format in _ORDERED or summary.format is Format.PRINT:
        found += _by_order(summary, calls, _is_same_input(printed_input, described))
    found += _total(summary, described, are_rows_right=not found)
    return tuple(sorted(found, key=lambda one: one.line))


def _modules(described: Mapping[str, Json]) -> Iterator[_Module]:
    """Every call of a module without modules, in order. What is learned counts at every call, as the tools count."""
    learned: dict[str, int] = {}
    for layer in described.get("layers") or []:
        kind = str(layer.get("kind", ""))
        if kind.startswith(FUNCTIONAL) or not layer.get("is_leaf") or kind in CONTAINERS:
            continue
        name = str(layer.get("name", ""))
        own = int(layer.get("parameters") or 0) + int(layer.get("shared") or 0)
        count = learned.setdefault(name, own)
        output = layer.get("output_shape")
        is_shape = isinstance(output, list | tuple) and bool(output) and all(isinstance(axis, int) for axis in output)
        # What an LSTM gives is no one shape.
        yield _Module(name, kind, count, tuple(output) if is_shape else None, layer.get("attributes") or {})


# --- by name: print and Lightning ------------------------------------------------------------------------


def _are_names_known(summary: PrintedSummary, calls: Sequence[_Module]) -> bool:
    """True if the print and the model name modules alike; a network of a rubric has other names."""
    names = {part for module in calls for part in _prefixes(module.name)}
    printed = [row.name for row in summary.rows if row.depth or summary.format is Format.LIGHTNING]
    return 2 * sum(name in names for name in printed) >= len(printed) > 0


def _prefixes(name: str) -> Iterator[str]:
    pieces = name.split(".")
    return (".".join(pieces[:end]) for end in range(1, len(pieces) + 1))


def _by_name(
    summary: PrintedSummary, calls: Sequence[_Module], described: Mapping[str, Json]
) -> Iterator[Disagreement]:
    modules = {module.name: module for module in calls}
    unused = {str(one.get("name", "")): one for one in described.get("unused") or []}
    known = {part for name in (*modules, *unused) for part in _prefixes(name)}
    owned = _owned(described)
    for index, row in enumerate(summary.rows):
        if row.name == "other params" or (summary.format is Format.PRINT and row.depth == 0):
            continue
        module = modules.get(row.name)
        if row.name not in known:
            if row.type in LEAVES:
                why = f"the model has no module {row.name}"
                yield Disagreement(row.line, "name", row.name, "", why, index, summary.is_whole)
        elif summary.format is Format.LIGHTNING:
            yield from _rounded(summary, row, index, owned)
        elif module is not None:
            yield from _same_module(row, index, module)
    printed = {row.name for row in summary.rows}
    if summary.format is Format.PRINT:
        missing = [module for module in modules.values() if module.name and module.name not in printed]
        for module in missing[:1]:
            why = f"the model has a {module.type} named {module.name}, the print has not"
            yield Disagreement(summary.last_line, "name", "", module.name, why, None, summary.is_whole)


def _owned(described: Mapping[str, Json]) -> dict[str, int]:
    """What every module of the model owns itself, those that no call reaches too."""
    owned: dict[str, int] = {}
    for layer in (*(described.get("layers") or []), *(described.get("unused") or [])):
        if not str(layer.get("kind", "")).startswith(FUNCTIONAL):
            own = int(layer.get("parameters") or 0) + int(layer.get("shared") or 0)
            owned.setdefault(str(layer.get("name", "")), own)
    return owned


def _rounded(summary: PrintedSummary, row: PrintedRow, index: int, owned: Mapping[str, int]) -> Iterator[Disagreement]:
    inside = row.name + "."
    count = sum(own for name, own in owned.items() if (name + ".").startswith(inside))
    if row.parameters is None:
        return
    low, high = whole_bounds(row.parameters, summary.format)
    if not low <= count <= high:
        why = f"{row.name} has {count:,} parameters in the model"
        yield Disagreement(row.line, "parameters", row.parameters.text, f"{count:,}", why, index, is_certain=False)


def _same_module(row: PrintedRow, index: int, module: _Module) -> Iterator[Disagreement]:
    if row.type != module.type:
        why = f"{row.name} is a {module.type} in the model, a {row.type} in the print"
        yield Disagreement(row.line, "name", row.type, module.type, why, index)
        return
    for word, value in row.settings.items():
        name = word if word in module.attributes else _WORDS.get(word, word)
        if name in module.attributes and not _is_same(value, module.attributes[name]):
            live = module.attributes[name]
            why = f"{row.name} has {name} {_shown(live)} in the model, {_shown(value)} in the print"
            yield Disagreement(row.line, "kernel", f"{name}={_shown(value)}", f"{name}={_shown(live)}", why, index)
            return
    own = repr_parameters(row)
    if own is not None and own != module.parameters:
        why = f"{row.name} has {module.parameters:,} parameters in the model, {own:,} in the print"
        yield Disagreement(row.line, "parameters", f"{own:,}", f"{module.parameters:,}", why, index)


def _is_same(one: Json, other: Json) -> bool:
    """True if two settings mean the same: 3 is (3, 3)."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_is_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, list | tuple):
        return all(_is_same(entry, other) for entry in one)
    if isinstance(other, list | tuple):
        return all(_is_same(one, entry) for entry in other)
    if isinstance(one, bool) or isinstance(other, bool) or isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return one is None or other is None or abs(float(one) - float(other)) < 1e-9


def _shown(value: Json) -> str:
    return "(" + ", ".join(map(_shown, value)) + ")" if isinstance(value, list | tuple) else str(value)


def _named(summary: PrintedSummary, calls: Sequence[_Module]) -> Iterator[tuple[tuple[int, PrintedRow], _Module]]:
    """The rows of torchsummaryX, which writes the class into the last piece of a name: "3_mlp.Linear_0" is mlp.0."""
    modules: dict[str, list[_Module]] = {}
    for module in reversed(calls):
        modules.setdefault(module.name, []).append(module)
    for index, row in enumerate(summary.rows):
        head, dot, last = re.sub(r"^\d+_", "", row.name).rpartition(".")
        name = head + dot + (last.partition("_")[2] if dot else last)
        called = modules.get(name) or modules.get(head + dot + last)
        if called:
            yield (index, row), called.pop()


# --- by order: the tools that print calls ----------------------------------------------------------------


def _by_order(summary: PrintedSummary, calls: Sequence[_Module], is_same_input: bool | None) -> Iterator[Disagreement]:
    types = {module.type for module in calls} | LEAVES
    rows = [(index, row) for index, row in enumerate(summary.rows) if _is_leaf(summary, index, types)]
    modules = _listed(summary, calls)
    if _is_partial(summary, [row.type for _, row in rows], [module.type for module in modules]):
        yield from _each_known(summary, rows, modules)
        return
    is_whole = summary.is_whole
    pairs = []
    called: set[str] = set()
    for low, high, first, last in _aligned([row for _, row in rows], modules, summary.format):
        if high - low == last - first:
            pairs += list(zip(rows[low:high], modules[first:last], strict=True))
            called.update(module.name for module in modules[first:last])
        elif high > low:
            index, row = rows[low]
            there = modules[first].type if first < last else "nothing"
            why = f"where the print has {row.name}, the model calls {_article(there)}"
            yield Disagreement(row.line, "name", row.type, there, why, index, is_whole)
        elif rows and not all(module.name in called for module in modules[first:last]):
            row = rows[min(low, len(rows) - 1)][1]
            missing = next(module for module in modules[first:last] if module.name not in called)
            why = f"the model calls {_article(missing.type)} there that the print has not"
            # Old tools print a module that is called again only once.
            is_once = sum(module.name == missing.name for module in modules) == 1
            yield Disagreement(row.line, "name", row.type, missing.type, why, None, is_whole and is_once)
    yield from _pairs(summary, pairs, is_same_input)


def _aligned(
    rows: Sequence[PrintedRow], modules: Sequence[_Module], form: Format
) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of rows and of modules that stand for each other; of unequal length where one side lacks some."""
    types = [row.type for row in rows], [module.type for module in modules]
    if types[0] == types[1]:
        yield 0, len(rows), 0, len(modules)
        return
    counts = [whole_bounds(row.parameters, form)[0] if row.parameters is not None else 0 for row in rows]
    printed = list(zip(types[0], counts, strict=True))
    live = [(module.type, module.parameters) for module in modules]
    for tag, low, high, first, last in SequenceMatcher(None, printed, live, autojunk=False).get_opcodes():
        if tag == "replace" and types[0][low:high] != types[1][first:last] and high - low == last - first:
            yield low, high, first, first
            yield high, high, first, last
        else:
            yield low, high, first, last


def _is_leaf(summary: PrintedSummary, index: int, types: set[str] | frozenset[str]) -> bool:
    rows = summary.rows
    has_below = index + 1 < len(rows) and rows[index + 1].depth > rows[index].depth
    return not has_below and (rows[index].type in types or "kind" in rows[index].settings)


def _is_partial(summary: PrintedSummary, printed: Sequence[str], called: Sequence[str]) -> bool:
    """True if the print stands for more modules than it names, or for another order than that of the calls.

    torchinfo without an input lists modules as they were registered; pytorch_model_summary ends at a depth.
    """
    if layout_of(summary).hides or not any(row.outputs or row.inputs for row in summary.rows):
        return True
    return summary.format is Format.PYTORCH_MODEL_SUMMARY and list(printed) != list(called)


def _each_known(
    summary: PrintedSummary, rows: Sequence[tuple[int, PrintedRow]], modules: Sequence[_Module]
) -> Iterator[Disagreement]:
    """Of a print that leaves modules out: is there a module like each of its rows?"""
    for index, row in rows:
        if row.parameters is None or row.is_recursive or row.type not in LEAVES:
            continue
        low, high = whole_bounds(row.parameters, summary.format)
        counts = [module.parameters for module in modules if module.type == row.type]
        if not any(low <= count <= high for count in counts):
            text = row.parameters.text.strip()
            why = f"the model calls no {row.type} with {text} parameters"
            right = f"{counts[0]:,}" if len(set(counts)) == 1 else ""
            yield Disagreement(row.line, "parameters", text, right, why, index)


def _listed(summary: PrintedSummary, calls: Sequence[_Module]) -> Sequence[_Module]:
    """The calls that the tool prints: pytorch_model_summary and `print` show a module once."""
    if summary.format in {Format.PYTORCH_MODEL_SUMMARY, Format.PRINT}:
        return tuple({module.name: module for module in reversed(calls)}.values())[::-1]
    return calls


def _pairs(
    summary: PrintedSummary, pairs: Sequence[tuple[tuple[int, PrintedRow], _Module]], is_same_input: bool | None
) -> Iterator[Disagreement]:
    shaped = [(row, module) for (_, row), module in pairs if len(row.outputs) == 1 and module.output is not None]
    agreeing = sum(_is_same_shape(row.outputs[0], module.output) for row, module in shaped)
    # Where most shapes differ the print is of another input size, and only the counts can be held against it.
    compares_shapes = is_same_input if is_same_input is not None else 2 * agreeing >= len(shaped)
    for (index, row), module in pairs:
        if row.parameters is not None and not row.is_recursive:
            low, high = whole_bounds(row.parameters, summary.format)
            is_unseen = summary.format is Format.TORCHSUMMARY and module.type in _UNSEEN and high == 0
            if not low <= module.parameters <= high and not is_unseen:
                said, right = row.parameters.text.strip(), f"{module.parameters:,}"
                why = f"{row.name} has {right} parameters in the model, {said} in the print"
                yield Disagreement(row.line, "parameters", said, right, why, index)
        if compares_shapes and len(row.outputs) == 1 and not _is_same_shape(row.outputs[0], module.output):
            said, right = (_shape(shape) for shape in (row.outputs[0], module.output or ()))
            why = f"{row.name} gives {right} in the model, {said} in the print"
            yield Disagreement(row.line, "output", said, right, why, index)


def _is_same_shape(printed: PrintedShape, live: tuple[int, ...] | None) -> bool:
    if live is None or len(printed) != len(live):
        return live is None
    pairs = zip(printed[_OUTPUT_AXES:], live[_OUTPUT_AXES:], strict=True)
    return all(one is None or one == other for one, other in pairs)


def _shape(shape: PrintedShape) -> str:
    return "[" + ", ".join(map(str, shape[_OUTPUT_AXES:])) + "]"


def _is_same_input(printed: Sequence[int] | None, described: Mapping[str, Json]) -> bool | None:
    live = described.get("input_shape")
    if printed is None or live is None:
        return None
    return tuple(printed[1:]) == tuple(live[1:])


def _article(name: str) -> str:
    if name == "nothing":
        return name
    return f"an {name}" if name[:1] in "AEIO" or name[:2] in {"LS", "RN"} else f"a {name}"


# --- the total --------------------------------------------------------------------------------------------


def _total(summary: PrintedSummary, described: Mapping[str, Json], *, are_rows_right: bool) -> Iterator[Disagreement]:
    said, live = summary.totals.get("parameters"), described.get("parameters")
    if said is None or not isinstance(live, int):
        return
    low, high = printed_bounds(said, is_cut=summary.format is Format.LIGHTNING)
    if low <= live <= high:
        return
    rows = sum(row.parameters.value for row in summary.rows if row.parameters is not None)
    if are_rows_right and low <= rows <= high:
        return  # the tool's own way to count: a module that is called twice, parameters it does not see
    why = f"the model has {live:,} parameters, the print says {said.text.strip()}"
    is_certain = not any(row.is_cut for row in summary.rows)
    yield Disagreement(said.line, "parameters", said.text.strip(), f"{live:,}", why, None, is_certain)
