"""What does a student's network become when it is trained by our recipe? Weights and a log, each number looked at.

The loop, the seed, the order of the images and the clock are ours; the labels that go in are those of the training
split. What comes back is raw numbers of a length that is known before: the log, the weights before and the weights
after. How good they are is measured afterwards, by `predictions`, on images whose labels stay here. As the student's
code runs in the same process, log and weights are what it says; that it cannot have trained at all is seen here.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Json, Problem
from grader.sandbox.descriptions import StateTensor, describe, refused, tensors_of
from grader.sandbox.job import run
from grader.sandbox.outcome import Answered, Ended, Level, StudentFault, SystemFault
from grader.sandbox.programs.weights import EXPONENTS
from grader.training.device import settled
from grader.training.recipe import Recipe
from grader.training.steps import all_steps, is_logged, rate_at, steps_in

MOST_TRIED = 500  # training images on which the network is tried before it is trained
_TYPES = {
    "float32": "F32", "float64": "F64", "float16": "F16", "bfloat16": "BF16",
    "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
_PAIR = struct.Struct("<2d")
# Faults that bfloat16 or channels last can bring about in a network that trains well without: a `view` of a tensor that
# lies in another order, numbers of two types in one product, a loss that needs more digits.
_MAY_BE_OURS = ("code-raised", "training-diverged", "bad-output", "not-finite")


@dataclass(frozen=True, slots=True)
class Trained(Ended):
    """A network after its training, and as it was built. `state` and `initial` hold the tensors' numbers in a row.

    `log` has a record for each epoch's end, and where the recipe asks for more: `epoch`, `step`, `train_loss`,
    `train_accuracy` (means over the images of the epoch so far), `learning_rate`. `loss_before` and
    `accuracy_before` are of the network as it was built, on `tried` training images; `share` is what naming one class
    for all of them would get right. `precision` is the one in which it was trained.
    """

    tensors: tuple[StateTensor, ...] = ()
    initial: bytes = field(default=b"", repr=False)
    state: bytes = field(default=b"", repr=False)
    log: tuple[Mapping[str, Json], ...] = ()
    loss_before: float = 0.0
    accuracy_before: float = 0.0
    tried: int = 0
    share: float = 0.0
    seed: int = 0
    precision: str = "float32"

    @property
    def unmoved(self) -> tuple[str, ...]:
        """The tensors that could be trained and are as they were: of layers that no image passes, say."""
        pairs = zip(_parts(self.initial, self.tensors), _parts(self.state, self.tensors), strict=True)
        return tuple(one.name for one, (a, b) in zip(self.tensors, pairs, strict=True) if one.is_trained and a == b)

    @property
    def is_fresh(self) -> bool:
        """Whether the training made the network what it is; False where it knew the images when it was built.

        It knew them where, beyond naming one class, it had a fifth of them right, and half of what it has at the end.
        """
        known = self.accuracy_before - self.share
        learnt = self.log[-1]["train_accuracy"] - self.share if self.log else 0.0
        return known < max(0.2, learnt / 2)

    @property
    def digest(self) -> str:
        """SHA-256 of the trained weights as `safetensors` writes them."""
        return hashlib.sha256(self.safetensors()).hexdigest()

    def safetensors(self) -> bytes:
        """The trained weights as a file that `predictions` opens like one that was handed in."""
        header: dict[str, Json] = {}
        start = 0
        for tensor in self.tensors:
            stop = start + tensor.size
            header[tensor.name] = {
                "dtype": _TYPES[tensor.dtype],
                "shape": list(tensor.shape),
                "data_offsets": [start, stop],
            }
            start = stop
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + self.state


def train(
    files: Mapping[str, Path],
    request: Mapping[str, Json],
    images: Any,
    labels: Any,
    *,
    classes: int,
    recipe: Recipe,
    seed: int | None = None,
    limits: Limits | None = None,
    level: Level | None = None,
) -> Trained | StudentFault | SystemFault:
    """The student's network after a training by `recipe`, or whose fault it is that there is none.

    A network that fails in the recipe's bfloat16 or channels last is trained again without them: they are there for
    speed, and no student need write for them.

    Shapes:  images (N, C, H, W) uint8 and labels (N,) of the TRAINING split (NumPy arrays)
    Request: `code` and `factory`; `threads` where wanted. Hand in code alone: a training begins without weights
    Raises ValueError where images, labels and recipe do not belong together, or the recipe is ended by a clock.
    """
    shape = [int(side) for side in images.shape]
    if len(shape) != 4 or math.prod(shape) == 0 or str(images.dtype) != "uint8":
        raise ValueError(f"images of shape {tuple(shape)} and type {images.dtype} are not (N, C, H, W) uint8")
    wanted = [int(label) for label in labels]
    if len(wanted) != shape[0] or not all(0 <= label < classes for label in wanted):
        raise ValueError(f"{len(wanted)} labels for {shape[0]} images of {classes} classes")
    if any(len(values) not in (0, shape[1]) for values in (recipe.mean, recipe.std)):
        raise ValueError(f"mean and std need a number for each of the {shape[1]} channels")
    if recipe.most_seconds is not None:
        raise ValueError("a student's network is trained for epochs or steps: by the clock no result can be made again")
    settings: dict[str, Any] = {"limits": limits, "level": level}
    asked = {"code": request["code"], "factory": request["factory"], "checkpoint": None, "input": shape[1:]}
    described = describe(files, asked, **settings)
    if not isinstance(described, Answered):
        return described
    tensors = tensors_of(described.result, request["code"])
    if isinstance(tensors, Problem):
        return refused(tensors, described)
    tried = [index * shape[0] // min(shape[0], MOST_TRIED) for index in range(min(shape[0], MOST_TRIED))]
    asked = {
        **{word: request.get(word) for word in ("code", "factory", "threads")},
        "shape": shape,
        "classes": classes,
        "seed": recipe.seed if seed is None else seed,
        "tensors": [tensor.to_json() for tensor in tensors],
        "before": tried,
    }
    recipe = settled(recipe)
    plain = replace(recipe, precision="float32", memory_format="contiguous")
    with tempfile.NamedTemporaryFile(prefix="grader-inputs-") as file:
        file.write(images.tobytes())
        file.write(struct.pack(f"<{len(wanted)}q", *wanted))
        file.flush()
        settings |= {"files": files, "inputs": Path(file.name)}
        made = _once(asked, recipe, tensors, [wanted[index] for index in tried], settings)
        if isinstance(made, StudentFault) and made.problem.code in _MAY_BE_OURS and plain != recipe:
            made = _once(asked, plain, tensors, [wanted[index] for index in tried], settings)
    return made


def _once(
    request: Mapping[str, Json],
    recipe: Recipe,
    tensors: tuple[StateTensor, ...],
    labels: Sequence[int],
    settings: Mapping[str, Any],
) -> Trained | StudentFault | SystemFault:
    """One training; `labels` are those of the images on which the network is tried before."""
    images = request["shape"][0]
    rows = _rows(recipe, images)
    asked = {**request, "recipe": {name: value for name, value in recipe.to_json().items() if name != "data_set"}}
    answer_bytes = _PAIR.size * (1 + len(rows)) + 2 * sum(tensor.size for tensor in tensors)
    ended = run("train", request=asked, answer_bytes=answer_bytes, **settings)
    if not isinstance(ended, Answered):
        return ended
    share = max(labels.count(label) for label in set(labels)) / len(labels)
    made = replace(_trained(ended, tensors, rows, request["seed"], (len(labels), share)), precision=recipe.precision)
    problem = _problem(made, request["code"], images)
    return StudentFault(problem=problem, **ended.carried()) if problem is not None else made


def _rows(recipe: Recipe, images: int) -> list[dict[str, Json]]:
    """What is known of the log beforehand: where it has its records, and at which learning rate."""
    each = steps_in(recipe, images)
    return [
        {"epoch": (step - 1) // each + 1, "step": step, "learning_rate": rate_at(recipe, step - 1, each)}
        for step in range(1, all_steps(recipe, each) + 1)
        if is_logged(recipe, step, each)
    ]


def _trained(
    ended: Answered,
    tensors: tuple[StateTensor, ...],
    rows: Sequence[Mapping[str, Json]],
    seed: int,
    tried: tuple[int, float],
) -> Trained:
    """The answer taken apart: pairs of loss and accuracy, the tensors before, the tensors after."""
    head = _PAIR.size * (1 + len(rows))
    before, *pairs = _PAIR.iter_unpack(ended.payload[:head])
    size = (len(ended.payload) - head) // 2
    log = tuple(
        {**row, "train_loss": loss, "train_accuracy": accuracy}
        for row, (loss, accuracy) in zip(rows, pairs, strict=True)
    )
    return Trained(
        tensors=tensors,
        initial=ended.payload[head : head + size],
        state=ended.payload[head + size :],
        log=log,
        loss_before=before[0],
        accuracy_before=before[1],
        tried=tried[0],
        share=tried[1],
        seed=seed,
        **ended.carried(),
    )


def _problem(made: Trained, code: str, images: int) -> Problem | None:
    """Why this is the result of no training, or None."""
    said = [(made.loss_before, made.accuracy_before), *((row["train_loss"], row["train_accuracy"]) for row in made.log)]
    if not all(math.isfinite(loss) and loss >= 0 and 0 <= accuracy <= 1 for loss, accuracy in said):
        what = "the log that came back has a loss or an accuracy that no training has"
        return Problem("bad-log", code, what, "leave the loop of training to the grader")
    for name, data in (("before", made.initial), ("after", made.state)):
        odd = next((tensor.name for tensor, part in _named(data, made.tensors) if _is_odd(part, tensor.dtype)), None)
        if odd is not None:
            what = f"{name} the training, the tensor {odd!r} holds NaN or infinite numbers"
            return Problem("not-finite", code, what, "look for a division by zero, or weights that are not set")
    unmoved = set(made.unmoved)
    if unmoved == {tensor.name for tensor in made.tensors if tensor.is_trained}:
        what = f"no weight changed in {made.log[-1]['step']:,} steps of training on {images:,} images"
        return Problem("did-not-train", code, what, "let the output of forward depend on the network's parameters")
    return None


def _parts(data: bytes, tensors: Sequence[StateTensor]) -> Iterator[bytes]:
    start = 0
    for tensor in tensors:
        yield data[start : start + tensor.size]
        start += tensor.size


def _named(data: bytes, tensors: Sequence[StateTensor]) -> Iterator[tuple[StateTensor, bytes]]:
    return zip(tensors, _parts(data, tensors), strict=True)


def _is_odd(data: bytes, dtype: str) -> bool:
    """Whether one of the numbers is NaN or infinite, by its bits; for flags, whether one is neither 0 nor 1."""
    import numpy as np

    if dtype == "bool":
        return bool((np.frombuffer(data, dtype=np.uint8) > 1).any())
    if dtype not in EXPONENTS:
        return False
    mask = EXPONENTS[dtype]
    numbers = np.frombuffer(data, dtype=f"<u{4 if dtype == 'float32' else 8 if dtype == 'float64' else 2}")
    return bool(((numbers & mask) == mask).any())
