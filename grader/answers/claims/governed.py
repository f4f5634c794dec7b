"""Which metric does each number of a sentence state? The label before it, the words behind it, or a list in order.

The strongest tie wins: a label with ":" or "=" before the number, words right behind it ("97 % accuracy"), a label
further ahead. A label is used up by its number, unless the next number comes as one more of a list.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grader.answers.claims.found import RATES
from grader.answers.claims.mentions import Label, Mention, mentions_in, splits_after
from grader.answers.claims.quantities import Quantity, quantities_in
from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.vocabulary import (
    ACHIEVING,
    CHANGE_NOUNS,
    LINKS,
    MODIFIERS,
    SET_WORDS,
    SPLITS,
    metric_word,
    word_set,
)

_JOINERS = frozenset({",", "and", "/", "&", "und", "|", "vs", "vs.", "versus", "or", "to", "→", "->", "-", ";", "while", "whereas",
                      "compared", "but", "respectively", "(", ")", "then"})  # fmt: skip
_COUNTS = ("parameters", "trainable_parameters", "non_trainable_parameters")
FAR = 14
FAR_LOSS = 6
SHORT_LINE = 40  # characters; a wrapped line of prose is longer


@dataclass(slots=True)
class Value:
    """A number with the metric that governs it. `label_end`: up to which token its label goes."""

    quantity: Quantity
    label: Label
    tie: str  # "key", "behind", "list", "far", "inferred", "bare"
    mention: Mention | None = None
    first: int = 0
    last: int = 0
    is_percent: bool = False
    reasons: list[str] = field(default_factory=list)
    is_keras: bool = False


@dataclass(slots=True)
class Sentence:
    """Tokens of one sentence, and what was found in it."""

    tokens: Sequence[Token]
    mentions: list[Mention] = field(default_factory=list)
    quantities: list[Quantity] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)


def read_sentence(tokens: Sequence[Token]) -> Sentence:
    """The values that a sentence states.

    >>> from grader.answers.claims.tokens import tokens_of
    >>> def read(text):
    ...     found = read_sentence(tokens_of(text, 1)).values
    ...     return [(v.label.metric, v.label.split, v.quantity.text) for v in found]
    >>> read("After 15 epochs our model achieves 98.92 validation accuracy 1")
    [('accuracy', 'validation', '98.92')]
    >>> read("Train loss: 0.3922, Train Accuracy: 0.8699 Validation Loss: 0.7848")
    [('loss', 'train', '0.3922'), ('accuracy', 'train', '0.8699'), ('loss', 'validation', '0.7848')]
    >>> read("the train, validation and test accuracy is 0.98, 0.95 and 0.94")
    [('accuracy', 'train', '0.98'), ('accuracy', 'validation', '0.95'), ('accuracy', 'test', '0.94')]
    >>> read("accuracy: 0.98 (train), 0.94 (test)"), read("Learning rate 0.01, dropout 50%")
    ([('accuracy', 'train', '0.98'), ('accuracy', 'test', '0.94')], [])
    """
    sentence = Sentence(tokens, mentions_in(tokens))
    covered = [False] * len(tokens)
    for mention in sentence.mentions:
        covered[mention.start : mention.end] = [True] * (mention.end - mention.start)
    sentence.quantities = [q for q in quantities_in(tokens, covered) if not covered[q.at]]
    sentence.values = list(_governed(sentence))
    _set_splits(sentence)
    return sentence


def _governed(sentence: Sentence) -> Iterator[Value]:
    tokens, quantities = sentence.tokens, sentence.quantities
    used: dict[int, int] = {}  # start of a mention -> how many of its labels are used up
    last: Value | None = None
    for index, quantity in enumerate(quantities):
        if not quantity.is_result:
            continue
        before = _before(sentence, quantity)
        behind = _behind(sentence, quantities, index)
        value = None
        results = {q.at for q in quantities if q.is_result and not q.is_whole}
        is_free = before is not None and used.get(before.start, 0) < len(before.labels)
        link = _link(tokens, before, quantity) if before else ""
        if (
            before is not None
            and is_free
            and used.get(before.start, 0) == 0
            and link in ("key", "words")
            and not (behind and _is_better(before, behind, link))
        ):
            value = _of(before, 0, quantity, "key")
        elif behind is not None:
            value = _of(behind, 0, quantity, "behind")
            before = behind
        elif (
            before is not None
            and last is not None
            and last.mention is before
            and _goes_on(tokens, last, quantity, before, results)
        ):
            at = used.get(before.start, 0) % len(before.labels)
            value = _of(before, at, quantity, "list")
            value.first = last.quantity.end
            if at == 0 or used.get(before.start, 0) > at:
                joints = [
                    i
                    for i in range(last.quantity.end, quantity.at)
                    if tokens[i].low in _JOINERS and tokens[i].low not in "()-"
                ]
                between = tokens[joints[0] : quantity.at] if joints else []
                value.label.split = _split_among(between) or value.label.split
        elif (
            before is not None
            and is_free
            and used.get(before.start, 0) == 0
            and _is_in_reach(tokens, before, quantity, results)
        ):
            value = _of(before, 0, quantity, "far")
        elif _is_inferred(tokens, quantity, before) or (
            last is not None and last.tie == "inferred" and _goes_on(tokens, last, quantity, None, results)
        ):
            value = Value(quantity, Label("accuracy"), "inferred", None, quantity.at, quantity.end)
            value.reasons.append("no metric is named: a share reached by a classifier is an accuracy")
        if value is None or not _is_plausible(value) or _is_change(tokens, value):
            continue
        if value.mention is not None:
            used[value.mention.start] = used.get(value.mention.start, 0) + 1
        last = value
        yield value


_MOVED = word_set(
    """
    improved improves increased increases decreased decreases dropped drops rose rises fell gained gains lost
    """
)


def _is_change(tokens: Sequence[Token], value: Value) -> bool:
    """Is it a difference: "the gap between train and test accuracy is 3 %", "an increase in accuracy of 2 %"?"""
    mention = value.mention
    if mention is None or mention.start > value.quantity.at:
        return False
    ahead = [token.low for token in tokens[max(0, mention.start - 6) : mention.start]]
    between = {token.low for token in tokens[mention.end : value.quantity.at]}
    moved = bool(_MOVED & between) and not {"to", "from", "reach", "reached", "up", ":", "at", "until"} & between
    if moved and value.quantity.is_percent:
        return True
    return (
        any(word in CHANGE_NOUNS for word in ahead)
        and bool({"in", "of", "between"} & set(ahead))
        and not {"to", ":", "="} & between
    )


def _of(mention: Mention, index: int, quantity: Quantity, tie: str) -> Value:
    label = mention.labels[index]
    first, last = min(mention.start, quantity.at), max(mention.end, quantity.end)
    copy = Label(label.metric, label.split, label.others)
    return Value(quantity, copy, tie, mention, first, last, mention.is_percent)


def _before(sentence: Sentence, quantity: Quantity) -> Mention | None:
    found = None
    for mention in sentence.mentions:
        if mention.end > quantity.at:
            break
        found = mention
    return found


def _link(tokens: Sequence[Token], mention: Mention, quantity: Quantity) -> str:
    """How a label leads to its number: "key" by ":" or "=", "words" by words that link, "" not at all."""
    between = tokens[mention.end : quantity.at]
    if len(between) > 10:
        return ""
    signs = {token.low for token in between if token.kind is Kind.SIGN}
    breaks = sum(token.kind is Kind.BREAK for token in between)
    words = [token.low for token in between if token.kind is Kind.WORD]
    if any(token.kind is Kind.NUMBER for token in between):
        return ""
    if "," in signs or ";" in signs or breaks > 1:
        return ""
    if not all(
        word in LINKS or word in SPLITS or word in SET_WORDS or word in MODIFIERS or word in ("on", "for", "with")
        for word in words
    ):
        return (
            "key"
            if between
            and between[-1].low in (":", "=")
            and len(words) <= 6
            and not breaks
            and ":" in signs | {"="}
            and _is_remark(between)
            else ""
        )
    if quantity.is_whole and not between and mention.metric not in _COUNTS and not quantity.total:
        return ""  # "accuracy 1": a footnote
    return "key" if signs & {":", "=", "|", "→", "->"} or not between else "words"


def _is_remark(between: Sequence[Token]) -> bool:
    """Is it a label with a remark ("Test Accuracy without L2: 0.83")? No verb of another clause in it."""
    return not any(token.low in ("which", "that", "because", "since", "when", "if") for token in between)


def _behind(sentence: Sentence, quantities: Sequence[Quantity], index: int) -> Mention | None:
    """The mention that follows the number at once ("97 % test accuracy") and has no number of its own."""
    tokens, quantity = sentence.tokens, quantities[index]
    mention = next((m for m in sentence.mentions if m.start >= quantity.end), None)
    if mention is None:
        return None
    is_far = {"classified", "correct", "klassifiziert"} & {
        token.low for token in tokens[mention.start : mention.end]
    } and quantity.is_percent
    if mention.start - quantity.end > (9 if is_far else 4):
        return None
    gap = tokens[quantity.end : mention.start]
    unknown = 0
    for token in gap:
        if token.kind is Kind.SIGN and token.low not in ("-", '"', ")", "'", "+"):
            return None
        if token.kind is Kind.NUMBER:
            return None
        if (
            token.kind is Kind.WORD
            and token.low not in ("of", "as", "the", "a", "in", "on", "our", "for")
            and token.low not in SPLITS
        ):
            if token.low in _NOT_BEHIND and not is_far:
                return None
            unknown += 1
    if unknown > 2 and not is_far:
        return None
    if any(token.kind is Kind.BREAK for token in gap) and not _is_prose(tokens, quantity, mention):
        return None
    following = tokens[mention.end : mention.end + 2]
    if following and (
        following[0].low in (":", "=", "→") or (following[0].kind is Kind.NUMBER and not _has_own(tokens, mention))
    ):
        return None
    if any(token.low in ("in", "on", "for") for token in gap) and mention.metric != "accuracy":
        return None
    return mention


_NOT_BEHIND = word_set("which that and with while but by at to was is when after und mit than or")


def _has_own(tokens: Sequence[Token], mention: Mention) -> bool:
    """Is the number behind the mention a footnote mark: "98.92 validation accuracy 1."?"""
    return tokens[mention.end].text.isdigit() and len(tokens[mention.end].text) <= 2


def _is_prose(tokens: Sequence[Token], quantity: Quantity, mention: Mention) -> bool:
    """Does the line break inside the phrase, and the label not begin a line of its own?"""
    following = tokens[mention.end : mention.end + 1]
    return not following or following[0].kind is not Kind.SIGN or following[0].low in (".", ",", ")")


def _is_better(before: Mention, behind: Mention, link: str) -> bool:
    """Both ends fit: the words behind win over words before, and where they alone name the split."""
    if link == "words":
        return True
    return before.labels[0].split is None and behind.labels[0].split is not None and before.metric == behind.metric


def _goes_on(
    tokens: Sequence[Token], last: Value, quantity: Quantity, mention: Mention | None, results: set[int]
) -> bool:
    """Is this one more number of the list that began with `last`?"""
    if quantity.is_percent != last.quantity.is_percent or quantity.is_whole != last.quantity.is_whole:
        return False
    between = [token for token in tokens[last.quantity.end : quantity.at] if token.kind is not Kind.BREAK]
    if not between or len(between) > 10 or any(place in results for place in range(last.quantity.end, quantity.at)):
        return False
    if mention is not None and mention.metric in _COUNTS:
        return False
    is_new = between[-1].low == ":" and (mention is None or len(mention.labels) > 1)  # "; with it: 0.95/0.94"
    if not quantity.is_percent and any(token.low in (".", ";") for token in between) and not is_new:
        return False
    is_list = all(
        token.low in _JOINERS or token.low in LINKS or token.low in SPLITS or token.low in SET_WORDS
        for token in between
    )
    if is_list and any(token.low in _JOINERS for token in between):
        return True
    return (quantity.is_percent or "." in quantity.text) and any(token.low in _JOINERS for token in between)


def _is_in_reach(tokens: Sequence[Token], mention: Mention, quantity: Quantity, results: set[int]) -> bool:
    between = tokens[mention.end : quantity.at]
    words = sum(token.kind is not Kind.BREAK for token in between)
    short = sum(token.kind is Kind.BREAK and token.end < SHORT_LINE for token in between)
    is_linked = all(token.kind is not Kind.WORD or token.low in LINKS for token in between)
    if short > 1 and not is_linked and mention.metric not in _COUNTS:
        return False  # over several short lines a label does not reach
    if mention.metric in _COUNTS:
        is_sum = (bool(between) and tokens[quantity.at - 1].low in ("=", ":", "→")) or (
            len(between) > 1 and tokens[quantity.at - 2].low == "="
        )
        is_big = len(quantity.text) >= 3 and "." not in quantity.text[:-4]
        is_arithmetic = not any(
            t.kind is Kind.WORD
            and len(t.low) > 2
            and t.low not in LINKS
            and t.low not in ("equals", "equal")
            and not t.low[0].isdigit()
            for t in between
        )
        return is_big and ((is_sum and (words <= 40 or is_arithmetic)) or words <= 10)
    if any(place in results for place in range(mention.end, quantity.at)):
        return False
    if mention.metric in ("loss", "mse", "mae", "rmse"):
        return words <= FAR_LOSS and "." in quantity.text and not quantity.is_percent
    return words <= FAR and (quantity.is_percent or "." in quantity.text)


def _is_inferred(tokens: Sequence[Token], quantity: Quantity, before: Mention | None) -> bool:
    """A percentage that someone "reached" or that stands "on the test set", with no metric near."""
    del before
    lows = {token.low for token in tokens[max(0, quantity.at - 12) : quantity.at]}
    if quantity.is_percent and ({"state", "art"} <= lows or "sota" in lows):
        return True
    splits, _ = splits_after(tokens, quantity.end)
    is_share = quantity.is_percent and quantity.text != "%"
    if not is_share and not (splits and quantity.text.lstrip("0").startswith(".")):
        return False
    back = quantity.at - 1
    steps = 0
    while back >= 0 and steps < 6:
        token = tokens[back]
        if token.low in ACHIEVING:
            return True
        if (
            token.kind is Kind.WORD
            and token.low not in LINKS
            and token.low not in SPLITS
            and token.low not in MODIFIERS
        ):
            break
        back -= 1
        steps += 1
    return is_share and (bool(splits) or _is_measured_on_a_set(tokens, quantity))


def _is_measured_on_a_set(tokens: Sequence[Token], quantity: Quantity) -> bool:
    """ "On the test set we measured 73.6 %": a split ahead, then a verb of measuring."""
    for place in range(max(0, quantity.at - 12), quantity.at):
        splits, end = splits_after(tokens, place)
        if splits and tokens[place].low in ("on", "for", "auf"):
            return any(token.low in _MEASURED for token in tokens[end : quantity.at])
    return False


_MEASURED = word_set("measured measure is was were have had got see saw observed found accuracy lag")


def _is_plausible(value: Value) -> bool:
    """Can the number be of this metric at all?"""
    quantity, metric = value.quantity, value.label.metric
    text = quantity.text.replace("'", "").replace("_", "").replace(" ", "")
    if metric in _COUNTS:
        return not quantity.is_percent and not (text.startswith(("0.", ".")))
    if quantity.total:
        return metric in ("accuracy", "error", "precision", "recall")
    if text[-1:].isalpha():
        return False
    try:
        number = float(text.replace(",", ".")) if text.count(",") + text.count(".") <= 1 else float("inf")
    except ValueError:
        return False
    if metric in RATES:
        if quantity.is_whole and value.tie in ("far", "list", "inferred"):
            return False
        return number <= 100 and not (value.tie != "key" and quantity.is_whole and number < 2)
    if metric == "psnr":
        return number < 200
    return not quantity.is_percent or metric == "ssim"


# --- splits said elsewhere in the sentence ----------------------------------------------------


def _set_splits(sentence: Sentence) -> None:
    tokens, values = sentence.tokens, sentence.values
    _set_listed(sentence)
    _set_ranges(sentence)
    for value in values:
        if value.label.split is not None or value.label.metric in _COUNTS:
            continue
        here = value.quantity.at
        stops = [m.start for m in sentence.mentions if m.start > here and m is not value.mention]
        stop = min([*stops, *(q.at for q in sentence.quantities if q.at > here and q.is_result), len(tokens)])
        split = _split_behind(tokens, value.quantity.end, stop)
        if split is None and value.mention is not None and value.tie in ("key", "far"):
            split = _split_among(tokens[value.mention.end : here])
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
    """ "98 %, 97 % and 96 % for train, validation and test": as many splits as numbers, in order."""
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


def _split_among(between: Sequence[Token]) -> str | None:
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
    """ "97 % accuracy was achieved on the test set": the first such phrase before the next number."""
    for place in range(at, min(stop, at + 12, len(tokens))):
        splits, end = splits_after(tokens, place)
        if splits and end <= stop and (any(t.low in SET_WORDS for t in tokens[place:end]) or tokens[place].low == "on"):
            return splits[0] if len(splits) == 1 else None
        if tokens[place].kind is Kind.SIGN and tokens[place].low in (":", "=", ";"):
            return None
    return None


_TRAINED = frozenset({"trained", "training", "train", "fit", "fitted", "learned", "trainiert"})


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
    """Does the split head a record: "Validation: loss=0.95", "[TEST] acc", "| Test | acc"? Only blanks lie before it."""
    before = tokens[place - 1] if place else None
    starts = (
        before is None
        or before.kind is Kind.BREAK
        or before.low in ("-", "*", "•", "[", "|", "(", "–", "—", ">", ",", ";")
    )
    at = place + 1
    while at < len(tokens) and (
        tokens[at].low in SET_WORDS
        or tokens[at].low in ("results", "result", "metrics", "phase", "scores", "performance")
    ):
        at += 1
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
