"""Who is in the class, and what did they hand in? The truth behind a made download; nothing here calls the grader.

    students(n) -> make_moodle | make_canvas | ... (folder, students, ...) -> Made(source, worksheet, hand_ins, ...)

The makers write what the LMS writes, from its field descriptions alone. What they return is what is so: whose each file
is, when the LMS had it, and which files nobody can be named for. An import is right where it says the same.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

DUE = datetime(2026, 11, 20, 22, 59, tzinfo=UTC)

# What a class list holds sooner or later. None is anybody's real name.
HARD_NAMES = (
    "Ada Lovelace",
    "山田 太郎",
    "Ольга Иванова",
    "محمد علي",
    "José Ångström",
    "Zoë von der Höhe-Müller",
    "Nguye\u0302\u0303n Va\u0306n A",  # decomposed: NFC and NFD are one name
    "Siobhán O'Brien",
    "Ann_Lee",  # Moodle writes a space for it
    "Kim Lee",
    "Kim Lee",  # two people
    "Anna Petrova",
    "Аnnа Petrova",
    "Madonna",
    'Bo "Bob" Smith, Jr.',
    "=cmd|' /C calc'!A0",
    "Participant 4001",
    "Bob_4002",  # reads like somebody else's number
    "Late Lately",
    "../../etc/passwd",
    "Ge\u202egrof Rtl",
    "李 雷" * 20,
    "Noël 🎓 Dot.",
    "Default group",
)

HARD_FILES = (
    "my_model_final_v2.py",
    "_LATE_report.md",
    "1234_5678_numbers.txt",
    "отчёт.md",
    "assignsubmission_file_notes.txt",
    "two.dots-1.txt",
    "spaces and (brackets).txt",
)


@dataclass(frozen=True)
class Student:
    """One of the class. `files` is what counts by the LMS's own rule; none and no text: nothing was handed in.

    `number` makes the LMS's own ids (1 -> participant 4001, Canvas user 70001, ...); `is_zipped`: they uploaded one
    zip that holds `files`; `text` was typed into the LMS's editor.
    """

    number: int
    id: str
    name: str
    email: str = ""
    login: str = ""
    section: str = ""
    group: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    is_zipped: bool = False
    text: str = ""
    received_at: datetime | None = None
    attempt: int = 1

    @property
    def has_handed_in(self) -> bool:
        return bool(self.files or self.text)

    @property
    def is_late(self) -> bool:
        return self.received_at is not None and self.received_at > DUE

    @property
    def sortable_name(self) -> str:
        """`Lovelace, Ada`; a name of one word stays."""
        first, _, last = self.name.rpartition(" ")
        return f"{last}, {first}" if first else self.name


@dataclass(frozen=True)
class HandIn:
    """What one student or group handed in, as the download holds it.

    `files` by the names that the students gave; `listed` maps them to the paths in the download. `students` are all
    whom it belongs to, `named` those whom the download itself names (Canvas names one of a group). Where
    `is_ambiguous`, keeping it apart for a person is right, too; giving it to anybody else never is.
    """

    students: tuple[str, ...]
    named: tuple[str, ...]
    files: Mapping[str, bytes]
    listed: Mapping[str, str]
    lms_folder: str
    received_at: datetime | None = None
    is_late: bool | None = None
    attempt: int = 1
    is_zipped: bool = False
    is_ambiguous: bool = False


@dataclass(frozen=True)
class Made:
    """A download and the truth about it. `nobodys` are paths in it for whom nobody can be named."""

    kind: str
    source: Path
    students: tuple[Student, ...]
    hand_ins: tuple[HandIn, ...]
    worksheet: Path | None = None
    roster: Path | None = None
    nobodys: tuple[str, ...] = ()

    def hand_in_of(self, student: str) -> HandIn | None:
        return next((one for one in self.hand_ins if student in one.students), None)


def files_of(number: int, name: str = "", *, is_hard: bool = False) -> dict[str, bytes]:
    """A small hand-in, different for everybody. Its submission.json names somebody else: nobody may believe it."""
    files = {
        "submission.json": json.dumps(
            {"assignment": "digits", "students": [{"id": "s1001", "name": "Not me"}]}
        ).encode(),
        "answers.json": json.dumps({"assignment": "digits", "answers": {"total_parameters": number}}).encode(),
        "model.py": f"# {number} {name}\nimport torch\n".encode("utf-8", "replace"),
    }
    if is_hard:
        files[HARD_FILES[number % len(HARD_FILES)]] = f"file of {number}".encode()
    return files


def students(
    count: int,
    *,
    names: Sequence[str] = HARD_NAMES,
    is_hard: bool = True,
    group_of: int = 0,
    missing: int = 5,
    zipped: int = 3,
) -> tuple[Student, ...]:
    """A class of `count`: every `missing`-th hands in nothing, every `zipped`-th a zip, every fourth is late.

    With `group_of`, groups of that many; whoever is left over has none. 0 for `missing` or `zipped`: nobody does.
    """
    made = []
    for number in range(1, count + 1):
        name = names[number - 1] if number <= len(names) else f"Student Number{number}"
        is_missing = bool(missing) and number % missing == 0
        group = ""
        if group_of and (number - 1) // group_of < count // group_of:
            index = (number - 1) // group_of
            group = f"Team_{index + 1}" if index % 2 else f"Gruppe {index + 1} é"
        hours = 3 if number % 4 == 0 else -number
        made.append(
            Student(
                number,
                f"s{1000 + number}",
                name,
                f"s{1000 + number}@example.org",
                f"user-{number}",
                f"Section {number % 2 + 1}",
                group,
                {} if is_missing else files_of(number, name, is_hard=is_hard),
                bool(zipped) and number % zipped == 0,
                received_at=None
                if is_missing
                else DUE + timedelta(hours=hours, minutes=number % 50, seconds=number % 60),
            )
        )
    return tuple(made)


def resubmitted(student: Student, *, files: Mapping[str, bytes] | None = None, hours: float = 1) -> Student:
    """The same person's next attempt."""
    newer = dict(files) if files is not None else {**files_of(student.number, "again"), "new.txt": b"second attempt"}
    at = (student.received_at or DUE) + timedelta(hours=hours)
    return replace(student, files=newer, text="", received_at=at, attempt=student.attempt + 1)


