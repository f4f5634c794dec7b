"""How are several seeds of one network trained at once? Their weights lie on top of each other, and one step moves all.

`torch.func` runs the network over the stack: a layer of all of them is one call. Each seed has its own first weights,
order, shifts and mirrors, those that it has alone; only the kernels differ, so the weights agree to rounding, and where
that is compared stands in docs/decisions/0033-ensembles.md. On CPUs it is slower but for the smallest networks, so
`grader reference calibrate` trains seed by seed, in as many processes as there are cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grader.frozen import dataclass
from grader.training.augmentation import augmented
from grader.training.averages import average_of
from grader.training.device import settled
from grader.training.loop import deterministic
from grader.training.memory import memory_kept
from grader.training.recipe import Recipe
from grader.training.steps import (
    DivergedError,
    all_steps,
    as_inputs,
    autocast_of,
    channels_last,
    check_shape,
    optimizer_of,
    rate_at,
    steps_in,
)

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Member:
    """One of the networks at its training's end.

    Units:   `train_loss` and `train_accuracy` are means over the images of the last epoch, as they were trained on;
             the accuracy is None for a network that makes images
    """

    seed: int
    state_dict: Mapping[str, torch.Tensor]
    train_loss: float
    train_accuracy: float | None


def trained_together(
    build_model: Callable[[], torch.nn.Module],
    recipe: Recipe,
    data: tuple[torch.Tensor, torch.Tensor],
    *,
    classes: int,
    seeds: Sequence[int],
) -> list[Member]:
    """Train a network of each of the seeds by `recipe`, all in the same steps, where `data` lie.

    Shapes:  data are (N, C, H, W) uint8 and (N,) int64, or (N, C, H, W) uint8 to be made; as `steps.trained` has them
    Errors:  the weights are those of a training alone up to the rounding of other kernels, which training amplifies
    Raises:  ValueError for no seed or the same one twice, for a recipe that a clock ends, a network that draws chance
             itself (dropout: it would not be the chance that a seed has alone) or another output shape; DivergedError
             where the mean loss of any of them is not finite
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds {list(seeds)}: at least one is needed, and each once")
    if recipe.most_seconds:
        raise ValueError("most_seconds ends a training by the clock: several at once would get less of it each")
    on = data[0].device
    recipe = settled(recipe, on.type)
    models = []
    for seed in seeds:
        with deterministic(seed, on):
            models.append(build_model().to(on).train())
    with deterministic(seeds[0], on), memory_kept():
        stack = _Stack(models)
        for last in _epochs(stack, recipe, data, classes=classes, seeds=seeds):
            losses, accuracies = last
    return [
        Member(seed, stack.state_dict(at), losses[at], accuracies[at] if accuracies else None)
        for at, seed in enumerate(seeds)
    ]


class _Stack:
    """Networks of one kind, their tensors stacked: (k, ...) each."""

    def __init__(self, models: Sequence[torch.nn.Module]) -> None:
        from torch.func import stack_module_state

        self._base = models[0]
        self._parameters, self._buffers = stack_module_state(list(models))

    def parameters(self) -> Iterator[torch.Tensor]:
        yield from self._parameters.values()

    def buffers(self) -> Iterator[torch.Tensor]:
        yield from self._buffers.values()

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """What each network makes of its own batch: (k, n, C, H, W) -> (k, n, ...)."""
        from torch.func import functional_call, vmap

        def one(parameters: Any, buffers: Any, batch: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = functional_call(self._base, (parameters, buffers), (batch,))
            return made

        try:
            made: torch.Tensor = vmap(one, randomness="error")(self._parameters, self._buffers, inputs)
        except RuntimeError as error:
            if "randomness" not in str(error):
                raise
            what = "the network draws chance itself, such as by dropout: train it seed by seed"
            raise ValueError(what) from error
        return made

    def state_dict(self, at: int) -> dict[str, torch.Tensor]:
        """The tensors of one of the networks, on the CPU, under the names and in the order that it has alone."""
        stacked = {**self._parameters, **self._buffers}
        return {name: stacked[name][at].detach().cpu().clone() for name in self._base.state_dict()}


def _epochs(
    stack: _Stack,
    recipe: Recipe,
    data: tuple[torch.Tensor, torch.Tensor],
    *,
    classes: int,
    seeds: Sequence[int],
) -> Iterator[tuple[list[float], list[float]]]:
    """Mean losses and accuracies of the networks after each epoch; no accuracies of images."""
    import torch
    from torch.nn.functional import cross_entropy, mse_loss

    images, labels = data
    k, is_of_images = len(seeds), labels.ndim > 1
    chances = [torch.Generator().manual_seed(seed) for seed in seeds]  # as alone: each its own order and shifts
    optimizer, average = optimizer_of(stack, recipe), average_of(stack, recipe)
    autocast = autocast_of(recipe, images.device)
    steps_per_epoch = steps_in(recipe, len(labels))
    last, step = all_steps(recipe, steps_per_epoch), 0
    while step < last:
        losses, rights, seen = [], [], 0
        orders = [torch.randperm(len(labels), generator=chance).to(labels.device) for chance in chances]
        for chosen in torch.stack(orders).split(recipe.batch_size, dim=1):
            rate = rate_at(recipe, step, steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            n = chosen.shape[1]
            own = zip(chosen, chances, strict=True)
            batch = torch.cat([augmented(images[places], recipe, chance) for places, chance in own])
            made, wanted = as_inputs(batch, recipe.mean, recipe.std), labels[chosen.flatten()]
            if recipe.memory_format == "channels-last":
                made = channels_last(made)
            with autocast():
                scores = stack(made.unflatten(0, (k, n)))
            if step == 0:
                check_shape(scores[0], n, classes, images=(n, *wanted.shape[1:]) if is_of_images else None)
            flat = scores.float().flatten(0, 1)  # (k n, ...)
            if is_of_images:
                each = mse_loss(flat, as_inputs(wanted, (), ()), reduction="none").view(k, -1).mean(1)
            else:
                smooth = recipe.label_smoothing
                each = cross_entropy(flat, wanted, label_smoothing=smooth, reduction="none").view(k, n).mean(1)
                rights.append((flat.detach().argmax(dim=1) == wanted).view(k, n).sum(1))
            optimizer.zero_grad(set_to_none=True)
            each.sum().backward()
            optimizer.step()
            step, seen = step + 1, seen + n
            average.after_step(step)
            losses.append(each.detach() * n)
            if step == last:
                break
        means = (torch.stack(losses).cpu().double().sum(0) / seen).tolist()
        bad = [seed for seed, mean in zip(seeds, means, strict=True) if not math.isfinite(mean)]
        if bad:
            epoch = math.ceil(step / steps_per_epoch)
            raise DivergedError(f"the mean loss of seed {bad[0]} is not finite", epoch=epoch, learning_rate=rate)
        average.show()
        yield means, (torch.stack(rights).sum(0) / seen).tolist() if rights else []
        if step < last:
            average.hide()
