"""Rows of torchsummaryX hold themselves: kernel, output, count and multiply-adds, and PyTorch is the witness."""

from __future__ import annotations

from math import prod

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

RULE = "=" * 74
COLUMNS = ("Kernel Shape", "Output Shape", "Params", "Mult-Adds")
ROWS = [
    ["0_body.Conv2d_0", "[3, 16, 3, 3]", "[4, 16, 16, 16]", "448.0", "110.592k"],
    ["1_body.ReLU_1", "-", "[4, 16, 16, 16]", "-", "-"],
    ["2_body.Conv2d_2", "[16, 32, 3, 3]", "[4, 32, 8, 8]", "4.64k", "294.912k"],
    ["3_body.ReLU_3", "-", "[4, 32, 8, 8]", "-", "-"],
    ["4_flat", "-", "[4, 2048]", "-", "-"],
    ["5_digit", "[2048, 10]", "[4, 10]", "20.49k", "20.48k"],
]


def a_print(rows):
    lines = [f"{name:16}" + "".join(f"{cell:>17}" for cell in cells) for name, *cells in rows]
    head = f"{'':16}" + "".join(f"{name:>17}" for name in COLUMNS)
    totals = ["Total params           25.578k", "Trainable params       25.578k", "Non-trainable params       0.0"]
    return "\n".join([RULE, head, "Layer", *lines, "-" * 74, "                        Totals", *totals,
                      "Mult-Adds             425.984k", RULE])  # fmt: skip


def wrong_in(rows):
    [summary] = read_summaries(report_lines(a_print(rows)))
    assert str(summary.format) == "torchsummaryX"
    return [(one.line - 4, one.field) for one in verify(summary).disagreements if one.is_certain]


def with_cell(place, column, text):
    rows = [list(row) for row in ROWS]
    rows[place][column] = text
    return rows


def test_the_multiply_adds_of_the_rows_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        layer, image = torch.nn.Conv2d(16, 32, 3, 2, 1), torch.zeros(4, 16, 16, 16)
        made = layer(image)
    assert layer.weight.numel() * prod(made.shape[2:]) == 294_912
    assert sum(one.numel() for one in layer.parameters()) == 4_640


def test_an_honest_print_is_in_order():
    assert wrong_in(ROWS) == []


@pytest.mark.parametrize(
    ("place", "column", "text", "field"),
    [
        pytest.param(0, 3, "449.0", "parameters", id="a count"),
        pytest.param(2, 3, "4.6405k", "parameters", id="a count that is no whole number"),
        pytest.param(2, 4, "294.913k", "mult_adds", id="multiply-adds"),
        pytest.param(0, 2, "[4, 17, 16, 16]", "output", id="a channel"),
        pytest.param(0, 2, "[4, 16, 8, 8]", "output", id="a stride"),
        pytest.param(2, 2, "[4, 32, 8, 9]", "output", id="one side"),
        pytest.param(5, 3, "20.91k", "parameters", id="a count of a class that is not printed, by the total"),
    ],
)
def test_one_cell_against_the_kernel_is_named_on_its_row(place, column, text, field):
    assert wrong_in(with_cell(place, column, text)) == [(place, field)]


def test_a_class_of_the_students_own_may_hold_more_than_its_weight():
    rows = with_cell(5, 3, "20.5k")  # ten more than weight and biases, and the totals say so too
    text = a_print(rows).replace("25.578k", "25.588k")
    [summary] = read_summaries(report_lines(text))
    assert verify(summary).is_consistent
