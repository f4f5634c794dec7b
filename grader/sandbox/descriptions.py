"""What must be known of a student's network before it is asked for numbers? Its layers' and its tensors' shapes.

A raw answer has an exact length, which the parent works out beforehand. The shapes come from the program `describe`;
as the student's code runs there, they are a claim like others: sizes are capped, and the later answer must fit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.programs.tensors import ITEM_BYTES

MOST_BYTES = 512 * 2**20  # of one answer; it is held in memory
_FUNCTION = "functional:"
_BATCH = 2  # on which `describe` runs the network
_WORDS = ("code", "factory", "checkpoint", "input")


@dataclass(frozen=True, slots=True)
class StateTensor:
    """One tensor of a state dict. `is_trained` where an optimizer may change it; `size` in bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_trained: bool

    @property
    def size(self) -> int:
        return math.prod(self.shape) * ITEM_BYTES[self.dtype]

    def to_json(self) -> dict[str, Json]:
        """The row of `describe` again."""
        return {"name": self.name, "shape": list(self.shape), "dtype": self.dtype, "trained": self.is_trained}


def describe(
    files: Mapping[str, Path], request: Mapping[str, Json], *, limits: Limits | None = None, level: Level | None = None
) -> Answered | StudentFault | SystemFault:
    """The program `describe` on `code`, `factory`, `checkpoint` and `input` (C, H, W) of the request."""
    asked = {word: request.get(word) for word in _WORDS}
    return run("describe", files=files, request=asked, limits=limits, level=level)


def tensors_of(description: Mapping[str, Json], code: str) -> tuple[StateTensor, ...] | Problem:
    """The state dict's tensors, or why their numbers cannot be asked for."""
    rows = description["tensors"]
    if not rows:
        what = "the network has no weights" if rows is not None else "the network holds tensors of an unusual kind"
        return Problem("odd-state", code, what, "build it of plain layers: torch.nn.Conv2d, torch.nn.Linear and others")
    made = tuple(StateTensor(row["name"], tuple(row["shape"]), row["dtype"], row["trained"]) for row in rows)
    if len({tensor.name for tensor in made}) != len(made):
        return Problem("odd-state", code, "two tensors of the network have one name", "give each layer its own name")
    size = sum(tensor.size for tensor in made)
    if size > MOST_BYTES:
        what = f"the network's weights have {size:,} bytes, more than {MOST_BYTES:,}"
        return Problem("too-large", code, what, "build a smaller network")
    return made


def layer_shapes(
    description: Mapping[str, Json], names: Sequence[str], code: str
) -> tuple[tuple[int, ...], ...] | Problem:
    """What each of the named layers gives for one image, without the batch, or why that is not known.

    >>> rows = [{"name": "conv", "kind": "Conv2d", "call": 1, "output_shape": [2, 6, 24, 24]}]
    >>> layer_shapes({"layers": rows}, ["conv"], "model.py")
    ((6, 24, 24),)
    >>> layer_shapes({"layers": rows}, ["conv2"], "model.py").what
    "the model does not call a layer 'conv2'"
    """
    called = {
        row["name"]: row["output_shape"]
        for row in reversed(description["layers"])
        if row["name"] and row["call"] == 1 and not row["kind"].startswith("functional:")
    }
    made = []
    for name in names:
        shape = called.get(name)
        if shape is None:
            listed = ", ".join(list(dict.fromkeys(reversed(called)))[:12])
            what = f"the model does not call a layer {name!r}"
            return Problem("no-such-layer", code, what, f"name the layer so; the model calls: {listed}")
        if not shape or not all(isinstance(side, int) for side in shape) or shape[0] != _BATCH:
            what = f"the layer {name!r} gives {shape} for {_BATCH} images, which is not one tensor with a row for each"
            return Problem("bad-output", code, what, "let the layer give one tensor whose first axis counts the images")
        made.append(tuple(shape[1:]))
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A layer that a description has: its name, what it gives for one image, and whose numbers it has.

    `call` is (kind, nth) of a function, which is no module; `weight` the shape of the module's own tensor `weight`.
    """

    name: str
    shape: tuple[int, ...]
    call: tuple[str, int] | None = None
    weight: tuple[int, ...] | None = None


def chosen_layer(description: Mapping[str, Json], wanted: str | Mapping[str, Json], code: str) -> Chosen | Problem:
    """The layer of this name; or of {"kinds": names in small letters, "nth": 1 for the first, -1 for the last}.

    >>> rows = [
    ...     {"name": "a", "kind": "Conv2d", "torch_kind": "Conv2d", "call": 1, "output_shape": [2, 6, 24, 24]},
    ...     {
    ...         "name": "",
    ...         "kind": "functional:avg_pool2d",
    ...         "torch_kind": None,
    ...         "call": 1,
    ...         "output_shape": [2, 6, 12, 12],
    ...     },
    ... ]
    >>> description = {"layers": rows, "tensors": [{"name": "a.weight", "shape": [6, 1, 5, 5]}]}
    >>> chosen_layer(description, {"kinds": ["conv2d"], "nth": -1}, "model.py")
    Chosen(name='a', shape=(6, 24, 24), call=None, weight=(6, 1, 5, 5))
    >>> chosen_layer(description, {"kinds": ["avgpool2d"], "nth": 1}, "model.py").call
    ('functional:avg_pool2d', 1)
    """
    weights = {row["name"]: tuple(row["shape"]) for row in description.get("tensors") or ()}
    if isinstance(wanted, str):
        shapes = layer_shapes(description, [wanted], code)
        if isinstance(shapes, Problem):
            return shapes
        return Chosen(wanted, shapes[0], weight=weights.get(f"{wanted}.weight"))
    counts: Counter[str] = Counter()
    fitting: list[tuple[str, tuple[str, int] | None, Json]] = []
    for row in description["layers"]:
        counts[row["kind"]] += 1
        is_function = row["kind"].startswith(_FUNCTION)
        letters = {_letters(row["kind"]), _letters(row["torch_kind"] or "")}
        if letters.isdisjoint(wanted["kinds"]) or (not is_function and (row["call"] != 1 or not row["name"])):
            continue
        nth = counts[row["kind"]]
        call = (row["kind"], nth) if is_function else None
        fitting.append((f"{row['kind'].removeprefix(_FUNCTION)} {nth}" if call else row["name"], call, row))
    nth = wanted["nth"]
    if not 1 <= abs(nth) <= len(fitting):
        what = f"the model calls {len(fitting)} layers of the kind {wanted['kinds'][0]}, and number {nth} is asked for"
        return Problem("no-such-layer", code, what, "build the network that the sheet asks for")
    name, call, row = fitting[nth - 1 if nth > 0 else nth]
    shape = row["output_shape"]
    if not shape or not all(isinstance(side, int) for side in shape) or shape[0] != _BATCH:
        what = f"the layer {name!r} gives {shape} for {_BATCH} images, which is not one tensor with a row for each"
        return Problem("bad-output", code, what, "let the layer give one tensor whose first axis counts the images")
    return Chosen(name, tuple(shape[1:]), call, None if call else weights.get(f"{name}.weight"))


def _letters(kind: str) -> str:
    return kind.removeprefix(_FUNCTION).replace("_", "").lower()


def refused(problem: Problem, ended: Ended) -> StudentFault:
    """The student's fault that a description shows."""
    return StudentFault(problem=problem, **ended.carried())
