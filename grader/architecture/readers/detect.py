"""Which printed summaries does a report hold? Every reader looks, and where two see the same lines, one is believed.

The print of a tool beats a table made by hand: its rules are narrower. Of two readings of the same kind of thing the
one that left fewer lines unread is believed, then the one with more rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.architecture.readers import handtable, keras, lightning, module_repr, torchinfo, torchsummaryx
from grader.architecture.readers._flat_summaries import flat_summaries
from grader.architecture.readers.printed import Format, PrintedSummary
from grader.documents.report_lines import Line

_TOOLS: tuple[Callable[[Sequence[Line]], tuple[PrintedSummary, ...]], ...] = (
    flat_summaries,
    torchsummaryx.read,
    torchinfo.read,
    keras.read,
    lightning.read,
    module_repr.read,
)


def read_summaries(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every printed summary in the lines, in the order of their first lines, none of them overlapping another.

    >>> text = ["Net(", "  (fc): Linear(in_features=4, out_features=2, bias=True)", ")"]
    >>> [one.format.value for one in read_summaries([Line(number, line) for number, line in enumerate(text, 1)])]
    ['print']
    """
    found = [summary for read in _TOOLS for summary in read(lines)]
    found += handtable.read(lines)
    believed: list[PrintedSummary] = []
    for summary in sorted(found, key=_rank):
        if not any(_overlap(summary, other) for other in believed):
            believed.append(summary)
    return tuple(sorted(believed, key=lambda one: (one.first_line, one.last_line)))


def _rank(summary: PrintedSummary) -> tuple[bool, int, int]:
    return summary.format is Format.HANDTABLE, len(summary.unread), -len(summary.rows)


def _overlap(one: PrintedSummary, other: PrintedSummary) -> bool:
    return one.first_line <= other.last_line and other.first_line <= one.last_line
