"""How are known layers computed quickly, and nearly as PyTorch would? By oneDNN, with fewer passes over the memory.

What comes out is a first answer, whose errors `exact` measures: nothing here decides anything. The weights lie ready in
the order that oneDNN wants; BatchNorm goes into the weights before it, ReLU into the layer before it, and a row is
flattened in the order in which it lies in memory. Small layers at the end stay in float32: a score that is rounded to
eight bits is off by more than all that led to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .steps import channels_last

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

MOST_LATE = 2**18  # weights of the fully connected layers at the end that stay in float32: they cost next to nothing
UNSEEN = 1 / 64  # of a layer's largest input in a sample: what a place that had no input may get at another image
Joined = tuple["nn.Module", "nn.Module | None", bool]  # a layer, the BatchNorm after it, whether ReLU follows


class NotQuickError(Exception):
    """These layers follow each other in a way that is not computed here."""


class QuickPass:
    """Known layers (see `known_layers`), ready for images of one shape.

    `shape` is (C, H, W), `dtype` that of the convolutions and products, `batch_size` the usual one; others work too.
    Raises:  NotQuickError when it is made
    """

    def __init__(
        self, layers: Sequence[nn.Module], shape: tuple[int, ...], dtype: torch.dtype, *, batch_size: int
    ) -> None:
        import torch

        self.dtype = dtype
        self.is_channels_last = True
        self._steps: list[_Step] = []
        joined = _joined(layers)
        first_late = _first_late([layer for layer, _, _ in joined])
        flattened: tuple[int, ...] | None = None  # the shape that a row had, where it was flattened as it lay
        is_signed = True
        with torch.inference_mode():
            made = torch.zeros((1, *shape), dtype=dtype)
            for at, (layer, norm, has_relu) in enumerate(joined):
                wanted = torch.float32 if at >= first_late else dtype
                if isinstance(layer, torch.nn.Flatten) and _goes_on_linear(joined[at + 1 :]):
                    flattened = tuple(made.shape[1:])
                    step = _Step(_flat_as_it_lies)
                else:
                    step = _step(layer, norm, (batch_size, *made.shape[1:]), wanted, flattened, has_relu=has_relu)
                    flattened = None if isinstance(layer, torch.nn.Linear) else flattened
                step.is_signed = is_signed
                is_signed = (is_signed or step.norms is not None) and not (has_relu or isinstance(layer, torch.nn.ReLU))
                made = step.run(made)
                self._steps.append(step)
        if made.ndim != 2 or all(step.norms is None for step in self._steps):
            raise NotQuickError("no rows of scores come out of layers with weights")

    def __call__(self, inputs: Tensor, *, unseen: list[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The scores (n, classes) in float32 of inputs (n, C, H, W), and the reach of each image (n, weighted layers).

        The reach is the largest single contribution to a layer: a number that goes into it, times the norm of the
        weights that it meets there. `unseen` gets for each of these layers what might reach it from places that these
        images leave dark: UNSEEN of the largest number that goes in, or what the layer before may round away where that
        is more, times the norm of the largest weights. It is less than the reach of the images, except where the
        weights of a layer are of very different sizes.
        """
        import torch

        rounded = torch.zeros(())

        made = (channels_last(inputs) if self.is_channels_last else inputs).to(self.dtype)
        reaches = []
        for step in self._steps:
            if step.norms is not None:
                largest = step.largest(made)
                reaches.append((largest * step.norms.to(largest.dtype)).amax(dim=1).float())
                if unseen is not None:
                    most = largest.amax().float()
                    unseen.append((most * UNSEEN).maximum(rounded) * step.norms.amax())
                    rounded = most * step.rows * torch.finfo(self.dtype).eps
            made = step.run(made)
        return made.float(), torch.stack(reaches, dim=1)


class _Step:
    """A layer as it is run.

    `norms` are those of the weights that each channel, or each place of a row, meets; `rows` is the largest norm of the
    weights of one number that comes out.
    """

    def __init__(self, run: Callable[[Tensor], Tensor], norms: Tensor | None = None, rows: float = 0.0) -> None:
        self.run = run
        self.norms = norms
        self.rows = rows
        self.is_signed = True

    def largest(self, made: Tensor) -> Tensor:
        """The largest number, without its sign, in each channel of an image (n, channels); rows as they are."""
        from torch.nn.functional import max_pool2d

        positive = made.abs() if self.is_signed else made
        if made.ndim == 2:
            return positive
        return max_pool2d(positive, tuple(positive.shape[2:])).flatten(1)  # measured: amax takes 14 times as long


def _flat_as_it_lies(made: Tensor) -> Tensor:
    return made.permute(0, 2, 3, 1).flatten(1)  # a view, where the channels are last


def _joined(layers: Sequence[nn.Module]) -> list[Joined]:
    """Layers with the BatchNorm and the ReLU that follow them at once."""
    from torch import nn

    joined: list[Joined] = []
    for layer in layers:
        last, norm, has_relu = joined[-1] if joined else (None, None, False)
        is_open = isinstance(last, (nn.Conv2d, nn.Linear)) and not has_relu
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and is_open and norm is None and last is not None:
            joined[-1] = (last, layer, False)
        elif isinstance(layer, nn.ReLU) and is_open and last is not None:
            joined[-1] = (last, norm, True)
        else:
            joined.append((layer, None, False))
    return joined


