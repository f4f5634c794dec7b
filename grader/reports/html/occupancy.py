"""How does it look when workers are busy? A lane for each over the time of a run, and the cards as they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from grader.model import Json
from grader.reports.html.charts import SERIES, WIDTH, Scale, Words, blocks, drawing, number_text, ticks
from grader.reports.html.drawn import behind
from grader.reports.html.elements import joined, tag
from grader.reports.html.pages import page_style
from grader.reports.occupancy import kinds_in_order, megabytes, memory_said, summary

MOST_LANES: Final = 32
_LANE, _GAP, _LEFT, _RIGHT, _CURVE = 18, 6, 104, 52, 84
_LEAST_WIDTH: Final = 0.6  # of a job that is shorter than what can be seen


def occupancy_picture(document: Mapping[str, Json], *, name: str = "occupancy") -> Markup:
    """The picture; empty where no worker had anything to do."""
    rows = document["rows"][:MOST_LANES]
    if not rows:
        return Markup("")
    kinds = kinds_in_order(document)
    looks = {kind: number % SERIES + 1 for number, kind in enumerate(kinds)}
    head, top = blocks(kinds, _LEFT)
    end = max(document["seconds"], document["last_job_s"])
    across = Scale(0, end, _LEFT, WIDTH - _RIGHT)
    bottom = top + len(rows) * (_LANE + _GAP)
    more = len(document["rows"]) - len(rows)
    foot = bottom + (14 if more else 0)
    parts = [*head, _grid(across, top, foot + (_CURVE + 22 if document["cards"] else 0))]
    parts += [_lane(row, top + at * (_LANE + _GAP), across, looks, document) for at, row in enumerate(rows)]
    if more:
        parts.append(_text(_LEFT, foot, f"and {more:,} more workers", "start"))
    if document["cards"]:
        parts.append(_cards(document["cards"], across, foot + 14, foot + 14 + _CURVE))
        foot += _CURVE + 22
    unit, by = _unit(end)
    parts += [_text(across.at(tick * by), foot + 16, number_text(tick)) for tick in ticks(0, end / by, 8)]
    parts.append(_text((_LEFT + WIDTH - _RIGHT) / 2, foot + 34, f"{unit} since the run began", class_="axis-label"))
    words = Words(name, "Who was busy when", f"{summary(document)}. {memory_said(document)}.")
    return drawing(words, WIDTH, foot + 42, *parts)


def occupancy_figure(document: Mapping[str, Json]) -> Markup:
    """The picture with the numbers behind it, for a page."""
    head = ("kind of job", "tries", "died", "seconds", "longest, s", "most memory of one")
    seconds = {one["kind"]: one for one in document["kinds"]}
    rows = [
        (
            kind,
            f"{one['tries']:,}",
            f"{one['lost']:,}",
            f"{one['seconds']:,.1f}",
            f"{one['longest_s']:,.1f}",
            megabytes(one["peak_bytes"]),
        )
        for kind in kinds_in_order(document)
        for one in (seconds[kind],)
    ]
    return occupancy_picture(document) + behind(head, rows)


def occupancy_file(document: Mapping[str, Json]) -> str:
    """The picture as a file of its own, with its style: light, or dark where the reader's screen is."""
    picture = occupancy_picture(document)
    if not picture:
        words = Words("occupancy", "Who was busy when", summary(document))
        picture = drawing(words, WIDTH, 40, _text(WIDTH / 2, 24, summary(document)))
    whole = Markup("<style>svg {{ background: var(--sheet); }}\n{}</style>").format(Markup(page_style()))  # noqa: S704
    text = str(picture)
    at = text.index(">") + 1
    start = text[:at].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{start}{whole}{text[at:]}\n"


def _lane(
    row: Mapping[str, Json], y: float, across: Scale, looks: Mapping[str, int], document: Mapping[str, Json]
) -> Markup:
    shown = row["worker"] if len(row["worker"]) <= 14 else "…" + row["worker"][-13:]
    parts = [
        _text(_LEFT - 8, y + _LANE - 5, shown, "end"),
        tag("rect", x=across.start, y=y, width=round(across.end - across.start, 1), height=_LANE, class_="frame"),
    ]
    for began, ended, kind, _ in row["spans"]:
        start, end = across.at(began), across.at(ended)
        wide = max(end - start - (0.4 if end - start > 3 else 0), _LEAST_WIDTH)
        parts.append(
            tag("rect", x=start, y=y + 1, width=round(wide, 1), height=_LANE - 2, class_=f"dot s{looks[kind]}")
        )
    length = document["last_job_s"] - document["first_job_s"]
    share = row["busy_s"] / length if length > 0 else 0.0
    parts.append(_text(WIDTH - 6, y + _LANE - 5, f"{100 * share:.0f}%", "end", "label strong"))
    return joined(parts)


def _cards(cards: Sequence[Json], across: Scale, top: float, bottom: float) -> Markup:
    """How many hand-ins had their card by when."""
    most = cards[-1][1]
    down = Scale(0, most, bottom, top)
    way = [f"{across.start:g},{bottom:g}"]
    level = bottom
    for seconds, count in cards:
        x = across.at(seconds)
        way += [f"{x:g},{level:g}", f"{x:g},{down.at(count):g}"]
        level = down.at(count)
    return joined([
        tag("line", x1=across.start, x2=across.end, y1=bottom, y2=bottom, class_="axis"),
        tag("polyline", points=" ".join(way), class_="line s1"),
        _text(_LEFT - 8, top + 8, f"{most:,}", "end"),
        _text(_LEFT - 8, (top + bottom) / 2 + 4, "cards", "end", "axis-label"),
        _text(_LEFT - 8, bottom, "0", "end"),
    ])  # fmt: skip


def _grid(across: Scale, top: float, bottom: float) -> Markup:
    _, by = _unit(across.high)
    return joined(
        tag("line", x1=across.at(tick * by), x2=across.at(tick * by), y1=top, y2=bottom, class_="grid")
        for tick in ticks(0, across.high / by, 8)
    )


def _unit(seconds: float) -> tuple[str, float]:
    if seconds < 180:
        return "seconds", 1.0
    return ("minutes", 60.0) if seconds < 3 * 3600 else ("hours", 3600.0)


def _text(x: float, y: float, said: str, anchor: str = "middle", class_: str = "label") -> Markup:
    return tag("text", said, x=x, y=y, text_anchor=anchor, class_=class_)
