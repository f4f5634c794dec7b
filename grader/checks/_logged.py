"""What do the judges of a training log share? The log with its runs, places in it, and how a finding names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from grader.answers.curves import Curve, Entry, Run, Value, curves_in, runs_of
from grader.checks._submitted import opened
from grader.checks.base import review
from grader.documents import DocumentError
from grader.documents.training_log import MAX_LOG_BYTES, Log, read_log
from grader.frozen import dataclass
from grader.model import Finding, Outcome, Place, Submission, SubmittedFile

MOST_NAMED: Final = 10
_FALLING: Final = frozenset(("loss", "error", "mae", "mse"))


@dataclass(frozen=True)
class Logged:
    """A log that was handed in, as it was understood."""

    path: str
    log: Log
    entries: tuple[Entry, ...]
    runs: tuple[Run, ...]

    def place(self, number: int) -> Place:
        """Where an entry stands."""
        return Place(self.path, line=number if self.log.unit == "line" else None)

    def at(self, number: int) -> str:
        """An entry in words: "train.log, line 12"."""
        return f"{self.path}, {self.log.unit} {number:,}"

    def series(self, curve: Curve) -> list[tuple[int, Value]]:
        """(number of the entry, value) of a curve, in the log's order."""
        return [(entry.number, entry.values[curve]) for entry in self.entries if curve in entry.values]


def understood(path: str, log: Log) -> Logged:
    """The log with its names understood."""
    entries = curves_in(log)
    return Logged(path, log, entries, tuple(runs_of(entries)))


def curves_of(logged: Logged) -> list[Curve]:
    """Every curve of a log, in the order in which they first stand there."""
    return list(dict.fromkeys(curve for entry in logged.entries for curve in entry.values))


def is_in_percent(series: Sequence[tuple[int, Value]]) -> bool:
    """Whether an accuracy's bare numbers are percents: where one is over 1."""
    return any(v.value is not None and v.value > 1 and v.total is None and not v.is_percent for _, v in series)


def shares(curve: Curve, series: Sequence[tuple[int, Value]]) -> Iterator[tuple[int, Value, Fraction, Fraction]]:
    """(number, value, as a share of 1 where the curve is an accuracy, the unit of its last digit)."""
    in_percent = curve.metric == "accuracy" and is_in_percent(series)
    for number, value in series:
        if value.value is not None:
            by = 100 if value.is_percent or (in_percent and value.total is None) else 1
            yield number, value, value.value / by, value.step / by


def is_better_low(curve: Curve) -> bool:
    """Whether the lowest value of the curve is its best."""
    return curve.metric in _FALLING


def read_of(submission: Submission, file: SubmittedFile) -> Logged | Finding:
    """A file as a training log, or the finding that says why it is none."""
    try:
        with opened(submission, file) as stream:
            return understood(file.path, read_log(stream.read(MAX_LOG_BYTES + 1), name=file.path))
    except DocumentError as error:
        said = f"{file.path} was not read: {error.problem.what}; a person looks"
        return review(said, place=Place(file.path), fix=error.problem.fix, code=error.problem.code)
    except OSError as error:
        return Finding(Outcome.UNKNOWN, f"{file.path} could not be opened ({error})", code="unreadable")


def decided(found: Sequence[Finding], *, may_fail: bool) -> Iterator[Finding]:
    """The first wrong thing carries the points; else the first open one; else that all is well."""
    if not may_fail:
        found = [
            replace(one, outcome=Outcome.REVIEW, credit=None) if one.outcome is Outcome.FAILED else one for one in found
        ]
    wrong = [one for one in found if one.outcome is Outcome.FAILED]
    is_open = [one for one in found if one.outcome in (Outcome.REVIEW, Outcome.UNKNOWN) and one.weight]
    well = [one for one in found if one.outcome is Outcome.PASSED]
    if wrong or is_open:
        well = [one for one in well if one.code != "read"]
    first = (wrong or is_open or [one for one in well if one.weight][-1:])[:1]
    yield from first
    rest = [one for one in found if one not in first and one not in well]
    told = [one for one in well if one not in first]
    yield from (replace(one, weight=Fraction(0)) for one in [*rest[:MOST_NAMED], *told])
