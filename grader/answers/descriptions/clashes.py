"""Which two sentences of a report cannot both be so? Each pair once, with both lines.

An honest report must never be told that it contradicts itself, so the rules are narrow. Both sentences stand under one
heading, which speaks of one network and one training; each states one value for certain; all that is said there of the
topic is as certain; and exactly two values are stated. Two lines of settings are two networks', one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from grader.answers.descriptions.scopes import Scope
from grader.answers.descriptions.statements import TOPICS, Mention, Statement, mentions_in
from grader.frozen import dataclass

MOST_APART: Final = 40  # sentences
_SEVERAL = re.compile(
    r"\b(?:first|second|third|other|another|baseline|default|improved|new|newer|old|initial|previous|deeper|larger|smaller|"
    r"bigger|final|best|original|alternative|simple|simpler|complex|custom|pre-?trained|teacher|student|tuned|basic|own)"
    r"\s+(?:\w+\s)?(?:model|network|net|cnn|architecture|version|variant|classifier|configuration|setup|attempt|approach)s?\b|"
    r"\b(?:model|network|net|cnn|architecture|version|variant|experiment|run|phase|stage|attempt)s?\s?[-#]?\s?(?:\d|[bc]\b|i{2,3}\b)|"
    r"\b(?:two|three|four|both|several|different|multiple|all|these|those|following)\s+(?:\w+\s)?"
    r"(?:models|networks|nets|cnns|architectures|versions|variants|experiments|configurations|setups|runs|phases)\b|"
    r"\b(?:encoder|decoder|autoencoder|denois\w*|generator|discriminator|u-?net|ablation\w*|in comparison|compared to|"
    r"instead of|(?:we|i) (?:then|later|also) (?:chang|switch|replac|tried)\w*)"
)
_NAMED = re.compile(
    r"\b(?:resnet-?\d*|vgg-?\d*|alexnet|lenet(?:-?5)?|mobilenet\w*|densenet\w*|inception\w*|efficientnet\w*)\b"
)

_DATA_SETS = re.compile(r"\bfashion[- _]?mnist|(?<!fashion[- _])(?<!fashion)\bmnist|\bcifar[- ]?100?|\bsvhn|\bimagenet")


@dataclass(frozen=True)
class Clash:
    """Two statements of one topic that exclude each other."""

    topic: str
    first: Statement
    second: Statement

    @property
    def said(self) -> str:
        """One sentence with both places."""
        what = self.topic.replace("_", " ")
        return (
            f"{what}: line {self.first.line} says {self.first.value}, line {self.second.line} says {self.second.value}"
        )


def clashes(scopes: Sequence[Scope], topics: Collection[str] = TOPICS) -> tuple[Clash, ...]:
    r"""Every pair of sentences that exclude each other.

    >>> from grader.answers.descriptions.scopes import scopes_of
    >>> from grader.documents.report_lines import report_lines
    >>> text = "# Net\nI use ReLU and max pooling.\nThe model consists of convolutions and average pooling.\n"
    >>> [one.said for one in clashes(scopes_of(report_lines(text)))]
    ['pooling: line 2 says max pooling, line 3 says average pooling']
    """
    return tuple(clash for scope in scopes for clash in _within(scope, topics))


def _within(scope: Scope, topics: Collection[str]) -> Iterator[Clash]:
    found = [(at, mention) for at, sentence in enumerate(scope.sentences) for mention in mentions_in(sentence)]
    if not found or _is_of_several(scope):
        return
    for topic in topics:
        about = [(at, mention) for at, mention in found if mention.topic == topic]
        pair = _pair([one for _, one in about])
        if pair is None:
            continue
        places = [at for at, one in about if one.said in pair]
        if max(places) - min(places) <= MOST_APART:
            yield Clash(topic, *pair)


def _is_of_several(scope: Scope) -> bool:
    """Whether the heading or a sentence speaks of more than one network, training or part."""
    text = " ".join([scope.title, *(one.text for one in scope.sentences)]).casefold()
    return any(len(set(pattern.findall(text))) > 1 for pattern in (_NAMED, _DATA_SETS)) or bool(_SEVERAL.search(text))


def _pair(about: Sequence[Mention]) -> tuple[Statement, Statement] | None:
    """The first two statements of different values, where everything that touches the topic is certain of one value."""
    said = [one.said for one in about if one.said is not None]
    # What a count of layers or a rate of dropout leaves open ("the convolutional layers") takes nothing back.
    if any(one.said is None for one in about) and about[0].topic not in _LOOSE:
        return None
    values = list(dict.fromkeys(one.value for one in said))
    if len(values) != 2:
        return None
    first, second = (next(one for one in said if one.value == value) for value in values)
    if first.is_setting and second.is_setting:
        return None
    return first, second


_LOOSE: Final = ("layers",)
