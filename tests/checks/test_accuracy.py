"""The recomputed accuracy against the demand: boundaries first."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks import all_checks, run_check
from grader.checks.accuracy import ramp
from grader.evidence.jobs import predict_job
from grader.model import Outcome

FILES = {"model.py": "code", "model.pth": b"weights"}
DIGITS = [str(digit) for digit in range(10)]


def counted(correct, n=10_000, classes=10):
    """A result with `correct` of `n` right and the wrong ones spread evenly."""
    confusion = [[0] * classes for _ in range(classes)]
    for image in range(n):
        true = image % classes
        shift = 0 if image < correct else 1 + (image // classes) % (classes - 1)
        confusion[true][(true + shift) % classes] += 1
    return {"correct": correct, "n": n, "confusion": confusion, "classes": DIGITS[:classes]}


def by_matrix(confusion):
    correct = sum(row[i] for i, row in enumerate(confusion))
    return {
        "correct": correct,
        "n": sum(map(sum, confusion)),
        "confusion": confusion,
        "classes": DIGITS[: len(confusion)],
    }


@pytest.fixture
def judge(make_rule, hand_in, model, done):
    def judged(result, **settings):
        settings = {"model": model, "data": "mnist", "split": "test", **settings}
        rule, submission = make_rule("accuracy", **settings), hand_in(files=FILES)
        job, *_ = all_checks()["accuracy"].needs(rule, submission)
        [finding] = run_check(all_checks()["accuracy"], rule, submission, {job: done(result)})
        return finding

    return judged


@pytest.mark.parametrize(
    ("correct", "outcome"),
    [
        pytest.param(9_399, Outcome.FAILED, id="one image under the demand"),
        pytest.param(9_400, Outcome.PASSED, id="exactly the demand"),
        pytest.param(9_401, Outcome.PASSED, id="one image over the demand"),
    ],
)
def test_the_demand_is_inclusive(judge, correct, outcome):
    assert judge(counted(correct), at_least=0.94, borderline="strict").outcome is outcome


@pytest.mark.parametrize(
    ("correct", "credit"),
    [
        pytest.param(9_000, Fraction(0), id="at the start of the ramp"),
        pytest.param(9_001, Fraction(1, 500), id="one image above the start"),
        pytest.param(9_250, Fraction(1, 2), id="half way"),
        pytest.param(9_499, Fraction(499, 500), id="one image under the demand"),
        pytest.param(9_500, Fraction(1), id="at the demand"),
    ],
)
def test_the_ramp_is_a_straight_line_in_exact_fractions(judge, correct, credit):
    finding = judge(counted(correct), **{"at_least": "95%", "from": 0.9, "borderline": "strict"})
    assert finding.credit == credit
    assert finding.outcome is {0: Outcome.FAILED, 1: Outcome.PASSED}.get(credit, Outcome.PARTIAL)


@given(st.fractions(0, 1), st.fractions(0, 1), st.fractions(0, 1), st.fractions(0, 1))
def test_more_accuracy_never_earns_less(one, other, start, at_least):
    start, at_least = sorted((start, at_least))
    low, high = sorted((one, other))
    assert 0 <= ramp(low, start, at_least) <= ramp(high, start, at_least) <= 1


@pytest.mark.parametrize("correct", [9_412, 9_399], ids=["just over", "just under"])
def test_a_demand_within_the_interval_goes_to_a_person_with_a_proposal(judge, correct):
    finding = judge(counted(correct), at_least=0.94)
    assert finding.outcome is Outcome.REVIEW
    assert finding.credit == (1 if correct >= 9_400 else 0)
    assert finding.code == "borderline"


def test_the_sentence_gives_count_interval_and_demand(judge):
    said = judge(counted(9_412), at_least=0.94).said
    assert said.startswith("9,412 of 10,000 right (94.12%, 95% interval 93.64 to 94.56); 94% was asked")


@pytest.mark.parametrize(
    ("correct", "outcome"),
    [
        pytest.param(9_353, Outcome.FAILED, id="the interval ends just under the demand"),
        pytest.param(9_354, Outcome.REVIEW, id="the interval just reaches up to the demand"),
        pytest.param(9_446, Outcome.REVIEW, id="the interval just reaches down to the demand"),
        pytest.param(9_447, Outcome.PASSED, id="the interval begins just over the demand"),
    ],
)
def test_where_borderline_begins_and_ends(judge, correct, outcome):
    from scipy.stats import binomtest

    low, high = binomtest(correct, 10_000).proportion_ci(method="wilson")
    assert (low <= 0.94 <= high) == (outcome is Outcome.REVIEW)
    assert judge(counted(correct), at_least=0.94).outcome is outcome


def test_a_best_model_just_over_its_demand_is_reviewed_with_full_credit(judge):
    finding = judge(counted(8_026), at_least="80%")  # report 002
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, 1)


def test_borderline_pass_counts_as_reached(judge):
    finding = judge(counted(9_399), at_least=0.94, borderline="pass")
    assert (finding.outcome, finding.credit) == (Outcome.PASSED, 1)
    assert judge(counted(9_300), at_least=0.94, borderline="pass").outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("correct", "credit"),
    [
        pytest.param(9_349, 0, id="rounds down to 93%"),
        pytest.param(9_350, 1, id="a half rounds up to 94%"),
    ],
)
def test_rounding_comes_before_comparing(judge, correct, credit):
    assert judge(counted(correct), at_least=0.94, round_to=0.01, borderline="strict").credit == credit


def test_with_rounding_the_interval_is_held_against_what_still_rounds_up(judge):
    assert judge(counted(9_412), at_least=0.94, round_to=0.01).outcome is Outcome.PASSED
    assert judge(counted(9_360), at_least=0.94, round_to=0.01).outcome is Outcome.REVIEW


def test_a_missed_demand_is_never_printed_as_reached(judge):
    finding = judge(counted(939_999, 1_000_000), at_least=0.94, borderline="strict")
    assert "939,999 of 1,000,000 right (93.9999%," in finding.said


def test_one_class_for_every_image_is_named(judge):
    finding = judge(by_matrix([[0, 0, 0, 100, *[0] * 6] for _ in range(10)]), at_least=0.9)
    assert finding.code == "constant-class"
    assert "it answers '3' for 1,000 of 1,000 images" in finding.said


def test_classes_under_each_others_numbers_are_named(judge):
    matrix = [[2] * 10 for _ in range(10)]
    for true in range(10):
        matrix[true][(true + 1) % 10] = 82
    finding = judge(by_matrix(matrix), at_least=0.9)
    assert finding.code == "permuted-labels"
    assert "'0' for '9', '1' for '0', '2' for '1', and so on" in finding.said
    assert "82%" in finding.said


def test_two_swapped_classes_are_named(judge):
    matrix = [[97 if i == j else 0 for j in range(5)] for i in range(5)]
    matrix[1][1] = matrix[2][2] = 1
    matrix[1][2] = matrix[2][1] = 96
    finding = judge(by_matrix(matrix), at_least=0.9)
    assert finding.code == "permuted-labels"
    assert "'1' for '2', '2' for '1': with" in finding.said


def test_guessing_is_named(judge):
    finding = judge(counted(1_020), at_least=0.95)
    assert finding.code == "chance-level"
    assert "no better than guessing (10 classes: 10%)" in finding.said


def test_a_merely_weak_model_is_not_called_permuted_or_guessing(judge):
    assert judge(counted(6_000), at_least=0.9).code == "below-demand"


def test_a_good_model_is_not_looked_at_for_reasons(judge):
    assert judge(by_matrix([[0, 0], [0, 100]]), at_least=0.9).said.endswith("90% was asked")


@pytest.mark.parametrize("absent", ["model.py", "model.pth"])
def test_a_missing_file_is_named_and_nothing_is_run(make_rule, hand_in, model, absent):
    check = all_checks()["accuracy"]
    rule = make_rule("accuracy", model=model, data="mnist", split="test", at_least=0.9)
    submission = hand_in(files={path: data for path, data in FILES.items() if path != absent})
    assert list(check.needs(rule, submission)) == []
    [finding] = run_check(check, rule, submission, {})
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "missing-file")
    assert absent in finding.said


def test_a_missing_data_set_costs_the_student_nothing(make_rule, hand_in, model, system_fault, student_fault):
    check = all_checks()["accuracy"]
    rule = make_rule("accuracy", model=model, data="mnist", split="test", at_least=0.9)
    submission = hand_in(files=FILES)
    job = predict_job(submission, model, data="mnist", split="test")
    [finding] = run_check(check, rule, submission, {job: system_fault})
    assert (finding.outcome, finding.credit) == (Outcome.UNKNOWN, None)
    [finding] = run_check(check, rule, submission, {job: student_fault})
    assert (finding.outcome, finding.credit) == (Outcome.FAILED, 0)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        pytest.param({"at_least": 0.9, "from": 0.95}, "/from", id="a ramp that falls"),
        pytest.param({"at_least": 0}, "/at_least", id="a demand of nothing"),
        pytest.param({"at_least": 0.9, "round_to": 0}, "/round_to", id="a step of nothing"),
        pytest.param({"data": "minst"}, "/data", id="a data set that there is not"),
        pytest.param({"split": "validation"}, "/split", id="a split that the set does not have"),
    ],
)
def test_lint_names_settings_that_make_no_sense(make_rule, settings, where):
    sound = {"at_least": 0.9, "data": "mnist", "split": "test"}
    [problem] = all_checks()["accuracy"].lint(make_rule("accuracy", **sound | settings))
    assert problem.where == f"rubrics/test.yaml:7 /tasks/0/rules/0{where}"


def test_lint_leaves_sensible_settings_alone(make_rule, model):
    sensible = {"model": model, "data": "mnist", "split": "test", "at_least": "95%", "from": 0.95, "round_to": 0.001}
    assert list(all_checks()["accuracy"].lint(make_rule("accuracy", **sensible))) == []


def test_lint_sees_an_input_that_is_not_an_image_of_the_set(make_rule, model):
    """An error where no code could mend it; a warning where the student's own `preprocess` could."""
    other = {"at_least": 0.9, "data": "mnist", "split": "test"}
    batched, wider = model | {"input": [64, 1, 28, 28]}, model | {"input": [3, 32, 32]}
    [problem] = all_checks()["accuracy"].lint(make_rule("accuracy", model=batched, **other))
    assert (problem.code, problem.where) == ("setting", "rubrics/test.yaml:7 /tasks/0/rules/0/model/input")
    [problem] = all_checks()["accuracy"].lint(make_rule("accuracy", model=wider, **other))
    assert problem.code == "warning-input"
    assert "(1, 28, 28)" in problem.what


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param({"at_least": 0.1}, ["at_least"], id="at chance"),
        pytest.param({"at_least": "9.9%"}, ["at_least"], id="under it"),
        pytest.param({"at_least": 0.101}, [], id="just over it"),
        pytest.param({"at_least": 0.5, "from": 0.1}, [], id="credit begins at it"),
        pytest.param({"at_least": 0.5, "from": 0.09}, ["from"], id="credit begins under it"),
        pytest.param({"at_least": 0.5, "from": 0}, ["from"], id="credit begins at nothing"),
        pytest.param({"at_least": 0.05, "data": "cifar100_coarse"}, ["at_least"], id="of twenty classes"),
        pytest.param({"at_least": 0.1, "data": "cifar100_coarse"}, [], id="over that of twenty"),
    ],
)
def test_lint_warns_where_guessing_earns_credit(make_rule, settings, told):
    of = {"data": "mnist", "split": "test", **settings}
    problems = list(all_checks()["accuracy"].lint(make_rule("accuracy", **of)))
    assert [problem.code for problem in problems] == ["warning-chance"] * len(told)
    assert [problem.where.rpartition("/")[2] for problem in problems] == told
    assert all("guessing among the" in problem.what for problem in problems)
