"""How good is a trusted network? How many images it classifies right, exactly; or how far its images are off."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from grader.datasets import ImageSet
from grader.frozen import dataclass
from grader.training.exact import PLAIN_BATCH, classes_of, evaluating
from grader.training.memory import memory_kept
from grader.training.steps import as_inputs, channels_last, check_shape

if TYPE_CHECKING:
    import torch

# Of images that are made, on a CPU: measured, a batch of 1,000 that gets its memory anew takes up to 2.2 times as long.
IMAGES_BATCH_SIZE = 64


@dataclass(frozen=True)
class Accuracy:
    """How many of n images were classified right: a count, so that nothing is lost to rounding.

    >>> Accuracy(9401, 10_000).value
    0.9401
    >>> print(Accuracy(9401, 10_000))
    94.01% (9,401 of 10,000)
    """

    correct: int
    n: int

    @property
    def value(self) -> float:
        return self.correct / self.n

    def __str__(self) -> str:
        return f"{self.value:.2%} ({self.correct:,} of {self.n:,})"

    def logged(self) -> dict[str, float]:
        """What a line of the log says of it."""
        return {"test_accuracy": self.value}


@dataclass(frozen=True)
class Errors:
    """How far the images that a network makes are from the wanted ones: means over all pixels of n images.

    Units:   pixels from 0 to 1; `value` is the PSNR in dB of all of them together

    >>> print(Errors(mae=0.05, mse=0.01, n=10_000))
    20.00 dB (mean absolute error 0.0500, 10,000 images)
    """

    mae: float
    mse: float
    n: int

    @property
    def value(self) -> float:
        return -10 * math.log10(self.mse) if self.mse else math.inf

    def __str__(self) -> str:
        return f"{self.value:.2f} dB (mean absolute error {self.mae:.4f}, {self.n:,} images)"

    def logged(self) -> dict[str, float]:
        """What a line of the log says of it."""
        return {"test_mae": self.mae, "test_mse": self.mse}


def evaluate(
    model: torch.nn.Module, image_set: ImageSet, *, mean: tuple[float, ...] = (), std: tuple[float, ...] = ()
) -> Accuracy:
    """Count the images of a set that a model classifies right, on the device where the model lies.

    The class is that of the largest score, the first one of a tie. An image with a score that is not finite counts
    as wrong. `mean` and `std` are as in `grader.datasets.inputs`. The model is put into evaluation mode, and back.

    Shapes:  the model maps (N, C, H, W) float32 to (N, classes) scores
    Raises:  ValueError for an empty set or another output shape
    """
    import torch

    if not len(image_set):
        raise ValueError(f"{image_set.name} ({image_set.split}) holds no images")
    on = next((tensor.device for tensor in model.state_dict().values()), torch.device("cpu"))
    images, labels = resident(image_set, on)
    with memory_kept():
        return Accuracy(count_correct(model, images, labels, mean, std), len(image_set))


def resident(image_set: ImageSet, on: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """The whole set on a device, as bytes: (N, C, H, W) uint8, and (N,) int64 or the images to be made of these."""
    import numpy as np
    import torch

    images = torch.from_numpy(np.array(image_set.images))  # a copy: the set itself is read-only
    if image_set.targets is None:
        wanted = torch.from_numpy(np.array(image_set.labels, dtype=np.int64))
    else:
        wanted = torch.from_numpy(np.array(image_set.targets))
    return images.to(on), wanted.to(on)


def measured(
    model: torch.nn.Module,
    data: tuple[torch.Tensor, torch.Tensor],
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Accuracy | Errors:
    """How good the model is on what `resident` made of a set."""
    images, wanted = data
    if wanted.ndim == 1:
        return Accuracy(count_correct(model, images, wanted, mean, std), len(wanted))
    return image_errors(model, images, wanted, mean, std)


def image_errors(
    model: torch.nn.Module,
    images: torch.Tensor,
    wanted: torch.Tensor,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Errors:
    """How far what the model makes of the images is from the wanted ones, both (N, C, H, W) uint8, summed in float64.

    Raises:  ValueError for another output shape
    """
    import torch

    absolute, squared = (torch.zeros((), dtype=torch.float64) for _ in range(2))
    is_on_cpu = images.device.type == "cpu"
    size = IMAGES_BATCH_SIZE if is_on_cpu else PLAIN_BATCH
    forward = _channels_last_forward(model) if is_on_cpu else model
    with evaluating(model), torch.inference_mode():
        for batch, targets in zip(images.split(size), wanted.split(size), strict=True):
            made = forward(as_inputs(batch, mean, std))
            check_shape(made, len(targets), images=targets.shape)
            off = (made - as_inputs(targets, (), ())).cpu().double()
            absolute.add_(off.abs().sum())
            squared.add_(off.square().sum())
    return Errors(mae=absolute.item() / wanted.numel(), mse=squared.item() / wanted.numel(), n=len(wanted))


def count_correct(
    model: torch.nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> int:
    """The images (N, C, H, W) uint8 whose largest score is that of their label (N,), as a plain float32 pass has it.

    The first one of a tie counts, and an image with a score that is not finite is wrong. How it is sure: `exact`.
    """
    classes, _ = classes_of(model, images, mean, std)
    return int((classes == labels).sum())


def _channels_last_forward(model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """The model, handed its images with channels last; as they are where it cannot bear that, such as by a `view`."""

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        try:
            made: torch.Tensor = model(channels_last(inputs))
        except RuntimeError:
            made = model(inputs)
        return made

    return forward
