"""The checks, one per file, under the names that rubrics use. `all_checks()` loads each when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache

from grader.checks.base import CHECKS, Check, run_check, take_fingerprint

__all__ = ["Check", "all_checks", "run_check", "take_fingerprint"]


class _Checks(Mapping[str, Check]):
    """Every check by its name, imported on first use: a rubric uses a few, and pays for no others at every start."""

    def __init__(self) -> None:
        modules = (one.name for one in pkgutil.iter_modules(__path__))
        # _helpers register nothing
        self._modules = {name.replace("_", "-"): name for name in modules if name != "base" and name[0] != "_"}

    def __getitem__(self, name: str) -> Check:
        if name not in CHECKS:
            importlib.import_module(f"{__name__}.{self._modules[name]}")
        if name not in CHECKS:
            raise RuntimeError(f"checks/{self._modules[name]}.py registers no check {name!r}")
        return CHECKS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._modules))

    def __len__(self) -> int:
        return len(self._modules)


@cache
def all_checks() -> Mapping[str, Check]:
    """Every check by its name. A new file in this folder is a new check; nothing else is edited.

    >>> "conv-arithmetic" in all_checks(), all_checks()["choice"].name
    (True, 'choice')
    """
    return _Checks()
