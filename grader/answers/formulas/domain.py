"""For which whole numbers must two formulas agree? A range for each name, conditions, and names that others define.

The points of a domain come in the order in which a person looks for a counterexample: small ones first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from grader.answers.answer_error import refuse
from grader.answers.formulas.lexing import split
from grader.answers.formulas.parsing import Parser, Style
from grader.answers.formulas.tree import Node, Operation, names_in, number
from grader.answers.formulas.values import UndefinedError, compiled
from grader.answers.writing import plain
from grader.frozen import dataclass
from grader.model import Place

_COMPARISONS: Final = {"≤": (0, False), "<": (-1, False), "≥": (0, True), ">": (-1, True), "=": (0, False)}


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `low` on, up to `high` (None: without end)."""

    low: int = 1
    high: int | None = None

    def __str__(self) -> str:
        return f"{self.low} or more" if self.high is None else f"{self.low} to {self.high}"


@dataclass(frozen=True)
class Domain:
    """Where two formulas have to agree.

    `ranges`      by name; a name that is not listed starts at 1, a padding (P, p, P_w, padding) at 0
    `conditions`  trees that must not be negative: W + 2P - K for "K <= W + 2P"
    `least`       the smallest expected value that counts (1 for a size); None: every value does
    """

    ranges: Mapping[str, Range] = field(default_factory=dict)
    conditions: tuple[Node, ...] = ()
    least: int | None = None

    def range_of(self, name: str) -> Range:
        """The range of a name."""
        is_padding = name[:1] in ("P", "p") and (len(name) == 1 or not name[1].isalpha() or name.startswith("pad"))
        return self.ranges.get(name) or Range(0 if is_padding else 1)

    def conditions_on(self, names: Sequence[str]) -> list[Node]:
        """The conditions that speak of nothing else."""
        return [one for one in self.conditions if set(names_in(one)) <= set(names)]


def parse_condition(text: str, place: Place) -> tuple[Node, ...]:
    """What must not be negative for the comparison to hold, or AnswerError. Two comparisons may follow each other.

    >>> from grader.answers.formulas.tree import render
    >>> [render(one) for one in parse_condition("1 <= K < W + 2P", Place("rubric"))]
    ['K - 1', 'W + 2*P - K - 1']
    """
    line = plain(text, place, limit=200)
    pieces = split(line, place)
    signs = [piece for piece in pieces if piece.kind in _COMPARISONS]
    if not signs:
        refuse(place, f"{text!r} compares nothing", "write a condition such as K <= W + 2P", code="not-a-condition")
    cuts = [0, *(piece.end for piece in signs)]
    ends = [*(piece.start for piece in signs), len(line)]
    sides = []
    for start, end in zip(cuts, ends, strict=True):
        side = line[start:end]
        sides.append(Parser(side, split(side, place), place, Style(is_floor=False)).whole())
    found: list[Node] = []
    for sign, left, right in zip(signs, sides, sides[1:], strict=False):
        shift, is_left_larger = _COMPARISONS[sign.kind]
        small, large = (right, left) if is_left_larger else (left, right)
        tree: Node = Operation("-", large, small)
        found.append(Operation("-", tree, number(1)) if shift else tree)
        if sign.kind == "=":
            found.append(Operation("-", small, large))
    return tuple(found)


def points(domain: Domain, names: Sequence[str], *, at_most: int) -> Iterator[tuple[int, ...]]:
    """Points of the domain, the smallest (by the sum above the lower ends) first; `at_most` are looked at.

    Points on which a condition fails, or has no value, are left out and counted among those looked at.

    >>> list(points(Domain({"T": Range(3, 5)}), ["T"], at_most=10))
    [(3,), (4,), (5,)]
    """
    checks = [compiled(one, names) for one in domain.conditions_on(names)]
    ranges = [domain.range_of(name) for name in names]
    for looked_at, point in enumerate(_shells(ranges)):
        if looked_at >= at_most:
            return
        try:
            if all(check(point) >= 0 for check in checks):
                yield point
        except UndefinedError:
            continue


def _shells(ranges: Sequence[Range]) -> Iterator[tuple[int, ...]]:
    if not ranges:
        yield ()
        return
    room = [None if one.high is None else max(one.high - one.low, -1) for one in ranges]
    if -1 in room:
        return
    last = None if None in room else sum(one for one in room if one is not None)
    total = 0
    while last is None or total <= last:
        for offsets in _splits(total, room):
            yield tuple(one.low + offset for one, offset in zip(ranges, offsets, strict=True))
        total += 1


def _splits(total: int, room: Sequence[int | None]) -> Iterator[tuple[int, ...]]:
    """Every way to share `total` among the places, none over its room."""
    first, rest = room[0], room[1:]
    most = total if first is None else min(total, first)
    if not rest:
        if most == total:
            yield (total,)
        return
    for share in range(most, -1, -1):
        for others in _splits(total - share, rest):
            yield (share, *others)


def size_of(domain: Domain, names: Sequence[str]) -> int | None:
    """How many points the ranges hold (conditions aside); None without end."""
    count = 1
    for name in names:
        one = domain.range_of(name)
        if one.high is None:
            return None
        count *= max(0, one.high - one.low + 1)
    return count


def conditions_of(texts: Sequence[str], place: Place) -> tuple[Node, ...]:
    """All conditions of a rubric; AnswerError for one that cannot be read."""
    return tuple(tree for text in texts for tree in parse_condition(text, place))
