"""Which totals does a line below a torchinfo tree state?

Every version of torchinfo and of its ancestor torch-summary prints `Total params: 1,234`, later ones add a count of
multiply-adds with its unit in brackets and the four lines of megabytes.
"""

from __future__ import annotations

import re
from fractions import Fraction

from grader.architecture.readers.printed import PrintedNumber

_NAMES = {
    "total params": "parameters",
    "trainable params": "trainable",
    "non-trainable params": "non_trainable",
    "total mult-adds": "mult_adds",
    "input size": "input_mb",
    "forward/backward pass size": "pass_mb",
    "params size": "parameters_mb",
    "estimated total size": "total_mb",
}
_TOTAL = re.compile(
    r"(?<![a-z])(total params|non[- ]{0,2}trainable params|trainable params|total mult[- ]{0,2}adds|input size"
    r"|forward ?/ ?backward pass size|params size|estimated total size)"
    r"[^\w(]{0,8}(?:\(([\w. ]{1,20})\))?[^\w(]{0,12}"
    r"(\d[\d,]{0,30}(?: \d{3}){0,5}(?:\.\d{1,6})?)(?![\d.]*e[+-]?\d)(?! ?[km]b?\b)",
    re.IGNORECASE | re.ASCII,
)
# Python 3.11 prints the unit as "Units.MEGABYTES" where it was "M" before.
_UNITS = {"": 1, "none": 1, "m": 10**6, "megabytes": 10**6, "g": 10**9, "gigabytes": 10**9, "t": 10**12}
_UNITS["terabytes"] = 10**12


def totals_in(text: str, line: int) -> dict[str, PrintedNumber]:
    """The totals that stand in a line, by the names of TOTALS.

    Units:  parameters and multiply-adds in ones, megabytes as the tool says them

    >>> found = totals_in("Total mult-adds (M): 555.43", 9)["mult_adds"]
    >>> int(found.value), int(found.step)
    (555430000, 10000)
    >>> totals_in("**Non-trainable params**: 0", 3)["non_trainable"].value
    Fraction(0, 1)
    """
    lowered = text.lower()
    if "params" not in lowered and "size" not in lowered and "adds" not in lowered:
        return {}
    plain = text.replace("\\!", "").replace("{,}", ",").replace("\\,", ",").replace("$", "")
    found: dict[str, PrintedNumber] = {}
    for match in _TOTAL.finditer(plain):
        label = re.sub(r"non[- ]*trainable", "non-trainable", match[1].lower())
        label = re.sub(r"mult[- ]*adds", "mult-adds", label).replace(" /", "/").replace("/ ", "/")
        made = _number(_NAMES[label], (match[2] or "").strip().lower(), match[3], line, match[0])
        if made is not None:
            found[_NAMES[label]] = made
    return found


def _number(name: str, unit: str, digits: str, line: int, text: str) -> PrintedNumber | None:
    value = Fraction(digits.replace(",", "").replace(" ", ""))
    decimals = len(digits.partition(".")[2])
    if name == "mult_adds":
        factor = _UNITS.get(unit.removeprefix("units.").strip())
        if factor is None:
            return None
        # torchinfo drops the decimals of a whole number of millions: "5" is 5.00.
        step = Fraction(factor, 100 if not decimals else 10**decimals) if factor > 1 else Fraction(0)
        return PrintedNumber(value * factor, step, line, text)
    step = Fraction(1, 10**decimals) if decimals or name.endswith("_mb") else Fraction(0)
    return PrintedNumber(value, step, line, text)
