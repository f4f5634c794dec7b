"""How large is one side of a layer's output? Whole numbers in, whole numbers out.

These are the rules of PyTorch, with its refusals; every layer and the convolution exercises use them.
"""

from __future__ import annotations

from grader.architecture.shapes import refusal


def conv_output_size(size: int, kernel: int, *, stride: int = 1, padding: int | str = 0, dilation: int = 1) -> int:
    """Return one side of a convolution's output: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.

    Shapes:  (N, C, size) -> (N, C', result)
    Units:   pixels; `stride` is pixels per step; `padding` is added on both sides, or is "same" or "valid"
    Raises:  ShapeError if the kernel is wider than the padded input, for stride != 1 with "same", for
             values that are no size
    Source:  the Shape section of torch.nn.Conv2d's documentation

    >>> conv_output_size(28, 5), conv_output_size(224, 7, stride=2, padding=3)  # LeNet, ResNet stem
    (24, 112)
    >>> conv_output_size(28, 4, padding="same", dilation=3)
    28
    """
    left, right = conv_padding(kernel, stride=stride, padding=padding, dilation=dilation)
    if size < 1:
        raise refusal(f"{size} pixels are nothing to convolve", fix="give it an input of at least 1 pixel")
    room = size + left + right - span(kernel, dilation)
    if room < 0:
        raise refusal(
            f"a kernel of {_kernel_words(kernel, dilation)} does not fit {size} pixels "
            f"with padding {left + right} in all ({size + left + right} pixels)",
            fix="use a smaller kernel, more padding or a larger input",
        )
    return room // stride + 1


def conv_padding(kernel: int, *, stride: int = 1, padding: int | str = 0, dilation: int = 1) -> tuple[int, int]:
    """Return the pixels that a convolution adds (before, after) one side.

    "same" keeps the size: dilation (kernel - 1) pixels in all, the odd one after. PyTorch allows it with stride 1 only.

    Raises:  ShapeError for values that PyTorch refuses
    Source:  torch.nn.Conv2d, argument `padding`

    >>> conv_padding(5, padding="same"), conv_padding(4, padding="same"), conv_padding(3, padding=1)
    ((2, 2), (1, 2), (1, 1))
    """
    _check_window(kernel, stride, dilation)
    if padding == "same":
        if stride != 1:
            raise refusal(
                f"padding 'same' with stride {stride}",
                fix="use stride 1 with padding 'same', or give the padding as a number",
            )
        total = dilation * (kernel - 1)
        return total // 2, total - total // 2
    if padding == "valid":
        return 0, 0
    if isinstance(padding, str):
        raise refusal(f"padding {padding!r}", fix="write a number, 'same' or 'valid'")
    if padding < 0:
        raise refusal(f"a padding of {padding}", fix="use a padding of at least 0")
    return padding, padding


def pool_output_size(
    size: int,
    kernel: int,
    *,
    stride: int | None = None,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Return one side of a pooling's output; `stride` is the kernel where it is left out.

    With `ceil_mode` the division is rounded up, but a last window that would start in the padding after
    the input is dropped.

    Shapes:  (N, C, size) -> (N, C, result)
    Units:   pixels; `stride` is pixels per step
    Raises:  ShapeError if nothing is left, or the padding is more than half of the kernel
    Source:  the Shape section of torch.nn.MaxPool2d's documentation

    >>> pool_output_size(28, 2), pool_output_size(7, 2), pool_output_size(7, 2, ceil_mode=True)
    (14, 3, 4)
    >>> pool_output_size(5, 2, stride=3, padding=1, ceil_mode=True)  # windows start at -1 and 2; 5 is past the end
    2
    """
    step = kernel if stride is None else stride
    _check_window(kernel, step, dilation)
    if padding < 0:
        raise refusal(f"a padding of {padding}", fix="use a padding of at least 0")
    if padding > kernel // 2:
        raise refusal(
            f"a padding of {padding} is more than half of the kernel of {kernel}",
            fix=f"use a padding of at most {kernel // 2}",
        )
    if size < 1:
        raise refusal(f"{size} pixels are nothing to pool", fix="give it an input of at least 1 pixel")
    room = size + 2 * padding - span(kernel, dilation) + (step - 1 if ceil_mode else 0)
    windows = room // step + 1
    if ceil_mode and (windows - 1) * step >= size + padding:
        windows -= 1
    if windows < 1:
        raise refusal(
            f"a window of {_kernel_words(kernel, dilation)} does not fit {size} pixels with padding {padding}",
            fix="use a smaller kernel or a larger input",
        )
    return windows


def transposed_output_size(
    size: int, kernel: int, *, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """Return one side of a transposed convolution's output.

    (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1

    Shapes:  (N, C, size) -> (N, C', result)
    Units:   pixels
    Raises:  ShapeError if nothing is left, or `output_padding` is not smaller than stride or dilation
    Source:  the Shape section of torch.nn.ConvTranspose2d's documentation

    >>> transposed_output_size(7, 3, stride=2, padding=1, output_padding=1)
    14
    """
    _check_window(kernel, stride, dilation)
    if padding < 0 or output_padding < 0:
        raise refusal(f"a padding of {min(padding, output_padding)}", fix="use a padding of at least 0")
    if output_padding >= max(stride, dilation):
        raise refusal(
            f"an output padding of {output_padding} with stride {stride} and dilation {dilation}",
            fix="use an output padding smaller than the stride or the dilation",
        )
    if size < 1:
        raise refusal(f"{size} pixels are nothing to convolve", fix="give it an input of at least 1 pixel")
    made = (size - 1) * stride - 2 * padding + span(kernel, dilation) + output_padding
    if made < 1:
        raise refusal(
            f"a kernel of {_kernel_words(kernel, dilation)} with padding {padding} makes {made} pixels of {size}",
            fix="use less padding or a larger input",
        )
    return made


def span(kernel: int, dilation: int) -> int:
    """How many pixels a dilated kernel reaches over.

    >>> span(3, 1), span(3, 2)
    (3, 5)
    """
    return dilation * (kernel - 1) + 1


def _kernel_words(kernel: int, dilation: int) -> str:
    return str(kernel) if dilation == 1 else f"{kernel} with dilation {dilation} ({span(kernel, dilation)} pixels wide)"


def _check_window(kernel: int, stride: int, dilation: int) -> None:
    for word, value in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise refusal(f"a {word} of {value}", fix=f"use a {word} of at least 1")
