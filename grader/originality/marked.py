"""What is compared, and what is found? Hand-ins with their marks, and clues between two of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final

from grader.frozen import dataclass
from grader.model import Json

LEAST_COMMON: Final = 5  # hand-ins; of a smaller class nothing is told to be common
MOST_PAIRED: Final = 12  # hand-ins with one thing: of more, each is paired with the first alone
MOST_NEIGHBOURS: Final = 200  # hand-ins with one thing that is looked for by likeness


@dataclass(frozen=True)
class Marked:
    """A hand-in with its marks, in the form that `grader.checks.originality` keeps.

    `is_earlier`: of another year: paired with today's only. `is_given`: the course's own, which explains likeness.
    """

    name: str
    marks: Mapping[str, Json]
    is_earlier: bool = False
    is_given: bool = False


@dataclass(frozen=True)
class Clue:
    """One thing that two hand-ins have in common; `one` and `other` are their numbers, the lower one first.

    `similarity` is of 1; `held_by` says how many hand-ins have it, these two among them.
    """

    one: int
    other: int
    kind: str
    said: str
    similarity: float
    held_by: int
    in_one: str
    in_other: str


class PackedMarks(Mapping[str, Json]):
    """Marks as they are kept of a whole class: each kind packed, and unpacked when it is looked at.

    `seen` holds what any hand-in of the class has, so that what several have alike is held once.

    >>> seen = {}
    >>> ada, ben = (PackedMarks({"form": 1, "code": [{"path": "a.py", "marks": [[4711, 1]]}]}, seen) for _ in range(2))
    >>> ada["code"][0]["path"], dict(ada) == dict(ben), len(seen)
    ('a.py', True, 2)
    """

    __slots__ = ("_packed",)

    def __init__(self, marks: Mapping[str, Json], seen: dict[bytes, bytes]) -> None:
        self._packed: dict[str, bytes] = {}
        for kind, one in marks.items():
            data = zlib.compress(json.dumps(one, sort_keys=True).encode(), 1)
            self._packed[kind] = seen.setdefault(data, data)

    def __getitem__(self, kind: str) -> Json:
        return _unpacked(self._packed[kind])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


@lru_cache(maxsize=16)  # of a class in which many have one thing, that is read once
def _unpacked(data: bytes) -> Json:
    return json.loads(zlib.decompress(data))


def most_common(count: int) -> int:
    """How many of so many hand-ins may have something that still tells anything of two of them.

    >>> most_common(3), most_common(43), most_common(10_000)
    (5, 21, 5000)
    """
    return max(LEAST_COMMON, count // 2)


def paired(owners: Iterable[int], hand_ins: Sequence[Marked]) -> Iterator[tuple[int, int]]:
    """The pairs of those who have one thing, the lower number first; none of two that are both of earlier years."""
    numbers = sorted(set(owners))
    if len(numbers) > MOST_PAIRED:
        first = next((number for number in numbers if not hand_ins[number].is_earlier), numbers[0])
        pairs: Iterable[tuple[int, int]] = ((min(first, one), max(first, one)) for one in numbers if one != first)
    else:
        pairs = combinations(numbers, 2)
    return (pair for pair in pairs if is_asked(*pair, hand_ins))


def is_asked(one: int, other: int, hand_ins: Sequence[Marked]) -> bool:
    """Whether a pair is of interest: one of them is of this class, and neither is the course's own."""
    pair = hand_ins[one], hand_ins[other]
    return one != other and not any(each.is_given for each in pair) and not all(each.is_earlier for each in pair)
