"""Which classes does torch.nn bring, and what does a print of one leave unsaid?

A print names classes only: a student's own class may hide parameters of its own, PyTorch's containers hide none.
"""

from __future__ import annotations

from grader.architecture.kinds import TORCH_NAMES

# They hold other modules and learn nothing themselves.
CONTAINERS = frozenset(
    {"Sequential", "ModuleList", "ModuleDict", "Container", "DataParallel", "DistributedDataParallel"}
    | {"Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer"}
)

_LOSSES = {
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss",
    "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "NLLLoss2d", "PoissonNLLLoss", "SmoothL1Loss",
    "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
}  # fmt: skip
_SHAPES_ONLY = {
    "ChannelShuffle", "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "Fold", "FractionalMaxPool2d", "FractionalMaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "Unfold", "UpsamplingBilinear2d", "UpsamplingNearest2d",
}  # fmt: skip
_FUNCTIONS = {
    "CosineSimilarity", "CrossMapLRN2d", "GLU", "Hardshrink", "LocalResponseNorm", "PairwiseDistance", "RReLU",
    "Softmax2d", "Softmin", "Softshrink", "Threshold",
}  # fmt: skip
_KNOWN_FREE = {
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "flatten", "unflatten",
    "softmax", "log_softmax", "leaky_relu", "upsample", "pixel_shuffle", "pixel_unshuffle", "relu", "relu6", "elu",
    "selu", "celu", "gelu", "silu", "mish", "sigmoid", "log_sigmoid", "tanh", "hardtanh", "hardsigmoid", "hardswish",
    "softplus", "softsign", "tanhshrink", "identity",
}  # fmt: skip

# They learn nothing, whatever they are told.
PARAMETER_FREE = frozenset(
    _LOSSES
    | _SHAPES_ONLY
    | _FUNCTIONS
    | {name for name, word in TORCH_NAMES.items() if word in _KNOWN_FREE or "_pool" in word or "_pad" in word}
)

# They hold parameters and no modules.
_LEARNING = {
    "Bilinear", "EmbeddingBag", "GRUCell", "LSTMCell", "RMSNorm", "RNNBase", "RNNCell", "RNNCellBase", "SyncBatchNorm",
    "ParameterList", "ParameterDict", "LazyLinear", "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d",
    "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "NonDynamicallyQuantizableLinear",
}  # fmt: skip

# Nothing can stand below them in a tree.
LEAVES = frozenset(PARAMETER_FREE | set(TORCH_NAMES) | _LEARNING)
