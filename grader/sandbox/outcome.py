"""How can a job in the sandbox end? It answers, or it is the student's fault, or it is ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from grader.frozen import dataclass
from grader.model import Json, Problem

ISOLATED = "L3"
ALONE = "L2"
TRUSTED = "L1"


@dataclass(frozen=True, slots=True)
class Level:
    """How well jobs are kept apart: L3 in bubblewrap, L2 by Landlock and a system call filter, L1 with limits only.

    `reason` says why it is this level, `fix` how to raise it (empty where it is the highest).

    >>> str(Level("L1", "asked for by --sandbox none"))
    'L1'
    """

    name: str
    reason: str
    fix: str = ""

    @property
    def is_isolated(self) -> bool:
        """True where walls stand, so that code of strangers may be run."""
        return self.name in (ISOLATED, ALONE)

    @property
    def has_namespaces(self) -> bool:
        """True where a job also sees nothing of the machine but what is its own.

        >>> Level("L3", "").has_namespaces, Level("L2", "").has_namespaces, Level("L2", "").is_isolated
        (True, False, True)
        """
        return self.name == ISOLATED

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Ended:
    """What every end of a job has: the level, seconds on the clock and of CPU, and the tail of what was printed.

    `output` is text of standard output and standard error in the order in which they came, control characters
    escaped; `is_output_cut` where its beginning was dropped.
    """

    level: str
    seconds: float
    cpu_seconds: float = 0.0
    output: str = ""
    is_output_cut: bool = False

    def carried(self) -> dict[str, Any]:
        """These five, for what is made of this end.

        >>> Ended("L3", 0.5, output="hello").carried()["output"]
        'hello'
        """
        names = ("level", "seconds", "cpu_seconds", "output", "is_output_cut")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Answered(Ended):
    """The program answered: plain JSON, or the raw bytes that were asked for. `notes` are remarks on the way."""

    result: Json = None
    payload: bytes = b""
    notes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentFault(Ended):
    """The submitted code or file did not do what it must. `limit` and `use` are filled for a resource."""

    problem: Problem
    limit: str = ""
    use: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFault(Ended):
    """The sandbox, the machine or our own program failed: a person looks, nobody loses points."""

    problem: Problem
