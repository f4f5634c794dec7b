"""How is a broken schema rule told to a person? As what is so, with the value, and what would be right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from grader.model import Json


class Explained(NamedTuple):
    """One thing that is wrong. `below` leads from the error's own place to the key or entry that is meant."""

    said: str
    fix: str
    below: tuple[str | int, ...] = ()


def clean(text: str, limit: int = 200) -> str:
    r"""`text` with everything that does not print escaped, cut to `limit` characters.

    >>> print(clean("a\x1b[31mb\u202ec"))
    a\x1b[31mb\u202ec
    """
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    if cut.isprintable():
        return cut
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def shown(value: Json, limit: int = 60) -> str:
    """`value` as JSON on one line, cut to `limit` characters.

    >>> shown({"kernel": [5, 5], "bias": True})
    '{"kernel": [5, 5], "bias": true}'
    """
    if isinstance(value, str):
        value = value[: limit + 1]  # so that a megabyte is not quoted to show a line of it
    return clean(json.dumps(value, ensure_ascii=False, default=str), limit)


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The remedy for a word that is not known.

    >>> did_you_mean("layer_table", ["layer-table", "number"])
    "did you mean 'layer-table'?"
    >>> did_you_mean("x", ["b", "a"]), did_you_mean("x", [])
    ('known: a, b', 'none is known')
    """
    import difflib

    words = sorted(known)
    close = difflib.get_close_matches(str(word)[:100], words, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(words)}" if words else "none is known"


def explain(error: Any) -> list[Explained]:
    """Everything that one jsonschema error (with its context resolved, see validation) says."""
    explainer = _BY_KEYWORD.get(str(error.validator))
    if error.validator is None:
        return [Explained("this is not allowed here", "remove it")]
    if explainer is None:
        return [Explained(clean(str(error.message)), _about(error) or f"see {error.validator!r} in the schema")]
    return list(explainer(error))


_TYPES = {
    "integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false",
    "array": "a list", "object": "a table of keys", "null": "null",
}  # fmt: skip


def type_words(types: str | Iterable[str]) -> str:
    """JSON Schema's names of types in a reader's words."""
    names = [types] if isinstance(types, str) else list(dict.fromkeys(types))
    return " or ".join(_TYPES[name] for name in names)


def not_of_type(value: Json, types: str | Iterable[str], about: str = "") -> Explained:
    """A value of the wrong type, with the slip that is usually behind it."""
    names = [types] if isinstance(types, str) else list(types)
    said = f"{shown(value)} is not {type_words(names)}"
    if value is None:
        said = f"nothing is written here, where {type_words(names)} belongs"
    is_true_or_false = isinstance(value, bool) and not {"number", "integer"}.isdisjoint(names)
    if "string" in names and isinstance(value, int | float) and not is_true_or_false:
        return Explained(said, "put it in quotes" + about)
    if "boolean" in names and isinstance(value, str) and value.lower() in _SWITCHES:
        return Explained(said, f"write {_SWITCHES[value.lower()]}")
    if {"number", "integer"} & set(names) and isinstance(value, str) and _is_number(value):
        return Explained(said, "write it without quotes" + about)
    return Explained(said, f"write {type_words(names)}" + about)


_SWITCHES = dict.fromkeys(("yes", "y", "on", "true"), "true") | dict.fromkeys(("no", "n", "off", "false"), "false")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def first_sentence(schema: Mapping[str, Json]) -> str:
    """The first sentence of a description, as it reads behind a colon.

    >>> first_sentence({"description": "The size in MiB. More of it."}), first_sentence({"description": "GPU memory"})
    ('the size in MiB', 'GPU memory')
    """
    sentence = str(schema.get("description", "")).split(". ")[0].rstrip(".")
    is_name = sentence[1:2].isupper() or sentence[1:2].isdigit()
    return sentence if is_name else sentence[:1].lower() + sentence[1:]


def about(schema: Json) -> str:
    """The first sentence of a schema's description, and its first example: what a reader has to know to mend it."""
    if not isinstance(schema, Mapping):
        return ""
    sentence = first_sentence(schema)
    examples = schema.get("examples")
    example = f"such as {shown(examples[0])}" if examples else ""
    return ", ".join(part for part in (sentence, example) if part)


def _about(error: Any) -> str:
    return about(error.schema)


def _behind(error: Any) -> str:
    """The description of what is expected, to stand behind a remedy."""
    words = _about(error)
    return f": {words}" if words else ""


def _type(error: Any) -> Iterator[Explained]:
    yield not_of_type(error.instance, error.validator_value, _behind(error))


def _required(error: Any) -> Iterator[Explained]:
    properties = error.schema.get("properties", {})
    for key in error.validator_value:
        if key not in error.instance:
            words = about(properties.get(key))
            yield Explained(f"{key!r} is missing", f"add {key!r}" + (f": {words}" if words else ""))


def _dependent_required(error: Any) -> Iterator[Explained]:
    for key, others in error.validator_value.items():
        for other in others:
            if key in error.instance and other not in error.instance:
                yield Explained(f"{key!r} is given without {other!r}", f"add {other!r}, or remove {key!r}")


