"""What can every layer be asked, whatever its kind?"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from grader.architecture.shapes import Shape, element_count
from grader.frozen import dataclass

# One entry per spatial axis: (height, width).
Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """The part of its input that one output pixel of a layer sees, per spatial axis, in input pixels.

    `padding` is what is added before the first pixel.
    """

    kernel: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes


class Layer(ABC):
    """A layer: what it makes of a shape, and what it has to learn. Nothing here runs a network.

    `kind` is the word of the rubric: the snake case of PyTorch's class, such as "conv2d".
    """

    kind: str

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape that the layer makes of `input_shape`, as in evaluation mode.

        Raises:  ShapeError where PyTorch refuses the input
        """

    def parameters(self) -> Mapping[str, Shape]:
        """Name and shape of each tensor that is learned, as in PyTorch's `named_parameters`."""
        return {}

    def buffers(self) -> Mapping[str, Shape]:
        """Name and shape of each tensor that is kept but not learned, as in PyTorch's `named_buffers`."""
        return {}

    @property
    def parameter_count(self) -> int:
        """Learned numbers, biases included."""
        return sum(element_count(shape) for shape in self.parameters().values())

    @property
    def buffer_count(self) -> int:
        """Numbers kept but not learned: the running statistics of a normalisation and their counter."""
        return sum(element_count(shape) for shape in self.buffers().values())

    def multiply_adds(self, input_shape: Shape) -> int:
        """Multiplications with a learned weight for one forward pass over `input_shape`, batch included.

        Convolutions, linear and recurrent layers count; biases, normalisation, pooling and activations do
        not. PyTorch's flop counter says twice as much, for it counts the addition too.
        """
        self.output_shape(input_shape)  # a count for an input that does not fit would be a lie
        return 0

    @property
    def spatial_axes(self) -> int | None:
        """How many spatial axes the layer works on, None where it takes any number."""
        return None

    def window(self, input_shape: Shape, spatial_axes: int) -> Window | None:
        """What one output pixel sees, or None where that is no fixed window (a linear layer sees everything).

        The last `spatial_axes` axes of `input_shape` are pixels.
        """
        del input_shape, spatial_axes
        return None


def pointwise(spatial_axes: int) -> Window:
    """The window of a layer that works on each pixel for itself.

    >>> pointwise(2)
    Window(kernel=(1, 1), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    """
    one, zero = (1,) * spatial_axes, (0,) * spatial_axes
    return Window(one, one, zero, one)
