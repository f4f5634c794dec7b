"""How many jobs fit into this machine's memory at once? So many that each may take all that the course allows it.

Otherwise the kernel, short of memory, ends whatever it likes: another hand-in's job, or the grader itself.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from grader.limits import Limits

log = logging.getLogger(__name__)

MOST_WORKERS = 8  # more at once is the TA's choice, by --jobs
_CONTAINER = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_bytes() -> int | None:
    """The memory of this machine, or of the container that this is; None where the system does not tell."""
    try:
        known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):
        known = []
    for path in _CONTAINER:
        try:
            known.append(int(path.read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return min(known, default=None)


def workers_for(limits: Limits, asked: int | None = None) -> int:
    """How many jobs run at once: what is asked, else one for each core as far as memory reaches, at least one.

    More than memory reaches for is done where it is asked, and said.

    >>> workers_for(Limits(), 3)
    3
    """
    memory = memory_bytes()
    fitting = max(1, memory // (limits.memory_mb * 2**20)) if memory else MOST_WORKERS
    if asked is None:
        return min(os.cpu_count() or 1, MOST_WORKERS, fitting)
    if memory and asked > fitting:
        log.warning(
            "%d jobs at once may take %s MB each, and this machine has %s MB: where it runs short, jobs are killed\n"
            "  fix: --jobs %d, or a lower [sandbox] memory_mb in grader.toml",
            asked,
            f"{limits.memory_mb:,}",
            f"{memory // 2**20:,}",
            fitting,
        )
    return asked
