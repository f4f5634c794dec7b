"""How is a JSON or YAML file from a stranger read? Strictly, capped, and with the place of every problem.

The ground of course and intake: rubrics, manifests and answers all come through here. JSON: no duplicate
keys, no NaN or Infinity (not even as 1e999), bounded size, depth and digits. YAML: no tags, no anchors, no
duplicate keys; each value knows its line. Validation reports every problem at once, each with its JSON
pointer, and its line where there is one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.model import Json, Place, Problem

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MAX_BYTES = 8 * 2**20
MAX_DEPTH = 64
MAX_DIGITS = 400  # longer than any float64, shorter than what makes int() slow
SCHEMAS = Path(__file__).parent / "course" / "schemas"


class DocumentError(Exception):
    """The text is not a document at all. `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _broken(code: str, where: str, what: str, fix: str) -> DocumentError:
    return DocumentError(Problem(code, where, what, fix))


def read_text(path: Path, *, name: str | None = None, max_bytes: int = MAX_BYTES) -> str:
    """The text of a UTF-8 file (a byte-order mark is dropped), or DocumentError.

    `name` is what the messages call the file; `max_bytes` is the largest size read.
    """
    name = name or str(path)
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _broken(
            "unreadable", name, f"cannot be read ({error.strerror})", "check that it is a readable file"
        ) from error
    return decode(data, name=name, max_bytes=max_bytes)


def decode(data: bytes, *, name: str, max_bytes: int = MAX_BYTES) -> str:
    """`data` as UTF-8 text, or DocumentError that names the byte or the size."""
    if len(data) > max_bytes:
        raise _broken("too-large", name, f"larger than {max_bytes:,} bytes", "hand in a smaller file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(
            "not-utf8",
            name,
            f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8 text",
            "save the file as UTF-8",
        ) from error


def parse_json(text: str, *, name: str) -> Json:
    """Parse JSON strictly, or raise DocumentError with the line.

    >>> parse_json('{"a": [1, 2.5]}', name="answers.json")
    {'a': [1, 2.5]}
    >>> parse_json('{"a": 1, "a": 2}', name="answers.json")
    Traceback (most recent call last):
    grader.documents.DocumentError: answers.json: the key "a" stands twice in one object
      fix: keep one of the two
    """

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for key, value in items:
            if key in made:
                raise _broken(
                    "duplicate-key",
                    name,
                    f"the key {json.dumps(key[:80])} stands twice in one object",
                    "keep one of the two",
                )
            made[key] = value
        return made

    def whole(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise _broken("too-long", name, f"a number of {len(digits):,} digits", f"write at most {MAX_DIGITS} digits")
        return int(digits)

    def real(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise _broken("not-finite", name, f"the number {digits[:40]} is not finite", "write a finite number")
        return value

    def constant(word: str) -> float:
        raise _broken("not-finite", name, f"{word} is not a JSON number", "write a finite number, or null")

    _check_depth(text, name)
    try:
        return json.loads(text, object_pairs_hook=pairs, parse_int=whole, parse_float=real, parse_constant=constant)
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno}"
        raise _broken(
            "bad-json", where, f"not valid JSON: {error.msg} (column {error.colno})", _json_advice(text, error)
        ) from error
    except RecursionError as error:
        raise _broken("too-deep", name, "nested too deeply", f"nest at most {MAX_DEPTH} levels") from error


def _json_advice(text: str, error: json.JSONDecodeError) -> str:
    """The usual slip at this place, so that a student who never saw JSON can mend it."""
    rest = text[error.pos : error.pos + 1]
    before = text[: error.pos].rstrip()[-1:]
    if rest in "}]" and rest and before == ",":
        return "remove the comma before the closing bracket"
    if rest == "'":
        return "use double quotes, not single ones"
    if "property name" in error.msg and before == ",":
        return "remove the comma before the closing bracket"
    if "delimiter" in error.msg:
        return "a comma or a closing bracket is missing before this place"
    if not text.strip():
        return "the file is empty: start from the template"
    return "compare with the template; an editor that knows JSON marks the place"


def _check_depth(text: str, name: str) -> None:
    """Refuse deep nesting before the parser recurses. Brackets inside strings do not count."""
    depth = 0
    is_string = is_escaped = False
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    for char in text:
        if is_string:
            if is_escaped:
                is_escaped = False
            elif char == "\\":
                is_escaped = True
            elif char == '"':
                is_string = False
        elif char == '"':
            is_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _broken(
                    "too-deep", name, f"nested deeper than {MAX_DEPTH} levels", f"nest at most {MAX_DEPTH} levels"
                )
        elif char in "]}":
            depth -= 1


Lines = Mapping[tuple[str | int, ...], int]


@dataclass(frozen=True)
class Document:
    """A parsed file: its value, and for YAML the line of every path in it (1-based)."""

    name: str
    value: Json
    lines: Lines = field(default_factory=dict)

    def place(self, path: Iterable[str | int] = ()) -> Place:
        """The place of the value at `path`: its line where known, or that of the nearest parent."""
        steps = tuple(path)
        line = None
        for end in range(len(steps), -1, -1):
            if steps[:end] in self.lines:
                line = self.lines[steps[:end]]
                break
        return Place(self.name, line=line).child(*steps)


def parse_yaml(text: str, *, name: str) -> Document:
    """Parse YAML of plain values only, with the line of each, or raise DocumentError.

    >>> document = parse_yaml("tasks:\\n- id: a\\n- id: b\\n", name="rubric.yaml")
    >>> document.value, str(document.place(["tasks", 1, "id"]))
    ({'tasks': [{'id': 'a'}, {'id': 'b'}]}, 'rubric.yaml:3 /tasks/1/id')
    """
    import yaml  # noqa: PLC0415  start-up: JSON-only paths never pay for it

    loader_class: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        loader = loader_class(text)
        try:
            for event in yaml.parse(text, Loader=loader_class):
                if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                    raise _broken(
                        "yaml-alias",
                        f"{name}:{event.start_mark.line + 1}",
                        "anchors and aliases (& and *) are not read",
                        "write the value out",
                    )
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        what = getattr(error, "problem", None) or str(error)
        raise _broken(
            "bad-yaml", where, f"not valid YAML: {what}", "check the indentation and the quotes at this line"
        ) from error
    except (RecursionError, ValueError) as error:
        raise _broken(
            "bad-yaml", name, f"not valid YAML: {type(error).__name__}", "check for odd characters and deep nesting"
        ) from error
    lines: dict[tuple[str | int, ...], int] = {}
    value = None if node is None else _build(node, (), lines, loader_class, name)
    return Document(name, value, lines)


def _build(
    node: Any, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], loader_class: Any, name: str
) -> Json:
    import yaml  # noqa: PLC0415

    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if len(path) > MAX_DEPTH:
        raise _broken(
            "too-deep", f"{name}:{line}", f"nested deeper than {MAX_DEPTH} levels", f"nest at most {MAX_DEPTH} levels"
        )
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            where = f"{name}:{key_node.start_mark.line + 1}"
            if key is None:
                raise _broken("bad-key", where, "a key that is not a plain word", "use a word or a number as the key")
            if key in made:
                raise _broken("duplicate-key", where, f"the key {key!r} stands twice", "keep one of the two")
            lines[(*path, key)] = key_node.start_mark.line + 1
            made[key] = _build(value_node, (*path, key), lines, loader_class, name)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), lines, loader_class, name) for index, item in enumerate(node.value)]
    return _scalar(node, loader_class, f"{name}:{line}")


_PLAIN = {"tag:yaml.org,2002:" + kind for kind in ("null", "bool", "int", "float", "str", "timestamp")}


def _scalar(node: Any, loader_class: Any, where: str) -> Json:
    if node.tag not in _PLAIN:
        raise _broken(
            "yaml-tag",
            where,
            f"the tag {node.tag.removeprefix('tag:yaml.org,2002:')!r} is not read",
            "write a plain value",
        )
    if node.tag.endswith("timestamp"):
        return node.value  # a date stays the text that was written: the schema says what it must be
    if len(node.value) > MAX_DIGITS and node.tag.endswith((":int", ":float")):
        raise _broken(
            "too-long", where, f"a number of {len(node.value):,} digits", f"write at most {MAX_DIGITS} digits"
        )
    constructor = loader_class("")
    try:
        value = constructor.construct_object(node)
    except ValueError as error:
        raise _broken(
            "bad-yaml", where, f"{node.value[:40]!r} is not a value: {error}", "put text in quotes"
        ) from error
    finally:
        constructor.dispose()
    if isinstance(value, float) and not math.isfinite(value):
        raise _broken("not-finite", where, f"{node.value} is not a finite number", "write a finite number")
    return value


# --- validation against a JSON Schema ---------------------------------------------------------


@lru_cache(maxsize=64)
def schema(name: str) -> Mapping[str, Json]:
    """The published schema `name` (such as "rubric") from grader/course/schemas."""
    loaded: Mapping[str, Json] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded


def validator(of: Mapping[str, Json]) -> Validator:
    """A Draft 2020-12 validator with strict types: true is no number, 1.0 no integer; no remote references."""
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415

    def is_integer(_checker: Any, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", is_integer)
    strict: Any = validators.extend(Draft202012Validator, type_checker=checker)
    made: Validator = strict(of)
    return made


def problems_in(
    document: Document,
    rules: Mapping[str, Json] | Validator,
    *,
    path: tuple[str | int, ...] = (),
    value: Json = None,
    code: str = "schema",
    advise: Callable[[Any], str | None] | None = None,
) -> Iterator[Problem]:
    """Every way in which `document` (or the part `value` of it at `path`) breaks the schema.

    `advise` may turn a jsonschema error into a better `fix`.
    """
    checker: Any = validator(rules) if isinstance(rules, Mapping) else rules
    part = document.value if value is None and not path else value
    errors = sorted(checker.iter_errors(part), key=lambda e: [str(step) for step in e.absolute_path])
    for error in errors:
        for leaf in _leaves(error):
            place = document.place((*path, *leaf.absolute_path))
            fix = (advise and advise(leaf)) or _advice(leaf)
            yield Problem(code, str(place), _said(leaf), fix)


def _leaves(error: Any) -> list[Any]:
    """A failed anyOf or oneOf says little: name the branch that came closest."""
    if not error.context:
        return [error]
    from jsonschema.exceptions import relevance  # noqa: PLC0415

    # Branches of the right type come closest; among them the one that got deepest.
    branches: dict[int, list[Any]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [b for b in branches.values() if not any(e.validator in ("type", "const") and not e.path for e in b)]
    if len(fitting) != 1:
        return [error]
    return [leaf for inner in sorted(fitting[0], key=relevance) for leaf in _leaves(inner)]


def _shown(value: Json, limit: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= limit else text[: limit - 3] + "..."


_TYPES = {
    "integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false",
    "array": "a list", "object": "a table of keys", "null": "null",
}  # fmt: skip


def _type_words(types: str | list[str]) -> str:
    names = [types] if isinstance(types, str) else types
    return " or ".join(_TYPES[name] for name in names)


def _said(error: Any) -> str:
    """What is so, with the value."""
    value, rule, wanted = error.instance, error.validator, error.validator_value
    if rule == "type":
        return f"{_shown(value)} is not {_type_words(wanted)}"
    if rule == "required":
        missing = [key for key in wanted if key not in value]
        return f"{', '.join(repr(key) for key in missing[:1])} is missing" if len(missing) == 1 else error.message
    if rule == "additionalProperties":
        known = set(error.schema.get("properties", {}))
        extra = [key for key in value if key not in known]
        return f"unknown key{'s' if len(extra) > 1 else ''} {', '.join(repr(key) for key in extra[:5])}"
    if rule in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        words = {"minimum": "less than the minimum of", "maximum": "more than the maximum of",
                 "exclusiveMinimum": "not more than", "exclusiveMaximum": "not less than"}  # fmt: skip
        return f"{_shown(value)} is {words[rule]} {wanted}"
    if rule == "enum":
        return f"{_shown(value)} is none of the allowed values"
    if rule == "const":
        return f"{_shown(value)} is not {_shown(wanted)}"
    if rule in ("minItems", "maxItems"):
        return f"the list has {len(value)} entries, {'at least' if rule == 'minItems' else 'at most'} {wanted} are expected"
    if rule in ("minLength", "maxLength"):
        return f"the text has {len(value)} characters, {'at least' if rule == 'minLength' else 'at most'} {wanted} are expected"
    if rule in ("anyOf", "oneOf"):
        return f"{_shown(value)} fits none of the allowed forms"
    return str(error.message)[:200]


def _advice(error: Any) -> str:
    """What would be right."""
    import difflib  # noqa: PLC0415

    rule, wanted = error.validator, error.validator_value
    described = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if rule == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        extra = [key for key in error.instance if key not in known]
        close = difflib.get_close_matches(extra[0], known, n=1) if extra else []
        return f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known) or 'none'}"
    if rule == "required":
        missing = next((key for key in wanted if key not in error.instance), "")
        about = error.schema.get("properties", {}).get(missing, {}).get("description", "")
        return f"add {missing!r}" + (f": {about}" if about else "")
    if rule == "enum":
        close = difflib.get_close_matches(str(error.instance), [str(w) for w in wanted], n=1)
        allowed = ", ".join(_shown(w) for w in wanted)
        return f"did you mean {close[0]!r}? allowed: {allowed}" if close else f"allowed: {allowed}"
    if rule == "type":
        return f"write {_type_words(wanted)}" + (f": {described}" if described else "")
    return described or "see the schema"
