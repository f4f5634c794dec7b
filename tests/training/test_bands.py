"""A band is what several seeds came to: its numbers follow from its runs, and it belongs to one recipe and device."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from grader.documents import schema, validator
from grader.errors import MachineError
from grader.training import Recipe
from grader.training.bands import band_of, banded, is_of
from grader.training.reference import Recipes

RECIPE = Recipe(data_set="digits", optimizer="sgd", learning_rate=0.1, epochs=2, batch_size=64)


@pytest.fixture
def recipes(tmp_path) -> Recipes:
    return Recipes(tmp_path, {"quick": RECIPE}, {"quick": 0.5})


def _result(seed: int = 0, correct: int = 300, device: str = "cpu", **more) -> dict:
    made = {
        "seed": seed,
        "correct": correct,
        "n": 360,
        "seconds": 1.25,
        "cpu_seconds": 1.0,
        "day": f"2026-11-2{seed}",
        "device": device,
        "threads": 1,
        "precision": "float32",
    }
    made |= {"versions": {"torch": "2.13"}, "data": {"train": "0" * 64, "test": "1" * 64, "edition": ""}}
    return made | {"parameters": 7850, "weights": "2" * 64, "log": []} | more


def _banded(recipes: Recipes, results: list, known=None) -> dict:
    return banded(recipes, "quick", results, command="grader reference calibrate", known=known)


def test_the_numbers_are_those_of_numpy(recipes):
    counts = [300, 310, 290, 305]
    [band] = _banded(recipes, [_result(seed, count) for seed, count in enumerate(counts)])["bands"]
    values = np.array(counts) / 360
    assert band["mean"] == pytest.approx(values.mean())
    assert band["sd"] == pytest.approx(values.std(ddof=1))
    assert (band["min"], band["max"]) == (290 / 360, 310 / 360)
    assert (band["n"], band["seconds"], [run["correct"] for run in band["runs"]]) == (360, 1.2, counts)


def test_of_images_that_a_network_makes_the_unit_is_decibel(recipes):
    results = [{**_result(seed), "mae": 0.1, "mse": 10 ** -(2 + seed)} for seed in range(2)]
    for result in results:
        del result["correct"]
    document = _banded(recipes, results)
    [band] = document["bands"]
    assert document["metric"] == "psnr_db"
    assert (band["min"], band["max"]) == (20, 30)
    assert band["mean"] == pytest.approx(25)
    assert band["sd"] == pytest.approx(math.sqrt(50))


@pytest.mark.parametrize("count", [1, 3])
def test_a_document_fits_the_published_form(recipes, count):
    document = _banded(recipes, [_result(seed) for seed in range(count)])
    assert list(validator(schema("band")).iter_errors(document)) == []
    assert (document["bands"][0]["sd"] is None) == (count == 1)


def test_runs_are_listed_by_seed_in_whatever_order_they_arrive(recipes):
    [band] = _banded(recipes, [_result(2), _result(0), _result(1)])["bands"]
    assert [run["seed"] for run in band["runs"]] == [0, 1, 2]


def test_bands_of_other_devices_stay_and_that_of_the_same_is_replaced(recipes):
    card = _banded(recipes, [_result(device="cuda NVIDIA H200", correct=350)])
    both = _banded(recipes, [_result(correct=301)], card)
    assert [(band["device"], band["runs"][0]["correct"]) for band in both["bands"]] == [
        ("cpu", 301),
        ("cuda NVIDIA H200", 350),
    ]
    again = _banded(recipes, [_result(correct=302)], both)
    assert [band["runs"][0]["correct"] for band in again["bands"]] == [302, 350]


def test_a_band_of_another_recipe_does_not_stay(recipes):
    card = _banded(recipes, [_result(device="cuda NVIDIA H200")])
    other = replace(recipes, recipes={"quick": replace(RECIPE, epochs=3)})
    assert [band["device"] for band in _banded(other, [_result()], card)["bands"]] == ["cpu"]


def test_a_band_of_a_network_of_another_size_does_not_stay(recipes):
    card = _banded(recipes, [_result(device="cuda NVIDIA H200", parameters=8000)])
    assert [band["device"] for band in _banded(recipes, [_result()], card)["bands"]] == ["cpu"]


def test_runs_on_different_devices_are_different_bands(recipes):
    document = _banded(recipes, [_result(0), _result(1, device="mps")])
    assert [(band["device"], len(band["runs"])) for band in document["bands"]] == [("cpu", 1), ("mps", 1)]


@pytest.mark.parametrize("more", [{"threads": 2}, {"versions": {"torch": "2.14"}}, {"n": 300}], ids=str)
def test_runs_that_differ_in_more_than_the_seed_are_no_band(more):
    with pytest.raises(MachineError, match="use machines that are alike"):
        band_of([_result(0), _result(1, **more)], command="x")


def test_a_setting_that_recipes_have_gained_since_makes_a_band_no_other(recipes):
    document = _banded(recipes, [_result()])
    assert is_of(document, recipes)
    del document["recipe"]["label_smoothing"]
    assert is_of(document, recipes)


@pytest.mark.parametrize("change", [{"epochs": 3}, {"no_such": 1}, {"optimizer": "lion"}], ids=str)
def test_a_band_of_another_recipe_is_not_current(recipes, change):
    document = _banded(recipes, [_result()])
    document["recipe"] |= change
    assert not is_of(document, recipes)


def test_a_band_of_another_network_is_not_current(recipes):
    document = _banded(recipes, [_result()])
    assert not is_of(document, replace(recipes, networks={"quick": "model:build_wide"}))


def test_a_band_is_of_the_day_of_its_last_run_and_not_of_the_day_it_is_written(recipes):
    """Runs that were done earlier are found again and not done again."""
    assert _banded(recipes, [_result(2), _result(0)])["bands"][0]["made"] == "2026-11-22"
