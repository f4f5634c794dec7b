"""How does one rubric serve several years? A variant gives every `${name}` in it a value, and leaves some tasks out.

    document -> chosen(document, "2023") -> the same document with the values of that variant

Places stay those of the file: a value that came from the table has the line at which its name was written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from grader.course.points import points_from, points_text
from grader.course.written import Path_
from grader.documents import Document, did_you_mean
from grader.documents.wording import clean, shown
from grader.frozen import dataclass
from grader.model import Json

TABLE = "variants"
RESERVED = "variant"  # stands for the name of the variant itself
NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_LITERAL = ("assignment", "$schema", TABLE)  # what is the same in every variant

_Told = tuple[str, Path_, str, str]  # code, path, what, fix


@dataclass(frozen=True)
class Chosen:
    """A rubric's document with the values of one variant. `name` is empty where the rubric has none."""

    document: Document
    name: str = ""
    told: tuple[_Told, ...] = ()
    unused: tuple[str, ...] = ()  # names that nothing in the rubric asks for

    def has(self, entry: Mapping[str, Json]) -> bool:
        """Whether a task or a rule is there in this variant."""
        wanted = entry.get(TABLE)
        return not isinstance(wanted, list) or not wanted or self.name in map(str, wanted)

    def entries(self, value: Json) -> Iterator[tuple[int, Mapping[str, Json]]]:
        """The entries of a list of tasks or rules that are there, with their index; the schema names what is none."""
        if isinstance(value, list):
            yield from ((at, entry) for at, entry in enumerate(value) if isinstance(entry, dict) and self.has(entry))

    def is_absent(self, path: Path_) -> bool:
        """Whether `path` leads into a task or a rule that this variant leaves out."""
        for end in (2, 4):
            entry = self.document.at(path[:end]) if len(path) > end and path[0] in ("tasks", "choose") else None
            if isinstance(entry, dict) and path[end] != TABLE and not self.has(entry):
                return True
        return False


def variant_names(document: Document) -> tuple[str, ...]:
    """The variants of a rubric in the order of the file; the first is the default.

    >>> variant_names(Document("r.yaml", {"variants": {"2021": {}, "2023": {}}}))
    ('2021', '2023')
    """
    return tuple(_table(document))


def chosen(document: Document, name: str = "") -> Chosen:
    """The document with the values of the variant `name` (by default the first), and all that is wrong with that.

    >>> rubric = {"variants": {"a": {"k": [1, 2]}, "b": {"k": [3]}}, "x": "${k}", "title": "Year ${variant}"}
    >>> chosen(Document("r.yaml", rubric), "b").document.value["x"], chosen(Document("r.yaml", rubric)).document.value
    ([3], {'variants': {'a': {'k': [1, 2]}, 'b': {'k': [3]}}, 'x': [1, 2], 'title': 'Year a'})
    """
    table = _table(document)
    name = name or next(iter(table), "")
    anywhere = frozenset(word for names in table.values() for word in names)
    filling = _Filling({**table.get(name, {}), **({RESERVED: name} if name else {})}, anywhere)
    value = document.value
    if isinstance(value, dict):
        value = {key: part if key in _LITERAL else filling.fill(part, (key,)) for key, part in value.items()}
    unused = tuple(key for key in table.get(name, {}) if key not in filling.used)
    made = Chosen(replace(document, value=value), name, unused=unused)
    filled = (told for told in filling.told if not made.is_absent(told[1]))
    return replace(made, told=(*_table_problems(table), *filled, *_entry_problems(value, tuple(table))))


def with_variant(digest: str, name: str) -> str:
    """The digest of a rubric's file together with the variant that was chosen of it; unchanged where it has none."""
    return hashlib.sha256(f"{digest}\nvariant {name}".encode()).hexdigest() if name else digest


def _table(document: Document) -> Mapping[str, Mapping[str, Json]]:
    """The table `variants`; empty where there is none, or none that the schema would let pass."""
    value = document.value.get(TABLE) if isinstance(document.value, dict) else None
    if not isinstance(value, dict) or not all(isinstance(names, dict) for names in value.values()):
        return {}
    return value


