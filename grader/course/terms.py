"""What does grader.toml set for one assignment in this term? Its variant, due time, lateness, groups, extensions.

[assignments.NAME] of grader.toml -> Terms, over those that the rubric itself sets
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from datetime import date, datetime
from fractions import Fraction
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grader.course.late import after, moment, span
from grader.course.points import points_from
from grader.documents import Document, DocumentError, did_you_mean, json_document, read_text
from grader.documents.wording import clean, shown
from grader.frozen import dataclass
from grader.model import Amount, Json, LatePolicy, Problem, Terms

TABLE = "assignments"
_FILES = {"extensions": "until", "received": "received"}  # tables that may be files, and their column of times


def amount_from(value: Json) -> Amount:
    """Points, or a share of them, as a rubric writes them.

    >>> amount_from("10%"), amount_from(0.5)
    (Amount(value=Fraction(1, 10), is_share=True), Amount(value=Fraction(1, 2), is_share=False))
    """
    if isinstance(value, str) and value.endswith("%"):
        return Amount(Fraction(value[:-1]) / 100, is_share=True)
    return Amount(points_from(value))


def late_policy(value: Mapping[str, Json]) -> LatePolicy:
    """The table `late` of a rubric or of grader.toml, once its schema has nothing against it."""
    return LatePolicy(
        per_day=amount_from(value.get("per_day", 0)),
        is_of_earned=value.get("of") == "earned",
        grace=span(value.get("grace", "0 min")),
        cap=amount_from(value["cap"]) if "cap" in value else None,
        accepted=span(value["not_accepted_after"]) if "not_accepted_after" in value else None,
    )


def plain_times(value: Json) -> Json:
    """`value` with TOML's own dates and times as the text that they are written as."""
    if isinstance(value, dict):
        return {key: plain_times(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain_times(part) for part in value]
    return str(value) if isinstance(value, datetime | date) else value


def zone_of(value: Mapping[str, Json]) -> ZoneInfo | None:
    """The time zone that grader.toml names; None where it names none, or one that is not known here."""
    try:
        return ZoneInfo(value["timezone"])
    except (KeyError, ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC") if value.get("timezone") == "UTC" else None


def terms_of(document: Document, root: Path, rubrics: Path) -> tuple[dict[str, Terms], list[Problem]]:
    """The terms of every assignment that the file names, and what is wrong with them.

    The document has passed its schema. `root` is the course's folder, `rubrics` that of its rubrics.
    """
    reading = _Reading(document, root)
    made = {}
    for name, table in document.value.get(TABLE, {}).items():
        if not (rubrics / f"{name}.yaml").is_file():  # a slip here would leave a whole class to the defaults
            known = (file.stem for file in rubrics.glob("*.yaml"))
            what = f"there is no rubric of the assignment {shown(name)}"
            reading.say("no-assignment", [TABLE, name], what, did_you_mean(name, known))
        made[name] = reading.terms(name, table)
    return made, reading.problems


@dataclass
class _Reading:
    document: Document
    root: Path
    problems: list[Problem] = field(default_factory=list)

    def say(self, code: str, path: list[str], what: str, fix: str) -> None:
        self.problems.append(Problem(code, clean(str(self.document.place(path))), what, fix))

    def terms(self, name: str, table: Mapping[str, Json]) -> Terms:
        zone = self._zone()
        path = [TABLE, name]
        due = self._moment(table["due"], [*path, "due"], zone) if "due" in table else None
        if due is None and "due" not in table and table.get("extensions"):
            what = "there are extensions, and no due time that they extend"
            self.say("no-due", [*path, "extensions"], what, 'add due = "YEAR-MONTH-DAY 23:59"')
        return Terms(
            variant=table.get("variant", ""),
            due=due,
            late=late_policy(table["late"]) if "late" in table else None,
            group_limit=table.get("groups", {}).get("at_most"),
            pass_points=points_from(table["pass_points"]) if "pass_points" in table else None,
            extensions=self._times(table, "extensions", path, zone, due),
            received=self._times(table, "received", path, zone, None),
            missing=tuple(self._missing(table)),
        )

    def _missing(self, table: Mapping[str, Json]) -> Iterator[str]:
        """Files that are not here. No error: a course is given to students without what they must not read."""
        names = (table.get(key) for key in _FILES)
        return (name for name in names if isinstance(name, str) and not (self.root / name).exists())

    def _zone(self) -> ZoneInfo | None:
        name = self.document.value.get("timezone")
        if name is None:
            return None
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            what = f"the time zone {shown(name)} is not known here"
            fix = 'write one such as "Europe/Oslo"; where none is known at all: pip install tzdata'
            if not any(problem.code == "timezone" for problem in self.problems):
                self.say("timezone", ["timezone"], what, fix)
            return ZoneInfo("UTC") if name == "UTC" else None

    def _moment(self, text: str, path: list[str], zone: ZoneInfo | None) -> datetime | None:
        try:
            return moment(text, zone)
        except ValueError as error:
            fix = 'add timezone = "Europe/Oslo" at the top of grader.toml, or an offset such as +01:00'
            if "zone" not in str(error):
                fix = 'write it such as "2026-03-08 23:59"'
            self.say("bad-time", path, clean(str(error)), fix)
            return None

    def _times(
        self, table: Mapping[str, Json], key: str, path: list[str], zone: ZoneInfo | None, due: datetime | None
    ) -> dict[str, datetime]:
        """A table from ids to times, written out or as a file beside grader.toml. Lengths of time extend `due`."""
        written = table.get(key, {})
        entries = self._rows(written, key) if isinstance(written, str) else written.items()
        made: dict[str, datetime] = {}
        for name, text in entries:
            at = self._time(text, [*path, key, name], zone, due if key == "extensions" else None)
            if at is not None:
                made[name] = max(at, made[name]) if name in made else at
        return made

    def _time(self, text: str, path: list[str], zone: ZoneInfo | None, due: datetime | None) -> datetime | None:
        if due is not None:
            try:
                return after(due, span(text)).astimezone(due.tzinfo)
            except ValueError:
                pass
        return self._moment(text, path, zone)

    def _rows(self, name: str, key: str) -> Iterator[tuple[str, str]]:
        """The rows of a CSV file: an id, and a time. None where it is not here."""
        if not (self.root / name).exists():
            return
        try:
            text = read_text(self.root / name, name=name)
        except DocumentError as error:
            self.problems.extend(error.problems)
            return
        head, _, _ = text.partition("\n")
        rows = csv.reader(StringIO(text), delimiter=";" if ";" in head else ",")
        wanted = _FILES[key]
        columns = [word.strip().lower() for word in next(rows, [])]
        if "id" not in columns or wanted not in columns:
            what = f"the first line does not name the columns id and {wanted}"
            self.problems.append(Problem("bad-table", f"{clean(name)}:1", what, f"begin the file with: id,{wanted}"))
            return
        for row in rows:
            cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
            if not any(cells.values()):
                continue
            if not cells.get("id") or not cells.get(wanted):
                what, fix = "a row without an id or without a time", f"write id,{wanted}"
                self.problems.append(Problem("bad-table", f"{clean(name)}:{rows.line_num}", what, fix))
                continue
            before = len(self.problems)
            yield cells["id"], cells[wanted]
            for at, problem in enumerate(self.problems[before:], start=before):  # the row, not grader.toml, has it
                self.problems[at] = replace(problem, where=f"{clean(name)}:{rows.line_num}")


def missing_problems(terms: Terms, assignment: str) -> Iterator[Problem]:
    """What the teacher is told of files that are not here."""
    for name in terms.missing:
        where = f"grader.toml /{TABLE}/{assignment}"
        what = f"there is no file {shown(name)}: without it nothing is deducted for lateness"
        yield Problem("warning-no-file", where, what, "put it beside grader.toml, or correct its name")


def merged(rubric: Terms, course: Terms) -> Terms:
    """What holds: grader.toml's where it sets something, else the rubric's."""
    return replace(
        course,
        late=course.late or rubric.late,
        group_limit=course.group_limit or rubric.group_limit,
        pass_points=rubric.pass_points if course.pass_points is None else course.pass_points,
    )


def with_template(terms: Terms, folder: Path) -> Terms:
    """With what the assignment's template has in `folder`: handing that in as it is attempts nothing."""
    files = [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []
    digests = frozenset(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    try:
        found = json_document(read_text(folder / "answers.json"), name="answers.json").value
    except DocumentError:
        found = None
    answers = found.get("answers") if isinstance(found, dict) else None
    return replace(terms, given_files=digests, given_answers=answers if isinstance(answers, dict) else {})
