"""Which hand-ins of a class are alike beyond chance? One pass over fingerprints that were taken one by one.

    check `originality` -> a fingerprint per hand-in -> weights | passages | logs | pictures -> clues -> pairs

Each look finds its candidates by an index: no hand-in is held against all others. What half of the class has, and what
the course gave, is no clue. The same fingerprints give the same pairs, in whatever order they came. A class that was
compared before is not compared again (`kept`), and pays for none of what is imported below.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.originality.marked import Clue, Marked
    from grader.originality.pairs import Compared, Pair, compared

__all__ = ["Clue", "Compared", "Marked", "Pair", "compared"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    module = "marked" if name in ("Clue", "Marked") else "pairs"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
