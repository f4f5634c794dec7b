"""What do the first steps of every network cost once and never again? Torch's late imports, done before the fork.

One thread only: a child of a process that ever computed with two threads hangs at its first computation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import network

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch


def warm() -> None:
    """Import torch, and let a small network see images. Torch's dice stand as they stood before."""
    import torch

    network.prepare()
    for model, images, labels in _small():
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        with torch.inference_mode():
            model.eval()(images)


def warm_for_training() -> None:
    """Let a small network learn one step: an optimizer imports as much again as torch itself, which few jobs need."""
    import torch

    for model, images, labels in _small():
        for optimizer in (torch.optim.SGD(model.parameters(), lr=0.1), torch.optim.Adam(model.parameters(), lr=0.1)):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()


def _small() -> Iterator[tuple[torch.nn.Module, torch.Tensor, torch.Tensor]]:
    """A network, images and labels; behind it torch's dice are what they were."""
    import torch

    dice = torch.random.get_rng_state()
    yield (
        torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(36, 10),
        ),
        torch.rand(4, 1, 8, 8),
        torch.arange(4),
    )  # fmt: skip
    torch.random.set_rng_state(dice)
