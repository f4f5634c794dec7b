"""YAML of plain values: what looks like text is text, what a teacher cannot mean is refused, all of it at once."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from grader.documents import MAX_DEPTH, DocumentError, parse_yaml

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdefg-_.0123456789", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def value(text: str):
    return parse_yaml(text, name="a.yaml").value


def refusal(text: str) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_yaml(text, name="a.yaml")
    return str(caught.value)


@given(PLAIN)
def test_json_is_read_as_the_json_that_it_is(made):
    """YAML 1.2 holds JSON: the JSON parser is the oracle."""
    assert value(json.dumps(made, ensure_ascii=False)) == made


@given(PLAIN)
def test_what_a_yaml_writer_writes_is_read_back(made):
    assert value(yaml.dump(made, Dumper=_Quoting, width=10_000)) == made


class _Quoting(yaml.SafeDumper):
    """Quotes every text: what remains is the structure."""


_Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
_Quoting.ignore_aliases = lambda *_: True


@given(st.text(alphabet="ab:-[]{},#&*!|>'\"%@` \n\t?~01.e", max_size=40))
def test_any_text_is_read_or_refused_with_a_problem(text):
    refused = ()
    try:
        read = parse_yaml(text, name="a").value
    except DocumentError as error:
        read, refused = None, error.problems
    assert all(problem.where.startswith("a:") for problem in refused)
    assert refused or json.dumps(read, allow_nan=False)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("yes", "yes", id="yes is text"),
        pytest.param("no", "no", id="no is text, and Norway"),
        pytest.param("on", "on", id="on is text"),
        pytest.param("Off", "Off", id="Off is text"),
        pytest.param("true", True, id="true"),
        pytest.param("False", False, id="False"),
        pytest.param("tRue", "tRue", id="an odd true is text"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        pytest.param("null", None, id="null"),
        pytest.param("'null'", "null", id="null in quotes"),
        pytest.param("3", 3, id="whole number"),
        pytest.param("+3", 3, id="plus sign"),
        pytest.param("-0", 0, id="minus nought"),
        pytest.param("0", 0, id="nought"),
        pytest.param("3.0", 3.0, id="three point nought stays a float"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("5.", 5.0, id="no digit behind the point"),
        pytest.param("1e-4", 1e-4, id="a learning rate, text in YAML 1.1"),
        pytest.param("1.5E+3", 1500.0, id="exponent"),
        pytest.param("0.01", 0.01, id="a nought before the point"),
        pytest.param("-.5", -0.5, id="negative without a digit before the point"),
        pytest.param("1_000", "1_000", id="underscore, a number in YAML 1.1"),
        pytest.param("1:30", "1:30", id="sexagesimal, 90 in YAML 1.1"),
        pytest.param("0x10", "0x10", id="hexadecimal stays text"),
        pytest.param("2024-05-01", "2024-05-01", id="a date is text"),
        pytest.param("2024-05-01 12:00:00", "2024-05-01 12:00:00", id="a time is text"),
        pytest.param("1/3", "1/3", id="a fraction is text"),
        pytest.param("98%", "98%", id="a percentage is text"),
        pytest.param("=", "=", id="YAML 1.1's value sign is text"),
        pytest.param('"1.10"', "1.10", id="a number in quotes is text"),
        pytest.param("a b", "a b", id="two words"),
        pytest.param(".nan1", ".nan1", id="not quite not a number"),
    ],
)
def test_a_word_is_what_it_looks_like(word, expected):
    read = value(f"key: {word}\n")["key"]
    assert read == expected
    assert type(read) is type(expected)


def test_keys_are_always_text():
    assert value("on: 1\n1.10: 2\n012: 3\nnull: 4\n") == {"on": 1, "1.10": 2, "012": 3, "null": 4}


def test_a_merge_key_is_a_key_like_any_other():
    assert value("<<: {a: 1}\nb: 2\n") == {"<<": {"a": 1}, "b": 2}


def test_long_texts_are_read_as_yaml_folds_them():
    assert value("a: >-\n  one\n  two\nb: |\n  x\n  y\n") == {"a": "one two", "b": "x\ny\n"}


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n"], ids=["nothing", "a comment"])
def test_an_empty_file_is_null_on_line_one(text):
    document = parse_yaml(text, name="a.yaml")
    assert document.value is None
    assert document.place().line == 1


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["Unix", "Windows"])
def test_lines_are_those_an_editor_shows(end):
    document = parse_yaml(end.join(["# head", "a: 1", "b:", "  - x", "  - y: 2", "    z: [1,", "      2]"]), name="a")
    paths = [("a",), ("b",), ("b", 0), ("b", 1), ("b", 1, "y"), ("b", 1, "z"), ("b", 1, "z", 0), ("b", 1, "z", 1)]
    assert [document.place(path).line for path in paths] == [2, 3, 4, 5, 5, 6, 6, 7]


def test_a_byte_order_mark_is_no_part_of_the_first_key():
    assert value("\ufeffa: 1\n") == {"a": 1}


def test_as_deep_as_allowed_is_read():
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)


@pytest.mark.attack(13)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 65 + "]" * 65, id="one level too deep"),
        pytest.param("[" * 100_000, id="far too deep"),
        pytest.param("- " * 100_000, id="far too deep in a block"),
        pytest.param("{a: " * 100_000, id="far too deep in a flow"),
    ],
)
def test_deep_nesting_is_refused(text):
    assert refusal(text) == "a.yaml:1: nested deeper than 64 levels\n  fix: nest at most 64 levels"


@pytest.mark.attack(16, 18)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "a: 1\nb: 2\na: 3\n", 'a.yaml:3 /a: the key "a" stands twice\n  fix: keep one of the two', id="key twice"
        ),
        pytest.param(
            "a: {b: 1, 'b': 2}\n",
            'a.yaml:1 /a/b: the key "b" stands twice\n  fix: keep one of the two',
            id="key twice in a flow",
        ),
        pytest.param(
            "a: !!python/object/apply:os.system [ls]\n",
            "a.yaml:1 /a: the tag !!python/object/apply:os.system is not read\n  fix: write a plain value",
            id="a tag that runs code",
        ),
        pytest.param(
            "a: !!str 1\n", "a.yaml:1 /a: the tag !!str is not read\n  fix: write a plain value", id="a harmless tag"
        ),
        pytest.param(
            "!!map {a: 1}\n", "a.yaml:1: the tag !!map is not read\n  fix: write a plain value", id="a tag at the top"
        ),
        pytest.param("!x a: 1\n", "a.yaml:1 /a: the tag !x is not read\n  fix: write a plain value", id="a tagged key"),
        pytest.param(
            "a: &x 1\n",
            "a.yaml:1 /a: an anchor (&) is not read\n  fix: write the value out where it is needed",
            id="an anchor",
        ),
        pytest.param(
            "? [a, {b: [c]}]\n: 1\n",
            "a.yaml:1: a key that is not a plain word\n  fix: use a word or a number as the key",
            id="a list as a key",
        ),
        pytest.param(
            "a: .inf\n", "a.yaml:1 /a: .inf is not a finite number\n  fix: write a finite number", id="infinity"
        ),
        pytest.param(
            "a: -.INF\n", "a.yaml:1 /a: -.INF is not a finite number\n  fix: write a finite number", id="minus infinity"
        ),
        pytest.param(
            "a: .NaN\n", "a.yaml:1 /a: .NaN is not a finite number\n  fix: write a finite number", id="not a number"
        ),
        pytest.param(
            "a: 1e999\n",
            "a.yaml:1 /a: 1e999 is not a finite number\n  fix: write a finite number",
            id="infinity by its digits",
        ),
        pytest.param(
            "a: " + "9" * 309,
            "a.yaml:1 /a: a number of 309 characters\n  fix: write at most 308 digits",
            id="one digit too many",
        ),
        pytest.param(
            "a: 012\n",
            'a.yaml:1 /a: 012 starts with a zero\n  fix: put it in quotes if it is text ("012"), or drop the zero',
            id="ten or twelve?",
        ),
        pytest.param(
            "a: 1\n---\nb: 2\n",
            "a.yaml:2: a second document starts here (---)\n  fix: keep one document in a file",
            id="two documents",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(text, said):
    assert refusal(text) == said


@pytest.mark.attack(18)
def test_an_alias_bomb_is_refused_before_it_grows():
    text = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert [line.split(": ")[0] for line in refusal(text).splitlines()[::2]] == [
        "a.yaml:1 /a",
        "a.yaml:2 /b",
        "a.yaml:2 /b/0",
        "a.yaml:2 /b/1",
        "a.yaml:3 /c/0",
        "a.yaml:3 /c/1",
    ]


def test_an_alias_as_a_key_is_refused_and_the_rest_still_read():
    assert [line.split(":")[1] for line in refusal("a: &x 1\n*x : 2\nb: 1\nb: 2\n").splitlines()[::2]] == [
        "1 /a",
        "2",
        "4 /b",
    ]


def test_deep_nesting_in_the_place_of_keys_ends_too():
    assert refusal("? " * 100_000).count("a key that is not a plain word") == 50


def test_every_flaw_is_reported_not_the_first():
    text = "a: 1\na: !!int 2\nb: .nan\nc: 007\n[x]: 1\n"
    assert [line.split(" ")[0] for line in refusal(text).splitlines()[::2]] == [
        "a.yaml:2",
        "a.yaml:2",
        "a.yaml:3",
        "a.yaml:4",
        "a.yaml:5:",
    ]


def test_flaws_before_a_broken_line_are_reported_with_it():
    assert [line.split(" ")[0] for line in refusal("a: 1\na: 2\nb: [\n").splitlines()[::2]] == ["a.yaml:2", "a.yaml:3:"]


@pytest.mark.parametrize(
    ("text", "line", "said", "fix"),
    [
        pytest.param("a:\n\tb: 1\n", 2, "a tab in the indentation", "indent with spaces", id="tab"),
        pytest.param(
            "a: b: c\n",
            1,
            "a colon where no key can stand",
            "put text with a colon in quotes; check the indentation, and the line above",
            id="colon in a text",
        ),
        pytest.param("a: @x\n", 1, "text that starts with @", "put the text in quotes", id="at sign"),
        pytest.param("a: `x`\n", 1, "text that starts with `", "put the text in quotes", id="back quote"),
        pytest.param(
            "a: [1, 2\nb: 3\n",
            1,
            "a bracket that is never closed",
            "close it, or add the missing comma",
            id="open bracket, named where it opens",
        ),
        pytest.param(
            "x: 1\na: 'b\nc: d\n", 2, "a quote that is never closed", "close it", id="open quote, named where it opens"
        ),
        pytest.param(
            "a: 'it's'\n",
            1,
            "a line that does not fit its neighbours",
            "indent it like its neighbours; put text with quotes inside it in quotes",
            id="quote in a quote",
        ),
        pytest.param(
            "- a\nb: 1\n",
            2,
            "a line that does not fit its neighbours",
            "indent it like its neighbours; put text with quotes inside it in quotes",
            id="key among entries",
        ),
        pytest.param(
            "a: 1\n  b: 2\n",
            2,
            "a colon where no key can stand",
            "put text with a colon in quotes; check the indentation, and the line above",
            id="odd indentation",
        ),
        pytest.param(
            "a: 1\nb\nc: 2\n",
            3,
            "a line without a colon among keys",
            "write `key: value`, with a space after the colon",
            id="no colon",
        ),
        pytest.param(
            "a: 1\nb: [\n\n",
            2,
            "a value is missing",
            "write the value, or close the bracket",
            id="ends after a bracket",
        ),
        pytest.param(
            "a: 1\nb: \x07\n",
            2,
            "control characters are not allowed (character U+0007)",
            "remove the odd character",
            id="a control character",
        ),
    ],
)
def test_the_usual_slips_are_named_with_their_remedy(text, line, said, fix):
    assert refusal(text) == f"a.yaml:{line}: not valid YAML: {said}\n  fix: {fix}"


def test_without_the_c_parser_the_values_and_refusals_are_the_same(monkeypatch):
    good, bad = "a: {b: [1, yes, 1e-3, 'x']}\n", "a: &x 1\nb: *x\nb: !!str 2\n"
    fast = value(good), refusal(bad)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert (value(good), refusal(bad)) == fast
