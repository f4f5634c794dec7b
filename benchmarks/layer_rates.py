"""How fast is this machine at a network's own layers? Its convolutions and matrix products alone, and nothing between.

What is between them in a training (activations, pooling, casts, the optimizer, the images) is what a loop can waste.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grader.training.steps import channels_last


@dataclass(frozen=True)
class Layer:
    """A layer with weights, the shape that goes into it, and what it computes.

    Units:   `flop` are floating-point operations of a forward pass, a multiplication and an addition being two
    """

    module: nn.Module
    shape: tuple[int, ...]
    flop: int
    is_first: bool


def layers_of(model: nn.Module, shape: tuple[int, ...], batch_size: int) -> list[Layer]:
    """The convolutions and linear layers of a network, for a batch of images of this shape (C, H, W)."""
    found: list[Layer] = []

    def seen(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        weight: Tensor = module.weight  # type: ignore[assignment]
        at = inputs[0] if isinstance(module, nn.ConvTranspose2d) else output
        found.append(Layer(module, tuple(inputs[0].shape), 2 * weight.numel() * (at.numel() // at.shape[1]), not found))

    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    hooks = [one.register_forward_hook(seen) for one in model.modules() if isinstance(one, kinds)]
    with torch.no_grad():
        model.eval()(torch.zeros(batch_size, *shape))
    for hook in hooks:
        hook.remove()
    return found


def bare_seconds(layers: list[Layer], dtype: torch.dtype, *, is_training: bool = True) -> float:
    """CPU seconds that the layers alone take for a batch, each by itself, at its best of three, channels last.

    In a training also the gradients of the weights and of what goes in, but for what goes into the first layer.
    """
    return sum(_layer_seconds(layer, dtype, is_training=is_training) for layer in layers)


def training_flop(layers: list[Layer]) -> int:
    """Floating-point operations of a step: each gradient costs as much as the forward pass."""
    return sum(layer.flop * (2 if layer.is_first else 3) for layer in layers)


def _layer_seconds(layer: Layer, dtype: torch.dtype, *, is_training: bool) -> float:
    inputs = channels_last(torch.rand(layer.shape)).to(dtype).requires_grad_(is_training and not layer.is_first)
    module = copy.deepcopy(layer.module).to(dtype).requires_grad_(is_training)
    parameters = list(module.parameters())

    def forward() -> Tensor:
        made: Tensor = module(inputs)
        return made

    gradient = torch.ones_like(forward())

    def step() -> None:
        made = forward()
        if is_training:
            torch.autograd.grad(made, [one for one in (inputs, *parameters) if one.requires_grad], gradient)

    with torch.set_grad_enabled(is_training):
        step()
        return best_of(step, 3)


def matrix_rate(dtype: torch.dtype, side: int = 2048) -> float:
    """GFLOP/s of a product of two square matrices: what the machine can do at most."""
    a, b = torch.rand(side, side).to(dtype), torch.rand(side, side).to(dtype)
    a @ b
    return 2 * side**3 / best_of(lambda: a @ b, 3) / 1e9


def best_of(step: Callable[[], object], times: int) -> float:
    """CPU seconds of a step, the least of so many: others may load the machine."""
    return min(cpu_seconds(step) for _ in range(times))


def cpu_seconds(step: Callable[[], object]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started
