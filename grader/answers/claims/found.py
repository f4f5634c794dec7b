"""What does a report claim? One measured number with all that the text says about it, and what it leaves open."""

from __future__ import annotations

from fractions import Fraction

from grader.answers.numbers import Number
from grader.frozen import dataclass

RATES = frozenset({"accuracy", "top3_accuracy", "top5_accuracy", "error", "f1", "precision", "recall", "auc", "iou"})
COUNTS = frozenset({"parameters", "trainable_parameters"})


@dataclass(frozen=True, slots=True)
class Meaning:
    """One way to understand a number of a report; `reason` is a sentence that says why it can be meant so."""

    metric: str
    split: str | None = None
    dataset: str | None = None
    model: str = ""
    reason: str = ""


@dataclass(slots=True, unsafe_hash=True)  # never changed; like `Line`, too many to be frozen
class FoundClaim:
    """A number that a report states as a result, a goal, or a result of others.

    `line`        the line of the file on which the number stands, from 1
    `last_line`   the line on which its label ends, where that is a later one
    `as_written`  the number with its percent sign, as in the text without emphasis
    `value`       a fraction of 1 for the metrics in `RATES`, a whole number for those in `COUNTS`, else as it stands
    `number`      the same number with the unit of its last digit; its percent sign is applied as in `value`
    `metric`      accuracy, top5_accuracy, error, loss, f1, precision, recall, auc, iou, psnr, ssim, mae, mse, rmse,
                  perplexity, parameters, trainable_parameters
    `split`       train, validation, test; None where the text does not say
    `dataset`     mnist, fashion_mnist, cifar10, ...; None where the text does not say
    `model`       the words that name it: a table's row or column, a label, a heading; empty where there are none
    `epoch`       in which epoch it was measured, `epochs` after how many; None where the text does not say
    `bound`       ">" for "more than 80 %", "<" for "below 5 %", else empty
    `readings`    all meanings where more than one fits, the likeliest first; empty where there is no doubt
    `text`        the line, cleaned
    """

    line: int
    last_line: int
    as_written: str
    value: Fraction
    number: Number
    metric: str
    split: str | None = None
    dataset: str | None = None
    model: str = ""
    epoch: int | None = None
    epochs: int | None = None
    optimizer: str | None = None
    bound: str = ""
    is_approximate: bool = False
    is_goal: bool = False
    is_literature: bool = False
    readings: tuple[Meaning, ...] = ()
    text: str = ""

    @property
    def is_result(self) -> bool:
        """Does the author say that this was measured here?"""
        return not self.is_goal and not self.is_literature
