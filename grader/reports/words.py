"""Which words and signs does a report use for a finding? Terminal, HTML pages and review page share them.

A sign and a word stand beside the colour: nobody has to tell green from red.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from grader.model import Finding, Outcome, RuleScore

SIGNS = {
    Outcome.PASSED: "✓",
    Outcome.PARTIAL: "◐",
    Outcome.FAILED: "✗",
    Outcome.UNKNOWN: "?",
    Outcome.REVIEW: "✎",
}

# A remark moves no point, and must not look as if it did.
REMARK_SIGNS = dict.fromkeys(Outcome, "·") | {Outcome.FAILED: "!", Outcome.UNKNOWN: "!", Outcome.REVIEW: "✎"}

# What `observed` and `expected` are called: a student's claim against our number, except where it is neither.
LABELS = {
    "accuracy": ("recomputed", "asked"),
    "architecture": ("found", "asked"),
    "artifacts": ("found", "asked"),
    "text": ("written", "asked"),
    "choice": ("chosen", "right"),
}


def details(finding: Finding) -> Iterator[tuple[str, str]]:
    """What stands below a finding's sentence, as (label, value).

    >>> from grader.model import Place
    >>> list(details(Finding(Outcome.FAILED, "no", Fraction(0), observed="5", place=Place("a.json"))))
    [('claimed', '5'), ('see', 'a.json')]
    """
    observed, expected = LABELS.get(finding.check, ("claimed", "recomputed"))
    if finding.observed:
        yield observed, finding.observed
    if finding.expected:
        yield expected, finding.expected
    if finding.place is not None:
        yield "see", str(finding.place)
    if finding.fix:
        yield "fix", finding.fix


def taken(rule: RuleScore) -> Fraction:
    """What a deduction takes by now: what is open is neither given nor taken."""
    return rule.points + rule.open_points
