from fractions import Fraction

import pytest

from grader.checks import all_checks, run_check
from grader.model import Outcome

TEST_SET = {"about": "accuracy", "of": {"n": 10_000}}
PREDICT = {"from": "predict", "data": "mnist", "split": "test"}
FILES = {"model.py": "def build_model(): ...", "model.pth": b"weights"}


@pytest.fixture
def counted(judged, done, model):
    """counted("98.92 %", 9892, n=10_000) -> findings against a checkpoint that gets so many right."""

    def run(value, correct, n=10_000, **settings):
        made = done({"correct": correct, "n": n, "confusion": [[correct]], "classes": ["0"]})
        asked = {"about": "accuracy", "recompute": PREDICT, "model": model, **settings}
        return judged("claim", value, files=FILES, evidence=made, **asked)

    return run


def deciding(findings):
    [one] = [finding for finding in findings if finding.weight > 0]
    return one


# --- a demand and its rounding -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "correct", "outcome"),
    [
        pytest.param("95%", 9_500, Outcome.PASSED, id="reached exactly"),
        pytest.param("95%", 9_499, Outcome.REVIEW, id="one image short, rounded up"),
        pytest.param("95.0%", 9_496, Outcome.REVIEW, id="rounded up at a finer digit"),
        pytest.param("~95%", 9_400, Outcome.REVIEW, id="about"),
        pytest.param("95.00%", 9_496, Outcome.FAILED, id="inflated"),
        pytest.param("94.96%", 9_496, Outcome.FAILED, id="true and below"),
        pytest.param("95%", 9_549, Outcome.PASSED, id="rounded down"),
        pytest.param("94.99%", 9_500, Outcome.PASSED, id="less claimed than reached"),
        pytest.param("94%", 9_520, Outcome.PASSED, id="much less claimed than reached"),
        pytest.param("over 95%", 9_499, Outcome.FAILED, id="a bound that does not hold"),
        pytest.param("under 96%", 9_550, Outcome.FAILED, id="a bound from above says nothing"),
    ],
)
def test_rounding_alone_neither_reaches_nor_misses_a_demand(counted, written, correct, outcome):
    assert deciding(counted(written, correct, at_least=0.95)).outcome is outcome


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        pytest.param("95%", Outcome.REVIEW, id="95.4 is written so too"),
        pytest.param("95.0%", Outcome.REVIEW, id="95.04 is written so too"),
        pytest.param("95.00%", Outcome.FAILED, id="nothing above is written so"),
        pytest.param("94%", Outcome.FAILED, id="below however it was rounded"),
        pytest.param("95.01%", Outcome.PASSED, id="reached"),
        pytest.param("~95%", Outcome.FAILED, id="about"),
        pytest.param("over 95%", Outcome.FAILED, id="a bound"),
    ],
)
def test_without_files_a_claim_with_too_few_digits_for_the_demand_goes_to_a_person(judged, written, outcome):
    findings = judged("claim", written, **TEST_SET, at_least=0.9501)
    assert deciding(findings).outcome is outcome


@pytest.mark.parametrize("written", ["[99.17]", "(99.17 %)", "100 - 0.83", "1 - 0.0083", "0.9917*100", "1-.0083"])
def test_an_accuracy_in_brackets_or_computed_from_rounded_numbers_is_possible(judged, written):
    [finding] = judged("claim", written, about="accuracy", of={"n": 360, "drop_last": "never"})
    assert (finding.outcome, "357 of 360" in finding.said) == (Outcome.PASSED, True)


@pytest.mark.parametrize("written", ["[99.18]", "100 - 0.82", "0.9918*100", "119/120.5", "1 - 1/361"])
def test_brackets_and_arithmetic_do_not_make_an_impossible_accuracy_possible(judged, written):
    [finding] = judged("claim", written, about="accuracy", of={"n": 360, "drop_last": "never"})
    assert finding.code == "impossible-value"


@pytest.mark.parametrize("written", ["I got 99.17% after 5 epochs", "acc 0.9917", "99.17% nach 5 Epochen"])
def test_a_true_accuracy_among_words_is_for_a_person(counted, written):
    [finding] = counted(written, 9_917)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unclear-answer")


