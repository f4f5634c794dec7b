"""Who is in the class? Everybody that a table of the LMS, or of the course, names: once, under an id that is safe.

An id is validated by its pattern; a name is display text and nothing else. Rows that cannot be told apart refuse the
table, with their lines: a grade belongs to one person.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from grader.documents import shown
from grader.frozen import dataclass
from grader.intake.classes import RosterEntry, is_id
from grader.intake.lms.tables import Row, Table, cells_by_name, folded

_MAX_TEXT: Final = 400
_IDENTIFIER: Final = re.compile(r"[^0-9]*(?P<number>[0-9]{1,18})")
_PARTICIPANT: Final = re.compile(r"(?P<word>[^0-9]+)\s[0-9]{1,18}")
_ID_COLUMNS: Final = (
    "id", "student id", "student_id", "studentid", "id number", "idnumber", "sid", "student number",
    "matriculation number", "matrikelnummer", "username", "login", "user", "email", "email address", "e-mail",
)  # fmt: skip
_NAME_COLUMNS: Final = ("name", "full name", "student", "student name")
_FIRST, _LAST = ("first name", "first_name", "firstname"), ("last name", "last_name", "lastname", "surname")
_EMAIL: Final = ("email", "email address", "e-mail", "mail")
_SECTION: Final = ("section", "sections")
_GROUP: Final = ("group", "group_name", "group name", "groups", "team")
# Columns of any roster that are the LMS's own ids, and what they are called in `RosterEntry.keys`.
_KEYS: Final = {
    "canvas_id": "canvas_id", "sis_id": "sis_id", "sis user id": "sis_id", "sid": "sid", "identifier": "identifier",
    "github_username": "github_username", "github username": "github_username", "username": "username",
}  # fmt: skip


@dataclass(frozen=True)
class Roster:
    """Everybody that a table names. `kind` is the LMS whose file it is, empty for the course's own list."""

    kind: str
    entries: tuple[RosterEntry, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """A row as it was read: the ids that it may go by, the best first; the first that is one becomes the student's."""

    line: int
    ids: tuple[str, ...]
    entry: RosterEntry


def roster_from(table: Table, *, assignment: str = "") -> Roster:
    """The roster in a table. Raises SubmissionError, with the line, where it is none or names one id twice.

    `assignment` chooses the rows of a table that holds several assignments (nbgrader's export).
    """
    for kind, fits, read in _KINDS:
        if fits(table):
            return _settled(table, kind, read(table, assignment))
    known = "Identifier (Moodle), Student and ID (Canvas), identifier and github_username (Classroom), or id"
    return table.refuse(1, "no column says who a row is about", f"name a table with the columns {known}")


def kind_of(table: Table) -> str | None:
    """The LMS whose file this is; empty for the course's own list, None for a table that names nobody."""
    return next((kind for kind, fits, _ in _KINDS if fits(table)), None)


def name_key(name: str) -> str:
    r"""Equal for names that a person would take for one, as far as spelling goes; look-alike letters stay different.

    >>> name_key("Ada  LOVELACE") == name_key("ada lovelace"), name_key("\u0410da") == name_key("Ada")
    (True, False)
    """
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).split())


def _settled(table: Table, kind: str, rows: Iterable[_Read]) -> Roster:
    """Each row under the first of its ids that is one. Raises SubmissionError for two rows with one id."""
    entries: list[RosterEntry] = []
    lines: dict[str, int] = {}
    remarks = list(table.remarks)
    for row in rows:
        chosen = next((one for one in row.ids if is_id(one)), None)
        given = [one for one in row.ids if one]
        if chosen is None:
            stated = shown(given[0]) if given else "nothing"
            fix = "an id has letters, digits and . _ @ + -, and begins with a letter or digit; use another column as id"
            table.refuse(row.line, f"{stated} cannot be the id of a student", fix)
        if chosen != given[0]:
            said = f"{table.name}:{row.line}: {shown(given[0])} cannot be an id; the student goes by {chosen}"
            remarks.append(said)
        other = lines.setdefault(chosen.casefold(), row.line)
        if other != row.line:
            what = f"the id {shown(chosen)} stands on line {other}, too: it would be one student"
            table.refuse(row.line, what, "give everybody an id of their own, and import again")
        entries.append(replace(row.entry, id=chosen))
    if not entries:
        table.refuse(1, "the table names no student", "name the list of the course's students")
    return Roster(kind, tuple(entries), tuple(remarks))


