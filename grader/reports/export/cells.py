r"""How does text stay text in a spreadsheet? No cell of it can be taken for a formula; numbers stay numbers.

A spreadsheet takes a cell for a formula by its first character, whatever the file says of quotes; some pass over
blanks and invisible characters before it, and some read the full-width forms as the plain ones. One that splits the
file at another delimiter finds "first characters" inside of cells, too.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from grader.scoring import rounded

_SIGNS = frozenset("=+-@|%")
_MORE_SIGNS = frozenset("\u2212\u2010\u2011\u2012\u2013\u2014")  # minus and dashes: some keyboards make = and - of them
_BEHIND_A_DELIMITER = re.compile(r"(?<=[,;\t|])([\"']*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
MOST = 32_000  # characters of a cell: a spreadsheet cuts off at 32,767, in the middle of whatever stands there
_CUT = "\n[... cut: {:,} more characters]"


def text_cell(text: str, limit: int = MOST) -> str:
    r"""`text` as a cell that no spreadsheet runs: an apostrophe stands before what would begin a formula.

    Control characters and marks that turn the direction of writing are written out; newlines stay.

    >>> [text_cell(text) for text in ("=1+1", "\t=1+1", "\uff1d1+1", " @x", "Ada", "x\n-2+3")]
    ["'=1+1", "'\\t=1+1", "'\uff1d1+1", "' @x", 'Ada', "x\n'-2+3"]
    >>> text_cell("ok;=1+1")
    "ok;'=1+1"
    """
    if len(text) > limit:
        text = text[: limit - 60] + _CUT.format(len(text) - limit + 60)
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(_line(line) for line in lines)


def visible(text: str) -> str:
    r"""`text` with control characters and marks that turn the direction of writing written out; newlines stay.

    >>> visible("a\x1b[2J\u202eb\n")
    'a\\x1b[2J\\u202eb\n'
    """
    return "".join(char if char == "\n" else _shown(char) for char in text)


def _line(line: str) -> str:
    shown = _BEHIND_A_DELIMITER.sub(r"'\1", visible(line))
    return "'" + shown if begins_like_a_formula(line) else shown


def begins_like_a_formula(line: str) -> bool:
    """Whether a spreadsheet could take a cell with this line for a formula, passing over blanks before it."""
    if line[:1] in ("\t", "\r"):
        return True
    for char in line:
        if char in _SIGNS or char in _MORE_SIGNS:
            return True
        plain = unicodedata.normalize("NFKC", char)
        if plain[:1] in _SIGNS:
            return True
        if not (plain.isspace() or char in "'\"" or unicodedata.category(char)[0] in "CZM"):
            return False
    return False


def _shown(char: str) -> str:
    if char in _BIDI or unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn"):
        return char.encode("unicode_escape").decode()
    return "\u0020" if char in "\u2028\u2029" else char


def is_like_a_formula(text: str) -> bool:
    """Whether a spreadsheet could run this cell. A number, also with a sign and a decimal comma, is none.

    >>> [is_like_a_formula(text) for text in ("=1+1", "-3", "-3,5", "+4 %", "-", "", "Ada")]
    [True, False, False, False, False, False, False]
    """
    if not text.strip() or re.fullmatch(r"\s*[+\-\u2212]?[\d.,\s%]*", text):
        return False
    return any(begins_like_a_formula(line) for line in text.split("\n"))


# --- numbers -----------------------------------------------------------------------------------


def number_text(value: Fraction, places: int = 2) -> str:
    """Points as digits with a point, rounded as teachers round, without an exponent.

    >>> number_text(Fraction(13, 2)), number_text(Fraction(20)), number_text(Fraction(1, 8)), number_text(Fraction(300))
    ('6.5', '20', '0.13', '300')
    """
    return f"{rounded(value, places):f}"


def fixed_text(value: Fraction, places: int = 2) -> str:
    """Points with all their decimals, as an LMS writes them.

    >>> fixed_text(Fraction(13, 2)), fixed_text(Fraction(-1, 8))
    ('6.50', '-0.13')
    """
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):f}"


def number(value: Fraction) -> int | float:
    """Points as a number for machines, to 4 decimals.

    >>> number(Fraction(20)), number(Fraction(1, 3))
    (20, 0.3333)
    """
    exact = rounded(value, 4)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def number_from(text: str) -> Fraction | None:
    """The number that a cell of an LMS says, with a decimal point or comma; None where it is none for certain.

    >>> number_from("1,000"), number_from("0,125")  # a thousand or one? no LMS writes three decimals
    (None, Fraction(1, 8))
    >>> [str(number_from(text)) for text in ("100.00", "7,5", " 1.000,50 ", "1,000.5", "-", "", "1e3", "12%")]
    ['100', '15/2', '2001/2', '2001/2', 'None', 'None', 'None', 'None']
    """
    digits = re.sub(r"[\s\u00a0\u202f']", "", text)
    if re.fullmatch(r"-?\d{1,3}(?:\.\d{3})+,\d+", digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"-?\d{1,3}(?:,\d{3})+\.\d+", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"-?[1-9]\d{0,2}(?:[.,]\d{3})+", digits):
        return None
    digits = digits.replace(",", ".")
    return Fraction(digits) if re.fullmatch(r"-?\d+(?:\.\d*)?|-?\.\d+", digits) else None
