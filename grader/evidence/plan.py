"""What must be recomputed for a whole class? The needs of all rules of all submissions, equal ones once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from grader.frozen import dataclass
from grader.model import Job


@dataclass(frozen=True)
class Plan:
    """Jobs in the order in which they were first asked for, each with a folder that holds its files."""

    roots: Mapping[Job, Path]

    @classmethod
    def of(cls, wanted: Iterable[tuple[Job, Path]]) -> Plan:
        """Plan `(job, root of the submission that wants it)` pairs; equal keys are run once."""
        roots: dict[Job, Path] = {}
        for job, root in wanted:
            roots.setdefault(job, root)
        return cls(roots)

    def __len__(self) -> int:
        return len(self.roots)
