from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import DataSetMissing, inputs, load
from grader.training import Accuracy, evaluate, load_reference

pytestmark = pytest.mark.torch


def _linear(seed: int = 0):
    import torch

    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 1001], ids=lambda n: f"{n} images")
@pytest.mark.parametrize(("mean", "std"), [((), ()), ((0.4,), (0.2,))], ids=["plain", "normalised"])
def test_the_count_is_that_of_numpy(bars, n, mean, std):
    model, images = _linear(), bars(n)
    weight, bias = (tensor.detach().numpy().astype(np.float64) for tensor in model.parameters())
    scores = inputs(images.images, mean=mean, std=std).reshape(n, -1) @ weight.T + bias
    expected = int((scores.argmax(axis=1) == images.labels).sum())
    assert evaluate(model, images, mean=mean, std=std) == Accuracy(expected, n)


def test_all_right_and_all_wrong_are_counted(bars):
    import torch

    images = bars(50)
    right = torch.nn.functional.one_hot(torch.tensor(images.labels), 3).float()

    class Oracle(torch.nn.Module):
        def forward(self, _images):
            return right

    assert evaluate(Oracle(), images) == Accuracy(50, 50)
    assert evaluate(Oracle(), replace(images, labels=(images.labels + 1) % 3)) == Accuracy(0, 50)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_an_image_whose_scores_are_not_finite_is_wrong(bars, bad):
    import torch

    images = bars(3)

    class Odd(torch.nn.Module):
        def forward(self, _images):
            scores = torch.nn.functional.one_hot(torch.tensor(images.labels), 3).float()
            scores[1, images.labels[1]] = bad
            return scores

    assert evaluate(Odd(), images) == Accuracy(2, 3)


def test_dropout_is_off_while_counting_and_the_mode_is_kept(bars):
    import torch

    images = bars(200)
    model = _linear()
    dropping = torch.nn.Sequential(torch.nn.Dropout(0.9), model)
    for mode in (True, False):
        dropping.train(mode)
        assert evaluate(dropping, images) == evaluate(model, images)
        assert dropping.training is mode


def test_an_empty_set_has_no_accuracy(bars):
    with pytest.raises(ValueError, match="holds no images"):
        evaluate(_linear(), bars(0))


def test_a_model_of_another_output_shape_is_refused(bars):
    import torch

    with pytest.raises(ValueError, match=r"\(5, 8, 8, 64\)|\(5, 1, 8, 4\)"):
        evaluate(torch.nn.Linear(8, 4), bars(5))


def test_a_model_without_parameters_is_evaluated(bars):
    import torch

    class Columns(torch.nn.Module):
        def forward(self, images):
            return images[:, 0].sum(dim=1)[:, [1, 3, 5]]

    assert evaluate(Columns(), bars(300)) == Accuracy(300, 300)


def test_a_network_that_cannot_bear_channels_last_is_evaluated_as_it_is(bars):
    from torch import nn

    class Viewing(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(72, 3)

        def forward(self, images):
            made = self.conv(images)
            return self.fc(made.view(len(made), -1))  # of tensors in PyTorch's own order only

    model, images = Viewing(), bars(100)
    assert evaluate(model, images) == Accuracy(_plain_count(model, images, (), ()), 100)


def _plain_count(model, image_set, mean, std) -> int:
    """What everybody writes: float32, PyTorch's own memory format, a thousand images at a time."""
    import torch

    made = torch.from_numpy(inputs(image_set.images, mean=mean, std=std))
    labels = torch.tensor(image_set.labels)
    with torch.no_grad():
        pairs = zip(made.split(1000), labels.split(1000), strict=True)
        return sum(int((model.eval()(batch).argmax(dim=1) == right).sum()) for batch, right in pairs)


FOLDER = Path(__file__).parents[2] / "reference_solutions"


@pytest.mark.parametrize(
    ("assignment", "recipe"),
    [
        pytest.param("digits", "reference", id="digits"),
        *(
            pytest.param("mnist-optimizers", name, id=f"mnist-optimizers {name}", marks=pytest.mark.data)
            for name in ("sgd", "adam", "tuned")
        ),
    ],
)
def test_the_count_of_a_trained_network_is_that_of_a_plain_pass_to_the_last_image(assignment, recipe):
    import torch

    of = load_reference(FOLDER / assignment)
    try:
        image_set = load(of.recipe(recipe).data_set, "test")
    except DataSetMissing as error:
        pytest.skip(str(error))
    model = of.network(recipe)()
    model.load_state_dict(torch.load(FOLDER / assignment / "weights" / f"{recipe}.pth", weights_only=True))
    assert evaluate(model, image_set).correct == _plain_count(model, image_set, (), ())
