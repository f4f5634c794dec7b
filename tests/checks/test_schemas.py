"""What holds for every check: its schema is one, is closed and described, and its documentation's example is valid."""

import itertools
import textwrap
from fractions import Fraction

import pytest

from grader.checks import all_checks
from grader.documents import parse_yaml, problems_in, validator
from grader.model import Place, Rule, Visibility

NAMES = sorted(all_checks())
RULE_KEYS = {"id", "check", "answer", "points", "after", "visibility", "bonus"}
STAND_INS = {
    "model": {"code": "model.py", "factory": "build_model", "checkpoint": "model.pth", "input": [1, 28, 28]},
    "network": {
        "input": [16, 1, 28, 28],
        "layers": [
            {"kind": "conv2d", "out_channels": 16, "kernel": 5},
            {"kind": "max_pool2d", "kernel": 2},
            {"kind": "flatten"},
            {"kind": "linear", "out_features": 10},
        ],
    },
}


def example(name):
    """The rule in the docstring: the indented block that starts with `- check: NAME`."""
    lines = textwrap.dedent(all_checks()[name].__doc__.partition("\n")[2]).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip() == f"- check: {name}")
    indent = len(lines[start]) - len(lines[start].lstrip())
    block = list(itertools.takewhile(lambda line: not line.strip() or line.startswith(" " * indent), lines[start:]))
    return parse_yaml("\n".join(block) + "\n", name=f"{name}.yaml")


def settings_of(name):
    [written] = example(name).value
    return {key: value for key, value in written.items() if key not in RULE_KEYS}, written.get("answer")


def rule_of(name):
    settings, answer = settings_of(name)
    resolved = {key: STAND_INS.get(key, value) for key, value in settings.items()}
    [written] = example(name).value
    points, seen_by = Fraction(str(written.get("points", 1))), Visibility(written.get("visibility", "student"))
    place = Place(f"{name}.yaml")
    return Rule("example", name, points, resolved, answer=answer, visibility=seen_by, place=place)


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_schema_is_a_schema(name):
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(all_checks()[name].settings_schema)


def objects_in(schema, at="settings"):
    """Every part of a schema that describes a table of known keys, with where it is."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            yield at, schema
        for key, inner in schema.items():
            yield from objects_in(inner, f"{at}/{key}")
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from objects_in(inner, f"{at}/{index}")


@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_settings_is_closed(name):
    open_tables = [
        at for at, table in objects_in(all_checks()[name].settings_schema) if "additionalProperties" not in table
    ]
    assert open_tables == []


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_says_what_it_is(name):
    settings = all_checks()[name].settings_schema["properties"]
    assert [key for key, about in settings.items() if not about.get("description")] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_setting_takes_a_name_that_rules_use(name):
    assert RULE_KEYS & set(all_checks()[name].settings_schema["properties"]) == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_the_documentation_is_valid_and_sensible(name):
    document, rule = example(name), rule_of(name)
    (written, answer), check = settings_of(name), all_checks()[name]
    for settings in (written, dict(rule.settings)):  # as the teacher writes it, and as the loader resolves it
        told = problems_in(document, check.settings_schema, path=(0,), value=settings)
        assert [str(problem) for problem in told] == []
    assert [str(problem) for problem in check.lint(rule)] == []
    assert (answer is not None) == check.reads_answer


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_of_the_examples_answer_is_a_schema(name):
    from jsonschema import Draft202012Validator

    made = all_checks()[name].answer_schema(rule_of(name))
    if made is not None:
        Draft202012Validator.check_schema(made)
        assert not validator(made).is_valid(object())


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_opens_with_one_sentence_and_says_what_is_not_covered(name):
    text = all_checks()[name].__doc__
    assert text.split("\n")[0].endswith(".")
    assert "Not covered" in text
