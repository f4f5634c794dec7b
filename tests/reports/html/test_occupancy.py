"""The picture of a run: well-formed and within its frame, however many workers and jobs there were."""

import json
import random
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from grader.evidence.occupancy import Occupancy
from grader.reports.html.class_page import class_page
from grader.reports.html.occupancy import MOST_LANES, occupancy_figure, occupancy_file, occupancy_picture
from grader.reports.occupancy import MOST_ROWS, occupancy_of, occupancy_strip

read = ET.fromstring
KINDS = ("describe", "predict", "fingerprint", "train", "denoise", "activations", "own-images", "checkpoint", "syntax")


def run(workers=2, jobs=40, *, names="worker {}", length=1.0):
    """A trace of so many jobs for each worker."""
    dice = random.Random(5)  # noqa: S311
    now = [0.0]
    made = Occupancy(lambda: now[0])
    for worker in range(workers):
        at = 0.5
        for _ in range(jobs):
            seconds = dice.uniform(0.1, 2) * length
            made.add(names.format(worker + 1), dice.choice(KINDS), at, at + seconds, dice.randrange(2**31))
            at += seconds + dice.choice((0, 0, 0.3))
            now[0] = max(now[0], at)
            made.graded()
    return made.document(workers=workers, command="run-all class", memory_mb=4096)


HOSTILE = "\"'><script>alert(1)</script>\x1b]0;x\x07\u202e"
RUNS = {
    "two workers": run(),
    "one short job": run(1, 1, length=0.001),
    "days": run(2, 20, length=1e5),
    "a cluster": run(100, 3, names="10.0.0.7 worker {}"),
    "thousands of jobs": run(2, 3000),
    "hostile names": run(3, 2, names=HOSTILE + "{}"),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_picture_is_well_formed_named_and_within_its_frame(name):
    root = read(occupancy_picture(RUNS[name]))
    assert root.attrib["role"] == "img"
    named = {one.attrib["id"]: one.text for one in root if "id" in one.attrib}
    assert named[root.attrib["aria-labelledby"]] == "Who was busy when"
    assert "workers were busy" in named[root.attrib["aria-describedby"]]
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    for one in root.iter("rect"):
        x, y, wide = (float(one.attrib[key]) for key in ("x", "y", "width"))
        assert 0 <= x <= x + wide <= width + 0.1
        assert 0 <= y <= height
    for one in root.iter("text"):
        assert 0 <= float(one.attrib["x"]) <= width
        assert 0 <= float(one.attrib["y"]) <= height


def test_each_busy_time_is_a_block_of_its_kinds_look_at_its_place():
    document = run(1, 1)
    [[began, ended, kind, _]] = document["rows"][0]["spans"]
    root = read(occupancy_picture(document))
    [block] = [
        one for one in root.iter("rect") if one.attrib["class"].startswith("dot") and one.attrib["height"] == "16"
    ]
    [legend] = [one for one in root.iter("rect") if one.attrib["class"] == block.attrib["class"] and one is not block]
    assert legend is not None
    assert kind in [one.text for one in root.iter("text")]
    whole = next(one for one in root.iter("rect") if one.attrib["class"] == "frame")
    scale = float(whole.attrib["width"]) / max(document["seconds"], ended)
    assert float(block.attrib["x"]) - float(whole.attrib["x"]) == pytest.approx(began * scale, abs=0.2)
    assert float(block.attrib["width"]) == pytest.approx((ended - began) * scale, abs=0.6)


def test_of_a_cluster_some_lanes_are_drawn_and_the_rest_is_counted():
    root = read(occupancy_picture(RUNS["a cluster"]))
    assert len([one for one in root.iter("rect") if one.attrib["class"] == "frame"]) == MOST_LANES
    assert f"and {100 - MOST_LANES} more workers" in [one.text for one in root.iter("text")]


def test_the_file_holds_its_own_style_and_asks_for_nothing():
    text = occupancy_file(RUNS["two workers"])
    root = read(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "--s1" in next(one.text for one in root if one.tag.endswith("style"))
    assert "<script" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_run_that_did_nothing_says_so():
    document = Occupancy().document(workers=2)
    assert occupancy_picture(document) == ""
    assert "no job was done" in read(occupancy_file(document))[-1].text


def test_the_numbers_stand_behind_the_picture():
    figure = occupancy_figure(RUNS["two workers"])
    for one in RUNS["two workers"]["kinds"]:
        assert f"{one['seconds']:,.1f}" in figure
        assert f"{one['peak_bytes'] / 2**20:,.0f} MB" in figure


def test_the_page_of_a_class_shows_it_where_there_is_one_and_escapes_what_it_is_told():
    assert "How the run went" not in class_page(None, (), assignment="digits")
    document = {**RUNS["hostile names"], "command": f"run-all {HOSTILE}"}
    page = class_page(None, (), assignment="digits", occupancy=document)
    assert "How the run went" in page
    assert "<script" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("width", [40, 100])
def test_the_strip_has_a_line_for_each_worker_that_is_no_wider_than_the_screen(name, width):
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(occupancy_strip(RUNS[name], width=width))
    lines = console.export_text().splitlines()
    assert all(len(line) <= width for line in lines)
    shown = [line for line in lines if line.rstrip().endswith("%") and "worker" in line]
    assert len(shown) == (min(len(RUNS[name]["rows"]), MOST_ROWS) if name != "hostile names" else len(shown))
    assert "\x1b" not in console.export_text()


def test_what_is_no_trace_is_none(tmp_path):
    file = tmp_path / "occupancy.json"
    assert occupancy_of(file) is None
    for text in ("", "[]", "{", json.dumps({**RUNS["two workers"], "form": "grader-occupancy/0"})):
        file.write_text(text)
        assert occupancy_of(file) is None
    file.write_text(json.dumps(RUNS["two workers"]))
    assert occupancy_of(file) == RUNS["two workers"]
