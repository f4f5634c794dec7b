"""`grader export`: the grades back to where the class came from, and the comments with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import console, course_option, find_course, gradebook_option, variant_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grader.course import Course
    from grader.intake.classes import ClassList
    from grader.model import Json
    from grader.reports.export.choosing import Line, Told
    from grader.reports.export.forms import Worksheet

KINDS = ("moodle", "canvas", "gradescope", "classroom", "nbgrader", "csv", "xlsx", "json")
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")
_File = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="Example: grader export digits --to moodle --feedback feedback.zip")
@click.argument("assignment")
@click.option("--to", "kind", type=click.Choice(KINDS), help="The form that the grades go out in.")
@click.option(
    "--out", type=_File, help="The file to write. Default: ASSIGNMENT-moodle.csv, or ASSIGNMENT-grades.csv, here."
)
@click.option("--feedback", type=_File, help="Write the students' comments, too: a zip in the LMS's own names.")
@click.option("--pages", "has_pages", is_flag=True, help="Put each student's report as a page into that zip, too.")
@click.option(
    "--submissions",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the class. Default: submissions/ASSIGNMENT in the course.",
)
@click.option(
    "--worksheet",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The LMS's own file of grades. Default: the one that came with grader import.",
)
@click.option("--column", default="", metavar="NAME", help="The column of the assignment in Canvas's gradebook.")
@click.option("--missing-as-zero", is_flag=True, help="Export 0 for who handed nothing in.")
@click.option("--open-as-is", is_flag=True, help="Export grades while points of them wait for a person.")
@click.option("--autograder", type=_File, help="Write a zip by which Gradescope runs the checks itself.")
@click.option(
    "--card",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A scorecard (check --json), to make Gradescope's results.json of; - is the standard input.",
)
@click.option(
    "--visibility",
    type=click.Choice(VISIBILITIES),
    default="visible",
    show_default=True,
    help="When students see the tests on Gradescope.",
)
@click.option("--staff", "for_staff", is_flag=True, help="On Gradescope: staff findings, in a test hidden to students.")
@click.option("--json", "is_json", is_flag=True, help="Print what was written and what was not as JSON.")
@variant_option
@gradebook_option
@course_option
def export(
    assignment: str,
    kind: str | None,
    out: Path | None,
    feedback: Path | None,
    has_pages: bool,
    submissions: Path | None,
    worksheet: Path | None,
    column: str,
    missing_as_zero: bool,
    open_as_is: bool,
    autograder: Path | None,
    card: Path | None,
    visibility: str,
    for_staff: bool,
    is_json: bool,
    variant: str,
    gradebook: str,
    course_folder: Path | None,
) -> None:
    """Write the grades of ASSIGNMENT as the LMS reads them; nothing else of its file changes.

    Who has no hand-in, and whose points wait for a person, is told and left alone: no 0 goes out unasked. The file is
    written whole or not at all.
    """
    from grader.errors import UsageError

    if card is not None:
        _results(card, kind, out, visibility, for_staff=for_staff)
        return
    course = find_course(course_folder)
    if autograder is not None:
        _autograder(course, assignment, autograder, variant, visibility, for_staff=for_staff)
        if kind is None:
            return
    if kind is None:
        raise UsageError.single(
            "it is not said what the grades are for", where="--to", fix=f"one of: {', '.join(KINDS)}"
        )
    if has_pages and feedback is None:
        raise UsageError.single("pages go into the zip of comments", where="--pages", fix="add --feedback FILE.zip")
    folder = submissions or course.root / "submissions" / assignment
    lines, class_list = _lines(
        course, gradebook, assignment, folder, missing_as_zero=missing_as_zero, open_as_is=open_as_is
    )
    file = _worksheet(worksheet, class_list, folder, kind)
    pages = _pages(course, gradebook, lines) if has_pages else {}
    _export(assignment, kind, lines, class_list, file, column, out, feedback, pages, is_json=is_json)


def _lines(
    course: Course, said: str, assignment: str, folder: Path, *, missing_as_zero: bool, open_as_is: bool
) -> tuple[list[Line], ClassList | None]:
    """What goes out for each student, and the class as it is now; UsageError where nothing was ever recorded."""
    from grader.documents import did_you_mean, shown
    from grader.errors import UsageError
    from grader.gradebook.book import Gradebook
    from grader.gradebook.place import gradebook_url
    from grader.intake.classes import read_class
    from grader.reports.export.choosing import Wishes, chosen

    with Gradebook.open(gradebook_url(course, said), is_new_allowed=False) as book:
        known = book.assignments()
        if assignment not in known:
            what = f"the gradebook has no grades of {shown(assignment)}"
            fix = f"{did_you_mean(assignment, known)}; or grade it first: grader run-all FOLDER"
            raise UsageError.single(what, where="gradebook", fix=fix)
        graded_by = book.class_list(assignment)
        grades = book.grades(assignment)
    class_list = read_class(folder) or graded_by
    return chosen(grades, class_list, Wishes(missing_as_zero, open_as_is), graded_by), class_list


def _pages(course: Course, said: str, lines: Sequence[Line]) -> dict[str, str]:
    """The page of every student whose grade goes out, as the student may see it, by their ids."""
    from grader.gradebook.book import Gradebook
    from grader.gradebook.place import gradebook_url
    from grader.reports.html.folder import hand_in_page
    from grader.reports.known import Shelf

    shelf = Shelf(course)
    made: dict[int, str] = {}
    of_student = {line.grade.id: line.grade.entry for line in lines if line.points is not None}
    with Gradebook.open(gradebook_url(course, said), is_new_allowed=False) as book:
        for number in dict.fromkeys(of_student.values()):
            if number is not None:
                entry = book.entry(number)
                known = shelf.known(entry.card, entry.source, entry.digest)
                made[number] = hand_in_page(entry, known, title=shelf.title(entry.settled), for_staff=False)
    return {student: made[number] for student, number in of_student.items() if number is not None}


def _worksheet(named: Path | None, class_list: ClassList | None, folder: Path, kind: str) -> Worksheet | None:
    """The LMS's own file: the one that is named, or the one of the import where that was of this kind."""
    from grader.reports.export.forms import Worksheet

    if named is not None:
        return Worksheet(named.name, named.read_bytes(), named)
    if class_list is None or not class_list.worksheet or class_list.source != kind:
        return None
    path = folder / class_list.worksheet
    return Worksheet(path.name, path.read_bytes(), path, is_named=False) if path.is_file() else None


