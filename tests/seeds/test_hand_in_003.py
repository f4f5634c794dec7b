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
    return of(card)


def of(card):
    return {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}


def checked(folder):
    """The rules of a hand-in, graded by its answers and logs."""
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(COURSE), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    return of(json.loads(ran.stdout))


def rows(rules, rule):
    return [finding for finding in rules[rule]["findings"] if finding["weight"] > 0]


def said(rules, rule):
    return " | ".join(finding["said"] for finding in rules[rule]["findings"])


# --- the seven layers -----------------------------------------------------------------------------


def test_one_slip_is_charged_once(rules):
    assert [row["credit"] for row in rows(rules, "shapes")] == [0, 1, 1, 1, 1, 1, 1]
    assert (rules["shapes"]["points"], rules["shapes"]["max_points"]) == (3, 3.5)
    assert [row["credit"] for row in rows(rules, "parameters")] == [1] * 7
    assert (rules["parameters"]["points"], rules["parameters"]["max_points"]) == (3.5, 3.5)


def test_row_1_is_the_first_wrong_row_and_the_channel_count_is_the_slip(rules):
    row = rows(rules, "shapes")[0]
    assert "the first that is wrong" in row["said"]
    assert "6 channels instead of 16" in row["said"]
    assert "the arithmetic is right for 6 channels" in row["said"]
    assert row["expected"] == "(16, 16, 24, 24)"
    assert "the parameters 156 belong to the slip" in rows(rules, "parameters")[0]["said"]
    assert "(from the text: 416)" in rows(rules, "parameters")[0]["said"]


def test_row_2_follows_from_the_students_own_row(rules):
    assert "follows from your row 1 (from the text: (16, 16, 12, 12))" in rows(rules, "shapes")[1]["said"]


def test_row_3_has_the_shape_of_the_text_and_the_parameters_of_the_students_row(rules):
    assert rows(rules, "shapes")[2]["said"].endswith("is right: (16, 32, 10, 10)")
    assert "the parameters 1,760 follow from your row 1 (from the text: 4,640)" in rows(rules, "parameters")[2]["said"]


@pytest.mark.parametrize("rule", ["shapes", "parameters"])
@pytest.mark.parametrize("index", [3, 4, 5, 6])
def test_rows_4_to_7_are_right(rules, rule, index):
    assert f"row {index + 1} " in rows(rules, rule)[index]["said"]
    assert "is right" in rows(rules, rule)[index]["said"]


def test_two_consequences_are_not_charged_again(rules):
    remarks = [f["said"] for rule in ("shapes", "parameters") for f in rules[rule]["findings"] if f["weight"] == 0]
    assert remarks == [
        "one slip in row 1, 1 consequence in row 2 is not charged again",
        "one slip in row 1, 1 consequence in row 3 is not charged again",
    ]


# --- the two optimizers ---------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "count"), [("sgd-accuracy", "9,401 of 10,000"), ("adam-accuracy", "9,787 of 10,000")])
def test_the_two_accuracies_are_possible(rules, rule, count):
    assert count in said(rules, rule)
    assert rules[rule]["points"] == rules[rule]["max_points"]


def test_that_adam_is_better_waits_for_logs(rules):
    assert {finding["outcome"] for finding in rules["optimizers"]["findings"]} == {"review"}
    assert "'Adam' is called the best" in said(rules, "optimizers")
    assert rules["optimizers"]["open_points"] == rules["optimizers"]["max_points"]


@pytest.mark.parametrize(
    ("sgd", "adam", "outcome"), [(0.9401, 0.9787, "passed"), (0.9787, 0.9401, "review"), (0.9787, 0.9822, "failed")]
)
def test_logs_confirm_the_order_or_contradict_it(tmp_path, sgd, adam, outcome):
    """Where both results stand in the other's log, the files may have been interchanged: a person looks."""
    for name, value in (("sgd", sgd), ("adam", adam)):
        record = {"epoch": 1, "step": 938, "train_accuracy": 0.9, "test_accuracy": value, "learning_rate": 0.01}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    shutil.copytree(HERE / "003", tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.pth").unlink()
    [found] = [f for f in checked(tmp_path)["optimizers"]["findings"] if f["weight"] > 0]
    assert found["outcome"] == outcome


# --- the tuned network ----------------------------------------------------------------------------


def test_the_tuned_claim_is_confirmed_by_the_checkpoint(rules):
    assert "9,912 of 10,000" in rules["tuned-claim"]["findings"][0]["said"]
    assert "confirmed" in rules["tuned-claim"]["findings"][-1]["said"]
    assert rules["tuned-claim"]["points"] == rules["tuned-claim"]["max_points"]
    assert rules["tuned-accuracy"]["findings"][0]["said"].startswith("9,912 of 10,000 right")
    assert rules["tuned-accuracy"]["findings"][0]["outcome"] == "passed"


def test_the_log_and_the_schedule_that_were_asked_for_are_missed_by_name(rules):
    assert "'train.jsonl' was not handed in" in said(rules, "weights")
    assert "'train.jsonl' was not handed in" in said(rules, "log")
    assert "neither a log nor code shows" in said(rules, "schedule")


# --- the bonus ------------------------------------------------------------------------------------


def test_two_decimals_fit_a_range_of_counts(rules):
    assert "any of 8,950 to 9,049 of 10,000" in said(rules, "plain-accuracy")
    assert "any of 9,250 to 9,349 of 10,000" in said(rules, "augmented-accuracy")
    assert "any of 9,250 to 9,349 of 10,000" in said(rules, "fashion-claim")


def test_the_bonus_misses_its_weights_and_its_logs_by_name(rules):
    assert "'fashion_mnist.pth' was not handed in" in said(rules, "fashion-files")
    assert "was not handed in" in said(rules, "fashion-log")
    assert rules["fashion-claim"]["open_points"] == rules["fashion-claim"]["max_points"]


def test_the_sum_of_the_batches_is_right_and_a_person_compares(rules):
    assert said(rules, "plain-batches").startswith("40 is claimed")
    assert said(rules, "augmented-batches").startswith("110 is claimed")
    assert {f["outcome"] for rule in ("augmentation-runs", "augmentation") for f in rules[rule]["findings"]} == {
        "review"
    }


@pytest.mark.parametrize("rule", ["discussion", "augmentation"])
def test_what_only_a_person_can_judge_is_left_to_one(rules, rule):
    assert [f["outcome"] for f in rules[rule]["findings"]] == ["review"]
    assert rules[rule]["open_points"] == rules[rule]["max_points"]


def test_the_card_fits_its_schema(card):
    from grader.documents import schema, validator

    assert list(validator(schema("scorecard")).iter_errors(card)) == []
