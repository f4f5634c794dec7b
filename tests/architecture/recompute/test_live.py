"""The print beside the live model: an honest one agrees, a print of another model does not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from grader.architecture.readers.module_repr import read
from grader.architecture.readers.printed import Format, PrintedNumber, PrintedRow, PrintedSummary
from grader.architecture.recompute.live import compare_live
from grader.documents.report_lines import Line


def layer(name, kind, parameters, output, **more):
    made = {"name": name, "kind": kind, "parameters": parameters, "output_shape": [2, *output], "is_leaf": True}
    return {**made, "attributes": {}, "shared": 0, **more}


MODEL = {
    "layers": [
        layer("conv", "Conv2d", 80, (8, 26, 26), attributes={"kernel_size": [3, 3], "out_channels": 8}),
        layer("relu", "ReLU", 0, (8, 26, 26)),
        layer("", "functional:max_pool2d", 0, (8, 13, 13)),
        layer("fc", "Linear", 13530, (10,), attributes={"in_features": 1352, "out_features": 10}),
        layer("relu", "ReLU", 0, (10,)),
    ],
    "parameters": 13610,
    "input_shape": [2, 1, 28, 28],
    "unused": [],
}


def row(number, kind, output, count):
    value = PrintedNumber(Fraction(count), Fraction(0), number + 3, f"{count:,}")
    return PrintedRow(number + 3, f"{kind}-{number}", kind, outputs=((None, *output),), parameters=value)


ROWS = (
    row(1, "Conv2d", (8, 26, 26), 80),
    row(2, "ReLU", (8, 26, 26), 0),
    row(3, "Linear", (10,), 13530),
    row(4, "ReLU", (10,), 0),
)


def summary(rows=ROWS, total=13610):
    number = PrintedNumber(Fraction(total), Fraction(0), 20, f"{total:,}")
    return PrintedSummary(Format.TORCHSUMMARY, 1, 20, tuple(rows), {"parameters": number})


def test_the_print_of_the_model_agrees_though_functions_have_no_row():
    assert compare_live(summary(), MODEL) == ()


@pytest.mark.parametrize(
    ("rows", "line", "field"),
    [
        pytest.param((row(1, "Conv2d", (8, 26, 26), 88), *ROWS[1:]), 4, "parameters", id="another count"),
        pytest.param((row(1, "Conv2d", (8, 28, 28), 80), *ROWS[1:]), 4, "output", id="another shape"),
        pytest.param((ROWS[0], row(2, "Tanh", (8, 26, 26), 0), *ROWS[2:]), 5, "name", id="another class"),
        pytest.param((ROWS[0], *ROWS[2:]), 6, "name", id="a row is missing"),
        pytest.param((*ROWS[:2], row(9, "Dropout", (8, 26, 26), 0), *ROWS[2:]), 12, "name", id="a row too many"),
    ],
)
def test_a_print_of_another_model_is_named_where_it_differs(rows, line, field):
    assert (line, field) in [(one.line, one.field) for one in compare_live(summary(rows), MODEL)]


def test_of_another_input_size_only_the_counts_are_held_against_the_model():
    shifted = tuple(replace(one, outputs=((None, 99),)) for one in ROWS)
    assert compare_live(summary(shifted), MODEL) == ()


def test_a_total_that_is_neither_the_models_nor_the_sum_of_the_rows_is_named():
    assert [one.field for one in compare_live(summary(total=13611), MODEL)] == ["parameters"]
    # The tool counts a layer at every call: rows and total agree, and the model has the rows.
    twice = {**MODEL, "layers": [*MODEL["layers"], layer("fc", "Linear", 0, (10,))]}
    rows = (*ROWS, row(5, "Linear", (10,), 13530))
    assert compare_live(summary(rows, total=27140), twice) == ()


def printed(text):
    [made] = read([Line(number, line) for number, line in enumerate(text.splitlines(), 1)])
    return made


REPR = """Net(
  (relu): ReLU()
  (conv): Conv2d(1, 8, kernel_size=(3, 3), stride=(1, 1))
  (fc): Linear(in_features=1352, out_features=10, bias=True)
)"""


def test_a_repr_is_compared_by_name_whatever_the_order_of_the_calls():
    assert compare_live(printed(REPR), MODEL) == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("kernel_size=(3, 3)", "kernel_size=(5, 5)", 3), ("out_features=10", "out_features=11", 4), ("ReLU", "Tanh", 2)],
)
def test_a_repr_of_another_model_is_named_where_it_differs(old, new, line):
    assert line in [one.line for one in compare_live(printed(REPR.replace(old, new)), MODEL)]


def test_a_module_that_the_print_lacks_is_named():
    shorter = "\n".join(line for line in REPR.splitlines() if "relu" not in line)
    assert ["relu" in one.why for one in compare_live(printed(shorter), MODEL)] == [True]
