"""Which operation does a printed class name stand for?

"Conv2d" (PyTorch), "Conv2D" (Keras) -> Operation(family "conv", dims 2). A class that is not known here is
`CUSTOM`: a student's own module, of which nothing is certain but that it is printed.
"""

from __future__ import annotations

from functools import lru_cache

from grader.architecture.kinds import TORCH_NAMES
from grader.architecture.recompute.printed_layers import PrintedLayers
from grader.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """What a class does to a shape.

    `family`  names the law in `laws.py`;  `dims` how many spatial axes, 0 for any
    `word`    the kind of `make_layer`, "" where that has none
    `printed` the layers of the class, where the print states all of them with their settings
    """

    family: str
    dims: int = 0
    word: str = ""
    is_keras: bool = False
    printed: PrintedLayers | None = None

    @property
    def is_custom(self) -> bool:
        return self.family in {"custom", "sequence"}


CUSTOM = Operation("custom")

# Shape-preserving classes without parameters, beyond those that make_layer knows.
_TORCH_SAME = [
    "Threshold", "RReLU", "Softmin", "Softmax2d", "Softshrink", "Hardshrink", "LogSoftmax", "AdaptiveLogSoftmax",
    "LocalResponseNorm", "CrossMapLRN2d", "ChannelShuffle", "Identity", "StochasticDepth", "DropPath",
    "FrozenBatchNorm2d",
]  # fmt: skip
_KERAS_SAME = [
    "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU", "Dropout", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "ActivityRegularization", "Masking", "Rescaling", "RandomFlip", "RandomRotation", "RandomZoom",
    "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomHeight", "RandomWidth", "UnitNormalization",
    "GELU", "Silu",
]  # fmt: skip
_FAMILY_OF_WORD = {
    "max_pool": "pool", "avg_pool": "pool", "lp_pool": "pool", "adaptive_avg_pool": "adaptive_pool",
    "adaptive_max_pool": "adaptive_pool", "batch_norm": "batch_norm", "instance_norm": "instance_norm",
    "conv": "conv", "conv_transpose": "conv_transpose", "zero_pad": "pad",
}  # fmt: skip
_PLAIN = {
    "linear": "linear", "embedding": "embedding", "flatten": "flatten", "unflatten": "reshape",
    "group_norm": "channel_norm", "layer_norm": "layer_norm", "prelu": "prelu", "upsample": "upsample",
    "pixel_shuffle": "pixel_shuffle", "pixel_unshuffle": "pixel_unshuffle", "rnn": "recurrent", "lstm": "recurrent",
    "gru": "recurrent",
}  # fmt: skip
_TORCH_MORE = {
    "Bilinear": CUSTOM,
    "SyncBatchNorm": Operation("batch_norm"),
    "NonDynamicallyQuantizableLinear": Operation("linear", word="linear"),
    "LazyLinear": Operation("linear", word="linear"),
    "UpsamplingNearest2d": Operation("upsample", 2, "upsample"),
    "UpsamplingBilinear2d": Operation("upsample", 2, "upsample"),
    "MultiheadAttention": Operation("attention"),
    "RMSNorm": Operation("rms_norm"),
    "Conv2dStaticSamePadding": Operation("conv", 2, "conv2d"),
    "Conv2dSame": Operation("conv", 2, "conv2d"),
    "FractionalMaxPool2d": Operation("adaptive_pool", 2),
    "EmbeddingBag": CUSTOM,
    "LSTMCell": CUSTOM, "GRUCell": CUSTOM, "RNNCell": CUSTOM,
    "Unfold": CUSTOM, "Fold": CUSTOM,
    **{f"{mode}Pad{dims}d": Operation("pad", dims) for mode in ("Reflection", "Replication", "Constant", "Circular")
       for dims in (1, 2, 3)},
}  # fmt: skip


def _torch_table() -> dict[str, Operation]:
    table = {name: Operation("same") for name in _TORCH_SAME}
    for name, word in TORCH_NAMES.items():
        family, dims = _PLAIN.get(word), 0
        if family is None and word[-2:] in {"1d", "2d", "3d"}:
            family, dims = _FAMILY_OF_WORD.get(word[:-2]), int(word[-2])
        table[name] = Operation(family or "same", dims if family else 0, word)
    return {**table, **_TORCH_MORE}


