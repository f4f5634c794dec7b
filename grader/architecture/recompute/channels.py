"""Can the counts of a tree without shapes follow each other?

torchinfo without an input prints classes and counts only. A count still tells much: a normalisation of C channels has
2 C, the convolution before it makes C, and takes what the one before made. From row to row the channels that are
possible are carried; a row that leaves none is strange.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import isqrt

from grader.architecture.recompute.counts import why_not
from grader.architecture.recompute.steps import Step

_AREAS = (1, 9, 25, 49, 3, 5, 7, 4, 2, 121, 81, 16, 36, 64, 27, 125)
_MOST = 512  # possible channels that are carried; more say nothing
_STRANGE = 3.0
_ODD = 1.0  # no factors that people use
_ALONE = 0.8  # a block that differs from its like
_SEARCHED = 4096


def strangeness(steps: Sequence[Step], view: Mapping[int, Step]) -> float:
    """How little the counts follow each other: 0 where each can follow from the one before.

    The order is that of the modules' making, which is mostly the order of the data: a branch costs, but can be.
    """
    price = 0.0
    made: frozenset[int] | None = None  # None: any number of channels
    was_linear = False
    for index, printed in enumerate(steps):
        step = view.get(index) or printed
        if step.operation.is_custom and step.count:
            made = None
            continue
        if not step.count:
            if step.operation.family == "flatten":
                made = None
            continue
        wanted = _norm_channels(steps, index, view)
        is_linear = step.operation.family == "linear"
        if is_linear is not was_linear and step.operation.family in {"linear", "conv", "conv_transpose"}:
            made, was_linear = None, is_linear  # a flatten or a view between them leaves no row
        more, made = _through(step, made, wanted)
        price += more
    return price


def _norm_channels(steps: Sequence[Step], index: int, view: Mapping[int, Step]) -> int | None:
    """The channels of a normalisation that follows within two rows, none with weights between."""
    for later in range(index + 1, min(index + 3, len(steps))):
        step = view.get(later) or steps[later]
        if step.operation.family in {"batch_norm", "channel_norm", "instance_norm"} and step.count:
            return step.count // 2
        if step.count:
            return None
    return None


def _through(step: Step, given: frozenset[int] | None, wanted: int | None) -> tuple[float, frozenset[int] | None]:
    count, family = step.count or 0, step.operation.family
    if family in {"batch_norm", "channel_norm", "instance_norm"}:
        size, left = divmod(count, 2)
        if left:
            return _STRANGE, given
        return (_STRANGE if given is not None and size not in given else 0.0), frozenset({size})
    if family not in {"conv", "conv_transpose", "linear"}:
        return 0.0, None
    found = _outputs(family, count, given) if given is not None else _round_outputs(family, count)
    if given is None and not found:
        return _ODD, None
    if given is not None and not found:
        return _STRANGE, None
    if wanted is not None:
        if found is not None:
            return (0.0 if wanted in found else _STRANGE), frozenset({wanted})
        return (0.0 if count % wanted == 0 else _STRANGE), frozenset({wanted})
    return 0.0, found


@lru_cache(maxsize=4096)
def _round_outputs(family: str, count: int) -> frozenset[int] | None:
    """The channels that a layer makes of any input, where both are numbers that people choose; None if too many."""
    found = set()
    for made in _divisors(count):
        if not _is_round(made):
            continue
        for per in (count // made - 1, count // made):
            areas = (1,) if family == "linear" else _AREAS
            if any(per % area == 0 and per and _is_round(per // area) for area in areas):
                found.add(made)
    return frozenset(found) if len(found) <= _MOST else None


def _divisors(count: int) -> list[int]:
    low = [size for size in range(1, min(isqrt(count), 5000) + 1) if count % size == 0]
    return [*low, *(count // size for size in low)]


def _is_round(size: int) -> bool:
    return size <= 4 or size % 8 == 0 or size in {6, 10, 12, 20, 50, 100, 500, 1000, 84}


@lru_cache(maxsize=4096)
def _outputs(family: str, count: int, given: frozenset[int]) -> frozenset[int] | None:
    """The channels that a layer with `count` parameters can make of one of the `given`."""
    found: set[int] = set()
    for inputs in given:
        if family == "linear":
            found |= {count // per for per in (inputs, inputs + 1) if count % per == 0}
            continue
        for area in _AREAS:
            found |= {count // per for per in (inputs * area, inputs * area + 1) if count % per == 0}
            if count in {inputs * area, inputs * area + inputs}:
                found.add(inputs)  # each channel for itself
            if family == "conv_transpose" and count % (inputs * area) == 0:
                found.add(count // (inputs * area))
    return frozenset(found) if len(found) <= _MOST else None


def misfit(steps: Sequence[Step], gap: int) -> tuple[int, int] | None:
    """The one step whose count, changed by `gap`, makes the counts follow, and that count; None if it is not clear."""
    if len(steps) > _SEARCHED:
        return None
    like = Counter((step.name, step.count) for step in steps)
    before = strangeness(steps, {})
    found: list[tuple[float, int]] = []
    for index, step in enumerate(steps):
        if not step.count or step.count + gap < 0:
            continue
        right = step.count + gap
        if step.outputs and why_not(step.operation, step.name, step.outputs[0], right):
            continue
        after = strangeness(steps, {index: replace(step, count=right)})
        gain = before - after
        if step.operation.is_custom:
            gain += _ALONE * (min(like[step.name, right], 1) - (like[step.name, step.count] > 1))
        found.append((gain, index))
    found.sort(reverse=True)
    if not found or found[0][0] < 0 or (len(found) > 1 and found[0][0] - found[1][0] < _ALONE - 0.1):
        return None
    index = found[0][1]
    return index, (steps[index].count or 0) + gap
