"""What several commands share: finding the course, the console, and the evidence's workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from grader.course import Course
    from grader.model import Rubric

F = TypeVar("F", bound=Callable[..., Any])


def course_option(function: F) -> F:
    """`--course DIR`."""
    return click.option(
        "--course",
        "course_folder",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="GRADER_COURSE",
        help="The course's folder (with grader.toml). Default: found upwards from here.",
    )(function)


def variant_option(function: F) -> F:
    """`--variant NAME`."""
    return click.option(
        "--variant",
        default="",
        metavar="NAME",
        help="The rubric's variant. Default: that of grader.toml, or its first.",
    )(function)


def gradebook_option(function: F) -> F:
    """`--gradebook URL`, as the parameter `gradebook`; `grader.gradebook.place.gradebook_url` says which that is."""
    return click.option(
        "--gradebook",
        default="",
        metavar="URL",
        help="The gradebook: a URL of PostgreSQL, or an SQLite file. Default: as grader.toml says, or in the course.",
    )(function)


def grading_options(function: F) -> F:
    """How jobs are run: workers, sandbox, cache."""
    for option in (
        click.option("--no-cache", is_flag=True, help="Recompute everything, keep nothing."),
        click.option(
            "--sandbox",
            type=click.Choice(["auto", "none"]),
            default="auto",
            show_default=True,
            help="'none' runs model code with limits only: for your own code.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            default=None,
            help="Recomputations at once. Default: one per CPU core, at most 8.",
        ),
    ):
        function = option(function)
    return function


def find_course(folder: Path | None, handed_in: Path | None = None) -> Course:
    """The course at `folder`, or the first one found upwards from what was handed in, then from here.

    A grader.toml within the hand-in is passed over: its author must not choose the rubric.
    """
    from grader.course import find_course as find
    from grader.errors import CourseError

    if folder is not None:
        return find(folder, upwards=False)
    try:
        return find(handed_in or Path.cwd(), outside=handed_in)
    except CourseError as error:
        if handed_in is None or any(problem.code != "no-course" for problem in error.problems):
            raise
    return find(Path.cwd(), outside=handed_in)


def load_rubric(course: Course, assignment: str, *, variant: str = "") -> Rubric:
    """The rubric of an assignment; an unknown one, or variant of it, is a CourseError that lists those there are."""
    from grader.architecture import layer_schema
    from grader.checks import all_checks
    from grader.course import load_assignment

    return load_assignment(course, assignment, all_checks(), layer_schema=layer_schema(), variant=variant)


def console(*, is_json: bool = False) -> Console:
    """Where reports go. Width is the terminal's, 100 where there is none; JSON leaves stdout alone."""
    from rich.console import Console

    width = None if os.isatty(1) or "COLUMNS" in os.environ else 100
    return Console(stderr=is_json, width=width, highlight=False)
