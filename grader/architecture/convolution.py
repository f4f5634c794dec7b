"""What do convolutions and transposed convolutions make of a shape?

Source:  torch.nn.Conv1d to Conv3d and ConvTranspose1d to ConvTranspose3d
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from grader.architecture.arithmetic import conv_output_size, conv_padding, transposed_output_size
from grader.architecture.layer import Layer, Sizes, Window
from grader.architecture.shapes import Shape, element_count, refusal, spatial_sizes
from grader.frozen import dataclass

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True)
class Conv(Layer):
    """Conv1d, Conv2d, Conv3d: (N, in_channels, *sizes) -> (N, out_channels, *results); N may be missing.

    `padding` is one number per axis, or "same" or "valid".
    """

    kind: str
    in_channels: int
    out_channels: int
    kernel: Sizes
    stride: Sizes
    padding: Sizes | str
    dilation: Sizes
    groups: int
    bias: bool
    padding_mode: str

    def __post_init__(self) -> None:
        _check_channels(self.kind, self.in_channels, self.out_channels, self.groups)
        if self.padding_mode not in PADDING_MODES:
            raise refusal(f"padding mode {self.padding_mode!r}", fix=f"use one of {', '.join(PADDING_MODES)}")
        self.paddings()

    def paddings(self) -> tuple[tuple[int, int], ...]:
        """Pixels added (before, after) each axis."""
        windows = zip(self.kernel, self.stride, self._each_padding(), self.dilation, strict=True)
        return tuple(conv_padding(k, stride=s, padding=p, dilation=d) for k, s, p, d in windows)

    def output_shape(self, input_shape: Shape) -> Shape:
        sizes = _spatial(self.kind, input_shape, len(self.kernel), self.in_channels)
        self._check_padding_mode(sizes)
        made = tuple(
            conv_output_size(size, k, stride=s, padding=p, dilation=d)
            for size, k, s, p, d in zip(
                sizes, self.kernel, self.stride, self._each_padding(), self.dilation, strict=True
            )
        )
        return (*input_shape[: -len(sizes) - 1], self.out_channels, *made)

    def _each_padding(self) -> tuple[int | str, ...]:
        return (self.padding,) * len(self.kernel) if isinstance(self.padding, str) else self.padding

    def _check_padding_mode(self, sizes: Sizes) -> None:
        """Padding with pixels of the image needs enough of them."""
        room = {"reflect": -1, "circular": 0}.get(self.padding_mode)
        if room is None:
            return
        for size, (before, after) in zip(sizes, self.paddings(), strict=True):
            if max(before, after) > size + room:
                raise refusal(
                    f"padding mode {self.padding_mode!r} cannot make {max(before, after)} pixels of {size}",
                    fix="use less padding, padding mode 'zeros', or a larger input",
                )

    def parameters(self) -> Mapping[str, Shape]:
        weight = (self.out_channels, self.in_channels // self.groups, *self.kernel)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def multiply_adds(self, input_shape: Shape) -> int:
        made = element_count(self.output_shape(input_shape))
        return made * (self.in_channels // self.groups) * prod(self.kernel)

    @property
    def spatial_axes(self) -> int:
        return len(self.kernel)

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape, spatial_axes
        return Window(self.kernel, self.stride, tuple(before for before, _ in self.paddings()), self.dilation)


@dataclass(frozen=True)
class ConvTranspose(Layer):
    """ConvTranspose1d to ConvTranspose3d: (N, in_channels, *sizes) -> (N, out_channels, *results)."""

    kind: str
    in_channels: int
    out_channels: int
    kernel: Sizes
    stride: Sizes
    padding: Sizes
    output_padding: Sizes
    dilation: Sizes
    groups: int
    bias: bool

    def __post_init__(self) -> None:
        _check_channels(self.kind, self.in_channels, self.out_channels, self.groups)

    @property
    def spatial_axes(self) -> int:
        return len(self.kernel)

    def output_shape(self, input_shape: Shape) -> Shape:
        sizes = _spatial(self.kind, input_shape, len(self.kernel), self.in_channels)
        made = tuple(
            transposed_output_size(size, k, stride=s, padding=p, output_padding=o, dilation=d)
            for size, k, s, p, o, d in zip(
                sizes, self.kernel, self.stride, self.padding, self.output_padding, self.dilation, strict=True
            )
        )
        return (*input_shape[: -len(sizes) - 1], self.out_channels, *made)

    def parameters(self) -> Mapping[str, Shape]:
        weight = (self.in_channels, self.out_channels // self.groups, *self.kernel)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def multiply_adds(self, input_shape: Shape) -> int:
        """Every input pixel is multiplied with the whole kernel, also where the result falls into the padding."""
        self.output_shape(input_shape)
        return element_count(input_shape) * (self.out_channels // self.groups) * prod(self.kernel)


def _check_channels(kind: str, in_channels: int, out_channels: int, groups: int) -> None:
    if groups < 1:
        raise refusal(f"{groups} groups", fix="use at least 1 group", where=kind)
    if in_channels < 1 or out_channels < 1:
        raise refusal(f"{in_channels} channels in and {out_channels} out", fix="use at least 1 channel", where=kind)
    for word, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise refusal(
                f"{word} {channels} cannot be split into {groups} groups",
                fix=f"use a number of groups that divides {channels}",
                where=kind,
            )


def _spatial(kind: str, input_shape: Shape, dims: int, in_channels: int) -> Sizes:
    """The sizes of the spatial axes, after the channels are checked."""
    sizes = spatial_sizes(kind, input_shape, dims)
    channels = input_shape[-dims - 1]
    if channels != in_channels:
        raise refusal(
            f"expects {in_channels} channels, its input {input_shape} has {channels}",
            fix=f"use in_channels: {channels}, or mend the layer before",
            where=kind,
        )
    return sizes
