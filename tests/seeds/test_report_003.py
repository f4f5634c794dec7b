"""Report 003 from its folder to its scorecard: real MNIST, the real sandbox, the rubric of the assignment."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader.datasets import status
from grader.sandbox import level

HERE = Path(__file__).parent
COURSE = HERE.parents[1]

pytestmark = [pytest.mark.data, pytest.mark.sandbox, pytest.mark.seeds]


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The scorecard, by the command that a TA runs."""
    if not next(one for one in status() if one.name == "mnist").is_present:
        pytest.skip("MNIST is not here: set GRADER_DATA")
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path_factory.mktemp("hand-in") / "003"
    shutil.copytree(HERE / "003", folder)
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(COURSE), "--json", "--no-cache"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def rules(card):
    return {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}


def rows(rules):
    return [finding for finding in rules["layers"]["findings"] if finding["weight"] > 0]


def test_one_slip_is_charged_once(rules):
    assert [row["credit"] for row in rows(rules)] == [0.5, 1, 1, 1, 1, 1, 1]
    assert (rules["layers"]["points"], rules["layers"]["max_points"]) == (6.5, 7)


def test_row_1_is_the_first_wrong_row_and_the_channel_count_is_the_slip(rules):
    row = rows(rules)[0]
    assert "the first that is wrong" in row["said"]
    assert "6 channels instead of 16" in row["said"]
    assert "the arithmetic is right for 6 channels" in row["said"]
    assert row["expected"] == "(16, 16, 24, 24); 416 parameters"


def test_row_2_follows_from_the_students_own_row(rules):
    assert "follows from your row 1 (from the text: (16, 16, 12, 12))" in rows(rules)[1]["said"]


def test_row_3_has_the_shape_of_the_text_and_the_parameters_of_the_students_row(rules):
    said = rows(rules)[2]["said"]
    assert "the output (16, 32, 10, 10) is right" in said
    assert "the parameters 1,760 follow from your row 1 (from the text: 4,640)" in said


@pytest.mark.parametrize("index", [3, 4, 5, 6])
def test_rows_4_to_7_are_right(rules, index):
    assert f"row {index + 1} " in rows(rules)[index]["said"]
    assert "is right" in rows(rules)[index]["said"]


def test_two_consequences_are_not_charged_again(rules):
    remarks = [f["said"] for f in rules["layers"]["findings"] if f["weight"] == 0]
    assert remarks == ["one slip in row 1, 2 consequences in rows 2 and 3 are not charged again"]


@pytest.mark.parametrize(("rule", "count"), [("sgd-accuracy", "9,401 of 10,000"), ("adam-accuracy", "9,787 of 10,000")])
def test_claims_without_evidence_are_possible_and_wait_for_confirmation(rules, rule, count):
    [finding] = rules[rule]["findings"]
    assert count in finding["said"]
    assert finding["outcome"] == "review"
    assert rules[rule]["open_points"] == rules[rule]["max_points"]


def test_the_tuned_claim_is_confirmed_by_the_checkpoint(rules):
    assert "9,912 of 10,000" in rules["tuned-claim"]["findings"][0]["said"]
    assert "confirmed" in rules["tuned-claim"]["findings"][-1]["said"]
    assert rules["tuned-claim"]["points"] == rules["tuned-claim"]["max_points"]
    assert rules["tuned-accuracy"]["findings"][0]["said"].startswith("9,912 of 10,000 right")
    assert rules["tuned-accuracy"]["findings"][0]["outcome"] == "passed"


def test_two_decimals_fit_a_range_of_counts(rules):
    said = {rule: " | ".join(f["said"] for f in rules[rule]["findings"]) for rule in ("fashion-sgd", "fashion-adam")}
    assert "any of 8,950 to 9,049 of 10,000" in said["fashion-sgd"]
    assert "any of 9,250 to 9,349 of 10,000" in said["fashion-adam"]


@pytest.mark.parametrize("rule", ["discussion", "augmentation"])
def test_what_only_a_person_can_judge_is_left_to_one(rules, rule):
    assert [f["outcome"] for f in rules[rule]["findings"]] == ["review"]
    assert rules[rule]["open_points"] == rules[rule]["max_points"]


def test_the_log_that_was_asked_for_is_missed_by_name(rules):
    assert any("'train.jsonl' was not handed in" in f["said"] for f in rules["weights"]["findings"])


def test_the_card_fits_its_schema(card):
    from grader.documents import schema, validator

    assert list(validator(schema("scorecard")).iter_errors(card)) == []
