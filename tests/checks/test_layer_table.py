"""Tables of layers: what is right stays right, one slip costs one cell, and what follows from it costs nothing."""

import json
from fractions import Fraction

import pytest

from grader.checks import all_checks, run_check
from grader.checks._network import batched_input
from grader.evidence.jobs import describe_job
from grader.model import Outcome

RELU = {"kind": "relu"}


def conv(channels, kernel, **more):
    return {"kind": "conv2d", "out_channels": channels, "kernel": kernel, **more}


def pool(kernel=2, **more):
    return {"kind": "max_pool2d", "kernel": kernel, **more}


def linear(features, **more):
    return {"kind": "linear", "out_features": features, **more}


SEVEN = {
    "input": [16, 1, 28, 28],
    "layers": [
        conv(16, 5), RELU, pool(), conv(32, 3), RELU, pool(), conv(16, 1), RELU,
        {"kind": "flatten"}, linear(64, in_features=400), RELU, linear(10),
    ],
}  # fmt: skip
SEVEN_RIGHT = [
    ("(16, 16, 24, 24)", 416),
    ("(16, 16, 12, 12)", 0),
    ("(16, 32, 10, 10)", 4640),
    ("(16, 32, 5, 5)", 0),
    ("(16, 16, 5, 5)", 528),
    ("(16, 64)", 25664),
    ("(16, 10)", 650),
]


def table(cells):
    return [{"output": output, "parameters": parameters} for output, parameters in cells]


@pytest.fixture
def judge(make_rule, hand_in):
    def judged(answer, *, network=SEVEN, **settings):
        rule = make_rule("layer-table", answer="layers", network=network, **settings)
        assert list(all_checks()["layer-table"].lint(rule)) == []
        return run_check(all_checks()["layer-table"], rule, hand_in({"layers": answer}), {})

    return judged


def lost(findings):
    """Cells without credit: weight that was not earned."""
    return sum(finding.weight * (1 - finding.credit) for finding in findings)


def codes(findings):
    return [finding.code for finding in findings if finding.weight]


def changed(index, *, output=None, parameters=None, rows=SEVEN_RIGHT):
    """The right table with one row changed."""
    made = list(rows)
    made[index] = (output or made[index][0], made[index][1] if parameters is None else parameters)
    return table(made)


# --- the report that the rule was made for -----------------------------------------------------

SLIPPED = [
    ("(16, 1, 28, 28) -> (16, 6, 24, 24)", "(1*5*5+1)*6 =156"),
    ("(16, 6, 24, 24) -> (16, 6, 12, 12)", "0"),
    ("(16, 6, 12, 12) -> (16, 32, 10, 10)", "(6*3*3+1)*32 = 1760"),
    ("(16, 32, 10, 10) -> (16, 32, 5, 5)", "0"),
    ("(16, 32, 5, 5) -> (16, 16, 5, 5)", "(32*1*1+1)*16 = 528"),
    ("(16, 64)", "400*64+64 = 25664"),
    ("(16, 10)", "64*10+10 = 650"),
]


def test_one_channel_slip_costs_one_cell_of_fourteen_and_its_consequences_nothing(judge):
    findings = judge(table(SLIPPED))
    rows, remarks = findings[:7], findings[7:]
    assert [(row.credit, row.weight) for row in rows] == [(Fraction(1, 2), 2)] + [(Fraction(1), 2)] * 6
    assert codes(findings) == ["channel-slip", "follows-through", "follows-through", *["right"] * 4]
    assert rows[0].outcome is Outcome.PARTIAL
    assert rows[0].said == (
        "row 1 (conv2d) is the first that is wrong: the output (16, 6, 24, 24) is wrong: 6 channels instead of 16; "
        "the arithmetic is right for 6 channels: the slip is the channel count (from the text: (16, 16, 24, 24)); "
        "the parameters 156 belong to that slip and cost nothing more (from the text: 416)"
    )
    assert rows[0].expected == "(16, 16, 24, 24); 416 parameters"
    assert rows[1].said == (
        "row 2 (max_pool2d): the output (16, 6, 12, 12) follows from your row 1 (from the text: (16, 16, 12, 12)); "
        "the parameters 0 are right"
    )
    assert rows[2].said == (
        "row 3 (conv2d): the output (16, 32, 10, 10) is right; "
        "the parameters 1,760 follow from your row 1 (from the text: 4,640)"
    )
    assert rows[3].said == "row 4 (max_pool2d) is right: (16, 32, 5, 5), 0 parameters"
    assert [remark.said for remark in remarks] == [
        "one slip in row 1, 2 consequences in rows 2 and 3 are not charged again"
    ]
    assert rows[2].place.pointer == "/answers/layers/2"


