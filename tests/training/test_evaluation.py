from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import DataSetMissing, inputs, load
from grader.mutants.packed import unpacked_file
from grader.training import Accuracy, evaluate, load_reference
from grader.training.device import settled
from grader.training.evaluation import resident
from grader.training.exact import classes_of
from grader.training.pace import Pace
from grader.training.steps import trained

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


def _plain_classes(model, image_set, mean, std):
    """What everybody writes: float32, PyTorch's own memory format, a thousand images at a time."""
    import torch

    made = torch.from_numpy(inputs(image_set.images, mean=mean, std=std))
    model.eval()
    with torch.no_grad():
        return torch.cat([model(batch).argmax(dim=1) for batch in made.split(1000)])


def _plain_count(model, image_set, mean, std) -> int:
    return int((_plain_classes(model, image_set, mean, std).numpy() == image_set.labels).sum())


FOLDER = Path(__file__).parents[2] / "reference_solutions"


TRAINED = [
    pytest.param("digits", "reference", id="digits"),
    *(
        pytest.param(assignment, name, id=f"{assignment} {name}", marks=pytest.mark.data)
        for assignment, names in {
            "mnist-optimizers": ("sgd", "adam", "tuned", "fashion", "fashion-augmented"),
            "mnist-fashion": ("mnist", "fashion", "fashion-improved"),
            "cifar10": ("baseline", "net1"),
        }.items()
        for name in names
    ),
]


@pytest.mark.parametrize(("assignment", "recipe"), TRAINED)
def test_the_classes_of_a_trained_network_are_those_of_a_plain_pass_to_the_last_image(assignment, recipe):
    """First answers in bfloat16 and in float32, on a part of the set that a test has time for."""
    import torch

    of = load_reference(FOLDER / assignment)
    how = of.recipe(recipe)
    try:
        image_set = load(how.data_set, "test")
    except DataSetMissing as error:
        pytest.skip(str(error))
    image_set = replace(image_set, images=image_set.images[:1700], labels=image_set.labels[:1700])
    model = of.network(recipe)()
    weights = FOLDER / assignment / "weights" / f"{recipe}.pth"
    packed = weights.with_suffix(".packed.safetensors")
    model.load_state_dict(
        torch.load(weights if weights.is_file() else io.BytesIO(unpacked_file(packed)), weights_only=True)
    )
    expected = _plain_classes(model, image_set, how.mean, how.std)
    images, labels = resident(image_set, torch.device("cpu"))
    for pace in (Pace("bfloat16", 128), Pace("float32", 128)):
        found, course = classes_of(model, images, how.mean, how.std, pace=pace)
        assert torch.equal(found, expected)
        assert course.why_plain == ("" if len(images) == 1700 else "few images")
    assert evaluate(model, image_set, mean=how.mean, std=how.std).correct == int((expected == labels).sum())


@pytest.mark.data
@pytest.mark.parametrize("data_set", ["cifar100_coarse", "cifar10", "mnist", "fashion_mnist"])
def test_the_classes_of_a_network_that_learned_little_are_those_of_a_plain_pass(data_set):
    """Hardly trained, it is flat: the scores of an image differ by little."""
    import torch

    assignment, name = {
        "cifar100_coarse": ("lenet-cifar100", "coarse"),
        "cifar10": ("cifar10", "net2"),
        "mnist": ("lenet-cifar100", "lenet"),
        "fashion_mnist": ("mnist-fashion", "fashion-improved"),
    }[data_set]
    of = load_reference(FOLDER / assignment)
    how = settled(replace(of.recipe(name), epochs=1, most_steps=4))
    try:
        image_set = load(data_set, "test")  # also to learn from: another split would have to be decoded first
    except DataSetMissing as error:
        pytest.skip(str(error))
    image_set = replace(image_set, images=image_set.images[:1600], labels=image_set.labels[:1600])
    torch.manual_seed(0)
    model = of.network(name)()
    few = replace(image_set, images=image_set.images[:512], labels=image_set.labels[:512])
    data = resident(few, torch.device("cpu"))
    for _ in trained(model, how, data, classes=len(image_set.classes), seed=0):
        pass
    images, _ = resident(image_set, torch.device("cpu"))
    expected = _plain_classes(model, image_set, how.mean, how.std)
    for pace in (Pace("bfloat16", 128), Pace("float32", 128)):
        found, _ = classes_of(model, images, how.mean, how.std, pace=pace)
        assert torch.equal(found, expected)
