"""A small data set that a small network learns in a fraction of a second, and a cache of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import ImageSet
from grader.datasets.image_set import content_digest


@pytest.fixture(autouse=True)
def own_cache_on_the_cpu(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("GRADER_DEVICE", "cpu")


@pytest.fixture
def bars() -> Callable[..., ImageSet]:
    """n grey 8x8 images of three classes: a bright column whose place is the class."""

    def made(n: int, split: str = "train", seed: int = 0) -> ImageSet:
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 3, n)
        images = rng.integers(0, 120, (n, 1, 8, 8), dtype=np.uint8)
        images[np.arange(n), 0, :, 2 * labels + 1] += 100
        images.flags.writeable = labels.flags.writeable = False
        return ImageSet("bars", split, images, labels, ("left", "middle", "right"), content_digest(images, labels))

    return made


@pytest.fixture
def reference_folder(tmp_path: Path) -> Path:
    """A reference solution on the embedded digits that trains in a moment."""
    folder = tmp_path / "tiny reference"
    folder.mkdir()
    (folder / "model.py").write_text(
        "from torch import nn\n\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
    )
    (folder / "recipes.py").write_text(
        "from grader.training.recipe import Recipe\n"
        "plain = dict(optimizer='sgd', learning_rate=0.1, epochs=2, batch_size=64)\n"
        "RECIPES = {'quick': Recipe(data_set='digits', **plain), 'absent': Recipe(data_set='mnist', **plain)}\n"
        "DEMANDS = {'quick': 0.5}\n"
    )
    return folder
