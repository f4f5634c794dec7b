"""How are numbers drawn? As inline SVG of our own: lines, bars, a matrix, values on a scale.

No colour stands here: CSS classes name what a thing is, and the style sheet says how it looks on light, on dark and on
paper. Each chart has a title and a description for who does not see it; whoever draws one puts its values beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from markupsafe import Markup

from grader.frozen import dataclass
from grader.reports.html.elements import joined, tag

SERIES: Final = 8  # looks that the style sheet has for lines; further ones begin anew
WIDTH: Final = 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 40
_LETTER: Final = 7.0  # units that a letter is wide, about

Point = tuple[float, float | None]


@dataclass(frozen=True)
class Words:
    """What a chart is called: `name` is unique on its page, `title` short, `description` what is to be seen."""

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Scale:
    """From numbers to units of the drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a number stands, rounded: a drawing needs no more digits."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + share * (self.end - self.start), 1)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers between two, about so many.

    >>> ticks(0, 1), ticks(0.93, 0.99), ticks(1, 12), ticks(3, 3)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.94, 0.96, 0.98], [2, 4, 6, 8, 10, 12], [3])
    """
    if not high - low > max(1e-12 * max(abs(low), abs(high)), 1e-300):  # nothing is between them that one could see
        return [low]
    step = 10 ** math.floor(math.log10((high - low) / count))
    step = next((step * by for by in (1, 2, 5, 10) if (high - low) / (step * by) <= count + 0.5), step * 10)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def number_text(value: float) -> str:
    """A number at an axis.

    >>> number_text(0.30000000000000004), number_text(60000), number_text(1.5e-7)
    ('0.3', '60,000', '1.5e-07')
    """
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3g}"
    made = f"{value:,.4f}".rstrip("0").rstrip(".")
    return made or "0"


def percent_text(value: float) -> str:
    """A share of 1 at an axis.

    >>> percent_text(0.975), percent_text(1.0)
    ('97.5%', '100%')
    """
    return f"{100 * value:.2f}".rstrip("0").rstrip(".") + "%"


def drawing(words: Words, width: float, height: float, *parts: Markup) -> Markup:
    """The svg element with its title and description."""
    return tag(
        "svg",
        tag("title", words.title, id=f"{words.name}-title"),
        tag("desc", words.description, id=f"{words.name}-desc"),
        *parts,
        class_="chart",
        role="img",
        aria_labelledby=f"{words.name}-title",
        aria_describedby=f"{words.name}-desc",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
    )


def _label(x: float, y: float, said: str, anchor: str = "middle", class_: str = "label") -> Markup:
    return tag("text", said, x=x, y=y, text_anchor=anchor, class_=class_)


def lines(
    words: Words,
    named: Sequence[tuple[str, Sequence[Point]]],
    *,
    x_label: str,
    y_label: str,
    is_share: bool = False,
    height: int = 280,
) -> Markup:
    """Curves over common axes, each with its look and its name in a legend. A None breaks a curve.

    Units:   those of the points; with `is_share` y is a share of 1, shown in percent
    """
    points = [(x, y) for _, line in named for x, y in line if y is not None]
    if not points:
        return Markup("")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    pad = (max(ys) - min(ys)) * 0.05 or abs(max(ys)) * 0.05 or 0.05
    low, high = min(ys) - pad, max(ys) + pad
    if is_share:
        low, high = max(0.0, low), min(1.0, high)
    rows = _legend_rows([name for name, _ in named])
    top = _TOP + 18 * len(rows)
    height += 18 * (len(rows) - 1)  # a long legend takes nothing from the curves
    across = Scale(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    down = Scale(low, high, height - _BOTTOM, top)
    marks = ticks(across.low, across.high, 8)
    if all(x == int(x) for x in xs):  # there is no half an epoch
        marks = [x for x in marks if x == int(x)]
    parts = [_axes(across, down, marks, x_label, y_label, percent_text if is_share else number_text, height)]
    parts += [
        _curve([(across.at(x), None if y is None else down.at(y)) for x, y in line], number % SERIES + 1)
        for number, (_, line) in enumerate(named)
    ]
    return drawing(words, WIDTH, height, *_legend(rows), *parts)


def _axes(
    across: Scale,
    down: Scale,
    marks: Sequence[float],
    x_label: str,
    y_label: str,
    said: Callable[[float], str],
    height: float,
) -> Markup:
    parts = [
        tag("line", x1=across.start, x2=across.end, y1=down.at(y), y2=down.at(y), class_="grid")
        + _label(across.start - 6, down.at(y) + 4, said(y), "end")
        for y in ticks(down.low, down.high)
    ]
    parts += [
        tag("line", x1=across.at(x), x2=across.at(x), y1=down.start, y2=down.start + 4, class_="axis")
        + _label(across.at(x), down.start + 17, number_text(x))
        for x in marks
    ]
    parts.append(tag("line", x1=across.start, x2=across.end, y1=down.start, y2=down.start, class_="axis"))
    parts.append(_label((across.start + across.end) / 2, height - 6, x_label, class_="axis-label"))
    middle = (down.start + down.end) / 2
    parts.append(
        tag("text", y_label, x=14, y=middle, text_anchor="middle", class_="axis-label",
            transform=f"rotate(-90 14 {middle:g})")
    )  # fmt: skip
    return joined(parts)


def _curve(points: Sequence[tuple[float, float | None]], look: int) -> Markup:
    """A line through what is there; a point between two gaps is a dot."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append((x, y))
    made = []
    for piece in pieces:
        if len(piece) == 1:
            made.append(tag("circle", cx=piece[0][0], cy=piece[0][1], r=3, class_=f"dot s{look}"))
        elif piece:
            way = " ".join(f"{x:g},{y:g}" for x, y in piece)
            made.append(tag("polyline", points=way, class_=f"line s{look}"))
    return joined(made)


