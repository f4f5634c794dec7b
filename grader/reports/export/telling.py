"""How is a person told what an export did not do? By kinds, the most serious first, each with whom it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from grader.reports.export.choosing import Told
from grader.reports.plain import plain

_MOST = 12  # of a kind; --json has them all
# code -> what its lines are about; in the order in which they are told
_HEADS = {
    "quarantined": "files that are nobody's",
    "open": "points that wait",
    "not-graded": "not graded",
    "newer": "handed in anew",
    "missing": "no hand-in",
    "above-maximum": "above the maximum",
    "below-zero": "below 0",
    "locked": "locked",
    "not-in-file": "not in the LMS's file",
    "not-in-gradebook": "not in the gradebook",
    "kept": "left as the LMS has it",
    "zero": "exported as 0",
    "open-as-is": "exported with points open",
    "changed": "replaced",
    "comment-kept": "comments that were kept",
    "no-feedback-file": "no feedback file",
    "formula-in-file": "beware",
    "no-comments": "no comments",
    "scaled": "scaled",
}


def telling(told: Sequence[Told]) -> Iterator[Text]:
    """A heading for each kind with how many there are, and the first of them below."""
    order = [*_HEADS, *dict.fromkeys(one.code for one in told if one.code not in _HEADS)]
    for code in order:
        these = [one for one in told if one.code == code]
        if not these:
            continue
        yield Text(f"{_HEADS.get(code, code)} ({len(these):,})", style="bold")
        for one in these[:_MOST]:
            lead = f"  {plain(one.who)}: " if one.who else "  "
            yield Text(lead + plain(one.what))
        if len(these) > _MOST:
            yield Text(f"  and {len(these) - _MOST:,} more: --json lists them all", style="dim")
