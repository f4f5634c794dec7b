"""How is the student's network built and its checkpoint put in? Torch's own rules, without torch's loader.

The tensors come from the bytes that were checked (see `weights`), so no pickle is ever run here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .channel import Fault
from .student import Student
from .tensors import Tensor
from .weights import Weights, open_weights

if TYPE_CHECKING:
    import torch

OLDEST_TORCH = (2, 10)
MOST_LISTED = 50


def prepare() -> None:
    """Import what the work needs, before a student's byte is touched: a failure here is the machine's."""
    import torch

    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if version < OLDEST_TORCH:
        raise RuntimeError(f"torch {torch.__version__} is too old, 2.10 is the oldest that is used")
    importlib.import_module(f"{__package__}.torchvision_ops").install()
    torch.set_num_threads(1)


def built(student: Student, request: Mapping[str, Any]) -> tuple[torch.nn.Module, ModuleType]:
    """Import the code, call the factory, and give the network in eval mode with its module. Raises Fault."""
    import torch

    code, factory = request["code"], request["factory"]
    module_class, seed = torch.nn.Module, torch.manual_seed
    number = request.get("seed") or 0
    seed(number)  # so that a network with random parts is built the same way each time
    module = student.module(code)
    function = vars(module).get(factory)
    if function is None:
        offered = [name for name, value in vars(module).items() if _is_own(value, module)]
        what = f"defines no {factory!r}"
        listed = ", ".join(offered[:12]) or "no function and no class"
        raise Fault(
            "no-factory", code, what, f"define a function {factory}() that returns the model; defined are: {listed}"
        )
    if not callable(function):
        what = f"{factory!r} is no function, but of type {type(function).__name__}"
        raise Fault("no-factory", code, what, f"define a function {factory}() that returns the model")
    seed(number)
    try:
        model = student.call(f"calling {factory}()", function, code=code)
    except Fault as fault:
        if fault.fields["code"] == "code-raised":
            fault.fields["code"] = "factory-raised"
        raise
    if isinstance(model, type) and issubclass(model, module_class):
        what = f"{factory}() returns the class {model.__name__}, not a network"
        raise Fault("not-a-module", code, what, f"return an instance: return {model.__name__}()")
    if not isinstance(model, module_class):
        what = f"{factory}() returns {_kind(model)}, not a torch.nn.Module"
        raise Fault("not-a-module", code, what, "return the network itself")
    force_eval(model)
    return model, module


def own_preprocess(model: torch.nn.Module, module: ModuleType) -> Any:
    """The student's `preprocess(images)`: a method of the network, as the templates say, or a function beside it."""
    method = getattr(type(model), "preprocess", None)
    own = vars(module).get("preprocess") if method is None else getattr(model, "preprocess", None)
    return own if callable(own) else None


def preprocessed(student: Student, own: Any, images: torch.Tensor, code: str) -> torch.Tensor:
    """What the student's `preprocess` makes of images in [0, 1]. Raises Fault where it is no batch of so many."""
    import torch

    made = student.call("calling preprocess(images)", own, images, code=code)
    if not isinstance(made, torch.Tensor) or made.ndim == 0 or len(made) != len(images):
        seen = f"a tensor of shape {tuple(made.shape)}" if isinstance(made, torch.Tensor) else type(made).__name__
        what = f"preprocess(images) returns {seen} for {len(images)} images"
        raise Fault("bad-preprocess", code, what, "return a tensor with one row per image")
    return made


def settle(student: Student, model: torch.nn.Module, images: Callable[[], torch.Tensor], code: str) -> None:
    """Let lazy layers find their sizes, which they know after a first input."""
    import torch
    from torch.nn.parameter import is_lazy

    if not any(is_lazy(parameter) for parameter in model.parameters()):
        return
    batch = images()
    with torch.no_grad():
        student.call(f"running the model on an input of shape {tuple(batch.shape)}", model, batch, code=code)
    force_eval(model)


def _is_own(value: Any, module: ModuleType) -> bool:
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _kind(value: Any) -> str:
    return "None (the return is missing)" if value is None else f"an object of type {type(value).__name__}"


