"""What do the first steps of every network cost once and never again? Torch's late imports, done before the fork.

One thread only: a child of a process that ever computed with two threads hangs at its first computation.
"""

from __future__ import annotations

from . import network


def warm() -> None:
    """Import torch and torchvision, and let a small network learn one step. Torch's dice stand as they stood before."""
    network.prepare()
    import torch

    dice = torch.random.get_rng_state()
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Dropout(0.5), torch.nn.Linear(36, 10),
    )  # fmt: skip
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4)
    for optimizer in (torch.optim.SGD(model.parameters(), lr=0.1), torch.optim.Adam(model.parameters(), lr=0.1)):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    with torch.inference_mode():
        model.eval()(images)
    torch.random.set_rng_state(dice)
