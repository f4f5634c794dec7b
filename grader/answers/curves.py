"""What do the names of a training log mean? Epochs, mini-batches, learning rate, and curves of losses and accuracies.

Log (grader.documents.training_log) -> curves_in -> Entry for each row, whose values keep how they were written
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

from grader.answers.claims.vocabulary import SPLITS, metric_phrase
from grader.documents.training_log import Log, Row
from grader.frozen import dataclass

_WORDS: Final = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_NUMBER: Final = re.compile(
    r"([-+]?)(\d{0,40})(?:([.,])(\d{0,40}))?(?:[eE]([-+]?\d{1,3}))?(?: ?/ ?(\d{1,12}))? ?(%?)", re.ASCII
)
_EPOCH: Final = frozenset(("epoch", "epochs", "ep", "epoche", "epoka", "epoque"))
_STEP: Final = frozenset(("step", "steps", "iter", "iters", "iteration", "iterations", "batch", "batches", "minibatch"))
# With one of these a name is about something else: "best acc", "batch size", "time per epoch", "loss delta".
_NOT: Final = frozenset(
    (
        "best", "min", "max", "highest", "lowest", "target", "delta", "diff", "std", "var", "size", "time", "per",
        "patience", "remaining", "left", "eta", "threshold", "improved", "seconds", "sec", "previous", "prev", "from",
        "weight", "decay", "gap", "goal", "top", "class", "ema", "of", "num", "total", "max", "avg5", "seed", "every",
    )
)  # fmt: skip
_LONGEST: Final = 4  # words that name a metric, and one more
_METRICS: Final = frozenset(("accuracy", "loss", "error", "f1", "mae", "mse", "psnr", "ssim", "auc"))


@dataclass(frozen=True, slots=True)
class Value:
    """A number of a log. `step` is the unit of its last digit, 0 where it is exact (9913/10000).

    `value` is None for NaN and for the infinities. `is_percent`: a percent sign stood behind it, and is not applied.
    """

    written: str
    value: Fraction | None
    step: Fraction = Fraction(0)
    is_percent: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """What a series of values is: "accuracy" of "test". `split` is None where no name says it."""

    metric: str
    split: str | None = None

    def __str__(self) -> str:
        return f"{self.split} {self.metric}" if self.split else self.metric


@dataclass(slots=True)
class Entry:
    """A row of a log, understood as far as its names are known.

    `number`     as in `Row`
    `epoch`      as written; of the heading above it where the row says none; `epochs` is the n of "epoch k/n"
    `step`       mini-batches, by whatever count the log has; `steps` is the n of "step k/n"
    `images`     (seen, of how many), as PyTorch's example prints them
    """

    number: int
    epoch: Fraction | None = None
    epochs: int | None = None
    step: Fraction | None = None
    steps: int | None = None
    images: tuple[int, int] | None = None
    learning_rates: list[Value] = field(default_factory=list)
    values: dict[Curve, Value] = field(default_factory=dict)


def value_of(written: str) -> Value | None:
    """A number as a log writes it; None for what is none.

    >>> value_of("98.92%"), value_of("nan").value, value_of("Adam")
    (Value(written='98.92%', value=Fraction(2473, 25), step=Fraction(1, 100), is_percent=True, total=None), None, None)
    >>> str(value_of("5e-04").value), str(value_of("9913/10000").value), value_of("60,000")
    ('1/2000', '9913/10000', None)
    """
    text = written.strip()
    if text.casefold().lstrip("+-") in ("nan", "inf", "infinity"):
        return Value(written, None)
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[4]):
        return None
    sign, whole, mark, part, power, total, percent = found.groups()
    if mark == "," and len(part) == 3 and whole.strip("0") and len(whole) <= 3:
        return None  # 60,000 or 60.000: two readings
    part = part or ""
    exponent = int(power or 0) - len(part)
    count = int(f"{sign}{whole}{part}")
    step = _unit(exponent)
    value = Fraction(count, 10**-exponent) if exponent < 0 else Fraction(count * 10**exponent)
    if total is not None:
        return Value(written, value / int(total), total=int(total)) if int(total) else None
    return Value(written, value, step, is_percent=bool(percent))


@lru_cache(maxsize=1024)
def _unit(exponent: int) -> Fraction:
    return Fraction(10) ** exponent


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case.

    >>> words_of("valLoss"), words_of("Accuracy/test_epoch"), words_of("lr-Adam")
    (('val', 'loss'), ('accuracy', 'test', 'epoch'), ('lr', 'adam'))
    """
    return tuple(word.casefold() for word in _WORDS.findall(name))


