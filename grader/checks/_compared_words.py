"""Does what the student says of two runs hold: which is the best, and by how much?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.choices import parse_choice
from grader.answers.numbers import Number
from grader.answers.working import parse_working
from grader.checks._compared import Run, Value, curve_of_rule, gap_said, given, order_of
from grader.checks._logged import is_better_low
from grader.checks.base import failed, passed, remark, review, shown, unanswered, unread_answers
from grader.model import Finding, Json, Outcome, Rule, Submission

TIE: Final = "no difference"
_POINT: Final = Fraction(1, 100)
_RELATIVE: Final = {"relative": "of the lower value", "errors": "of the errors"}


def judge_best(rule: Rule, submission: Submission, runs: Sequence[Run]) -> Iterator[Finding]:
    """The run that is called the best, against the claims and against the logs."""
    settings = rule.settings
    key = settings["best"]
    answer = given(submission, key)
    if answer is None:
        yield unread_answers(submission) or unanswered(replace(rule, answer=key))
        return
    details: dict[str, Json] = {"observed": shown(answer.value), "place": answer.place}
    try:
        best = parse_choice(answer.value, {**{run.name: run.name for run in runs}, TIE: TIE}, answer.place)
    except AnswerError as error:
        said = f"{key}: only a person can tell which run is meant: {error.problem.what}"
        yield review(said, **details, fix=error.problem.fix, code="unclear-best")
        return
    if best == TIE:
        pairs = [(a, b) for a in runs for b in runs if a.name < b.name]
        words = f"{key}: no difference is claimed"
        against: tuple[str, ...] = ("over", "under")
    else:
        first = next(run for run in runs if run.name == best)
        pairs = [(first, run) for run in runs if run is not first]
        words, against = f"{key}: {best!r} is called the best", ("under",)
    yield from _held(settings, words, pairs, against, details)


def _held(
    settings: Mapping[str, Json],
    words: str,
    pairs: Sequence[tuple[Run, Run]],
    against: Sequence[str],
    details: Mapping[str, Json],
) -> Iterator[Finding]:
    n, is_low = settings.get("n"), is_low_better(settings)
    open_, ties, told = [], [], 0
    for one, other in pairs:
        if one.claimed and other.claimed:
            order = order_of([one.claimed], [other.claimed], n, is_low_better=is_low)
            if order in against:
                said = f"{words}, and by the claims it is otherwise: {_both(one.claimed, other.claimed, one, other)}"
                yield failed(said, **details, fix="let the answers agree with each other", code="best-contradicts")
                return
        if not one.measured or not other.measured:
            continue
        told += 1
        order = order_of(one.measured, other.measured, n, is_low_better=is_low)
        if order in against:
            said = f"{words}, the logs say otherwise: {_both(one.measured[0], other.measured[0], one, other)}"
            yield failed(said, **details, fix="compare what the logs end on", code="best-differs")
            return
        if order is None:
            open_.append(f"{one.name} and {other.name}")
        elif order == "tie":
            ties.append(other.name)
    if open_:
        said = f"{words}: for {', '.join(open_)} the last and the best values of the logs differ; a person looks"
        yield review(said, **details, code="two-readings")
    elif told < len(pairs):
        yield review(f"{words}: not all logs are there to confirm it; a person looks", **details, code="unconfirmed")
    else:
        yield passed(f"{words}, as the logs have it", **details, code="best-confirmed")
    if ties and against == ("under",):
        said = (
            f"the difference to {', '.join(ties)} is within what chance gives: a single run does not show who is better"
        )
        yield remark(Outcome.PASSED, said, code="tie")


def judge_gap(rule: Rule, submission: Submission, runs: Sequence[Run]) -> Iterator[Finding]:
    """The difference that the student states, against those of the claims and of the logs. There are two runs."""
    key = rule.settings["gap"]
    answer = given(submission, key)
    if answer is None:
        yield unread_answers(submission) or unanswered(replace(rule, answer=key))
        return
    details: dict[str, Json] = {"observed": shown(answer.value), "place": answer.place}
    try:
        number = parse_working(answer.value, answer.place).number
    except AnswerError as error:
        said = f"{key}: only a person can tell what is meant: {error.problem.what}"
        yield review(said, **details, fix=error.problem.fix, code="unclear-gap")
        return
    by_logs = list(product(runs[0].measured, runs[1].measured))
    by_claims = [(runs[0].claimed, runs[1].claimed)] if runs[0].claimed and runs[1].claimed else []
    is_accuracy = rule.settings.get("metric", "accuracy") == "accuracy"
    written = shown(number.written, 40)
    for one, other in by_logs:
        way = _agreeing(number, one, other, is_accuracy=is_accuracy)
        if way is not None:
            yield passed(f"{key}: {written}{way} is the difference that the logs have", **details, code="gap-confirmed")
            return
    for one, other in by_claims:
        way = _agreeing(number, one, other, is_accuracy=is_accuracy)
        if way is not None:
            said = f"{key}: {written}{way} is the difference of the claims"
            if by_logs:  # which claim is not the log's is told of that claim
                yield remark(Outcome.REVIEW, f"{said}, the logs have another", **details, code="gap-of-the-claims")
            else:
                yield review(f"{said}, and no log confirms these; a person looks", **details, code="unconfirmed")
            return
    if not by_logs and not by_claims:
        yield review(f"{key}: nothing is there that it could be held against", **details, code="unconfirmed")
        return
    one, other = (by_logs or by_claims)[0]
    real = gap_said(one.share - other.share) if is_accuracy else f"{float(abs(one.share - other.share)):g}"
    said = f"{key}: {written} is stated, the difference is {real}: {one.said} and {other.said}"
    told = failed if len(number.readings) == 1 and not number.bound else review
    yield told(said, **details, expected=real, fix="take one result from the other", code="gap-differs")


def _agreeing(number: Number, one: Value, other: Value, *, is_accuracy: bool) -> str | None:
    """How the stated difference is meant where it agrees, such as " (of the errors)"; None where it does not."""
    slack = _POINT / 2 if number.is_approximate else Fraction(0)
    scales = (Fraction(1), _POINT) if is_accuracy and not number.is_percent else (Fraction(1),)
    for reading, gap, step in _gaps(one, other, is_accuracy=is_accuracy):
        for form in number.forms:
            if any(abs(abs(form.value) * by - gap) <= max(form.step * by, step, slack) for by in scales):
                return f" ({_RELATIVE[reading]})" if reading in _RELATIVE else ""
    return None


def _gaps(one: Value, other: Value, *, is_accuracy: bool) -> Iterator[tuple[str, Fraction, Fraction]]:
    """(reading, difference, what the digits leave open): in points, of the lower value, and of the errors."""
    gap, step = abs(one.share - other.share), one.step + other.step
    yield "points", gap, step
    low, high = sorted((one.share, other.share))
    if low > 0:
        yield "relative", gap / low, step / low
    if is_accuracy and high <= 1 and low < 1:
        yield "errors", gap / (1 - low), step / (1 - low)


def is_low_better(settings: Mapping[str, Json]) -> bool:
    """Whether the lower value is the better one."""
    return is_better_low(curve_of_rule(settings))


def _both(a: Value, b: Value, one: Run, other: Run) -> str:
    return f"{one.name} {a.said}, {other.name} {b.said}"
