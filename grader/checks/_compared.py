"""What does each of the compared runs reach, by its claim, by its log and trained again; and which of two is better?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Final, Literal

from grader.answers.answer_error import AnswerError
from grader.answers.curves import Curve, runs_of
from grader.answers.granularity import claim_of
from grader.answers.numbers import Number
from grader.answers.working import parse_working
from grader.checks._log_final import Point, agrees, finals, judge_final, points_of
from grader.checks._logged import Logged, read_of
from grader.checks._settings import counted, percent
from grader.checks._spread import Runs, differ
from grader.checks._submitted import matching
from grader.checks.base import review, shown
from grader.frozen import dataclass
from grader.model import Answer, Finding, Json, Place, Submission

Order = Literal["over", "under", "tie"]
MOST_LOGS: Final = 5  # of one run
MOST_PARTS: Final = 5  # of one log, each with a last and a best value
_FLIPPED: Final[Mapping[Order, Order]] = {"over": "under", "under": "over", "tie": "tie"}


@dataclass(frozen=True)
class Value:
    """An accuracy or another number of a run: how it is said, where it stands, the unit of its last digit."""

    share: Fraction
    step: Fraction
    said: str
    place: Place | None = None


@dataclass(frozen=True)
class Run:
    """One of the runs. `measured` holds each value that its log may end on; none where there is no log."""

    name: str
    claimed: Value | None
    measured: tuple[Value, ...]
    findings: tuple[Finding, ...]


def curve_of_rule(settings: Mapping[str, Json]) -> Curve:
    """The curve that is compared."""
    return Curve(settings.get("metric", "accuracy"), settings.get("split", "test"))


def run_of(name: str, settings: Mapping[str, Json], submission: Submission) -> Run:
    """The run `name` of the rule: its claim held against its log, as far as both are there."""
    about, curve = settings["runs"][name], curve_of_rule(settings)
    answer = given(submission, about.get("answer"))
    logs, findings = _logs(name, about, submission)
    points = [point for logged in logs for point in points_of(logged, curve)]
    if not logs:
        return Run(name, _claim(answer, curve), (), tuple(findings))
    if ("answer" in about and answer is not None) or not points:
        final = {"metric": curve.metric, "split": curve.split, "take": settings.get("take", "either")}
        final |= {"answer": about["answer"]} if "answer" in about else {}
        findings += [_named(name, one) for one in judge_final({"final": final}, logs, answer, None)]
    take = settings.get("take", "either")
    ends = [end for logged in logs if (own := points_of(logged, curve)) for end in finals(own, curve, take)]
    number = _number(answer)
    meant = [point for point in ends if number is not None and agrees(number, point)] or ends
    values = {point.share: Value(point.share, point.step, point.said, _place(point)) for point in meant}
    return Run(name, _claim(answer, curve), tuple(values.values()), tuple(findings))


def given(submission: Submission, key: str | None) -> Answer | None:
    """The answer under a key; None where there is none, an empty one included."""
    answer = submission.answers.get(key or "")
    return None if answer is None or answer.value in (None, "", [], {}) else answer


def interchanged(runs: Sequence[Run]) -> Iterator[Finding]:
    """Claims that each stand in another run's log: the runs were taken for each other."""
    for one, other in ((a, b) for a in runs for b in runs if a.name < b.name):
        if not (one.claimed and other.claimed and one.measured and other.measured):
            continue
        own = _close(one.claimed, one.measured) or _close(other.claimed, other.measured)
        crossed = _close(one.claimed, other.measured) and _close(other.claimed, one.measured)
        if crossed and not own:
            said = (
                f"{one.name} and {other.name} are taken for each other: {one.claimed.said} stands in "
                f"{other.measured[0].said}, and {other.claimed.said} in {one.measured[0].said}; a person looks"
            )
            fix = "say which log is of which run"
            yield review(said, place=one.claimed.place, fix=fix, code="interchanged")


def order_of(one: Sequence[Value], other: Sequence[Value], n: int | None, *, is_low_better: bool) -> Order | None:
    """Whether `one` is better than `other` in every reading; None where the readings differ.

    What chance alone may explain, by the test images, is a tie, and so is what the last digits do not tell.
    """
    ends = [[min(values, key=_share), max(values, key=_share)] for values in (one, other)]  # what lies between follows
    found = {_order(a, b, n) for a, b in product(*ends)}
    if len(found) != 1:
        return None
    [order] = found
    return _FLIPPED[order] if is_low_better else order


