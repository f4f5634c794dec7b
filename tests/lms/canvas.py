"""What does Canvas's "Download Submissions" hold, and its gradebook export?

From lib/content_zipper.rb and lib/gradebook_exporter.rb (see lms-formats). The name of a person is cut to word
characters, so that it may end like an id: `kim_12` and the user 70001 give `kim_12_70001_...`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from tests.lms.made import HandIn, Made, Student, groups, number_text, table, uploaded, write_files

ASSIGNMENT = "Digits: by hand (5501)"


def user_id(student: Student) -> int:
    return 70000 + student.number


def attachment_id(student: Student, index: int) -> int:
    return 900000 + 100 * student.number + 10 * student.attempt + index


def make_canvas(
    folder: Path,
    students: Sequence[Student],
    *,
    is_anonymous: bool = False,
    has_groups: bool = False,
    has_sis: bool = True,
    has_split_names: bool = False,
    posting: str = "Manual Posting",
    bom: bool = True,
    delimiter: str = ",",
    decimal: str = ".",
    line_end: str = "\n",
    grades: Mapping[str, float | str] | None = None,
    points: float = 100,
    has_test_student: bool = True,
    has_links: Sequence[str] = (),
    is_zip: bool = True,
    has_worksheet: bool = True,
    assignment: str = ASSIGNMENT,
    name: str = "dl_digits_submissions",
) -> Made:
    """A download of `students`, and the course's gradebook. `has_links`: ids of students who handed in an address.

    With `has_groups` one of the group stands for all: the group's name, that one's id. An attempt that is not the first
    has `-N` before the extension of its files.
    """
    files: dict[str, bytes] = {}
    made: list[HandIn] = []
    for members in groups(students).values() if has_groups else [[one] for one in students]:
        alone = not has_groups or not members[0].group
        for giver in members if alone else [one for one in members if one.has_handed_in][:1]:
            if not giver.has_handed_in:
                continue
            prefix = _prefix(giver, giver.group if not alone else "", is_anonymous=is_anonymous)
            listed = {}
            if giver.text:
                end = "link" if giver.id in has_links else "text"
                listed[f"{end}.html"] = f"{prefix}_{end}.html"
                files[f"{prefix}_{end}.html"] = giver.text.encode()
            for index, (path, content) in enumerate(uploaded(giver).items()):
                shown = re.sub(r'[\x00/\\:*?"<>|]+', "_", PurePosixPath(path).name)
                if giver.attempt > 1:
                    stem, dot, end = shown.rpartition(".")
                    shown = f"{stem or end}-{giver.attempt - 1}{dot if stem else ''}{end if stem else ''}"
                listed[path] = f"{prefix}_{attachment_id(giver, index)}_{shown}"
                files[listed[path]] = content
            everybody = (giver.id,) if alone else tuple(one.id for one in members)
            content = {**giver.files, **({next(iter(listed)): giver.text.encode()} if giver.text else {})}
            made.append(
                HandIn(
                    everybody,
                    (giver.id,),
                    content,
                    listed,
                    prefix,
                    None,
                    giver.is_late,
                    giver.attempt,
                    giver.is_zipped,
                    is_ambiguous=is_anonymous or (alone and reads_like_an_id(giver)),
                )
            )
    source = write_files(folder / (f"{name}.zip" if is_zip else name), files, is_zip=is_zip)
    worksheet = None
    if has_worksheet:
        rows = _gradebook(
            students,
            has_sis=has_sis,
            has_split_names=has_split_names,
            posting=posting,
            decimal=decimal,
            grades=grades or {},
            points=points,
            has_test_student=has_test_student,
            assignment=assignment,
        )
        worksheet = folder / "2026-11-21T1718_Grades-DL.csv"
        worksheet.write_bytes(table(rows, delimiter=delimiter, bom=bom, line_end=line_end))
    return Made("canvas", source, tuple(students), tuple(made), worksheet)


def anonymous_id(student: Student) -> str:
    """Five letters and digits that say nothing."""
    return f"{student.number * 7919 % 100000:05d}"[::-1].translate(str.maketrans("01234", "aBcDe"))


def reads_like_an_id(student: Student) -> bool:
    """Whether the cut name reads as something else: it ends like an id, or is what anonymous grading writes."""
    return bool(re.search(r"_\d+$|^anon$", _word(student.sortable_name)))


def _word(name: str) -> str:
    kept = re.sub(r"_(\d+)_", r"\1", name).lower()
    return re.sub(r"[^\w\u0300-\u036f]", "", kept)


def _prefix(giver: Student, group: str, *, is_anonymous: bool) -> str:
    late = ["LATE"] if giver.is_late else []
    if is_anonymous:
        return "_".join([*late, "anon", anonymous_id(giver)])
    return "_".join([_word(group or giver.sortable_name), *late, str(user_id(giver))])


def _gradebook(
    students: Sequence[Student],
    *,
    has_sis: bool,
    has_split_names: bool,
    posting: str,
    decimal: str,
    grades: Mapping[str, float | str],
    points: float,
    has_test_student: bool,
    assignment: str,
) -> list[list[str]]:
    who = ["LastName", "FirstName"] if has_split_names else ["Student"]
    ids = ["ID", *(["SIS User ID"] if has_sis else []), "SIS Login ID", "Section"]
    works = ["Warm-up (5400)", assignment]
    totals = ["Assignments Current Points", "Current Score", "Final Grade"]
    rows = [[*who, *ids, *works, *totals]]
    if posting:
        rows.append([""] * len(who + ids) + [posting] * len(works) + [""] * len(totals))
    first = ["    Points Possible"] + [""] * (len(who + ids) - 1)
    rows.append([*first, *[number_text(points, decimal)] * len(works), *["(read only)"] * len(totals)])

    def row(last_first: str, canvas: int, sis: str, login: str, section: str, grade: str) -> list[str]:
        last, _, rest = last_first.partition(", ")
        names = [last, rest] if has_split_names else [last_first]
        return [*names, str(canvas), *([sis] if has_sis else []), login, section, "", grade, "", "", ""]

    for student in sorted(students, key=lambda one: one.sortable_name.casefold()):
        grade = grades.get(student.id, "")
        rows.append(
            row(
                student.sortable_name,
                user_id(student),
                student.id,
                student.email,
                student.section,
                number_text(grade, decimal),
            )
        )
    if has_test_student:
        rows.append(row("Student, Test", 69999, "", "9f86d081884c7d65", "Section 1", ""))
    return rows