@pytest.mark.parametrize("written", ["I got 99.18% in all", "99.17 or 99.18", "no idea"])
def test_an_untrue_accuracy_among_words_is_wrong(counted, written):
    [finding] = counted(written, 9_917, of={"n": 10_000})
    assert finding.outcome is Outcome.FAILED


# --- possible? the accuracies of the five reports ---------------------------------------------


@pytest.mark.parametrize(
    ("written", "n", "count"),
    [
        pytest.param("98.92", 10_000, "9,892 of 10,000", id="000 MNIST"),
        pytest.param("92.07", 10_000, "9,207 of 10,000", id="000 Fashion-MNIST"),
        pytest.param("97.05%", 10_000, "9,705 of 10,000", id="001 MNIST"),
        pytest.param("0.891600112915039", 10_000, "8,916 of 10,000", id="001 Fashion-MNIST, float32"),
        pytest.param("0.9108000755310058", 10_000, "9,108 of 10,000", id="001 improved net, float32"),
        pytest.param("0.7346000075340271", 5_000, "3,673 of 5,000", id="002 task 2, validation"),
        pytest.param("0.7339999675750732", 10_000, "7,340 of 10,000", id="002 task 2, test"),
        pytest.param("0.7591999769210815", 5_000, "3,796 of 5,000", id="002 net 1, validation"),
        pytest.param("0.7753999829292297", 5_000, "3,877 of 5,000", id="002 net 2, validation"),
        pytest.param("0.7532999515533447", 10_000, "7,533 of 10,000", id="002 net 1, test"),
        pytest.param("0.7613999843597412", 10_000, "7,614 of 10,000", id="002 net 2, test"),
        pytest.param("0.8025999665260315", 10_000, "8,026 of 10,000", id="002 best model"),
        pytest.param("0.9279999732971191", 10_000, "9,280 of 10,000", id="002 transfer"),
        pytest.param("94.01%", 10_000, "9,401 of 10,000", id="003 SGD"),
        pytest.param("97.87%", 10_000, "9,787 of 10,000", id="003 Adam"),
        pytest.param("99.12%", 10_000, "9,912 of 10,000", id="003 tuned"),
        pytest.param(0.9912, 10_000, "9,912 of 10,000", id="a JSON number"),
        pytest.param("0.90", 10_000, "8,950 to 9,049 of 10,000", id="003 bonus, two decimals"),
        pytest.param("0.93", 10_000, "9,250 to 9,349 of 10,000", id="003 bonus after Adam"),
        pytest.param("66.7%", 9, "6 of 9", id="004 own digits"),
    ],
)
def test_a_possible_accuracy_passes_and_names_its_counts(judged, written, n, count):
    [finding] = judged("claim", written, about="accuracy", of={"n": n})
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.PASSED, 1, "possible")
    assert count in finding.said


@pytest.mark.parametrize(
    ("written", "n", "count"),
    [
        pytest.param("0.9082844034830729", 60_000, "54,468 of 59,968 = 937 batches of 64", id="001 training"),
        pytest.param("0.8788895606994629", 45_000, "39,543 of 44,992 = 703 batches of 64", id="002 task 2, training"),
        pytest.param("0.8329036235809326", 45_000, "37,474 of 44,992 = 703 batches of 64", id="002 net 1, training"),
        pytest.param("0.8435944318771362", 45_000, "37,955 of 44,992 = 703 batches of 64", id="002 net 2, training"),
    ],
)
@pytest.mark.parametrize("batches", [{}, {"batch_sizes": [64]}, {"batch_sizes": [64], "drop_last": "always"}])
def test_a_training_accuracy_without_the_last_batch_passes_and_says_so(judged, written, n, count, batches):
    [finding] = judged("claim", written, about="accuracy", of={"n": n, **batches})
    assert (finding.outcome, finding.code) == (Outcome.PASSED, "possible")
    assert f"no k of {n:,}" in finding.said
    assert count in finding.said


