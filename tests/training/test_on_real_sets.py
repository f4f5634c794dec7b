"""The course's references learn the real sets, in a budget that continuous integration has: a fraction of their own.

The bands of the full recipes are in docs/references.md. Seeds, device and threads are fixed, so each test has one
outcome; both nets have room to their demand (98.3% and 97.8% when this was written).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from grader.datasets import DataSetMissing, load
from grader.training import evaluate, load_reference, train

pytestmark = [pytest.mark.torch, pytest.mark.data]
REFERENCES = Path(__file__).parents[2] / "reference_solutions"


@pytest.mark.timeout(1800)  # half a minute of one core each; a busy machine takes many times as long
@pytest.mark.parametrize(
    ("assignment", "name", "budget", "demand"),
    [
        pytest.param("mnist-fashion", "mnist", {"most_steps": 320, "shift_px": 0}, 0.98, id="6,444,170 parameters"),
        pytest.param("lenet-cifar100", "lenet", {"most_steps": 469}, 0.97, id="LeNet"),
    ],
)
def test_a_reference_learns_mnist_within_a_fraction_of_its_recipe(assignment, name, budget, demand):
    import torch

    reference = load_reference(REFERENCES / assignment)
    recipe = replace(reference.recipe(name), epochs=1, **budget)
    try:
        sets = load("mnist", "train"), load("mnist", "test")
    except DataSetMissing as error:
        pytest.skip(str(error))
    torch.set_num_threads(1)
    made = train(reference.network(name), recipe, *sets, until_demand=demand)
    assert made.test_accuracy.value >= demand
    assert made.log[-1]["step"] <= budget["most_steps"]
    model = reference.network(name)()
    model.load_state_dict(made.state_dict)
    in_float32 = evaluate(model, sets[1], mean=recipe.mean, std=recipe.std)
    assert in_float32.value >= demand  # the weights that are kept, without the recipe's precision
