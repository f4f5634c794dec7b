"""Recompute a printed summary: which layers its rows imply, and what in it cannot be."""

from __future__ import annotations

from grader.architecture.readers.printed import PrintedSummary
from grader.architecture.recompute.humble import humbled
from grader.architecture.recompute.verdict import Disagreement, LayerReading, RowVerdict, SummaryVerdict
from grader.architecture.recompute.verify import verify as _verify
from grader.architecture.shapes import Shape

__all__ = ["Disagreement", "LayerReading", "RowVerdict", "SummaryVerdict", "verify"]


def verify(summary: PrintedSummary, *, input_shape: Shape | None = None) -> SummaryVerdict:
    """Recompute everything that `summary` says. Nothing is certain about a print that is not whole.

    Shapes:  `input_shape` with the batch first, where the caller knows what the network was given
    Returns: the verdict; it never raises for what a file may hold
    """
    return humbled(_verify(summary, input_shape=input_shape))
