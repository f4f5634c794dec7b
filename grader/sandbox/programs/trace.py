"""What does a network do with one input? Every layer that is called, in order, and every function between them.

Hooks see the modules. Functions such as F.relu or torch.flatten are no modules: a function mode sees them. Within a
layer of torch's own (a Conv2d, an LSTM) functions are that layer's business and not listed; within the student's own
modules they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MOST_ROWS = 5_000
MOST_UNUSED = 1_000
BATCH = 2

ATTRIBUTES = (
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "dilation", "groups",
    "padding_mode", "ceil_mode", "count_include_pad", "return_indices", "output_size", "in_features", "out_features",
    "num_features", "eps", "momentum", "affine", "track_running_stats", "normalized_shape", "elementwise_affine",
    "num_groups", "num_channels", "p", "inplace", "negative_slope", "alpha", "dim", "start_dim", "end_dim",
    "unflattened_size", "size", "scale_factor", "mode", "align_corners", "upscale_factor", "num_embeddings",
    "embedding_dim", "padding_idx", "input_size", "hidden_size", "num_layers", "bidirectional", "batch_first",
    "embed_dim", "num_heads", "norm_type", "divisor_override", "approximate",
)  # fmt: skip

# Functions that are layers in a summary, and what their arguments by position are called.
_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
_AVERAGE = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
_CONV = ("weight", "bias", "stride", "padding", "dilation", "groups")
_SHAPED = ("shape",)
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("relu", "relu6", "selu", "silu", "mish", "hardswish", "hardsigmoid", "hardtanh"), ("inplace",)),
    **dict.fromkeys(
        ("sigmoid", "tanh", "logsigmoid", "softplus", "softsign", "gelu", "prelu", "clamp", "exp", "log"), ()
    ),
    "leaky_relu": ("negative_slope", "inplace"),
    "elu": ("alpha", "inplace"),
    "softmax": ("dim",),
    "log_softmax": ("dim",),
    **{f"max_pool{d}d": _POOL for d in (1, 2, 3)},
    **{f"avg_pool{d}d": _AVERAGE for d in (1, 2, 3)},
    **{f"lp_pool{d}d": ("norm_type", "kernel_size", "stride", "ceil_mode") for d in (1, 2, 3)},
    **{f"adaptive_{kind}_pool{d}d": ("output_size",) for kind in ("max", "avg") for d in (1, 2, 3)},
    **{f"conv{d}d": _CONV for d in (1, 2, 3)},
    **{
        f"conv_transpose{d}d": ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
        for d in (1, 2, 3)
    },
    "linear": ("weight", "bias"),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), ("p", "training", "inplace")),
    "batch_norm": ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"),
    "layer_norm": ("normalized_shape", "weight", "bias", "eps"),
    "group_norm": ("num_groups", "weight", "bias", "eps"),
    "instance_norm": (),
    "local_response_norm": ("size", "alpha", "beta", "k"),
    "normalize": ("p", "dim", "eps"),
    "flatten": ("start_dim", "end_dim"),
    "unflatten": ("dim", "sizes"),
    **dict.fromkeys(("view", "reshape", "permute", "repeat", "expand"), _SHAPED),
    "transpose": ("dim0", "dim1"),
    "squeeze": ("dim",),
    "unsqueeze": ("dim",),
    "interpolate": ("size", "scale_factor", "mode"),
    "upsample": ("size", "scale_factor", "mode"),
    "pixel_shuffle": ("upscale_factor",),
    "pad": ("pad", "mode", "value"),
    "cat": ("dim",),
    "concat": ("dim",),
    "stack": ("dim",),
    "chunk": ("chunks", "dim"),
    "split": ("split_size", "dim"),
    **dict.fromkeys(("add", "sub", "mul", "div", "matmul", "bmm", "einsum"), ("other",)),
    **dict.fromkeys(("mean", "sum", "amax", "max"), ("dim", "keepdim")),
    "embedding": ("weight",),
    "scaled_dot_product_attention": (),
}
_SAME = {
    "concat": "cat",
    "__add__": "add",
    "__radd__": "add",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__matmul__": "matmul",
}


class Trace:
    """The rows of one forward pass. Use `run`."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.rows: list[dict[str, Any]] = []
        self.count = 0
        self.open: list[tuple[str, torch.nn.Module, Any]] = []  # the modules that are being called, outermost first
        self._names = {id(part): name for name, part in model.named_modules()}
        self._calls: dict[int, int] = {}
        self._depth_of_torch = 0
        self._counted: set[int] = set()  # parameters already counted: a shared tensor belongs to its first layer

    def run(self, model: torch.nn.Module, inputs: torch.Tensor) -> Any:
        """Call the model once, without gradients, and fill the rows."""
        import torch
        from torch.overrides import TorchFunctionMode

        trace = self

        class Watch(TorchFunctionMode):  # type: ignore[misc]  # torch is not typed here
            def __torch_function__(
                self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
            ) -> Any:
                del types
                result = func(*args, **(kwargs or {}))
                if not trace._depth_of_torch:
                    trace.function(func, args, kwargs or {}, result)
                return result

        handles = []
        for part in model.modules():
            handles += [
                part.register_forward_pre_hook(self._enter, with_kwargs=True),
                part.register_forward_hook(self._leave),
            ]
        try:
            with torch.no_grad(), Watch():
                return model(inputs)
        finally:
            for handle in handles:
                handle.remove()

    def finish(self) -> None:
        """Fill in how often each module was called."""
        for row in self.rows:
            row["calls"] = self._calls.get(row.pop("_id"), 1)

    def unused(self, model: torch.nn.Module) -> list[dict[str, Any]]:
        """The modules that the pass did not call."""
        return [
            {"name": name, "kind": type(part).__name__, "torch_kind": torch_kind(part), "parameters": _own(part)}
            for name, part in model.named_modules()
            if id(part) not in self._calls and not list(part.children())
        ][:MOST_UNUSED]

    # --- what is seen -----------------------------------------------------------------------

    def _enter(self, part: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name = self._names.get(id(part), "")
        first = next((value for value in (*args, *kwargs.values()) if shape_of(value) is not None), None)
        self._calls[id(part)] = self._calls.get(id(part), 0) + 1
        row = None
        self.count += 1
        if len(self.rows) < MOST_ROWS:
            row = self._row(part, name, first)
            self.rows.append(row)
        self.open.append((name, part, row if row is not None else {"input_shape": shape_of(first)}))
        self._depth_of_torch += is_torch(part) and not _is_container(part)

    def _leave(self, part: torch.nn.Module, _args: Any, output: Any) -> None:
        self._depth_of_torch -= is_torch(part) and not _is_container(part)
        while self.open:
            _, opened, row = self.open.pop()
            if opened is part:
                row["output_shape"] = shape_of(output)
                return

    def _row(self, part: torch.nn.Module, name: str, first: Any) -> dict[str, Any]:
        parameters = trainable = shared = 0
        if self._calls[id(part)] == 1:
            for parameter in part._parameters.values():  # noqa: SLF001  own ones only, each tensor once
                if parameter is None:
                    continue
                if id(parameter) in self._counted:
                    shared += parameter.numel()
                    continue
                self._counted.add(id(parameter))
                parameters += parameter.numel()
                trainable += parameter.numel() if parameter.requires_grad else 0
        return {
            "_id": id(part),
            "name": name,
            "kind": type(part).__name__,
            "torch_kind": torch_kind(part),
            "attributes": attributes(part),
            "input_shape": shape_of(first),
            "output_shape": None,
            "parameters": parameters,
            "trainable": trainable,
            "shared": shared,
            "buffers": sum(buffer.numel() for buffer in part._buffers.values() if buffer is not None),  # noqa: SLF001
            "is_leaf": not part._modules,  # noqa: SLF001
            "call": self._calls[id(part)],
            "depth": name.count(".") + 1 if name else 0,
        }

    def function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """A function between the modules: listed where it is one that summaries list."""
        raw = getattr(func, "__name__", "")
        name = _SAME.get(raw, raw).strip("_")
        name = {"iadd": "add", "imul": "mul", "isub": "sub", "itruediv": "div", "truediv": "div"}.get(name, name)
        name = _SAME.get(name, name)
        words = FUNCTIONS.get(name)
        output = shape_of(result)
        if words is None or output is None:
            return
        self.count += 1
        if len(self.rows) >= MOST_ROWS:
            return
        first = next((value for value in (*args, *kwargs.values()) if shape_of(value) is not None), None)
        self.rows.append(
            {
                "_id": 0,
                "name": self.open[-1][0] if self.open else "",
                "kind": f"functional:{name}",
                "torch_kind": None,
                "attributes": _arguments(words, args[1:], kwargs),
                "input_shape": shape_of(first),
                "output_shape": output,
                "parameters": 0,
                "trainable": 0,
                "shared": 0,
                "buffers": 0,
                "is_leaf": True,
                "call": 1,
                "depth": len(self.open),
            }
        )


# --- small things -----------------------------------------------------------------------------


def is_torch(part: torch.nn.Module) -> bool:
    """Whether the class itself is torch's: within it, functions are its own business."""
    return type(part).__module__.startswith("torch.nn.")


def _is_container(part: torch.nn.Module) -> bool:
    """Whether a class of torch's only calls what the student put into it."""
    kind = type(part)
    return kind.__module__ == "torch.nn.modules.container" or kind.__module__.startswith("torch.nn.parallel.")


def torch_kind(part: torch.nn.Module) -> str | None:
    """The name of torch's class that it is or is made from; None for a module of the student's own."""
    for ancestor in type(part).__mro__:
        if ancestor.__module__.startswith("torch.nn.modules.") and ancestor.__name__ != "Module":
            return ancestor.__name__
    return None


def attributes(part: torch.nn.Module) -> dict[str, Any]:
    """The plain settings of a layer of torch's, by torch's names; `bias` says whether there is one."""
    if torch_kind(part) is None or _is_container(part):
        return {}
    made = {name: plain(part.__dict__[name]) for name in ATTRIBUTES if name in part.__dict__}
    if "bias" in part._parameters:  # noqa: SLF001
        made["bias"] = part._parameters["bias"] is not None  # noqa: SLF001
    elif isinstance(part.__dict__.get("bias"), bool):
        made["bias"] = part.__dict__["bias"]
    return {name: value for name, value in made.items() if value is not _ODD}


_ODD = object()


def plain(value: Any) -> Any:
    """A value that JSON has: a number, a word, a flag, None, a short row of them; otherwise nothing."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**62 else _ODD
    if isinstance(value, float):
        return float(value) if value - value == 0 else str(float(value))
    if isinstance(value, str):
        return value[:60]
    if isinstance(value, tuple | list) and len(value) <= 16:
        items = [plain(item) for item in value]
        return _ODD if any(item is _ODD for item in items) else items
    return _ODD


def _arguments(words: tuple[str, ...], values: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    if words == _SHAPED:
        values = (values[0] if len(values) == 1 and isinstance(values[0], tuple | list) else values,)
    made = dict(zip(words, values, strict=False)) | {key: value for key, value in kwargs.items() if key[:1] != "_"}
    shown: dict[str, Any] = {}
    for name, value in made.items():
        shape = shape_of(value)
        if shape is not None:
            shown[f"{name}_shape"] = shape
        elif plain(value) is not _ODD:
            shown[name] = plain(value)
    return shown


def shape_of(value: Any) -> Any:
    """The shape of a tensor, the shapes of a row of tensors, or None."""
    import torch

    if isinstance(value, torch.Tensor):
        return [int(side) for side in value.shape][:64]
    if isinstance(value, tuple | list) and value and any(isinstance(item, torch.Tensor) for item in value):
        return [[int(side) for side in item.shape][:64] for item in value if isinstance(item, torch.Tensor)][:64]
    return None


def _own(part: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in part._parameters.values() if parameter is not None)  # noqa: SLF001
