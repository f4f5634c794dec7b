"""Report 000 by the rubric of its assignment, line by line as worked out by hand; it came without its weights."""

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.seeds]


@pytest.fixture(scope="module")
def rules(graded_hand_in):
    return graded_hand_in("000")


# rule, outcome of the finding that decides, words of it
VERDICTS = [
    ("mnist-claim", "review", "98.92 is 9,892 of 10,000: that is possible, and needs 'mnist.pth' to be confirmed"),
    ("state-of-the-art", "review", "99.84"),
    ("source", "review", "for a person to read"),
    ("mnist-structure", "passed", "all 5 layers have the demanded shapes and parameters"),
    ("mnist-activations", "passed", "follows each of the 3 conv2d"),
    ("mnist-summary", "passed", "the torchsummary print of 9 rows agrees with itself and with your model"),
    ("conv-shape", "review", "line 1 gives the width as floor(C/2), line 2 as ceil(T/2)"),
    ("fashion-claim", "review", "92.07 is 9,207 of 10,000: that is possible, and needs 'fashion.pth' to be confirmed"),
]


@pytest.mark.parametrize(("rule", "outcome", "words"), VERDICTS, ids=[verdict[0] for verdict in VERDICTS])
def test_a_line_of_the_report_has_the_verdict_that_was_worked_out(rules, rule, outcome, words):
    first = next(finding for finding in rules[rule]["findings"] if finding["weight"] > 0)
    assert (first["outcome"], words in first["said"]) == (outcome, True), first["said"]


def test_the_shape_that_the_answer_ends_on_is_wrong_first_at_3_and_right_for_padding_1(rules):
    said = [finding["said"] for finding in rules["conv-shape"]["findings"][1:]]
    assert any("ceil(T/2) is wrong: T = 3 gives 1, not 2; it would be right for padding 1" in one for one in said)
    assert any("the channels in front" in one or "no size gives" in one for one in said)


def test_a_contradiction_takes_no_point_before_a_person_has_looked(rules):
    assert rules["conv-shape"]["open_points"] == rules["conv-shape"]["max_points"] == 0.75


def test_the_final_shape_alone_is_wrong(graded_hand_in):
    found = graded_hand_in("000", conv_shape="[B, T, ceil(T/2), ceil(T/2)]")["conv-shape"]
    assert found["points"] < found["max_points"]
    assert any("T = 3 gives 1, not 2" in finding["said"] for finding in found["findings"])


@pytest.mark.parametrize(
    "right", ["[B, floor((T-3)/2)+1, floor((T-3)/2)+1, C']", "[B, floor((T-1)/2), floor((T-1)/2), C_out]"]
)
def test_both_writings_of_the_right_shape_have_full_marks(graded_hand_in, right):
    found = graded_hand_in("000", conv_shape=right)["conv-shape"]
    assert found["points"] == found["max_points"]


@pytest.mark.parametrize("change", [("6,444,170", "6,444,160"), ("1.15", "1.25"), ("9,248", "9,148")])
def test_a_number_of_the_summary_that_cannot_be_right_is_found(graded_hand_in, change):
    found = graded_hand_in("000", in_file=("summaries/mnist.txt", *change))["mnist-summary"]
    assert found["points"] + found["open_points"] < found["max_points"]
