"""Real prints of seven tools, with the truth from PyTorch: read as they were meant, and honest ones found in order."""

from __future__ import annotations

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).parent / "printed"
TRUTHS = json.loads((PRINTED / "truth.json").read_text(encoding="utf-8"))["prints"]


@pytest.fixture(scope="module")
def compare():
    spec = importlib.util.spec_from_file_location("printed_compare", PRINTED / "compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def summaries_of(truth):
    return read_summaries(report_lines((PRINTED / truth["file"]).read_text(encoding="utf-8")))


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth["file"].removesuffix(".txt"))
def test_a_print_is_read_as_its_tool_meant_it(compare, truth):
    assert not list(compare.reading_problems(truth, summaries_of(truth)))


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth["file"].removesuffix(".txt"))
def test_an_honest_print_is_never_called_wrong_and_a_tools_fault_is_said(compare, truth):
    verdicts = [verify(summary) for summary in summaries_of(truth)]
    assert not list(compare.judging_problems(truth, verdicts))


def test_every_tool_and_the_faults_that_tools_have_are_among_the_prints():
    assert {truth["kind"] for truth in TRUTHS} == {
        "torchsummary", "torchinfo", "torchsummaryX", "pytorch_model_summary", "lightning", "print", "keras",
    }  # fmt: skip
    assert any(truth["defect"] for truth in TRUTHS)


def test_prints_are_found_in_prose_one_after_the_other():
    chosen = [truth for truth in TRUTHS if truth["kind"] in ("torchsummary", "torchinfo", "keras")][:9]
    texts = [(PRINTED / truth["file"]).read_text(encoding="utf-8") for truth in chosen]
    report = "\n\nThe next network has fewer parameters (2 of 3):\n\n".join(texts)
    found = read_summaries(report_lines(report))
    assert [str(one.format) for one in found] == [truth["kind"] for truth in chosen]
    assert [len(one.rows) for one in found] == [len(truth["rows"]) for truth in chosen]
    ends = [(one.first_line, one.last_line) for one in found]
    assert all(first <= last for first, last in ends)
    assert all(one[1] < two[0] for one, two in pairwise(ends))
