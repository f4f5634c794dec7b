"""The loader and the published schema agree: an editor never accepts less than the loader, nor the loader more."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grader.course import load_rubric, rubric_problems
from grader.documents import schema
from grader.errors import CourseError

SOUND = {
    "assignment": "demo",
    "title": "Demo",
    "description": "d",
    "pass_points": 1,
    "networks": {"n": {"input": [1, 28, 28], "layers": [{"kind": "relu"}, {"kind": "pool", "size": 2}]}},
    "models": {"net": {"code": "model.py", "factory": "f", "checkpoint": "m.pth", "input": [1]}},
    "tasks": [
        {
            "id": "1",
            "title": "One",
            "points": 3.5,
            "rules": [
                {"id": "a", "check": "layer-table", "answer": "k", "network": "n", "points": "1/2"},
                {"check": "number", "answer": "x", "right": 3, "after": ["a"], "visibility": "staff"},
                {"check": "accuracy", "at_least": 0.5, "bonus": True, "points": 1},
            ],
        },
        {"id": "2", "title": "Two", "points": 1, "rules": [{"check": "files", "need": []}]},
    ],
}

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.sampled_from([0.5, -1.5, "", "a", "1/3", "x y", "1.1", "../x", "demo", "number", "n" * 70]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "check", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def _places(value, path=()):
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _places(inner, (*path, step))


PLACES = sorted(_places(SOUND), key=str)


@st.composite
def mutated(draw):
    """The sound rubric with up to three places replaced, removed or given another key."""
    document = copy.deepcopy(SOUND)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(PLACES))
        parent = document
        try:
            for step in place[:-1]:
                parent = parent[step]
            here = parent[place[-1]] if place else document
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
        how = draw(st.sampled_from(["replace", "remove", "add"]))
        if how == "add" and isinstance(here, dict):
            here[draw(st.sampled_from(["x", "points", "after", "bonus", "input", "$schema"]))] = draw(ANYTHING)
        elif place and isinstance(parent, dict | list):
            if how == "remove":
                del parent[place[-1]]
            else:
                parent[place[-1]] = draw(ANYTHING)
    return document


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("course") / "rubrics"
    made.mkdir()
    return made


def test_the_sound_rubric_is_sound(folder, checks):
    (folder / "demo.yaml").write_text(json.dumps(SOUND))
    assert [problem.code for problem in rubric_problems(folder / "demo.yaml", checks)] == ["warning-hidden-points"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated())
def test_what_the_published_schema_refuses_the_loader_refuses(folder, checks, document):
    """And whatever the loader refuses, it says why; whatever it loads adds up."""
    (folder / "demo.yaml").write_text(json.dumps(document))
    is_published = Draft202012Validator(schema("rubric")).is_valid(document)
    refused = ()
    try:
        rubric = load_rubric(folder / "demo.yaml", checks)
    except CourseError as error:
        rubric, refused = None, error.problems
    assert is_published or refused
    assert all(problem.where.startswith("rubrics/demo.yaml:") and problem.fix for problem in refused)
    if rubric is not None:
        for task in rubric.tasks:
            assert sum(rule.points for rule in task.rules if not rule.is_bonus) == task.points
            assert all(rule.points >= 0 for rule in task.rules)
        names = [rule.id for rule in rubric.rules()]
        assert len(set(names)) == len(names)
        assert all(set(rule.after) <= set(names) - {rule.id} for rule in rubric.rules())
