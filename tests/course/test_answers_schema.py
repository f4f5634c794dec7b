"""The schema of an assignment's answers: what an editor completes, and what it must not give away."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from grader.course import answers_schema, load_rubric
from grader.course.answers import or_null
from grader.documents import validator
from grader.model import Visibility

TEXT = """\
assignment: demo
title: Demo
networks:
  n: {input: [1], layers: [{kind: relu}]}
tasks:
- id: "1.1"
  title: Shapes
  points: 3
  rules:
  - {check: layer-table, answer: layers, network: n}
  - {check: number, answer: total, right: 31898}
  - {id: again, check: number, answer: total, right: 31898}
- id: "2"
  title: Ideas
  points: 3
  rules:
  - {check: choice, answer: best, right: secret-b}
  - {check: text, answer: why}
  - {id: both, check: choice, answer: total, right: a}
"""


@pytest.fixture
def made(loaded, checks):
    return answers_schema(loaded(TEXT), checks)


def _answer(made, key):
    return made["properties"]["answers"]["properties"][key]


def test_it_is_a_valid_schema_that_survives_json(made):
    Draft202012Validator.check_schema(made)
    assert json.loads(json.dumps(made)) == made


def test_it_names_the_assignment_and_every_answer_once(made):
    assert made["title"] == "Answers: Demo"
    assert made["properties"]["assignment"]["const"] == "demo"
    assert list(made["properties"]["answers"]["properties"]) == ["layers", "total", "best", "why"]


def test_an_answer_is_titled_by_its_task_and_described_by_its_check(made):
    assert _answer(made, "layers") == {
        "type": ["array", "null"],
        "title": "1.1 Shapes",
        "description": "One row per layer.",
    }
    assert _answer(made, "why") == {"title": "2 Ideas", "description": "Read by the check text."}


def test_an_answer_that_two_checks_read_must_fit_both(made):
    assert _answer(made, "total")["allOf"] == [
        {"type": ["number", "string", "null"], "description": "A number."},
        {"enum": ["a", "b", None]},
    ]


def test_an_answer_that_two_rules_read_alike_is_said_once(loaded, checks):
    made = answers_schema(loaded(TEXT.replace("  - {id: both, check: choice, answer: total, right: a}\n", "")), checks)
    assert _answer(made, "total") == {
        "type": ["number", "string", "null"],
        "title": "1.1 Shapes",
        "description": "A number.",
    }


def test_no_right_answer_is_given_away(made):
    assert "31898" not in json.dumps(made)
    assert "secret" not in json.dumps(made)


def test_checks_of_staff_rules_are_not_named(loaded, checks):
    rubric = loaded(TEXT)
    hidden = tuple(
        replace(task, rules=tuple(replace(rule, visibility=Visibility.STAFF) for rule in task.rules))
        for task in rubric.tasks
    )
    made = answers_schema(replace(rubric, tasks=hidden), checks)
    assert _answer(made, "why")["description"] == "An answer of this task."


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({}, id="nothing answered"),
        pytest.param(dict.fromkeys(["layers", "total", "best", "why"]), id="a template of nulls"),
        pytest.param({"layers": [], "best": "a", "why": {"any": "thing"}}, id="some answered"),
    ],
)
def test_what_is_not_answered_yet_is_no_error_of_form(made, answers):
    assert validator(made).is_valid({"answers": answers})
    assert validator(made).is_valid({"$schema": "x", "assignment": "demo", "answers": answers})


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="no answers"),
        pytest.param({"answers": {"layer": []}}, id="an unknown answer"),
        pytest.param({"answers": {"best": "c"}}, id="an answer of another form"),
        pytest.param({"answers": {"total": 3}}, id="an answer that fits one of two checks"),
        pytest.param({"answers": {}, "assignment": "other"}, id="another assignment"),
        pytest.param({"answers": {}, "students": []}, id="something else besides"),
    ],
)
def test_what_is_wrong_is_refused(made, document):
    assert not validator(made).is_valid(document)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({}, id="anything"),
        pytest.param({"type": "string", "minLength": 3}, id="a type"),
        pytest.param({"type": ["string", "null"]}, id="null already"),
        pytest.param({"enum": ["abcd", 1]}, id="a few"),
        pytest.param({"type": "string", "enum": ["abcd"]}, id="a few of a type"),
        pytest.param({"const": "abcd"}, id="one"),
        pytest.param({"anyOf": [{"type": "string"}, {"type": "array"}]}, id="any of two"),
        pytest.param({"oneOf": [{"type": "string"}, {"type": "array"}]}, id="one of two"),
        pytest.param({"type": "string", "oneOf": [{"maxLength": 2}, {"minLength": 4}]}, id="one of two of a type"),
        pytest.param({"allOf": [{"type": "string"}]}, id="all of one"),
        pytest.param({"not": {"type": ["number", "null"]}}, id="all but some"),
        pytest.param({"if": {"type": "string"}, "then": {"minLength": 3}, "else": False}, id="under a condition"),
    ],
)
def test_null_is_allowed_and_nothing_else_changes(shape):
    before, after = validator(shape), validator(or_null(shape))
    assert after.is_valid(None)
    for value in ("", "ab", "abcd", 1, 2.5, True, [], [None], {}, {"a": 1}):
        assert after.is_valid(value) == before.is_valid(value)


def test_an_answer_that_a_rules_settings_name_is_completed_too(rubric_file, checks):
    """Else an editor would call it a slip. Where another rule reads it as well, it has to fit both."""
    text = TEXT.replace("answer: why}", "answer: why, other: result}").replace(
        "answer: layers, network: n}", "answer: layers, network: n, other: total}"
    )
    open_ = {
        name: replace(check, settings_schema={"type": "object", "additionalProperties": True})
        for name, check in checks.items()
    }
    answers = answers_schema(load_rubric(rubric_file(text), open_), open_)["properties"]["answers"]["properties"]
    assert answers["result"] == {"type": ["number", "null"], "title": "2 Ideas", "description": "another"}
    assert any(part.get("type") == ["number", "null"] for part in answers["total"]["allOf"])