def _unknown_keys(error: Any) -> Iterator[Explained]:
    import re

    known = list(error.schema.get("properties", {}))
    patterns = error.schema.get("patternProperties", {})
    for key in error.instance:
        if key not in known and not any(re.search(pattern, key) for pattern in patterns):
            yield Explained(f"unknown key {clean(repr(key), 60)}", did_you_mean(key, known), (key,))


def _bound(words: str, remedy: str) -> Callable[[Any], Iterator[Explained]]:
    def explained(error: Any) -> Iterator[Explained]:
        bound = shown(error.validator_value)
        yield Explained(f"{shown(error.instance)} is {words} {bound}", remedy.format(bound) + _behind(error))

    return explained


def _enum(error: Any) -> Iterator[Explained]:
    yield none_of(error.instance, error.validator_value)


def none_of(value: Json, allowed: list[Json]) -> Explained:
    """A value that is none of a few, or of many: then the nearest one will do."""
    import difflib

    said = f"{shown(value)} is none of the allowed values"
    close = difflib.get_close_matches(str(value)[:100], [str(one) for one in allowed], n=1)
    words = f"allowed: {', '.join(shown(one) for one in allowed)}"
    if not close:
        return Explained(said, words)
    guess = f"did you mean {close[0]!r}?"
    return Explained(said, f"{guess} {words}" if len(allowed) <= FEW else guess)


FEW = 8  # more values than this are not listed where one of them is near


def _const(error: Any) -> Iterator[Explained]:
    wanted = shown(error.validator_value)
    yield Explained(f"{shown(error.instance)} is not {wanted}", f"write {wanted}" + _behind(error))


def _pattern(error: Any) -> Iterator[Explained]:
    fix = f"write {_about(error)}" if _about(error) else f"write text that matches {error.validator_value}"
    yield Explained(f"{shown(error.instance)} has not the expected form", fix)


def _length(*, noun: str, unit: str, is_least: bool) -> Callable[[Any], Iterator[Explained]]:
    def explained(error: Any) -> Iterator[Explained]:
        wanted, has = error.validator_value, len(error.instance)
        limit = f"at {'least' if is_least else 'most'} {_count(wanted, unit)}"
        said = f"the {noun} is empty" if has == 0 else f"the {noun} has {_count(has, unit)}"
        yield Explained(said, f"write {limit}" + _behind(error))

    return explained


def _count(number: int, unit: str) -> str:
    one, many = unit.split("/")
    return f"{number:,} {one if number == 1 else many}"


def _unique(error: Any) -> Iterator[Explained]:
    first: dict[str, int] = {}
    texts = (json.dumps(entry, sort_keys=True) for entry in error.instance)
    twice = next((index for index, text in enumerate(texts) if first.setdefault(text, index) < index), None)
    if twice is None:  # 1 and 1.0 are the same number
        yield Explained("the list has an entry twice", "keep one of the two")
    else:
        yield Explained(f"{shown(error.instance[twice])} stands twice in the list", "keep one of the two", (twice,))


def _multiple(error: Any) -> Iterator[Explained]:
    yield Explained(
        f"{shown(error.instance)} is not a multiple of {error.validator_value}",
        f"write a multiple of {error.validator_value}" + _behind(error),
    )


def _not(error: Any) -> Iterator[Explained]:
    wanted = error.validator_value
    both = wanted.get("required", []) if isinstance(wanted, Mapping) else []
    if len(both) > 1:
        yield Explained(f"{' and '.join(map(repr, both))} do not go together", "keep one of them")
    else:
        yield Explained(f"{shown(error.instance)} is not allowed here", _about(error) or "write another value")


def _branches(error: Any) -> Iterator[Explained]:
    if error.context:
        lacking = [inner.validator_value for inner in error.context if inner.validator == "required"]
        if len(lacking) == len(error.context):
            ways = " or ".join(" and ".join(map(repr, keys)) for keys in lacking)
            yield Explained(f"{ways} is missing", f"add {ways}")
            return
    fits = "none" if error.context else "more than one"
    said = f"{shown(error.instance)} fits {fits} of the allowed forms"
    yield Explained(said, f"write {_about(error) or 'one of them'}")


_BY_KEYWORD: Mapping[str, Callable[[Any], Iterable[Explained]]] = {
    "type": _type,
    "required": _required,
    "dependentRequired": _dependent_required,
    "additionalProperties": _unknown_keys,
    "unevaluatedProperties": _unknown_keys,
    "minimum": _bound("less than the minimum of", "write {} or more"),
    "maximum": _bound("more than the maximum of", "write {} or less"),
    "exclusiveMinimum": _bound("not more than", "write more than {}"),
    "exclusiveMaximum": _bound("not less than", "write less than {}"),
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minLength": _length(noun="text", unit="character/characters", is_least=True),
    "maxLength": _length(noun="text", unit="character/characters", is_least=False),
    "minItems": _length(noun="list", unit="entry/entries", is_least=True),
    "maxItems": _length(noun="list", unit="entry/entries", is_least=False),
    "minProperties": _length(noun="table", unit="key/keys", is_least=True),
    "maxProperties": _length(noun="table", unit="key/keys", is_least=False),
    "uniqueItems": _unique,
    "multipleOf": _multiple,
    "not": _not,
    "anyOf": _branches,
    "oneOf": _branches,
}
