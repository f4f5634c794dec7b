"""Which kinds of layer are there, what are they called, and how is one made from a teacher's settings?

A kind is named by the snake case of PyTorch's class: `Conv2d` is `conv2d`, `MaxPool2d` is `max_pool2d`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import field

from grader.architecture.convolution import PADDING_MODES, Conv, ConvTranspose
from grader.architecture.dense import Embedding, Flatten, Linear, Unflatten
from grader.architecture.elementwise import Activation, Dropout, LeakyReLU, PReLU, Softmax
from grader.architecture.layer import Layer
from grader.architecture.normalisation import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from grader.architecture.pooling import AdaptivePool, AvgPool, MaxPool
from grader.architecture.recurrent import Recurrent
from grader.architecture.resizing import UPSAMPLE_RANKS, PixelShuffle, PixelUnshuffle, Upsample, ZeroPad
from grader.architecture.settings import (
    Setting,
    axis,
    conv_padding_setting,
    flag,
    listed,
    number,
    one_or_listed,
    optional_axis,
    optional_sizes,
    sizes,
    whole,
    word,
)
from grader.architecture.shapes import Shape, axes, check_shape, refusal
from grader.frozen import dataclass
from grader.model import Json


@dataclass(frozen=True)
class Kind:
    """A kind of layer: the rubric's word, PyTorch's class, the type, and what may be set.

    `fixed` are values of the type that the word itself decides.
    """

    word: str
    torch_name: str
    layer: type[Layer]
    settings: tuple[Setting, ...] = ()
    fixed: Mapping[str, Json] = field(default_factory=dict)


# Words that every layer's settings may hold beside those of its kind.
COMMON = {
    "kind": "what the layer is: the snake case of PyTorch's class, such as conv2d",
    "name": "what to call the layer; other layers may share its parameters by this name",
    "shares": "name of an earlier layer that is used again, or NAME.weight for that one tensor",
    "frozen": "true if the parameters are not trained, as in transfer learning (default: false)",
}


def make_layer(settings: Mapping[str, Json], input_shape: Shape) -> Layer:
    """The layer that `settings` describe, as a teacher writes them in a rubric.

    Channels and features of the input are taken from `input_shape` where they are left out. Whether the
    layer fits that input is asked with `output_shape`.

    Raises:  ShapeError for an unknown kind or setting, a missing or odd value, and what PyTorch's class refuses

    >>> conv = make_layer({"kind": "conv2d", "out_channels": 16, "kernel": 5}, (16, 1, 28, 28))
    >>> conv.output_shape((16, 1, 28, 28)), conv.parameter_count
    ((16, 16, 24, 24), 416)
    """
    return _made(kind_of(settings), settings, check_shape(input_shape))


def kind_of(settings: Mapping[str, Json]) -> Kind:
    """The kind that the settings name, or ShapeError with the nearest word."""
    if not isinstance(settings, Mapping):
        raise refusal(f"{str(settings)[:60]!r} is no layer", fix="write a table of keys, such as kind: relu")
    written = settings.get("kind")
    if written is None:
        raise refusal("'kind' is missing", fix=f"add 'kind': {COMMON['kind']}")
    kind = KINDS.get(written) if isinstance(written, str) else None
    if kind is not None:
        return kind
    text = str(written)[:60]
    close = [TORCH_NAMES[text]] if text in TORCH_NAMES else difflib.get_close_matches(text.lower(), KINDS, n=1)
    raise refusal(
        f"there is no kind of layer {text!r}",
        fix=f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(KINDS)}",
    )


def _made(kind: Kind, settings: Mapping[str, Json], input_shape: Shape) -> Layer:
    known = {name: setting for setting in kind.settings for name in (setting.name, setting.torch_name) if name}
    written: dict[str, Json] = {}
    for name, value in settings.items():
        if name in COMMON:
            continue
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            fix = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"
            raise refusal(f"unknown setting {str(name)[:60]!r}", fix=fix, where=kind.word)
        setting = known[name]
        if setting.name in written:
            raise refusal(
                f"{setting.name!r} and {setting.torch_name!r} are two names of one setting",
                fix="keep one of the two",
                where=kind.word,
            )
        is_left_out = value is None and setting.default is None
        written[setting.name] = None if is_left_out else setting.value(value, kind=kind.word)
    made: dict[str, Json] = {**kind.fixed, "kind": kind.word}
    for setting in kind.settings:
        if setting.name in written and written[setting.name] is not None:
            made[setting.name] = written[setting.name]
        elif setting.fill is not None:
            made[setting.name] = _filled(kind, setting, setting.fill, input_shape)
        elif setting.is_required:
            raise refusal(f"{setting.name!r} is missing", fix=f"add {setting.name!r}: {setting.about}", where=kind.word)
        elif setting.default is None:
            made[setting.name] = made["kernel"] if setting.name == "stride" else None
        else:
            made[setting.name] = setting.value(setting.default)
    return kind.layer(**made)


def _filled(kind: Kind, setting: Setting, fill: Callable[[Shape], int], input_shape: Shape) -> int:
    try:
        return fill(input_shape)
    except IndexError:
        raise refusal(
            f"{setting.name!r} is not given, and an input with {axes(input_shape)} axes does not have it",
            fix="mend the layer before, or give this one an input of the right rank",
            where=kind.word,
        ) from None


# --- the JSON Schema ----------------------------------------------------------------------------


def layer_schema() -> dict[str, Json]:
    """The JSON Schema (Draft 2020-12) of one layer's settings. Self-contained: it can stand inside another.

    >>> schema = layer_schema()
    >>> schema["required"], "conv2d" in schema["properties"]["kind"]["enum"]
    (['kind'], True)
    """
    return {
        "type": "object",
        "description": "a layer: its kind and the settings of that kind",
        "required": ["kind"],
        "properties": {"kind": {"enum": list(KINDS), "description": COMMON["kind"]}},
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind.word}}, "required": ["kind"]}, "then": _kind_schema(kind)}
            for kind in KINDS.values()
        ],
    }


def _kind_schema(kind: Kind) -> dict[str, Json]:
    properties: dict[str, Json] = {
        "kind": {"description": COMMON["kind"]},
        "name": {"type": "string", "minLength": 1, "pattern": r"^[^.\s]+$", "description": COMMON["name"]},
        "shares": {"type": "string", "minLength": 1, "description": COMMON["shares"]},
        "frozen": {"type": "boolean", "description": COMMON["frozen"]},
    }
    for setting in kind.settings:
        described = setting.described()
        for name in (setting.name, setting.torch_name):
            if name:
                properties[name] = described
    made: dict[str, Json] = {"properties": properties, "additionalProperties": False}
    required = [setting for setting in kind.settings if setting.is_required]
    if required:
        # A layer that shares another's settings need not repeat them.
        made["if"] = {"not": {"required": ["shares"]}}
        made["then"] = {"allOf": [_required(setting) for setting in required]}
    return made


def _required(setting: Setting) -> dict[str, Json]:
    """The setting under one of its two names. `properties` is there for the message, which quotes its description."""
    said = {"required": [setting.name], "properties": {setting.name: {"description": setting.about}}}
    if not setting.torch_name:
        return said
    return {"if": {"not": {"required": [setting.torch_name]}}, "then": said}


# --- the table of kinds -------------------------------------------------------------------------


def _channel_axis(dims: int) -> Callable[[Shape], int]:
    return lambda shape: shape[-dims - 1]


def _second_axis(shape: Shape) -> int:
    return shape[1]


def _last_axis(shape: Shape) -> int:
    return shape[-1]


def _kernel(dims: int) -> Setting:
    return sizes("kernel", "pixels of the window, per axis", dims, torch_name="kernel_size")


def _convolutions(dims: int) -> tuple[Kind, Kind]:
    shared = (
        whole("in_channels", "channels of the input", minimum=1, fill=_channel_axis(dims)),
        whole("out_channels", "channels of the output: how many filters there are"),
        _kernel(dims),
        sizes("stride", "pixels per step", dims, default=1),
    )
    end = (
        sizes("dilation", "distance of the kernel's pixels", dims, default=1),
        whole("groups", "groups of channels that are convolved apart", default=1),
        flag("bias", "true if one number per output channel is added", default=True),
    )
    padding = conv_padding_setting("padding", "pixels added on both sides, or same or valid", dims, default=0)
    mode = word("padding_mode", "what the added pixels hold", PADDING_MODES, default="zeros")
    transposed = (
        sizes("padding", "pixels cut off on both sides", dims, minimum=0, default=0),
        sizes("output_padding", "pixels added at the end of the output", dims, minimum=0, default=0),
    )
    return (
        Kind(f"conv{dims}d", f"Conv{dims}d", Conv, (*shared, padding, *end, mode)),
        Kind(f"conv_transpose{dims}d", f"ConvTranspose{dims}d", ConvTranspose, (*shared, *transposed, *end)),
    )


def _poolings(dims: int) -> tuple[Kind, ...]:
    kernel = _kernel(dims)
    stride = sizes("stride", "pixels per step (default: the kernel)", dims, default=None)
    padding = sizes("padding", "pixels added on both sides, at most half of the kernel", dims, minimum=0, default=0)
    dilation = sizes("dilation", "distance of the window's pixels", dims, default=1)
    ceil_mode = flag("ceil_mode", "true if the output size is rounded up", default=False)
    target = optional_sizes("output_size", "pixels of the output, per axis; null keeps the size", dims)
    adaptive = "AdaptiveAvgPool", "AdaptiveMaxPool"
    return (
        Kind(f"max_pool{dims}d", f"MaxPool{dims}d", MaxPool, (kernel, stride, padding, dilation, ceil_mode)),
        Kind(f"avg_pool{dims}d", f"AvgPool{dims}d", AvgPool, (kernel, stride, padding, ceil_mode)),
        Kind(f"lp_pool{dims}d", f"LPPool{dims}d", AvgPool, (kernel, stride, ceil_mode), {"padding": (0,) * dims}),
        Kind(f"adaptive_avg_pool{dims}d", f"{adaptive[0]}{dims}d", AdaptivePool, (target,)),
        Kind(f"adaptive_max_pool{dims}d", f"{adaptive[1]}{dims}d", AdaptivePool, (target,)),
    )


def _normalisations(dims: int) -> tuple[Kind, Kind]:
    def options(*, is_affine: bool, is_tracked: bool) -> tuple[Setting, Setting]:
        return (
            flag("affine", "true if a factor and a bias per channel are learned", default=is_affine),
            flag("track_running_stats", "true if mean and variance are kept for evaluation", default=is_tracked),
        )

    about = "channels of the input"
    batch = (whole("num_features", about, fill=_second_axis), *options(is_affine=True, is_tracked=True))
    instance = (whole("num_features", about, fill=_channel_axis(dims)), *options(is_affine=False, is_tracked=False))
    return (
        Kind(f"batch_norm{dims}d", f"BatchNorm{dims}d", BatchNorm, batch, {"dims": dims}),
        Kind(f"instance_norm{dims}d", f"InstanceNorm{dims}d", InstanceNorm, instance, {"dims": dims}),
    )


def _recurrent(word_: str, torch_name: str) -> Kind:
    settings = (
        whole("input_size", "numbers per step", fill=_last_axis),
        whole("hidden_size", "numbers of the hidden state"),
        whole("num_layers", "layers on top of each other", default=1),
        flag("bias", "true if biases are added", default=True),
        flag("batch_first", "true for (N, L, features), false for (L, N, features)", default=False),
        flag("bidirectional", "true if the sequence is read from both ends", default=False),
    )
    projection = whole("proj_size", "numbers that the output is projected to, 0 for none", minimum=0, default=0)
    if word_ == "lstm":
        return Kind(word_, torch_name, Recurrent, (*settings, projection))
    return Kind(word_, torch_name, Recurrent, settings, {"proj_size": 0})


_ACTIVATIONS = {
    "relu": "ReLU", "relu6": "ReLU6", "elu": "ELU", "selu": "SELU", "celu": "CELU", "gelu": "GELU", "silu": "SiLU",
    "mish": "Mish", "sigmoid": "Sigmoid", "log_sigmoid": "LogSigmoid", "tanh": "Tanh", "hardtanh": "Hardtanh",
    "hardsigmoid": "Hardsigmoid", "hardswish": "Hardswish", "softplus": "Softplus", "softsign": "Softsign",
    "tanhshrink": "Tanhshrink", "identity": "Identity",
}  # fmt: skip
_DROPOUTS = {
    "dropout": "Dropout", "dropout1d": "Dropout1d", "dropout2d": "Dropout2d", "dropout3d": "Dropout3d",
    "alpha_dropout": "AlphaDropout", "feature_alpha_dropout": "FeatureAlphaDropout",
}  # fmt: skip

_p = number("p", "share of the values that is dropped in training", minimum=0, maximum=1, default=0.5)
_dim = optional_axis("dim", "axis over which the values sum to 1")
_affine = flag("affine", "true if a factor and a bias per channel are learned", default=True)


def _plain_kinds() -> tuple[Kind, ...]:
    return (
        Kind("linear", "Linear", Linear, (
            whole("in_features", "numbers that go in", fill=_last_axis),
            whole("out_features", "numbers that come out"),
            flag("bias", "true if one number per output is added", default=True),
        )),
        Kind("embedding", "Embedding", Embedding, (
            whole("num_embeddings", "rows of the table: how many words there are"),
            whole("embedding_dim", "numbers per row"),
        )),
        Kind("flatten", "Flatten", Flatten, (
            axis("start_dim", "first axis to flatten", default=1),
            axis("end_dim", "last axis to flatten", default=-1),
        )),
        Kind("unflatten", "Unflatten", Unflatten, (
            axis("dim", "axis to split"),
            listed("unflattened_size", "sizes that the axis is split into; one may be -1", minimum=-1),
        )),
        Kind("group_norm", "GroupNorm", GroupNorm, (
            whole("num_groups", "groups of channels that are normalised together"),
            whole("num_channels", "channels of the input", fill=_second_axis),
            _affine,
        )),
        Kind("layer_norm", "LayerNorm", LayerNorm, (
            listed("normalized_shape", "sizes of the last axes, which are normalised together", minimum=1),
            flag("elementwise_affine", "true if a factor per number is learned", default=True),
            flag("bias", "true if a bias per number is learned too", default=True),
        )),
        Kind("softmax", "Softmax", Softmax, (_dim,)),
        Kind("log_softmax", "LogSoftmax", Softmax, (_dim,)),
        Kind("prelu", "PReLU", PReLU, (
            whole("num_parameters", "slopes that are learned: 1, or one per channel", default=1),
        )),
        Kind("leaky_relu", "LeakyReLU", LeakyReLU, (
            number("negative_slope", "slope for negative numbers", default=0.01),
        )),
        Kind("upsample", "Upsample", Upsample, (
            one_or_listed("size", "pixels of the output, per axis", is_whole=True),
            one_or_listed("scale_factor", "how many times larger each axis becomes", is_whole=False),
            word("mode", "how the new pixels are found", tuple(UPSAMPLE_RANKS), default="nearest"),
        )),
        *(
            Kind(f"zero_pad{dims}d", f"ZeroPad{dims}d", ZeroPad, (
                sizes("padding", "pixels (left, right, top, bottom, ...); one number for all; negative cuts off",
                      dims, minimum=None, count=2 * dims),
            ))
            for dims in (1, 2, 3)
        ),
        Kind("pixel_shuffle", "PixelShuffle", PixelShuffle, (whole("upscale_factor", "how many times larger"),)),
        Kind("pixel_unshuffle", "PixelUnshuffle", PixelUnshuffle, (
            whole("downscale_factor", "how many times smaller"),
        )),
    )  # fmt: skip


def _all_kinds() -> dict[str, Kind]:
    made: list[Kind] = []
    for family in (_convolutions, _poolings, _normalisations):
        for dims in (1, 2, 3):
            made += family(dims)
    made += _plain_kinds()
    made += [Kind(word_, name, Activation) for word_, name in _ACTIVATIONS.items()]
    made += [Kind(word_, name, Dropout, (_p,)) for word_, name in _DROPOUTS.items()]
    made += [_recurrent("rnn", "RNN"), _recurrent("lstm", "LSTM"), _recurrent("gru", "GRU")]
    return {kind.word: kind for kind in made}


KINDS: Mapping[str, Kind] = _all_kinds()
TORCH_NAMES: Mapping[str, str] = {kind.torch_name: kind.word for kind in KINDS.values()}
