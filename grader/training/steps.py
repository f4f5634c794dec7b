"""What happens in one run of training, step by step? The loop itself, for the course's networks and for a student's.

This file is used on both sides of the sandbox's wall: the trusted loop runs it in this process, the program `train`
in the box. So it imports nothing of the grader, and the same network, recipe and seed give the same weights on
either side. A recipe is anything with the settings of `grader.training.Recipe` as attributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


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


def is_logged(recipe: Any, step: int, steps_per_epoch: int) -> bool:
    """Whether the log has a record after so many steps: at each epoch's end, and where the recipe asks for more."""
    return step % steps_per_epoch == 0 or bool(recipe.log_every_steps and step % recipe.log_every_steps == 0)


def rate_at(recipe: Any, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step; the first step is 0. What the schedules are: `Recipe.rate_at`."""
    highest: float = recipe.learning_rate
    steps = recipe.epochs * steps_per_epoch
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
    """Train; hand out a record wherever the log wants one, and whether it ends an epoch.

    The loss is the cross-entropy of the labels. Where images are wanted in the place of labels, it is the mean squared
    error to them as pixels from 0 to 1, and the records know no accuracy.

    Shapes:  data are (N, C, H, W) uint8 and (N,) int64; the model maps (n, C, H, W) float32 to (n, classes). Or the
             second are (N, C, H, W) uint8, to which the model maps
    `prepared` makes of a batch of bytes what the network gets; without it that is `as_inputs` by the recipe.
    Raises:  ValueError for another output shape, DivergedError where the mean loss is not finite
    """
    import torch
    from torch.nn.functional import cross_entropy, mse_loss

    def by_recipe(batch: torch.Tensor) -> torch.Tensor:
        return as_inputs(batch, recipe.mean, recipe.std)

    inputs = prepared or by_recipe
    images, labels = data
    is_of_images = labels.ndim > 1
    if is_of_images and (recipe.shift_px or recipe.label_smoothing):
        raise ValueError("shift_px and label_smoothing are for labels, not for images to be made")
    chance = torch.Generator().manual_seed(seed)  # on the CPU: the same order and shifts on every device
    optimizer = _optimizer(model, recipe)
    steps_per_epoch = steps_in(recipe, len(labels))
    step = 0
    model.train()
    for epoch in range(1, recipe.epochs + 1):
        losses, rights, seen = [], [], 0  # kept on the device: reading them at each step would wait for it
        order = torch.randperm(len(labels), generator=chance).to(labels.device)
        for chosen in order.split(recipe.batch_size):
            rate = rate_at(recipe, step, steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch, wanted = images[chosen], labels[chosen]
            if recipe.shift_px:
                batch = shifted(batch, recipe.shift_px, chance)
            scores = model(inputs(batch))
            if step == 0:
                check_shape(scores, len(chosen), classes, images=wanted.shape if is_of_images else None)
            if is_of_images:
                loss = mse_loss(scores, as_inputs(wanted, (), ()))
            else:
                loss = cross_entropy(scores, wanted, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            seen += len(chosen)
            losses.append(loss.detach() * len(chosen))
            if not is_of_images:
                rights.append((scores.detach().argmax(dim=1) == wanted).sum())
            if is_logged(recipe, step, steps_per_epoch):
                record = {
                    "epoch": epoch,
                    "step": step,
                    "train_loss": torch.stack(losses).cpu().double().sum().item() / seen,
                    **({"train_accuracy": int(torch.stack(rights).sum()) / seen} if rights else {}),
                    "learning_rate": rate,
                }
                if not math.isfinite(record["train_loss"]):
                    what = f"the mean loss up to step {step} is {record['train_loss']}"
                    raise DivergedError(what, epoch=epoch, learning_rate=rate)
                yield record, step % steps_per_epoch == 0


def _optimizer(model: torch.nn.Module, recipe: Any) -> torch.optim.Optimizer:
    import torch

    common: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=recipe.momentum, nesterov=recipe.is_nesterov, **common)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer](model.parameters(), **common)


def shifted(batch: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Each image moved by its own whole number of pixels, at most `most` each way; black comes in.

    Shapes:  (N, C, H, W) uint8 -> (N, C, H, W) uint8
    """
    import torch
    from torch.nn.functional import pad

    n, _, height, width = batch.shape
    on = batch.device
    by = torch.randint(0, 2 * most + 1, (2, n, 1), generator=generator).to(on)
    rows = (torch.arange(height, device=on) + by[0])[:, :, None]  # (N, H, 1)
    columns = (torch.arange(width, device=on) + by[1])[:, None, :]  # (N, 1, W)
    image = torch.arange(n, device=on)[:, None, None]
    wide = pad(batch, (most, most, most, most)).permute(0, 2, 3, 1)  # (N, H + 2 most, W + 2 most, C)
    return wide[image, rows, columns].permute(0, 3, 1, 2).contiguous()


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
