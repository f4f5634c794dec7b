"""What is a shape, and what is said when a layer does not fit one?"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from grader.errors import GraderError
from grader.model import Problem

# Axis sizes with the batch first: (N, C, H, W). An unbatched input has no N, where PyTorch accepts that.
Shape = tuple[int, ...]

# PyTorch counts in 64 bits.
MAX_SIZE = 2**63 - 1


class ShapeError(GraderError):
    """A layer that cannot be, or that does not fit its input. The `fix` is for whoever wrote the layer.

    `index` (from 0), `kind` and `input_shape` say which layer of a network it was; `build` fills them in.
    """

    exit_code = 3  # layers come from a rubric; a check turns a student's own into a finding

    index: int | None = None
    kind: str = ""
    input_shape: Shape | None = None

    @property
    def problem(self) -> Problem:
        """What is wrong: a layer is refused for one reason at a time."""
        return self.problems[0]

    def at(
        self, where: str, *, index: int | None = None, kind: str = "", input_shape: Shape | None = None
    ) -> ShapeError:
        """The same refusal, with the place that only the caller knows."""
        moved = ShapeError(Problem(self.problem.code, where, self.problem.what, self.problem.fix))
        moved.index, moved.kind, moved.input_shape = index, kind, input_shape
        return moved


def refusal(what: str, *, fix: str, where: str = "layer") -> ShapeError:
    """The error for a layer that PyTorch would refuse too.

    >>> print(refusal("a stride of 0", fix="use a stride of at least 1", where="conv2d"))
    conv2d: a stride of 0
      fix: use a stride of at least 1
    """
    return ShapeError(Problem("shape", where, what, fix))


def check_shape(shape: Iterable[int]) -> Shape:
    """`shape` as a tuple of sizes, each at least 1.

    What PyTorch does with empty tensors differs from kernel to kernel; no network that learns has one.

    Raises:  ShapeError that names the entry

    >>> check_shape([16, 1, 28, 28])
    (16, 1, 28, 28)
    """
    sizes = tuple(shape)
    for size in sizes:
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_SIZE:
            raise refusal(
                f"{size!r} in the shape {sizes!r} is not a size",
                fix="write a shape as whole numbers of at least 1, such as (16, 1, 28, 28)",
            )
    return sizes


def element_count(shape: Shape) -> int:
    """How many numbers a tensor of this shape holds.

    >>> element_count((16, 6, 24, 24)), element_count(())
    (55296, 1)
    """
    return prod(shape)


def check_rank(kind: str, shape: Shape, *ranks: int) -> None:
    """Refuse a shape with another number of axes than one of `ranks`."""
    if len(shape) not in ranks:
        wanted = " or ".join(str(rank) for rank in ranks)
        raise refusal(
            f"needs {wanted} axes, got {axes(shape)}",
            fix="give it an input of the right rank; a flatten or unflatten layer changes the rank",
            where=kind,
        )


def spatial_sizes(kind: str, input_shape: Shape, dims: int) -> Shape:
    """The sizes of the last `dims` axes of (N, C, ...) or (C, ...).

    >>> spatial_sizes("conv2d", (16, 1, 28, 28), 2)
    (28, 28)
    """
    shape = check_shape(input_shape)
    check_rank(kind, shape, dims + 1, dims + 2)
    return shape[-dims:]


def axes(shape: Shape) -> str:
    """The shape with its rank, for messages.

    >>> axes((16, 400)), axes((3,))
    ('2: (16, 400)', '1: (3,)')
    """
    return f"{len(shape)}: {shape}"
