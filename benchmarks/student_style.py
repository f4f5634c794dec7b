"""How do students train? The loop of the tutorials: a DataLoader, transforms image by image, float32, batches of 64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from grader import torchvision_ops
from grader.datasets import ImageSet
from grader.training import Recipe

torchvision_ops.install()
from torchvision import transforms  # noqa: E402  torchvision imports its operators, which the line above makes

BATCH_SIZE = 64


class Pictures(Dataset[Any]):
    """An image set as torchvision's own classes hand theirs out: a picture at a time, through the transforms."""

    def __init__(self, image_set: ImageSet, recipe: Recipe) -> None:
        self.image_set = image_set
        steps: list[Any] = [transforms.ToPILImage(), transforms.ToTensor()]
        if recipe.mean:
            steps.append(transforms.Normalize(recipe.mean, recipe.std))
        self.transform = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.image_set)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = self.image_set.images[index].transpose(1, 2, 0)
        return self.transform(picture), int(self.image_set.labels[index])


def train_like_a_student(model: nn.Module, recipe: Recipe, image_set: ImageSet) -> Iterator[None]:
    """An epoch each time that one is asked for; with Adam at 0.001 or SGD at 0.01 and momentum, as the recipe has."""
    if recipe.optimizer == "sgd":
        optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    loss_of = nn.CrossEntropyLoss()
    model.train()
    while True:
        for images, labels in DataLoader(Pictures(image_set, recipe), batch_size=BATCH_SIZE, shuffle=True):
            optimizer.zero_grad()
            loss = loss_of(model(images), labels)
            loss.backward()
            optimizer.step()
        yield
