"""How is a student's text shown? As text: nothing in it can colour, move the cursor, hide or flip what stands there."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from fractions import Fraction

from grader.scoring import rounded

# Cc: ESC and friends; Cf: bidi overrides, zero-width; Co, Cn, Cs: private, unassigned, lone surrogates.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS = "\u200c\u200d"


def plain(text: str, *, limit: int = 2_000) -> str:
    r"""`text` on one line, invisible characters written out, shortened to `limit` characters.

    >>> plain("PASS \x1b[32m100\u202e")
    'PASS \\x1b[32m100\\u202e'
    """
    shown = []
    for char in text[: limit + 1]:
        if char in "\n\t\r":
            shown.append(" ")
        elif unicodedata.category(char) in _HIDDEN:
            shown.append(
                char.encode("ascii", "backslashreplace").decode() if ord(char) > 127 else f"\\x{ord(char):02x}"
            )
        else:
            shown.append(char)
    line = "".join(shown)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def points_text(points: Fraction) -> str:
    """Points as a teacher writes them: at most two decimals, no trailing zeros.

    >>> points_text(Fraction(13, 2)), points_text(Fraction(20)), points_text(Fraction(1, 3))
    ('6.5', '20', '0.33')
    """
    value: Decimal = rounded(points)
    return f"{value:f}"


def plain_lines(text: str, *, limit: int = 10_000) -> str:
    r"""`text` with its line ends, everything else invisible written out, cut to `limit` characters and counted.

    Tabs become spaces. A joiner between letters of a script that writes with them is part of a word, and stays.

    >>> plain_lines("a\r\nb\x1b[2J"), plain_lines("abcdef", limit=3)
    ('a\nb\\x1b[2J', 'abc… (3 more characters)')
    """
    more = len(text) - limit
    cut = text[:limit].replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    shown = "\n".join(line if line.isprintable() else _written_out(line) for line in cut.split("\n"))
    return f"{shown}… ({more:,} more characters)" if more > 0 else shown


def _written_out(line: str) -> str:
    made = []
    for at, char in enumerate(line):
        if char in _JOINERS and all(map(_is_joined, (line[at - 1 : at], line[at + 1 : at + 2]))):
            made.append(char)
        elif unicodedata.category(char) in _HIDDEN or char in "\u2028\u2029":
            made.append(char.encode("unicode_escape").decode())
        else:
            made.append(char)
    return "".join(made)


def _is_joined(char: str) -> bool:
    """A letter or a mark of a script from Arabic on: in Latin, Greek and Cyrillic a joiner only hides."""
    return char > "\u0590" and unicodedata.category(char)[0] in "LM"
