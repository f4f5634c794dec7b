"""Which course is this, and where are its parts? A folder with grader.toml, found upwards, never guessed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import tzinfo
from pathlib import Path

from grader.course.defaults import with_defaults
from grader.course.serving import Serving, serving_of
from grader.course.terms import plain_times, terms_of, zone_of
from grader.course.toml_text import parse_toml
from grader.documents import DocumentError, problems_in, read_text, schema
from grader.errors import CourseError
from grader.frozen import dataclass
from grader.limits import Limits
from grader.model import Terms

COURSE_FILE = "grader.toml"
DATA_VARIABLE = "GRADER_DATA"


@dataclass(frozen=True, slots=True)
class Course:
    """A course: where its parts are, all as absolute paths, the limits of its sandbox, the terms of its assignments."""

    root: Path
    name: str
    rubrics: Path
    reference_solutions: Path
    submissions_template: Path
    data_root: Path
    limits: Limits
    contact: str = ""
    gradebook: str = ""  # its URL, or the path of an SQLite file from the course's folder
    terms: Mapping[str, Terms] = field(default_factory=dict, compare=False)  # by assignment; those that set some
    serving: Serving = field(default_factory=Serving, compare=False)
    zone: tzinfo | None = field(default=None, compare=False)  # by whose clock local times are


def find_course(
    start: Path,
    *,
    upwards: bool = True,
    outside: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Course:
    """The course at `start` or, with `upwards`, in the nearest folder above it; else CourseError.

    No course stands in for one that is not found. A grader.toml in or below `outside` is passed over:
    name the submission there, for its author must not choose the rubric. GRADER_DATA in `environment`
    wins over the file's data root. The error's code is "no-course" where no grader.toml was found at all.
    """
    first = Path(os.path.abspath(start))  # noqa: PTH100  not resolved: `..` means what the user sees, links kept
    untrusted = outside.resolve() if outside is not None else None
    for folder in (first, *first.parents) if upwards else (first,):
        file = folder / COURSE_FILE
        if file.is_file() and not (untrusted and folder.resolve().is_relative_to(untrusted)):
            return _course(folder, file, environment)
    above = " or in a folder above it" if upwards else ""
    raise CourseError.single(
        f"there is no {COURSE_FILE} here{above}",
        where=str(start),
        fix="name the course's folder with --course DIR, or run the command inside the course",
        code="no-course",
    )


def load_course(root: Path) -> Course:
    """The course in the folder `root`, or CourseError with every problem of its grader.toml."""
    return find_course(root, upwards=False)


def _course(root: Path, file: Path, environment: Mapping[str, str]) -> Course:
    rules = schema("course")
    try:
        document = parse_toml(read_text(file), name=str(file))
    except DocumentError as error:
        raise CourseError(error.problems) from error
    document = replace(document, value=plain_times(document.value))
    problems = list(problems_in(document, rules, code="course"))
    if problems:
        raise CourseError(problems)
    value = with_defaults(document.value, rules)
    rubrics = _folder(root, value["rubrics"])
    if not rubrics.is_dir():
        raise CourseError.single(
            f"the folder of the rubrics, {rubrics}, is not there",
            where=str(document.place(["rubrics"])),
            fix='create it, or name another: rubrics = "FOLDER"',
            code="no-rubrics",
        )
    terms, problems = terms_of(document, root, rubrics)
    if problems:
        raise CourseError(problems)
    shared_data = environment.get(DATA_VARIABLE)
    return Course(
        root=root,
        name=value["name"],
        rubrics=rubrics,
        reference_solutions=_folder(root, value["reference_solutions"]),
        submissions_template=_folder(root, value["submissions_template"]),
        data_root=Path(os.path.abspath(shared_data)) if shared_data else _folder(root, value["data"]["root"]),  # noqa: PTH100
        limits=Limits(**value["sandbox"]),
        contact=value["report"]["contact"],
        gradebook=value["gradebook"]["url"],
        terms=terms,
        serving=serving_of(document.value),
        zone=zone_of(document.value),
    )


def _folder(base: Path, written: str) -> Path:
    return Path(os.path.normpath(base / os.path.expanduser(written)))  # noqa: PTH111  leaves an unknown ~name as it is
