"""What does a sentence say besides the number? Epochs, optimizer, data set, the name of the network."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.answers.claims.blocks import Scope
from grader.answers.claims.tokens import Kind, Token, is_ordinal, tokens_of_label
from grader.answers.claims.values import Places, Sentence, Value
from grader.answers.claims.vocabulary import NETWORKS, OPTIMIZERS, SPLITS, datasets_in, metric_word, word_set
from grader.frozen import dataclass


@dataclass(slots=True)
class Around:
    """What a sentence says besides the number."""

    epoch: int | None = None
    epochs: int | None = None
    optimizer: str | None = None
    dataset: str | None = None
    model: str = ""


_EPOCHS = frozenset(("epoch", "epochs", "epoche", "epochen", "ep"))
_DATASET = re.compile("mnist|cifar|imagenet|svhn|stl|kuzushiji")
_NETWORK = re.compile("net|vgg|inception|mlp|vit|model")


def places_of(sentence: Sentence) -> Places:
    """What `around` and `stance_of` need of a sentence, whatever its numbers."""
    if sentence.places is None:
        lows = [token.low for token in sentence.tokens]
        text = " ".join(lows)
        sentence.places = Places(
            lows,
            [place for place, low in enumerate(lows) if low in _EPOCHS],
            [place for place, low in enumerate(lows) if low in OPTIMIZERS],
            _DATASET.search(text) is not None,
            _NETWORK.search(text) is not None,
        )
    return sentence.places


def around(sentence: Sentence, value: Value, scope: Scope) -> Around:
    made = Around(model=scope.model)
    tokens, places = sentence.tokens, places_of(sentence)
    at = value.quantity.at
    named = places.epochs
    for place in [*reversed([place for place in named if place < at]), *(place for place in named if place > at)]:
        if (
            made.epoch is None
            and made.epochs is None
            and not (value.tie == "key" and _lines_between(tokens, place, at) > 1)
        ):
            _set_epoch(tokens, place, made)
    near = places.optimizers
    before = [place for place in near if place < at]
    if before or len(near) == 1:
        made.optimizer = OPTIMIZERS[tokens[before[-1] if before else near[0]].low]
    else:
        in_head = [OPTIMIZERS[t.low] for t in tokens_of_label(scope.model) if t.low in OPTIMIZERS]
        made.optimizer = in_head[0] if len(in_head) == 1 else None
    sets: tuple[str, ...] = ()
    if places.names_dataset:
        sets = datasets_in(" ".join([token.text for token in tokens[max(0, at - 60) : at + 40]]))
    made.dataset = sets[0] if len(sets) == 1 else (_nearest_set(tokens, at) if sets else scope.dataset)
    own = _own_name(tokens, value)
    if own:
        made.model = own
    elif places.names_network:
        head = " ".join([token.text for token in tokens[max(0, value.first - 40) : at]])
        networks = list(NETWORKS.finditer(head))
        made.model = networks[-1][0] if networks else made.model
    return made


def _lines_between(tokens: Sequence[Token], one: int, other: int) -> int:
    return sum(token.kind is Kind.BREAK for token in tokens[min(one, other) : max(one, other)])


def _nearest_set(tokens: Sequence[Token], at: int) -> str | None:
    ahead = datasets_in(" ".join(token.text for token in tokens[max(0, at - 60) : at]))
    return ahead[-1] if ahead else None


def _own_name(tokens: Sequence[Token], value: Value) -> str:
    """The words before a colon that opens the record: "SGD Optimizer: Final loss: 0.20"."""
    for place in range(min(value.first, len(tokens)) - 1, max(-1, value.first - 2), -1):
        if tokens[place].low == ":" and place:
            start = place
            while (
                start
                and tokens[start - 1].kind is not Kind.BREAK
                and tokens[start - 1].low not in _ENDS
                and place - start < 7
            ):
                start -= 1
            words = tokens[start:place]
            is_name = len(words) < 7 and not any(
                t.low in _NO_NAMES or t.low in SPLITS or metric_word(t.low) for t in words
            )
            return " ".join(token.text for token in words) if is_name else ""
    return ""


_ENDS = word_set(": . , ; - • * | [ (")
_NO_NAMES = frozenset(
    {"epoch", "epochs", "step", "iteration", "results", "result", "note", "set", "slightly", "following"}
)


def _set_epoch(tokens: Sequence[Token], place: int, made: Around) -> None:
    before = tokens[place - 1] if place else None
    if before is not None and (before.kind is Kind.NUMBER and before.text.isdigit() and len(before.text) < 6):
        made.epochs = int(before.text)
    elif before is not None and is_ordinal(before):
        made.epoch = int("".join(char for char in before.text if char.isdigit()))
    else:
        at = place + 1
        while at < len(tokens) and at < place + 4 and tokens[at].low in (":", "=", "[", "#", "(", "done"):
            at += 1
        if (
            at < len(tokens)
            and tokens[at].kind is Kind.NUMBER
            and tokens[at].text.isdigit()
            and len(tokens[at].text) < 6
        ):
            if tokens[place].low == "epochs":
                made.epochs = int(tokens[at].text)
            else:
                made.epoch = int(tokens[at].text)