def test_the_networks_total_from_the_text(judge):
    *_, total = judge({"rows": table(SEVEN_RIGHT), "total": "31.898"}, trainable_total=True)
    assert (total.credit, total.weight, total.code) == (1, 1, "right")


@pytest.mark.parametrize(
    ("total", "credit", "code"),
    [
        pytest.param(31_898, 1, "right", id="from the text"),
        pytest.param("156 + 1760 + 528 + 25664 + 650 = 28758", 1, "follows-through", id="the sum of the own rows"),
        pytest.param(28_757, 0, "wrong-total", id="neither"),
        pytest.param("many", 0, "unreadable-total", id="no number"),
        pytest.param(None, 0, "missing-total", id="nothing"),
    ],
)
def test_a_total_is_right_by_the_text_or_by_the_own_rows(judge, total, credit, code):
    *_, finding = judge({"rows": table(SLIPPED), "total": total}, trainable_total=True)
    assert (finding.credit, finding.weight, finding.code) == (credit, 1, code)


def test_without_follow_through_every_cell_is_held_against_the_text(judge):
    findings = judge(table(SLIPPED), follow_through=False)
    assert [finding.credit for finding in findings[:4]] == [0, Fraction(1, 2), Fraction(1, 2), 1]


# --- what is right stays right -------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(table(SEVEN_RIGHT), id="plain"),
        pytest.param(table([(f"[-1{o[3:-1]}]", f"{p:,}") for o, p in SEVEN_RIGHT]), id="as torchsummary prints"),
        pytest.param(table([(json.loads(f"[{o[1:-1]}]"), p) for o, p in SEVEN_RIGHT]), id="lists and numbers"),
        pytest.param([{"layer": "x", **row} for row in table(SEVEN_RIGHT)], id="with names of the student's own"),
    ],
)
def test_the_right_table_gets_full_credit(judge, rows):
    findings = judge(rows)
    assert lost(findings) == 0
    assert codes(findings) == ["right"] * 7


def test_a_network_of_another_report_as_its_tool_printed_it(judge):
    """Report 000: nine rows, activations included, three 3x3 convolutions with padding."""
    network = {
        "input": [1, 28, 28],
        "layers": [
            conv(32, 3, padding=1), RELU, conv(32, 3, padding=1), RELU, conv(32, 3, padding=1), RELU,
            {"kind": "flatten"}, linear(256), RELU, linear(10),
        ],
    }  # fmt: skip
    spatial, row = "[-1, 32, 28, 28]", "[-1, 256]"
    rows = table(
        [
            (spatial, "320"), (spatial, "0"), (spatial, "9,248"), (spatial, "0"), (spatial, "9,248"), (spatial, "0"),
            (row, "6,422,784"), (row, "0"), ("[-1, 10]", "2,570"),
        ]
    )  # fmt: skip
    asked = [index for index in range(10) if index != 6]  # every layer but flatten
    answer = {"rows": rows, "total": "6,444,170"}
    findings = judge(answer, network=network, rows=asked, trainable_total=True)
    assert lost(findings) == 0
    assert sum(finding.weight for finding in findings) == 19
    # The same hand-in where only the layers that learn are asked: right rows beyond that are welcome.
    assert lost(judge(answer, network=network, trainable_total=True)) == 0


