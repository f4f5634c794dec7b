"""The program `activations`: what named layers of the student's network give for some images, as raw float32."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import images as inputs
from . import network
from .channel import Fault
from .student import Student
from .weights import refuse_not_finite

if TYPE_CHECKING:
    import torch

prepare = inputs.prepare


def main(request: dict[str, Any], box: Any) -> memoryview:
    """The outputs of the layers, one layer after the other, each (N, *its shape) float32, as at its first call.

    Request: `code`, `factory`, `checkpoint` (or null); `shape` (N, C, H, W) of the raw uint8 in `inputs`; `layers`:
    `name` and `shape` (for one image) of each; `mean` and `std` per channel (or null).
    """
    import torch

    student = Student(box)
    code = request["code"]
    weights = network.open_checkpoint(request, box)
    model, module = network.built(student, request)
    images = inputs.read(request["shape"], box)
    prepared = inputs.preparation(request, model, module, student)
    network.settle(student, model, lambda: prepared(images[:2]), code)
    if weights is not None:
        refuse_not_finite(weights, request["checkpoint"])
        state = student.call("reading the state dict", network.compare, model, weights, code=code)
        if not network.fits(state):
            raise network.keys_fault(state, request["checkpoint"])
        network.load(model, weights, prefix="module." if state["module_prefix"] else "")
    batch = prepared(images)
    made = _Made(request["layers"], len(images), code)
    handles = made.watch(model)
    network.force_eval(model)
    try:
        with torch.no_grad():
            student.call(f"running the model on a batch of shape {tuple(batch.shape)}", model, batch, code=code)
    finally:
        for handle in handles:
            handle.remove()
    return made.bytes()


class _Made:
    """The numbers of all layers in one row, each layer at its place."""

    def __init__(self, layers: list[dict[str, Any]], rows: int, code: str) -> None:
        import torch

        self._code = code
        self._rows = rows
        self._shapes = {layer["name"]: (rows, *layer["shape"]) for layer in layers}
        self._places: dict[str, int] = {}
        end = 0
        for name, shape in self._shapes.items():
            self._places[name] = end
            end += math.prod(shape)
        self._numbers = torch.zeros(end)
        self._seen: set[str] = set()

    def watch(self, model: torch.nn.Module) -> list[Any]:
        """Keep what each layer gives. A later layer may change it in place, so it is copied at once."""
        parts = dict(model.named_modules())
        handles = []
        for name in self._shapes:
            part = parts.get(name)
            if part is None:
                listed = ", ".join(list(parts)[1:13])
                raise Fault(
                    "no-such-layer", self._code, f"the model has no layer {name!r}", f"its layers are: {listed}"
                )

            def keep(_part: Any, _inputs: Any, output: Any, name: str = name) -> None:
                if name not in self._seen:
                    self._seen.add(name)
                    self._keep(name, output)

            handles.append(part.register_forward_hook(keep))
        return handles

    def _keep(self, name: str, output: Any) -> None:
        import torch

        shape = self._shapes[name]
        if not isinstance(output, torch.Tensor) or tuple(output.shape) != shape:
            seen = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
            what = f"the layer {name!r} gives {seen}, {shape} was expected for {self._rows} images"
            raise Fault(
                "bad-output", self._code, what, "let a layer give one row per image, of the same shape each time"
            )
        if not (output.dtype.is_floating_point or output.dtype == torch.bool):
            what = f"the layer {name!r} gives {output.dtype}, not floating-point numbers"
            raise Fault("bad-output", self._code, what, "let the layer work on floating-point numbers")
        flat = output.detach().to(device="cpu", dtype=torch.float32).contiguous().reshape(-1)
        if not bool(torch.isfinite(flat).all()):
            what = f"the layer {name!r} gives NaN or infinite numbers"
            raise Fault("not-finite", self._code, what, "look for a division by zero, or weights that diverged")
        start = self._places[name]
        self._numbers[start : start + len(flat)] = flat

    def bytes(self) -> memoryview:
        """All of them, or Fault where a layer was not called."""
        for name in self._shapes:
            if name not in self._seen:
                what = f"the layer {name!r} was not called when the model was run"
                raise Fault("layer-not-called", self._code, what, "use the layer in forward")
        return memoryview(self._numbers.numpy()).cast("B")
