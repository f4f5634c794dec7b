"""A table of layers made by hand says what a person reads in it; a table of anything else is no summary."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.architecture.readers import handtable
from grader.architecture.readers._hand_cells import hand_count, hand_shapes
from grader.architecture.readers._hand_columns import role_of
from grader.architecture.readers._layer_settings import described
from grader.architecture.readers._layer_words import begins_with_layer
from grader.architecture.readers.printed import Format
from grader.documents.report_lines import Line, report_lines


def summaries_in(text):
    return handtable.read(report_lines(text))


def the_one(text):
    [summary] = summaries_in(text)
    assert summary.format is Format.HANDTABLE
    return summary


def kinds(summary):
    return [row.settings.get("kind", row.type) for row in summary.rows]


def counts(summary):
    return [row.parameters and int(row.parameters.value) for row in summary.rows]


# --- one network in every drawing -------------------------------------------------------------

MARKDOWN = """
| Layer | Output | Params |
|---|---|---|
| Input | 1x28x28 | 0 |
| Conv 5x5, 6 filters | 6x24x24 | (1*5*5+1)*6 = 156 |
| Max pooling 2x2 | 6x12x12 | 0 |
| FC | 10 | 8,650 |
| Total | | 8,806 |
"""
GERMAN = """
| Schicht | Ausgabe | Anzahl Parameter |
|---|---|---|
| Eingabe | 1×28×28 | 0 |
| Faltung 5×5, 6 Filter | 6×24×24 | 156 |
| Max-Pooling 2×2 | 6×12×12 | 0 |
| Vollverbunden | 10 | 8.650 |
| Summe | | 8.806 |
"""
LATEX = r"""
\begin{tabular}{|l|l|r|}
\hline
Layer & Output shape & Parameters \\ \hline
Input & $1 \times 28 \times 28$ & 0 \\
Conv ($5\times 5$, 6 filters) & $6 \times 24 \times 24$ & $(1\cdot 5\cdot 5 + 1)\cdot 6 = 156$ \\
Max pooling ($2\times 2$) & $6\times 12\times 12$ & 0 \\
FC & 10 & 8{,}650 \\ \hline
Total & & 8{,}806 \\ \hline
\end{tabular}
"""
HTML = """
<table><thead><tr><th>Layer</th><th>Output size</th><th>#Params</th></tr></thead>
<tr><td>Input<td>(1, 28, 28)<td>0
<tr><td>Conv 5x5, 6 filters<td>(6, 24, 24)<td>156
<tr><td>Max pooling 2x2<td>(6, 12, 12)<td>0
<tr><td>FC<td>10<td>8650
<tr><td>Total<td><td>8806</table>
"""
ALIGNED = """
Layer                  Output      Params
Input                  1x28x28     0
Conv 5x5, 6 filters    6x24x24     156
Max pooling 2x2        6x12x12     0
FC                     10          8650
Total                              8806
"""
TABS = "\n".join(re.sub(" {3,22}", "\t", line) for line in ALIGNED.splitlines())


@pytest.mark.parametrize(
    "text",
    [MARKDOWN, GERMAN, LATEX, HTML, ALIGNED, TABS],
    ids=["Markdown", "German", "LaTeX", "HTML", "aligned", "tabs"],
)
def test_one_network_in_every_drawing(text):
    summary = the_one(text)
    assert kinds(summary)[1:] == ["conv2d", "max_pool2d", "linear"]
    assert counts(summary) == [0, 156, 0, 8650]
    assert summary.input == ((1, 28, 28),)
    assert [row.outputs for row in summary.rows] == [((1, 28, 28),), ((6, 24, 24),), ((6, 12, 12),), ((10,),)]
    assert summary.totals["parameters"].value == 8806
    assert dict(summary.rows[1].settings) == {"kind": "conv2d", "out_channels": 6, "kernel": [5, 5]}


def test_the_working_of_a_count_is_noted_with_its_line():
    assert the_one(MARKDOWN).notes == ("Line 5 is worked out as (1*5*5+1)*6 = 156.",)


# --- columns ----------------------------------------------------------------------------------


def test_settings_come_from_their_columns():
    summary = the_one("""
