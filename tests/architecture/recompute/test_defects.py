"""Known faults of the tools: each shows in a real print of the tool, and in no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute.defects import known_defects
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parents[1] / "printed"
TRUTHS = json.loads((PRINTED / "truth.json").read_text(encoding="utf-8"))["prints"]

# What a print cannot show, because its rows and its total agree: one module called twice, one tensor in two layers,
# a parameter of the network's own class, an attention that no row names.
HIDDEN = {"reused_weights", "tied_weights", "raw_parameter"}


def defects_of(truth):
    found = read_summaries(report_lines((PRINTED / truth["file"]).read_text(encoding="utf-8")))
    return [sentence for summary in found for sentence in known_defects(summary)]


@pytest.mark.parametrize(
    "truth",
    [truth for truth in TRUTHS if truth["defect"]],
    ids=lambda truth: truth["file"].removesuffix(".txt"),
)
def test_a_total_that_is_not_that_of_the_network_is_explained_where_the_print_shows_why(truth):
    is_hidden = truth["network"] in HIDDEN or truth["file"] == "torchsummaryX.patch_transformer.plain.txt"
    assert bool(defects_of(truth)) != is_hidden


@pytest.mark.parametrize(
    "truth",
    [truth for truth in TRUTHS if not truth["defect"] and not truth["network"].startswith("list_outputs")],
    ids=lambda truth: truth["file"].removesuffix(".txt"),
)
def test_nothing_is_said_of_a_print_that_counts_right(truth):
    assert defects_of(truth) == []
