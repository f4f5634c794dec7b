"""What has happened to each job, over all runs of a course? Leases, faults, seconds, and the card of each submission.

    lease -> the job is placed -> finish (once), or fault -> lease again, as often as the runner allows

Results are not here but in the cache, by content; the ledger knows who was working on what. A lease is a number that
only grows, over runs too: a result that comes with an older one, from a worker that was given up, is dropped. Seconds
are those of a monotonic clock and are handed in; the time of day is for display.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import statistics
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from grader.errors import MachineError
from grader.evidence.crash_points import crash_point
from grader.evidence.database import opened, told
from grader.evidence.lock import Lock
from grader.evidence.room import tried
from grader.evidence.whole_files import sweep
from grader.model import EvidenceStatus, Json

log = logging.getLogger(__name__)

FILE = "ledger.db"
LOST = "lost"  # the status of what was going on when the grader itself died
FAULT = "fault"
OVER = "over"  # a later lease of the same job was given
_RAN = (
    EvidenceStatus.DONE,
    EvidenceStatus.STUDENT_FAULT,
)  # the job came to its end: it is no poison, and took its time
_MOST_RUNS = 201  # the latest ones of a kind say how long the next takes


class Ledger:
    """The record of a course's jobs, in a folder of its own. One grader writes it at a time; threads may share it."""

    def __init__(self, folder: Path, lock: Lock, database: sqlite3.Connection) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._lock = lock
        self._database = database
        self._turn = threading.RLock()
        self._inode = self.path.stat().st_ino
        self._medians: dict[str, float | None] = {}
        with self._written():
            database.execute("BEGIN IMMEDIATE")
            lost = database.execute("UPDATE leases SET status = ? WHERE status IS NULL", (LOST,)).rowcount
            owner = lock.owner
            began = (owner.since, owner.host, owner.pid, owner.command)
            self.run = database.execute(
                "INSERT INTO runs (began, host, pid, command) VALUES (?, ?, ?, ?)", began
            ).lastrowid
            database.execute("COMMIT")
        self.lost = lost  # jobs that were going on when the last grader here died
        if lock.before is not None:
            log.warning("the last grader here did not end by itself: %s; %d jobs were going on", lock.before, lost)

    @classmethod
    def open(cls, folder: Path, *, command: str = "") -> Self:
        """The ledger in `folder`, which is made where it is missing. `command` is shown to whoever finds it in use.

        Raises MachineError, before anything runs, where another grader works there, where the folder cannot be
        written or has no space, or where the file is damaged or of a newer grader.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder)) as ledger:
        ...     first = ledger.lease("a-key", "predict", "ada")
        ...     again = ledger.lease("a-key", "predict", "ada")  # its worker was given up
        ...     print(ledger.finish("a-key", first, "done", 1.5), ledger.finish("a-key", again, "done", 1.5))
        False True
        """
        tried(folder, other="--state FOLDER")
        lock = Lock.take(folder, command=command)
        try:
            database = opened(folder / FILE)
            try:
                return cls(folder, lock, database)
            except BaseException:
                database.close()
                raise
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Fold the log into the file, and let the next grader in. Closing twice is no fault."""
        with self._turn:
            with suppress(sqlite3.Error):
                self._database.execute("UPDATE runs SET ended = ? WHERE run = ?", (_now(), self.run))
            with suppress(sqlite3.Error):
                self._database.close()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- jobs --------------------------------------------------------------------------------

    def lease(self, key: str, kind: str, submission: str) -> int:
        """Write down that a job is about to start; its lease, higher than every one before.

        An earlier lease of the same job is over with that.
        """
        crash_point("ledger.lease")
        with self._written():
            self._see_that_it_is_there()
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("UPDATE leases SET status = ? WHERE key = ? AND status IS NULL", (OVER, key))
            given = self._database.execute(
                "INSERT INTO leases (run, key, kind, submission) VALUES (?, ?, ?, ?)", (self.run, key, kind, submission)
            ).lastrowid
            self._database.execute("COMMIT")
        crash_point("ledger.leased")
        assert given is not None  # noqa: S101  an INSERT has a row
        return given

    def finish(self, key: str, lease: int, status: str, seconds: float) -> bool:
        """Take a result, once for each lease. False for a second one, and for one whose lease is over: drop it.

        After its fault a lease can only come to a system fault: that the job is not tried again.
        """
        crash_point("ledger.finish")
        with self._written():
            before = FAULT if status == EvidenceStatus.SYSTEM_FAULT else None
            is_first = self._database.execute(
                "UPDATE leases SET status = ?, seconds = ? WHERE lease = ? AND key = ? AND coalesce(status, ?) IS ?",
                (str(status), seconds if status in _RAN else None, lease, key, before, before),
            ).rowcount
            if is_first and status in _RAN:
                self._database.execute("UPDATE faults SET is_forgiven = 1 WHERE key = ?", (key,))
                self._medians.clear()
        crash_point("ledger.finished")
        if not is_first:
            log.warning("a late or second result of job %.12s (lease %d, %s) is dropped", key, lease, status)
        return bool(is_first)

    def fault(self, key: str, lease: int, what: str) -> int:
        """Count a fault of the system with this job, such as a worker that died; the count so far, over all runs.

        The lease is over with it. The same lease counts once, however often its fault is told.
        """
        crash_point("ledger.fault")
        with self._written():
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("UPDATE leases SET status = ? WHERE lease = ? AND status IS NULL", (FAULT, lease))
            self._database.execute(
                "INSERT OR IGNORE INTO faults (key, lease, what, happened) VALUES (?, ?, ?, ?)",
                (key, lease, what[:1000], _now()),
            )
            self._database.execute("COMMIT")
            count = self.faults(key)
        log.warning("system fault %d of job %.12s (lease %d): %s", count, key, lease, what)
        return count

    def faults(self, key: str) -> int:
        """How many system faults this job has had since it last came to its end, or was forgiven."""
        with self._written():
            asked = "SELECT count(*) FROM faults WHERE key = ? AND NOT is_forgiven"
            return int(self._database.execute(asked, (key,)).fetchone()[0])

    def forgive(self, keys: Iterable[str] | None = None) -> int:
        """Forget the faults of these jobs, or of all; how many jobs had some."""
        with self._written():
            every = [key for (key,) in self._database.execute("SELECT DISTINCT key FROM faults WHERE NOT is_forgiven")]
            wanted = every if keys is None else sorted(set(every) & set(keys))
            self._database.executemany("UPDATE faults SET is_forgiven = 1 WHERE key = ?", ((key,) for key in wanted))
            return len(wanted)

    def seconds_of(self, kind: str, key: str | None = None) -> float | None:
        """The median seconds of earlier runs: of this very job where it has been run, else of its kind."""
        with self._written():
            if key is not None:
                asked = "SELECT seconds FROM leases WHERE key = ? AND seconds IS NOT NULL ORDER BY lease DESC LIMIT ?"
                own = [float(seconds) for (seconds,) in self._database.execute(asked, (key, _MOST_RUNS))]
                if own:
                    return statistics.median(own)
            if kind not in self._medians:
                asked = "SELECT seconds FROM leases WHERE kind = ? AND seconds IS NOT NULL ORDER BY lease DESC LIMIT ?"
                known = [float(seconds) for (seconds,) in self._database.execute(asked, (kind, _MOST_RUNS))]
                self._medians[kind] = statistics.median(known) if known else None
            return self._medians[kind]

    # --- cards -------------------------------------------------------------------------------

    def keep_card(self, submission: str, card: Mapping[str, Json], *, made_from: str) -> None:
        """Keep a submission's scorecard, over the one before. `made_from` names all that went into it, as a digest."""
        packed = zlib.compress(json.dumps(card).encode(), 1)  # in the card's own order: what is printed stays the same
        row = (submission, made_from, packed, _checksum(submission, made_from, packed), self.run, _now())
        crash_point("ledger.keep-card")
        with self._written():
            self._database.execute("INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?, ?, ?)", row)
        crash_point("ledger.kept-card")

    def card(self, submission: str, *, made_from: str | None = None) -> Mapping[str, Json] | None:
        """The kept scorecard; None where there is none, it is damaged, or it was made from something else."""
        data = self.card_bytes(submission, made_from=made_from)
        return None if data is None else json.loads(data)

    def card_bytes(self, submission: str, *, made_from: str | None = None) -> bytes | None:
        """The same as JSON, just as it is kept."""
        with self._written():
            asked = "SELECT made_from, card, checksum FROM cards WHERE submission = ?"
            row = self._database.execute(asked, (submission,)).fetchone()
        if row is None or (made_from is not None and row[0] != made_from):
            return None
        if _checksum(submission, row[0], row[1]) != row[2]:
            log.warning("the kept card of %r is damaged and is made again", submission)
            return None
        return zlib.decompress(row[1])

    def cards(self, submissions: Iterable[str]) -> Iterator[Mapping[str, Json] | None]:
        """The kept cards in the order asked, read one by one; None for each that is not there or is damaged."""
        return (self.card(submission) for submission in submissions)

    # --- fingerprints ------------------------------------------------------------------------

    def keep_fingerprints(self, submission: str, fingerprints: Mapping[str, Json]) -> None:
        """Keep what rules keep of a submission, by the rules' ids, over all that was kept of it before."""
        packed = {
            rule: zlib.compress(json.dumps(one, sort_keys=True).encode(), 1) for rule, one in fingerprints.items()
        }
        rows = [(submission, rule, one, _checksum(submission, rule, one)) for rule, one in packed.items()]
        with self._written():
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM fingerprints WHERE submission = ?", (submission,))
            self._database.executemany("INSERT INTO fingerprints VALUES (?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")

    def fingerprint(self, submission: str, rule: str) -> Mapping[str, Json] | None:
        """What a rule keeps of a submission; None where there is nothing, or it is damaged."""
        row = self._fingerprint(submission, rule)
        if row is None:
            return None
        if _checksum(submission, rule, row[0]) != row[1]:
            log.warning("what was kept of %r for the rule %r is damaged", submission, rule)
            return None
        kept: Mapping[str, Json] = json.loads(zlib.decompress(row[0]))
        return kept

    def fingerprint_digest(self, submission: str, rule: str) -> str | None:
        """What tells it from another; empty where there is nothing, None where it is damaged."""
        row = self._fingerprint(submission, rule)
        if row is None:
            return ""
        return row[1].hex() if _checksum(submission, rule, row[0]) == row[1] else None

    def _fingerprint(self, submission: str, rule: str) -> tuple[bytes, bytes] | None:
        with self._written():
            asked = "SELECT fingerprint, checksum FROM fingerprints WHERE submission = ? AND rule = ?"
            row: tuple[bytes, bytes] | None = self._database.execute(asked, (submission, rule)).fetchone()
        return row

    def sweep(self) -> int:
        """Remove files of the state folder that dead processes had begun; how many."""
        return sweep(self.folder)

    # --- the file ----------------------------------------------------------------------------

    @contextmanager
    def _written(self) -> Iterator[None]:
        """One thread at a time; what was begun and refused is undone, and told as a MachineError."""
        with self._turn, told(self.path):
            try:
                yield
            except BaseException:
                if self._database.in_transaction:
                    with suppress(sqlite3.Error):
                        self._database.execute("ROLLBACK")
                raise

    def _see_that_it_is_there(self) -> None:
        """A file that was removed is written on without a word, by SQLite as by others."""
        try:
            is_there = self.path.stat().st_ino == self._inode
        except OSError:
            is_there = False
        if not is_there:
            raise MachineError.single(
                "the ledger was removed or replaced while it was in use",
                where=str(self.path),
                fix="leave this folder alone while grading goes on, and start again: results are kept in the cache",
                code="ledger-gone",
            )


def _checksum(submission: str, made_from: str, packed: bytes) -> bytes:
    return hashlib.sha256(json.dumps([submission, made_from]).encode() + packed).digest()


def _now() -> str:
    """The time of day, for people to read."""
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
