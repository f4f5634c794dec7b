"""`grader answers draft`: what a report already says, as a draft of answers.json that its author confirms."""

from __future__ import annotations

import json
from pathlib import Path

import click

from grader.cli.common import course_option, find_course, load_rubric


@click.group(epilog="Example: grader answers draft report.md > answers.json")
def answers() -> None:
    """Draft answers.json from a report."""


@answers.command(epilog="Example: grader answers draft report.md --assignment digits > answers.json")
@click.argument("report", type=click.Path(path_type=Path))
@click.option("--assignment", help="Fill the answers that this assignment asks for, under its keys.")
@course_option
def draft(report: Path, assignment: str | None, course_folder: Path | None) -> int:
    """Print a draft of answers.json with the claims of REPORT, each with the line that it came from.

    Nothing is decided: where several claims fit one answer, all of them are listed and the answer stays open. Read
    every line, correct it, then hand it in. Keys that begin with _ are comments and are never graded.
    """
    from grader.cli.read import text_of
    from grader.documents import DocumentError
    from grader.errors import UsageError
    from grader.reading import claims_of, draft_for
    from grader.reports.plain import plain

    try:
        text, _ = text_of(report)
    except DocumentError as error:
        raise UsageError.single(error.problem.what, where=error.problem.where, fix=error.problem.fix) from error
    claims = claims_of(text, file=str(report))
    if assignment is None:
        from grader.answers.claims.draft import draft_answers

        made = draft_answers(claims, file=report.name)
        click.echo(_printable(json.dumps(made, indent=2, ensure_ascii=False)))
        left = 0
    else:
        rubric = load_rubric(find_course(course_folder), assignment)
        made, left = draft_for(rubric, claims, file=report.name)
        click.echo(_printable(json.dumps(made, indent=2, ensure_ascii=False)))
    name = plain(str(report))
    said = f"{sum(bool(one) and _is_filled(one) for one in made['answers'].values())} answers drafted from {name}"
    if left:
        said += f"; {left} claims fit no answer of {assignment} (see `grader read {name}`)"
    click.echo(f"note: {said}\n  next: check each against its line", err=True)
    return 0


def _printable(document: str) -> str:
    """The same JSON with what does not show written as escapes: it goes to a terminal as often as to a file."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in document)


def _is_filled(answer: object) -> bool:
    return isinstance(answer, dict) and answer.get("value") is not None
