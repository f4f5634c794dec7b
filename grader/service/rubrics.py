"""By which rubric is an upload graded? By the one that was there when the service began, to its last breath (F22).

A rubric that is edited meanwhile is noticed and told; it is used from the next start on, and then everything that
counts is graded by it: no class has grades of two rubrics.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.errors import GraderError
from grader.model import Rubric


class Rubrics:
    """The rubrics of the assignments that are open, as they were at the start. `load` reads one anew."""

    def __init__(self, load: Callable[[str], Rubric], names: Sequence[str]) -> None:
        self._load = load
        self._pinned = {name: load(name) for name in names}
        self._seen: dict[str, tuple[object, bool]] = {}
        self._turn = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The assignments, in the order of their names."""
        return sorted(self._pinned)

    def __contains__(self, name: str) -> bool:
        return name in self._pinned

    def __getitem__(self, name: str) -> Rubric:
        return self._pinned[name]

    def digest(self, name: str) -> str:
        """The digest of the rubric that this service grades by; empty for an assignment that is not open."""
        return self._pinned[name].digest if name in self._pinned else ""

    def is_changed(self, name: str) -> bool:
        """Whether the rubric was edited since, so that the next start grades by another. A broken one is another."""
        rubric = self._pinned[name]
        try:
            found = Path(rubric.file).stat()
            mark: object = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            return True
        with self._turn:
            if name not in self._seen or self._seen[name][0] != mark:
                try:
                    is_other = self._load(name).digest != rubric.digest
                except (GraderError, OSError):
                    is_other = True
                self._seen[name] = (mark, is_other)
            return self._seen[name][1]
