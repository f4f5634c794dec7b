"""Who is in the class, and which hand-in is whose? The list that `grader import` writes beside the hand-ins.

    COURSE/submissions/<assignment>/.class/class.json -> ClassList

Everybody of the roster stands in it exactly once, with a reason: a hand-in, or why there is none. What it says comes
from the LMS and the roster alone, never from what a student wrote into a hand-in.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from grader.documents import Document, DocumentError, json_document, problems_in, read_text, schema, shown
from grader.documents.wording import clean
from grader.errors import CourseError
from grader.frozen import dataclass
from grader.intake.names import same_key
from grader.model import Json, Problem

FOLDER: Final = ".class"  # hidden, so that it is no hand-in
FILE: Final = "class.json"
FORM: Final = "grader-class/1"
EARLIER: Final = "earlier"  # in FOLDER: hand-ins that do not count
QUARANTINE: Final = "quarantine"  # in FOLDER: files nobody can be named for
PENDING: Final = "pending.json"  # in FOLDER: an import that began to change what is there, and has not ended
MAX_BYTES: Final = 64 * 2**20  # some 50,000 students
ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
KEEP: Final = ("latest", "first")


def is_id(text: str) -> bool:
    r"""Whether this may be a student's id: plain letters and digits, and behind the first one also . _ @ + -.

    >>> [is_id(text) for text in ("s123456", "ada@example.org", "../ada", "=1+1", "-x", "ada\n", "\u0430da", "")]
    [True, True, False, False, False, False, False, False]
    """
    return ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A student, once. `id` is the course's; all else is display text, but for `keys`, the LMS's own ids.

    `hand_in` is the name of the one that counts, empty where there is none; `reason` says why, and is never empty in a
    class list. `keys` are such as {"identifier": "Participant 4711"}, {"canvas_id": "77"}, {"github_username": "ada"}.
    """

    id: str
    name: str = ""
    email: str = ""
    section: str = ""
    group: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    hand_in: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HandInEntry:
    """What was handed in, once. `name` is that of its folder or archive without .zip: the id of its Submission.

    `path` is relative to the class's folder. `received_at` (aware) and `is_late` are the LMS's word, None where it has
    none. `digest` is the SHA-256 over its files. `lms_folder` is what the LMS calls it: feedback goes back under that
    name. `was` are the names of its files in the download.
    """

    name: str
    path: str
    students: tuple[str, ...]
    received_at: datetime | None = None
    is_late: bool | None = None
    attempt: int = 1
    digest: str = ""
    lms_folder: str = ""
    is_counted: bool = True
    was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Files of the download that nobody can be named for, why, and what a person does about it."""

    files: tuple[str, ...]
    reason: str
    fix: str


@dataclass(frozen=True)
class ClassList:
    """A class and its hand-ins for one assignment, as they were imported.

    `source` is the kind of LMS ("moodle"), `keep` which of several attempts counts ("latest", "first"). `worksheet` is
    the path, relative to the class's folder, of the copy of the LMS's own grade file, empty where there is none.
    Without `has_roster` nobody said who is in the class: the roster is whoever handed something in.
    """

    assignment: str
    source: str
    keep: str = "latest"
    roster: tuple[RosterEntry, ...] = ()
    hand_ins: tuple[HandInEntry, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    worksheet: str = ""
    has_roster: bool = True

    @cached_property
    def by_name(self) -> Mapping[str, HandInEntry]:
        """The hand-ins that count, by their names."""
        return {one.name: one for one in self.hand_ins if one.is_counted}

    @cached_property
    def by_path(self) -> Mapping[str, HandInEntry]:
        """The hand-ins that count, by their paths in the class's folder."""
        return {one.path: one for one in self.hand_ins if one.is_counted}

    @cached_property
    def by_id(self) -> Mapping[str, RosterEntry]:
        """The students by their ids."""
        return {one.id: one for one in self.roster}


def class_state(folder: Path) -> object:
    """Equal as long as nothing was imported into `folder`; reading it costs next to nothing."""
    found = []
    for name in (FILE, PENDING):
        try:
            state = (folder / FOLDER / name).lstat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((state.st_ino, state.st_mtime_ns, state.st_size))
    return tuple(found)


def read_class(folder: Path, *, patience_s: float = 0) -> ClassList | None:
    """The class list of the hand-ins in `folder`, None where there is none.

    Raises CourseError where it is broken, or where an import has begun its last step and not ended it for `patience_s`.
    """
    path = folder / FOLDER / FILE
    until = time.monotonic() + patience_s
    while (is_pending := os.path.lexists(path.with_name(PENDING))) and time.monotonic() < until:
        time.sleep(0.1)
    if is_pending:
        what = "an import into this folder was broken off: its hand-ins and its class list do not belong together yet"
        raise CourseError.single(what, where=clean(str(folder)), fix="run the same grader import again", code="pending")
    if not os.path.lexists(path):
        return None
    try:
        document = json_document(read_text(path, max_bytes=MAX_BYTES), name=str(path))
    except DocumentError as error:
        raise CourseError(error.problems) from error
    problems = list(problems_in(document, schema("class")))
    if problems:
        raise CourseError(problems)
    made = class_from(document.value)
    problems = list(_contradictions(made, document))
    if problems:
        raise CourseError(problems)
    return made