def parts_of(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """The network's parts with their paths, each once: through what torch registered, past methods of the student's."""
    seen: set[int] = set()
    left = [("", model)]
    while left:
        path, part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield path, part
        inner = part.__dict__.get("_modules")
        children = (part._modules if inner is None else inner).items()  # noqa: SLF001  a compiled part keeps its own
        left += [(f"{path}.{name}".lstrip("."), child) for name, child in children if child is not None]


def tensors_of(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """The network's parameters and buffers with their paths."""
    for path, part in parts_of(model):
        for kind in ("_parameters", "_buffers"):
            for name, tensor in part.__dict__.get(kind, {}).items():
                if tensor is not None:
                    yield f"{path}.{name}".lstrip("."), tensor


def force_eval(model: torch.nn.Module) -> int:
    """Put every part in eval mode, whatever `eval` the student defined. Returns how many were not in it."""
    import torch

    compiled, changed = torch.jit.ScriptModule, 0
    for _, part in parts_of(model):
        if isinstance(part, compiled):  # keeps its mode where no Python reaches but by this name
            changed += part.training is not False
            part.training = False
        elif part.__dict__.get("training") is not False:
            part.__dict__["training"] = False
            changed += 1
    return changed


# --- the checkpoint ---------------------------------------------------------------------------


def open_checkpoint(request: Mapping[str, Any], box: Any) -> Weights | None:
    """The submission's weights, checked, or None where the request names none. Raises Fault."""
    name = request.get("checkpoint")
    if name is None:
        return None
    box.channel.stage(f"reading {name}")
    path = Path(box.submission, name)
    if not path.is_file():
        raise Fault("missing-file", name, "the file is not there", "hand it in under this name")
    return open_weights(path, name, max_elements=request.get("max_elements"))


def compare(model: torch.nn.Module, weights: Weights) -> dict[str, Any]:
    """Which keys of the state dict and of the file do not meet. A prefix `module.` of all keys is left out.

    A missing `num_batches_tracked` is forgiven, as torch does: networks saved before it existed work without.
    """
    import torch

    expected = torch.nn.Module.state_dict(model)
    prefix = "module." if weights.has_module_prefix and not all(key.startswith("module.") for key in expected) else ""
    found = {tensor.name.removeprefix(prefix): tensor for tensor in weights.tensors}
    missing = [key for key in expected if key not in found and not key.endswith("num_batches_tracked")]
    extra = [key for key in found if key not in expected]
    misshaped = [
        {"name": key, "expected": list(expected[key].shape), "found": list(found[key].shape)}
        for key in expected
        if key in found and tuple(expected[key].shape) != found[key].shape
    ]
    return {
        "missing": missing[:MOST_LISTED],
        "missing_count": len(missing),
        "extra": extra[:MOST_LISTED],
        "extra_count": len(extra),
        "misshaped": misshaped[:MOST_LISTED],
        "misshaped_count": len(misshaped),
        "module_prefix": bool(prefix),
        "is_loaded": False,
    }


def fits(state: Mapping[str, Any]) -> bool:
    """Whether file and network have the same keys and shapes."""
    return not (state["missing_count"] or state["extra_count"] or state["misshaped_count"])


def load(model: torch.nn.Module, weights: Weights, *, prefix: str = "") -> None:
    """Put the file's numbers into the network, whose keys and shapes were found to fit."""
    import torch

    state = {tensor.name.removeprefix(prefix): as_torch(weights, tensor) for tensor in weights.tensors}
    torch.nn.Module.load_state_dict(model, state, strict=False)


def as_torch(weights: Weights, tensor: Tensor) -> torch.Tensor:
    """The tensor with memory of its own, of the file's type."""
    import torch

    dtype = getattr(torch, tensor.dtype)
    if tensor.elements == 0:
        return torch.empty(tensor.shape, dtype=dtype)
    data = bytearray(weights.data[tensor.start : tensor.stop])
    if tensor.dtype == "bool":
        return torch.frombuffer(data, dtype=torch.uint8).as_strided(tensor.shape, tensor.strides) != 0
    return torch.frombuffer(data, dtype=dtype).as_strided(tensor.shape, tensor.strides).contiguous()


def keys_fault(state: Mapping[str, Any], name: str) -> Fault:
    """The sentence for a checkpoint that does not fit the network."""
    parts = []
    for kind in ("missing", "extra"):
        count = state[f"{kind}_count"]
        if count:
            parts.append(f"{count} {kind} ({_some(state[kind], count)})")
    if state["misshaped_count"]:
        shown = [
            f"{one['name']}: {one['found']} in the file, {one['expected']} in the model" for one in state["misshaped"]
        ]
        parts.append(f"{state['misshaped_count']} of another shape ({_some(shown, state['misshaped_count'])})")
    what = "the keys of the checkpoint are not those of the model: " + "; ".join(parts)
    return Fault("keys-differ", name, what, "hand in the checkpoint of the model that the code builds")


def _some(names: list[str], count: int, most: int = 4) -> str:
    return ", ".join(names[:most]) + (", ..." if count > most else "")