def test_where_no_batch_is_dropped_the_same_value_is_impossible_and_the_sentence_says_when_it_would_be(judged):
    [finding] = judged("claim", "0.9082844034830729", about="accuracy", of={"n": 60_000, "drop_last": "never"})
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.FAILED, 0, "impossible-value")
    assert "54,468 of 59,968 = 937 batches of 64" in finding.said


# --- impossible -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "n", "neighbours"),
    [
        ("97.055%", 10_000, "97.050 % (9,705 of 10,000) and 97.060 % (9,706 of 10,000)"),
        ("95.1 %", 360, "95.0 % (342 of 360) and 95.3 % (343 of 360)"),
        ("0.5", 3, "0.3 (1 of 3) and 0.7 (2 of 3)"),
    ],
)
def test_an_impossible_accuracy_fails_and_its_neighbours_are_named(judged, written, n, neighbours):
    [finding] = judged("claim", written, about="accuracy", of={"n": n, "drop_last": "never"})
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.FAILED, 0, "impossible-value")
    assert neighbours in finding.said


@pytest.mark.parametrize(("written", "n"), [("97.052 %", 1_000), ("0.5", 3)])
def test_what_no_batch_explains_is_impossible_by_default(judged, written, n):
    [finding] = judged("claim", written, about="accuracy", of={"n": n})
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.FAILED, 0, "impossible-value")


@pytest.mark.parametrize("written", ["112 %", "-0.5", "101"])
def test_what_is_no_share_is_no_accuracy(judged, written):
    [finding] = judged("claim", written, **TEST_SET)
    assert finding.code == "impossible-value"
    assert "0 to 100 %" in finding.said


@pytest.mark.parametrize("written", ["0", "100 %", "1.0", 1, 0])
def test_none_and_all_of_them_are_possible(judged, written):
    assert judged("claim", written, **TEST_SET)[0].code == "possible"


def test_what_a_dropped_batch_might_explain_by_chance_is_left_to_a_person(judged):
    """9,877 of 9,984 = 156 batches of 64, but one number in three would be explained as well."""
    [finding] = judged("claim", "98.928 %", about="accuracy", of={"n": 10_000})
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "dropped-batch-perhaps")
    assert "9,877 of 9,984" in finding.said


def test_where_all_images_are_counted_a_dropped_batch_is_named_and_does_not_count(judged):
    [finding] = judged("claim", "98.928 %", about="accuracy", of={"n": 10_000, "drop_last": "never"})
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "impossible-value")
    assert "9,877 of 9,984" in finding.said


def test_an_unclear_claim_over_the_recomputed_value_is_inflated_all_the_same(counted):
    finding = deciding(counted("98.928 %", 9_000, of={"n": 10_000}))
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "inflated-claim")


@pytest.mark.parametrize("sizes", [[64], [32, 64]])
def test_it_counts_where_the_rubric_names_the_batch_size(judged, sizes):
    [finding] = judged("claim", "98.928 %", about="accuracy", of={"n": 10_000, "batch_sizes": sizes})
    assert finding.code == "possible"


def test_an_impossible_claim_earns_nothing_even_next_to_the_truth(counted):
    finding = deciding(counted("97.055 %", 9_705, of={"n": 10_000, "drop_last": "never"}))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.FAILED, 0, "impossible-value")
    assert finding.expected == "97.05% (9,705 of 10,000)"


def test_about_97_percent_is_possible(judged):
    """Report 004."""
    assert judged("claim", "about 97%", **TEST_SET)[0].outcome is Outcome.PASSED
    assert judged("claim", "~41.5 %", **TEST_SET)[0].outcome is Outcome.PASSED


# --- enough? ----------------------------------------------------------------------------------


@pytest.mark.parametrize("least", [0.95, "95 %", "0.95"])
@pytest.mark.parametrize(
    ("written", "code"), [("95.00 %", "demand-reached"), ("94.99 %", "below-demand"), ("0.95", "demand-reached")]
)
def test_the_demand_is_inclusive(judged, least, written, code):
    finding = deciding(judged("claim", written, **TEST_SET, at_least=least))
    assert finding.code == code
    assert finding.credit == (1 if code == "demand-reached" else 0)


