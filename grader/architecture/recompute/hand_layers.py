"""What can a layer that a person described make of its input, and how many parameters can it have?

A hand-made table leaves settings out. Every usual value is tried, each with a price; 0 is what anybody would take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from grader.architecture import ShapeError, conv_output_size, pool_output_size, transposed_output_size
from grader.frozen import dataclass
from grader.model import Json

Sizes = tuple[int, ...]
_STRIDES = (1, 2, 3, 4)
_KERNELS = (3, 5, 1, 7, 2, 4, 11, 9, 6, 8)
_SAME = frozenset({"dropout", "relu", "identity", "softmax", "log_softmax", "sigmoid", "tanh"})


@dataclass(frozen=True, slots=True)
class Tensor:
    """What is known between two rows: channels and pixels of an image, or the features of a vector.

    None is what is not known; `is_image` is None before anything is.
    """

    channels: int | None = None
    spatial: tuple[int | None, ...] | None = None
    features: int | None = None

    @property
    def flat(self) -> int | None:
        """The number of features behind a flatten layer, where everything is known."""
        if self.features is not None:
            return self.features
        if self.channels is None or self.spatial is None or None in self.spatial:
            return None
        return self.channels * prod(self.spatial)  # type: ignore[arg-type]

    def matches(self, other: Tensor) -> bool:
        """True unless both say something and not the same."""
        if self.features is not None or other.features is not None:
            one, two = self.flat, other.flat
            return one is None or two is None or one == two
        if None not in (self.channels, other.channels) and self.channels != other.channels:
            return False
        if self.spatial is None or other.spatial is None:
            return True
        if len(self.spatial) != len(other.spatial):
            return False
        return all(None in pair or pair[0] == pair[1] for pair in zip(self.spatial, other.spatial, strict=True))

    def filled(self, other: Tensor) -> Tensor:
        """The tensor with what the other knows better."""
        if other.features is not None:
            return other
        if self.features is not None:
            return self
        spatial = other.spatial if self.spatial is None or None in self.spatial else self.spatial
        return Tensor(self.channels if self.channels is not None else other.channels, spatial)


@dataclass(frozen=True, slots=True)
class Option:
    """One way to read a described layer: what it makes, its parameters (None: not known), what it supposes."""

    tensor: Tensor
    parameters: int | None
    price: float = 0.0
    words: str = ""


def options(
    settings: Mapping[str, Json], given: Tensor, hint: Tensor, *, biases: tuple[bool, ...] = (True,), norm: int = 2
) -> Iterator[Option]:
    """Every way to read the layer. `hint` is what is printed of its output; `biases` whether one is tried, or both.

    `norm` is how many numbers a normalisation counts per channel: 2 as in PyTorch, 4 as in Keras (running mean and
    variance too), 0 where the table does not count it.

    >>> conv = {"kind": "conv2d", "out_channels": 6, "kernel": 5}
    >>> first = next(options(conv, Tensor(1, (28, 28)), Tensor(6, (24, 24))))
    >>> first.tensor, first.parameters
    (Tensor(channels=6, spatial=(24, 24), features=None), 156)
    """
    kind = str(settings.get("kind", ""))
    if kind.startswith("conv"):
        yield from _convolutions(kind, settings, given, hint, biases=biases)
    elif "adaptive" in kind:
        size = pair(settings.get("output_size"), 2)
        yield Option(Tensor(given.channels, size if size is not None else hint.spatial), 0)
        if given.channels is not None:
            yield Option(Tensor(features=given.channels), 0)
    elif "_pool" in kind:
        yield from _poolings(settings, given)
    elif kind == "linear":
        yield from _linear(settings, given, hint, biases=biases)
    elif kind == "flatten":
        yield Option(Tensor(features=given.flat) if given.flat is not None else Tensor(), 0)
    elif "_norm" in kind:
        yield _norm(given, norm)
    elif kind in _SAME or "dropout" in kind or _is_activation(kind):
        yield Option(given, 0)
    else:
        yield Option(hint, None)


def _is_activation(kind: str) -> bool:
    return kind.endswith(("elu", "lu", "ish", "tanh", "sigmoid", "softmax"))


def pair(value: Json, dims: int) -> Sizes | None:
    """A size for every axis, None where it is not a whole number.

    >>> pair(3, 2), pair([3, 5], 2), pair("same", 2)
    ((3, 3), (3, 5), None)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,) * dims
    if isinstance(value, list | tuple) and len(value) == dims and all(isinstance(one, int) for one in value):
        return tuple(value)
    return None


