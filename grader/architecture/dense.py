"""What do linear, embedding and flatten layers make of a shape?

Source:  torch.nn.Linear, Embedding, Flatten, Unflatten
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from grader.architecture.layer import Layer, Sizes
from grader.architecture.shapes import Shape, axes, check_shape, element_count, refusal
from grader.frozen import dataclass


@dataclass(frozen=True)
class Linear(Layer):
    """Linear: (*, in_features) -> (*, out_features)."""

    kind: str
    in_features: int
    out_features: int
    bias: bool

    def __post_init__(self) -> None:
        if self.in_features < 1 or self.out_features < 1:
            raise refusal(
                f"{self.in_features} features in and {self.out_features} out",
                fix="use at least 1 feature",
                where=self.kind,
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        if not shape or shape[-1] != self.in_features:
            raise refusal(
                f"expects {self.in_features} features in the last axis, got {axes(shape)}",
                fix=self._advice(shape),
                where=self.kind,
            )
        return (*shape[:-1], self.out_features)

    def _advice(self, shape: Shape) -> str:
        if len(shape) > 2 and prod(shape[1:]) == self.in_features:
            return "put a flatten layer before it"
        features = shape[-1] if len(shape) == 2 else prod(shape[1:])
        return f"use in_features: {features}, or mend the layer before"

    def parameters(self) -> Mapping[str, Shape]:
        weight = (self.out_features, self.in_features)
        return {"weight": weight, "bias": (self.out_features,)} if self.bias else {"weight": weight}

    def multiply_adds(self, input_shape: Shape) -> int:
        return element_count(self.output_shape(input_shape)) * self.in_features


@dataclass(frozen=True)
class Embedding(Layer):
    """Embedding: indices of any shape (*) -> (*, embedding_dim)."""

    kind: str
    num_embeddings: int
    embedding_dim: int

    def __post_init__(self) -> None:
        if self.num_embeddings < 1 or self.embedding_dim < 1:
            raise refusal(
                f"{self.num_embeddings} embeddings of {self.embedding_dim} numbers",
                fix="use at least 1 of each",
                where=self.kind,
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*check_shape(input_shape), self.embedding_dim)

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.num_embeddings, self.embedding_dim)}


@dataclass(frozen=True)
class Flatten(Layer):
    """Flatten: the axes from `start_dim` to `end_dim` become one. (N, C, H, W) -> (N, C H W) by default."""

    kind: str
    start_dim: int
    end_dim: int

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        start = wrapped_axis(self.kind, self.start_dim, shape)
        end = wrapped_axis(self.kind, self.end_dim, shape)
        if start > end:
            raise refusal(
                f"axis {self.start_dim} comes after axis {self.end_dim} in {axes(shape)}",
                fix="let start_dim come before end_dim",
                where=self.kind,
            )
        return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])


@dataclass(frozen=True)
class Unflatten(Layer):
    """Unflatten: axis `dim` becomes `unflattened_size`, in which one -1 stands for what is left."""

    kind: str
    dim: int
    unflattened_size: Sizes

    def __post_init__(self) -> None:
        sizes = self.unflattened_size
        if not sizes or sizes.count(-1) > 1 or any(size < 1 and size != -1 for size in sizes):
            raise refusal(
                f"an unflattened size of {sizes}", fix="use sizes of at least 1, and -1 at most once", where=self.kind
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        shape = check_shape(input_shape)
        if not shape:
            raise refusal("a single number has no axis to split", fix="give it a list", where=self.kind)
        axis = wrapped_axis(self.kind, self.dim, shape)
        free = self.unflattened_size.count(-1)
        known = prod(size for size in self.unflattened_size if size != -1)
        is_whole = shape[axis] % known == 0 if free else shape[axis] == known
        if not is_whole:
            raise refusal(
                f"{shape[axis]} numbers cannot be laid out as {self.unflattened_size}",
                fix="let the sizes multiply to that of the axis",
                where=self.kind,
            )
        made = tuple(shape[axis] // known if size == -1 else size for size in self.unflattened_size)
        return (*shape[:axis], *made, *shape[axis + 1 :])


def wrapped_axis(kind: str, axis: int, shape: Shape) -> int:
    """`axis` counted from the front; a negative one counts from the end. A scalar has one axis to name.

    >>> wrapped_axis("flatten", -1, (16, 32, 4, 4))
    3
    """
    rank = max(len(shape), 1)
    if not -rank <= axis < rank:
        raise refusal(
            f"there is no axis {axis} in {axes(shape)}",
            fix=f"name an axis from {-rank} to {rank - 1}",
            where=kind,
        )
    return axis % rank
