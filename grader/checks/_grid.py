"""What does the student claim of each value of a hyperparameter, and what do the logs say? One run for each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from grader.answers.answer_error import AnswerError
from grader.answers.working import parse_working
from grader.checks._compared import Run, Value, curve_of_rule, given, run_of
from grader.checks._granular import Impossible, Unclear, judge_accuracy
from grader.checks._log_final import Point, agrees, points_of
from grader.checks._logged import Logged, read_of
from grader.checks._submitted import matching
from grader.checks.base import failed, passed, remark, review, shown, unanswered, unread_answers
from grader.frozen import dataclass
from grader.model import Answer, Finding, Json, Outcome, Rule, Submission

EPOCHS: Final = "epochs"
VALUE: Final = "{value}"


@dataclass(frozen=True)
class Level:
    """A value of the grid: its text, and its number where it is one."""

    name: str
    number: Fraction | None


def levels_of(settings: Mapping[str, Json]) -> list[Level]:
    """The grid, from the smallest value to the largest; in the rubric's order where one of them is no number.

    >>> [(one.name, str(one.number)) for one in levels_of({"values": [6, 0.001, "1e-4"]})]
    [('1e-4', '1/10000'), ('0.001', '1/1000'), ('6', '6')]
    """
    levels = [Level(str(value), _number(value)) for value in settings["values"]]
    numbers = [level.number for level in levels if level.number is not None]
    return sorted(levels, key=lambda level: level.number or 0) if len(numbers) == len(levels) else levels


def level_of(value: Json, levels: Sequence[Level]) -> Level | None:
    """The level that an answer names: by its text or by its number.

    >>> levels = levels_of({"values": [0.1, 0.001]})
    >>> [one and one.name for one in (level_of("1e-3", levels), level_of(0.1, levels), level_of("ten", levels))]
    ['0.001', '0.1', None]
    """
    if isinstance(value, dict) and "value" in value:
        value = value["value"]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text, number = str(value).strip(), _number(value)
    named = next((one for one in levels if one.name == text), None)
    return named or next((one for one in levels if number is not None and one.number == number), None)


def _number(value: Json) -> Fraction | None:
    text = str(value).strip()
    try:
        return Fraction(text) if len(text) <= 40 and "/" not in text else None
    except (ValueError, OverflowError):
        return None


def table_in(rule: Rule, submission: Submission) -> tuple[dict[str, Answer], list[Finding]]:
    """The entries of the table by their levels' names, and what is wrong with the table itself."""
    key = rule.settings.get("table")
    if key is None:
        return {}, []
    answer = given(submission, key)
    if answer is None:
        return {}, [unread_answers(submission) or unanswered(replace(rule, answer=key))]
    levels = levels_of(rule.settings)
    rows = list(_rows(answer))
    if not rows:
        form = "{" + ", ".join(f'"{one.name}": 0.97' for one in levels[:2]) + "}"
        said = f"{key}: this is no table of results by {rule.settings['over']}"
        return {}, [
            failed(said, place=answer.place, observed=shown(answer.value), fix=f"write {form}", code="no-table")
        ]
    entries: dict[str, Answer] = {}
    found: list[Finding] = []
    for named, entry in rows:
        level = level_of(named, levels)
        if level is None:
            said = f"{key}: {shown(named, 40)} is none of the values that are compared, and was not looked at"
            found.append(remark(Outcome.PASSED, said, place=entry.place, code="another-value"))
        elif level.name in entries:
            said = f"{key}: {level.name} stands there twice; the first one counts"
            found.append(remark(Outcome.REVIEW, said, place=entry.place, code="twice"))
        elif entry.value not in (None, "", [], {}):
            entries[level.name] = entry
    absent = [one.name for one in levels if one.name not in entries]
    if absent:
        said = f"{key}: no result is given for {', '.join(absent)}"
        found.append(failed(said, place=answer.place, fix=f"add {', '.join(absent)} to the table", code="unanswered"))
    return entries, found


def _rows(answer: Answer) -> Iterator[tuple[Json, Answer]]:
    """(value, result) of a table: {"0.1": 0.98}, [[0.1, 0.98]] or [{"value": 0.1, "result": 0.98}]."""
    value = answer.value
    if isinstance(value, dict):
        for name, entry in value.items():
            if not name.startswith("_"):
                yield name, Answer(entry, answer.place.child(name))
    elif isinstance(value, list):
        for at, row in enumerate(value[:100]):
            if isinstance(row, list) and len(row) == 2:
                yield row[0], Answer(row[1], answer.place.child(at, 1))
            elif isinstance(row, dict) and set(row) == {"value", "result"}:
                yield row["value"], Answer(row["result"], answer.place.child(at, "result"))


def runs_of_grid(rule: Rule, submission: Submission, entries: Mapping[str, Answer]) -> tuple[list[Run], list[Finding]]:
    """A run for each level, its entry held against its log; and what is wrong with the logs as a whole."""
    settings = rule.settings
    levels = levels_of(settings)
    log = settings.get("log")
    is_one_log = log is not None and VALUE not in log
    table = settings.get("table", "")
    # As `comparison` reads it: each entry is an answer of its own.
    keys = {level.name: f"{table} {level.name}" for level in levels}
    answers = {keys[name]: entry for name, entry in entries.items()}
    whole = replace(submission, answers={**submission.answers, **answers})
    about: dict[str, dict[str, Json]] = {level.name: {} for level in levels}
    for level in levels:
        if level.name in entries:
            about[level.name]["answer"] = keys[level.name]
        if log is not None and not is_one_log:
            about[level.name]["log"] = log.replace(VALUE, level.name)
    runs = [run_of(level.name, {**settings, "runs": about}, whole) for level in levels]
    runs = [_among_logs(run, about[run.name], submission) for run in runs]
    found: list[Finding] = []
    if is_one_log and log is not None:
        curve, found = _one_log(log, settings, submission)
        runs = [_at_epoch(run, level, curve, entries.get(run.name)) for run, level in zip(runs, levels, strict=True)]
    return runs, found


