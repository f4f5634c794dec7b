"""What may stand in an assignment's answers.json? A JSON Schema, so that a student's editor completes and checks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from grader.documents import schema
from grader.model import Json, Rubric, Rule, Task, Visibility

if TYPE_CHECKING:
    from grader.course.rubrics import Checks

_Use = tuple[Task, Rule, Mapping[str, Json] | None]  # who reads an answer, and in which form


def answers_schema(rubric: Rubric, checks: Checks) -> dict[str, Json]:
    """The JSON Schema (Draft 2020-12) of the answers of `rubric`.

    Every answer may be left out: not answered is a finding, not an error of form. Where several rules read
    an answer, it must fit what each of them expects. Holds nothing that tells a right answer.
    """
    readers: dict[str, list[_Use]] = {}
    for task in rubric.tasks:
        for rule in task.rules:
            check = checks[rule.check]
            if rule.answer is not None:
                readers.setdefault(rule.answer, []).append((task, rule, check.answer_schema(rule)))
            for key, shape in check.other_answers(rule).items():
                readers.setdefault(key, []).append((task, rule, shape))
    envelope = schema("answers")["properties"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{rubric.assignment}.answers.schema.json",
        "title": f"Answers: {rubric.title}",
        "description": f"The file answers.json of the assignment {rubric.assignment}.",
        "type": "object",
        "required": ["answers"],
        "additionalProperties": False,
        "properties": {
            "$schema": envelope["$schema"],
            "assignment": {"const": rubric.assignment, "description": envelope["assignment"]["description"]},
            "answers": {
                "type": "object",
                "description": envelope["answers"]["description"],
                "additionalProperties": False,
                "properties": {key: _one(uses) for key, uses in readers.items()},
            },
        },
    }


def _one(uses: list[_Use]) -> dict[str, Json]:
    """The schema of one answer: what all the rules that read it expect, or null while it is not answered."""
    task, *_ = uses[0]
    shapes: list[Mapping[str, Json]] = []
    for *_, shape in uses:
        if shape and shape not in shapes:
            shapes.append(shape)
    # A check's own description says how to write the answer: it is what the editor shows.
    described = next((shape["description"] for shape in shapes if "description" in shape), None)
    head = {"title": f"{task.id} {task.title}".strip(), "description": described or _read_by(uses)}
    if len(shapes) == 1:
        return {**or_null(shapes[0]), **head}
    return {**head, "allOf": [or_null(shape) for shape in shapes]} if shapes else head


def or_null(shape: Mapping[str, Json]) -> dict[str, Json]:
    """`shape`, with null allowed besides: what a template has where nothing is answered yet.

    >>> or_null({"type": "integer", "minimum": 1})
    {'type': ['integer', 'null'], 'minimum': 1}
    """
    made: dict[str, Json] = dict(shape)
    if any(key in made for key in ("$ref", "allOf", "oneOf", "not", "if")):
        about: dict[str, Json] = {key: made.pop(key) for key in ("title", "description") if key in made}
        return {**about, "anyOf": [made, {"type": "null"}]}
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if "enum" in made and None not in made["enum"]:
        made["enum"] = [*made["enum"], None]
    if "anyOf" in made:
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    if "type" in made:
        types = [made["type"]] if isinstance(made["type"], str) else made["type"]
        made["type"] = [*types, "null"] if "null" not in types else types
    return made


def _read_by(uses: list[_Use]) -> str:
    """Who reads the answer. Rules that only staff sees are not named."""
    names = list(dict.fromkeys(rule.check for _, rule, _ in uses if rule.visibility is Visibility.STUDENT))
    return f"Read by the check {' and '.join(names)}." if names else "An answer of this task."
