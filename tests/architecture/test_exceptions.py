"""Where we refuse and PyTorch does not: each case, with what PyTorch makes of it today.

When one of these fails because PyTorch now refuses too, the exception can go.
"""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch


def conv(kind="conv2d", **more):
    return {"kind": kind, "in_channels": 2, "out_channels": 2, "kernel": 3, **more}


EXCEPTIONS = [
    pytest.param(conv(), (0, 2, 8, 8), (0, 2, 6, 6), id="an empty batch"),
    pytest.param({"kind": "linear", "in_features": 3, "out_features": 0}, (2, 3), (2, 0), id="no output at all"),
    pytest.param({"kind": "adaptive_avg_pool2d", "output_size": 0}, (2, 3, 4, 4), (2, 3, 0, 0), id="pooled to nothing"),
    pytest.param(
        conv("conv_transpose1d", groups=2, padding=2), (1, 2, 2), (1, 2, 0), id="nothing left, grouped and transposed"
    ),
    pytest.param(
        conv("conv_transpose1d", groups=2, kernel=1, dilation=0), (1, 2, 4), (1, 2, 4), id="dilation 0, same kernel"
    ),
    pytest.param(
        conv(padding=-1, padding_mode="circular"), (1, 2, 8, 8), (1, 2, 4, 4), id="negative padding that is not zeros"
    ),
    pytest.param(
        {"kind": "adaptive_avg_pool2d", "output_size": 1}, (2, 3, 4, 4, 4), (2, 3, 4, 1, 1), id="a mean of any rank"
    ),
    pytest.param(
        {"kind": "upsample", "size": 4, "scale_factor": 0}, (1, 1, 2, 2), (1, 1, 4, 4), id="a factor of 0 and a size"
    ),
]


@pytest.mark.parametrize(("written", "shape", "theirs"), EXCEPTIONS)
def test_we_refuse_what_pytorch_lets_pass(oracle, written, shape, theirs):
    assert oracle.we_say(written, shape) is None
    assert oracle.says(written, shape)[0] == theirs


ONLY_META_ACCEPTS = [
    pytest.param(conv("conv_transpose2d", in_channels=4), (2, 2, 8, 8), id="wrong channels, transposed"),
    pytest.param(conv(out_channels=0), (2, 2, 8, 8), id="no output channels"),
    pytest.param(conv(kernel=0), (2, 2, 8, 8), id="a kernel of 0"),
    pytest.param(conv(padding=-1), (2, 2, 8, 8), id="negative padding"),
    pytest.param(conv(dilation=0), (2, 2, 8, 8), id="dilation 0"),
    pytest.param(conv(padding=2), (2, 2, 0, 8), id="no pixels but padding"),
    pytest.param(
        conv("conv_transpose2d", output_padding=1), (2, 2, 8, 8), id="output padding as large as stride and dilation"
    ),
]


@pytest.mark.parametrize(("written", "shape"), ONLY_META_ACCEPTS)
def test_the_kernel_decides_where_the_meta_device_is_lenient(oracle, written, shape):
    assert oracle.says(written, shape, device="meta") is not None
    assert oracle.says(written, shape, device="cpu") is None
    assert oracle.we_say(written, shape) is None


def test_shapes_are_those_of_evaluation_mode(oracle):
    """In training PyTorch refuses to normalise one value; a batch of one is fine in a shape table."""
    import torch

    written, shape = {"kind": "batch_norm1d", "num_features": 3}, (1, 3)
    with pytest.raises(ValueError, match="more than 1 value"):
        oracle.module(written).train()(torch.zeros(shape))
    assert oracle.we_say(written, shape) == oracle.says(written, shape)