def test_forty_nine_rows_of_a_report(judge):
    """Report 001: 16 convolutions with BatchNorm and ReLU, as typeset; every shape and count is right."""
    channels = [32, 32, 32, 64, 64, 64, 128, 128, 128, 256, 512, 512, 512, 1024, 1024, 1024]
    sizes = [28, 14, 14, 7, 7, 7, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1]
    counts = [
        "320", "9,248", "9,248", "18,496", "36,928", "36,928", "73,856", "147,584", "147,584", r"$295,\!168$",
        "1,180,160", r"$2,\!359,\!808$", r"$2,\!359,\!808$", "4,719,616", r"$9,\!438,\!208$", r"$9,\!438,\!208$",
    ]  # fmt: skip
    layers, rows = [], []
    for index, (width, size, count) in enumerate(zip(channels, sizes, counts, strict=True), 1):
        stride = 2 if index in (2, 4, 7, 10, 14) else 1
        layers += [conv(width, 3, padding=1, stride=stride), {"kind": "batch_norm2d"}, RELU]
        shape = rf"$[-1,\;\;{width},\;\;{size},\;\;{size}]$"
        rows += [(shape, count), (f"[-1, {width}, {size}, {size}]", f"{2 * width:,}"), (shape, "0")]
    layers += [{"kind": "flatten"}, linear(10)]
    rows.append(("[-1, 10]", "10,250"))
    assert [i + 1 for i, row in enumerate(rows) if i % 3 == 0 and i // 3 + 1 in (2, 4, 7, 10, 14)] == [
        4,
        10,
        19,
        28,
        40,
    ]
    network = {"input": [1, 28, 28], "layers": layers}
    answer = {"rows": table(rows), "total": "30,292,490"}
    asked = [index for index in range(50) if index != 48]
    findings = judge(answer, network=network, rows=asked, trainable_total=True)
    assert len(findings) == 50
    assert lost(findings) == 0
    slipped = {"rows": table([*rows[:20], ("[-1, 128, 4, 4]", "0"), *rows[21:]]), "total": "30,292,490"}
    assert lost(judge(slipped, network=network, rows=asked, trainable_total=True)) == 0
    slipped["rows"][18] = {"output": "[-1, 128, 3, 3]", "parameters": "73,856"}
    findings = judge(slipped, network=network, rows=asked, trainable_total=True)
    assert lost(findings) == 1
    assert findings[18].said.startswith("row 19 (conv2d) is the first that is wrong")


def test_three_layers_of_a_report(judge):
    """Report 004: convolution 5x5 with padding 2, average pooling, convolution 5x5 without; shapes only."""
    network = {
        "input": [1, 28, 28],
        "layers": [conv(6, 5, padding=2), {"kind": "avg_pool2d", "kernel": 2, "stride": 2}, conv(16, 5)],
    }
    rows = [{"output": shape} for shape in ("6x28x28", "6x14x14", "16x10x10")]
    assert lost(judge(rows, network=network, columns=["output"])) == 0
    rows[0] = {"output": "6x24x24"}
    findings = judge(rows, network=network, columns=["output"])
    assert (lost(findings), findings[0].code) == (1, "padding-forgotten")


# --- one slip ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        pytest.param(changed(0, parameters=400), "bias-forgotten", id="biases left out"),
        pytest.param(changed(0, parameters=401), "bias-once", id="one bias for all"),
        pytest.param(changed(2, parameters=4624), "bias-per-input", id="a bias per input channel"),
        pytest.param(changed(0, parameters=96), "kernel-not-squared", id="kernel not squared"),
        pytest.param(changed(2, parameters=(32 * 9 + 1) * 16), "bias-per-input", id="channels swapped"),
        pytest.param(changed(2, parameters=10 * 32), "input-channels-forgotten", id="input channels left out"),
        pytest.param(changed(2, parameters=145), "output-channels-forgotten", id="output channels left out"),
        pytest.param(changed(0, parameters=416 * 16), "batch-multiplied", id="batch multiplied in"),
        pytest.param(changed(0, parameters=400 * 576), "multiply-adds", id="multiplications counted"),
        pytest.param(changed(0, parameters=416 * 576), "multiply-adds", id="multiplications with biases"),
        pytest.param(changed(1, parameters=16 * 144), "values-counted", id="values of the output counted"),
        pytest.param(changed(1, parameters=5), "wrong-parameters", id="a pooling that learns"),
        pytest.param(changed(5, parameters=25_600), "bias-forgotten", id="biases of a linear layer"),
        pytest.param(changed(5, parameters=26_000), "bias-per-input", id="a bias per input"),
        pytest.param(changed(5, parameters=17 * 64), "input-features", id="channels for features"),
        pytest.param(changed(2, parameters=(3 * 9 + 1) * 32), "input-channels", id="three input channels"),
        pytest.param(changed(2, parameters=145 * 64), "output-channels", id="twice the output channels"),
        pytest.param(changed(2, parameters=4641), "wrong-parameters", id="no known slip"),
        pytest.param(changed(2, parameters="(16*3*3+1)*32 = 4460"), "wrong-parameters", id="the last value counts"),
        pytest.param(changed(6, parameters="sixty"), "unreadable-parameters", id="no number"),
        pytest.param(changed(6, parameters="over 600"), "unreadable-parameters", id="a bound"),
        pytest.param(changed(0, output="(16, 6, 24, 24)"), "channel-slip", id="channel count in the shape only"),
        pytest.param(changed(0, output="(16, 16, 28, 28)"), "size-kept", id="the size kept"),
        pytest.param(changed(0, output="(16, 16, 23, 23)"), "plus-one", id="one too small"),
        pytest.param(changed(0, output="(16, 16, 26, 26)"), "kernel-slip", id="kernel 3 in the shape only"),
        pytest.param(changed(1, output="(16, 16, 23, 23)"), "stride-forgotten", id="a pooling with stride 1"),
        pytest.param(changed(1, output="(16, 16, 24, 24)"), "input-kept", id="a pooling that pools nothing"),
        pytest.param(changed(2, output="(16, 10, 10)"), "rank", id="the channels left out"),
        pytest.param(changed(0, output="(32, 16, 24, 24)"), "batch-size", id="another batch"),
        pytest.param(changed(0, output="(16, 24, 24, 16)"), "channels-last", id="channels last"),
        pytest.param(changed(0, output="16x24x24"), "batch-left-out", id="batch left out once"),
        pytest.param(changed(5, output="(16, 65)"), "feature-slip", id="features"),
        pytest.param(changed(4, output="(16, 400)"), "axes", id="flattened too early"),
        pytest.param(changed(4, output="(16, 16, 5, 6)"), "wrong-output", id="no known slip in a shape"),
        pytest.param(changed(4, output="five"), "unreadable-output", id="no shape"),
    ],
)
def test_a_slip_is_named_and_costs_one_cell_when_the_rest_is_from_the_text(judge, rows, code):
    findings = judge(rows)
    assert lost(findings) == 1
    wrong = [finding for finding in findings if finding.weight and finding.credit < 1]
    assert [finding.code for finding in wrong] == [code]
    assert "is the first that is wrong" in wrong[0].said
    assert wrong[0].fix


