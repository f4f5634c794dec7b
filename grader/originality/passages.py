"""Which programs, and which texts, share passages that few others have?

Marks are looked up by their hash: what the course gave and what many have is dropped, and what is left is counted. As
a passage that is copied is copied whole, a copy shares most of its rare marks with its source, and strangers few.
"""

from __future__ import annotations

import hashlib
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from grader.frozen import dataclass
from grader.originality.marked import MOST_PAIRED, Clue, Marked, is_asked, most_common, paired
from grader.originality.nearest import sharing

if TYPE_CHECKING:
    import numpy as np

LEAST_CODE: Final = 40  # rare marks that two programs have to share: about 150 tokens, more than a small network has
MOST_LOOKED_UP: Final = 30  # different programs with a passage by which pairs are looked for
LEAST_TEXT: Final = (4, 0.8)  # of a short text nearly all
_AT_ONCE: Final = 500  # hand-ins whose marks are counted together
_Where = tuple[str, int]  # file or answer, and line


@dataclass(frozen=True)
class _Looked:
    """What was found of one kind: who may be a pair, and the rare marks of each hand-in."""

    rare: _Rare
    pairs: Sequence[tuple[int, int]]


def code_clues(hand_ins: Sequence[Marked], *, near: float = 0.4, least: int = LEAST_CODE) -> list[Clue]:
    """A clue for each pair whose programs share so many rare passages, and so much of the smaller one's."""
    found = _looked(hand_ins, "code", least)
    rare = found.rare
    return [
        clue
        for one, other in found.pairs
        if rare.shared(one, other) >= max(least, near * min(rare.count(one), rare.count(other)))
        and (clue := _clue("code", one, other, found.rare.of(one), found.rare.of(other), found.rare, near, least))
    ]


def text_clues(hand_ins: Sequence[Marked], *, near: float = 0.4) -> list[Clue]:
    """A clue for each pair with a written answer or report in common: text by text, the most alike one is told."""
    found = _looked(hand_ins, "texts", LEAST_TEXT[0])
    made = []
    for one, other in found.pairs:
        if found.rare.shared(one, other) < LEAST_TEXT[0]:
            continue
        clues = [
            clue
            for mine in _by_path(found.rare.of(one)).values()
            for theirs in _by_path(found.rare.of(other)).values()
            for least, share in ((2 * LEAST_TEXT[0], near), (LEAST_TEXT[0], max(near, LEAST_TEXT[1])))
            if (clue := _clue("text", one, other, mine, theirs, found.rare, share, least))
        ]
        best: dict[str, Clue] = {}
        for clue in sorted(clues, key=lambda clue: (-clue.similarity, clue.in_one, clue.in_other)):
            if clue.in_one not in best and all(clue.in_other != other_one.in_other for other_one in best.values()):
                best[clue.in_one] = clue
        made += list(best.values())
    return made


class _Rare:
    """The marks of one kind that tell anything of two hand-ins: not given, and not of half the class.

    Held as numbers alone, equal ones of several hand-ins once: a class of any size is held in memory.
    """

    def __init__(self, hand_ins: Sequence[Marked], kind: str) -> None:
        import numpy as np

        seen: dict[bytes, _Found] = {}
        every = [_found(one, kind, seen) for one in hand_ins]
        del seen
        given = [found.marks for one, found in zip(hand_ins, every, strict=True) if one.is_given]
        own = [found.marks for one, found in zip(hand_ins, every, strict=True) if not one.is_given]
        known, counts = _counted(own)
        is_rare = (counts <= most_common(len(own))) & ~np.isin(known, np.concatenate([*given, known[:0]]))
        self._marks, self._counts = known[is_rare], counts[is_rare]
        rare = {id(found): found.among(self._marks) for found in every}
        self._found = [
            found.among(known[:0]) if one.is_given else rare[id(found)]
            for one, found in zip(hand_ins, every, strict=True)
        ]
        self.of = lru_cache(maxsize=256)(self._of)

    def numbers(self) -> list[np.ndarray[Any, Any]]:
        """Of each hand-in the marks, as numbers in order."""
        return [found.marks for found in self._found]

    def shared(self, one: int, other: int) -> int:
        """How many two of them have in common."""
        import numpy as np

        mine, theirs = self._found[one].marks, self._found[other].marks
        return len(np.intersect1d(mine, theirs, assume_unique=True))

    def count(self, number: int) -> int:
        """How many a hand-in has."""
        return len(self._found[number].marks)

    def _of(self, number: int) -> Mapping[int, _Where]:
        """The marks of a hand-in with their places."""
        found = self._found[number]
        wheres = ((found.paths[at], line) for at, line in zip(found.files.tolist(), found.lines.tolist(), strict=True))
        return dict(zip(found.marks.tolist(), wheres, strict=True))

    def holders(self, marks: Collection[int]) -> list[int]:
        """How many hand-ins have each of these."""
        import numpy as np

        counts: list[int] = self._counts[np.searchsorted(self._marks, sorted(marks))].tolist()
        return counts


