"""Formulas for shapes: the seeds' answers, credit by entry, and what goes to a person."""

import pytest

from grader.checks import all_checks
from grader.model import Outcome

SEED_000 = {
    "layer": {"kind": "conv", "kernel": 3, "stride": 2},
    "input": "[B, T, T, C]",
    "layout": "channels-last",
}
SEED_001 = {"expected": "floor((W - K + 2P)/S) + 1", "conditions": ["K <= W + 2P"]}


def outcomes(findings):
    return [finding.outcome for finding in findings if finding.weight > 0]


@pytest.mark.parametrize(
    "written",
    [
        "[B, floor((T-3)/2)+1, floor((T-3)/2)+1, C']",
        "[B, floor((T-1)/2), floor((T-1)/2), C_out]",
        "(B, (T-1)//2, (T-1)//2, F)",
        r"$[B, \lfloor\frac{T-3}{2}\rfloor+1, \left\lfloor\frac{T-3}{2}\right\rfloor+1, C']$",
        "B x (T-1)//2 x (T-1)//2 x C",
        "[-1, ceil((T-2)/2), ceil(T/2 - 1), K]",
        "[N, ceil(T/2) - 1, int((T-3)/2) + 1, C]",
        ["B", "(T-1)//2", "math.floor((T-1)/2)", "C'"],
        {"value": "[B, (T-1)//2, (T-1)//2, C']", "working": "kernel 3, stride 2"},
        "The output shape is [B, floor((T-1)/2), floor((T-1)/2), C'], as no padding is used.",
    ],
)
def test_every_way_of_writing_the_right_shape_earns_everything(judged, written):
    assert set(outcomes(judged("shape-formula", written, **SEED_000))) == {Outcome.PASSED}


def test_seed_000_each_wrong_entry_has_the_smallest_counterexample_and_the_padding_it_would_be_right_for(judged):
    findings = judged("shape-formula", "[B, T, ceil(T/2), ceil(T/2)]", **SEED_000)
    third = findings[2]
    assert third.outcome is Outcome.FAILED
    assert "entry 3: ceil(T/2) is wrong: T = 3 gives 1, not 2" in third.said
    assert "it would be right for padding 1" in third.said
    assert third.code == "other-padding"
    assert "channels, which no size gives" in findings[3].said
    assert findings[0].outcome is Outcome.PASSED
    assert any("the channels in front" in finding.said for finding in findings if not finding.weight)


def test_seed_000_a_text_that_contradicts_its_last_line_goes_to_a_person_with_both_places(judged):
    text = (
        "- the resulting height is $\\text{ceil}(\\frac{T}{2})$ and the width is $\\text{floor}(\\frac{C}{2})$.\n"
        "- The resulting output shape: $[B, T, \\text{ceil}(\\frac{T}{2}), \\text{ceil}(\\frac{T}{2})]$ if ..."
    )
    finding, *remarks = judged("shape-formula", text, **SEED_000)
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, "contradiction")
    assert "line 1 gives the width as floor(C/2), line 2 as ceil(T/2)" in finding.said
    assert all(remark.weight == 0 for remark in remarks)
    [last] = [remark for remark in remarks if "ceil(T/2)" in remark.said and "padding" in remark.said]
    assert "T = 3 gives 1, not 2; it would be right for padding 1" in last.said


def test_seed_001_square_brackets_round_down(judged):
    [finding] = judged("shape-formula", "$$[(W - K + 2P)/S] + 1$$", **SEED_001)
    assert (finding.outcome, finding.code) == (Outcome.PASSED, "right")


def test_seed_001_where_brackets_only_group_no_rounding_is_written(judged):
    [finding] = judged("shape-formula", "[(W - K + 2P)/S] + 1", **SEED_001, brackets="grouping", accept_unfloored=0.5)
    assert (finding.outcome, float(finding.credit), finding.code) == (Outcome.PARTIAL, 0.5, "unfloored")


