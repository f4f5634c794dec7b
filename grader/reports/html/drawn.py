"""How does an exhibit become a figure of a page? Its drawing, its words, and the values behind it as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from markupsafe import Markup

from grader.reports.exhibits import (
    Accuracy,
    Confusion,
    Curves,
    Exhibit,
    LayerTable,
    Measured,
    Picture,
    Pictures,
)
from grader.reports.html.charts import OnScale, Point, Words, lines, matrix, number_text, percent_text, scale
from grader.reports.html.elements import joined, tag

MOST_VALUES = 60  # rows of a table of values; a curve has more points than anybody reads
MOST_CLASSES = 40  # of a matrix that is drawn; of more classes the commonest mistakes are listed
MOST_MISTAKES = 12
LEAST_SIDE = 84  # CSS pixels to a side of a small picture

Row = Sequence[object]


def drawn(exhibit: Exhibit, name: str) -> Markup:
    """The figure. `name` begins its ids, and is the only one of its page: letters, digits and hyphens."""
    words = Words(name, exhibit.about.title, "")
    if isinstance(exhibit, Curves):
        inner = _curves(exhibit, words)
    elif isinstance(exhibit, Accuracy):
        inner = _accuracy(exhibit, words)
    elif isinstance(exhibit, Confusion):
        inner = _confusion(exhibit, words)
    elif isinstance(exhibit, Pictures):
        inner = _pictures(exhibit)
    else:
        inner = _layers(exhibit)
    caption = tag("figcaption", exhibit.about.title, tag("span", f" {', '.join(exhibit.about.rules)}", class_="faint"))
    note = tag("p", exhibit.about.note, class_="note") if exhibit.about.note else Markup("")
    return tag("figure", caption, inner, note, class_="exhibit", id=name)


def table(head: Row, rows: Sequence[Row], *, caption: str = "", class_: str = "values") -> Markup:
    """A table whose first cell of a row names it. Numbers stand to the right."""
    told = tag("caption", caption, class_="seen-by-readers" if class_ == "values" else None) if caption else Markup("")
    first = tag("thead", tag("tr", *(tag("th", one, scope="col", class_=_side(one)) for one in head)))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", one, class_=_side(one)) for one in row[1:]))
        for row in rows
    ]
    return tag("div", tag("table", told, first, tag("tbody", joined(body)), class_=class_), class_="wide", tabindex="0",
               role="group", aria_label=caption or str(head[0]))  # fmt: skip


def _side(value: object) -> str | None:
    return "number" if isinstance(value, int | float) else None


def behind(head: Row, rows: Sequence[Row], left_out: int = 0) -> Markup:
    """The values of a drawing, for who reads numbers, with eyes or without."""
    more = tag("p", f"and {left_out:,} more rows", class_="faint") if left_out > 0 else Markup("")
    return tag("details", tag("summary", "The values"), table(head, rows, caption="The values of the drawing"), more)


# --- one kind each ------------------------------------------------------------------------------


def _curves(one: Curves, words: Words) -> Markup:
    said = percent_text if one.is_share else number_text
    ends = []
    for line in one.lines:
        there = [y for _, y in line.points if y is not None]
        if there:
            ends.append(f"{line.name}: from {said(there[0])} to {said(there[-1])}, at most {said(max(there))}")
    description = f"{one.y_label} over {one.x_label}. {'; '.join(ends)}."
    named: list[tuple[str, Sequence[Point]]] = [(line.name, line.points) for line in one.lines]
    picture = lines(
        Words(words.name, words.title, description), named, x_label=one.x_label, y_label=one.y_label,
        is_share=one.is_share,
    )  # fmt: skip
    rows = _rows_of_curves(one, said)
    left_out = sum(max(0, line.total - len(line.points)) for line in one.lines)
    head = (one.x_label, *(line.name for line in one.lines))
    more = tag("p", f"{left_out:,} points between these are not drawn", class_="faint") if left_out else Markup("")
    return joined((picture, more, behind(head, rows[:MOST_VALUES], len(rows) - MOST_VALUES)))


def _rows_of_curves(one: Curves, said: Callable[[float], str]) -> list[Row]:
    by_x: dict[float, list[str]] = {}
    for number, line in enumerate(one.lines):
        for x, y in line.points:
            row = by_x.setdefault(x, [""] * len(one.lines))
            row[number] = "no number" if y is None else said(y)
    return [(number_text(x), *by_x[x]) for x in sorted(by_x)]


def _accuracy(one: Accuracy, words: Words) -> Markup:
    values = [OnScale(m.name, float(m.value), "measured", (m.low, m.high)) for m in one.measured]
    values += [OnScale(mark.name, float(mark.value), mark.kind) for mark in one.marks]
    rows: list[Row] = [(m.name, _exactly(m), f"{percent_text(m.low)} to {percent_text(m.high)}") for m in one.measured]
    rows += [(mark.name, _percent(mark.value), "") for mark in one.marks]
    if one.band is not None:
        band = one.band
        name = f"the reference, {band.runs} run{'s' * (band.runs != 1)}"
        values.append(OnScale(name, float(band.mean), "band", (float(band.low), float(band.high))))
        rows.append((name, _percent(band.mean), f"{_percent(band.low)} to {_percent(band.high)}"))
    description = "; ".join(f"{row[0]}: {row[1]}" + (f" ({row[2]})" if row[2] else "") for row in rows)
    picture = scale(Words(words.name, words.title, description), values, x_label="accuracy")
    return joined((picture, behind(("what", "accuracy", "interval or range"), rows)))


def _exactly(measured: Measured) -> str:
    return f"{_percent(measured.value)} ({measured.correct:,} of {measured.n:,})"


def _percent(value: Fraction) -> str:
    return percent_text(float(value))


def _confusion(one: Confusion, words: Words) -> Markup:
    wrong = sorted(
        ((count, true, predicted) for true, row in enumerate(one.counts) for predicted, count in enumerate(row)
         if count and true != predicted),
        key=lambda found: (-found[0], found[1], found[2]),
    )  # fmt: skip
    named = [(one.classes[true], one.classes[predicted], count) for count, true, predicted in wrong[:MOST_MISTAKES]]
    total, right = sum(map(sum, one.counts)), sum(row[i] for i, row in enumerate(one.counts))
    description = f"{right:,} of {total:,} images on the diagonal."
    if named:
        description += " Most often: " + ", ".join(f"{t} taken for {p} ({c:,})" for t, p, c in named[:3]) + "."
    picture = Markup("")
    if len(one.classes) <= MOST_CLASSES:
        picture = matrix(
            Words(words.name, words.title, description), one.classes, one.counts, x_label="predicted", y_label="true"
        )
    listed = tag("p", "No mistake.") if not named else table(
        ("true class", "taken for", "images"), named, caption=f"The commonest of {len(wrong):,} kinds of mistake"
    )  # fmt: skip
    return joined((picture, tag("details", tag("summary", "The commonest mistakes"), listed)))


def _pictures(one: Pictures) -> Markup:
    items = [tag("li", _picture(picture), tag("span", picture.caption, class_="caption")) for picture in one.pictures]
    more = tag("p", f"and {one.left_out:,} more", class_="faint") if one.left_out else Markup("")
    return joined((tag("ul", *items, class_=f"pictures {one.kind}"), more))


def _picture(picture: Picture) -> Markup:
    if not picture.data:
        return tag("span", "no picture", class_="no-picture")
    width, height = picture.width, picture.height
    if picture.is_small and width and height:
        times = max(1, math.ceil(LEAST_SIDE / max(width, height)))
        width, height = width * times, height * times
    return tag(
        "img",
        src=Markup(picture.uri),  # noqa: S704  base64 behind a type of ours
        alt=picture.alt,
        width=width,
        height=height,
        class_="small" if picture.is_small else None,
    )


VERDICTS = {
    "right": ("✓", "right", "passed"),
    "follows": ("✓", "follows from an earlier row", "passed"),
    "follows-within": ("✓", "belongs to the slip in this row", "passed"),
    "wrong": ("✗", "wrong", "failed"),
    "unreadable": ("✗", "cannot be read", "failed"),
    "missing": ("✗", "missing", "failed"),
    "odd": ("?", "odd: a person looks", "unknown"),
    "unchecked": ("·", "not recomputed", "remark"),
    "spare": ("✗", "no such row is asked for", "failed"),
}


def _layers(one: LayerTable) -> Markup:
    head = tag(
        "tr", tag("th", "row", scope="col"), tag("th", "layer", scope="col"),
        *(tag("th", said, scope="col") for column in one.columns for said in (f"{column}, claimed", "recomputed")),
    )  # fmt: skip
    body = []
    for number, row in enumerate(one.rows):
        is_first = number == one.first_wrong
        cells = []
        for cell in row.cells:
            sign, said, look = VERDICTS[cell.verdict]
            cells.append(
                tag("td", tag("span", sign, class_=f"sign {look}", aria_hidden="true"), f" {cell.claimed or '–'} ",
                    tag("span", said, class_="seen-by-readers" if cell.verdict == "right" else "faint"))
            )  # fmt: skip
            cells.append(tag("td", cell.recomputed or "–"))
        first = tag("span", " first wrong row", class_="tag failed") if is_first else Markup("")
        name = tag("td", row.label, tag("span", f" “{row.own_name}”", class_="faint") if row.own_name else "", first)
        body.append(
            tag("tr", tag("th", row.number or "–", scope="row"), name, *cells,
                class_="first-wrong" if is_first else None)
        )  # fmt: skip
    inner = tag("table", tag("caption", one.about.title, class_="seen-by-readers"), tag("thead", head),
                tag("tbody", joined(body)), class_="layers")  # fmt: skip
    return tag("div", inner, class_="wide", tabindex="0", role="group", aria_label=one.about.title)
