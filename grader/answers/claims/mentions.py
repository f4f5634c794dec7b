"""Where in a run of tokens is a metric named, and of which split? "final train and test accuracy (%)" names two.

A mention may be a list: several metrics or splits that several numbers answer in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import field

from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.vocabulary import (
    MODIFIERS,
    SET_WORDS,
    SPLITS,
    is_no_metric_after,
    may_begin_metric,
    metric_phrase,
    metric_word,
    word_set,
)
from grader.frozen import dataclass

_JOINERS = word_set("and / , & und | og or +")
_ON = word_set("on for in of over using from against auf bei für with")
_ARTICLES = word_set(
    """
    the a an our my its their der den dem die unseen whole full entire held out official hidden both respective
    final
    """
)
_PERCENT_MARKS = word_set("% percent percentage prozent pct")


@dataclass(slots=True)
class Label:
    """A metric and, where it is said beside it, the split; `others` are splits that it may as well be."""

    metric: str
    split: str | None = None
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class Mention:
    """Labels in the order of the text, from token `start` up to before `end`."""

    start: int
    end: int
    labels: list[Label]
    is_percent: bool = False
    is_trainable: bool = False
    modifiers: set[str] = field(default_factory=set)

    @property
    def metric(self) -> str:
        return self.labels[0].metric


def mentions_in(tokens: Sequence[Token]) -> list[Mention]:
    """All mentions of metrics, lists of them put together.

    >>> from grader.answers.claims.tokens import tokens_of
    >>> def read(text):
    ...     return [[(l.metric, l.split) for l in m.labels] for m in mentions_in(tokens_of(text, 1))]
    >>> read("Final train loss, validation accuracy and the error on the test set")
    [[('loss', 'train'), ('accuracy', 'validation'), ('error', 'test')]]
    >>> read("train/test accuracy: 0.9"), read("accuracy train 0.9")
    ([[('accuracy', 'train'), ('accuracy', 'test')]], [[('accuracy', 'train')]])
    """
    found: list[Mention] = []
    free = 0  # the first token behind the last mention
    word = Kind.WORD
    for at, token in enumerate(tokens):
        if not may_begin_metric(token.low) or token.kind is not word or at < free:
            continue
        mention = _mention_at(tokens, at, found[-1].end if found else 0)
        if mention is not None:
            found.append(mention)
            free = max(mention.end, at + 1)
    return _joined(tokens, found) if len(found) > 1 else found


_PICTURES = word_set("plot plots curve curves graph graphs function functions landscape figure")


def _mention_at(tokens: Sequence[Token], at: int, floor: int) -> Mention | None:
    words = _words_from(tokens, at)
    phrase = metric_phrase(words)
    if phrase is None:
        return None
    metric, size = phrase
    before = tokens[at - 1].low if at else ""
    if is_no_metric_after(before, metric) or (
        metric == "error" and words[size : size + 1] in (["message"], ["bar"], ["bars"], ["analysis"])
    ):
        return None
    if words[size : size + 1] and words[size] in _PICTURES:
        return None
    if metric == "parameters" and (before in ("optimizer", "hyper") or words[size : size + 1] == ["size"]):
        return None
    end = _end_of(tokens, at, size)
    ahead = [token.low for token in tokens[max(0, at - 3) : at] if token.low != "-"]
    if (
        metric == "accuracy"
        and ahead[-1:] in (["5"], ["top5"], ["3"], ["top3"])
        and (ahead[-2:-1] == ["top"] or len(ahead[-1]) > 1)
    ):
        metric = f"top{ahead[-1][-1]}_accuracy"
    mention = Mention(at, end, [])
    splits = _splits_left(tokens, at, floor, mention)
    splits_right = _right(tokens, mention)
    chosen = splits or splits_right
    if metric == "parameters":
        chosen = []
        left = {token.low for token in tokens[max(0, mention.start - 1) : at]}
        if "trainable" in left:
            mention.is_trainable = "non" not in {token.low for token in tokens[max(0, at - 4) : at]}
            metric = "trainable_parameters" if mention.is_trainable else "non_trainable_parameters"
    if not chosen:
        mention.labels = [Label(metric)]
    elif isinstance(chosen[0], tuple):
        mention.labels = [Label(metric, chosen[0][0], tuple(chosen[0][1:]))]
    else:
        mention.labels = [Label(metric, split) for split in chosen]
    return mention


def _words_from(tokens: Sequence[Token], at: int) -> list[str]:
    words = []
    for token in tokens[at : at + 6]:
        if token.kind is Kind.BREAK or token.low == "-":
            continue
        if token.kind is Kind.SIGN:
            break
        words.append(token.low)
    return words[:3]


def _end_of(tokens: Sequence[Token], at: int, size: int) -> int:
    """The place after `size` words from `at`, hyphens and breaks passed over."""
    while size and at < len(tokens):
        if tokens[at].kind in (Kind.WORD, Kind.NUMBER):
            size -= 1
        at += 1
    return at


def _splits_left(tokens: Sequence[Token], at: int, floor: int, mention: Mention) -> list[str] | list[tuple[str, ...]]:
    """The splits named just before the metric; the mention's start moves there."""
    splits: list[str] = []
    alternatives = False
    back = at - 1
    while back >= floor:
        token = tokens[back]
        if token.low in SPLITS and token.kind is Kind.WORD:
            splits.insert(0, SPLITS[token.low])
            mention.start = back
        elif token.low in MODIFIERS or token.low in SET_WORDS or token.low in ("non", "trainable"):
            mention.modifiers.add(token.low)
            mention.start = back if token.low not in ("end", "epoch", "cross") else mention.start
        elif (
            token.low == "-" and (token.is_glued or not splits) and back > floor and tokens[back - 1].kind is Kind.WORD
        ):
            if not token.is_glued and tokens[back - 1].low not in SPLITS:
                break
        elif (
            token.low == "."
            and token.is_glued
            and back > floor
            and tokens[back - 1].low in ("val", "valid", "tr", "avg", "max")
        ):
            pass
        elif token.low in ("(", ")") and back > floor and _is_split_bracket(tokens, back, floor):
            alternatives = alternatives or bool(splits) or token.low == ")"
        elif (token.low in _JOINERS and splits and back > floor and tokens[back - 1].low in SPLITS) or (
            token.kind is Kind.BREAK and (back == at - 1 or splits == []) and back > floor and _continues(tokens, back)
        ):
            pass
        else:
            break
        back -= 1
    distinct = list(dict.fromkeys(splits))
    if alternatives and len(distinct) > 1:
        return [tuple(distinct)]
    return distinct


