"""Which consistent mistake gives exactly this matrix? Another convention, another border, rows for columns, signs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Final, Literal

from grader.checks._convolution import (
    CONVOLUTION,
    CORRELATION,
    Border,
    Flip,
    Matrix,
    convolve,
    negated,
    transposed,
)
from grader.frozen import dataclass

Kind = Literal["convention", "border", "transposed", "half-flip", "sign"]

_BORDERS: Final[tuple[Border, ...]] = ("valid", "zero", "replicate", "reflect", "full")
_BORDER_WORDS: Final = {
    "valid": "without padding",
    "zero": "padded with zeros to keep the size",
    "replicate": "padded with copies of its edge",
    "reflect": "padded with its mirror image",
    "full": "padded with zeros as far as the kernel reaches",
}


@dataclass(frozen=True)
class Task:
    """What is computed by hand."""

    image: Matrix
    kernel: Matrix
    flip: Flip
    border: Border | int
    stride: tuple[int, int]

    @property
    def is_convolution(self) -> bool:
        return self.flip == CONVOLUTION

    def result(self) -> Matrix | None:
        """The right matrix, or None where image and kernel do not fit together."""
        return convolve(self.image, self.kernel, flip=self.flip, border=self.border, stride=self.stride)


@dataclass(frozen=True)
class Slip:
    """One or two consistent mistakes that together give the student's matrix."""

    kinds: tuple[Kind, ...]
    said: str


def is_near(left: Matrix, right: Matrix, tolerance: Fraction) -> bool:
    """The same shape, and every entry within the tolerance."""
    return _shape(left) == _shape(right) and all(
        abs(a - b) <= tolerance for row, other in zip(left, right, strict=True) for a, b in zip(row, other, strict=True)
    )


def find_slips(task: Task, given: Matrix, tolerance: Fraction) -> list[Slip]:
    """The known slips that explain every entry, those of one mistake only where there are any."""
    found = [slip for slip, made in _slips(task) if is_near(given, made, tolerance)]
    return [slip for slip in found if len(slip.kinds) == len(found[0].kinds)]


def _slips(task: Task) -> Iterator[tuple[Slip, Matrix]]:
    """Every known slip with its matrix, single ones first; those that change nothing are left out."""
    right = task.result()
    other = CORRELATION if task.is_convolution else CONVOLUTION
    flips: list[tuple[Flip, Kind | None]] = [(task.flip, None), (other, "convention")]
    flips += [(Flip(rows=True, columns=False), "half-flip"), (Flip(rows=False, columns=True), "half-flip")]
    borders: list[tuple[Border | int, Kind | None]] = [(task.border, None)]
    borders += [(border, "border") for border in _BORDERS if border != task.border]
    found: list[tuple[int, Slip, Matrix]] = []
    for (flip, flip_kind), (border, border_kind) in product(flips, borders):
        made = convolve(task.image, task.kernel, flip=flip, border=border, stride=task.stride)
        if made is None:
            continue
        for is_transposed, is_negated in product((False, True), repeat=2):
            turned = transposed(made) if is_transposed else made
            turned = negated(turned) if is_negated else turned
            candidates = (
                flip_kind,
                border_kind,
                "transposed" if is_transposed else None,
                "sign" if is_negated else None,
            )
            kinds: tuple[Kind, ...] = tuple(kind for kind in candidates if kind)  # type: ignore[misc]
            if 0 < len(kinds) <= 2 and turned != right:
                found.append((len(kinds), Slip(kinds, _said(task, kinds, flip, border, right, turned)), turned))
    found.sort(key=lambda one: (one[0], _ORDER[one[1].kinds[0]]))
    yield from ((slip, made) for _, slip, made in found)


_ORDER: Final[dict[Kind, int]] = {"convention": 0, "border": 1, "transposed": 2, "sign": 3, "half-flip": 4}


def _said(
    task: Task, kinds: tuple[Kind, ...], flip: Flip, border: Border | int, right: Matrix | None, made: Matrix
) -> str:
    parts = []
    for kind in kinds:
        if kind == "convention":
            parts.append(
                _convention(task, is_negative=right is not None and kinds == (kind,) and made == negated(right))
            )
        elif kind == "border":
            parts.append(f"the image is {_BORDER_WORDS[str(border)]}")
        elif kind == "transposed":
            parts.append("rows and columns are swapped")
        elif kind == "sign":
            parts.append("every sign is turned around")
        else:
            turned = "top to bottom" if flip.rows else "left to right"
            wanted = "in both directions" if task.is_convolution else "not at all"
            parts.append(f"the kernel is flipped {turned} only, where it is to be flipped {wanted}")
    return ", and ".join(parts)


def _convention(task: Task, *, is_negative: bool) -> str:
    said = (
        "this is the cross-correlation (the kernel was not flipped), where the convolution is asked"
        if task.is_convolution
        else "this is the convolution (the kernel was flipped), where the cross-correlation is asked"
    )
    return f"{said}; for this kernel that turns every sign around" if is_negative else said


def _shape(matrix: Matrix) -> tuple[int, int]:
    return len(matrix), len(matrix[0])
