"""How does Gradescope run the checks itself? By a zip with the grader, the course's rules and two scripts.

    setup.sh          once, when the image is built: Python and the libraries
    run_autograder    for every submission: `grader check` on it, then results/results.json
    lib/grader/       this very program
    course/           grader.toml, the rubric, measured bands, the assignment's template: no hand-in and no solution

A submission is somebody else's code: where no sandbox holds, none of it is run, and the run fails as the machine's
fault. Then there is no results.json, which Gradescope shows as a failure of the autograder and not as a 0.
"""

from __future__ import annotations

import io
import re
import shlex
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from grader.course import Course
from grader.errors import CourseError
from grader.reports.export.gradescope import VISIBILITIES

_DATE = (1980, 1, 1, 0, 0, 0)  # the same course gives the same bytes
# What the package needs elsewhere, and a check of one submission does not.
NOT_NEEDED = frozenset({
    "alembic", "fastapi", "jinja2", "openpyxl", "pytest", "python-multipart", "ray", "sqlalchemy", "uvicorn",
})  # fmt: skip
_PICTURES = frozenset({".png", ".jpg", ".jpeg"})

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image of the autograder.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
for python in python3 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
    python=""
done
if [ -z "$python" ]; then
    apt-get update && apt-get install -y python3.11 python3.11-venv
    python=python3.11
fi
if ! "$python" -m venv "$ROOT/venv"; then
    apt-get update && apt-get install -y python3-venv
    "$python" -m venv "$ROOT/venv"
fi
"$ROOT/venv/bin/python" -m pip install -r "$ROOT/source/requirements.txt"
"""

RUN = """#!/usr/bin/env bash
# Gradescope runs this for every submission: ROOT/submission in, ROOT/results/results.json out.
set -euo pipefail
ROOT="$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"
[ -d "$ROOT/source" ] || ROOT="$(dirname "$ROOT")"
SOURCE="$ROOT/source"
PYTHON="$ROOT/venv/bin/python"
[ -x "$PYTHON" ] || PYTHON=python3
WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
export PYTHONPATH="$SOURCE/lib" GRADER_CACHE="$WORK/cache" PYTHONDONTWRITEBYTECODE=1
cd "$WORK"
mkdir -p "$ROOT/results"
rm -f "$ROOT/results/results.json"
code=0
"$PYTHON" -m grader check "$ROOT/submission" --assignment {assignment} --course "$SOURCE/course"{variant} \\
    --of-others --staff --json > "$WORK/card.json" || code=$?
if [ "$code" -ne 0 ] && [ "$code" -ne 4 ]; then
    echo "not graded, for a reason that is not the student's (exit code $code): see the lines above" >&2
    exit "$code"
fi
"$PYTHON" -m grader export {assignment} --to gradescope --card "$WORK/card.json" \\
    --out "$ROOT/results/results.json"{wishes}
"""


def autograder_zip(
    course: Course, assignment: str, *, variant: str = "", visibility: str = "visible", for_staff: bool = False
) -> bytes:
    """The zip to upload as the autograder of a programming assignment.

    Raises CourseError where the rubrics lie outside of the course's folder: there they could not be read.
    """
    if visibility not in VISIBILITIES:
        raise ValueError(f"{visibility!r} is none of {VISIBILITIES}")
    wishes = f" --visibility {visibility}" + (" --staff" if for_staff else "")
    run = RUN.format(
        assignment=shlex.quote(assignment),
        variant=f" --variant {shlex.quote(variant)}" if variant else "",
        wishes=wishes,
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "setup.sh", SETUP.encode(), is_program=True)
        _add(archive, "run_autograder", run.encode(), is_program=True)
        _add(archive, "requirements.txt", "".join(f"{one}\n" for one in requirements()).encode())
        package = Path(__file__).parents[2]
        for file in sorted(package.rglob("*")):
            if file.is_file() and not _is_hidden(file, package, "__pycache__"):
                _add(archive, f"lib/grader/{file.relative_to(package).as_posix()}", file.read_bytes())
        for path, file in sorted(_course_files(course, assignment)):
            _add(archive, f"course/{path}", file.read_bytes())
    return buffer.getvalue()


def requirements() -> list[str]:
    """The libraries that a check needs, in the versions that are installed here.

    >>> [one.partition("==")[0] for one in requirements()][:2]
    ['click', 'rich']
    """
    made = []
    for said in metadata.requires("grader") or ():
        name = re.match(r"[A-Za-z0-9._-]+", said)
        if name is None or "extra ==" in said or name[0].lower() in NOT_NEEDED:
            continue
        version = metadata.version(name[0]).partition("+")[0]  # a build for one kind of GPU is named behind the plus
        made.append(f"{name[0]}=={version}")
    return made


def _course_files(course: Course, assignment: str) -> Iterator[tuple[str, Path]]:
    """What a check reads of the course, by its path in the course's folder."""
    yield "grader.toml", course.root / "grader.toml"
    for name in sorted({assignment, *course.terms}):  # those that grader.toml names have to be there
        file = course.rubrics / f"{name}.yaml"
        yield _inside(course, file), file
    for file in course.reference_solutions.rglob("*"):
        is_band = file.parent.name == "bands" and file.suffix == ".json"
        is_hand_in = any(part.startswith("hand_in") for part in file.relative_to(course.reference_solutions).parts)
        if file.is_file() and (is_band or (file.suffix.lower() in _PICTURES and not is_hand_in)):
            yield _inside(course, file), file
    template = course.submissions_template / assignment
    for file in template.rglob("*"):
        if file.is_file() and not _is_hidden(file, template, "__pycache__"):
            yield _inside(course, file), file


def _is_hidden(file: Path, top: Path, *names: str) -> bool:
    """Whether the file, or a folder between it and `top`, is hidden or has one of these names."""
    return any(part.startswith(".") or part in names for part in file.relative_to(top).parts)


def _inside(course: Course, file: Path) -> str:
    try:
        return file.relative_to(course.root).as_posix()
    except ValueError as error:
        raise CourseError.single(
            f"{file} is not in the course's folder: in a zip it would not be found",
            where="grader.toml",
            fix="move it there, and name it by its path from grader.toml",
        ) from error


def _add(archive: zipfile.ZipFile, name: str, data: bytes, *, is_program: bool = False) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix, so that the mode below is one
    info.external_attr = (0o100755 if is_program else 0o100644) << 16
    archive.writestr(info, data)
