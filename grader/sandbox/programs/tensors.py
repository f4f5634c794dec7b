"""What is a weights file, once it is read? Named tensors: where in the file each stands, and of which type."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# The types that a network's weights have, with the bytes of one element. Others (complex, quantised, 8-bit floats)
# are refused by name.
ITEM_BYTES = {
    "float32": 4, "float64": 8, "float16": 2, "bfloat16": 2,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip
MOST_TENSORS = 20_000
MOST_DIMENSIONS = 16
SAVE = 'save the weights alone: torch.save(model.state_dict(), "model.pth")'


@dataclass(frozen=True)
class Tensor:
    """Shape and strides in elements; `start` in bytes from the beginning of the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    start: int
    strides: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def reach(self) -> int:
        """Elements from `start` to just past the last one that the tensor uses."""
        if self.elements == 0:
            return 0
        return 1 + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))

    @property
    def stop(self) -> int:
        return self.start + self.reach * ITEM_BYTES[self.dtype]


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor whose elements stand in a row.

    >>> contiguous((2, 3, 4))
    (12, 4, 1)
    """
    strides = []
    step = 1
    for side in reversed(shape):
        strides.append(step)
        step *= max(side, 1)
    return tuple(reversed(strides))
