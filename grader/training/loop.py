"""What does a network become when it is trained by a recipe? The trusted loop: same seed, same weights.

The whole set lies on the device as bytes; a mini-batch is made by index, changed there by whole tensors and turned
into float32: nothing is done image by image in Python. The steps themselves are in steps.py.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from grader.datasets import ImageSet
from grader.errors import MachineError
from grader.frozen import dataclass
from grader.model import Json
from grader.training.device import device as chosen_device
from grader.training.device import device_class, settled
from grader.training.evaluation import Accuracy, Errors, measured, resident
from grader.training.memory import memory_kept
from grader.training.recipe import Recipe
from grader.training.steps import DivergedError, all_steps, steps_in, trained

if TYPE_CHECKING:
    import torch

Record = Mapping[str, Json]


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training run, and what it was made with. The tensors lie on the CPU.

    `precision` is the one that was used, `ended_by` what ended it: the "epochs" or "steps" of the recipe, its "clock"
    (then the same seed need not give the same weights), or the "demand".
    """

    state_dict: Mapping[str, torch.Tensor]
    log: tuple[Record, ...]
    test: Accuracy | Errors
    seconds: float
    device: str
    threads: int
    versions: Mapping[str, str]
    seed: int
    precision: str = "float32"
    ended_by: str = "epochs"

    @property
    def is_reproducible(self) -> bool:
        """Whether the same seed, device and number of threads give these weights again."""
        return self.ended_by != "clock"

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
    until_demand: float | None = None,
    on_epoch: Callable[[Record], None] | None = None,
    log_path: Path | None = None,
) -> Trained:
    """Train what `build_model` makes, by `recipe`, on this process's device and threads.

    Shapes:  the model maps (N, C, H, W) float32 to (N, classes) scores; for sets with `targets`, to those
    Result:  the same bytes again for a seed (default: the recipe's), a device and a number of threads
    Log:     one record per epoch, and one every `log_every_steps` mini-batches where the recipe says so: `epoch`
             (from 1), `step` (mini-batches since the start), `train_loss` and `train_accuracy` (means over the
             images of this epoch so far, as they were trained on), `learning_rate` (of the last step). Those that end
             an epoch, or the training, have `test_accuracy`; in the place of the accuracies `test_mae` and `test_mse`
             (means over all pixels, from 0 to 1) for sets with `targets`. A last one that the recipe's clock brought
             about says `ended_by`. `log_path` receives them as JSON lines while they are made, `on_epoch` those with
             a test result
    `until_demand` (an accuracy, or a PSNR in dB) ends the training at the first epoch whose test result reaches it.
    Raises:  ValueError for an empty set or a model of another output shape; MachineError if the loss or a weight is
             not finite, or no epoch reached the demand
    """
    import torch

    _check_sets(recipe, train_set, test_set)
    seed = recipe.seed if seed is None else seed
    on = chosen_device()
    recipe = settled(recipe, on.type)
    began = time.monotonic()
    log: list[Record] = []
    results: list[Accuracy | Errors] = []
    with deterministic(seed, on), _lines(log_path) as file, memory_kept():
        model = build_model().to(on)
        test_data = resident(test_set, on)
        data, classes = resident(train_set, on), len(train_set.classes)
        for made, is_end in _steps(model, recipe, data, classes=classes, seed=seed):
            record: Record = made
            if is_end:
                results.append(measured(model, test_data, recipe.mean, recipe.std))
                record = {**made, **results[-1].logged()}
            log.append(record)
            if file:
                file.write(json.dumps(record) + "\n")
                file.flush()
            if on_epoch and is_end:
                on_epoch(record)
            if is_end and until_demand is not None and results[-1].value >= until_demand:
                break
        weights = _weights(model, record)
    if until_demand is not None and results[-1].value < until_demand:
        raise _not_reached(until_demand, results)
    return Trained(
        state_dict=weights,
        log=tuple(log),
        test=results[-1],
        seconds=time.monotonic() - began,
        device=device_class(on),
        threads=torch.get_num_threads(),
        versions=versions(),
        seed=seed,
        precision=recipe.precision,
        ended_by=_ended_by(recipe, record, len(train_set)),
    )


def _weights(model: torch.nn.Module, last: Record) -> dict[str, torch.Tensor]:
    """The state dict on the CPU, in memory of its own; MachineError for a number that is not finite."""
    import torch

    weights = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in model.state_dict().items()
    }
    for name, tensor in weights.items():
        if not tensor.isfinite().all():  # the last step can do that, after the last loss was seen
            what = f"after the last step the weights {name} are not finite"
            raise _diverged(what, epoch=last["epoch"], rate=last["learning_rate"])
    return weights


def _ended_by(recipe: Recipe, last: Record, images: int) -> str:
    if "ended_by" in last:
        return str(last["ended_by"])
    steps = steps_in(recipe, images)
    if last["step"] < all_steps(recipe, steps):
        return "demand"
    return "epochs" if last["step"] == recipe.epochs * steps else "steps"


def _not_reached(demand: float, results: Sequence[Accuracy | Errors]) -> MachineError:
    best = max(results, key=lambda one: one.value)
    asked = f"{demand:.2%}" if isinstance(best, Accuracy) else f"{demand:.2f} dB"
    at = results.index(best) + 1
    return MachineError.single(
        f"no epoch reached {asked}: the best, epoch {at} of {len(results)}, has {best}",
        where="training",
        fix="give the recipe more epochs, try another seed, or lower the demand",
        code="demand-not-reached",
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
def deterministic(seed: int, on: torch.device) -> Iterator[None]:
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