def _among_logs(run: Run, about: Mapping[str, Json], submission: Submission) -> Run:
    """With several logs of one value, from several seeds, an entry may be their mean: anything among their ends is."""
    count = len(matching(submission, about["log"])) if "log" in about else 0
    differs = next((one for one in run.findings if one.code in ("claim-differs", "another-epoch")), None)
    if count < 2 or differs is None or run.claimed is None or not run.measured:
        return run
    ends = sorted(value.share for value in run.measured)
    slack = max(run.claimed.step, *(value.step for value in run.measured))
    if not ends[0] - slack <= run.claimed.share <= ends[-1] + slack:
        return run
    said = f"{run.name}: {run.claimed.said} is among what its {count} logs end on, as a mean is"
    others = tuple(one for one in run.findings if one is not differs)
    return replace(run, findings=(*others, passed(said, place=run.claimed.place, code="agrees")))


def _one_log(
    log: str, settings: Mapping[str, Json], submission: Submission
) -> tuple[dict[Fraction, Point], list[Finding]]:
    """The values of the curve by their epochs, of the one training that all levels are epochs of."""
    files = matching(submission, log)
    if len(files) != 1:
        said = f"{len(files)} files fit {log!r}, where one log is looked for; a person looks"
        return {}, [review(said, fix=f"hand in one log as {log!r}", code="no-log" if not files else "too-many-files")]
    read = read_of(submission, files[0])
    if isinstance(read, Finding):
        return {}, [read]
    if len(read.runs) > 1:
        said = f"{files[0].path} holds {len(read.runs)} trainings, or its epochs go back; a person looks"
        return {}, [review(said, fix="hand in the log of one training", code="too-many-parts")]
    epochs = {entry.number: entry.epoch for entry in read.entries if entry.epoch is not None}
    curve = {epoch: point for point in _points(read, settings) if (epoch := epochs.get(point.number)) is not None}
    if not curve:
        said = f"{files[0].path} names no {curve_of_rule(settings)} with its epoch; a person looks"
        return {}, [review(said, fix="print the epoch in each line: epoch=3 test_accuracy=0.97", code="no-values")]
    return curve, []


def _points(read: Logged, settings: Mapping[str, Json]) -> list[Point]:
    return points_of(read, curve_of_rule(settings))


def _at_epoch(run: Run, level: Level, curve: Mapping[Fraction, Point], entry: Answer | None) -> Run:
    """The run that ends after so many epochs. A log that counts from 0 has them one lower."""
    if not curve or level.number is None:
        return run
    first = min(curve)
    point = curve.get(level.number - 1 if first == 0 else level.number)
    if point is None:
        said = f"{run.name}: the log has no such epoch (it ends with {float(max(curve)):g}); a person looks"
        return replace(run, findings=(*run.findings, review(said, code="no-epoch")))
    place = point.logged.place(point.number)
    findings = run.findings
    if entry is not None:
        findings = (*findings, _against(run.name, entry, point))
    return replace(run, measured=(Value(point.share, point.step, point.said, place),), findings=findings)


def _against(name: str, entry: Answer, point: Point) -> Finding:
    """An entry against what the log says after so many epochs."""
    try:
        number = parse_working(entry.value, entry.place).number
    except AnswerError:
        said = f"{name}: the entry was not read as a number, and not held against the log"
        return review(said, place=entry.place, observed=shown(entry.value), code="unread-answer")
    if agrees(number, point):
        return passed(f"{name}: the log says the same, {point.said}", place=entry.place, code="agrees")
    details: dict[str, Json] = {"place": entry.place, "observed": shown(entry.value), "expected": point.value.written}
    said = f"{name}: {shown(number.written, 40)} is claimed, the log says {point.said}"
    told = failed if len(number.readings) == 1 and not point.logged.log.doubts else review
    return told(said, **details, fix="write what the log says after that many epochs", code="claim-differs")


def impossible_entries(
    settings: Mapping[str, Json], entries: Mapping[str, Answer], runs: Sequence[Run]
) -> Iterator[Finding]:
    """Entries that no count of n images gives, where no log says what was counted."""
    n = settings.get("n")
    if n is None or settings.get("metric", "accuracy") != "accuracy":
        return
    for run in runs:
        entry = entries.get(run.name)
        if entry is None or run.measured:
            continue
        try:
            number = parse_working(entry.value, entry.place).number
        except AnswerError as error:
            said = f"{run.name}: the entry cannot be read as an accuracy: {error.problem.what}"
            yield failed(
                said, place=entry.place, observed=shown(entry.value), fix=error.problem.fix, code="unread-answer"
            )
            continue
        verdict = judge_accuracy(number, {"n": n})
        details: dict[str, Json] = {"place": entry.place, "observed": shown(entry.value)}
        if isinstance(verdict, Impossible):
            yield failed(f"{run.name}: {verdict.said}", **details, fix=verdict.fix, code="impossible")
        elif isinstance(verdict, Unclear):
            yield review(f"{run.name}: {verdict.said}; a person looks", **details, fix=verdict.fix, code="unclear")
