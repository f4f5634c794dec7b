"""What do the lines below a Keras summary add up: counts, and the sizes that Keras 2.13 and later print behind them?"""

from __future__ import annotations

import re
from fractions import Fraction

from grader.architecture.readers.printed import PrintedNumber

_TOTAL = re.compile(
    r"(total|trainable|non-?\s?trainable|optimi[sz]er)\s{1,4}param(?:s|eters)?\s{0,4}#?\s{0,4}[:|=]?\s{0,40}"
    r"(\d{1,3}(?:[,. ]\d{3})+(?!\d)|\d{1,18})"
    r"(?:\s{0,4}\(\s{0,4}(\d[\d.,]{0,15})\s{0,4}(bytes?|[kmgtp]?i?b)\s{0,4}\)?)?",
    re.IGNORECASE,
)
_TOTAL_NAMES = {"total": "parameters", "trainable": "trainable", "non": "non_trainable", "optimi": "optimizer"}
_SIZE_NAMES = {
    "parameters": "total_mb",
    "trainable": "trainable_mb",
    "non_trainable": "non_trainable_mb",
    "optimizer": "optimizer_mb",
}
_UNITS = {"b": -2, "byte": -2, "bytes": -2, "kb": -1, "mb": 0, "gb": 1, "tb": 2, "pb": 3}


def holds_total(text: str) -> bool:
    """True if a text holds a total and its number."""
    return "aram" in text and bool(_TOTAL.search(text))


def take_totals(totals: dict[str, PrintedNumber], text: str, line: int) -> bool:
    """Take a line of totals: one and more of them on it; False if it holds none."""
    if "aram" not in text:
        return False
    text = text.replace("*", "").replace("`", "").replace("_", " ") if "*" in text or "`" in text else text
    taken = False
    for match in _TOTAL.finditer(text):
        word = match.group(1).lower()
        name = next(value for key, value in _TOTAL_NAMES.items() if word.startswith(key))
        if not taken and text[: match.start()].strip(" |&>-•│") and match.start() > 20:
            return False  # in the middle of a sentence
        digits = re.sub(r"[,. ]", "", match.group(2))
        if name in totals and not taken:
            return False  # the totals of another summary
        totals[name] = PrintedNumber(Fraction(int(digits)), Fraction(0), line, match.group(2).strip())
        size = _megabytes(match.group(3), match.group(4), line)
        if size is not None:
            totals[_SIZE_NAMES[name]] = size
        taken = True
    return taken


def _megabytes(value: str | None, unit: str | None, line: int) -> PrintedNumber | None:
    if not value or not unit:
        return None
    number = value.replace(",", "").rstrip(".")
    if number.count(".") > 1:
        return None
    scale = Fraction(1024) ** _UNITS[unit.lower().replace("i", "")]
    decimals = len(number.partition(".")[2])
    return PrintedNumber(Fraction(number) * scale, Fraction(1, 10**decimals) * scale, line, f"{value} {unit}")
