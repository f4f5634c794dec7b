"""The checks, one per file, under the names that rubrics use. `all_checks()` loads the folder."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from grader.checks.base import CHECKS, Check, run_check

__all__ = ["Check", "all_checks", "run_check"]


@cache
def all_checks() -> Mapping[str, Check]:
    """Every check by its name. A new file in this folder is a new check; nothing else is edited."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "base" and not module.name.startswith("_"):  # _helpers register nothing
            importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(CHECKS.items()))