@pytest.mark.parametrize(
    ("layer", "output", "code"),
    [
        pytest.param(pool(2, ceil_mode=True), "(1, 8, 13, 13)", "rounding", id="a pooling that rounds up"),
        pytest.param(conv(8, 4, stride=3), "(1, 8, 9, 9)", "rounding", id="a convolution that rounds down"),
        pytest.param(conv(8, 3, stride=3, padding=2), "(1, 8, 9, 9)", "padding-forgotten", id="padding"),
        pytest.param(conv(8, 3, stride=2), "(1, 8, 25, 25)", "stride-forgotten", id="stride"),
        pytest.param(conv(8, 3, dilation=2), "(1, 8, 25, 25)", "dilation-forgotten", id="dilation"),
        pytest.param(conv(8, [3, 5]), "(1, 8, 23, 25)", "axes-swapped", id="height and width"),
    ],
)
def test_slips_of_single_layers_are_named(judge, layer, output, code):
    [finding] = judge([{"output": output}], network={"input": [1, 8, 27, 27], "layers": [layer]}, columns=["output"])
    assert (finding.credit, finding.code) == (0, code)


def test_running_statistics_of_a_norm_are_not_learned(judge):
    network = {"input": [1, 3, 8, 8], "layers": [conv(8, 3), {"kind": "batch_norm2d"}]}
    rows = table([("(1, 8, 6, 6)", 224), ("(1, 8, 6, 6)", 32)])
    findings = judge(rows, network=network)
    assert (lost(findings), findings[1].code) == (1, "statistics-counted")


def test_a_slip_that_was_made_again_and_again_is_pointed_out(judge):
    rows = table([(o, {416: 400, 4640: 4608, 528: 512}.get(p, p)) for o, p in SEVEN_RIGHT])
    findings = judge(rows)
    assert lost(findings) == 3
    assert [f.said for f in findings if not f.weight] == ["the same slip in rows 1, 3 and 5: the biases are left out"]


def test_an_equation_that_is_not_so_costs_nothing_by_itself(judge):
    findings = judge(changed(0, parameters="(1*5*5+1)*6 = 416"))
    assert lost(findings) == 0
    [remark] = [finding for finding in findings if not finding.weight]
    assert remark.code == "working-disagrees"
    assert "156, not 416" in remark.said


# --- follow-through ----------------------------------------------------------------------------


def test_a_form_that_was_not_asked_is_one_slip_however_often(judge):
    rows = table([(o.replace("(16, ", "("), p) for o, p in SEVEN_RIGHT])
    findings = judge(rows, batch=16)
    assert (lost(findings), codes(findings)[0]) == (1, "batch-left-out")


