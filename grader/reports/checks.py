"""What can a rubric check, and with which settings? The checks as a table, and one check's page."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from grader.checks import Check
from grader.course.written import COMMON_KEYS
from grader.documents import schema
from grader.model import Json

_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list", "object": "table"}
_COMMON = tuple(key for key in COMMON_KEYS if key != "answer")  # which its own line says, where it is read


def checks_table(checks: Mapping[str, Check]) -> Table:
    """One line per check: its name, and the first sentence of its page."""
    table = Table(pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("what it does")
    for name, check in checks.items():
        table.add_row(name, Text(page(check).split("\n")[0]))
    table.caption = "grader rubric checks NAME prints a check's page and its settings"
    return table


def page(check: Check) -> str:
    """The page of a check: its docstring, as it stands there, without the indentation."""
    return inspect.cleandoc(type(check).__doc__ or "")


def settings_table(check: Check) -> Table:
    """Every setting of the check, those of tables and lists under their parent: `of.n`, `required[].path`."""
    table = Table(pad_edge=False, show_lines=False)
    for column in ("setting", "type", "default"):
        table.add_column(column, overflow="fold")
    table.add_column("description", ratio=1)
    if check.reads_answer:
        about = schema("rubric")["$defs"]["rule"]["properties"]["answer"]["description"]
        table.add_row("answer", "text", "required", Text(about))
    for name, words, default, about in setting_rows(check):
        table.add_row(Text(name), Text(words), Text(default), Text(about))
    table.caption = f"Every rule also takes {', '.join(_COMMON)}."
    return table


def setting_rows(check: Check) -> Iterator[tuple[str, str, str, str]]:
    """(name, type, default, description) of every setting, all in words; "required" where it must be written."""
    for name, of, is_required in _settings(check.settings_schema):
        default = "required" if is_required else _value(of["default"]) if "default" in of else ""
        if name == "model":
            default = "the rubric's only one"
        yield name, type_words(of), default, str(of.get("description", ""))


def type_words(of: Mapping[str, Json]) -> str:
    """The type of a setting, from its JSON Schema.

    >>> type_words({"type": "array", "items": {"anyOf": [{"type": "number"}, {"enum": ["all", "none"]}]}})
    'list of number, all or none'
    >>> type_words({"const": True}), type_words({"type": ["string", "object"]})
    ('true', 'text or table')
    """
    return _any_of(list(dict.fromkeys(_types(of)))) or "anything"


def _types(of: Mapping[str, Json]) -> Iterator[str]:
    if "const" in of:
        yield _value(of["const"])
    elif "enum" in of:
        yield from map(_value, of["enum"])
    elif "anyOf" in of:
        for part in of["anyOf"]:
            yield from _types(part)
    else:
        named = of.get("type", [])
        for word in [named] if isinstance(named, str) else named:
            inner = of.get("items" if word == "array" else "additionalProperties")
            many = _any_of(list(dict.fromkeys(_types(inner)))) if isinstance(inner, Mapping) and word in _NESTED else ""
            yield _WORDS.get(word, word) + (f" of {many}" if many else "")


_NESTED = ("array", "object")


def _value(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _any_of(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _settings(of: Mapping[str, Json], above: str = "") -> Iterator[tuple[str, Mapping[str, Json], bool]]:
    """(name, schema, whether it must be there) of every setting, required ones first."""
    properties, required = of.get("properties", {}), of.get("required", ())
    for name in sorted(properties, key=lambda key: key not in required):
        inner = properties[name]
        yield above + name, inner, name in required
        yield from _settings(inner, f"{above}{name}.")
        if isinstance(inner.get("items"), Mapping):
            yield from _settings(inner["items"], f"{above}{name}[].")
