"""What do named layers of a student's network give for these images? One array of float32 for each layer.

Two jobs: the first describes the network, so that the length of the second's answer is known before it runs.
"""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.descriptions import MOST_BYTES, Chosen, chosen_layer, describe, refused
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault

if TYPE_CHECKING:
    import numpy as np

MOST_IMAGES = 256


@dataclass(frozen=True, slots=True)
class LayerOutput:
    """What one layer gave, (N, ...) float32; or its weights, of the tensor's shape. Raw and in a row."""

    name: str
    shape: tuple[int, ...]
    data: bytes = field(repr=False)

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """The numbers as an array of this shape, read-only."""
        import numpy as np

        return np.frombuffer(self.data, dtype="<f4").reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Activations(Ended):
    """The outputs of the layers, in the order in which they were asked for, then weights; every number is finite."""

    layers: tuple[LayerOutput, ...] = ()
    names: tuple[str, ...] = ()  # of what was asked for, in that order: layers, then weights


def activations(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Any,
    layers: Sequence[str | Mapping[str, Json]],
    *,
    weights: Sequence[str | Mapping[str, Json]] = (),
    views: Sequence[Mapping[str, Json]] = (),
    limits: Limits | None = None,
    level: Level | None = None,
) -> Activations | StudentFault | SystemFault:
    """What the layers give for `images`, each at its first call, in eval mode; or whose fault it is that they do not.

    Shapes:  images (N, C, H, W) uint8, at most MOST_IMAGES of them, run as one batch
    Request: `code`, `factory`, `checkpoint` (None for the network as it is built); `mean` and `std` per channel
    Layers:  names as in `model.named_modules()`, or the nth of a kind: see `chosen_layer`
    `weights` are layers too, whose tensor `weight` is taken from the checkpoint as it stands there. With `views` the
    images are prepared in several ways: of so many `rows`, one after the other, each by its own `mean` and `std`.
    Raises ValueError where the images are no such array, or no layer is named.
    """
    shape = [int(side) for side in images.shape]
    if len(shape) != 4 or math.prod(shape) == 0 or str(images.dtype) != "uint8" or shape[0] > MOST_IMAGES:
        raise ValueError(f"images of shape {tuple(shape)} and type {images.dtype} are not (N, C, H, W) uint8")
    by_name = [layer for layer in layers if isinstance(layer, str)]
    if not (layers or weights) or len(set(by_name)) != len(by_name):
        raise ValueError(f"{list(layers)} names no layer, or one twice")
    if views and sum(view["rows"] for view in views) != shape[0]:
        raise ValueError(f"the views are not of {shape[0]} images")
    files_and_limits: dict[str, Any] = {"limits": limits, "level": level}
    described = describe(files, {**request, "input": shape[1:]}, **files_and_limits)
    if not isinstance(described, Answered):
        return described
    found = _found(described.result, layers, weights, request)
    if isinstance(found, Problem):
        return refused(found, described)
    chosen, tensors, asked = found
    names, sides = list(chosen), [one.shape for one in chosen.values()]
    sizes = [4 * shape[0] * math.prod(side) for side in sides]
    sizes += [4 * math.prod(one.weight or ()) for one in tensors.values()]
    if sum(sizes) > MOST_BYTES:
        what = f"the layers give {sum(sizes):,} bytes for {shape[0]} images, more than {MOST_BYTES:,}"
        problem = Problem("too-large", request["code"], what, "ask for fewer layers or images")
        return SystemFault(problem=problem, **described.carried())
    wanted = {word: request.get(word) for word in ("code", "factory", "checkpoint", "mean", "std")}
    wanted |= {
        "shape": shape,
        "layers": [
            {"name": name, "shape": list(one.shape), "call": list(one.call) if one.call else None}
            for name, one in chosen.items()
        ],
    }
    if tensors:
        wanted["weights"] = [
            {"name": f"{name}.weight", "shape": list(one.weight or ())} for name, one in tensors.items()
        ]
    if views:
        wanted["views"] = [dict(view) for view in views]
    with tempfile.NamedTemporaryFile(prefix="grader-inputs-") as file:
        file.write(images.tobytes())
        file.flush()
        ended = run(
            "activations",
            files=files,
            request=wanted,
            inputs=Path(file.name),
            answer_bytes=sum(sizes),
            **files_and_limits,
        )
    if not isinstance(ended, Answered):
        return ended
    names += [f"{name}.weight" for name in tensors]
    shapes = [*((shape[0], *side) for side in sides), *(one.weight or () for one in tensors.values())]
    made = _activations(ended, names, shapes)
    return replace(made, names=asked) if isinstance(made, Activations) else made


def _found(
    description: Mapping[str, Json],
    layers: Sequence[str | Mapping[str, Json]],
    weights: Sequence[str | Mapping[str, Json]],
    request: Mapping[str, Json],
) -> tuple[dict[str, Chosen], dict[str, Chosen], tuple[str, ...]] | Problem:
    """The layers, and those whose weights are asked for, by their names, each once; and all names as asked."""
    made: tuple[dict[str, Chosen], dict[str, Chosen]] = ({}, {})
    asked: list[str] = []
    for place, group in enumerate((layers, weights)):
        for wanted in group:
            found = chosen_layer(description, wanted, request["code"])
            if isinstance(found, Problem):
                return found
            if place and found.weight is None:
                what = f"the layer {found.name!r} has no tensor `weight` of its own"
                return Problem("no-such-tensor", request["code"], what, "use layers of torch's such as torch.nn.Conv2d")
            made[place][found.name] = found
            asked.append(f"{found.name}.weight" if place else found.name)
    if made[1] and request.get("checkpoint") is None:
        what = "weights are asked for, and there is no checkpoint"
        return Problem("missing-file", request["code"], what, "hand in the checkpoint")
    return (*made, tuple(asked))


def _activations(
    ended: Answered, names: Sequence[str], shapes: Sequence[tuple[int, ...]]
) -> Activations | StudentFault:
    made = []
    start = 0
    for name, shape in zip(names, shapes, strict=True):
        data = ended.payload[start : start + 4 * math.prod(shape)]
        start += len(data)
        if not math.isfinite(sum(array("f", data))):  # in doubles, which the sum of finite float32 cannot leave
            what = f"the numbers that came back for the layer {name!r} are not all finite"
            problem = Problem("not-finite", "submission", what, "look for a division by zero in the layers before it")
            return StudentFault(problem=problem, **ended.carried())
        made.append(LayerOutput(name, shape, data))
    return Activations(layers=tuple(made), **ended.carried())
