from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from grader.training import Recipe, evaluate, train

pytestmark = pytest.mark.torch
FOLDER = Path(__file__).parents[2] / "reference_solutions"

STORED = [
    pytest.param("digits", "reference", id="digits"),
    *(
        pytest.param("mnist-optimizers", recipe, id=f"mnist-optimizers {recipe}", marks=pytest.mark.data)
        for recipe in ("sgd", "adam", "tuned")
    ),
]
WITHOUT_DATA = [pytest.param(*param.values, id=param.id) for param in STORED]
ASSIGNMENTS = ["digits", "mnist-optimizers"]


def _stored_model(reference, weights_folder, recipe):
    import torch

    model = reference.build_model()
    model.load_state_dict(torch.load(weights_folder / f"{recipe}.pth", weights_only=True))
    return model


@pytest.mark.parametrize(
    ("assignment", "shapes", "parameters"),
    [
        pytest.param(
            "digits",
            [(8, 24, 24), (8, 12, 12), (16, 10, 10), (16, 5, 5), (400,), (32,), (10,)],
            [208, 0, 1168, 0, 0, 12_832, 330],
            id="digits: 14,538 parameters",
        ),
        pytest.param(
            "mnist-optimizers",
            [(16, 24, 24), (16, 12, 12), (32, 10, 10), (32, 5, 5), (16, 5, 5), (400,), (64,), (10,)],
            [416, 0, 4640, 0, 528, 0, 25_664, 650],
            id="mnist-optimizers: 31,898 parameters",
        ),
    ],
)
def test_the_network_is_the_one_of_the_sheet(reference, assignment, shapes, parameters):
    import torch

    model = reference(assignment).build_model().eval()
    rows = []
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.MaxPool2d, torch.nn.Flatten, torch.nn.Linear)):
            module.register_forward_hook(
                lambda made, _inputs, output: rows.append(
                    (tuple(output.shape[1:]), sum(tensor.numel() for tensor in made.parameters()))
                )
            )
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert rows == list(zip(shapes, parameters, strict=True))
    assert sum(tensor.numel() for tensor in model.parameters()) == sum(parameters)


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_the_model_file_needs_nothing_of_ours(assignment):
    imported = set()
    for node in ast.walk(ast.parse((FOLDER / assignment / "model.py").read_text())):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    assert imported == {"torch"}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_every_recipe_has_a_demand_and_stored_weights(reference, weights_folder, assignment):
    of = reference(assignment)
    assert set(of.recipes) == set(of.demands)
    assert {path.stem for path in weights_folder(assignment).glob("*.pth")} <= set(of.recipes)
    assert set(of.recipes) - set(of.networks) <= {path.stem for path in weights_folder(assignment).glob("*.pth")}


@pytest.mark.parametrize(("assignment", "recipe"), WITHOUT_DATA)
def test_the_stored_weights_were_made_by_the_recipe_as_it_stands(reference, results, assignment, recipe):
    assert Recipe.from_json(results(assignment, recipe)["recipe"]) == reference(assignment).recipes[recipe]


@pytest.mark.parametrize(("assignment", "recipe"), WITHOUT_DATA)
def test_every_stored_run_reaches_its_demand(reference, results, assignment, recipe):
    stored = results(assignment, recipe)
    assert len(stored["runs"]) >= 2
    for run in stored["runs"]:
        assert run["correct"] / stored["n"] >= reference(assignment).demands[recipe]
    assert stored["runs"][0]["correct"] == stored["correct"]


@pytest.mark.parametrize(("assignment", "recipe"), WITHOUT_DATA)
def test_the_stored_log_is_that_of_the_stored_results(weights_folder, results, assignment, recipe):
    stored = results(assignment, recipe)
    lines = (weights_folder(assignment) / f"{recipe}.train.jsonl").read_text().splitlines()
    log = [json.loads(line) for line in lines]
    every = stored["recipe"]["log_every_steps"]
    assert log[-1]["test_accuracy"] == stored["accuracy"] == stored["correct"] / stored["n"]
    assert [record["epoch"] for record in log] == sorted(record["epoch"] for record in log)
    assert {record["epoch"] for record in log} == set(range(1, stored["recipe"]["epochs"] + 1))
    if every:
        steps = {record["step"] for record in log}
        assert set(range(every, log[-1]["step"] + 1, every)) <= steps


@pytest.mark.parametrize(("assignment", "recipe"), WITHOUT_DATA)
def test_the_stored_weights_are_small_tensors_of_float32(reference, weights_folder, assignment, recipe):
    import torch

    folder = weights_folder(assignment)
    model = _stored_model(reference(assignment), folder, recipe)
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32}
    assert (folder / f"{recipe}.pth").stat().st_size < 140_000


@pytest.mark.parametrize(("assignment", "recipe"), STORED)
def test_the_stored_weights_give_the_stored_accuracy(reference, weights_folder, results, split, assignment, recipe):
    stored = results(assignment, recipe)
    test_set = split(stored["recipe"]["data_set"], "test")
    found = evaluate(_stored_model(reference(assignment), weights_folder(assignment), recipe), test_set)
    assert (found.correct, found.n) == (stored["correct"], stored["n"])


def test_the_quick_start_trains_to_its_demand(reference, split):
    of = reference("digits")
    made = train(of.build_model, of.recipes["reference"], split("digits", "train"), split("digits", "test"), seed=1)
    assert made.test_accuracy.value >= of.demands["reference"]
