"""The networks of the sheets have the sizes that the sheets state, and learn; how well, no test here asks."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import ImageSet, load, source
from grader.datasets.image_set import content_digest
from grader.datasets.noisy import noisy
from grader.training import load_reference, train
from grader.training.device import settled
from grader.training.evaluation import resident
from grader.training.steps import as_inputs, trained

pytestmark = pytest.mark.torch
FOLDER = Path(__file__).parents[2] / "reference_solutions"

PARAMETERS = {
    ("mnist-fashion", "mnist"): 6_444_170,
    ("mnist-fashion", "fashion"): 6_444_170,
    ("mnist-fashion", "fashion-improved"): 390_122,
    ("mnist-fashion", "fashion-wide"): 30_292_490,
    ("mnist-fashion", "denoiser"): 9_585,
    ("mnist-fashion", "denoiser-skip"): 9_585,
    ("cifar10", "baseline"): 390_410,
    ("cifar10", "net1"): 391_006,
    ("cifar10", "net2"): 390_410,
    ("cifar10", "best"): 1_187_274,
    ("mnist-optimizers", "fashion"): 29_290,
    ("mnist-optimizers", "fashion-augmented"): 29_290,
    ("lenet-cifar100", "lenet"): 61_706,
    ("lenet-cifar100", "coarse"): 1_119_924,
}
NETWORKS = [pytest.param(*of, id=" ".join(of)) for of in PARAMETERS]
# By a list of its own, so that a data set of another shape is noticed: what goes in, what comes out.
SHAPES = {
    "mnist": ((1, 28, 28), (10,)),
    "fashion_mnist": ((1, 28, 28), (10,)),
    "noisy_fashion_mnist": ((1, 28, 28), (1, 28, 28)),
    "cifar10": ((3, 32, 32), (10,)),
    "cifar100_coarse": ((3, 32, 32), (20,)),
}


def _few(data_set: str, n: int = 32) -> ImageSet:
    """A few images of the set's shape that can be learned: real digits where they fit, else brightness by class."""
    digits = load("digits", "train")
    images, labels = digits.images[:n].copy(), digits.labels[:n].copy()
    targets = None
    if data_set == "noisy_fashion_mnist":
        targets, images = images, noisy(images, "a seed")
    elif SHAPES[data_set][0] != (1, 28, 28):
        rng = np.random.default_rng(0)
        labels = rng.integers(0, SHAPES[data_set][1][0], n)
        images = rng.integers(0, 60, (n, *SHAPES[data_set][0]), dtype=np.uint8)
        images += (9 * labels).astype(np.uint8)[:, None, None, None]
    of = source(data_set)
    return ImageSet(data_set, "train", images, labels, of.classes, content_digest(images, labels), targets=targets)


def _network(assignment: str, recipe: str):
    of = load_reference(FOLDER / assignment)
    return of.network(recipe), of.recipe(recipe)


# --- size and shape -----------------------------------------------------------------------------


@pytest.mark.parametrize(("assignment", "recipe"), NETWORKS)
def test_the_network_has_the_parameters_that_the_sheet_states(assignment, recipe):
    build, _ = _network(assignment, recipe)
    assert sum(tensor.numel() for tensor in build().parameters()) == PARAMETERS[assignment, recipe]


@pytest.mark.parametrize(("assignment", "recipe"), NETWORKS)
def test_images_of_its_set_go_in_and_what_the_set_wants_comes_out(assignment, recipe):
    build, of = _network(assignment, recipe)
    goes_in, comes_out = SHAPES[of.data_set]
    assert source(of.data_set).shape == goes_in
    few = resident(_few(of.data_set), "cpu")[0]
    assert build().eval()(as_inputs(few, of.mean, of.std)).shape == (32, *comes_out)


@pytest.mark.data
@pytest.mark.parametrize(("assignment", "recipe"), NETWORKS)
def test_real_images_of_its_set_go_in_as_finite_numbers_and_come_out_so(assignment, recipe, split):
    build, of = _network(assignment, recipe)
    few = split(of.data_set, "test").images[:8]
    import torch

    made = build().eval()(as_inputs(torch.from_numpy(few.copy()), of.mean, of.std))
    assert made.shape == (8, *SHAPES[of.data_set][1])
    assert made.isfinite().all()


def _rows(build, shape):
    """Kind, output shape and parameters of each layer, in the order in which they run."""
    import torch

    rows = []
    model = build().eval()
    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(
                lambda made, _inputs, output: rows.append(
                    (type(made).__name__, tuple(output.shape[1:]), sum(one.numel() for one in made.parameters()))
                )
            )
    model(torch.zeros(2, *shape))
    return rows


def test_the_wide_network_is_the_one_of_the_printed_summary_row_by_row():
    rows = _rows(_network("mnist-fashion", "fashion-wide")[0], (1, 28, 28))
    table = [
        (32, 28, 320), (32, 14, 9_248), (32, 14, 9_248),
        (64, 7, 18_496), (64, 7, 36_928), (64, 7, 36_928),
        (128, 4, 73_856), (128, 4, 147_584), (128, 4, 147_584),
        (256, 2, 295_168), (512, 2, 1_180_160), (512, 2, 2_359_808), (512, 2, 2_359_808),
        (1024, 1, 4_719_616), (1024, 1, 9_438_208), (1024, 1, 9_438_208),
    ]  # fmt: skip
    expected = []
    for filters, side, parameters in table:
        shape = (filters, side, side)
        expected += [("Conv2d", shape, parameters), ("BatchNorm2d", shape, 2 * filters), ("ReLU", shape, 0)]
    assert rows == [*expected, ("Flatten", (1024,), 0), ("Linear", (10,), 10_250)]


