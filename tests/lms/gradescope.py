"""What does Gradescope's "Export Submissions" hold, and its file of grades?

From lms-formats: a folder, its `submission_metadata.yml` as Ruby writes it (symbols as keys), and one folder a
submission. Only who handed in is in it; the file of grades names everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from tests.lms.made import DUE, HandIn, Made, Student, groups, number_text, table, write_files

ASSIGNMENT_ID = 8046601


def submission_id(student: Student) -> int:
    return 330000000 + 10 * student.number + student.attempt


def make_gradescope(
    folder: Path,
    students: Sequence[Student],
    *,
    has_groups: bool = False,
    has_times: bool = True,
    has_results: bool = False,
    has_tags: bool = False,
    has_sids: bool = True,
    has_emails: bool = True,
    is_pdf: bool = False,
    is_wrapped: bool = True,
    has_noise: bool = True,
    grades: Mapping[str, float] | None = None,
    points: float = 100,
    bom: bool = False,
    delimiter: str = ",",
    is_zip: bool = True,
    has_worksheet: bool = True,
    name: str = f"assignment_{ASSIGNMENT_ID}_export",
) -> Made:
    """An export of `students`, and its grades. `has_tags`: Ruby's own tags in the YAML; `is_pdf`: files, not folders.

    `is_wrapped`: all lies in a folder of the export's name; `has_noise`: what a Mac puts beside it.
    """
    top = f"{name}/" if is_wrapped else ""
    files: dict[str, bytes] = {}
    made: list[HandIn] = []
    lines = ["---"]
    for members in groups(students).values() if has_groups else [[one] for one in students]:
        together = [members] if has_groups and members[0].group else [[one] for one in members]
        for people in together:
            giver = next((one for one in people if one.files), None)
            if giver is None:
                continue
            key = f"submission_{submission_id(giver)}" + (".pdf" if is_pdf else "")
            listed = {}
            if is_pdf:
                listed["report.pdf"] = f"{top}{key}"
                files[f"{top}{key}"] = b"%PDF-1.4 " + giver.id.encode()
            else:  # a zip is unpacked on upload
                for path, content in giver.files.items():
                    listed[path] = f"{top}{key}/{path}"
                    files[listed[path]] = content
            lines += _entry(
                key,
                people,
                giver,
                has_times=has_times,
                has_results=has_results,
                has_tags=has_tags,
                has_sids=has_sids,
                has_emails=has_emails,
            )
            everybody = tuple(one.id for one in people)
            content = {"report.pdf": files[f"{top}{key}"]} if is_pdf else dict(giver.files)
            late = giver.is_late if has_worksheet else None
            at = giver.received_at if has_times or has_worksheet else None
            made.append(HandIn(everybody, everybody, content, listed, key, at, late, giver.attempt))
    files[f"{top}submission_metadata.yml"] = ("\n".join(lines) + "\n").encode()
    if has_noise and is_zip:
        files[f"{top}.DS_Store"] = b"\0"
        files[f"__MACOSX/{top}._submission_metadata.yml"] = b"\0"
    source = write_files(folder / (f"{name}.zip" if is_zip else name), files, is_zip=is_zip)
    worksheet = None
    if has_worksheet:
        worksheet = folder / "Digits_scores.csv"
        rows = _grades(students, made, grades or {}, points, has_sids=has_sids)
        worksheet.write_bytes(table(rows, bom=bom, delimiter=delimiter))
    return Made("gradescope", source, tuple(students), tuple(made), worksheet)


def _char(char: str) -> str:
    """A character within double quotes, as YAML escapes it."""
    if char in '"\\':
        return f"\\{char}"
    number = ord(char)
    if char.isprintable():
        return char
    return f"\\x{number:02X}" if number < 256 else f"\\u{number:04X}" if number < 65536 else f"\\U{number:08X}"


def _scalar(text: str) -> str:
    """Text as Ruby's YAML writes it: quoted where it would read as something else."""
    if re.fullmatch(r"[\d.,+-]+", text):
        return f"'{text}'"
    if (
        not text
        or re.search(r"""[^\w @.+'-]""", text)
        or text[0] in "'@-+. "
        or text.endswith(" ")
        or not text.isprintable()
    ):
        return '"' + "".join(_char(char) for char in text) + '"'
    return text


def _entry(
    key: str,
    people: Sequence[Student],
    giver: Student,
    *,
    has_times: bool,
    has_results: bool,
    has_tags: bool,
    has_sids: bool,
    has_emails: bool,
) -> list[str]:
    lines = [f"{key}:", "  :submitters:"]
    for one in people:
        lines.append(f"  - :name: {_scalar(one.name)}")
        lines.append(f"    :sid: {_scalar(one.id)}" if has_sids else "    :sid: ")
        if has_emails:
            lines.append(f"    :email: {_scalar(one.email)}")
    if has_times and giver.received_at:
        lines.append(f"  :created_at: {giver.received_at:%Y-%m-%d %H:%M:%S}.000000000 Z")
        lines.append("  :score: 0.0")
    if has_results:
        tag = " !ruby/hash:ActiveSupport::HashWithIndifferentAccess" if has_tags else ""
        lines += [
            f"  :results:{tag}",
            "    tests:",
            "    - name: '1'",
            "      score: 0.0",
            "      output: |",
            "        :submitters:",
            "        - :name: Not Me",
            "          :sid: 's1001'",
            "    score: 0.0",
        ]
        earlier = (giver.received_at or DUE) - timedelta(days=3)
        lines.append("  :history:" if giver.attempt > 1 else "  :history: []")
        for index in range(giver.attempt - 1):
            lines += [
                f"  - :id: {index + 1}",
                f"    :created_at: {earlier:%Y-%m-%d %H:%M:%S}.000000000 Z",
                "    :score: 0.0",
            ]
    return lines


def _lateness(student: Student) -> str:
    late = student.received_at - DUE if student.is_late and student.received_at else timedelta(0)
    seconds = int(late.total_seconds())
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _grades(
    students: Sequence[Student], made: Sequence[HandIn], grades: Mapping[str, float], points: float, *, has_sids: bool
) -> list[list[str]]:
    header = ["First Name", "Last Name", "SID", "Email", "Sections", "Total Score", "Max Points", "Status"]
    header += [
        "Submission ID",
        "Submission Time",
        "Lateness (H:M:S)",
        "View Count",
        "Submission Count",
        "1: All (100.0 pts)",
    ]
    rows = [header]
    givers = {one.id: one for one in students}
    for student in students:
        mine = next((one for one in made if student.id in one.students), None)
        first, _, last = student.name.rpartition(" ")
        row = [first or last, last if first else "", student.id if has_sids else "", student.email, student.section]
        if mine is None:
            rows.append([*row, "", number_text(points, digits=1), "Missing", "", "", "", "", "", ""])
            continue
        giver = next(givers[one] for one in mine.students if givers[one].files)
        grade = number_text(grades[student.id], digits=1) if student.id in grades else ""
        status = "Graded" if student.id in grades else "Ungraded"
        at = f"{giver.received_at:%Y-%m-%d %H:%M:%S} +0000" if giver.received_at else ""
        rows.append(
            [
                *row,
                grade,
                number_text(points, digits=1),
                status,
                str(submission_id(giver)),
                at,
                _lateness(giver),
                "0",
                str(giver.attempt),
                grade,
            ]
        )
    return rows
