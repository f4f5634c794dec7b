"""What does a network become when it is trained by a recipe? The trusted loop: same seed, same weights.

Plain on purpose. The whole set lies on the device as bytes; a mini-batch is made by index, turned into float32
there, and moved by whole tensors: nothing is done image by image in Python.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from grader.datasets import ImageSet
from grader.errors import MachineError
from grader.model import Json
from grader.training.device import device as chosen_device
from grader.training.device import device_class
from grader.training.evaluation import Accuracy, Errors, measured, resident
from grader.training.recipe import Recipe
from grader.training.steps import DivergedError, trained

if TYPE_CHECKING:
    import torch

Record = Mapping[str, Json]


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training run, and what it was made with. The tensors lie on the CPU."""

    state_dict: Mapping[str, torch.Tensor]
    log: tuple[Record, ...]
    test: Accuracy | Errors
    seconds: float
    device: str
    threads: int
    versions: Mapping[str, str]
    seed: int

    @property
    def test_accuracy(self) -> Accuracy:
        """The accuracy on the test set; ValueError for a network that makes images."""
        if not isinstance(self.test, Accuracy):
            raise ValueError("a network that makes images has no accuracy")  # noqa: TRY004  the network, not a type
        return self.test


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

    Shapes:  the model maps (N, C, H, W) float32 to (N, classes) scores; for sets with `targets`, to those
    Result:  the same bytes again for a seed (default: the recipe's), a device and a number of threads
    Log:     one record per epoch, and one every `log_every_steps` mini-batches where the recipe says so: `epoch`
             (from 1), `step` (mini-batches since the start), `train_loss` and `train_accuracy` (means over the
             images of this epoch so far, as they were trained on), `learning_rate` (of the last step),
             `test_accuracy`; in the place of the accuracies `test_mae` and `test_mse` (means over all pixels, from
             0 to 1) for sets with `targets`. `log_path` receives them as JSON lines while they are made, `on_epoch`
             those that end an epoch
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
        test_data = resident(test_set, on)
        data, classes = resident(train_set, on), len(train_set.classes)
        for made, is_epoch_end in _steps(model, recipe, data, classes=classes, seed=seed):
            test = measured(model, test_data, recipe.mean, recipe.std)
            record: Record = {**made, **test.logged()}
            log.append(record)
            if file:
                file.write(json.dumps(record) + "\n")
                file.flush()
            if on_epoch and is_epoch_end:
                on_epoch(record)
        weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        for name, tensor in weights.items():
            if not tensor.isfinite().all():  # the last step can do that, after the last loss was seen
                what = f"after the last step the weights {name} are not finite"
                raise _diverged(what, epoch=record["epoch"], rate=record["learning_rate"])
    return Trained(
        state_dict=weights,
        log=tuple(log),
        test=test,
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
    model: torch.nn.Module, recipe: Recipe, data: tuple[torch.Tensor, torch.Tensor], *, classes: int, seed: int
) -> Iterator[tuple[dict[str, Json], bool]]:
    try:
        yield from trained(model, recipe, data, classes=classes, seed=seed)
    except DivergedError as error:
        raise _diverged(str(error), epoch=error.epoch, rate=error.learning_rate) from error


def _diverged(what: str, *, epoch: int, rate: float) -> MachineError:
    return MachineError.single(
        what,
        where=f"training, epoch {epoch}",
        fix=f"lower the learning rate ({rate:g} here), or look for a division by zero",
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
