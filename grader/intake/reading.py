"""What was handed in? A folder or a zip, read into a Submission, whatever it holds.

Nothing that a student hands in raises: what cannot be read at all becomes a Submission that says why.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import UsageError
from grader.frozen import dataclass
from grader.intake.folder import TooMuch, digest_of, read_folder
from grader.intake.kinds import HEAD_BYTES, other_archive, other_kind
from grader.intake.limits import IntakeLimits
from grader.intake.manifest import read_answers, read_manifest
from grader.intake.names import Flaw, compiled_flaw, first_few, is_left_out, place_of, submission_id
from grader.intake.tidy import remove_tree
from grader.intake.zip_checks import entry_flaws, kept_entries, only_folder
from grader.intake.zip_listing import LOCAL_MARK, BrokenArchive, Entry, has_end_record, read_listing
from grader.intake.zip_unpack import unpack
from grader.model import Problem, Source, Submission, SubmittedFile

LIMITS: Final = IntakeLimits()
_ARCHIVES: Final = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
_FOR_PEOPLE: Final = (".pdf", ".txt", ".doc", ".docx", ".odt", ".rtf", ".html", ".htm", ".png", ".jpg", ".jpeg")
_ASK_AGAIN: Final = "hand in a folder or a zip"


def read_submission(
    source: Path, *, limits: IntakeLimits = LIMITS, workspace: Path | None = None, assignment: str | None = None
) -> Submission:
    """Read a folder where it is, or a zip into a fresh private folder in `workspace`.

    The caller removes that folder (`source.unpacked_at`, by `remove_tree`); `submission_from` does so by itself.
    A zip is refused as a whole where one entry is: nothing of it is unpacked. A folder is read without what is
    refused in it. `files` is what was handed in; what else lies in a folder is nobody's evidence.
    """
    path = Path(os.path.abspath(source))  # noqa: PTH100  resolve() would follow the links that are refused here
    received = _receive(path, limits, workspace)
    name = assignment or ""
    if received.problem_of_source is not None:
        return Submission(
            submission_id(path),
            name,
            path,
            problems=(received.problem_of_source, *received.problems),
            is_readable=False,
            source=received.source,
        )
    shut = _shut_archive(received.files)
    if shut:
        return Submission(
            submission_id(path),
            name,
            received.root,
            received.files,
            problems=(_only_archive(shut).at(place_of(path.name, shut)), *received.problems),
            is_readable=False,
            source=received.source,
        )
    manifest = read_manifest(received.root, received.files, assignment)
    answers, answer_problems = read_answers(received.root, received.files, manifest.assignment)
    return Submission(
        submission_id(path),
        manifest.assignment,
        received.root,
        received.files,
        manifest.students,
        answers=answers,
        problems=(*received.problems, *manifest.problems, *answer_problems),
        is_readable=bool(manifest.assignment),
        source=received.source,
    )


def _shut_archive(files: Sequence[SubmittedFile]) -> str:
    """The archive that all of the hand-in is in, as far as can be graded; empty where there is more.

    No archive in a hand-in is opened. One that stands alone, or beside a document for people, is the hand-in all the
    same: somebody packed it twice, or not as a zip. Its files are not missing, they have not been looked at.
    """
    names = [file.path.rsplit("/", 1)[-1].casefold() for file in files]
    archives = [file.path for file, name in zip(files, names, strict=True) if name.endswith(_ARCHIVES)]
    others = (name for name in names if not name.endswith(_ARCHIVES))
    return archives[0] if archives and all(name.endswith(_FOR_PEOPLE) for name in others) else ""


def _only_archive(path: str) -> Flaw:
    return Flaw(
        "only-archive",
        f"all there is to grade is in the archive {shown(path, 60)}, and no archive in a hand-in is opened",
        "hand in what is in it, as a folder or a plain zip",
    )


@contextmanager
def submission_from(
    source: Path, *, limits: IntakeLimits = LIMITS, workspace: Path | None = None, assignment: str | None = None
) -> Iterator[Submission]:
    """`read_submission`, with what was unpacked removed when the block ends."""
    submission = read_submission(source, limits=limits, workspace=workspace, assignment=assignment)
    unpacked_at = submission.source.unpacked_at if submission.source else None
    try:
        yield submission
    finally:
        if unpacked_at is not None and not remove_tree(unpacked_at):
            logging.getLogger(__name__).warning("%s could not be removed: remove it by hand", unpacked_at)


def find_submissions(folder: Path) -> list[Path]:
    """The hand-ins in the folder of a class, in the order of their names: its folders and its archives.

    Archives of other kinds are among them: their owners are told, not lost. Hidden names, what tools leave behind and
    single files (a list of grades) are not. Raises UsageError where there is no such folder.
    """
    try:
        paths = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise UsageError.single(
            f"the folder cannot be read ({error.strerror})", where=clean(str(folder)), fix="name the folder of a class"
        ) from error
    return [
        path
        for path in paths
        if not path.name.startswith(".") and not is_left_out(path.name) and _may_be_handed_in(path)
    ]


def _may_be_handed_in(path: Path) -> bool:
    if path.suffix.casefold() in _ARCHIVES or path.is_dir():
        return True
    if path.suffix or path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(LOCAL_MARK)) == LOCAL_MARK
    except OSError:
        return True  # it is told that it cannot be read


# --- one source -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Received:
    """What came of a source. With `problem_of_source` there is nothing to grade."""

    source: Source
    root: Path = Path()
    files: tuple[SubmittedFile, ...] = ()
    problems: tuple[Problem, ...] = ()
    problem_of_source: Problem | None = None


def _receive(path: Path, limits: IntakeLimits, workspace: Path | None) -> _Received:
    unknown = Source(path)
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        if isinstance(error, FileNotFoundError):
            return _refused(unknown, Flaw("source-missing", "there is no such file or folder", "check the path"))
        return _refused(unknown, Flaw("source-unreadable", f"it cannot be read ({why})", "check the path"))
    if stat.S_ISLNK(mode):
        real = clean(os.path.realpath(path))
        return _refused(
            unknown, Flaw("source-link", "it is a link, which is not followed", f"name what it leads to: {real}")
        )
    try:
        if stat.S_ISDIR(mode):
            return _receive_folder(path, limits)
        if stat.S_ISREG(mode):
            return _receive_file(path, limits, workspace)
    except OSError as error:
        said = f"it cannot be read ({error.strerror})"
        return _refused(unknown, Flaw("source-unreadable", said, "check its permissions"))
    return _refused(unknown, Flaw("source-special", "it is a pipe, a socket or a device", _ASK_AGAIN))


def _refused(source: Source, flaw: Flaw, problems: tuple[Problem, ...] = ()) -> _Received:
    return _Received(source, problems=problems, problem_of_source=flaw.at(_shown_name(source.path)))


def _shown_name(path: Path) -> str:
    return clean(path.name or str(path), 120)


def _receive_folder(path: Path, limits: IntakeLimits) -> _Received:
    source = Source(path, "folder")
    try:
        content = read_folder(path, limits)
    except TooMuch as error:
        return _refused(source, error.flaw)
    files = tuple(content.files)
    source = replace(source, size=sum(file.size for file in files), digest=digest_of(files), left_out=content.left_out)
    told = (flaw.at(place_of(path.name, entry)) for entry, flaw in content.refused)
    problems = first_few(told, path.name, limits.max_named)
    if not files:
        return _refused(source, _empty(content.left_out), problems)
    return _Received(source, path, files, problems)


def _empty(left_out: int) -> Flaw:
    said = "it holds no file" + (f" but {left_out:,} that tools made" if left_out else "")
    return Flaw("source-empty", said, "hand in the folder that you worked in")


def _receive_file(path: Path, limits: IntakeLimits, workspace: Path | None) -> _Received:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            return _refused(Source(path), Flaw("file-changed", "it changed while it was read", "grade it again"))
        size = before.st_size
        if size == 0:
            return _refused(Source(path), Flaw("source-empty", "the file is empty", "upload it again"))
        if size > limits.max_total_bytes:
            said = f"it has {size:,} bytes, over the limit of {limits.max_total_bytes:,}"
            fix = "leave out data sets and all but the asked checkpoints"
            return _refused(Source(path, size=size), Flaw("too-many-bytes", said, fix))
        source = Source(path, size=size, digest=hashlib.file_digest(file, "sha256").hexdigest())
        file.seek(0)
        head = file.read(HEAD_BYTES)
        archive = other_archive(head)
        if archive:
            return _refused(source, Flaw("archive-kind", f"it is {archive}, not a zip", "pack it as a zip"))
        if not has_end_record(file, size):
            fix = "make the zip anew, and upload it again" if head.startswith(LOCAL_MARK) else _ASK_AGAIN
            return _refused(source, Flaw("not-a-zip", f"it is {other_kind(head)}", fix))
        received = _receive_zip(file, replace(source, kind="zip"), limits, workspace)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        _discard(received.source.unpacked_at)
        return _refused(source, Flaw("file-changed", "it changed while it was read", "grade it again"))
    return received


# --- a zip ------------------------------------------------------------------------------------


def _receive_zip(file: BinaryIO, source: Source, limits: IntakeLimits, workspace: Path | None) -> _Received:
    archive = source.path.name
    try:
        listing = read_listing(file, source.size, limits)
    except BrokenArchive as error:
        return _refused(source, error.flaw)
    kept, left_out = kept_entries(listing.entries)
    remarks = tuple(
        f"{count:,} bytes {where} the archive were not read"
        for count, where in ((listing.bytes_before, "before"), (listing.bytes_behind, "behind"))
        if count
    )
    source = replace(source, left_out=left_out, remarks=remarks)
    wrong = list(entry_flaws(listing.entries, kept, limits))
    if wrong:
        return _refused_archive(source, wrong, limits)
    told = [(entry, flaw) for entry in kept if not entry.is_folder and (flaw := compiled_flaw(entry.path))]
    compiled = {id(entry) for entry, _ in told}
    taken = [entry for entry in kept if id(entry) not in compiled]
    problems = first_few((flaw.at(place_of(archive, e.name)) for e, flaw in told), archive, limits.max_named)
    if all(entry.is_folder for entry in taken):
        return _refused(source, _empty(left_out), problems)
    return _unpacked(file, taken, source, limits, workspace, problems)


def _refused_archive(source: Source, wrong: list[tuple[Entry | None, Flaw]], limits: IntakeLimits) -> _Received:
    name = source.path.name
    told = (flaw.at(_shown_name(source.path) if e is None else place_of(name, e.name)) for e, flaw in wrong)
    problems = first_few(told, name, limits.max_named)
    entries = len({id(entry) for entry, _ in wrong if entry is not None})
    reason = f" for {entries:,} of its entries" if entries else ""
    said = f"the archive is refused{reason}; nothing was unpacked"
    return _refused(source, Flaw("archive-refused", said, "mend what is named below"), problems)


def _unpacked(
    file: BinaryIO,
    taken: list[Entry],
    source: Source,
    limits: IntakeLimits,
    workspace: Path | None,
    problems: tuple[Problem, ...],
) -> _Received:
    folder: Path | None = None
    is_kept = False
    try:
        folder = Path(tempfile.mkdtemp(prefix="grader-hand-in-", dir=workspace))
        files, wrong = unpack(file, taken, folder)
        if wrong:
            return _refused_archive(source, [*wrong], limits)
        is_kept = True
    except OSError as error:  # of our disk: reading the archive reports by entry
        said = f"it could not be unpacked on this machine ({error.strerror})"
        where = clean(str(workspace or tempfile.gettempdir()))
        return _refused(source, Flaw("workspace", said, f"free space in {where}, or set TMPDIR; then grade it again"))
    finally:
        if not is_kept:
            _discard(folder)
    top = only_folder(taken)
    if top is not None:
        files = [replace(one, path=one.path.removeprefix(f"{top}/")) for one in files]
    files.sort(key=lambda one: one.path)
    root = folder / top if top is not None else folder
    return _Received(replace(source, unpacked_at=folder), root, tuple(files), problems)


def _discard(folder: Path | None) -> None:
    if folder is not None:
        remove_tree(folder)
