"""Where is what can be made again kept? One folder for results and data sets, GRADER_CACHE or the system's own."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(part: str = "") -> Path:
    """The cache of this user, or a `part` of it such as "datasets". Nothing is created.

    >>> cache_folder("evidence").name
    'evidence'
    """
    named = os.environ.get("GRADER_CACHE")
    if named:
        return Path(named) / part
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("grader")) / part
