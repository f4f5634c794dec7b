"""What the rubric of mnist-fashion accepts where its sheet leaves something open, and what a student starts from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import level
from tests.once import once

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


READINGS = {
    "output padding and one filter": six_layers(output_padding=1, filters=1),
    "16 filters": six_layers(output_padding=1, filters=16, last=".mean(1, keepdim=True)"),
    "literally": six_layers(output_padding=0, filters=16),
}
OTHERS = {
    "a layer dropped": ("nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),", ""),
    "another stride": ("nn.Conv2d(1, 16, 3, stride=2", "nn.Conv2d(1, 16, 3, stride=1"),
}


def other_layers(old, new):
    assert old in ENCODER
    return six_layers(output_padding=1, filters=1, encoder=ENCODER.replace(old, new))


def models():
    """Every model.py that is handed in here, by name."""
    template = (ROOT / "submissions_template" / "mnist-fashion" / "model.py").read_text()
    return READINGS | {name: other_layers(*words) for name, words in OTHERS.items()} | {"the template": template}


@pytest.fixture
def graded(tmp_path):
    """The rules of each hand-in's scorecard by their ids: one class, which no data set is needed for."""
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    return once("six layers", lambda: {name: by_rule(card) for name, card in cards_of(tmp_path / "class")})


def cards_of(folder):
    for number, model in enumerate(models().values()):
        hand_in = folder / str(number)
        hand_in.mkdir(parents=True)
        (hand_in / "model.py").write_text(model)
        student = {"assignment": "mnist-fashion", "students": [{"id": f"s{number}"}]}
        (hand_in / "submission.json").write_text(json.dumps(student))
        (hand_in / "answers.json").write_text(json.dumps({"answers": {}}))
    cards = {card["submission"]: card for card in printed("run-all", folder)}
    return [(name, cards[str(number)]) for number, name in enumerate(models())]


def printed(command, folder):
    words = [sys.executable, "-m", "grader", command, str(folder), "--course", str(ROOT), "--json"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def by_rule(card):
    return {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}


@pytest.mark.parametrize("name", READINGS)
def test_each_reading_of_the_six_layers_has_the_points_of_the_structure(graded, name):
    found = graded[name]["denoiser-structure"]
    assert found["points"] == found["max_points"] == 1, found["findings"]


@pytest.mark.parametrize("name", OTHERS)
def test_other_layers_lose_the_points_of_the_structure(graded, name):
    assert graded[name]["denoiser-structure"]["points"] == 0


def test_the_softmax_of_the_template_and_a_missing_activation_are_found(graded):
    rules = graded["the template"]
    assert rules["mnist-activations"]["points"] < rules["mnist-activations"]["max_points"]
    assert any("Softmax" in finding["said"] for finding in rules["mnist-activations"]["findings"])


def test_what_a_student_starts_from_earns_nothing_and_names_every_file_and_answer(tmp_path):
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path / "mine"
    command = [sys.executable, "-m", "grader", "init", "mnist-fashion", str(folder), "--course", str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    rules = by_rule(printed("check", folder))
    earned = {name: rule["points"] for name, rule in rules.items() if rule["points"]}
    assert set(earned) <= {"mnist-activations"}  # half of it: the one convolution has its activation
    told = json.dumps(rules)
    answers = json.loads((folder / "answers.json").read_text())["answers"]
    files = ("mnist", "fashion", "improved", "denoiser", "denoiser_skip")
    answers.pop("picture_predictions")  # without the images of MNIST that rule says so, and no more
    wanted = [*answers, *(f"{name}.pth" for name in files), "predict.py", "noisy.py", "figures/pairs.jpg"]
    assert [name for name in wanted if name not in told] == []