@dataclass(frozen=True)
class _Found:
    """The different marks of a hand-in in order, each with the first place where it stands.

    Shapes: marks, files, lines (N,) integers; `files` are places in `paths`
    """

    marks: np.ndarray[Any, Any]
    files: np.ndarray[Any, Any]
    lines: np.ndarray[Any, Any]
    paths: tuple[str, ...]

    def among(self, wanted: np.ndarray[Any, Any]) -> _Found:
        """Those that are wanted; `wanted` is in order."""
        import numpy as np

        at = np.searchsorted(wanted, self.marks)
        is_there = at < len(wanted)
        is_there[is_there] = wanted[at[is_there]] == self.marks[is_there]
        if is_there.all():
            return self
        return _Found(self.marks[is_there], self.files[is_there], self.lines[is_there], self.paths)


def _found(hand_in: Marked, kind: str, seen: dict[bytes, _Found]) -> _Found:
    """The marks of a hand-in; those of another one of the class, where all of it is equal."""
    import numpy as np

    places = sorted(_places(hand_in, kind).items())
    paths = sorted({path for _, (path, _) in places})
    numbers = {path: number for number, path in enumerate(paths)}
    marks = np.array([mark for mark, _ in places], dtype=np.int64)
    files = np.array([numbers[path] for _, (path, _) in places], dtype=np.int16)
    lines = np.array([line for _, (_, line) in places], dtype=np.int32)
    known = hashlib.sha256(
        b"\0".join([*(one.tobytes() for one in (marks, files, lines)), repr(paths).encode()])
    ).digest()
    return seen.setdefault(known, _Found(marks, files, lines, tuple(paths)))


def _counted(every: Sequence[np.ndarray[Any, Any]]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The different marks in order, and how many hand-ins have each."""
    import numpy as np

    known, often = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for start in range(0, len(every), _AT_ONCE):
        marks, times = np.unique(np.concatenate(every[start : start + _AT_ONCE]), return_counts=True)
        known, where = np.unique(np.concatenate([known, marks]), return_inverse=True)
        often = np.bincount(where, weights=np.concatenate([often, times]), minlength=len(known)).astype(np.int64)
    return known, often


def _looked(hand_ins: Sequence[Marked], kind: str, least: int) -> _Looked:
    """The pairs that share at least so many rare marks, in order."""
    rare = _Rare(hand_ins, kind)
    # Equal ones are one: a ring of hundreds is found by its first member.
    alike: dict[bytes, list[int]] = defaultdict(list)
    numbers = rare.numbers()
    for number, marks in enumerate(numbers):
        if len(marks) >= least:
            alike[hashlib.sha256(marks.tobytes()).digest()].append(number)
    groups = sorted(alike.values())
    pairs = {pair for group in groups for pair in paired(group, hand_ins)}
    # By the rarest alone who may be a pair is found; of these all that is rare is counted.
    rarest = _rows([numbers[group[0]] for group in groups])
    for a, b in sharing(rarest, len(groups), max(2, least // 4)):
        both = [(min(x, y), max(x, y)) for x in groups[a][:MOST_PAIRED] for y in groups[b][:MOST_PAIRED]]
        pairs.update(pair for pair in both if is_asked(*pair, hand_ins))
    return _Looked(rare, sorted(pairs))


def _rows(every: Sequence[np.ndarray[Any, Any]]) -> list[Sequence[int]]:
    """Of each mark that two have and few others: whose it is, by their numbers, in order."""
    import numpy as np

    if not every:
        return []
    marks = np.concatenate(every)
    owners = np.repeat(np.arange(len(every), dtype=np.int32), [len(one) for one in every])
    order = np.argsort(marks, kind="stable")
    rows = np.split(owners[order], np.flatnonzero(np.diff(marks[order])) + 1)
    return [row.tolist() for row in rows if 1 < len(row) <= MOST_LOOKED_UP]


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
    rare: _Rare,
    near: float,
    least: int,
) -> Clue | None:
    shared = mine.keys() & theirs.keys()
    fewer = min(len(mine), len(theirs))
    if len(shared) < least or len(shared) < near * fewer:
        return None
    held_by = max(2, round(statistics.median(rare.holders(shared))))
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