def test_a_float32_a_hair_under_the_demand_reaches_it(judged):
    """0.7999999523 is 8,000 of 10,000 as float32 prints it."""
    assert deciding(judged("claim", "0.7999999523162842", **TEST_SET, at_least=0.8)).code == "demand-reached"


@pytest.mark.parametrize(
    ("written", "least"),
    [("0.7533", 0.75), ("0.7614", 0.75), ("0.8025999665260315", 0.8), ("0.9279999732971191", 0.88)],
)
def test_the_demands_of_report_002_are_reached(judged, written, least):
    assert deciding(judged("claim", written, **TEST_SET, at_least=least)).credit == 1


def test_over_95_percent_reaches_95_and_under_99_reaches_nothing(judged):
    assert deciding(judged("claim", "over 95 %", **TEST_SET, at_least=0.95)).code == "demand-reached"
    assert deciding(judged("claim", "under 99 %", **TEST_SET, at_least=0.95)).code == "below-demand"


# --- true? ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "correct"),
    [
        pytest.param("98.92 %", 9_892, id="to the digit"),
        pytest.param("98.9 %", 9_892, id="rounded down"),
        pytest.param("98.9 %", 9_886, id="rounded up"),
        pytest.param("99 %", 9_892, id="to the percent"),
        pytest.param(0.9892, 9_892, id="a share"),
        pytest.param("9892/10000", 9_892, id="a quotient"),
        pytest.param("0.8025999665260315", 8_026, id="float32"),
        pytest.param("~97 %", 9_600, id="about, one point below"),
        pytest.param("about 97%", 9_800, id="about, one point above"),
        pytest.param("over 97 %", 9_701, id="over"),
        pytest.param(0.9, 9_049, id="JSON drops the zero of 0.90"),
    ],
)
def test_a_true_claim_is_confirmed_as_far_as_its_digits_go(counted, written, correct):
    finding = deciding(counted(written, correct))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.PASSED, 1, "confirmed")
    assert f"({correct:,} of 10,000)" in finding.said


@pytest.mark.parametrize(
    ("written", "correct"),
    [
        pytest.param("98.92 %", 9_891, id="one image"),
        pytest.param("98.9 %", 9_884, id="just beyond the rounding"),
        pytest.param("99.12 %", 9_700, id="by far"),
        pytest.param("~97 %", 9_599, id="about, more than one point"),
        pytest.param("over 97 %", 9_699, id="over"),
        pytest.param("0.8025999665260315", 8_025, id="float32, one image"),
    ],
)
def test_a_claim_that_is_too_high_is_inflated_and_earns_nothing(counted, written, correct):
    finding = deciding(counted(written, correct))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.FAILED, 0, "inflated-claim")
    assert f"({correct:,} of 10,000)" in finding.expected


def test_the_tolerance_is_inclusive(counted):
    assert deciding(counted("98.92 %", 9_882, tolerance=0.001)).code == "confirmed"
    assert deciding(counted("98.92 %", 9_881, tolerance=0.001)).code == "inflated-claim"


def test_a_claim_that_is_too_low_costs_nothing(counted):
    finding = deciding(counted("97.00 %", 9_892))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.PASSED, 1, "understated-claim")


@pytest.mark.parametrize("written", [1, "1", "0.9", "1.0"])
def test_a_claim_too_coarse_to_be_told_from_a_better_one_goes_to_a_person(counted, written):
    """A 1 with no digits is what 60 % rounds to, and what nobody means by it."""
    correct = 6_000 if written in (1, "1") else 9_800 if written == "1.0" else 8_600
    finding = deciding(counted(written, correct))
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, "too-coarse")


def test_an_inflated_claim_below_the_demand_earns_nothing_and_both_are_said(counted):
    findings = counted("94.00 %", 9_000, at_least=0.95)
    assert {f.code for f in findings if f.weight > 0} == {"inflated-claim", "below-demand"}
    assert all(f.credit == 0 for f in findings if f.weight > 0)


