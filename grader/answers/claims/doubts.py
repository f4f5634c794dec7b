"""Which claims can be meant otherwise? A loss that stands where an accuracy is due keeps both readings.

Nothing is decided here: what the text says stays first, the other reading is added with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from grader.answers.claims.found import FoundClaim, Meaning

NEAR = 12  # lines between the claims of one record


def meaning_of(claim: FoundClaim, *, metric: str | None = None, split: str | None = None, reason: str = "") -> Meaning:
    """How `claim` is read, or would be with another metric or split ("" for none)."""
    chosen = claim.split if split is None else (split or None)
    return Meaning(metric or claim.metric, chosen, claim.dataset, claim.model, reason)


def with_doubts(found: Sequence[FoundClaim]) -> tuple[FoundClaim, ...]:
    """`found` with further readings where a label contradicts its neighbours, and no citation of one's own value."""
    if not any(claim.is_literature for claim in found):
        return tuple(_mislabelled(found))
    own = {(claim.metric, claim.value) for claim in found if claim.is_result}
    made = [
        replace(claim, is_literature=False) if claim.is_literature and (claim.metric, claim.value) in own else claim
        for claim in found
    ]
    return tuple(_mislabelled(made))


def _mislabelled(found: Sequence[FoundClaim]) -> list[FoundClaim]:
    """A "loss" between 0 and 1 of a split without accuracy, beside accuracies of splits without loss."""
    made: list[FoundClaim] = []
    groups: list[list[FoundClaim]] = []
    for claim in found:
        if groups and claim.line - groups[-1][-1].line <= 2 and claim.line - groups[-1][0].line <= NEAR:
            groups[-1].append(claim)
        else:
            groups.append([claim])
    for group in groups:
        losses = {claim.split for claim in group if claim.metric == "loss"}
        rates = {claim.split: claim.value for claim in group if claim.metric == "accuracy" and not claim.is_goal}
        is_odd = bool(losses) and bool(rates) and None not in losses and not losses & set(rates)
        for claim in group:
            near = (
                is_odd
                and claim.metric == "loss"
                and 0 < claim.value < 1
                and any(abs(claim.value - rate) < 0.35 for rate in rates.values())
            )
            made.append(_as_either(claim) if near else claim)
    return made


def _as_either(claim: FoundClaim) -> FoundClaim:
    first = meaning_of(claim, reason=f"the label says {claim.metric}")
    second = meaning_of(
        claim,
        metric="accuracy",
        reason="beside it stand accuracies of the other splits, of this size, and none of this split",
    )
    return replace(claim, readings=(first, second))
