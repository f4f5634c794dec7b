from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from grader.errors import CourseError
from grader.training import load_reference
from grader.training.__main__ import main

pytestmark = pytest.mark.torch


def _run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_the_command_writes_weights_log_and_results(reference_folder, tmp_path):
    import torch

    out = tmp_path / "out"
    ended = _run(reference_folder, "quick", "--seed", 3, "--runs", 2, "--out", out)
    assert ended.exit_code == 0, ended.output
    results = json.loads((out / "quick.results.json").read_text())
    weights = torch.load(out / "quick.pth", weights_only=True)
    log = [json.loads(line) for line in (out / "quick.train.jsonl").read_text().splitlines()]
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {"1.weight": (10, 784), "1.bias": (10,)}
    assert results["accuracy"] == results["correct"] / results["n"] == log[-1]["test_accuracy"]
    assert [run["seed"] for run in results["runs"]] == [3, 4]
    assert (results["n"], results["seed"], results["device"], results["threads"]) == (360, 3, "cpu", 1)
    assert results["command"].endswith("quick --seed 3 --runs 2 --threads 1")
    for word in ("(of 360)", "seed 3", "torch", "numpy", "cpu"):
        assert word.strip("()") in ended.output


def test_the_weights_are_the_same_bytes_when_the_command_is_repeated(reference_folder, tmp_path):
    for name in ("a", "b"):
        _run(reference_folder, "quick", "--out", tmp_path / name)
    assert (tmp_path / "a/quick.pth").read_bytes() == (tmp_path / "b/quick.pth").read_bytes()
    assert (tmp_path / "a/quick.train.jsonl").read_bytes() == (tmp_path / "b/quick.train.jsonl").read_bytes()


def test_without_a_folder_the_results_lie_beside_the_recipe(reference_folder):
    _run(reference_folder, "quick")
    assert (reference_folder / "weights" / "quick.pth").is_file()


def test_an_unknown_recipe_gets_the_list(reference_folder):
    ended = _run(reference_folder, "none")
    assert ended.exit_code == 3
    assert "there is no recipe 'none'" in ended.output
    assert "fix: known: absent, quick" in ended.output
    assert "fix: did you mean 'quick'?" in _run(reference_folder, "quik").output


def test_a_missing_data_set_ends_with_the_remedy(reference_folder, tmp_path):
    ended = _run(reference_folder, "absent", "--data", tmp_path)
    assert ended.exit_code == 5
    assert "export GRADER_DATA=" in ended.output


@pytest.mark.parametrize("name", ["model.py", "recipes.py"])
def test_a_folder_that_is_no_reference_names_the_file_that_it_lacks(reference_folder: Path, name):
    (reference_folder / name).unlink()
    with pytest.raises(CourseError, match=name):
        load_reference(reference_folder)


def test_a_model_file_without_build_model_is_named(reference_folder):
    (reference_folder / "model.py").write_text("Net = 1\n")
    with pytest.raises(CourseError, match="build_model is missing"):
        load_reference(reference_folder)
