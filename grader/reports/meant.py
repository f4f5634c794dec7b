"""Which class or which hand-in is meant? A word of the command line, looked for in the gradebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grader.documents import did_you_mean, shown
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.gradebook.nouns import Query

if TYPE_CHECKING:
    from grader.gradebook.book import Gradebook
    from grader.gradebook.nouns import Entry, Row


@dataclass(frozen=True)
class Meant:
    """A class, by its assignment; or one hand-in of it."""

    assignment: str
    entry: Entry | None = None


def meant(book: Gradebook, word: str, assignment: str = "") -> Meant:
    """The class of an assignment, or the hand-in of this name or at this path.

    Raises UsageError where nothing of that kind was recorded, and where a name is that of several hand-ins.
    """
    known = book.assignments()
    if not known:
        what, fix = "no class was graded yet: the gradebook is empty", "grade one: grader run-all FOLDER"
        raise UsageError.single(what, where=book.where, fix=fix, code="nothing-recorded")
    if assignment and assignment not in known:
        what = f"no hand-in for {shown(assignment)} was recorded"
        raise UsageError.single(what, where="--assignment", fix=did_you_mean(assignment, known))
    is_path = "/" in word or "\\" in word or word in (".", "..")
    if not is_path and word in known and assignment in ("", word):
        return Meant(word)
    path = Path(word).absolute()
    names = _names(path) if is_path or path.exists() else (word,)
    everything = Query(is_gone=None)  # one that is no longer in its folder has a report all the same
    found = [row for one in ([assignment] if assignment else known) for row in book.rows(one, everything).rows
             if row.submission in names]  # fmt: skip
    entries = _at(book, found, path) if is_path or path.exists() else [book.entry(row.id) for row in found]
    if len(entries) == 1:
        return Meant(entries[0].row.assignment, entries[0])
    if len(entries) > 1:
        listed = ", ".join(sorted(entry.row.assignment for entry in entries))
        what = f"several hand-ins are called {shown(word)}: for {listed}"
        raise UsageError.single(what, where="grader report", fix="say which one: --assignment NAME", code="ambiguous")
    if path.is_dir() and path.name in known and assignment in ("", path.name):
        return Meant(path.name)
    near = [*known, *(row.submission for one in known for row in book.rows(one).rows)]
    what = f"neither an assignment nor a hand-in {shown(word)} was recorded"
    fix = did_you_mean(word, near) if len(near) < 50 else f"assignments: {', '.join(known)}"
    raise UsageError.single(what, where=book.where, fix=f"{fix}; or grade it first: grader run-all FOLDER")


def _names(path: Path) -> tuple[str, ...]:
    """What a hand-in at this path may be called."""
    from grader.intake import submission_id

    return submission_id(path), path.name


def _at(book: Gradebook, rows: Sequence[Row], path: Path) -> list[Entry]:
    """Those that were read from this very place; where none was, those of that name."""
    entries = [book.entry(row.id) for row in rows]
    return [entry for entry in entries if entry.source == str(path)] or entries
