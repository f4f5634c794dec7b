"""What is left of the pretrained weights in each part of a fine-tuned network? Frozen, trained, or another network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from statistics import median
from typing import Final

from grader.checks._settings import counted
from grader.checks.base import failed, passed, remark, review
from grader.frozen import dataclass
from grader.model import Finding, Json, Outcome, Place

STATISTICS: Final = frozenset(("running_mean", "running_var", "num_batches_tracked"))
# Of two random layers the cosine is near 0; of one before and after a fine-tuning of some epochs it is over 0.9.
RELATED: Final = 0.5
# Adding and taking away in float32 moves a tensor by some 1e-7 of its length; the smallest step of a training by more.
ROUNDING: Final = 1e-6
MOST_NAMED: Final = 3


@dataclass(frozen=True)
class Held:
    """A pretrained tensor, and what was found of it in the checkpoint."""

    name: str
    shape: tuple[int, ...]
    found: str  # the student's name for it; "" where there is none
    found_shape: tuple[int, ...]
    same: str
    change: float
    likeness: float

    @property
    def is_statistic(self) -> bool:
        return self.name.rpartition(".")[2] in STATISTICS

    @property
    def is_there(self) -> bool:
        return bool(self.found)

    @property
    def is_same(self) -> bool:
        return self.same != "no"

    @property
    def is_replaced(self) -> bool:
        return self.is_there and self.found_shape != self.shape

    @property
    def is_of_rounding(self) -> bool:
        """It differs by less than any training leaves."""
        return self.is_there and not self.is_replaced and not self.is_same and self.change < ROUNDING


def held_in(result: Mapping[str, Json]) -> list[Held]:
    """The rows of a job of kind `transfer`."""
    return [
        Held(
            row["name"],
            tuple(row["shape"]),
            row["found"],
            tuple(row["found_shape"] or ()),
            row["same"],
            row["change"],
            row["likeness"],
        )
        for row in result["tensors"]
    ]


def is_part(name: str, part: str) -> bool:
    """Whether a tensor stands in a part.

    >>> is_part("layer4.0.conv1.weight", "layer4"), is_part("layer40.weight", "layer4"), is_part("fc.bias", "fc.bias")
    (True, False, True)
    """
    return name == part or name.startswith(part + ".")


def of_parts(rows: Sequence[Held], parts: Sequence[str]) -> list[Held]:
    """The tensors of some parts."""
    return [row for row in rows if any(is_part(row.name, part) for part in parts)]


def is_another_network(rows: Sequence[Held]) -> bool:
    """Whether nothing in the checkpoint shows that it began with these weights: no layer is still alike.

    Of layers only: BatchNorm's factors are all near 1, and alike in every network.
    """
    layers = [row for row in rows if len(row.shape) > 1 and row.is_there and not row.is_replaced]
    return not any(row.is_same for row in layers) and (not layers or median(row.likeness for row in layers) < RELATED)


def judge_frozen(rows: Sequence[Held], parts: Sequence[str], place: Place, *, is_by_name: bool) -> Finding:
    """The parts whose weights must still be the pretrained ones.

    `is_by_name`  whether the tensors were matched by their names; else one that is unlike may be another tensor
    """
    weights = [row for row in of_parts(rows, parts) if not row.is_statistic]
    named = _listed(parts)
    changed = [row for row in weights if row.is_replaced or (row.is_there and not row.is_same)]
    surely = [row for row in changed if not row.is_of_rounding]
    absent = [row for row in weights if not row.is_there]
    details: dict[str, Json] = {"place": place, "expected": "equal to the pretrained weights"}
    unlike = [] if is_by_name else [row for row in surely if row.likeness < RELATED]
    if not is_by_name and not any(len(row.shape) > 1 for row in surely):
        unlike = surely  # BatchNorm's factors are alike in every layer: they may be those of another one
    if unlike:
        said = f"{unlike[0].found} stands where {unlike[0].name} is expected, and may be another tensor; a person looks"
        fix = "keep the layers' names as the pretrained network has them"
        return review(said, **details, observed=_names(unlike), fix=fix, code="not-found")
    if surely:
        worst = max(surely, key=lambda row: (row.is_replaced, row.change))
        said = (
            f"{_parts_of(surely, parts)} had to stay frozen, and {len(surely)} of {len(weights)} weight tensors are "
            f"not the pretrained ones: {_how(worst)}"
        )
        fix = f"set requires_grad = False for the parameters of {_parts_of(surely, parts)} before the optimizer is made"
        return failed(said, **details, observed=_names(surely), fix=fix, code="not-frozen")
    if changed:
        said = f"{_names(changed)} differ from the pretrained weights by rounding at most ({changed[0].change:.1e})"
        return review(f"{said}; a person looks", credit=Fraction(1), **details, code="rounding")
    if absent:
        said = f"{_names(absent)} of {named} were not found in the checkpoint, by name or by structure; a person looks"
        return review(
            said, **details, fix="keep the layers' names as the pretrained network has them", code="not-found"
        )
    is_rounded = any(row.same == "rounded" for row in weights)
    how = "as far as the type goes in which they were saved" if is_rounded else "bit for bit"
    said = f"{named} stayed frozen: {counted(len(weights), 'weight tensor')} as in the pretrained network, {how}"
    return passed(said, place=place, code="frozen")


def judge_statistics(rows: Sequence[Held], parts: Sequence[str], place: Place, *, may_fail: bool) -> Iterator[Finding]:
    """BatchNorm's running statistics in frozen parts: moved by every forward pass in train mode."""
    statistics = [row for row in of_parts(rows, parts) if row.is_statistic]
    moved = [row for row in statistics if row.is_there and not row.is_same and not row.is_of_rounding]
    if moved:
        said = (
            f"{len(moved)} of {len(statistics)} running statistics of BatchNorm in the frozen parts have moved "
            f"({_names(moved)}): these layers were in train mode, which no requires_grad = False prevents"
        )
        fix = "call eval() on the frozen parts after each train()"
        details: dict[str, Json] = {"place": place, "observed": _names(moved), "fix": fix, "code": "statistics-moved"}
        yield failed(said, **details) if may_fail else remark(Outcome.PASSED, said, **details)
    elif may_fail and statistics:
        yield passed("the running statistics of the frozen parts are pretrained", place=place, code="statistics-frozen")


