"""Multiply-adds: PyTorch's flop counter says twice as much; a plain loop says the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.architecture import ShapeError, build, make_layer


@st.composite
def weighted_layers(draw):
    """A convolution, plain or transposed, or a linear layer, with a shape that is likely to fit it."""
    dims = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 2))
    shape = (draw(st.integers(1, 3)), groups * draw(st.integers(1, 3)), *(draw(st.integers(3, 7)) for _ in range(dims)))
    if draw(st.integers(0, 4)) == 0:
        written = {"kind": "linear", "in_features": shape[-1], "out_features": draw(st.integers(1, 5))}
        return {**written, "bias": draw(st.booleans())}, shape
    each = st.lists(st.integers(1, 3), min_size=dims, max_size=dims)
    written = {
        "kind": draw(st.sampled_from([f"conv{dims}d", f"conv_transpose{dims}d"])),
        "in_channels": shape[1],
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel": draw(each),
        "stride": draw(each),
        "dilation": draw(each),
        "padding": draw(st.integers(0, 2)),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    return written, shape


@pytest.mark.torch
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(weighted_layers())
def test_the_flop_counter_says_twice_as_much(oracle, case):
    from torch.utils.flop_counter import FlopCounterMode

    written, shape = case
    layer = make_layer(written, shape)
    try:
        counted = layer.multiply_adds(shape)
    except ShapeError:
        assume(False)
    with oracle.torch.device("meta"), FlopCounterMode(display=False) as counter:
        oracle.module(written)(oracle.torch.zeros(shape))
    assert 2 * counted == counter.get_total_flops()


def loop_over_a_convolution(size, kernel, stride, padding, channels_in, channels_out):
    """Every multiplication of a square convolution, one by one."""
    count = 0
    for _ in range(channels_out * channels_in):
        for top in range(-padding, size + padding - kernel + 1, stride):
            for left in range(-padding, size + padding - kernel + 1, stride):
                count += sum(1 for _ in range(top, top + kernel) for _ in range(left, left + kernel))
    return count


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (3, 2, 0), (5, 3, 2)])
def test_a_loop_counts_the_same(kernel, stride, padding):
    written = {"kind": "conv2d", "out_channels": 4, "kernel": kernel, "stride": stride, "padding": padding}
    counted = make_layer(written, (1, 3, 9, 9)).multiply_adds((1, 3, 9, 9))
    assert counted == loop_over_a_convolution(9, kernel, stride, padding, 3, 4)


@pytest.mark.parametrize(
    ("written", "count"),
    [
        pytest.param({"kind": "rnn"}, 5 * 2 * (3 * 4 + 4 * 4), id="rnn"),
        pytest.param(
            {"kind": "gru", "num_layers": 2}, 5 * 2 * 3 * (3 * 4 + 4 * 4 + 4 * 4 + 4 * 4), id="gru of two layers"
        ),
        pytest.param({"kind": "lstm", "bidirectional": True}, 5 * 2 * 2 * 4 * (3 * 4 + 4 * 4), id="lstm, both ways"),
        pytest.param(
            {"kind": "lstm", "proj_size": 2}, 5 * 2 * (4 * (3 * 4 + 2 * 4) + 4 * 2), id="lstm with a projection"
        ),
    ],
)
def test_a_recurrent_layer_uses_every_weight_at_every_step(written, count):
    layer = make_layer({**written, "hidden_size": 4}, (5, 2, 3))
    assert layer.multiply_adds((5, 2, 3)) == count


@pytest.mark.parametrize("kind", ["relu", "batch_norm2d", "dropout", "adaptive_avg_pool2d", "prelu"])
def test_layers_without_a_weight_matrix_count_nothing(kind):
    written = {"kind": kind, **({"output_size": 1} if "pool" in kind else {})}
    assert make_layer(written, (2, 3, 8, 8)).multiply_adds((2, 3, 8, 8)) == 0


def test_an_input_that_does_not_fit_has_no_count():
    for written in ({"kind": "max_pool2d", "kernel": 9}, {"kind": "conv2d", "out_channels": 1, "kernel": 9}):
        with pytest.raises(ShapeError):
            make_layer(written, (1, 1, 8, 8)).multiply_adds((1, 1, 8, 8))


def test_the_batch_multiplies():
    layers = [
        {"kind": "conv2d", "out_channels": 2, "kernel": 3},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": 5},
    ]
    assert build((16, 1, 8, 8), layers).multiply_adds == 16 * build((1, 1, 8, 8), layers).multiply_adds
