"""What does a person say about a layer in words: "3x3 conv, 64, /2", "F=5, p=2, s=1", "Conv(3->64) + BN x2"?

Each layer that a text names comes with what is stated of it, in the words of make_layer; nothing is filled in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache

from grader.architecture.readers._hand_cells import plain
from grader.architecture.readers._layer_words import ACTIVATIONS, LayerWord, begins_with_layer, layer_words
from grader.architecture.readers._repr_settings import settings_of
from grader.frozen import dataclass
from grader.model import Json


@dataclass(slots=True)
class Described:
    """A layer in a person's words. `text` is what was said of it, `settings` what it states."""

    text: str
    word: LayerWord
    settings: dict[str, Json] = field(default_factory=dict)
    name: str = ""


_WHOLE = r"(\d{1,7})"
_PAIR = r"[(\[]?\s?(\d{1,4})(?:\s?[x×X,*]\s?(\d{1,4}))?(?:\s?[x×X,*]\s?\d{1,4})?\s?[)\]]?"
_IS = r"\s?(?:size|dim)?\s?[:=]?\s?(?:of\s)?"
_KERNEL = re.compile(
    rf"(?:kernel(?:[\s_-]?size)?|filter[\s_-]?size|window(?:[\s_-]?size)?|pool(?:[\s_-]?size)|patch(?:[\s_-]?size)?|\bk(?=\s?=)|\bF(?=\s?=)){_IS}{_PAIR}",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?<![\w.,])(\d{1,3})\s?[x×X]\s?(\d{1,3})(?!\s?[x×X@]?\s?\d)(?![\w])(?!\s?strides?\b)")
_FOUR = re.compile(r"(?<![\w.])(\d{1,3})\s?[x×X*]\s?(\d{1,3})\s?[x×X*]\s?(\d{1,5})\s?[x×X*]\s?(\d{1,5})(?![\w.])")
_STRIDE = re.compile(rf"(?:strides?|schrittweite|\bs(?=\s?[=:])){_IS}{_PAIR}|(?<=[\s,])/\s?(\d)\b", re.IGNORECASE)
_BEFORE_STRIDE = re.compile(r"(?<![\w.,x×])(\d{1,2})\s?[x×]\s?(\d{1,2})\s?strides?\b(?!\s?[:=]?\s?\d)", re.IGNORECASE)
_PADDING = re.compile(rf"(?:padding|\bpad|\bp(?=\s?[=:])){_IS}(?:{_PAIR}|[\"']?(same|valid))", re.IGNORECASE)
_SAME = re.compile(r"[\"'(\s,]?(same|valid)[\"']?[\s-]?padding|padding\s?[:=]?\s?[\"']?(same|valid)", re.IGNORECASE)
_DILATION = re.compile(rf"dilation(?:[\s_-]rate)?{_IS}{_PAIR}", re.IGNORECASE)
_GROUPS = re.compile(rf"groups{_IS}{_WHOLE}", re.IGNORECASE)
_OUT = re.compile(
    rf"(?:out(?:put)?(?:[\s_-]?(?:channels?|features?|dim|size|maps))?|filters?|units|neurons|nodes|hidden[\s_-]?size)"
    rf"\s?[:=]\s?(?:[\d\s*x×]{{1,30}}=\s?)?{_WHOLE}(?!\d|\s?[x×])",
    re.IGNORECASE,
)
_IN = re.compile(
    rf"(?:\bin(?:put)?(?:[\s_-]?(?:channels?|features?|dim|size))?)\s?[:=]\s?(?:[\d\s*x×]{{1,30}}=\s?)?{_WHOLE}(?!\d|\s?[x×*,]\s?\d)",
    re.IGNORECASE,
)
_MANY = re.compile(
    rf"{_WHOLE}\s?(?:filters?|(?:output\s)?channels?|feature\smaps|maps|kernels|hidden\sunits|units|neurons|nodes|outputs|filter\b|kanäle|neuronen)",
    re.IGNORECASE,
)
_ARROW = re.compile(rf"(?<![\w.]){_WHOLE}\s?-{{1,2}}>\s?{_WHOLE}(?![\w.]|\s?[x×])")
_ACTIVATION = re.compile(
    r"(?:activation|aktivierung\w{0,10}|nonlinearity)(?:\s?function)?\s?[:=]?\s?(.{1,40})", re.IGNORECASE
)
_RATE = re.compile(
    r"(?:\bp\s?[=:]?\s?|rate\s?[=:]?\s?|prob\w{0,7}\s?[=:]?\s?|\(\s?)?(0?[.,]\d{1,4}|\d{1,2}\s?%)", re.IGNORECASE
)
# "Conv x3", "64 filters, 3x3 (x2)", "3x conv"; but "MaxPool 2 x 2", "Conv (5 x 5)" are windows, "Dense (25)" a width.
_TIMES = re.compile(
    r"(?<![\s\d])\s[x×*]\s?(\d{1,2})\s*$|(?<=\d\d)\s[x×*](\d{1,2})\s*$|(?<=\d[x×]\d)\s[x×*]\s?(\d{1,2})\s*$"
    r"|\s\(\s?[x×]\s?(\d{1,2})\s?\)\s*$|^\s*(\d{1,2})\s?[x×]\s(?=\D)"
)
_CALL = re.compile(
    r"^\s*(?:\(?([\w.]{1,40})\)?\s?:\s?)?(?:nn\.|torch\.nn\.|layers\.)?([A-Za-z]\w{1,40})\s?\((.{0,600})\)\s*;?$",
    re.DOTALL,
)


