"""The pages of the checks: every check, every setting down to the last, nothing that the schema does not say."""

from __future__ import annotations

import pytest
from rich.console import Console

from grader.checks import all_checks
from grader.reports.checks import checks_table, page, settings_table, type_words


def printed(table) -> str:
    console = Console(width=400)
    with console.capture() as caught:
        console.print(table)
    return caught.get()


def rows(name: str) -> dict[str, list[str]]:
    """The cells of each setting's row."""
    lines = [
        line.strip("│").split("│") for line in printed(settings_table(all_checks()[name])).splitlines() if "│" in line
    ]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_check_stands_in_the_table_with_its_first_sentence():
    text = printed(checks_table(all_checks()))
    for name, check in all_checks().items():
        assert name in text
        assert type(check).__doc__.split("\n")[0] in text


@pytest.mark.parametrize("name", all_checks())
def test_a_page_is_the_docstring_with_its_example_indented_once(name):
    lines = page(all_checks()[name]).splitlines()
    assert f"    - check: {name}" in lines
    assert lines[0] == lines[0].strip()


@pytest.mark.parametrize("name", all_checks())
def test_every_setting_of_a_check_has_a_row_with_a_type_and_a_description(name):
    shown = rows(name)
    assert set(all_checks()[name].settings_schema["properties"]) <= set(shown)
    assert ("answer" in shown) == all_checks()[name].reads_answer
    assert [key for key, (types, _, about) in shown.items() if not types or not about] == []


def test_settings_within_tables_and_lists_have_rows_of_their_own():
    assert rows("claim")["of.n"] == ["whole number", "required", "how many images the accuracy is counted on"]
    assert rows("artifacts")["required[].at_least"] == ["whole number", "1", "how many files must fit the glob"]
    assert rows("number")["accept[].credit"][1] == "required"


def test_a_default_stands_as_a_rubric_would_write_it():
    shown = rows("claim")
    assert shown["about"][1] == "free"
    assert shown["reveal"][1] == "true"
    assert shown["at_least"][1] == ""
    assert rows("accuracy")["model"][1] == "the rubric's only one"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        pytest.param({"type": "integer"}, "whole number", id="one type"),
        pytest.param({"enum": ["a", 1, None]}, "a, 1 or null", id="listed values"),
        pytest.param({"anyOf": [{"type": "number"}, {"type": "number"}]}, "number", id="the same twice"),
        pytest.param({"type": "object", "additionalProperties": False}, "table", id="a closed table"),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string"}}, "table of text", id="an open table"
        ),
        pytest.param(
            {"type": ["integer", "array"], "items": {"type": "integer"}},
            "whole number or list of whole number",
            id="one or many",
        ),
        pytest.param({}, "anything", id="no type"),
    ],
)
def test_types_are_told_in_words(schema, words):
    assert type_words(schema) == words