def _legend_rows(names: Sequence[str]) -> list[list[tuple[int, str]]]:
    rows: list[list[tuple[int, str]]] = [[]]
    used = float(_LEFT)
    for number, name in enumerate(names):
        wide = 40 + _LETTER * min(len(name), 60)
        if rows[-1] and used + wide > WIDTH - _RIGHT:
            rows.append([])
            used = float(_LEFT)
        rows[-1].append((number, name))
        used += wide
    return rows


def _legend(rows: Sequence[Sequence[tuple[int, str]]]) -> list[Markup]:
    made = []
    for at, row in enumerate(rows):
        x, y = float(_LEFT), _TOP + 18 * at + 4
        for number, name in row:
            shown = name if len(name) <= 60 else name[:59] + "…"
            made.append(tag("line", x1=x, x2=x + 22, y1=y, y2=y, class_=f"line s{number % SERIES + 1}"))
            made.append(_label(x + 27, y + 4, shown, "start"))
            x += 40 + _LETTER * len(shown)
    return made


def blocks(names: Sequence[str], left: float) -> tuple[list[Markup], float]:
    """A legend of filled blocks, the look of each by its place; and the height that it takes."""
    made = []
    x, y = left, float(_TOP)
    for number, name in enumerate(names):
        shown = name if len(name) <= 60 else name[:59] + "…"
        if x > left and x + 24 + _LETTER * len(shown) > WIDTH - _RIGHT:
            x, y = left, y + 18
        made.append(tag("rect", x=x, y=y - 4, width=12, height=12, class_=f"dot s{number % SERIES + 1}"))
        made.append(_label(x + 17, y + 6, shown, "start"))
        x += 34 + _LETTER * len(shown)
    return made, y + 18


def bars(
    words: Words, named: Sequence[tuple[str, int]], *, x_label: str, y_label: str, marked: float | None = None,
    mark_name: str = "", height: int = 240,
) -> Markup:  # fmt: skip
    """Counts side by side, each with its number above. `marked` is a place along the axis, from 0 to 1."""
    most = max([count for _, count in named], default=0) or 1
    across = Scale(0, max(1, len(named)), _LEFT, WIDTH - _RIGHT)
    down = Scale(0, most * 1.12, height - _BOTTOM, _TOP + 14)
    whole = [tick for tick in ticks(0, most) if tick == int(tick)]
    parts = [
        tag("line", x1=across.start, x2=across.end, y1=down.at(y), y2=down.at(y), class_="grid")
        + _label(across.start - 6, down.at(y) + 4, number_text(y), "end")
        for y in whole
    ]
    for number, (name, count) in enumerate(named):
        left, right, y = across.at(number + 0.08), across.at(number + 0.92), down.at(count)
        middle = across.at(number + 0.5)
        if count:
            parts.append(
                tag("rect", x=left, y=y, width=round(right - left, 1), height=round(down.start - y, 1), class_="column")
            )
            parts.append(_label(middle, y - 5, f"{count:,}", class_="label strong"))
        parts.append(_label(middle, down.start + 17, name))
    parts.append(tag("line", x1=across.start, x2=across.end, y1=down.start, y2=down.start, class_="axis"))
    if marked is not None:
        x = round(across.start + marked * (across.end - across.start), 1)
        parts.append(tag("line", x1=x, x2=x, y1=_TOP, y2=down.start, class_="mark asked"))
        anchor = "end" if marked > 0.5 else "start"
        parts.append(_label(x + (-5 if anchor == "end" else 5), _TOP + 8, mark_name, anchor))
    parts.append(_label((across.start + across.end) / 2, height - 6, x_label, class_="axis-label"))
    middle_y = (down.start + down.end) / 2
    parts.append(
        tag("text", y_label, x=14, y=middle_y, text_anchor="middle", class_="axis-label",
            transform=f"rotate(-90 14 {middle_y:g})")
    )  # fmt: skip
    return drawing(words, WIDTH, height, *parts)