def test_a_true_claim_below_the_demand_earns_nothing(counted):
    finding = deciding(counted("94.00 %", 9_400, at_least=0.95))
    assert finding.code == "below-demand"


def test_a_missing_checkpoint_leaves_a_possible_claim_to_a_person(judged, model):
    """Report 003: 99.12 % is possible, and needs model.pth."""
    asked = {**TEST_SET, "recompute": PREDICT, "model": model, "at_least": 0.95}
    finding = deciding(judged("claim", "99.12%", files={"model.py": "x"}, **asked))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unconfirmed")
    assert "9,912 of 10,000" in finding.said
    assert "needs 'model.pth' to be confirmed" in finding.said


def test_a_missing_checkpoint_does_not_save_an_impossible_claim(judged, model):
    asked = {**TEST_SET, "of": {"n": 10_000, "drop_last": "never"}, "recompute": PREDICT, "model": model}
    assert deciding(judged("claim", "97.055%", **asked)).code == "impossible-value"


def test_a_possible_claim_may_pass_without_confirmation_where_the_rubric_says_so(judged, model):
    asked = {**TEST_SET, "recompute": PREDICT, "model": model, "needs_confirmation": False}
    finding = deciding(judged("claim", "99.12%", **asked))
    assert (finding.outcome, finding.code) == (Outcome.PASSED, "unconfirmed")


def test_a_claim_may_wait_for_a_person_without_anything_to_recompute(judged):
    finding = deciding(judged("claim", "41.5 %", **TEST_SET, needs_confirmation=True))
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unconfirmed")


def test_a_fault_of_the_machine_is_unknown_and_costs_nothing(judged, model, system_fault):
    asked = {**TEST_SET, "recompute": PREDICT, "model": model}
    finding = deciding(judged("claim", "99.12%", files=FILES, evidence=system_fault, **asked))
    assert (finding.outcome, finding.credit) == (Outcome.UNKNOWN, None)


def test_a_model_that_does_not_build_confirms_nothing(judged, model, student_fault):
    asked = {**TEST_SET, "recompute": PREDICT, "model": model}
    finding = deciding(judged("claim", "99.12%", files=FILES, evidence=student_fault, **asked))
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "build-raised")


def test_no_answer_asks_for_no_job(make_rule, hand_in, model):
    check = all_checks()["claim"]
    rule = make_rule("claim", answer="q", **TEST_SET, recompute=PREDICT, model=model)
    submission = hand_in({}, files=FILES)
    assert list(check.needs(rule, submission)) == []
    [finding] = run_check(check, rule, submission, {})
    assert finding.code == "unanswered"


# --- parameters -------------------------------------------------------------------------------

NET = {
    "input": [16, 1, 28, 28],
    "layers": [
        {"kind": "conv2d", "out_channels": 16, "kernel": 5},
        {"kind": "max_pool2d", "kernel": 2},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 10, "frozen": True},
    ],
}
PARAMETERS = {"about": "parameters", "network": NET, "recompute": {"from": "network", "field": "parameters"}}


@pytest.mark.parametrize("written", [23466, "23,466", "23.466", "416 + 23050 = 23466", "23.5k", "about 23,400"])
def test_a_number_of_parameters_is_confirmed_from_the_layers(judged, written):
    assert judged("claim", written, **PARAMETERS)[0].code == "confirmed"


@pytest.mark.parametrize(("written", "code"), [(23467, "inflated-claim"), (23465, "understated-claim"), (0, None)])
def test_a_number_of_parameters_has_to_agree_in_both_directions(judged, written, code):
    [finding] = judged("claim", written, **PARAMETERS)
    assert (finding.outcome, finding.credit) == (Outcome.FAILED, 0)
    assert finding.code == (code or "understated-claim")
    assert "23,466" not in finding.said


@pytest.mark.parametrize("written", ["-5", "3.5"])
def test_what_is_no_count_is_no_number_of_parameters(judged, written):
    assert judged("claim", written, **PARAMETERS)[0].code == "impossible-value"


