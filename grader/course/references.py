"""What do `network: NAME`, `model: NAME` and `reference: NAME` of a rule stand for?

The first two for an entry of the rubric's own tables, in full; a reference for its measured band (see bands.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from grader.course.bands import Bands
from grader.course.defaults import with_defaults
from grader.course.written import Path_
from grader.documents import Document, did_you_mean, schema, validator
from grader.documents.validation import broken_rules
from grader.documents.wording import clean, shown
from grader.errors import CourseError
from grader.frozen import dataclass
from grader.model import Json

if TYPE_CHECKING:
    from grader.course.rubrics import CheckSpec

_Told = tuple[str, Path_, str, str]  # code, path, what, fix


@dataclass
class Resolved:
    """The resolved settings of one rule. `unresolved` names those for which the reason is told elsewhere."""

    settings: dict[str, Json] = field(default_factory=dict)
    problems: list[_Told] = field(default_factory=list)
    unresolved: set[str] = field(default_factory=set)
    origins: dict[str, Path_] = field(default_factory=dict)

    def origin(self, rule: Path_, at: Path_) -> Path_:
        """Where the setting at `at` is written: in the rule, or in the entry that it refers to."""
        if at and at[0] in self.origins:
            return (*self.origins[str(at[0])], *at[1:])
        return (*rule, *at)

    def give_up(self, key: str) -> None:
        """Leave `key` open. It is there, so that nobody calls it missing."""
        self.settings[key] = None
        self.unresolved.add(key)


class References:
    """The tables `networks` and `models` of one rubric, and the bands of its course."""

    def __init__(
        self,
        document: Document,
        is_sound: Callable[..., bool],
        layer_schema: Mapping[str, Json] | None,
        bands: Bands,
    ) -> None:
        self._document = document
        self._is_sound = is_sound
        self._layer_schema = layer_schema
        self._bands = bands
        self._by_kind: dict[str, Any] = {}
        self._broken: set[str] = set()  # networks with a layer that the layer schema refuses

    def layer_problems(self) -> Iterator[_Told]:
        """What the layer schema has against the layers of the named networks."""
        for name, network in self._table("networks").items():
            if self._is_sound("networks", name):
                told = list(self._layers(network, ("networks", name)))
                if told:
                    self._broken.add(name)
                yield from told

    def resolve(self, check: CheckSpec, rule: Mapping[str, Json], path: Path_) -> Resolved:
        """The settings `network`, `model` and `reference` of a rule whose check uses them."""
        resolved = Resolved()
        if check.uses_network and "network" in rule:
            self._one("network", rule["network"], path, resolved)
        if check.uses_model:
            if "model" in rule:
                self._one("model", rule["model"], path, resolved)
            else:
                self._only_model(check, path, resolved)
        if check.uses_reference and "reference" in rule:
            self._band(rule["reference"], path, resolved)
        if getattr(check, "uses_picture", False):  # of the few checks that do
            self._picture(rule.get("image"), path, resolved)
        return resolved

    def _table(self, name: str) -> Mapping[str, Json]:
        value = self._document.value
        table = value.get(name) if isinstance(value, dict) else None
        return table if isinstance(table, dict) else {}

    def _one(self, key: str, written: Json, path: Path_, resolved: Resolved) -> None:
        """A name, or the thing itself."""
        table = f"{key}s"
        if isinstance(written, str):
            known = self._table(table)
            if written not in known:
                what = f"there is no {key} named {clean(repr(written), 80)}"
                fix = did_you_mean(written, known) if known else f"write it under `{table}` at the top of the rubric"
                resolved.problems.append((f"unknown-{key}", (*path, key), what, fix))
                resolved.give_up(key)
            elif not self._is_sound(table, written) or (key == "network" and written in self._broken):
                resolved.give_up(key)
            else:
                self._take(key, known[written], (table, written), resolved)
        elif isinstance(written, dict):
            form = {"$defs": schema("rubric")["$defs"], "$ref": f"#/$defs/{key}"}
            told = [
                (f"bad-{key}", (*path, key, *at), explained.said, explained.fix)
                for at, _, explained in broken_rules(form, written)
            ]
            if key == "network" and not told:
                told.extend(self._layers(written, (*path, key)))
            if told:
                resolved.problems.extend(told)
                resolved.give_up(key)
            else:
                self._take(key, written, (*path, key), resolved)
        else:
            what = f"{shown(written)} is no {key}"
            fix = f"write the name of an entry under `{table}`, or the {key} itself"
            resolved.problems.append((f"bad-{key}", (*path, key), what, fix))
            resolved.give_up(key)

    def _only_model(self, check: CheckSpec, path: Path_, resolved: Resolved) -> None:
        """The rule names no model: the rubric's only one is meant, where there is one."""
        models = self._table("models")
        if len(models) == 1:
            [name] = models
            if self._is_sound("models", name):
                self._take("model", models[name], ("models", name), resolved)
            else:
                resolved.give_up("model")
        elif "model" in check.settings_schema.get("required", ()):
            what = f"the check {check.name!r} needs a model, and the rule names none of the rubric's {len(models)}"
            fix = f"add model: {' or model: '.join(models)}"
            if not models:
                what = f"the check {check.name!r} needs a model, and the rubric has none"
                fix = "add `models` at the top of the rubric, such as models: {net: {input: [1, 28, 28]}}"
            resolved.problems.append(("unknown-model", path, what, fix))
            resolved.give_up("model")

    def _band(self, written: Json, path: Path_, resolved: Resolved) -> None:
        """The band document of a reference of the course, which is measured and never written out in a rubric."""
        at = (*path, "reference")
        try:
            if not isinstance(written, str):
                what = f"{shown(written)} is no name of a reference"
                raise CourseError.single(what, where="", fix="write RECIPE or ASSIGNMENT/RECIPE", code="bad-reference")
            resolved.settings["reference"] = self._bands.named(written)
        except CourseError as error:
            for problem in error.problems:
                what = f"{problem.where}: {problem.what}" if problem.where else problem.what  # within the band's file
                resolved.problems.append((problem.code, at, what, problem.fix))
            resolved.give_up("reference")

    def _picture(self, image: Json, path: Path_, resolved: Resolved) -> None:
        """The bytes of `image: {course: PATH}`, so that whoever does the job has them."""
        if not isinstance(image, Mapping) or not isinstance(image.get("course"), str):
            return
        try:
            resolved.settings["image"] = {**image, "bytes": self._bands.picture(image["course"])}
        except CourseError as error:
            for problem in error.problems:
                resolved.problems.append((problem.code, (*path, "image", "course"), problem.what, problem.fix))
            resolved.give_up("image")

    def _take(self, key: str, value: Mapping[str, Json], origin: Path_, resolved: Resolved) -> None:
        resolved.settings[key] = with_defaults(value, schema("rubric")["$defs"][key])
        resolved.origins[key] = origin

    def _layers(self, network: Mapping[str, Json], path: Path_) -> Iterator[_Told]:
        if self._layer_schema is None:
            return
        for index, layer in enumerate(network["layers"]):
            kind = layer["kind"]
            if kind not in self._by_kind:
                self._by_kind[kind] = validator(_of_kind(self._layer_schema, kind))
            checker = self._by_kind[kind]
            if not checker.is_valid(layer):
                for at, _, explained in broken_rules(checker, layer):
                    yield "bad-layer", (*path, "layers", index, *at), explained.said, explained.fix


def _of_kind(layer_schema: Mapping[str, Json], kind: str) -> Mapping[str, Json]:
    """What the schema of layers says of one kind: without the conditions that begin "if kind is another".

    Means the same for a layer of that kind, and is fifty times shorter: rubrics are read at every check.

    >>> pool = {"if": {"properties": {"kind": {"const": "pool"}}, "required": ["kind"]}, "then": False}
    >>> _of_kind({"type": "object", "allOf": [pool]}, "relu")
    {'type': 'object', 'allOf': []}
    """

    def is_of_another(part: Json) -> bool:
        if not isinstance(part, Mapping) or set(part) != {"if", "then"}:
            return False
        wanted = part["if"].get("properties", {}).get("kind", {}) if isinstance(part["if"], Mapping) else {}
        return set(wanted) == {"const"} and wanted["const"] != kind

    if "allOf" not in layer_schema:
        return layer_schema
    return {**layer_schema, "allOf": [part for part in layer_schema["allOf"] if not is_of_another(part)]}
