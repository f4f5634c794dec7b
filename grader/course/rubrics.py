"""How does a rubric file become a Rubric? Read, checked against everything at once, resolved; or refused with reasons.

    rubrics/ASSIGNMENT.yaml -> Document -> Reading (schema, names, settings, points, order) -> Rubric

The checks stand above this package, so the loader is handed them: see `CheckSpec`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from grader.course.bands import Bands
from grader.course.folder import COURSE_FILE, Course
from grader.course.points import points_text, points_words
from grader.course.terms import merged, missing_problems, with_template
from grader.course.variants import variant_names
from grader.documents import Document, DocumentError, decode, did_you_mean, parse_yaml
from grader.documents.wording import clean
from grader.errors import CourseError
from grader.model import Json, Problem, Rubric, Rule, Terms

MAX_RUBRIC_BYTES = 2**20  # the largest rubric of a course is under 20 kB


class CheckSpec(Protocol):
    """What the loader has to know of a check."""

    @property
    def name(self) -> str: ...
    @property
    def settings_schema(self) -> Mapping[str, Json]:
        """JSON Schema of an object: the rule's settings, with `network`, `model` and `reference` resolved."""

    @property
    def uses_model(self) -> bool: ...
    @property
    def uses_network(self) -> bool: ...
    @property
    def uses_reference(self) -> bool: ...
    @property
    def reads_answer(self) -> bool: ...
    def answer_schema(self, rule: Rule) -> Mapping[str, Json] | None:
        """JSON Schema of the answer that the rule reads, self-contained (no $ref); None where any shape will do."""

    def other_answers(self, rule: Rule) -> Mapping[str, Mapping[str, Json]]:
        """JSON Schemas of the answers that the rule's settings name, by their keys."""

    def lint(self, rule: Rule) -> Iterable[Problem]:
        """What is wrong with sound settings beyond their schema. A code that starts with "warning-" stops nothing."""


Checks = Mapping[str, CheckSpec]


def load_rubric(
    path: Path,
    checks: Checks,
    *,
    layer_schema: Mapping[str, Json] | None = None,
    name: str | None = None,
    reference_solutions: Path | None = None,
    variant: str = "",
    asked_by: str = "--variant",
) -> Rubric:
    """The rubric in the file `path`, or CourseError with every problem of it.

    `layer_schema` is the JSON Schema of one layer of the rubric's networks. `name` is what messages and
    findings call the file: by default its folder and name, the same on every machine. `reference_solutions` is
    the course's folder of that name, where the bands lie that `reference: NAME` of a rule stands for. `variant` is
    one of the rubric's, by default its first; `asked_by` is who wants it, for the message where there is none such.
    """
    from grader.course.reading import Reading

    document, digest = _document(path, name)
    bands = Bands(reference_solutions, path.stem)
    _known_variant(document, variant, asked_by)
    reading = Reading(document, checks, stem=path.stem, layer_schema=layer_schema, bands=bands, variant=variant)
    rubric = reading.rubric(digest)
    if rubric is None:
        raise CourseError(_of_variant(problem, reading.chosen.name) for problem in reading.errors())
    return rubric


def rubric_problems(
    path: Path,
    checks: Checks,
    *,
    layer_schema: Mapping[str, Json] | None = None,
    name: str | None = None,
    reference_solutions: Path | None = None,
    variant: str = "",
) -> tuple[Problem, ...]:
    """Every error of the rubric in the file `path`, and what is worth a second look (codes "warning-...").

    In the order of the lines. Empty means that it loads and that nothing looks odd. All variants are looked at, or
    the one that is named. The rest is as in `load_rubric`.
    """
    from grader.course.advice import warnings
    from grader.course.reading import Reading

    try:
        document, digest = _document(path, name)
    except CourseError as error:
        return error.problems
    if variant:
        _known_variant(document, variant, "--variant")
    variants = (variant,) if variant else variant_names(document) or ("",)
    found: dict[Problem, list[str]] = {}
    lines: dict[Problem, int] = {}
    for one in variants:
        bands = Bands(reference_solutions, path.stem)
        reading = Reading(document, checks, stem=path.stem, layer_schema=layer_schema, bands=bands, variant=one)
        rubric = reading.rubric(digest)
        if rubric is not None:
            for place, problem in warnings(rubric, reading.chosen, bands):
                reading.add(place, problem)
        for problem, line in reading.problems_with_lines():
            found.setdefault(problem, []).append(one)
            lines.setdefault(problem, line)
    # What all variants have in common is said once, and without their names.
    return tuple(
        problem if len(found[problem]) == len(variants) else _of_variant(problem, ", ".join(found[problem]))
        for problem in sorted(found, key=lambda problem: lines[problem])
    )


def is_warning(problem: Problem) -> bool:
    """Whether the problem stops nothing."""
    return problem.code.startswith("warning-")


