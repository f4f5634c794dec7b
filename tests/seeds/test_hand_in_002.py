"""Report 002 from its folder to its scorecard, by the rubric of the year that it answers, line by line.

It came without code, weights and figures: model.py is what it prints, and stand_ins_002.py says where the weights of
its four networks come from. Those of ResNet18 nobody can stand in for here.
"""

import json
import os
import runpy
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
    torch = pytest.importorskip("torch")
    if not next(one for one in status() if one.name == "cifar10").is_present:
        pytest.skip("CIFAR-10 is not here: set GRADER_DATA")
    if not level().is_isolated:
        pytest.skip(f"no sandbox: {level().reason}")
    folder = tmp_path_factory.mktemp("hand-in") / "002"
    shutil.copytree(HERE / "002", folder)
    made = runpy.run_path(str(HERE / "stand_ins_002.py"))
    for name in made["SHIFTS"]:
        torch.save(made["stand_in"](name), folder / f"{name}.pth")
    command = [sys.executable, "-m", "grader", "check", str(folder), "--course", str(COURSE), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def rules(card):
    return {rule["rule"]: rule for task in card["tasks"] for rule in task["rules"]}


def said(rules, rule):
    return " | ".join(finding["said"] for finding in rules[rule]["findings"])


def is_full(rule):
    return rule["points"] == rule["max_points"] and not rule["open_points"]


# --- Task 1 ---------------------------------------------------------------------------------------


def test_1a_the_exact_negative_is_the_cross_correlation_and_worth_half(rules):
    [finding] = rules["convolution"]["findings"]
    assert "cross-correlation" in finding["said"]
    assert "turns every sign around" in finding["said"]
    assert finding["expected"] == "-2 1 -11 2 13 / -10 4 -8 -2 18 / -14 1 5 -6 9"
    assert rules["convolution"]["points"] == rules["convolution"]["max_points"] / 2


@pytest.mark.parametrize("rule", ["translation", "padding", "kernel", "pooled", "second", "parameters"])
def test_1b_to_1g_are_right(rules, rule):
    assert is_full(rules[rule])


def test_1d_the_padding_in_the_given_line_is_not_the_one_that_was_used(rules):
    assert "padding 1 is written down, the task has padding 0: with padding 1 the kernel would be 11" in said(
        rules, "kernel"
    )


def test_1f_the_sign_slip_in_the_working_is_quoted_and_costs_nothing(rules):
    assert '"(252-3)/1 - 1" is 248, not 250' in said(rules, "second")


@pytest.mark.parametrize("count", ["2,432", "51,264", "204,928", "131,136", "650", "390,410"])
def test_1g_every_count_is_right(rules, count):
    assert count in said(rules, "parameters")


# --- Accuracies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("baseline-train", "39,543 of 44,992 = 703 batches of 64"),
        ("baseline-validation", "3,673 of 5,000"),
        ("baseline-test", "7,340 of 10,000"),
        ("net1-train", "37,474 of 44,992 = 703 batches of 64"),
        ("net1-validation", "3,796 of 5,000"),
        ("net1-test", "7,533 of 10,000"),
        ("net2-train", "37,955 of 44,992 = 703 batches of 64"),
        ("net2-validation", "3,877 of 5,000"),
        ("net2-test", "7,614 of 10,000"),
        ("best-test", "8,026 of 10,000"),
    ],
)
def test_every_accuracy_is_possible_and_its_count_is_named(rules, rule, count):
    assert count in said(rules, rule)
    assert is_full(rules[rule])


def test_the_training_accuracies_tell_that_the_last_batch_was_dropped(rules):
    for rule in ("baseline-train", "net1-train", "net2-train"):
        assert "no k of 45,000" in said(rules, rule)
        assert "the last incomplete batch dropped" in said(rules, rule)


@pytest.mark.parametrize("rule", ["baseline-test", "net1-test", "net2-test", "best-test"])
def test_weights_that_are_as_good_confirm_the_claim(rules, rule):
    assert "confirmed" in rules[rule]["findings"][-1]["said"]


def test_5265_steps_are_the_eighth_epoch_of_703(rules):
    assert "step 5,265 in epoch 7; 45,000 images in batches of 64 are 703 or 704" in said(rules, "baseline-log")
    # What else the sheet wants of a log was not in the report: that waits for a person, and nothing in it is wrong.
    assert {f["outcome"] for f in rules["baseline-log"]["findings"]} == {"review", "passed"}


# --- The two networks, and the best one -----------------------------------------------------------


@pytest.mark.parametrize(("rule", "rows"), [("net1-print", 20), ("net2-print", 18)])
def test_both_prints_are_read_and_agree_with_the_live_networks(rules, rule, rows):
    assert f"of {rows} rows agrees with itself and with your model" in said(rules, rule)
    assert is_full(rules[rule])


@pytest.mark.parametrize(("name", "parameters"), [("net1", 391_006), ("net2", 390_410)])
def test_the_prints_come_to_the_parameters_that_follow_from_them(name, parameters):
    from grader.documents.report_lines import report_lines
    from grader.reading import summaries_in

    printed = report_lines((HERE / "002" / f"{name}.txt").read_text(), name=name)
    [verdict] = summaries_in(printed, sample=(3, 32, 32))
    assert verdict.is_consistent
    assert sum(row.parameters for row in verdict.rows if row.readings) == parameters


def test_network_2_reaches_75_percent_and_network_1_so_narrowly_that_a_person_decides(rules):
    assert is_full(rules["net2-accuracy"])
    [finding] = [f for f in rules["net1-accuracy"]["findings"] if f["weight"] > 0]
    assert finding["outcome"] == "review"
    assert rules["net1-accuracy"]["points"] == rules["net1-accuracy"]["max_points"]  # proposed


def test_the_best_network_reaches_80_percent_so_narrowly_that_a_person_decides(rules):
    [finding] = [f for f in rules["best-accuracy"]["findings"] if f["weight"] > 0]
    assert finding["outcome"] == "review"
    assert "8,026 of 10,000" in finding["said"]
    assert rules["best-accuracy"]["points"] == rules["best-accuracy"]["max_points"]  # proposed


# --- Fine-tuning, texts, figures ------------------------------------------------------------------


def test_the_accuracy_of_resnet18_is_possible_and_waits_for_its_weights(rules):
    assert "9,280 of 10,000" in said(rules, "transfer-test")
    assert rules["transfer-test"]["findings"][0]["outcome"] == "review"


@pytest.mark.parametrize(
    "rule",
    ["boundary", "net1-settings", "net2-settings", "tricks", "trick", "fitting", "transfer-settings", "interpretation"],
)
def test_what_only_a_person_can_judge_is_left_to_one(rules, rule):
    assert rules[rule]["findings"][0]["outcome"] == "review"
    assert rules[rule]["open_points"] == rules[rule]["max_points"]


@pytest.mark.parametrize("rule", ["filters", "activations", "last-activations"])
def test_the_figures_of_the_zebra_are_missed_by_name(rules, rule):
    assert "not handed in" in said(rules, rule)
