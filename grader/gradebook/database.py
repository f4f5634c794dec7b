"""How is the gradebook's database opened, so that no grade is ever lost, and what it refuses is said in words?

SQLite with a write-ahead log and FULL sync: what was told to be saved is there after a power cut. PostgreSQL by URL.
What is missing of the schema is made, all of it or nothing, by whoever opens it first. A database that is damaged, of a
newer grader or of another program is named and left alone.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from grader.errors import MachineError, UsageError
from grader.evidence.crash_points import crash_point
from grader.evidence.room import free_bytes, no_space, not_writable
from grader.gradebook import lasting, migrations
from grader.gradebook.migrations import VERSION_TABLE, steps
from grader.gradebook.place import OURS, PATIENCE_S
from grader.gradebook.tables import metadata

OTHER = "--gradebook URL"
_POOL: Final = {"max_overflow": 45, "pool_timeout": 30}  # more at once than a page's server has threads
_UPGRADING: Final = threading.Lock()  # Alembic knows one database at a time
_LOCK: Final = 0x67726462  # PostgreSQL's, as long as the schema is looked at
HEAD = "head"  # Alembic's word for the last step
WRITES: Final = {"grader_writes": True}  # a connection that will write takes its turn from the beginning
_STEPS: Final = Path(migrations.__file__).parent


def parsed(url: str) -> URL:
    """The URL. Raises UsageError for what is none, or of a database that is not supported."""
    try:
        made = make_url(url)
    except ArgumentError:
        made = None
    if made is None or made.get_backend_name() not in ("sqlite", "postgresql") or not made.database:
        shown = made.render_as_string(hide_password=True) if made is not None else url
        what, fix = f"{shown!r} is no gradebook", "write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        raise UsageError.single(what, where="--gradebook", fix=fix)
    return made


def file_of(url: URL) -> Path | None:
    """The file of an SQLite database."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def opened(url: URL, *, is_new_allowed: bool = True) -> Engine:
    """An engine for the database at `url`, with this version's schema. Raises MachineError, and changes nothing then.

    Without `is_new_allowed` one that is not there is a UsageError.
    """
    file = file_of(url)
    count = lasting.told(file) if file is not None else 0
    has_log = Path(f"{file}-wal").exists()
    is_there = file is not None and _looked_at(file, count, is_new_allowed=is_new_allowed)
    with told(url):
        engine = _engine(url)
        try:
            if file is not None and is_there:
                _checked(engine, file, count, has_log=has_log)
            with engine.connect() as connection, connection.begin():
                is_current = _is_current(connection, url, is_new_allowed=is_new_allowed)
            if not is_current:
                with written(engine, url) as connection:
                    _locked(connection)
                    if not _is_current(connection, url, is_new_allowed=is_new_allowed):
                        _upgraded(connection, is_file=file is not None)
        except BaseException:
            engine.dispose()
            raise
    return engine


def _in_wal(connection: sqlite3.Connection) -> None:
    """Once set it stays with the file. Who sets it at the same moment as another is refused at once, with no wait."""
    end = time.monotonic() + PATIENCE_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > end:
                raise
            time.sleep(0.02)


@contextmanager
def written(engine: Engine, url: URL) -> Iterator[Connection]:
    """A transaction that writes: all of it is saved when this ends, or nothing."""
    file = file_of(url)
    number = 0
    with engine.connect().execution_options(**WRITES) as connection:
        with connection.begin():
            yield connection
            if file is not None:
                number = lasting.counted(connection)
            crash_point("gradebook.commit")
        crash_point("gradebook.committed")
    if file is not None:
        lasting.note(file, number)


