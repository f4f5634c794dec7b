"""How does a check look into a submitted file? At no more bytes than it needs, and through no link.

Only files that intake listed are opened, and nothing here parses more than a header or strict JSON.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import PurePosixPath
from typing import BinaryIO

from grader.model import Submission, SubmittedFile

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def opened(submission: Submission, file: SubmittedFile) -> Iterator[BinaryIO]:
    """The file for reading. Raises OSError where it is no longer a plain file of the size that intake saw."""
    descriptor = os.open(submission.root / file.path, _FLAGS)
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != file.size:
            raise OSError(f"{file.path} changed while it was graded")
        yield stream


def matching(submission: Submission, glob: str) -> tuple[SubmittedFile, ...]:
    """The files whose path fits `glob`, sorted: `*` and `?` stay within a folder, `**` goes through any."""
    pattern = _glob(glob)
    return tuple(sorted((f for f in submission.files if pattern.fullmatch(f.path)), key=lambda f: f.path))


@lru_cache(maxsize=256)
def _glob(glob: str) -> re.Pattern[str]:
    """The glob as a regular expression without nested repeats: one `*` never lies inside another."""
    made = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob):
        made += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return re.compile(made, re.DOTALL)


_ENDINGS = ({".py"}, {".pth", ".pt", ".safetensors"}, {".json", ".jsonl"})


def _is_of_another_kind(path: str, other: str) -> bool:
    """Whether both endings are of files that the grader reads, and are not read alike.

    >>> _is_of_another_kind("model.py", "model.pth"), _is_of_another_kind("net.pt", "net.pth")
    (True, False)
    >>> _is_of_another_kind("model.ipynb", "model.py")
    False
    """
    kinds = [
        next((n for n, endings in enumerate(_ENDINGS) if PurePosixPath(one).suffix.casefold() in endings), None)
        for one in (path, other)
    ]
    return None not in kinds and kinds[0] != kinds[1]


def closest(submission: Submission, path: str) -> str | None:
    """The submitted path that was most likely meant by `path`; None where none comes near.

    The same name elsewhere or in another case comes first, then the same stem, then a name with a slip. Code is
    never meant by weights, nor weights by code: model.py and model.pth stand side by side.
    """
    wanted = PurePosixPath(path)
    paths = [file.path for file in submission.files if not _is_of_another_kind(file.path, path)]
    for part in ("name", "stem"):
        meant = getattr(wanted, part).casefold()
        found = [p for p in paths if getattr(PurePosixPath(p), part).casefold() == meant]
        if found:
            return min(found, key=lambda p: (p.count("/"), p))
    names = {PurePosixPath(p).name[:200]: p for p in paths[:1000]}
    near = difflib.get_close_matches(wanted.name, names, n=1, cutoff=0.75)
    return names[near[0]] if near else None