def zip_of(files: Mapping[str, bytes], *, top: str = "") -> bytes:
    """A zip of these files, below the folder `top` where there is one. The same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{top}{path}", (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def uploaded(student: Student) -> dict[str, bytes]:
    """The files as they lie in the LMS: what was uploaded, which may be one zip."""
    if not student.files:
        return {}
    return {"hand_in_v1.zip": zip_of(student.files)} if student.is_zipped else dict(student.files)


def groups(students: Iterable[Student]) -> dict[str, list[Student]]:
    """The members by group, in the order of the class; "" holds who has none."""
    made: dict[str, list[Student]] = {}
    for student in students:
        made.setdefault(student.group, []).append(student)
    return made


def write_files(source: Path, files: Mapping[str, bytes], *, is_zip: bool) -> Path:
    """`files` by their paths, as a zip `source` or as a folder."""
    if is_zip:
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(zip_of(files))
        return source
    source.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return source


def table(
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = ",",
    bom: bool = False,
    encoding: str = "utf-8",
    line_end: str = "\n",
    is_all_quoted: bool = False,
) -> bytes:
    """The bytes of a table with separated values."""
    text = io.StringIO()
    quoting = csv.QUOTE_ALL if is_all_quoted else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)
    data = text.getvalue().encode(encoding)
    return (b"\xef\xbb\xbf" if bom else b"") + data


def make_roster(folder: Path, students: Sequence[Student], *, name: str = "roster.csv", **form: object) -> Path:
    """The course's own list: id, name, email, section, group."""
    rows = [["id", "name", "email", "section", "group"]]
    rows += [[one.id, one.name, one.email, one.section, one.group] for one in students]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(table(rows, **form))
    return path


def number_text(value: float | str, decimal: str = ".", digits: int = 2) -> str:
    """`7.5` as 7.50 or 7,50; text stays."""
    return value if isinstance(value, str) else f"{value:.{digits}f}".replace(".", decimal)
