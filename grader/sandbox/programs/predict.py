"""The program `predict`: the student's network on many images, logits out. There are no labels in here."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from . import images as inputs
from . import network
from .channel import Fault
from .kept import Kept
from .stored import stored_images
from .student import Student
from .weights import refuse_not_finite

if TYPE_CHECKING:
    import torch

Check = Callable[[Kept, Any, int], Any]  # the output for so many rows -> float32 (rows, numbers); raises Fault
MOST_MOVED = 8  # names of tensors that changed while the network answered
prepare = inputs.prepare


def main(request: dict[str, Any], box: Any) -> bytearray:
    """Logits as raw float32, one row per image, in the order of the inputs.

    Request: `code`, `factory`, `checkpoint`; `shape` (N, C, H, W) of the raw uint8 in `inputs`; `classes`; `mean` and
    `std` per channel (or null); `batches`, the sizes in which the images are handed to the network; `threads`;
    `is_again`: a batch that the network refuses is a row of NaN for each image, and the rest is asked all the same.
    """

    def scores(kept: Kept, output: Any, rows: int) -> Any:
        return checked(kept, output, rows, request["classes"], request["code"])

    return answers(request, box, scores)


def answers(request: dict[str, Any], box: Any, check: Check) -> bytearray:
    """What the network gives for each image, `request["classes"]` numbers of it, as `check` lets them pass."""
    import torch

    kept = Kept()
    student = Student(box)
    torch.set_num_threads(request.get("threads") or 1)
    weights = network.open_checkpoint(request, box)
    images = inputs.read(request["shape"], box)
    notes: dict[str, Any] = {"module_prefix": False, "preprocess": False, "left_eval": 0}
    if weights is not None and not request.get("is_again"):
        # Sent before any of their code runs: what a program says first is what the parent keeps.
        box.channel.notes({"stored": stored_images(images.numpy(), weights)})
    model, module = network.built(student, request)
    notes["preprocess"] = network.own_preprocess(model, module) is not None
    prepared = inputs.preparation(request, model, module, student)
    network.settle(student, model, lambda: prepared(images[:2]), request["code"])
    if weights is not None:
        refuse_not_finite(weights, request["checkpoint"])
        state = network.compare(model, weights)
        if not network.fits(state):
            raise network.keys_fault(state, request["checkpoint"])
        notes["module_prefix"] = state["module_prefix"]
        network.load(model, weights, prefix="module." if state["module_prefix"] else "")
    asked = _Asked(kept, student, model, request, notes, check)
    width = request["classes"] * 4
    payload = bytearray(len(images) * width)
    with kept.inference_mode():
        for start, stop in _bounds(request["batches"]):
            payload[start * width : stop * width] = asked.answer(prepared, images[start:stop])
        notes["moved"] = asked.moved()
    notes |= {"replaced": kept.replaced(), "parameters": _parameters(model)}
    box.channel.notes(notes)
    return payload


def _parameters(model: torch.nn.Module) -> int:
    """Numbers that are parameters, those that are shared once."""
    groups = [part._parameters.values() for _, part in network.parts_of(model)]  # noqa: SLF001  as torch itself reads it
    held = {id(tensor): tensor for group in groups for tensor in group if tensor is not None}
    return sum(tensor.numel() for tensor in held.values())


def _bounds(sizes: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for size in sizes:
        yield start, start + size
        start += size


class _Asked:
    """The network, while it answers one batch after the other."""

    def __init__(
        self,
        kept: Kept,
        student: Student,
        model: torch.nn.Module,
        request: dict[str, Any],
        notes: dict[str, Any],
        check: Check,
    ) -> None:
        self.kept, self.student, self.model, self.request, self.notes = kept, student, model, request, notes
        self.check = check
        self.before: dict[str, int] | None = None  # fingerprints after the first batch, which may fill caches
        self.notes |= {"own_class": "", "unanswered": 0, "why": ""}

    def answer(self, prepared: Callable[[Any], Any], images: Any) -> memoryview | bytes:
        """The numbers of one batch as raw float32."""
        count = len(images)
        network.force_eval(self.model)
        try:
            rows = self._rows(prepared(images))
        except Fault as fault:
            if not self.request.get("is_again"):
                raise
            self.notes["unanswered"] += count
            self.notes["why"] = self.notes["why"] or f"{count} at a time: {fault.fields['what']}"[:400]
            return array("f", [math.nan] * (count * self.request["classes"])).tobytes()
        finally:
            self.notes["left_eval"] += network.force_eval(self.model)
        if self.before is None:
            self.before = self._fingerprints()
        return self.kept.data(rows)

    def _rows(self, batch: Any) -> Any:
        code = self.request["code"]
        is_first = self.before is None
        stage = f"running the model on a batch of shape {tuple(batch.shape)}" if is_first else "running the model"
        output = self.student.call(stage, self.model, batch, code=code)
        if self.kept.is_tensor(output) and type(output) is not self.kept.tensor:
            self.notes["own_class"] = type(output).__name__[:80]
        return self.check(self.kept, output, len(batch))

    def moved(self) -> list[str]:
        """The names of the network's tensors that have changed since its first answer: it goes on learning."""
        now = self._fingerprints()
        return [name for name, value in (self.before or {}).items() if now.get(name, value) != value][:MOST_MOVED]

    def _fingerprints(self) -> dict[str, int]:
        made = {}
        for name, tensor in network.tensors_of(self.model):
            if tensor.is_floating_point() and tensor.device.type == "cpu" and not tensor.is_sparse:
                made[name] = self.kept.fingerprint(tensor)
        return made


def checked(kept: Kept, output: Any, rows: int, classes: int, code: str) -> Any:
    """The logits of one batch as float32 (rows, classes), if that is what came. Raises Fault."""
    fix = f"return one tensor of shape (N, {classes}) from forward: a row of {classes} scores per image"
    if not kept.is_tensor(output):
        raise Fault("bad-output", code, f"the model returns {type(output).__name__}, not a tensor", fix)
    if tuple(output.shape) != (rows, classes):
        what = f"the model returns the shape {tuple(output.shape)} for {rows} images, ({rows}, {classes}) was expected"
        raise Fault("bad-output", code, what, fix)
    if not output.dtype.is_floating_point:
        raise Fault("bad-output", code, f"the model returns {output.dtype}, not floating-point scores", fix)
    made = kept.float_rows(output)
    bad = rows - kept.finite_rows(made)
    if bad:
        what = f"the scores of {bad} of {rows} images in a batch are NaN or infinite"
        raise Fault("not-finite", code, what, "look for a division by zero, or weights that diverged")
    return made
