"""Which grade has every student? Each of the roster exactly once, with the reason where there is none."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from grader.course.points import points_words
from grader.documents.wording import shown
from grader.errors import UsageError
from grader.gradebook import tables
from grader.gradebook.about import digest_of, now
from grader.gradebook.feedback import feedback
from grader.gradebook.nouns import Grade, Row, Waiting
from grader.gradebook.packed import decisions_of, pack, row_from, unpacked_card
from grader.gradebook.standing import Standing
from grader.intake.classes import ClassList, RosterEntry, class_from, class_json

entries = tables.entries


def record_class(connection: Connection, class_list: ClassList) -> None:
    """Keep who is in the class, in place of what was known before; the same once more changes nothing."""
    data = json.dumps(class_json(class_list)).encode()
    digest = digest_of(data)
    table = tables.class_lists
    current = sa.and_(table.c.assignment == class_list.assignment, table.c.is_current.is_(True))
    if connection.execute(sa.select(table.c.digest).where(current)).scalars().all() == [digest]:
        return
    connection.execute(sa.update(table).where(current).values(is_current=False))
    values = {"assignment": class_list.assignment, "digest": digest, "document": pack(data), "at": now()}
    connection.execute(sa.insert(table).values(**values, is_current=True))


def class_list_of(connection: Connection, assignment: str) -> ClassList | None:
    """The class as it was recorded last; None where it never was."""
    table = tables.class_lists
    asked = sa.select(table.c.document).where(table.c.assignment == assignment, table.c.is_current.is_(True))
    document = connection.execute(asked).scalar_one_or_none()
    return None if document is None else class_from(json.loads(zlib.decompress(document)))


def mixed(connection: Connection, assignment: str) -> list[tuple[str, str, int]]:
    """The hand-ins by what they were graded by: (variant, digest of rubric and terms, count), the most first."""
    columns = (entries.c.variant, entries.c.rubric_digest, entries.c.terms)
    asked = sa.select(*columns, sa.func.count()).where(_counts(assignment)).group_by(*columns)
    found = [
        (variant, f"{rubric[:12]}-{terms[:12]}", count) for variant, rubric, terms, count in connection.execute(asked)
    ]
    return sorted(found, key=lambda one: (-one[2], one[:2]))


def _counts(assignment: str) -> sa.ColumnElement[bool]:
    return sa.and_(entries.c.assignment == assignment, entries.c.is_gone.is_(False))


def grades(connection: Connection, assignment: str, *, has_feedback: bool, is_mixed_allowed: bool) -> list[Grade]:
    """Every student once. Raises UsageError where some were graded by another form of the rubric than others."""
    if not is_mixed_allowed:
        _see_that_it_is_one(mixed(connection, assignment), assignment)
    rows = [row_from(one) for one in connection.execute(sa.select(entries).where(_counts(assignment)))]
    texts = _feedback(connection, assignment) if has_feedback else {}
    class_list = class_list_of(connection, assignment)
    found = _of_roster(class_list, rows) if class_list is not None and class_list.roster else _of_cards(rows)
    return [replace(one, feedback=texts.get(one.entry, "")) if one.entry is not None else one for one in found]


def _see_that_it_is_one(found: list[tuple[str, str, int]], assignment: str) -> None:
    variants = [variant for variant, _, _ in found]
    if len(set(variants)) == len(variants):
        return
    total = sum(count for _, _, count in found)
    counts = " and ".join(f"{count:,}" for _, _, count in found)
    raise UsageError.single(
        f"the rubric or its terms were changed between runs: of {total:,} hand-ins, {counts} were graded by different"
        " forms of them, and their grades do not belong in one list",
        where=assignment,
        fix="grade them all by today's: grader run-all FOLDER",
        code="mixed-rubrics",
    )


def _of_roster(class_list: ClassList, rows: list[Row]) -> Iterator[Grade]:
    by_name = {row.submission: row for row in rows}
    for one in class_list.roster:
        blank = Grade(one.id, one.name, one.email, one.section, one.group, dict(one.keys), reason=_why_none(one))
        hand_in = class_list.by_name.get(one.hand_in)
        if hand_in is not None:
            blank = replace(blank, submission=one.hand_in, lms_folder=hand_in.lms_folder, is_late=hand_in.is_late)
        row = by_name.get(one.hand_in) if one.hand_in else None
        yield blank if row is None else _graded(blank, row)


def _why_none(one: RosterEntry) -> str:
    if one.hand_in:
        return f"handed in ({shown(one.hand_in)}), and not graded yet"
    return one.reason or "no submission"


def _of_cards(rows: list[Row]) -> Iterator[Grade]:
    """Without a roster: the students that the hand-ins name, and hand-ins that name nobody by their own names."""
    theirs: dict[str, list[tuple[str, Row]]] = {}
    for row in sorted(rows, key=lambda row: row.submission):
        for student in {one.id: one for one in row.students}.values():
            theirs.setdefault(student.id, []).append((student.name, row))
    for row in sorted(rows, key=lambda row: row.submission):
        if not row.students and row.submission not in theirs:
            theirs[row.submission] = [("", row)]
        elif not row.students:
            theirs[row.submission].append(("", row))
    for number, found in theirs.items():
        blank = Grade(number, next((name for name, _ in found if name), ""))
        if len(found) > 1:
            listed = ", ".join(shown(row.submission) for _, row in found)
            yield replace(blank, reason=f"in {len(found)} hand-ins ({listed}): a person says which of them counts")
        else:
            yield _graded(replace(blank, submission=found[0][1].submission), found[0][1])


def _graded(blank: Grade, row: Row) -> Grade:
    waiting = ""
    if row.open_points:
        waiting = f"{points_words(row.open_points)} wait{'s' * (row.open_points == 1)} for a person"
    elif Waiting.PERSON in row.waiting:
        waiting = "a rule of the course (lateness, the group) waits for a person to look"
    is_late = row.days_late > 0 if row.days_late is not None else blank.is_late
    return replace(
        blank,
        points=row.points,
        max_points=row.max_points,
        open_points=row.open_points,
        is_passed=row.is_passed,
        is_late=is_late,
        days_late=row.days_late,
        reason=waiting,
        entry=row.id,
        tasks=row.tasks,
    )


def _feedback(connection: Connection, assignment: str) -> Mapping[int, str]:
    """What each student reads, by entry."""
    decisions = decisions_of(connection, entries.c.assignment == assignment)
    cards = tables.cards
    joined = entries.join(cards, entries.c.card == cards.c.id)
    asked = sa.select(entries.c.id, entries.c.submission, entries.c.card_digest, cards.c.card)
    made = {}
    for number, submission, digest, packed in connection.execute(
        asked.select_from(joined).where(entries.c.assignment == assignment)
    ):
        standing = Standing.of(unpacked_card(packed, digest, submission), decisions.get(number, []))
        made[number] = feedback(standing.settled, standing.decisions)
    return made
