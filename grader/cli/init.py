"""`grader init`: a student's start. Copies the template; never overwrites."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from grader.cli.common import course_option, find_course, load_rubric


@click.command(epilog="Example: grader init digits my-digits")
@click.argument("assignment")
@click.argument("folder", type=click.Path(path_type=Path))
@course_option
def init(assignment: str, folder: Path, course_folder: Path | None) -> None:
    """Copy the template of ASSIGNMENT into FOLDER, with the JSON Schema that lets an editor complete answers.json."""
    from grader.checks import all_checks  # noqa: PLC0415
    from grader.course import answers_schema  # noqa: PLC0415
    from grader.errors import CourseError, UsageError  # noqa: PLC0415

    course = find_course(course_folder)
    rubric = load_rubric(course, assignment)
    template = course.submissions_template / assignment
    if not template.is_dir():
        raise CourseError.single("there is no template", where=str(template), fix="ask the course staff for one")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError.single("exists already and is not empty", where=str(folder), fix="name a new folder")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    schema = answers_schema(rubric, all_checks())
    (folder / "answers.schema.json").write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    click.echo(f"{folder} holds the template of {assignment}. Next:")
    click.echo(f"  1. write your id into {folder / 'submission.json'}")
    click.echo(f"  2. answer in {folder / 'answers.json'}, build your model in {folder / 'model.py'}")
    click.echo(f"  3. grader check {folder}")
