"""What do the words between the brackets of a printed module say about the layer?

`Conv2d(3, 32, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))` becomes the settings of `make_layer`. A class that
`make_layer` does not know, or that is told something it cannot express, keeps the printed words and gets no "kind".

Source:  extra_repr of every class of torch.nn, torch 0.3 to 2.13
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import prod

from grader.architecture.kinds import KINDS, TORCH_NAMES, make_layer
from grader.architecture.readers._torch_names import PARAMETER_FREE
from grader.architecture.shapes import ShapeError
from grader.model import Json

LONGEST = 1_000  # characters between the brackets; PyTorch prints some 150

# Classes that are printed as another and are built as that one.
_SAME = {
    "UpsamplingNearest2d": "upsample",
    "UpsamplingBilinear2d": "upsample",
    "NonDynamicallyQuantizableLinear": "linear",
}
_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
_PLACES: dict[str, tuple[str, ...]] = {
    "linear": ("in_features", "out_features", "bias"),
    "embedding": ("num_embeddings", "embedding_dim", "padding_idx"),
    "group_norm": ("num_groups", "num_channels"),
    "layer_norm": ("normalized_shape",),
    "prelu": ("num_parameters",),
    "leaky_relu": ("negative_slope",),
    "softmax": ("dim",),
    "log_softmax": ("dim",),
    "flatten": ("start_dim", "end_dim"),
    "unflatten": ("dim", "unflattened_size"),
    "upsample": ("size", "scale_factor", "mode"),
    "pixel_shuffle": ("upscale_factor",),
    "pixel_unshuffle": ("downscale_factor",),
    "EmbeddingBag": ("num_embeddings", "embedding_dim"),
    "GRUCell": ("input_size", "hidden_size"),
    "LSTMCell": ("input_size", "hidden_size"),
    "RNNCell": ("input_size", "hidden_size"),
    "RMSNorm": ("normalized_shape",),
    "LayerNorm2d": ("normalized_shape",),
    "SyncBatchNorm": ("num_features",),
    "FrozenBatchNorm2d": ("num_features",),
    "LocalResponseNorm": ("size",),
    "CrossMapLRN2d": ("size",),
    "Hardshrink": ("lambd",),
    "Softshrink": ("lambd",),
}
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("conv", ("in_channels", "out_channels", "kernel_size", "stride", "padding")),
    ("max_pool", _POOL),
    ("avg_pool", (*_POOL[:3], "ceil_mode")),
    ("lp_pool", ("norm_type", "kernel_size", "stride", "ceil_mode")),
    ("adaptive", ("output_size",)),
    ("batch_norm", ("num_features",)),
    ("instance_norm", ("num_features",)),
    ("zero_pad", ("padding",)),
    ("dropout", ("p",)),
    ("alpha_dropout", ("p",)),
    ("feature_alpha_dropout", ("p",)),
)
# They change neither shape nor count.
_HARMLESS = frozenset(
    {"eps", "momentum", "inplace", "dropout", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse"}
    | {"approximate", "alpha", "beta", "threshold", "min_val", "max_val", "count_include_pad", "align_corners", "lambd"}
    | {"nonlinearity", "device", "dtype", "return_indices", "divisor_override", "recompute_scale_factor", "value", "p"}
)
# Layers of torchvision, timm and transformers that learn nothing.
_FREE_ELSEWHERE = frozenset(
    {"Permute", "StochasticDepth", "DropPath", "FrozenBatchNorm2d", "QuantStub", "DeQuantStub", "GELUActivation"}
    | {"NewGELUActivation", "FastGELUActivation", "QuickGELUActivation", "SiLUActivation", "PytorchGELUTanh"}
)
_KEYS = {
    key.replace("_", ""): key
    for key in (
        "in_channels", "out_channels", "kernel_size", "stride", "padding", "output_padding", "dilation", "groups",
        "bias", "padding_mode", "ceil_mode", "output_size", "num_features", "affine", "track_running_stats",
        "in_features", "out_features", "num_embeddings", "embedding_dim", "padding_idx", "start_dim", "end_dim",
        "unflattened_size", "num_groups", "num_channels", "normalized_shape", "elementwise_affine", "num_parameters",
        "negative_slope", "scale_factor", "upscale_factor", "downscale_factor", "input_size", "hidden_size",
        "num_layers", "batch_first", "bidirectional", "proj_size", "in1_features", "in2_features", "norm_type",
        "count_include_pad", "align_corners", "max_norm", "scale_grad_by_freq", "max_val", "min_val",
    )
}  # fmt: skip
_ARROW = re.compile(r"(\d+) ?-?> ?(\d+)(?:, ?bias=(True|False))?", re.ASCII)
_BRACKETS = re.compile(r"[(\[{,)\]}'\"]")
_CELLS = {"GRUCell": 3, "LSTMCell": 4, "RNNCell": 1}


@lru_cache(maxsize=4096)
def settings_of(type_: str, words: str, *, has_modules: bool = False) -> Mapping[str, Json]:
    """The settings that the words state, with "kind" exactly where `make_layer` builds what PyTorch has.

    >>> settings_of("Linear", "in_features=784, out_features=10, bias=True")
    {'kind': 'linear', 'in_features': 784, 'out_features': 10, 'bias': True}
    >>> settings_of("GLU", "dim=-1")
    {'dim': -1}
    """
    name = type_.rpartition(".")[2]
    word = _SAME.get(name) or TORCH_NAMES.get(name, "")
    said = _said(word or name, words)
    made = _with_kind(word, said) if word and not has_modules else None
    return said if made is None else made


def _said(class_word: str, words: str) -> dict[str, Json]:
    """The printed words by their names; the ones without a name by the order of the class, else "arguments"."""
    arrow = _ARROW.fullmatch(words.strip()) if class_word == "linear" else None
    if arrow is not None:
        sizes = {"in_features": int(arrow[1]), "out_features": int(arrow[2])}
        return {**sizes, "bias": arrow[3] == "True"} if arrow[3] else sizes
    places = _places(class_word)
    said: dict[str, Json] = {}
    rest: list[Json] = []
    for at, piece in enumerate(_pieces(words)):
        key, equals, value = piece.partition("=")
        if equals and not key.startswith(("(", "[", "'", '"')):
            plain = key.replace("\\", "").strip()
            said[_KEYS.get(plain.replace(" ", "").replace("_", ""), plain)] = _value(value.strip())
        elif piece == "inplace":
            said["inplace"] = True
        elif at < len(places):
            said[places[at]] = _value(piece)
        else:
            rest.append(_value(piece))
    if rest:
        said["arguments"] = rest
    return said


def _places(class_word: str) -> tuple[str, ...]:
    if class_word in _PLACES:
        return _PLACES[class_word]
    if class_word in KINDS:
        if class_word in {"rnn", "lstm", "gru"}:
            return ("input_size", "hidden_size", "num_layers")
        return next((places for start, places in _FAMILIES if class_word.startswith(start)), ())
    return ()


def _with_kind(word: str, said: Mapping[str, Json]) -> dict[str, Json] | None:
    """The words as settings of the kind, or None where they are not all that it needs, or more than it knows."""
    kind = KINDS[word]
    names = {name: one.name for one in kind.settings for name in (one.name, one.torch_name) if name}
    if "_pool" in word and "size" in said:  # torch 0.3 called the kernel so
        names["size"] = "kernel"
    made: dict[str, Json] = {"kind": word}
    for key, value in said.items():
        name = names.get(key)
        if name is None:
            if key == "bias" and word.rstrip("123d_").endswith("norm") and (value or not said.get("affine")):
                continue
            if key in _HARMLESS:
                continue
            return None
        if value is not None:
            made[name] = _adapted(word, name, value)
    if any((one.fill is not None or one.is_required) and one.name not in made for one in kind.settings):
        return None
    try:
        make_layer(made, (1,))
    except ShapeError:
        return None
    return made


def _adapted(word: str, name: str, value: Json) -> Json:
    if name == "padding" and word.startswith("conv") and isinstance(value, str):
        return value.strip("'\"")
    return value


def _pieces(words: str) -> list[str]:
    """The words between the commas that stand in no bracket and no quotes."""
    if len(words) > LONGEST:
        return []
    made, depth, start, quote = [], 0, 0, ""
    for match in _BRACKETS.finditer(words):
        mark = match[0]
        if mark in "'\"":
            quote = "" if quote == mark else quote or mark
        elif quote:
            continue
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif depth == 0:
            made.append(words[start : match.start()])
            start = match.end()
    made.append(words[start:])
    return [piece.strip() for piece in made if piece.strip()]


def _value(text: str, depth: int = 0) -> Json:
    """A printed value: number, True, False, None, a list of them, or the text itself."""
    if text.isascii() and text.lstrip("-").isdigit():
        return int(text) if len(text) < 20 and text.count("-") < 2 else text
    if text in {"True", "False", "None"}:
        return {"True": True, "False": False}.get(text)
    if text.startswith("torch.Size("):
        text = text[len("torch.Size(") :].removesuffix(")")
    if text[:1] in {"(", "["} and text[-1:] in {")", "]"} and depth < 4:
        return [_value(piece, depth + 1) for piece in _pieces(text[1:-1])]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    try:
        number = float(text) if len(text) < 40 and text[-1:].isdigit() else None
    except ValueError:
        return text
    return text if number is None else number


def parameters_of(type_: str, settings: Mapping[str, Json]) -> int | None:
    """How many numbers a printed module itself learns, None where its print does not say.

    >>> parameters_of("Bilinear", {"in1_features": 3, "in2_features": 4, "out_features": 5, "bias": True})
    65
    >>> parameters_of("MultiheadAttention", {}) is None
    True
    """
    if "kind" in settings:
        return make_layer(settings, (1,)).parameter_count
    name = type_.rpartition(".")[2]
    if name in PARAMETER_FREE or name in _FREE_ELSEWHERE:
        return 0
    try:
        return _stated(name, settings)
    except (KeyError, TypeError, ValueError):
        return None


def _stated(name: str, said: Mapping[str, Json]) -> int | None:
    if name in {"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "DataParallel", "Tensor"}:
        return 0
    if name == "Parameter":
        return prod(_whole(size) for size in said["size"])
    if name == "Bilinear":
        out = _whole(said["out_features"])
        return out * _whole(said["in1_features"]) * _whole(said["in2_features"]) + out * bool(said["bias"])
    if name == "EmbeddingBag":
        return _whole(said["num_embeddings"]) * _whole(said["embedding_dim"])
    if name in _CELLS:
        hidden = _whole(said["hidden_size"])
        biases = 2 if said.get("bias", True) else 0
        return _CELLS[name] * hidden * (_whole(said["input_size"]) + hidden + biases)
    if name in {"RMSNorm", "LayerNorm2d"}:
        shape = said["normalized_shape"]
        numbers = prod(_whole(size) for size in (shape if isinstance(shape, list) else [shape]))
        factors = 1 if name == "RMSNorm" else 1 + bool(said.get("bias", True))
        return numbers * factors * bool(said["elementwise_affine"])
    if name == "Conv1D":  # GPT-2's linear layer as transformers prints it
        return _whole(said["nf"]) * (_whole(said["nx"]) + 1)
    if name.rstrip("123d") in {"BatchNorm", "InstanceNorm", "SyncBatchNorm", "GroupNorm"}:
        channels = said["num_channels"] if name == "GroupNorm" else said["num_features"]
        return _whole(channels) * bool(said["affine"]) * (1 + bool(said.get("bias", True)))
    return None


def _whole(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise TypeError
