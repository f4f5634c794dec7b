"""What does a print of pytorch_model_summary say? Rows with the batch in their shapes and two counts each.

The rules are those of pytorch_model_summary 0.1.2: an output column or (`show_input`) an input column, the count and
the trainable count, parent layers in front where asked for. A module that is called again is not printed again.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.architecture.readers._flat_summaries import flat_summaries
from grader.architecture.readers.printed import Format, PrintedSummary
from grader.documents.report_lines import Line


def read(lines: Sequence[Line]) -> tuple[PrintedSummary, ...]:
    """Every print of pytorch_model_summary in the lines.

    >>> text = ["Layer (type)  Input Shape  Param #  Tr. Param #", "Linear-1  [1, 784]  7,850  7,850"]
    >>> [summary] = read([Line(number, line) for number, line in enumerate(text, 1)])
    >>> summary.rows[0].inputs, int(summary.rows[0].parameters.value)
    (((1, 784),), 7850)
    """
    return tuple(one for one in flat_summaries(lines) if one.format is Format.PYTORCH_MODEL_SUMMARY)
