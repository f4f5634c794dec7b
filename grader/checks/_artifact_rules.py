"""Which entries of `artifacts` make no sense? What their schema cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from grader.checks._artifact_kinds import Entry
from grader.documents import SCHEMAS, did_you_mean
from grader.model import Json, Place, Problem

CODE = "setting"


def entry_problems(entry: Entry, place: Place) -> Iterator[Problem]:
    """Everything that is wrong with one entry at `place`."""
    if ("path" in entry) == ("glob" in entry):
        what = "both 'path' and 'glob'" if "path" in entry else "neither 'path' nor 'glob'"
        yield Problem(CODE, str(place), what, "write one of the two")
    if "at_least" in entry and "glob" not in entry and entry["at_least"] > 1:
        yield Problem(CODE, str(place.child("at_least")), "one path is one file", "write a glob for several files")
    least, most = entry.get("min_bytes", 1), entry.get("max_bytes")
    if most is not None and most < least:
        yield Problem(
            CODE, str(place.child("max_bytes")), f"{most:,} is less than the {least:,} at least", "write more"
        )
    kind = entry.get("kind", "any")
    for setting, kinds in _BELONGS_TO.items():
        if setting in entry and kind not in kinds:
            fix = f"write kind: {kinds[0]}, or leave it out"
            yield Problem(CODE, str(place.child(setting)), f"says nothing about a file of kind {kind!r}", fix)
    if "schema" in entry:
        yield from _schema_problems(entry["schema"], place.child("schema"))


_BELONGS_TO: Mapping[str, tuple[str, ...]] = {
    "schema": ("json", "jsonl"),
    "max_pixels": ("image",),
    "max_elements": ("checkpoint",),
}


def _schema_problems(asked: Json, place: Place) -> Iterator[Problem]:
    if isinstance(asked, str):
        if not (SCHEMAS / f"{asked}.schema.json").is_file():
            known = [path.name.removesuffix(".schema.json") for path in SCHEMAS.glob("*.schema.json")]
            yield Problem(CODE, str(place), f"there is no schema {asked!r}", did_you_mean(asked, known))
        return
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(asked)
    except SchemaError as error:
        yield Problem(
            CODE, str(place.child(*error.path)), f"no JSON Schema: {error.message[:200]}", "see json-schema.org"
        )
        return
    for keyword, at in _unsafe(asked, place):
        what = f"{keyword!r} is not allowed here: a student's text could keep it busy, or it reads another file"
        yield Problem(CODE, str(at), what, "use enum, minLength or maxLength; refer with '#/...' only")


def _unsafe(schema: Json, place: Place) -> Iterator[tuple[str, Place]]:
    """Regular expressions, which a student's text could drive mad, and references out of the schema."""
    if isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from _unsafe(inner, place.child(index))
    if not isinstance(schema, dict):
        return
    for keyword, inner in schema.items():
        at = place.child(keyword)
        leads_out = keyword == "$ref" and not str(inner).startswith("#")
        if leads_out or keyword in ("pattern", "patternProperties", "$dynamicRef", "$id"):
            yield keyword, at
        elif keyword in ("properties", "$defs", "dependentSchemas") and isinstance(inner, dict):
            for name, below in inner.items():
                yield from _unsafe(below, at.child(name))
        elif keyword not in ("enum", "const", "default", "examples"):
            yield from _unsafe(inner, at)
