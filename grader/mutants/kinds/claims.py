"""Numbers that are reported, and are not what was measured."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

from grader.checks._lint import as_meant
from grader.model import Json, Rule
from grader.mutants.kind import register
from grader.mutants.kinds._answers import AnswerKind, count
from grader.mutants.original import Original


def share_of(value: Json) -> float | None:
    """An accuracy as a share, as it is usually written.

    >>> share_of("99.17%"), share_of(0.9877), share_of("98.77"), share_of("good")
    (0.9917, 0.9877, 0.9877, None)
    """
    found = re.search(r"\d+(?:\.\d+)?", str(value))
    if found is None:
        return None
    number = float(found[0])
    return round(number / 100, 12) if "%" in str(value) or number > 1 else number


def percent_of(correct: int, n: int) -> str:
    """So many of n, with digits enough to tell from the next.

    >>> percent_of(357, 360), percent_of(59_999, 60_000)
    ('99.17%', '99.998%')
    """
    digits = max(2, math.ceil(math.log10(n)) - 2)
    return f"{100 * correct / n:.{digits}f}%"


def holders(original: Original, key: str) -> tuple[str, ...]:
    """The rules that hold what is claimed under a key against what was measured: weights, logs."""
    found = []
    for rule in original.rubric.rules():
        settings = rule.settings
        is_own = rule.answer == key
        if rule.check == "claim":
            is_held = is_own and settings.get("recompute", {}).get("from") == "predict"
        elif rule.check == "training-log":
            is_held = settings.get("final", {}).get("answer") == key
        elif rule.check == "comparison":
            is_held = any(run.get("answer") == key and "log" in run for run in settings["runs"].values())
        else:
            is_held = False
        if is_held:
            found.append(rule.id)
    return tuple(found)


class AccuracyKind(AnswerKind):
    """An accuracy that is claimed."""

    checks = ("claim",)

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """Only of what the rule calls an accuracy."""
        share = share_of(answer) if rule.settings.get("about") == "accuracy" else None
        return None if share is None else self.claimed(original, rule, share)

    def claimed(self, original: Original, rule: Rule, share: float) -> str | None:
        """The wrong claim."""
        raise NotImplementedError


@register
class ClaimRaised(AccuracyKind):
    name, slip = "claim-raised", "an accuracy is claimed higher than it is"
    nothing: ClassVar[str] = "no rule holds a claimed accuracy against weights or logs"

    def claimed(self, original: Original, rule: Rule, share: float) -> str | None:
        """Half of the errors are gone. It is one that can be: so many of n."""
        if not holders(original, str(rule.answer)):
            return None
        n = rule.settings.get("of", {}).get("n", 10_000)
        correct = round(share * n)
        return percent_of(correct + max(1, (n - correct) // 2), n) if correct < n else None

    def must(self, original: Original, rule: Rule) -> tuple[str, ...]:
        """All that hold it against something."""
        return holders(original, str(rule.answer))


@register
class ClaimImpossible(AccuracyKind):
    name, slip = "claim-impossible", "an accuracy is claimed that no number of right answers gives"
    nothing: ClassVar[str] = "no rule says on how many images an accuracy is counted"

    def claimed(self, original: Original, rule: Rule, share: float) -> str | None:
        """Between two that are possible, on n images and on all whole batches of them."""
        del original
        of = rule.settings.get("of", {})
        if "n" not in of:
            return None
        n = of["n"]
        sizes = {n, *(n // batch * batch for batch in range(1, min(n, 1025)))} - {0}
        if of.get("drop_last") == "never":
            sizes = {n}
        correct = round(share * n)
        for below in range(1, 200):
            value = round((correct - below + 0.5) / n, 9)
            if all(abs(round(value * size) / size - value) > 2e-9 for size in sizes):
                return f"{100 * value:.7f}%"
        return None


@register
class ClaimTooLow(AccuracyKind):
    name, slip = "claim-too-low", "an accuracy is claimed that the task does not accept"
    nothing: ClassVar[str] = "no rule demands a claim of some height without measuring it"

    def claimed(self, original: Original, rule: Rule, share: float) -> str | None:
        """A tenth below the demand. Where the weights are measured as well, a low claim is held against nobody."""
        del original, share
        settings = rule.settings
        if "at_least" not in settings or "recompute" in settings:
            return None
        n = settings.get("of", {}).get("n", 10_000)
        return percent_of(int(as_meant(settings["at_least"]) * n * 9 / 10), n)


@register
class CountClaimed(AnswerKind):
    name, slip, checks = "claimed-count-off-by-one", "a number of parameters is claimed one too large", ("claim",)
    nothing: ClassVar[str] = "no rule holds a claimed number of parameters against the network"

    def changed(self, original: Original, rule: Rule, answer: Any) -> Any:
        """Where it is recomputed."""
        del original
        settings = rule.settings
        source = settings.get("recompute", {}).get("from")
        number = count(answer)
        if settings.get("about") != "parameters" or source not in ("describe", "network") or number is None:
            return None
        return None if settings.get("tolerance") else number + 1
