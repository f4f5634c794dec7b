"""What numbers does a network hold? Its state dict by torch's own rules, as rows of names and as raw bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .channel import Fault
from .tensors import ITEM_BYTES, MOST_TENSORS

if TYPE_CHECKING:
    import torch


def rows(model: torch.nn.Module) -> list[dict[str, Any]] | None:
    """Name, shape, type and whether it is trained, of each tensor in the state dict, in its order.

    None where the state dict holds anything but plain tensors of the types that weights have, or too many of them.
    """
    import torch

    trained = {name for name, parameter in _parameters(model) if parameter.requires_grad}
    made: list[dict[str, Any]] = []
    for name, value in _state(model).items():
        kind = str(value.dtype).removeprefix("torch.") if isinstance(value, torch.Tensor) else ""
        if kind not in ITEM_BYTES or value.layout != torch.strided or value.is_meta or len(made) >= MOST_TENSORS:
            return None
        made.append({"name": name, "shape": list(value.shape), "dtype": kind, "trained": name in trained})
    return made


def raw(model: torch.nn.Module, wanted: list[dict[str, Any]], code: str) -> bytearray:
    """The numbers of the state dict, row after row, each as it lies in memory. Raises Fault where it has changed."""
    import torch

    if rows(model) != wanted:
        what = "the network's tensors are not those that it had when it was first built"
        raise Fault("another-network", code, what, "build the same layers each time, and add none while training")
    made = bytearray()
    with torch.no_grad():
        for value in _state(model).values():
            flat = value.detach().cpu().contiguous().reshape(-1)
            made += memoryview(flat.view(torch.uint8).numpy()).cast("B") if flat.numel() else b""
    return made


def _state(model: torch.nn.Module) -> dict[str, Any]:
    """By the base class: a `state_dict` of the student's own could show other numbers."""
    import torch

    state: dict[str, Any] = torch.nn.Module.state_dict(model)
    return state


def _parameters(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    """With the names of one that several layers share."""
    import torch

    return list(torch.nn.Module.named_parameters(model, remove_duplicate=False))
