"""A printed summary is believed as far as it can be recomputed, and what cannot be read costs nobody a point."""

import pytest

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Outcome

LENET = """\
# Report

----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1            [-1, 8, 24, 24]             208
              ReLU-2            [-1, 8, 24, 24]               0
         MaxPool2d-3            [-1, 8, 12, 12]               0
            Conv2d-4           [-1, 16, 10, 10]           1,168
              ReLU-5           [-1, 16, 10, 10]               0
         MaxPool2d-6             [-1, 16, 5, 5]               0
            Linear-7                   [-1, 32]          12,832
              ReLU-8                   [-1, 32]               0
            Linear-9                   [-1, 10]             330
================================================================
Total params: 14,538
Trainable params: 14,538
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.00
Forward/backward pass size (MB): 0.11
Params size (MB): 0.06
Estimated Total Size (MB): 0.17
----------------------------------------------------------------
"""
NETWORK = {
    "input": [1, 28, 28],
    "layers": [
        {"kind": "conv2d", "out_channels": 8, "kernel": 5},
        {"kind": "relu"},
        {"kind": "max_pool2d", "kernel": 2},
        {"kind": "conv2d", "out_channels": 16, "kernel": 3},
        {"kind": "relu"},
        {"kind": "max_pool2d", "kernel": 2},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 32},
        {"kind": "relu"},
        {"kind": "linear", "out_features": 10},
    ],
}


@pytest.fixture
def judge(make_rule, hand_in):
    def run(text, *, files=None, **settings):
        kind = all_checks()["model-summary"]
        settings = {"report": "report.md", **settings}
        rule = make_rule("model-summary", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        assert not list(kind.lint(rule))
        submission = hand_in(files={"report.md": text} if files is None else files)
        assert not list(kind.needs(rule, submission))
        return run_check(kind, rule, submission, {})

    return run


def deciding(findings):
    [one] = [finding for finding in findings if finding.weight > 0]
    return one


def test_an_honest_print_passes(judge):
    found = deciding(judge(LENET))
    assert found.outcome is Outcome.PASSED
    assert found.said == "the torchsummary print of 9 rows agrees with itself"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param("1,168", "1,186", 9, id="digits swapped in a count"),
        pytest.param("[-1, 16, 10, 10]           1,168", "[-1, 32, 10, 10]           1,168", 9, id="other channels"),
        pytest.param("Total params: 14,538", "Total params: 14,583", 16, id="another total"),
        pytest.param("pass size (MB): 0.11", "pass size (MB): 0.17", 21, id="other megabytes"),
    ],
)
def test_a_changed_number_fails_on_its_line(judge, old, new, line):
    found = deciding(judge(LENET.replace(old, new)))
    assert (found.outcome, found.place.line) == (Outcome.FAILED, line)
    assert found.fix


def test_a_share_of_the_rows_is_kept_where_the_rubric_says_so(judge):
    found = deciding(judge(LENET.replace("12,832", "12,382"), credit="share"))
    assert found.outcome is Outcome.PARTIAL
    assert found.credit == 1 - 1 / 16 or float(found.credit) == pytest.approx(15 / 16)


def test_a_report_without_a_print_goes_to_a_person(judge):
    found = deciding(judge("The summary is in figure 3.\n"))
    assert (found.outcome, found.code) == (Outcome.REVIEW, "no-summary")


def test_a_line_that_cannot_be_read_goes_to_a_person_with_its_line(judge):
    found = deciding(judge(LENET.replace("[-1, 16, 10, 10]           1,168", "[-1, 16, 1O, 10]           1,168")))
    assert (found.outcome, found.place.line) == (Outcome.REVIEW, 9)


def test_a_missing_report_is_named_with_the_one_that_is_there(judge):
    found = deciding(judge("", files={"Report.md": LENET}))
    assert found.outcome is Outcome.FAILED
    assert "'Report.md' was" in found.said


def test_a_file_that_is_no_text_goes_to_a_person(judge):
    found = judge(None, files={"report.md": b"%PDF-1.7 ..."})
    assert {finding.outcome for finding in found} == {Outcome.REVIEW}


def test_tables_made_by_hand_count_only_where_they_are_asked_for(judge):
    table = "| Layer | Output | Params |\n|---|---|---|\n| Conv2d | 8x24x24 | 208 |\n| MaxPool2d | 8x12x12 | 0 |\n"
    assert deciding(judge(table)).code == "no-summary"


def test_a_print_is_held_against_the_network_of_the_task(judge):
    assert deciding(judge(LENET, network=NETWORK)).outcome is Outcome.PASSED
    other = {**NETWORK, "layers": [{**NETWORK["layers"][0], "kernel": 3}, *NETWORK["layers"][1:]]}
    found = deciding(judge(LENET, network=other))
    assert (found.outcome, found.place.line) == (Outcome.FAILED, 6)


def test_a_print_is_held_against_the_live_model(make_rule, hand_in, model, done, student_fault):
    from grader.checks.model_summary import described

    kind = all_checks()["model-summary"]
    rule = make_rule("model-summary", report="report.md", model=model)
    submission = hand_in(files={"report.md": LENET, "model.py": "x"})
    [job] = kind.needs(rule, submission)
    alike = run_check(kind, rule, submission, {job: done(described(NETWORK))})
    assert deciding(alike).outcome is Outcome.PASSED
    broken = run_check(kind, rule, submission, {job: student_fault})
    assert [finding.code for finding in broken if finding.outcome is Outcome.FAILED] == ["build-raised"]
    without = hand_in(files={"report.md": LENET})
    assert not list(kind.needs(rule, without))
    assert "no-model" in [finding.code for finding in run_check(kind, rule, without, {})]
