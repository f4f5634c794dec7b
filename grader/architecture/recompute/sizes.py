"""Which image sizes can a printed model take, so that its first linear layer gets as many features as it asks for?

The layers' arithmetic is that of `grader.architecture`. A size only grows with the image, so the images that fit are
found by halving. Where the class is the student's own, a pooling may be called more than once, or as a function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from grader.architecture import Layer, Shape, ShapeError, make_layer
from grader.architecture.recompute.chains import Leaf
from grader.frozen import dataclass

LARGEST = 1024  # pixels a side
_MOST_POOLED = 6  # modules behind each of which a pooling is tried

# Sides of images in courses, data sets and published networks.
USUAL = frozenset(
    {8, 14, 16, 20, 24, 28, 32, 36, 40, 48, 50, 56, 60, 64, 72, 80, 84, 90, 92, 96, 100, 105, 112, 120, 128, 144, 150}
    | {160, 180, 192, 200, 224, 225, 227, 240, 250, 256, 288, 299, 300, 320, 331, 350, 360, 384, 400, 416, 448, 450}
    | {480, 500, 512, 600, 608, 640, 720, 768, 800, 1000, 1024}
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The modules from the image to the first linear layer: what it asks for and whether the order is certain.

    `layers` with the row of each; `channels` those of the image;  `wanted` features that `linear` (a row) takes
    """

    layers: tuple[tuple[int, Layer], ...]
    channels: int
    dims: int
    wanted: int
    linear: int
    is_certain: bool
    open_ends: frozenset[int] = frozenset()  # rows behind which a function may be called: not inside a Sequential


def stretch_of(leaves: Sequence[Leaf]) -> Stretch | None:
    """The modules up to the first linear layer that takes an image; None where there is no such or one is unknown."""
    layers: list[tuple[int, Layer]] = []
    channels, dims = 0, 0
    is_certain = bool(leaves) and (len(leaves) < 2 or leaves[1].follows)
    for leaf in leaves:
        kind = leaf.kind
        if layers:
            is_certain = is_certain and leaf.follows
        if kind == "linear":
            wanted = leaf.number("in_features")
            if not channels or wanted is None:
                return None
            ends = frozenset(one.index for one, after in pairwise(leaves) if not after.follows)
            return Stretch(tuple(layers), channels, dims, wanted, leaf.index, is_certain, ends)
        if not kind or kind in {"embedding", "rnn", "lstm", "gru"}:
            if leaf.row.type.startswith("Loss") or kind == "flatten":
                continue
            return None
        if not channels:
            size = leaf.number("in_channels")
            if not kind.startswith("conv") or size is None:
                # A pooling that is registered before the convolutions is called after them.
                if not _is_harmless(kind) and not ("_pool" in kind and not is_certain):
                    return None
                continue
            channels, dims = size, int(kind[-2])
        if kind == "flatten":
            continue
        try:
            layers.append((leaf.index, make_layer(leaf.row.settings, (1,))))
        except ShapeError:
            return None
    return None


def _is_harmless(kind: str) -> bool:
    return kind in {"identity", "relu"} or "dropout" in kind or kind.startswith("batch_norm")


def shapes_along(stretch: Stretch, image: Shape) -> Iterator[tuple[int, Shape]]:
    """The output of every module for an image (batch first), until one refuses it: the row, its shape."""
    shape = image
    for index, layer in stretch.layers:
        try:
            shape = layer.output_shape(shape)
        except ShapeError:
            return
        yield index, shape


def features_of(stretch: Stretch, image: Shape, pooled: frozenset[int] = frozenset()) -> int | None:
    """How many numbers per image reach the linear layer; None if a module refuses.

    `pooled` are rows behind which a 2x2 pooling is called that the print does not show.
    """
    shape = image
    try:
        for index, layer in stretch.layers:
            shape = layer.output_shape(shape)
            if index in pooled:
                shape = (*shape[:2], *(size // 2 for size in shape[2:]))
                if 0 in shape:
                    return None
    except ShapeError:
        return None
    made = 1
    for size in shape[1:]:
        made *= size
    return made


def images_that_fit(stretch: Stretch, pooled: frozenset[int] = frozenset()) -> range:
    """The sides of square images that give the linear layer what it asks for; they lie next to each other.

    Units:  pixels
    """
    low = _first(stretch, stretch.wanted, pooled)
    high = _first(stretch, stretch.wanted + 1, pooled)
    return range(low, high)


def _first(stretch: Stretch, wanted: int, pooled: frozenset[int]) -> int:
    """The smallest side that makes at least so many features; one more than LARGEST if none does."""
    low, high = 1, LARGEST + 1
    while low < high:
        middle = (low + high) // 2
        side = (middle,) * stretch.dims
        features = features_of(stretch, (1, stretch.channels, *side), pooled)
        if features is not None and features >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def hidden_poolings(stretch: Stretch) -> Iterator[frozenset[int]]:
    """Which modules may be followed by a pooling that the print does not show, few first."""
    ends = [index for index, layer in stretch.layers if index in stretch.open_ends and "_pool" not in layer.kind]
    chosen = ends[-_MOST_POOLED:]
    options = sorted(product((False, True), repeat=len(chosen)), key=sum)
    for option in options[1:]:
        yield frozenset(index for index, is_on in zip(chosen, option, strict=True) if is_on)