@lru_cache(maxsize=4096)
def curve_of(name: str) -> Curve | None:
    """The curve that a name belongs to; None for other names.

    >>> str(curve_of("val_acc")), str(curve_of("Accuracy/test")), str(curve_of("Test set: Average loss"))
    ('validation accuracy', 'test accuracy', 'test loss')
    >>> curve_of("best_acc"), curve_of("batch_size"), curve_of("epoch")
    (None, None, None)
    """
    subject, _, own = name.rpartition(": ")
    words = words_of(own)
    if not _NOT.isdisjoint(words):
        return None
    metric = next(
        (found[0] for at in range(len(words)) if (found := metric_phrase(list(words[at : at + _LONGEST])))), None
    )
    if metric not in _METRICS:
        return None
    splits = [SPLITS[word] for word in (*words, *words_of(subject)) if word in SPLITS]
    return Curve(metric, splits[0] if splits else None)


def curves_in(log: Log) -> tuple[Entry, ...]:
    """The rows that say something of the training, in their order.

    Bare names beside those of a held-out split are the training's, as in Keras. A row without an epoch of its own
    belongs to the one printed above it.

    >>> from grader.documents.training_log import read_log
    >>> [entry] = curves_in(read_log(b"Epoch 2/5 - loss: 0.5 - val_loss: 0.6", name="a.log"))
    >>> entry.epoch, entry.epochs, [str(curve) for curve in entry.values]
    (Fraction(2, 1), 5, ['train loss', 'validation loss'])
    """
    entries: list[Entry] = []
    epoch: tuple[Fraction, int | None] | None = None
    for row in log.rows:
        entry = _entry(row, is_tagged=log.kind == "tensorboard")
        if entry.epoch is not None:
            epoch = (entry.epoch, entry.epochs)
        elif epoch is not None and log.kind == "printed":
            entry.epoch, entry.epochs = epoch
        if entry.values or entry.learning_rates or entry.images or entry.step is not None:
            entries.append(entry)
    if log.kind == "tensorboard" and epoch is None:
        _count_steps_as_epochs(entries)
    return tuple(entries)


def _count_steps_as_epochs(entries: Sequence[Entry]) -> None:
    """Where a held-out curve has a point at each step 0, 1, 2, ...: it is evaluated once an epoch."""
    measured = [e for e in entries if any(curve.split in ("validation", "test") for curve in e.values)]
    steps = sorted({entry.step for entry in measured if entry.step is not None})
    if len(steps) > 1 and steps[0] <= 1 and steps == [steps[0] + at for at in range(len(steps))]:
        for entry in measured:
            entry.epoch, entry.step = entry.step, None


def _entry(row: Row, *, is_tagged: bool) -> Entry:
    entry = Entry(row.number)
    counts: list[tuple[tuple[str, ...], Value]] = []
    is_by_epoch = False
    for name, written in row.pairs:
        value = value_of(written)
        if value is None:
            continue
        curve = curve_of(name)
        if curve is not None:
            entry.values.setdefault(curve, value)
            is_by_epoch |= is_tagged and name.startswith("epoch_")
        else:
            counts.append((words_of(name.rpartition(": ")[2]), value))
    for words, value in counts:
        is_setting = "epochs" in words and value.total is None and not entry.values  # "epochs=15, lr=0.01"
        if not is_setting:
            _count(entry, words, value)
    if is_by_epoch:
        entry.epoch, entry.step = entry.step, None  # Keras counts epochs in TensorBoard's step
    leading = SPLITS.get(row.pairs[0][0].split()[0].casefold()) if row.pairs[0][0].split() else None
    is_each_once = len({curve.metric for curve in entry.values}) == len(entry.values)
    if (
        leading and is_each_once and all(curve.split is None for curve in list(entry.values)[1:])
    ):  # "val Loss: 0.4 Acc: 0.85"
        entry.values = {Curve(curve.metric, leading): value for curve, value in entry.values.items()}
    held_out = {curve.metric for curve in entry.values if curve.split in ("validation", "test")}
    bare = {curve for curve in entry.values if curve.split is None and curve.metric in held_out}
    if bare:
        named = [
            (Curve(curve.metric, "train") if curve in bare else curve, value) for curve, value in entry.values.items()
        ]
        if len({curve for curve, _ in named}) == len(named):  # "loss" beside "train_loss": what it is, is not said
            entry.values = dict(named)
    return entry