def test_without_a_price_an_unfloored_formula_is_for_a_person(judged):
    [finding] = judged("shape-formula", r"\frac{W-K+2P}{S}+1", **SEED_001)
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, "unfloored")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param("1/2T", "two-readings", id="a slash before 2T"),
        pytest.param("floor((T-q)/2)", "unknown-names", id="a letter that the task does not have"),
        pytest.param("about half of T, rounded", "unclear-answer", id="words"),
        pytest.param("((((2", "unclear-answer", id="signs alone"),
        pytest.param(["floor(T/2", "C"], "unclear-answer", id="an entry that cannot be read"),
        pytest.param("floor(T/2", "unclear-answer", id="a bracket that never closes"),
    ],
)
def test_what_cannot_be_read_in_one_way_goes_to_a_person(judged, written, code):
    [finding] = judged("shape-formula", written, expected="T/2", is_size=False)
    assert (finding.outcome, finding.code) == (Outcome.REVIEW, code)


def test_own_letters_that_would_be_right_go_to_a_person_with_full_credit_proposed(judged):
    [finding] = judged("shape-formula", "floor((W - F + 2P)/S) + 1", **SEED_001)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, 1, "own-names")


def test_letters_that_the_rubric_allows_are_right(judged):
    [finding] = judged("shape-formula", "floor((W - F + 2P)/S) + 1", **SEED_001, variables={"K": {"also": ["F"]}})
    assert finding.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("(W - K + 2P)//S", "1 is missing"),
        ("(W - K + 2P)//S - 1", "1 is taken away where it is added"),
        ("ceil((W - K + 2P)/S) + 1", "rounds up where it must round down"),
        ("floor((W + K + 2P)/S) + 1", "a sign is turned around: - K belongs there"),
        ("floor((W - K - 2P)/S) + 1", "a sign is turned around"),
        ("floor((W - K + P)/S) + 1", "P is counted once"),
        ("floor((W - K)/S) + 1", "+ 2*P is left out"),
        ("floor(W - K + 2P/S) + 1", "with brackets"),
        ("floor((K - W + 2P)/S) + 1", "swapped"),
    ],
)
def test_near_misses_are_named(judged, written, says):
    [finding] = judged("shape-formula", written, **SEED_001)
    assert finding.outcome is Outcome.FAILED
    assert says in finding.said


def test_without_reveal_neither_the_right_formula_nor_its_value_is_told(judged):
    findings = judged("shape-formula", "[B, ceil(T/2), (T-1)//2, C']", **SEED_000, reveal=False)
    assert "gives" not in findings[1].said
    assert all(not finding.expected for finding in findings)


def test_entries_have_their_shares(judged):
    expected = ["B", {"formula": "T - 2", "credit": 0.6}, {"formula": "C'", "credit": 0.4, "any_name": True}]
    findings = judged("shape-formula", "[B, T - 2, 7]", expected=expected)
    assert [float(finding.weight) for finding in findings] == [0.5, 0.3, 0.2]
    assert outcomes(findings) == [Outcome.PASSED, Outcome.PASSED, Outcome.FAILED]


def test_a_layout_with_a_price_earns_it(judged):
    written = "[B, C', (T-1)//2, (T-1)//2]"
    [finding] = judged("shape-formula", written, **SEED_000, other_layout=0.8)
    assert (finding.outcome, float(finding.credit), finding.code) == (Outcome.PARTIAL, 0.8, "other-layout")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "neither"),
        ({"expected": "T", "layer": {"kernel": 3}, "input": "[B, T, T]"}, "both given"),
        ({"layer": {"kernel": 3}}, "without an input"),
        ({"expected": "floor((T-"}, "ends too early"),
        ({"expected": "1/2T"}, "two readings"),
        ({"expected": "T - 5", "variables": {"T": {"max": 5}}}, "no whole numbers"),
        ({"expected": "T", "conditions": ["T + 2"]}, "compares nothing"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_told(make_rule, settings, says):
    check = all_checks()["shape-formula"]
    problems = list(check.lint(make_rule("shape-formula", answer="q", **settings)))
    assert problems
    assert says in problems[0].what
