"""What holds where a file says nothing? The defaults of its published schema: each stands there once, with reason."""

from __future__ import annotations

from collections.abc import Mapping

from grader.model import Json


def with_defaults(value: Mapping[str, Json], schema: Mapping[str, Json]) -> dict[str, Json]:
    """`value` with the schema's defaults for the keys that it leaves out, in sub-tables too.

    >>> schema = {"properties": {"a": {"default": 1}, "b": {"type": "object", "properties": {"c": {"default": 2}}}}}
    >>> with_defaults({"a": 5}, schema)
    {'a': 5, 'b': {'c': 2}}
    """
    made = dict(value)
    for key, about in schema.get("properties", {}).items():
        if about.get("type") == "object" and "properties" in about:
            made[key] = with_defaults(value.get(key, {}), about)
        elif key not in value and "default" in about:
            made[key] = about["default"]
    return made
