"""Which programs, and which texts, share passages that few others have?

Marks are looked up by their hash: what the course gave and what many have is dropped, and what is left is counted. As
a passage that is copied is copied whole, a copy shares most of its rare marks with its source, and strangers few.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from grader.frozen import dataclass
from grader.originality.marked import MOST_PAIRED, Clue, Marked, is_asked, most_common, paired
from grader.originality.nearest import sharing

LEAST_CODE: Final = 40  # rare marks that two programs have to share: about 150 tokens, more than a small network has
MOST_LOOKED_UP: Final = 30  # different programs with a passage by which pairs are looked for
LEAST_TEXT: Final = (4, 0.8)  # of a short text nearly all
_Where = tuple[str, int]  # file or answer, and line


@dataclass(frozen=True)
class _Looked:
    """What was found of one kind. `of` lists, for each hand-in, its rare marks with their places."""

    of: Sequence[Mapping[int, _Where]]
    holders: Mapping[int, int]
    pairs: Sequence[tuple[int, int]]


def code_clues(hand_ins: Sequence[Marked], *, near: float = 0.4, least: int = LEAST_CODE) -> list[Clue]:
    """A clue for each pair whose programs share so many rare passages, and so much of the smaller one's."""
    found = _looked(hand_ins, "code", least)
    return [
        clue
        for one, other in found.pairs
        if (clue := _clue("code", one, other, found.of[one], found.of[other], found.holders, near, least))
    ]


def text_clues(hand_ins: Sequence[Marked], *, near: float = 0.4) -> list[Clue]:
    """A clue for each pair with a written answer or report in common: text by text, the most alike one is told."""
    found = _looked(hand_ins, "texts", LEAST_TEXT[0])
    made = []
    for one, other in found.pairs:
        clues = [
            clue
            for mine in _by_path(found.of[one]).values()
            for theirs in _by_path(found.of[other]).values()
            for least, share in ((2 * LEAST_TEXT[0], near), (LEAST_TEXT[0], max(near, LEAST_TEXT[1])))
            if (clue := _clue("text", one, other, mine, theirs, found.holders, share, least))
        ]
        best: dict[str, Clue] = {}
        for clue in sorted(clues, key=lambda clue: (-clue.similarity, clue.in_one, clue.in_other)):
            if clue.in_one not in best and all(clue.in_other != other_one.in_other for other_one in best.values()):
                best[clue.in_one] = clue
        made += list(best.values())
    return made


def _looked(hand_ins: Sequence[Marked], kind: str, least: int) -> _Looked:
    """The pairs that share at least so many rare marks, in order."""
    everything = [_places(hand_in, kind) for hand_in in hand_ins]
    given = {mark for hand_in, marks in zip(hand_ins, everything, strict=True) if hand_in.is_given for mark in marks}
    own = [{} if one.is_given else marks for one, marks in zip(hand_ins, everything, strict=True)]
    holders = Counter(mark for marks in own for mark in marks)
    most = most_common(sum(not one.is_given for one in hand_ins))
    rare = [
        {mark: where for mark, where in marks.items() if mark not in given and holders[mark] <= most} for marks in own
    ]
    # Equal ones are one: a ring of hundreds is found by its first member.
    alike: dict[frozenset[int], list[int]] = defaultdict(list)
    for number, marks in enumerate(rare):
        if len(marks) >= least:
            alike[frozenset(marks)].append(number)
    groups = sorted(alike.values())
    pairs = {pair for group in groups for pair in paired(group, hand_ins)}
    rows: dict[int, list[int]] = defaultdict(list)
    for at, group in enumerate(groups):
        for mark in rare[group[0]]:
            rows[mark].append(at)
    # By the rarest alone who may be a pair is found; of these all that is rare is counted.
    rarest = [row for row in rows.values() if len(row) <= MOST_LOOKED_UP]
    for a, b in sharing(rarest, len(groups), max(2, least // 4)):
        both = [(min(x, y), max(x, y)) for x in groups[a][:MOST_PAIRED] for y in groups[b][:MOST_PAIRED]]
        pairs.update(pair for pair in both if is_asked(*pair, hand_ins))
    return _Looked(rare, holders, sorted(pairs))


def _places(hand_in: Marked, kind: str) -> dict[int, _Where]:
    """Every mark with the first place where it stands."""
    made: dict[int, _Where] = {}
    for part in hand_in.marks.get(kind, ()):
        for mark, line in part["marks"]:
            made.setdefault(mark, (part["path"], line))
    return made


def _by_path(marks: Mapping[int, _Where]) -> dict[str, dict[int, _Where]]:
    made: dict[str, dict[int, _Where]] = defaultdict(dict)
    for mark, where in marks.items():
        made[where[0]][mark] = where
    return made


def _clue(
    kind: str,
    one: int,
    other: int,
    mine: Mapping[int, _Where],
    theirs: Mapping[int, _Where],
    holders: Mapping[int, int],
    near: float,
    least: int,
) -> Clue | None:
    shared = mine.keys() & theirs.keys()
    fewer = min(len(mine), len(theirs))
    if len(shared) < least or len(shared) < near * fewer:
        return None
    held_by = max(2, round(statistics.median(holders[mark] for mark in shared)))
    share = len(shared) / fewer
    what = "program" if kind == "code" else "text"
    return Clue(
        one,
        other,
        kind=kind,
        said=f"{len(shared)} of the {fewer} passages that are rare in this class, of the smaller {what}",
        similarity=round(share, 4),
        held_by=held_by,
        in_one=_spans(mine[mark] for mark in shared),
        in_other=_spans(theirs[mark] for mark in shared),
    )


def _spans(places: Iterator[_Where]) -> str:
    """Where the marks stand: "model.py:10-42, train.py:3"."""
    lines: dict[str, list[int]] = defaultdict(list)
    for path, line in places:
        lines[path].append(line)
    spans = []
    for path, found in sorted(lines.items(), key=lambda item: (-len(item[1]), item[0])):
        low, high = min(found), max(found)
        spans.append(f"{path}:{low}" if low == high else f"{path}:{low}-{high}")
    more = f" and {len(spans) - 4} more" if len(spans) > 4 else ""
    return ", ".join(spans[:4]) + more
