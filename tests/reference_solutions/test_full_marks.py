"""The reference, handed in with right answers, loses no point by its rubric."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.datasets import status
from grader.sandbox import level

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "reference_solutions" / "mnist-optimizers"

ANSWERS = {
    "layers": [
        {"layer": "conv1", "output": "(16, 16, 24, 24)", "parameters": "(1*5*5+1)*16 = 416"},
        {"layer": "pool1", "output": "(16, 16, 12, 12)", "parameters": 0},
        {"layer": "conv2", "output": "(16, 32, 10, 10)", "parameters": 4640},
        {"layer": "pool2", "output": "(16, 32, 5, 5)", "parameters": 0},
        {"layer": "conv3", "output": "(16, 16, 5, 5)", "parameters": 528},
        {"layer": "fc1", "output": "(16, 64)", "parameters": 25664},
        {"layer": "fc2", "output": "(16, 10)", "parameters": 650},
    ],
    "preprocessing": "Grey images of 28x28 pixels become a tensor with values from 0 to 1.",
    "sgd_accuracy": "97.73%",
    "adam_accuracy": "98.77%",
    "optimizer_discussion": "SGD with momentum and Adam train the same network for the same two epochs. Adam scales "
    "the step of each weight by estimates of its gradient's moments, and ends higher here.",
    "schedule": "The learning rate falls along a cosine to zero.",
    "tuned_accuracy": "99.31%",
}


@pytest.mark.data
@pytest.mark.sandbox
def test_the_reference_loses_nothing_that_a_machine_decides(tmp_path):
    if not next(one for one in status() if one.name == "mnist").is_present:
        pytest.skip("MNIST is not here: set GRADER_DATA")
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path / "reference"
    folder.mkdir()
    shutil.copy(REFERENCE / "model.py", folder)
    shutil.copy(REFERENCE / "weights" / "tuned.pth", folder / "model.pth")
    shutil.copy(REFERENCE / "weights" / "tuned.train.jsonl", folder / "train.jsonl")
    manifest = {"assignment": "mnist-optimizers", "students": [{"id": "reference"}]}
    (folder / "submission.json").write_text(json.dumps(manifest))
    (folder / "answers.json").write_text(json.dumps({"answers": ANSWERS}))
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(ROOT), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    card = json.loads(ran.stdout)
    rules = [rule for task in card["tasks"] for rule in task["rules"] if not rule["is_bonus"]]
    assert card["problems"] == []
    assert {rule["rule"] for rule in rules if rule["points"] < rule["max_points"] and not rule["open_points"]} == set()
    assert sum(rule["points"] + rule["open_points"] for rule in rules) == card["max_points"] == 16
    waits = {rule["rule"] for rule in rules if rule["open_points"]}
    assert waits == {"preprocessing", "sgd-accuracy", "adam-accuracy", "discussion", "schedule"}
