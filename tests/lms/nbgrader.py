"""What does a course of nbgrader have on disk? `{course}/submitted/{student}/{assignment}/`, and what is around it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from tests.lms.made import HandIn, Made, Student, files_of, number_text, table, write_files

FOREIGN = "ps0"  # another assignment of the same course


def make_nbgrader(
    folder: Path,
    students: Sequence[Student],
    *,
    assignment: str = "digits",
    has_other_steps: bool = True,
    has_other_assignment: bool = False,
    has_times: bool = True,
    time_form: str = "%Y-%m-%d %H:%M:%S.%f UTC",
    has_gradebook: bool = True,
    has_config: bool = True,
    grades: Mapping[str, float] | None = None,
    bom: bool = False,
    is_submitted_alone: bool = False,
    is_zip: bool = False,
    has_worksheet: bool = True,
    name: str = "dl101",
) -> Made:
    """The course's folder. `is_submitted_alone`: only its `submitted` folder was copied.

    Every hand-in has a notebook; `has_other_steps`: `autograded`, `feedback` and `release` hold such files, too.
    """
    top = "submitted" if is_submitted_alone else f"{name}/submitted"
    files: dict[str, bytes] = {}
    made: list[HandIn] = []
    for student in students:
        if has_other_assignment:
            at = f"{top}/{student.id}/{FOREIGN}"
            files |= {f"{at}/{path}": content for path, content in files_of(9000 + student.number).items()}
            files[f"{at}/timestamp.txt"] = b"2026-01-01 00:00:00 UTC"
        if not student.files:
            continue
        at = f"{top}/{student.id}/{assignment}"
        mine = {**student.files, "digits.ipynb": _notebook(student.id)}
        listed = {path: f"{at}/{path}" for path in mine}
        files |= {listed[path]: content for path, content in mine.items()}
        if has_times and student.received_at:
            files[f"{at}/timestamp.txt"] = student.received_at.strftime(time_form).encode()
        received = student.received_at if has_times else None
        made.append(HandIn((student.id,), (student.id,), mine, listed, student.id, received, None))
    if has_other_steps and not is_submitted_alone:
        for student in students:
            for step in ("autograded", "feedback"):
                files[f"{name}/{step}/{student.id}/{assignment}/digits.ipynb"] = _notebook("graded")
        files[f"{name}/release/{assignment}/digits.ipynb"] = _notebook("release")
        files[f"{name}/source/{assignment}/digits.ipynb"] = _notebook("source")
        files[f"{name}/source/header.ipynb"] = _notebook("header")
    if has_config and not is_submitted_alone:
        files[f"{name}/nbgrader_config.py"] = b"c = get_config()\nc.CourseDirectory.course_id = 'dl101'\n"
    if has_gradebook and not is_submitted_alone:
        files[f"{name}/gradebook.db"] = _gradebook(folder, students)
    if is_zip:
        source = write_files(folder / "course.zip", files, is_zip=True)
    else:
        write_files(folder / "course", files, is_zip=False)
        source = folder / "course" / ("submitted" if is_submitted_alone else name)
        source.mkdir(parents=True, exist_ok=True)
    worksheet = None
    if has_worksheet:
        worksheet = folder / "grades.csv"
        worksheet.write_bytes(table(_export(students, assignment, grades or {}), bom=bom))
    return Made("nbgrader", source, tuple(students), tuple(made), worksheet)


def _notebook(text: str) -> bytes:
    return json.dumps({"cells": [], "metadata": {"made_for": text}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _gradebook(folder: Path, students: Sequence[Student]) -> bytes:
    """The part of nbgrader's database that names the students."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "gradebook.db.being-made"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE student (id VARCHAR(128) NOT NULL PRIMARY KEY, first_name VARCHAR(128),"
            " last_name VARCHAR(128),"
            " email VARCHAR(128), lms_user_id VARCHAR(128))"
        )
        people = [
            (one.id, one.name.rpartition(" ")[0], one.name.rpartition(" ")[2], one.email, None) for one in students
        ]
        database.executemany("INSERT INTO student VALUES (?, ?, ?, ?, ?)", people)
    data = path.read_bytes()
    path.unlink()
    return data


def _export(students: Sequence[Student], assignment: str, grades: Mapping[str, float]) -> list[list[str]]:
    """`nbgrader export`: nobody is left out, and who handed in nothing has 0."""
    header = (
        "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score"
    )
    rows = [[*header.split(","), "max_score"]]
    for one in students:
        first, _, last = one.name.rpartition(" ")
        grade = number_text(grades.get(one.id, 0.0), digits=1)
        at = f"{one.received_at:%Y-%m-%d %H:%M:%S}" if one.files and one.received_at else ""
        rows.append(
            [assignment, "2026-11-20 22:59:00", at, one.id, last, first, one.email, grade, "0.0", grade, "100.0"]
        )
    return rows
