"""print(model) replayed: counts are PyTorch's, honest reprs are in order, what cannot be is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.architecture.readers.module_repr import read
from grader.architecture.recompute.replay import verify_repr
from grader.documents.report_lines import Line

PRINTED = Path(__file__).parents[1] / "printed"
TRUTHS = [
    truth
    for truth in json.loads((PRINTED / "truth.json").read_text(encoding="utf-8"))["prints"]
    if truth["kind"] == "print"
]


def model(text):
    [summary] = read([Line(number, line) for number, line in enumerate(text.splitlines(), 1)])
    return summary


def sequential(*modules):
    return model("Sequential(\n" + "\n".join(f"  ({index}): {one}" for index, one in enumerate(modules)) + "\n)")


def net(*modules):
    names = [f"  (part{index}): {one}" for index, one in enumerate(modules)]
    return model("Net(\n" + "\n".join(names) + "\n)")


def conv(into, out, kernel=3, stride=1, padding=1):
    window = f"kernel_size=({kernel}, {kernel}), stride=({stride}, {stride}), padding=({padding}, {padding})"
    return f"Conv2d({into}, {out}, {window})"


def linear(into, out):
    return f"Linear(in_features={into}, out_features={out}, bias=True)"


POOL = "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"
FLATTEN = "Flatten(start_dim=1, end_dim=-1)"


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth["network"])
def test_the_repr_of_a_real_network_is_in_order_with_and_without_its_input(truth):
    summary = model((PRINTED / truth["file"]).read_text(encoding="utf-8"))
    shape = (1, *truth["input"][0]) if len(truth["input"]) == 1 else None
    for verdict in (verify_repr(summary), verify_repr(summary, input_shape=shape)):
        assert verdict.is_consistent
        assert verdict.disagreements == ()


def test_copies_written_as_six_times_a_block_count_six_times():
    block = "  (0-5): 6 x Block(\n    (fc): Linear(in_features=4, out_features=4, bias=True)\n  )"
    assert verify_repr(model(f"Net(\n{block}\n)")).totals["parameters"] == "120"


def test_what_an_attention_holds_beside_its_projection_is_counted():
    projection = "(out_proj): NonDynamicallyQuantizableLinear(in_features=8, out_features=8, bias=True)"
    text = f"Net(\n  (attention): MultiheadAttention(\n    {projection}\n  )\n)"
    assert verify_repr(model(text)).totals["parameters"] == f"{3 * 8 * 8 + 3 * 8 + 8 * 8 + 8}"


def test_channels_that_do_not_meet_in_a_sequential_are_wrong_for_certain():
    verdict = verify_repr(sequential(conv(1, 32), "ReLU()", conv(64, 8)))
    [one] = verdict.disagreements
    assert one.is_certain
    assert "makes 32 channels" in one.why
    assert "takes 64" in one.why


def test_the_norms_decide_which_of_two_convolutions_is_wrong():
    norm = "BatchNorm2d(32, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
    [one] = verify_repr(sequential(conv(1, 32), norm, "ReLU()", conv(64, 8))).disagreements
    assert (one.line, one.said, one.recomputed) == (5, "in_channels=64", "in_channels=32")
    [one] = verify_repr(sequential(conv(1, 31), norm, "ReLU()", conv(32, 8))).disagreements
    assert (one.line, one.said, one.recomputed) == (2, "out_channels=31", "out_channels=32")


def test_outside_a_sequential_two_heads_and_a_shortcut_are_honest():
    heads = net(linear(8, 16), linear(16, 3), linear(16, 2))
    shortcut = net(conv(16, 32), conv(32, 32), conv(16, 32, kernel=1, padding=0))
    assert verify_repr(heads).disagreements == verify_repr(shortcut).disagreements == ()


def test_the_only_usual_image_that_fits_is_the_input():
    summary = sequential(conv(3, 8), POOL, conv(8, 16), POOL, FLATTEN, linear(16 * 8 * 8, 10))
    verdict = verify_repr(summary)
    assert verdict.input == (1, 3, 32, 32)
    assert verdict.rows[-1].readings[0].needs == "an input of 32x32"


def test_with_an_input_the_features_that_reach_the_linear_layer_are_compared():
    summary = sequential(conv(3, 8), POOL, FLATTEN, linear(8 * 16 * 16, 10))
    assert verify_repr(summary, input_shape=(4, 3, 32, 32)).disagreements == ()
    [one] = verify_repr(summary, input_shape=(4, 3, 28, 28)).disagreements
    assert one.is_certain
    assert "1,568 features reach 3" in one.why


def test_the_window_that_is_unlike_its_sisters_is_named_where_it_would_mend_all():
    layers = [conv(3, 8), conv(8, 8), conv(8, 8, padding=3), POOL, FLATTEN, linear(8 * 16 * 16, 10)]
    [one] = verify_repr(sequential(*layers), input_shape=(1, 3, 32, 32)).disagreements
    assert (one.line, one.recomputed) == (4, "padding=1")


def test_a_pooling_that_is_registered_once_and_called_twice_is_honest():
    summary = net(POOL, conv(3, 6, kernel=5, padding=0), conv(6, 16, kernel=5, padding=0), linear(400, 10))
    verdict = verify_repr(summary)
    assert verdict.disagreements == ()
    assert "pooling of 2x2 behind" in verdict.rows[-1].readings[0].needs


def test_features_that_no_image_gives_are_named_in_a_sequential():
    summary = sequential(conv(3, 16), FLATTEN, linear(16 * 32 * 32 + 1, 10))
    [one] = verify_repr(summary).disagreements
    assert one.is_certain
    assert "no multiple of 16" in one.why


def test_a_pooling_that_pytorch_refuses_is_wrong_and_a_lopsided_window_goes_to_a_person():
    refused = "MaxPool2d(kernel_size=2, stride=2, padding=2, dilation=1, ceil_mode=False)"
    [one] = verify_repr(sequential(conv(3, 8), refused)).disagreements
    assert one.is_certain
    lopsided = "Conv2d(8, 8, kernel_size=(5, 3), stride=(1, 1), padding=(1, 1))"
    [one] = verify_repr(sequential(conv(3, 8), lopsided, conv(8, 8))).disagreements
    assert not one.is_certain
