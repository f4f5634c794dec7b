"""The reference hand-ins of the two small assignments lose no point by their rubrics."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.course import load_course
from grader.datasets import status
from grader.mutants.hand_ins import reference_hand_in
from grader.sandbox import level

ROOT = Path(__file__).parents[2]
NEEDS = {
    "mnist-optimizers": {"mnist"},
    "lenet-cifar100": {"mnist", "cifar100_coarse"},
}
WRITTEN = {  # what a person reads, or a person confirms
    "mnist-optimizers": {
        "preprocessing",
        "discussion",
    },
    "lenet-cifar100": {
        "maps-discussion",
        "own-digits-discussion",
        "hyperparameters-discussion",
        "architecture-figure",
        "coarse-discussion",
    },
}


@pytest.mark.data
@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("assignment", "points"),
    [("mnist-optimizers", 16), ("lenet-cifar100", 20)],
)
def test_the_reference_loses_nothing_and_only_prose_waits_for_a_person(tmp_path, assignment, points):
    missing = NEEDS[assignment] - {one.name for one in status() if one.is_present}
    if missing:
        pytest.skip(f"{' and '.join(sorted(missing))} not here: set GRADER_DATA")
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = reference_hand_in(load_course(ROOT), assignment, tmp_path / "reference")
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(ROOT), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    card = json.loads(ran.stdout)
    rules = {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"] if not rule["is_bonus"]}
    assert card["problems"] == []
    assert card["max_points"] == points
    lost = {
        name: rule["findings"]
        for name, rule in rules.items()
        if abs(rule["points"] + rule["open_points"] - rule["max_points"]) > 1e-9
    }
    assert lost == {}
    assert {name for name, rule in rules.items() if rule["open_points"]} == WRITTEN[assignment]
