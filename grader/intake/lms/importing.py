"""How does a TA's download become a class? Listed, read by its LMS's reader, matched with the roster, written.

SOURCE -> opened_tree -> reader -> match -> write_import
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from grader.documents.wording import clean
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.intake.classes import RosterEntry, is_inner, read_class
from grader.intake.lms.base import Options, Worksheet, reader_of
from grader.intake.lms.joining import joined
from grader.intake.lms.laid_out import laid_out
from grader.intake.lms.matching import match
from grader.intake.lms.roster import Roster, roster_from
from grader.intake.lms.tables import Table, read_table, read_table_file
from grader.intake.lms.tree import opened_tree
from grader.intake.lms.writing import Head, Written, finish_pending, write_import
from grader.intake.manifest import ANSWERS, MANIFEST


@dataclass(frozen=True)
class Asked:
    """What the person who imports says. `zone` is the course's.

    `files` are those that the rubric names: of a resubmitted `model-1.pth` they tell what its student called it.
    `kind` None: told by the download itself; `keep` None: as in the import before, the latest in a first one.
    """

    source: Path
    assignment: str
    target: Path
    kind: str | None = None
    roster: Path | None = None
    worksheet: Path | None = None
    keep: str | None = None
    template: Path | None = None
    files: frozenset[str] = frozenset()
    zone: tzinfo | None = None
    is_dry_run: bool = False


@dataclass(frozen=True)
class Imported:
    """What came of it: what was written, what kind of download it was, what a person should know."""

    written: Written
    about: str
    remarks: tuple[str, ...]


def import_download(asked: Asked) -> Imported:
    """Import a download. Raises GraderError where nothing can be imported; nothing is then."""
    if not asked.is_dry_run:
        finish_pending(asked.target)
    before = read_class(asked.target)
    keep = asked.keep or (before.keep if before is not None else "latest")
    remarks: list[str] = []
    lists, table, worksheet = _given(asked, remarks)
    if not lists and before is not None and before.has_roster:
        lists = [tuple(replace(one, hand_in="", reason="") for one in before.roster)]
    roster, _ = joined(lists)
    options = Options(asked.assignment, roster, table, asked.files | _expected(asked.template), asked.zone)
    with opened_tree(asked.source) as tree:
        reader = reader_of(tree, asked.kind)
        download = reader.read(tree, options)
        if not download.found and not download.quarantined and not tree.refused:
            what = f"there is no hand-in in it, read as {reader.about}"
            raise UsageError.single(
                what, where=clean(str(asked.source)), fix="name another kind by --from, or look in it"
            )
        if download.worksheet is not None and table is None:  # it lay in the download: its times are read, too
            again = replace(options, worksheet=read_table(download.worksheet.data, download.worksheet.name))
            download = reader.read(tree, again)
        head = Head(asked.assignment, reader.kind, keep, worksheet or download.worksheet)
        with laid_out(download, options.expected) as download:
            matched = match(download, tree, lists, keep=keep)
            written = write_import(matched, tree, asked.target, head, is_dry_run=asked.is_dry_run)
    return Imported(written, reader.about, tuple(dict.fromkeys([*remarks, *matched.remarks])))


def _given(asked: Asked, remarks: list[str]) -> tuple[list[tuple[RosterEntry, ...]], Table | None, Worksheet | None]:
    """(the lists of students, the LMS's grade file as a table and as bytes) that the person gave.

    One file may be both: a worksheet names the students, and a roster may be the LMS's own grade file.
    """
    lists: list[tuple[RosterEntry, ...]] = []
    found: Table | None = None
    worksheet: Worksheet | None = None
    if asked.roster is not None:
        table, data = read_table_file(asked.roster)
        read = roster_from(table, assignment=asked.assignment)
        lists.append(read.entries)
        remarks += read.remarks
        if _is_grade_file(read, table):
            found, worksheet = table, Worksheet(asked.roster.name, data)
    if asked.worksheet is not None:
        found, data = read_table_file(asked.worksheet)
        worksheet = Worksheet(asked.worksheet.name, data)
        read = roster_from(found, assignment=asked.assignment)
        lists.append(read.entries)
        remarks += read.remarks
    return lists, found, worksheet


def _is_grade_file(read: Roster, table: Table) -> bool:
    """Whether a roster is what grades go back into: a list of students alone is not."""
    if read.kind == "classroom":
        return table.column("student_repository_name") is not None
    return read.kind != ""


def _expected(template: Path | None) -> frozenset[str]:
    """What every hand-in may hold, and the paths of the files that the assignment's template has."""
    always = frozenset({MANIFEST, ANSWERS})
    if template is None or not template.is_dir():
        return always
    found = (file.relative_to(template).as_posix() for file in template.rglob("*") if file.is_file())
    return always | {path for path in found if is_inner(path)}


def assignment_of(known: Sequence[str], target: Path | None, stated: str | None) -> str:
    """The assignment that is meant: the one stated, that of an earlier import, or the only one of the course."""
    from grader.documents import did_you_mean, shown

    if stated is not None:
        if stated not in known:
            what = f"the course has no assignment {shown(stated)}"
            raise UsageError.single(what, where="--assignment", fix=did_you_mean(stated, known))
        return stated
    before = read_class(target) if target is not None else None
    if before is not None and before.assignment in known:
        return before.assignment
    if len(known) == 1:
        return known[0]
    fix = f"say which: --assignment with one of {', '.join(known)}"
    raise UsageError.single("the course has several assignments", where="--assignment", fix=fix)
