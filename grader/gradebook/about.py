"""What does a row say of a hand-in that follows from its card and its place alone? No SQL is here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable
from datetime import UTC, datetime
from pathlib import Path

from grader.cards import KeptCard
from grader.gradebook.nouns import HandInFacts
from grader.model import Json, Student


def about(card: KeptCard, facts: HandInFacts) -> dict[str, Json]:
    """The columns by their names."""
    document = card.document
    students = [Student(**one) for one in document["students"]]
    return {
        "students": students_text(students),
        "source": facts.source,
        "received_at": utc_text(facts.received_at),
        "digest": facts.digest,
        "card_digest": digest_of(card.data),
        "rubric_digest": document["rubric_digest"],
        "variant": document["variant"],
        "terms": document["counting"]["terms"],
        "search": search_text(document["submission"], students),
    }


def is_other(source: str, *, is_gone: bool, folder: str, present: Container[str]) -> bool:
    """Whether a hand-in from `source` that was there is gone, or one that was gone is back.

    `present` are the places of all that are there now. Only what came from `folder` is ever taken for gone.
    """
    if (source not in present) == is_gone:
        return False
    return is_gone or (bool(folder) and str(Path(source).parent) == folder)


def now() -> str:
    """UTC, as text that sorts."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def utc_text(at: datetime | None) -> str | None:
    """An aware time, in UTC; None for one that does not say where its clock stands."""
    return None if at is None or at.tzinfo is None else at.astimezone(UTC).isoformat()


def digest_of(data: bytes) -> str:
    """What tells a card from another, and whether it is damaged."""
    return hashlib.sha256(data).hexdigest()


def students_text(students: Iterable[Student]) -> str:
    """For the database."""
    return json.dumps([[one.id, one.name] for one in students])


def search_text(submission: str, students: Iterable[Student]) -> str:
    """What a search looks through."""
    return "\n".join([submission, *(word for one in students for word in (one.id, one.name))]).casefold()
