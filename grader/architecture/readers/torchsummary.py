"""What does a print of torchsummary say? Its rows and totals, whole, damaged, or in a table of Markdown or LaTeX.

The rules are those of torchsummary 1.5.1 (sksq96's pytorch-summary): `{class}-{number}`, the output shape with the
batch as -1 (or as the batch size that was given), a list of shapes for several outputs, the count with commas; then
three totals and four sizes in MB. Forks add columns of input shapes.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.architecture.readers._flat_summaries import flat_summaries
from grader.architecture.readers.printed import Format, PrintedSummary
from grader.documents.report_lines import Line


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every print of torchsummary in the lines.

    >>> text = ["Layer (type)   Output Shape   Param #", "Linear-1   [-1, 10]   7,850", "Total params: 7,850"]
    >>> [summary] = read([Line(number, line) for number, line in enumerate(text, 1)])
    >>> summary.rows[0].outputs, int(summary.totals["parameters"].value)
    (((None, 10),), 7850)
    """
    return tuple(one for one in flat_summaries(lines) if one.format is Format.TORCHSUMMARY)