def _entry(table: Table, row: Row, **fields: str) -> RosterEntry:
    """What the usual columns say of a student. Everything in it is display text."""

    def cell(names: Sequence[str]) -> str:
        return next(iter(cells_by_name(table, row, names).values()), "")

    made = {
        "name": cell(_NAME_COLUMNS) or f"{cell(_FIRST)} {cell(_LAST)}".strip(),
        "email": cell(_EMAIL),
        "section": cell(_SECTION),
        "group": cell(_GROUP),
    }
    made |= {key: text for key, text in fields.items() if text}
    made = {key: text[:_MAX_TEXT] for key, text in made.items()}
    return RosterEntry("", made["name"], made["email"], made["section"], made["group"])


def _with_keys(entry: RosterEntry, keys: Mapping[str, str]) -> RosterEntry:
    return replace(entry, keys={name: text[:_MAX_TEXT] for name, text in keys.items() if text})


# --- Moodle -----------------------------------------------------------------------------------


def identifier_number(cell: str) -> str | None:
    """The assignment's own number of a participant, in whatever language the site is.

    >>> identifier_number("Participant 4711"), identifier_number("Teilnehmer/in 4711"), identifier_number("4711")
    ('4711', '4711', '4711')
    >>> identifier_number("s4711b") is None
    True
    """
    found = _IDENTIFIER.fullmatch(cell.strip())
    return found["number"] if found else None


def _is_moodle(table: Table) -> bool:
    """It says so, or its first column holds `Participant 4711` in every row, with one word in any language."""
    if folded(table.header[0]) == "identifier" and {"grade", "status", "last modified (grade)"} & table.columns.keys():
        return True
    found = [_PARTICIPANT.fullmatch(cell) for _, cell in table.column_of(0)]
    words = {one["word"].casefold() if one else None for one in found}
    return len(table.header) >= 4 and len(words) == 1 and None not in words


def _moodle(table: Table, _assignment: str) -> Iterator[_Read]:
    columns = moodle_columns(table)
    for row in table.rows:
        cells = {name: row.cells[at].strip() for name, at in columns.items()}
        number = identifier_number(cells["identifier"])
        if number is None:
            what = f"{shown(cells['identifier'])} is not an identifier such as Participant 4711"
            table.refuse(row.line, what, "download the worksheet from Moodle again")
        keys = {"identifier": cells["identifier"], "participant": number, "id_number": cells.get("id_number", "")}
        entry = RosterEntry(
            "",
            cells.get("name", "")[:_MAX_TEXT],
            cells.get("email", "")[:_MAX_TEXT],
            group=cells.get("group", "")[:_MAX_TEXT],
        )
        ids = (cells.get("id_number", ""), cells.get("email", ""), f"participant-{number}")
        yield _Read(row.line, tuple(one for one in ids if one), _with_keys(entry, keys))


def moodle_columns(table: Table) -> dict[str, int]:
    """Where a worksheet's columns of persons are, by our names for them; in any language by their places and contents.

    Moodle's order is: identifier, name, [ID number], [email], status, [group], ... Blind marking has no persons.
    """
    known = {
        "identifier": 0,
        "name": table.column("full name"),
        "id_number": table.column("id number"),
        "email": table.column("email address"),
        "status": table.column("status"),
        "group": table.column("group"),
        "submitted": table.column("last modified (submission)"),
        "graded": table.column("last modified (grade)"),
    }
    if known["graded"] is None:  # the one that Moodle itself needs to read the file back
        known = {name: at if at is not None else _translated(table).get(name) for name, at in known.items()}
    return {name: at for name, at in known.items() if at is not None}


