"""Two rules on one answer: refused where no answer has both forms, and only there."""

from __future__ import annotations

import itertools

import pytest

from grader.course.shared_answers import conflicts
from grader.model import Place, Rule

HEAD = 'assignment: demo\ntitle: Demo\ntasks:\n- id: "1"\n  title: One\n  points: 2\n  rules:\n'
TABLE = "  - {check: layer-table, answer: a, network: {input: [1], layers: [{kind: relu}]}}\n"
NUMBER = {"type": ["number", "string"]}
WORKED = {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 1}, {"type": "object"}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(NUMBER, {"type": "array"}, id="a number and a list"),
        pytest.param(WORKED, {"type": "boolean"}, id="three types and another one"),
        pytest.param(
            {"enum": ["a", "b"]}, {"enum": ["c", None]}, id="options of which none is shared but not answered"
        ),
        pytest.param({"enum": ["a", "b"]}, {"type": "string", "minLength": 2}, id="options that are too short"),
        pytest.param({"type": ["array", "null"]}, {"type": ["object", "null"]}, id="nothing but null in common"),
    ],
)
def test_forms_that_exclude_each_other_are_found_in_either_order(one, other):
    first, second = (Rule(name, "number", 1, {}, answer="k", place=Place("r.yaml")) for name in "xy")
    assert list(conflicts([(first, one), (second, other)])) == [(second, first)]
    assert list(conflicts([(first, other), (second, one)])) == [(second, first)]


FORMS = [NUMBER, WORKED, {"enum": ["a", 3]}, {}, None, {"type": "integer"}, {"description": "anything"}]


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations_with_replacement(FORMS, 2)))
def test_forms_that_share_a_value_are_left_alone(one, other):
    """The value 3 has each of them."""
    first, second = (Rule(name, "number", 1, {}, answer="k", place=Place("r.yaml")) for name in "xy")
    assert list(conflicts([(first, one), (second, other)])) == []


def test_other_answers_are_no_conflict():
    rules = [Rule(name, "number", 1, {}, answer=name, place=Place("r.yaml")) for name in "xy"]
    assert list(conflicts(zip(rules, [NUMBER, {"type": "array"}], strict=True))) == []


def test_a_rubric_with_an_answer_that_cannot_be_given_is_refused(said):
    [told] = said(HEAD + TABLE + "  - {check: choice, answer: a, right: b}\n")
    assert told == (
        "rubrics/demo.yaml:9 /tasks/0/rules/1/answer: no answer fits both this rule and 'layer-table' on line 8, "
        "which reads 'a' too\n  fix: give one of them another answer key"
    )
