"""Of which split is a number whose label names none? What stands behind it, ahead of it, or before it on the line.

"0.98 (train)", "92 % on the test set", "Validation: loss=0.95, acc=0.66", Keras without a prefix beside "val_".
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from grader.answers.claims.mentions import splits_after
from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.values import Sentence, Value
from grader.answers.claims.vocabulary import MODIFIERS, SET_WORDS, SPLITS, metric_word, word_set

_COUNTS = ("parameters", "trainable_parameters", "non_trainable_parameters")


def set_splits(sentence: Sentence) -> None:
    """Give each value without a split the one that its sentence says elsewhere."""
    tokens, values = sentence.tokens, sentence.values
    _set_listed(sentence)
    _set_ranges(sentence)
    for value in values:
        if value.label.metric in _COUNTS:
            continue
        if value.label.split is not None:
            if value.tie == "list":  # "the accuracy on train is 97 % but 74 % on the test set"
                behind, _ = splits_after(tokens, value.quantity.end)
                value.label.split = behind[0] if len(behind) == 1 else value.label.split
            continue
        here = value.quantity.at
        stops = [m.start for m in sentence.mentions if m.start > here and m is not value.mention]
        stop = min([*stops, *(q.at for q in sentence.quantities if q.at > here and q.is_result), len(tokens)])
        split = _split_behind(tokens, value.quantity.end, stop)
        if split is None and value.mention is not None and value.tie in ("key", "far"):
            split = split_among(tokens[value.mention.end : here])
        split = split or _split_after_verb(tokens, value.last, stop)
        value.label.split = split or _split_ahead(tokens, value)
    _inherit(sentence)


def _set_ranges(sentence: Sentence) -> None:
    """Both ends of "68-72 % validation accuracy" are of the same split."""
    tokens = sentence.tokens
    for low, high in zip(sentence.values, sentence.values[1:], strict=False):
        is_pair = high.tie in ("list", "inferred") and low.quantity.is_percent == high.quantity.is_percent
        if is_pair and low.label.split is None and high.label.split is None:
            own = _split_behind(tokens, low.quantity.end, high.quantity.at)
            split = _split_behind(tokens, high.quantity.end, len(tokens)) or _split_after_verb(
                tokens, high.last, high.last + 8
            )
            if split and not own and _split_after_verb(tokens, low.last, high.quantity.at) is None:
                low.label.split = high.label.split = split  # "75 % with A and 76 % with B on the test set"
        if (
            low.quantity.bound == ">"
            and high.quantity.bound == "<"
            and low.quantity.is_approximate
            and low.label.metric == high.label.metric
        ):
            low.label.split = high.label.split = low.label.split or high.label.split


def _set_listed(sentence: Sentence) -> None:
    """As many splits as numbers, in order: "98 %, 97 % and 96 % for train, validation and test"."""
    values = sentence.values
    run: list[Value] = []
    for value in [*values, None]:
        if value is not None and run and value.tie == "list" and value.mention is run[0].mention:
            run.append(value)
            continue
        if len(run) > 1 and all(one.label.split is None for one in run):
            splits, _ = splits_after(sentence.tokens, run[-1].quantity.end)
            if len(splits) == len(run):
                for one, split in zip(run, splits, strict=True):
                    one.label.split = split
        run = [value] if value is not None else []


def split_among(between: Sequence[Token]) -> str | None:
    """The only split named between a label and its number: "accuracy of the network on the 10000 test images: 63 %"."""
    named = {SPLITS[token.low] for token in between if token.low in SPLITS and token.kind is Kind.WORD}
    return (
        named.pop()
        if len(named) == 1 and not _TRAINED - {"training", "train"} & {token.low for token in between}
        else None
    )


def _split_behind(tokens: Sequence[Token], at: int, stop: int) -> str | None:
    """The split right behind a number: "0.98 (train)", "91 % test", "92 % on the test set"."""
    splits, _ = splits_after(tokens, at)
    if len(splits) == 1:
        return splits[0]
    while at < stop and (tokens[at].low in ("(", "-", "[") or tokens[at].low in ("accuracy", "acc")):
        at += 1
    if at >= stop or tokens[at].low not in SPLITS:
        return None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    is_closed = (
        after is None
        or after.kind is not Kind.WORD
        or after.low in SET_WORDS
        or after.low in ("and", "or")
        or metric_word(after.low) is not None
    )
    return SPLITS[tokens[at].low] if is_closed and not (after is not None and after.low in (":", "=")) else None


def _split_after_verb(tokens: Sequence[Token], at: int, stop: int) -> str | None:
    """The first phrase before the next number: "97 % accuracy was achieved on the test set"."""
    for place in range(at, min(stop, at + 12, len(tokens))):
        splits, end = splits_after(tokens, place)
        if splits and end <= stop and (any(t.low in SET_WORDS for t in tokens[place:end]) or tokens[place].low == "on"):
            return splits[0] if len(splits) == 1 else None
        if tokens[place].kind is Kind.SIGN and tokens[place].low in (":", "=", ";"):
            return None
    return None


_TRAINED = word_set("trained training train fit fitted learned trainiert")


def _split_ahead(tokens: Sequence[Token], value: Value) -> str | None:
    """The nearest "on the test set" or "test set:" ahead of the label in the same sentence."""
    for place in range(value.first - 1, max(-1, value.first - 30), -1):
        token = tokens[place]
        if token.low in SPLITS and token.kind is Kind.WORD:
            following = [t for t in tokens[place + 1 : place + 3] if t.kind is not Kind.BREAK]
            is_set = bool(following) and following[0].low in SET_WORDS
            is_head = _is_head(tokens, place)
            before = [t.low for t in tokens[max(0, place - 6) : place]]
            if (is_set and not _TRAINED & set(before)) or is_head:
                return SPLITS[token.low]
    return None


def _is_head(tokens: Sequence[Token], place: int) -> bool:
    """Does the split head a record: "Validation: loss=0.95", "[TEST] acc"? Only blanks lie before it."""
    before = tokens[place - 1] if place else None
    starts = (
        before is None
        or before.kind is Kind.BREAK
        or before.low in ("-", "*", "•", "[", "|", "(", "–", "—", ">", ",", ";")
    )
    at = place + 1
    while at < len(tokens) and (
        tokens[at].low in SET_WORDS
        or tokens[at].low in ("results", "result", "metrics", "phase", "scores", "performance", "epoch")
    ):
        at += 1
    if _opens_record(tokens, at) and not (before is not None and metric_word(before.low)):
        return True  # "after all we had Train Epoch: avg loss: 0.4, accuracy: 0.86 Test: avg loss: 0.5"
    if (
        at < len(tokens)
        and metric_word(tokens[at].low)
        and at > place
        and at + 2 < len(tokens)
        and tokens[at + 1].low == ":"
    ):
        return starts and tokens[at + 2].kind is Kind.BREAK  # "Test Error:" and below it the values
    ends = at < len(tokens) and tokens[at].low in (":", "-", "]", "|", "–", "—", ")", ">", "=>", "->")
    return starts and ends


def _opens_record(tokens: Sequence[Token], at: int) -> bool:
    """Is token `at` a colon, and a key of a record behind it: ": avg loss: 0.4"?"""
    if at >= len(tokens) or tokens[at].low != ":":
        return False
    at += 1
    while at < len(tokens) and tokens[at].low in MODIFIERS and tokens[at].kind is Kind.WORD:
        at += 1
    is_key = at + 1 < len(tokens) and tokens[at + 1].low in (":", "=")
    return is_key and metric_word(tokens[at].low) is not None


def _inherit(sentence: Sentence) -> None:
    """On one line, "train loss: 0.3, acc: 0.9" is of the training twice; Keras prints the training without a prefix."""
    tokens, values = sentence.tokens, sentence.values
    by_line: dict[int, list[Value]] = {}
    for value in values:
        by_line.setdefault(tokens[value.quantity.at].line, []).append(value)
    for row in by_line.values():
        keyed = [
            value
            for value in row
            if value.tie == "key" and value.mention is not None and value.label.metric not in _COUNTS
        ]
        prefixed = [
            v
            for v in keyed
            if v.label.split == "validation" and v.mention and tokens[v.mention.start].low in ("val", "valid")
        ]
        plain = [v for v in keyed if v.label.split is None]
        if prefixed and plain and {v.label.metric for v in plain} <= {v.label.metric for v in prefixed}:
            for value in plain:
                value.label.split = "train"
                value.is_keras = True
            continue
        for before, value in itertools.pairwise(row):
            if (
                value.label.split is None
                and value in keyed
                and before in keyed
                and before.label.split
                and value.label.metric != before.label.metric
            ):
                gap = tokens[before.last : value.first]
                if all(
                    token.kind is Kind.SIGN
                    or token.low in ("and", "avg", "average", "the", "a", "der", "die", "das", "und", "mit", "with")
                    for token in gap
                ) and not any(t.low == "." for t in gap):
                    value.label.split = before.label.split
                    value.reasons.append("inherited")
