"""The program `train`: the student's network, trained by our loop from our seed. Only training labels are in here."""

from __future__ import annotations

import importlib
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from . import images as inputs
from . import network, states
from .channel import Fault
from .student import Student

if TYPE_CHECKING:
    import torch

MOST_STAGES = 40
MOST_BEFORE = 500  # images on which the network is tried before it is trained


def prepare() -> None:
    """What predictions need; and PyTorch's own layers are known before a student's code may put others there."""
    inputs.prepare()
    importlib.import_module(f"{__package__}.pooling").originals()


def main(request: dict[str, Any], box: Any) -> bytes:
    """The log and the weights before and after, as raw bytes of a length that follows from the request.

    Request: `code`, `factory`; `shape` (N, C, H, W) of the raw uint8 in `inputs`, behind which stand N labels as
    int64; `classes`; `recipe`, its settings; `seed`; `tensors`, the rows of `describe`; `before`, the numbers of the
    images that are tried first; `threads`.
    Answer:  loss and accuracy (float64 each) before the training, and at each record of the log; then the tensors
    before, then the tensors after.
    """
    import torch

    steps = inputs.steps()
    student = Student(box)
    code, recipe = request["code"], SimpleNamespace(**request["recipe"])
    torch.set_num_threads(request.get("threads") or 1)
    torch.use_deterministic_algorithms(mode=True)
    images, labels = _data(request, box)
    model, module = network.built(student, request)
    chance = torch.get_rng_state()
    prepared = inputs.preparation({"mean": recipe.mean, "std": recipe.std, "code": code}, model, module, student)
    network.settle(student, model, lambda: prepared(images[:2]), code)
    rows = student.call("reading the state dict", states.rows, model, code=code)
    if rows is not None and not any(row["trained"] for row in rows):
        raise Fault("nothing-to-train", code, "the network has no parameter that can be trained", "freeze fewer layers")
    first = student.call("reading the state dict", states.raw, model, request["tensors"], code, code=code)
    chosen = torch.tensor(request["before"])
    log = [_before(student, model, prepared(images[chosen]), labels[chosen], request)]
    torch.set_rng_state(chance)
    epochs = max(1, recipe.epochs // MOST_STAGES)

    def run() -> Fault | None:
        try:
            data, classes, seed = (images, labels), request["classes"], request["seed"]
            for record, is_end in steps.trained(model, recipe, data, classes=classes, seed=seed, prepared=prepared):
                log.append((record["train_loss"], record["train_accuracy"]))
                if is_end and record["epoch"] % epochs == 0:
                    box.channel.stage(f"training, after epoch {record['epoch']} of {recipe.epochs}")
        except steps.DivergedError as error:
            fix = f"look for a division by zero; the learning rate was {error.learning_rate:g}"
            return Fault("training-diverged", code, f"{error} in epoch {error.epoch}", fix)
        return None

    fault = student.call("training the model", run, code=code)
    if fault is not None:
        raise fault
    last = student.call("reading the state dict", states.raw, model, request["tensors"], code, code=code)
    return b"".join([*(struct.pack("<2d", *pair) for pair in log), first, last])


def _data(request: dict[str, Any], box: Any) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    images, rest = inputs.read_with_rest(request["shape"], box)
    if len(rest) != 8 * len(images):
        raise ValueError(f"{len(rest)} bytes of labels for {len(images)} images")
    return images, torch.frombuffer(bytearray(rest), dtype=torch.int64)


def _before(
    student: Student, model: torch.nn.Module, batch: torch.Tensor, labels: torch.Tensor, request: dict[str, Any]
) -> tuple[float, float]:
    """Loss and accuracy of the network as it was built, in eval mode, so that it learns nothing from it."""
    import torch
    from torch.nn.functional import cross_entropy

    code, classes = request["code"], request["classes"]
    network.force_eval(model)
    with torch.no_grad():
        scores = student.call(f"running the model on a batch of shape {tuple(batch.shape)}", model, batch, code=code)
        fix = f"return one tensor of shape (N, {classes}) from forward: a row of {classes} scores per image"
        if not isinstance(scores, torch.Tensor) or tuple(scores.shape) != (len(labels), classes):
            seen = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
            what = f"the model returns {seen} for {len(labels)} images, ({len(labels)}, {classes}) was expected"
            raise Fault("bad-output", code, what, fix)
        if not scores.dtype.is_floating_point:
            raise Fault("bad-output", code, f"the model returns {scores.dtype}, not floating-point scores", fix)
        scores = scores.detach().cpu().float()
        if not bool(torch.isfinite(scores).all()):
            what = "the scores of the network are NaN or infinite before it is trained"
            raise Fault("not-finite", code, what, "look for a division by zero in forward")
        loss = float(cross_entropy(scores.double(), labels))
        return loss, int((scores.argmax(dim=1) == labels).sum()) / len(labels)