def test_the_default_network_is_the_one_of_the_printed_summary_row_by_row():
    rows = [row for row in _rows(_network("mnist-fashion", "mnist")[0], (1, 28, 28)) if row[0] != "ReLU"]
    assert rows == [
        ("Conv2d", (32, 28, 28), 320),
        ("Conv2d", (32, 28, 28), 9_248),
        ("Conv2d", (32, 28, 28), 9_248),
        ("Flatten", (25_088,), 0),
        ("Linear", (256,), 6_422_784),
        ("Linear", (10,), 2_570),
    ]


def test_the_denoiser_has_six_layers_of_the_sheet_with_strides_and_sizes():
    rows = [row for row in _rows(_network("mnist-fashion", "denoiser")[0], (1, 28, 28)) if row[0] != "ReLU"]
    assert rows == [
        ("Conv2d", (16, 14, 14), 160),
        ("Conv2d", (16, 7, 7), 2_320),
        ("Conv2d", (16, 7, 7), 2_320),
        ("ConvTranspose2d", (16, 14, 14), 2_320),
        ("ConvTranspose2d", (16, 28, 28), 2_320),
        ("Conv2d", (1, 28, 28), 145),
    ]


def test_the_skip_connection_adds_the_input_and_nothing_else():
    import torch

    plain, skipping = (_network("mnist-fashion", name)[0]() for name in ("denoiser", "denoiser-skip"))
    skipping.load_state_dict(plain.state_dict())
    images = torch.rand(2, 1, 28, 28)
    assert torch.equal(skipping(images), images + plain(images))


@pytest.mark.parametrize(
    ("recipe", "normalised", "dropped"), [("baseline", 0, []), ("net1", 5, []), ("net2", 0, [0.05] * 3)]
)
def test_the_networks_of_the_cifar_sheet_differ_as_it_says(recipe, normalised, dropped):
    from torch import nn

    layers = list(_network("cifar10", recipe)[0]().modules())
    assert sum(isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) for layer in layers) == normalised
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == dropped
    kernels = [layer.kernel_size for layer in layers if isinstance(layer, nn.Conv2d)]
    assert kernels == [(5, 5)] * 3


def test_the_coarse_network_is_the_one_of_the_report():
    from torch import nn

    names = [row[0] for row in _rows(_network("lenet-cifar100", "coarse")[0], (3, 32, 32))]
    block = ["Conv2d", "BatchNorm2d", "ReLU"]
    pooled = [*block, *block, "MaxPool2d"]
    assert names == [*pooled, *pooled, "Flatten", "Linear", "ReLU", "Dropout", "Linear"]
    layers = _network("lenet-cifar100", "coarse")[0]().modules()
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.5]


# --- training -----------------------------------------------------------------------------------


def _loss(model, of, data) -> float:
    import torch
    from torch.nn.functional import cross_entropy, mse_loss

    torch.manual_seed(0)  # the same dropout before and after
    with torch.no_grad():
        made = model.train()(as_inputs(data[0], of.mean, of.std))
    wanted = data[1]
    return float(cross_entropy(made, wanted) if wanted.ndim == 1 else mse_loss(made, as_inputs(wanted, (), ())))


@pytest.mark.parametrize(("assignment", "recipe"), NETWORKS)
def test_one_step_by_its_recipe_lowers_the_loss(assignment, recipe):
    import torch

    build, of = _network(assignment, recipe)
    small = of.learning_rate / 250  # so small that the direction decides
    plain = {"shift_px": 0, "is_flipped": False, "rotation_degrees": 0.0, "cutout_px": 0, "schedule": "constant"}
    one_step = settled(replace(of, epochs=1, batch_size=32, learning_rate=small, ema_decay=0.0, **plain))
    data = resident(_few(of.data_set), torch.device("cpu"))
    torch.manual_seed(0)
    model = build()
    before = _loss(model, of, data)
    steps = list(trained(model, one_step, data, classes=len(source(of.data_set).classes), seed=0))
    assert len(steps) == 1
    assert _loss(model, of, data) < before


@pytest.mark.parametrize(("assignment", "recipe"), NETWORKS)
def test_a_seed_gives_the_same_weights_again_and_another_seed_others(assignment, recipe):
    import torch

    build, of = _network(assignment, recipe)
    few = _few(of.data_set, 8)
    first, again, other = (train(build, replace(of, epochs=1), few, few, seed=seed).state_dict for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


# --- the folders --------------------------------------------------------------------------------


@pytest.mark.parametrize("assignment", ["mnist-fashion", "cifar10", "lenet-cifar100"])
def test_every_recipe_has_a_demand_and_a_network(assignment):
    of = load_reference(FOLDER / assignment)
    assert set(of.recipes) == set(of.demands)
    assert set(of.networks) <= set(of.recipes)
    assert all(recipe.data_set in SHAPES for recipe in of.recipes.values())


@pytest.mark.parametrize("assignment", ["mnist-fashion", "cifar10", "lenet-cifar100"])
def test_the_model_file_needs_nothing_of_ours(assignment):
    tree = ast.parse((FOLDER / assignment / "model.py").read_text())
    imported = {node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert {name.partition(".")[0] for name in imported} <= {"torch", "torchvision"}