def judge_trained(rows: Sequence[Held], parts: Sequence[str], place: Place) -> Iterator[Finding]:
    """The parts whose weights must have changed."""
    weights = [row for row in of_parts(rows, parts) if not row.is_statistic]
    named = _listed(parts)
    there = [row for row in weights if row.is_there and not row.is_replaced]
    still = [row for row in there if row.is_same or row.is_of_rounding]
    details: dict[str, Json] = {"place": place, "expected": "weights that training has changed"}
    if not there:
        said = f"{named}: no weight was found in the checkpoint, by name or by structure; a person looks"
        yield review(said, **details, fix="keep the layers' names as the pretrained network has them", code="not-found")
    elif len(still) == len(weights):
        said = f"{named} had to be trained, and all {len(weights)} weight tensors are still the pretrained ones"
        fix = f"set requires_grad = True for the parameters of {named}, and give them to the optimizer"
        yield failed(said, **details, observed=_names(still), fix=fix, code="not-trained")
    elif still:
        said = f"of {named} only a part was trained: {_names(still)} are still the pretrained ones; a person looks"
        yield review(said, **details, fix=f"train all of {named}", code="partly-trained")
    elif len(there) < len(weights):
        said = f"of {named} {counted(len(weights) - len(there), 'weight tensor')} were not found; a person looks"
        yield review(said, **details, code="not-found")
    else:
        layers = [row for row in there if len(row.shape) > 1] or there
        least, most = (f"{100 * bound(row.change for row in layers):.2g}%" for bound in (min, max))
        said = f"{named} was trained: its layers have moved by {least} to {most} of their length"
        yield passed(said, place=place, code="trained")
        if median(row.likeness for row in layers) < RELATED:
            said = f"{named} was made anew: nothing of the pretrained weights is left in it"
            yield remark(Outcome.REVIEW, said, place=place, code="made-anew")


def _how(row: Held) -> str:
    if row.is_replaced:
        return f"{row.name} has the shape {list(row.found_shape)} and not {list(row.shape)}"
    own = f" (here {row.found})" if row.found != row.name else ""
    return f"{row.name}{own} has moved by {100 * row.change:.2g}% of its length"


def _parts_of(rows: Sequence[Held], parts: Sequence[str]) -> str:
    return _listed([part for part in parts if any(is_part(row.name, part) for row in rows)])


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else ""


def _names(rows: Sequence[Held]) -> str:
    more = f" and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
    return ", ".join(row.name for row in rows[:MOST_NAMED]) + more