def _checked(engine: Engine, file: Path, count: int, *, has_log: bool) -> None:
    """See that a file is whole, and has all that was ever saved in it."""
    with engine.connect() as connection, connection.begin():
        said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        found = lasting.there(connection)
    if said != "ok":
        raise damaged(str(file), said.splitlines()[-1])
    if found < count:
        raise lasting.fewer(file, found, count, has_log=has_log)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        options = {"connect_timeout": int(PATIENCE_S), "options": f"-c lock_timeout={int(PATIENCE_S * 1000)}"}
        return sa.create_engine(url, connect_args=options, pool_pre_ping=True, **_POOL)
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE_S}, **_POOL)

    @event.listens_for(engine, "connect")
    def prepared(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, and hold the schema's changes too
        _in_wal(connection)
        connection.execute("PRAGMA synchronous = FULL").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("grader_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _looked_at(file: Path, count: int, *, is_new_allowed: bool) -> bool:
    """Whether there is a file. Sees what SQLite would pass over without a word, and changes nothing."""
    size = file.stat().st_size if file.is_file() else -1
    log = Path(f"{file}-wal")
    with suppress(OSError):
        if log.stat().st_size and size <= 0:
            raise damaged(str(file), f"the file is {'missing' if size else 'empty'}, and its log is not")
    if size < 0 and count:
        raise lasting.gone(file, count)
    if size > 0 and _is_of_another(file):
        raise _not_ours(str(file))
    if size < 0:
        if not is_new_allowed:
            raise _no_gradebook(str(file))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)  # grades are nobody else's business; its log is made alike
        except OSError as error:
            raise not_writable(file.parent, error.strerror or str(error), other=OTHER) from error
    return size > 0


def _is_of_another(file: Path) -> bool:
    """Whether the header of an SQLite file says so: to open it would change it. What is no such file, SQLite tells."""
    try:
        with file.open("rb") as opened_file:
            header = opened_file.read(100)
    except OSError:
        return False
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        return False
    name, has_log = int.from_bytes(header[68:72], "big"), header[18] == 2
    return name != OURS and (name != 0 or not has_log)  # ours may have its name in the log only


def _locked(connection: Connection) -> None:
    """Nobody else makes the schema until this transaction ends; in SQLite nobody writes anyhow."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _is_current(connection: Connection, url: URL, *, is_new_allowed: bool) -> bool:
    """Whether the schema is this version's; False where there is less of it, or none."""
    where = where_of(url)
    is_sqlite = url.get_backend_name() == "sqlite"
    there = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE not in there:
        if (is_sqlite and there) or there & set(metadata.tables):
            raise _not_ours(where)
        if not is_new_allowed:
            raise _no_gradebook(where)
        return False
    if is_sqlite and connection.exec_driver_sql("PRAGMA application_id").scalar_one() != OURS:
        raise _not_ours(where)
    version = connection.exec_driver_sql(f"SELECT max(version_num) FROM {VERSION_TABLE}").scalar() or ""  # noqa: S608
    known = steps()
    if version and version not in known:
        raise MachineError.single(
            f"the gradebook was written by a newer grader (its form is {version}, this grader knows {known[-1]})",
            where=where,
            fix=f"update the grader, or keep a second gradebook with {OTHER}",
            code="newer-gradebook",
        )
    return bool(version == known[-1])


def _not_ours(where: str) -> MachineError:
    what = "this database is of another program, and no gradebook"
    return MachineError.single(what, where=where, fix=f"name another with {OTHER}", code="not-a-gradebook")


def _upgraded(connection: Connection, *, is_file: bool) -> None:
    from alembic import command
    from alembic.config import Config

    if is_file:
        connection.exec_driver_sql(f"PRAGMA application_id = {OURS}")
    settings = Config(attributes={"connection": connection})
    settings.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    with _UPGRADING:
        command.upgrade(settings, HEAD)


# --- in words ------------------------------------------------------------------------------------


def where_of(url: URL) -> str:
    """The database as messages name it: a path, or a URL without its password."""
    file = file_of(url)
    return str(file) if file is not None else url.render_as_string(hide_password=True)


@contextmanager
def told(url: URL) -> Iterator[None]:
    """What the database says, as a MachineError with its place and what to do."""
    try:
        yield
    except DBAPIError as error:
        raise _in_words(error, url) from error
    except PoolTimeoutError as error:
        raise _busy(where_of(url)) from error
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and "psycopg" in str(error):
            what, fix = "the driver of PostgreSQL is not installed", "pip install 'grader[postgres]'"
            raise MachineError.single(what, where=where_of(url), fix=fix, code="no-driver") from error
        raise


def _in_words(error: DBAPIError, url: URL) -> MachineError:
    file = file_of(url)
    return _of_sqlite(error.orig, file) if file is not None else _of_postgresql(error, where_of(url))


def _of_sqlite(error: Any, file: Path) -> MachineError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and 0 <= free_bytes(file.parent) < 2**16):
        return no_space(file, other=OTHER)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT")):
        return damaged(str(file), str(error))
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return not_writable(file, str(error), other=OTHER)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return _busy(str(file))
    return _unusable(str(file), f"{name or type(error).__name__}: {error}")


def _of_postgresql(error: DBAPIError, where: str) -> MachineError:
    state = getattr(error.orig, "sqlstate", None) or ""
    said = " ".join(str(error.orig).split())[:300]
    if state == "55P03":
        return _busy(where)
    if state in ("53100", "53200"):
        fix = "free some space on the database's machine: nothing of this was saved, what was saved before is"
        return MachineError.single(f"the database is full ({said})", where=where, fix=fix, code="no-space")
    if state in ("42501", "25006", "28000", "28P01"):
        what, fix = f"the database refuses this user ({said})", "ask its administrator, or name another user in the URL"
        return MachineError.single(what, where=where, fix=fix, code="not-writable")
    if state in ("", "3D000", "57P01", "57P02", "57P03", "08006", "08001") or error.connection_invalidated:
        what, fix = f"the database does not answer ({said})", f"see that it runs, or name another with {OTHER}"
        return MachineError.single(what, where=where, fix=fix, code="unreachable")
    return _unusable(where, f"{state}: {said}")


def _busy(where: str) -> MachineError:
    what = f"another program has held the gradebook for {PATIENCE_S:g} s; nothing of this was saved"
    return MachineError.single(what, where=where, fix="close what holds it, and try again", code="gradebook-busy")


def _unusable(where: str, said: str) -> MachineError:
    what = f"the gradebook cannot be used ({said})"
    fix = f"check the disk or the database, or name another gradebook with {OTHER}"
    return MachineError.single(what, where=where, fix=fix)


def _no_gradebook(where: str) -> UsageError:
    return UsageError.single("there is no gradebook yet", where=where, fix="grade a class first: grader run-all FOLDER")


def damaged(where: str, said: str) -> MachineError:
    """Nothing is removed or made anew over it: that is for a person to decide."""
    return MachineError.single(
        f"the gradebook is damaged ({said}); it is left as it is",
        where=where,
        fix="put the latest copy of it in its place; without one, move it away (with its -wal and -shm, if they are"
        " there) and run grader run-all again: cards are made anew, what people decided is in the damaged file only",
        code="gradebook-damaged",
    )
