"""Does a claimed trend hold: the best value, a direction, an order? By the table, by the logs, and trained again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Final, get_args

from grader.answers.answer_error import AnswerError
from grader.answers.choices import parse_choice
from grader.answers.trends import Direction, Held, Order, Orders, best_holds, direction_holds, ranking_holds
from grader.checks._compared import Run, Value, curve_of_rule, given, order_of
from grader.checks._grid import level_of, levels_of
from grader.checks._grid_again import Trained, order_of_trained
from grader.checks._logged import is_better_low
from grader.checks.base import failed, passed, remark, review, shown, unanswered, unread_answers
from grader.frozen import dataclass
from grader.model import Answer, Finding, Json, Outcome, Rule, Submission

DIRECTIONS: Final[tuple[str, ...]] = get_args(Direction)
SAME: Final = "no difference"
_TABLE, _LOGS, _AGAIN = "by the table", "by the logs", "trained again"
CLAIMS: Final = ("best", "direction", "order")
_WORDS: Final = {
    "rises": "a larger value gives more",
    "falls": "a larger value gives less",
    "peak": "the highest lies between",
    SAME: "no difference is claimed",
}


@dataclass(frozen=True, eq=False)
class Source:
    """Where results come from: the order of two of them, how one is said, and whether it may contradict a claim."""

    name: str
    order: Orders
    said: Callable[[int], str]
    may_contradict: bool = True


@dataclass(frozen=True)
class Claim:
    """What is claimed, in words, and whether it holds by some order of the results."""

    words: str
    holds: Callable[[Orders], Held]
    is_of_numbers: bool  # about the numbers and not about which is better: a loss that rises


def judge_trends(
    rule: Rule, submission: Submission, runs: Sequence[Run], trained: Mapping[str, Trained]
) -> Iterator[Finding]:
    """Each claim that the rule reads."""
    for kind in CLAIMS:
        key = rule.settings.get(kind)
        if key is None:
            continue
        answer = given(submission, key)
        if answer is None:
            yield unread_answers(submission) or unanswered(replace(rule, answer=key))
            continue
        claim = _claim(kind, key, answer, rule.settings)
        if isinstance(claim, Finding):
            yield claim
        else:
            yield from _judged(claim, answer, rule.settings, runs, trained)


def _claim(kind: str, key: str, answer: Answer, settings: Mapping[str, Json]) -> Claim | Finding:
    """What the answer claims, or that only a person can tell."""
    levels = levels_of(settings)
    names = [level.name for level in levels]
    details: dict[str, Json] = {"place": answer.place, "observed": shown(answer.value)}
    if kind == "order":
        listed = answer.value if isinstance(answer.value, list) else []
        found = [level_of(one, levels) for one in listed]
        ranking = [levels.index(one) for one in found if one is not None]
        if len(ranking) < 2 or len(ranking) != len(listed) or len(set(ranking)) != len(ranking):
            said = f"{key}: this is no order of some of {', '.join(names)}; a person looks"
            fix = f"list them from the best to the worst: [{', '.join(reversed(names))}]"
            return review(said, **details, fix=fix, code="unclear-order")
        return Claim(f"{key}: {' over '.join(names[at] for at in ranking)}", partial(ranking_holds, ranking), False)
    level = level_of(answer.value, levels) if kind == "best" else None
    try:
        options = {**{name: name for name in names}, SAME: SAME} if kind == "best" else {one: one for one in DIRECTIONS}
        chosen = level.name if level is not None else parse_choice(answer.value, options, answer.place)
    except AnswerError as error:
        said = f"{key}: only a person can tell what is meant: {error.problem.what}"
        return review(said, **details, fix=error.problem.fix, code=f"unclear-{kind}")
    count = len(levels)
    if kind == "best" and chosen != SAME:
        best = names.index(chosen)
        return Claim(f"{key}: {chosen} is called the best", lambda order: best_holds(best, order, count), False)
    way: Direction = next(one for one in get_args(Direction) if one == chosen)
    return Claim(f"{key}: {_WORDS[chosen]}", lambda order: direction_holds(way, order, count), kind == "direction")


def _sources(
    settings: Mapping[str, Json], runs: Sequence[Run], trained: Mapping[str, Trained], *, is_of_numbers: bool
) -> Iterator[Source]:
    """The table, the logs and the trainings, as far as they are there."""
    n = settings.get("n")
    is_low = is_better_low(curve_of_rule(settings)) and not is_of_numbers
    claimed = [[run.claimed] if run.claimed is not None else [] for run in runs]
    measured = [list(run.measured) for run in runs]
    for name, values in ((_TABLE, claimed), (_LOGS, measured)):
        if sum(map(bool, values)) > 1:
            yield Source(name, partial(_order, values, n, is_low), partial(_said, values))
    if trained:
        own = [trained[run.name] for run in runs]

        def order(one: int, other: int) -> Order:
            return order_of_trained(own[one], own[other])

        seeds = settings.get("seeds", 1)
        yield Source(_AGAIN, order, lambda at: own[at].said, may_contradict=seeds > 1)


def _order(values: Sequence[Sequence[Value]], n: int | None, is_low: bool, one: int, other: int) -> Order:
    if not values[one] or not values[other]:
        return None
    return order_of(values[one], values[other], n, is_low_better=is_low)


def _said(values: Sequence[Sequence[Value]], at: int) -> str:
    return values[at][0].said if values[at] else "no result"


def _judged(
    claim: Claim,
    answer: Answer,
    settings: Mapping[str, Json],
    runs: Sequence[Run],
    trained: Mapping[str, Trained],
) -> Iterator[Finding]:
    """One finding with weight, others beside it. The table confirms nothing: it is claimed as well."""
    details: dict[str, Json] = {"place": answer.place, "observed": shown(answer.value)}
    held = {
        source: claim.holds(source.order)
        for source in _sources(settings, runs, trained, is_of_numbers=claim.is_of_numbers)
    }
    is_confirmed = any(one.verdict == "confirmed" and source.name == _LOGS for source, one in held.items())
    for source, one in held.items():
        if one.verdict != "contradicted":
            continue
        said = f"{claim.words}; {source.name} it is otherwise: {_pair(source, runs, one)}"
        details["fix"] = "compare the results again, with more than one run of each where they are close"
        if source.name == _AGAIN and (is_confirmed or not source.may_contradict):
            yield remark(Outcome.REVIEW, said, place=answer.place, code="retrained-differs")
        elif source.name == _AGAIN and any(other.name == _LOGS for other in held):
            yield review(
                f"{said}; the student's own logs do not say so, and a person looks", **details, code="retrained-differs"
            )
            return
        else:
            yield failed(said, **details, code="trend-contradicted")
            return
    yield _not_contradicted(
        claim, runs, {source: one for source, one in held.items() if source.name != _TABLE}, details
    )


def _not_contradicted(
    claim: Claim, runs: Sequence[Run], held: Mapping[Source, Held], details: Mapping[str, Json]
) -> Finding:
    """Confirmed by logs or by trainings; else a person decides, and the spread is never the student's fault."""
    sure = next((pair for pair in held.items() if pair[1].verdict == "confirmed"), None)
    if sure is not None:
        return passed(
            f"{claim.words}; {sure[0].name} it is so: {_pair(sure[0], runs, sure[1])}", **details, code="trend"
        )
    known = [(source, one) for source, one in held.items() if source.order(*one.pair) is not None]
    if not known:
        said = f"{claim.words}; not all results are there to confirm it, so a person looks"
        return review(said, **details, code="unconfirmed")
    source, one = known[-1]
    said = f"{claim.words}; {source.name} {_pair(source, runs, one)} are not told apart: chance explains the difference"
    details = {"fix": "train each value from several seeds, and compare their means", **details}
    return review(f"{said}, so a person decides", credit=Fraction(1), **details, code="within-the-spread")


def _pair(source: Source, runs: Sequence[Run], held: Held) -> str:
    first, second = held.pair
    return f"{runs[first].name} {source.said(first)} and {runs[second].name} {source.said(second)}"