| # | Type | Filters | Kernel | Stride | Padding | Activation |
|---|------|---------|--------|--------|---------|------------|
| 1 | Conv2D | 32 | 3x3 | 2 | 1 | ReLU |
| 2 | AvgPool2d | - | 2 | 2 | - | - |
| 3 | Fully-connected | 10 | - | - | - | Softmax |
""")
    assert [dict(row.settings) for row in summary.rows] == [
        {"kind": "conv2d", "out_channels": 32, "kernel": [3, 3], "stride": 2, "padding": 1, "activation": "relu"},
        {"kind": "avg_pool2d", "kernel": 2, "stride": 2},
        {"kind": "linear", "out_features": 10, "activation": "softmax"},
    ]
    assert [row.name for row in summary.rows] == ["1", "2", "3"]


def test_a_receptive_field_table_keeps_what_goes_in_and_comes_out():
    summary = the_one("""
| Layer | Kernel | Stride | R_in | N_in | J_in | R_out | N_out | J_out |
|-------|--------|--------|------|------|------|-------|-------|-------|
| conv1 | 3 | 1 | 1 | 28 | 1 | 3 | 26 | 1 |
| pool1 | 2 | 2 | 3 | 26 | 1 | 4 | 13 | 2 |
""")
    assert dict(summary.rows[1].settings) == {
        "kind": "max_pool2d", "kernel": 2, "stride": 2, "receptive_field_in": 3, "size_in": 26, "jump_in": 1,
        "receptive_field_out": 4, "size_out": 13, "jump_out": 2,
    }  # fmt: skip
    assert summary.rows[1].mended == ("pooling, read as max pooling: the sizes are those of average pooling too",)


def test_the_contents_decide_where_a_header_says_nothing_or_the_wrong_thing():
    summary = the_one("""
| no | what | remarks |  |
|---|---|---|---|
| 1 | Conv2d | ReLU | 24x24x6 |
| 2 | MaxPool2d | - | 12x12x6 |
| 3 | Linear | Softmax | 10 |
""")
    assert summary.columns == ("name", "type", "activation", "output")
    assert [row.settings.get("activation") for row in summary.rows] == ["relu", None, "softmax"]


def test_an_arrow_in_a_cell_parts_input_and_output():
    summary = the_one("""
| Layer | Shapes of input and output | Parameters |
|---|---|---|
| Conv layer: kernel_size: 5x5 out_channels: 16 | 28 - 5 + 1 = 24, (16, 1, 28, 28) -> (16, 16, 24, 24) | 416 |
| FC layer | input = (16, 400) output = (16, 64) (so 64) | 25664 |
""")
    assert [(row.inputs, row.outputs) for row in summary.rows] == [
        (((16, 1, 28, 28),), ((16, 16, 24, 24),)), (((16, 400),), ((16, 64),)),
    ]  # fmt: skip


def test_a_second_header_in_the_middle_is_no_row():
    summary = the_one("""
| # | Layer type | #Filters |
|---|---|---|
| 1 | Conv2D | 32 |
|   |        | #Hidden units |
| 2 | Dense | 64 |
""")
    assert kinds(summary) == ["conv2d", "linear"]
    assert summary.is_whole


# --- several layers in a row ------------------------------------------------------------------


def test_several_layers_in_a_row_are_rows_on_one_line():
    summary = the_one("""
