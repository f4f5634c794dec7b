"""Is a program's JSON as agreed on? A checker for the few words of JSON Schema that our own schemas use.

jsonschema itself takes 22 s of this process for 8 MB of numbers that hostile code may answer with, while every other
submission waits; this takes one. It is the oracle in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from grader.model import Json

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]
WORDS: Final = frozenset((
    "type", "properties", "required", "additionalProperties", "items", "maxItems", "minimum", "maximum",
    "minLength", "maxLength", "enum", "anyOf",
))  # fmt: skip


def first_flaw(value: Json, schema: Schema, path: Path = ()) -> Path | None:
    """Where `value` first breaks the schema, as the steps that lead there, or None.

    >>> rule = {"type": "array", "items": {"type": "integer", "minimum": 0}}
    >>> first_flaw([1, 2], rule), first_flaw([1, True], rule), first_flaw({}, rule)
    (None, (1,), ())
    """
    if "anyOf" in schema:
        return None if any(first_flaw(value, one, path) is None for one in schema["anyOf"]) else path
    if "enum" in schema:
        return None if any(type(value) is type(one) and value == one for one in schema["enum"]) else path
    return _KINDS[schema["type"]](value, schema, path)


def _object(value: Json, schema: Schema, path: Path) -> Path | None:
    if not isinstance(value, dict) or not all(name in value for name in schema.get("required", ())):
        return path
    properties: Mapping[str, Schema] = schema.get("properties", {})
    is_open = schema.get("additionalProperties", True)
    for name, inner in value.items():
        if name in properties:
            flaw = first_flaw(inner, properties[name], (*path, name))
            if flaw is not None:
                return flaw
        elif not is_open:
            return path
    return None


def _array(value: Json, schema: Schema, path: Path) -> Path | None:
    if not isinstance(value, list) or len(value) > schema.get("maxItems", len(value)):
        return path
    items: Schema = schema["items"]
    if items.get("type") == "integer" and all(_integer(item, items, path) is None for item in value):
        return None
    for index, item in enumerate(value):
        flaw = first_flaw(item, items, (*path, index))
        if flaw is not None:
            return flaw
    return None


def _integer(value: Json, schema: Schema, path: Path) -> Path | None:
    return None if type(value) is int and _is_within(value, schema) else path


def _number(value: Json, schema: Schema, path: Path) -> Path | None:
    return None if type(value) in (int, float) and _is_within(value, schema) else path


def _is_within(value: float, schema: Schema) -> bool:
    least, most = schema.get("minimum"), schema.get("maximum")
    return (least is None or value >= least) and (most is None or value <= most)


def _string(value: Json, schema: Schema, path: Path) -> Path | None:
    is_one = isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    return None if is_one else path


def _boolean(value: Json, _schema: Schema, path: Path) -> Path | None:
    return None if isinstance(value, bool) else path


def _null(value: Json, _schema: Schema, path: Path) -> Path | None:
    return None if value is None else path


_KINDS: Final[Mapping[str, Callable[[Json, Schema, Path], Path | None]]] = {
    "object": _object,
    "array": _array,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": _boolean,
    "null": _null,
}
