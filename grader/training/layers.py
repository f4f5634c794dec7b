"""Is a network nothing but known layers, one after the other? Where that is sure, it can be computed in another way.

Only what can be seen to be such a chain is one. Its layers are PyTorch's own, in evaluation mode, as PyTorch made them
(no hooks, no method put in place of another, plain float32 weights on the CPU), and each gives an image its numbers
whatever else is in the batch. A network's own `forward` may do no more than call its parts: then it cannot look at the
type, the size or the values of what it gets, count its calls, or throw dice. Anything else is no chain.
"""

from __future__ import annotations

import dis
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# In a `forward` that only calls parts; the names differ between versions of Python.
_HARMLESS = {
    "CACHE", "CALL", "COPY_FREE_VARS", "EXTENDED_ARG", "LOAD_ATTR", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_BORROW",
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "LOAD_FAST_LOAD_FAST", "LOAD_METHOD", "NOP", "PRECALL", "PUSH_NULL", "RESUME",
    "RETURN_VALUE", "STORE_FAST", "STORE_FAST_LOAD_FAST",
}  # fmt: skip
# What a class of modules must not have of its own: with these, calling a part is not running its layers.
_NOT_OWN = {"__call__", "__getattr__", "__getattribute__", "_call_impl", "_wrapped_call_impl", "__torch_function__"}


def known_layers(model: torch.nn.Module) -> list[torch.nn.Module] | None:
    """The layers in the order in which they are computed, or None where the network is not surely such a chain.

    The network must be in evaluation mode. Layers that do nothing then (dropout) are left out.

    >>> from torch import nn
    >>> chain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(8, 2)).eval()
    >>> known_layers(chain)
    [Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1)), ReLU(), Flatten(start_dim=1, end_dim=-1), \
Linear(in_features=8, out_features=2, bias=True)]
    >>> known_layers(nn.Sequential(nn.Linear(8, 2), nn.Softmax(dim=0)).eval()) is None  # over the images of a batch
    True
    """
    import torch
    from torch import nn
    from torch.nn.modules import module as hooks

    if hooks._global_forward_hooks or hooks._global_forward_pre_hooks:  # noqa: SLF001  PyTorch tells it nowhere else
        return None
    parts = list(model.modules())
    if any(part.training or not _is_plain(part) for part in parts):
        return None
    if not all(_is_plain_tensor(tensor) for tensor in (*model.parameters(), *model.buffers())):
        return None
    if not all(_is_known(part) or type(part) is nn.Sequential or _only_calls_parts(part) for part in parts):
        return None
    try:
        graph = torch.fx.Tracer().trace(model)
    except Exception:  # noqa: BLE001  whatever it is that cannot be followed, it is no chain
        return None
    made, *nodes, output = graph.nodes
    if made.op != "placeholder" or output.op != "output":
        return None
    found = []
    for node in nodes:
        if node.op != "call_module" or node.args != (made,) or node.kwargs:
            return None
        found.append(model.get_submodule(str(node.target)))
        made = node
    if output.args != (made,) or not all(_is_known(layer) for layer in found):
        return None
    return [layer for layer in found if not isinstance(layer, (nn.Dropout, nn.Dropout2d, nn.Identity))]


def _is_known(layer: torch.nn.Module) -> bool:
    """Whether it is a layer that gives each image its own numbers, each of them a sum, a mean or a maximum."""
    from torch import nn

    kind = type(layer)
    if kind is nn.Conv2d:
        return bool(layer.padding_mode == "zeros" and not isinstance(layer.padding, str))
    if kind in (nn.BatchNorm1d, nn.BatchNorm2d):  # without statistics of its own it takes those of the batch
        return isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and layer.running_mean is not None
    if kind is nn.MaxPool2d:
        return not layer.return_indices
    if kind is nn.Flatten:
        return (layer.start_dim, layer.end_dim) == (1, -1)
    return kind in (nn.Linear, nn.ReLU, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Dropout2d, nn.Identity)


def _is_plain(part: torch.nn.Module) -> bool:
    """Whether calling it is running its class's `forward`: no hooks, and nothing callable set on the object itself."""
    own = vars(part)
    if any(own.get(name) for name in ("_forward_hooks", "_forward_pre_hooks")):
        return False
    return not any(callable(value) for value in own.values())


def _is_plain_tensor(tensor: torch.Tensor) -> bool:
    import torch

    if type(tensor) not in (torch.nn.Parameter, torch.Tensor) or tensor.device.type != "cpu":
        return False
    if tensor.layout != torch.strided:
        return False
    return bool(tensor.dtype == torch.float32 or (tensor.dtype == torch.int64 and tensor.ndim == 0))  # batches counted


def _only_calls_parts(part: torch.nn.Module) -> bool:
    """Whether the `forward` of a class that is not PyTorch's does nothing but call the parts of the module."""
    import torch

    kind = type(part)
    own = [one for one in kind.__mro__ if one not in torch.nn.Module.__mro__ and one is not torch.nn.Sequential]
    if any(_NOT_OWN & set(vars(one)) for one in own):
        return False
    forward = kind.forward
    if forward is torch.nn.Sequential.forward and issubclass(kind, torch.nn.Sequential):
        return not any({"__iter__", "_modules"} & set(vars(one)) for one in own)
    code = getattr(forward, "__code__", None)
    if code is None or code.co_freevars or code.co_argcount != 2 or code.co_kwonlyargcount:
        return False
    children = dict(part.named_children())
    if not all(name in children and not hasattr(kind, name) for name in code.co_names):
        return False
    return all(step.opname in _HARMLESS for step in dis.get_instructions(code))
