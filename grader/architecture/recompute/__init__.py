"""Recompute a printed summary: which layers its rows imply, and what in it cannot be."""

from grader.architecture.recompute.verdict import Disagreement, LayerReading, RowVerdict, SummaryVerdict
from grader.architecture.recompute.verify import verify

__all__ = ["Disagreement", "LayerReading", "RowVerdict", "SummaryVerdict", "verify"]
