"""Strict JSON: what json.loads lets through and JSON does not is refused, each flaw with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.documents import MAX_DEPTH, MAX_DIGITS, DocumentError, json_document, parse_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 1]))
def test_whatever_json_writes_is_read_back(value, indent):
    assert parse_json(json.dumps(value, indent=indent), name="a") == value


@given(JSON, st.booleans())
def test_every_value_is_found_on_the_line_where_it_stands(value, is_ascii):
    """The oracle: with indent, json.dumps starts a line for every entry, in the order of the walk."""
    text = json.dumps(value, indent=1, ensure_ascii=is_ascii)
    document = json_document(text, name="a")
    rows = text.split("\n")
    for path in _paths(value):
        line = rows[document.place(path).line - 1].strip()
        if path and isinstance(path[-1], str):
            assert line.startswith(json.dumps(path[-1], ensure_ascii=is_ascii) + ": ")
        else:
            assert line.startswith(json.dumps(_at(value, path), ensure_ascii=is_ascii)[:1])


def _paths(value, path=()):
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _paths(inner, (*path, step))


def _at(value, path):
    for step in path:
        value = value[step]
    return value


@given(st.text(alphabet='{}[],:" \\\n01eE.-+uDd8tfnaNI', max_size=40))
def test_any_text_is_read_or_refused_with_a_problem(text):
    """And what is read is what json.loads reads."""
    refused = ()
    try:
        value = parse_json(text, name="a")
    except DocumentError as error:
        value, refused = None, error.problems
    assert all(problem.where.startswith("a:") for problem in refused)
    assert refused or value == json.loads(text)


def refusal(text: str, name: str = "a.json", **options: int) -> str:
    with pytest.raises(DocumentError) as caught:
        parse_json(text, name=name, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * MAX_DEPTH + "]" * MAX_DEPTH, id="as deep as allowed"),
        pytest.param('["' + "[" * 200 + '"]', id="brackets in a text"),
        pytest.param("[" + "[], " * 200 + "[]]", id="many brackets side by side"),
        pytest.param("1" * MAX_DIGITS, id="as many digits as allowed"),
        pytest.param('"' + "1" * 5000 + '"', id="digits in a text"),
        pytest.param('"\\ud83d\\ude00"', id="two halves that make a character"),
        pytest.param('"\\\\ud800"', id="a backslash that is escaped itself"),
        pytest.param('{"a": {"a": {"a": 1}}}', id="the same key at each depth"),
        pytest.param('[{"a": 1}, {"a": 2}]', id="the same key in neighbours"),
        pytest.param('{"a": "a", "b": "a"}', id="a value like a key"),
        pytest.param("1e308", id="the largest power of ten that is finite"),
        pytest.param('"NaN"', id="not a number as a text"),
    ],
)
def test_what_is_allowed_is_left_alone(text):
    assert parse_json(text, name="a.json") == json.loads(text)


@pytest.mark.attack(13, 14, 15, 16, 22)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            '{"a": 1,\n "b": {"x": 1,\n "x": 2}}',
            'a.json:3 /b/x: the key "x" stands twice in one object\n  fix: keep one of the two',
            id="key twice",
        ),
        pytest.param(
            '{"a": 1, "\\u0061": 2}',
            'a.json:1 /a: the key "a" stands twice in one object\n  fix: keep one of the two',
            id="key twice, once escaped",
        ),
        pytest.param(
            "[1,\nNaN]", "a.json:2 /1: NaN is not a JSON number\n  fix: write a finite number, or null", id="NaN"
        ),
        pytest.param(
            "-Infinity",
            "a.json:1: -Infinity is not a JSON number\n  fix: write a finite number, or null",
            id="infinity",
        ),
        pytest.param(
            '{"a": 1e999}',
            "a.json:1 /a: the number 1e999 is not finite\n  fix: write a finite number",
            id="infinity by its digits",
        ),
        pytest.param(
            "[" + "9" * 309 + "]",
            "a.json:1 /0: a number of 309 characters\n  fix: write at most 308 digits",
            id="one digit too many",
        ),
        pytest.param(
            "[0." + "0" * 400 + "]",
            "a.json:1 /0: a number of 402 characters\n  fix: write at most 308 digits",
            id="too many decimals",
        ),
        pytest.param(
            "[" * 65 + "]" * 65,
            "a.json:1: nested deeper than 64 levels\n  fix: nest at most 64 levels",
            id="one level too deep",
        ),
        pytest.param(
            "[" * 100_000,
            "a.json:1: nested deeper than 64 levels\n  fix: nest at most 64 levels",
            id="so deep that the parser gives up",
        ),
        pytest.param(
            '{"a":\n' * 100_000,
            "a.json:65: nested deeper than 64 levels\n  fix: nest at most 64 levels",
            id="objects so deep that the parser gives up",
        ),
        pytest.param(
            '{"a": "\\ud800"}',
            "a.json:1 /a: the text has half a character (a lone \\ud800 to \\udfff)\n"
            "  fix: remove it, or write the whole character",
            id="half a character",
        ),
        pytest.param(
            '{"\\uDFFF": 1}',
            "a.json:1 /\\udfff: the text has half a character (a lone \\ud800 to \\udfff)\n"
            "  fix: remove it, or write the whole character",
            id="half a character in a key",
        ),
    ],
)
def test_what_json_loads_lets_through_is_refused(text, said):
    assert refusal(text) == said


def test_every_flaw_is_reported_not_the_first():
    text = '{"a": NaN,\n"a": 1,\n"b": [1e999,\n' + "9" * 400 + "]}"
    assert [line.split(": ")[0] for line in refusal(text).splitlines()[::2]] == [
        "a.json:1 /a",
        "a.json:2 /a",
        "a.json:3 /b/0",
        "a.json:4 /b/1",
    ]


@pytest.mark.attack(22)
def test_a_hostile_key_is_shown_escaped_and_short():
    text = json.dumps({"\x1b[31m" + "k" * 10_000: 0}).replace("0}", "NaN}")
    shown = refusal(text)
    assert "\x1b" not in shown
    assert shown.startswith("a.json:1 /\\x1b[31mkkk")
    assert len(shown) < 400


def test_a_flood_of_flaws_is_cut():
    with pytest.raises(DocumentError) as caught:
        parse_json("[" + "NaN," * 10_000 + "1]", name="a")
    assert len(caught.value.problems) == 50


def test_the_line_counts_from_where_the_text_starts():
    assert refusal('{"a": }', name="log.jsonl", first_line=17).startswith("log.jsonl:17: not valid JSON")
    assert refusal("[NaN]", name="log.jsonl", first_line=17).startswith("log.jsonl:17 /0: NaN")


@pytest.mark.parametrize(
    ("text", "line", "said", "fix"),
    [
        pytest.param("", 1, "the file is empty (column 1)", "start from the template", id="empty"),
        pytest.param(
            '{"a": 1,\n}',
            2,
            "a comma before a closing bracket (column 1)",
            "remove the comma",
            id="comma before a brace",
        ),
        pytest.param(
            "[1, ]", 1, "a comma before a closing bracket (column 5)", "remove the comma", id="comma before a bracket"
        ),
        pytest.param("{'a': 1}", 1, "the quote ' (column 2)", 'use straight double quotes: "text"', id="single quotes"),
        pytest.param(
            "{\u201ca\u201d: 1}",
            1,
            "the quote \u201c (column 2)",
            'use straight double quotes: "text"',
            id="typographic quotes",
        ),
        pytest.param('{"a": True}', 1, "the word True (column 7)", "write true", id="Python's True"),
        pytest.param('{"a": None}', 1, "the word None (column 7)", "write null", id="Python's None"),
        pytest.param(
            "{a: 1}", 1, "the key a without quotes (column 2)", 'put it in double quotes: "a"', id="key without quotes"
        ),
        pytest.param(
            '{"a": 1, b: 2}',
            1,
            "the key b without quotes (column 10)",
            'put it in double quotes: "b"',
            id="second key without quotes",
        ),
        pytest.param(
            '{"a": abc}',
            1,
            "the word abc without quotes (column 7)",
            "put text in double quotes",
            id="text without quotes",
        ),
        pytest.param('{"a": 1 // b\n}', 1, "a comment (column 9)", "remove it: JSON has no comments", id="comment"),
        pytest.param(
            "[1\n 2]",
            2,
            "expecting ',' delimiter (column 2)",
            "a comma or a closing bracket is missing before this place",
            id="missing comma",
        ),
        pytest.param('{"a" 1}', 1, "expecting ':' delimiter (column 6)", 'write "key": value', id="missing colon"),
        pytest.param(
            '{"a": 1',
            1,
            "the text ends too early (column 8)",
            "add the missing closing bracket; the file may be cut off",
            id="cut off",
        ),
        pytest.param(
            "[1]]",
            1,
            "more text after the end of the document (column 4)",
            "keep one value in the file, or add the missing bracket",
            id="one bracket too many",
        ),
        pytest.param('["abc', 1, "a text that never ends (column 2)", "add the closing double quote", id="open quote"),
        pytest.param(
            '["a\nb"]',
            1,
            "a line break or tab inside a text (column 4)",
            "write \\n or \\t, or close the text on its own line",
            id="line break in a text",
        ),
        pytest.param(
            "[1]\0",
            1,
            "a NUL character, which is no text (column 4)",
            "save the file anew, as UTF-8 text",
            id="filled up with NUL",
        ),
        pytest.param(
            '["a\0b"]',
            1,
            "a NUL character, which is no text (column 4)",
            "save the file anew, as UTF-8 text",
            id="NUL in a text",
        ),
        pytest.param(
            "[\x001\0]\0",
            1,
            "a NUL character, which is no text (column 2)",
            "save the file anew, as UTF-8 text",
            id="UTF-16",
        ),
        pytest.param(
            '["C:\\data"]',
            1,
            "a backslash that starts no escape (column 5)",
            "write two backslashes for one",
            id="Windows path",
        ),
        pytest.param(
            "[+1]",
            1,
            "expecting value (column 2)",
            "write a number as 0.5 or 5: with a digit first and no plus sign",
            id="plus sign",
        ),
        pytest.param(
            "[.5]",
            1,
            "expecting value (column 2)",
            "write a number as 0.5 or 5: with a digit first and no plus sign",
            id="no digit before the point",
        ),
        pytest.param(
            "[1/3]",
            1,
            "a number that goes on with / (column 3)",
            "write a plain number such as 0.5; put other text in quotes",
            id="a fraction",
        ),
        pytest.param(
            "[98%]",
            1,
            "a number that goes on with % (column 4)",
            "write a plain number such as 0.5; put other text in quotes",
            id="a percent sign",
        ),
        pytest.param(
            "[007]",
            1,
            "a number that goes on with 0 (column 3)",
            "write a plain number such as 0.5; put other text in quotes",
            id="leading zeros",
        ),
        pytest.param(
            '{"a": 1\r\n"b": 2}',
            2,
            "expecting ',' delimiter (column 1)",
            "a comma or a closing bracket is missing before this place",
            id="Windows line ends",
        ),
    ],
)
def test_the_usual_slips_are_named_with_their_remedy(text, line, said, fix):
    assert refusal(text) == f"a.json:{line}: not valid JSON: {said}\n  fix: {fix}"
