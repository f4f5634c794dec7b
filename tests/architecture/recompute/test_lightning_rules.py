"""Lightning's table: what no network makes it print is named on its line, and what one could is not called wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parents[1] / "printed"
TRUTHS = json.loads((PRINTED / "truth.json").read_text(encoding="utf-8"))["prints"]
FILES = [truth["file"] for truth in TRUTHS if truth["kind"] == "lightning"]


def judged(name, *changes):
    lines = (PRINTED / name).read_text(encoding="utf-8").split("\n")
    for line, old, new in changes:
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
    [summary] = read_summaries(report_lines("\n".join(lines)))
    return verify(summary)


def certain_lines(verdict):
    return {one.line for one in verdict.disagreements if one.is_certain}


@pytest.mark.parametrize("name", FILES)
def test_two_rows_that_changed_places_are_found_by_their_numbers(name):
    lines = (PRINTED / name).read_text(encoding="utf-8").split("\n")
    rows = [index for index, line in enumerate(lines) if line[:1].isdigit() and "|" in line]
    if len(rows) < 2:
        pytest.skip("one row")
    one, other = rows[0], rows[1]
    lines[one], lines[other] = lines[other], lines[one]
    [summary] = read_summaries(report_lines("\n".join(lines)))
    assert certain_lines(verify(summary)) & {one + 1, other + 1}


@pytest.mark.parametrize(
    ("name", "line", "old", "new"),
    [
        pytest.param("lightning.lenet.deep.txt", 8, "10.2 K", "80.2 K", id="a Linear larger than the network"),
        pytest.param(
            "lightning.pytorch_example.deep.txt", 9, "[1, 10]", "[1, 20]", id="features that the count denies"
        ),
        pytest.param("lightning.pytorch_example.deep.txt", 5, "24, 24", "48, 48", id="pixels that the FLOPs deny"),
        pytest.param("lightning.reused_weights.plain.txt", 4, "| 0 ", "| 2 ", id="a loss that learns"),
    ],
)
def test_a_cell_that_no_module_prints_is_named(name, line, old, new):
    assert line in certain_lines(judged(name, (line, old, new)))


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        pytest.param(14, "61.7 K", "81.7 K", id="the total"),
        pytest.param(12, "61.7 K", "91.7 K", id="what is trained"),
        pytest.param(15, "0.247", "0.274", id="the megabytes"),
    ],
)
def test_of_the_lines_below_the_one_is_named_that_the_others_deny(line, old, new):
    assert certain_lines(judged("lightning.lenet.deep.txt", (line, old, new))) == {line}


def test_rows_that_add_up_to_more_than_the_total_may_share_modules():
    verdict = judged("lightning.unet.children.txt", (5, "10.3 K", "15.3 K"))
    assert not certain_lines(verdict)
    assert any("share" in one.why for one in verdict.disagreements)


def test_rows_that_add_up_to_less_are_a_contradiction_since_lightning_lists_what_is_left():
    assert 11 in certain_lines(judged("lightning.unet.children.txt", (3, "72.2 K", "12.2 K")))
