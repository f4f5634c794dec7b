"""Which curves do the logs hold that were handed in? One drawing for each measure of a log, one for each comparison.

A log is any file that a rule names under `log`, whatever its check. It is the student's word; nothing of it is
recomputed here. Logs of any size: what is beyond the reader's limits is not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from grader.answers.curves import Curve, Entry
from grader.checks._logged import MOST_NAMED, Logged, curves_of, read_of, shares
from grader.checks._submitted import matching
from grader.model import Finding, Json, Rule, Submission, SubmittedFile, Visibility
from grader.reports.exhibited.trainings import thinned
from grader.reports.exhibits import About, Case, Curves, Line, about

MOST_LOGS: Final = 20
MOST_RUNS: Final = 8  # of one log, drawn one behind the other
MOST_MEASURES: Final = 3  # of a comparison

Points = list[tuple[float, float | None]]


def made(case: Case) -> Iterator[Curves]:
    """Each log once, below the first rule that names it; the runs of a comparison over each other."""
    known: dict[str, Logged | None] = {}
    seen: set[str] = set()
    # What a student may see comes first: a log that a rule for staff names too is not taken away by that.
    for task, rule in sorted(case.rules(), key=lambda pair: pair[1].visibility is Visibility.STAFF):
        found: dict[str, list[Logged]] = {}
        for name, file in _files(rule, case.submission):
            if file.path not in known and len(known) < MOST_LOGS:
                read = read_of(case.submission, file)
                known[file.path] = None if isinstance(read, Finding) else read
            logged = known.get(file.path)
            if logged is not None and logged.entries:
                found.setdefault(name, []).append(logged)
        compared = list(_compared(about(task, rule, ""), found)) if len(found) > 1 else []
        yield from compared
        for logged in [] if compared else [logged for logs in found.values() for logged in logs]:
            if logged.path not in seen:
                seen.add(logged.path)
                yield from _of_one(about(task, rule, ""), logged)


def _files(rule: Rule, submission: Submission) -> Iterator[tuple[str, SubmittedFile]]:
    """(name of the run or "", file) of every log that a rule names; of a grid there is a run for each value."""
    settings = rule.settings
    if isinstance(settings.get("log"), str):
        values = settings.get("values", [""]) if "{value}" in settings["log"] else [""]
        for value in values:
            for file in matching(submission, settings["log"].replace("{value}", str(value)))[:MOST_LOGS]:
                yield str(value), file
    runs: Json = settings.get("runs")
    if isinstance(runs, Mapping):
        for name, one in runs.items():
            if isinstance(one, Mapping) and isinstance(one.get("log"), str):
                for file in matching(submission, one["log"])[:MOST_LOGS]:
                    yield str(name), file


def _of_one(whose: About, logged: Logged) -> Iterator[Curves]:
    by_metric: dict[str, list[Curve]] = {}
    for curve in curves_of(logged)[:MOST_NAMED]:
        by_metric.setdefault(curve.metric, []).append(curve)
    for metric, curves in by_metric.items():
        lines = [line for curve in curves for line in _lines(logged, curve, str(curve))]
        if lines:
            title = f"{metric.capitalize()} as {logged.path} has it"
            x_label, is_share = _x_label(logged), _is_share(metric, lines)
            yield Curves(replace(whose, title=title), x_label, metric, tuple(lines), is_share)


def _compared(whose: About, found: Mapping[str, list[Logged]]) -> Iterator[Curves]:
    """The runs over each other, by each measure that most of them have, where they count the same along x."""
    if len({_x_label(logged) for logs in found.values() for logged in logs}) != 1:
        return
    counted = Counter(curve for logs in found.values() for curve in {c for logged in logs for c in curves_of(logged)})
    most = max(counted.values(), default=0)
    splits = {"test": 0, "validation": 1}
    best = sorted(
        (curve for curve, count in counted.items() if count == most > 1),
        key=lambda curve: (curve.metric != "accuracy", splits.get(curve.split or "", 2), str(curve)),
    )
    for curve in best[:MOST_MEASURES]:
        lines = [line for name, logs in found.items() for logged in logs for line in _lines(logged, curve, name)]
        title = f"The runs beside each other: {curve}"
        x_label = _x_label(next(iter(found.values()))[0])
        if lines:
            yield Curves(replace(whose, title=title), x_label, str(curve), tuple(lines), _is_share(curve.metric, lines))


def _x_label(logged: Logged) -> str:
    if any(entry.epoch is not None for entry in logged.entries):
        return "epoch"
    return "mini-batch" if any(entry.step is not None for entry in logged.entries) else logged.log.unit


def _lines(logged: Logged, curve: Curve, name: str) -> Iterator[Line]:
    """A curve of a log, one line for each training in it. What is no number is a gap."""
    label = _x_label(logged)
    values = {number: part for number, _, part, _ in shares(curve, logged.series(curve))}
    for at, run in enumerate(logged.runs[:MOST_RUNS]):
        rows = [entry for entry in run.entries if curve in entry.values]
        points: Points = [
            (x, _number(values.get(entry.number)))
            for entry, x in zip(rows, _across(rows, label), strict=True)
            if x is not None
        ]
        if any(y is not None for _, y in points):
            said = f"{name}, training {at + 1}" if len(logged.runs) > 1 else name
            yield Line(said, tuple(thinned(points)), len(points))


def _across(rows: Sequence[Entry], label: str) -> list[float | None]:
    """Where each row stands. Several of one epoch stand side by side within it, the last at its end."""
    if label != "epoch":
        return [_number(row.step if label == "mini-batch" else row.number) for row in rows]
    times = Counter(row.epoch for row in rows)
    seen: Counter[Fraction | None] = Counter()
    made: list[float | None] = []
    for row in rows:
        seen[row.epoch] += 1
        end = _number(row.epoch)
        share = seen[row.epoch] / times[row.epoch]
        made.append(None if end is None else end - 1 + share)
    return made


def _number(value: Fraction | int | None) -> float | None:
    """A number that can be drawn."""
    return None if value is None or abs(Fraction(value)) > 10**12 else float(value)


def _is_share(metric: str, lines: Sequence[Line]) -> bool:
    there = [y for line in lines for _, y in line.points if y is not None]
    return metric == "accuracy" and all(0 <= y <= 1 for y in there)