def _count(entry: Entry, words: Sequence[str], value: Value) -> None:
    if value.value is None or value.value < 0:
        return
    if "lr" in words or any(pair == ("learning", "rate") for pair in pairwise(words)):
        entry.learning_rates.append(value)
    elif not _NOT.isdisjoint(words):
        return
    elif not _EPOCH.isdisjoint(words) and entry.epoch is None:
        entry.epoch, entry.epochs = _of(value)
    elif not _STEP.isdisjoint(words) and entry.step is None:
        entry.step, entry.steps = _of(value)
    elif tuple(words) == ("images",) and value.total:
        entry.images = int(value.value * value.total), value.total


def _of(value: Value) -> tuple[Fraction | None, int | None]:
    if value.value is None or value.total is None:
        return value.value, None
    return value.value * value.total, value.total


# --- the epochs of a run ----------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """The entries of one training: a log may hold several, one after the other."""

    entries: tuple[Entry, ...]

    @cached_property
    def epochs(self) -> list[tuple[Fraction, int]]:
        """(epoch, number of the entry) whenever the epoch changes."""
        found: list[tuple[Fraction, int]] = []
        for entry in self.entries:
            if entry.epoch is not None and (not found or found[-1][0] != entry.epoch):
                found.append((entry.epoch, entry.number))
        return found

    @cached_property
    def usual_gap(self) -> int:
        """How many epochs lie between two that were logged: 1, or 5 where every fifth was. 0: there are not two."""
        at = [epoch for epoch, _ in self.epochs]
        gaps = [int(after - before) for before, after in pairwise(at) if after >= before + 1]
        often = Counter(gaps)
        return max(sorted(often), key=often.__getitem__, default=0)

    def counts(self) -> list[tuple[int, int]]:
        r"""(least, most) epochs that this can be, the usual reading first; empty without an epoch.

        What begins at 0 counts from 0, or has a line from before the first epoch. Of a single later epoch it is not
        known from where it counts.

        >>> from grader.documents.training_log import read_log
        >>> def counts(text):
        ...     return runs_of(curves_in(read_log(text, name="a.csv")))[0].counts()
        >>> counts(b"epoch,loss\n0,1\n1,2\n2,1\n"), counts(b"epoch,loss\n5,1\n10,1\n15,1\n")
        ([(3, 3), (2, 2)], [(15, 19)])
        >>> counts(b"epoch,loss\n14,1\n")
        [(14, 15)]
        """
        at = [epoch for epoch, _ in self.epochs]
        if not at:
            return []
        last = int(-(-max(at) // 1))
        stated = {entry.epochs for entry in self.entries if entry.epochs}
        is_alone = len(at) == 1 and last > 1 and not stated
        if is_alone or any(epoch.denominator > 1 for epoch in at):
            return [(last, last + 1)]
        found = []
        for least in [last + 1, last] if min(at) == 0 else [last]:
            most = least if stated == {least} else least + max(self.usual_gap, 1) - 1
            found.append((least, most))
        return found


def runs_of(entries: Sequence[Entry]) -> list[Run]:
    """The trainings that a log holds: a new one begins where the epochs begin again."""
    runs: list[list[Entry]] = [[]]
    first: Fraction | None = None
    last: Fraction | None = None
    for entry in entries:
        if entry.epoch is not None:
            if last is not None and first is not None and entry.epoch < last and entry.epoch <= min(first, Fraction(1)):
                runs.append([])
                first = None
            first, last = entry.epoch if first is None else first, entry.epoch
        runs[-1].append(entry)
    return [Run(tuple(run)) for run in runs if run]
