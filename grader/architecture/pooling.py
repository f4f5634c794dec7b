"""What do pooling layers make of a shape? They learn nothing.

Source:  torch.nn.MaxPool1d to MaxPool3d, AvgPool, LPPool, AdaptiveAvgPool and AdaptiveMaxPool
"""

from __future__ import annotations

from grader.architecture.arithmetic import pool_output_size
from grader.architecture.layer import Layer, Sizes, Window
from grader.architecture.shapes import Shape, refusal, spatial_sizes
from grader.frozen import dataclass


@dataclass(frozen=True)
class MaxPool(Layer):
    """MaxPool1d, MaxPool2d, MaxPool3d: (N, C, *sizes) -> (N, C, *results); N may be missing."""

    kind: str
    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    ceil_mode: bool

    def output_shape(self, input_shape: Shape) -> Shape:
        sizes = spatial_sizes(self.kind, input_shape, len(self.kernel))
        made = tuple(
            pool_output_size(size, k, stride=s, padding=p, dilation=d, ceil_mode=self.ceil_mode)
            for size, k, s, p, d in zip(sizes, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )
        return (*input_shape[: -len(sizes)], *made)

    @property
    def spatial_axes(self) -> int:
        return len(self.kernel)

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape, spatial_axes
        return Window(self.kernel, self.stride, self.padding, self.dilation)


@dataclass(frozen=True)
class AvgPool(Layer):
    """AvgPool1d to AvgPool3d: (N, C, *sizes) -> (N, C, *results); N may be missing.

    LPPool1d to LPPool3d have the same shapes, with padding 0.
    """

    kind: str
    kernel: Sizes
    stride: Sizes
    padding: Sizes
    ceil_mode: bool

    def output_shape(self, input_shape: Shape) -> Shape:
        dims = len(self.kernel)
        sizes = spatial_sizes(self.kind, input_shape, dims)
        for size, k in zip(sizes, self.kernel, strict=True):
            if dims == 3 and size < k:  # PyTorch looks at the input without its padding, in three dimensions only
                raise refusal(
                    f"a window of {k} does not fit {size} pixels", fix="use a smaller kernel", where=self.kind
                )
        made = tuple(
            pool_output_size(size, k, stride=s, padding=p, ceil_mode=self.ceil_mode)
            for size, k, s, p in zip(sizes, self.kernel, self.stride, self.padding, strict=True)
        )
        return (*input_shape[:-dims], *made)

    @property
    def spatial_axes(self) -> int:
        return len(self.kernel)

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape, spatial_axes
        return Window(self.kernel, self.stride, self.padding, (1,) * len(self.kernel))


@dataclass(frozen=True)
class AdaptivePool(Layer):
    """AdaptiveAvgPool1d to 3d, AdaptiveMaxPool1d to 3d: the output size is given; None keeps that of the input."""

    kind: str
    output_size: tuple[int | None, ...]

    def __post_init__(self) -> None:
        for size in self.output_size:
            if size is not None and size < 1:
                raise refusal(f"an output size of {size}", fix="use an output size of at least 1", where=self.kind)

    def output_shape(self, input_shape: Shape) -> Shape:
        sizes = spatial_sizes(self.kind, input_shape, len(self.output_size))
        made = tuple(size if wanted is None else wanted for size, wanted in zip(sizes, self.output_size, strict=True))
        return (*input_shape[: -len(sizes)], *made)

    @property
    def spatial_axes(self) -> int:
        return len(self.output_size)

    def window(self, input_shape: Shape, spatial_axes: int) -> Window | None:
        """A plain pooling where the sizes divide; else the windows differ from pixel to pixel."""
        del spatial_axes
        sizes = input_shape[-len(self.output_size) :]
        made = self.output_shape(input_shape)[-len(sizes) :]
        if any(size % small for size, small in zip(sizes, made, strict=True)):
            return None
        kernel = tuple(size // small for size, small in zip(sizes, made, strict=True))
        return Window(kernel, kernel, (0,) * len(kernel), (1,) * len(kernel))
