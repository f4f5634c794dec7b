"""Do the totals and megabytes of a printed summary follow from its rows, by the rule of the tool that printed it?

A total is called wrong for certain only where no version of the tool can have printed it above, or below, these rows.
What may also be a habit of the tool, or of a module that the print does not show, goes to a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.architecture.readers.printed import PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.defects import known_defects
from grader.architecture.recompute.ranges import Range, written_like
from grader.architecture.recompute.totals_model import TotalsModel, TotalsView
from grader.architecture.recompute.verdict import Disagreement
from grader.frozen import dataclass

__all__ = ["TotalsModel", "TotalsVerdict", "TotalsView", "check_totals", "expected"]


@dataclass(frozen=True)
class TotalsVerdict:
    """What is so about the totals.

    `recomputed`  every total that follows from the rows, by the names of TOTALS, as the tool would print it
    `defects`     known faults of the tool that show in the totals: never charged
    `doubts`      what could not be decided
    """

    disagreements: tuple[Disagreement, ...] = ()
    recomputed: Mapping[str, str] | None = None
    defects: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def check_totals(summary: PrintedSummary, *, inputs: Sequence[PrintedShape] = ()) -> TotalsVerdict:
    """Compare every printed total with what follows from the rows.

    Shapes:  `inputs` are the shapes of the network's inputs, batch first, where they are known

    >>> from fractions import Fraction
    >>> from grader.architecture.readers.printed import Format, PrintedNumber
    >>> count = lambda value: PrintedNumber(Fraction(value), Fraction(0), 9, f"{value:,}")
    >>> row = PrintedRow(3, "Linear-1", "Linear", outputs=((None, 10),), parameters=count(7850))
    >>> summary = PrintedSummary(Format.TORCHSUMMARY, 1, 9, (row,), {"parameters": count(7580)})
    >>> [(one.field, one.said, one.recomputed) for one in check_totals(summary).disagreements]
    [('parameters', '7,580', '7,850')]
    """
    view = TotalsModel(summary, inputs).view()
    recomputed = {
        name: written_like(made, summary.totals.get(name)) for name, made in view.ranges.items() if made.is_known
    }
    defects = (*view.defects(), *known_defects(summary))
    return TotalsVerdict(view.disagreements(), recomputed, defects, view.doubts())


def expected(
    summary: PrintedSummary,
    name: str,
    *,
    rows: Mapping[int, PrintedRow] | None = None,
    inputs: Sequence[PrintedShape] = (),
) -> Range | None:
    """The values that a total can have above these rows, some of them replaced; None where nothing follows.

    For many questions about one summary make one `TotalsModel` and ask it `with_row`.
    """
    view = TotalsModel(summary, inputs).view()
    for index, row in (rows or {}).items():
        view = view.with_row(index, row)
    return view.expected(name)
