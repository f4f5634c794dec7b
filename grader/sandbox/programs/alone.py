"""What stands around a job without namespaces of its own? Landlock and a system call filter, put up by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import filters, landlock

# What libraries ask about the machine when they are loaded, and devices that hold nothing.
_HARMLESS = ("/dev/null", "/dev/zero", "/dev/urandom", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu")


def enclose(walls: Mapping[str, Any]) -> None:
    """Give up every file, socket and process but the job's own, for good.

    `walls` are `readable`, `listed` and `writable` paths and `filter`, the system call filter in hexadecimal digits.
    Raises OSError or ValueError where a wall cannot be put up: then no student's byte may be touched.
    """
    readable: Sequence[str] = [*walls["readable"], *_HARMLESS]
    writable: Sequence[str] = [*walls["writable"], "/dev/null"]
    landlock.restrict(readable, writable, alone=True, listed=walls["listed"])
    filters.install(bytes.fromhex(walls["filter"]))
