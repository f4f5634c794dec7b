"""What did the student's model turn out to be? Its layers as the sandbox traced them, under the rubric's words.

A rubric says `conv2d`, `max_pool2d`, `relu`; a model has modules (`Conv2d`) and calls of functions
(`functional:max_pool2d`). Both are the same thing to a teacher, and so they are here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from grader.architecture import KINDS
from grader.architecture.elementwise import Activation, Dropout, LeakyReLU, PReLU, Softmax
from grader.architecture.layer import Layer
from grader.architecture.normalisation import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from grader.architecture.pooling import AdaptivePool, AvgPool, MaxPool
from grader.checks._settings import share
from grader.checks.base import shown
from grader.frozen import dataclass
from grader.model import Json

FUNCTIONAL = "functional:"

_FAMILY_TYPES: Mapping[str, tuple[type[Layer], ...]] = {
    "any_activation": (Activation, LeakyReLU, PReLU, Softmax),
    "any_dropout": (Dropout,),
    "any_norm": (BatchNorm, GroupNorm, InstanceNorm, LayerNorm),
    "any_pool": (MaxPool, AvgPool, AdaptivePool),
}
# Calls that only lay the same numbers out anew, or join branches: no layers to a teacher.
PLUMBING: Final = frozenset(
    {
        "add", "amax", "bmm", "cat", "chunk", "clamp", "clone", "concat", "contiguous", "detach", "div", "einsum",
        "exp", "expand", "float", "getitem", "log", "matmul", "max", "mean", "mul", "normalize", "pad", "permute",
        "repeat", "reshape", "size", "split", "squeeze", "stack", "sub", "sum", "t", "to", "transpose", "unsqueeze",
        "view",
    }
)  # fmt: skip
_AS_FLATTEN = frozenset({"view", "reshape"})
_NO_LAYER: Final = frozenset({"identity"})  # modules that give what they are given
IGNORED: Final = ("any_activation", "any_dropout", "flatten")


_RANKLESS: Final = frozenset({"batchnorm", "instancenorm"})  # functions that serve every number of axes


def squashed(word: str) -> str:
    """The bare letters of a kind, whoever wrote it.

    >>> squashed("max_pool2d"), squashed("MaxPool2d"), squashed("functional:max_pool2d"), squashed("relu_")
    ('maxpool2d', 'maxpool2d', 'maxpool2d', 'relu')
    """
    return word.removeprefix(FUNCTIONAL).replace("_", "").lower()


def _families() -> dict[str, frozenset[str]]:
    made: dict[str, frozenset[str]] = {}
    for family, types in _FAMILY_TYPES.items():
        words = {squashed(word) for word, kind in KINDS.items() if issubclass(kind.layer, types)}
        if family == "any_activation":
            words -= {squashed(word) for word, kind in KINDS.items() if issubclass(kind.layer, Dropout)}
            words -= _NO_LAYER  # who leaves a ReLU out may leave it behind
        made[family] = frozenset(words)
    made["any_norm"] |= _RANKLESS
    return made


FAMILIES: Mapping[str, frozenset[str]] = _families()
WORDS: frozenset[str] = frozenset(KINDS) | frozenset(FAMILIES)


def is_kind(kind: str, word: str, *, is_functional: bool = False) -> bool:
    """Whether the rubric's `word`, a kind or a family, means a layer of this kind.

    >>> is_kind("ReLU", "any_activation"), is_kind("functional:view", "flatten"), is_kind("Conv2d", "conv1d")
    (True, True, False)
    """
    own, asked = squashed(kind), squashed(word)
    if word in FAMILIES:
        return own in FAMILIES[word]
    if word == "flatten" and own in _AS_FLATTEN:
        return True
    return own == asked or (is_functional and own in _RANKLESS and asked[:-2] == own)


@dataclass(frozen=True)
class LiveLayer:
    """A traced layer: a module, or the call of a function (`name` is then its kind or a number of our tracer's)."""

    name: str
    kind: str
    torch_kind: str  # what a student's subclass is made from; "" for a module that is all the student's own
    attributes: Mapping[str, Json]
    input_shape: tuple[int, ...] | None
    output_shape: tuple[int, ...] | None
    parameters: int
    is_leaf: bool

    @cached_property
    def letters(self) -> frozenset[str]:
        """What its kind may be called: by its own class, and by torch's that it is made from."""
        return frozenset({squashed(self.kind), squashed(self.torch_kind)} - {""})

    @property
    def is_functional(self) -> bool:
        return self.kind.startswith(FUNCTIONAL)

    @property
    def is_own(self) -> bool:
        """Whether this is a module without torch's layers in it, and none of torch's itself."""
        return self.is_leaf and not self.is_functional and not self.torch_kind

    @property
    def is_plumbing(self) -> bool:
        return not self.letters.isdisjoint(PLUMBING if self.is_functional else _NO_LAYER)

    def is_a(self, word: str) -> bool:
        """Whether the rubric's `word` (a kind or a family) means this layer."""
        return any(is_kind(letters, word, is_functional=self.is_functional) for letters in self.letters)

    def is_one_of(self, words: Iterable[str]) -> bool:
        return any(self.is_a(word) for word in words)

    def __str__(self) -> str:
        return self.kind if self.is_functional else f"{self.name} ({self.kind})"


def live_layers(result: Mapping[str, Json]) -> tuple[LiveLayer, ...]:
    """The layers of a `describe` result in the order in which they were called, containers included."""
    return tuple(
        LiveLayer(
            name=shown(str(layer["name"]), 80),  # a student's names are only ever text
            kind=shown(str(layer["kind"]), 80),
            torch_kind=str(layer.get("torch_kind", layer["kind"]) or ""),
            attributes=layer.get("attributes") or {},
            input_shape=_shape(layer.get("input_shape")),
            output_shape=_shape(layer.get("output_shape")),
            parameters=int(layer["parameters"]),
            is_leaf=bool(layer["is_leaf"]),
        )
        for layer in result["layers"]
    )


def _shape(shape: Json) -> tuple[int, ...] | None:
    """A shape; of several tensors (an LSTM gives its state too) that of the first."""
    if isinstance(shape, list | tuple) and shape and isinstance(shape[0], list | tuple):
        shape = shape[0]
    is_shape = isinstance(shape, list | tuple) and all(isinstance(size, int) for size in shape)
    return tuple(shape) if is_shape else None


def leaves(
    layers: Iterable[LiveLayer], ignoring: Sequence[str] = (), *, with_plumbing: bool = False
) -> Iterator[LiveLayer]:
    """What works on the data, once each: without plumbing and the kinds that are not asked for.

    A module that is all the student's own is listed with the functions that it calls. Where it has parameters, it is
    the layer, and its functions are not; where it has none, its functions are.
    """
    layers = tuple(layers)
    own = {layer.name for layer in layers if layer.is_own and layer.parameters}
    for layer in layers:
        is_told_otherwise = layer.name in own if layer.is_functional else layer.is_own and layer.name not in own
        is_wanted = with_plumbing or not layer.is_plumbing
        if layer.is_leaf and is_wanted and not (is_told_otherwise or layer.is_one_of(ignoring)):
            yield layer


def distinct(layers: Iterable[LiveLayer]) -> Iterator[LiveLayer]:
    """Each module once, however often it is called; each call of a function for itself."""
    seen: set[str] = set()
    for layer in layers:
        if layer.is_functional or layer.name not in seen:
            seen.add(layer.name)
            yield layer


# --- attributes ------------------------------------------------------------------------------


def differences(layer: LiveLayer, wanted: Mapping[str, Json]) -> list[str]:
    """In words, how the layer's attributes differ from the wanted ones: ["kernel_size is 3, not 5"]."""
    found = []
    for written, value in wanted.items():
        name = {"kernel": "kernel_size"}.get(written, written)
        own = attribute(layer, name)
        if own is None and name not in layer.attributes:
            found.append(f"{name} is not told")
        elif not is_same(own, value) and not (name == "padding" and _is_same_padding(layer, own, value)):
            found.append(f"{name} is {shown_value(own)}, not {shown_value(value)}")
    return found


def attribute(layer: LiveLayer, name: str) -> Json:
    """An attribute of the layer. The stride of a pooling is its kernel where it was left out."""
    own = layer.attributes.get(name)
    if own is None and name == "stride" and layer.is_a("any_pool"):
        return layer.attributes.get("kernel_size")
    return own


def is_same(own: Json, wanted: Json) -> bool:
    """Whether two settings mean the same: 5 is (5, 5), 0.5 is 0.5, true is not 1.

    >>> is_same([5, 5], 5), is_same(5, [5, 5]), is_same([5, 3], 5), is_same(True, 1), is_same(0.1, 0.10)
    (True, True, False, False, True)
    """
    if isinstance(own, list | tuple) and isinstance(wanted, list | tuple):
        return len(own) == len(wanted) and all(is_same(a, b) for a, b in zip(own, wanted, strict=True))
    if isinstance(own, list | tuple):
        return len(own) > 0 and all(is_same(entry, wanted) for entry in own)
    if isinstance(wanted, list | tuple):
        return len(wanted) > 0 and all(is_same(own, entry) for entry in wanted)
    if isinstance(own, bool) or isinstance(wanted, bool):
        return own is wanted
    if isinstance(own, int | float) and isinstance(wanted, int | float):
        return share(own) == share(wanted)
    return bool(own == wanted)


def _is_same_padding(layer: LiveLayer, own: Json, wanted: Json) -> bool:
    """Whether "same" and "valid" stand for the numbers that the other side writes."""
    return is_same(_pixels(layer, own), _pixels(layer, wanted))


def _pixels(layer: LiveLayer, padding: Json) -> Json:
    kernel, dilation = layer.attributes.get("kernel_size"), layer.attributes.get("dilation", 1)
    if padding == "valid":
        return 0
    if padding != "same" or not isinstance(kernel, list | tuple):
        return padding
    each = dilation if isinstance(dilation, list | tuple) else [dilation] * len(kernel)
    total = [d * (k - 1) for k, d in zip(kernel, each, strict=True)]
    return padding if any(pixels % 2 for pixels in total) else [pixels // 2 for pixels in total]


def shown_value(value: Json) -> str:
    """A setting for a sentence: 5 instead of (5, 5).

    >>> shown_value([5, 5]), shown_value([5, 3]), shown_value(0.5), shown_value(True)
    ('5', '(5, 3)', '0.5', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        words = [shown_value(entry) for entry in value]
        return words[0] if len(set(words)) == 1 and len(words) > 1 else f"({', '.join(words)})"
    return shown(value, 60) if isinstance(value, str) else str(value)[:60]
