import pytest

from grader.checks import all_checks
from grader.model import Outcome


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(390410, id="a JSON number"),
        pytest.param("390,410", id="thousands by comma"),
        pytest.param("390 410", id="thousands by space"),
        pytest.param("$390{,}410$", id="LaTeX"),
        pytest.param("= 390410", id="after an equals sign"),
        pytest.param("2432 + 51264 + 204928 + 131136 + 650", id="the sum itself"),
    ],
)
def test_the_writing_of_a_number_does_not_matter(judged, value):
    [finding] = judged("number", value, expected=390410)
    assert (finding.outcome, finding.code) == (Outcome.PASSED, "right")


def test_a_writing_with_two_meanings_counts_and_says_which_was_taken(judged):
    [finding] = judged("number", "390.410", expected=390410)
    assert finding.outcome is Outcome.PASSED
    assert "read as 390,410" in finding.said


@pytest.mark.parametrize(
    ("expected", "working"),
    [
        (2432, "(5*5*3+1)*32 = 2432"),
        (51264, r"$(5 \cdot 5 \cdot 32 + 1) \cdot 64 = 51264$"),
        (204928, "(5*5*64+1)*128 = 204928"),
        (131136, "(2048 + 1) * 64 = 131136"),
        (650, "(64+1)·10 = 650"),
        (390410, "= 390410"),
        (9, "512 + 1 - 504 = 9"),
        (2, "p = (k-1)/2 → p = 2"),
    ],
)
def test_the_right_working_of_report_002_earns_everything_without_a_remark(judged, expected, working):
    [finding] = judged("number", working, expected=expected)
    assert finding.outcome is Outcome.PASSED


def test_a_slip_in_the_working_is_a_remark_that_quotes_both_sides_and_costs_nothing(judged):
    """Report 002, task 1f: the value is right, a sign is not."""
    value, slip = judged("number", "(252-3)/1 - 1 = 250", expected=250)
    assert (value.outcome, value.credit) == (Outcome.PASSED, 1)
    assert (slip.code, slip.weight) == ("false-working", 0)
    assert '"(252-3)/1 - 1" is 248, not 250' in slip.said


@pytest.mark.parametrize(
    ("asked", "written"),
    [
        pytest.param({"expected": "1/20"}, "5%", id="004: chance level of 20 classes"),
        pytest.param({"expected": "1/20", "percent": "either"}, "5", id="004: the same without a sign"),
        pytest.param({"expected": "99.79", "percent": "percent"}, "100 - 0.21 = 99.79 %", id="001: from the error"),
        pytest.param({"expected": 110}, "90+20 = 110", id="003: batches in all"),
        pytest.param({"expected": 60000}, "5000 + 55000 = 60000", id="004: the split"),
        pytest.param({"expected": 1.15, "unit": "MB", "decimals": 2}, "1.15 MB", id="000: megabytes"),
    ],
)
def test_the_sums_of_the_other_reports_are_right(judged, asked, written):
    [finding] = judged("number", written, **asked)
    assert finding.outcome is Outcome.PASSED


def test_only_the_value_at_the_end_counts(judged):
    wrong, slip = judged("number", "(252-3)/1 + 1 = 251", expected=250)
    assert (wrong.outcome, wrong.credit) == (Outcome.FAILED, 0)
    assert slip.code == "false-working"


def test_a_wrong_number_fails_without_giving_the_right_one_away(judged):
    [finding] = judged("number", 2400, expected="(5*5*3+1)*32")
    assert (finding.outcome, finding.code, finding.expected) == (Outcome.FAILED, "wrong-number", "(5*5*3+1)*32 = 2,432")
    assert "2432" not in (finding.said + finding.fix).replace(",", "")


@pytest.mark.parametrize(
    ("value", "is_right"),
    [
        pytest.param("0.49", True, id="exactly the lower limit"),
        pytest.param("0.51", True, id="exactly the upper limit"),
        pytest.param("0.4899", False, id="just below"),
        pytest.param("0.5101", False, id="just above"),
    ],
)
def test_an_absolute_tolerance_is_inclusive(judged, value, is_right):
    [finding] = judged("number", value, expected=0.5, abs_tolerance=0.01)
    assert (finding.credit == 1) is is_right


@pytest.mark.parametrize(("value", "is_right"), [(99, True), (101, True), (98.9, False)])
def test_a_relative_tolerance_is_inclusive(judged, value, is_right):
    assert (judged("number", value, expected=100, rel_tolerance=0.01)[0].credit == 1) is is_right


@pytest.mark.parametrize(
    ("value", "credit"), [("0.333", 1), ("0.3333", 1), ("0.3335", 1), ("0.334", 0), ("0.33", 0), ("1/3", 1)]
)
def test_significant_digits_are_those_of_the_right_value(judged, value, credit):
    assert judged("number", value, expected="1/3", significant_digits=3)[0].credit == credit


def test_a_number_rounded_too_far_is_told_so(judged):
    [finding] = judged("number", "0.7", expected="2/3", decimals=3)
    assert finding.code == "rounded-too-far"


@pytest.mark.parametrize(
    ("percent", "value", "credit"),
    [
        ("fraction", "0.9201", 1),
        ("fraction", "92.01 %", 1),
        ("fraction", "92.01", 0),
        ("either", "92.01", 1),
        ("either", "0.9201", 1),
        ("either", "92.01%", 1),
    ],
)
def test_percent_and_fraction_are_told_apart_as_asked(judged, percent, value, credit):
    assert judged("number", value, expected=0.9201, percent=percent)[0].credit == credit


