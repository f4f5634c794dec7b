"""Which answers does a report already hold? A draft of answers.json that a student goes through and confirms.

Nothing is decided for the student: each answer carries the line it came from, goals and values of others stay out, and
an ambiguous claim is drafted with its readings, for the student to keep one.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.answers.claims.found import COUNTS, FoundClaim
from grader.model import Json

MOST_ANSWERS = 200
LONGEST_KEY = 64
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def draft_answers(claims: Sequence[FoundClaim], *, file: str) -> dict[str, Json]:
    """A draft of answers.json: {"answers": {key: {"value": as written, "_from": "report.md:14"}}}.

    The key names data set, model, split and metric as far as the report does; of repeated claims the first is drafted
    and the other lines are listed in "_also".

    >>> from grader.answers.claims import read_claims
    >>> from grader.documents.report_lines import Line
    >>> claims = read_claims(
    ...     [Line(14, "Our test accuracy on CIFAR-10 is 73.4%."), Line(20, "The goal was 70% accuracy.")]
    ... )
    >>> draft_answers(claims, file="report.md")
    {'answers': {'cifar10_test_accuracy': {'value': '73.4%', '_from': 'report.md:14'}}}
    """
    answers: dict[str, Json] = {}
    firsts: dict[str, FoundClaim] = {}
    last_epochs = _last_epochs(claims)
    for claim in claims:
        about = (claim.metric, claim.split, claim.model)
        if not claim.is_result or (claim.epoch is not None and claim.epoch < last_epochs[about]):
            continue  # of a log only the last epoch is drafted
        base = key_of(claim)
        key, count = base, 1
        while key in answers and not _is_same(firsts[key], claim):
            count += 1
            key = f"{base[: LONGEST_KEY - 4]}_{count}"
        place = f"{file}:{claim.line}"
        if key in answers:
            if place != answers[key]["_from"]:
                answers[key].setdefault("_also", []).append(place)
        elif len(answers) < MOST_ANSWERS:
            answers[key] = _drafted(claim, place)
            firsts[key] = claim
    return {"answers": answers}


def _drafted(claim: FoundClaim, place: str) -> dict[str, Json]:
    sign = {">": "> ", "<": "< "}.get(claim.bound, "~" if claim.is_approximate else "")
    made: dict[str, Json] = {"value": sign + claim.as_written, "_from": place}
    if len(claim.readings) > 1:
        made["_readings"] = [
            " ".join(filter(None, (one.split, one.metric, f"({one.reason})"))) for one in claim.readings
        ]
    return made


def key_of(claim: FoundClaim) -> str:
    """A key such as "cifar10_resnet18_test_accuracy", of letters, digits and underscores, 64 at most."""
    model = _slug(claim.model)
    parts = [claim.dataset or "", model if len(model) <= 24 else "", claim.split or "", claim.metric]
    if claim.metric in COUNTS:
        parts[2] = ""
    return "_".join(part for part in parts if part)[:LONGEST_KEY]


def _slug(text: str) -> str:
    letters = "".join(char if char in _PLAIN else " " for char in text.casefold())
    return "_".join(letters.split())


def _is_same(one: FoundClaim, other: FoundClaim) -> bool:
    return one.value == other.value and one.bound == other.bound


def _last_epochs(claims: Sequence[FoundClaim]) -> dict[tuple[str, str | None, str], int]:
    last: dict[tuple[str, str | None, str], int] = {}
    for claim in claims:
        if claim.epoch is not None:
            about = (claim.metric, claim.split, claim.model)
            last[about] = max(claim.epoch, last.get(about, 0))
    return last
