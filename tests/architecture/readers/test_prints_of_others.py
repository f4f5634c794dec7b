"""What the prints of tools without a reader, and the ways in which people write tables, must not be taken for."""

from __future__ import annotations

from textwrap import dedent

import pytest

from grader.architecture.readers.detect import read_summaries
from grader.architecture.readers.printed import Format, PrintedSummary
from grader.architecture.recompute.hand import verify_handtable
from grader.documents.report_lines import report_lines


def read(text: str) -> tuple[PrintedSummary, ...]:
    return read_summaries(report_lines(dedent(text).strip("\n")))


def test_a_flat_print_with_a_trainable_column_is_no_tree():
    """fastai prints shapes without the batch: as a tree's, the 64 of the maps would be taken for a batch."""
    found = read(
        """
        Sequential
        ======================================================================
        Layer (type)         Output Shape         Param #    Trainable
        ======================================================================
        Conv2d               [16, 40, 40]         448        False
        ______________________________________________________________________
        BatchNorm2d          [16, 40, 40]         32         True
        ______________________________________________________________________
        MaxPool2d            [16, 20, 20]         0          False
        """
    )
    assert [one.format for one in found if one.format is Format.TORCHINFO] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Dense (25)", [("linear", 25)]),
        ("Conv2d (64)", [("conv2d", 64)]),
        ("MaxPool 2 x 2", [("max_pool2d", [2, 2])]),
        ("Conv (5 x 5)", [("conv2d", [5, 5])]),
        ("Conv 3x3 x2", [("conv2d", [3, 3])] * 2),
        ("Conv 3x3 (x2)", [("conv2d", [3, 3])] * 2),
        ("2x Dense 10", [("linear", 10)] * 2),
    ],
)
def test_a_number_behind_a_layer_is_how_often_only_behind_a_cross(text, said):
    [table] = read(f"| Layer | Output shape |\n|---|---|\n| {text} | 1 |\n| Linear | 10 |")
    rows = [row.settings for row in table.rows[:-1]]
    values = [row.get("out_features") or row.get("out_channels") or row.get("kernel") for row in rows]
    assert [(row["kind"], value) for row, value in zip(rows, values, strict=True)] == said


def test_totals_with_a_size_behind_the_count_are_totals():
    [table] = read(
        """
        | Layer      | Output Shape | Parameters |
        |------------|--------------|------------|
        | Dense (12) | (None, 12)   | 252        |
        | Dense (3)  | (None, 3)    | 39         |
        | **Total parameters:** | | **291 (1.14 KB)** |
        | **Trainable parameters:** | | **291 (1.14 KB)** |
        | **Non-trainable parameters:** | | **0 (0.00 Byte)** |
        """
    )
    assert {name: int(one.value) for name, one in table.totals.items()} == {
        "parameters": 291,
        "trainable": 291,
        "non_trainable": 0,
    }
    assert (table.unread, len(table.rows)) == ((), 2)


def test_a_total_that_counts_the_optimizer_too_is_right():
    """Keras 3 does so after training; a person who copies it may leave out the line that says so."""
    rows = "| Layer | Output | Params |\n|---|---|---|\n| Input | 20 | 0 |\n| Dense | 12 | 252 |\n| Dense | 3 | 39 |\n"
    totals = "| Total params | | {} (3.43 KB) |\n| Trainable params | | 291 (1.14 KB) |"
    for total, is_right in ((875, True), (291, True), (364, False), (1_400, False)):
        [table] = read(rows + totals.format(total))
        assert verify_handtable(table).is_consistent == is_right, total


def test_a_title_over_all_columns_is_not_the_header():
    [table] = read(
        r"""
        \begin{tabular}{cccc}
        \hline
        \multicolumn{4}{c}{\textbf{Feature extractor}} \\
        \hline
        Layer (non-linearity) & Kernel Size & Output Shape & \# of Param \\
        \hline
        Input Layer & - & $(20, 20, 1)$ & 0 \\
        Convolutional Layer (ReLU) & $3 \times 3$ & $(18, 18, 4)$ & 40 \\
        Max-Pooling Layer & $2 \times 2$ & $(9, 9, 4)$ & 0 \\
        \hline
        \end{tabular}
        """
    )
    assert [row.outputs for row in table.rows] == [((20, 20, 1),), ((18, 18, 4),), ((9, 9, 4),)]
    assert [int(row.parameters.value) for row in table.rows if row.parameters] == [0, 40, 0]


