"""Whose hand-in is this, for which assignment, and what does it state? As submission.json and answers.json say.

Both are claims. Who a grade belongs to is settled by the name of what was handed in, and in a course by its list of
students; which rubric is used is the caller's to say where the caller knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from grader.documents import (
    MAX_BYTES,
    Document,
    DocumentError,
    decode,
    json_document,
    problems_in,
    schema,
    shown,
    validator,
)
from grader.frozen import dataclass
from grader.intake.folder import read_again
from grader.model import Answer, Json, Place, Problem, Student, SubmittedFile

MANIFEST, ANSWERS = "submission.json", "answers.json"


@dataclass(frozen=True)
class Manifest:
    """What submission.json says, as far as it can be used. `assignment` is empty where nobody says it."""

    assignment: str
    students: tuple[Student, ...]
    problems: tuple[Problem, ...]


def read_manifest(root: Path, files: Sequence[SubmittedFile], assignment: str | None) -> Manifest:
    """The manifest of the files below `root`. Where the caller gives the assignment, that one counts."""
    try:
        document = _document(root, files, MANIFEST)
    except DocumentError as error:
        return Manifest(assignment or "", (), error.problems)
    if document is None:
        return Manifest(assignment or "", (), (_no_manifest(files, assignment),))
    rules = schema("submission")
    problems = list(problems_in(document, rules))
    value = document.value if isinstance(document.value, Mapping) else {}
    stated = _usable(value.get("assignment"), rules["properties"]["assignment"]) or ""
    if assignment and stated and stated != assignment:
        problems.append(_other_assignment(document, stated, assignment))
    students, twice = _students(document, value.get("students"), rules)
    return Manifest(assignment or stated, students, (*problems, *twice))


def _students(document: Document, listed: Json, rules: Mapping[str, Json]) -> tuple[tuple[Student, ...], list[Problem]]:
    """Those students whose entry is in order, each once."""
    made: dict[str, Student] = {}
    problems = []
    entries = listed[: rules["properties"]["students"]["maxItems"]] if isinstance(listed, list) else []
    for index, entry in enumerate(entries):
        usable = _usable(entry, rules["properties"]["students"]["items"])
        if usable is None:
            continue
        if usable["id"] in made:
            where = str(document.place(["students", index, "id"]))
            said = f"the student {shown(usable['id'])} stands twice in the list"
            problems.append(Problem("student-twice", where, said, "keep one of the two"))
        else:
            made[usable["id"]] = Student(usable["id"], usable.get("name", ""))
    return tuple(made.values()), problems


def read_answers(
    root: Path, files: Sequence[SubmittedFile], assignment: str
) -> tuple[Mapping[str, Answer], tuple[Problem, ...]]:
    """(the answers by their keys, what is wrong with the file). No file: no answers, and no problem here."""
    try:
        document = _document(root, files, ANSWERS)
    except DocumentError as error:
        return {}, error.problems
    if document is None:
        return {}, ()
    problems = list(problems_in(document, schema("answers")))
    value = document.value if isinstance(document.value, Mapping) else {}
    stated = _usable(value.get("assignment"), schema("answers")["properties"]["assignment"])
    if stated and assignment and stated != assignment:
        problems.append(_other_assignment(document, stated, assignment))
    given = value.get("answers")
    # A slip beside the answers, or in one key, costs nobody the other answers.
    answers = given if isinstance(given, Mapping) else {}
    place = Place(ANSWERS)
    made = {key: Answer(without_comments(one), place.child("answers", key)) for key, one in answers.items()}
    return made, tuple(problems)


def without_comments(answer: Json) -> Json:
    """An answer without the keys that begin with _, such as the `_from` of a draft; a value alone stands for itself.

    >>> without_comments({"value": "73.4 %", "_from": "report.md:14"}), without_comments({"value": 3, "unit": "MB"})
    ('73.4 %', {'value': 3, 'unit': 'MB'})
    >>> without_comments({"value": None, "_candidates": []}) is None
    True
    """
    if not isinstance(answer, Mapping) or not any(key.startswith("_") for key in answer):
        return answer
    kept = {key: value for key, value in answer.items() if not key.startswith("_")}
    return kept["value"] if set(kept) == {"value"} else kept


def _document(root: Path, files: Sequence[SubmittedFile], name: str) -> Document | None:
    """The file `name` at the top, parsed; None where there is none. Raises DocumentError."""
    file = next((file for file in files if file.path == name), None)
    if file is None:
        return None
    data = read_again(root, file, MAX_BYTES + 1)
    if data is None:
        raise DocumentError(Problem("file-changed", name, "it changed while it was read", "grade it again"))
    return json_document(decode(data, name=name), name=name)


def _usable(value: Json, rules: Mapping[str, Json]) -> Json:
    return value if value is not None and validator(rules).is_valid(value) else None


def _no_manifest(files: Sequence[SubmittedFile], assignment: str | None) -> Problem:
    """That it is missing, and where it may be instead."""
    name = f"grader init {assignment or 'ASSIGNMENT'} FOLDER"
    fix = f"start from the template, which has one: {name}"
    said = "this file is missing: it says whose hand-in this is"
    alike = [f.path for f in files if f.path.rsplit("/", 1)[-1].casefold() in (MANIFEST, f"{MANIFEST}.txt")]
    if alike:
        said += f"; there is {shown(alike[0], 100)}"
        folder, _, name = alike[0].rpartition("/")
        fix = f"hand in what is in the folder {shown(folder, 100)}" if folder else f"rename it to {MANIFEST}"
    return Problem("no-manifest", MANIFEST, said, fix)


def _other_assignment(document: Document, stated: str, assignment: str) -> Problem:
    said = f"it says {shown(stated)}, and is graded as {shown(assignment)}"
    fix = f"write {shown(assignment)} there, or grade it with --assignment {stated}"
    return Problem("other-assignment", str(document.place(["assignment"])), said, fix)
