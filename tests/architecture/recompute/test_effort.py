"""A print that is wrong in every row is given up soon: what the judge tries is counted, not timed."""

from __future__ import annotations

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.architecture.recompute.flow import Flow
from grader.documents.report_lines import report_lines

HEAD = "Layer (type)               Output Shape         Param #\n" + "=" * 64 + "\n"


def wrong_rows(rows):
    lines = []
    for at in range(rows // 2):
        wide = 16 * (at % 7 + 1)
        count = (16 * ((at + 1) % 7 + 1) * 9 + 1) * wide
        lines.append(f"   Conv2d-{2 * at + 1}   [-1, {wide}, {28 - at % 5}, {28 - at % 3}]   {count}\n")
        lines.append(f"   MyBlock-{2 * at + 2}   [-1, {at + 5}, 28, 28]   0\n")
    return HEAD + "".join(lines) + "=" * 64 + "\nTotal params: 584\n"


@pytest.mark.parametrize("rows", [20, 50, 200])
def test_a_print_of_wrong_rows_is_not_searched_for_the_one_slip(rows, monkeypatch):
    [summary] = read_summaries(report_lines(wrong_rows(rows)))
    told, story = [], Flow.story
    monkeypatch.setattr(Flow, "story", lambda *given: told.append(1) or story(*given))
    assert not verify(summary).is_consistent
    assert len(told) <= 1_000 + 20 * rows
