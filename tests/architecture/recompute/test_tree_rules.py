"""torchinfo's tree: the order below a Sequential, and the lines below the tree that nothing else explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parents[1] / "printed"


def lines_of(name):
    return (PRINTED / name).read_text(encoding="utf-8").split("\n")


def certain_lines(lines):
    [summary] = read_summaries(report_lines("\n".join(lines)))
    return {one.line for one in verify(summary).disagreements if one.is_certain}


def test_children_of_a_sequential_stand_in_the_order_of_their_numbers():
    lines = lines_of("torchinfo.unet_upsample.var_names.txt")
    [at] = [index for index in range(len(lines) - 1) if "(1)" in lines[index] and "(2)" in lines[index + 1]][:1]
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    assert certain_lines(lines) & {at + 1, at + 2}


@pytest.mark.parametrize(
    ("name", "label", "old", "new"),
    [
        pytest.param("torchinfo.alexnet.plain.txt", "mult-adds", "714.68", "714.63", id="multiply-adds"),
        pytest.param("torchinfo.alexnet.plain.txt", "Total params", "61,100,840", "61,100,540", id="the total"),
        pytest.param("torchinfo.alexnet.plain.txt", "Params size", "244.40", "244.46", id="the parameters' megabytes"),
    ],
)
def test_a_line_below_the_tree_that_the_rows_deny_is_certain(name, label, old, new):
    lines = lines_of(name)
    [at] = [index for index, line in enumerate(lines) if label in line and old in line]
    lines[at] = lines[at].replace(old, new)
    assert certain_lines(lines) == {at + 1}


def test_hidden_rows_may_make_more_multiply_adds_than_are_seen_and_never_less():
    lines = lines_of("torchinfo.small_resnet.plain.txt")
    [at] = [index for index, line in enumerate(lines) if "mult-adds" in line]
    more, less = list(lines), list(lines)
    more[at], less[at] = lines[at].replace("26.66", "29.66"), lines[at].replace("26.66", "21.66")
    assert certain_lines(more) == set()
    assert certain_lines(less) == {at + 1}
