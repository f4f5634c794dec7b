"""Which layers did the tool print below its table, and can one of them make what a row says?

pytorch_model_summary with `show_hierarchical=True` prints every module with its kernel, stride and widths. Each row
of its table is one of these modules, though perhaps not in this order: a row that none of its class can make is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace

from grader.architecture import Layer, ShapeError, make_layer
from grader.architecture.arithmetic import span
from grader.architecture.kinds import TORCH_NAMES
from grader.architecture.pooling import AvgPool
from grader.architecture.readers.printed import PrintedRow, PrintedShape, PrintedSummary
from grader.frozen import dataclass

# Those whose print says all that decides the output. A transposed convolution may be told its size when it is called.
_TOLD_WHOLE = ("conv1d", "conv2d", "conv3d", "linear", "max_pool", "avg_pool", "adaptive_")
_LARGEST = 1 << 40  # numbers of a tensor beyond which nothing is built


@dataclass(frozen=True, slots=True)
class Printed:
    """One layer of the print: its rows there, what it learns, how many channels or features it makes (0: as many)."""

    layer: Layer
    lines: tuple[int, ...]
    count: int
    made: int

    @property
    def settings(self) -> tuple[tuple[str, object], ...]:
        """In the words of `make_layer`."""
        return tuple((one.name, getattr(self.layer, one.name)) for one in fields(self.layer) if one.name != "kind")  # type: ignore[arg-type]

    def has_width(self, out: PrintedShape) -> bool:
        """True if the layer can make as many channels or features as `out` has."""
        if not self.made:
            return True
        axis = len(out) - 1 if self.layer.kind == "linear" else len(out) - 1 - (self.layer.spatial_axes or 0)
        return 0 <= axis < len(out) and out[axis] in {self.made, None}


class PrintedLayers:
    """All printed layers of one class. Equal only to itself, so that laws can be kept by it."""

    __slots__ = ("by_count", "layers")

    def __init__(self, layers: Sequence[Printed]) -> None:
        self.layers = tuple(layers)
        self.by_count: Mapping[int, tuple[Printed, ...]] = {
            count: tuple(one for one in layers if one.count == count) for count in {one.count for one in layers}
        }

    def matching(self, out: PrintedShape, count: int | None) -> list[Printed]:
        """The layers with this count and as many channels as `out` has."""
        return [one for one in self._counted(count) if one.has_width(out)]

    def making(self, source: PrintedShape, out: PrintedShape, count: int | None) -> Printed | None:
        """A layer that makes `out` of `source`, None if there is none."""
        for one, made in self.outputs(source, count):
            if len(made) == len(out) and all(a is None or a == b for a, b in zip(out, made, strict=True)):
                return one
        return None

    def inputs(self, out: PrintedShape, count: int | None) -> tuple[int, ...]:
        """The channels or features that the layers with this count and width take."""
        taken = (
            getattr(one.layer, "in_channels", 0) or getattr(one.layer, "in_features", 0)
            for one in self.matching(out, count)
        )
        return tuple(dict.fromkeys(size for size in taken if size))

    def least_sizes(self, out: PrintedShape, count: int | None) -> tuple[tuple[int, ...], ...]:
        """The smallest images of which the layers with this count and width make `out`."""
        found = []
        for one in self.matching(out, count):
            dims = one.layer.spatial_axes or 0
            window = one.layer.window(tuple(axis or 1 for axis in out), dims) if dims else None
            if window is None or len(out) < dims + 1:
                continue
            sides = [
                ((made or 1) - 1) * stride + span(kernel, dilation) - 2 * padding
                for made, kernel, stride, padding, dilation in zip(
                    out[-dims:], window.kernel, window.stride, window.padding, window.dilation, strict=True
                )
            ]
            found.append(tuple(max(side, 1) for side in sides))
        return tuple(dict.fromkeys(found))

    def outputs(self, source: PrintedShape, count: int | None) -> Iterator[tuple[Printed, tuple[int, ...]]]:
        """What each layer with this count makes of `source`; an open axis of it is 1."""
        given = tuple(1 if axis is None else axis for axis in source)
        for one in self._counted(count):
            try:
                made = one.layer.output_shape(given)
            except ShapeError:
                continue
            if max(made, default=0) < _LARGEST:
                yield one, made

    def _counted(self, count: int | None) -> tuple[Printed, ...]:
        return self.layers if count is None else self.by_count.get(count, ())


def printed_layers(summary: PrintedSummary) -> dict[str, PrintedLayers]:
    """By their class, the layers that are printed below the table; without the classes that are not read in full."""
    rows: dict[str, list[PrintedRow]] = defaultdict(list)
    for row in summary.modules:
        rows[row.type].append(row)
    wanted = {row.type for row in summary.rows}
    found = {name: _layers(of_class) for name, of_class in rows.items() if name in wanted}
    return {name: PrintedLayers(layers) for name, layers in found.items() if layers}


def _layers(rows: Sequence[PrintedRow]) -> list[Printed]:
    """The layers of one class, each once; [] where one of them does not say all, or contradicts itself."""
    lines: dict[Layer, list[int]] = defaultdict(list)
    for row in rows:
        kind = row.settings.get("kind")
        is_known = isinstance(kind, str) and kind.startswith(_TOLD_WHOLE) and TORCH_NAMES.get(row.type) == kind
        if not is_known or row.mended or row.parameters is None:
            return []
        try:
            layer = make_layer(row.settings, (1,))
        except (ShapeError, TypeError):
            return []
        if layer.parameter_count != row.parameters.value:
            return []
        both = (layer, replace(layer, ceil_mode=True)) if isinstance(layer, AvgPool) else (layer,)
        for one in both:  # an average pooling does not print its ceil_mode
            lines[one].append(row.line)
    return [Printed(layer, tuple(at), layer.parameter_count, _width(layer)) for layer, at in lines.items()]


def _width(layer: Layer) -> int:
    made = getattr(layer, "out_channels", None) or getattr(layer, "out_features", None)
    return made if isinstance(made, int) else 0
