"""What does a network become when it is trained by a recipe? The trusted loop: same seed, same weights.

Plain on purpose. The whole set lies on the device as bytes; a mini-batch is made by index, turned into float32
there, and moved by whole tensors: nothing is done image by image in Python.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from grader.datasets import ImageSet
from grader.errors import MachineError
from grader.model import Json
from grader.training.device import device as chosen_device
from grader.training.device import device_class
from grader.training.evaluation import Accuracy, as_inputs, check_shape, count_correct, resident
from grader.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

Record = Mapping[str, Json]


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training run, and what it was made with. The tensors lie on the CPU."""

    state_dict: Mapping[str, torch.Tensor]
    log: tuple[Record, ...]
    test_accuracy: Accuracy
    seconds: float
    device: str
    threads: int
    versions: Mapping[str, str]
    seed: int


def train(
    build_model: Callable[[], torch.nn.Module],
    recipe: Recipe,
    train_set: ImageSet,
    test_set: ImageSet,
    *,
    seed: int | None = None,
    on_epoch: Callable[[Record], None] | None = None,
    log_path: Path | None = None,
) -> Trained:
    """Train what `build_model` makes, by `recipe`, on this process's device and threads.

    Shapes:  the model maps (N, C, H, W) float32 to (N, classes) scores
    Result:  the same bytes again for a seed (default: the recipe's), a device and a number of threads
    Log:     one record per epoch, and one every `log_every_steps` mini-batches where the recipe says so: `epoch`
             (from 1), `step` (mini-batches since the start), `train_loss` and `train_accuracy` (means over the
             images of this epoch so far, as they were trained on), `learning_rate` (of the last step),
             `test_accuracy`. `log_path` receives them as JSON lines while they are made, `on_epoch` those that
             end an epoch
    Raises:  ValueError for an empty set or a model of another output shape; MachineError if the loss or a weight
             is not finite
    """
    import torch

    _check_sets(recipe, train_set, test_set)
    seed = recipe.seed if seed is None else seed
    on = chosen_device()
    began = time.monotonic()
    log: list[Record] = []
    with _deterministic(seed, on), _lines(log_path) as file:
        model = build_model().to(on)
        images, labels = resident(test_set, on)
        for made, is_epoch_end in _steps(model, recipe, resident(train_set, on), len(train_set.classes), seed):
            correct = count_correct(model, images, labels, recipe.mean, recipe.std)
            record: Record = {**made, "test_accuracy": correct / len(test_set)}
            log.append(record)
            if file:
                file.write(json.dumps(record) + "\n")
                file.flush()
            if on_epoch and is_epoch_end:
                on_epoch(record)
        weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        for name, tensor in weights.items():
            if not tensor.isfinite().all():  # the last step can do that, after the last loss was seen
                raise _diverged(record, f"after the last step the weights {name} are not finite")
    return Trained(
        state_dict=weights,
        log=tuple(log),
        test_accuracy=Accuracy(correct, len(test_set)),
        seconds=time.monotonic() - began,
        device=device_class(on),
        threads=torch.get_num_threads(),
        versions=versions(),
        seed=seed,
    )


def versions() -> dict[str, str]:
    """What else the weights depend on."""
    import platform

    import numpy as np
    import torch

    return {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": np.__version__}


def _check_sets(recipe: Recipe, train_set: ImageSet, test_set: ImageSet) -> None:
    for image_set in (train_set, test_set):
        if not len(image_set):
            raise ValueError(f"{image_set.name} ({image_set.split}) holds no images")
        if image_set.name != recipe.data_set:
            raise ValueError(f"the recipe is for {recipe.data_set}, not for {image_set.name}")
        channels = image_set.images.shape[1]
        if any(len(values) not in (0, channels) for values in (recipe.mean, recipe.std)):
            raise ValueError(f"mean and std need a number for each of the {channels} channels of {image_set.name}")


def _steps(
    model: torch.nn.Module, recipe: Recipe, data: tuple[torch.Tensor, torch.Tensor], classes: int, seed: int
) -> Iterator[tuple[dict[str, Json], bool]]:
    """Train; hand out a record wherever the log wants one, and whether it ends an epoch."""
    import torch
    from torch.nn.functional import cross_entropy

    images, labels = data
    chance = torch.Generator().manual_seed(seed)  # on the CPU: the same order and shifts on every device
    optimizer = _optimizer(model, recipe)
    steps_per_epoch = math.ceil(len(labels) / recipe.batch_size)
    step = 0
    model.train()
    for epoch in range(1, recipe.epochs + 1):
        losses, rights, seen = [], [], 0  # kept on the device: reading them at each step would wait for it
        order = torch.randperm(len(labels), generator=chance).to(labels.device)
        for chosen in order.split(recipe.batch_size):
            rate = recipe.rate_at(step, steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch, wanted = images[chosen], labels[chosen]
            if recipe.shift_px:
                batch = shifted(batch, recipe.shift_px, chance)
            scores = model(as_inputs(batch, recipe.mean, recipe.std))
            if step == 0:
                check_shape(scores, len(chosen), classes)
            loss = cross_entropy(scores, wanted, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            seen += len(chosen)
            losses.append(loss.detach() * len(chosen))
            rights.append((scores.detach().argmax(dim=1) == wanted).sum())
            is_epoch_end = step == epoch * steps_per_epoch
            if is_epoch_end or (recipe.log_every_steps and step % recipe.log_every_steps == 0):
                record: dict[str, Json] = {
                    "epoch": epoch,
                    "step": step,
                    "train_loss": torch.stack(losses).cpu().double().sum().item() / seen,
                    "train_accuracy": int(torch.stack(rights).sum()) / seen,
                    "learning_rate": rate,
                }
                if not math.isfinite(record["train_loss"]):
                    raise _diverged(record, f"the mean loss up to step {step} is {record['train_loss']}")
                yield record, is_epoch_end


def _optimizer(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
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


def _diverged(record: Record, what: str) -> MachineError:
    return MachineError.single(
        what,
        where=f"training, epoch {record['epoch']}",
        fix=f"lower the learning rate ({record['learning_rate']:g} here), or look for a division by zero",
        code="training-diverged",
    )


@contextmanager
def _deterministic(seed: int, on: torch.device) -> Iterator[None]:
    """Seeded, and with deterministic kernels; afterwards the process has its own settings and random numbers again."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, cuBLAS refuses to be deterministic
    was_on, was_warning = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    was_benchmark = torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(mode=True)
    torch.backends.cudnn.benchmark = False
    try:
        with torch.random.fork_rng(devices=[on.index] if on.type == "cuda" else []):
            torch.manual_seed(seed)
            yield
    finally:
        torch.use_deterministic_algorithms(was_on, warn_only=was_warning)
        torch.backends.cudnn.benchmark = was_benchmark


@contextmanager
def _lines(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8") as file:
        yield file
