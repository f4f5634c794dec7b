"""Which weights count at an epoch's end? Those of the last step, or an average over steps where the recipe wants one.

The running statistics of BatchNorm are averaged like the weights: those of the last step belong to other weights.
This file is used on both sides of the sandbox's wall (see steps.py), and imports nothing of the grader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Average(Protocol):
    """What looks after the weights that count, beside those that are trained."""

    def after_step(self, step: int) -> None:
        """The optimizer has made so many steps."""

    def show(self) -> None:
        """Let the network have the weights that count."""

    def hide(self) -> None:
        """Let it have those again that are trained, after `show`."""


def average_of(model: Any, recipe: Any) -> Average:
    """The average that the recipe wants, for a network that begins its training: what has parameters and buffers."""
    if recipe.ema_decay:
        return Exponential(model, recipe.ema_decay)
    if recipe.lookahead_steps:
        return Lookahead(model, recipe.lookahead_steps, recipe.lookahead_share)
    return LastStep()


class LastStep:
    """No average: what was trained is what counts."""

    def after_step(self, step: int) -> None:
        """Nothing to do."""

    def show(self) -> None:
        """Nothing to do."""

    def hide(self) -> None:
        """Nothing to do."""


class Exponential:
    """A moving average of the weights (EMA): after a step, a part 1 - decay of it is new.

    In the first steps the decay is smaller, (1 + step) / (10 + step), so that the start is forgotten.
    """

    def __init__(self, model: Any, decay: float) -> None:
        self._trained = _numbers(model)
        self._averaged = [tensor.detach().clone() for tensor in self._trained]
        self._decay = decay

    def after_step(self, step: int) -> None:
        import torch

        decay = min(self._decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, tensor in zip(self._averaged, self._trained, strict=True):
                kept.lerp_(tensor.detach(), 1 - decay)

    def show(self) -> None:
        self._swap()

    def hide(self) -> None:
        self._swap()

    def _swap(self) -> None:
        import torch

        with torch.no_grad():
            for kept, tensor in zip(self._averaged, self._trained, strict=True):
                other = tensor.detach().clone()
                tensor.copy_(kept)
                kept.copy_(other)


class Lookahead:
    """Slow weights that go a share of the way to the trained ones every few steps, from where these go on.

    The slow weights count; so an epoch's end is such a moment too.
    Source:  Zhang, Lucas, Hinton, Ba: Lookahead Optimizer: k steps forward, 1 step back (2019)
    """

    def __init__(self, model: Any, steps: int, share: float) -> None:
        self._trained = _numbers(model)
        self._slow = [tensor.detach().clone() for tensor in self._trained]
        self._steps, self._share = steps, share

    def after_step(self, step: int) -> None:
        if step % self._steps == 0:
            self.show()

    def show(self) -> None:
        import torch

        with torch.no_grad():
            for slow, tensor in zip(self._slow, self._trained, strict=True):
                slow.lerp_(tensor.detach(), self._share)
                tensor.copy_(slow)

    def hide(self) -> None:
        """Nothing to do: the training goes on from the slow weights."""


def _numbers(model: Any) -> list[torch.Tensor]:
    """The tensors that can be averaged, each once: weights, and buffers of floating-point numbers."""
    return [tensor for tensor in (*model.parameters(), *model.buffers()) if tensor.is_floating_point()]