| Stage | Layers | Output |
|---|---|---|
| 1 | `Conv(3->64) + BN + ReLU` x2, `MaxPool(2)` | `[B, 64, 16, 16]` |
| 2 | `AdaptiveAvgPool2d(1)`, `Flatten`, `Linear(64->10)` | `[B, 10]` |
""")
    assert kinds(summary) == [
        *(["conv2d", "batch_norm2d", "relu"] * 2),
        "max_pool2d",
        "adaptive_avg_pool2d",
        "flatten",
        "linear",
    ]
    assert [row.line for row in summary.rows] == [4] * 7 + [5] * 3
    assert [row.outputs for row in summary.rows if row.outputs] == [((None, 64, 16, 16),), ((None, 10),)]
    first, second = (row.settings for row in summary.rows if row.settings["kind"] == "conv2d")
    assert (first["in_channels"], second.get("in_channels"), second["out_channels"]) == (3, None, 64)


def test_a_count_of_several_layers_together_has_a_row_above_them():
    rows = "| Conv2D + BatchNorm | (None, 26, 26, 32) | 448 |\n| Dense | (None, 10) | 330 |"
    summary = the_one("| Layer | Shape | Params |\n|---|---|---|\n" + rows)
    assert [(row.type, row.depth, row.parameters and int(row.parameters.value)) for row in summary.rows] == [
        ("Conv2D + BatchNorm", 0, 448), ("Conv2D", 1, None), ("BatchNorm", 1, None), ("Dense", 0, 330),
    ]  # fmt: skip


def test_a_count_that_only_one_of_them_can_have_is_that_ones():
    summary = the_one(
        "| Layer | Params |\n|---|---|\n| Conv 3x3, 64 + ReLU + MaxPool | 1,792 |\n| FC 10 + Softmax | 650 |"
    )
    assert counts(summary) == [1792, None, None, 650, None]


def test_layers_stacked_in_a_cell_are_several_and_a_broken_word_is_one():
    rows = "| 1 | Conv2D<br>BatchNorm2d | 64 |\n| 2 | Fully-<br>Connected | 10 |"
    summary = the_one("| Layer | Layer Type | Filters |\n|---|---|---|\n" + rows)
    assert kinds(summary) == ["conv2d", "batch_norm2d", "linear"]


def test_a_piece_of_print_in_a_cell_is_read_as_such():
    summary = the_one("""
| Layer | Output shape |
|---|---|
| (conv1): Block(<br/>  (conv): Conv2d(3, 8, kernel_size=(3, 3), bias=False)<br/>) | (batch_size, 8, 30, 30) |
| (fc): Linear(in_features=8, out_features=10, bias=True) | (batch_size, 10) |
""")
    assert [(row.name, row.depth) for row in summary.rows] == [("conv1", 0), ("conv1.conv", 1), ("fc", 0)]
    assert summary.rows[1].settings["bias"] is False
    assert summary.rows[0].outputs == ((None, 8, 30, 30),)


def test_batch_normalisation_behind_a_linear_layer_is_one_dimensional():
    rows = "| Conv | 8 |\n| BatchNorm | - |\n| Flatten | - |\n| Dense | 64 |\n| BatchNorm | - |\n"
    assert kinds(the_one("| Layer | Units |\n|---|---|\n" + rows)) == [
        "conv2d", "batch_norm2d", "flatten", "linear", "batch_norm1d",
    ]  # fmt: skip


# --- tables that were taken apart -------------------------------------------------------------

STACKED = """
The network is this one.

Layer
Layer Type
Filters / Units
Activation Function
1
Conv2D
64
ReLU
BatchNorm2d
2
Conv2D
in=64, out=128
ReLU
2
MaxPool2d
-
-
Flatten
7

Layer
Layer Type
Filters / Units
Activation Function
3
Fully-
Connected
10
Softmax
5

It has two parts.
"""


def test_a_pdfs_cells_are_put_into_rows_over_the_page_break():
    summary = the_one(STACKED)
    assert kinds(summary) == ["conv2d", "batch_norm2d", "conv2d", "max_pool2d", "flatten", "linear"]
    assert [row.settings.get("out_channels") for row in summary.rows] == [64, None, 128, None, None, None]
    assert (summary.rows[0].line, summary.rows[0].last_line) == (8, 11)
    assert summary.rows[-1].settings["activation"] == "softmax"


def test_layers_listed_line_by_line_are_read_with_their_labels():
    summary = the_one("""