def test_a_summary_whose_header_got_capitals_is_kept_as_the_tools():
    [summary] = read(
        r"""
        \begin{tabular}{lll}
        \hline
        Layer (Type) & Output Shape & Param \# \\
        \hline
        conv2d\_1 (Conv2D) & (None, 18, 18, 4) & 40 \\
        flatten (Flatten) & (None, 1296) & 0 \\
        dense (Dense) & (None, 10) & 12,970 \\
        \hline
        \textbf{Total params:} & & \textbf{13,010 (50.82 KB)} \\
        \hline
        \end{tabular}
        """
    )
    assert (summary.format, [row.type for row in summary.rows]) == (Format.KERAS, ["Conv2D", "Flatten", "Dense"])
    assert int(summary.totals["parameters"].value) == 13_010


def test_a_pooling_whose_window_is_not_said_may_be_of_any_size():
    rows = "| Layer | Output Shape | Params |\n|---|---|---|\n| Conv2D | (None, 62, 62, 8) | 224 |\n"
    for side, is_right in ((31, True), (12, True), (8, True), (55, False)):
        [table] = read(
            rows + f"| MaxPooling2D | (None, {side}, {side}, 8) | 0 |\n| Flatten | (None, {side**2 * 8}) | 0 |"
        )
        assert verify_handtable(table).is_consistent == is_right, side


@pytest.mark.parametrize("count", [448, 160])
def test_a_first_of_four_axes_that_pooling_changes_is_no_batch(count):
    """(24, 16, 16, 1) is a volume with one channel: its 3x3x3 kernels have 27 weights and not 9."""
    [table] = read(
        f"""
        | Layer | Kernel size | Output shape | Parameters |
        |---|---|---|---|
        | Input layer | - | (24, 16, 16, 1) | 0 |
        | Convolutional layer | 3 x 3 x 3 | (24, 16, 16, 16) | {count} |
        | Max-pooling layer | 2 x 2 x 2 | (12, 8, 8, 16) | 0 |
        | Convolutional layer | 3 x 3 x 3 | (12, 8, 8, 4) | 1,732 |
        | Max-pooling layer | 2 x 2 x 2 | (6, 4, 4, 4) | 0 |
        """
    )
    assert [one.line for one in verify_handtable(table).disagreements] == ([] if count == 448 else [4])


DESCRIBED = """
| Layer | Description |
| - | - |
| Input | 20x20x3 colour image |
| Convolution 5x5 | 1x1 stride, same padding, outputs 20x20x8 |
| RELU | |
| Max pooling | 2x2 stride, outputs 10x10x8 |
| Convolution 3x3 | 1x1 stride, valid padding, outputs 8x8x16 |
| Dropout | 20 % |
| Flatten | outputs 1024 |
| Fully connected | 1024x10 |
"""


def test_a_column_of_words_says_the_layers_settings_and_what_they_make():
    [table] = read(DESCRIBED)
    assert (table.input, table.unread) == (((20, 20, 3),), ())
    said = [(row.settings.get("kind"), row.settings.get("stride"), row.outputs) for row in table.rows[1:5]]
    assert said == [
        ("conv2d", [1, 1], ((20, 20, 8),)),
        ("relu", None, ()),
        ("max_pool2d", [2, 2], ((10, 10, 8),)),
        ("conv2d", [1, 1], ((8, 8, 16),)),
    ]
    assert table.rows[-1].settings["in_features"] == 1024
    assert verify_handtable(table).disagreements == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [("outputs 10x10x8", "outputs 12x12x8"), ("outputs 8x8x16", "outputs 10x10x16"), ("20x20x8", "18x18x8")],
)
def test_a_slip_in_a_column_of_words_is_named(old, new):
    line = next(number for number, text in enumerate(DESCRIBED.strip().splitlines(), 1) if old in text)
    [table] = read(DESCRIBED.replace(old, new))
    assert [one.line for one in verify_handtable(table).disagreements] == [line]


def test_a_window_larger_than_its_image_goes_to_a_person():
    [table] = read(
        """
        | Layer | Output | Kernel size | Padding |
        |---|---|---|---|
        | Input | 20x20x3 | - | - |
        | Convolution | 18x18x96 | 96 | 0 |
        | Max pooling | 9x9x96 | 2 | 0 |
        """
    )
    verdict = verify_handtable(table)
    assert verdict.is_consistent
    assert any("line 4" in doubt for doubt in verdict.doubts)


def test_windows_below_filter_and_counts_below_kernel_are_swapped():
    [table] = read(
        """
        | Layer | Output | Filter | Kernel Size |
        |---|---|---|---|
        | Input | 20x20x3 | - | - |
        | Convolution | 18x18x96 | 3x3 | 96 |
        | Max pooling | 9x9x96 | 2x2 | - |
        """
    )
    assert (table.rows[1].settings["kernel"], table.rows[1].settings["out_channels"]) == ([3, 3], 96)
