"""Which layers of two networks are one layer? Equal, near to each other, or near but for the order of their channels.

Bounds, measured (benchmarks/originality.py): see docs/originality.md.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final

from grader.frozen import dataclass
from grader.model import Json
from grader.originality.marked import MOST_NEIGHBOURS, MOST_PAIRED, Clue, Marked, is_asked, most_common, paired
from grader.originality.nearest import near_pairs

if TYPE_CHECKING:
    import numpy as np

LEAST_PERMUTED: Final = 200  # numbers of a layer: of smaller ones the sets of channels are alike by chance
PERMUTED: Final = 0.02  # mean square, in units of strangers' usual difference; two layers of a pair have to be so near
PERMUTED_ALONE: Final = 0.002
_ROUNDED: Final = 0.9999  # a correlation from which on two layers are told as one
_MOST_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class _Layer:
    owner: int
    path: str
    name: str
    digest: str
    size: float
    elements: int

    def __str__(self) -> str:
        return f"{self.path} {self.name}"


@dataclass(frozen=True)
class _Match:
    """Two layers that are alike: `near` is a correlation, or 1 less their distance where channels were reordered."""

    one: _Layer
    other: _Layer
    near: float
    is_equal: bool = False
    is_permuted: bool = False
    held_by: int = 2


@dataclass
class _Shape:
    """The layers of one shape, equal ones once: `owners` are all who have it."""

    elements: int
    layers: list[list[_Layer]] = field(default_factory=list)
    vectors: dict[str, list[np.ndarray[Any, Any]]] = field(default_factory=lambda: defaultdict(list))
    by_digest: dict[str, int] = field(default_factory=dict)


def weight_clues(hand_ins: Sequence[Marked], *, near: float = 0.9) -> tuple[list[Clue], list[str]]:
    """A clue for each pair with common layers, and a sentence for each layer that too many have."""
    matches: dict[tuple[int, int], list[_Match]] = defaultdict(list)
    common: list[str] = []
    most = most_common(sum(not one.is_given for one in hand_ins))
    for shape, group in sorted(_by_shape(hand_ins).items()):
        for match in _matches(group, hand_ins, near, most, common, shape):
            matches[match.one.owner, match.other.owner].append(match)
    totals = {owner: _totals(hand_ins[owner]) for owner in sorted({owner for pair in matches for owner in pair})}
    made = (_clue(pair, found, totals) for pair, found in sorted(matches.items()))
    return [clue for clue in made if clue is not None], common


def _by_shape(hand_ins: Sequence[Marked]) -> dict[tuple[int, ...], _Shape]:
    import numpy as np

    groups: dict[tuple[int, ...], _Shape] = {}
    for owner, hand_in in enumerate(hand_ins):
        for path, tensor in _tensors(hand_in.marks):
            shape = tuple(tensor["shape"])
            elements = int(np.prod(shape))
            group = groups.setdefault(shape, _Shape(elements))
            layer = _Layer(owner, path, tensor["name"], tensor["digest"], tensor["size"], elements)
            at = group.by_digest.setdefault(layer.digest, len(group.layers))
            if at < len(group.layers):
                group.layers[at].append(layer)
                continue
            group.layers.append([layer])
            for view in ("flat", "rows", "columns"):
                group.vectors[view].append(np.frombuffer(base64.b64decode(tensor[view]), dtype="<f4"))
    return groups


def _matches(
    group: _Shape, hand_ins: Sequence[Marked], near: float, most: int, common: list[str], shape: tuple[int, ...]
) -> Iterator[_Match]:
    """The matches among the layers of one shape, given and common ones left out."""
    import numpy as np

    alike = _alike(group, near, min(most, MOST_NEIGHBOURS))
    owners = [{layer.owner for layer in layers} for layers in group.layers]
    is_own = [any(hand_ins[owner].is_given for owner in some) for some in owners]  # the course's
    is_given = np.array(is_own)
    around: list[set[int]] = [set(some) for some in owners]
    for one, other in alike.pairs:
        around[one] |= owners[other]
        around[other] |= owners[one]
        is_given[[one, other]] |= is_own[one] or is_own[other]
    is_common = np.array([len(some) > most for some in around]) | alike.crowded
    told = np.flatnonzero(is_common & ~is_given)
    if len(told):
        who = {owner for at in told for owner in around[at]}
        common.append(
            f"weights of the shape {'x'.join(map(str, shape))} ({group.layers[told[0]][0].name}): {len(who):,} hand-ins"
            f" have layers that more than {min(most, MOST_NEIGHBOURS):,} share, and these are no clue"
        )
    left_out = is_given | is_common
    for at in np.flatnonzero(~left_out):
        first_of: dict[int, _Layer] = {}
        for layer in group.layers[at]:
            first_of.setdefault(layer.owner, layer)
        for one, other in paired(first_of, hand_ins):
            yield _Match(first_of[one], first_of[other], 1.0, is_equal=True, held_by=len(around[at]))
    for (one, other), (likeness, is_permuted) in sorted(alike.pairs.items()):
        if left_out[one] or left_out[other]:
            continue
        held_by = max(len(around[one]), len(around[other]))
        for a in _one_each(group.layers[one]):
            for b in _one_each(group.layers[other]):
                if is_asked(a.owner, b.owner, hand_ins):
                    first, second = sorted((a, b), key=lambda layer: layer.owner)
                    yield _Match(first, second, likeness, is_permuted=is_permuted, held_by=held_by)


def _one_each(layers: Sequence[_Layer]) -> list[_Layer]:
    """A layer of each owner; of many owners the first ones, who stand for the others."""
    first: dict[int, _Layer] = {}
    for layer in layers:
        first.setdefault(layer.owner, layer)
    return [first[owner] for owner in sorted(first)][:MOST_PAIRED]


@dataclass
class _Alike:
    pairs: dict[tuple[int, int], tuple[float, bool]]  # likeness, and whether channels were reordered
    crowded: np.ndarray[Any, Any]


def _alike(group: _Shape, near: float, most: int) -> _Alike:
    import numpy as np

    pairs: dict[tuple[int, int], tuple[float, bool]] = {}
    crowded = np.zeros(len(group.layers), dtype=bool)
    for view in ("columns", "rows", "flat"):  # the clearest word comes last
        if view != "flat" and group.elements < LEAST_PERMUTED:
            continue
        vectors = np.stack(group.vectors[view]).astype(np.float64)
        if not vectors.shape[1]:
            continue
        candidates, crowd = near_pairs(vectors, most)
        crowded |= crowd & (view == "flat")
        for start in range(0, len(candidates), 100_000):
            part = candidates[start : start + 100_000]
            apart = np.square(vectors[part[:, 0]] - vectors[part[:, 1]])
            distance = apart.sum(axis=1) if view == "flat" else apart.mean(axis=1)
            is_near = distance <= (2 * (1 - near) if view == "flat" else PERMUTED)
            for (one, other), far in zip(part[is_near].tolist(), distance[is_near].tolist(), strict=True):
                likeness = 1 - far / 2 if view == "flat" else max(1 - far, pairs.get((one, other), (0.0, True))[0])
                pairs[one, other] = (likeness, view != "flat")
    return _Alike(pairs, crowded)


def _totals(hand_in: Marked) -> dict[str, tuple[int, int]]:
    """For each weights file, how many layers it has, with how many numbers."""
    files: dict[str, tuple[int, int]] = {}
    for path, tensor in _tensors(hand_in.marks):
        count, elements = files.get(path, (0, 0))
        size = 1
        for side in tensor["shape"]:
            size *= side
        files[path] = (count + 1, elements + size)
    return files


def _tensors(marks: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for file in marks.get("weights", ()):
        for tensor in file["tensors"]:
            yield file["path"], tensor


def _clue(
    pair: tuple[int, int], found: Sequence[_Match], totals: Mapping[int, Mapping[str, tuple[int, int]]]
) -> Clue | None:
    """The clue of a pair: of each layer the best match; None where chance may have done it."""
    ordered = sorted(found, key=lambda m: (not m.is_equal, m.is_permuted, -m.near, str(m.one), str(m.other)))
    taken: set[tuple[int, str]] = set()
    kept: list[_Match] = []
    for match in ordered:
        ends = {(0, str(match.one)), (1, str(match.other))}
        if not taken & ends:
            taken |= ends
            kept.append(match)
    sure = [match for match in kept if not match.is_permuted]
    reordered = [match for match in kept if match.is_permuted]
    if not sure and len(reordered) < 2 and all(1 - match.near > PERMUTED_ALONE for match in reordered):
        return None
    files_of_one, files_of_other = ({m.one.path for m in kept}, {m.other.path for m in kept})
    count = [sum(totals[pair[0]][p][0] for p in files_of_one), sum(totals[pair[1]][p][0] for p in files_of_other)]
    numbers = [sum(totals[pair[0]][p][1] for p in files_of_one), sum(totals[pair[1]][p][1] for p in files_of_other)]
    share = min(1.0, sum(match.one.elements for match in kept) / max(1, min(numbers)))
    kept.sort(key=lambda match: (-match.one.elements, str(match.one)))
    more = f", and {len(kept) - _MOST_NAMED} more" if len(kept) > _MOST_NAMED else ""
    named = ", ".join(map(_words, kept[:_MOST_NAMED])) + more
    said = f"{len(kept)} of {min(count)} layers, {100 * share:.0f}% of the numbers: {named}"
    return Clue(
        *pair,
        kind="weights",
        said=said,
        similarity=round(share * sum(match.near for match in kept) / len(kept), 4),
        held_by=min(match.held_by for match in kept),
        in_one=", ".join(sorted(files_of_one)),
        in_other=", ".join(sorted(files_of_other)),
    )


def _words(match: _Match) -> str:
    """A match in words, such as "fc1 is conv.0 (864 numbers) scaled by 2"."""
    same_name = match.one.name == match.other.name
    name = match.one.name if same_name else f"{match.one.name} is {match.other.name}"
    if match.is_equal:
        how = "equal"
    elif match.is_permuted:
        how = "equal but for the order or scale of its channels"
    elif match.near >= _ROUNDED:
        how = "equal but for rounding"
    else:
        how = f"correlation {match.near:.3f}"
    factor = match.other.size / match.one.size if match.one.size else 1.0
    scaled = (
        f", scaled by {factor:.3g}" if not match.is_equal and not match.is_permuted and abs(factor - 1) > 0.02 else ""
    )
    return f"{name} ({match.one.elements:,} numbers, {how}{scaled})"