def described(text: str) -> list[Described]:
    """Every layer that a cell describes, in order; repeated ones as often as they are.

    >>> [(one.word.kind, one.settings) for one in described("3x3 conv, 64, /2")]
    [('conv2d', {'out_channels': 64, 'kernel': [3, 3], 'stride': 2})]
    >>> [one.text for one in described("Conv(3->64) + BN x2, MaxPool(2)")]
    ['Conv(3->64)', 'BN', 'Conv(3->64)', 'BN', 'MaxPool(2)']
    """
    made: list[Described] = []
    for group, times in _cached_groups(plain(text)):
        layers = [one for piece in group for one in _one(piece)]
        for turn in range(times):
            for one in layers:
                settings = dict(one.settings)
                if turn:
                    # The second of two equal layers takes what the first one gave.
                    settings.pop("in_channels", None)
                    settings.pop("in_features", None)
                made.append(Described(one.text, one.word, settings, one.name))
    return made


@lru_cache(maxsize=4096)
def _cached_groups(text: str) -> tuple[tuple[list[str], int], ...]:
    return tuple(_groups(text))


def _groups(text: str) -> Iterator[tuple[list[str], int]]:
    """The texts of the layers that a cell joins by plus, comma, arrow or bullets, with how often the group stands."""
    for part in _split(text, ",;"):
        times = 1
        found = _TIMES.search(part)
        if found and layer_words(part):
            times = max(1, min(int(found[found.lastindex or 0]), 20))
            part = part[: found.start()] if found.start() else part[found.end() :]  # noqa: PLW2901 - the rest of it
        yield _split(part, "+&•"), times


