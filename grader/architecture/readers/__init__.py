"""Readers of printed model summaries: text -> PrintedSummary, one format a file.

report lines -> read_summaries -> PrintedSummary -> grader.architecture.recompute
"""

from grader.architecture.readers.detect import read_summaries
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedShape, PrintedSummary, Unread

__all__ = [
    "Format",
    "PrintedNumber",
    "PrintedRow",
    "PrintedShape",
    "PrintedSummary",
    "Unread",
    "read_summaries",
]