def _is_split_bracket(tokens: Sequence[Token], at: int, floor: int) -> bool:
    """Is this bracket one around a split, as in "validation(test) accuracy"?"""
    if tokens[at].low == ")":
        return at - 2 >= floor and tokens[at - 1].low in SPLITS and tokens[at - 2].low == "("
    return tokens[at + 1].low in SPLITS and tokens[at - 1].low in SPLITS


def _continues(tokens: Sequence[Token], at: int) -> bool:
    """Does a wrapped line go on over this break: "Test" / "Accuracy: 0.7"? Its last word is a split or a modifier."""
    before = tokens[at - 1]
    return before.kind is Kind.WORD and (before.low in SPLITS or before.low in ("final", "best"))


def _right(tokens: Sequence[Token], mention: Mention) -> list[str] | list[tuple[str, ...]]:
    """What follows the metric and belongs to it: "(%)", "score", "(test)", "on the test set", "train 0.9"."""
    at = mention.end
    splits: list[str] = []
    while at < len(tokens):
        token = tokens[at]
        if token.kind is Kind.WORD and token.low in ("score", "scores", "value", "values", "rate", "results", "result"):
            at += 1
        elif token.low in ("(", "[") and at + 2 < len(tokens):
            close = next((i for i in range(at + 1, min(at + 9, len(tokens))) if tokens[i].low in (")", "]")), None)
            inside = list(tokens[at + 1 : close]) if close else []
            if not inside:
                break
            if all(t.low in _PERCENT_MARKS or t.low == "in" for t in inside):
                mention.is_percent = True
            elif all(t.low in SPLITS or t.low in SET_WORDS or t.low in _JOINERS for t in inside):
                splits += [SPLITS[t.low] for t in inside if t.low in SPLITS]
            elif not all(t.kind is Kind.WORD and t.low in MODIFIERS | _ARTICLES for t in inside):
                break
            at = int(close or at) + 1
        elif token.low == "in" and at + 1 < len(tokens) and tokens[at + 1].low in _PERCENT_MARKS:
            mention.is_percent = True
            at += 2
        elif token.low == "%" and not splits and at + 1 < len(tokens) and tokens[at + 1].low in (":", "=", "|"):
            mention.is_percent = True
            at += 1
        else:
            more, stop = splits_after(tokens, at)
            if more and not splits:
                splits = more
                at = stop
                continue
            if (
                token.low == "/"
                and token.is_glued
                and at + 1 < len(tokens)
                and tokens[at + 1].low in SPLITS
                and not splits
                and _is_before_number(tokens, at + 2)
            ):
                splits = [SPLITS[tokens[at + 1].low]]
                at += 2
                continue
            if token.low in SPLITS and not splits and _is_before_number(tokens, at + 1):
                splits = [SPLITS[token.low]]
                at += 1
                continue
            break
    mention.end = at
    return splits


