"""What do named layers of a student's network give for these images? One array of float32 for each layer.

Two jobs: the first describes the network, so that the length of the second's answer is known before it runs.
"""

from __future__ import annotations

import math
import tempfile
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.descriptions import MOST_BYTES, describe, layer_shapes, refused
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault

if TYPE_CHECKING:
    import numpy as np

MOST_IMAGES = 256


@dataclass(frozen=True, slots=True)
class LayerOutput:
    """What one layer gave: (N, ...) float32, raw and in a row."""

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
    """The outputs of the layers, in the order in which they were asked for; every number is finite."""

    layers: tuple[LayerOutput, ...] = ()


def activations(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Any,
    layers: Sequence[str],
    *,
    limits: Limits | None = None,
    level: Level | None = None,
) -> Activations | StudentFault | SystemFault:
    """What the layers give for `images`, each at its first call, in eval mode; or whose fault it is that they do not.

    Shapes:  images (N, C, H, W) uint8, at most MOST_IMAGES of them, run as one batch
    Request: `code`, `factory`, `checkpoint` (None for the network as it is built); `mean` and `std` per channel
    Layers:  names as in `model.named_modules()`
    Raises ValueError where the images are no such array, or no layer is named.
    """
    shape = [int(side) for side in images.shape]
    if len(shape) != 4 or math.prod(shape) == 0 or str(images.dtype) != "uint8" or shape[0] > MOST_IMAGES:
        raise ValueError(f"images of shape {tuple(shape)} and type {images.dtype} are not (N, C, H, W) uint8")
    names = list(dict.fromkeys(layers))
    if not names or len(names) != len(layers):
        raise ValueError(f"{list(layers)} names no layer, or one twice")
    files_and_limits: dict[str, Any] = {"limits": limits, "level": level}
    described = describe(files, {**request, "input": shape[1:]}, **files_and_limits)
    if not isinstance(described, Answered):
        return described
    sides = layer_shapes(described.result, names, request["code"])
    if isinstance(sides, Problem):
        return refused(sides, described)
    sizes = [4 * shape[0] * math.prod(side) for side in sides]
    if sum(sizes) > MOST_BYTES:
        what = f"the layers give {sum(sizes):,} bytes for {shape[0]} images, more than {MOST_BYTES:,}"
        problem = Problem("too-large", request["code"], what, "ask for fewer layers or images")
        return SystemFault(problem=problem, **described.carried())
    wanted = {word: request.get(word) for word in ("code", "factory", "checkpoint", "mean", "std")}
    wanted |= {
        "shape": shape,
        "layers": [{"name": name, "shape": list(side)} for name, side in zip(names, sides, strict=True)],
    }
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
    return _activations(ended, names, [(shape[0], *side) for side in sides])


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