def test_a_batch_may_be_left_out_where_any_is_accepted(judge):
    assert lost(judge(table([(o.replace("(16, ", "("), p) for o, p in SEVEN_RIGHT]), batch="any")) == 0


def test_a_kernel_slip_takes_its_row_and_all_later_shapes_along(judge):
    """Kernel 3 for 5 in the first row: shapes 26, 13, 11, 5, then the text again."""
    rows = [("(16, 16, 26, 26)", 160), ("(16, 16, 13, 13)", 0), ("(16, 32, 11, 11)", 4640), *SEVEN_RIGHT[3:]]
    findings = judge(table(rows))
    assert (lost(findings), codes(findings)[0]) == (1, "kernel-slip")


def test_features_of_a_linear_layer_follow_from_the_own_shape(judge):
    """Padding of 1 imagined in row 5: 16x7x7 = 784 features go into row 6."""
    rows = [*SEVEN_RIGHT[:4], ("(16, 16, 7, 7)", 528), ("(16, 64)", "(784+1)*64"), SEVEN_RIGHT[6]]
    findings = judge(table(rows))
    assert lost(findings) == 1
    assert "follow from your row 5" in findings[5].said


def test_two_slips_cost_two_cells(judge):
    rows = list(SLIPPED)
    rows[3] = ("(16, 32, 6, 6)", 0)
    rows[4] = ("(16, 16, 6, 6)", 528)
    rows[5] = ("(16, 64)", (16 * 36 + 1) * 64)
    findings = judge(table(rows))
    assert lost(findings) == 2
    assert [f.said for f in findings if not f.weight] == [
        "one slip in row 1, 2 consequences in rows 2 and 3 are not charged again",
        "one slip in row 4, 2 consequences in rows 5 and 6 are not charged again",
    ]


def test_going_back_to_the_text_ends_the_follow_through(judge):
    """The slip of row 1 is mended in row 2; parameters of row 3 for 6 channels are then a slip of their own."""
    rows = [SLIPPED[0], SEVEN_RIGHT[1], SLIPPED[2], *SEVEN_RIGHT[3:]]
    assert lost(judge(table(rows))) == 2


def test_a_typing_slip_on_the_own_way_does_not_end_it(judge):
    rows = list(SLIPPED)
    rows[1] = ("(16, 6, 12, 21)", 0)
    assert lost(judge(table(rows))) == 2


def test_an_unreadable_shape_ends_nothing(judge):
    rows = list(SLIPPED)
    rows[1] = ("smaller", 0)
    assert lost(judge(table(rows))) == 2


def test_wrong_parameters_that_no_slip_of_the_shape_explains_are_charged(judge):
    assert lost(judge(changed(0, output="(16, 6, 24, 24)", parameters=150))) == 2 - 1 + 1


def test_two_slips_in_one_row_are_two(judge):
    """6 channels and a kernel of 3: no single slip gives both cells."""
    assert lost(judge(changed(0, output="(16, 6, 26, 26)", parameters=60))) == 2


def test_with_parameters_alone_the_channel_count_is_read_from_them(judge):
    rows = [{"parameters": p} for p in (156, 0, 1760, 0, 528, 25664, 650)]
    findings = judge(rows, columns=["parameters"])
    assert lost(findings) == 1
    assert findings[2].code == "follows-through"


def test_two_rules_on_one_answer_charge_a_slip_once(judge):
    """Report 003 as its course gives points: shapes in one rule, parameters in another."""
    inputs = ["16*1*28*28", *[o.split("-> ")[-1] for o, _ in SLIPPED[:4]], "(16,(16*5*5)) = (16,400)", "(16, 64)"]
    rows = [{"input": i, **row} for i, row in zip(inputs, table(SLIPPED), strict=True)]
    shapes = judge(rows, columns=["input", "output"])
    assert (lost(shapes), sum(finding.weight for finding in shapes)) == (1, 14)
    parameters = judge(rows, columns=["parameters"], judged_elsewhere=["output"])
    assert (lost(parameters), sum(finding.weight for finding in parameters)) == (0, 7)
    assert "which is judged elsewhere" in parameters[0].said
    assert lost(judge(rows, columns=["parameters"])) == 1


def test_a_wrong_count_is_charged_where_shapes_are_judged_elsewhere(judge):
    findings = judge(changed(2, parameters=4624), columns=["parameters"], judged_elsewhere=["input", "output"])
    assert (lost(findings), findings[2].code) == (1, "bias-per-input")