def write_class(folder: Path, class_list: ClassList) -> None:
    """Write the class list of the hand-ins in `folder`: whole or not at all. Raises OSError where the disk refuses."""
    path = folder / FOLDER / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, class_bytes(class_list))


def class_bytes(class_list: ClassList) -> bytes:
    """The class list as the bytes of its file: equal for equal lists."""
    return (json.dumps(class_json(class_list), indent=1, ensure_ascii=True) + "\n").encode()


def class_json(class_list: ClassList) -> Json:
    """The class list as JSON, in the form of class.schema.json. What is empty is left out."""
    return {
        "form": FORM,
        "assignment": class_list.assignment,
        "source": class_list.source,
        "keep": class_list.keep,
        **({"worksheet": class_list.worksheet} if class_list.worksheet else {}),
        **({} if class_list.has_roster else {"has_roster": False}),
        "roster": [_filled(one, ("id", "reason")) for one in class_list.roster],
        "hand_ins": [_filled(one, ("name", "path", "students", "is_counted")) for one in class_list.hand_ins],
        "quarantined": [_filled(one, ("files", "reason", "fix")) for one in class_list.quarantined],
    }


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole, lasting through a power cut, or leave what stands there. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def _filled(entry: RosterEntry | HandInEntry | Quarantined, always: Sequence[str]) -> dict[str, Json]:
    """The fields that say something, and those that are always there."""
    made: dict[str, Json] = {}
    for name in entry.__slots__:
        value = getattr(entry, name)
        if isinstance(value, datetime):
            value = value.isoformat()
        elif isinstance(value, str):
            value = _whole(value)
        elif isinstance(value, tuple):
            value = [_whole(one) for one in value]
        elif isinstance(value, Mapping):
            value = {_whole(key): _whole(one) for key, one in value.items()}
        if name in always or value not in ("", None, [], {}):
            made[name] = value
    return made


def _whole(text: str) -> str:
    """Text of whole characters: a lone half of one could be written, and never read again."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def class_from(value: Json) -> ClassList:
    """The class list that `class_json` wrote; the value has passed its schema."""
    return ClassList(
        assignment=value["assignment"],
        source=value["source"],
        keep=value["keep"],
        roster=tuple(RosterEntry(**one) for one in value["roster"]),
        hand_ins=tuple(_hand_in_from(one) for one in value["hand_ins"]),
        quarantined=tuple(Quarantined(tuple(q["files"]), q["reason"], q["fix"]) for q in value["quarantined"]),
        worksheet=value.get("worksheet", ""),
        has_roster=value.get("has_roster", True),
    )


def _hand_in_from(value: Json) -> HandInEntry:
    fields: dict[str, Json] = {key: tuple(one) if isinstance(one, list) else one for key, one in value.items()}
    if "received_at" in fields:
        fields["received_at"] = _moment(fields["received_at"])
    return HandInEntry(**fields)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None  # told by _contradictions


def _contradictions(made: ClassList, document: Document) -> Iterator[Problem]:
    """What the schema cannot say: doubles, paths that lead elsewhere, hand-ins and students that are not there."""

    def broken(path: list[str | int], what: str) -> Problem:
        return Problem("bad-class", clean(str(document.place(path))), what, "run grader import again")

    seen: set[str] = set()
    for at, student in enumerate(made.roster):
        if student.id in seen:
            yield broken(["roster", at, "id"], f"the student {shown(student.id)} stands twice in the roster")
        seen.add(student.id)
        if student.hand_in:
            counted = made.by_name.get(student.hand_in)
            if counted is None or student.id not in counted.students:
                what = f"{shown(student.id)} has no hand-in {shown(student.hand_in)} in the list"
                yield broken(["roster", at, "hand_in"], what)
    names: set[str] = set()
    for at, one in enumerate(made.hand_ins):
        if one.is_counted and same_key(one.name) in names:
            yield broken(["hand_ins", at, "name"], f"the name {shown(one.name)} stands twice among those that count")
        names |= {same_key(one.name)} if one.is_counted else set()
        if one.received_at is None and "received_at" in document.value["hand_ins"][at]:
            yield broken(["hand_ins", at, "received_at"], "this is no time with a date and an offset")
        elif one.received_at is not None and one.received_at.tzinfo is None:
            yield broken(["hand_ins", at, "received_at"], "the time has no offset")
        if not is_inner(one.path):
            yield broken(["hand_ins", at, "path"], f"{shown(one.path)} is no path in the class's folder")
        for student_id in one.students:
            if student_id not in made.by_id:
                yield broken(["hand_ins", at, "students"], f"the student {shown(student_id)} is not in the roster")
    if made.worksheet and not is_inner(made.worksheet):
        yield broken(["worksheet"], f"{shown(made.worksheet)} is no path in the class's folder")


def is_inner(path: str) -> bool:
    """Whether a path with slashes stays in the folder that it is relative to.

    >>> [is_inner(path) for path in (".class/earlier/ada", "../ada", "/etc/passwd", "a//b", "")]
    [True, False, False, False, False]
    """
    return "\\" not in path and all(part not in ("", ".", "..") for part in path.split("/"))
