"""What may one run of a student's code use? The defaults and their reasons stand in course.schema.json alone."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from grader.documents import schema
from grader.frozen import dataclass


def _default(name: str) -> Any:
    """A field whose default is the published one, read when a Limits is first made."""
    return field(default_factory=lambda: schema("course")["properties"]["sandbox"]["properties"][name]["default"])


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use. Past any of these it is killed, or refused more, and the finding names the limit.

    `memory_mb` is the address space of each process and the private memory of all of them together (a torch import
    alone takes 600 MB of address space); `cpu_s` is summed over all processes and threads; `processes` counts
    threads too; `tmpfs_mb` is the size of /tmp, and of /dev/shm; `output_kb` is how much of what the code prints
    is kept. One MB is 2**20 bytes.

    >>> Limits(wall_s=5).wall_s, Limits().wall_s
    (5, 120)
    """

    memory_mb: int = _default("memory_mb")
    wall_s: float = _default("wall_s")
    cpu_s: float = _default("cpu_s")
    processes: int = _default("processes")
    tmpfs_mb: int = _default("tmpfs_mb")
    output_kb: int = _default("output_kb")