# How the words for status and group begin on sites of other languages; a site that has others goes without the two.
_STATUS: Final = ("status", "estado", "statut", "stato", "tila", "stav", "durum", "статус", "состояние", "状态", "狀態")
_GROUPS: Final = ("group", "grupp", "grupo", "gruppo", "ryhmä", "skupina", "grup", "группа", "组", "群組")


def _translated(table: Table) -> dict[str, int | None]:
    words = [folded(name) for name in table.header]
    columns = [[cell for _, cell in table.column_of(at)] for at in range(min(6, len(words)))]
    email = next((at for at in range(1, len(columns)) if _is_email_column(columns[at])), None)
    status = _first_like(words, _STATUS, 1)
    end = email if email is not None else status
    has_name = end is not None and end > 1
    has_id = has_name and end is not None and end > 2 and _is_id_column(columns[2])
    submitted, graded = _with_brackets(words)
    return {
        "name": 1 if has_name else None,
        "id_number": 2 if has_id else None,
        "email": email,
        "status": status,
        "group": _first_like(words, _GROUPS, (status or 1) + 1),
        "submitted": submitted,
        "graded": graded,
    }


def _first_like(words: Sequence[str], starts: tuple[str, ...], first: int) -> int | None:
    return next((at for at, word in enumerate(words) if at >= first and word.startswith(starts)), None)


def _with_brackets(words: Sequence[str]) -> tuple[int | None, int | None]:
    """Moodle writes `Last modified (submission)` and, behind it, `Last modified (grade)` in each language alike."""
    found = [at for at, word in enumerate(words) if "(" in word and at > 1]
    if len(found) == 2 and len({words[at].split("(")[0] for at in found}) == 1:
        return found[0], found[1]
    return None, None


def _is_id_column(cells: Sequence[str]) -> bool:
    """Whether everybody has another id here: what else stands in this place of a worksheet is not."""
    return len({cell.casefold() for cell in cells}) == len(cells) and all(
        is_id(cell) and any(char.isdecimal() for char in cell) for cell in cells
    )