def test_right_values_are_told_only_where_they_are_revealed(judge):
    answer = {"rows": table(SLIPPED), "total": 1}
    told = judge(answer, trainable_total=True)
    hidden = judge(answer, trainable_total=True, reveal=False)
    assert [finding.credit for finding in told] == [finding.credit for finding in hidden]
    texts = [f"{finding.said} {finding.fix} {finding.expected}" for finding in hidden]
    assert not [text for text in texts for value in ("416", "(16, 16, 24, 24)", "4,640", "31,898") if value in text]
    assert "416" in told[0].said


def test_inputs_are_judged_where_they_are_asked(judge):
    inputs = ["16x1x28x28", *[o for o, _ in SEVEN_RIGHT[:4]], "(16, 400)", "(16, 64)"]
    rows = [{"input": i, **row} for i, row in zip(inputs, table(SEVEN_RIGHT), strict=True)]
    columns = ["input", "output", "parameters"]
    assert lost(judge(rows, columns=columns)) == 0
    rows[5]["input"] = "(16, 16, 5, 5)"  # as the row before left it
    assert lost(judge(rows, columns=columns)) == 0
    rows[5]["input"] = "(16, 16, 6, 6)"
    rows[5]["parameters"] = (576 + 1) * 64
    findings = judge(rows, columns=columns)
    assert lost(findings) == 1
    assert findings[5].credit == Fraction(2, 3)


# --- rows missing, rows too many -----------------------------------------------------------------


@pytest.mark.parametrize("left_out", range(7))
def test_a_row_that_was_left_out_costs_that_row(judge, left_out):
    rows = table(SEVEN_RIGHT)
    del rows[left_out]
    findings = judge(rows)
    assert lost(findings) == 2
    assert codes(findings).count("row-missing") == 1
    assert codes(findings)[left_out] == "row-missing"
    assert "the table has 6 rows, 7 are asked for" in [finding.said for finding in findings]


def test_a_slip_beside_a_missing_row_still_costs_one_cell(judge):
    rows = table(SLIPPED)
    del rows[3]
    assert lost(judge(rows)) == 3


@pytest.mark.parametrize("spot", range(8))
def test_a_row_too_many_costs_a_row(judge, spot):
    rows = table(SEVEN_RIGHT)
    rows.insert(spot, {"layer": "softmax", "output": "(16, 11)", "parameters": 3})
    findings = judge(rows)
    assert lost(findings) == 2
    assert sum(finding.weight for finding in findings) == 16
    [extra] = [finding for finding in findings if finding.code == "row-too-many"]
    assert extra.place.pointer == f"/answers/layers/{spot}"


def test_many_guesses_per_row_do_not_pay(judge):
    rows = [row for row in table(SEVEN_RIGHT) for _ in range(3)]
    findings = judge(rows)
    assert sum(f.weight * f.credit for f in findings) / sum(f.weight for f in findings) == Fraction(1, 3)


def test_an_empty_cell_is_missing(judge):
    rows = table(SEVEN_RIGHT)
    del rows[2]["parameters"]
    rows[3]["output"] = ""
    findings = judge(rows)
    assert lost(findings) == 2
    assert codes(findings)[2:4] == ["missing-parameters", "missing-output"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param("16x6x24x24", "not-a-table", id="text"),
        pytest.param(7, "not-a-table", id="a number"),
        pytest.param([{}] * 10_000, "row-count", id="ten thousand rows"),
        pytest.param([], "unanswered", id="an empty list"),
        pytest.param(None, "unanswered", id="null"),
    ],
)
def test_what_is_no_table_is_one_finding(judge, answer, code):
    [finding] = judge(answer)
    assert (finding.credit, finding.code) == (0, code)


@pytest.mark.parametrize(
    "cells",
    [
        {"output": "16 maps of 24x24 (batch 16)", "parameters": 416},
        {"output": "<16, 16, 24, 24>", "parameters": 416},
        {"output": "(16, 16, 24, 24), 416 parameters", "parameters": "416"},
        {"output": "(16, 16, 24, 24)", "parameters": "416 (400 weights, 16 biases)"},
    ],
)
def test_right_sizes_and_counts_among_words_are_for_a_person(judge, cells):
    first, *others = judge([cells, *table(SEVEN_RIGHT)[1:]])
    assert (first.outcome, first.credit, first.code, first.weight) == (Outcome.REVIEW, None, "unclear-answer", 2)
    assert all(other.credit == 1 for other in others)


