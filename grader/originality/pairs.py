"""What is told of a class? Its pairs, each with all clues and with what may explain them; the same ones every time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from grader.frozen import dataclass
from grader.model import Json
from grader.originality.logs import log_clues
from grader.originality.marked import Clue, Marked
from grader.originality.passages import LEAST_CODE, code_clues, text_clues
from grader.originality.weights import weight_clues
from grader.originality.whole import document_clues, picture_clues

_STRONGEST: Final = ("file", "weights", "log", "code", "text", "picture")
MOST_PAIRS: Final = 5_000  # beyond, nobody reads them


@dataclass(frozen=True)
class Pair:
    """Two hand-ins by their names, the clues, strongest first, and what may explain them."""

    one: str
    other: str
    clues: tuple[Clue, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compared:
    """What came of comparing the hand-ins of a class, with those of earlier years. `more` pairs are not listed."""

    hand_ins: int
    earlier: int
    pairs: tuple[Pair, ...]
    common: tuple[str, ...] = ()
    more: int = 0


def compared(hand_ins: Sequence[Marked], settings: Mapping[str, Json] | None = None) -> Compared:
    """The pairs of a class. `settings` are those of the rule; the order of `hand_ins` does not matter.

    >>> marks = {"students": [], "weights": [], "code": [], "logs": [], "texts": [], "pictures": [], "documents": []}
    >>> file = {"path": "report.pdf", "digest": "0" * 64}
    >>> class_of_two = [Marked(name, {**marks, "documents": [file]}) for name in ("ben", "ada")]
    >>> [(pair.one, pair.other, pair.clues[0].said) for pair in compared(class_of_two).pairs]
    [('ada', 'ben', 'the same bytes')]
    """
    settings = settings or {}
    ordered = sorted(hand_ins, key=lambda one: (one.is_given, one.is_earlier, one.name))
    weights, common = weight_clues(ordered, near=settings.get("weights_near", 0.9))
    near = settings.get("text_near", 0.4)
    clues = [
        *document_clues(ordered),
        *weights,
        *log_clues(ordered),
        *code_clues(ordered, near=settings.get("code_near", 0.4), least=settings.get("least_passages", LEAST_CODE)),
        *text_clues(ordered, near=near),
        *picture_clues(ordered),
    ]
    by_pair: dict[tuple[int, int], list[Clue]] = defaultdict(list)
    for clue in clues:
        by_pair[clue.one, clue.other].append(clue)
    made = [_pair(pair, found, ordered, settings) for pair, found in by_pair.items()]
    made.sort(key=lambda pair: (-len({clue.kind for clue in pair.clues}), -_strength(pair), pair.one, pair.other))
    counted = [one for one in ordered if not one.is_given]
    earlier = sum(one.is_earlier for one in counted)
    return Compared(
        len(counted) - earlier, earlier, tuple(made[:MOST_PAIRS]), tuple(common), max(0, len(made) - MOST_PAIRS)
    )


def _strength(pair: Pair) -> float:
    return round(sum(clue.similarity for clue in pair.clues), 3)


def _pair(
    pair: tuple[int, int], found: Sequence[Clue], hand_ins: Sequence[Marked], settings: Mapping[str, Json]
) -> Pair:
    one, other = (hand_ins[number] for number in pair)
    kinds = {clue.kind for clue in found}
    kept = sorted(found, key=lambda clue: (_STRONGEST.index(clue.kind), -clue.similarity, clue.in_one, clue.in_other))
    return Pair(one.name, other.name, tuple(kept), tuple(_remarks(one, other, kinds, settings)))


def _remarks(one: Marked, other: Marked, kinds: set[str], settings: Mapping[str, Json]) -> list[str]:
    """What may explain a pair innocently, or makes it plainer."""
    said = []
    if kinds & {"weights", "log"}:
        seeds = _seeds(one) & _seeds(other)
        if settings.get("same_seed"):
            said.append("the sheet gives seed and recipe: equal weights and logs are expected of whoever followed it")
        elif seeds:
            numbers = ", ".join(map(str, sorted(seeds)[:4]))
            said.append(f"both programs set the seed {numbers}: the same recipe then gives equal weights and logs")
        if kinds <= {"weights", "log"} and not settings.get("same_seed"):
            said.append(
                "only weights or logs are alike: see whether both used one seed, or the same pretrained weights"
            )
    same = sorted(set(one.marks["students"]) & set(other.marks["students"]))
    if same:
        who = ", ".join(same[:4])
        said.append(f"both name the student {who}: one hand-in twice, or a copy with its submission.json")
    return said


def _seeds(hand_in: Marked) -> set[int]:
    return {seed for program in hand_in.marks["code"] for seed in program["seeds"]}
