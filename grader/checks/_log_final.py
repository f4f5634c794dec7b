"""Is the last or the best value of a training log what the student claims, and what the checkpoint reaches?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.curves import Curve, Value
from grader.answers.granularity import claim_of
from grader.answers.numbers import Number
from grader.answers.working import parse_working
from grader.checks._lint import as_meant
from grader.checks._log_curves import accuracy_said
from grader.checks._logged import Logged, curves_of, is_better_low, shares
from grader.checks._recomputed import recomputed
from grader.checks._settings import percent
from grader.checks.base import failed, fault, passed, review, shown
from grader.frozen import dataclass
from grader.model import Answer, Evidence, Finding, Json

_FLOAT32: Final = Fraction(1, 10**6)
TOLERANCE: Final = 0.001  # another device, and a mean over batches of unequal size, move an accuracy by less


@dataclass(frozen=True)
class Point:
    """A value of the curve: where, as written, as a share, the unit of its last digit."""

    logged: Logged
    number: int
    value: Value
    share: Fraction
    step: Fraction
    metric: str

    @property
    def said(self) -> str:
        words = accuracy_said(self.value, self.share) if self.metric == "accuracy" else shown(self.value.written, 40)
        return f"{words} ({self.logged.at(self.number)})"


def judge_final(
    settings: Mapping[str, Json], logs: Sequence[Logged], answer: Answer | None, made: Evidence | None
) -> Iterator[Finding]:
    """The log's value against the answer and the checkpoint, as far as the rubric asks for them.

    `answer`  the student's, where `final.answer` names one that was given
    `made`    the checkpoint's predictions, None where none were asked for or the files are not there
    """
    final = settings["final"]
    curve = Curve(final.get("metric", "accuracy"), final.get("split"))
    points = [point for logged in logs for point in points_of(logged, curve)]
    if not points:
        said = f"no {curve} was found in {', '.join(one.path for one in logs)}; a person looks"
        fix = f"print it under its usual name, as {str(curve).replace(' ', '_')}=0.97"
        yield review(said, place=logs[0].place(1), fix=fix, code="no-final")
        return
    meant = finals(points, curve, final.get("take", "either"))
    is_whole = not any(logged.log.doubts for logged in logs)
    if "answer" in final:
        yield _against_answer(final["answer"], answer, meant, points, is_whole=is_whole)
    if "recompute" in settings:
        yield _against_checkpoint(settings, made, meant, points, is_whole=is_whole)
    if "answer" not in final and "recompute" not in settings:
        point = meant[0]
        yield passed(f"the {curve} of the log is {point.said}", place=point.logged.place(point.number), code="final")


def points_of(logged: Logged, curve: Curve) -> list[Point]:
    """The values of the curve; where its split is not named anywhere, those that name none."""
    there = curves_of(logged)
    others = {one.split for one in there if one.metric == curve.metric}
    chosen = curve if curve in there else Curve(curve.metric) if others == {None} else None
    if curve.split is None and chosen is None and len(others) == 1:
        chosen = Curve(curve.metric, next(iter(others)))
    if chosen is None:
        return []
    series = logged.series(chosen)
    return [
        Point(logged, number, value, share, step, chosen.metric)
        for number, value, share, step in shares(chosen, series)
    ]


def finals(points: Sequence[Point], curve: Curve, take: str) -> list[Point]:
    """The last and the best of each log: several logs are several trainings, or parts of one."""
    found: list[Point] = []
    for path in dict.fromkeys(point.logged.path for point in points):
        own = [point for point in points if point.logged.path == path]
        best = (min if is_better_low(curve) else max)(own, key=lambda point: point.share)
        found += {"last": [own[-1]], "best": [best]}.get(take, [own[-1], best])
    return found


def _against_answer(
    key: str, answer: Answer | None, meant: Sequence[Point], points: Sequence[Point], *, is_whole: bool
) -> Finding:
    last = meant[0]
    if answer is None:
        said = f"{key}: no answer was given that could be held against the log, which says {last.said}"
        return review(said, place=last.logged.place(last.number), fix=f"answer {key}", code="no-answer")
    details: dict[str, Json] = {"place": answer.place, "observed": shown(answer.value), "expected": last.value.written}
    try:
        number = parse_working(answer.value, answer.place).number
    except AnswerError:
        said = f"{key}: the answer was not read as a number, and not held against the log"
        return review(said, **details, code="unread-answer")
    for point in meant:
        if agrees(number, point):
            details["expected"] = point.value.written
            return passed(f"{key}: the log says the same, {point.said}", **details, code="agrees")
    elsewhere = next((point for point in points if agrees(number, point)), None)
    said = f"{key}: {shown(number.written, 40)} is claimed, the log says {_both(meant)}"
    if elsewhere is not None:
        said += f"; the claimed value stands at {elsewhere.logged.at(elsewhere.number)}"
        return review(said, **details, fix="say which epoch the claim is of", code="another-epoch")
    fix = "claim what the log of this training says, or hand in the log of the training that is claimed"
    told = failed if is_whole and len(number.readings) == 1 else review
    return told(said, **details, fix=fix, code="claim-differs")


def _both(meant: Sequence[Point]) -> str:
    return " and ".join(dict.fromkeys(point.said for point in meant[:4]))


def agrees(number: Number, point: Point) -> bool:
    """As far as the digits of both go; a bound holds or not; "about" is within a hundredth."""
    if point.metric == "accuracy":
        claim = claim_of(number)
        pairs = [(claim.value, claim.step)] if claim is not None else []
    else:
        pairs = [(form.value, form.step) for form in number.forms]
    for value, step in pairs:
        slack = max(step, point.step, _FLOAT32, Fraction(1, 100) if number.is_approximate else Fraction(0))
        if number.bound and (point.share >= value) == (number.bound == "above"):
            return True
        if abs(value - point.share) <= slack:
            return True
    return False


def _against_checkpoint(
    settings: Mapping[str, Json],
    made: Evidence | None,
    meant: Sequence[Point],
    points: Sequence[Point],
    *,
    is_whole: bool,
) -> Finding:
    last = meant[0]
    place = last.logged.place(last.number)
    if made is None:
        said = f"the log says {_both(meant)}; the files to count the checkpoint were not handed in, so a person looks"
        return review(said, place=place, fix="hand in the code and the checkpoint", code="unconfirmed")
    broken = fault(made)
    if broken is not None:
        return broken
    real = recomputed(settings, made.result)
    tolerance = as_meant(settings.get("tolerance", TOLERANCE))
    details: dict[str, Json] = {"place": place, "observed": last.value.written, "expected": real.said}
    near = next((one for one in meant if abs(one.share - real.value) <= max(one.step, tolerance)), None)
    if near is not None:
        return passed(f"the checkpoint reaches {real.said}, the log says {near.said}", **details, code="confirmed")
    said = f"the log says {_both(meant)}, the checkpoint reaches {real.said}"
    other = next((one for one in points if abs(one.share - real.value) <= max(one.step, tolerance)), None)
    if other is not None:
        said += f", as the log has it at {other.logged.at(other.number)}"
        return review(said, **details, fix="save the model of the epoch that is meant", code="another-epoch")
    gap = f": {percent(abs(last.share - real.value))} apart" if 0 <= last.share <= 1 else ""
    fix = "hand in the checkpoint and the log of the same training"
    told = failed if is_whole and abs(last.share - real.value) > real.may_cost else review
    return told(f"{said}{gap}", **details, fix=fix, code="checkpoint-differs")
