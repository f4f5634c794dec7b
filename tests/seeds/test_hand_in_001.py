"""Report 001 by the rubric of its assignment, line by line as worked out by hand; it came without its weights."""

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.seeds]


@pytest.fixture(scope="module")
def rules(graded_hand_in):
    return graded_hand_in("001")


# rule, outcome of the finding that decides, words of it
VERDICTS = [
    ("mnist-claim", "review", "97.05% is 9,705 of 10,000: that is possible"),
    ("state-of-the-art", "review", "99.79%"),
    ("source", "review", "for a person to read"),
    ("mnist-structure", "passed", "all 5 layers have the demanded shapes and parameters"),
    ("mnist-activations", "failed", "behind features.4 (Conv2d) comes functional:flatten, not any_activation"),
    ("mnist-summary", "passed", "the torchsummary print of 8 rows agrees with itself and with your model"),
    ("side-formula", "passed", "floor((W - K + 2*P)/S) + 1 is right"),
    ("fashion-claim", "review", "0.891600112915039 is 8,916 of 10,000"),
    ("fashion-train", "passed", "is no k of 60,000, but 54,468 of 59,968 = 937 batches of 64, the last incomplete"),
    ("fashion-log", "review", "14 to 15 epochs; 15 epochs were asked"),
    ("improved-summary", "passed", "the torchsummary print of 49 rows agrees with itself and with your model"),
    ("improved-claim", "review", "0.9108000755310058 is 9,108 of 10,000"),
    ("better", "review", "no log 'improved.train*' was handed in"),
    ("improvement", "review", "for a person to read"),
    ("pairs-figure", "failed", "was not handed in"),
]


@pytest.mark.parametrize(("rule", "outcome", "words"), VERDICTS, ids=[verdict[0] for verdict in VERDICTS])
def test_a_line_of_the_report_has_the_verdict_that_was_worked_out(rules, rule, outcome, words):
    first = next(finding for finding in rules[rule]["findings"] if finding["weight"] > 0)
    assert (first["outcome"], words in first["said"]) == (outcome, True), first["said"]


def test_the_working_of_the_error_rate_holds(rules):
    assert not any("is not" in finding["said"] for finding in rules["state-of-the-art"]["findings"])


def test_a_figure_of_pairs_goes_to_a_person(graded_hand_in, pairs_figure):
    found = graded_hand_in("001", files={"figures/pairs.jpg": pairs_figure})["pairs-figure"]
    assert found["open_points"] == found["max_points"] == 2.5


def test_another_count_in_the_damaged_print_of_49_rows_is_found(graded_hand_in):
    found = graded_hand_in("001", in_file=("summaries/improved.md", "1,180,160", "1,180,260"))["improved-summary"]
    assert found["points"] + found["open_points"] < found["max_points"]