def assignments(course: Course) -> tuple[str, ...]:
    """The assignments of the course: the names of its rubric files, sorted."""
    return tuple(sorted(file.stem for file in course.rubrics.glob("*.yaml") if file.is_file()))


def unread_files(course: Course) -> tuple[Problem, ...]:
    """What in the folder of the rubrics looks like a rubric and is none by its name; or that there is no rubric."""
    strays = sorted(file for file in course.rubrics.glob("*.y*ml") if file.suffix != ".yaml" and file.is_file())
    problems = [
        Problem(
            "unread-rubric",
            f"{course.rubrics.name}/{clean(file.name)}",
            "is not read: the name of a rubric ends in .yaml",
            f"rename it to {clean(file.stem)}.yaml",
        )
        for file in strays
    ]
    if not problems and not assignments(course):
        problems.append(Problem("no-rubric", str(course.rubrics), "there is no rubric", "write one: ASSIGNMENT.yaml"))
    return tuple(problems)


def load_assignment(
    course: Course,
    assignment: str,
    checks: Checks,
    *,
    layer_schema: Mapping[str, Json] | None = None,
    variant: str = "",
) -> Rubric:
    """The rubric of an assignment of the course, or CourseError. `assignment` may come from a stranger.

    The variant is the one that is named, else that of grader.toml, else the rubric's first.
    """
    file = _rubric_file(course, assignment)
    terms = course.terms.get(assignment, Terms())
    rubric = load_rubric(
        file,
        checks,
        layer_schema=layer_schema,
        reference_solutions=course.reference_solutions,
        variant=variant or terms.variant,
        asked_by="--variant" if variant else "grader.toml",
    )
    terms = merged(replace(rubric.terms, pass_points=rubric.pass_points), terms)
    if terms.pass_points is not None and terms.pass_points > rubric.points:
        what = f"to pass takes {points_words(terms.pass_points)}, all tasks together have {points_text(rubric.points)}"
        where = f"{COURSE_FILE} /assignments/{assignment}/pass_points"
        raise CourseError.single(
            what, where=where, fix=f"write {points_text(rubric.points)} or less", code="pass-points"
        )
    if any(task.is_optional for task in rubric.tasks):
        terms = with_template(terms, course.submissions_template / assignment)
    return replace(rubric, terms=terms, pass_points=terms.pass_points)


def lint_assignment(
    course: Course,
    assignment: str,
    checks: Checks,
    *,
    layer_schema: Mapping[str, Json] | None = None,
    variant: str = "",
) -> tuple[Problem, ...]:
    """The errors and warnings of an assignment's rubric; CourseError where there is no such assignment or variant."""
    file = _rubric_file(course, assignment)
    problems = rubric_problems(
        file, checks, layer_schema=layer_schema, reference_solutions=course.reference_solutions, variant=variant
    )
    terms = course.terms.get(assignment, Terms())
    problems = (*problems, *missing_problems(terms, assignment))
    try:
        _known_variant(_document(file, None)[0], terms.variant, "grader.toml")
    except CourseError as error:
        return (*problems, *(one for one in error.problems if one not in problems))
    return problems


def _rubric_file(course: Course, assignment: str) -> Path:
    known = assignments(course)
    if assignment not in known:  # also what keeps a name such as ../../x inside the folder
        raise CourseError.single(
            f"there is no assignment {clean(repr(assignment), 80)}",
            where=str(course.rubrics),
            fix=did_you_mean(assignment, known),
            code="no-assignment",
        )
    return course.rubrics / f"{assignment}.yaml"


def _known_variant(document: Document, variant: str, asked_by: str) -> None:
    known = variant_names(document)
    if variant and variant not in known:
        what = f"there is no variant {clean(repr(variant), 80)}, which {asked_by} asks for"
        fix = did_you_mean(variant, known) if known else "ask for none: this rubric has no variants"
        where = clean(str(document.place(["variants"])))
        raise CourseError.single(what, where=where, fix=fix, code="unknown-variant")


def _of_variant(problem: Problem, variant: str) -> Problem:
    return replace(problem, what=f"{problem.what} (variant {variant})") if variant else problem


def _document(path: Path, name: str | None) -> tuple[Document, str]:
    """The parsed file and the digest of its bytes."""
    data, shown_name = _bytes(path, name)
    try:
        document = parse_yaml(decode(data, name=shown_name, max_bytes=MAX_RUBRIC_BYTES), name=shown_name)
    except DocumentError as error:
        raise CourseError(error.problems) from error
    return document, hashlib.sha256(data).hexdigest()


def _bytes(path: Path, name: str | None) -> tuple[bytes, str]:
    shown_name = name or f"{path.absolute().parent.name}/{path.name}"
    try:
        with path.open("rb") as file:
            return file.read(MAX_RUBRIC_BYTES + 1), shown_name
    except OSError as error:
        raise CourseError.single(
            f"cannot be read ({error.strerror})", where=str(path), fix="check the name and the folder", code="no-rubric"
        ) from error
