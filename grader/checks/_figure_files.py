"""Of which kind is a figure, told by its bytes; and what can be said of one that is not drawn here?

A PDF or an SVG is a program for a renderer, and a stranger wrote it. Neither is given to one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from grader.checks._images import NoImageError, read_header
from grader.checks._settings import counted
from grader.checks._submitted import opened
from grader.frozen import dataclass
from grader.model import Json, Submission, SubmittedFile

_HEAD: Final = 4096
_MOST_SVG: Final = 16 * 2**20
_DRAWS: Final = re.compile(rb"<(?:\w+:)?(path|line|polyline|polygon|rect|circle|ellipse|text|image|use)\b")
_ACTS: Final = re.compile(rb"<(?:\w+:)?(script|foreignObject|iframe)\b|\son\w+\s*=|javascript:", re.IGNORECASE)
_LINKS: Final = re.compile(
    rb"(?:href|src)\s*=\s*[\"'](?!#|data:)|url\(\s*[\"']?(?!#|data:)\w+:|<!ENTITY", re.IGNORECASE
)


@dataclass(frozen=True)
class Kind:
    """A format with a few words, or the problem of what is in none. `is_picture` where it is decoded in the sandbox."""

    format: str
    words: str = ""
    problem: str = ""
    fix: str = ""

    @property
    def is_picture(self) -> bool:
        """PNG, JPEG, GIF."""
        return self.format in ("PNG", "JPEG", "GIF")


def kind_of(submission: Submission, file: SubmittedFile) -> Kind:
    """By the file's first bytes, whatever it is called. A picture that is cut off is one: its decoder says so."""
    with opened(submission, file) as stream:
        head = stream.read(_HEAD)
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return Kind("PNG")
        if head.startswith((b"GIF87a", b"GIF89a")):
            return Kind("GIF")
        if head.startswith(b"\xff\xd8\xff"):
            return Kind("JPEG")
        if b"%PDF-" in head[:1024]:
            stream.seek(max(0, file.size - 2048))
            is_whole = b"%%EOF" in stream.read(2048)
            return Kind("PDF", f"a PDF of {file.size:,} bytes" + ("" if is_whole else ", which seems to be cut off"))
        if _is_svg(head):
            stream.seek(0)
            return Kind("SVG", _svg_words(stream.read(_MOST_SVG), file.size))
        stream.seek(0)
        try:
            read_header(stream, file.size)
            what = "not a picture"  # pragma: no cover  the formats above are all it knows
        except NoImageError as error:
            what = str(error)
    return Kind("", problem=what, fix="export the figure again, as PNG")


def _is_svg(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"<") and b"<svg" in head


def _svg_words(data: bytes, size: int) -> str:
    """What can be counted of an SVG without drawing it."""
    words = f"an SVG of {size:,} bytes, {counted(len(_DRAWS.findall(data)), 'element')} in it that draw something"
    if _ACTS.search(data):
        words += ", with scripts in it: it is not to be opened in a browser"
    if _LINKS.search(data):
        words += ", with links to elsewhere"
    return words


def said_of(found: Mapping[str, Json]) -> str:
    """A few words on a picture.

    >>> said_of({"format": "PNG", "width": 640, "height": 480, "is_grey": False})
    'PNG of 640 x 480 pixels'
    """
    grey = ", grey" if found["is_grey"] else ""
    return f"{found['format']} of {found['width']:,} x {found['height']:,} pixels{grey}"
