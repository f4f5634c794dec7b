"""How does a download become a class's folder? Whole or not at all, whenever this process or the power ends.

A new folder is built under a hidden name beside its place and renamed there. Into one that is there, all is written
to a hidden place in it first; then a plan of renames is written, and carried out. While that plan is there nobody reads
the class list, and the next import carries it out first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from grader.documents.wording import clean
from grader.errors import CourseError, MachineError, SubmissionError, UsageError
from grader.frozen import dataclass
from grader.intake.classes import (
    EARLIER,
    FILE,
    FOLDER,
    PENDING,
    QUARANTINE,
    ClassList,
    HandInEntry,
    class_bytes,
    is_inner,
    read_class,
    write_whole,
)
from grader.intake.folder import digest_of
from grader.intake.lms.base import Found, Worksheet
from grader.intake.lms.matching import Assigned, Matched
from grader.intake.lms.merging import Merged, entry_of, merged
from grader.intake.lms.tree import Stored, Tree
from grader.intake.tidy import remove_tree
from grader.intake.zip_unpack import Refused
from grader.model import SubmittedFile

try:
    import fcntl
except ImportError:  # Windows: there two imports at once are their user's to avoid
    fcntl = None  # type: ignore[assignment]

_NEW_FILE: Final = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)  # fmt: skip
_INCOMING: Final = "incoming-"
_TABLES: Final = (".csv", ".tsv", ".txt")
_SPARE_BYTES: Final = 64 * 2**20


@dataclass(frozen=True)
class Head:
    """What an import is of: the fields of a class list that the command knows."""

    assignment: str
    source: str
    keep: str
    worksheet: Worksheet | None = None


@dataclass(frozen=True)
class Written:
    """What came of it. `is_changed` is False where all was there already, or where nothing was to be written."""

    folder: Path
    merged: Merged
    is_changed: bool


def write_import(matched: Matched, tree: Tree, target: Path, head: Head, *, is_dry_run: bool = False) -> Written:
    """Write the hand-ins and the class list to `target`, over what an earlier import of the same LMS left there.

    Raises UsageError for a folder that no import made, SubmissionError for a download that is damaged, MachineError
    where the disk is full. Nothing of it is there then.
    """
    if is_dry_run:
        before = before_in(target, head)
        digests = [_digest(one.found) for one in matched.assigned]
        made = _merged(matched, digests, head, before)
        return Written(target, made, is_changed=before != made.class_list)
    with _locked(target):
        _finish_pending(target)
        before = before_in(target, head)
        _check_space(matched, target)
        if before is None:
            return Written(target, _write_new(matched, tree, target, head), is_changed=True)
        made = _merged(matched, [_digest(one.found) for one in matched.assigned], head, before)
        is_same = before == made.class_list and _is_same_worksheet(target, made.class_list, head.worksheet)
        if not is_same:
            _write_over(matched, tree, target, head, made)
    return Written(target, made, is_changed=not is_same)


def before_in(target: Path, head: Head) -> ClassList | None:
    """The class list of an earlier import, None for a folder that is new or empty. Raises UsageError for any other."""
    if not target.exists():
        return None
    before = read_class(target)
    where = clean(str(target))
    if before is None:
        if not target.is_dir() or any(True for one in target.iterdir() if one.name != FOLDER):
            what = "it holds something that no import wrote"
            raise UsageError.single(what, where=where, fix="name another folder: --to FOLDER")
        return None
    for what, is_now, was in (
        ("assignment", head.assignment, before.assignment), ("kind", head.source, before.source)
    ):  # fmt: skip
        if is_now != was:
            said = f"it holds an import of another {what} ({was}), and this one is {is_now}"
            raise UsageError.single(said, where=where, fix="name another folder: --to FOLDER")
    there = tuple(one for one in before.hand_ins if os.path.lexists(target / one.path))  # what was removed is imported
    return before if len(there) == len(before.hand_ins) else _without_lost(before, there)


def _without_lost(before: ClassList, there: tuple[HandInEntry, ...]) -> ClassList:
    names = {one.name for one in there if one.is_counted}
    roster = tuple(one if one.hand_in in names else replace(one, hand_in="") for one in before.roster)
    return replace(before, hand_ins=there, roster=roster)


def finish_pending(target: Path) -> None:
    """End an import into `target` that was broken off in its last step. Raises CourseError where that cannot be."""
    if os.path.lexists(target / FOLDER / PENDING):
        with _locked(target):
            _finish_pending(target)


def _finish_pending(target: Path) -> None:
    """Carry out what an import that was broken off had begun, and clear away what one had not begun yet."""
    if os.path.lexists(target / FOLDER / PENDING):
        _carry_out(target)
    for left in (target / FOLDER).glob(f"{_INCOMING}*"):
        remove_tree(left)


# --- reading the download ---------------------------------------------------------------------


def _is_zip(found: Found) -> bool:
    """Whether the hand-in is one archive, which stays as it came."""
    return len(found.files) == 1 and next(iter(found.files)).lower().endswith(".zip")


def _digest(found: Found) -> tuple[bool, str]:
    """(whether it is an archive, its digest) of a hand-in that is not written."""
    files = [_copied(path, file, None) for path, file in sorted(found.files.items())]
    return (True, files[0].digest) if _is_zip(found) else (False, digest_of(files))


def _stored(assigned: Assigned, place: Path) -> tuple[bool, str]:
    """The same, written to `place`."""
    found = assigned.found
    if _is_zip(found):
        [(path, file)] = found.files.items()
        return True, _copied(path, file, place).digest
    place.mkdir()
    return False, digest_of(_tree_stored(found.files.items(), place))


def _tree_stored(files: Iterable[tuple[str, Stored]], place: Path) -> list[SubmittedFile]:
    made: set[Path] = {place}
    listed = []
    for path, file in sorted(files, key=lambda one: one[0]):
        to = place / path
        if to.parent not in made:
            to.parent.mkdir(parents=True, exist_ok=True)
            made.add(to.parent)
        listed.append(_copied(path, file, to))
    return listed


def _copied(path: str, file: Stored, to: Path | None) -> SubmittedFile:
    """A file of the download, written to `to` where that is one. Raises SubmissionError where its bytes are damaged."""
    digest, size = hashlib.sha256(), 0
    target = os.open(to, _NEW_FILE, 0o644) if to is not None else None
    try:
        for block in file.blocks():
            digest.update(block)
            size += len(block)
            left = memoryview(block)
            while target is not None and left:
                left = left[os.write(target, left) :]
    except Refused as error:
        what = f"the download is damaged at {clean(file.path, 200)}: {error.flaw.what}"
        fix = "download it from the LMS again; nothing was imported"
        raise SubmissionError.single(what, where="download", fix=fix) from error
    finally:
        if target is not None:
            os.close(target)
    return SubmittedFile(path, size, digest.hexdigest())


def _store_quarantine(matched: Matched, tree: Tree, place: Path) -> None:
    """The files that nobody can be named for, under the names that they have in the download."""
    by_path = {file.path: file for file in tree.files.values()}
    files = {path for one in matched.quarantined for path in one.files if path in by_path}
    if not files:
        return
    place.mkdir()
    _tree_stored([(path, by_path[path]) for path in files], place)


def _merged(matched: Matched, digests: Sequence[tuple[bool, str]], head: Head, before: ClassList | None) -> Merged:
    entries: list[HandInEntry] = [
        entry_of(one, is_zip=is_zip, digest=digest)
        for one, (is_zip, digest) in zip(matched.assigned, digests, strict=True)
    ]
    worksheet = f"{FOLDER}/{_worksheet_name(head.worksheet)}" if head.worksheet else ""
    of = ClassList(head.assignment, head.source, head.keep, worksheet=worksheet, has_roster=matched.has_roster)
    return merged(matched, entries, of, before)


def _worksheet_name(worksheet: Worksheet) -> str:
    end = Path(worksheet.name).suffix.lower()
    return "worksheet" + (end if end in _TABLES else ".csv")


def _is_same_worksheet(target: Path, class_list: ClassList, worksheet: Worksheet | None) -> bool:
    if worksheet is None:
        return True
    with suppress(OSError):
        return (target / class_list.worksheet).read_bytes() == worksheet.data
    return False


# --- the disk ---------------------------------------------------------------------------------


def _check_space(matched: Matched, target: Path) -> None:
    """Raise MachineError before anything is written where the disk cannot hold it."""
    needed = sum(file.size for one in matched.assigned for file in one.found.files.values())
    there = next(folder for folder in (target, *target.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if needed + _SPARE_BYTES > free:
        what = f"the hand-ins have {needed:,} bytes, and {free:,} are free"
        raise MachineError.single(what, where=clean(str(there)), fix="free some space, or name another folder by --to")


def _write_new(matched: Matched, tree: Tree, target: Path, head: Head) -> Merged:
    """A new folder: all of it beside its place, and then renamed."""
    incoming = Path(tempfile.mkdtemp(prefix=f".{target.name}.{_INCOMING}", dir=target.parent))
    try:
        digests = [_stored(one, incoming / str(at)) for at, one in enumerate(matched.assigned)]
        made = _merged(matched, digests, head, None)
        whole = incoming / "whole"
        (whole / FOLDER).mkdir(parents=True)
        for at, path in made.take:
            (whole / path).parent.mkdir(parents=True, exist_ok=True)
            (incoming / str(at)).rename(whole / path)
        _store_quarantine(matched, tree, whole / FOLDER / QUARANTINE)
        if head.worksheet is not None:
            (whole / made.class_list.worksheet).write_bytes(head.worksheet.data)
        (whole / FOLDER / FILE).write_bytes(class_bytes(made.class_list))
        _synced()
        try:
            whole.rename(target)  # also over an empty folder
        except OSError as error:
            what = f"it cannot be put in its place ({error.strerror}); nothing was imported"
            fix = "look what is there, and import again"
            raise MachineError.single(what, where=clean(str(target)), fix=fix) from error
        _synced()
    finally:
        remove_tree(incoming)
    return made


def _write_over(matched: Matched, tree: Tree, target: Path, head: Head, made: Merged) -> None:
    """Into a folder that is there: what is new to a hidden place in it, then the renames of a plan."""
    incoming = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=target / FOLDER))
    try:
        there = incoming.relative_to(target).as_posix()
        digests = {one.path: one.digest for one in made.class_list.hand_ins}
        for at, path in made.take:
            if _stored(matched.assigned[at], incoming / str(at))[1] != digests[path]:
                what = "the download changed while it was read; nothing was imported"
                raise MachineError.single(what, where=clean(str(tree.path)), fix="import it again")
        moves: list[tuple[str, str]] = [*made.move, *((f"{there}/{at}", path) for at, path in made.take)]
        leaving = {source for source, _ in moves}
        for _, to in moves:
            if to not in leaving and os.path.lexists(target / to):  # before anything has changed
                what = "it is in the way: no import wrote it"
                raise UsageError.single(what, where=clean(str(target / to)), fix="move it away, and import again")
        _store_quarantine(matched, tree, incoming / QUARANTINE)
        moves += _quarantine_moves(made, target, there)
        if head.worksheet is not None:
            (incoming / "worksheet").write_bytes(head.worksheet.data)
            moves.append((f"{there}/worksheet", made.class_list.worksheet))
        (incoming / FILE).write_bytes(class_bytes(made.class_list))
        moves.append((f"{there}/{FILE}", f"{FOLDER}/{FILE}"))
        _synced()
        write_whole(target / FOLDER / PENDING, json.dumps({"moves": moves}, indent=1).encode())
        _carry_out(target)
    finally:
        if not os.path.lexists(target / FOLDER / PENDING):
            remove_tree(incoming)


def _quarantine_moves(made: Merged, target: Path, there: str) -> Iterator[tuple[str, str]]:
    """What is in quarantine no more goes, what is new in it comes; what stays is not touched."""
    old = target / FOLDER / QUARANTINE
    new = target / there / QUARANTINE
    wanted = {path for one in made.class_list.quarantined for path in one.files}
    (target / there / "gone").mkdir()
    count = 0
    for file in sorted(old.rglob("*")) if old.is_dir() else ():
        path = file.relative_to(old).as_posix()
        if file.is_file() and (path not in wanted or (new / path).is_file()):
            count += 1
            yield f"{FOLDER}/{QUARANTINE}/{path}", f"{there}/gone/{count}"
    for file in sorted(new.rglob("*")) if new.is_dir() else ():
        if file.is_file():
            path = file.relative_to(new).as_posix()
            yield f"{there}/{QUARANTINE}/{path}", f"{FOLDER}/{QUARANTINE}/{path}"


def _carry_out(target: Path) -> None:
    """Do the renames of the plan that are not done yet, in their order, and end it."""
    plan = target / FOLDER / PENDING
    try:
        moves = json.loads(plan.read_bytes())["moves"]
        pairs = [(str(source), str(to)) for source, to in moves]
    except (ValueError, KeyError, TypeError) as error:
        what = "the plan of an import that was broken off cannot be read"
        fix = f"move {clean(str(target))} away, and import again"
        raise CourseError.single(what, where=clean(str(plan)), fix=fix) from error
    for source, to in pairs:
        if not (is_inner(source) and is_inner(to)):
            raise CourseError.single("it names a place outside", where=clean(str(plan)), fix="remove it")
        if not _is_done(target, source, to):
            (target / to).parent.mkdir(parents=True, exist_ok=True)
            (target / source).replace(target / to)
    _synced()
    plan.unlink()
    _synced()


def _is_done(target: Path, source: str, to: str) -> bool:
    """Whether a step was taken before. What comes has left its place; what goes is where it was to go.

    The place that something left may have been taken by the next step, so that only the other end tells.
    """
    comes = source.startswith((f"{FOLDER}/{_INCOMING}", f"{FOLDER}/{EARLIER}/"))
    return not os.path.lexists(target / source) or (not comes and os.path.lexists(target / to))


def _synced() -> None:
    """Wait until all that was written is on the disk."""
    if hasattr(os, "sync"):
        os.sync()


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """No other import writes to `target` meanwhile. The kernel lets go of the lock when this process ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    descriptor = os.open(target.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = "another import writes here at this moment"
            raise MachineError.single(what, where=clean(str(target)), fix="wait until it has ended") from error
        except OSError:
            pass  # a file system without locks
        for left in target.parent.glob(f".{target.name}.{_INCOMING}*"):  # of an import that died: the lock is ours
            remove_tree(left)
        yield
    finally:
        os.close(descriptor)
