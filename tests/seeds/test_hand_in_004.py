"""Report 004 from its folder to its scorecard: LeNet on MNIST, own handwriting, the coarse labels of CIFAR-100.

The report came without weights, code and images. `model.py` is the network that it describes, with max pooling as its
text says. LeNet was trained for two epochs; the weights of the coarse network are the course's own, with noise
added until they reach about what the report claims. The nine digits were drawn by strokes until that LeNet misread the
three that the report's network misread.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.datasets import status
from grader.mutants.packed import unpacked_file
from grader.sandbox import level

HERE = Path(__file__).parent
COURSE = HERE.parents[1]

pytestmark = [pytest.mark.data, pytest.mark.sandbox, pytest.mark.seeds]


def hand_in(folder):
    shutil.copytree(HERE / "004", folder)
    for packed in folder.glob("*.packed.safetensors"):
        (folder / packed.name.replace(".packed.safetensors", ".pth")).write_bytes(unpacked_file(packed))
        packed.unlink()
    return folder


def checked(folder):
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(COURSE), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    missing = {"mnist", "cifar100_coarse"} - {one.name for one in status() if one.is_present}
    if missing:
        pytest.skip(f"{' and '.join(sorted(missing))} not here: set GRADER_DATA")
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    return checked(hand_in(tmp_path_factory.mktemp("hand-in") / "004"))


@pytest.fixture(scope="module")
def rules(card):
    return {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}


def said(rules, rule):
    return " | ".join(finding["said"] for finding in rules[rule]["findings"])


def is_full(rule):
    return rule["points"] == rule["max_points"] and not rule["open_points"]


# --- LeNet on MNIST -------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["train-images", "validation-images", "test-images"])
def test_the_split_is_right(rules, rule):
    assert is_full(rules[rule])


def test_about_97_percent_is_taken_within_a_point_of_what_the_weights_reach(rules):
    assert rules["claimed-accuracy"]["findings"][-1]["outcome"] == "passed"
    assert is_full(rules["claimed-accuracy"])
    assert is_full(rules["accuracy"])


@pytest.mark.parametrize(("row", "shape"), [(0, "6"), (1, "6"), (2, "16")])
def test_the_three_layers_are_right(rules, row, shape):
    finding = [one for one in rules["layers"]["findings"] if one["weight"] > 0][row]
    assert "is right" in finding["said"]
    assert f"({shape}, " in finding["said"]


def test_the_given_network_is_the_one_that_was_built(rules):
    assert is_full(rules["structure"])


def test_the_maps_that_were_only_printed_are_missed_by_name(rules):
    for name in ("conv1", "pool1", "conv2"):
        assert f"'figures/{name}.npy' or 'figures/{name}.png' was not handed in" in said(rules, f"maps-{name}")


# --- handwriting ----------------------------------------------------------------------------------


def test_six_of_nine_own_digits_are_right_and_the_claims_are_confirmed_on_the_images(rules):
    assert is_full(rules["own-digits"])
    assert "6 of 9" in said(rules, "own-digits")


@pytest.mark.usefixtures("card")
def test_a_report_of_seven_would_be_noticed(tmp_path):
    folder = hand_in(tmp_path / "004")
    answers = json.loads((folder / "answers.json").read_text())
    answers["answers"]["own_digits_score"] = "7/9"
    (folder / "answers.json").write_text(json.dumps(answers))
    rules = {rule["rule"]: rule for task in checked(folder)["tasks"] for rule in task["rules"]}
    assert rules["own-digits"]["points"] < rules["own-digits"]["max_points"]


# --- CIFAR-100, coarse labels ---------------------------------------------------------------------


def test_about_41_5_percent_is_confirmed_and_over_40(rules):
    assert rules["coarse-claim"]["findings"][-1]["outcome"] == "passed"
    assert is_full(rules["coarse-claim"])
    assert rules["coarse-reached"]["points"] + rules["coarse-reached"]["open_points"] == 1.5


def test_the_chance_level_of_20_classes_is_5_percent(rules):
    assert is_full(rules["chance"])


def test_max_pooling_in_the_text_and_average_pooling_in_the_caption_are_one_finding_with_both_places(rules):
    found = [one for one in rules["one-description"]["findings"] if "pooling" in one["said"]]
    assert len(found) == 1
    text = json.dumps(found[0])
    assert "max pooling" in text
    assert "average pooling" in text
    assert found[0]["outcome"] == "review"


def test_the_live_network_decides_that_it_is_max_pooling(rules):
    [found] = [one for one in rules["one-description"]["findings"] if "pooling" in one["said"]]
    assert "the network that was handed in has max pooling, as line 6 says" in found["said"]


def test_the_dropout_of_the_text_is_that_of_the_network(rules):
    assert "dropout" not in said(rules, "one-description")


def test_the_training_s_log_is_missed_by_name(rules):
    assert "'coarse.jsonl' was not handed in" in said(rules, "coarse-log")


@pytest.mark.parametrize(
    "rule", ["maps-discussion", "own-digits-discussion", "hyperparameters-discussion", "coarse-discussion"]
)
def test_what_only_a_person_can_judge_is_left_to_one(rules, rule):
    assert [one["outcome"] for one in rules[rule]["findings"]] == ["review"]
    assert rules[rule]["open_points"] == rules[rule]["max_points"]
