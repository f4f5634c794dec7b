"""A network that makes images is trained to the wanted ones, and measured by how far it is off."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from grader.datasets import ImageSet, registry
from grader.datasets.image_set import content_digest
from grader.datasets.registry import Found, Source
from grader.training import Errors, Recipe, train
from grader.training.__main__ import main
from grader.training.evaluation import image_errors

pytestmark = pytest.mark.torch
RECIPE = Recipe(data_set="pairs", optimizer="adam", learning_rate=0.02, epochs=3, batch_size=16, std=(0.5,))


def _pairs(n: int, split: str) -> ImageSet:
    rng = np.random.default_rng(n)
    clean = rng.integers(0, 256, (n, 1, 6, 6), dtype=np.uint8)
    noisy = (clean.astype(int) + rng.integers(0, 256, clean.shape)).astype(int) // 2
    images, labels = noisy.astype(np.uint8), np.zeros(n, dtype=np.int64)
    return ImageSet("pairs", split, images, labels, ("one",), content_digest(images, labels), targets=clean)


TRAIN, TEST = _pairs(50, "train"), _pairs(20, "test")


def _build():
    from torch import nn

    return nn.Conv2d(1, 1, 3, padding=1)


def test_the_weights_are_those_of_a_plain_loop():
    import torch

    made = train(_build, RECIPE, TRAIN, TEST, seed=5)
    torch.manual_seed(5)
    model = _build()
    chance = torch.Generator().manual_seed(5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    images, targets = (torch.tensor(array) / 255 for array in (TRAIN.images, TRAIN.targets))
    for _ in range(3):
        for chosen in torch.randperm(50, generator=chance).split(16):
            loss = (model(images[chosen] / 0.5) - targets[chosen]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for name, tensor in model.state_dict().items():
        assert torch.allclose(tensor, made.state_dict[name], atol=1e-6)


def test_the_errors_are_those_of_scikit_learn():
    import torch
    from sklearn.metrics import mean_absolute_error, mean_squared_error

    model = _build().eval()
    images, wanted = torch.tensor(TEST.images), torch.tensor(TEST.targets)
    found = image_errors(model, images, wanted, (), ())
    with torch.no_grad():
        made = model(images / 255)
    pair = (wanted / 255).ravel().double(), made.ravel().double()
    assert found.mae == pytest.approx(mean_absolute_error(*pair), abs=1e-6)
    assert found.mse == pytest.approx(mean_squared_error(*pair), abs=1e-6)
    assert found.value == pytest.approx(20 * math.log10(1 / math.sqrt(found.mse)))
    assert found.n == 20


def test_no_error_at_all_is_no_division_by_zero():
    assert Errors(mae=0.0, mse=0.0, n=1).value == math.inf


def test_the_log_and_the_result_speak_of_errors_and_not_of_accuracy():
    made = train(_build, RECIPE, TRAIN, TEST)
    assert set(made.log[-1]) == {"epoch", "step", "train_loss", "learning_rate", "test_mae", "test_mse"}
    assert made.log[-1]["test_mse"] == made.test.mse < made.log[0]["test_mse"]
    with pytest.raises(ValueError, match="no accuracy"):
        _ = made.test_accuracy


def test_another_shape_is_refused_and_not_spread_over_the_images():
    from torch import nn

    with pytest.raises(ValueError, match=r"\(16, 1, 6, 1\) for 16 images, not \(16, 1, 6, 6\)"):
        train(lambda: nn.Conv2d(1, 1, (1, 6)), RECIPE, TRAIN, TEST)


def test_a_recipe_for_labels_is_refused():
    recipe = Recipe(data_set="pairs", optimizer="sgd", learning_rate=1, epochs=1, batch_size=9, shift_px=1)
    with pytest.raises(ValueError, match="for labels, not for images"):
        train(_build, recipe, TRAIN, TEST)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A reference with two networks of its own, on the pairs."""
    sets = {"train": TRAIN, "test": TEST}
    common = {"classes": ("one",), "shape": (1, 6, 6), "counts": {"train": 50, "test": 20}}
    here = Found(is_present=True)
    pairs = Source("pairs", find=lambda *_: here, read=lambda split, _: _parts(sets[split]), targets="clean", **common)
    clean = Source("clean", find=lambda *_: here, read=lambda split, _: _parts(sets[split], is_clean=True), **common)
    monkeypatch.setattr(registry, "_sources", lambda: {"pairs": pairs, "clean": clean})
    conv = "def build_{}():\n    return nn.Conv2d(1, 1, {}, padding='same')\n"
    (tmp_path / "model.py").write_text(f"from torch import nn\n{conv.format('model', 1)}{conv.format('wide', 3)}")
    (tmp_path / "other.py").write_text(f"from torch import nn\n{conv.format('far', 5)}")
    (tmp_path / "recipes.py").write_text(
        "from grader.training.recipe import Recipe\n"
        f"RECIPES = dict.fromkeys(['plain', 'wide', 'far', 'gone'], {RECIPE!r})\n"
        "DEMANDS = dict.fromkeys(RECIPES, 5.0)\n"
        "NETWORKS = {'wide': 'model:build_wide', 'far': 'other:build_far', 'gone': 'model:build_gone'}\n"
    )
    return tmp_path


def _parts(of: ImageSet, *, is_clean: bool = False):
    return (of.targets if is_clean else of.images).copy(), of.labels.copy()


@pytest.mark.parametrize(("recipe", "side"), [("plain", 1), ("wide", 3), ("far", 5)])
def test_every_recipe_trains_the_network_that_it_names(folder, recipe, side):
    import torch

    ended = CliRunner().invoke(main, [str(folder), recipe], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    assert "dB (mean absolute error" in ended.output
    assert "demanded 5 dB" in ended.output
    weights = torch.load(folder / "weights" / f"{recipe}.pth", weights_only=True)
    assert tuple(weights["weight"].shape) == (1, 1, side, side)
    results = json.loads((folder / "weights" / f"{recipe}.results.json").read_text())
    assert results["psnr_db"] == pytest.approx(-10 * math.log10(results["mse"]))
    assert results["runs"][0]["mae"] == results["mae"]
    assert results["n"] == 20


def test_a_network_that_is_not_there_is_named(folder):
    ended = CliRunner().invoke(main, [str(folder), "gone"], catch_exceptions=False)
    assert ended.exit_code == 3
    assert "build_gone is missing" in ended.output
