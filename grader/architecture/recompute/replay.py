"""What follows from a printed `print(model)`: parameters, channels that meet, the image that fits?

PrintedSummary -> leaves in print order (chains.py) -> the image's way to the first linear layer (sizes.py) -> verdict
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from grader.architecture import Shape, ShapeError, make_layer
from grader.architecture.readers.printed import PrintedSummary
from grader.architecture.recompute.chains import Leaf, breaks, count_of_module, leaves_of, told
from grader.architecture.recompute.oddities import odd_windows
from grader.architecture.recompute.printed_counts import miscounted
from grader.architecture.recompute.sizes import (
    LARGEST,
    USUAL,
    Stretch,
    features_of,
    hidden_poolings,
    images_that_fit,
    shapes_along,
    stretch_of,
)
from grader.architecture.recompute.verdict import Disagreement, LayerReading, RowVerdict, SummaryVerdict
from grader.frozen import dataclass
from grader.model import Json

_WINDOW = ("kernel", "stride", "padding")
_TRIED = 7  # the largest kernel, stride or padding that is tried in place of a printed one


def verify_repr(summary: PrintedSummary, *, input_shape: Shape | None = None) -> SummaryVerdict:
    r"""Recompute what a printed model says: parameters of every module, channels from one to the next, image sizes.

    Shapes:  `input_shape` with the batch first, where the caller knows what the network is given
    Returns: the verdict. Without an input shape its `input` is the image that fits, where only one usual size does

    >>> from grader.architecture.readers.module_repr import read
    >>> from grader.documents.report_lines import Line
    >>> text = "Sequential(\n  (0): Linear(in_features=4, out_features=3, bias=True)\n  (1): ReLU()\n  (2): Linear("
    >>> text += "in_features=5, out_features=2, bias=True)\n)"
    >>> [printed] = read([Line(number, one) for number, one in enumerate(text.splitlines(), 1)])
    >>> verdict = verify_repr(printed)
    >>> verdict.totals["parameters"], verdict.disagreements[0].why
    ('27', '0 makes 3 features, and 2 behind it takes 5 (or line 2 is wrong)')
    """
    leaves = leaves_of(summary)
    counts, is_whole = _counts(summary)
    said = [told(leaves, one) for one in breaks(leaves)]
    said += [one for one in odd_windows(leaves) if one.row not in {other.row for other in said}]
    said += miscounted(summary)
    image = _Image()
    stretch = stretch_of(leaves) if not summary.unread else None
    if stretch is not None and _is_separate(leaves, stretch):
        stretch = None
    if stretch is not None and not any(one.row is not None and one.row <= stretch.linear for one in said):
        image = _with_input(leaves, stretch, input_shape) if input_shape else _without_input(leaves, stretch)
    if image.disagreement is not None:
        said.append(image.disagreement)
    outputs = dict(shapes_along(stretch, image.shape)) if stretch is not None and image.shape is not None else {}
    rows = []
    for index, row in enumerate(summary.rows):
        readings = _readings(row.settings, counts[index], outputs.get(index))
        if stretch is not None and index == stretch.linear and readings:
            readings = tuple(
                LayerReading(readings[0].settings, parameters=counts[index], needs=one) for one in image.needs or ("",)
            )
        rows.append(RowVerdict(row, readings, outputs.get(index), counts[index]))
    total = _total(summary, counts)
    return SummaryVerdict(
        summary,
        tuple(rows),
        tuple(sorted(said, key=lambda one: one.line)),
        totals={"parameters": f"{total:,}" if is_whole else f"at least {total:,}"},
        input=image.shape if input_shape is None else input_shape,
    )


def _is_separate(leaves: Sequence[Leaf], stretch: Stretch) -> bool:
    """True if the printed order is not that of the calls: the modules do not fit, or the linear layer sees no image."""
    if stretch.is_certain:
        return False
    largest = (1, stretch.channels, *(LARGEST,) * stretch.dims)
    channels = _last_channels(leaves, stretch)
    if features_of(stretch, largest) is None or channels is None or stretch.wanted < channels:
        return True
    behind = [leaf for leaf in leaves if leaf.index >= stretch.linear and leaf.kind == "linear"]
    taken = behind[1].number("in_features") if len(behind) > 1 else None
    # What the next layer takes more than this one makes comes from somewhere else: from the image.
    return taken is not None and taken > (behind[0].number("out_features") or taken) and stretch.wanted % channels != 0


def _last_channels(leaves: Sequence[Leaf], stretch: Stretch) -> int | None:
    before = (leaf for leaf in reversed(leaves) if leaf.index < stretch.linear and leaf.kind.startswith("conv"))
    return next((leaf.number("out_channels") for leaf in before), None)


def _readings(settings: Mapping[str, Json], count: int | None, output: Shape | None) -> tuple[LayerReading, ...]:
    return (LayerReading(settings, output_shape=output, parameters=count),) if "kind" in settings else ()


# --- parameters -----------------------------------------------------------------------------------------


def _counts(summary: PrintedSummary) -> tuple[list[int | None], bool]:
    """The parameters of every module with all below it, None where the print does not say; whether all are known."""
    rows = summary.rows
    counts: list[int | None] = [None] * len(rows)
    below: list[list[int]] = [[] for _ in rows]
    path: list[int] = []
    for index, row in enumerate(rows):
        while path and rows[path[-1]].depth >= row.depth:
            path.pop()
        if path:
            below[path[-1]].append(index)
        path.append(index)
    is_whole = True
    for index in range(len(rows) - 1, -1, -1):
        inner = [counts[one] for one in below[index]]
        own = count_of_module(rows[index], [rows[one] for one in below[index]])
        if own is None and not below[index]:
            is_whole = False
            continue
        if None not in inner:
            counts[index] = (own or 0) + sum(one or 0 for one in inner)
    return counts, is_whole


def _total(summary: PrintedSummary, counts: Sequence[int | None]) -> int:
    """The sum over the outermost modules whose count is known."""
    total, covered = 0, -1
    for row, count in zip(summary.rows, counts, strict=True):
        if covered >= 0 and row.depth > covered:
            continue
        covered = -1
        if count is not None:
            total, covered = total + count, row.depth
    return total


# --- the image ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Image:
    """What is known of the image: its shape, what has to be supposed, what cannot be."""

    shape: Shape | None = None
    needs: tuple[str, ...] = ()
    disagreement: Disagreement | None = None


def _with_input(leaves: Sequence[Leaf], stretch: Stretch, input_shape: Shape) -> _Image:
    image = input_shape if len(input_shape) == stretch.dims + 2 else (1, *input_shape)
    if len(image) != stretch.dims + 2:
        return _Image()
    if image[1] != stretch.channels:
        first = next(leaf for leaf in leaves if leaf.number("in_channels") == stretch.channels)
        why = f"{first.row.name} takes {stretch.channels} channels, the input has {image[1]}"
        said, right = f"in_channels={stretch.channels}", f"in_channels={image[1]}"
        return _Image(
            None, (), Disagreement(first.row.line, "parameters", said, right, why, first.index, stretch.is_certain)
        )
    made = features_of(stretch, image)
    if made == stretch.wanted:
        return _Image(image)
    hidden = _supposed(leaves, stretch, lambda pooled: features_of(stretch, image, pooled) == stretch.wanted)
    if hidden is not None:
        return _Image(None, (hidden,))
    size = "x".join(map(str, image[2:]))
    linear = _row_name(leaves, stretch.linear)
    got = f"{made:,} features reach {linear}" if made is not None else f"the image does not reach {linear}"
    why = f"of an image of {size} pixels {got}, which takes {stretch.wanted:,}"
    return _Image(
        image, (), _blamed(leaves, stretch, lambda other: features_of(other, image) == other.wanted, why, made)
    )


def _without_input(leaves: Sequence[Leaf], stretch: Stretch) -> _Image:
    fitting = images_that_fit(stretch)
    usual = [side for side in fitting if side in USUAL]
    linear = _row_name(leaves, stretch.linear)
    if usual or (fitting and stretch.dims == 1):
        is_any = len(usual) > 3
        needs = () if is_any else tuple(f"an input of {_sides(side, stretch.dims)}" for side in usual)
        only = usual[0] if len(usual) == 1 else None
        return _Image((1, stretch.channels, *(only,) * stretch.dims) if only else None, needs)
    if stretch.dims != 2:
        return _Image()
    found = _supposed(leaves, stretch, lambda pooled: any(side in USUAL for side in images_that_fit(stretch, pooled)))
    if found is not None:
        return _Image(None, (found,))
    if fitting:
        sizes = " or ".join(_sides(side, stretch.dims) for side in (fitting[0], fitting[-1])[: len(fitting)])
        why = f"{linear} takes {stretch.wanted:,} features: only images of {sizes} pixels give as many"
    else:
        why = f"{linear} takes {stretch.wanted:,} features: no square image gives as many"
    one = _blamed(leaves, stretch, lambda other: any(side in USUAL for side in images_that_fit(other)), why, None)
    is_certain = one.is_certain and _is_fixed(stretch)
    return _Image(None, (), replace(one, is_certain=is_certain))


def _is_fixed(stretch: Stretch) -> bool:
    """True if an adaptive pooling gives the same number of features whatever the image."""
    return any(layer.kind.startswith("adaptive") for _, layer in stretch.layers)


def _supposed(leaves: Sequence[Leaf], stretch: Stretch, fits: Callable[[frozenset[int]], bool]) -> str | None:
    """What would have to be called that is not printed: a global pooling, or poolings used more than once."""
    if stretch.is_certain:
        return None
    channels = _last_channels(leaves, stretch)
    if channels == stretch.wanted:
        return "a global pooling before it"
    for pooled in hidden_poolings(stretch):
        if fits(pooled):
            names = " and ".join(_row_name(leaves, index) for index in sorted(pooled))
            return f"a pooling of 2x2 behind {names}"
    return None


def _sides(side: int, dims: int) -> str:
    return "x".join([str(side)] * dims)


def _row_name(leaves: Sequence[Leaf], index: int) -> str:
    return next(leaf.row.name for leaf in leaves if leaf.index == index)


# --- which line -----------------------------------------------------------------------------------------


def _blamed(
    leaves: Sequence[Leaf], stretch: Stretch, fits: Callable[[Stretch], bool], why: str, made: int | None
) -> Disagreement:
    """The window that is unlike its sisters and would fit if it were like them; else the linear layer."""
    linear = next(leaf for leaf in leaves if leaf.index == stretch.linear)
    found = {
        (leaf.index, name): (leaf, value)
        for leaf, name, value in _repairs(leaves, stretch)
        if _is_mended(stretch, leaf, name, value, fits)
    }
    if len({index for index, _ in found}) == 1:
        (_, name), (leaf, value) = next(iter(found.items()))
        said = f"{name}={_shown(leaf.row.settings.get(name))}"
        text = f"{why}; with {name} {value} for {leaf.row.name} it fits"
        return Disagreement(leaf.row.line, "kernel", said, f"{name}={value}", text, leaf.index, stretch.is_certain)
    right = f"in_features={made}" if made is not None else ""
    said = f"in_features={stretch.wanted}"
    return Disagreement(linear.row.line, "parameters", said, right, why, linear.index, stretch.is_certain)


def _repairs(leaves: Sequence[Leaf], stretch: Stretch) -> Iterator[tuple[Leaf, str, int]]:
    """Settings that most windows of the same kind have and one has not."""
    rows = {index for index, _ in stretch.layers}
    windows = [leaf for leaf in leaves if leaf.index in rows and "kernel" in leaf.row.settings]
    for name in _WINDOW:
        groups: dict[str, Counter[int]] = {}
        for leaf in windows:
            value = _single(leaf.row.settings.get(name, 1 if name == "stride" else 0))
            if value is not None:
                groups.setdefault(leaf.kind, Counter())[value] += 1
        for leaf in windows:
            own = _single(leaf.row.settings.get(name, 1 if name == "stride" else 0))
            usual = groups.get(leaf.kind, Counter()).most_common(1)
            if usual and own != usual[0][0] and usual[0][1] > 1 and usual[0][0] <= _TRIED:
                yield leaf, name, usual[0][0]


def _is_mended(stretch: Stretch, leaf: Leaf, name: str, value: int, fits: Callable[[Stretch], bool]) -> bool:
    try:
        layer = make_layer({**leaf.row.settings, name: value}, (1,))
    except ShapeError:
        return False
    layers = tuple((index, layer if index == leaf.index else one) for index, one in stretch.layers)
    return fits(replace(stretch, layers=layers))


def _single(value: Json) -> int | None:
    """A setting that is the same along every axis, as one number."""
    if isinstance(value, list | tuple) and value and len(set(value)) == 1:
        value = value[0]
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shown(value: Json) -> str:
    single = _single(value)
    return str(single if single is not None else value)
