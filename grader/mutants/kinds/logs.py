"""A log of a training that was edited, or is of another training than the task asks for."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

from grader.frozen import dataclass
from grader.model import Json, Rule
from grader.mutants.kind import Kind, Spot, register, replaced
from grader.mutants.original import Original

_WORDS = {"validation": ("val",), "test": ("test",), "train": ("train",)}
_METRICS = {"accuracy": ("acc",), "loss": ("loss",)}


@dataclass
class Log:
    """A log as rows of columns: JSON, one object a line, or CSV with a header. Others are not edited."""

    rows: list[dict[str, Any]]
    is_csv: bool

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The log; None where it is of another form."""
        try:
            text = path.read_text(encoding="utf-8")
            if text.lstrip().startswith("{"):
                return cls([json.loads(line) for line in text.splitlines() if line.strip()], is_csv=False)
            rows: list[dict[str, Any]] = [
                {name: _number(value) for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))
            ]
        except (ValueError, csv.Error):
            return None
        return cls(rows, is_csv=True) if rows and len(rows[0]) > 1 and None not in rows[0] else None

    def write(self, path: Path) -> None:
        """In the form that it was read in."""
        if not self.is_csv:
            replaced(path, "".join(json.dumps(row) + "\n" for row in self.rows))
            return
        written = io.StringIO()
        table = csv.DictWriter(written, list(self.rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        replaced(path, written.getvalue())

    def columns(self, metric: str, split: str = "") -> list[str]:
        """The columns of a metric, and of a part of the data where it is named."""
        names = dict.fromkeys(name for row in self.rows for name in row)
        found = [name for name in names if any(word in name.lower() for word in _METRICS.get(metric, (metric,)))]
        return [
            name for name in found if not split or any(word in name.lower() for word in _WORDS.get(split, (split,)))
        ]

    def values(self, column: str) -> list[float]:
        """The numbers of a column, where there are some."""
        return [row[column] for row in self.rows if isinstance(row.get(column), (int, float))]


def _number(text: str | None) -> Any:
    try:
        return int(text or "")
    except ValueError:
        try:
            return float(text or "")
        except ValueError:
            return text


class LogKind(Kind):
    """A change of one log, for each rule that must notice it."""

    checks: ClassVar[tuple[str, ...]] = ("training-log",)
    among_others: ClassVar[bool] = True  # whether one of several logs that fit a rule can be wrong by itself

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule and log of it."""
        for rule in original.rules(*self.checks):
            for pattern in _patterns(rule):
                paths = original.paths(pattern)
                if len(paths) > 1 and not self.among_others:
                    continue
                for path in paths[:1]:
                    log = Log.read(original.folder / path)
                    if log is None:
                        continue
                    if self.edited(log, rule):
                        yield Spot(f"{path}: {self.slip}", (rule.id,), {"path": path, "rule": rule.id})
                        break

    def edited(self, log: Log, rule: Rule) -> bool:
        """Edit the log; False where the rule cannot be expected to notice."""
        raise NotImplementedError

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Edit it, and write it."""
        path = folder / spot.data["path"]
        log = Log.read(path)
        if log is not None:
            self.edited(log, original.rule(spot.data["rule"]))
            log.write(path)


def _patterns(rule: Rule) -> list[str]:
    if rule.check == "comparison":
        return [run["log"] for run in rule.settings["runs"].values() if "log" in run]
    log = rule.settings.get("log")
    return [log] if isinstance(log, str) else []


@register
class LogValueEdited(LogKind):
    name, slip = "log-value-edited", "a value in the log is one that cannot be"
    nothing: ClassVar[str] = "no rule reads a log that this can edit"

    def edited(self, log: Log, rule: Rule) -> bool:
        """An accuracy of 130%; without accuracies, a loss that is no number."""
        del rule
        middle = log.rows[len(log.rows) // 2]
        for column in [*log.columns("accuracy"), *log.columns("loss")]:
            if isinstance(middle.get(column), (int, float)):
                is_percent = max(log.values(column)) > 1.5
                middle[column] = (130 if is_percent else 1.3) if "acc" in column.lower() else "nan"
                return log.is_csv or middle[column] != "nan"
        return False


@register
class LogNotCountable(LogKind):
    name, slip = "log-not-countable", "an accuracy in the log is no share of so many images"
    nothing: ClassVar[str] = "no rule says on how many images the accuracies of a log are counted"

    def edited(self, log: Log, rule: Rule) -> bool:
        """Between two possible ones, on n images and on all whole batches of them, with digits enough to tell."""
        for split, of in rule.settings.get("of", {}).items():
            n = of["n"]
            sizes = {n, *(n // batch * batch for batch in range(1, min(n, 1025)))} - {0}
            for column in log.columns("accuracy", split):
                row = next((row for row in log.rows if isinstance(row.get(column), (int, float))), None)
                if row is None:
                    continue
                scale = 100 if max(log.values(column)) > 1.5 else 1
                correct = round(row[column] / scale * n)
                for below in range(1, 200):
                    value = round((correct - below + 0.4142135) / n, 11)  # no trailing zeros, which JSON drops
                    # Further off than single precision, in which many a log is printed, could be.
                    if all(abs(round(value * size) / size - value) > 2e-7 for size in sizes):
                        row[column] = value * scale
                        return True
        return False


@register
class LogFinalEdited(LogKind):
    name, slip = "log-final-edited", "the results in the log are not those of the weights, or of the answer"
    checks = ("training-log", "comparison")
    nothing: ClassVar[str] = "no rule holds the end of a log against an answer or the weights"
    among_others = False  # another log may be the one that ends with what was claimed

    def edited(self, log: Log, rule: Rule) -> bool:
        """All of the curve a tenth lower: neither its end nor its best value is what was claimed."""
        final = rule.settings if rule.check == "comparison" else rule.settings.get("final", {})
        if rule.check == "training-log" and "answer" not in final and "recompute" not in rule.settings:
            return False
        split = final.get("split", "test" if rule.check == "comparison" else "")
        columns = log.columns(final.get("metric", "accuracy"), split)
        for column in columns[:1]:
            for row in log.rows:
                if isinstance(row.get(column), (int, float)):
                    row[column] = round(row[column] * 0.9, 4)
        return bool(columns)


@register
class LogTruncated(LogKind):
    name, slip = "log-truncated", "the log ends half-way"
    nothing: ClassVar[str] = "no rule demands so many epochs of a log"

    def edited(self, log: Log, rule: Rule) -> bool:
        """Too few epochs are left."""
        epochs = rule.settings.get("epochs")
        least = epochs.get("at_least") if isinstance(epochs, dict) else epochs
        log.rows = log.rows[: len(log.rows) // 2]
        return isinstance(least, int) and len(log.rows) > 0


@register
class LogTooLong(LogKind):
    name, slip = "log-too-long", "the training went on for more epochs than the task allows"
    nothing: ClassVar[str] = "no rule limits the epochs of a log"

    def edited(self, log: Log, rule: Rule) -> bool:
        """The last row is repeated under later epochs until there are too many."""
        epochs = rule.settings.get("epochs")
        most = epochs.get("at_most") if isinstance(epochs, dict) else epochs
        counted = [row["epoch"] for row in log.rows if isinstance(row.get("epoch"), int)]
        if not isinstance(most, int) or not counted:
            return False
        per_epoch = max((row.get("step") or 0 for row in log.rows), default=0) // max(counted)
        for epoch in range(max(counted) + 1, most + 3):
            added = {**log.rows[-1], "epoch": epoch}
            if "step" in added and isinstance(added["step"], int):
                added["step"] = per_epoch * epoch
            log.rows.append(added)
        return True


@register
class LogCadence(LogKind):
    name, slip = "log-cadence", "the log has no entry every so many mini-batches"
    nothing: ClassVar[str] = "no rule demands a cadence of a log"

    def edited(self, log: Log, rule: Rule) -> bool:
        """Only the first and the last one are left, where more than two intervals lie between them."""
        every = rule.settings.get("every")
        counted = [row for row in log.rows if isinstance(row.get("step"), int)]
        if not every or len(counted) < 3:
            return False
        log.rows = [counted[0], counted[-1]]
        return bool(counted[-1]["step"] - counted[0]["step"] > 2 * every)


@register
class LogLearningRate(LogKind):
    name, slip = "log-learning-rate", "the training had another learning rate"
    nothing: ClassVar[str] = "no rule demands a learning rate that its log shows"

    def edited(self, log: Log, rule: Rule) -> bool:
        """Ten times as large."""
        columns = [name for name in log.rows[0] if name.lower() in ("learning_rate", "lr")]
        if "learning_rate" not in rule.settings or not columns:
            return False
        for row in log.rows:
            if isinstance(row.get(columns[0]), (int, float)):
                row[columns[0]] = row[columns[0]] * 10
        return True


@register
class LogSteps(LogKind):
    name, slip = "log-steps", "the steps are not those of such an epoch"
    nothing: ClassVar[str] = "no rule demands steps that its log shows"

    def edited(self, log: Log, rule: Rule) -> bool:
        """Half as many again as with the smallest batch that is allowed: fewer could be an entry before the end."""
        batches = rule.settings.get("batches")
        if not batches or "size" not in batches:
            return False
        counted = [row for row in log.rows if isinstance(row.get("step"), int) and isinstance(row.get("epoch"), int)]
        epochs = max((row["epoch"] for row in counted), default=0)
        if not epochs:
            return False
        sizes = batches["size"] if isinstance(batches["size"], list) else [batches["size"]]
        most = 1.5 * batches["n"] / min(sizes)
        now = max(row["step"] for row in counted) / epochs
        for row in counted:
            row["step"] = max(round(row["step"] * most / now), 1)
        return True


@register
class LogMissing(Kind):
    name, slip = "log-missing", "the log was not handed in"
    nothing: ClassVar[str] = "no rule reads a log"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule and pattern."""
        for rule in original.rules("training-log", "comparison"):
            for pattern in _patterns(rule)[:1]:
                paths: Json = original.paths(pattern)
                if paths:
                    yield Spot(f"{pattern}: {self.slip}", (rule.id,), {"paths": paths})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Every file that fits."""
        del original
        for path in spot.data["paths"]:
            (folder / path).unlink()


@register
class LogCurveMissing(LogKind):
    name, slip = "log-curve-missing", "a curve that the task asks for is not in the log"
    nothing: ClassVar[str] = "no rule says which curves a log must have"

    def edited(self, log: Log, rule: Rule) -> bool:
        """Every column of the first one that is asked."""
        for asked in rule.settings.get("prints", ()):
            split, _, metric = str(asked).rpartition("_")
            columns = [str(asked)] if str(asked) in log.rows[0] else log.columns(metric, split)
            kept = [{name: value for name, value in row.items() if name not in columns} for row in log.rows]
            if columns and len(kept[0]) > 1:
                log.rows = kept
                return True
        return False


@register
class ScheduleMissing(Kind):
    name, slip = "schedule-missing", "the learning rate stays as it is, in the log and in the code"
    nothing: ClassVar[str] = "no rule asks for a learning rate that falls"

    def spots(self, original: Original) -> Iterator[Spot]:
        """One for each rule, where its log shows the rate and its code a factor."""
        for rule in original.rules("schedule"):
            logs: Json = original.paths(rule.settings["log"]) if "log" in rule.settings else []
            codes: Json = original.paths(rule.settings["code"]) if "code" in rule.settings else []
            texts = [(original.folder / path).read_text(encoding="utf-8") for path in codes]
            if (not codes or any(_FACTOR.search(text) for text in texts)) and (logs or codes):
                yield Spot(f"{rule.id}: {self.slip}", (rule.id,), {"logs": logs, "codes": codes})

    def apply(self, original: Original, spot: Spot, folder: Path) -> None:
        """Every rate is the first one, every factor 1."""
        del original
        for one in spot.data["codes"]:
            path = folder / one
            replaced(path, _FACTOR.sub(r"\g<1>1.0", path.read_text(encoding="utf-8")))
        for one in spot.data["logs"]:
            log = Log.read(folder / one)
            column = next((name for name in log.rows[0] if name in ("learning_rate", "lr")), "") if log else ""
            if log and column:
                for row in log.rows:
                    row[column] = log.rows[0][column]
                log.write(folder / one)


_FACTOR = re.compile(r"(gamma\s*=\s*)[\d.e-]+")
