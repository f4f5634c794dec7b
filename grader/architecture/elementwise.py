"""What do activations and dropout do to a shape? Nothing; PReLU learns its slopes.

Source:  torch.nn, non-linear activations and dropout layers
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.architecture.dense import wrapped_axis
from grader.architecture.layer import Layer, Window, pointwise
from grader.architecture.shapes import Shape, axes, check_rank, check_shape, refusal
from grader.frozen import dataclass


@dataclass(frozen=True)
class Activation(Layer):
    """ReLU, Sigmoid, Identity and all others that work on each number for itself."""

    kind: str

    def output_shape(self, input_shape: Shape) -> Shape:
        return check_shape(input_shape)

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape
        return pointwise(spatial_axes)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """LeakyReLU: the slope for negative numbers is given, not learned."""

    negative_slope: float


@dataclass(frozen=True)
class Dropout(Activation):
    """Dropout of any kind: `p` is the share of values that is dropped in training."""

    p: float

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise refusal(f"a dropout of p = {self.p}", fix="use a p from 0 to 1", where=self.kind)

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        if self.kind == "dropout1d":  # the only one of them that looks at the rank
            check_rank(self.kind, shape, 2, 3)
        return shape


@dataclass(frozen=True)
class Softmax(Layer):
    """Softmax and LogSoftmax over the axis `dim`; None is PyTorch's own choice of it."""

    kind: str
    dim: int | None

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        self._axis(shape)
        return shape

    def _axis(self, shape: Shape) -> int:
        if self.dim is None:
            return 0 if len(shape) in (0, 1, 3) else 1
        return wrapped_axis(self.kind, self.dim, shape)

    def window(self, input_shape: Shape, spatial_axes: int) -> Window | None:
        """Pointwise unless the sum runs over pixels."""
        is_over_pixels = self._axis(input_shape) >= len(input_shape) - spatial_axes
        return None if is_over_pixels else pointwise(spatial_axes)


@dataclass(frozen=True)
class PReLU(Layer):
    """PReLU: one learned slope, or one per channel (axis 1)."""

    kind: str
    num_parameters: int

    def __post_init__(self) -> None:
        if self.num_parameters < 1:
            raise refusal(f"{self.num_parameters} slopes", fix="use at least 1 slope", where=self.kind)

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        channels = shape[1] if len(shape) > 1 else 1
        if self.num_parameters != 1 and (not shape or channels != self.num_parameters):
            raise refusal(
                f"has {self.num_parameters} slopes for {channels} channels (axes {axes(shape)})",
                fix=f"use num_parameters: {channels} or 1",
                where=self.kind,
            )
        return shape

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.num_parameters,)}

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape
        return pointwise(spatial_axes)
