"""Where is the gradebook of a course? As the command, the environment or grader.toml says; else in its folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grader.course import Course

VARIABLE: Final = "GRADER_GRADEBOOK"
STATE_VARIABLE: Final = "GRADER_STATE"
FILE: Final = "gradebook.db"
OURS: Final = 0x67726462  # in the header of an SQLite file, so that `file` and we tell it from another program's
PATIENCE_S: Final = 10.0  # with others who write
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+]*://")


def gradebook_url(
    course: Course, said: str = "", *, state: Path | None = None, environment: Mapping[str, str] = os.environ
) -> str:
    """The URL of the course's gradebook: `said` (--gradebook), else GRADER_GRADEBOOK, else `url` of grader.toml.

    Else it is a file beside the ledger: in `state`, in GRADER_STATE, or in .grader of the course's folder. A path
    instead of a URL is that of an SQLite file, in grader.toml relative to the course.
    """
    if written := said or environment.get(VARIABLE, ""):
        return as_url(written, Path.cwd())
    if course.gradebook:
        return as_url(course.gradebook, course.root)
    folder = state or environment.get(STATE_VARIABLE) or course.root / ".grader"
    return as_url(str(Path(folder) / FILE), Path.cwd())


def as_url(written: str, base: Path) -> str:
    """A path as the URL of an SQLite file; of several ways to write PostgreSQL's, the one with our driver.

    >>> as_url("grades.db", Path("/course")), as_url("postgres://db/grades", Path("/course"))
    ('sqlite:////course/grades.db', 'postgresql+psycopg://db/grades')
    """
    if not _SCHEME.match(written):
        return f"sqlite:///{base / Path(written).expanduser()}"
    if written.startswith("sqlite:///") and not written.startswith("sqlite:////"):
        return f"sqlite:///{base / written.removeprefix('sqlite:///')}"
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", written)
