"""What is a report of a whole class made of? The gradebook's rows, the numbers over them, who is missing, the pairs.

Cards are unpacked one after the other, as somebody asks for them: a class may be of any size.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from grader.evidence.occupancy import FILE as OCCUPANCY
from grader.frozen import dataclass
from grader.model import Json, ScoreCard
from grader.reports.class_facts import ClassFacts, class_facts, stand_of_row
from grader.reports.occupancy import occupancy_of

if TYPE_CHECKING:
    from grader.gradebook.book import Gradebook
    from grader.gradebook.nouns import Entry, Grade, Row

ORIGINALITY = "originality.json"
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class ClassReport:
    """Everything about a class but the cards. `titles` are those of its tasks."""

    assignment: str
    rows: tuple[Row, ...]
    facts: ClassFacts | None
    titles: Mapping[str, str]
    missing: tuple[Grade, ...]
    originality: Mapping[str, Json] | None  # what `run-all` left of this assignment, in its own form
    note: str
    occupancy: Mapping[str, Json] | None = None  # what `run-all` left of what its workers did, in its own form

    @property
    def pairs(self) -> tuple[Mapping[str, Json], ...]:
        """The pairs of hand-ins that are alike."""
        return tuple(pair for one in self._looked for pair in one["pairs"])

    @property
    def more_pairs(self) -> int:
        """How many more were found than are kept."""
        return sum(one["more"] for one in self._looked)

    @property
    def _looked(self) -> list[Mapping[str, Json]]:
        return self.originality["classes"] if self.originality is not None else []


def class_report(book: Gradebook, assignment: str, state: Path) -> ClassReport:
    """The report. `state` is the folder in which `run-all` left the pairs that are alike, and what its workers did."""
    rows = book.rows(assignment).rows
    titles, lines = _of_cards(book, rows)
    stands = (stand_of_row(row, lines.get(row.variant)) for row in rows)
    facts = class_facts(stands, {(assignment, task): title for task, title in titles.items()})
    grades = book.grades(assignment, has_feedback=False, is_mixed_allowed=True)
    return ClassReport(
        assignment,
        rows,
        facts[0] if facts else None,
        titles,
        tuple(one for one in grades if one.points is None),
        _alike(state / ORIGINALITY, assignment),
        _mixed(book, assignment),
        occupancy_of(state / OCCUPANCY),
    )


def entries(book: Gradebook, report: ClassReport) -> Iterator[Entry]:
    """The hand-ins in full, in the order of the rows."""
    return (book.entry(row.id) for row in report.rows)


def cards(book: Gradebook, report: ClassReport) -> Iterator[ScoreCard]:
    """The cards as they stand."""
    return (entry.settled for entry in entries(book, report))


def _of_cards(book: Gradebook, rows: tuple[Row, ...]) -> tuple[dict[str, str], dict[str, Json]]:
    """What rows do not say: the titles of tasks, and the pass line of each variant, from a card of each form."""
    titles: dict[str, str] = {}
    lines: dict[str, Json] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        key = row.variant, row.rubric_digest
        if key in seen or not row.tasks:
            continue
        seen.add(key)
        card = book.entry(row.id).card
        titles |= {task.task: task.title for task in card.tasks}
        lines[row.variant] = card.pass_points
    return titles, lines


def _mixed(book: Gradebook, assignment: str) -> str:
    counts = [count for _, _, count in book.mixed(assignment)]
    variants = [variant for variant, _, _ in book.mixed(assignment)]
    if len(set(variants)) == len(variants):
        return ""
    said = " and ".join(f"{count:,}" for count in counts)
    return f"Graded by different forms of the rubric ({said} hand-ins): run grader run-all on the whole class again."


def _alike(file: Path, assignment: str) -> Mapping[str, Json] | None:
    """The pairs of the last run, as far as the file is there, is ours and is of this assignment."""
    from grader.documents import schema, validator

    try:
        if file.stat().st_size > _MOST_BYTES:
            return None
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not validator(schema("originality")).is_valid(document):
        return None
    found = [one for one in document["classes"] if one["assignment"] == assignment]
    return {**document, "classes": found} if found else None
