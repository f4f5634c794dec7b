"""What Keras prints is read as Keras means it: every version, every width, every way of copying it."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.architecture.readers import keras
from grader.architecture.readers.printed import Format
from grader.documents.report_lines import Line, report_lines

PRINTED = Path(__file__).parents[1] / "printed"


def summaries_in(text):
    return keras.read(report_lines(text))


def facts(summary):
    return [(row.name, row.type, row.outputs, row.parameters and int(row.parameters.value)) for row in summary.rows]


def real_prints():
    prints = json.loads((PRINTED / "truth.json").read_text())["prints"]
    return [pytest.param(one, id=one["file"]) for one in prints if one["kind"] == "keras"]


@pytest.mark.parametrize("printed", real_prints())
def test_a_real_print_is_read_whole(printed):
    [summary] = summaries_in((PRINTED / printed["file"]).read_text())
    assert summary.is_whole
    assert int(summary.totals["parameters"].value) == printed["total"]
    for row, (kind, outputs, count) in zip(summary.rows, printed["rows"], strict=True):
        assert row.type == kind
        assert [list(shape) for shape in row.outputs] == outputs
        assert row.parameters is None or row.parameters.value == count


@pytest.mark.parametrize("printed", real_prints())
def test_bars_lost_in_copying_change_nothing(printed):
    text = (PRINTED / printed["file"]).read_text()
    [whole] = summaries_in(text)
    if "│" not in text or "…" in text or "parameters" not in whole.columns:
        pytest.skip("drawn without bars, or cut")
    lines = [line for line in text.splitlines() if not set(line) & set("┏┡├└") or "└ " in line]
    [bare] = summaries_in("\n".join(lines).replace("│", " ").replace("┃", " "))
    assert facts(bare) == facts(whole)


OLD = """
Model: "net"
_________________________________________________________________
Layer (type)                 Output Shape              Param #
=================================================================
conv2d_1 (Conv2D)            (None, 26, 26, 32)        320
_________________________________________________________________
batch_normalization_1 (Batch (None, 26, 26, 32)        128
_________________________________________________________________
max_pooling2d_1 (MaxPooling2 (None, 13, 13, 32)        0
_________________________________________________________________
global_average_pooling2d_1 ( (None, 32)                0
_________________________________________________________________
dense_1 (Dense)              (None, 10)                330
=================================================================
Total params: 778
Trainable params: 714
Non-trainable params: 64
_________________________________________________________________
"""
OLD_FACTS = [
    ("conv2d_1", "Conv2D", ((None, 26, 26, 32),), 320),
    ("batch_normalization_1", "BatchNormalization", ((None, 26, 26, 32),), 128),
    ("max_pooling2d_1", "MaxPooling2D", ((None, 13, 13, 32),), 0),
    ("global_average_pooling2d_1", "GlobalAveragePooling2D", ((None, 32),), 0),
    ("dense_1", "Dense", ((None, 10),), 330),
]


def test_classes_cut_by_the_column_are_completed_and_said_to_be():
    [summary] = summaries_in(OLD)
    assert facts(summary) == OLD_FACTS
    assert [bool(row.mended) for row in summary.rows] == [False, True, True, True, False]
    assert (summary.format, summary.title, summary.first_line, summary.last_line) == (Format.KERAS, "net", 2, 18)
    assert [row.line for row in summary.rows] == [6, 8, 10, 12, 14]


def without(text, word):
    return "\n".join(line for line in text.splitlines() if word not in line)


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(lambda text: text.replace("(type)                 Out", "(type)  Out"), id="header moved"),
        pytest.param(lambda text: without(text, "__"), id="no rules"),
        pytest.param(lambda text: without(text, "params"), id="no totals"),
        pytest.param(lambda text: without(text, "type"), id="no header"),
        pytest.param(lambda text: text.replace("\n", "\n    "), id="indented"),
        pytest.param(lambda text: text.replace("\n", "\n> "), id="quoted"),
        pytest.param(lambda text: "```\n" + text + "```\n", id="fenced"),
    ],
)  # fmt: skip
def test_a_copy_with_marks_missing_reads_the_same(copied):
    [summary] = summaries_in(copied(OLD))
    assert facts(summary) == OLD_FACTS


def test_two_summaries_below_each_other_are_two():
    assert [facts(one) for one in summaries_in(OLD + "\nAnd the second:\n" + OLD)] == [OLD_FACTS, OLD_FACTS]


def test_rows_that_wrap_are_joined_and_know_their_last_line():
    text = """
Model: "model"
__________________________________________________________________________________________________
 Layer (type)                   Output Shape         Param #     Connected to
==================================================================================================
 input_1 (InputLayer)           [(None, 28, 28, 1)]  0           []

 global_average_pooling2d_layer  (None, 8)           0           ['input_1[0][0]',
 _one (GlobalAveragePooling2D)                                    'input_1[0][0]']

 dense (Dense)                  [(None, 10),         90          ['global_average_pooling2d_layer_
                                 (None, 4)]                      one[0][0]']
==================================================================================================
Total params: 90 (360.00 Byte)
"""
    [summary] = summaries_in(text)
    assert facts(summary) == [
        ("input_1", "InputLayer", ((None, 28, 28, 1),), 0),
        ("global_average_pooling2d_layer_one", "GlobalAveragePooling2D", ((None, 8),), 0),
        ("dense", "Dense", ((None, 10), (None, 4)), 90),
    ]
    assert [row.connected for row in summary.rows] == [
        (), ("input_1", "input_1"), ("global_average_pooling2d_layer_one",),
    ]  # fmt: skip
    assert [row.last_line for row in summary.rows] == [0, 9, 12]
    assert summary.input == ((None, 28, 28, 1),)
    assert summary.totals["total_mb"].value == Fraction(360, 1024**2)


def test_nested_networks_have_their_depth_and_trainable_its_letter():
    text = """
Model: "outer"
____________________________________________________________________________
 Layer (type)                Output Shape              Param #   Trainable
============================================================================
 base (Functional)           (None, 8)                 80        N

|¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯|
| dense_1 (Dense)            (None, 8)                 80        N         |
¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯
 dense (Dense)               (None, 10)                90        Y

============================================================================
Total params: 170
"""
    [summary] = summaries_in(text)
    assert [(row.name, row.depth, row.is_cut, row.is_trainable) for row in summary.rows] == [
        ("base", 0, False, False), ("dense_1", 1, False, False), ("dense", 0, False, True),
    ]  # fmt: skip
    assert summary.columns == ("name", "output", "parameters", "trainable")


def test_a_nested_network_that_is_not_expanded_is_cut():
    [summary] = summaries_in(OLD.replace("conv2d_1 (Conv2D)   ", "base (Functional)   "))
    assert summary.rows[0].is_cut


@pytest.mark.parametrize(
    ("row", "outputs", "count", "is_counted"),
    [
        ("dense (Dense)   ?   0 (unbuilt)", (), 0, False),
        ("dense (Dense)   (None, 10)   0 (unused)", ((None, 10),), 0, False),
        ("dense (Dense)   multiple   650", (), 650, True),
        ("dense (Dense)   (None,)   1,000", ((None,),), 1000, True),
        ("dense (Dense)   (32, 10)   650", ((32, 10),), 650, True),
        ("dense (Dense)   (None, None, 10)   650", ((None, None, 10),), 650, True),
        ("dense (Dense)   {'a': (None, 1), 'b': (None, 2)}   650", ((None, 1), (None, 2)), 650, True),
        ("tf.nn.relu (TFOpLambda)   (None, 10)   0", ((None, 10),), 0, True),
        ("block/conv-1 (Conv2D)   (None, 1, 2, 3)   9", ((None, 1, 2, 3),), 9, True),
    ],
)
def test_odd_cells(row, outputs, count, is_counted):
    text = f"Layer (type)   Output Shape   Param #\n====\n{row}\nlast (Dense)   (None, 2)   4\n===="
    first = summaries_in(text)[0].rows[0]
    assert (first.outputs, int(first.parameters.value), first.is_counted) == (outputs, count, is_counted)


def test_totals_hold_the_optimizer_and_their_sizes():
    text = OLD.replace("Total params: 778", "Total params: 1,556 (6.08 KB)") + " Optimizer params: 778 (3.04 KB)\n"
    text = text.replace("_" * 65 + "\n Optimizer", " Optimizer")
    totals = summaries_in(text)[0].totals
    assert (totals["optimizer"].value, totals["total_mb"].text) == (778, "6.08 KB")
    assert (totals["total_mb"].value, totals["total_mb"].step) == (Fraction(608, 100 * 1024), Fraction(1, 100 * 1024))


def test_a_number_behind_a_total_is_not_part_of_it():
    totals = summaries_in(OLD.replace("Total params: 778", "Total params: 778 12 epochs"))[0].totals
    assert totals["parameters"].value == 778


def test_markdown_with_backticks_and_bold_totals():
    text = (
        "| Layer (type) | Output Shape | Param # |\n|---|---:|---:|\n"
        "| `conv2d (Conv2D)` | `(None, 26, 26, 32)` | `320` |\n| `dense (Dense)` | `(None, 10)` | `216,330` |\n\n"
        "**Total params:** `216,650` (846.29 KB)\n**Trainable params:** `216,650`\n"
    )
    [summary] = summaries_in(text)
    assert [row[3] for row in facts(summary)] == [320, 216_330]
    assert {name: int(number.value) for name, number in summary.totals.items() if name != "total_mb"} == {
        "parameters": 216_650, "trainable": 216_650,
    }  # fmt: skip


def test_a_count_that_keras_cut_is_unread_not_guessed():
    text = """
┏━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━┓
┃ Layer (type)   ┃ Output Sh… ┃ Par… ┃
┡━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━┩
│ dense (Dense)  │ (None, 10) │ 7,8… │
├────────────────┼────────────┼──────┤
│ dense_1        │ (None, 10) │  110 │
│ (Dense)        │            │      │
└────────────────┴────────────┴──────┘
"""
    [summary] = summaries_in(text)
    assert facts(summary) == [("dense", "Dense", ((None, 10),), None), ("dense_1", "Dense", ((None, 10),), 110)]
    assert [one.line for one in summary.unread] == [5]


def test_a_header_broken_over_lines_by_a_narrow_window():
    text = """
┏━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━┳━━━━━┓
┃ Layer    ┃ Output   ┃ Par… ┃     ┃
┃ (type)   ┃ Shape    ┃    # ┃ Tr… ┃
┡━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━╇━━━━━┩
│ dense_4  │ (None,   │   85 │  Y  │
│ (Dense)  │ 5)       │      │     │
├──────────┼──────────┼──────┼─────┤
│ dense_5  │ ?        │    0 │  N  │
│ (Dense)  │          │ (un… │     │
└──────────┴──────────┴──────┴─────┘
"""
    [summary] = summaries_in(text)
    assert facts(summary) == [("dense_4", "Dense", ((None, 5),), 85), ("dense_5", "Dense", (), 0)]
    assert [row.is_trainable for row in summary.rows] == [True, False]


HEAD = "Layer (type)   Output Shape   Param #\n=====\n"
BARS = "| Layer (type) | Output Shape | Param # |\n|---|---|---|\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + "Conv2d-1   [-1, 32, 28, 28]   320\nReLU-2   [-1, 32, 28, 28]   0", id="torchsummary"),
        pytest.param("Layer (type:depth-idx)  Output Shape  Param #\n===\nNet  [1, 10]  --", id="torchinfo"),
        pytest.param(BARS + "| Input | (None, 28, 28, 1) | 0 |\n| Conv2D + BN | (None, 9, 9, 8) | 112 |", id="by hand"),
        pytest.param("The layer conv2d (Conv2D) has the shape (None, 10), we think, and 650 weights.", id="prose"),
    ],
)
def test_what_keras_did_not_print_is_left_alone(text):
    assert summaries_in(text) == ()


@given(st.text(alphabet="conv2d_1 (Dense)│┃|[]None,0123456789\n=─├'…?LayertypeOuSh#Pam:", max_size=400))
def test_no_text_breaks_the_reader(text):
    keras.read([Line(number, one) for number, one in enumerate(text.split("\n"), 1)])


@given(st.data())
def test_a_damaged_print_never_crashes_and_keeps_its_lines(data):
    place = data.draw(st.integers(0, len(OLD) - 1))
    length = data.draw(st.integers(0, 80))
    text = OLD[:place] + data.draw(st.text(max_size=5)) + OLD[place + length :]
    for summary in summaries_in(text):
        assert all(summary.first_line <= row.line <= summary.last_line for row in summary.rows)
