"""Can one function of PyTorch turn this tensor into that one?

`forward` may call functions that leave no row in a print: a pooling, a view, a padding. The functions here are run on
the meta device, so that what they make is PyTorch's word and not a formula's. A witness may use one between two rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

Shape = tuple[int, ...]


def makes(sources: Sequence[Shape], wanted: Shape) -> bool:
    """True if one function makes a tensor like `wanted` of one of the `sources`, or of several of them.

    Shapes:  with the batch first

    >>> makes([(1, 16, 5, 5)], (1, 400)), makes([(1, 16, 10, 10)], (1, 16, 5, 5)), makes([(1, 16, 5, 5)], (1, 10))
    (True, True, False)
    """
    if any(_makes(source, wanted) for source in sources):
        return True
    import torch

    for axis in range(1, len(wanted)):
        fitting = [
            one for one in sources if len(one) == len(wanted) and all(
                one[at] == wanted[at] for at in range(1, len(wanted)) if at != axis
            )
        ]  # fmt: skip
        for parts in _parts([one[axis] for one in fitting], wanted[axis]):
            tensors = [torch.empty((1, *fitting[at][1:]), device="meta") for at in parts]
            if tuple(torch.cat(tensors, axis).shape[1:]) == wanted[1:]:
                return True
    return False


def _parts(sizes: Sequence[int], wanted: int) -> Iterator[list[int]]:
    """Places whose sizes add up to `wanted`, two to eight of them; a tensor may be joined to itself."""
    reached: dict[int, list[int]] = {0: []}
    for at, size in enumerate(sizes):
        for total, places in list(reached.items()):
            for times in (1, 2):
                more = total + times * size
                if more <= wanted and more not in reached and len(places) + times <= 8:
                    reached[more] = places + [at] * times
    if len(reached.get(wanted, [])) > 1:
        yield reached[wanted]


@lru_cache(maxsize=4096)
def _makes(source: Shape, wanted: Shape) -> bool:
    import torch

    if source[1:] == wanted[1:]:
        return True
    start = torch.empty((1, *source[1:]), device="meta")
    for function in _functions(source, wanted):
        try:
            if tuple(function(start).shape[1:]) == wanted[1:]:
                return True
        except (RuntimeError, IndexError, ValueError, TypeError):
            continue
    return False


def _functions(source: Shape, wanted: Shape) -> Iterator[Callable[[Any], Any]]:
    import torch
    from torch.nn import functional

    rest, axes = wanted[1:], len(source)
    if prod(source[1:]) == prod(rest):
        yield lambda x: x.reshape(1, *rest)
    if axes == len(wanted) and source[1] == wanted[1] and axes in (3, 4, 5):
        sizes = wanted[2:]
        pool = {3: functional.adaptive_avg_pool1d, 4: functional.adaptive_avg_pool2d, 5: functional.adaptive_avg_pool3d}
        yield lambda x: pool[axes](x, sizes)
        yield lambda x: functional.interpolate(x, size=sizes)
    if axes == 4 and len(wanted) == 2 and source[1] and wanted[1] % source[1] == 0:
        pixels = wanted[1] // source[1]
        for side in (size for size in range(1, 33) if pixels % size == 0):
            yield lambda x, side=side: functional.adaptive_avg_pool2d(x, (side, pixels // side)).flatten(1)
    for axis in range(1, axes):
        yield lambda x, axis=axis: x.mean(axis)
        yield lambda x, axis=axis: x.select(axis, 0)
        if axes == len(wanted) and wanted[axis] < source[axis]:
            yield lambda x, axis=axis: x.narrow(axis, 0, wanted[axis])
        if axes == len(wanted) and wanted[axis] == 2 * source[axis]:
            yield lambda x, axis=axis: torch.cat([x, x], axis)
    if axes == len(wanted):
        yield lambda x: x[tuple(slice(0, size) for size in wanted)]
    for axis in range(1, axes + 1):
        yield lambda x, axis=axis: x.unsqueeze(axis)
    if axes == 2:
        yield lambda x: x[..., None, None]
