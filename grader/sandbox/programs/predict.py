"""The program `predict`: the student's network on many images, logits out. There are no labels in here."""

from __future__ import annotations

import math
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import network
from .channel import Fault
from .student import Student
from .weights import refuse_not_finite

if TYPE_CHECKING:
    import torch

prepare = network.prepare


def main(request: dict[str, Any], box: Any) -> memoryview:
    """Logits as raw float32, one row per image, in the order of the inputs.

    Request: `code`, `factory`, `checkpoint`; `shape` (N, C, H, W) of the raw uint8 in `inputs`; `classes`; `mean` and
    `std` per channel (or null); `batch_size`; `threads`.
    """
    import torch

    student = Student(box)
    torch.set_num_threads(request.get("threads") or 1)
    weights = network.open_checkpoint(request, box)
    model, module = network.built(student, request)
    notes: dict[str, Any] = {"module_prefix": False, "preprocess": False, "left_eval": 0}
    images = _images(request["shape"], box)
    prepared = _preparation(request, model, module, student, notes)
    network.settle(student, model, lambda: prepared(images[:2]), request["code"])
    if weights is not None:
        refuse_not_finite(weights, request["checkpoint"])
        state = network.compare(model, weights)
        if not network.fits(state):
            raise network.keys_fault(state, request["checkpoint"])
        notes["module_prefix"] = state["module_prefix"]
        network.load(model, weights, prefix="module." if state["module_prefix"] else "")
    classes = request["classes"]
    logits = torch.empty((len(images), classes))
    size = request["batch_size"]
    with torch.inference_mode():
        for start in range(0, len(images), size):
            batch = prepared(images[start : start + size])
            network.force_eval(model)
            stage = f"running the model on a batch of shape {tuple(batch.shape)}"
            output = student.call(stage if start == 0 else "running the model", model, batch, code=request["code"])
            notes["left_eval"] += network.force_eval(model)
            logits[start : start + size] = _checked(output, len(batch), classes, request["code"])
    box.channel.notes(notes)
    return memoryview(logits.numpy()).cast("B")


def _images(shape: list[int], box: Any) -> torch.Tensor:
    import torch

    with open(box.inputs, "rb") as file:  # noqa: PTH123
        data = bytearray(file.read())
    if len(data) != math.prod(shape):
        raise ValueError(f"{len(data)} bytes of inputs for the shape {shape}")
    return torch.frombuffer(data, dtype=torch.uint8).reshape(shape)


def _preparation(
    request: dict[str, Any], model: torch.nn.Module, module: ModuleType, student: Student, notes: dict[str, Any]
) -> Any:
    """From uint8 images to what the network gets: the student's own `preprocess`, or the assignment's mean and std."""
    import torch

    own = network.own_preprocess(model, module)
    if own is not None:
        notes["preprocess"] = True
        return lambda images: network.preprocessed(student, own, images.float().div_(255), request["code"])
    mean, std = (
        torch.tensor(request[key], dtype=torch.float32).reshape(-1, 1, 1) if request.get(key) else None
        for key in ("mean", "std")
    )

    def by_assignment(images: torch.Tensor) -> torch.Tensor:
        made = images.float().div_(255)
        if mean is not None:
            made -= mean
        if std is not None:
            made /= std
        return made

    return by_assignment


def _checked(output: Any, rows: int, classes: int, code: str) -> torch.Tensor:
    """The logits of one batch, if that is what came."""
    import torch

    fix = f"return one tensor of shape (N, {classes}) from forward: a row of {classes} scores per image"
    if not isinstance(output, torch.Tensor):
        raise Fault("bad-output", code, f"the model returns {type(output).__name__}, not a tensor", fix)
    if tuple(output.shape) != (rows, classes):
        what = f"the model returns the shape {tuple(output.shape)} for {rows} images, ({rows}, {classes}) was expected"
        raise Fault("bad-output", code, what, fix)
    if not output.dtype.is_floating_point:
        raise Fault("bad-output", code, f"the model returns {output.dtype}, not floating-point scores", fix)
    made = output.detach().to(device="cpu", dtype=torch.float32)
    made = made.clamp(min=torch.finfo(torch.float32).min)  # the logarithm of a probability of 0 is a score like others
    if not bool(torch.isfinite(made).all()):
        bad = int((~torch.isfinite(made).all(dim=1)).sum())
        what = f"the scores of {bad} of {rows} images in a batch are NaN or infinite"
        raise Fault("not-finite", code, what, "look for a division by zero, or weights that diverged")
    return made
