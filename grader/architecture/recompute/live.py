"""Is the printed summary that of the live model? Row by row, by names where both have them, else by order.

The live model comes in the form of a `describe` result: its modules in the order of their calls, with shapes and
counts. A print may lack rows that learn nothing, be of another input size (then counts alone are compared), or show
a module once that is called often. What the print shows and the model has not is certain; what it leaves out is not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grader.architecture.kinds import KINDS, TORCH_NAMES
from grader.architecture.readers._torch_names import CONTAINERS
from grader.architecture.readers.printed import Format, PrintedRow, PrintedShape
from grader.architecture.recompute.verdict import Disagreement, SummaryVerdict
from grader.model import Json

_FUNCTIONAL = "functional:"
MOST_ROWS = 2_000  # an alignment by order costs the square of it
# They print a module once, however often it is called.
_ONCE = frozenset({Format.PYTORCH_MODEL_SUMMARY, Format.PRINT, Format.LIGHTNING})
# They print every module whose forward was called, those that learn nothing included.
_COMPLETE = frozenset({Format.TORCHSUMMARY, Format.TORCHINFO, Format.PYTORCH_MODEL_SUMMARY, Format.TORCHSUMMARYX})
# Nobody misses them in a print.
_UNSEEN = frozenset({"Flatten", "Unflatten", "Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d"})


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of the live model at one of its calls; `output` without the batch, None where there are several."""

    name: str
    kinds: frozenset[str]
    output: tuple[int, ...] | None
    parameters: int

    @property
    def kind(self) -> str:
        return min(self.kinds & TORCH_NAMES.keys(), default=min(self.kinds, default=""))


def compare_live(
    verdict: SummaryVerdict, described: Mapping[str, Json], *, only_learning: bool = False
) -> tuple[Disagreement, ...]:
    """What the print shows otherwise than the live model is, in the order of the print's lines.

    `described`  a `describe` result: layers (name, kind, torch_kind, input_shape, output_shape, parameters, is_leaf),
                 parameters, input_shape
    `only_learning`  layers without parameters may be missing in the print: a function may do their work
    Keras prints are of no PyTorch model, and nothing is said about them.

    >>> from fractions import Fraction
    >>> from grader.architecture.readers.printed import PrintedNumber, PrintedSummary
    >>> count = PrintedNumber(Fraction(20), Fraction(0), 1, "20")
    >>> row = PrintedRow(1, "Linear-1", "Linear", outputs=((None, 2),), parameters=count)
    >>> printed = SummaryVerdict(PrintedSummary(Format.TORCHSUMMARY, 1, 1, (row,)), ())
    >>> layer = {"name": "fc", "kind": "Linear", "is_leaf": True, "parameters": 10, "output_shape": [2, 2]}
    >>> [one.why for one in compare_live(printed, {"layers": [layer], "parameters": 10, "input_shape": [2, 4]})]
    ['Linear-1 is printed with 20 parameters, the model has 10 in fc']
    """
    if verdict.summary.format is Format.KERAS:
        return ()
    rows = [(index, row) for index, row in enumerate(verdict.summary.rows) if _class(row)]
    modules = list(_modules(described, once=verdict.summary.format in _ONCE))
    pairs, left, extra = _paired(rows, modules)
    has_shapes = _is_same_input(verdict, described)
    found = [one for index, row, module in pairs for one in _differences(index, row, module, has_shapes=has_shapes)]
    is_whole = verdict.summary.is_whole
    found += [_not_there(index, row, modules, is_certain=is_whole) for index, row in left]
    found += _left_out(verdict, [module for module in extra if module.parameters or not only_learning])
    total = None if found else _total(verdict, described)
    return tuple(sorted([*found, *([total] if total else [])], key=lambda one: (one.line, one.row or 0)))


def _modules(described: Mapping[str, Json], *, once: bool) -> Iterator[_Module]:
    seen: set[str] = set()
    for layer in described["layers"]:
        kind, name = str(layer["kind"]), str(layer["name"])
        if kind.startswith(_FUNCTIONAL) or not layer["is_leaf"] or (once and name in seen):
            continue
        seen.add(name)
        kinds = frozenset({kind, str(layer.get("torch_kind") or kind)} - {""})
        yield _Module(name, kinds, _sample(layer.get("output_shape")), int(layer["parameters"]))


def _sample(shape: Json) -> tuple[int, ...] | None:
    is_one = isinstance(shape, list | tuple) and all(isinstance(size, int) for size in shape)
    return tuple(shape[1:]) if is_one else None


def _class(row: PrintedRow) -> str:
    """The class of a row that is a layer of PyTorch's; "" for containers, inputs and words of the author's own."""
    kind = row.settings.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind].torch_name
    return row.type if row.type in TORCH_NAMES and row.type not in CONTAINERS else ""


_Row = tuple[int, PrintedRow]