@pytest.mark.parametrize(
    "cells",
    [
        {"output": "16 maps of 24x25", "parameters": 416},
        {"output": "(16, 16, 24, 24) or (16, 24, 24, 16)", "parameters": 416},
        {"output": "(16, 16, 24, 24)", "parameters": "400 or 416"},
        {"output": "(16, 16, 24, 24)", "parameters": "400 weights, 15 biases"},
    ],
)
def test_other_sizes_among_words_and_guesses_cost_their_cell(judge, cells):
    assert lost(judge([cells, *table(SEVEN_RIGHT)[1:]])) == 1


def test_rows_that_are_none_cannot_be_read(judge):
    findings = judge([*table(SEVEN_RIGHT[:6]), "(16, 10) 650"])
    assert lost(findings) == 2
    assert codes(findings)[6] == "unreadable-output"


# --- from the student's own model ----------------------------------------------------------------


def traced(kind, name, source, target, parameters=0, **attributes):
    return {
        "name": name, "kind": kind, "attributes": attributes, "input_shape": source, "output_shape": target,
        "parameters": parameters, "trainable": parameters, "buffers": 0, "is_leaf": True, "calls": 1, "depth": 1,
    }  # fmt: skip


TRACE = [
    traced("Conv2d", "c", [2, 1, 28, 28], [2, 6, 24, 24], 156, in_channels=1, out_channels=6, kernel_size=[5, 5]),
    traced("functional:relu", "relu", [2, 6, 24, 24], [2, 6, 24, 24]),
    traced("MaxPool2d", "p", [2, 6, 24, 24], [2, 6, 12, 12], kernel_size=2, stride=2),
    traced("functional:view", "view", [2, 6, 12, 12], [2, 864]),
    traced("Odd", "odd", [2, 864], [2, 20], 99),
    traced("Linear", "fc", [2, 20], [2, 10], 210, in_features=20, out_features=10, bias=True),
]


@pytest.fixture
def judge_model(make_rule, hand_in, model, done):
    def judged(rows, evidence=None, **settings):
        check = all_checks()["layer-table"]
        rule = make_rule("layer-table", answer="layers", model=model, **{"from": "model"}, **settings)
        submission = hand_in({"layers": rows}, files={"model.py": "x"})
        [job] = check.needs(rule, submission)
        assert job == describe_job(submission, model)
        made = evidence or done({"layers": TRACE, "trainable": 465, "parameters": 465})
        return run_check(check, rule, submission, {job: made})

    return judged


def test_the_students_own_model_says_what_is_right(judge_model):
    rows = table([("(2, 6, 24, 24)", 156), ("(2, 6, 12, 12)", 0), ("(2, 20)", 99), ("(2, 10)", 210)])
    findings = judge_model({"rows": rows, "total": 465}, trainable_total=True)
    assert lost(findings) == 0
    assert sum(finding.weight for finding in findings) == 9


def test_follow_through_works_through_known_layers_of_the_own_model(judge_model):
    rows = table([("(2, 8, 24, 24)", 208), ("(2, 8, 12, 12)", 0), ("(2, 20)", 99), ("(2, 10)", 210)])
    assert lost(judge_model(rows)) == 1


def test_a_model_that_does_not_build_is_its_owners_fault_and_a_machine_is_not(judge_model, student_fault, system_fault):
    assert judge_model(table(SEVEN_RIGHT), student_fault)[0].outcome is Outcome.FAILED
    assert judge_model(table(SEVEN_RIGHT), system_fault)[0].outcome is Outcome.UNKNOWN


