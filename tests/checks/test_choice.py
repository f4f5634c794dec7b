import pytest

from grader.checks import all_checks
from grader.model import Outcome

OPTIONS = {"a": "rotation", "b": "small translations", "c": "more parameters"}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("b", id="the key"),
        pytest.param("B", id="the other case"),
        pytest.param(" b) ", id="with a bracket"),
        pytest.param("small translations", id="the text of the option"),
        pytest.param("Small  translations.", id="the text, typed freely"),
        pytest.param(["b"], id="a list of one"),
    ],
)
def test_an_option_is_named_by_key_or_text(judged, value):
    [finding] = judged("choice", value, options=OPTIONS, correct="b")
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.PASSED, 1, "right")


def test_a_wrong_option_earns_nothing_and_the_right_one_is_not_said(judged):
    [finding] = judged("choice", "a", options=OPTIONS, correct="b")
    assert (finding.outcome, finding.code, finding.expected) == (Outcome.FAILED, "wrong", "b")
    assert "'b'" not in finding.said + finding.fix


@pytest.mark.parametrize("value", ["d", 4, True, 1.5, {"a": 1}, "a or b"])
def test_what_is_no_option_is_named_with_the_options(judged, value):
    [finding] = judged("choice", value, options=OPTIONS, correct="b")
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "not-an-option")
    assert '"a", "b", "c"' in finding.fix


@pytest.mark.parametrize(("value", "key"), [(True, "true"), (2, "2")])
def test_json_values_stand_for_the_keys_that_are_written_like_them(judged, value, key):
    [finding] = judged("choice", value, options={"true": "yes", "2": "two"}, correct=key)
    assert finding.outcome is Outcome.PASSED


def test_two_options_where_one_is_asked_earn_nothing_even_with_the_right_one_among_them(judged):
    [finding] = judged("choice", ["a", "b"], options=OPTIONS, correct="b")
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "too-many")


def test_any_of_several_right_options_is_right_where_one_is_asked(judged):
    assert [judged("choice", key, options=OPTIONS, correct=["a", "b"])[0].credit for key in "abc"] == [1, 1, 0]


def test_a_nearly_right_option_earns_what_the_table_says(judged):
    [finding] = judged("choice", "a", options=OPTIONS, correct="b", credit={"a": 0.25})
    assert (finding.outcome, float(finding.credit), finding.code) == (Outcome.PARTIAL, 0.25, "nearly-right")


def test_no_answer_says_where_to_add_it(judged):
    [finding] = judged("choice", "", options=OPTIONS, correct="b")
    assert (finding.code, str(finding.place)) == ("unanswered", "answers.json /answers/q")


def test_options_as_a_list_are_their_own_keys(judged):
    [finding] = judged("choice", "max pooling", options=["convolution", "max pooling"], correct="max pooling")
    assert finding.outcome is Outcome.PASSED


SET = {"options": {"a": "x", "b": "y", "c": "z", "d": "w"}, "correct": ["a", "c"], "multiple": True}


@pytest.mark.parametrize("value", [["c", "a"], ["a", "c", "c"], "a, c", "C;A"])
def test_the_order_of_a_set_does_not_matter(judged, value):
    [finding] = judged("choice", value, **SET)
    assert finding.credit == 1


@pytest.mark.parametrize("value", [["a"], ["a", "b", "c"], ["b"]])
def test_a_set_is_all_or_nothing_unless_said_otherwise(judged, value):
    [finding] = judged("choice", value, **SET)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "wrong-set")


@pytest.mark.parametrize(
    ("value", "credit"),
    [
        pytest.param(["a", "c"], 1, id="the whole set"),
        pytest.param(["a"], 0.5, id="half of it"),
        pytest.param(["a", "c", "b"], 0.5, id="one too many"),
        pytest.param(["a", "b"], 0, id="one right, one wrong"),
        pytest.param(["a", "b", "c", "d"], 0, id="everything ticked"),
        pytest.param(["b", "d"], 0, id="never less than nothing"),
    ],
)
def test_right_minus_wrong_gives_and_takes_shares(judged, value, credit):
    [finding] = judged("choice", value, **SET, credit="right-minus-wrong")
    assert finding.credit == credit


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"options": OPTIONS, "correct": "d"}, "'d' is no option"),
        ({"options": OPTIONS, "correct": ["a", "b", "c"]}, "every option is right"),
        ({"options": {"a": "x", "A": "y"}, "correct": "a"}, "case or punctuation"),
        ({"options": OPTIONS, "correct": "b", "credit": "right-minus-wrong"}, "for a set"),
        ({"options": OPTIONS, "correct": "b", "credit": {"z": 0.5}}, "'z' is no option"),
        ({"options": OPTIONS, "correct": "b", "credit": {"b": 0.5}}, "earns everything"),
        ({"options": OPTIONS, "correct": ["b"], "multiple": True, "credit": {"a": 0.5}}, "for one option"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_reported(make_rule, settings, word):
    [problem] = all_checks()["choice"].lint(make_rule("choice", answer="q", **settings))
    assert word in problem.what


def test_the_answer_schema_names_the_options_and_not_the_right_one(make_rule):
    schema = all_checks()["choice"].answer_schema(make_rule("choice", options=OPTIONS, correct="b"))
    assert schema["enum"] == ["a", "b", "c"]
    assert "b: small translations" in schema["description"]


def test_max_pooling_makes_a_network_less_sensitive_to_translation(judged):
    """Report 002, task 1b, as a choice."""
    options = {
        "a": "it reduces the sensitivity to translations of the input",
        "b": "it reduces the sensitivity to rotations of the input",
        "c": "it adds parameters",
    }
    assert judged("choice", "a", options=options, correct="a")[0].outcome is Outcome.PASSED


MAX_POOLING = {"options": {"a": "convolution", "b": "activation", "c": "max pooling"}, "correct": "c"}


@pytest.mark.parametrize("written", ["max pooling (c)", "Max-Pooling, c", "Antwort c", "Lösung: c"])
def test_key_and_words_count_in_either_order(judged, written):
    assert judged("choice", written, **MAX_POOLING)[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "written", ["c, because it takes a maximum", "the max pooling layer", "only c", "it is (c)", "c only", "I think c"]
)
def test_the_right_option_among_words_is_for_a_person(judged, written):
    [finding] = judged("choice", written, **MAX_POOLING)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unclear-answer")


@pytest.mark.parametrize(
    "written",
    [
        "b or c",
        "c or b",
        "a b c",
        "a, b, c",
        "all of them",
        "c convolution",
        "convolution c",
        "b, not c",
        "max pooling b",
    ],
)
def test_words_about_another_option_and_lists_of_all_are_wrong(judged, written):
    assert judged("choice", written, **MAX_POOLING)[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("written", "outcome"), [("a c", "review"), ("a/c", "review"), ("a b c", "failed"), ("c it is", "failed")]
)
def test_a_set_among_words_is_for_a_person_where_it_is_the_right_one(judged, written, outcome):
    asked = {**MAX_POOLING, "correct": ["a", "c"], "multiple": True}
    assert judged("choice", written, **asked)[0].outcome is Outcome(outcome)