@pytest.mark.parametrize("expected", [92.01, "92.01", "92.01 %"])
@pytest.mark.parametrize(("value", "credit"), [("92.01", 1), ("92.01 %", 1), ("0.9201", 0)])
def test_where_a_percentage_is_asked_both_sides_are_percentages(judged, expected, value, credit):
    [finding] = judged("number", value, expected=expected, percent="percent")
    assert finding.credit == credit
    assert finding.expected == "92.01 %"


def test_a_percentage_for_a_fraction_says_so(judged):
    [finding] = judged("number", "92.01", expected=0.9201)
    assert finding.code == "percent-or-fraction"


def test_a_percent_sign_costs_nothing_where_the_rubric_does_not_speak_of_percent(judged):
    value, note = judged("number", "5 %", expected=5)
    assert (value.credit, note.weight, note.code) == (1, 0, "percent-sign")


def test_a_percent_sign_means_what_it_says_where_that_is_right(judged):
    [finding] = judged("number", "5 %", expected=0.05)
    assert finding.credit == 1


@pytest.mark.parametrize(("value", "credit"), [("1.15 MB", 1), ("1.15", 1), ("1150 kB", 1), ("1.15 s", 0)])
def test_a_unit_may_be_left_out_or_converted_but_not_be_another_one(judged, value, credit):
    assert judged("number", value, expected=1.15, unit="MB")[0].credit == credit


def test_a_known_slip_earns_its_part_and_is_named(judged):
    slips = [{"value": 2400, "credit": 0.5, "because": "the biases are left out"}]
    [finding] = judged("number", "5*5*3*32 = 2400", expected=2432, accept=slips)
    assert (finding.outcome, float(finding.credit), finding.code) == (Outcome.PARTIAL, 0.5, "known-slip")
    assert "the biases are left out" in finding.said


def test_a_bound_is_no_value(judged):
    [finding] = judged("number", "more than 250", expected=250)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "bound-not-value")


@pytest.mark.parametrize("value", [True, [250], "two hundred", "9**9**9", {"a": 1}, "1.2.3", "250 or 251"])
def test_what_is_no_number_fails_with_a_fix(judged, value):
    [finding] = judged("number", value, expected=250)
    assert finding.outcome is Outcome.FAILED
    assert finding.fix


def test_zero_is_an_answer(judged):
    assert judged("number", 0, expected=0)[0].outcome is Outcome.PASSED


def test_no_answer_says_where_to_add_it(judged):
    assert judged("number", None, expected=0)[0].code == "unanswered"


@pytest.mark.parametrize("value", ["390410", "2432", "1.15 MB", "~98 %", "1/0", "9" * 500, "-", "=", "∞", "\u202e5"])
@pytest.mark.parametrize("percent", ["fraction", "percent", "either"])
def test_nothing_that_a_student_writes_breaks_the_check(judged, value, percent):
    findings = judged("number", value, expected=0.5, percent=percent)
    assert findings[0].outcome in (Outcome.PASSED, Outcome.FAILED)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"expected": "1/3"}, "no decimal number is exactly"),
        ({"expected": "k + 1"}, "k"),
        ({"expected": 92.01, "percent": "either"}, "is a fraction"),
        ({"expected": 5, "accept": [{"value": "(", "credit": 0, "because": "x"}]}, "("),
        ({"expected": 5, "abs_tolerance": 1, "accept": [{"value": 6, "credit": 0.5, "because": "x"}]}, "right anyway"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_reported(make_rule, settings, word):
    [problem] = all_checks()["number"].lint(make_rule("number", answer="q", **settings))
    assert word in problem.what
    assert problem.where.startswith("rubrics/test.yaml:7 /tasks/0/rules/0/")


def test_hiding_what_was_expected_hides_it(judged):
    [finding] = judged("number", 1, expected=250, reveal=False)
    assert finding.expected == ""


@pytest.mark.parametrize(
    "written",
    ["2432 (2400 + 32)", "2432 (= 2400 + 32)", "2,432 (=2,400+32)", "2.432 (2.400 + 32)", "2432 ((5*5*3+1)*32)"],
)
def test_working_in_brackets_behind_the_number_says_it_again(judged, written):
    assert judged("number", written, expected=2432)[0].outcome is Outcome.PASSED


@pytest.mark.parametrize("written", ["2 (1 + 2)", "38 (2^6)"])
def test_a_bracket_of_another_value_multiplies(judged, written):
    assert judged("number", written, expected={"2 (1 + 2)": 6, "38 (2^6)": 2432}[written])[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "written",
    ["the layer has 2432 parameters", "2432 (2400 weights, 32 biases)", "2400 without bias, 2432 with bias",
     "2.432 Parameter (2.400 + 32 Bias)", "total 2432", {"value": "insgesamt 2432"}],
)  # fmt: skip
def test_the_right_number_among_words_is_for_a_person(judged, written):
    [finding] = judged("number", written, expected=2432)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unclear-answer")
    assert finding.fix


@pytest.mark.parametrize(
    "written",
    ["the layer has 2400 parameters", "2432 or 2400", "2400 oder 2432", "between 2400, 2432", "conv2432 has many",
     "-2432 parameters, all of them", " ".join(map(str, range(2425, 2440)))],
)  # fmt: skip
def test_words_without_the_number_and_guesses_are_wrong(judged, written):
    assert judged("number", written, expected=2432)[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("written", "expected", "outcome"),
    [
        ("0.9 %", 0.9, Outcome.REVIEW),
        ("90 %", 0.9, Outcome.PASSED),
        ("1 %", 1, Outcome.REVIEW),
        ("92 %", 92, Outcome.PASSED),
    ],
)
def test_a_percent_sign_is_taken_off_only_where_it_cannot_be_meant(judged, written, expected, outcome):
    assert judged("number", written, expected=expected)[0].outcome is outcome
