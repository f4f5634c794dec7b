"""The page of the references shows what the band files hold, and the band files hold what follows from their runs."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import pytest

from grader.documents import schema, validator
from grader.reports.references import markdown
from grader.training.bands import listed, value_of
from grader.training.reference import assignments, load_recipes

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
REFERENCES = ROOT / "reference_solutions"
PAGE = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
BANDS = [
    pytest.param(path, id=f"{path.parent.parent.name} {path.stem}")
    for path in sorted(REFERENCES.glob("*/bands/*.json"))
]
# The design's table, section 9, by a list of its own.
DESIGN = {
    "digits": {"reference": None},
    "mnist-fashion": {"mnist": 0.989, "fashion": 0.89, "fashion-wide": 0.92, "denoiser": None, "denoiser-skip": None},
    "cifar10": {"baseline": 0.73, "net1": 0.75, "net2": 0.75, "best": 0.80, "transfer": 0.88},
    "mnist-optimizers": {"sgd": 0.94, "adam": 0.978, "tuned": 0.99, "fashion": 0.90, "fashion-augmented": 0.90},
    "lenet-cifar100": {"lenet": 0.97, "coarse": 0.40},
}


@pytest.fixture(scope="module")
def rows():
    return listed(REFERENCES)


def test_the_tables_of_the_page_are_those_of_the_band_files(rows):
    block = re.search(r"<!-- references -->\n(.*?)\n?<!-- /references -->", PAGE, re.DOTALL)[1]
    assert block == markdown(rows), "renew it: grader reference list --markdown"


@pytest.mark.parametrize("assignment", DESIGN)
def test_every_network_of_the_design_is_there_with_its_demand(rows, assignment):
    demands = {row["network"]: row["demand"] for row in rows if row["assignment"] == assignment}
    for network, demand in DESIGN[assignment].items():
        assert network in demands
        if demand is not None:
            assert demands[network] == demand


def test_every_assignment_with_networks_is_listed(rows):
    assert sorted({row["assignment"] for row in rows}) == list(assignments(REFERENCES))


@pytest.mark.parametrize("path", BANDS)
def test_a_band_fits_the_published_form_and_belongs_to_its_recipe(path, rows):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert list(validator(schema("band")).iter_errors(document)) == []
    recipes = load_recipes(path.parent.parent)
    assert document["recipe_name"] == path.stem in recipes.recipes
    assert document["demand"] == recipes.demands.get(path.stem)
    assert document["parameters"] == recipes.parameters(path.stem)
    [row] = [row for row in rows if (row["assignment"], row["network"]) == (path.parent.parent.name, path.stem)]
    assert row["bands"], "the recipe was changed since: measure it again, or remove the band"


@pytest.mark.parametrize("path", BANDS)
def test_the_numbers_of_a_band_follow_from_its_runs(path):
    for band in json.loads(path.read_text(encoding="utf-8"))["bands"]:
        values = [value_of(run, band["n"]) for run in band["runs"]]
        assert band["mean"] == pytest.approx(statistics.fmean(values), rel=1e-12)
        assert (band["min"], band["max"]) == (min(values), max(values))
        assert len({run["seed"] for run in band["runs"]}) == len(values)
        if len(values) > 1:
            assert band["sd"] == pytest.approx(statistics.stdev(values), rel=1e-9)
        else:
            assert band["sd"] is None


def _row(**more) -> dict:
    row = {"assignment": "a", "network": "n", "parameters": 1_000, "data_set": "cifar10", "metric": "accuracy"}
    return row | {"demand": 0.9, "bands": [], "command": "grader reference calibrate a n --runs 5"} | more


def _band(**more) -> dict:
    band = {"device": "cpu", "threads": 1, "precision": "float32", "versions": {"torch": "2"}, "n": 10_000}
    band |= {"data": {"edition": ""}, "runs": [1, 2], "mean": 0.95, "sd": 0.01, "min": 0.94, "seconds": 2.5}
    return band | {"cpu_seconds": 2.0, "command": "x", "made": "2026-11-21"} | more


def test_a_row_says_what_was_not_measured_and_what_was_missed():
    shown = markdown([_row(), _row(bands=[_band(min=0.89)]), _row(bands=[_band()])]).splitlines()
    assert shown[2] == "| a n | 1,000 | cifar10 | 90.00% | not measured |  |  |  |  |  |"
    assert "89.00%, **missed**" in shown[3]
    assert "missed" not in shown[4]


def test_a_copy_with_other_pixels_is_told_as_such():
    assert "cifar10 (lossy JPEG copy)" in markdown([_row(bands=[_band(data={"edition": "lossy JPEG copy"})])])


def test_every_device_has_a_row_of_its_own():
    shown = markdown([_row(bands=[_band(), _band(device="cuda NVIDIA H200", threads=2)])])
    assert "cpu, 1 thread, float32" in shown
    assert "cuda NVIDIA H200, 2 threads, float32" in shown
    assert shown.count("95.00% ± 1.00%") == 2
