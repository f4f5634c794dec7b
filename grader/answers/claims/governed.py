"""Which metric does each number of a sentence state? The label before it, the words behind it, or a list in order.

The strongest tie wins: a label with ":" or "=" before the number, words right behind it ("97 % accuracy"), a label
further ahead. A label is used up by its number, unless the next number comes as one more of a list.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from grader.answers.claims.found import RATES
from grader.answers.claims.mentions import Label, Mention, mentions_in, splits_after
from grader.answers.claims.quantities import Quantity, quantities_in
from grader.answers.claims.said_splits import set_splits, split_among
from grader.answers.claims.tokens import Kind, Token
from grader.answers.claims.values import Sentence, Value
from grader.answers.claims.vocabulary import (
    ACHIEVING,
    CHANGE_NOUNS,
    LINKS,
    MODIFIERS,
    SET_WORDS,
    SPLITS,
    word_set,
)

_JOINERS = word_set(", and / & und | vs vs. versus or to → -> - ; while whereas compared but respectively ( ) then")
_COUNTS = ("parameters", "trainable_parameters", "non_trainable_parameters")
FAR = 14
FAR_LOSS = 6
SHORT_LINE = 40  # characters; a wrapped line of prose is longer


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
    if not sentence.mentions and not may_be_inferred(tokens):
        return sentence
    covered = [False] * len(tokens)
    for mention in sentence.mentions:
        covered[mention.start : mention.end] = [True] * (mention.end - mention.start)
    sentence.quantities = [q for q in quantities_in(tokens, covered) if not covered[q.at]]
    sentence.values = list(_governed(sentence))
    set_splits(sentence)
    return sentence


def may_be_inferred(tokens: Sequence[Token]) -> bool:
    """Can a number that no metric names be a result here? A quick test: there is a percentage, or a split."""
    return any(token.low in _TELLING for token in tokens)


_TELLING = frozenset(("%", "percent", "prozent", "percents", "cent", *SPLITS))


def _governed(sentence: Sentence) -> Iterator[Value]:
    tokens, quantities = sentence.tokens, sentence.quantities
    results = {q.at for q in quantities if q.is_result and not q.is_whole}
    ends = [mention.end for mention in sentence.mentions]
    starts = [mention.start for mention in sentence.mentions]
    used: dict[int, int] = {}  # start of a mention -> how many of its labels are used up
    last: Value | None = None
    for quantity in quantities:
        if not quantity.is_result:
            continue
        place = bisect_right(ends, quantity.at)
        before = sentence.mentions[place - 1] if place else None
        place = bisect_left(starts, quantity.end)
        behind = _behind(tokens, quantity, sentence.mentions[place]) if place < len(starts) else None
        value = None
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
                value.label.split = split_among(between) or value.label.split
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
        and not {"to", "from", ":", "="} & between
    )


def _of(mention: Mention, index: int, quantity: Quantity, tie: str) -> Value:
    label = mention.labels[index]
    first, last = min(mention.start, quantity.at), max(mention.end, quantity.end)
    copy = Label(label.metric, label.split, label.others)
    return Value(quantity, copy, tie, mention, first, last, mention.is_percent)


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


def _behind(tokens: Sequence[Token], quantity: Quantity, mention: Mention) -> Mention | None:
    """The `mention` behind the number, if it follows at once ("97 % test accuracy") and has no number of its own."""
    if mention.start - quantity.end > 9:
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
    if any(token.kind is Kind.BREAK for token in gap) and not _is_prose(tokens, mention):
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


def _is_prose(tokens: Sequence[Token], mention: Mention) -> bool:
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
    """Is a split ahead, and then a verb of measuring: "on the test set we measured 73.6 %"?"""
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
        return not quantity.is_percent and len(text) > 1 and not text.startswith(("0.", "."))
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
