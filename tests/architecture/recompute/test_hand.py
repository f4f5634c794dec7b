"""Tables made by hand: one slip is named once, its followers are right, totals are held against rows and layers."""

from __future__ import annotations

import pytest

from grader.architecture.readers.handtable import read
from grader.architecture.recompute.hand import verify_handtable
from grader.documents.report_lines import Line


def table(*rows):
    width = rows[0].count("|")
    text = [rows[0], "|---" * (width - 1) + "|", *rows[1:]]
    [made] = read([Line(number, line) for number, line in enumerate(text, 1)])
    return made


def said(*rows):
    return [(one.line, one.field, one.said, one.recomputed) for one in verify_handtable(table(*rows)).disagreements]


HEADER = "| Layer | Output | Params |"
INPUT = "| Input | 1x28x28 | |"
RIGHT = (
    HEADER,
    INPUT,
    "| Conv 5x5, 6 | 6x24x24 | 156 |",
    "| Max pooling 2x2 | 6x12x12 | 0 |",
    "| Conv 3x3, 32 | 32x10x10 | 1760 |",
    "| Flatten | 3200 | |",
    "| FC 10 | 10 | 32010 |",
    "| Total | | 33926 |",
)


def changed(line, old, new):
    rows = list(RIGHT)
    at = line - 1 if line == 1 else line - 2
    assert old in rows[at]
    rows[at] = rows[at].replace(old, new)
    return rows


def test_a_right_table_is_in_order_and_its_total_recomputed():
    verdict = verify_handtable(table(*RIGHT))
    assert verdict.disagreements == ()
    assert verdict.totals == {"parameters": "33,926"}


def test_a_slip_in_the_channels_is_named_once_and_what_follows_from_it_is_right():
    # The layer says 16 filters; shape, count and the next rows are those of 6.
    found = said(*changed(4, "Conv 5x5, 6", "Conv 5x5, 16"))
    assert found == [(4, "output", "(6, 24, 24)", "(16, 24, 24)")]


@pytest.mark.parametrize(
    ("line", "old", "new", "field"),
    [
        (4, "156", "150", "parameters"),
        (5, "6x12x12", "6x14x14", "output"),
        (6, "1760", "1761", "parameters"),
        (8, "32010", "32000", "parameters"),
        (9, "33926", "33925", "parameters"),
    ],
)
def test_a_changed_cell_is_named(line, old, new, field):
    assert (line, field) in [(one[0], one[1]) for one in said(*changed(line, old, new))]


def test_the_total_is_held_against_the_printed_rows_and_against_the_layers():
    rows = changed(8, "32010", "32001")
    [row] = said(*rows)  # the total is right, the row is not
    assert row[0] == 8
    rows = [one.replace("33926", "99999") for one in rows]
    [_, total] = verify_handtable(table(*rows)).disagreements
    assert "the printed rows add up to 33,917" in total.why
    assert "recomputed from the layers it is 33,926" in total.why


def test_a_row_of_biases_makes_the_other_rows_count_weights():
    rows = [
        "| Layer | Calculation | Number of weights |",
        "| Convolution 1 | 3 x 3 x 3 x 8 | 216 |",
        "| Convolution 2 | 3 x 3 x 8 x 16 | 1152 |",
        "| Biases | 8 + 16 | 24 |",
        "| Total | | 1392 |",
    ]
    assert said(*rows) == []
    rows[2] = rows[2].replace("1152", "432")
    assert (4, "parameters", "432", "1,152") in said(*rows)
    rows[3] = rows[3].replace("| 24 |", "| 25 |")
    assert (5, "parameters", "25", "24") in said(*rows)


@pytest.mark.parametrize("order", ["28x28x8", "8x28x28"])
def test_channels_may_stand_first_or_last(order):
    pooled = order.replace("28", "14")
    rows = (
        HEADER,
        "| Conv 3x3, 8 |" + order + "| 80 |",
        "| Max pooling 2x2 |" + pooled + "| 0 |",
        "| FC 10 | 10 | 15690 |",
    )
    assert said(*rows) == []


def test_a_receptive_field_table_follows_the_recurrences():
    header = "| Layer | Kernel | Stride | Padding | R_in | N_in | J_in | R_out | N_out | J_out |"
    rows = [
        header,
        "| conv1 | 3 | 1 | 1 | 1 | 32 | 1 | 3 | 32 | 1 |",
        "| pool1 | 2 | 2 | 0 | 3 | 32 | 1 | 4 | 16 | 2 |",
        "| conv2 | 3 | 1 | 1 | 4 | 16 | 2 | 8 | 16 | 2 |",
    ]
    assert said(*rows) == []
    rows[3] = rows[3].replace("| 8 |", "| 6 |")
    assert said(*rows) == [(5, "receptive_field_out", "6", "8")]