def _is_email_column(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(re.fullmatch(r"[^@\s]+@[^@\s]+", cell) for cell in filled)


# --- Canvas, Gradescope, Classroom, nbgrader, any ---------------------------------------------


def _is_canvas(table: Table) -> bool:
    first = folded(table.header[0])
    return first in {"student", "lastname"} and {"id", "section"} <= table.columns.keys()


def _canvas(table: Table, _assignment: str) -> Iterator[_Read]:
    names = ("ID", "SIS User ID", "SIS Login ID", "Integration ID", "Section", "Student", "LastName", "FirstName")
    for row in table.rows:
        cells = cells_by_name(table, row, names)
        canvas_id, sis, login = cells.get("ID", ""), cells.get("SIS User ID", ""), cells.get("SIS Login ID", "")
        sortable = cells.get("Student") or ", ".join(
            text for text in (cells.get("LastName", ""), cells.get("FirstName", "")) if text
        )
        is_student = bool(canvas_id) and not (sortable == "Student, Test" and not sis)
        if sortable.startswith("Points Possible") or not is_student:
            continue  # the rows of posting and of points, and Canvas's own test student
        last, comma, first = sortable.partition(", ")
        name = f"{first} {last}" if comma and ", " not in first else sortable
        entry = _entry(table, row, name=name, email=login if "@" in login else "", section=cells.get("Section", ""))
        keys = {"canvas_id": canvas_id, "sis_id": sis, "login_id": login, "sortable_name": sortable}
        yield _Read(row.line, tuple(one for one in (sis, login, canvas_id) if one), _with_keys(entry, keys))


def _is_gradescope(table: Table) -> bool:
    return {"sid", "email", "total score", "submission id"} <= table.columns.keys()


def _gradescope(table: Table, _assignment: str) -> Iterator[_Read]:
    for row in table.rows:
        cells = cells_by_name(table, row, ("SID", "Email", "Submission ID"))
        sid, email = cells.get("SID", ""), cells.get("Email", "")
        entry = _with_keys(_entry(table, row), {"sid": sid, "gradescope_email": email})
        yield _Read(row.line, tuple(one for one in (sid, email) if one), entry)


def _is_classroom(table: Table) -> bool:
    columns = table.columns.keys()
    return "github_username" in columns and bool({"identifier", "roster_identifier"} & columns)


def _classroom(table: Table, _assignment: str) -> Iterator[_Read]:
    for row in table.rows:
        names = ("identifier", "roster_identifier", "github_username", "github_id", "name")
        cells = cells_by_name(table, row, names)
        identifier = cells.get("identifier", "") or cells.get("roster_identifier", "")
        username = cells.get("github_username", "")
        is_name = bool(identifier) and not is_id(identifier)
        entry = _entry(table, row, name=identifier if is_name else cells.get("name", ""))
        keys = {"github_username": username, "github_id": cells.get("github_id", ""), "roster_identifier": identifier}
        ids = (identifier, username) if not is_name else (username, made_id(identifier))
        yield _Read(row.line, tuple(one for one in ids if one), _with_keys(entry, keys))


def _is_classroom_50(table: Table) -> bool:
    return {"username", "first_name", "last_name", "github_id"} <= table.columns.keys()


def _classroom_50(table: Table, _assignment: str) -> Iterator[_Read]:
    for row in table.rows:
        cells = cells_by_name(table, row, ("username", "email", "github_id"))
        keys = {"github_username": cells.get("username", ""), "github_id": cells.get("github_id", "")}
        ids = (cells.get("username", ""), cells.get("email", ""))
        yield _Read(row.line, tuple(one for one in ids if one), _with_keys(_entry(table, row), keys))


def _is_nbgrader(table: Table) -> bool:
    return {"student_id", "assignment", "max_score"} <= table.columns.keys()


def _nbgrader(table: Table, assignment: str) -> Iterator[_Read]:
    """One row for each student and assignment; of another assignment's rows everybody is in the class, too."""
    seen: set[str] = set()
    for is_first_pass in (True, False):
        for row in table.rows:
            cells = cells_by_name(table, row, ("student_id", "assignment"))
            student = cells.get("student_id", "")
            is_of_this = cells.get("assignment", "") == assignment
            if is_of_this is not is_first_pass or (student in seen and not is_of_this):
                continue
            seen.add(student)
            yield _Read(row.line, (student,), _with_keys(_entry(table, row), {"nbgrader_id": student}))


def _is_any(table: Table) -> bool:
    return table.column(*_ID_COLUMNS) is not None


def _any(table: Table, _assignment: str) -> Iterator[_Read]:
    at = table.column(*_ID_COLUMNS)
    for row in table.rows:
        keys = {key: cell for name, cell in cells_by_name(table, row, tuple(_KEYS)).items() if (key := _KEYS[name])}
        entry = _with_keys(_entry(table, row), keys)
        yield _Read(row.line, (row.cells[at or 0].strip() or entry.email,), entry)


def made_id(text: str) -> str:
    """An id made of any text, different for different texts.

    >>> made_id("Ada Lovelace")
    'ada-lovelace-76740216'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    stem = "-".join(re.findall(r"[a-z0-9]+", plain))[:48]
    return f"{stem or 'student'}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


_KINDS: Final[tuple[tuple[str, Callable[[Table], bool], Callable[[Table, str], Iterable[_Read]]], ...]] = (
    ("canvas", _is_canvas, _canvas),
    ("classroom", _is_classroom, _classroom),
    ("classroom", _is_classroom_50, _classroom_50),
    ("nbgrader", _is_nbgrader, _nbgrader),
    ("gradescope", _is_gradescope, _gradescope),
    ("moodle", _is_moodle, _moodle),
    ("", _is_any, _any),
)