def _paired(
    rows: Sequence[_Row], modules: Sequence[_Module]
) -> tuple[list[tuple[int, PrintedRow, _Module]], list[_Row], list[_Module]]:
    """(rows with their modules, rows without one, modules without a row)."""
    by_name = {module.name: module for module in modules}
    named = [(index, row, by_name[row.name]) for index, row in rows if row.name in by_name]
    if len(named) * 2 > len(rows):  # the print shows paths: names say more than the order
        taken = {index for index, _, _ in named}
        used = {module.name for _, _, module in named}
        left = [(index, row) for index, row in rows if index not in taken]
        return named, left, [module for module in modules if module.name not in used]
    return _by_order(rows[:MOST_ROWS], modules[:MOST_ROWS])


def _by_order(
    rows: Sequence[_Row], modules: Sequence[_Module]
) -> tuple[list[tuple[int, PrintedRow, _Module]], list[_Row], list[_Module]]:
    printed = [_class(row) for _, row in rows]
    live = [module.kind for module in modules]
    pairs: list[tuple[int, PrintedRow, _Module]] = []
    left: list[_Row] = []
    extra: list[_Module] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, printed, live, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += [(*rows[a + k], modules[c + k]) for k in range(b - a)]
        else:
            left += rows[a:b]
            extra += modules[c:d]
    return pairs, left, extra


def _is_same_input(verdict: SummaryVerdict, described: Mapping[str, Json]) -> bool:
    """Whether the print can be of the model's input: shapes of another one are right for it, and other ones."""
    live = tuple(described["input_shape"])[1:]
    printed: PrintedShape = verdict.input or (verdict.summary.input[0] if verdict.summary.input else ())
    if not printed:
        return True
    return live in (tuple(printed[1:]), tuple(printed))


def _differences(index: int, row: PrintedRow, module: _Module, *, has_shapes: bool) -> Iterator[Disagreement]:
    count = row.parameters
    if count is not None and not row.is_recursive and abs(count.value - module.parameters) > count.step:
        said = (
            f"{row.name} is printed with {count.text} parameters, the model has {module.parameters:,} in {module.name}"
        )
        is_seen = "LSTM" not in module.kind and "GRU" not in module.kind and module.kind != "MultiheadAttention"
        yield Disagreement(
            row.line, "parameters", count.text, f"{module.parameters:,}", said, index, is_certain=is_seen
        )
    if not has_shapes or module.output is None or len(row.outputs) != 1:
        return
    printed = row.outputs[0]
    if len(printed) in (len(module.output), len(module.output) + 1) and not _fits(printed, module.output):
        shown, right = _words(printed), _words(module.output)
        said = f"{row.name} is printed with the output {shown}, the model makes {right} in {module.name}"
        yield Disagreement(row.line, "output", shown, right, said, index)


def _fits(printed: PrintedShape, live: tuple[int, ...]) -> bool:
    sample = printed[len(printed) - len(live) :]
    return all(size is None or size == other for size, other in zip(sample, live, strict=True))


def _words(shape: PrintedShape) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)


def _not_there(index: int, row: PrintedRow, modules: Sequence[_Module], *, is_certain: bool) -> Disagreement:
    name = _class(row)
    count = sum(name in module.kinds for module in modules)
    has = f"the model has {count} {name} layers, and none stands there" if count else f"the model has no {name}"
    return Disagreement(row.line, "name", row.name, "-", f"{row.name} is printed, {has}", index, is_certain=is_certain)


def _left_out(verdict: SummaryVerdict, extra: Sequence[_Module]) -> Iterator[Disagreement]:
    """Modules that the print does not show. Where it may be cut, nothing is said."""
    summary = verdict.summary
    is_cut = any(row.is_cut for row in summary.rows) or not summary.is_whole
    for module in extra[:20]:
        if not module.parameters and (summary.format not in _COMPLETE or module.kind in _UNSEEN):
            continue
        if is_cut or not module.kinds & TORCH_NAMES.keys():
            continue
        holds = f" with {module.parameters:,} parameters" if module.parameters else ""
        said = f"the model has {module.name} ({module.kind}){holds}, the print does not show it"
        is_certain = bool(module.parameters) and summary.format in _COMPLETE
        yield Disagreement(summary.last_line, "name", "-", module.name, said, None, is_certain=is_certain)


def _total(verdict: SummaryVerdict, described: Mapping[str, Json]) -> Disagreement | None:
    """The printed total against the model's; tools that miss or repeat parameters leave it to a person."""
    printed, live = verdict.summary.totals.get("parameters"), int(described["parameters"])
    if printed is None or abs(printed.value - live) <= printed.step:
        return None
    said = f"the print says {printed.text} parameters in all, the model has {live:,}"
    return Disagreement(printed.line, "parameters", printed.text, f"{live:,}", said, is_certain=False)
