"""Can the curves of a training log be at all? Values outside their range, no k of n, NaN, lines that never change.

FAILED here is what no training can print; REVIEW what a slip in the student's own arithmetic would explain as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.curves import Curve, Value
from grader.answers.explanations import explain
from grader.answers.numbers import parse_number
from grader.checks._granular import Impossible, judge_accuracy
from grader.checks._logged import Logged, curves_of, is_in_percent, shares
from grader.checks._settings import counted, percent
from grader.checks.base import failed, review, shown
from grader.model import Finding, Json

MOST_COUNTED: Final = 200  # different accuracies of one log that are tried as k of n: 2 ms each
_FEWEST_ALIKE: Final = 5  # as many lines alike are no chance
_TELLING: Final = 3  # characters of a loss that repeats only where nothing changes
_LN_2: Final = Fraction(math.log(2))
_TWO_READINGS: Final = 2  # percent: an accuracy in percents that never exceeds this may as well be a share over 1


def impossible_curves(settings: Mapping[str, Json], logged: Logged) -> Iterator[Finding]:
    """Each kind of impossible value of each curve, the first place of it named."""
    for curve in curves_of(logged):
        series = logged.series(curve)
        if curve.metric == "accuracy":
            yield from _outside(logged, curve, series)
            of = settings.get("of", {}).get(curve.split or "")
            if of is not None:
                yield from _no_count(logged, curve, series, of)
        elif curve.metric == "loss":
            yield from _not_finite(logged, curve, series)
            if settings.get("loss") == "cross_entropy":
                yield from _negative(logged, curve, series)
    if settings.get("loss") == "cross_entropy" and "classes" in settings:
        yield from _too_good(logged, settings["classes"])
    yield from _alike(logged)
    yield from _order(logged)


def _details(logged: Logged, number: int, value: str, expected: str) -> dict[str, Json]:
    return {"place": logged.place(number), "observed": shown(value, 60), "expected": expected}


def _more(count: int) -> str:
    return f", and {counted(count - 1, 'more value')} like it" if count > 1 else ""


def _told(logged: Logged, value: Value) -> Callable[..., Finding]:
    """In a printed line "acc -0.5" may be a minus sign or a dash: two readings."""
    is_dash_perhaps = logged.log.kind == "printed" and (value.value or 0) < 0
    return review if is_dash_perhaps else failed


def _outside(logged: Logged, curve: Curve, series: Sequence[tuple[int, Value]]) -> Iterator[Finding]:
    finite = list(shares(curve, series))
    bad = [(number, value) for number, value, share, _ in finite if not 0 <= share <= 1]
    if bad:
        number, value = bad[0]
        said = f"{logged.at(number)}: the {curve} is {shown(value.written, 40)}, outside of 0 to 100 %{_more(len(bad))}"
        fix = "divide the number of right answers by the number of images that were asked"
        told = _told(logged, value)
        yield told(said, **_details(logged, number, value.written, "0 to 1, or 0 to 100 %"), fix=fix, code="outside")
        return
    bare = [
        (n, value) for n, value in series if value.value is not None and not value.is_percent and value.total is None
    ]
    highest = max(bare, key=lambda one: one[1].value or 0, default=None)
    if highest and is_in_percent(series) and (highest[1].value or 0) <= _TWO_READINGS:
        number, value = highest
        said = (
            f"{logged.at(number)}: the {curve} is {shown(value.written, 40)}: over 1 for a share, and hardly "
            "a percentage; a person looks"
        )
        yield review(said, **_details(logged, number, value.written, "0 to 1"), fix="write shares of 1", code="outside")


def _no_count(
    logged: Logged, curve: Curve, series: Sequence[tuple[int, Value]], of: Mapping[str, Json]
) -> Iterator[Finding]:
    in_percent = is_in_percent(series)
    known: set[str] = set()
    wrong: list[tuple[int, Value, str, str]] = []
    is_explained = False
    for number, value in series:
        if value.written in known or value.value is None or len(known) == MOST_COUNTED:
            continue
        known.add(value.written)
        if value.total is not None:
            if value.total != of["n"]:
                said = f"it is counted on {value.total:,} images, not on {of['n']:,}"
                wrong.append((number, value, said, "evaluate on all the images that were asked"))
            continue
        written = value.written.replace(",", ".")
        try:
            meant = parse_number(
                f"{written} %" if in_percent and not value.is_percent else written, logged.place(number)
            )
        except AnswerError:
            continue
        judged = judge_accuracy(meant, of)
        if isinstance(judged, Impossible) and 0 <= value.value <= 100:
            wrong.append((number, value, judged.said, judged.fix))
            is_explained |= of.get("drop_last", "maybe") != "never" and bool(explain(meant, of["n"]))
    if wrong:
        number, value, said, fix = wrong[0]
        told = f"{logged.at(number)}: {curve} {shown(value.written, 40)}: {said}{_more(len(wrong))}"
        finding = review if is_explained else failed  # a mean over batches is printed by many, and is no k of n
        yield finding(told, **_details(logged, number, value.written, f"k of {of['n']:,}"), fix=fix, code="no-count")


def _not_finite(logged: Logged, curve: Curve, series: Sequence[tuple[int, Value]]) -> Iterator[Finding]:
    bad = [(number, value) for number, value in series if value.value is None]
    if bad:
        number, value = bad[0]
        said = f"{logged.at(number)}: the {curve} is {value.written}: the training broke down there{_more(len(bad))}"
        fix = "lower the learning rate, look for a division by zero, and train again"
        yield review(said, **_details(logged, number, value.written, "a finite loss"), fix=fix, code="not-finite")


def _negative(logged: Logged, curve: Curve, series: Sequence[tuple[int, Value]]) -> Iterator[Finding]:
    bad = [(number, value) for number, value in series if value.value is not None and value.value < 0]
    if bad:
        number, value = bad[0]
        written = shown(value.written, 40)
        said = f"{logged.at(number)}: the {curve} is {written}; a cross-entropy is never negative{_more(len(bad))}"
        fix = "give the loss what it takes: log-probabilities to nll_loss, raw scores to cross_entropy"
        told = _told(logged, value)
        yield told(said, **_details(logged, number, value.written, "at least 0"), fix=fix, code="negative-loss")


def _too_good(logged: Logged, classes: int) -> Iterator[Finding]:
    """A wrong answer gave its true class at most half, so the mean cross-entropy is at least (1 - accuracy) ln 2.

    A person decides: many print the loss of the last batch, or divide a sum of means by the images.
    """
    for curve in curves_of(logged):
        if curve.metric != "accuracy":
            continue
        of = {number: (value, share) for number, value, share, _ in shares(curve, logged.series(curve))}
        for number, loss in logged.series(Curve("loss", curve.split)):
            if number not in of or loss.value is None or loss.value < 0:
                continue
            value, accuracy = of[number]
            least = (1 - accuracy) * _LN_2
            if 0 <= accuracy <= Fraction(1, classes) and loss.value + loss.step < least:
                said = (
                    f"{logged.at(number)}: a {curve} of {shown(value.written, 40)} is no better than guessing among "
                    f"{classes} classes, and the mean loss over the same images is then at least {float(least):.2f}, "
                    f"not {shown(loss.written, 40)}"
                )
                fix = "average the loss over the images that the accuracy is counted on"
                details = _details(logged, number, loss.written, f"at least {float(least):.2f}")
                yield review(said, **details, fix=fix, code="loss-too-low")
                return


def _alike(logged: Logged) -> Iterator[Finding]:
    """Epochs that differ in nothing but their number."""
    for run in logged.runs:
        alike = 1
        before = None
        for entry in run.entries:
            written = sorted((str(curve), value.written) for curve, value in entry.values.items())
            losses = [value.written for curve, value in entry.values.items() if curve.metric == "loss"]
            has_digits = any(len(one.strip("0.-+%")) >= _TELLING for one in losses)  # 0.00 for ever is no wonder
            is_same = bool(written) and has_digits and before is not None and written == before[0]
            is_later = before is not None and (entry.epoch, entry.step) != before[1]
            alike = alike + 1 if is_same and is_later else 1
            before = (written, (entry.epoch, entry.step)) if written else before
            if alike == _FEWEST_ALIKE:
                said = f"{logged.at(entry.number)}: the same values for the {alike}th time in a row; a person looks"
                fix = "check that the optimizer has the model's parameters, and that step() is called"
                details = _details(
                    logged, entry.number, ", ".join(f"{k} {v}" for k, v in written), "values that change"
                )
                yield review(said, **details, fix=fix, code="alike")
                return


def _order(logged: Logged) -> Iterator[Finding]:
    """Epochs that go back or are left out within a training."""
    for run in logged.runs:
        epochs = run.epochs
        for (epoch, _), (after, number) in pairwise(epochs):
            if after < epoch:
                said = f"{logged.at(number)}: epoch {_said(after)} stands after epoch {_said(epoch)}; a person looks"
                fix = "hand in the log as it was written, one training in one file"
                yield review(
                    said, **_details(logged, number, _said(after), f"over {_said(epoch)}"), fix=fix, code="order"
                )
                return
            if after - epoch > run.usual_gap > 0 and after - epoch >= 2:
                between = f"{_said(epoch + 1)} to {_said(after - 1)}" if after - epoch > 2 else _said(epoch + 1)
                said = (
                    f"{logged.at(number)}: between epoch {_said(epoch)} and {_said(after)} there is no epoch {between}"
                )
                details = _details(logged, number, _said(after), _said(epoch + run.usual_gap))
                yield review(f"{said}; a person looks", **details, fix="hand in the whole log", code="missing-epoch")
                return


def _said(epoch: Fraction) -> str:
    return str(epoch) if epoch.denominator == 1 else f"{float(epoch):g}"


def accuracy_said(value: Value, share: Fraction) -> str:
    """An accuracy as it was written, and in percent where that is another writing.

    >>> accuracy_said(Value("0.9705", Fraction("0.9705")), Fraction("0.9705"))
    '0.9705 (97.05%)'
    """
    if value.is_percent or not 0 <= share <= 1:
        return shown(value.written, 40)
    return f"{shown(value.written, 40)} ({percent(share, 4)})"
