"""Drawings: well-formed, in their frame, named for who does not see them, and nothing but text where text was given."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.reports.html.charts import OnScale, Scale, Words, bars, lines, matrix, percent_text, scale, ticks
from grader.reports.html.elements import MOST_TEXT, tag
from grader.reports.html.pages import exhibit_style

WORDS = Words("x", "A title", "What is seen.")
read = ET.fromstring
HOSTILE = "\"'><script>alert(1)</script><svg/onload=alert(1)>\x1b]0;x\x07\u202e"


def curves(**more):
    named = [("train", [(1.0, 2.0), (2.0, None), (3.0, 1.0)]), ("test", [(1.0, 3.0), (3.0, 0.5)])]
    return lines(WORDS, named, x_label="epoch", y_label="loss", **more)


def on_scale(name="recomputed"):
    values = [OnScale(name, 0.97, "measured", (0.95, 0.99)), OnScale("asked", 0.95, "asked"),
              OnScale("claimed", 0.99, "claimed"), OnScale("band", 0.98, "band", (0.97, 0.985))]  # fmt: skip
    return scale(WORDS, values, x_label="accuracy")


DRAWINGS = {
    "lines": curves(),
    "lines as shares": curves(is_share=True),
    "one point": lines(WORDS, [("a", [(1.0, 1.0)])], x_label="x", y_label="y"),
    "many lines": lines(
        WORDS, [(f"line {n}" * 9, [(0.0, n), (1.0, 2.0)]) for n in range(30)], x_label="x", y_label="y"
    ),
    "huge numbers": lines(WORDS, [("a", [(0.0, 1e12), (1e12, -1e12)])], x_label="x", y_label="y"),
    "bars": bars(WORDS, [("0-10", 3), ("10-20", 0)], x_label="x", y_label="y", marked=0.6, mark_name="line"),
    "no bars": bars(WORDS, [], x_label="x", y_label="y"),
    "matrix": matrix(WORDS, ["cat", "aeroplane of the sky"], [[5, 0], [1, 1200]], x_label="p", y_label="t"),
    "large matrix": matrix(WORDS, [str(n) for n in range(40)], [[n] * 40 for n in range(40)], x_label="p", y_label="t"),
    "scale": on_scale(),
    "scale of one value": scale(WORDS, [OnScale("a", 1.0, "measured")], x_label="x"),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_well_formed_named_and_within_its_frame(name):
    root = read(DRAWINGS[name])
    assert root.attrib["role"] == "img"
    named = {one.attrib["id"]: one.text for one in root if "id" in one.attrib}
    assert named[root.attrib["aria-labelledby"]] == "A title"
    assert named[root.attrib["aria-describedby"]] == "What is seen."
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for one in root.iter():
        for side, most in (("x", width), ("x1", width), ("x2", width), ("cx", width), ("y", height), ("y1", height)):
            if side in one.attrib and one.tag != "svg":
                assert -0.1 <= float(one.attrib[side]) <= most + 0.1, (one.tag, one.attrib)
        assert "style" not in one.attrib
        assert not [key for key in one.attrib if key.startswith("on") or key in ("href", "src")]


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_look_is_in_the_style_sheet(name):
    used = {word for said in re.findall(r'class="([^"]*)"', DRAWINGS[name]) for word in said.split()}
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", exhibit_style()))
    assert used <= known


def test_nothing_to_draw_is_no_drawing():
    assert lines(WORDS, [("a", [(1.0, None)])], x_label="x", y_label="y") == ""


def test_a_gap_breaks_the_line():
    points = [(float(x), None if x == 3 else 1.0) for x in range(7)]
    root = read(lines(WORDS, [("a", points)], x_label="x", y_label="y"))
    assert [len(one.attrib["points"].split()) for one in root.iter("polyline")] == [3, 3]


def test_a_number_stands_where_it_belongs():
    at = Scale(0.0, 10.0, 100.0, 300.0)
    assert [at.at(value) for value in (0, 2.5, 10)] == [100.0, 150.0, 300.0]
    assert Scale(5.0, 5.0, 0.0, 10.0).at(5.0) == 5.0


def test_the_bars_are_as_high_as_their_counts():
    root = read(bars(WORDS, [("a", 2), ("b", 4)], x_label="x", y_label="y"))
    low, high = (float(one.attrib["height"]) for one in root.iter("rect"))
    assert high == pytest.approx(2 * low, abs=0.2)


def test_the_interval_of_a_value_lies_about_it():
    root = read(on_scale())
    [rect] = [one for one in root.iter("rect") if "measured" in one.attrib["class"]]
    [dot] = list(root.iter("circle"))
    start = float(rect.attrib["x"])
    assert start < float(dot.attrib["cx"]) < start + float(rect.attrib["width"])


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.9712, 0.9731), (-3, 8), (0, 123456), (1e-9, 2e-9), (0, 3)])
def test_ticks_are_few_round_and_within(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 8
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    steps = {round(b - a, 15) for a, b in pairwise(found)}
    assert max(steps) - min(steps) < 1e-9


@pytest.mark.attack_partly(80, 84)
@pytest.mark.parametrize(
    "drawing",
    [
        lines(Words("x", HOSTILE, HOSTILE), [(HOSTILE, [(0.0, 1.0), (1.0, 2.0)])], x_label=HOSTILE, y_label=HOSTILE),
        bars(Words("x", HOSTILE, HOSTILE), [(HOSTILE, 3)], x_label=HOSTILE, y_label="", marked=0.5, mark_name=HOSTILE),
        matrix(Words("x", HOSTILE, HOSTILE), [HOSTILE, "b"], [[1, 2], [3, 4]], x_label=HOSTILE, y_label=HOSTILE),
        scale(Words("x", HOSTILE, HOSTILE), [OnScale(HOSTILE, 0.5, "measured")], x_label=HOSTILE),
    ],
    ids=["lines", "bars", "matrix", "scale"],
)
def test_a_students_words_in_a_drawing_are_letters(drawing):
    root = read(drawing)
    assert not {one.tag for one in root.iter()} & {"script", "{http://www.w3.org/2000/svg}script"}
    assert all("onload" not in one.attrib for one in root.iter())
    assert not {"\x1b", "\x07", "\u202e"} & set(drawing)
    seen = HOSTILE.replace("\x1b", "\\x1b").replace("\x07", "\\x07").replace("\u202e", "\\u202e")
    assert root.find("title").text == seen


def test_a_text_of_any_length_is_cut_and_counted():
    made = tag("p", "a" * (MOST_TEXT + 1234))
    assert len(made) < MOST_TEXT + 100
    assert "(1,234 more characters)" in made


def test_a_share_of_all_is_a_hundred_percent():
    assert [percent_text(value) for value in (0, 0.5, 0.99996, 1)] == ["0%", "50%", "100%", "100%"]


NUMBERS = st.floats(min_value=-1e12, max_value=1e12) | st.sampled_from([0.0, 5e-324, 1.0, 1.0000000000000002, 1e12])


@settings(max_examples=60, deadline=None)
@example([[(0.0, 1.0), (5e-324, 2.0)]], False)
@given(st.lists(st.lists(st.tuples(NUMBERS, NUMBERS | st.none()), max_size=12), min_size=1, max_size=9), st.booleans())
def test_whatever_the_numbers_are_a_drawing_is_well_formed(points, is_share):
    named = [(f"line {number}", sorted(line, key=lambda one: one[0])) for number, line in enumerate(points)]
    made = lines(WORDS, named, x_label="x", y_label="y", is_share=is_share)
    assert made == "" or all("nan" not in str(one.attrib.values()) for one in read(made).iter())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9))
def test_whatever_the_shares_are_a_scale_is_well_formed(values):
    made = [OnScale("a", value, "measured", (min(ends), max(ends))) for value, *ends in values]
    assert read(scale(WORDS, made, x_label="x")).tag == "svg"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10**9), max_size=30))
def test_whatever_the_counts_are_bars_are_well_formed(counts):
    assert read(bars(WORDS, [(str(n), count) for n, count in enumerate(counts)], x_label="x", y_label="y")).tag == "svg"
