from fractions import Fraction

import pytest

from grader.checks import all_checks, run_check
from grader.model import Outcome, Visibility
from grader.scoring import rule_score

ANSWER = "Max-pooling reduces the sensitivity to translations of the input."


def test_an_answer_of_the_right_form_waits_for_a_person_with_all_its_points(judged, make_rule):
    findings = judged("text", ANSWER, min_words=5)
    assert (findings[0].outcome, findings[0].credit, findings[0].code) == (Outcome.REVIEW, None, "to-be-read")
    scored = rule_score(make_rule("text"), findings)
    assert (scored.points, scored.open_points) == (0, 1)


def test_presence_is_all_that_is_ever_proposed(judged):
    [finding] = judged("text", ANSWER, presence_credit=0.5)
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, Fraction(1, 2))


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_no_answer_fails_and_says_where_to_add_it(judged, value):
    [finding] = judged("text", value)
    assert (finding.outcome, finding.code, finding.credit) == (Outcome.FAILED, "unanswered", 0)


@pytest.mark.parametrize("value", ["   ", "\n", "...", "-", ["", " "]])
def test_an_answer_without_a_word_fails_as_empty(judged, value):
    [finding] = judged("text", value)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "empty")


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        pytest.param("one two three four", Outcome.FAILED, id="one word under"),
        pytest.param("one two three four five", Outcome.REVIEW, id="just enough words"),
        pytest.param(["one two three", "four five"], Outcome.REVIEW, id="in two paragraphs"),
    ],
)
def test_the_fewest_words_are_inclusive(judged, written, outcome):
    assert judged("text", written, min_words=5)[0].outcome is outcome


@pytest.mark.parametrize(("written", "is_named"), [("a b c", False), ("a b c d", True)])
def test_too_many_words_are_named_and_cost_nothing(judged, written, is_named):
    [finding] = judged("text", written, max_words=3, presence_credit=0.5)
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, Fraction(1, 2))
    assert ("at most 3 words" in finding.said) is is_named


def test_missing_words_are_named_for_the_ta_and_fail_nobody(judged):
    [finding] = judged("text", ANSWER, words_required=["translations", "stride"], presence_credit=1)
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, 1)
    assert "it does not speak of 'stride'" in finding.said
    assert "'translations'" not in finding.said


def test_missing_words_fail_where_the_rubric_says_so(judged):
    asked = {"words_required": ["stride"], "words_required_or_fail": True}
    [finding] = judged("text", ANSWER, **asked)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "words-missing")


def test_one_of_several_words_is_enough(judged):
    assert "speak" not in judged("text", ANSWER, any_of=["dropout", "max pooling"])[0].said
    assert "any of 'dropout', 'stride'" in judged("text", ANSWER, any_of=["dropout", "stride"])[0].said


def test_forbidden_words_are_named_for_the_ta(judged):
    [finding] = judged("text", ANSWER, forbidden=["sensitivity"])
    assert finding.outcome is Outcome.REVIEW
    assert "it uses 'sensitivity'" in finding.said


@pytest.mark.parametrize("value", [5, True, {"a": "b"}, [1], "x" * 200_000])
def test_what_is_no_text_fails_with_a_fix(judged, value):
    [finding] = judged("text", value)
    assert finding.outcome is Outcome.FAILED
    assert finding.fix


def test_the_text_is_quoted_on_one_line_without_control_characters(judged):
    [finding] = judged("text", "a\x1b[31m\nb\u202ec " + "d " * 500)
    assert finding.observed.isprintable()
    assert len(finding.observed) <= 200


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"min_words": 5, "max_words": 4}, "at least 5 and at most 4"),
        ({"words_required": ["..."]}, "no word"),
        ({"words_required": ["max pooling"], "forbidden": ["pooling"]}, "forbidden, and 'max pooling' is expected"),
        ({"words_required_or_fail": True}, "no words are expected"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_reported(make_rule, settings, word):
    [problem] = all_checks()["text"].lint(make_rule("text", **settings))
    assert word in problem.what


def test_a_rule_for_staff_keeps_its_findings_from_students(make_rule, hand_in):
    from dataclasses import replace

    rule = replace(make_rule("text", answer="q"), visibility=Visibility.STAFF)
    [finding] = run_check(all_checks()["text"], rule, hand_in({"q": ANSWER}), {})
    assert finding.visibility is Visibility.STAFF


def test_the_answer_on_max_pooling_of_report_002_waits_for_a_person(judged):
    """Report 002, task 1b: the right idea, in words of its own."""
    written = "Max pooling reduces sensitivity of translational variation in the input"
    [finding] = judged("text", written, words_required=["translation"], min_words=5)
    assert (finding.outcome, finding.credit) == (Outcome.REVIEW, None)
