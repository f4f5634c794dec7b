"""Does a claimed trend hold, as far as pairs of results can be told apart? Confirmed, contradicted, or not proven.

Results stand in the order of a hyperparameter. What is known of two of them is that one is over the other beyond
chance, or nothing ("tie"). A claim is contradicted only where a pair that is told apart excludes it, so that a claim
which is true of the real values is never contradicted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import Literal

from grader.frozen import dataclass

Order = Literal["over", "under", "tie"] | None
Orders = Callable[[int, int], Order]
Verdict = Literal["confirmed", "contradicted", "open"]
Direction = Literal["rises", "falls", "peak", "no difference"]


@dataclass(frozen=True)
class Held:
    """The verdict, and the pair of places that decides it; for "open" one that cannot be told apart."""

    verdict: Verdict
    pair: tuple[int, int] = (0, 0)


def direction_holds(direction: Direction, order: Orders, count: int) -> Held:
    """A trend over all places: rising, falling, highest somewhere between, or no difference.

    `order(i, j)`  "over" where the i-th result is proven to be over the j-th one, None where one of them is not there

    >>> values = [0.91, 0.95, 0.97, 0.94]
    >>> def order(i, j):
    ...     gap = values[i] - values[j]
    ...     return "tie" if abs(gap) < 0.02 else "over" if gap > 0 else "under"
    >>> [direction_holds(way, order, 4).verdict for way in ("rises", "peak", "no difference")]
    ['contradicted', 'confirmed', 'contradicted']
    """
    if direction == "no difference":
        pairs = {pair: order(*pair) for pair in combinations(range(count), 2)}
        apart = next((pair for pair, found in pairs.items() if found in ("over", "under")), None)
        is_told = all(found is not None for found in pairs.values())
        return Held("contradicted", apart) if apart else Held("confirmed" if is_told else "open", (0, count - 1))
    if direction == "peak":
        return _peak(order, count)
    places = range(count) if direction == "rises" else range(count - 1, -1, -1)
    against = _falling(order, list(places))
    if against:
        return Held("contradicted", against)
    ends = (places[-1], places[0])
    return Held("confirmed" if order(*ends) == "over" else "open", ends)


def _falling(order: Orders, places: Sequence[int]) -> tuple[int, int] | None:
    """The first pair in which the earlier one is proven to be over the later one."""
    return next(((one, other) for one, other in combinations(places, 2) if order(one, other) == "over"), None)


def _peak(order: Orders, count: int) -> Held:
    """Contradicted where no inner place can be the highest with a rise before it and a fall behind it."""
    tops = list(_tops(order, count))
    if not tops:
        least = next(
            ((j, i) for i, j, k in combinations(range(count), 3) if order(i, j) == "over" and order(k, j) == "over"),
            (0, count - 1),
        )
        return Held("contradicted", least)
    sure = next((top for top in tops if order(top, 0) == "over" and order(top, count - 1) == "over"), None)
    return Held("open", (tops[0], 0)) if sure is None else Held("confirmed", (sure, 0))


def _tops(order: Orders, count: int) -> Iterator[int]:
    for top in range(1, count - 1):
        rises = _falling(order, range(top + 1)) is None
        if rises and _falling(order, range(count - 1, top - 1, -1)) is None:
            yield top


def best_holds(best: int, order: Orders, count: int) -> Held:
    """One place is called the best.

    >>> (
    ...     best_holds(1, lambda i, j: "tie", 3).verdict,
    ...     best_holds(1, lambda i, j: "over" if i == 1 else "under", 3).verdict,
    ... )
    ('open', 'confirmed')
    """
    others = [other for other in range(count) if other != best]
    over = next((other for other in others if order(other, best) == "over"), None)
    if over is not None:
        return Held("contradicted", (over, best))
    tied = next((other for other in others if order(best, other) != "over"), None)
    return Held("confirmed", (best, others[0])) if tied is None else Held("open", (best, tied))


def ranking_holds(ranking: Sequence[int], order: Orders) -> Held:
    """Some places, from the best to the worst.

    >>> ranking_holds([1, 0], lambda i, j: "over" if i > j else "under").verdict
    'confirmed'
    """
    for one, other in combinations(ranking, 2):
        if order(other, one) == "over":
            return Held("contradicted", (other, one))
    tied = next(((one, other) for one, other in pairwise(ranking) if order(one, other) != "over"), None)
    return Held("confirmed", (ranking[0], ranking[-1])) if tied is None else Held("open", tied)
