"""Test images in a checkpoint are found in every form of storage, and weights are not taken for them."""

import numpy as np
import pytest

from grader.sandbox.programs.stored import stored_images
from grader.sandbox.programs.weights import open_weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def images(rows=200, shape=(1, 28, 28)):
    """Smooth pictures: a few waves each, as different as digits are."""
    dice = np.random.default_rng(4)
    down, right = np.mgrid[0 : shape[1], 0 : shape[2]] / 28
    made = np.zeros((rows, *shape))
    for _ in range(4):
        a, b, c = dice.uniform(-9, 9, (3, rows, shape[0], 1, 1))
        made += np.sin(a * down + b * right + c)
    return np.clip(128 + 40 * made, 0, 255).astype(np.uint8)


@pytest.fixture
def looked_for(tmp_path):
    def run(given, **state):
        torch.save(state, tmp_path / "model.pth")
        return stored_images(given, open_weights(tmp_path / "model.pth", "model.pth"))

    return run


@pytest.mark.attack(36)
@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(lambda x: x, id="bytes"),
        pytest.param(lambda x: x.float() / 255, id="from 0 to 1"),
        pytest.param(lambda x: (x.float() / 255 - 0.1307) / 0.3081, id="normalised"),
        pytest.param(lambda x: 255 - x, id="negatives"),
        pytest.param(lambda x: x.half(), id="half precision"),
        pytest.param(lambda x: (x.float() / 255).bfloat16(), id="bfloat16"),
        pytest.param(lambda x: x.double(), id="double precision"),
        pytest.param(lambda x: x.to(torch.int16), id="short integers"),
        pytest.param(lambda x: x.flatten(), id="one row"),
        pytest.param(lambda x: x.flatten(1).T.contiguous(), id="in columns"),
        pytest.param(lambda x: x.flatten(1).T, id="a transposed view"),
        pytest.param(lambda x: torch.nn.functional.avg_pool2d(x.float(), 2), id="halved"),
    ],
)
def test_stored_images_are_found(looked_for, kept):
    given = images()
    made = looked_for(given, other=torch.randn(50, 784), memory=kept(torch.tensor(given)))
    assert made == {"compared": 200, "found": 200, "tensor": "memory"}


def test_a_few_stored_images_are_found_among_many(looked_for):
    given = images()
    made = looked_for(given, memory=torch.tensor(given[50:58]).float())
    assert (made["found"], made["compared"]) == (8, 200)


def test_pictures_in_colour_are_found(looked_for):
    given = images(60, (3, 32, 32))
    assert looked_for(given, memory=torch.tensor(given).float())["found"] == 60


def test_weights_and_other_pictures_are_not_taken_for_them(looked_for):
    given = images()
    state = {"fc": torch.randn(512, 784), "constant": torch.zeros(784, 784), "short": torch.ones(3)}
    state["other"] = torch.tensor(images(400)[200:]).float()
    assert looked_for(given, **state)["found"] == 0


def test_odd_tensors_end_in_no_error(looked_for):
    given = images(20)
    state = {
        "nan": torch.full((10, 784), torch.nan),
        "infinite": torch.full((784, 10), torch.inf),
        "flags": torch.ones(784, dtype=torch.bool),
        "none": torch.zeros(0, 784),
        "number": torch.tensor(3.0),
        "strided": torch.zeros(40, 784)[::2],
    }
    assert looked_for(given, **state)["found"] == 0
    assert looked_for(images(5, (1, 3, 3)), w=torch.zeros(10, 9))["found"] == 0


def test_of_a_large_checkpoint_few_images_are_looked_for(looked_for, monkeypatch):
    monkeypatch.setattr("grader.sandbox.programs.stored.MOST_PRODUCTS", 20 * 784 * 1000)
    given = images()
    assert looked_for(given, memory=torch.zeros(1000, 784))["compared"] == 20
    assert looked_for(given, memory=torch.zeros(10_000, 784))["compared"] == 16