def _keras_table() -> dict[str, Operation]:
    table = {name: Operation("same", is_keras=True) for name in _KERAS_SAME}
    for dims in (1, 2, 3):
        table |= {
            f"Conv{dims}D": Operation("conv", dims, f"conv{dims}d", is_keras=True),
            f"Convolution{dims}D": Operation("conv", dims, f"conv{dims}d", is_keras=True),
            f"Conv{dims}DTranspose": Operation("conv_transpose", dims, f"conv_transpose{dims}d", is_keras=True),
            f"DepthwiseConv{dims}D": Operation("depthwise", dims, f"conv{dims}d", is_keras=True),
            f"SeparableConv{dims}D": Operation("separable", dims, is_keras=True),
            f"ZeroPadding{dims}D": Operation("pad", dims, is_keras=True),
            f"Cropping{dims}D": Operation("pad", dims, is_keras=True),
            f"UpSampling{dims}D": Operation("upsample", dims, is_keras=True),
        }
        for mode, word in (("Max", "max"), ("Average", "avg")):
            table[f"{mode}Pooling{dims}D"] = Operation("pool", dims, f"{word}_pool{dims}d", is_keras=True)
            table[f"Global{mode}Pooling{dims}D"] = Operation("global_pool", dims, is_keras=True)
    named = {
        "InputLayer": "input", "Dense": "linear", "Flatten": "flatten", "Embedding": "embedding",
        "BatchNormalization": "batch_norm", "LayerNormalization": "layer_norm", "GroupNormalization": "channel_norm",
        "PReLU": "prelu", "Bidirectional": "bidirectional", "Add": "merge", "Subtract": "merge",
        "Multiply": "merge", "Average": "merge", "Maximum": "merge", "Minimum": "merge",
        "Concatenate": "concatenate", "Reshape": "reshape", "Permute": "permute", "RepeatVector": "repeat",
        "Resizing": "resize", "CenterCrop": "resize", "RandomCrop": "resize", "Normalization": "normalization",
        "MultiHeadAttention": "attention", "Attention": "attention", "Dot": "custom", "Lambda": "custom",
        "TimeDistributed": "time_distributed", "RMSNormalization": "rms_norm",
        "Functional": "custom", "Sequential": "custom", "Model": "custom",
    }  # fmt: skip
    table |= {name: Operation(family, is_keras=True) for name, family in named.items()}
    table |= {f"ConvLSTM{dims}D": Operation("conv_recurrent", dims, is_keras=True) for dims in (1, 2, 3)}
    words = {"LSTM": "lstm", "CuDNNLSTM": "lstm", "GRU": "gru", "CuDNNGRU": "gru", "SimpleRNN": "rnn"}
    return table | {name: Operation("recurrent", word=word, is_keras=True) for name, word in words.items()}


_TORCH = _torch_table()
_KERAS = _keras_table()


@lru_cache(maxsize=4096)
def operation_of(name: str, *, is_keras: bool = False) -> Operation:
    """The operation that the class `name` stands for, `CUSTOM` where that is not known.

    A Keras column may have cut the name ("BatchNo"): the one class that begins so is meant.

    >>> operation_of("Conv2d").family, operation_of("Dense", is_keras=True).family, operation_of("MyBlock").family
    ('conv', 'linear', 'custom')
    >>> operation_of("BatchNormalizati", is_keras=True).family
    'batch_norm'
    """
    if not is_keras:
        return _TORCH.get(name, CUSTOM)
    if name in _KERAS:
        return _KERAS[name]
    begun = {_KERAS[known] for known in _KERAS if known.startswith(name)} if len(name) >= 3 else set()
    return begun.pop() if len(begun) == 1 else Operation("custom", is_keras=True)


def recurrent_gates(name: str) -> tuple[int, ...]:
    """How many gates the recurrent class can have.

    >>> recurrent_gates("LSTM"), recurrent_gates("GRU"), recurrent_gates("RNN")
    ((4,), (3,), (1,))
    """
    if "LSTM" in name:
        return (4,)
    return (3,) if "GRU" in name else (1,)
