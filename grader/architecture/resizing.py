"""What do layers that resize, pad or rearrange pixels make of a shape? They learn nothing.

Source:  torch.nn.Upsample, ZeroPad1d to ZeroPad3d, PixelShuffle, PixelUnshuffle
"""

from __future__ import annotations

from grader.architecture.layer import Layer, Sizes, Window
from grader.architecture.shapes import MAX_SIZE, Shape, axes, check_rank, check_shape, refusal
from grader.frozen import dataclass

# The ranks that each interpolation takes, with batch and channels.
UPSAMPLE_RANKS = {
    "nearest": (3, 4, 5),
    "nearest-exact": (3, 4, 5),
    "area": (3, 4, 5),
    "linear": (3,),
    "bilinear": (4,),
    "bicubic": (4,),
    "trilinear": (5,),
}


@dataclass(frozen=True)
class Upsample(Layer):
    """Upsample to a `size` or by a `scale_factor`; one number holds for every spatial axis. Needs a batch."""

    kind: str
    size: Sizes | int | None
    scale_factor: tuple[float, ...] | float | None
    mode: str

    def __post_init__(self) -> None:
        if (self.size is None) == (self.scale_factor is None):
            raise refusal("needs a size or a scale_factor, and not both", fix="give one of the two", where=self.kind)
        if self.mode not in UPSAMPLE_RANKS:
            raise refusal(f"mode {self.mode!r}", fix=f"use one of {', '.join(UPSAMPLE_RANKS)}", where=self.kind)

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        check_rank(self.kind, shape, *UPSAMPLE_RANKS[self.mode])
        dims = len(shape) - 2
        made = self._made(shape[2:]) if self._length() in (None, dims) else ()
        if not made:
            raise refusal(
                f"{self._length()} numbers for {dims} spatial axes", fix=f"give one number or {dims}", where=self.kind
            )
        if min(made) < 1 or max(made) > MAX_SIZE:
            raise refusal(
                f"makes {made} of {shape[2:]}", fix="use a size of at least 1 for every axis", where=self.kind
            )
        return (*shape[:2], *made)

    def _length(self) -> int | None:
        """How many axes the setting names, None where one number holds for all."""
        given = self.scale_factor if self.size is None else self.size
        return len(given) if isinstance(given, tuple) else None

    def _made(self, sizes: Sizes) -> Sizes:
        if isinstance(self.size, int):
            return (self.size,) * len(sizes)
        if self.size is not None:
            return self.size
        scales = self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,) * len(sizes)
        return tuple(int(min(size * (scale or 0), 2.0**64)) for size, scale in zip(sizes, scales, strict=True))


@dataclass(frozen=True)
class ZeroPad(Layer):
    """ZeroPad1d to ZeroPad3d: `padding` is (before, after) for the last axis, then for the one before it ...

    Negative padding cuts off.
    """

    kind: str
    padding: Sizes

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        dims = len(self.padding) // 2
        if len(shape) < dims:
            raise refusal(f"needs at least {dims} axes, got {axes(shape)}", fix="give it an image", where=self.kind)
        made = list(shape)
        for step in range(dims):
            before, after = self.padding[2 * step : 2 * step + 2]
            size = shape[-1 - step]
            if size + min(before, 0) + min(after, 0) < 0 or size + before + after < 1:
                raise refusal(
                    f"{size} pixels cannot be padded by {before} and {after}", fix="cut off less", where=self.kind
                )
            made[-1 - step] = size + before + after
        return tuple(made)

    @property
    def spatial_axes(self) -> int:
        return len(self.padding) // 2

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape, spatial_axes
        before = self.padding[::2][::-1]
        one = (1,) * len(before)
        return Window(one, one, before, one)


@dataclass(frozen=True)
class PixelShuffle(Layer):
    """PixelShuffle: (*, C r r, H, W) -> (*, C, H r, W r) with r = `upscale_factor`."""

    kind: str
    upscale_factor: int

    def __post_init__(self) -> None:
        _check_factor(self.kind, self.upscale_factor)

    def output_shape(self, input_shape: Shape) -> Shape:
        factor = self.upscale_factor
        *rest, channels, height, width = _image(self.kind, input_shape)
        if channels % factor**2:
            raise refusal(
                f"{channels} channels are no multiple of {factor**2} = {factor} x {factor}",
                fix=f"give it a multiple of {factor**2} channels",
                where=self.kind,
            )
        return (*rest, channels // factor**2, height * factor, width * factor)


@dataclass(frozen=True)
class PixelUnshuffle(Layer):
    """PixelUnshuffle: (*, C, H r, W r) -> (*, C r r, H, W) with r = `downscale_factor`."""

    kind: str
    downscale_factor: int

    def __post_init__(self) -> None:
        _check_factor(self.kind, self.downscale_factor)

    def output_shape(self, input_shape: Shape) -> Shape:
        factor = self.downscale_factor
        *rest, channels, height, width = _image(self.kind, input_shape)
        if height % factor or width % factor:
            raise refusal(
                f"{height} x {width} pixels cannot be split into blocks of {factor} x {factor}",
                fix=f"give it sizes that {factor} divides",
                where=self.kind,
            )
        return (*rest, channels * factor**2, height // factor, width // factor)


def _check_factor(kind: str, factor: int) -> None:
    if factor < 1:
        raise refusal(f"a factor of {factor}", fix="use a factor of at least 1", where=kind)


def _image(kind: str, input_shape: Shape) -> Shape:
    shape = check_shape(input_shape)
    if len(shape) < 3:
        raise refusal(f"needs at least 3 axes, got {axes(shape)}", fix="give it (C, H, W)", where=kind)
    return shape
