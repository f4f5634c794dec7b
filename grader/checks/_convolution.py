"""What does a convolution by hand give, under each convention and at each border? Exact, for small matrices."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import Literal

from grader.frozen import dataclass

Matrix = tuple[tuple[Fraction, ...], ...]
Border = Literal["zero", "valid", "replicate", "reflect", "full"]


@dataclass(frozen=True)
class Flip:
    """Which axes of the kernel are turned around before it slides: both for a convolution, none for a correlation."""

    rows: bool
    columns: bool


CONVOLUTION = Flip(rows=True, columns=True)
CORRELATION = Flip(rows=False, columns=False)


def convolve(
    image: Matrix, kernel: Matrix, *, flip: Flip, border: Border | int, stride: tuple[int, int] = (1, 1)
) -> Matrix | None:
    """Return the image (h, w) under the kernel (a, b), or None where they do not fit together.

    `border`  "zero", "replicate" and "reflect" keep the size at stride 1 (an even kernel has its odd pixel after,
              as padding "same" of PyTorch); "valid" adds nothing; a number is so many zeros on each side; "full"
              adds zeros wherever the kernel still touches the image
    Source:   torch.nn.functional.conv2d (a cross-correlation), scipy.signal.convolve2d

    >>> image = tuple(tuple(map(Fraction, row)) for row in ([1, 2], [3, 4]))
    >>> kernel = tuple(tuple(map(Fraction, row)) for row in ([1, 0], [0, 2]))
    >>> convolve(image, kernel, flip=CORRELATION, border="valid")  # 1*1 + 4*2
    ((Fraction(9, 1),),)
    >>> convolve(image, kernel, flip=CONVOLUTION, border="valid")  # 1*2 + 4*1
    ((Fraction(6, 1),),)
    >>> convolve(image, kernel * 2, flip=CORRELATION, border="valid") is None
    True
    """
    height, width = len(kernel), len(kernel[0])
    tops, sides = _added(height, border), _added(width, border)
    mode = border if border in ("replicate", "reflect") else "zero"
    rows = _sources(len(image), tops, mode)
    columns = _sources(len(image[0]), sides, mode)
    if rows is None or columns is None or len(rows) < height or len(columns) < width:
        return None
    whole, scale = _whole(image)
    weights, unit = _whole(kernel)
    if flip.rows:
        weights = weights[::-1]
    if flip.columns:
        weights = [row[::-1] for row in weights]
    padded = [[0 if r is None or c is None else whole[r][c] for c in columns] for r in rows]
    return tuple(
        tuple(
            Fraction(
                sum(
                    weight * pixel
                    for line, row in zip(weights, padded[top : top + height], strict=True)
                    for weight, pixel in zip(line, row[left : left + width], strict=True)
                ),
                scale * unit,
            )
            for left in range(0, len(columns) - width + 1, stride[1])
        )
        for top in range(0, len(rows) - height + 1, stride[0])
    )


def _added(kernel: int, border: Border | int) -> tuple[int, int]:
    """Pixels added before and after one axis."""
    if isinstance(border, int):
        return border, border
    if border == "valid":
        return 0, 0
    if border == "full":
        return kernel - 1, kernel - 1
    return (kernel - 1) // 2, kernel // 2


def _sources(size: int, added: tuple[int, int], mode: str) -> list[int | None] | None:
    """For each place of the padded axis the index that it takes its value from; None: a zero."""
    before, after = added
    if mode == "reflect" and max(before, after) >= size:
        return None
    places = range(-before, size + after)
    if mode == "replicate":
        return [min(max(place, 0), size - 1) for place in places]
    if mode == "reflect":
        return [min(abs(place), 2 * (size - 1) - abs(place)) for place in places]
    return [place if 0 <= place < size else None for place in places]


def _whole(matrix: Matrix) -> tuple[list[list[int]], int]:
    """The matrix in whole numbers, and what they were multiplied with: fractions are slow to add."""
    scale = lcm(*(entry.denominator for row in matrix for entry in row))
    return [[int(entry * scale) for entry in row] for row in matrix], scale


def transposed(matrix: Matrix) -> Matrix:
    """Rows and columns swapped."""
    return tuple(zip(*matrix, strict=True))


def negated(matrix: Matrix) -> Matrix:
    """Every sign turned around."""
    return tuple(tuple(-entry for entry in row) for row in matrix)
