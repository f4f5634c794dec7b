"""Which pictures are one picture, and which files one file?

A picture is found in another size and format too: thirty-two by thirty-two means of its brightness, none of which is
far from the other's. Two plots of the same kind are alike in most of them, and differ by more where the lines run.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from grader.frozen import dataclass
from grader.originality.marked import MOST_NEIGHBOURS, Clue, Marked, is_asked, most_common, paired

NEAR: Final = 8  # of 255: in no field of a picture may the brightness differ by more
_SIDE: Final = 32
_COARSE: Final = 8  # fields of a coarse one in one direction


@dataclass(frozen=True, slots=True)
class _Thing:
    owner: int
    path: str
    digest: str


def document_clues(hand_ins: Sequence[Marked]) -> list[Clue]:
    """A clue for each pair with files of the same bytes."""
    found = [_Thing(at, one["path"], one["digest"]) for at, h in enumerate(hand_ins) for one in h.marks["documents"]]
    return _merged(_equal(found, hand_ins, "file", "the same bytes"))


def picture_clues(hand_ins: Sequence[Marked]) -> list[Clue]:
    """A clue for each pair with pictures that show the same."""
    things: list[_Thing] = []
    small: list[bytes] = []
    for at, hand_in in enumerate(hand_ins):
        for one in hand_in.marks["pictures"]:
            things.append(_Thing(at, one["path"], one["digest"]))
            small.append(base64.b64decode(one["small"]))
    clues = list(_equal(things, hand_ins, "picture", "the same pixels"))
    first: dict[str, int] = {}
    for at, thing in enumerate(things):
        first.setdefault(thing.digest, at)
    kept = sorted(first.values())
    if len(kept) < 2:
        return _merged(clues)  # most classes hand in no picture, and no run pays for the libraries in vain
    import numpy as np
    from scipy.spatial import cKDTree  # scikit-learn brings it

    fields = np.array([np.frombuffer(small[at], dtype=np.uint8) for at in kept], dtype=np.int16)
    side = _SIDE // _COARSE
    coarse = fields.reshape(-1, _COARSE, side, _COARSE, side).mean(axis=(2, 4)).reshape(len(kept), -1)
    owners_of: dict[str, set[int]] = defaultdict(set)
    for thing in things:
        owners_of[thing.digest].add(thing.owner)
    tree = cKDTree(coarse)
    crowd = tree.query_ball_point(coarse, NEAR / 2, p=np.inf, return_length=True)
    calm = np.flatnonzero(crowd <= MOST_NEIGHBOURS)
    near = cKDTree(coarse[calm]).query_pairs(NEAR / 2, p=np.inf, output_type="ndarray") if len(calm) > 1 else []
    alike = []
    around: dict[int, set[int]] = {at: set(owners_of[things[kept[at]].digest]) for at in range(len(kept))}
    for one, other in sorted((int(calm[a]), int(calm[b])) for a, b in near):
        if int(np.abs(fields[one] - fields[other]).max()) <= NEAR:
            alike.append((one, other))
            around[one] |= owners_of[things[kept[other]].digest]
            around[other] |= owners_of[things[kept[one]].digest]
    most = most_common(sum(not one.is_given for one in hand_ins))
    for one, other in alike:
        who = around[one] | around[other]
        if len(who) > most or any(hand_ins[owner].is_given for owner in who):
            continue
        a, b = sorted((things[kept[one]], things[kept[other]]), key=lambda thing: thing.owner)
        if is_asked(a.owner, b.owner, hand_ins):
            said = "the same but for size, format or retouching"
            clues.append(Clue(a.owner, b.owner, "picture", said, 0.99, len(who), a.path, b.path))
    return _merged(clues)


def _equal(things: Iterable[_Thing], hand_ins: Sequence[Marked], kind: str, said: str) -> Iterable[Clue]:
    by_digest: dict[str, list[_Thing]] = defaultdict(list)
    for thing in things:
        by_digest[thing.digest].append(thing)
    most = most_common(sum(not one.is_given for one in hand_ins))
    for _, found in sorted(by_digest.items()):
        first: dict[int, _Thing] = {}
        for thing in found:
            first.setdefault(thing.owner, thing)
        if len(first) > most or any(hand_ins[owner].is_given for owner in first):
            continue
        for one, other in paired(first, hand_ins):
            yield Clue(one, other, kind, said, 1.0, len(first), first[one].path, first[other].path)


def _merged(clues: Iterable[Clue]) -> list[Clue]:
    """One clue for each pair and word: with several files, all of them named."""
    together: dict[tuple[int, int, str], list[Clue]] = defaultdict(list)
    for clue in clues:
        together[clue.one, clue.other, clue.said].append(clue)
    made = []
    for (one, other, said), found in sorted(together.items()):
        in_one, in_other = (", ".join(sorted({getattr(c, side) for c in found})[:6]) for side in ("in_one", "in_other"))
        many = f"{len(found)} times: {said}" if len(found) > 1 else said
        held_by = min(clue.held_by for clue in found)
        similarity = min(clue.similarity for clue in found)
        made.append(Clue(one, other, found[0].kind, many, similarity, held_by, in_one, in_other))
    return made
