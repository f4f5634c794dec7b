"""Does a line say that rows of a print are left out here? Who shortens a print writes "..." in their place.

The sums of such a print say nothing about its totals: its readers report the line as not read.
"""

from __future__ import annotations

import re

LEFT_OUT = "rows are left out here"
_FRONT = " \t|│├└─#*`[(<\"'&"
_GAP = re.compile(r"(?:\.[ \t]?){2,}|[…⋮⋯]|\\[cv]?dots")


def is_gap(text: str) -> bool:
    """Do dots stand where a row should begin: "...", "│    │    ...", "[...]", "... (12 more layers)"?

    >>> is_gap("  ..."), is_gap("| ... | ... |"), is_gap("│    └─ …"), is_gap("(fc): Linear(...)"), is_gap("")
    (True, True, True, False, False)
    """
    return _GAP.match(text.lstrip(_FRONT)) is not None
