"""`grader rubric`: for the teacher. Lint a rubric, read it, test it, write its answers' schema, look up a check."""

from __future__ import annotations

import json
from pathlib import Path

import click

from grader.cli.common import console, course_option, find_course, load_rubric, variant_option
from grader.cli.rubric_test import test


@click.group(epilog="Example: grader rubric lint digits")
def rubric() -> None:
    """Lint, show, test and describe rubrics."""


rubric.add_command(test)


@rubric.command(epilog="Example: grader rubric lint")
@click.argument("assignments", nargs=-1)
@click.option("--json", "is_json", is_flag=True, help="Print the problems as JSON.")
@click.option("--variant", default="", metavar="NAME", help="Look at this variant only. Default: at all of them.")
@course_option
def lint(assignments: tuple[str, ...], is_json: bool, variant: str, course_folder: Path | None) -> int:
    """Report every problem of the rubrics (default: all of the course), each with file, line and fix."""
    from grader.architecture import layer_schema
    from grader.checks import all_checks
    from grader.course import assignments as known
    from grader.course import is_warning, lint_assignment, unread_files
    from grader.errors import CourseError
    from grader.reports.scorecard import problem_json
    from grader.reports.terminal import show_problems

    course = find_course(course_folder)
    names = assignments or tuple(known(course))
    layers = layer_schema()
    problems = [] if assignments else list(unread_files(course))
    for name in names:
        problems.extend(lint_assignment(course, name, all_checks(), layer_schema=layers, variant=variant))
    errors = [problem for problem in problems if not is_warning(problem)]
    if is_json:
        click.echo(json.dumps([problem_json(problem) for problem in problems], indent=2))
    else:
        show_problems(console(), problems)
        counts = ((len(names), "rubric"), (len(errors), "error"), (len(problems) - len(errors), "warning"))
        rubrics, *found = (f"{count} {word}{'s' * (count != 1)}" for count, word in counts)
        click.echo(f"{rubrics}: {', '.join(found)}")
    return CourseError.exit_code if errors else 0


@rubric.command(epilog="Example: grader rubric show digits")
@click.argument("assignment")
@click.option("--json", "is_json", is_flag=True, help="Print the rubric as JSON.")
@variant_option
@course_option
def show(assignment: str, is_json: bool, variant: str, course_folder: Path | None) -> None:
    """Print the tasks, their points and their checks."""
    from grader.reports.rubric import rubric_json, rubric_table

    loaded = load_rubric(find_course(course_folder), assignment, variant=variant)
    if is_json:
        click.echo(json.dumps(rubric_json(loaded), indent=2))
    else:
        console().print(rubric_table(loaded))


@rubric.command(epilog="Example: grader rubric schema digits > answers.schema.json")
@click.argument("assignment")
@variant_option
@course_option
def schema(assignment: str, variant: str, course_folder: Path | None) -> None:
    """Print the JSON Schema of the assignment's answers.json, for a student's editor."""
    from grader.checks import all_checks
    from grader.course import answers_schema

    loaded = load_rubric(find_course(course_folder), assignment, variant=variant)
    click.echo(json.dumps(answers_schema(loaded, all_checks()), indent=2))


@rubric.command(epilog="Example: grader rubric checks layer-table")
@click.argument("name", required=False)
def checks(name: str | None) -> None:
    """Print what a rubric can check; with NAME, that check's page and its settings."""
    from grader.checks import all_checks
    from grader.documents import did_you_mean
    from grader.reports.checks import checks_table, page, settings_table

    known = all_checks()
    if name is None:
        console().print(checks_table(known))
    elif name in known:
        click.echo(page(known[name]) + "\n")
        console().print(settings_table(known[name]))
    else:
        raise click.BadParameter(f"there is no check named {name!r}: {did_you_mean(name, known)}", param_hint="NAME")
