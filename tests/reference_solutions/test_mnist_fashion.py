"""What the rubric of mnist-fashion accepts where its sheet leaves something open, and what a student starts from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import level

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.sandbox, pytest.mark.torch]

HEAD = "from torch import nn\n\n\n"
ENCODER = """
            nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),"""


def six_layers(*, output_padding, filters, last="", encoder=ENCODER):
    """A model.py whose two denoisers have the six layers in one reading of the sheet; `last` makes an image of it."""
    return f"""{HEAD}class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential({encoder}
            nn.ConvTranspose2d(16, 16, 3, stride=2, padding=1, output_padding={output_padding}), nn.ReLU(),
            nn.ConvTranspose2d(16, 16, 3, stride=2, padding=1, output_padding={output_padding}), nn.ReLU(),
            nn.Conv2d(16, {filters}, 3, padding=1),
        )

    def forward(self, images):
        return self.layers(images){last}


def build_denoiser():
    return Denoiser()
"""


@pytest.fixture
def graded(tmp_path):
    """graded(model.py) -> the rules of the scorecard by their ids; no data set is needed."""
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")

    def run(model):
        folder = tmp_path / "hand-in"
        folder.mkdir()
        (folder / "model.py").write_text(model)
        (folder / "submission.json").write_text(json.dumps({"assignment": "mnist-fashion", "students": [{"id": "s1"}]}))
        (folder / "answers.json").write_text(json.dumps({"answers": {}}))
        return rules_of(folder)

    return run


def rules_of(folder):
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(ROOT), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    return {rule["rule"]: rule for task in json.loads(ran.stdout)["tasks"] for rule in task["rules"]}


@pytest.mark.parametrize(
    "reading",
    [
        pytest.param({"output_padding": 1, "filters": 1}, id="output padding and one filter"),
        pytest.param({"output_padding": 1, "filters": 16, "last": ".mean(1, keepdim=True)"}, id="16 filters"),
        pytest.param({"output_padding": 0, "filters": 16}, id="literally"),
    ],
)
def test_each_reading_of_the_six_layers_has_the_points_of_the_structure(graded, reading):
    found = graded(six_layers(**reading))["denoiser-structure"]
    assert found["points"] == found["max_points"] == 1, found["findings"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),", "", id="a layer dropped"),
        pytest.param("nn.Conv2d(1, 16, 3, stride=2", "nn.Conv2d(1, 16, 3, stride=1", id="another stride"),
    ],
)
def test_other_layers_lose_the_points_of_the_structure(graded, old, new):
    assert old in ENCODER
    model = six_layers(output_padding=1, filters=1, encoder=ENCODER.replace(old, new))
    assert graded(model)["denoiser-structure"]["points"] == 0


def test_the_softmax_of_the_template_and_a_missing_activation_are_found(graded):
    template = (ROOT / "submissions_template" / "mnist-fashion" / "model.py").read_text()
    rules = graded(template)
    assert rules["mnist-activations"]["points"] < rules["mnist-activations"]["max_points"]
    assert any("Softmax" in finding["said"] for finding in rules["mnist-activations"]["findings"])


def test_what_a_student_starts_from_earns_nothing_and_names_every_file_and_answer(tmp_path):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path / "mine"
    command = [sys.executable, "-m", "grader", "init", "mnist-fashion", str(folder), "--course", str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    rules = rules_of(folder)
    earned = {name: rule["points"] for name, rule in rules.items() if rule["points"]}
    assert set(earned) <= {"mnist-activations"}  # half of it: the one convolution has its activation
    told = json.dumps(rules)
    answers = json.loads((folder / "answers.json").read_text())["answers"]
    files = ("mnist", "fashion", "improved", "denoiser", "denoiser_skip")
    answers.pop("picture_predictions")  # without the images of MNIST that rule says so, and no more
    wanted = [*answers, *(f"{name}.pth" for name in files), "predict.py", "noisy.py", "figures/pairs.jpg"]
    assert [name for name in wanted if name not in told] == []
