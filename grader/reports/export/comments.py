r"""What does a student read in the LMS? The points, then the findings and comments of the student's view.

Every comment begins with the same words, so that the next export knows its own from a person's. Student text in it can
do nothing: it is text in a spreadsheet, and text in a page.
"""

from __future__ import annotations

import re

from grader.reports.export.cells import begins_like_a_formula, number_text, text_cell, visible
from grader.reports.export.choosing import Line

_FIRST = "Points: {} of {}"
_OWN = re.compile(r"\s*Points: -?[\d.]+ of -?[\d.]+(?=$|[\s,;<.])")
_SUM = re.compile(r"-?[\d.]+ of [\d.]+ points\b")
MOST = 20_000  # characters of a comment
_MOST_LINE = 1_000


def comment(line: Line) -> str:
    """The comment as plain text: its first line is the points. No line of it begins like a formula.

    Raises:  ValueError for a line without points: nothing is said where nothing goes out
    """
    if line.points is None:
        raise ValueError(f"{line.grade.id} gets no grade, and so no comment")
    first = _FIRST.format(number_text(line.points), number_text(line.most))
    if line.is_open:
        first += f", {number_text(line.grade.open_points)} more wait for a person"
    said = (line.grade.reason if line.code == "zero" else line.grade.feedback).split("\n")
    if _SUM.match(said[0]):
        del said[0]  # the first line above says it
    return cut("\n".join([first, *map(_shown, said)]).strip(), MOST)


def comment_cell(line: Line) -> str:
    """The comment as a cell that no spreadsheet runs."""
    return text_cell(comment(line))


def comment_html(line: Line, *, is_unicode: bool = True) -> str:
    r"""The comment as Moodle keeps it: HTML on one line, in which nothing of a student's is markup.

    Quotation marks and backslashes are written as numbers: PHP reads a backslash before a quotation mark in its own
    way, by which a comment could swallow the rows behind it. So are signs behind what another program may take for a
    delimiter.
    """
    escaped = "".join(_ESCAPES.get(char, char) for char in comment(line)).replace("\n", "<br>")
    escaped = _SIGN_BEHIND.sub(lambda found: f"&#{ord(found[0])};", escaped)
    return escaped if is_unicode else escaped.encode("ascii", "xmlcharrefreplace").decode()


def _shown(line: str) -> str:
    line = visible(cut(line, _MOST_LINE))
    if line.startswith("- "):
        return f"• {line[2:]}"
    return f"• {line}" if begins_like_a_formula(line) else line


def is_own(text: str) -> bool:
    """Whether a comment is one that an export has written, and not a person's.

    >>> is_own("Points: 7.5 of 20<br>x"), is_own("Well done! Points: 7 of 20")
    (True, False)
    """
    return _OWN.match(text) is not None


_SIGN_BEHIND = re.compile(r"(?<=[,;|])[=+\-@\uff1d\uff0b\uff0d\uff20]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\\": "&#92;"}


def cut(text: str, most: int) -> str:
    """The first `most` characters, and how many are left out.

    >>> cut("abcdef", 4)
    'abcd [... 2 more characters]'
    """
    return text if len(text) <= most else text[:most] + f" [... {len(text) - most:,} more characters]"
