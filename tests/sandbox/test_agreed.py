"""What may come out as JSON, and how it is looked at. The oracle is jsonschema, with strict types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.documents import validator
from grader.sandbox.agreed import WORDS, first_flaw
from grader.sandbox.results import SCHEMAS, flaws

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.sampled_from([0.0, 1.0, 2.5, -1.0]) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abpn", max_size=4), inner, max_size=3),
    max_leaves=5,
)


def fitting(schema):
    """Values that fit a schema of ours."""
    if "anyOf" in schema:
        return st.one_of([fitting(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        return st.fixed_dictionaries({name: fitting(inner) for name, inner in schema.get("properties", {}).items()})
    if kind == "array":
        return st.lists(fitting(schema["items"]), max_size=2)
    if kind == "string":
        return st.text(min_size=schema.get("minLength", 0), max_size=min(schema["maxLength"], 64))
    low, high = schema.get("minimum", 0), schema.get("maximum", 9)
    numbers = st.integers(low, high)
    by_kind = {"integer": numbers, "number": numbers | st.floats(low, high), "boolean": st.booleans()}
    return by_kind.get(kind, st.none())


@st.composite
def spoilt(draw):
    """A program's result that fits, with one thing in it replaced, left out or added."""
    program = draw(st.sampled_from(sorted(SCHEMAS)))
    value = draw(fitting(SCHEMAS[program]))
    for _ in range(draw(st.integers(0, 2))):
        at = value
        for _ in range(draw(st.integers(0, 4))):
            keys = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
            inner = [key for key in keys if isinstance(at[key], dict | list)]
            if inner:
                at = at[draw(st.sampled_from(inner))]
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if isinstance(at, dict) and draw(st.booleans()):
            at[draw(st.text(max_size=3))] = draw(ANYTHING)
        elif keys and draw(st.booleans()):
            at[draw(st.sampled_from(keys))] = draw(ANYTHING)
        elif keys:
            del at[draw(st.sampled_from(keys))]
    return program, value


@given(spoilt())
def test_what_fits_is_what_jsonschema_finds_fitting(given_):
    program, value = given_
    assert (flaws(program, value) == "") is validator(SCHEMAS[program]).is_valid(value)


@given(st.sampled_from(sorted(SCHEMAS)), ANYTHING)
def test_anything_else_is_refused_as_jsonschema_refuses_it(program, value):
    assert (flaws(program, value) == "") is validator(SCHEMAS[program]).is_valid(value)


@pytest.mark.attack(17)
@pytest.mark.parametrize(
    ("value", "schema"),
    [
        pytest.param(True, {"type": "integer"}, id="true for one"),
        pytest.param(1.0, {"type": "integer"}, id="1.0 for one"),
        pytest.param("1", {"type": "integer"}, id="a text for a number"),
        pytest.param(1, {"type": "boolean"}, id="one for true"),
        pytest.param(True, {"type": "number"}, id="true for a number"),
        pytest.param(1, {"enum": [True]}, id="one for true among words"),
        pytest.param(-1, {"type": "integer", "minimum": 0}, id="a negative count"),
        pytest.param("aaa", {"type": "string", "maxLength": 2}, id="a text too long"),
        pytest.param([1, 2], {"type": "array", "items": {"type": "integer"}, "maxItems": 1}, id="a row too long"),
    ],
)
def test_types_are_strict_and_limits_hold(value, schema):
    assert first_flaw(value, schema) == ()


def test_the_place_of_a_flaw_is_told():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}},
    }
    assert first_flaw({"a": [[1], [2, None]]}, schema) == ("a", 1, 1)


def words_of(schema):
    if isinstance(schema, dict):
        for word, inner in schema.items():
            yield word
            for below in inner.values() if word == "properties" else [inner]:
                yield from words_of(below)
    elif isinstance(schema, list):
        for inner in schema:
            yield from words_of(inner)


def test_every_word_of_our_schemas_is_one_that_is_looked_at():
    assert set(words_of(SCHEMAS["describe"])) <= WORDS
    assert {word for schema in SCHEMAS.values() for word in words_of(schema)} <= WORDS


@pytest.mark.attack_partly(75)
def test_eight_megabytes_of_numbers_do_not_keep_the_grader_from_the_others():
    """A forged answer as long as it may be: each number is looked at once. With jsonschema it took 22 s."""
    deep = [[0] * 64] * 64
    layer = {
        "name": "", "kind": "", "torch_kind": None, "attributes": {}, "input_shape": deep, "output_shape": deep,
        "parameters": 0, "trainable": 0, "shared": 0, "buffers": 0, "is_leaf": True, "call": 1, "calls": 1, "depth": 0,
    }  # fmt: skip
    result = {
        "layers": [layer] * 500, "layers_count": 0, "unused": [], "parameters": 0, "trainable": 0, "buffers": 0,
        "input_shape": [], "output_shape": None, "repr": "", "state": None, "tensors": None,
    }  # fmt: skip
    assert flaws("describe", result) == ""
    deep[63] = [0] * 63 + [-1]
    assert flaws("describe", result).startswith("/layers/0/input_shape")
