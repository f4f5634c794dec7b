"""An option is chosen by its key, its place or its words; what fits two is refused."""

import pytest

from grader.answers.choices import parse_choice, parse_choices
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
LAYERS = {"i": "convolution", "ii": "activation function", "iii": "max pooling"}
LETTERS = {"a": "2", "b": "3", "c": "-3", "d": "1.5", "e": "15"}
NUMBERS = {"0": "SGD", "1": "Adam", "2": "RMSprop"}


@pytest.mark.parametrize(
    ("written", "options", "key"),
    [
        pytest.param("iii", LAYERS, "iii", id="the key"),
        pytest.param("(iii)", LAYERS, "iii", id="the key in brackets"),
        pytest.param("III.", LAYERS, "iii", id="the key in another case"),
        pytest.param("option iii", LAYERS, "iii", id="the key with a word before"),
        pytest.param("3", LAYERS, "iii", id="the place as text"),
        pytest.param(3, LAYERS, "iii", id="the place as a number"),
        pytest.param("c)", LAYERS, "iii", id="the place as a letter"),
        pytest.param("max pooling", LAYERS, "iii", id="the words"),
        pytest.param("Max-Pooling", LAYERS, "iii", id="the words otherwise written"),
        pytest.param("maxpooling", LAYERS, "iii", id="the words joined"),
        pytest.param("(iii) max pooling", LAYERS, "iii", id="key and words"),
        pytest.param("iii: Max pooling.", LAYERS, "iii", id="key, colon and words"),
        pytest.param(["iii"], LAYERS, "iii", id="a list of one"),
        pytest.param({"value": "iii"}, LAYERS, "iii", id="an object"),
        pytest.param("i", LETTERS, "a", id="a Roman place beside letter keys"),
        pytest.param("3", LETTERS, "b", id="the words before the place"),
        pytest.param("-3", LETTERS, "c", id="a negative number"),
        pytest.param("−3", LETTERS, "c", id="a negative number with a Unicode minus"),
        pytest.param("1.5", LETTERS, "d", id="a decimal"),
        pytest.param("15", LETTERS, "e", id="not the decimal"),
        pytest.param("1", NUMBERS, "1", id="a number key before its place"),
        pytest.param(0, NUMBERS, "0", id="the key nought"),
    ],
)
def test_an_option_is_chosen(written, options, key):
    assert parse_choice(written, options, HERE) == key


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        pytest.param("(i) and (iii)", ("i", "iii"), id="and"),
        pytest.param("iii, i", ("i", "iii"), id="in the options' order"),
        pytest.param("a + c", ("i", "iii"), id="plus"),
        pytest.param([1, "max pooling"], ("i", "iii"), id="a list"),
        pytest.param("iii, iii", ("iii",), id="twice the same"),
        pytest.param([], (), id="none"),
    ],
)
def test_several_options_are_chosen(written, keys):
    assert parse_choices(written, LAYERS, HERE) == keys


@pytest.mark.parametrize(
    ("written", "options", "code"),
    [
        pytest.param("iv", LAYERS, "not-an-option", id="no such key"),
        pytest.param("4", LAYERS, "not-an-option", id="no such place"),
        pytest.param(0, LAYERS, "not-an-option", id="place nought"),
        pytest.param(-1, LAYERS, "not-an-option", id="place minus one"),
        pytest.param(3, NUMBERS, "not-an-option", id="the third place where keys are numbers"),
        pytest.param("not max pooling", LAYERS, "not-an-option", id="a denial"),
        pytest.param("(i) max pooling", LAYERS, "not-an-option", id="key and words of two options"),
        pytest.param("", LAYERS, "not-an-option", id="nothing"),
        pytest.param(True, LAYERS, "not-an-option", id="true"),
        pytest.param(None, LAYERS, "not-an-option", id="null"),
        pytest.param(10**5000, LAYERS, "not-an-option", id="a huge number"),
        pytest.param("(i) and (iii)", LAYERS, "several-options", id="two where one is asked"),
        pytest.param([], LAYERS, "several-options", id="none where one is asked"),
        pytest.param("a" * 1000, LAYERS, "too-long", id="a long text"),
        pytest.param(["i"] * 4, LAYERS, "not-an-option", id="more than there are"),
        pytest.param(
            "i", {"A": "x", "B": "y"} | {f"C{n}": f"z{n}" for n in range(8)}, "ambiguous", id="letter or Roman"
        ),
    ],
)
def test_what_is_no_option_is_refused(written, options, code, refused):
    problem = refused(parse_choice, written, options)
    assert problem.code == code
    assert problem.fix