def _split(text: str, marks: str) -> list[str]:
    """The text parted at marks outside brackets, where a layer begins behind the mark."""
    pieces, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(depth - 1, 0)
        elif depth == 0 and (character in marks or (text.startswith("->", place) and "+" in marks)):
            behind = text[place + (2 if character == "-" else 1) :]
            after = begins_with_layer(behind)
            # "conv, 3x3 kernel" and "Conv, stride 2" go on about the layer; "Conv, MaxPool" names the next.
            if after is None or not layer_words(text[begin:place]) or _is_setting(behind):
                continue
            pieces.append(text[begin:place])
            begin = place + (2 if character == "-" else 1)
    pieces.append(text[begin:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _is_setting(text: str) -> bool:
    return bool(
        re.match(r"\s{0,3}(?:activation|kernel|stride|padding|filter|out|in)\w{0,12}\s?[:=]", text, re.IGNORECASE)
    )


@lru_cache(maxsize=4096)
def _one(text: str) -> tuple[Described, ...]:
    word = begins_with_layer(text)
    if word is None:
        return ()
    call = _CALL.match(text)
    if call is not None and call.group(1) and not layer_words(call.group(2)):
        word = begins_with_layer(text) or word
    name = call.group(1) or "" if call is not None else ""
    if call is not None and "=" in call.group(3) and ":" not in call.group(3):
        said = settings_of(call.group(2), call.group(3))
        if "kind" in said:
            return (Described(text, word, dict(said), name),)
    return (Described(text, word, stated(text, word), name),)


def stated(text: str, word: LayerWord) -> dict[str, Json]:
    """What a text states of a layer of this kind.

    >>> word = layer_words("Conv2D")[0]
    >>> stated("F=5, p=2, s=1", word), stated("in: 3, out: 32, kernel size: 3", word)
    ({'kernel': 5, 'stride': 1, 'padding': 2}, {'in_channels': 3, 'out_channels': 32, 'kernel': 3})
    """
    return dict(_stated(plain(text), word))


@lru_cache(maxsize=4096)
def _stated(text: str, word: LayerWord) -> dict[str, Json]:
    family = word.word.rstrip("?")
    if family in {"conv", "conv_transpose", "depthwise", "separable"}:
        return {**_channels(text, "channels", word), **_windows(text, word)}
    if "pool" in family:
        if "adaptive" in family or "global" in family:
            size = _argument(text, word)
            return {"output_size": size} if size is not None else {"output_size": 1} if "global" in family else {}
        return _windows(text, word)
    if family == "linear":
        return _channels(text, "features", word)
    if family in {"dropout", "dropout_spatial", "alpha_dropout"}:
        found = _RATE.search(text, word.end if word.end <= len(text) else 0) or _RATE.search(text)
        return {"p": _share(found.group(1))} if found else {}
    if family in {"batch_norm", "instance_norm"}:
        many = re.search(rf"{_WHOLE}\s?(?:features|channels)", text) or re.search(rf"\(\s?{_WHOLE}\s?\)", text)
        return {"num_features": int(many.group(1))} if many else {}
    return {}


def _argument(text: str, word: LayerWord) -> Json:
    found = re.match(r"\s?\(\s?(?:output_size\s?=\s?)?\(?\s?(\d{1,4})(?:\s?[,x]\s?(\d{1,4}))?", text[word.end :])
    if found is None:
        return None
    return [int(found.group(1)), int(found.group(2))] if found.group(2) else int(found.group(1))


def _channels(text: str, noun: str, word: LayerWord) -> dict[str, Json]:
    settings: dict[str, Json] = {}
    arrow, into, out, many = (pattern.search(text) for pattern in (_ARROW, _IN, _OUT, _MANY))
    if arrow:
        settings[f"in_{noun}"], settings[f"out_{noun}"] = int(arrow.group(1)), int(arrow.group(2))
    if into:
        settings.setdefault(f"in_{noun}", int(into.group(1)))
    if out:
        settings.setdefault(f"out_{noun}", int(out.group(1)))
    elif many:
        settings.setdefault(f"out_{noun}", int(many.group(1)))
    four = _FOUR.search(text)
    if four and noun == "channels" and not arrow:
        settings.setdefault("in_channels", int(four.group(3)))
        settings.setdefault("out_channels", int(four.group(4)))
    if settings:
        return settings
    vgg = re.search(r"conv\d-(\d{2,4})\b", text, re.IGNORECASE) if noun == "channels" else None
    if vgg:
        return {"out_channels": int(vgg.group(1))}
    # "Linear 2048, 64", "Conv2d(3, 64, 3)", "conv 64", "Dense(10)": bare numbers behind the word.
    behind = text[word.end :] if word.end <= len(text) else text
    bare = re.match(r"[\s:(-]{0,3}(\d{1,7})(?:\s?,\s?(\d{1,7}))?(?:\s?,\s?(\d{1,3}))?(?![\w.]|\s?[x×X*])", behind)
    if bare is None:
        after = re.match(r"[^,]{0,30},\s?(\d{1,5})(?=\s?(?:,|$|[)\]]))", behind)
        return {f"out_{noun}": int(after.group(1))} if after and noun == "channels" else {}
    first, second, third = bare.groups()
    is_name = not behind.lstrip().startswith("(") and second is None and (behind[:1].isdigit() or int(first) < 10)
    if is_name:
        return {}
    if second is None:
        return {f"out_{noun}": int(first)}
    settings = {f"in_{noun}": int(first), f"out_{noun}": int(second)}
    if third is not None and noun == "channels":
        settings["kernel"] = int(third)
    return settings


def _windows(text: str, word: LayerWord) -> dict[str, Json]:
    settings: dict[str, Json] = {}
    kernel, size, four = _KERNEL.search(text), _SIZE.search(text), _FOUR.search(text)
    if kernel:
        settings["kernel"] = _pair(kernel.group(1), kernel.group(2))
    elif four and word.word == "conv?":
        settings["kernel"] = [int(four.group(1)), int(four.group(2))]
    elif size:
        settings["kernel"] = _pair(size.group(1), size.group(2))
    elif vgg := re.search(r"conv(\d)-\d{2,4}\b", text, re.IGNORECASE):
        settings["kernel"] = int(vgg.group(1))
    elif "pool" in word.word and word.end <= len(text):
        bare = re.match(r"\s?\(\s?\(?(\d{1,3})(?:\s?,\s?(\d{1,3}))?", text[word.end :])
        if bare:
            settings["kernel"] = int(bare.group(1))
            if bare.group(2):
                settings["stride" if "((" not in text[word.end :][:4] else "kernel"] = int(bare.group(2))
    stride, padding, same = _STRIDE.search(text), _PADDING.search(text), _SAME.search(text)
    if before := _BEFORE_STRIDE.search(text):
        settings["stride"] = _pair(before.group(1), before.group(2))
    elif stride:
        settings["stride"] = int(stride.group(3)) if stride.group(3) else _pair(stride.group(1), stride.group(2))
    if padding and padding.group(1):
        settings["padding"] = _pair(padding.group(1), padding.group(2))
    elif padding or same:
        found = padding.group(3) if padding else None
        settings["padding"] = (found or (same and (same.group(1) or same.group(2))) or "same").lower()
    dilation, groups = _DILATION.search(text), _GROUPS.search(text)
    if dilation:
        settings["dilation"] = _pair(dilation.group(1), dilation.group(2))
    if groups:
        settings["groups"] = int(groups.group(1))
    return settings


def _pair(first: str, second: str | None) -> Json:
    """One number, or a list of two, as it was written."""
    return int(first) if second is None else [int(first), int(second)]


def _share(text: str) -> float:
    text = text.replace(",", ".").strip()
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def activation_of(text: str) -> str:
    """The activation that a text states outright ("activation: ReLU"), or is; "" where it states none.

    >>> activation_of("activation: LeakyReLU"), activation_of("Softmax"), activation_of("Conv2D"), activation_of("None")
    ('leaky_relu', 'softmax', '', '')
    """
    found = _ACTIVATION.search(text)
    said = found.group(1) if found else text
    word = begins_with_layer(said)
    return word.kind if word is not None and word.kind in ACTIVATIONS and (found or len(text) < 30) else ""
