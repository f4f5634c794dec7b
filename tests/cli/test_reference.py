"""`grader reference`: what a teacher types to see, train and measure the course's own networks."""

from __future__ import annotations

import json
import shutil

import pytest

from grader.documents import schema, validator
from tests.once import once

pytestmark = pytest.mark.torch

MODEL = "from torch import nn\n\n\ndef build_model():\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
RECIPES = """\
from grader.training.recipe import Recipe

plain = dict(optimizer="sgd", learning_rate=0.1, batch_size=64, epochs=2)
RECIPES = {
    "quick": Recipe(data_set="digits", **plain),
    "hard": Recipe(data_set="digits", **plain),
    "absent": Recipe(data_set="mnist", **plain),
}
DEMANDS = {"quick": 0.5, "hard": 0.999}
"""
BAND = "reference_solutions/demo/bands/quick.json"


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "course"
    (folder / "rubrics").mkdir(parents=True)
    (folder / "grader.toml").write_text('name = "c"\n[data]\nroot = "nowhere"\n')
    demo = folder / "reference_solutions" / "demo"
    demo.mkdir(parents=True)
    (demo / "model.py").write_text(MODEL)
    (demo / "recipes.py").write_text(RECIPES)
    return folder


@pytest.fixture
def measured(reference, course):
    """That course once `quick` has been measured with two seeds at once; what the command wrote."""

    def measure():
        ran = reference("calibrate", "demo", "quick", "--runs", "2", "--jobs", "2")
        return {"out": ran.stdout, "err": ran.stderr, "band": (course / BAND).read_text()}

    made = once("measured", measure)
    (course / BAND).parent.mkdir(exist_ok=True)
    (course / BAND).write_text(made["band"])
    return made


