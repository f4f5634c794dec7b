"""A table of pytorch_model_summary is held against the modules that the tool printed below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.architecture.readers import read_summaries
from grader.architecture.recompute import verify
from grader.documents.report_lines import report_lines

PRINTED = Path(__file__).resolve().parents[1] / "printed"
LENET = (PRINTED / "pytorch_model_summary.lenet.hierarchical.txt").read_text(encoding="utf-8")
SIAMESE = (PRINTED / "pytorch_model_summary.siamese.hierarchical.txt").read_text(encoding="utf-8")

# A forward with F.pad(x, [3] * 4) before the last convolution, and a crop behind it; printed by the tool's rules.
PADDED = """
            Conv2d-1      [2, 6, 30, 30]             168             168
              ReLU-2      [2, 6, 30, 30]               0               0
   ReflectionPad2d-3      [2, 6, 32, 32]               0               0
            Conv2d-4     [2, 24, 39, 39]             576             576
          Upsample-5     [2, 24, 78, 78]               0               0
           Flatten-6            [2, 600]               0               0
            Linear-7             [2, 10]           6,010           6,010
Total params: 6,754
Trainable params: 6,754
Non-trainable params: 0

========================= Hierarchical Summary =========================

Net(
  (l0): Conv2d(3, 6, kernel_size=(3, 3), stride=(1, 1)), 168 params
  (l1): ReLU(), 0 params
  (l2): ReflectionPad2d((1, 1, 1, 1)), 0 params
  (l3): Conv2d(6, 24, kernel_size=(2, 2), stride=(1, 1), padding=(1, 1), bias=False), 576 params
  (l4): Upsample(scale_factor=2.0, mode='nearest'), 0 params
  (l5): Flatten(start_dim=1, end_dim=-1), 0 params
  (l6): Linear(in_features=600, out_features=10, bias=True), 6,010 params
), 6,754 params
"""

# The fourth to the last block of GoogLeNet: two branches and a pooling take the same 528 channels.
BLOCK = """
        Layer (type)       Output Shape         Param #     Tr. Param #
      BasicConv2d-44      [1, 64, 14, 14]          32,896          32,896
      BasicConv2d-45     [1, 112, 14, 14]          57,568          57,568
      BasicConv2d-46     [1, 144, 14, 14]          74,016          74,016
      BasicConv2d-47     [1, 288, 14, 14]         373,824         373,824
      BasicConv2d-48      [1, 32, 14, 14]          16,448          16,448
      BasicConv2d-49      [1, 64, 14, 14]          18,560          18,560
        MaxPool2d-50     [1, 512, 14, 14]               0               0
      BasicConv2d-51      [1, 64, 14, 14]          32,896          32,896
      BasicConv2d-52     [1, 256, 14, 14]         135,680         135,680
      BasicConv2d-53     [1, 160, 14, 14]          84,800          84,800
      BasicConv2d-54     [1, 320, 14, 14]         461,440         461,440
      BasicConv2d-55      [1, 32, 14, 14]          16,960          16,960
      BasicConv2d-56     [1, 128, 14, 14]          37,120          37,120
        MaxPool2d-57     [1, 528, 14, 14]               0               0
      BasicConv2d-58     [1, 128, 14, 14]          67,840          67,840
        MaxPool2d-59       [1, 832, 7, 7]               0               0
"""


def told(text):
    """The certain disagreements of all prints in the text, as line and field; and the others."""
    found = [one for summary in read_summaries(report_lines(text)) for one in verify(summary).disagreements]
    certain = {(one.line, one.field) for one in found if one.is_certain}
    return certain, {(one.line, one.field) for one in found} - certain


def line_of(text, start):
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith(start))


@pytest.mark.parametrize("text", [LENET, SIAMESE, PADDED, BLOCK], ids=["lenet", "siamese", "padded", "googlenet"])
def test_an_honest_print_is_not_called_wrong(text):
    assert told(text)[0] == set()


def test_the_table_knows_the_modules_printed_below_it_and_their_counts():
    table, block = read_summaries(report_lines(SIAMESE))
    assert table.modules == block.rows
    counts = {row.name: int(row.parameters.value) for row in block.rows}
    assert counts == {
        "Siamese": 37_137, "branch": 37_104, "branch.0": 208, "branch.1": 0, "branch.2": 0, "branch.3": 0,
        "branch.4": 36_896, "out": 33,
    }  # fmt: skip
    assert not block.notes


def test_a_print_that_only_stands_near_the_table_is_not_linked():
    text = LENET.replace(" Hierarchical Summary ", " Another network ")
    assert [summary.modules for summary in read_summaries(report_lines(text))] == [(), ()]


@pytest.mark.parametrize(
    ("right", "wrong", "field"),
    [
        ("[1, 8, 12, 12]", "[1, 8, 12, 18]", "output"),
        ("[1, 8, 12, 12]", "[1, 8, 22, 12]", "output"),
        ("[1, 16, 10, 10]", "[1, 18, 10, 10]", "output"),
    ],
)
def test_a_row_that_its_printed_kernel_cannot_make_is_wrong_for_certain(right, wrong, field):
    text = LENET if right in LENET else SIAMESE
    line = next(number for number, row in enumerate(text.splitlines(), 1) if right in row)
    assert told(text.replace(right, wrong))[0] == {(line, field)}


def test_a_count_that_no_printed_module_has_is_wrong_for_certain():
    text = LENET.replace("2,416           2,416", "2,400           2,400")
    assert (line_of(text, "Conv2d-3"), "parameters") in told(text)[0]


def test_both_lines_are_named_where_a_setting_and_the_table_contradict_each_other():
    text = LENET.replace("(conv2): Conv2d(6, 16, kernel_size=(5, 5), stride=(1, 1))",
                         "(conv2): Conv2d(6, 16, kernel_size=(5, 5), stride=(2, 2))")  # fmt: skip
    lines = {line for line, _ in set.union(*told(text))}
    assert {line_of(text, "Conv2d-3"), line_of(text, "(conv2)")} <= lines


@pytest.mark.parametrize(
    ("right", "wrong", "start"),
    [
        ("2,416 params", "2,461 params", "(conv2)"),
        ("37,104 params", "37,140 params", "), 37,140"),
        ("37,137 params", "37,107 params", "), 37,107"),
    ],
)
def test_a_count_behind_a_module_is_held_against_settings_and_sums(right, wrong, start):
    text = (LENET if right in LENET else SIAMESE).replace(right, wrong)
    assert told(text)[0] == {(line_of(text, start), "parameters")}


def test_a_weight_in_two_parts_is_not_certainly_wrong():
    """torch.nn.utils.weight_norm adds a length for each of the 16 channels, and the settings are printed as before."""
    text = LENET.replace("2,416", "2,432").replace("61,706", "61,722")
    certain, doubtful = told(text[text.index("LeNet(") :])
    assert certain == set()
    assert len(doubtful) == 1