def _is_before_number(tokens: Sequence[Token], at: int) -> bool:
    while at < len(tokens) and tokens[at].low in (":", "=", "is", "was", "~", "≈"):
        at += 1
    return at < len(tokens) and tokens[at].kind is Kind.NUMBER


def splits_after(tokens: Sequence[Token], at: int) -> tuple[list[str], int]:
    """Splits in "on the CIFAR-10 test and training set" from `at`, and where that ends; ([], at) for another text.

    >>> from grader.answers.claims.tokens import tokens_of
    >>> splits_after(tokens_of("on the MNIST test set, and", 1), 0), splits_after(tokens_of("for 3 epochs", 1), 0)
    ((['test'], 5), ([], 0))
    """
    start = at
    if at >= len(tokens) or tokens[at].low not in _ON:
        return [], start
    at += 1
    skipped = 0
    splits: list[str] = []
    while at < len(tokens):
        token = tokens[at]
        if token.kind is Kind.WORD and token.low in SPLITS:
            splits.append(SPLITS[token.low])
        elif (token.kind is Kind.WORD and (token.low in SET_WORDS or token.low in _ARTICLES)) or (
            token.low in _JOINERS and splits and _next_is_split(tokens, at + 1)
        ):
            pass
        elif (
            splits
            or (token.kind is Kind.SIGN and token.low not in ("-", '"', "(", ")"))
            or skipped >= 4
            or token.low in _ON
        ):
            break
        elif metric_word(token.low):
            return [], start
        elif token.kind is not Kind.BREAK:
            skipped += 1
        at += 1
    if not splits or (at < len(tokens) and metric_word(tokens[at].low)):
        return [], start  # "of the test accuracy" names the metric, not where it was measured
    return list(dict.fromkeys(splits)), at


def _next_is_split(tokens: Sequence[Token], at: int) -> bool:
    while at < len(tokens) and (tokens[at].low in _ARTICLES or tokens[at].low in _ON):
        at += 1
    return at < len(tokens) and tokens[at].low in SPLITS


def _joined(tokens: Sequence[Token], found: list[Mention]) -> list[Mention]:
    """Put mentions together that only joiners part: "loss and accuracy"."""
    made: list[Mention] = []
    for mention in found:
        last = made[-1] if made else None
        between = tokens[last.end : mention.start] if last else []
        if last and between and all(token.low in _JOINERS or token.low in _ARTICLES for token in between):
            last.end = mention.end
            last.is_percent |= mention.is_percent
            last.labels += mention.labels
            _share_splits(last.labels)
        else:
            made.append(mention)
    return made


def _share_splits(labels: list[Label]) -> None:
    """In "test loss and accuracy" the split holds for both; in "loss and accuracy on the test set" too."""
    named = [label.split for label in labels if label.split]
    if len(set(named)) == 1:
        for label in labels:
            label.split = named[0]
    for before, label in itertools.pairwise(labels):
        if label.split is None:
            label.split = before.split
