"""How is the ledger's file opened, so that nothing in it is ever lost or taken for something else?

SQLite with a write-ahead log: what was written is there after the death of this process, whole; after a power cut the
last moments may be missing, never a half. The results themselves are in the cache, synced to the disk. A file that is
damaged, of a newer grader or of another program is named and left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from grader.errors import MachineError
from grader.evidence.room import free_bytes, no_space, not_writable

PATIENCE_S = 5.0  # with a program that reads or copies the file
_OTHER = "--state FOLDER"
_OURS = 0x6772_6472  # in the file's header, so that `file` and we tell it from another program's

# Each entry makes the next version of the schema out of the one before. Entries are added, never changed.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            run INTEGER PRIMARY KEY AUTOINCREMENT,
            began TEXT NOT NULL,
            ended TEXT,  -- NULL while it goes on, and where it died
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            command TEXT NOT NULL)""",
        """CREATE TABLE leases (
            lease INTEGER PRIMARY KEY AUTOINCREMENT,
            run INTEGER NOT NULL,
            key TEXT NOT NULL,
            kind TEXT NOT NULL,
            submission TEXT NOT NULL,
            status TEXT,  -- NULL while it goes on
            seconds REAL)""",
        "CREATE INDEX leases_by_key ON leases (key)",
        "CREATE INDEX leases_by_kind ON leases (kind, lease) WHERE seconds IS NOT NULL",
        "CREATE INDEX leases_going_on ON leases (lease) WHERE status IS NULL",
        """CREATE TABLE faults (
            key TEXT NOT NULL,
            lease INTEGER NOT NULL,
            what TEXT NOT NULL,
            happened TEXT NOT NULL,
            is_forgiven INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (key, lease))""",
        """CREATE TABLE cards (
            submission TEXT PRIMARY KEY,
            made_from TEXT NOT NULL,
            card BLOB NOT NULL,  -- JSON, packed by zlib
            checksum BLOB NOT NULL,
            run INTEGER NOT NULL,
            kept TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE fingerprints (
            submission TEXT NOT NULL,
            rule TEXT NOT NULL,
            fingerprint BLOB NOT NULL,  -- JSON, packed by zlib
            checksum BLOB NOT NULL,
            PRIMARY KEY (submission, rule))""",
    ),
)


def opened(path: Path) -> sqlite3.Connection:
    """The database at `path`, made where there is none, brought to this version's schema, checked.

    Raises MachineError where it is damaged, newer than this grader, not a ledger, in use, or cannot be written.
    """
    with suppress(OSError):
        if not path.stat().st_size and Path(f"{path}-wal").stat().st_size:  # SQLite would throw away the log
            raise damaged(path, "the file is empty, and its log is not")
    with told(path):
        database = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL").fetchone()
            database.execute("PRAGMA synchronous = NORMAL")
            _bring_up(database, path)
            _check(database, path)
        except BaseException:
            database.close()
            raise
    return database


def _check(database: sqlite3.Connection, path: Path) -> None:
    with closing(database.execute("PRAGMA quick_check(1)")) as checked:
        said = checked.fetchone()[0]
    if said != "ok":
        raise damaged(path, said.splitlines()[-1])


def _bring_up(database: sqlite3.Connection, path: Path) -> None:
    """Make what this version needs, all of it or nothing."""
    database.execute("BEGIN IMMEDIATE")  # whoever else opens it waits
    try:
        _bring_up_within(database, path)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _bring_up_within(database: sqlite3.Connection, path: Path) -> None:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables:
        database.execute(f"PRAGMA application_id = {_OURS}")
        database.execute("CREATE TABLE schema_version (version INTEGER NOT NULL)")
        database.execute("INSERT INTO schema_version VALUES (0)")
    elif "schema_version" not in tables or database.execute("PRAGMA application_id").fetchone() != (_OURS,):
        raise MachineError.single(
            "this file is of another program, and no ledger",
            where=str(path),
            fix="name another folder with --state FOLDER",
            code="not-a-ledger",
        )
    (version,) = database.execute("SELECT max(version) FROM schema_version").fetchone()
    if version > len(MIGRATIONS):
        raise MachineError.single(
            f"the ledger was written by a newer grader (its form is {version}, this grader knows {len(MIGRATIONS)})",
            where=str(path),
            fix="update the grader, or keep a second ledger with --state FOLDER",
            code="newer-ledger",
        )
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            database.execute(statement)
    database.execute("UPDATE schema_version SET version = ?", (len(MIGRATIONS),))


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What SQLite says, as a MachineError with the path and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(error, path) from error


def _in_words(error: sqlite3.Error, path: Path) -> MachineError:
    name = getattr(error, "sqlite_errorname", "") or ""
    free = free_bytes(path.parent)
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and 0 <= free < 2**16):
        return no_space(path, other=_OTHER)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")):
        return damaged(path, str(error))
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return not_writable(path, str(error), other=_OTHER)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        what, fix = f"another program has held the ledger for {PATIENCE_S:g} s", "close what reads or copies this file"
        return MachineError.single(what, where=str(path), fix=fix, code="ledger-busy")
    what = f"the ledger cannot be used ({name or type(error).__name__}: {error})"
    return MachineError.single(what, where=str(path), fix="check the disk, or name another folder with --state FOLDER")


def damaged(path: Path, said: str) -> MachineError:
    """Nothing is removed or made anew over it: that is for a person to decide."""
    return MachineError.single(
        f"the ledger is damaged ({said}); it is left as it is",
        where=str(path),
        fix=f"move it away (mv {path} {path}.damaged) and start again: results in the cache are not computed again,"
        " only the cards and the record of faults and times begin anew",
        code="ledger-damaged",
    )
