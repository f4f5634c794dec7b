"""Two numbers for one thing are both named, with their places, and a person decides which is true."""

import pytest

from grader.checks import all_checks, run_check
from grader.documents import validator
from grader.model import Outcome

ABOUT = {"test_accuracy": {"metric": "accuracy", "split": "test"}}


@pytest.fixture
def judge(make_rule, hand_in):
    def run(report, given=None, *, files=None, **settings):
        kind = all_checks()["report-agreement"]
        settings = {"report": "report.md", **settings}
        rule = make_rule("report-agreement", **settings)
        assert not list(validator(kind.settings_schema).iter_errors(settings))
        submission = hand_in(given or {}, files={"report.md": report, **(files or {})})
        findings = run_check(kind, rule, submission, {})
        [one] = [finding for finding in findings if finding.weight > 0]
        return one

    return run


def test_an_answer_that_the_report_contradicts_goes_to_a_person_with_both_places(judge):
    found = judge("# Task 1\n\nThe test accuracy is 98.92%.\n", {"test_accuracy": "98.29"}, answers=ABOUT)
    assert found.outcome is Outcome.REVIEW
    assert found.said == ("test_accuracy: report.md says 98.92% (test accuracy) on line 3, answers.json says 98.29")


@pytest.mark.parametrize("answer", ["98.92", "98.92 %", 0.9892, "0.98919999599"])
def test_rounding_is_no_contradiction(judge, answer):
    found = judge("The test accuracy is 98.92%.\n", {"test_accuracy": answer}, answers=ABOUT)
    assert found.outcome is Outcome.PASSED


def test_one_of_several_statements_is_enough(judge):
    report = "Baseline: the test accuracy is 97.1%.\n\nTuned: the test accuracy is 98.92%.\n"
    assert judge(report, {"test_accuracy": "98.92"}, answers=ABOUT).outcome is Outcome.PASSED


def test_a_log_that_says_otherwise_is_named(judge):
    found = judge("The test accuracy is 98.92%.\n", files={"train.log": "Test accuracy: 0.9529\n"}, logs=["*.log"])
    assert found.outcome is Outcome.REVIEW
    assert "train.log" in found.said
    assert "report.md" in found.said


def test_a_contradiction_costs_points_only_where_the_rubric_says_so(judge):
    report, given = "The test accuracy is 98.92%.\n", {"test_accuracy": "98.29"}
    found = judge(report, given, answers=ABOUT, contradictions="fail")
    assert (found.outcome, found.credit) == (Outcome.FAILED, 0)


def test_goals_contradict_nothing(judge):
    report = "The goal is a test accuracy of at least 95%.\n\nThe test accuracy is 98.92%.\n"
    assert judge(report, {"test_accuracy": "98.92"}, answers=ABOUT).outcome is Outcome.PASSED


def test_a_report_that_says_nothing_of_an_answer_costs_nothing(judge):
    found = judge("We had fun.\n", {"test_accuracy": "98.92"}, answers=ABOUT)
    assert found.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        pytest.param("98.92%", Outcome.REVIEW, id="another number"),
        pytest.param("97.05%", Outcome.PASSED, id="the checkpoint's number"),
        pytest.param("97.0%", Outcome.PASSED, id="rounded by less than a step"),
        pytest.param("about 97%", Outcome.PASSED, id="about"),
    ],
)
def test_the_report_is_held_against_the_checkpoint(make_rule, hand_in, model, done, written, outcome):
    kind = all_checks()["report-agreement"]
    settings = {
        "report": "report.md",
        "model": model,
        "recompute": {"from": "predict", "data": "mnist", "split": "test"},
    }
    rule = make_rule("report-agreement", **settings)
    assert not list(kind.lint(rule))
    text = f"The test accuracy on MNIST is {written}.\n"
    submission = hand_in(files={"report.md": text, "model.py": "x", "model.pth": "x"})
    [job] = kind.needs(rule, submission)
    findings = run_check(kind, rule, submission, {job: done({"correct": 9705, "n": 10000})})
    [found] = [finding for finding in findings if finding.weight > 0]
    assert found.outcome is outcome
    if outcome is Outcome.REVIEW:
        assert "line 1" in found.said
        assert "9,705 of 10,000" in found.said


def test_a_checkpoint_that_is_not_there_leaves_the_rest_to_be_compared(make_rule, hand_in, model):
    kind = all_checks()["report-agreement"]
    settings = {
        "report": "report.md",
        "model": model,
        "recompute": {"from": "predict", "data": "mnist", "split": "test"},
    }
    rule, submission = make_rule("report-agreement", **settings), hand_in(files={"report.md": "Test accuracy: 98%"})
    assert not list(kind.needs(rule, submission))
    assert [finding.outcome for finding in run_check(kind, rule, submission, {})] == [Outcome.PASSED]


def test_the_answers_that_a_report_is_held_against_are_known_to_be_read(make_rule):
    rule = make_rule("report-agreement", report="report.md", answers={"best_test": {"metric": "accuracy"}})
    assert set(all_checks()["report-agreement"].other_answers(rule)) == {"best_test"}