def _table_problems(table: Mapping[str, Mapping[str, Json]]) -> Iterator[_Told]:
    """Names that are reserved or that a variant lacks, and values that ask for names themselves."""
    everywhere: dict[str, str] = {}
    for variant, names in table.items():
        for name in names:
            everywhere.setdefault(name, variant)
    for variant, names in table.items():
        for name, owner in everywhere.items():
            if name not in names:
                what = f"the variant {variant!r} has no {shown(name)}, which {owner!r} has"
                yield "variant-name", (TABLE, variant), what, "give every variant the same names (null where unused)"
        for name, value in names.items():
            path: Path_ = (TABLE, variant, name)
            if name == RESERVED:
                what = f"the name {RESERVED!r} is taken: ${{{RESERVED}}} is the name of the variant"
                yield "variant-reserved", path, what, "choose another name"
            elif not re.fullmatch(NAME, name):
                what = f"{shown(name)} is no name"
                yield "variant-name", path, what, "write letters, digits and underscores, no digit first"
            if any("${" in text for text in _texts(value)):
                what = "a variant's value asks for a name itself: values are taken as they are written"
                yield "variant-value", path, what, "write the value out"


def _entry_problems(value: Json, known: tuple[str, ...]) -> Iterator[_Told]:
    """What `variants` of a task or a rule says that cannot be."""
    if not isinstance(value, dict):
        return
    choices, tasks = value.get("choose"), value.get("tasks")
    for at, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict):
            yield from _unknown(choice, ("choose", at), known)
    for at, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if not isinstance(task, dict):
            continue
        yield from _unknown(task, ("tasks", at), known)
        rules = task.get("rules")
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            if not isinstance(rule, dict):
                continue
            path: Path_ = ("tasks", at, "rules", index)
            yield from _unknown(rule, path, known)
            mine, of_task = _words(rule), _words(task)
            if mine and of_task and not set(mine) & set(of_task):
                what = f"the rule is for {', '.join(mine)}, its task for {', '.join(of_task)}: it is never there"
                yield "never-there", (*path, TABLE), what, "name a variant that the task is there in"


def _unknown(entry: Mapping[str, Json], path: Path_, known: tuple[str, ...]) -> Iterator[_Told]:
    for word in _words(entry):
        if word not in known:
            what = f"there is no variant {clean(repr(word), 80)}"
            fix = did_you_mean(word, known) if known else "write the variants under `variants` at the top of the rubric"
            yield "unknown-variant", (*path, TABLE), what, fix


def _words(entry: Mapping[str, Json]) -> list[str]:
    wanted = entry.get(TABLE)
    return [str(word) for word in wanted if isinstance(word, str | int)] if isinstance(wanted, list) else []


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


@dataclass
class _Filling:
    """Puts values in the place of names, and keeps what could not be."""

    values: Mapping[str, Json]
    anywhere: frozenset[str]  # the names of all variants
    told: list[_Told] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def fill(self, value: Json, path: Path_) -> Json:
        if isinstance(value, dict):
            return {key: self.fill(part, (*path, key)) for key, part in value.items()}
        if isinstance(value, list):
            return [self.fill(part, (*path, at)) for at, part in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = re.fullmatch(rf"\$\{{({NAME})\}}", value)
        if whole:
            return self._value(whole[1]) if self._is_known(whole[1], path) else value
        return re.sub(rf"(\$?)\$\{{(?:({NAME})\}})?", lambda found: self._text(found, path), value)

    def _text(self, found: re.Match[str], path: Path_) -> str:
        """A name inside longer text. `$${` is how the signs themselves are written."""
        escape, name = found[1], found[2]
        if escape:
            return found[0][1:]
        if name is None:
            what = "the signs ${ are not followed by a name and a closing }"
            self.told.append(("unknown-name", path, what, "write ${name}, or $${ for the signs themselves"))
            return found[0]
        if not self._is_known(name, path):
            return found[0]
        value = self._value(name)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return points_text(points_from(value))
        if isinstance(value, str):
            return value
        what = f"the value of {name!r} is {shown(value)}: it has no form inside longer text"
        self.told.append(("name-in-text", path, what, f"write ${{{name}}} alone, or give it a text or a number"))
        return found[0]

    def _is_known(self, name: str, path: Path_) -> bool:
        if name in self.values:
            return True
        if name in self.anywhere:  # told already: this variant lacks it
            return False
        what = f"no variant gives the name {name!r} a value"
        fix = did_you_mean(name, self.values) if self.values else "write it under `variants` at the top of the rubric"
        self.told.append(("unknown-name", path, what, f"{fix}; the signs themselves are written $${{"))
        return False

    def _value(self, name: str) -> Json:
        self.used.add(name)
        return self.values[name]
