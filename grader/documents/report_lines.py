"""What did a person write in a report, line by line, without the noise of its file format?

file text -> report_lines -> readers of summaries (grader.architecture.readers) and of claims (grader.answers.claims)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    """What kind of text a line stood in."""

    TEXT = "text"  # prose, Markdown, a PDF's text, LaTeX, HTML
    CODE = "code"  # the source of a notebook's code cell
    OUTPUT = "output"  # what a notebook's cell printed


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a person sees it.

    `number`  the line of the file that it stands on, from 1; several lines share one where a JSON string
              or an HTML line holds several
    `text`    the line without what is not its content: ANSI codes, carriage returns, JSON escapes, logger prefixes,
              quote and prompt marks, code fences kept as they are; leading blanks kept (trees and reprs need them)
    `part`    a count that goes up where one text ends and another begins (the cells of a notebook)
    """

    number: int
    text: str
    source: Source = Source.TEXT
    part: int = 0
