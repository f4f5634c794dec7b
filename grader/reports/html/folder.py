"""How do the pages of a class get into a folder? One for the class, one for each hand-in, each written whole.

FOLDER/class.html                 for staff
FOLDER/students/HAND_IN.html      for the student, or for staff where that was asked for
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import MachineError
from grader.reports.class_report import ClassReport, entries
from grader.reports.html.class_page import address, class_page
from grader.reports.html.student import student_page
from grader.reports.known import Known, Shelf

if TYPE_CHECKING:
    from grader.gradebook.book import Gradebook
    from grader.gradebook.nouns import Entry

STUDENTS = "students"
_MOST_NAME = 200  # bytes of a file's name: a system takes 255


def write_class(
    folder: Path,
    book: Gradebook,
    report: ClassReport,
    shelf: Shelf,
    *,
    for_staff: bool = False,
    on_page: Callable[[Path], None] = lambda _page: None,
) -> Path:
    """Write all pages; the class's, which comes last. `on_page` is told of each page once it is written."""
    title = ""
    for entry in entries(book, report):
        page = folder / STUDENTS / f"{file_name(entry.row.submission)}.html"
        title = write_hand_in(page, entry, shelf, for_staff=for_staff) or title
        on_page(page)
    text = class_page(
        report.facts,
        report.rows,
        assignment=report.assignment,
        title=title,
        titles=report.titles,
        missing=report.missing,
        pairs=report.pairs,
        hidden_pairs=report.more_pairs,
        href_of=lambda row: address(STUDENTS, file_name(row.submission)),
        note=report.note,
        occupancy=report.occupancy,
    )
    page = folder / "class.html"
    _write(page, text)
    on_page(page)
    return page


def write_hand_in(page: Path, entry: Entry, shelf: Shelf, *, for_staff: bool = False) -> str:
    """Write the page of one hand-in; the assignment's title, where the rubric is there to say it."""
    title = shelf.title(entry.settled)
    known = shelf.known(entry.card, entry.source, entry.digest)
    contact = shelf.course.contact
    _write(page, hand_in_page(entry, known, title=title, for_staff=for_staff, contact=contact))
    return title


def hand_in_page(entry: Entry, known: Known, *, title: str = "", for_staff: bool = False, contact: str = "") -> str:
    """The page of one hand-in."""
    return student_page(
        entry.settled,
        decisions=entry.decisions,
        exhibits=known.exhibits,
        note=known.note,
        for_staff=for_staff,
        title=title,
        contact=contact,
    )


def file_name(submission: str) -> str:
    """What the page of a hand-in is called: its name, which intake has made safe; one that is too long by its digest.

    >>> file_name("Ada Lovelace_17"), file_name("../x/y"), len(file_name("é" * 300))
    ('Ada Lovelace_17', '..%2Fx%2Fy', 72)
    """
    safe = submission.replace("/", "%2F").replace("\\", "%5C").replace("\0", "%00")
    if safe.strip(".") and len(safe.encode("utf-8", "surrogatepass")) <= _MOST_NAME:
        return safe
    import hashlib

    return f"hand-in-{hashlib.sha256(submission.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _write(page: Path, text: str) -> None:
    from grader.evidence.whole_files import write_whole

    try:
        write_whole(page, text.encode(), point="report")
    except OSError as error:
        raise MachineError.single(
            f"the page cannot be written ({error.strerror})",
            where=str(page),
            fix="free some space there, or name another folder with --html",
        ) from error
