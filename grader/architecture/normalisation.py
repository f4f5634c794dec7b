"""What do normalisation layers learn and keep? They change no shape.

Shapes are those of evaluation mode: BatchNorm accepts a batch of one there, and refuses it in training.
The receptive field takes every normalisation as pointwise, as is usual.

Source:  torch.nn.BatchNorm1d to 3d, InstanceNorm1d to 3d, GroupNorm, LayerNorm
"""

from __future__ import annotations

from collections.abc import Mapping

from grader.architecture.layer import Layer, Sizes, Window, pointwise
from grader.architecture.shapes import Shape, axes, check_rank, check_shape, element_count, refusal
from grader.frozen import dataclass


@dataclass(frozen=True)
class BatchNorm(Layer):
    """BatchNorm1d, BatchNorm2d, BatchNorm3d. `track_running_stats` keeps 2 buffers and a counter."""

    kind: str
    dims: int
    num_features: int
    affine: bool
    track_running_stats: bool

    def __post_init__(self) -> None:
        if self.affine or self.track_running_stats:  # else PyTorch never looks at it
            _check_features(self.kind, self.num_features)

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        check_rank(self.kind, shape, *((2, 3) if self.dims == 1 else (self.dims + 2,)))
        if self.affine or self.track_running_stats:
            _check_channels(self.kind, self.num_features, shape[1], shape)
        if not self.track_running_stats and element_count((shape[0], *shape[2:])) == 1:
            raise refusal(
                f"without running statistics one value per channel {shape} has no variance",
                fix="use a larger batch or track_running_stats: true",
                where=self.kind,
            )
        return shape

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.num_features,), "bias": (self.num_features,)} if self.affine else {}

    def buffers(self) -> Mapping[str, Shape]:
        return _running(self.num_features) if self.track_running_stats else {}

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape
        return pointwise(spatial_axes)


@dataclass(frozen=True)
class InstanceNorm(Layer):
    """InstanceNorm1d, InstanceNorm2d, InstanceNorm3d: learns nothing unless `affine` is true."""

    kind: str
    dims: int
    num_features: int
    affine: bool
    track_running_stats: bool

    def __post_init__(self) -> None:
        if self.affine or self.track_running_stats:  # else PyTorch never looks at it
            _check_features(self.kind, self.num_features)

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        check_rank(self.kind, shape, self.dims + 1, self.dims + 2)
        if self.affine or self.track_running_stats:
            _check_channels(self.kind, self.num_features, shape[-self.dims - 1], shape)
        if not self.track_running_stats and element_count(shape[-self.dims :]) == 1:
            raise refusal(
                f"one pixel per channel {shape} has no variance",
                fix="normalise where the map is larger, or use another normalisation",
                where=self.kind,
            )
        return shape

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.num_features,), "bias": (self.num_features,)} if self.affine else {}

    def buffers(self) -> Mapping[str, Shape]:
        return _running(self.num_features) if self.track_running_stats else {}

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape
        return pointwise(spatial_axes)


@dataclass(frozen=True)
class GroupNorm(Layer):
    """GroupNorm: (N, C, *) with C a multiple of `num_groups`."""

    kind: str
    num_groups: int
    num_channels: int
    affine: bool

    def __post_init__(self) -> None:
        if self.affine:
            _check_features(self.kind, self.num_channels)
        if self.num_groups < 1 or self.num_channels % self.num_groups:
            raise refusal(
                f"{self.num_channels} channels cannot be split into {self.num_groups} groups",
                fix=f"use a number of groups that divides {self.num_channels}",
                where=self.kind,
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        if len(shape) < 2:
            raise refusal(f"needs at least 2 axes, got {axes(shape)}", fix="give it (N, C, ...)", where=self.kind)
        if self.affine:
            _check_channels(self.kind, self.num_channels, shape[1], shape)
        if shape[1] % self.num_groups:
            raise refusal(
                f"{shape[1]} channels cannot be split into {self.num_groups} groups",
                fix=f"use a number of groups that divides {shape[1]}",
                where=self.kind,
            )
        if element_count((shape[0] * shape[1] // self.num_groups, *shape[2:])) == 1:
            raise refusal(f"one value per group {shape} has no variance", fix="use fewer groups", where=self.kind)
        return shape

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.num_channels,), "bias": (self.num_channels,)} if self.affine else {}

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape
        return pointwise(spatial_axes)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """LayerNorm over the last axes, which must be `normalized_shape`."""

    kind: str
    normalized_shape: Sizes
    elementwise_affine: bool
    bias: bool

    def __post_init__(self) -> None:
        if not self.normalized_shape or min(self.normalized_shape) < 1:
            raise refusal(
                f"a normalized shape of {self.normalized_shape}",
                fix="name the sizes of the last axes, such as [64, 28, 28]",
                where=self.kind,
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        if shape[-len(self.normalized_shape) :] != self.normalized_shape:
            raise refusal(
                f"expects an input that ends in {self.normalized_shape}, got {axes(shape)}",
                fix=f"use the last axes of {shape}",
                where=self.kind,
            )
        return shape

    def parameters(self) -> Mapping[str, Shape]:
        if not self.elementwise_affine:
            return {}
        weight = {"weight": self.normalized_shape}
        return {**weight, "bias": self.normalized_shape} if self.bias else weight

    def window(self, input_shape: Shape, spatial_axes: int) -> Window:
        del input_shape
        return pointwise(spatial_axes)


def _running(features: int) -> Mapping[str, Shape]:
    return {"running_mean": (features,), "running_var": (features,), "num_batches_tracked": ()}


def _check_features(kind: str, features: int) -> None:
    if features < 1:
        raise refusal(f"{features} features", fix="use at least 1 feature", where=kind)


def _check_channels(kind: str, expected: int, channels: int, shape: Shape) -> None:
    if channels != expected:
        raise refusal(
            f"expects {expected} channels, its input {shape} has {channels}",
            fix=f"use {channels}, or mend the layer before",
            where=kind,
        )