def matrix(
    words: Words, classes: Sequence[str], counts: Sequence[Sequence[int]], *, x_label: str, y_label: str
) -> Markup:
    """Counts in squares, the more the darker: the diagonal in one colour, what is beside it in another."""
    size = max(14.0, min(38.0, 520 / max(1, len(classes))))
    names = [name if len(name) <= 14 else name[:13] + "…" for name in classes]
    longest = max(map(len, names), default=1)
    left, top = 30 + _LETTER * longest, 30 + (_LETTER * longest if longest > 3 else 14)
    most = max((count for row in counts for count in row), default=0) or 1
    parts = []
    for i, row in enumerate(counts):
        y = top + i * size
        parts.append(_label(left - 6, y + size / 2 + 4, names[i], "end"))
        for j, count in enumerate(row):
            if not count:
                continue
            x = left + j * size
            strength = max(1, math.ceil(9 * math.sqrt(count / most)))
            kind = "right" if i == j else "wrong"
            parts.append(
                tag("rect", x=round(x, 1), y=round(y, 1), width=round(size - 1, 1), height=round(size - 1, 1),
                    class_=f"{kind} h{strength}")
            )  # fmt: skip
            if size >= 20:
                small = " small" if count >= 1000 or size < 26 else ""
                parts.append(
                    _label(round(x + size / 2, 1), round(y + size / 2 + 4, 1), str(count),
                           class_=f"on{' dark' if strength > 5 else ''}{small}")
                )  # fmt: skip
    for j, name in enumerate(names):
        x = round(left + j * size + size / 2, 1)
        if longest > 3:
            parts.append(
                tag("text", name, x=x + 4, y=top - 6, text_anchor="start", class_="label",
                    transform=f"rotate(-90 {x + 4:g} {top - 6:g})")
            )  # fmt: skip
        else:
            parts.append(_label(x, top - 6, name))
    wide = size * len(classes)
    frame = tag("rect", x=left, y=top, width=round(wide, 1), height=round(wide, 1), class_="frame")
    parts.append(_label(left + wide / 2, 12, x_label, class_="axis-label"))
    middle = top + wide / 2
    parts.append(
        tag("text", y_label, x=12, y=round(middle, 1), text_anchor="middle", class_="axis-label",
            transform=f"rotate(-90 12 {middle:g})")
    )  # fmt: skip
    return drawing(words, round(left + wide + 10), round(top + wide + 8), frame, *parts)


@dataclass(frozen=True)
class OnScale:
    """A value on a scale, with the interval about it (low, high), if any. `kind` is its CSS class."""

    name: str
    value: float
    kind: str
    interval: tuple[float, float] | None = None


def scale(words: Words, values: Sequence[OnScale], *, x_label: str) -> Markup:
    """Shares of 1 on one axis, a row each, so that it is seen which is the larger and whether intervals meet."""
    ends = [end for one in values for end in (one.interval or (one.value, one.value))]
    pad = max((max(ends) - min(ends)) * 0.08, 0.004)
    low, high = max(0.0, min(ends) - pad), min(1.0, max(ends) + pad)
    longest = max(min(len(one.name), 34) for one in values)
    left = 16 + _LETTER * longest
    across = Scale(low, high, left, WIDTH - 74)
    row, height = 26, 26 * len(values) + 46
    bottom = 8 + row * len(values)
    parts = [
        tag("line", x1=across.at(x), x2=across.at(x), y1=6, y2=bottom, class_="grid")
        + _label(across.at(x), bottom + 15, percent_text(x))
        for x in ticks(low, high, 6)
    ]
    for number, one in enumerate(values):
        y = 8 + row * number + row / 2
        shown = one.name if len(one.name) <= 34 else one.name[:33] + "…"
        parts.append(_label(left - 8, y + 4, shown, "end"))
        if one.interval is not None:
            start, end = across.at(one.interval[0]), across.at(one.interval[1])
            parts.append(
                tag("rect", x=start, y=y - 6, width=max(1.0, round(end - start, 1)), height=12,
                    class_=f"interval {one.kind}")
            )  # fmt: skip
        x = across.at(one.value)
        if one.kind in ("asked", "foot"):
            parts.append(tag("line", x1=x, x2=x, y1=6, y2=bottom, class_=f"mark {one.kind}"))
        parts.append(_marker(one.kind, x, y))
        parts.append(_label(WIDTH - 66, y + 4, percent_text(one.value), "start", "label strong"))
    parts.append(_label((left + WIDTH - 74) / 2, height - 6, x_label, class_="axis-label"))
    return drawing(words, WIDTH, height, *parts)


def _marker(kind: str, x: float, y: float) -> Markup:
    """A shape of its own for each kind: nobody has to tell colours apart."""
    if kind == "claimed":
        return tag("path", d=f"M{x:g} {y - 6:g}l6 6l-6 6l-6 -6z", class_="marker claimed")
    if kind in ("asked", "foot"):
        return tag("path", d=f"M{x - 5:g} {y - 6:g}h10l-5 12z", class_=f"marker {kind}")
    if kind == "band":
        return tag("rect", x=x - 1.5, y=y - 7, width=3, height=14, class_="marker band")
    return tag("circle", cx=x, cy=y, r=5, class_="marker measured")
