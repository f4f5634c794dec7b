"""The program `activations`: what layers of the student's network give for some images, and weights, as raw float32."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from . import images as inputs
from . import network
from .channel import Fault
from .student import Student
from .tensors import Tensor
from .trace import Trace
from .weights import Weights, refuse_not_finite

if TYPE_CHECKING:
    import torch

prepare = inputs.prepare


def main(request: dict[str, Any], box: Any) -> memoryview:
    """The outputs of the layers, one layer after the other, each (N, *its shape) float32, as at its first call.

    Request: `code`, `factory`, `checkpoint` (or null); `shape` (N, C, H, W) of the raw uint8 in `inputs`; `layers`:
    `name` and `shape` (for one image) of each, with `call` [kind, nth] where it is the call of a function; `mean` and
    `std` per channel (or null). Where wanted: `views`, for so many `rows` of the images each another `mean` and `std`;
    `weights`, tensors of the checkpoint by `name` and `shape`, which come last.
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
    kept = _weights(weights, request.get("weights") or [], request["checkpoint"])
    if not request["layers"]:
        return kept
    batch = _batch(images, request, prepared, lambda view: inputs.preparation(view, model, module, student))
    made = _Made(request["layers"], len(images), code)
    handles = made.watch(model)
    network.force_eval(model)
    stage = f"running the model on a batch of shape {tuple(batch.shape)}"
    try:
        with torch.no_grad():
            if made.calls:
                student.call(stage, _Calls(model, made).run, model, batch, code=code)
            else:
                student.call(stage, model, batch, code=code)
    finally:
        for handle in handles:
            handle.remove()
    return memoryview(bytes(made.bytes()) + bytes(kept)) if len(kept) else made.bytes()


def _batch(images: torch.Tensor, request: dict[str, Any], prepared: Any, by_view: Any) -> torch.Tensor:
    """What the network gets: each view of the images prepared by itself."""
    import torch

    views = request.get("views")
    if not views:
        made: torch.Tensor = prepared(images)
        return made
    parts, start = [], 0
    for view in views:
        parts.append(by_view({**request, **view})(images[start : start + view["rows"]]))
        start += view["rows"]
    return torch.cat(parts)


def _weights(weights: Weights | None, wanted: list[dict[str, Any]], checkpoint: str | None) -> memoryview:
    """The numbers of these tensors as they stand in the checkpoint, one after the other."""
    import torch

    if not wanted:
        return memoryview(b"")
    found: dict[str, Tensor] = {}
    if weights is not None:
        prefix = "module." if weights.has_module_prefix else ""
        found = {tensor.name: tensor for tensor in weights.tensors}
        found |= {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    made = []
    for one in wanted:
        tensor = found.get(one["name"])
        if weights is None or tensor is None or list(tensor.shape) != one["shape"]:
            what = f"holds no tensor {one['name']!r} of the shape {tuple(one['shape'])}"
            raise Fault("no-such-tensor", checkpoint or "checkpoint", what, "hand in the checkpoint of this network")
        flat = network.as_torch(weights, tensor).to(dtype=torch.float32).contiguous().reshape(-1)
        made.append(flat)
    return memoryview(torch.cat(made).numpy()).cast("B")


class _Made:
    """The numbers of all layers in one row, each layer at its place."""

    def __init__(self, layers: list[dict[str, Any]], rows: int, code: str) -> None:
        import torch

        self._code = code
        self._rows = rows
        self._shapes = {layer["name"]: (rows, *layer["shape"]) for layer in layers}
        self.calls = {(layer["call"][0], layer["call"][1]): layer["name"] for layer in layers if layer.get("call")}
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
        for name in [name for name in self._shapes if name not in self.calls.values()]:
            part = parts.get(name)
            if part is None:
                listed = ", ".join(list(parts)[1:13])
                raise Fault(
                    "no-such-layer", self._code, f"the model has no layer {name!r}", f"its layers are: {listed}"
                )

            def keep(_part: Any, _inputs: Any, output: Any, name: str = name) -> None:
                self.keep(name, output)

            handles.append(part.register_forward_hook(keep))
        return handles

    def keep(self, name: str, output: Any) -> None:
        """What a layer gave: at its first call."""
        if name not in self._seen:
            self._seen.add(name)
            self._keep(name, output)

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


class _Calls(Trace):
    """A trace that keeps what functions give, such as the second F.avg_pool2d: they are counted as it lists them."""

    def __init__(self, model: torch.nn.Module, made: _Made) -> None:
        super().__init__(model)
        self._made = made
        self._counts: Counter[str] = Counter()

    def function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        before = len(self.rows)
        super().function(func, args, kwargs, result)
        if len(self.rows) > before:
            kind = self.rows[-1]["kind"]
            self._counts[kind] += 1
            name = self._made.calls.get((kind, self._counts[kind]))
            if name is not None:
                self._made.keep(name, result)
