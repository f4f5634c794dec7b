"""Can one answer please all the rules that read it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from grader.documents import validator
from grader.model import Json, Rule

_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def conflicts(shapes: Iterable[tuple[Rule, Mapping[str, Json] | None]]) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of rules (the later one first) that read one answer in forms of which no value has both.

    Says so only where it is certain: the forms have no type in common, or one lists its values and none fits the other.
    """
    by_answer: dict[str, list[tuple[Rule, Mapping[str, Json]]]] = {}
    for rule, shape in shapes:
        if rule.answer is not None and shape:
            by_answer.setdefault(rule.answer, []).append((rule, shape))
    for readers in by_answer.values():
        for (one, shape), (other, another) in combinations(readers, 2):
            if shape != another and _exclude_each_other(shape, another):
                yield other, one


def _exclude_each_other(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    if not _types(one) & _types(other):
        return True
    for listed, free in ((one, other), (other, one)):
        if "enum" in listed:
            form = validator(free)
            return not any(form.is_valid(value) for value in listed["enum"] if value is not None)
    return False


def _types(shape: Json) -> frozenset[str]:
    """The JSON types that a value of this form may have; null, which means not answered, is none.

    >>> sorted(_types({"anyOf": [{"type": "integer"}, {"enum": ["a", None]}]}))
    ['integer', 'string']
    """
    if not isinstance(shape, Mapping):
        return _TYPES - {"null"}
    found = _TYPES
    if "enum" in shape:
        found = frozenset(_type(value) for value in shape["enum"])
    elif "type" in shape:
        words = [shape["type"]] if isinstance(shape["type"], str) else shape["type"]
        found = frozenset([*words, *(["integer"] if "number" in words else [])])
    for key in ("anyOf", "oneOf"):
        if key in shape:
            found &= frozenset().union(*(_types(part) for part in shape[key]))
    return found - {"null"}


def _type(value: Json) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")
