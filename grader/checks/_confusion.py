"""Why is a model bad? What a confusion matrix gives away: one class for all, classes renamed, mere guessing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from grader.checks._binomial import is_within_wilson
from grader.checks._settings import percent
from grader.frozen import dataclass

# Rows are the true classes, columns the predicted ones; entries count images.
Confusion = Sequence[Sequence[int]]

NEARLY_ALL = Fraction(99, 100)
CLEARLY_BETTER = Fraction(1, 10)  # what renaming must win before it is called the reason
TOLD = 3  # renamed classes named in the sentence; the pattern is clear by then


@dataclass(frozen=True)
class Hint:
    """A likely reason, as the end of a sentence, and its remedy."""

    said: str
    fix: str
    code: str


def hint(confusion: Confusion, classes: Sequence[str]) -> Hint | None:
    """The likely reason for a low accuracy; None where the matrix shows none.

    Shapes:  (classes, classes), true by predicted

    >>> hint([[0, 50], [0, 50]], ["cat", "dog"]).said
    "it answers 'dog' for 100 of 100 images"
    """
    n = sum(map(sum, confusion))
    if n == 0 or len(confusion) < 2:
        return None
    return _constant(confusion, classes, n) or _renamed(confusion, classes, n) or _guessing(confusion, n)


def _constant(confusion: Confusion, classes: Sequence[str], n: int) -> Hint | None:
    columns = [sum(column) for column in zip(*confusion, strict=True)]
    most = max(columns)
    if most < NEARLY_ALL * n:
        return None
    return Hint(
        f"it answers {classes[columns.index(most)]!r} for {most:,} of {n:,} images",
        "check that the saved weights are the trained ones, and that the inputs are scaled as in training",
        "constant-class",
    )


def _renamed(confusion: Confusion, classes: Sequence[str], n: int) -> Hint | None:
    """Whether each class is answered under another's number, one for one."""
    count = len(confusion)
    meant = [max(range(count), key=lambda true, j=j: confusion[true][j]) for j in range(count)]  # type: ignore[misc]
    right = sum(confusion[j][j] for j in range(count))
    renamed = sum(confusion[meant[j]][j] for j in range(count))
    if sorted(meant) != list(range(count)) or renamed - right < CLEARLY_BETTER * n or 2 * renamed < n:
        return None
    wrong = [j for j in range(count) if meant[j] != j]
    told = ", ".join(f"{classes[j]!r} for {classes[meant[j]]!r}" for j in wrong[:TOLD])
    more = ", and so on" if len(wrong) > TOLD else ""
    return Hint(
        f"it answers {told}{more}: with the classes renamed it would be {percent(Fraction(renamed, n))}",
        "give the classes the numbers of the data set: the labels were permuted in training",
        "permuted-labels",
    )


def _guessing(confusion: Confusion, n: int) -> Hint | None:
    count = len(confusion)
    right = sum(confusion[j][j] for j in range(count))
    chance = Fraction(1, count)
    if Fraction(right, n) >= chance and not is_within_wilson(chance, right, n):
        return None
    return Hint(
        f"that is no better than guessing ({count} classes: {percent(chance)})",
        "check that the saved weights are the trained ones, and that the inputs are scaled as in training",
        "chance-level",
    )
