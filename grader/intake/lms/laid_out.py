"""How does a student's upload lie in its folder? As a hand-in is read, however it was put into the LMS.

A folder with everything in it, and what is in it, are the same hand-in, as they are in a zip. A zip beside other files
(a report, a text typed into the LMS) is opened where it holds files that the assignment asks for: nobody would look
into it later. A zip that is asked for itself stays, and so does one in a clone, where it is as it was committed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from grader.documents import shown
from grader.documents.wording import clean
from grader.errors import SubmissionError
from grader.intake.limits import IntakeLimits
from grader.intake.lms.base import Download, Found
from grader.intake.lms.tree import Stored, opened_tree
from grader.intake.manifest import ANSWERS, MANIFEST
from grader.intake.names import same_key
from grader.intake.zip_unpack import Refused

Files = Mapping[str, Stored]
_ZIP = ".zip"
_OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_ONE_BY_ONE = ("moodle", "canvas")  # where files are uploaded one by one
_BY_HAND = ": not opened, look at it by hand"


@contextmanager
def laid_out(download: Download, expected: frozenset[str] = frozenset()) -> Iterator[Download]:
    """The download with every hand-in as it is to lie there. Its files can be read while the block lasts.

    `expected` are the paths of the assignment's template. What cannot be opened for certain (several zips, a damaged or
    refused one, two files of one name) stays as it is, and the hand-in's note and a remark say so.
    """
    with tempfile.TemporaryDirectory(prefix="grader-import-") as copies:
        asked = expected | {MANIFEST, ANSWERS} if download.kind in _ONE_BY_ONE else frozenset()
        found = tuple(_laid_out(one, Path(copies) / f"{at}{_ZIP}", asked) for at, one in enumerate(download.found))
        told = [f"{clean(one.lms_folder)}: {one.note}" for one in found if one.note.endswith(_BY_HAND)]
        yield replace(download, found=found, remarks=(*download.remarks, *told))


def _laid_out(found: Found, copy: Path, asked: frozenset[str]) -> Found:
    files = flat(found.files)
    zips = [path for path in files if "/" not in path and path.lower().endswith(_ZIP) and path not in asked]
    odd = [path for path in files if path.lower().endswith(_OTHER_ARCHIVES)]
    if asked and odd:
        return _noted(found, files, f"{shown(odd[0])} is an archive, and no zip")
    if not zips or len(files) == 1 or not asked:
        return found if files is found.files else replace(found, files=files)
    said = f"{len(zips)} zips beside each other"
    if len(zips) == 1:
        opened = _opened(files[zips[0]], copy)
        others = {path: file for path, file in files.items() if path != zips[0]}
        if isinstance(opened, str):
            said = f"{shown(zips[0])} beside other files {opened}"
        elif {same_key(path) for path in opened} & {same_key(path) for path in others}:
            said = f"{shown(zips[0])} holds files that are called like those beside it"
        elif not asked & opened.keys():
            said = f"{shown(zips[0])} beside other files holds none of the assignment's"
        else:
            return replace(found, files={**others, **opened})
    return _noted(found, files, said)


def _noted(found: Found, files: Files, said: str) -> Found:
    note = said + _BY_HAND
    return replace(found, files=files, note=f"{found.note}; {note}" if found.note else note)


def flat(files: Files) -> Files:
    """The files without the one folder that all of them lie in, where there is such a folder.

    >>> file = Stored("ada/work/model.py", 0, lambda: iter(()))
    >>> list(flat({"work/model.py": file, "work/maps/1.png": file}))
    ['model.py', 'maps/1.png']
    >>> list(flat({"work/model.py": file, "answers.json": file}))
    ['work/model.py', 'answers.json']
    """
    tops = {path.partition("/")[0] if "/" in path else "" for path in files}
    if len(tops) != 1 or "" in tops:
        return files
    return {path.partition("/")[2]: file for path, file in files.items()}


def _opened(file: Stored, copy: Path) -> dict[str, Stored] | str:
    """What a student's zip holds, or why it is not opened. All of it is read once: nothing fails later."""
    with copy.open("wb") as target:
        for block in file.blocks():
            target.write(block)
    limits = IntakeLimits()
    try:
        with opened_tree(copy) as tree:
            if tree.refused or tree.kind != "zip":
                return "holds what is refused"
            sizes = [one.size for one in tree.files.values()]
            if len(sizes) > limits.max_entries or sum(sizes) > limits.max_total_bytes:
                return "is too large"
            for inner in tree.files.values():
                for _ in inner.blocks():
                    pass
            return {
                path: Stored(file.path, inner.size, _reader(copy, inner.path))
                for path, inner in flat(tree.files).items()
            }
    except (SubmissionError, Refused):
        return "cannot be read"


def _reader(copy: Path, path: str) -> Callable[[], Iterator[bytes]]:
    """Opens the copy when it is asked: a class may have more such zips than a process may have files open."""

    def blocks() -> Iterator[bytes]:
        with opened_tree(copy) as tree:
            yield from tree.files[path].blocks()

    return blocks
