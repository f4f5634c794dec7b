"""Words and phrases are found whatever their case, hyphens and Unicode form, and only as whole words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.text import Text, parse_text, words
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=100, deadline=None)
SENTENCE = "Max-Pooling layers reduce the sensitivity to translations; batch\nnormal-\nisation doesn’t. K = 1.5, p = −1"


@pytest.mark.parametrize(
    ("phrase", "is_there"),
    [
        pytest.param("max pooling", True, id="hyphen for space"),
        pytest.param("maxpooling", True, id="joined"),
        pytest.param("MAX-POOLING", True, id="another case"),
        pytest.param("max‑pooling", True, id="unbreakable hyphen"),
        pytest.param("batch normalisation", True, id="over a line end, hyphenated"),
        pytest.param("doesn't", True, id="another apostrophe"),
        pytest.param("1.5", True, id="a number"),
        pytest.param("-1", True, id="a negative number"),
        pytest.param("", True, id="nothing asked"),
        pytest.param("translation", False, id="part of a word"),
        pytest.param("pooling max", False, id="another order"),
        pytest.param("max layers", False, id="not side by side"),
        pytest.param("15", False, id="a number without its point"),
        pytest.param("1", False, id="a number without its sign"),
        pytest.param("ax pooling", False, id="from within a word"),
    ],
)
def test_phrases_are_found_as_whole_words(phrase, is_there):
    assert Text(SENTENCE).has(phrase) is is_there


def test_unicode_forms_are_one():
    assert Text("ﬁlter cafe\u0301 ＣＮＮ STRASSE").missing(["filter", "café", "cnn", "straße"]) == ()


def test_missing_phrases_are_listed_in_the_order_asked():
    assert Text(SENTENCE).missing(["stride", "max pooling", "kernel"]) == ("stride", "kernel")


@pytest.mark.parametrize(
    ("written", "word_count", "characters"),
    [
        pytest.param("", 0, 0, id="nothing"),
        pytest.param("  \n ", 0, 0, id="white space"),
        pytest.param("max-pooling  is – good", 3, 21, id="a dash is no word"),
        pytest.param(["one", "two three"], 3, 13, id="a list of texts"),
        pytest.param({"value": "one two"}, 2, 7, id="an object"),
    ],
)
def test_words_and_characters_are_counted(written, word_count, characters):
    text = parse_text(written, HERE)
    assert (text.word_count, text.character_count) == (word_count, characters)


@pytest.mark.parametrize(
    ("written", "where"),
    [(5, ""), (True, ""), (None, ""), (["a", 5], "/1"), ({}, ""), ("a" * 100_001, "")],
    ids=["a number", "true", "null", "a number in a list", "an empty object", "too long"],
)
def test_what_is_no_text_is_refused(written, where, refused):
    problem = refused(parse_text, written)
    assert problem.where == f"answers.json /answers/q{where}"
    assert problem.fix


@quick
@given(st.text(max_size=80))
def test_reading_words_again_changes_nothing(text):
    found = words(text)
    assert words(" ".join(found)) == found


@quick
@given(st.lists(st.text("abcdef", min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_every_run_of_words_is_a_phrase_of_the_text(found, data):
    start = data.draw(st.integers(0, len(found) - 1))
    end = data.draw(st.integers(start + 1, len(found)))
    assert Text(" ".join(found)).has("-".join(found[start:end]))
