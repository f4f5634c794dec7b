"""Is all that was saved in this SQLite file still there? SQLite itself takes a lost log, or an older copy, for all.

    gradebook.db           counts its changes in its header, in the transaction of each
    gradebook.db-wal       the latest of them, as long as somebody has it open, or after a kill
    gradebook.db-changes   the last number that was told to be saved, in plain text: written behind each transaction

Who finds fewer changes in the file than were told, or no file at all, says so, and begins nothing anew.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import MachineError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def _beside(file: Path) -> Path:
    return Path(f"{file}-changes")


def told(file: Path) -> int:
    """How many changes were told to be saved; 0 where nothing says so. To be asked before the file is read."""
    with suppress(OSError, ValueError):
        return int(_beside(file).read_text(encoding="ascii")[:20])
    return 0


def counted(connection: Connection) -> int:
    """Count a change, within its transaction; the number of it."""
    number = there(connection) + 1
    connection.exec_driver_sql(f"PRAGMA user_version = {number}")
    return number


def there(connection: Connection) -> int:
    """How many changes are in the file and its log."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def note(file: Path, number: int) -> None:
    """Tell that a change is saved. What cannot be written here is not missed later: the change itself is safe."""
    with suppress(OSError):
        _beside(file).write_text(f"{number}\n", encoding="ascii")


def gone(file: Path, count: int) -> MachineError:
    """The file itself is not there."""
    return MachineError.single(
        f"the gradebook that was here is gone: {count:,} changes were saved in it",
        where=str(file),
        fix=f"put it back, or its latest copy; to begin anew without it, remove {_beside(file).name}",
        code="gradebook-gone",
    )


def fewer(file: Path, found: int, count: int, *, has_log: bool) -> MachineError:
    """Changes are missing: those that were only in the log, or those since an older copy was made."""
    log = Path(f"{file}-wal")
    lost = "1 is" if count - found == 1 else f"{count - found:,} are"
    why = "" if has_log else f", and its log, {log.name}, is not beside it"
    return MachineError.single(
        f"{count:,} changes were saved in the gradebook, of which the last {lost} not there{why}",
        where=str(file),
        fix=f"put {log.name} back, or the latest copy of the gradebook; to go on without what is lost, remove"
        f" {_beside(file).name}",
        code="gradebook-without-log",
    )
