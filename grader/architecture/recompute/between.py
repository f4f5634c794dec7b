"""What can happen to a tensor between two rows without leaving a row?

Functional pooling, flatten, padding, interpolation, transposition, slices: each with a price, so that the plainest
story wins. A shape of the network's own making (a residual sum) has the shape of its parts and needs nothing.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt, prod
from typing import NamedTuple

from grader.architecture.readers.printed import PrintedShape


class Change(NamedTuple):
    """A functional step: its price, the shape it gives, how a person calls it."""

    price: float
    shape: PrintedShape
    needs: str


@lru_cache(maxsize=1 << 14)
def changes(source: PrintedShape) -> tuple[Change, ...]:
    """The usual functional steps from `source`, cheapest first; `source` itself is not among them.

    >>> [change.shape for change in changes((None, 16, 4, 4)) if change.needs == "a flatten"]
    [(None, 256)]
    """
    if len(source) < 2 or None in source[1:]:
        return ()
    batch, *rest = source
    sizes = [axis or 1 for axis in rest]
    found: list[Change] = []
    if len(sizes) > 1:
        found.append(Change(0.2, (batch, prod(sizes)), "a flatten"))
    if len(sizes) == 3:
        found += _image_changes(batch, sizes[0], sizes[1:])
    elif len(sizes) == 2:
        found += _sequence_changes(batch, *sizes)
    elif len(sizes) == 1:
        size = sizes[0]
        found += [
            Change(0.5, (batch, size, 1, 1), "an unsqueeze"),
            Change(0.5, (batch, size, 1), "an unsqueeze"),
            Change(0.5, (batch, 1, size), "an unsqueeze"),
            Change(1.0, (batch, size // 2), "a split into halves"),
        ]
    elif len(sizes) == 4:
        found += _volume_changes(batch, sizes)
    seen = {source}
    unique = []
    for change in sorted(found):
        if change.shape not in seen and all(axis is None or axis > 0 for axis in change.shape):
            seen.add(change.shape)
            unique.append(change)
    return tuple(unique)


def _image_changes(batch: int | None, channels: int, sizes: list[int]) -> list[Change]:
    height, width = sizes
    found = []
    for price, size, words in (
        (0.8, [height // 2, width // 2], "a functional pooling 2x2"),
        (1.0, [-(-height // 2), -(-width // 2)], "a functional pooling with stride 2"),
        (1.0, [(height - 1) // 2, (width - 1) // 2], "a functional pooling 3x3 with stride 2"),
        (1.0, [height // 4, width // 4], "a functional pooling 4x4"),
        (1.1, [height // 3, width // 3], "a functional pooling 3x3"),
        (1.2, [height // 8, width // 8], "a functional pooling 8x8"),
        (0.7, [1, 1], "a global pooling"),
    ):
        found.append(Change(price, (batch, channels, *size), words))
        found.append(Change(price + 0.05, (batch, channels * prod(size)), f"{words} and a flatten"))
    for price, size, words in (
        (1.5, [2 * height, 2 * width], "an interpolation to twice the size"),
        (1.7, [4 * height, 4 * width], "an interpolation to four times the size"),
        (1.2, [height + 1, width + 1], "a padding by 1"),
        (1.2, [height + 2, width + 2], "a padding by 2"),
        (1.3, [height + 3, width + 3], "a padding by 3"),
        (1.3, [height + 4, width + 4], "a padding by 4"),
        (1.2, [height - 1, width - 1], "a crop by 1"),
        (1.3, [height - 2, width - 2], "a crop by 2"),
        (1.2, [height - height // 2, width], "a slice"),
    ):
        found.append(Change(price, (batch, channels, *size), words))
    pixels = height * width
    found += [
        Change(1.0, (batch, pixels, channels), "a flatten to a sequence"),
        Change(1.0, (batch, channels, pixels), "a flatten of the pixels"),
        Change(1.2, (batch, pixels + 1, channels), "a flatten to a sequence with a class token"),
        Change(0.9, (batch, height, width, channels), "a permutation"),
        Change(0.9, (batch, width, channels, height), "a permutation"),
        Change(1.1, (batch, width), "a mean over the channels"),
        Change(0.9, (batch, channels, height), "a mean over one axis"),
        Change(1.3, (batch, channels // 2, height, width), "a split into halves of the channels"),
        Change(1.5, (batch, 2 * channels, height, width), "a concatenation with as many channels"),
    ]
    return found


def _sequence_changes(batch: int | None, length: int, features: int) -> list[Change]:
    found = [
        Change(0.7, (batch, features, length), "a transposition"),
        Change(0.7, (batch, features), "a mean or a pick over the sequence"),
        Change(0.8, (batch, length), "a mean over the last axis"),
        Change(0.8, (batch, length, features // 2), "a functional pooling 2"),
        Change(0.9, (batch, length, 1), "a global pooling"),
        Change(0.7, (batch, length, features, 1), "an unsqueeze"),
        Change(0.7, (batch, 1, length, features), "an unsqueeze"),
        Change(1.0, (batch, length + 1, features), "a concatenation with a class token"),
        Change(1.0, (batch, length, features // 2), "a split into halves"),
        Change(0.85, (batch, length * (features // 2)), "a functional pooling 2 and a flatten"),
    ]
    side = isqrt(length)
    if side * side == length:
        found.append(Change(1.0, (batch, features, side, side), "a reshape to an image"))
        found.append(Change(1.0, (batch, side, side, features), "a reshape to an image"))
    return found


def _volume_changes(batch: int | None, sizes: list[int]) -> list[Change]:
    channels, *rest = sizes
    halves = [size // 2 for size in rest]
    return [
        Change(0.8, (batch, channels, *halves), "a functional pooling 2x2x2"),
        Change(0.85, (batch, channels * prod(halves)), "a functional pooling 2x2x2 and a flatten"),
        Change(0.7, (batch, channels, 1, 1, 1), "a global pooling"),
        Change(0.75, (batch, channels), "a global pooling and a flatten"),
        Change(1.1, (batch, channels, *[2 * size for size in rest]), "an interpolation to twice the size"),
    ]


def images_of(features: int, channels: int) -> tuple[int, int] | None:
    """The square image of `channels` that holds `features` numbers, as a view makes it.

    >>> images_of(6272, 128), images_of(6272, 100)
    ((7, 7), None)
    """
    pixels, left = divmod(features, channels)
    side = isqrt(pixels)
    return (side, side) if not left and pixels and side * side == pixels else None


@lru_cache(maxsize=1 << 16)
def change_between(source: PrintedShape, wanted: PrintedShape) -> Change | None:
    """The cheapest functional step from `source` to `wanted`; None if only something unusual could do it.

    >>> change_between((None, 512, 7, 7), (None, 25088)).needs
    'a flatten'
    """
    for change in changes(source):
        if change.shape == wanted:
            return change
    if None in source[1:] or None in wanted[1:]:
        return None
    numbers = prod(axis or 1 for axis in source)
    if numbers == prod(axis or 1 for axis in wanted):
        if sorted(axis or 1 for axis in source) == sorted(axis or 1 for axis in wanted):
            return Change(0.9, wanted, "a permutation")
        return Change(1.0, wanted, "a reshape")
    if len(source) == len(wanted) == 4 and source[:2] == wanted[:2]:
        is_crooked = source[2] == source[3] and wanted[2] != wanted[3]
        return Change(1.9 if is_crooked else 1.4, wanted, "a pooling, a padding or an interpolation")
    return None
