"""Which layer does a person mean by "Fully-connected 1", "3x3 conv, 64", "Faltungsschicht", "GAP"?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from grader.frozen import dataclass

# Words and how make_layer calls the kind; "?" stands for the dimensions, 2 where a person names none.
# The longer and more special stands first: the words are tried in this order at each place.
_WORDS: tuple[tuple[str, str], ...] = (
    (r"(?:depth[\s_-]?wise[\s_-]{0,2})?separable[\s_-]?conv(?:olution(?:al)?)?\w{0,4}", "separable"),
    (r"depth[\s_-]?wise[\s_-]?(?:conv(?:olution(?:al)?)?)?\w{0,4}", "depthwise"),
    (r"(?:transposed?|fractionally[\s-]strided)[\s_-]?conv(?:olution(?:al)?)?[\s_-]?D?", "conv_transpose?"),
    (r"conv(?:olution(?:al)?)?[\s_-]?([123])?d?[\s_-]?transposed?[\s_-]?D?", "conv_transpose?"),
    (r"de-?conv(?:olution(?:al)?)?[\s_-]?D?", "conv_transpose?"),
    (r"up[\s_-]?conv(?:olution(?:al)?)?[\s_-]?D?", "conv_transpose?"),
    (r"conv[\s_-]?lstm\w{0,3}", "conv_lstm"),
    (r"convolution(?:al)?[\s_-]?D?", "conv?"),
    (r"conv[\s_-]?D?", "conv?"),
    (r"faltung(?:s-?(?:schicht|layer|ebene))?[\s_-]?D?", "conv?"),
    (r"(?:global[\s_-]?(?:avg|average|mean)[\s_-]?pool(?:ing)?|gap\b)[\s_-]?D?", "global_avg_pool?"),
    (r"global[\s_-]?max[\s_-]?pool(?:ing)?[\s_-]?D?", "global_max_pool?"),
    (r"adaptive[\s_-]?(?:avg|average)[\s_-]?pool(?:ing)?[\s_-]?D?", "adaptive_avg_pool?"),
    (r"adaptive[\s_-]?max[\s_-]?pool(?:ing)?[\s_-]?D?", "adaptive_max_pool?"),
    (r"max(?:imum)?[\s_-]?pool(?:ing)?[\s_-]?D?", "max_pool?"),
    (r"(?:avg|average|mean|mittelwert-?)[\s_-]?pool(?:ing)?[\s_-]?D?", "avg_pool?"),
    (r"(?:sub[\s_-]?sampling|pool(?:ing)?)[\s_-]?D?", "pool?"),
    (r"batch[\s_-]?norm(?:ali[sz]ation|alisierung)?[\s_-]?D?", "batch_norm?"),
    (r"bn(?=[\d\W_]|$)[\s_-]?D?", "batch_norm?"),
    (r"layer[\s_-]?norm(?:ali[sz]ation)?", "layer_norm"),
    (r"group[\s_-]?norm(?:ali[sz]ation)?", "group_norm"),
    (r"instance[\s_-]?norm(?:ali[sz]ation)?[\s_-]?D?", "instance_norm?"),
    (r"(?:local[\s_-]?response[\s_-]?norm(?:ali[sz]ation)?|lrn\b)", "local_response_norm"),
    (r"fully[\s_-]{0,3}conn?ected(?:[\s_-]?layer)?", "linear"),
    (r"fc(?=[\d\W_]|$)", "linear"),
    (r"vollst(?:ä|ae)ndig[\s-]verbunden\w{0,3}|voll[\s-]?(?:verbunden|vernetzt)\w{0,3}|vollvermascht\w{0,3}", "linear"),
    (r"linear(?!ly|ity)", "linear"),
    (r"dense(?!\s?net|\s?block)", "linear"),
    (r"inner[\s-]?product", "linear"),
    (r"un-?flatten", "unflatten"),
    (r"flatten(?:ing)?", "flatten"),
    (r"view(?=[\W_]|$)", "flatten"),
    (r"reshape", "reshape"),
    (r"spatial[\s_-]?drop-?out[\s_-]?D?", "dropout_spatial?"),
    (r"alpha[\s_-]?drop-?out", "alpha_dropout"),
    (r"drop-?out[\s_-]?([123])d", "dropout_spatial?"),
    (r"drop-?out", "dropout"),
    (r"log[\s_-]?soft-?max", "log_softmax"),
    (r"soft-?max", "softmax"),
    (r"leaky[\s_-]?relu", "leaky_relu"),
    (r"p-?relu(?!\d)", "prelu"),
    (r"relu[\s_-]?6", "relu6"),
    (r"relu(?=[\d\W_]|$)", "relu"),
    (r"selu\b", "selu"),
    (r"celu\b", "celu"),
    (r"gelu\b", "gelu"),
    (r"elu\b", "elu"),
    (r"(?:silu|swish)\b", "silu"),
    (r"hard[\s_-]?swish\b", "hardswish"),
    (r"hard[\s_-]?sigmoid\b", "hardsigmoid"),
    (r"mish\b", "mish"),
    (r"log[\s_-]?sigmoid\b", "log_sigmoid"),
    (r"sigmoid\b", "sigmoid"),
    (r"tan-?h\b", "tanh"),
    (r"soft-?plus\b", "softplus"),
    (r"soft-?sign\b", "softsign"),
    (r"embedding", "embedding"),
    (r"lstm(?=[\d\W_]|$)", "lstm"),
    (r"gru(?=[\d\W_]|$)", "gru"),
    (r"(?:simple[\s_-]?)?rnn(?=[\d\W_]|$)", "rnn"),
    (r"up-?sampl(?:e|ing)[\s_-]?D?", "upsample"),
    (r"zero[\s_-]?pad(?:ding)?[\s_-]?D?", "zero_pad?"),
    (r"pixel[\s_-]?shuffle", "pixel_shuffle"),
    (r"identity", "identity"),
)
_DIMS = r"(?:([123])[\s-]?d(?![a-z]))?"
_ANY = re.compile(
    "|".join(f"(?P<w{number}>(?<![A-Za-z]){word.replace('D?', _DIMS)})" for number, (word, _) in enumerate(_WORDS)),
    re.IGNORECASE,
)
_BEGINS = (
    "conv", "sepa", "dept", "tran", "frac", "deco", "de-c", "up", "falt", "glob", "gap", "adap", "max", "avg", "aver",
    "mean", "mitt", "sub", "pool", "batc", "bn", "laye", "grou", "inst", "loca", "lrn", "full", "fc", "voll", "line",
    "dens", "inne", "unfl", "un-f", "flat", "view", "resh", "spat", "alph", "drop", "log", "soft", "leak", "prel",
    "p-re", "relu", "selu", "celu", "gelu", "elu", "silu", "swis", "hard", "mish", "sigm", "tan", "embe", "lstm",
    "gru", "simp", "rnn", "zero", "pixe", "iden",
)  # fmt: skip

_LONGEST_BEGIN = max(map(len, _BEGINS))
_BEGIN_OF_WORD = re.compile(rf"(?:^|[^a-z])({'|'.join(_BEGINS)})")

# They change what a network computes with weights or sizes: a table without one of them is not about layers.
STRUCTURAL = (
    "conv",
    "linear",
    "embedding",
    "lstm",
    "gru",
    "rnn",
    "separable",
    "depthwise",
    "max_pool",
    "avg_pool",
    "pool",
)
ACTIVATIONS = frozenset(
    {"relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "log_sigmoid",
     "tanh", "softplus", "softsign", "softmax", "log_softmax", "hardswish", "hardsigmoid"}
)  # fmt: skip
_LEADING = frozenset(
    """a the first second third fourth fifth last final hidden output input initial standard strided dilated regular
    normal spatial global erste zweite dritte letzte 2d 1d 3d size filter filters kernel kernels max the of with same
    valid pointwise grouped residual block layer layers unit nn torch tf keras an bottleneck shortcut downsample
    schicht conv""".split()  # noqa: SIM905 - words
)
_ORDINAL = re.compile(r"\d{1,4}(?:st|nd|rd|th|\.)?|[\dx×*]{1,12}|c\d|s\d|f\d|[a-z]")
_LONGEST = 400  # characters in which a word is looked for


@dataclass(frozen=True, slots=True)
class LayerWord:
    """A layer that a text names: the kind in make_layer's words ("" for one that it does not have), and where.

    `word`  the rule that matched, such as "conv?" or "global_avg_pool?";  `dims` as stated, 0 where not
    """

    kind: str
    word: str
    dims: int
    start: int
    end: int


@lru_cache(maxsize=16384)
def layer_words(text: str) -> tuple[LayerWord, ...]:
    """Every layer that a text names, in order.

    >>> [(one.kind, text[one.start : one.end]) for text in ["3x3 Conv2D + BN, ReLU"] for one in layer_words(text)]
    [('conv2d', 'Conv2D'), ('batch_norm2d', 'BN'), ('relu', 'ReLU')]
    >>> layer_words("nonlinear, pooled results, convergence")
    ()
    """
    lowered = text[:_LONGEST].lower()
    if not any(map(lowered.__contains__, _BEGINS)):
        return ()
    found = []
    for match in _matches(text[:_LONGEST], lowered):
        number = int(str(match.lastgroup)[1:])
        rest = text[match.end() : match.end() + 1]
        word = _WORDS[number][1]
        if rest.isalpha() and not _may_go_on(word, lowered[match.end() :]):
            continue
        if word == "linear" and lowered[max(match.start() - 4, 0) : match.start()] in {"non-", "non "}:
            continue
        stated = next((group for group in match.groups()[1:] if group and group in "123"), None)
        dims = int(stated) if stated else 0
        found.append(LayerWord(_kind(word, dims or 2), word, dims, match.start(), match.end()))
    return tuple(found)


def _matches(text: str, lowered: str) -> Iterator[re.Match[str]]:
    """As `_ANY.finditer`, which asks for all the words at every place of the text."""
    if len(lowered) != len(text) or not text.isascii():
        yield from _ANY.finditer(text)
        return
    place = 0
    while begin := _BEGIN_OF_WORD.search(lowered, place):
        match = _ANY.match(text, begin.start(1))
        if match:
            yield match
        # The sign before a word may be the last one of the word before it.
        place = max(match.end() - 1 if match else 0, begin.start(1) + 1)


def may_begin_with_layer(text: str, most: int) -> bool:
    """Can a layer's word begin within the first `most` characters? A quick test."""
    return not text.isascii() or _BEGIN_OF_WORD.search(text[: most + _LONGEST_BEGIN].lower()) is not None


