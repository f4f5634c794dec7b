"""What happens in one run of training, step by step? The loop itself, for the course's networks and for a student's.

This file is used on both sides of the sandbox's wall: the trusted loop runs it in this process, the program `train`
in the box. So it imports nothing of the grader but its neighbours there, and the same network, recipe and seed give
the same weights on either side. A recipe is anything with the settings of `grader.training.Recipe` as attributes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from .augmentation import augmented, is_augmented
from .averages import average_of
from .pooling import QuickMaxima

if TYPE_CHECKING:
    import torch

FEWEST_FUSED = 1_000_000  # parameters: measured, Adam on 6.4 million is 4 times as fast, on 30,000 nothing is gained


class DivergedError(Exception):
    """The loss is no finite number any more. `epoch` counts from 1; `learning_rate` is the last one."""

    def __init__(self, what: str, *, epoch: int, learning_rate: float) -> None:
        super().__init__(what)
        self.epoch = epoch
        self.learning_rate = learning_rate


def steps_in(recipe: Any, images: int) -> int:
    """How many mini-batches an epoch of so many images has; the last one may be smaller."""
    steps: int = math.ceil(images / recipe.batch_size)
    return steps


def all_steps(recipe: Any, steps_per_epoch: int) -> int:
    """How many mini-batches the training has, where no clock ends it earlier."""
    steps: int = recipe.epochs * steps_per_epoch
    return min(steps, recipe.most_steps or steps)


def is_end(recipe: Any, step: int, steps_per_epoch: int) -> bool:
    """Whether an epoch, or the training, is over after so many steps."""
    return step % steps_per_epoch == 0 or step == all_steps(recipe, steps_per_epoch)


def is_logged(recipe: Any, step: int, steps_per_epoch: int) -> bool:
    """Whether the log has a record after so many steps: at each epoch's end, and where the recipe asks for more."""
    if is_end(recipe, step, steps_per_epoch):
        return True
    return bool(recipe.log_every_steps and step % recipe.log_every_steps == 0)


