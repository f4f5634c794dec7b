"""Every place where a document breaks a schema, each in words that say what is so and what would be right."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grader.documents import Document, json_document, parse_yaml, problems_in, validator
from grader.documents.wording import clean, did_you_mean, shown


def told(value, schema) -> list[str]:
    return [str(problem) for problem in problems_in(Document("a", value), schema)]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"type": "integer"}, 10**300, id="a whole number of any length"),
        pytest.param({"type": "number"}, 1, id="a whole number is a number"),
        pytest.param({"minimum": 0}, 0, id="the minimum itself"),
        pytest.param({"maxLength": 2}, "ab", id="the longest text"),
        pytest.param({"pattern": "^a$"}, "a", id="the whole text"),
        pytest.param({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, id="null where it is allowed"),
        pytest.param({"enum": [1, 2]}, 2, id="one of a few"),
    ],
)
def test_what_fits_is_left_alone(schema, value):
    assert told(value, schema) == []


@pytest.mark.parametrize(
    ("schema", "value", "what", "fix"),
    [
        pytest.param(
            {"type": "integer"}, True, "true is not a whole number", "write a whole number", id="true is no 1"
        ),
        pytest.param({"type": "integer"}, 1.0, "1.0 is not a whole number", "write a whole number", id="1.0 is no 1"),
        pytest.param({"type": "number"}, False, "false is not a number", "write a number", id="false is no 0"),
        pytest.param(
            {"type": "number", "description": "the size, in pixels. More."},
            "3",
            '"3" is not a number',
            "write it without quotes: the size, in pixels",
            id="a number in quotes",
        ),
        pytest.param({"type": "string"}, 1.1, "1.1 is not text", "put it in quotes", id="a number for text"),
        pytest.param({"type": "boolean"}, "yes", '"yes" is not true or false', "write true", id="yes"),
        pytest.param({"type": "boolean"}, "Off", '"Off" is not true or false', "write false", id="Off"),
        pytest.param({"type": "boolean"}, 1, "1 is not true or false", "write true or false", id="1 is no true"),
        pytest.param(
            {"type": "array"}, None, "nothing is written here, where a list belongs", "write a list", id="null"
        ),
        pytest.param(
            {"type": ["array", "string"]}, {}, "{} is not a list or text", "write a list or text", id="two types"
        ),
        pytest.param({"minimum": 0}, -1, "-1 is less than the minimum of 0", "write 0 or more", id="minimum"),
        pytest.param({"maximum": 1}, 1.5, "1.5 is more than the maximum of 1", "write 1 or less", id="maximum"),
        pytest.param({"exclusiveMinimum": 0}, 0, "0 is not more than 0", "write more than 0", id="exclusive minimum"),
        pytest.param({"exclusiveMaximum": 1}, 1, "1 is not less than 1", "write less than 1", id="exclusive maximum"),
        pytest.param(
            {"multipleOf": 0.5}, 0.7, "0.7 is not a multiple of 0.5", "write a multiple of 0.5", id="multiple"
        ),
        pytest.param({"const": "x"}, "y", '"y" is not "x"', 'write "x"', id="constant"),
        pytest.param(
            {"enum": ["same", "valid"]},
            "sam",
            '"sam" is none of the allowed values',
            'did you mean \'same\'? allowed: "same", "valid"',
            id="near one of a few",
        ),
        pytest.param({"enum": [1, 2]}, "x", '"x" is none of the allowed values', "allowed: 1, 2", id="none of a few"),
        pytest.param(
            {"pattern": "^[a-z]+$"},
            "A",
            '"A" has not the expected form',
            "write text that matches ^[a-z]+$",
            id="pattern",
        ),
        pytest.param(
            {"pattern": "^[a-z]+$", "description": "lower case", "examples": ["ab"]},
            "A",
            '"A" has not the expected form',
            'write lower case, such as "ab"',
            id="pattern that is described",
        ),
        pytest.param(
            {"pattern": "^[a-z]+$"},
            "a\n",
            '"a\\n" has not the expected form',
            "write text that matches ^[a-z]+$",
            id="a line break behind a fitting text",
        ),
        pytest.param(
            {"pattern": r"^\d$"},
            "\u0663",
            '"\u0663" has not the expected form',
            r"write text that matches ^\d$",
            id="a digit of another script",
        ),
        pytest.param({"minLength": 1}, "", "the text is empty", "write at least 1 character", id="empty text"),
        pytest.param(
            {"maxLength": 2}, "abc", "the text has 3 characters", "write at most 2 characters", id="long text"
        ),
        pytest.param({"minItems": 2}, [1], "the list has 1 entry", "write at least 2 entries", id="short list"),
        pytest.param({"minItems": 1}, [], "the list is empty", "write at least 1 entry", id="empty list"),
        pytest.param({"minProperties": 1}, {}, "the table is empty", "write at least 1 key", id="empty table"),
        pytest.param(
            {"required": ["b"], "properties": {"b": {"description": "the batch"}}},
            {"a": 1},
            "'b' is missing",
            "add 'b': the batch",
            id="missing key",
        ),
        pytest.param(
            {"not": {"required": ["a", "b"]}},
            {"a": 1, "b": 2},
            "'a' and 'b' do not go together",
            "keep one of them",
            id="two that exclude each other",
        ),
        pytest.param({"not": {"const": 1}}, 1, "1 is not allowed here", "write another value", id="forbidden"),
        pytest.param(
            {"dependentRequired": {"a": ["b"]}},
            {"a": 1},
            "'a' is given without 'b'",
            "add 'b', or remove 'a'",
            id="one that needs another",
        ),
        pytest.param(
            {"anyOf": [{"required": ["epoch"]}, {"required": ["step"]}]},
            {},
            "'epoch' or 'step' is missing",
            "add 'epoch' or 'step'",
            id="one of two keys",
        ),
        pytest.param(
            {"anyOf": [{"type": "number"}, {"type": "string"}]},
            [1],
            "[1] is not a number or text",
            "write a number or text",
            id="none of two types",
        ),
        pytest.param(
            {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]},
            -1,
            "-1 is less than the minimum of 0",
            "write 0 or more",
            id="the branch of the right type",
        ),
        pytest.param(
            {"oneOf": [{"minimum": 0}, {"maximum": 9}]},
            5,
            "5 fits more than one of the allowed forms",
            "write one of them",
            id="too many forms",
        ),
        pytest.param(
            {"anyOf": [{"minimum": 5}, {"multipleOf": 2}]},
            3,
            "3 fits none of the allowed forms",
            "write one of them",
            id="no form",
        ),
        pytest.param(False, 1, "this is not allowed here", "remove it", id="nothing is allowed"),
        pytest.param(
            {"contains": {"const": 1}},
            [2],
            "[2] does not contain items matching the given schema",
            "see 'contains' in the schema",
            id="a keyword without words of its own",
        ),
    ],
)
def test_each_broken_keyword_says_what_is_so_and_what_would_be_right(schema, value, what, fix):
    assert told(value, {"allOf": [schema]}) == [f"a: {what}\n  fix: {fix}"]


KINDS = {
    "oneOf": [
        {"required": ["kind", "size"], "properties": {"kind": {"const": "pool"}, "size": {"type": "integer"}}},
        {"required": ["kind"], "properties": {"kind": {"enum": ["relu", "tanh"]}}, "additionalProperties": False},
    ]
}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param({"kind": "pool"}, "a: 'size' is missing\n  fix: add 'size'", id="the branch of its kind"),
        pytest.param(
            {"kind": "pool", "size": "2"},
            'a /size: "2" is not a whole number\n  fix: write it without quotes',
            id="deeper in its branch",
        ),
        pytest.param(
            {"kind": "relu", "size": 1}, "a /size: unknown key 'size'\n  fix: known: kind", id="a key of another kind"
        ),
        pytest.param(
            {"kind": "rleu"},
            'a /kind: "rleu" is none of the allowed values\n'
            '  fix: did you mean \'relu\'? allowed: "pool", "relu", "tanh"',
            id="no kind",
        ),
    ],
)
def test_of_many_kinds_the_one_that_is_meant_is_spoken_of(value, said):
    assert told(value, KINDS) == [said]


def test_of_many_allowed_values_the_nearest_is_enough():
    many = [f"kind{n}" for n in range(9)]
    assert told("kind33", {"enum": many}) == [
        "a: \"kind33\" is none of the allowed values\n  fix: did you mean 'kind3'?"
    ]
    [said] = told("x", {"enum": many})
    assert said.count("kind") == 9


def test_unknown_and_missing_keys_are_each_told_with_their_own_place():
    schema = {"properties": {"layers": {}, "input": {}}, "required": ["layers", "input"], "additionalProperties": False}
    document = parse_yaml("lairs: 1\nx: 2\n", name="a.yaml")
    assert [str(problem) for problem in problems_in(document, schema)] == [
        "a.yaml:1: 'layers' is missing\n  fix: add 'layers'",
        "a.yaml:1: 'input' is missing\n  fix: add 'input'",
        "a.yaml:1 /lairs: unknown key 'lairs'\n  fix: did you mean 'layers'?",
        "a.yaml:2 /x: unknown key 'x'\n  fix: known: input, layers",
    ]


def test_a_bad_name_of_a_key_is_placed_at_the_key():
    document = json_document('{"ok": 1,\n"Not ok": 2}', name="a.json")
    [problem] = problems_in(document, {"propertyNames": {"pattern": "^[a-z]+$"}})
    assert problem.where == "a.json:2 /Not ok"


def test_an_entry_that_stands_twice_is_placed_at_the_second():
    assert told([1, 2, 1], {"uniqueItems": True}) == ["a /2: 1 stands twice in the list\n  fix: keep one of the two"]


def test_problems_come_in_the_order_of_the_lines_and_entries():
    document = json_document("[" + ",\n".join(["-1"] * 12) + "]", name="a")
    places = [problem.where for problem in problems_in(document, {"items": {"minimum": 0}})]
    assert places == [f"a:{line} /{line - 1}" for line in range(1, 13)]
    places = [problem.where for problem in problems_in(Document("a", [-1] * 12), {"items": {"minimum": 0}})]
    assert places == [f"a /{index}" for index in range(12)]


def test_a_part_is_checked_as_what_stands_at_its_path():
    document = json_document('{"answers":\n {"n": 0}}', name="a.json")
    [problem] = problems_in(document, {"minimum": 1}, path=("answers", "n"), value=0)
    assert problem.where == "a.json:2 /answers/n"


def test_null_is_a_value_that_can_be_checked():
    [problem] = problems_in(Document("a", {"n": None}), {"type": "integer"}, path=("n",), value=None)
    assert problem.where == "a /n"


def test_a_flood_of_errors_is_cut():
    assert len(told([-1] * 100_000, {"items": {"minimum": 0}})) == 200


def test_a_fix_can_be_given_by_who_knows_better():
    problems = problems_in(Document("a", -1), {"minimum": 0}, advise=lambda error: f"not {error.instance}")
    assert [problem.fix for problem in problems] == ["not -1"]


def test_what_a_stranger_wrote_is_shown_escaped_and_short():
    hostile = "\x1b[31m\u202e" + "k" * 5_000
    for text in told({hostile: 1}, {"additionalProperties": False}) + told([hostile], {"items": {"type": "null"}}):
        assert all(line.isprintable() for line in text.split("\n"))
        assert len(text) < 500


@given(st.text(), st.integers(4, 50))
def test_what_is_shown_is_one_printable_line_within_the_limit(text, limit):
    assert re.fullmatch(r"[^\x00-\x1f\x7f]*", clean(text, limit))
    assert clean(text, limit).isprintable()
    assert shown(text, limit).isprintable()


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        pytest.param("kernal", ["kernel", "stride"], "did you mean 'kernel'?", id="one letter"),
        pytest.param("xyz", ["kernel", "stride"], "known: kernel, stride", id="nothing near"),
        pytest.param("xyz", [], "none is known", id="nothing known"),
        pytest.param(3, ["kernel"], "known: kernel", id="no word at all"),
    ],
)
def test_a_slip_gets_the_nearest_word(word, known, said):
    assert did_you_mean(word, known) == said


def test_a_remote_reference_is_never_followed():
    from referencing.exceptions import Unresolvable

    with pytest.raises(Exception, match="Unresolvable") as caught:
        validator({"$ref": "http://127.0.0.1:9/x.json"}).is_valid(1)
    assert isinstance(caught.value, Unresolvable)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, "a", "abc"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(
        [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]},
            {"anyOf": [{"type": "array", "items": {"minimum": 0}}, {"type": "string", "minLength": 2}]},
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"additionalProperties": {"type": "array", "minItems": 1}, "propertyNames": {"enum": ["a", "b"]}},
            KINDS,
        ]
    ),
)
def test_nothing_that_jsonschema_refuses_goes_untold(value, schema):
    is_refused = not Draft202012Validator(schema).is_valid(value)
    assert bool(told(value, schema)) == is_refused


def test_reading_json_imports_neither_yaml_nor_jsonschema():
    code = "import sys; from grader.documents import parse_json; parse_json('[1]', name='a'); "
    code += "print(*sorted({'yaml', 'jsonschema', 'referencing', 'difflib', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, -1.5]) | st.text("ab1", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=6,
)


@given(st.lists(JSON_VALUES, max_size=5))
def test_what_stands_twice_is_what_jsonschema_itself_finds_twice(items):
    assert bool(told(items, {"uniqueItems": True})) is not Draft202012Validator({"uniqueItems": True}).is_valid(items)


@pytest.mark.attack(14, 78)
def test_looking_for_what_stands_twice_compares_no_two_items():
    """Each with each, 60,000 objects took hours: the test would not end."""
    items = [{"a": number} for number in range(60_000)]
    assert told(items, {"uniqueItems": True}) == []
    assert len(told([*items, {"a": 7}], {"uniqueItems": True})) == 1
