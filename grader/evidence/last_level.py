"""At which level did the sandbox of this machine work last? For keys: a run that computes nothing needs no box.

Only to look up what is known. Before a job runs, the level is found out by trying, as ever; where it is another one by
then, nothing runs, and the next run finds it out anew.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import suppress
from pathlib import Path

from grader.errors import MachineError
from grader.evidence.whole_files import write_whole
from grader.model import Json
from grader.places import cache_folder
from grader.sandbox import Level

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def likely_level() -> tuple[Level, bool]:
    """The level to make keys with, and whether it is only remembered; where nothing is, it is found out by trying."""
    from grader import sandbox

    try:
        stored = json.loads(_file().read_bytes())
        if stored["machine"] == _machine() and stored["name"] and stored["is_isolated"] is True:
            return Level(stored["name"], stored["reason"], stored["fix"]), True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    level = sandbox.level()
    if level.is_isolated:
        body = {"name": level.name, "reason": level.reason, "fix": level.fix, "is_isolated": True}
        with suppress(OSError):
            write_whole(_file(), json.dumps({**body, "machine": _machine()}).encode(), point="level")
    return level, False


def confirm(remembered: Level) -> None:
    """Raise MachineError, and forget, where the sandbox does not work at this level now."""
    from grader import sandbox

    now = sandbox.level()
    if now.name == remembered.name:
        return
    with suppress(OSError):
        _file().unlink()
    raise MachineError.single(
        f"the sandbox of this machine works at {now} now, and worked at {remembered} before ({now.reason})",
        where="sandbox",
        fix=f"run the same command again to go on at this level; or {now.fix or 'see `grader doctor`'}",
        code="sandbox-changed",
    )


def _file() -> Path:
    return cache_folder("sandbox") / "level.json"


def _machine() -> Json:
    """What the level may depend on: the system as it was started, who we are, and the program that makes the boxes."""
    from grader.sandbox.boxes import bubblewrap

    boot = _BOOT.read_text().strip() if _BOOT.exists() else ""
    made_by = bubblewrap()
    changed = os.stat(made_by).st_mtime_ns if made_by else 0  # noqa: PTH116
    user = os.getuid() if hasattr(os, "getuid") else 0
    return [platform.node(), platform.release(), boot, user, made_by, changed]