def rate_at(recipe: Any, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step; the first step is 0. What the schedules are: `Recipe.rate_at`."""
    highest: float = recipe.learning_rate
    steps = all_steps(recipe, steps_per_epoch)
    if recipe.schedule == "cosine":
        return _cosine(highest, 0.0, step / steps)
    if recipe.schedule == "multi-step":
        passed = sum(step >= epoch * steps_per_epoch for epoch in recipe.milestones)
        multi: float = highest * recipe.gamma**passed
        return multi
    if recipe.schedule == "one-cycle":
        first, last = highest / 25, highest / 25 / 10_000
        top = recipe.warm_up * steps - 1  # as PyTorch counts: a step before the fraction is over
        if step <= top:
            return _cosine(first, highest, step / top if top else 1.0)
        return _cosine(highest, last, (step - top) / (steps - 1 - top))
    return highest


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def trained(
    model: torch.nn.Module,
    recipe: Any,
    data: tuple[torch.Tensor, torch.Tensor],
    *,
    classes: int,
    seed: int,
    prepared: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Train; hand out a record wherever the log wants one, and whether it ends an epoch or the training.

    At an end the network has the weights that count (see averages.py), until the next record is asked for. The loss
    is the cross-entropy of the labels. Where images are wanted in the place of labels, it is the mean squared error to
    them as pixels from 0 to 1, and the records know no accuracy. A record that the clock brought about has `ended_by`.

    Shapes:  data are (N, C, H, W) uint8 and (N,) int64; the model maps (n, C, H, W) float32 to (n, classes). Or the
             second are (N, C, H, W) uint8, to which the model maps
    `prepared` makes of a batch of bytes what the network gets; without it that is `as_inputs` by the recipe.
    Raises:  ValueError for another output shape, or a precision that is left open; DivergedError where the mean loss
             is not finite
    """
    with _filled_at_first():
        yield from _trained(model, recipe, data, classes=classes, seed=seed, prepared=prepared)


@contextmanager
def _filled_at_first() -> Iterator[None]:
    """Afterwards memory that nobody has written is filled again, where it was before.

    PyTorch's deterministic mode fills it with NaN, so that a network that reads it has no finite loss. After the first
    step, where that is seen, `_trained` switches it off: it costs up to 5% of a training, and changes no number.
    """
    import torch

    was_filled = torch.utils.deterministic.fill_uninitialized_memory
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = was_filled


def _trained(
    model: torch.nn.Module,
    recipe: Any,
    data: tuple[torch.Tensor, torch.Tensor],
    *,
    classes: int,
    seed: int,
    prepared: Callable[[torch.Tensor], torch.Tensor] | None,
) -> Iterator[tuple[dict[str, Any], bool]]:
    import torch
    from torch.nn.functional import cross_entropy, mse_loss

    def by_recipe(batch: torch.Tensor) -> torch.Tensor:
        return as_inputs(batch, recipe.mean, recipe.std)

    inputs = prepared or by_recipe
    images, labels = data
    is_of_images = labels.ndim > 1
    if is_of_images and (is_augmented(recipe) or recipe.label_smoothing):
        raise ValueError("augmentation and label_smoothing are for labels, not for images to be made")
    chance = torch.Generator().manual_seed(seed)  # on the CPU: the same order and shifts on every device
    optimizer = optimizer_of(model, recipe)
    average = average_of(model, recipe)
    autocast, maxima = autocast_of(recipe, images.device), QuickMaxima(model)
    steps_per_epoch = steps_in(recipe, len(labels))
    began = time.monotonic()
    step, is_over = 0, False
    model.train()
    for epoch in range(1, recipe.epochs + 1):
        losses, rights, seen = [], [], 0  # kept on the device: reading them at each step would wait for it
        order = torch.randperm(len(labels), generator=chance).to(labels.device)
        for chosen in order.split(recipe.batch_size):
            rate = rate_at(recipe, step, steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch, wanted = augmented(images[chosen], recipe, chance), labels[chosen]
            made = inputs(batch)
            with autocast(), maxima:
                scores = model(channels_last(made) if recipe.memory_format == "channels-last" else made)
            if step == 0:
                check_shape(scores, len(chosen), classes, images=wanted.shape if is_of_images else None)
            if scores.dtype == torch.bfloat16:
                scores = scores.float()
            if is_of_images:
                loss = mse_loss(scores, as_inputs(wanted, (), ()))
            else:
                loss = cross_entropy(scores, wanted, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            if step == 0:
                torch.utils.deterministic.fill_uninitialized_memory = False  # see _filled_at_first
            step += 1
            average.after_step(step)
            seen += len(chosen)
            losses.append(loss.detach() * len(chosen))
            if not is_of_images:
                rights.append((scores.detach().argmax(dim=1) == wanted).sum())
            is_late = bool(recipe.most_seconds) and time.monotonic() - began >= recipe.most_seconds
            is_over = is_late or step == all_steps(recipe, steps_per_epoch)
            if is_late or is_logged(recipe, step, steps_per_epoch):
                record = {
                    "epoch": epoch,
                    "step": step,
                    "train_loss": torch.stack(losses).cpu().double().sum().item() / seen,
                    **({"train_accuracy": int(torch.stack(rights).sum()) / seen} if rights else {}),
                    "learning_rate": rate,
                    **({"ended_by": "clock"} if is_late and step < all_steps(recipe, steps_per_epoch) else {}),
                }
                if not math.isfinite(record["train_loss"]):
                    what = f"the mean loss up to step {step} is {record['train_loss']}"
                    raise DivergedError(what, epoch=epoch, learning_rate=rate)
                if is_over or is_end(recipe, step, steps_per_epoch):
                    average.show()
                    yield record, True
                    if is_over:
                        return
                    average.hide()
                else:
                    yield record, False


def optimizer_of(model: Any, recipe: Any) -> torch.optim.Optimizer:
    """What moves the parameters of a network, or of anything that has `parameters()`."""
    import torch

    parameters = list(model.parameters())
    common: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if _can_be_fused(parameters):
        common["fused"] = True
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=recipe.momentum, nesterov=recipe.is_nesterov, **common)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer](parameters, **common)


def _can_be_fused(parameters: Sequence[torch.Tensor]) -> bool:
    """Whether one kernel should move all weights of a tensor: for large networks of plain float32, and on a GPU.

    A student's network may have parameters of any type, and of types of its own.
    """
    import torch

    if not all(type(one) is torch.nn.Parameter and one.dtype == torch.float32 for one in parameters):
        return False
    kinds = {one.device.type for one in parameters}
    return kinds == {"cuda"} or (kinds == {"cpu"} and sum(one.numel() for one in parameters) >= FEWEST_FUSED)


def autocast_of(recipe: Any, on: torch.device) -> Callable[[], AbstractContextManager[Any]]:
    """What the network runs in: convolutions and matrix products in bfloat16 where the recipe says so."""
    import torch

    if recipe.precision == "float32":
        return nullcontext
    if recipe.precision != "bfloat16":
        raise ValueError(f"precision {recipe.precision!r} is to be settled before a training")
    return partial(torch.autocast, on.type, dtype=torch.bfloat16)


def channels_last(inputs: torch.Tensor) -> torch.Tensor:
    """The same numbers, the channels of a pixel next to each other in memory: convolutions keep what they get.

    Written out, because PyTorch takes one channel for either order, and goes on with the other.
    """
    if inputs.ndim != 4:
        return inputs
    n, channels, height, width = inputs.shape
    made = inputs.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    strides = (channels * height * width, 1, channels * width, channels)
    return made.as_strided((n, channels, height, width), strides)


def as_inputs(images: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """What a network sees: `grader.datasets.inputs`, bit for bit, on the device of the images."""
    made = images.float().div_(255)
    if mean:
        made.sub_(made.new_tensor(mean)[:, None, None])
    if std:
        made.div_(made.new_tensor(std)[:, None, None])
    return made


def check_shape(
    scores: torch.Tensor, n: int, classes: int | None = None, *, images: tuple[int, ...] | None = None
) -> None:
    """ValueError unless the scores are (n, classes), or (n, any number) where `classes` is None; or as `images`."""
    if images is not None:
        if scores.shape != images:  # what differs would be spread over the other by PyTorch, with a warning at most
            raise ValueError(f"the model gives {tuple(scores.shape)} for {n} images, not {tuple(images)}")
        return
    if scores.ndim != 2 or scores.shape[0] != n or classes not in (None, scores.shape[1]):
        raise ValueError(f"the model gives {tuple(scores.shape)} for {n} images, not ({n}, {classes or 'classes'})")
