"""Was the last part of a pretrained network replaced by a new one with the right number of classes?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.checks._transferred import STATISTICS, Held, is_part
from grader.checks.base import failed, passed, review
from grader.frozen import dataclass
from grader.model import Finding, Json, Place


@dataclass(frozen=True)
class Layer:
    """A weight of the student's with its shape: (outputs, inputs) of a linear layer."""

    name: str
    shape: tuple[int, ...]

    @property
    def classes(self) -> int:
        return self.shape[0]


def judge_head(
    head: Mapping[str, Json], rows: Sequence[Held], result: Mapping[str, Json], place: Place
) -> Iterator[Finding]:
    """With the pretrained weights at hand.

    `rows`    every tensor of the pretrained network; `result` has the student's own besides, as `extra`
    """
    own = [row for row in rows if is_part(row.name, head["name"])]
    weights = [row for row in own if _gives_classes(row.shape)]
    kept = next((row for row in weights if row.same == "exactly"), None)
    details = _details(head, place)
    if kept is not None:
        said = f"{head['name']} is still the pretrained one, with its weights and {kept.shape[0]:,} classes"
        yield failed(said, **details, observed=str(list(kept.shape)), fix=_fix(head, kept.shape), code="head-kept")
        return
    named = [Layer(row.found, row.found_shape) for row in weights if row.is_there]
    extra = [Layer(one["name"], tuple(one["shape"])) for one in result["extra"]]
    yield _last(head, named + [one for one in extra if _gives_classes(one.shape)], details, weights)


def judge_head_alone(head: Mapping[str, Json], result: Mapping[str, Json], place: Place) -> Iterator[Finding]:
    """Without the pretrained weights: by what a job of kind `checkpoint` lists."""
    tensors = [Layer(one["name"], tuple(one["shape"])) for one in result["tensors"] if not _is_statistic(one["name"])]
    layers = [one for one in tensors if _gives_classes(one.shape)]
    part = f".{head['name']}."
    named = [one for one in layers if part in f".{one.name}"]
    yield _last(head, named or layers[-1:], _details(head, place), ())


def _last(
    head: Mapping[str, Json], layers: Sequence[Layer], details: Mapping[str, Json], pretrained: Sequence[Held]
) -> Finding:
    """The layer of these that gives the classes, judged."""
    classes = head["classes"]
    right = [one for one in layers if one.classes == classes]
    if right:
        one = right[-1]
        said = f"the head is a new one: {one.name} has the shape {list(one.shape)}, for {classes:,} classes"
        return passed(said, place=details["place"], observed=str(list(one.shape)), code="head-replaced")
    shapes = {one.shape for one in layers}
    observed = ", ".join(f"{one.name} {list(one.shape)}" for one in layers[-3:])
    if len(shapes) == 1:
        one = layers[-1]
        said = f"the head {one.name} has the shape {list(one.shape)}: {one.classes:,} classes, not {classes:,}"
        if any(one.shape == row.shape for row in pretrained):
            said += ", as the pretrained network has them"
        return failed(said, **details, observed=observed, fix=_fix(head, one.shape), code="head-classes")
    said = f"no layer was found that gives {classes:,} classes; a person looks"
    return review(said, **details, observed=observed, fix=_fix(head, ()), code="no-head")


def _gives_classes(shape: Sequence[int]) -> bool:
    """A linear layer, or a convolution of one pixel, as SqueezeNet ends in."""
    return len(shape) == 2 or (len(shape) == 4 and tuple(shape[2:]) == (1, 1))


def _is_statistic(name: str) -> bool:
    return name.rpartition(".")[2] in STATISTICS


def _details(head: Mapping[str, Json], place: Place) -> dict[str, Json]:
    return {"place": place, "expected": f"a new {head['name']} with {head['classes']:,} outputs"}


def _fix(head: Mapping[str, Json], shape: Sequence[int]) -> str:
    inputs = shape[1] if len(shape) > 1 else "..."
    return f"model.{head['name']} = nn.Linear({inputs}, {head['classes']})"
