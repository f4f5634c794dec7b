"""How does a table made by hand write its shapes, and what do its calculations say that its other cells leave out?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod

from grader.architecture.readers.printed import PrintedRow, PrintedShape, PrintedSummary
from grader.architecture.recompute.hand_layers import Tensor
from grader.frozen import dataclass
from grader.model import Json

_VOLUME = 4  # axes of a volume without the batch, of an image with it
_WORKING = re.compile(r"Line (\d{1,9}) is worked out as (\d{1,9}(?: x \d{1,9}){1,9})\b")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the table writes shapes: with the batch first, and where the channels stand ("" where they are left out)."""

    has_batch: bool
    channels: str

    def tensor(self, shape: PrintedShape) -> Tensor:
        """A printed shape as what it says.

        >>> Layout(True, "first").tensor((None, 6, 24, 24))
        Tensor(channels=6, spatial=(24, 24), features=None)
        """
        body = shape[1:] if self.has_batch else shape
        if len(body) == 1:
            return Tensor(features=body[0])
        if not body:
            return Tensor()
        if not self.channels:
            return Tensor(None, body)
        return Tensor(body[0], body[1:]) if self.channels == "first" else Tensor(body[-1], body[:-1])

    def text(self, tensor: Tensor, like: PrintedShape) -> str:
        """A tensor as the table would write it."""
        batch = like[:1] if self.has_batch else ()
        if tensor.features is not None:
            body: PrintedShape = (tensor.features,)
        elif not self.channels:
            body = tensor.spatial or ()
        elif self.channels == "first":
            body = (tensor.channels, *(tensor.spatial or ()))
        else:
            body = (*(tensor.spatial or ()), tensor.channels)
        return "(" + ", ".join("?" if axis is None else str(axis) for axis in (*batch, *body)) + ")"


_LAYOUTS = tuple(
    Layout(*one) for one in ((True, "first"), (False, "first"), (True, "last"), (False, "last"), (False, ""))
)


def layouts_of(summary: PrintedSummary) -> Sequence[Layout]:
    """The ways in which the shapes can be meant, by their lengths."""
    shapes = [shape for row in summary.rows for shape in (*row.outputs, *row.inputs)] + list(summary.input)
    lengths = {len(shape) for shape in shapes}
    if not shapes:
        return (Layout(True, "first"),)
    has_open = any(shape and shape[0] is None for shape in shapes)
    sides = _sides(shapes)
    fitting = [
        layout
        for layout in _LAYOUTS
        if not (has_open and not layout.has_batch)
        and not (max(lengths) > sides + 1 and not layout.has_batch)
        and not (sides > 2 and layout.has_batch and max(lengths) < sides + 2)
        and not (1 in lengths and layout.has_batch)
        and not (layout.channels == "" and max(lengths) > 2)
        and all(_is_image(layout, row, sides) for row in summary.rows)
    ]
    return fitting or _LAYOUTS[:1]


def _sides(shapes: Sequence[PrintedShape]) -> int:
    """How many sides what the layers see has: 2 for images, 3 for volumes, where a first of 4 axes is no batch."""
    longest = max(map(len, shapes))
    firsts = Counter(shape[0] for shape in shapes if len(shape) == _VOLUME)
    # A batch is the same in every row; a slip is there once.
    is_changing = len(firsts) > 2 or sum(count > 1 for count in firsts.values()) > 1
    return 3 if longest > _VOLUME or (longest == _VOLUME and is_changing) else 2


def _is_image(layout: Layout, row: PrintedRow, sides: int) -> bool:
    """True unless a window would give something that has not as many sides as the window."""
    kind = str(row.settings.get("kind", ""))
    if not kind.endswith("2d") or not kind.startswith(("conv", "max_pool", "avg_pool")):
        return True
    axes = sides + bool(layout.channels) + layout.has_batch
    return all(len(shape) == axes for shape in row.outputs)


def with_workings(summary: PrintedSummary) -> tuple[Mapping[str, Json], ...]:
    """The settings of the rows; "5 x 5 x 3 x 32" says kernel and outputs where nothing else does."""
    worked = {}
    for note in summary.notes:
        match = _WORKING.search(note)
        if match:
            worked[int(match[1])] = [int(factor) for factor in match[2].split(" x ")]
    made: list[Mapping[str, Json]] = []
    channels = 0
    for row in summary.rows:
        settings, factors = dict(row.settings), worked.get(row.line, [])
        kind = str(settings.get("kind", ""))
        if kind.startswith("conv") and "out_channels" not in settings and len(factors) > 2:
            settings["out_channels"] = factors[-1]
            settings.setdefault("kernel", factors[:2] if factors[0] == factors[1] else factors[0])
        elif kind == "linear" and "out_features" not in settings and len(factors) > 1:
            settings["out_features"] = factors[-1]
            into = factors.index(channels) + 1 if channels in factors[:-1] else len(factors) - 1
            settings.setdefault("in_features", prod(factors[:into]))
        out = settings.get("out_channels") or settings.get("out_features")
        channels = out if isinstance(out, int) else channels
        made.append(settings)
    return tuple(made)
