"""By which rubric is an upload graded? By the one that was there when the service began, to its last breath (F22).

A rubric that is edited meanwhile, or the assignment's terms, is noticed and told; it is used from the next start on,
and then everything that counts is graded by it: no class has grades of two rubrics.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence

from grader.errors import GraderError
from grader.model import Rubric

_LOOK_S = 5.0  # how old the answer may be whether a rubric was changed


class Rubrics:
    """The rubrics of the assignments that are open, as they were at the start. `load` reads one anew."""

    def __init__(
        self, load: Callable[[str], Rubric], names: Sequence[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load, self._clock = load, clock
        self._pinned = {name: load(name) for name in names}
        self._digests = {name: digest_of(rubric) for name, rubric in self._pinned.items()}
        self._seen: dict[str, tuple[float, bool]] = {}
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
        """What this service grades by; empty for an assignment that is not open."""
        return self._digests.get(name, "")

    def is_changed(self, name: str) -> bool:
        """Whether rubric or terms were edited since: the next start grades by them. A broken one is another."""
        with self._turn:
            now = self._clock()
            if name not in self._seen or now - self._seen[name][0] >= _LOOK_S:
                try:
                    is_other = digest_of(self._load(name)) != self._digests[name]
                except (GraderError, OSError):
                    is_other = True
                self._seen[name] = (now, is_other)
            return self._seen[name][1]


def digest_of(rubric: Rubric) -> str:
    """The digest of everything that verdicts and points depend on: the rubric's bytes, and the terms of this term."""
    terms = rubric.terms
    held = [
        rubric.digest,
        terms.due,
        terms.late,
        terms.group_limit,
        terms.pass_points,
        sorted(terms.extensions.items()),
        sorted(terms.received.items()),
        terms.missing,
        sorted(terms.given_files),
        terms.given_answers,
    ]
    return hashlib.sha256(repr(held).encode()).hexdigest()
