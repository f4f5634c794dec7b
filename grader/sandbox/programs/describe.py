"""The program `describe`: builds the student's network, compares it with the checkpoint, and traces one input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import network, states
from .channel import Fault
from .student import Student
from .trace import BATCH, Trace, shape_of
from .weights import not_finite

if TYPE_CHECKING:
    import torch

MOST_TEXT = 20_000

prepare = network.prepare


def main(request: dict[str, Any], box: Any) -> dict[str, Any]:
    """Request: `code`, `factory`, `checkpoint` (or null), `input` (C, H, W). Result: grader/sandbox/results.py."""
    student = Student(box)
    weights = network.open_checkpoint(request, box)
    model, module = network.built(student, request)
    side = tuple(request["input"])
    own = network.own_preprocess(model, module)
    inputs = _inputs(side)
    if own is not None:  # what the network gets is what it is handed when it predicts
        inputs = network.preprocessed(student, own, inputs, request["code"])
    network.settle(student, model, lambda: inputs, request["code"])
    state = None
    if weights is not None:
        state = student.call("reading the state dict", network.compare, model, weights, code=request["code"])
        state["finite"] = not not_finite(weights)
        if network.fits(state):
            network.load(model, weights, prefix="module." if state["module_prefix"] else "")
            state["is_loaded"] = True
    trace = Trace(model)
    output = _forward(student, model, trace, inputs, request["code"])
    trace.finish()
    parameters = {id(parameter): parameter for parameter in model.parameters()}.values()
    return {
        "layers": trace.rows,
        "layers_count": trace.count,
        "unused": trace.unused(model),
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "buffers": sum(buffer.numel() for buffer in {id(one): one for one in model.buffers()}.values()),
        "input_shape": [BATCH, *side],
        "output_shape": shape_of(output),
        "repr": _text(student, model),
        "state": state,
        "tensors": student.call("reading the state dict", states.rows, model, code=request["code"]),
    }


def _inputs(side: tuple[int, ...]) -> torch.Tensor:
    """A batch of two in [0, 1], the same numbers each time."""
    import torch

    return torch.rand((BATCH, *side), generator=torch.Generator().manual_seed(0))


def _forward(student: Student, model: torch.nn.Module, trace: Trace, inputs: torch.Tensor, code: str) -> Any:
    """One forward pass."""
    import torch

    if any(isinstance(part, torch.jit.ScriptModule) for part in model.modules()):
        what = "the model is compiled TorchScript, whose layers cannot be looked at"
        raise Fault("script-module", code, what, "return the nn.Module itself, without torch.jit")
    stage = f"running the model on an input of shape {tuple(inputs.shape)}"
    try:
        return student.call(stage, trace.run, model, inputs, code=code)
    except Fault as fault:
        if fault.fields["code"] == "code-raised":
            fault.fields["code"] = "forward-raised"
        if trace.open:
            name, part, row = trace.open[-1]
            about = f"; the layer {name} ({type(part).__name__})" if name else "; the model"
            fault.fields["what"] += f"{about} had been given the shape {tuple(row['input_shape'] or ())}"
        raise


def _text(student: Student, model: torch.nn.Module) -> str:
    """What print(model) shows, as summaries quote it."""
    try:
        text = str(student.call("printing the model", str, model))
    except Fault:
        return ""
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "\n..."
