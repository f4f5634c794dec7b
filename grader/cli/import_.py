"""`grader import`: a download of the LMS in, a class to grade out."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.common import console, course_option, find_course, load_rubric

_KINDS = ["moodle", "canvas", "gradescope", "classroom", "nbgrader", "folder"]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import", epilog="Example: grader import Downloads/DL-digits-17.zip --roster Grades-DL-digits-17.csv")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--assignment", metavar="NAME", help="What it is a hand-in of. Default: the course's only assignment.")
@click.option("--from", "kind", type=click.Choice(_KINDS), help="What made the download. Default: told by its names.")
@click.option(
    "--roster",
    type=_FILE,
    metavar="FILE",
    help="Who is in the class: the LMS's grade file, or any CSV with ids.",
)
@click.option(
    "--worksheet", type=_FILE, metavar="FILE", help="The LMS's own grade file, into which grades are exported later."
)
@click.option(
    "--keep",
    type=click.Choice(["latest", "first"]),
    help="Which of several attempts counts. Default: as in the import before; the latest in a first one.",
)
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    help="The class's folder. Default: submissions/NAME in the course's folder.",
)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what would come of it; write nothing.")
@click.option("--json", "is_json", is_flag=True, help="Print what came of it as JSON.")
@course_option
def import_(
    source: Path,
    assignment: str | None,
    kind: str | None,
    roster: Path | None,
    worksheet: Path | None,
    keep: str | None,
    target: Path | None,
    is_dry_run: bool,
    is_json: bool,
    course_folder: Path | None,
) -> None:
    """Import SOURCE, a zip or a folder as an LMS gives it out, into the course's submissions.

    Everybody of the roster stands in the class list once, with a hand-in or a reason. A file that could be two people's
    is put aside, never guessed. The same import again changes nothing; a newer download adds and replaces.
    """
    from grader.cli.grade import output
    from grader.course import assignments
    from grader.course.attempts import files_asked_for
    from grader.intake.lms.importing import Asked, assignment_of, import_download
    from grader.reports.imported import imported_json, show_imported

    course = find_course(course_folder)
    name = assignment_of(assignments(course), target, assignment)
    asked = Asked(
        source=source,
        assignment=name,
        target=(target or course.root / "submissions" / name).absolute(),
        kind=kind,
        roster=roster,
        worksheet=worksheet,
        keep=keep,
        template=course.submissions_template / name,
        files=files_asked_for(load_rubric(course, name)),
        zone=course.zone,
        is_dry_run=is_dry_run,
    )
    imported = import_download(asked)
    if is_json:
        output(imported_json(imported, is_dry_run=is_dry_run))
    else:
        show_imported(console(), imported, is_dry_run=is_dry_run)
