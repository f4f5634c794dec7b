"""How is a person told what an export did not do? By kinds, the most serious first, each with whom it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from grader.reports.export.choosing import Told
from grader.reports.plain import plain

_MOST = 12  # of a kind; --json has them all
# code -> what its lines are about, and what can be done; in the order in which they are told
_HEADS = {
    "quarantined": ("files that are nobody's", "find out whose they are, and import again"),
    "open": ("points wait for a person", "decide them in grader review; --open-as-is exports what is decided so far"),
    "not-graded": ("not graded", "grader run-all grades them"),
    "newer": ("handed in anew", "grader run-all grades them"),
    "missing": ("no hand-in", "--missing-as-zero exports a 0 for them"),
    "above-maximum": ("above the maximum", "raise it in the LMS, or lower the grade"),
    "below-zero": ("below 0", ""),
    "locked": ("locked", "unlock them in the LMS"),
    "not-in-file": ("not in the LMS's file", "download it anew: they may have joined later"),
    "not-in-gradebook": ("not in the gradebook", "import the class anew: they may have joined later"),
    "zero-in-file": ("a 0 of the LMS's own", "do not read it as a grade"),
    "kept": ("left as the LMS has it", ""),
    "zero": ("exported as 0", ""),
    "open-as-is": ("exported with points open", ""),
    "unseen": ("exported before anybody has looked", "mark them as reviewed in grader review"),
    "changed": ("replaced", ""),
    "comment-kept": ("comments of somebody's that were kept", ""),
    "no-feedback-file": ("no feedback file", ""),
    "formula-in-file": ("beware", ""),
    "no-comments": ("no comments", ""),
    "scaled": ("scaled", ""),
}


def telling(told: Sequence[Told], names: Mapping[str, str]) -> Iterator[Text]:
    """A heading for each kind with how many there are, and the first of them below; `names` by the students' ids."""
    order = [*_HEADS, *dict.fromkeys(one.code for one in told if one.code not in _HEADS)]
    for code in order:
        these = [one for one in told if one.code == code]
        if not these:
            continue
        head, advice = _HEADS.get(code, (code, ""))
        yield Text.assemble((f"{head} ({len(these):,})", "bold"), f": {advice}" if advice else "")
        for one in these[:_MOST]:
            name = plain(names.get(one.who, ""), limit=60)
            who = f"{plain(one.who)} {name}".strip()
            lead = f"  {who}: " if who else "  "
            yield Text(lead + plain(one.what))
        if len(these) > _MOST:
            yield Text(f"  and {len(these) - _MOST:,} more: --json lists them all", style="dim")
