"""What does a perfect student hand in? The reference hand-in of an assignment, put together in a folder.

    reference_solutions/ASSIGNMENT/hand_in/           the files as they are handed in
    reference_solutions/ASSIGNMENT/hand_in.VARIANT/   those that are others in a variant that is not the default
    reference_solutions/ASSIGNMENT/hand_in.toml       those that are kept elsewhere, or packed:

        [weights."mnist.pth"]
        from = "weights/mnist.packed.safetensors"
        [files."model.py"]
        from = "model.py"
        [absent]
        "4a" = "why the reference has nothing to show for this task"

A file of a variant's folder goes before one of hand_in.toml, and that before one of hand_in/.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from grader.course import Course
from grader.course.toml_text import parse_toml
from grader.documents import Document, DocumentError, did_you_mean, problems_in, read_text, schema, shown
from grader.errors import CourseError
from grader.model import Rubric
from grader.mutants.packed import unpacked_file

FOLDER, FILE = "hand_in", "hand_in.toml"
PACKED = ".packed.safetensors"


def has_reference_hand_in(course: Course, assignment: str) -> bool:
    """Whether the assignment has a reference hand-in at all."""
    return (course.reference_solutions / assignment / FOLDER).is_dir()


def reference_hand_in(course: Course, assignment: str, folder: Path, *, variant: str | None = None) -> Path:
    """Write the reference hand-in of an assignment into `folder`, which is made where there is none; return it.

    A variant without a folder of its own is handed in like the default one.

    Raises:  CourseError where there is no reference hand-in, hand_in.toml is broken, or a file in it is missing
    """
    home = course.reference_solutions / assignment
    if not (home / FOLDER).is_dir():
        known = [path.parent.name for path in sorted(course.reference_solutions.glob(f"*/{FOLDER}"))]
        fix = f"write one there: what a perfect student hands in, as in {known[0]}/{FOLDER}" if known else "write one"
        raise CourseError.single(
            f"{shown(assignment)} has no reference hand-in", where=str(home / FOLDER), fix=fix, code="no-hand-in"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _copied(home / FOLDER, folder)
    for path, source in _listed(home):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.name.endswith(PACKED):
            target.write_bytes(unpacked_file(source))
        else:
            shutil.copyfile(source, target)
    if variant is not None:
        _copied(home / f"{FOLDER}.{variant}", folder)
    return folder


def _copied(source: Path, target: Path) -> None:
    """Contents only: neither a mode nor a time of the repository is part of a hand-in."""
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.is_file() and "__pycache__" not in path.parts:
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)


def absent_tasks(course: Course, rubric: Rubric) -> Mapping[str, str]:
    """The tasks that the reference hand-in leaves out, each with the reason; of a variant those that it has.

    Raises:  CourseError where hand_in.toml is broken, or names a task that a rubric without variants does not have
    """
    document = _document(course.reference_solutions / rubric.assignment)
    if document is None:
        return {}
    found: Mapping[str, str] = document.value.get("absent", {})
    known = [task.id for task in rubric.tasks]
    for task in found:
        if task not in known and not rubric.variants:
            what = f"there is no task {shown(task)}"
            raise _refused(document, ("absent", task), what, did_you_mean(task, known), "unknown-task")
    return {task: why for task, why in found.items() if task in known}


def _document(home: Path) -> Document | None:
    """hand_in.toml, or None where there is none."""
    file = home / FILE
    if not file.is_file():
        return None
    name = f"{home.name}/{FILE}"
    try:
        document = parse_toml(read_text(file, name=name), name=name)
    except DocumentError as error:
        raise CourseError(error.problems) from error
    problems = list(problems_in(document, schema("hand-in"), code="hand-in"))
    if problems:
        raise CourseError(problems)
    return document


def _listed(home: Path) -> Iterator[tuple[str, Path]]:
    """The paths in the hand-in that hand_in.toml names, each with the file that it comes from."""
    document = _document(home)
    if document is None:
        return
    for table in ("weights", "files"):
        for path, entry in document.value.get(table, {}).items():
            if ".." in PurePosixPath(path).parts:
                what, fix = f"{shown(path)} leaves the hand-in", "name a path within it"
                raise _refused(document, (table, path), what, fix, "bad-path")
            yield path, _source(home, document, (table, path, "from"), entry["from"])


def _source(home: Path, document: Document, at: tuple[str, ...], written: str) -> Path:
    root = home.resolve()
    found = (root / written).resolve()
    if not found.is_relative_to(root):
        what, fix = f"{shown(written)} is outside of {home.name}/", "keep the file in the folder of the assignment"
        raise _refused(document, at, what, fix, "bad-path")
    if not found.is_file():
        known = [path.relative_to(root).as_posix() for path in found.parent.glob("*") if path.is_file()]
        fix = did_you_mean(written, sorted(known)) if known else "put it there"
        raise _refused(document, at, f"there is no file {shown(written)} in {home.name}/", fix, "no-file")
    return found


def _refused(document: Document, at: tuple[str, ...], what: str, fix: str, code: str) -> CourseError:
    return CourseError.single(what, where=str(document.place(at)), fix=fix, code=code)
