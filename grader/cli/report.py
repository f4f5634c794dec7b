"""`grader report`: a class or one hand-in as it stands, with what people decided: on the terminal, as HTML, as PDF."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.cli.common import console, course_option, find_course, gradebook_option

if TYPE_CHECKING:
    from grader.course import Course
    from grader.gradebook.book import Gradebook
    from grader.gradebook.nouns import Entry
    from grader.reports.class_report import ClassReport

_ROWS = 200  # of a table: a class of any size is printed without being held in memory


@click.command(epilog="Example: grader report digits --html report/")
@click.argument("what", metavar="ASSIGNMENT|SUBMISSION")
@click.option("--assignment", default="", help="The assignment of SUBMISSION, where several have one of that name.")
@click.option(
    "--html",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write pages into this folder: one for the class, one for each hand-in.",
)
@click.option("--pdf", "is_pdf", is_flag=True, help="Print these pages to PDF, too, by a chromium of this machine.")
@click.option("--staff", "for_staff", is_flag=True, help="Show the findings and reasons meant for staff, too.")
@click.option("--json", "is_json", is_flag=True, help="Print the report as JSON (schema: report).")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="GRADER_STATE",
    help="Where the record of this course's runs is kept. Default: .grader in the course's folder.",
)
@gradebook_option
@course_option
def report(
    what: str,
    assignment: str,
    folder: Path | None,
    is_pdf: bool,
    for_staff: bool,
    is_json: bool,
    state: Path | None,
    gradebook: str,
    course_folder: Path | None,
) -> None:
    """Show the grades of an ASSIGNMENT's class, or the report of one SUBMISSION (its name, or its folder or zip).

    As they stand in the gradebook, with what people decided since `grader run-all`. Nothing is run: drawings are made
    of results that lie in the cache. The page of the class is for staff; those of hand-ins are as their students may
    see them, unless --staff is given.
    """
    from grader.errors import UsageError
    from grader.gradebook.book import Gradebook
    from grader.gradebook.place import gradebook_url
    from grader.reports.meant import meant

    if is_pdf and folder is None:
        raise UsageError.single("--pdf prints the pages of --html", where="--pdf", fix="add --html FOLDER")
    course = find_course(course_folder)
    printed = _printer() if is_pdf else None
    with Gradebook.open(gradebook_url(course, gradebook, state=state), is_new_allowed=False) as book:
        found = meant(book, what, assignment)
        if found.entry is not None:
            _hand_in(course, found.entry, folder, printed, for_staff=for_staff, is_json=is_json)
        else:
            place = state or course.root / ".grader"
            _class(course, book, found.assignment, place, folder, printed, for_staff=for_staff, is_json=is_json)


def _printer() -> Callable[[Path], None]:
    """Prints a page beside itself. Raises MachineError, before anything is written, where no browser is here."""
    from grader.reports.html.paper import chromium, print_to_pdf

    program = chromium()
    return lambda page: print_to_pdf(page, page.with_suffix(".pdf"), program=program)


def _hand_in(
    course: Course,
    entry: Entry,
    folder: Path | None,
    printed: Callable[[Path], None] | None,
    *,
    for_staff: bool,
    is_json: bool,
) -> None:
    from grader.reports.known import Shelf

    shelf = Shelf(course)
    if folder is not None:
        from grader.reports.html.folder import file_name, write_hand_in

        page = folder / f"{file_name(entry.row.submission)}.html"
        write_hand_in(page, entry, shelf, for_staff=for_staff)
        if printed is not None:
            printed(page)
        click.echo(f"written: {page}" + (" and its PDF" if printed else ""), err=True)
    if is_json:
        from grader.cli.grade import output
        from grader.reports.decisions import seen_by
        from grader.reports.exhibits import for_student
        from grader.reports.report_json import hand_in_json

        known = shelf.known(entry.card, entry.source, entry.digest)
        exhibits = list(known.exhibits) if for_staff else for_student(known.exhibits)
        decisions = seen_by(entry.decisions, entry.settled, for_staff=for_staff)
        output(hand_in_json(entry.settled, decisions, exhibits, for_staff=for_staff))
    elif folder is None:
        from grader.reports.decisions import decisions_text, seen_by
        from grader.reports.terminal import show_card

        show_card(console(), entry.settled, for_staff=for_staff)
        told = seen_by(entry.decisions, entry.settled, for_staff=for_staff)
        if told:
            console().print(decisions_text(told, for_staff=for_staff))


def _class(
    course: Course,
    book: Gradebook,
    assignment: str,
    state: Path,
    folder: Path | None,
    printed: Callable[[Path], None] | None,
    *,
    for_staff: bool,
    is_json: bool,
) -> None:
    from grader.reports.class_report import class_report

    found = class_report(book, assignment, state)
    if folder is not None:
        from grader.reports.html.folder import write_class
        from grader.reports.known import Shelf

        with _bar(len(found.rows) + 1) as step:

            def on_page(page: Path) -> None:
                if printed is not None:
                    printed(page)
                step()

            page = write_class(folder, book, found, Shelf(course), for_staff=for_staff, on_page=on_page)
        view = "as staff sees them" if for_staff else "as their students may see them"
        click.echo(f"written: {page}, and in students/ {len(found.rows):,} hand-ins {view}", err=True)
    if is_json:
        from grader.cli.grade import output
        from grader.reports.report_json import class_json

        output(class_json(assignment, found.facts, found.rows, found.missing, found.pairs))
    elif folder is None:
        _print_class(book, found)


@contextmanager
def _bar(length: int) -> Iterator[Callable[[], None]]:
    """A bar on a screen; where nobody watches, nothing."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=length, label="pages", file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _print_class(book: Gradebook, found: ClassReport) -> None:
    from itertools import islice

    from grader.reports.class_report import cards
    from grader.reports.class_terminal import class_extras, missing_table
    from grader.reports.originality import originality_table
    from grader.reports.terminal import class_table

    screen = console()
    left = cards(book, found)
    is_first = True
    while some := list(islice(left, _ROWS)):
        screen.print(class_table(some, has_title=is_first))
        is_first = False
    extras = class_extras([found.facts]) if found.facts is not None else None
    if extras is not None:
        screen.print(extras)
    if found.missing:
        screen.print(missing_table(found.missing))
    if found.originality is not None:
        screen.print()
        screen.print(originality_table(found.originality))
    if found.note:
        click.echo(found.note, err=True)
