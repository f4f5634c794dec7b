"""How is a maximum over windows taken in a tenth of the time? With the channels of a pixel next to each other.

PyTorch compares whole vectors of channels where they lie last, and number after number where they lie first. Measured
on (64, 16, 24, 24) in float32: 0.3 ms against 3.1, and 0.6 for putting the channels last and first again. The same
numbers are compared in the same order, so every bit is the same, of the gradient too (but which kind of NaN, in
bfloat16: then the training has no finite loss).
This file is used on both sides of the sandbox's wall (see steps.py), and imports nothing of the grader.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

FEWEST_CHANNELS = 4  # with fewer there is nothing to take together


class QuickMaxima:
    """Within it, the `nn.MaxPool2d` of a network take their maxima with channels last, where that is quicker.

    What they hand out is the same bit for bit, and lies in memory as it does without. Layers that are no plain
    `nn.MaxPool2d`, and what is not plain in other ways, are left as they are. It can be entered again and again.
    """

    def __init__(self, model: nn.Module) -> None:
        self._layers = [(layer, partial(_pooled, layer)) for layer in model.modules() if _is_plain(layer)]

    def __enter__(self) -> None:
        for layer, forward in self._layers:
            layer.__dict__.setdefault("forward", forward)

    def __exit__(self, *_: object) -> None:
        for layer, forward in self._layers:
            if layer.__dict__.get("forward") is forward:
                del layer.__dict__["forward"]


@cache
def originals() -> tuple[Any, ...]:
    """PyTorch's own layer and functions. To be called before a student's code runs, which may put others there."""
    import torch
    from torch import nn

    return nn.MaxPool2d, nn.MaxPool2d.forward, nn.functional.max_pool2d, torch.max_pool2d


def _is_plain(layer: nn.Module) -> bool:
    import torch
    from torch import nn

    kind, forward, function, inner = originals()
    return (
        type(layer) is kind
        and kind.forward is forward
        and nn.functional.max_pool2d is function
        and torch.max_pool2d is inner
        and "forward" not in layer.__dict__
        and not layer.return_indices
    )


def _pooled(layer: nn.MaxPool2d, images: torch.Tensor) -> torch.Tensor:
    if not _is_quicker(images):
        plain: torch.Tensor = type(layer).forward(layer, images)
        return plain
    settings = (layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.ceil_mode)
    made: torch.Tensor = _function().apply(images, *settings)
    return made


def _is_quicker(images: Any) -> bool:
    """Whether these are ordinary numbers on a CPU, (N, C, H, W) in this order."""
    import torch

    return (
        type(images) is torch.Tensor
        and images.ndim == 4
        and images.device.type == "cpu"
        and images.dtype in (torch.float32, torch.bfloat16, torch.float64)
        and images.shape[1] >= FEWEST_CHANNELS
        and images.numel() > 0
        and images.is_contiguous()
        and not torch._C._are_functorch_transforms_active()  # noqa: SLF001  they cannot look into a Function
        and not images.is_contiguous(memory_format=torch.channels_last)
    )


@cache
def _function() -> Any:
    import torch

    class Maxima(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(context: Any, images: torch.Tensor, *settings: Any) -> torch.Tensor:
            last = images.contiguous(memory_format=torch.channels_last)
            sides = [list(_pair(one)) for one in settings[:4]]
            made, places = torch.ops.aten.max_pool2d_with_indices(last, *sides, settings[4])
            context.save_for_backward(images, places.contiguous())
            context.settings = (*sides, settings[4])
            return made.clone(memory_format=torch.contiguous_format)  # `contiguous` keeps one place in either order

        @staticmethod
        def backward(context: Any, gradient: torch.Tensor) -> Any:
            images, places = context.saved_tensors
            back = torch.ops.aten.max_pool2d_with_indices_backward
            return back(gradient.contiguous(), images, *context.settings, places), None, None, None, None, None

    return Maxima


def _pair(side: Any) -> tuple[int, int]:
    return side if isinstance(side, tuple) else (side, side)