def _first_late(layers: Sequence[nn.Module]) -> int:
    """From which of the layers on all are small enough to stay in float32."""
    from torch import nn

    left, at = MOST_LATE, len(layers)
    while at and isinstance(layers[at - 1], (nn.Linear, nn.ReLU)):
        left -= sum(weights.numel() for weights in layers[at - 1].parameters())
        if left < 0:
            break
        at -= 1
    return at


def _goes_on_linear(joined: Sequence[Joined]) -> bool:
    """Whether a row that is flattened goes into a fully connected layer, with nothing but ReLU on its way."""
    from torch import nn

    for layer, _, _ in joined:
        if not isinstance(layer, nn.ReLU):
            return isinstance(layer, nn.Linear)
    return False


def _step(
    layer: nn.Module,
    norm: nn.Module | None,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    flattened: tuple[int, ...] | None,
    *,
    has_relu: bool,
) -> _Step:
    """The layer with what follows it, for an input of `shape` (n, ...)."""
    import torch
    from torch import nn

    if isinstance(layer, nn.Conv2d) and len(shape) == 4:
        weight, bias = _with_norm(layer.weight, layer.bias, norm)
        grouped = weight.unflatten(0, (layer.groups, -1))  # (groups, filters, C / groups, h, w)
        norms = grouped.pow(2).sum(dim=(1, 3, 4)).sqrt().flatten()
        run = _convolution(layer, weight.to(dtype), bias.to(dtype), shape, has_relu=has_relu)
        return _Step(run, norms, float(weight.flatten(1).norm(dim=1).amax()))
    if isinstance(layer, nn.Linear) and len(shape) == 2:
        weight, bias = _with_norm(layer.weight, layer.bias, norm)
        if flattened is not None and len(flattened) == 3:
            weight = weight.unflatten(1, flattened).permute(0, 2, 3, 1).flatten(1).contiguous()
        run = _product(weight.to(dtype), bias.to(dtype), shape[0], has_relu=has_relu)
        return _Step(run, weight.norm(dim=0), float(weight.norm(dim=1).amax()))
    if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
        unit, _ = _with_norm(torch.ones(layer.num_features, 1), None, layer)
        return _Step(layer, unit.abs().flatten(), float(unit.abs().amax()))
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        raise NotQuickError(f"{type(layer).__name__} for an input of shape {shape}")
    return _Step(layer)


def _with_norm(weight: Tensor, bias: Tensor | None, norm: Any) -> tuple[Tensor, Tensor]:
    """Weights and bias of a layer and the BatchNorm after it as one layer, multiplied in float64."""
    import torch

    bias = torch.zeros(len(weight)) if bias is None else bias.detach()
    if norm is None:
        return weight.detach(), bias
    weight, bias = weight.detach().double(), bias.double()
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale *= norm.weight.detach().double()
    bias = (bias - norm.running_mean.double()) * scale
    if norm.bias is not None:
        bias += norm.bias.detach().double()
    return (weight * scale.view(-1, *[1] * (weight.ndim - 1))).float(), bias.float()


def _convolution(
    layer: nn.Conv2d, weight: Tensor, bias: Tensor, shape: tuple[int, ...], *, has_relu: bool
) -> Callable[[Tensor], Tensor]:
    import torch

    stride, padding, dilation = list(layer.stride), [int(side) for side in layer.padding], list(layer.dilation)
    if _has_fused(weight):
        ours = (padding, stride, dilation, layer.groups)
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *ours, list(shape))  # noqa: SLF001
        settings: tuple[Any, ...] = (*ours, "relu" if has_relu else "none", [], "")

        def fused(made: Tensor) -> Tensor:
            given = made.to(weight.dtype)
            computed: Tensor = torch.ops.mkldnn._convolution_pointwise(given, packed, bias, *settings)  # noqa: SLF001
            return computed

        return fused

    def plain(made: Tensor) -> Tensor:
        computed = torch.nn.functional.conv2d(
            made.to(weight.dtype), weight, bias, stride, padding, dilation, layer.groups
        )
        return computed.relu_() if has_relu else computed

    return plain


def _product(weight: Tensor, bias: Tensor, rows: int, *, has_relu: bool) -> Callable[[Tensor], Tensor]:
    import torch

    if _has_fused(weight) and weight.dtype == torch.bfloat16:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)  # noqa: SLF001
        after = "relu" if has_relu else "none"

        def fused(made: Tensor) -> Tensor:
            computed: Tensor = torch.ops.mkldnn._linear_pointwise(made.to(weight.dtype), packed, bias, after, [], "")  # noqa: SLF001
            return computed

        return fused

    def plain(made: Tensor) -> Tensor:
        computed = torch.nn.functional.linear(made.to(weight.dtype), weight, bias)
        return computed.relu_() if has_relu else computed

    return plain


def _has_fused(weight: Tensor) -> bool:
    """Whether this PyTorch has the layers of its own compiler, which take what follows into the same pass.

    They are not promised to stay: without them the same is computed by what PyTorch promises.
    """
    import torch

    names = ("_reorder_convolution_weight", "_convolution_pointwise", "_reorder_linear_weight", "_linear_pointwise")
    is_there = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    return is_there and weight.device.type == "cpu" and all(hasattr(torch.ops.mkldnn, name) for name in names)
