"""What learning rate schedule does a student's code set? Read as text: it is neither run nor parsed.

train.py -> "MultiStepLR(optimizer, [2, 4], gamma=0.1)" -> Scheduler("MultiStepLR", line 12, 1/100)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from grader.frozen import dataclass

MOST_BYTES: Final = 200_000
_MOST_CALL: Final = 1_500  # characters of a call: longer ones are not understood
_CALL = re.compile(r"\b([A-Z][A-Za-z]{1,40}LR|[A-Z][A-Za-z]{0,40}(?:Restarts|Plateau)|SequentialLR)[ \t]*\(")
_BY_HAND = re.compile(r"""\bparam_groups\b|\[\s*["']lr["']\s*\]\s*[*/]?=""")
_NUMBER = re.compile(r"\d{0,6}\.?\d{1,12}(?:e-?\d{1,2})?", re.IGNORECASE)
_GAMMA: Final = Fraction(1, 10)  # MultiStepLR's own, where none is written


@dataclass(frozen=True)
class Scheduler:
    """A scheduler that the code makes; `factor` is what it multiplies the rate by in the end, None where unknown."""

    name: str
    line: int
    factor: Fraction | None


def schedulers_in(code: str) -> list[Scheduler]:
    r"""The schedulers that the code makes, in its order; what stands in comments is none.

    >>> schedulers_in("s = MultiStepLR(opt, milestones=[3, 5], gamma=0.1)  # StepLR(opt, 2)")
    [Scheduler(name='MultiStepLR', line=1, factor=Fraction(1, 100))]
    >>> [one.factor for one in schedulers_in("MultiStepLR(opt, range(9))\nStepLR(opt, 2)")]
    [None, None]
    """
    return list(_schedulers(_without_comments(code)))


def is_set_by_hand(code: str) -> bool:
    """Whether the code may change the rate without a scheduler.

    >>> is_set_by_hand('group["lr"] *= 0.1'), is_set_by_hand("# param_groups"), is_set_by_hand("lr = 0.1")
    (True, False, False)
    """
    return bool(_BY_HAND.search(_without_reading(_without_comments(code))))


def _without_reading(code: str) -> str:
    """Without lines that only look the rate up: `rate = optimizer.param_groups[0]["lr"]`."""
    looked_up = re.compile(r"""param_groups\s*\[\s*-?\d+\s*\]\s*\[\s*["']lr["']\s*\](?!\s*[*/+-]?=[^=])""")
    return looked_up.sub("", code)


def _without_comments(code: str) -> str:
    return "\n".join(line.split("#", 1)[0] for line in code.split("\n"))


def _schedulers(code: str) -> Iterator[Scheduler]:
    for found in _CALL.finditer(code):
        before = code[max(0, found.start() - 12) : found.start()]
        if re.search(r"\b(?:class|def)\s+$", before):
            continue
        arguments = _arguments(code, found.end())
        factor = _factor(arguments) if found[1] == "MultiStepLR" and arguments is not None else None
        yield Scheduler(found[1], code.count("\n", 0, found.start()) + 1, factor)


def _arguments(code: str, start: int) -> list[str] | None:
    """The arguments of a call whose bracket opens before `start`; None where it does not close."""
    depth, text = 1, ""
    parts: list[str] = []
    for char in code[start : start + _MOST_CALL]:
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return [part.strip() for part in [*parts, text] if part.strip()]
        if depth == 1 and char == ",":
            parts.append(text)
            text = ""
        else:
            text += char
    return None


def _factor(arguments: list[str]) -> Fraction | None:
    """What gamma ** (number of milestones) is, where both are written out."""
    named = {name: value for name, value in (_named(one) for one in arguments) if name}
    placed = [value for name, value in (_named(one) for one in arguments) if not name]
    milestones = named.get("milestones", placed[1] if len(placed) > 1 else None)
    gamma = named.get("gamma", placed[2] if len(placed) > 2 else None)
    listed = re.fullmatch(r"[\[(](.*)[\])]", milestones or "", re.DOTALL)
    if listed is None or re.search(r"\bfor\b|\*", re.sub(r"\w\s*\*\s*\w", "", listed[1])):
        return None
    inside = _arguments(listed[1] + ")", 0)
    if not inside or (gamma is not None and not _NUMBER.fullmatch(gamma)):
        return None
    return (_GAMMA if gamma is None else Fraction(gamma)) ** len(inside)


def _named(argument: str) -> tuple[str, str]:
    found = re.fullmatch(r"(\w{1,40})\s*=(?!=)\s*(.*)", argument, re.DOTALL)
    return (found[1], found[2].strip()) if found else ("", argument)
