"""What was seen that lets a count of right answers say little? Each doubt is a sentence for the person who decides.

Nothing here calls anybody a cheat, and nothing takes a point: where the count itself is in doubt the points wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from grader.checks._beyond import data_in_code, held_by, hidden_numbers
from grader.checks._by_heart import by_heart
from grader.checks.base import remark, review
from grader.model import Evidence, Finding, Json, Outcome, Place

LEAST_STORED: Final = 5  # images; two of one set are seldom so alike that one is taken for the other
SHARE_STORED: Final = Fraction(1, 200)  # training images of Fashion-MNIST in halved size pass for one in 1,000


def doubts(result: Mapping[str, Json], reference: Mapping[str, Json], place: Place) -> Iterator[Finding]:
    """Findings for which the points wait: the test images are in the checkpoint, or are known by heart.

    `result` is that of a predict job, `reference` what the assignment's reference loses on changed images.
    """
    stored = result.get("stored_images") or {"found": 0, "compared": 0, "tensor": ""}
    if stored["found"] >= max(LEAST_STORED, SHARE_STORED * stored["compared"]):
        said = (
            f"{stored['found']:,} of {stored['compared']:,} test images that were looked for stand in the checkpoint, "
            f"in {stored['tensor']!r}: what is looked up there was not learned; a person looks"
        )
        yield review(
            said, place=place, fix="hand in weights that were learned from training images", code="stored-images"
        )
    known = by_heart(result.get("altered") or {}, reference)
    if known is not None:
        fix = "train on the training images alone, and use the test images for nothing but counting"
        yield review(f"{known}; a person looks", place=place, fix=fix, code="learned-by-heart")


def undoubted(found: Finding, result: Mapping[str, Json], model: Mapping[str, Json]) -> Finding:
    """`found`, which a predict job confirmed; or the first doubt about that job, where it would give points."""
    doubt = next(doubts(result, {}, Place(model["code"])), None)
    return found if doubt is None or not found.credit else doubt


def remarks(
    result: Mapping[str, Json], source: Evidence | None, checkpoint: Evidence | None, place: Place
) -> Iterator[Finding]:
    """What a person should know of, and what moves no point."""
    yield from (_noted(said, code, place) for said, code in _of_the_run(result))
    yield from code_remarks(source, place)
    if checkpoint is not None and checkpoint.is_done and result.get("parameters"):
        hidden = hidden_numbers(held_by(checkpoint.result["tensors"]), int(result["parameters"]))
        if hidden is not None:
            yield _noted(hidden, "hidden-numbers", place)


def code_remarks(source: Evidence | None, place: Place) -> Iterator[Finding]:
    """What in the code looks like data, by an embedded job."""
    if source is not None and source.is_done:
        for said in data_in_code(source.result):
            yield _noted(f"{said}: answers or weights could stand there", "data-in-code", place)


def _noted(said: str, code: str, place: Place) -> Finding:
    return remark(Outcome.REVIEW, f"{said}; a person looks", place=place, code=code)


def _of_the_run(result: Mapping[str, Json]) -> Iterable[tuple[str, str]]:
    moved, replaced = result.get("went_on_learning"), result.get("replaced")
    if moved:
        said = f"while it answered, the network changed its own {_listed(moved)}: it goes on learning from test images"
        yield said, "went-on-learning"
    if replaced:
        yield f"the code puts functions of its own in place of {_listed(replaced)}", "replaced-functions"
    if result.get("own_class"):
        yield f"the network answers with a class of its own, {result['own_class']!r}, instead of a tensor", "own-class"
    if result.get("unanswered") and result.get("is_repeatable"):
        said = f"{result['unanswered']} images that it answered among others it did not answer in small batches"
        yield f"{said} ({result['why_unanswered']})", "refused-small-batches"


def _listed(names: Iterable[str], most: int = 3) -> str:
    shown = list(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")
