"""What is a training log once it is read? Rows of named values, as written, each with its place."""

from __future__ import annotations

from typing import Final

from grader.frozen import dataclass

MAX_LOG_BYTES: Final = 16 * 2**20
MAX_ROWS: Final = 100_000
MAX_PAIRS: Final = 64  # named values of one row
MAX_NAME: Final = 100
MAX_WRITTEN: Final = 60  # characters of a value: no number that a training prints is longer

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """The named values that were logged together.

    `number`  the line of the file, from 1; the entry or the event where the format has no lines (`Log.unit`)
    `pairs`   (name, value), both as written: ("val_acc", "0.9892"), ("Accuracy", "9913/10000"), ("loss", "nan")
    """

    number: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """A log as its format gives it; what the names mean is said by `grader.answers.curves`.

    `kind`      "csv", "json", "tensorboard" or "printed"
    `unit`      what `Row.number` counts: "line", "entry" or "event"
    `doubts`    what was not read, one phrase each; empty where all was
    """

    kind: str
    unit: str
    rows: tuple[Row, ...]
    doubts: tuple[str, ...] = ()


def kept(name: str, written: str) -> bool:
    """Whether a name and a value are of a size that a training log has."""
    return 0 < len(name) <= MAX_NAME and 0 < len(written) <= MAX_WRITTEN
