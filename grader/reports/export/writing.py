"""How does an export get onto the disk? Whole or not at all: a file of grades that is half there would be believed.

What stood there before stays until the new file is complete. A file that a spreadsheet holds open is not replaced under
its user's hands: saving there would bring the old grades back.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from grader.documents.wording import clean
from grader.errors import GraderError, MachineError, UsageError
from grader.evidence.whole_files import PREFIX, is_locked_by_us, write_whole
from grader.intake.classes import FOLDER

_BEGUN = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")


def write_export(path: Path, data: bytes) -> None:
    """Write `data` to `path`, over what stands there; what a dead process had begun beside it is removed.

    Raises UsageError for a place where no export belongs, MachineError where a program holds the file or the disk
    refuses: then what stood there is as it was.
    """
    _see_that_it_is_free(path)
    try:
        _sweep(path.parent)
        write_whole(path, data, point="export")
    except OSError as error:
        raise _refused(path, error) from error


def _see_that_it_is_free(path: Path) -> None:
    if FOLDER in path.absolute().parts:
        what = "the class's own folder keeps what the LMS sent as it came"
        raise UsageError.single(what, where=clean(str(path)), fix="name another file: --out FILE")
    if path.is_dir():
        raise UsageError.single("this is a folder", where=clean(str(path)), fix="name a file: --out FILE")
    for lock in (f".~lock.{path.name}#", f"~${path.name}"):  # of LibreOffice, of Excel
        if (path.parent / lock).exists():
            raise MachineError.single(
                "the file is open in a spreadsheet, and nothing was written",
                where=clean(str(path)),
                fix=f"close it there and export again; if nobody has it open, remove {clean(lock)}",
                code="file-open",
            )


def _sweep(folder: Path) -> None:
    """Remove files that a process began and nobody writes any more: the kernel has let go of their lock."""
    if not folder.is_dir():
        return
    for left in folder.iterdir():
        if _BEGUN.fullmatch(left.name) and left.is_file() and not left.is_symlink():
            with suppress(OSError):
                descriptor = os.open(left, os.O_RDONLY)
                try:
                    if is_locked_by_us(descriptor, is_lock_needed=True):
                        left.unlink()
                finally:
                    os.close(descriptor)


def _refused(path: Path, error: OSError) -> GraderError:
    fix = "close the program that holds it" if isinstance(error, PermissionError) else "free some space there"
    return MachineError.single(
        f"it cannot be written ({error.strerror}); what stood there is as it was",
        where=clean(str(path)),
        fix=f"{fix}, or name another file: --out FILE",
        code="not-written",
    )