def _convolutions(
    kind: str, settings: Mapping[str, Json], given: Tensor, hint: Tensor, *, biases: tuple[bool, ...]
) -> Iterator[Option]:
    dims = int(kind[-2]) if kind[-2:-1].isdigit() else 2
    sides, kernel_said = given.spatial or hint.spatial or (), settings.get("kernel")
    if len(sides) == 3 and dims == 2:
        dims = 3
        if isinstance(kernel_said, list | tuple) and len(set(kernel_said)) == 1:
            kernel_said = kernel_said[0]
    stated = pair(kernel_said, dims)
    kernels = [stated] if stated else [(size,) * dims for size in _KERNELS]
    out = _whole(settings.get("out_channels")) or hint.channels
    channels = [size for size in (given.channels, _whole(settings.get("in_channels"))) if size]
    inputs: list[int | None] = [*dict.fromkeys(channels)] or [None]
    groups = _whole(settings.get("groups")) or 1
    for (place, kernel), (rank, size) in product(enumerate(kernels), enumerate(inputs)):
        counts: list[tuple[float, int | None]] = [(0.0, None)]
        if size is not None and out is not None:
            weights = prod(kernel) * size * out // groups
            counts = [(0.4 * place, weights + out * has) for place, has in enumerate(biases)]
            bias = settings.get("bias")
            if bias is not None:
                counts = [(0.0, weights + out if bias else weights)]
        for price, spatial, words in _windows(kind, settings, given, hint, kernel):
            for more, count in counts:
                whole = price + more + 0.1 * place + 0.5 * rank
                yield Option(Tensor(out, spatial), count, whole, words)


def _windows(
    kind: str, settings: Mapping[str, Json], given: Tensor, hint: Tensor, kernel: Sizes
) -> Iterator[tuple[float, tuple[int | None, ...] | None, str]]:
    """The sizes that a kernel of this size can leave, the usual strides and paddings first."""
    dims = len(kernel)
    if given.spatial is None or None in given.spatial or len(given.spatial) != dims:
        yield 0.0, hint.spatial, ""
        return
    sizes: Sizes = tuple(size for size in given.spatial if size is not None)
    stride, padding = pair(settings.get("stride"), dims), settings.get("padding")
    dilation = pair(settings.get("dilation"), dims) or (1,) * dims
    for place, step in enumerate([stride] if stride else [(one,) * dims for one in _STRIDES]):
        for rank, pad in enumerate(_paddings(padding, kernel)):
            spatial = _convolved(kind, sizes, kernel, step, pad, dilation)
            if spatial is not None:
                price = (0.3 * place if not stride else 0.0) + (0.1 * rank if padding is None else 0.0)
                yield price, spatial, f"stride {step[0]}, padding {pad if isinstance(pad, str) else pad[0]}"


