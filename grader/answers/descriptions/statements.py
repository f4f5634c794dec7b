"""What does a sentence say for certain of the author's own network or training? One value of one topic, or nothing.

Only plain statements count: "we use max pooling", "the network consists of four convolutional layers", "Optimizer:
Adam". A sentence that weighs, compares, changes, repeats what is asked or speaks of several networks says nothing for
certain. It still mentions the topic, and where such a mention stands nothing is held against anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from grader.answers.descriptions.scopes import Sentence
from grader.frozen import dataclass

TOPICS: Final = ("pooling", "optimizer", "learning_rate", "epochs", "batch_size", "dropout", "layers")
LONGEST: Final = 600  # characters of a sentence


@dataclass(frozen=True)
class Statement:
    """A value of a topic as a sentence states it: its line, the words, and whether it is a line of settings."""

    topic: str
    value: str
    line: int
    quote: str
    is_setting: bool


@dataclass(frozen=True)
class Mention:
    """A sentence that touches a topic. `said` is what it states for certain, None where it states nothing."""

    topic: str
    said: Statement | None


_ASIDE = re.compile(r"\([^()]{0,200}\)")
_OWN = (
    r"\b(?:i|we)\s+(?:have\s+|finally\s+|decided\s+to\s+)?(?:use|used|apply|applied|employ|employed|chose|choose|set|"
    r"have|had|train|trained|select|selected|implement|implemented|build|built|work|worked|add|added)\b"
)
_NETWORK = (
    r"\b(?:my|our|the|this)\s+(?:(?:modified|proposed|resulting|whole|entire|full|cnn|convolutional|neural)\s+){0,3}"
    r"(?:model|network|net|cnn|architecture)\s+(?:that\s+(?:i|we)\s+(?:use|used|built|trained)\s+)?"
    r"(?:use|uses|used|has|had|have|consists?|consisted|contains?|contained|includes?|included|comprises?|"
    r"(?:is|was)\s+(?:composed|made|built|trained))\b"
)
_PASSIVE = r"\b(?:is|was|are|were)\s+(?:used|applied|trained|chosen|set|added)\b"
_STATES = re.compile(f"{_OWN}|{_NETWORK}|{_PASSIVE}")
_SETTING = re.compile(r"(?:[-*+•]\s*)?\**([a-z][a-z ]{1,24}?)\**\s*[:=]\s*\**\s*(\S.*)")
# What makes a sentence speak of more than one thing, of a thing that is not so, or of somebody else's.
_WAVERS = re.compile(
    r"\b(?:instead|rather|replac\w*|chang\w*|switch\w*|tr(?:y|ied|ying)|experiment\w*|compar\w*|vs|versus|either|or|could|"
    r"can|should|would|may|might|must|if|when|whether|than|both|different|various|several|multiple|var(?:y|ied|ies|ying)|"
    r"first|firstly|second|secondly|third|then|next|later|last|initial\w*|start\w*|begin\w*|began|previous\w*|original\w*|"
    r"baseline|default|improv\w*|increas\w*|reduc\w*|decreas\w*|lower\w*|higher|larger|smaller|bigger|better|worse|best|"
    r"optimal|optimum|without|no|not|none|never|nor|neither|except|unlike|n't|don't|didn't|doesn't|example|e\.g|paper|"
    r"literature|suggest\w*|recommend\w*|propos\w* by|other|another|alternativ\w*|task|exercise|assignment|asked|given|"
    r"required|suppos\w*|goal|want\w*|need\w*|respectively|phases?|stages?|runs?|future|fine-?tun\w*|pre-?train\w*|"
    r"transfer|resnet\w*|vgg\w*|alexnet\w*|lenet\w*|gpt\w*|authors?|they|their|similar\w*|usual\w*|typical\w*|general\w*|"
    r"often|common\w*|option\w*|only|until|up to|at most|maximum of|at least|more|further|additional\w*|extra|"
    r"each|per|sometimes|early|stop\w*|final\w*|converg\w*|already|augment\w*|finetun\w*|head|backbone|classifier|"
    r"for (?:the )?(?:baseline|denois\w*|autoencoder|generator|discriminator|teacher|student)|"
    r"generator|discriminator|encoder|decoder|teacher|student|ensemble|models|networks|nets|architectures)\b|\?",
)
_WORDS: Final = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
                 "ten": 10, "eleven": 11, "twelve": 12}  # fmt: skip
_COUNT = rf"(\d{{1,2}}|{'|'.join(_WORDS)})"
_NUMBER = r"(\d{1,5}(?:\.\d{1,8})?(?:\s?[eE]\s?-?\d{1,2})?|\.\d{1,8}|10\s?\^?\s?\{?-\d\}?)"
_WHOLE = r"(?![\d%_^\\{·∗*×]|\s*[_·∗*×^\\]|\s?\.\s?\d|\s?[eE]\s?-|\s*-\s?\d)"  # nothing of it is left out
_IS = r"\s*(?:of|is|was|=|:|to|as|set to|was set to|is set to|equal to|equals|with)?\s*(?:about\s|approx\w*\s)?\s*"

_MENTIONS: Final[Mapping[str, re.Pattern[str]]] = {
    "pooling": re.compile(r"\bpool\w*|\b(?:max|avg|average|mean)-?pool\w*"),
    "optimizer": re.compile(
        r"\boptimi[sz]ers?\b|\b(?:sgd|adam|adamw|adamax|nadam|rmsprop|adagrad|adadelta|lion|lbfgs)\b|gradient descent"
    ),
    "learning_rate": re.compile(r"\blearning[- ]?rates?\b|\blr\b|\bschedul\w*|\bdecay\w*|\bwarm-?up\b|\bannealing\b"),
    "epochs": re.compile(r"\bepochs?\b|\bearly[- ]stop\w*"),
    "batch_size": re.compile(r"\bbatch[- ]?sizes?\b|\bbatches of\b"),
    "dropout": re.compile(r"\bdrop-?out\b"),
    "layers": re.compile(r"\bconv(?:olution(?:al)?)?2?d?[- ]layers?\b"),
}
_POOLING: Final = {
    "max pooling": re.compile(r"\bmax(?:imum)?[- ]?pool\w*"),
    "average pooling": re.compile(r"\b(?:avg|average|mean)[- ]?pool\w*"),
}
_OPTIMIZERS: Final = {
    "SGD": re.compile(r"\bsgd\b|\bstochastic gradient descent\b"),
    **{
        name: re.compile(rf"\b{name.casefold()}\b")
        for name in ("Adam", "AdamW", "Adamax", "NAdam", "RMSprop", "Adagrad", "Adadelta")
    },
}
_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "learning_rate": re.compile(rf"\b(?:learning[- ]?rate|lr){_IS}{_NUMBER}{_WHOLE}"),
    "batch_size": re.compile(rf"\bbatch[- ]?size{_IS}(\d{{1,5}})\b|\bbatches of\s(?:size\s)?(\d{{1,5}})\b"),
    "epochs": re.compile(
        rf"\btrain(?:ed|ing)?\b[^.;,]{{0,40}}?\b(?:for|over|during)\s{_COUNT.replace('1,2', '1,4')}\s+epochs\b"
    ),
    "dropout": re.compile(
        rf"\bdrop-?out(?:\s(?:rate|probability))?{_IS}(?:p\s?=\s?|probability\s|(?:a\s)?rate of\s)?{_NUMBER}"
        rf"\s?(%|percent)?|{_NUMBER}\s?(%|percent)\s+drop-?out"
    ),
    "layers": re.compile(
        rf"(?:has|had|have|uses?|used|contains?|of|comprises?|includes?)\s+(?:a total of\s|exactly\s)?{_COUNT}\s+"
        r"(?:2d\s)?conv(?:olution(?:al)?)?[- ]layers\b"
    ),
}
_AFTER_EVERY = re.compile(
    r"\b(?:after|every|these|those|the|all|between)\s+(?:every\s|all\s)?(?:\w+\s)?conv\w*[- ]layers?\b"
)
_FRACTIONS = re.compile(r"(?<![\d.])(?:0?\.\d+|\d+(?:\.\d+)?\s?(?:e\s?-|%))")
_FOR_A_PART = r"\bfor (?:the |our |my )?(?!training|model|network|cnn|optimi|all|both|classification)\w+"
# What makes a sentence speak of one place in the network, or of one part of the training, among several perhaps.
_NOT_WITH: Final[Mapping[str, re.Pattern[str]]] = {
    "pooling": re.compile(
        r"\b(?:global|adaptive|before|end|behind|follow\w*)\b|\bafter\b(?! (?:every|each|all|both|the conv))"
    ),
    "optimizer": re.compile(_FOR_A_PART),
    "learning_rate": re.compile(_FOR_A_PART),
    "epochs": re.compile(r"\bon (?:the )?(?:[\w-]*mnist|cifar)"),
    "batch_size": re.compile(rf"\b(?:test|testing|validation|evaluation|val|effective|accumul\w*)\b|{_FOR_A_PART}"),
    "dropout": re.compile(
        r"\b(?:after|before|between|behind|follow\w*|conv\w*|dense|linear|fully|hidden|input|output|block\w*)\b"
    ),
    "layers": re.compile(
        r"\bfollow\w*|\bblocks?\b|\bparts?\b|\bbranch\w*|\bmodules?\b|\beach\b|\bstack\w*|"
        r"\b(?:channels?|filters?|kernels?|maps?|strides?|padding|size)\b"
    ),
}


def mentions_in(sentence: Sentence) -> Iterator[Mention]:
    """Each topic that a sentence touches, with what it states of it.

    >>> said = Sentence("In my model I use max pooling after every two convolutional layers.", ((0, 7),))
    >>> [(one.topic, one.said.value if one.said else None) for one in mentions_in(said)]
    [('pooling', 'max pooling'), ('layers', None)]
    >>> [one.said for one in mentions_in(Sentence("We tried max pooling.", ((0, 1),)))]
    [None]
    """
    text = sentence.text.casefold()
    if len(text) > LONGEST:
        return
    touched = [topic for topic in TOPICS if _MENTIONS[topic].search(text)]
    if not touched:
        return
    plain = _ASIDE.sub(lambda found: " " * len(found[0]), text)  # offsets stay those of the sentence
    setting = _SETTING.fullmatch(text)
    is_setting = setting is not None and len(text) <= 80
    states = bool(_STATES.search(plain)) and not _WAVERS.search(plain)
    is_plain_setting = is_setting and not _WAVERS.search(plain)
    for topic in touched:
        found = _stated(topic, plain) if states or is_plain_setting else None
        if found is None:
            yield Mention(topic, None)
        else:
            value, at = found
            yield Mention(
                topic, Statement(topic, value, sentence.line_at(at), sentence.text, is_setting and not states)
            )


def _stated(topic: str, text: str) -> tuple[str, int] | None:
    """(value, where it stands) where the text has exactly one."""
    if topic in _NOT_WITH and _NOT_WITH[topic].search(text):
        return None
    if topic in ("pooling", "optimizer"):
        return _only(_POOLING if topic == "pooling" else _OPTIMIZERS, text)
    if topic == "layers":
        counted = list(_MENTIONS["layers"].finditer(text))
        told = list(_AFTER_EVERY.finditer(text))
        if len(counted) - len(told) > 1:
            return None
    if topic in ("dropout", "learning_rate") and len(_FRACTIONS.findall(text)) > 1:
        return None
    found = list(_VALUES[topic].finditer(text))
    if len(found) != 1:
        return None
    groups = [group for group in found[0].groups() if group is not None]
    value = _number(groups[0])
    if value is None:
        return None
    if len(groups) > 1 and groups[1] in ("%", "percent"):
        value /= 100
    return f"{float(value):g}", found[0].start()


def _only(kinds: Mapping[str, re.Pattern[str]], text: str) -> tuple[str, int] | None:
    found = [(name, match.start()) for name, pattern in kinds.items() if (match := pattern.search(text))]
    return found[0] if len(found) == 1 else None


def _number(text: str) -> Fraction | None:
    """A number as it is written in prose.

    >>> [str(_number(text)) for text in ("four", "5e-2", "10^{-3}", ".5", "1e - 4")]
    ['4', '1/20', '1/1000', '1/2', '1/10000']
    """
    if text in _WORDS:
        return Fraction(_WORDS[text])
    bare = text.replace(" ", "")
    power = re.fullmatch(r"10\^?\{?(-\d)\}?", bare)
    try:
        return Fraction(10) ** int(power[1]) if power else Fraction(bare)
    except (ValueError, ZeroDivisionError):
        return None
