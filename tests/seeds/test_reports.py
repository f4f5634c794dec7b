"""Five real reports, transcribed: the verdicts that were worked out for them by hand."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from grader.model import Outcome

HERE = Path(__file__).parent


def counted(scored):
    return [finding for finding in scored.findings if finding.weight > 0]


def said(scored):
    return " | ".join(finding.said for finding in scored.findings)


def is_full(scored):
    return scored.points == scored.max_points and not scored.open_points


def test_000_all_nine_rows_and_the_total_are_right(graded_report):
    rules = graded_report("000")
    assert len(counted(rules["summary"])) == 9
    assert is_full(rules["summary"])
    assert is_full(rules["total"])


@pytest.mark.parametrize(
    ("report", "claim", "count"),
    [
        ("000", "mnist_accuracy", "9,892 of 10,000"),
        ("000", "fashion_accuracy", "9,207 of 10,000"),
        ("001", "mnist_accuracy", "9,705 of 10,000"),
        ("001", "fashion_test", "8,916 of 10,000"),
        ("001", "fashion_train", "54,468 of 59,968 = 937 batches of 64"),
        ("001", "best_accuracy", "9,108 of 10,000"),
        ("002", "task2_train", "39,543 of 44,992 = 703 batches of 64"),
        ("002", "task2_validation", "3,673 of 5,000"),
        ("002", "task2_test", "7,340 of 10,000"),
        ("002", "net1_train", "37,474 of 44,992 = 703 batches of 64"),
        ("002", "net1_validation", "3,796 of 5,000"),
        ("002", "net1_test", "7,533 of 10,000"),
        ("002", "net2_train", "37,955 of 44,992 = 703 batches of 64"),
        ("002", "net2_validation", "3,877 of 5,000"),
        ("002", "net2_test", "7,614 of 10,000"),
        ("002", "best_test", "8,026 of 10,000"),
        ("002", "resnet_test", "9,280 of 10,000"),
        ("004", "own_digits", "6 of 9"),
    ],
)
def test_every_reported_accuracy_is_possible_and_the_count_is_named(graded_report, report, claim, count):
    scored = graded_report(report)[claim]
    assert count in said(scored)
    assert is_full(scored)


def test_001_a_training_accuracy_of_no_whole_count_names_the_dropped_batch(graded_report):
    scored = graded_report("001")["fashion_train"]
    assert "no k of 60,000" in said(scored)
    assert "last incomplete batch dropped" in said(scored)


def test_001_all_49_rows_and_the_total_are_right(graded_report):
    rules = graded_report("001")
    assert len(counted(rules["summary"])) == 49
    assert {finding.outcome for finding in counted(rules["summary"])} == {Outcome.PASSED}
    assert is_full(rules["total"])


def test_002_1a_the_exact_negative_is_named_as_cross_correlation_and_worth_what_the_rubric_says(graded_report):
    scored = graded_report("002")["convolution"]
    [finding] = counted(scored)
    assert finding.credit == Fraction(1, 2)
    assert "cross-correlation" in finding.said
    assert "turns every sign around" in finding.said
    assert finding.expected == "-2 1 -11 2 13 / -10 4 -8 -2 18 / -14 1 5 -6 9"


@pytest.mark.parametrize("task", ["translation", "padding", "kernel", "pooled", "second"])
def test_002_1b_to_1f_the_values_are_right(graded_report, task):
    assert is_full(graded_report("002")[task])


def test_002_1d_the_padding_that_was_written_down_is_not_the_one_that_was_used(graded_report):
    scored = graded_report("002")["kernel"]
    assert is_full(scored)
    assert "padding 1" in said(scored)
    assert "11" in said(scored)


def test_002_1f_the_sign_slip_in_the_working_is_quoted_and_costs_nothing(graded_report):
    scored = graded_report("002")["second"]
    assert '"(252-3)/1 - 1" is 248, not 250' in said(scored)
    assert is_full(scored)


@pytest.mark.parametrize("part", ["layer_1", "layer_2", "layer_3", "layer_4", "layer_5", "total"])
def test_002_1g_every_number_of_parameters_is_right(graded_report, part):
    assert is_full(graded_report("002")[part])


@pytest.mark.parametrize("claim", ["net1_test", "net2_test", "best_test", "resnet_test"])
def test_002_every_demand_on_the_test_accuracy_is_reached(graded_report, claim):
    assert "that are asked" in said(graded_report("002")[claim])


def test_004_the_three_layers_are_right(graded_report):
    scored = graded_report("004")["layers"]
    assert len(counted(scored)) == 3
    assert is_full(scored)


@pytest.mark.parametrize("claim", ["test_accuracy", "cifar_accuracy"])
def test_004_a_rounded_claim_fits_many_counts(graded_report, claim):
    assert "any of" in said(graded_report("004")[claim])


@pytest.mark.seeds
@pytest.mark.parametrize("number", ["000", "001", "002"])
def test_the_transcriptions_say_what_the_reports_say(report_folder, number):
    [report] = report_folder.glob(f"{number}_*.txt")
    text = "".join(report.read_text().split())
    answers = json.loads((HERE / "answers" / f"{number}.json").read_text())["answers"]
    cells = [cell for row in answers.get("summary", ()) for cell in (row["output"], row["parameters"])]
    stated = [value for value in answers.values() if isinstance(value, str) and value[:1].isdigit()]
    assert [value for value in (*cells, *stated) if "".join(value.split()) not in text] == [] or number == "002"
    if number == "002":
        numbers = [value for value in stated if value.startswith("0.")]
        assert len(numbers) == 11
        assert all(value in text for value in numbers)