def _share(value: Value) -> Fraction:
    return value.share


def _order(one: Value, other: Value, n: int | None) -> Order:
    gap = one.share - other.share
    if abs(gap) <= max(one.step, other.step):
        return "tie"
    if n is not None and 0 <= one.share <= 1 and 0 <= other.share <= 1:
        low, high = differ(*(Runs((round(value.share * n),), n) for value in (one, other)))
        if low <= 0 <= high:
            return "tie"
    return "over" if gap > 0 else "under"


def gap_said(gap: Fraction) -> str:
    """A difference of shares in points.

    >>> gap_said(Fraction(386, 10_000))
    '3.86 points'
    """
    return percent(abs(gap)).removesuffix("%") + " points"


def _close(value: Value, others: Sequence[Value]) -> bool:
    return any(abs(value.share - other.share) <= max(value.step, other.step) for other in others)


def _place(point: Point) -> Place:
    return point.logged.place(point.number)


def _named(name: str, found: Finding) -> Finding:
    return replace(found, said=f"{name}: {found.said}")


def _number(answer: Answer | None) -> Number | None:
    try:
        return parse_working(answer.value, answer.place).number if answer is not None else None
    except AnswerError:
        return None


def _claim(answer: Answer | None, curve: Curve) -> Value | None:
    """The claimed value; None where none was given, or it has no one reading."""
    number = _number(answer)
    if answer is None or number is None:
        return None
    said = f"{shown(number.written, 40)} ({answer.place})"
    if curve.metric != "accuracy":
        return None if number.is_ambiguous else Value(number.value, number.step, said, answer.place)
    claim = claim_of(number)
    return None if claim is None else Value(claim.value, max(claim.step, claim.noise), said, answer.place)


def _logs(name: str, about: Mapping[str, Json], submission: Submission) -> tuple[list[Logged], list[Finding]]:
    if "log" not in about:
        return [], []
    files = matching(submission, about["log"])
    if not files:
        said = f"{name}: no log {about['log']!r} was handed in, so that its result is not confirmed; a person looks"
        return [], [review(said, fix=f"hand in the log of {name}", code="no-log")]
    logs: list[Logged] = []
    found: list[Finding] = []
    for file in files[:MOST_LOGS]:
        read = read_of(submission, file)
        if isinstance(read, Finding):
            found.append(_named(name, read))
        elif read.entries:
            logs.append(read)
    if len(files) > MOST_LOGS:
        said = f"{name}: {counted(len(files), 'file')} fit {about['log']!r}; the first {MOST_LOGS} were read"
        found.append(review(said, fix="hand in one log of each run", code="too-many-files"))
    if not logs and not found:
        said = f"{name}: {files[0].path} holds no line that names an epoch, a step, a loss or an accuracy"
        found.append(review(f"{said}; a person looks", place=Place(files[0].path), code="no-values"))
    if "part" not in about and any(len(logged.runs) > MOST_PARTS for logged in logs):
        said = f"{name}: {logs[0].path} holds more than {MOST_PARTS} trainings, or its epochs go back; a person looks"
        found.append(review(said, place=Place(logs[0].path), fix="hand in one log of each run", code="too-many-parts"))
        return [], found
    parts = [one for logged in logs for one in _part(logged, about.get("part"))]
    if logs and not parts:
        held = max(len(logged.runs) for logged in logs)
        said = (
            f"{name}: {logs[0].path} holds {counted(held, 'training')}, the {about['part']}. is asked; a person looks"
        )
        found.append(review(said, place=Place(logs[0].path), fix="hand in the whole log", code="no-part"))
    return parts, found


def _part(logged: Logged, part: int | None) -> list[Logged]:
    """A log with each of its trainings for itself, or the one that is asked for."""
    chosen = logged.runs if part is None else logged.runs[part - 1 : part]
    return [replace(logged, entries=run.entries, runs=tuple(runs_of(run.entries))) for run in chosen]
