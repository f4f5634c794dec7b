"""Can the rules be judged in some order? Each after those that it builds on, and none forever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grader.course.written import Written
from grader.documents import did_you_mean
from grader.documents.wording import clean

_Told = tuple[Written, str, str, str]  # the rule whose `after` is meant, code, what, fix


def order_problems(rules: Sequence[Written]) -> Iterator[_Told]:
    """Every `after` that names no rule, its own rule, a circle of rules, or a bonus rule that must not decide."""
    by_id: dict[str, Written] = {}
    for rule in rules:
        if rule.id is not None:
            by_id.setdefault(rule.id, rule)
    for rule in rules:
        for other in rule.after:
            if other == rule.id:
                yield rule, "after-itself", f"the rule {rule.id!r} builds on itself", "remove it from its `after`"
            elif other not in by_id:
                others = [name for name in by_id if name != rule.id]
                yield rule, "after-unknown", f"there is no rule {clean(repr(other), 80)}", did_you_mean(other, others)
            elif by_id[other].is_bonus and not rule.is_bonus:
                what = (
                    f"the rule builds on the bonus rule {other!r}, and is no bonus: who leaves the bonus out loses it"
                )
                yield rule, "after-bonus", what, "build on a rule that counts, or write bonus: true here too"
    for circle in _circles(by_id):
        what = f"the rules wait for each other: {' -> '.join([*circle, circle[0]])}"
        yield by_id[circle[0]], "after-circle", what, "remove one `after` of them"


def _circles(rules: Mapping[str, Written]) -> Iterator[list[str]]:
    """Each circle of two or more rules once, from the rule that stands first in the file.

    Follows every chain without recursion; a rule that is done is not followed again.
    """
    done: set[str] = set()
    for start in rules:
        chain: list[str] = []
        open_: list[Iterator[str]] = []
        if start not in done:
            chain.append(start)
            open_.append(iter(rules[start].after))
        while chain:
            following = next((name for name in open_[-1] if name in rules and name != chain[-1]), None)
            if following is None:
                done.add(chain.pop())
                open_.pop()
            elif following in chain:
                circle = chain[chain.index(following) :]
                first = min(circle, key=list(rules).index)
                turn = circle.index(first)
                yield circle[turn:] + circle[:turn]
            elif following not in done:
                chain.append(following)
                open_.append(iter(rules[following].after))
