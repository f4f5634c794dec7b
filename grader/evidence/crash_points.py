"""Where may a test end this process, as a power cut would? At named points, and only where it asks for one.

`GRADER_CRASH_AT=cache.renamed` ends the first process that comes there, by SIGKILL: nothing is flushed, nothing cleared
away. `GRADER_CRASH_AT=cache.renamed:3` lets it pass twice. Without that variable a point costs a look-up.
"""

from __future__ import annotations

import os
import signal
import threading

_passed: dict[str, int] = {}
_counting = threading.Lock()


def crash_point(name: str) -> None:
    """End this process here, where GRADER_CRASH_AT names this point and it has been passed often enough.

    >>> crash_point("nobody.asked")
    """
    asked = os.environ.get("GRADER_CRASH_AT")
    if asked is None:
        return
    point, _, times = asked.partition(":")
    if point != name:
        return
    with _counting:
        _passed[name] = _passed.get(name, 0) + 1
        is_now = _passed[name] >= int(times or 1)
    if is_now:
        os.kill(os.getpid(), signal.SIGKILL)
