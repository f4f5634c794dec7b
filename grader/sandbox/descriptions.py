"""What must be known of a student's network before it is asked for numbers? Its layers' and its tensors' shapes.

A raw answer has an exact length, which the parent works out beforehand. The shapes come from the program `describe`;
as the student's code runs there, they are a claim like others: sizes are capped, and the later answer must fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.programs.tensors import ITEM_BYTES

MOST_BYTES = 512 * 2**20  # of one answer; it is held in memory
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


def refused(problem: Problem, ended: Ended) -> StudentFault:
    """The student's fault that a description shows."""
    return StudentFault(problem=problem, **ended.carried())
