"""Which tensor of a student's checkpoint stands for which tensor of a pretrained network, whatever it is called?

Names come first: the same ones, or the same ones below a prefix (`backbone.`, `model.resnet.`). Else the parts of the
network are told by what they hold (`nn.Sequential(*resnet.children())` calls layer4 "7"), and at last all tensors in a
row. The way that finds most tensors of the same shape is taken; what it does not find stays open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

Shapes = Mapping[str, tuple[int, ...]]
ENOUGH = 0.9  # of the tensors: then names are believed, and no other way is tried
_MOST_LOOKS = 20_000_000  # names times the places where parts are looked for
_MOST_ROWS = 1500  # tensors of either side that are aligned in a row: some millions of comparisons


def matched(pretrained: Shapes, student: Shapes) -> tuple[dict[str, str], str]:
    """The student's name for each pretrained tensor that was found, and the way in words.

    Names alone may lead to a tensor of another shape (a head that was replaced); the other ways go by shapes.

    >>> resnet = {"conv1.weight": (64, 3, 7, 7), "layer1.0.weight": (64, 64), "fc.weight": (1000, 512)}
    >>> matched(resnet, {"net." + name: shape for name, shape in resnet.items()})[1]
    'names below net.'
    >>> matched(resnet, {"0.weight": (64, 3, 7, 7), "1.0.weight": (64, 64), "head.weight": (10, 512)})
    ({'conv1.weight': '0.weight', 'layer1.0.weight': '1.0.weight'}, 'parts')
    """
    best, way = _by_names(pretrained, student)
    if _score(best, pretrained, student) >= ENOUGH * len(pretrained):
        return best, way
    ways = [(best, way), (_by_parts(pretrained, student), "parts"), (_in_a_row(pretrained, student), "order")]
    return max(ways, key=lambda one: _score(one[0], pretrained, student))  # the first of equals


def _score(found: Mapping[str, str], pretrained: Shapes, student: Shapes) -> int:
    return sum(pretrained[name] == student[other] for name, other in found.items())


def _by_names(pretrained: Shapes, student: Shapes) -> tuple[dict[str, str], str]:
    votes: Counter[str] = Counter()
    for name, shape in student.items():
        for at in _starts(name):
            if pretrained.get(name[at:]) == shape:
                votes[name[:at]] += 1
                break
    if not votes:
        return {}, "names"
    prefix = max(votes, key=lambda one: (votes[one], -len(one)))
    found = {name: prefix + name for name in pretrained if prefix + name in student}
    return found, f"names below {prefix}" if prefix else "names"


def _starts(name: str) -> list[int]:
    """Where the name begins, and each of its parts."""
    return [0, *(at + 1 for at, char in enumerate(name) if char == ".")]


def _by_parts(pretrained: Shapes, student: Shapes) -> dict[str, str]:
    """Each part of the network is found by all that it holds, among the parts below one place of the student's."""
    wanted = _parts(pretrained, "")
    places = {name[:at] for name in student for at in _starts(name)}
    best: dict[str, str] = {}
    if len(places) * len(student) > _MOST_LOOKS:
        return best
    for place in sorted(places, key=lambda one: (len(one), one)):
        by_content: dict[frozenset[tuple[str, tuple[int, ...]]], list[str]] = {}
        for part, held in _parts(student, place).items():
            by_content.setdefault(frozenset(held.items()), []).append(part)
        found: dict[str, str] = {}
        for part, held in wanted.items():
            like = by_content.get(frozenset(held.items()), [])
            twins = [one for one, other in wanted.items() if other == held]
            if len(like) == len(twins):  # twins stand in the same order on both sides, or cannot be told apart
                other = sorted(like, key=_natural)[twins.index(part)]
                found |= {_joined(part, rest): place + _joined(other, rest) for rest in held}
        if len(found) > len(best):
            best = found
    return best


def _parts(shapes: Shapes, place: str) -> dict[str, dict[str, tuple[int, ...]]]:
    """By the next part of the name after `place`: what stands below it."""
    made: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        if name.startswith(place):
            part, _, rest = name[len(place) :].partition(".")
            made.setdefault(part, {})[rest] = shape
    return made


def _joined(part: str, rest: str) -> str:
    return f"{part}.{rest}" if rest else part


def _natural(part: str) -> tuple[int, str]:
    """Numbers in their order: 2 before 10."""
    return (int(part) if part.isdigit() and len(part) < 10 else -1, part)


def _in_a_row(pretrained: Shapes, student: Shapes) -> dict[str, str]:
    """The longest run of tensors, not all of them neighbours, that stand in the same order on both sides."""
    ours, theirs = _rows(pretrained), _rows(student)
    if max(len(ours), len(theirs)) > _MOST_ROWS:
        return {}
    longest = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i in range(len(ours) - 1, -1, -1):
        row, below = longest[i], longest[i + 1]
        kind = ours[i][1]
        for j in range(len(theirs) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if theirs[j][1] == kind else max(below[j], row[j + 1])
    found: dict[str, str] = {}
    i = j = 0
    while i < len(ours) and j < len(theirs):
        if ours[i][1] == theirs[j][1]:
            found[ours[i][0]] = theirs[j][0]
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return found


def _rows(shapes: Shapes) -> Sequence[tuple[str, tuple[str, tuple[int, ...]]]]:
    """(name, what tells it from others: the last part of its name, and its shape)."""
    return [(name, (name.rpartition(".")[2], shape)) for name, shape in shapes.items()]