@pytest.fixture
def reference(grader, course, tmp_path, monkeypatch):
    """Run `grader reference` in that course, on the CPU, with a cache of its own."""
    monkeypatch.delenv("GRADER_DATA", raising=False)
    env = {"GRADER_DEVICE": "cpu", "GRADER_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    return lambda *words, code=0: grader("reference", *words, "--course", course, code=code, env=env)


def test_what_was_not_measured_is_listed_with_the_command_that_does(reference):
    ran = reference("list")
    assert ran.stdout.count("not measured") == 3
    assert "grader reference calibrate demo quick --runs 5" in ran.stdout
    assert "7,850" in ran.stdout
    assert "99.90%" in ran.stdout


def test_calibrate_writes_the_band_and_list_shows_it(reference, measured):
    document = json.loads(measured["band"])
    assert list(validator(schema("band")).iter_errors(document)) == []
    [band] = document["bands"]
    assert [run["seed"] for run in band["runs"]] == [0, 1]
    assert band["command"] == "grader reference calibrate demo quick --runs 2 --threads 1"
    assert "met by every run" in measured["out"]
    assert "(2 of 2)" in measured["err"]
    shown = reference("list").stdout
    assert f"{band['mean']:.2%}" in shown
    assert shown.count("not measured") == 2


def test_what_is_printed_as_json_fits_the_published_forms(reference, course):
    made = json.loads(reference("calibrate", "demo", "quick", "--runs", "1", "--jobs", "1", "--json").stdout)
    assert list(validator(schema("bands")).iter_errors(made)) == []
    assert [list(validator(schema("band")).iter_errors(one)) for one in made] == [[]]
    rows = json.loads(reference("list", "--json").stdout)
    assert list(validator(schema("references")).iter_errors(rows)) == []
    assert [len(row["bands"]) for row in rows] == [1, 0, 0]
    out = course / "out"
    trained = json.loads(reference("train", "demo", "quick", "--out", out, "--json").stdout)
    assert list(validator(schema("trained")).iter_errors(trained)) == []
    assert trained == json.loads((out / "quick.results.json").read_text())


def test_a_seed_of_a_band_is_the_seed_of_a_training(reference, measured, course):
    [band] = json.loads(measured["band"])["bands"]
    made = json.loads(reference("train", "demo", "quick", "--seed", "1", "--out", course / "out", "--json").stdout)
    assert made["correct"] == band["runs"][1]["correct"]
    assert made["seed"] == 1


def test_a_demand_that_is_missed_is_said(reference):
    assert "MISSED by 2 of 2 runs" in reference("calibrate", "demo", "hard", "--runs", "2", "--jobs", "1").stdout


def test_all_that_can_be_measured_is_and_what_cannot_is_told_at_the_end(reference, course):
    ran = reference("calibrate", "--runs", "1", "--jobs", "1", code=5)
    bands = course / "reference_solutions/demo/bands"
    assert sorted(path.name for path in bands.iterdir()) == ["hard.json", "quick.json"]
    assert "data set mnist" in ran.stderr
    assert "export GRADER_DATA=" in ran.stderr


def test_a_network_that_breaks_stops_no_other(reference, course):
    recipes = course / "reference_solutions/demo/recipes.py"
    recipes.write_text(RECIPES.replace('"mnist"', '"digits"') + 'NETWORKS = {"hard": "model:build_none"}\n')
    ran = reference("calibrate", "demo", "--runs", "1", "--jobs", "1", code=5)
    assert "demo hard seed 0, " in ran.stderr
    assert "build_none is missing" in ran.stderr
    assert "demo quick" in ran.stdout


def test_training_until_the_demand_stops_there(reference, course):
    recipes = course / "reference_solutions/demo/recipes.py"
    recipes.write_text(RECIPES.replace("epochs=2", "epochs=500"))
    made = json.loads(reference("train", "demo", "quick", "--until-demand", "--out", course / "out", "--json").stdout)
    log = (course / "out/quick.train.jsonl").read_text().splitlines()
    assert 1 <= len(log) < 10
    assert 0.5 <= made["accuracy"] == json.loads(log[-1])["test_accuracy"]
    assert all(json.loads(line)["test_accuracy"] < 0.5 for line in log[:-1])


@pytest.mark.parametrize(
    ("words", "code", "told", "fix"),
    [
        pytest.param("train demo quik", 3, "there is no recipe 'quik'", "did you mean 'quick'?", id="network"),
        pytest.param("calibrate demo quik", 3, "there is no recipe 'quik'", "did you mean 'quick'?", id="calibrate"),
        pytest.param("train dem quick", 3, "'dem' has no reference solution", "did you mean 'demo'?", id="assignment"),
        pytest.param("train demo absent", 5, "data set mnist", "export GRADER_DATA=", id="train without the data"),
        pytest.param("calibrate demo absent", 5, "data set mnist", "export GRADER_DATA=", id="no data set"),
        pytest.param("train demo absent --until-demand", 3, "nothing is demanded of", "add 'absent'", id="no demand"),
        pytest.param("train demo hard --until-demand --out x", 5, "99.90%", "more epochs", id="a demand out of reach"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_with_the_remedy(reference, monkeypatch, tmp_path, words, code, told, fix):
    monkeypatch.chdir(tmp_path)
    said = reference(*words.replace("x", str(tmp_path / "x")).split() if "--out" in words else words.split(), code=code)
    assert told in said.stderr
    assert fix in said.stderr


def test_weights_are_refused_by_a_network_that_begins_without(reference, course):
    file = course / "start.pth"
    file.write_bytes(b"x")
    ran = reference("calibrate", "demo", "quick", "--weights", file, code=3)
    assert "build_model begins without weights" in ran.stderr


def test_resnet18_without_weights_says_how_to_get_them(reference, course, monkeypatch):
    from pathlib import Path

    monkeypatch.delenv("GRADER_RESNET18", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(course / "torch"))
    shutil.copytree(
        Path(__file__).parents[2] / "reference_solutions/cifar10", course / "reference_solutions/cifar10",
        ignore=shutil.ignore_patterns("bands", "weights"),
    )  # fmt: skip
    (course / "reference_solutions/cifar10/recipes.py").write_text(
        "from grader.training.recipe import Recipe\n"
        'RECIPES = {"transfer": Recipe(data_set="digits", optimizer="sgd", learning_rate=1, epochs=1, batch_size=9)}\n'
        'DEMANDS = {}\nNETWORKS = {"transfer": "transfer:build_model"}\n'
    )
    ran = reference("calibrate", "cifar10", "transfer", code=5)
    assert "the weights of ResNet18 are not on this machine" in ran.stderr
    assert "export GRADER_RESNET18=FILE" in ran.stderr
    assert "cifar10 transfer" in reference("list").stdout


@pytest.mark.usefixtures("measured")
def test_lint_holds_a_demand_against_the_measured_band(grader, course):
    rule = "{check: accuracy, data: digits, split: test, at_least: 0.99}"
    text = (
        "assignment: demo\ntitle: Demo\nmodels: {net: {input: [1, 28, 28]}}\n"
        f"tasks:\n- {{id: '1', title: One, points: 1, rules: [{rule}]}}\n"
    )
    file = course / "rubrics" / "demo.yaml"
    file.write_text(text)
    [told] = json.loads(grader("rubric", "lint", "--json", "--course", course).stdout)
    assert told["code"] == "warning-too-hard"
    assert "the reference 'quick' itself misses this nearly every time" in told["what"]
    file.write_text(text.replace("0.99", "0.5, reference: quick"))
    assert json.loads(grader("rubric", "lint", "--json", "--course", course).stdout) == []
    file.write_text(text.replace("0.99", "0.5, reference: hard"))
    [told] = json.loads(grader("rubric", "lint", "--json", "--course", course, code=3).stdout)
    assert "grader reference calibrate demo hard" in told["fix"]