def test_frozen_layers_do_not_count_as_trained(judged):
    asked = {**PARAMETERS, "recompute": {"from": "network", "field": "trainable"}}
    assert judged("claim", 416, **asked)[0].code == "confirmed"


def test_a_network_whose_input_states_no_batch_keeps_its_channels(judged):
    """A flatten keeps the batch: without one put in front it would keep the channels, and count too few."""
    network = {"input": [3, 32, 32], "layers": [{"kind": "flatten"}, {"kind": "linear", "out_features": 10}]}
    assert judged("claim", 30_730, **PARAMETERS | {"network": network})[0].code == "confirmed"


@pytest.mark.parametrize(
    ("written", "code"), [(31898, "confirmed"), (31899, "inflated-claim"), (30000, "understated-claim")]
)
def test_a_number_of_parameters_is_held_against_the_live_model_without_a_checkpoint(judged, done, model, written, code):
    asked = {"about": "parameters", "model": model, "recompute": {"from": "describe", "field": "parameters"}}
    made = done({"parameters": 31898, "trainable": 31898})
    [finding] = judged("claim", written, files={"model.py": "x"}, evidence=made, **asked)
    assert finding.code == code


def test_false_working_is_a_remark(judged):
    claim, slip = judged("claim", "416 + 23000 = 23466", **PARAMETERS)
    assert (claim.credit, slip.weight, slip.code) == (1, 0, "false-working")


# --- whatever is written ----------------------------------------------------------------------


@pytest.mark.parametrize("value", [True, [1], "good", {"a": 1}, "9**9**9", "NaN", "1/0", "97 or 98", "x" * 9000])
def test_what_is_no_number_fails_with_a_fix(judged, value):
    [finding] = judged("claim", value, **TEST_SET)
    assert finding.outcome is Outcome.FAILED
    assert finding.fix


# --- the rubric -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"about": "accuracy"}, "nothing is checked"),
        ({"of": {"n": 10}}, "only an accuracy"),
        ({"about": "accuracy", "of": {"n": 10, "drop_last": "always"}}, "no batch size"),
        ({"about": "accuracy", "of": {"n": 10, "drop_last": "always", "batch_sizes": [64]}}, "no batch size"),
        ({"about": "accuracy", "at_least": 95}, "more than 100 %"),
        ({"about": "accuracy", "at_least": "high"}, "high"),
        ({"about": "loss", "at_least": 1}, "lower"),
        ({"about": "parameters", "model": {}, "recompute": PREDICT}, "predictions give an accuracy"),
        ({"about": "accuracy", "recompute": PREDICT}, "no model is named"),
        ({"about": "accuracy", "model": {}, "recompute": {"from": "predict", "data": "mnist"}}, "'split' is missing"),
        ({"about": "parameters", "recompute": {"from": "network", "field": "parameters"}}, "no network is named"),
        ({**PARAMETERS, "about": "accuracy"}, "layers give a number of parameters"),
        ({**PARAMETERS, "network": {"input": [1], "layers": [{"kind": "conv2d", "kernel": 3}]}}, ""),
        ({**PARAMETERS, "recompute": {"from": "network", "field": "trainable", "data": "mnist"}}, "says nothing"),
        ({"about": "accuracy", "model": {}, "recompute": {**PREDICT, "data": "minst"}}, "no data set 'minst'"),
        ({"about": "accuracy", "model": {}, "recompute": {**PREDICT, "split": "tset"}}, "no split 'tset'"),
        ({"about": "accuracy", "model": {}, "of": {"n": 360}, "recompute": PREDICT}, "mnist test has 10,000"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_reported(make_rule, settings, word):
    [problem] = all_checks()["claim"].lint(make_rule("claim", **settings))
    assert word in problem.what


def test_the_points_of_a_confirmed_claim_are_whole(counted):
    findings = counted("98.92 %", 9_892, of={"n": 10_000}, at_least=0.95)
    assert [(f.code, f.weight) for f in findings] == [
        ("possible", 0),
        ("demand-reached", 0),
        ("confirmed", Fraction(1)),
    ]
