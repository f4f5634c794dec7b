"""Rows that changed places are found, also far from each other; orders that a network can have are not."""

from __future__ import annotations

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

# torchsummary of Conv2d(1, 32, 3), BatchNorm2d, ReLU, MaxPool2d(2), Conv2d(32, 64, 3), ReLU, Flatten, Linear, ReLU,
# Linear for pictures of 28x28, as PyTorch counts them.
ROWS = [
    ("Conv2d", "[-1, 32, 26, 26]", "320"),
    ("BatchNorm2d", "[-1, 32, 26, 26]", "64"),
    ("ReLU", "[-1, 32, 26, 26]", "0"),
    ("MaxPool2d", "[-1, 32, 13, 13]", "0"),
    ("Conv2d", "[-1, 64, 11, 11]", "18,496"),
    ("ReLU", "[-1, 64, 11, 11]", "0"),
    ("Flatten", "[-1, 7744]", "0"),
    ("Linear", "[-1, 128]", "991,360"),
    ("ReLU", "[-1, 128]", "0"),
    ("Linear", "[-1, 10]", "1,290"),
]
TOTAL = "Total params: 1,011,530\nTrainable params: 1,011,530\nNon-trainable params: 0\n"


def wrong_lines(rows):
    head = "Layer (type)               Output Shape         Param #\n" + "=" * 64 + "\n"
    lines = [
        f"{f'{kind}-{number}':>20} {shape:>26} {count:>15}\n" for number, (kind, shape, count) in enumerate(rows, 1)
    ]
    [summary] = read_summaries(report_lines(head + "".join(lines) + "=" * 64 + "\n" + TOTAL))
    assert len(summary.rows) == len(rows)
    return {one.line - 3 for one in verify(summary).disagreements if one.is_certain}


def swapped(one, other):
    rows = list(ROWS)
    rows[one], rows[other] = rows[other], rows[one]
    return rows


def test_the_rows_as_printed_are_in_order():
    assert wrong_lines(ROWS) == set()


@pytest.mark.parametrize(("one", "other"), [(1, 7), (2, 5), (3, 7), (3, 9), (5, 8), (4, 9)])
def test_rows_far_apart_that_changed_places_are_named(one, other):
    assert wrong_lines(swapped(one, other)) & {one, other}


@pytest.mark.parametrize(("one", "other"), [(1, 2), (2, 3)])
def test_rows_that_a_network_can_have_in_either_order_are_no_error(one, other):
    """ReLU before the normalisation; pooling before ReLU."""
    rows = swapped(one, other)
    if other == 3:
        rows[2], rows[3] = ("MaxPool2d", "[-1, 32, 13, 13]", "0"), ("ReLU", "[-1, 32, 13, 13]", "0")
    assert wrong_lines(rows) == set()


def test_a_row_that_had_to_be_read_anew_is_wrong_for_certain_only_if_a_sum_says_so():
    """ "Conv 2d-1" is put together by the reader; a count of its row that breaks a law goes to a person then."""
    head = "Layer (type)               Output Shape         Param #\n" + "=" * 64 + "\n"
    rest = "              ReLU-2           [-1, 32, 28, 28]               0\n"
    rest += "            Linear-3                   [-1, 10]         250,890\n" + "=" * 64 + "\n"
    row = "            Conv 2d-1           [-1, 32, 28, 28]             321\n"
    [damaged] = read_summaries(report_lines(head + row + rest))
    assert damaged.rows[0].mended
    told = verify(damaged).disagreements
    assert [one.line for one in told] == [3]
    assert not any(one.is_certain for one in told)
    [confirmed] = read_summaries(report_lines(head + row + rest + "Total params: 251,210\n"))
    assert not verify(confirmed).is_consistent