def _paddings(padding: Json, kernel: Sizes) -> list[Sizes | str]:
    stated = pair(padding, len(kernel))
    if stated is not None:
        return [stated]
    half = tuple((size - 1) // 2 for size in kernel)
    if isinstance(padding, str):
        return ["same"] if padding == "same" else [(0,) * len(kernel)]
    every: list[Sizes | str] = [
        (0,) * len(kernel),
        half,
        "same",
        *((size,) * len(kernel) for size in range(1, max(kernel))),
    ]
    return list(dict.fromkeys(every))


def _convolved(
    kind: str, sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes | str, dilation: Sizes
) -> Sizes | None:
    try:
        if padding == "same":  # Keras: as many pixels as steps, whatever the kernel
            return tuple(-(-size // step) for size, step in zip(sizes, stride, strict=True))
        pads = (0,) * len(sizes) if isinstance(padding, str) else padding
        axes = zip(sizes, kernel, stride, pads, dilation, strict=True)
        if "transpose" in kind:
            return tuple(transposed_output_size(n, k, stride=s, padding=p, dilation=d) for n, k, s, p, d in axes)
        return tuple(conv_output_size(n, k, stride=s, padding=p, dilation=d) for n, k, s, p, d in axes)
    except ShapeError:
        return None


def _poolings(settings: Mapping[str, Json], given: Tensor) -> Iterator[Option]:
    if given.features is not None or given.spatial is None or None in given.spatial:
        yield Option(Tensor(given.channels), 0)
        return
    sizes: Sizes = tuple(size for size in given.spatial if size is not None)
    dims = len(sizes)
    stated, stride = pair(settings.get("kernel"), dims), pair(settings.get("stride"), dims)
    if stated is None and stride is None and "kernel" not in settings:
        # Nothing is said of the window: any that is moved by its own size. Beside a 4x4 window, they are rare.
        for size in range(5, 17):
            wide = _pooled(sizes, (size,) * dims, (size,) * dims, (0,) * dims, is_ceil=False)
            if wide is not None:
                yield Option(Tensor(given.channels, wide), 0, 1.0 + 0.05 * size)
    kernels = [stated] if stated else [stride, (3,) * dims] if stride else [(2,) * dims, (3,) * dims, (4,) * dims]
    for place, kernel in enumerate(kernels):
        for rank, step in enumerate([stride] if stride else list(dict.fromkeys([kernel, (2,) * dims, (1,) * dims]))):
            for cost, pad in enumerate(_pool_paddings(settings.get("padding"), kernel)):
                for is_ceil in (False, True):
                    spatial = _pooled(sizes, kernel, step, pad, is_ceil=is_ceil)
                    if spatial is not None:
                        price = 0.2 * place + 0.3 * rank + 0.3 * cost + 0.5 * is_ceil
                        yield Option(Tensor(given.channels, spatial), 0, price)


def _pool_paddings(padding: Json, kernel: Sizes) -> list[Sizes]:
    stated = pair(padding, len(kernel))
    if stated is not None:
        return [stated]
    # Only a window of odd size is padded on both sides to keep the size.
    return [(0,) * len(kernel), *([tuple(size // 2 for size in kernel)] if all(size % 2 for size in kernel) else [])]


def _pooled(sizes: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, *, is_ceil: bool) -> Sizes | None:
    try:
        axes = zip(sizes, kernel, stride, padding, strict=True)
        return tuple(pool_output_size(n, k, stride=s, padding=p, ceil_mode=is_ceil) for n, k, s, p in axes)
    except ShapeError:
        return None


def _linear(settings: Mapping[str, Json], given: Tensor, hint: Tensor, *, biases: tuple[bool, ...]) -> Iterator[Option]:
    out = _whole(settings.get("out_features")) or hint.features
    stated = _whole(settings.get("in_features"))
    inputs = [size for size in (given.flat, stated) if size is not None]
    if not inputs or out is None:
        yield Option(Tensor(features=out), None)
        return
    for rank, size in enumerate(dict.fromkeys(inputs)):
        for place, has in enumerate(biases):
            yield Option(Tensor(features=out), (size + has) * out, 0.5 * rank + 0.4 * place)


def _norm(given: Tensor, times: int) -> Option:
    size = given.features if given.features is not None else given.channels
    return Option(given, None if size is None else times * size)


def _whole(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
