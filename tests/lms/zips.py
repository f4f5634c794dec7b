"""What does a folder of zips hold, such as a teacher gathers by mail? An archive or folder a student, named somehow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.lms.made import HandIn, Made, Student, make_roster, write_files, zip_of

STYLES = ("id", "login", "email", "name")


def make_zips(
    folder: Path,
    students: Sequence[Student],
    *,
    style: str = "id",
    folders: Sequence[str] = (),
    has_top: bool = False,
    is_upper: bool = False,
    has_roster: bool = True,
    strangers: Sequence[str] = (),
    also_as_folder: Sequence[str] = (),
    has_noise: bool = True,
    is_zip: bool = False,
    name: str = "inbox",
) -> Made:
    """Archives that are called by the `style` of a student. `folders`: ids whose hand-in is a folder.

    `also_as_folder`: ids who are there twice, as an archive and as a folder of another content: nobody can say which
    counts. `strangers`: names of archives that are nobody's; `has_top`: each zip holds one folder; `is_upper`: names in
    capitals.
    """
    files: dict[str, bytes] = {}
    made: list[HandIn] = []
    nobodys = []
    for student in students:
        if not student.files:
            continue
        called = {"id": student.id, "login": student.login, "email": student.email, "name": student.name}[style]
        called = called.replace("/", "_")
        called = called.upper() if is_upper else called
        if student.id in folders:
            listed = {path: f"{name}/{called}/{path}" for path in student.files}
            files |= {listed[path]: content for path, content in student.files.items()}
        else:
            path = f"{name}/{called}.zip"
            files[path] = zip_of(student.files, top="hw/" if has_top else "")
            listed = {f"{called}.zip": path}
        is_twice = student.id in also_as_folder
        if is_twice:
            files[f"{name}/{called}/model.py"] = b"# another\n"
        made.append(
            HandIn(
                (student.id,),
                (student.id,),
                dict(student.files),
                listed,
                called,
                None,
                None,
                is_zipped=student.id not in folders,
                is_ambiguous=is_twice,
            )
        )
    for stranger in strangers:
        files[f"{name}/{stranger}.zip"] = zip_of({"model.py": b"# whose?\n"})
        nobodys.append(f"{name}/{stranger}.zip")
    if has_noise:
        files[f"{name}/.DS_Store"] = b"\0"
        files[f"{name}/grades.csv"] = b"who,what\n"
    if is_zip:
        source = write_files(folder / f"{name}.zip", files, is_zip=True)
    else:
        write_files(folder, files, is_zip=False)
        source = folder / name
        source.mkdir(parents=True, exist_ok=True)
    roster = make_roster(folder, students) if has_roster else None
    return Made("folder", source, tuple(students), tuple(made), None, roster, tuple(nobodys))
