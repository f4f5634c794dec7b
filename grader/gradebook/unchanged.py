"""Has the gradebook all of a run as it is? Then the run is noted, and nothing else is read, counted or imported.

Asked of an SQLite file by Python's own module: to import SQLAlchemy takes longer than to look through a class. Whatever
is not just so is left to `grader.gradebook.book`, which changes it, or says in words why it cannot be changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import field
from pathlib import Path
from typing import Final

from grader.cards import KeptCard
from grader.evidence.crash_points import crash_point
from grader.frozen import dataclass
from grader.gradebook import lasting
from grader.gradebook.about import about, digest_of, is_other, now
from grader.gradebook.migrations import VERSION_TABLE, steps
from grader.gradebook.nouns import HandInFacts, Recorded
from grader.gradebook.place import OURS, PATIENCE_S
from grader.intake.classes import ClassList, class_json
from grader.model import Json

_PLAIN: Final = re.compile(r"sqlite:///(/[^?%#\0-\x1f\x7f\ud800-\udfff]+)")
_ODD: Final = re.compile("[\0\ud800-\udfff\ufdd0]")  # text that is kept in another way
_LOGGED: Final = 2  # in the header of a file with a write-ahead log
_ABOUT: Final = (
    "students", "source", "received_at", "digest", "card_digest", "rubric_digest", "variant", "terms", "search",
)  # fmt: skip


def is_ready(url: str) -> bool:
    """Whether this is a whole gradebook of this version, with all that was ever saved in it. False where in doubt."""
    try:
        connection = _looked_into(url)
    except (sqlite3.Error, OSError):
        return False
    if connection is None:
        return False
    connection.close()
    return True


def recorded(
    url: str,
    cards: Iterable[tuple[KeptCard, HandInFacts]],
    *,
    class_list: ClassList | None,
    run: Mapping[str, str],
    folder: str,
) -> Recorded | None:
    """Note a run that changes nothing: what `Gradebook.record` would come to. None where something is to be done.

    `run` are its command and what it was made with; with `folder` these are all the hand-ins of that folder.
    """
    wanted = None if _ODD.search("".join(run.values())) else _wanted(cards)
    file = _file_of(url)
    if wanted is None or file is None:
        return None
    found = Recorded(same=len(wanted.rows))
    counts = {"new": found.new, "changed": found.changed, "same": found.same, "flagged": found.flagged}
    try:
        connection = _looked_into(url)
        if connection is None:
            return None
        with closing(connection):
            if not (_has_list(connection, class_list) and _has_all(connection, wanted, folder)):
                return None
            number = _number(connection)
            connection.execute("COMMIT")
            crash_point("gradebook.record")
            if not _noted(connection, number, {**run, "at": now(), "counts": json.dumps(counts)}):
                return None
    except (sqlite3.Error, OSError):
        return None
    lasting.note(file, number + 1)
    return found


# --- the file ------------------------------------------------------------------------------------


def _file_of(url: str) -> Path | None:
    found = _PLAIN.fullmatch(url)
    return Path(found[1]) if found else None


def _looked_into(url: str) -> sqlite3.Connection | None:
    """The database, in a transaction that reads; None where it is not just as this version leaves it."""
    file = _file_of(url)
    if file is None:
        return None
    count = lasting.told(file)
    with file.open("rb") as opened:
        header = opened.read(100)
    is_ours = header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") == OURS
    if not is_ours or header[18] != _LOGGED:
        return None
    connection = sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        asked = ("PRAGMA quick_check(1)", "PRAGMA application_id", f"SELECT max(version_num) FROM {VERSION_TABLE}")  # noqa: S608
        found = [connection.execute(one).fetchone()[0] for one in asked]
        if found == ["ok", OURS, steps()[-1]] and _number(connection) >= count:
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _number(connection: sqlite3.Connection) -> int:
    """Of the last change; `grader.gradebook.lasting` counts them."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _noted(connection: sqlite3.Connection, number: int, run: Mapping[str, str]) -> bool:
    """Write the run, unless somebody has written since."""
    connection.execute("BEGIN IMMEDIATE")
    if _number(connection) != number:
        return False
    names = ", ".join(run)
    places = ", ".join("?" * len(run))
    connection.execute(f"INSERT INTO runs ({names}) VALUES ({places})", tuple(run.values()))  # noqa: S608
    connection.execute(f"PRAGMA user_version = {number + 1}")
    crash_point("gradebook.commit")
    connection.execute("COMMIT")
    crash_point("gradebook.committed")
    return True


# --- what is in it -------------------------------------------------------------------------------


@dataclass
class _Wanted:
    """What the rows have to say, as a digest, by assignment and hand-in; and the places of the hand-ins."""

    rows: dict[tuple[str, str], bytes] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)


def _wanted(cards: Iterable[tuple[KeptCard, HandInFacts]]) -> _Wanted | None:
    """None where a card has no place in the gradebook."""
    wanted = _Wanted()
    for card, facts in cards:
        place = (card.document["assignment"], card.document["submission"])
        if not card.document["rubric_digest"] or place in wanted.rows:
            return None
        wanted.rows[place] = _digest(about(card, facts).values())
        wanted.places.add(facts.source)
    return wanted


def _has_list(connection: sqlite3.Connection, class_list: ClassList | None) -> bool:
    """Whether the roster is recorded."""
    if class_list is None:
        return True
    asked = "SELECT digest FROM class_lists WHERE assignment = ? AND is_current"
    found = connection.execute(asked, (class_list.assignment,)).fetchall()
    return found == [(digest_of(json.dumps(class_json(class_list)).encode()),)]


def _has_all(connection: sqlite3.Connection, wanted: _Wanted, folder: str) -> bool:
    """Whether all that is wanted is there, each card undamaged, and no hand-in is to be told gone or back."""
    columns = ", ".join(f"entries.{name}" for name in _ABOUT)
    asked = f"SELECT assignment, submission, is_gone, cards.card, {columns} FROM entries LEFT JOIN cards ON entries.card = cards.id"  # noqa: E501, S608
    left = set(wanted.rows)
    for assignment, submission, is_gone, card, *told in connection.execute(asked):
        row = dict(zip(_ABOUT, told, strict=True))
        if _ODD.search(row["source"]) or is_other(
            row["source"], is_gone=bool(is_gone), folder=folder, present=wanted.places
        ):
            return False
        place = (assignment, submission)
        if place not in left:
            continue
        left.discard(place)
        if wanted.rows[place] != _digest(told) or not _is_whole(card, row["card_digest"]):
            return False
    return not left


def _is_whole(card: bytes | None, digest: str) -> bool:
    try:
        return card is not None and digest_of(zlib.decompress(card)) == digest
    except zlib.error:
        return False


def _digest(values: Iterable[Json]) -> bytes:
    return hashlib.sha256(json.dumps(list(values)).encode()).digest()
