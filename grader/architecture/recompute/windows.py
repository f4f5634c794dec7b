"""Which stride, padding and dilation turn one side of a given size into one of another?

Each answer has a price: 0 for what everybody writes, more for what is allowed and seldom. Source: the formulas
of grader.architecture.arithmetic, solved for the unknown.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from grader.architecture.arithmetic import pool_output_size, span
from grader.architecture.readers.printed import PrintedShape
from grader.architecture.recompute.operations import Operation
from grader.architecture.shapes import ShapeError

MAX_STRIDE = 16
MAX_PRICE = 2.0
_DILATIONS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 18, 24, 36)
_SEARCH_KERNEL = 16  # a pooling window is searched up to here, and among the divisors of the size


class Side(NamedTuple):
    """Settings for one axis and their price."""

    price: float
    kernel: int
    stride: int
    padding: int
    dilation: int = 1
    extra: int = 0  # output_padding of a transposed convolution; 1 for ceil_mode of a pooling


class Asked(NamedTuple):
    """What is asked of a law: a row of this class, with this input."""

    operation: Operation
    source: PrintedShape
    out: PrintedShape
    parameters: int | None
    kernel: PrintedShape | None


class Fit(NamedTuple):
    """One explanation of a row. `settings` are pairs, in the words of `make_layer`; `needs` what is supposed."""

    price: float
    settings: tuple[tuple[str, object], ...] = ()
    needs: str = ""


@lru_cache(maxsize=1 << 16)
def conv_sides(size: int, made: int, kernel: int) -> tuple[Side, ...]:
    """Every way a `kernel` makes `made` pixels of `size`, cheapest first.

    >>> conv_sides(28, 14, 3)[0]
    Side(price=0.0, kernel=3, stride=2, padding=1, dilation=1, extra=0)
    >>> conv_sides(28, 300, 3)
    ()
    """
    if size < 1 or made < 1 or kernel < 1:
        return ()  # a print may say so, and no network does
    found: list[Side] = []
    strides = {*range(1, min(MAX_STRIDE, size) + 1), kernel, max(1, size // made)}
    for dilation in _DILATIONS if kernel > 1 else (1,):
        reach = span(kernel, dilation)
        for stride in strides if dilation == 1 else (1, 2):
            # (made - 1) stride <= size + 2 padding - reach < made stride
            least = max(0, -((size - reach - (made - 1) * stride) // 2))
            most = (made * stride - 1 - size + reach) // 2
            if made == 1:
                least = max(0, -((size - reach) // 2))
            if least > most:
                continue
            for padding in {least, (reach - 1) // 2, 0} & set(range(least, most + 1)):
                price = _conv_price(kernel, stride, padding, dilation, size)
                if price <= MAX_PRICE:
                    found.append(Side(price, kernel, stride, padding, dilation))
    return tuple(sorted(found)[:6])


def _conv_price(kernel: int, stride: int, padding: int, dilation: int, size: int) -> float:
    price = 0.0 if dilation == 1 else 0.6 if dilation == 2 else 0.9 + 0.01 * dilation
    if stride > 2:
        price += 0.05 if stride == kernel else 0.2 if stride <= min(4, kernel) else 0.6 + 0.05 * stride
    elif stride > kernel:
        price += 0.05  # a 1x1 with stride 2: the shortcut of a residual block
    reach = span(kernel, dilation) - 1
    if padding not in {0, reach // 2}:
        price += 0.25 if padding <= kernel // 2 else 0.5 if padding <= max(reach, 3) else 1.0 + 0.1 * padding
    if kernel > size + 2 * padding:
        price += 1.0
    return price


@lru_cache(maxsize=1 << 16)
def transposed_sides(size: int, made: int, kernel: int) -> tuple[Side, ...]:
    """The same for a transposed convolution.

    >>> transposed_sides(7, 14, 3)[0]
    Side(price=0.0, kernel=3, stride=2, padding=1, dilation=1, extra=1)
    """
    found: list[Side] = []
    for stride in {*range(1, 9), kernel, max(1, made // size)}:
        for extra in range(min(stride, 4)):
            twice = (size - 1) * stride + kernel + extra - made
            if twice < 0 or twice % 2:
                continue
            padding = twice // 2
            price = 0.0 if padding <= kernel // 2 else 0.4 if padding < kernel else 1.0 + 0.1 * padding
            price += 0.0 if stride <= 2 or stride == kernel else 0.3 if stride <= 4 else 0.8
            price += 0.0 if extra == 0 or (extra == 1 and kernel % 2) else 0.4
            if price <= MAX_PRICE:
                found.append(Side(price, kernel, stride, padding, 1, extra))
    return tuple(sorted(found)[:6])


@lru_cache(maxsize=1 << 16)
def pool_sides(size: int, made: int) -> tuple[Side, ...]:
    """Every usual pooling that makes `made` pixels of `size`.

    >>> pool_sides(28, 14)[0], pool_sides(13, 6)[0].kernel, pool_sides(28, 30)
    (Side(price=0.0, kernel=2, stride=2, padding=0, dilation=1, extra=0), 2, ())
    """
    if made > size + 1 or made < 1:
        return ()
    found: list[Side] = []
    kernels = {*range(1, min(_SEARCH_KERNEL, size + 1)), size, max(1, size // made), size - made + 1}
    for kernel in kernels:
        if kernel > size + 1:
            continue
        for stride in {kernel, 1, 2, 3, 4} | ({max(1, size // made)} if kernel <= _SEARCH_KERNEL else set()):
            if stride > max(kernel, 2):
                continue
            for padding in range(kernel // 2 + 1) if kernel <= 7 else (0, kernel // 2):
                for ceil in (False, True):
                    if _pooled(size, kernel, stride, padding, ceil=ceil) == made:
                        price = _pool_price(kernel, stride, padding, size, is_ceil=ceil)
                        found.append(Side(price, kernel, stride, padding, 1, int(ceil)))
    found.sort()
    return tuple(found[:8])


def _pooled(size: int, kernel: int, stride: int, padding: int, *, ceil: bool) -> int | None:
    try:
        return pool_output_size(size, kernel, stride=stride, padding=padding, ceil_mode=ceil)
    except ShapeError:
        return None


def _pool_price(kernel: int, stride: int, padding: int, size: int, *, is_ceil: bool) -> float:
    if kernel == 1:
        price = 0.1 if stride == 2 else 1.0 if stride == 1 else 0.6
    elif stride == kernel:
        price = (0.0 if padding == 0 else 0.5) + (0.0 if kernel <= 3 or kernel == size else 0.1)
    elif stride == 2:
        price = 0.05 if kernel == 3 else 0.4 + 0.02 * kernel
        price += 0.0 if padding == 0 or kernel % 2 else 0.3
    elif stride == 1:
        price = (
            0.05
            if padding == kernel // 2 and kernel % 2
            else 0.0
            if kernel == size and not padding
            else 0.35 + 0.05 * abs(kernel - 3)
        )
    else:
        price = 0.45
    return price + (0.15 if is_ceil else 0.0)


def same_padded(size: int, stride: int) -> int:
    """Keras's padding "same": ceil(size / stride).

    >>> same_padded(15, 2)
    8
    """
    return -(-size // stride)
