"""Which logs tell of one training? Those whose curves take the same steps, from whatever value.

A curve is compared by the differences of its values, in units of its last digit: a constant that was added is gone,
and a number that was changed spoils two of them. What a step tells is counted in bits, so that an accuracy that stays
at 98% tells nothing, and a loss of four digits much.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from grader.frozen import dataclass
from grader.model import Json
from grader.originality.marked import MOST_NEIGHBOURS, Clue, Marked, is_asked, most_common
from grader.originality.nearest import sharing

LEAST_BITS: Final = 40.0  # that two logs have to agree in: a chance of one in 10^12
LEAST_SHARE: Final = 0.6  # of a curve's steps that are not zero
_KEY_BITS: Final = 12.0  # by which a run of steps is looked up
_MOST_STEPS_OF_A_KEY: Final = 8
_Key = tuple[int, ...]


@dataclass(frozen=True)
class _Curve:
    path: str
    name: str
    values: tuple[int, ...]
    steps: tuple[int, ...]
    bits: tuple[float, ...]

    def runs(self) -> set[_Key]:
        """Runs of steps that tell enough to be looked up."""
        made = set()
        for start in range(len(self.steps)):
            total, end = 0.0, start
            while end < min(len(self.steps), start + _MOST_STEPS_OF_A_KEY) and (end < start + 2 or total < _KEY_BITS):
                total += self.bits[end]
                end += 1
            if total >= _KEY_BITS and end >= start + 2:
                made.add(self.steps[start:end])
        return made


def log_clues(hand_ins: Sequence[Marked]) -> list[Clue]:
    """A clue for each pair of hand-ins with logs that tell of one training."""
    own = [_curves(one.marks) for one in hand_ins]
    given = {key for one, curves in zip(hand_ins, own, strict=True) if one.is_given for c in curves for key in c.runs()}
    rows: dict[_Key, list[int]] = defaultdict(list)
    for number, curves in enumerate(own):
        if not hand_ins[number].is_given:
            for key in {key for curve in curves for key in curve.runs()} - given:
                rows[key].append(number)
    most = min(most_common(sum(not one.is_given for one in hand_ins)), MOST_NEIGHBOURS)
    rare = {key: row for key, row in rows.items() if 1 < len(row) <= most}
    held: dict[tuple[int, int], int] = {}
    made = []
    for one, other in sharing([rare[key] for key in sorted(rare)], len(hand_ins)):
        if is_asked(one, other, hand_ins) and (clue := _clue(one, other, own[one], own[other], rows)) is not None:
            made.append(clue)
            held[one, other] = clue.held_by
    return made


def _curves(marks: Mapping[str, Json]) -> list[_Curve]:
    made = []
    for log in marks.get("logs", ()):
        for curve in log["curves"]:
            values = tuple(curve["values"])
            steps = tuple(after - before for before, after in pairwise(values))
            grain = _grain(steps)
            bits = tuple(math.log2(1 + abs(step) / grain) if step else 0.0 for step in steps)
            made.append(_Curve(log["path"], curve["name"], values, steps, bits))
    return made


def _grain(steps: Sequence[int]) -> int:
    """The unit in which a curve really goes: one image of 360 for an accuracy, the last digit for a loss.

    >>> _grain([28, 55, -27, 0, 83]), _grain([412, 130, -57, 901])
    (27, 1)
    """
    smallest = min((abs(step) for step in steps if step), default=1)
    times = ((abs(step), round(abs(step) / smallest)) for step in steps)
    is_counted = all(abs(step - count * smallest) <= count + 1 for step, count in times if count <= 5)
    return smallest if is_counted else 1


def _clue(
    one: int, other: int, mine: Sequence[_Curve], theirs: Sequence[_Curve], rows: Mapping[_Key, Sequence[int]]
) -> Clue | None:
    total, agreeing, counted = 0.0, 0, 0
    words: list[str] = []
    files: tuple[set[str], set[str]] = (set(), set())
    held_by = 0
    taken: set[int] = set()
    for curve in mine:
        best, bits, same, of = None, 0.0, 0, 1
        for at, candidate in enumerate(theirs):
            if at in taken:
                continue
            told, agree, compared = _agreement(curve, candidate)
            if told > bits and agree >= LEAST_SHARE * compared:
                best, bits, same, of = at, told, agree, compared
        if best is None or bits < _KEY_BITS:
            continue
        taken.add(best)
        total, agreeing, counted = total + bits, agreeing + same, counted + of
        files[0].add(curve.path)
        files[1].add(theirs[best].path)
        words.append(_words(curve, theirs[best], same, of))
        shared = curve.runs() & theirs[best].runs()
        held_by = max([held_by, *(len(rows[key]) for key in shared if key in rows)])
    if total < LEAST_BITS:
        return None
    said = "; ".join(words[:3]) + (f"; and {len(words) - 3} more curves" if len(words) > 3 else "")
    in_one, in_other = (", ".join(sorted(paths)) for paths in files)
    return Clue(one, other, "log", said, round(agreeing / counted, 4), max(2, held_by), in_one, in_other)


def _agreement(mine: _Curve, theirs: _Curve) -> tuple[float, int, int]:
    """Bits in which two curves agree, steps that agree, and steps that tell anything."""
    told, agree, compared = 0.0, 0, 0
    for one, other, bits, others in zip(mine.steps, theirs.steps, mine.bits, theirs.bits, strict=False):
        compared += bool(one or other)
        if one and one == other:
            agree += 1
            told += min(bits, others)
    return told, agree, compared


def _words(mine: _Curve, theirs: _Curve, same: int, of: int) -> str:
    apart = {b - a for a, b in zip(mine.values, theirs.values, strict=False)}
    name = mine.name if mine.name == theirs.name else f"{mine.name} and {theirs.name}"
    if apart == {0}:
        return f"{name}: {min(len(mine.values), len(theirs.values))} values are equal"
    if len(apart) == 1:
        return f"{name}: equal but for a constant ({next(iter(apart)):+,} in the last digit)"
    return f"{name}: {same} of {of} steps from value to value are equal"
