"""Which modules of a printed model hand their output to the next, and do channels and features agree on the way?

`print(model)` lists modules as they were registered. Only inside `Sequential` is that the order of the calls: there a
disagreement is certain. Elsewhere a network may branch, and a disagreement is named only where no branch explains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from grader.architecture.readers.module_repr import repr_parameters
from grader.architecture.readers.printed import PrintedRow, PrintedSummary
from grader.architecture.recompute.other_totals import is_part_sum
from grader.architecture.recompute.verdict import Disagreement
from grader.frozen import dataclass

_NEAR = 24  # modules back that may be joined: the branches of an inception block
_ORDERED = frozenset({"Sequential"})
_KEEPS = ("_pool", "dropout", "_pad", "upsample", "softmax")
_POINTWISE = frozenset(
    {"relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "log_sigmoid", "tanh", "hardtanh"}
    | {
        "hardsigmoid",
        "hardswish",
        "softplus",
        "softsign",
        "tanhshrink",
        "identity",
        "leaky_relu",
        "layer_norm",
        "prelu",
    }
    | {"softmax", "log_softmax", "upsample"}
)


class Form(StrEnum):
    """What is known of a tensor: channels of an image, features of a vector, or the channels it was flattened from."""

    IMAGE = "channels"
    VECTOR = "features"
    FLAT = "flattened"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A module without modules, in print order.

    `index`    its row
    `scope`    the rows of the modules that hold it, outermost first
    `follows`  True if it surely takes what the leaf before it makes
    """

    index: int
    row: PrintedRow
    scope: tuple[int, ...]
    follows: bool

    @property
    def kind(self) -> str:
        """The word of `make_layer`, "" for a class that it does not know."""
        return str(self.row.settings.get("kind", ""))

    def number(self, *names: str) -> int | None:
        """A whole number of the settings."""
        for name in names:
            value = self.row.settings.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        return None


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a module makes, as far as its print says it; `maker` is the place of the leaf that decided it."""

    form: Form = Form.UNKNOWN
    size: int = 0
    maker: int = -1
    is_certain: bool = False


def leaves_of(summary: PrintedSummary) -> tuple[Leaf, ...]:
    """The modules that hold no others, each with what holds it."""
    rows = summary.rows
    found: list[Leaf] = []
    path: list[int] = []
    for index, row in enumerate(rows):
        while path and rows[path[-1]].depth >= row.depth:
            path.pop()
        if index + 1 < len(rows) and rows[index + 1].depth > row.depth:
            path.append(index)
            continue
        scope = tuple(path)
        follows = bool(found) and _is_ordered(rows, found[-1].scope, scope)
        found.append(Leaf(index, row, scope, follows))
    return tuple(found)


def _is_ordered(rows: Sequence[PrintedRow], before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """True if everything between the common holder and both leaves is Sequential, the holder too."""
    common = 0
    while common < min(len(before), len(after)) and before[common] == after[common]:
        common += 1
    if not common:
        return False
    holders = {before[common - 1], *before[common:], *after[common:]}
    return all(rows[index].type in _ORDERED for index in holders)


def count_of_module(row: PrintedRow, below: Sequence[PrintedRow]) -> int | None:
    """How many numbers a module itself learns; what an attention holds follows from its output projection."""
    if row.type == "MultiheadAttention":
        projection = next((one for one in below if one.type == "NonDynamicallyQuantizableLinear"), None)
        width = projection.settings.get("in_features") if projection is not None else None
        if isinstance(width, int) and projection is not None:
            return 3 * width * width + (3 * width if projection.settings.get("bias", True) else 0)
        return None
    return repr_parameters(row)


# --- what a module takes and makes ----------------------------------------------------------------------


def taken(leaf: Leaf) -> tuple[Form, int] | None:
    """What the module demands of its input, None where it takes anything.

    >>> row = PrintedRow(1, "0", "Conv2d", settings={"kind": "conv2d", "in_channels": 3, "out_channels": 8})
    >>> taken(Leaf(0, row, (), False))
    (<Form.IMAGE: 'channels'>, 3)
    """
    kind = leaf.kind
    if kind.startswith("conv"):
        size = leaf.number("in_channels")
        return None if size is None else (Form.IMAGE, size)
    if kind.startswith(("batch_norm", "instance_norm", "group_norm")):
        size = leaf.number("num_features", "channels", "num_channels")
        return None if size is None else (Form.IMAGE, size)
    if kind == "linear":
        size = leaf.number("in_features")
        return None if size is None else (Form.VECTOR, size)
    return None


def made(leaf: Leaf, given: Tensor, place: int) -> Tensor:
    """What the module makes of what it is given."""
    kind, settings = leaf.kind, leaf.row.settings
    if kind.startswith("conv"):
        size = leaf.number("out_channels")
        return Tensor(Form.IMAGE, size, place, True) if size else Tensor()
    if kind == "linear":
        size = leaf.number("out_features")
        return Tensor(Form.VECTOR, size, place, True) if size else Tensor()
    if kind.startswith(("batch_norm", "instance_norm", "group_norm")):
        demand = taken(leaf)
        if demand is None or given.form in {Form.IMAGE, Form.VECTOR}:
            return given
        form = Form.VECTOR if kind.endswith("1d") else Form.IMAGE
        return Tensor(form, demand[1], place, given.form is not Form.UNKNOWN)
    if kind == "flatten":
        is_usual = settings.get("start_dim", 1) == 1 and settings.get("end_dim", -1) == -1
        if given.form is Form.IMAGE and is_usual:
            return Tensor(Form.FLAT, given.size, given.maker, given.is_certain)
        return given if given.form in {Form.VECTOR, Form.FLAT} and is_usual else Tensor()
    if kind == "pixel_shuffle" and given.form is Form.IMAGE:
        factor = leaf.number("factor", "upscale_factor")
        return Tensor(Form.IMAGE, given.size // factor**2, given.maker, given.is_certain) if factor else Tensor()
    if kind in _POINTWISE or any(word in kind for word in _KEEPS):
        return given
    return Tensor()


def agrees(given: Tensor, demand: tuple[Form, int]) -> bool:
    """True unless the module cannot take what it is given."""
    form, size = demand
    if given.form is Form.FLAT:
        return size % given.size == 0
    return given.form is not form or given.size == size


# --- following the chain --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Break:
    """A place where what is made and what is taken differ."""

    before: int
    after: int
    made: int
    taken: int
    form: Form
    is_certain: bool


def breaks(leaves: Sequence[Leaf]) -> Iterator[Break]:
    """Every place of the chain where the sizes differ, in print order; branches that explain it are left out."""
    given = Tensor()
    presumed: list[Break] = []
    for place, leaf in enumerate(leaves):
        if not leaf.follows:
            given = Tensor(given.form, given.size, given.maker, False)
        demand = taken(leaf)
        if demand is not None and given.form is not Form.UNKNOWN and not _fits(leaf, given, demand):
            one = Break(given.maker, place, given.size, demand[1], given.form, given.is_certain)
            if given.is_certain:
                yield one
            else:
                presumed.append(one)
            if _is_maker_wrong(leaves, one):
                # A norm hands on what it takes: the slip before it is not named again behind it.
                given = replace(given, size=demand[1])
        given = made(leaf, given, place)
    yield from (one for one in presumed if not _is_branch(leaves, one, presumed))


def _fits(leaf: Leaf, given: Tensor, demand: tuple[Form, int]) -> bool:
    if leaf.kind == "batch_norm1d" and given.form is Form.VECTOR:
        return given.size == demand[1]
    return agrees(given, demand)


def _is_branch(leaves: Sequence[Leaf], one: Break, presumed: Sequence[Break]) -> bool:
    """True if another tensor of the network may be what the module takes."""
    if one.form is Form.FLAT:
        return True
    before, after = leaves[: one.after], leaves[one.after]
    sizes = {size for leaf in before for size in _sizes(leaf)}
    scope = after.scope[-1] if after.scope else -1
    first = next((demand for leaf in before if scope in leaf.scope and (demand := taken(leaf)) is not None), None)
    is_entry = first is not None and first[1] == one.taken
    is_joined = any(one.taken == one.made + size for size in sizes) or (
        one.made > 0 and one.taken % one.made == 0 and one.taken // one.made in {2, 3, 4, 5, 6}
    )
    own = taken(leaves[one.before])
    is_parallel = own is not None and own[1] == one.taken
    if is_entry or is_joined or is_parallel:
        return True
    if leaves[one.before].scope != after.scope:
        near = [size for leaf in before[-_NEAR:] if (size := leaf.number("out_channels", "out_features"))]
        is_flattened = one.form is Form.VECTOR and any(one.taken % size == 0 for size in sizes if size > 1)
        return one.taken in sizes or is_flattened or is_part_sum(one.taken, near)
    is_branching = sum(leaves[other.after].scope == after.scope for other in presumed) > 1
    return is_branching and one.taken in sizes


def _sizes(leaf: Leaf) -> Iterator[int]:
    for name in ("in_channels", "out_channels", "in_features", "out_features", "num_features", "num_channels"):
        size = leaf.number(name)
        if size is not None:
            yield size


def told(leaves: Sequence[Leaf], one: Break) -> Disagreement:
    """The break as a sentence, on the line that more of the neighbours speak against."""
    maker, taker = leaves[one.before], leaves[one.after]
    is_maker = _is_maker_wrong(leaves, one)
    wrong = maker if is_maker else taker
    said, right = (one.made, one.taken) if is_maker else (one.taken, one.made)
    name = _setting(wrong, is_maker=is_maker)
    unit = "features" if one.form is Form.VECTOR else "channels"
    why = f"{maker.row.name} makes {one.made} {unit}, and {taker.row.name} behind it takes {one.taken}"
    if one.form is Form.FLAT:
        why += f", which is no multiple of {one.made}"
        right_text = f"a multiple of {one.made}"
    else:
        right_text = f"{name}={right}"
    other = taker.row.line if is_maker else maker.row.line
    return Disagreement(
        wrong.row.line,
        "parameters",
        f"{name}={said}",
        right_text,
        f"{why} (or line {other} is wrong)" if other != wrong.row.line else why,
        wrong.index,
        one.is_certain,
    )


def _setting(leaf: Leaf, *, is_maker: bool) -> str:
    if leaf.kind == "linear":
        return "out_features" if is_maker else "in_features"
    if leaf.kind.startswith("conv"):
        return "out_channels" if is_maker else "in_channels"
    return "num_channels" if leaf.kind.startswith("group") else "num_features"


def _is_maker_wrong(leaves: Sequence[Leaf], one: Break) -> bool:
    """Count who agrees with whom: the norms behind the maker, and what the next module takes."""
    if one.form is Form.FLAT:
        return False
    between = leaves[one.before + 1 : one.after]
    for_made = sum(demand is not None and demand[1] == one.made for demand in map(taken, between))
    for_taken = 0
    taker = leaves[one.after]
    if not taker.kind.startswith(("conv", "linear")):
        following = next((demand for leaf in leaves[one.after + 1 :] if (demand := taken(leaf)) is not None), None)
        for_made += following is not None and following[1] == one.made
        for_taken += following is not None and following[1] == one.taken
    if for_made != for_taken:
        return for_taken > for_made
    return _roundness(one.made) < _roundness(one.taken)


def _roundness(size: int) -> int:
    """How often two divides it: sizes that people choose are round.

    >>> _roundness(64) > _roundness(65), _roundness(100)
    (True, 2)
    """
    return (size & -size).bit_length() - 1 if size else 0
