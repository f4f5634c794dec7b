"""Where does a document break a JSON Schema? Every place, each with its line, what is so and what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grader.documents.text import Document, Path_
from grader.documents.wording import Explained, clean, explain, first_sentence, none_of, not_of_type
from grader.model import Json, Place, Problem

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SCHEMAS = Path(__file__).parent.parent / "course" / "schemas"
MAX_ERRORS = 200  # a hostile file can break a schema a million times; nobody reads more

_WHOLE: Final = object()


@lru_cache(maxsize=64)
def schema(name: str) -> Mapping[str, Json]:
    """The published schema `name` (such as "rubric") from grader/course/schemas."""
    loaded: Mapping[str, Json] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded


@lru_cache(maxsize=1)
def _strict() -> Callable[..., Validator]:
    """Draft 2020-12 with strict types. Made once: extending a class costs as much as checking a small file."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def is_integer(_checker: Any, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def pattern(_validator: Any, wanted: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not re.search(_as_in_json_schema(wanted), value, re.ASCII):
            yield ValidationError(f"{value!r} does not match {wanted!r}")

    def unique_items(_validator: Any, wanted: bool, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if wanted and isinstance(value, list) and len({_comparable(item) for item in value}) < len(value):
            yield ValidationError(f"{value!r} has non-unique elements")

    extend: Any = validators.extend
    made: Callable[..., Validator] = extend(
        Draft202012Validator,
        {"pattern": pattern, "uniqueItems": unique_items},
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer),
    )
    return made


def _comparable(value: Json) -> Any:
    """Equal for equal values of JSON, and hashable: comparing each item with each takes a minute for 5,000 objects.

    >>> _comparable({"a": [1]}) == _comparable({"a": [1.0]}), _comparable(True) == _comparable(1)
    (True, False)
    """
    if isinstance(value, dict):
        return "object", frozenset((key, _comparable(item)) for key, item in value.items())
    if isinstance(value, list):
        return "array", tuple(map(_comparable, value))
    return isinstance(value, bool), value


def _as_in_json_schema(pattern: str) -> str:
    r"""`pattern` as JSON Schema means it: `$` is the end. Python's own lets a line break pass before it: "s123\n"."""
    return pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern


def validator(of: Mapping[str, Json]) -> Validator:
    """A Draft 2020-12 validator with strict types: true is no number, 1.0 no integer; no remote references.

    >>> checker = validator({"type": "integer"})
    >>> [checker.is_valid(value) for value in (1, 1.0, True)]
    [True, False, False]
    """
    from referencing import Registry

    return _strict()(of, registry=Registry())


def problems_in(
    document: Document,
    rules: Mapping[str, Json] | Validator,
    *,
    path: Path_ = (),
    value: Json = _WHOLE,
    code: str = "schema",
    place: Callable[[Path_], Place] | None = None,
    advise: Callable[[Any], str | None] | None = None,
) -> Iterator[Problem]:
    """Every way in which `document` breaks the schema, in the order of the lines.

    With `value`, that value is checked instead, as what stands at `path` of the document. `place` says
    where a path stands, if not in `document` itself. `advise` may turn a jsonschema error into a better fix.

    >>> schema = {"properties": {"epochs": {"type": "integer", "minimum": 1}}}
    >>> for problem in problems_in(Document("run.json", {"epochs": 0}), schema):
    ...     print(problem)
    run.json /epochs: 0 is less than the minimum of 1
      fix: write 1 or more
    """
    found: list[tuple[tuple[Any, ...], Problem]] = []
    for at, error, explained in broken_rules(rules, document.value if value is _WHOLE else value):
        spot = (place or document.place)((*path, *at))
        fix = (advise and advise(error)) or explained.fix
        problem = Problem(code, clean(str(spot)), explained.said, fix)
        order = tuple((isinstance(step, str), step) for step in at)
        found.append(((spot.file, spot.line or 0, order), problem))
    yield from dict.fromkeys(problem for _, problem in sorted(found, key=lambda pair: pair[0]))


def broken_rules(rules: Mapping[str, Json] | Validator, value: Json) -> Iterator[tuple[Path_, Any, Explained]]:
    """(where below `value`, the jsonschema error, its explanation) of everything that is wrong."""
    checker: Any = validator(rules) if isinstance(rules, Mapping) else rules
    for error in islice(checker.iter_errors(value), MAX_ERRORS):
        for leaf in _leaves(error):
            if isinstance(leaf, _Choice):
                yield leaf.path, leaf.error, leaf.explained
                continue
            at: Path_ = tuple(leaf.absolute_path)
            if "propertyNames" in leaf.absolute_schema_path:
                at = (*at, leaf.instance)
            for explained in explain(leaf):
                yield (*at, *explained.below), leaf, explained


class _Choice:
    """What a failed anyOf or oneOf comes down to when no single branch is meant."""

    def __init__(self, path: Path_, error: Any, explained: Explained) -> None:
        self.path, self.error, self.explained = path, error, explained


def _leaves(error: Any) -> Iterator[Any]:
    """The errors worth telling: of a failed anyOf or oneOf, which says little, those of the branch that is meant."""
    if not error.context or error.validator not in ("anyOf", "oneOf"):
        yield error
        return
    branches: dict[Any, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    depth = len(error.absolute_path)
    fitting = [branch for branch in branches.values() if not any(_rules_out(inner, depth) for inner in branch)]
    if len(fitting) == 1:
        for inner in fitting[0]:
            yield from _leaves(inner)
        return
    yield _choice(error, branches, depth) if not fitting else error


def _rules_out(error: Any, depth: int) -> bool:
    """Whether the error shows that its branch is not meant: another type, or another kind of thing."""
    below = len(error.absolute_path) - depth
    return (error.validator == "type" and below == 0) or (error.validator in ("const", "enum") and below <= 1)


def _choice(error: Any, branches: Mapping[Any, list[Any]], depth: int) -> Any:
    """No branch is meant: name the types, or the kinds, that were to choose from."""
    deciding = [next(inner for inner in branch if _rules_out(inner, depth)) for branch in branches.values()]
    if all(inner.validator == "type" for inner in deciding):
        types: list[str] = []
        for inner in deciding:
            wanted = inner.validator_value
            types.extend([wanted] if isinstance(wanted, str) else wanted)
        words = first_sentence(error.schema)
        return _Choice(
            tuple(error.absolute_path), error, not_of_type(error.instance, types, f": {words}" if words else "")
        )
    kinds = [inner for inner in deciding if inner.validator in ("const", "enum")]
    # A branch of another type altogether is no choice for this value.
    if kinds and len({tuple(inner.absolute_path) for inner in kinds}) == 1:
        allowed: list[Json] = []
        for inner in kinds:
            allowed.extend([inner.validator_value] if inner.validator == "const" else inner.validator_value)
        return _Choice(tuple(kinds[0].absolute_path), error, none_of(kinds[0].instance, allowed))
    return error
