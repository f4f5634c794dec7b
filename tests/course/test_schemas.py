"""The published forms: valid schemas, described to the last key, refusing what they must and nothing else."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from grader.documents import SCHEMAS, schema, validator
from grader.model import Json

OURS = ["rubric", "course", "submission", "answers", "training-log"]


@pytest.mark.parametrize("name", sorted(path.name for path in SCHEMAS.glob("*.json")))
def test_every_published_schema_is_a_valid_one_under_its_own_relative_id(name):
    published = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)
    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert published["$id"] == name
    assert published["title"]
    assert published["description"]


def _described(part: Json, path: str) -> list[str]:
    """The paths of properties without a description of their own or of what they refer to."""
    lacking = []
    for key, about in part.get("properties", {}).items():
        refers = isinstance(about, dict) and "$ref" in about
        if isinstance(about, dict) and "description" not in about and not refers:
            lacking.append(f"{path}/{key}")
        lacking += _described(about, f"{path}/{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(part.get(key), dict):
            lacking += _described(part[key], f"{path}/{key}")
    return lacking


@pytest.mark.parametrize("name", OURS)
def test_every_key_is_described(name):
    published = schema(name)
    parts = [published, *published.get("$defs", {}).values()]
    assert [path for part in parts for path in _described(part, name)] == []


@pytest.mark.parametrize("name", OURS)
def test_every_default_fits_its_own_schema(name):
    published = schema(name)

    def defaults(part):
        if isinstance(part, dict):
            if "default" in part:
                yield part
            for inner in part.values():
                yield from defaults(inner)

    for part in defaults(published):
        checker = validator({"$defs": published.get("$defs", {}), **part})
        assert checker.is_valid(part["default"])


def test_an_editor_completes_every_check_and_every_kind_of_layer():
    from grader.architecture import KINDS
    from grader.checks import all_checks

    forms = schema("rubric")["$defs"]
    assert sorted(forms["rule"]["properties"]["check"]["examples"]) == sorted(all_checks())
    assert sorted(forms["layer"]["properties"]["kind"]["examples"]) == sorted(KINDS)


@pytest.mark.parametrize("rubric", sorted((SCHEMAS.parents[2] / "rubrics").glob("*.yaml")), ids=lambda file: file.stem)
def test_a_rubric_of_this_course_names_its_schema_for_the_editor(rubric):
    """The language server of YAML takes the path from the rubric's own folder."""
    first = rubric.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (rubric.parent / named).resolve() == SCHEMAS / "rubric.schema.json"


MANIFEST = {"assignment": "digits", "students": [{"id": "s1"}]}
ID = "a" * 64


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("submission", MANIFEST, id="one student"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": ID, "name": "Ω"}]}, id="the longest id"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": "a.b_c-D@uni"}], "$schema": "x"}, id="every sign"),
        pytest.param("answers", {"answers": {}}, id="nothing answered"),
        pytest.param(
            "answers", {"$schema": "x", "assignment": "digits", "answers": {"a": None, "b": [1]}}, id="all keys"
        ),
        pytest.param("training-log", {"epoch": 0}, id="an epoch alone"),
        pytest.param(
            "training-log",
            {
                "step": 1000,
                "train_loss": -0.5,
                "test_accuracy": 1,
                "learning_rate": 1e-4,
                "train_accuracy": 0,
                "note": "x",
            },
            id="a step with everything and more",
        ),
        pytest.param("training-log", {"epoch": 1.5, "step": 7}, id="half an epoch"),
        pytest.param("course", {"name": "CNN"}, id="a course of nothing but a name"),
    ],
)
def test_what_is_right_is_accepted(name, value):
    assert validator(schema(name)).is_valid(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("submission", {"students": [{"id": "s1"}]}, id="no assignment"),
        pytest.param("submission", {"assignment": "digits"}, id="no students"),
        pytest.param("submission", {**MANIFEST, "students": []}, id="nobody"),
        pytest.param("submission", {**MANIFEST, "students": [{"name": "Ada"}]}, id="no id"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": ""}]}, id="an empty id"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": ID + "a"}]}, id="an id one sign too long"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": "a/b"}]}, id="an id with a slash"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": "a\n"}]}, id="an id with a line break behind it"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": "é"}]}, id="an id of another alphabet"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": 7}]}, id="a number for an id"),
        pytest.param("submission", {**MANIFEST, "students": [{"id": "=1+1", "x": 1}]}, id="a formula for an id"),
        pytest.param("submission", {**MANIFEST, "points": 100}, id="points for oneself"),
        pytest.param("submission", {**MANIFEST, "assignment": "../digits"}, id="an assignment elsewhere"),
        pytest.param("answers", {}, id="no answers"),
        pytest.param("answers", {"answers": []}, id="a list of answers"),
        pytest.param("answers", {"answers": {"a b": 1}}, id="a key with a space"),
        pytest.param("answers", {"answers": {}, "score": 100}, id="a score for oneself"),
        pytest.param("training-log", {"train_loss": 1.0}, id="neither epoch nor step"),
        pytest.param("training-log", {"epoch": -1}, id="before the first epoch"),
        pytest.param("training-log", {"epoch": True}, id="true is no epoch"),
        pytest.param("training-log", {"step": 1.5}, id="half a step"),
        pytest.param("training-log", {"step": 1, "test_accuracy": 98.01}, id="percent"),
        pytest.param("training-log", {"step": 1, "train_loss": float("inf")}, id="an infinite loss"),
        pytest.param("training-log", {"step": 1, "train_loss": "0.5"}, id="a loss in quotes"),
        pytest.param("training-log", [], id="no record"),
    ],
)
def test_what_is_wrong_is_refused(name, value):
    assert not validator(schema(name)).is_valid(value)