Layer 1:
Conv2d(in: 3, out: 32, kernel size: 3, stride: 1, padding: 1, activation: ReLU)
BatchNorm2d

Layer 2:
Linear(in: 4096, out: 10)

That is all.
""")
    assert [(row.name, row.settings["kind"]) for row in summary.rows] == [
        ("Layer 1", "conv2d"), ("Layer 1", "batch_norm2d"), ("Layer 2", "linear"),
    ]  # fmt: skip
    assert summary.rows[0].settings["activation"] == "relu"


# --- what is not about layers -----------------------------------------------------------------


OTHER = {
    "results": ["Model | Layers | Test accuracy", "---|---|---", "A | Conv, FC | 0.7", "B | Conv, Pool | 0.8"],
    "hyperparameters": ["Parameter | Value", "---|---", "optimizer | SGD", "penalty | dropout", "conv kernel | 5"],
    "who did what": ["Student | did", "---|---", "A | convolutional layers", "B | dense layers"],
    "a log": ["Epoch | Loss", "---|---", "1 | 0.5", "2 | 0.4"],
    "torchsummary": ["Layer (type) | Output Shape | Param #", "---|---|---", "Conv2d-1 | [-1, 24, 28, 28] | 240",
                     "Linear-2 | [-1, 10] | 188,170"],
    "techniques tried": ["We tried:", "- Dropout with p=0.5", "- Batch normalization", "- Linear rate decay"],
    "code": ["self.conv1 = nn.Conv2d(1, 6, 5)   # 28 -> 24", "self.pool = nn.MaxPool2d(2)       # 24 -> 12"],
    "an ablation": ["Activation | Top-1", "---|---", "conv + ReLU | 70", "conv + ELU | 71"],
    "prose": ["The convolution has 5x5 kernels.  It is followed by pooling.", "Dense layers have 10 units.  Few."],
}  # fmt: skip


@pytest.mark.parametrize("text", [pytest.param("\n".join(lines), id=name) for name, lines in OTHER.items()])
def test_a_table_of_something_else_is_no_summary(text):
    assert summaries_in(text) == ()


# --- words, numbers, shapes -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("3x3 conv, 64, /2", {"out_channels": 64, "kernel": [3, 3], "stride": 2}),
        (
            "Conv2D (64 filters, 3×3, stride 2, padding 1)",
            {"out_channels": 64, "kernel": [3, 3], "stride": 2, "padding": 1},
        ),
        ("conv3-64", {"out_channels": 64, "kernel": 3}),
        ("Conv 5×5×3×32", {"in_channels": 3, "out_channels": 32, "kernel": [5, 5]}),
        ("nn.Conv2d(1, 6, 5)", {"in_channels": 1, "out_channels": 6, "kernel": 5}),
        ("Conv2d(in: 3, out: 32, kernel size: 3)", {"in_channels": 3, "out_channels": 32, "kernel": 3}),
        ("5x5 conv, 32 filters, same padding", {"out_channels": 32, "kernel": [5, 5], "padding": "same"}),
        ("conv1", {}),
        ("Linear(256->10)", {"in_features": 256, "out_features": 10}),
        ("FC: in_features: 16*5*5 = 400, out_features: 64", {"in_features": 400, "out_features": 64}),
        ("Dense(128)", {"out_features": 128}),
        ("FC-4096", {"out_features": 4096}),
        ("Fully connected 1", {}),
        ("MaxPool2d(2, 2)", {"kernel": 2, "stride": 2}),
        ("Max pooling 3x3, stride 2", {"kernel": [3, 3], "stride": 2}),
        ("Dropout (0.5)", {"p": 0.5}),
        ("Dropout 25%", {"p": 0.25}),
        ("AdaptiveAvgPool2d(1)", {"output_size": 1}),
        ("GAP", {"output_size": 1}),
    ],
)
def test_what_is_stated_of_a_layer_and_nothing_more(text, settings):
    [layer] = described(text)
    assert layer.settings == settings


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("28X28", ((28, 28),)),
        ("14 x 14 x 6", ((14, 14, 6),)),
        ("(16, 6, 24, 24)", ((16, 6, 24, 24),)),
        ("[B, 64, 16, 16]", ((None, 64, 16, 16),)),
        ("(batch_size, 3, 32, 32)", ((None, 3, 32, 32),)),
        ("6@28x28", ((6, 28, 28),)),
        (r"$16 \times 24 \times 24$", ((16, 24, 24),)),
        ("10", ((10,),)),
        ("-", ()),
    ],
)
def test_shapes_keep_their_axes_as_written(text, shapes):
    assert hand_shapes(text) == shapes


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("(1*5*5+1)*6 =156", 156, 0),
        ("2,432", 2432, 0),
        ("131'136", 131_136, 0),
        ("131′136", 131_136, 0),
        ("8.650", 8650, 0),
        ("1.234.567", 1_234_567, 0),
        ("75.8K", 75_800, 100),
        ("1.2 M", 1_200_000, 100_000),
        (r"$5 \times 5 \times 3 \times 32 + 32$", 2432, 0),
        ("0", 0, 0),
    ],
)
def test_counts_and_their_last_digit(text, value, step):
    number = hand_count(text, 1)
    assert (number.value, number.step) == (value, step)


@pytest.mark.parametrize("text", ["-", "", "none", "Sum of weights", "n/a"])
def test_no_count_is_none(text):
    assert hand_count(text, 1) is None


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Layer Type", "type"), ("Number of Hidden Units / Number of Filters", "filters"), ("Output shape", "output"),
        ("Activation Function", "activation"), ("Number of weights/biases", "parameters"), ("Kernel details", "kernel"),
        ("Input Shape", "input"), ("R_in", "receptive_field_in"), ("Eff. Kernel size", "effective_kernel"),
        ("Anzahl Parameter", "parameters"), ("Schrittweite", "stride"), ("Test accuracy", "result"), ("Remark", ""),
    ],
)  # fmt: skip
def test_headers_say_what_their_columns_hold(header, role):
    assert role_of(header) == role


@pytest.mark.parametrize(
    "text", ["nonlinear", "DenseNet", "convergence", "linearly", "We use convolutions", "grouping"]
)
def test_words_that_only_look_like_layers_are_none(text):
    assert begins_with_layer(text) is None


# --- nothing breaks it ------------------------------------------------------------------------


@given(st.text(alphabet="conv pool linear 0123456789xX×|-+=:()[]/>\n\t,.*$\\&<tdr>", max_size=300))
def test_no_text_breaks_the_reader(text):
    for summary in handtable.read([Line(number, one) for number, one in enumerate(text.split("\n"), 1)]):
        assert all(summary.first_line <= row.line <= summary.last_line for row in summary.rows)


CELLS = ["Layer", "Layer Type", "Filters", "Activation", "1", "2", "Conv2D", "ReLU", "-", "64", "Fully-", "Flatten", ""]


@given(st.lists(st.sampled_from(CELLS), max_size=40))
def test_no_order_of_cells_breaks_the_reader_of_pdf_text(cells):
    handtable.read([Line(number, one) for number, one in enumerate(cells, 1)])


@given(st.data())
def test_a_damaged_table_never_crashes(data):
    text = data.draw(st.sampled_from([MARKDOWN, LATEX, HTML, ALIGNED, STACKED]))
    place = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 60))
    summaries_in(text[:place] + data.draw(st.text(max_size=5)) + text[place + length :])