# --- rubrics -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "shape", "is_stated"),
    [
        ({"input": [16, 1, 28, 28], "layers": [conv(6, 5)]}, (16, 1, 28, 28), True),
        ({"input": [1, 28, 28], "layers": [RELU, conv(6, 5)]}, (2, 1, 28, 28), False),
        ({"input": [784], "layers": [linear(10)]}, (2, 784), False),
        ({"input": [16, 784], "layers": [{"kind": "batch_norm1d"}, linear(10)]}, (16, 784), True),
        ({"input": [1, 28, 28], "layers": [{"kind": "flatten"}, linear(10)]}, (2, 1, 28, 28), False),
        ({"input": [8, 1, 28, 28], "layers": [{"kind": "flatten"}, linear(10)]}, (8, 1, 28, 28), True),
        ({"input": [3, 100], "layers": [{"kind": "conv1d", "out_channels": 4, "kernel": 3}]}, (2, 3, 100), False),
        ({"input": [5, 7, 12], "layers": [{"kind": "lstm", "hidden_size": 4}]}, (5, 7, 12), True),
    ],
)
def test_whether_an_input_states_a_batch_is_told_from_the_layers(network, shape, is_stated):
    assert batched_input(network) == (shape, is_stated)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        pytest.param({}, "rules/0", id="no network"),
        pytest.param({"from": "model"}, "rules/0", id="no model"),
        pytest.param({"from": "model", "model": {}, "network": SEVEN}, "/network", id="two tables"),
        pytest.param(
            {"network": {"input": [1, 1, 8, 8], "layers": [conv(2, 3), conv(2, 7)]}},
            "/network/layers/1",
            id="too small",
        ),
        pytest.param({"network": SEVEN, "rows": [0, 12]}, "/rows/1", id="no such layer"),
        pytest.param({"network": SEVEN, "rows": ["conv"]}, "/rows/0", id="no such name"),
        pytest.param({"network": SEVEN, "batch": 8}, "/batch", id="two batches"),
        pytest.param({"network": {"input": [1, 4, 4], "layers": [RELU]}}, "rules/0", id="nothing to ask"),
        pytest.param(
            {"network": {"input": [32, 32], "layers": [conv(2, 3)]}}, "/network/input", id="an image without channels"
        ),
        pytest.param(
            {"network": {"input": [9, 9, 1, 8, 8], "layers": [conv(2, 3)]}}, "/network/input", id="an axis too many"
        ),
    ],
)
def test_lint_names_settings_that_make_no_sense(make_rule, settings, where):
    problems = list(all_checks()["layer-table"].lint(make_rule("layer-table", answer="layers", **settings)))
    assert problems[0].where.endswith(where)
    assert problems[0].fix


@pytest.mark.parametrize("shape", [[1, 8, 8], [4, 1, 8, 8]])
def test_lint_warns_of_a_linear_layer_on_images(make_rule, shape):
    """PyTorch takes it and works on the last axis: hardly ever what the assignment sheet means."""
    network = {"input": shape, "layers": [{"kind": "flatten"}, {"kind": "linear", "out_features": 2}]}
    assert list(all_checks()["layer-table"].lint(make_rule("layer-table", answer="a", network=network))) == []
    network = {"input": shape, "layers": [conv(2, 3), {"kind": "linear", "out_features": 2}]}
    [problem] = all_checks()["layer-table"].lint(make_rule("layer-table", answer="a", network=network))
    assert (problem.code, problem.fix) == ("warning-layer", "put {kind: flatten} before it")


def test_the_answers_schema_fixes_the_rows_and_their_keys(make_rule):
    from grader.documents import validator

    rule = make_rule("layer-table", answer="layers", network=SEVEN)
    schema = all_checks()["layer-table"].answer_schema(rule)
    checker = validator(schema)
    assert [row["title"] for row in schema["prefixItems"]][:2] == ["row 1: conv2d", "row 2: max_pool2d"]
    assert checker.is_valid(table(SEVEN_RIGHT))
    assert not checker.is_valid(table(SEVEN_RIGHT[:6]))
    assert not checker.is_valid([*table(SEVEN_RIGHT[:6]), {"output": "(16, 10)"}])
    assert not checker.is_valid([*table(SEVEN_RIGHT[:6]), {"output": "(16, 10)", "parameters": 650, "params": 1}])


def test_with_a_total_the_schema_asks_for_both(make_rule):
    from grader.documents import validator

    rule = make_rule("layer-table", answer="layers", network=SEVEN, trainable_total=True)
    checker = validator(all_checks()["layer-table"].answer_schema(rule))
    assert checker.is_valid({"rows": table(SEVEN_RIGHT), "total": 31_898})
    assert not checker.is_valid(table(SEVEN_RIGHT))


def test_the_schema_tells_no_right_answer(make_rule):
    schema = str(all_checks()["layer-table"].answer_schema(make_rule("layer-table", answer="layers", network=SEVEN)))
    assert not [word for word in ("416", "4640", "25664", "24, 24, 16") if word in schema]


@pytest.mark.parametrize("cells", [{"output": "", "parameters": ""}, {"output": None, "parameters": None}, {}])
def test_an_empty_row_is_not_answered_with_the_solution(judge, cells):
    findings = [finding for finding in judge([cells] * 7) if finding.weight > 0]
    assert {finding.code for finding in findings} == {"row-empty"}
    assert {finding.expected for finding in findings} == {""}