def _export(
    assignment: str,
    kind: str,
    lines: Sequence[Line],
    class_list: ClassList | None,
    file: Worksheet | None,
    column: str,
    out: Path | None,
    feedback: Path | None,
    pages: Mapping[str, str],
    *,
    is_json: bool,
) -> None:
    from grader.reports.export.choosing import told_of
    from grader.reports.export.feedback import feedback_zip
    from grader.reports.export.forms import FORMS, Asked, exported
    from grader.reports.export.writing import write_export

    word = kind if FORMS[kind].fill else "grades"
    target = out or Path(f"{assignment}-{word}.{FORMS[kind].ending}")
    _are_apart({"--worksheet": file.path if file else None, "--out": target, "--feedback": feedback})
    filled = exported(kind, Asked(assignment, lines, file, column))
    told = [*told_of(lines, class_list), *filled.told]
    files = [(target, filled.data)]
    if feedback is not None:
        source = kind if kind in ("moodle", "canvas", "nbgrader") else class_list.source if class_list else ""
        zipped = feedback_zip(lines, class_list, source, assignment, pages)
        told += zipped.told
        files.insert(0, (feedback, zipped.data))
    for path, data in files:
        write_export(path, data)
    summary = {
        "form": "grader-export/1",
        "assignment": assignment,
        "to": kind,
        "file": str(target),
        "feedback": None if feedback is None else str(feedback),
        "students": len(lines),
        "written": filled.written,
        "told": [{"code": one.code, "who": one.who, "what": one.what} for one in told],
    }
    if is_json:
        click.echo(json.dumps(summary, indent=2, ensure_ascii=True))
    else:
        _show(summary, told, {line.grade.id: line.grade.name for line in lines})


def _are_apart(places: Mapping[str, Path | None]) -> None:
    """UsageError where one file is named twice: the LMS's own must stay, and no export hide another."""
    from grader.errors import UsageError

    seen: dict[Path, str] = {}
    for option, path in places.items():
        if path is None:
            continue
        other = seen.setdefault(path.resolve(), option)
        if other != option:
            raise UsageError.single(f"{path} is the file of {other}, too", where=option, fix="name another file")


def _show(summary: Json, told: Sequence[Told], names: Mapping[str, str]) -> None:
    """How many grades there are now, then who has none and what else is to be known."""
    from grader.reports.export.telling import telling

    click.echo(f"{summary['file']}: {len(summary['written']):,} of {summary['students']:,} students have a grade")
    if summary["feedback"]:
        click.echo(f"{summary['feedback']}: their comments")
    screen = console()
    for text in telling(told, names):
        screen.print(text)


def _autograder(course: Course, assignment: str, path: Path, variant: str, visibility: str, *, for_staff: bool) -> None:
    """The zip for Gradescope. The rubric is loaded first: a broken one is told here, and not on Gradescope."""
    from grader.cli.common import load_rubric
    from grader.reports.export.autograder import autograder_zip
    from grader.reports.export.writing import write_export

    load_rubric(course, assignment, variant=variant)
    data = autograder_zip(course, assignment, variant=variant, visibility=visibility, for_staff=for_staff)
    write_export(path, data)
    click.echo(
        f"{path}: {len(data) / 2**20:.1f} MiB, to upload as the autograder of a programming assignment", err=True
    )


def _results(card: Path, kind: str | None, out: Path | None, visibility: str, *, for_staff: bool) -> None:
    """results.json of one scorecard."""
    from grader.documents import DocumentError, json_document, problems_in, schema
    from grader.errors import UsageError
    from grader.reports.export.gradescope import results
    from grader.reports.export.writing import write_export

    if kind != "gradescope":
        raise UsageError.single("a single scorecard goes to Gradescope only", where="--card", fix="add --to gradescope")
    text = sys.stdin.read() if str(card) == "-" else card.read_text(encoding="utf-8")
    try:
        document = json_document(text, name=str(card))
    except DocumentError as error:
        raise UsageError(error.problems) from error
    problems = list(problems_in(document, schema("scorecard")))
    if problems:
        raise UsageError(problems)
    made = results(document.value, visibility=visibility, for_staff=for_staff)
    data = json.dumps(made, indent=2, ensure_ascii=True) + "\n"
    if out is None:
        click.echo(data, nl=False)
    else:
        write_export(out, data.encode())
