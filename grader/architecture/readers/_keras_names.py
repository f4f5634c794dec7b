"""Which class of Keras is meant where a summary cut its name?"""

from __future__ import annotations

import re
from bisect import bisect_left

# The layer classes of Keras 1, 2 and 3 and the containers that a summary can name, in order.
KERAS_CLASSES = (
    "AbstractRNNCell", "Activation", "ActivityRegularization", "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D", "Add", "AdditiveAttention", "AlphaDropout", "Attention", "AugMix", "AutoContrast",
    "Average", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization",
    "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose",
    "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM2DCell", "ConvLSTM3D", "Cropping1D",
    "Cropping2D", "Cropping3D", "CuDNNGRU", "CuDNNLSTM", "CutMix", "Dense", "DenseFeatures", "DepthwiseConv1D",
    "DepthwiseConv2D", "Discretization", "Dot", "Dropout", "DropoutWrapper", "ELU", "EinsumDense", "Embedding",
    "Equalization", "Flatten", "Functional", "GRU", "GRUCell", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization", "HashedCrossing", "Hashing", "Identity",
    "InputLayer", "IntegerLookup", "KerasLayer", "LSTM", "LSTMCell", "Lambda", "LayerNormalization",
    "LeakyReLU", "LocallyConnected1D", "LocallyConnected2D", "Masking", "MaxPooling1D", "MaxPooling2D",
    "MaxPooling3D", "Maximum", "MelSpectrogram", "Merge", "Minimum", "MixUp", "Model", "MultiHeadAttention",
    "Multiply", "Normalization", "PReLU", "Permute", "RNN", "RandAugment", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform",
    "RandomErasing", "RandomFlip", "RandomFourierFeatures", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHeight", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation",
    "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth", "RandomZoom",
    "ReLU", "RepeatVector", "Rescaling", "Reshape", "ResidualWrapper", "Resizing", "STFTSpectrogram",
    "SeparableConv1D", "SeparableConv2D", "Sequential", "SimpleRNN", "SimpleRNNCell", "SlicingOpLambda",
    "Softmax", "Solarization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    "SpectralNormalization", "StackedRNNCells", "StringLookup", "Subtract", "SyncBatchNormalization",
    "TFOpLambda", "TFSMLayer", "TensorFlowOpLayer", "TextVectorization", "ThresholdedReLU", "TimeDistributed",
    "TorchModuleWrapper", "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D",
    "ZeroPadding2D", "ZeroPadding3D",
)  # fmt: skip

# A row of one of these holds a whole network: its count is that of the layers in it.
CONTAINERS = frozenset({"Functional", "Model", "Sequential"})


def snake_case(name: str) -> str:
    """The name that Keras gives to a layer of a class, by its own rule.

    >>> snake_case("MaxPooling2D"), snake_case("LSTM"), snake_case("TFOpLambda"), snake_case("ReLU")
    ('max_pooling2d', 'lstm', 'tf_op_lambda', 're_lu')
    """
    parted = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parted).lower()


_BY_NAME = {snake_case(name): name for name in KERAS_CLASSES}


def class_of_name(name: str) -> str:
    """The class that Keras itself names so: "max_pooling2d_3" is of MaxPooling2D; "" for a name of the author's.

    >>> class_of_name("max_pooling2d_3"), class_of_name("conv2d"), class_of_name("my_block")
    ('MaxPooling2D', 'Conv2D', '')
    """
    return _BY_NAME.get(_stem(name), "")


def _stem(name: str) -> str:
    last = name.rsplit("/", 1)[-1]
    head, _, number = last.rpartition("_")
    return head if head and number.isdecimal() else last


def completed(cut: str, name: str) -> str:
    """The one class that a cut class name can be; "" where none or several can.

    Where the layer's name is Keras's own, it decides between them. A name that goes on in another way than
    the class ("dense_block (Dense") is of a class of the author's.

    >>> completed("BatchNo", "batch_normalization_1"), completed("Global", "global_max_pooling2d")
    ('BatchNormalization', 'GlobalMaxPooling2D')
    >>> completed("Conv", "stem"), completed("Dense", "dense_block")
    ('', '')
    """
    found = completions(cut, name)
    return found[0] if len(found) == 1 else ""


def completions(cut: str, name: str) -> tuple[str, ...]:
    """Every class that a cut class name can be, given the layer's name, which may be cut as well.

    >>> completions("GlobalAveragePo", "global_average_p…")
    ('GlobalAveragePooling1D', 'GlobalAveragePooling2D', 'GlobalAveragePooling3D')
    """
    cut = cut.rstrip("…. ")
    at = bisect_left(KERAS_CLASSES, cut)
    found = []
    while at < len(KERAS_CLASSES) and KERAS_CLASSES[at].startswith(cut):
        found.append(KERAS_CLASSES[at])
        at += 1
    own = class_of_name(name)
    if own and (own in found or not cut):
        return (own,)
    if not cut:
        return ()
    begun = name.rstrip("…")
    if begun != name:
        # Both are cut: the name tells less than the class, but it must not contradict it.
        fitting = [one for one in found if snake_case(one).startswith(begun) or begun.startswith(snake_case(one))]
        return tuple(fitting or found)
    # "dense_block (Dense": the author named the layer by a class that goes on otherwise.
    stem = _stem(name)
    begins_alike = len(cut) > 2 and stem.startswith(snake_case(cut).rstrip("_"))
    return () if begins_alike and not any(snake_case(one).startswith(stem) for one in found) else tuple(found)