def _may_go_on(word: str, rest: str) -> bool:
    """True for letters that may follow a word: "ConvBlock", "Conv2dNormActivation", "convs", "Poolinglayer"."""
    return (
        rest.startswith(("s ", "s,", "layer", "block", "schicht"))
        or rest in {"s", "layers"}
        or (word == "conv?" and rest.startswith(("norm", "bn", "relu", "x")))
    )


def _kind(word: str, dims: int) -> str:
    special = {
        "pool?": f"max_pool{dims}d",
        "global_avg_pool?": f"adaptive_avg_pool{dims}d",
        "global_max_pool?": f"adaptive_max_pool{dims}d",
        "dropout_spatial?": f"dropout{dims}d",
        "separable": "", "depthwise": "", "conv_lstm": "", "local_response_norm": "", "reshape": "",
    }  # fmt: skip
    return special.get(word, word.replace("?", f"{dims}d"))


def is_structural(word: str) -> bool:
    """True for layers with weights or a change of size, by the `word` of a LayerWord."""
    return word.startswith(STRUCTURAL) or "pool" in word


@lru_cache(maxsize=16384)
def begins_with_layer(text: str) -> LayerWord | None:
    """The layer that a text is about: one named at its beginning, after numbers, sizes and words like "hidden".

    >>> begins_with_layer("1st hidden layer: fully connected").kind, begins_with_layer("(conv1): Conv2d(1, 6)").kind
    ('linear', 'conv2d')
    >>> begins_with_layer("We tried more convolutions") is None
    True
    """
    words = layer_words(text)
    if not words:
        return None
    first = words[0]
    before = re.sub(r"[^a-z0-9×.]+", " ", text[: first.start].lower()).split()
    for piece in before:
        if piece.strip(".") not in _LEADING and not _ORDINAL.fullmatch(piece.strip(".")):
            return None
    # "(conv1): Conv2d(...)" and "conv1: 3x3 convolution": the class says more than the name.
    if (
        len(words) > 1
        and words[1].start - first.end <= 8
        and re.fullmatch(r"[\w. ]{0,4}\)?\s?[:=\-–(]\s?[\w. ]{0,4}", text[first.end : words[1].start])
    ):
        same = words[1].kind.rstrip("123d") == first.kind.rstrip("123d")
        return words[1] if same or first.word == "pool?" else first
    return first
