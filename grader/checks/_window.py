"""Does an answer fit the equation of a layer, and if not, which slip would it fit? One axis at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from grader.architecture import (
    ShapeError,
    build,
    conv_output_size,
    pool_output_size,
    transposed_output_size,
)
from grader.frozen import dataclass

UNKNOWNS: Final = ("input", "kernel", "stride", "padding", "dilation", "output")


@dataclass(frozen=True)
class Window:
    """The quantities of one axis of a layer, in pixels. The one that is asked for is 0 until an answer is put in."""

    kind: str  # "conv", "pool" or "transposed"
    input: int = 0
    kernel: int = 0
    stride: int | None = None  # None: the default of PyTorch, which is 1, or the kernel for a pooling
    padding: int = 0
    dilation: int = 1
    output: int = 0
    output_padding: int = 0
    ceil_mode: bool = False

    def with_answer(self, unknown: str, value: int) -> Window:
        """The same window with a value for the quantity that is asked for.

        >>> Window("conv", input=28, output=24).with_answer("kernel", 5).made()
        24
        """
        put: dict[str, Any] = {unknown: value}
        return replace(self, **put)

    @property
    def step(self) -> int:
        """The stride, its default filled in."""
        if self.stride is not None:
            return self.stride
        return self.kernel if self.kind == "pool" else 1

    def made(self) -> int:
        """The output's size by PyTorch's rules.

        Raises:  ShapeError where PyTorch refuses the layer

        >>> Window("conv", input=512, kernel=11).made(), Window("pool", input=504, kernel=2).made()
        (502, 252)
        """
        if self.kind == "conv":
            return conv_output_size(
                self.input, self.kernel, stride=self.step, padding=self.padding, dilation=self.dilation
            )
        if self.kind == "pool":
            return pool_output_size(
                self.input,
                self.kernel,
                stride=self.step,
                padding=self.padding,
                dilation=self.dilation,
                ceil_mode=self.ceil_mode,
            )
        return transposed_output_size(
            self.input,
            self.kernel,
            stride=self.step,
            padding=self.padding,
            output_padding=self.output_padding,
            dilation=self.dilation,
        )

    @property
    def room(self) -> int:
        """How far the window can move over the padded input."""
        return self.input + 2 * self.padding - self.dilation * (self.kernel - 1) - 1

    def fits(self) -> bool:
        """Is the equation true with all the quantities as they stand?"""
        try:
            return self.made() == self.output
        except ShapeError:
            return False


def solutions(window: Window, unknown: str) -> Iterator[int]:
    """Every value of the unknown that makes the equation true, in order, up to where more cannot differ.

    >>> list(solutions(Window("conv", input=512, output=504), "kernel"))
    [9]
    >>> list(solutions(Window("conv", input=224, kernel=7, padding=3, output=112), "stride"))
    [2]
    """
    if unknown == "output":
        try:
            yield window.made()
        except ShapeError:
            return
        return
    yield from (value for value in _range(window, unknown) if window.with_answer(unknown, value).fits())


def _range(window: Window, unknown: str) -> range:
    """Every value that can be a solution; of endlessly many (a stride where one step is left) the first ones."""
    w = window
    reach = w.dilation * w.kernel
    is_transposed = w.kind == "transposed"
    if unknown == "input":
        if is_transposed:
            return range(1, w.output + 2 * w.padding + 2)
        return range(max(1, (w.output - 2) * w.step - 2 * w.padding), (w.output + 1) * w.step + reach + 1)
    if unknown == "padding":
        if is_transposed:
            return range((w.input * w.step + reach + w.output_padding) // 2 + 2)
        return range(max(0, ((w.output - 2) * w.step - w.input) // 2), ((w.output + 1) * w.step + reach) // 2 + 2)
    # A window over the edge (ceil_mode) may need a stride as large as itself.
    return range(1, w.input + 2 * w.padding + w.output + reach + 2)


# --- slips that students make ------------------------------------------------------------------


@dataclass(frozen=True)
class Slip:
    """A known mistake: what the answer would be right for, and the sentence that names it."""

    code: str
    said: str
    made: Callable[[Window], int | None]  # None: the slip makes no difference here


def _conv(room: int, step: int) -> int:
    return room // step + 1


def _when(is_different: bool, value: int) -> int | None:
    return value if is_different else None


def _swapped(w: Window) -> int | None:
    room = w.input + 2 * w.kernel - w.dilation * (w.padding - 1) - 1
    return _when(0 < w.padding != w.kernel, _conv(room, w.step))


_WINDOW_SLIPS: Final[tuple[Slip, ...]] = (
    Slip(
        "ceil-for-floor",
        "the division is rounded up, not down",
        lambda w: _when(not w.ceil_mode and w.room % w.step > 0, -(-w.room // w.step) + 1),
    ),
    Slip(
        "floor-for-ceil",
        "the division is rounded down, but ceil_mode rounds up",
        lambda w: _when(w.ceil_mode and w.room % w.step > 0, _conv(w.room, w.step)),
    ),
    Slip(
        "padding-once",
        "the padding is counted once, but it is added on both sides",
        lambda w: _when(w.padding > 0, _conv(w.room - w.padding, w.step)),
    ),
    Slip(
        "padding-ignored",
        "the padding is left out",
        lambda w: _when(w.padding > 0, _conv(w.room - 2 * w.padding, w.step)),
    ),
    Slip("plus-one-forgotten", "the + 1 at the end is forgotten", lambda w: w.room // w.step),
    Slip("stride-ignored", "the stride is left out", lambda w: _when(w.step > 1, _conv(w.room, 1))),
    Slip(
        "dilation-ignored",
        "the dilation is left out",
        lambda w: _when(w.dilation > 1, _conv(w.room + (w.dilation - 1) * (w.kernel - 1), w.step)),
    ),
    Slip("kernel-padding-swapped", "kernel and padding are swapped", _swapped),
    Slip("minus-one", "1 is taken away at the end where it must be added", lambda w: w.room // w.step - 1),
    Slip(
        "kernel-minus-one-forgotten",
        "the whole kernel is taken away, not the kernel less 1",
        lambda w: _when(w.step > 1, _conv(w.room - w.dilation, w.step)),
    ),
)


def _transposed(w: Window) -> int:
    return (w.input - 1) * w.step - 2 * w.padding + w.dilation * (w.kernel - 1) + w.output_padding + 1


_TRANSPOSED_SLIPS: Final[tuple[Slip, ...]] = (
    Slip(
        "output-padding-ignored",
        "the output padding is left out",
        lambda w: _when(w.output_padding > 0, _transposed(w) - w.output_padding),
    ),
    Slip(
        "padding-once",
        "the padding is counted once, but it is taken away on both sides",
        lambda w: _when(w.padding > 0, _transposed(w) + w.padding),
    ),
    Slip(
        "padding-ignored",
        "the padding is left out",
        lambda w: _when(w.padding > 0, _transposed(w) + 2 * w.padding),
    ),
    Slip(
        "padding-added",
        "the padding is added, but a transposed convolution takes it away",
        lambda w: _when(w.padding > 0, _transposed(w) + 4 * w.padding),
    ),
    Slip("plus-one-forgotten", "the + 1 at the end is forgotten", lambda w: _transposed(w) - 1),
    Slip("input-not-less-one", "the whole input is multiplied with the stride, not the input less 1",
         lambda w: _when(w.step > 1, _transposed(w) + w.step)),
    Slip("conv-for-transposed", "this is the equation of a convolution, not of a transposed one",
         lambda w: _conv(w.room, w.step)),
)  # fmt: skip

_TOTAL_PADDING: Final = Slip(
    "total-padding",
    "this is the padding of both sides together, and PyTorch's padding is that of each side",
    lambda w: _conv(w.room - w.padding, w.step),
)


def slips(windows: Sequence[Window], unknown: str, answer: Sequence[int]) -> list[Slip]:
    """Every known slip that gives this answer on all axes, the more usual first.

    >>> [one.code for one in slips([Window("conv", input=252, kernel=3)], "output", [248])]
    ['minus-one']
    >>> [one.code for one in slips([Window("conv", input=32, kernel=5, output=32)], "padding", [4])]
    ['total-padding']
    """
    known = _TRANSPOSED_SLIPS if windows[0].kind == "transposed" else _WINDOW_SLIPS
    if unknown == "padding" and windows[0].kind != "transposed":
        known = (_TOTAL_PADDING, *(one for one in known if not one.code.startswith("padding")))
    return [one for one in known if _explains(one, windows, unknown, answer)]


def _explains(one: Slip, windows: Sequence[Window], unknown: str, answer: Sequence[int]) -> bool:
    """Does the slip give the answer everywhere, and make a difference somewhere?"""
    is_different = False
    for window, value in zip(windows, answer, strict=True):
        filled = window.with_answer(unknown, value)
        if filled.kernel < 1 or filled.step < 1 or filled.dilation < 1:
            return False
        made = one.made(filled)
        if made is None:
            if not filled.fits():
                return False
        elif made != filled.output:
            return False
        else:
            is_different = True
    return is_different


# --- receptive fields --------------------------------------------------------------------------


def receptive_field(windows: Sequence[Window]) -> int:
    """How many pixels of the input one output pixel of a stack of layers sees, along one axis.

    >>> (
    ...     receptive_field([Window("conv", kernel=3)] * 2),
    ...     receptive_field([Window("conv", kernel=5), Window("pool", kernel=2)]),
    ... )
    (5, 6)
    """
    layers = [
        {"kind": "conv1d", "out_channels": 1, "kernel": w.kernel, "stride": w.step, "dilation": w.dilation}
        for w in windows
    ]
    room = 1  # an input that leaves the last layer one pixel
    for window in reversed(windows):
        room = (room - 1) * window.step + window.dilation * (window.kernel - 1) + 1
    field = build((1, 1, room), layers).receptive_field()[-1]
    if field is None:
        raise ValueError("a stack of convolutions without a receptive field")
    return field.size[0]


@dataclass(frozen=True)
class FieldSlip:
    """A known mistake about receptive fields."""

    code: str
    said: str
    made: Callable[[Sequence[Window]], int]


def _own_stride(windows: Sequence[Window]) -> int:
    size, jump = 1, 1
    for window in windows:
        jump *= window.step
        size += window.dilation * (window.kernel - 1) * jump
    return size


_FIELD_SLIPS: Final[tuple[FieldSlip, ...]] = (
    FieldSlip(
        "strides-ignored",
        "the strides of the earlier layers are left out",
        lambda windows: 1 + sum(w.dilation * (w.kernel - 1) for w in windows),
    ),
    FieldSlip(
        "dilation-ignored",
        "the dilation is left out",
        lambda windows: receptive_field([replace(w, dilation=1) for w in windows]),
    ),
    FieldSlip("kernels-added", "the kernels are simply added up", lambda windows: sum(w.kernel for w in windows)),
    FieldSlip("plus-one-forgotten", "the pixel itself is forgotten", lambda windows: receptive_field(windows) - 1),
    FieldSlip(
        "last-layer-only",
        "only the last layer is looked at",
        lambda windows: windows[-1].dilation * (windows[-1].kernel - 1) + 1,
    ),
    FieldSlip(
        "own-stride-counted",
        "a layer's own stride is counted, but only those before it spread its view",
        _own_stride,
    ),
)


def field_slips(stacks: Sequence[Sequence[Window]], answer: Sequence[int]) -> list[FieldSlip]:
    """Every known slip that gives this receptive field on both axes, the more usual first.

    >>> [one.code for one in field_slips([[Window("pool", kernel=2), Window("conv", kernel=5)]], [6])]
    ['strides-ignored']
    """
    return [
        one
        for one in _FIELD_SLIPS
        if all(one.made(windows) == value for windows, value in zip(stacks, answer, strict=True))
    ]
