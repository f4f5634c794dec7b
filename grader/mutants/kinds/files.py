"""Files that are missing, broken, or of another form than asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from grader.checks.base import ANSWERS_FILE
from grader.model import Json, Rule
from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.original import Original


def entries(original: Original) -> Iterator[tuple[Rule, Mapping[str, Json], list[str]]]:
    """What the rules on files ask for, each with the files that fit."""
    for rule in original.rules("artifacts"):
        for entry in rule.settings["required"]:
            paths = original.paths(entry.get("path") or entry["glob"])
            if paths:
                yield rule, entry, paths


class FileKind(Kind):
    """A change of the files that one entry asks for; `kinds` are those of the entries."""

    kinds: ClassVar[tuple[str, ...]]

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each entry of these kinds."""
        for rule, entry, paths in entries(original):
            if entry.get("kind", "any") in self.kinds and self.is_seen(entry):
                yield Spot(f"{paths[0]}: {self.slip}", (rule.id,), {"path": paths[0]})

    def is_seen(self, entry: Mapping[str, Json]) -> bool:
        """Whether the entry demands what is broken."""
        del entry
        return True

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Write the file anew."""
        del original
        path = folder / spot.data["path"]
        replaced(path, self.changed(path.read_bytes(), path.suffix))

    def changed(self, data: bytes, suffix: str) -> bytes:
        """The new bytes."""
        raise NotImplementedError


@register
class FileMissing(FileKind):
    name, slip = "file-missing", "the file was not handed in"
    nothing: ClassVar[str] = "no rule asks for a file"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each entry; of a pattern every file that fits is gone."""
        for rule, entry, paths in entries(original):
            yield Spot(f"{entry.get('path') or entry['glob']}: {self.slip}", (rule.id,), {"paths": paths})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Take them away."""
        del original
        for path in spot.data["paths"]:
            (folder / path).unlink()


@register
class FileEmpty(FileKind):
    name, slip = "file-empty", "the file is empty"
    kinds = ("code", "checkpoint", "json", "jsonl", "log", "image", "notebook", "report", "any")
    nothing: ClassVar[str] = "no rule asks for a file"

    def is_seen(self, entry: Mapping[str, Json]) -> bool:
        """Unless an entry allows it."""
        return bool(entry.get("min_bytes", 1) > 0)

    def changed(self, data: bytes, suffix: str) -> bytes:
        """Nothing."""
        del data, suffix
        return b""


@register
class JsonBroken(FileKind):
    name, slip, kinds = "json-broken", "the file is cut off in the middle of a line", ("json", "jsonl")
    nothing: ClassVar[str] = "no rule asks for a file of JSON"

    def changed(self, data: bytes, suffix: str) -> bytes:
        """Before its last bracket."""
        del suffix
        return data[: data.rstrip().rfind(b"}")]


@register
class JsonOfAnotherForm(FileKind):
    name, slip, kinds = "json-of-another-form", "the file is JSON, and not of the form that is asked", ("json", "jsonl")
    nothing: ClassVar[str] = "no rule asks for a file of JSON with a schema"

    def is_seen(self, entry: Mapping[str, Json]) -> bool:
        """Only where there is a schema, of objects."""
        form: Any = entry.get("schema")
        return isinstance(form, str) or (isinstance(form, Mapping) and form.get("type") == "object")

    def changed(self, data: bytes, suffix: str) -> bytes:
        """A list where an object is asked."""
        return b"[1, 2]\n" + data.partition(b"\n")[2] if suffix == ".jsonl" else b"[1, 2]\n"


@register
class NotebookBroken(FileKind):
    name, slip, kinds = "notebook-broken", "the notebook is cut off", ("notebook",)
    nothing: ClassVar[str] = "no rule asks for a notebook"

    def changed(self, data: bytes, suffix: str) -> bytes:
        """Its second half is gone."""
        del suffix
        return data[: len(data) // 2]


@register
class AnswersBroken(Kind):
    name, slip = "answers-broken", "answers.json is no JSON: a comma is missing"
    nothing: ClassVar[str] = "no rule reads an answer"

    def spots(self, original: Original) -> Iterator[Spot]:
        """All that read an answer must say so; none may call an answer wrong."""
        answered = (rule for rule in original.rubric.rules() if rule.answer and original.answer(rule) is not None)
        # What a person decides anyhow has nothing more to say of it.
        must = tuple(rule.id for rule in answered if original.scores[rule.id].points > 0)
        if must:
            yield Spot(f"{ANSWERS_FILE}: {self.slip}", must)

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """The last comma at the end of a line."""
        del original, spot
        path = folder / ANSWERS_FILE
        text = path.read_text(encoding="utf-8")
        before, _, after = text.rpartition(",\n")
        replaced(path, f"{before}\n{after}" if before else text[:-2])
