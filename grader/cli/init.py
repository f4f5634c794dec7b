"""`grader init`: a student's start. Copies the template; never overwrites."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from grader.cli.common import course_option, find_course, load_rubric


@click.command(epilog="Example: grader init digits my-digits")
@click.argument("assignment")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--notebook", "is_notebook", is_flag=True, help="Add a notebook that writes the programs and runs them.")
@course_option
def init(assignment: str, folder: Path, course_folder: Path | None, *, is_notebook: bool) -> None:
    """Copy the template of ASSIGNMENT into FOLDER, with the JSON Schema that lets an editor complete answers.json."""
    from grader.checks import all_checks
    from grader.course import answers_schema
    from grader.course.notebooks import as_notebook
    from grader.errors import CourseError, MachineError, UsageError

    course = find_course(course_folder)
    rubric = load_rubric(course, assignment)
    template = course.submissions_template / assignment
    if not template.is_dir():
        raise CourseError.single("there is no template", where=str(template), fix="ask the course staff for one")
    added = {"answers.schema.json": json.dumps(answers_schema(rubric, all_checks()), indent=2) + "\n"}
    if is_notebook:
        added[f"{assignment}.ipynb"] = as_notebook(template, rubric.title)
    try:
        is_new = not folder.exists()
        if not is_new and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError.single("exists already and is not empty", where=str(folder), fix="name a new folder")
        _fill(folder, template, added, is_new=is_new)
    except OSError as error:
        what = f"the template cannot be copied there ({error.strerror})"
        raise MachineError.single(what, where=str(folder), fix="name a folder that you may write to") from error
    click.echo(f"{folder} holds the template of {assignment}. Next:")
    click.echo(f"  1. write your id into {folder / 'submission.json'}")
    work = folder / (f"{assignment}.ipynb" if is_notebook else "model.py")
    click.echo(f"  2. answer in {folder / 'answers.json'}, build your model in {work}")
    click.echo(f"  3. grader check {shlex.quote(f'./{folder}' if str(folder).startswith('-') else str(folder))}")


def _fill(folder: Path, template: Path, added: Mapping[str, str], *, is_new: bool) -> None:
    """Copy the files, not their modes: a course may be read-only. All of them or none."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(template.rglob("*")):
            target = folder / path.relative_to(template)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, target)
        for name, text in added.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError:
        if folder.is_dir():  # half a template would stand in the way of the next try
            shutil.rmtree(folder, ignore_errors=True)
            if not is_new:
                folder.mkdir(exist_ok=True)
        raise
