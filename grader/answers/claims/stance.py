"""Is a number what the author measured, what was asked for, what others reached, or nobody's result?

The word nearest before the number decides: "the target was 99.4, we achieved 99.5" is a goal and a result.
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.vocabulary import MODIFIERS, SPLITS, metric_word, word_set
from grader.frozen import dataclass

_GOALS = word_set(
    """
    goal goals target targets targeted targeting aim aims aimed aiming objective required requirement requirements
    requires must should shall needs threshold desired expected expect supposed hope hoping want wanted wants ensure
    ensures unless until won't cannot can't couldn't didn't wouldn't unable fail failed fails ziel soll sollte muss
    müssen criterion minimum desire attempting will would ideally demanded demands expectation krav mål
    """
)
_RESULTS = word_set(
    """
    achieved reached obtained got attained gave yielded scored hit had has was were resulted reaced managed observed
    measured recorded erreichte erreicht erzielt erzielte lag giving resulting achieving reaching getting yielding
    obtaining produced performed ended improved increased rose jumped surpassed exceeded saw showed
    """
)
_PRESENT = word_set(
    """
    achieves reaches obtains attains gives yields gets scores hits exceeds surpasses performs results see shows show
    """
)
_MET = frozenset(
    {
        "exceeded",
        "met",
        "meets",
        "surpassed",
        "beat",
        "above",
        "passed",
        "passes",
        "fulfilled",
        "fulfills",
        "satisfied",
        "exceeds",
    }
)
_BASE = word_set(
    """
    achieve reach get obtain attain hit exceed surpass score pass beat cross have be produce yield give match
    erreichen
    """
)
_SUBJECTS = word_set(
    """
    we i they you it models networks both does did do that which can could now also then finally consistently easily
    already able did to_ these those all epochs runs configurations architectures variants layers actually
    """
)
_ABLE = word_set(
    """
    able managed manages helped helps allowed allows enough sufficient took takes led enabled enables continued
    going proved found seems seemed
    """
)
_NOT = frozenset(
    {"not", "never", "without", "no", "n't", "unable", "failed", "cannot", "won", "couldn", "didn", "doesn", "nicht"}
)
_IMPERATIVES = word_set(
    """
    achieve reach get obtain improve train design build implement create set make modify tune try report develop
    construct change experiment fine add use write complete optimize optimise find show
    """
)
_OTHERS = word_set(
    """
    literature paper papers authors published leaderboard humans et kaggle winner winning record researchers
    literatur benchmark benchmarks publication
    """
)
_CHANCE = word_set("random randomly chance guess guessing guesses zufall coin majority")


@dataclass(frozen=True, slots=True)
class Stance:
    """What a sentence makes of a number."""

    is_goal: bool = False
    is_literature: bool = False
    is_nobodys: bool = False


def stance_of(tokens: Sequence[Token], at: int, end: int, *, lows: Sequence[str] | None = None) -> Stance:
    """How the number at token `at` (its claim goes to `end`) is meant in its sentence `tokens`.

    `lows`  the folded texts of the tokens, where the caller has them

    >>> from grader.answers.claims.tokens import tokens_of
    >>> def read(text):
    ...     tokens = tokens_of(text, 1)
    ...     at = next(i for i, token in enumerate(tokens) if token.kind is Kind.NUMBER)
    ...     return stance_of(tokens, at, at)
    >>> read("Our goal is to achieve 90% accuracy").is_goal, read("We reached 90% accuracy, the goal").is_goal
    (True, False)
    >>> read("Improve your model and reach an accuracy of 80%").is_goal, read("We trained it and reach 80%").is_goal
    (True, False)
    >>> read("the literature reports 99.84").is_literature, read("random guessing gives 10% accuracy").is_nobodys
    (True, True)
    """
    lows = [token.low for token in tokens] if lows is None else lows
    near = _clause(tokens, at, end)
    if _is_condition(near):
        return Stance(is_nobodys=True)
    if any(low in _CHANCE for low in near) and "augmentation" not in near and not _CHANCE_NAMES & set(near):
        return Stance(is_nobodys=True)
    is_literature = not _OTHERS.isdisjoint(lows) or _is_state_of_the_art(lows, at)
    is_literature = is_literature or lows[max(0, at - 2) : at] == ["the", "original"]  # "exceeds the original 72 %"
    return Stance(is_goal=_is_goal(tokens, lows, at, end), is_literature=is_literature)


def _clause(tokens: Sequence[Token], at: int, end: int) -> list[str]:
    """The words around a number, up to another number, a bracket or a comma."""
    ahead: list[str] = []
    for token in reversed(tokens[max(0, at - 9) : at]):
        if token.low in (";", ",", "(", ")") or token.kind is Kind.NUMBER:
            break
        ahead.append(token.low)
    behind: list[str] = []
    for token in tokens[end : end + 6]:
        if token.low in (";", ",", ".", "(", ")") or token.kind is Kind.NUMBER:
            break
        behind.append(token.low)
    if end < len(tokens) and tokens[end].low == "(":
        behind += [token.low for token in tokens[end + 1 : end + 4]]
    return ahead + behind


_BOUNDS = word_set("below under above over less more exceed exceeds greater lower higher drops falls < > ≤ ≥ <= >=")


def _is_condition(clause: Sequence[str]) -> bool:
    """Is it what would have to come first ("if the accuracy falls below 90 %"), and nothing that was seen?

    `clause`  the words before the number, the nearest first, then those behind it
    """
    at = next((place for place, low in enumerate(clause) if low in ("if", "once", "whenever")), -1)
    return at > 0 and bool(_BOUNDS & set(clause[:at])) and clause[at + 1 : at + 2] != ["even"]


_CHANCE_NAMES = word_set(
    """
    crop forest erasing rotation flip search seed seeds initialization cropping horizontal resize weights dropout
    """
)


def _is_state_of_the_art(lows: Sequence[str], at: int) -> bool:
    """Is it "state of the art ... is 99.8" or "SOTA: 99.8", and not "a state-of-the-art model with 99.8"?"""
    if "art" not in lows and "sota" not in lows:
        return False
    bare = [low for low in lows[:at] if low not in ("-", "–")]
    if "sota" in bare:
        return True
    for place in range(len(bare) - 3):
        if bare[place : place + 4] == ["state", "of", "the", "art"]:
            before = bare[place - 1] if place else ""
            return before not in ("a", "near", "with") and not {"we", "our", "my"} & set(bare[place:])
    return False


def _is_goal(tokens: Sequence[Token], lows: Sequence[str], at: int, end: int) -> bool:
    verdict, asked = False, 0
    first = next((low for token, low in zip(tokens, lows, strict=True) if token.kind is Kind.WORD and len(low) > 1), "")
    is_order = first in _IMPERATIVES and (
        len(lows) < 2 or lows[lows.index(first) + 1 : lows.index(first) + 2] not in (["of"], [":"], ["="])
    )
    for place in range(at):
        low = lows[place]
        if low not in _TELLING:
            continue
        if low in _PRESENT and verdict and not any(sign in (",", ";", "but", "and") for sign in lows[asked:place]):
            continue  # "ensure that it achieves ..."
        if (low in _RESULTS or low in _PRESENT) and not _NOT & set(lows[max(0, place - 3) : place]):
            verdict = (
                low in ("was", "were", "has", "had")
                and verdict
                and not {"accuracy", "loss", "error"} & set(lows[place - 1 : place])
            )
        elif low in _GOALS or (low in ("constraint", "constraints") and lows[place + 1 : place + 2] == [":"]):
            is_met = bool(_MET & set(lows[max(0, place - 4) : place])) and lows[place + 1 : place + 2] not in (
                ["of"],
                ["is"],
                [":"],
                ["was"],
            )
            verdict, asked = (verdict if is_met else True), place
        elif low in _NOT and lows[place + 1 : place + 3] and _BASE & set(lows[place + 1 : place + 4]):
            verdict = True
        elif low == "score" and place and _is_noun(lows, place):
            continue
        elif low in _BASE:
            verdict = _is_asked(lows, place, is_order=is_order) or (verdict and low in ("be", "have"))
        elif low == "least" and lows[place - 1 : place] == ["at"] and is_order:
            verdict = True
    if is_order and not verdict and not any(low in _RESULTS for low in lows[:at]):
        verdict = any(
            low in ("least", ">", "≥", ">=", "higher", "more", "above", "over", "exceeding", "minimum")
            for low in lows[max(0, at - 5) : at]
        )
    following = lows[end : end + 8]
    if not verdict and any(
        low in ("threshold", "goal", "target", "requirement", "mark", "required", "criterion") for low in following[:2]
    ):
        return True
    return verdict or (
        any(low in ("required", "demanded", "needed") for low in following[:4]) and "than" not in following
    )


_TELLING = _RESULTS | _PRESENT | _GOALS | _NOT | _BASE | {"constraint", "constraints", "score", "least"}


def _is_noun(lows: Sequence[str], place: int) -> bool:
    """Is the word "score" at `place` the end of a name: "F1-score", "accuracy score", "the best test score"?"""
    before = [low for low in lows[max(0, place - 2) : place] if low not in ("-", "–")][-1:]
    return bool(before) and (metric_word(before[0]) is not None or before[0] in SPLITS or before[0] in MODIFIERS)


def _is_asked(lows: Sequence[str], place: int, *, is_order: bool) -> bool:
    """Is the bare verb at `place` a demand ("to reach", "and reach"), rather than what happened ("we reach")?"""
    before = lows[place - 1] if place else ""
    if before == "to":
        window = lows[max(0, place - 6) : place - 1]
        if _NOT & set(window):
            return True
        return not _ABLE & set(window) and not {"need", "needed", "needs"} & set(window[-2:]) | (
            set() if "epochs" not in window else {"x"}
        )
    if before in ("will", "would", "should", "must", "shall", "may", "might"):
        return True
    if before in _SUBJECTS or before.endswith("ly"):
        return before == "can" and is_order
    if before in ("t", "not"):
        return True
    head = lows[:place]
    if before in ("and", "or", "", "-", ",", "*", "•", ":") or not before.isalpha():
        return not ({"we", "i", "they", "it", "which", "that"} & set(head)) or is_order
    return is_order
