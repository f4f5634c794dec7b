"""The plain functions: boundaries, refusals in words, and the rules that are easy to get wrong."""

from __future__ import annotations

import pytest

from grader.architecture import ShapeError, conv_output_size, conv_padding, pool_output_size, transposed_output_size


@pytest.mark.parametrize(
    ("size", "kernel", "given", "result"),
    [
        pytest.param(5, 5, {}, 1, id="kernel as large as the input"),
        pytest.param(1, 1, {}, 1, id="one pixel"),
        pytest.param(3, 5, {"padding": 1}, 1, id="kernel as large as the padded input"),
        pytest.param(8, 3, {"stride": 2}, 3, id="the last pixel is not seen"),
        pytest.param(7, 3, {"stride": 2}, 3, id="the last pixel is just seen"),
        pytest.param(3, 3, {"stride": 100}, 1, id="stride far over the input"),
        pytest.param(5, 3, {"dilation": 2}, 1, id="dilated kernel as large as the input"),
        pytest.param(28, 5, {"padding": "valid", "stride": 2}, 12, id="valid is no padding"),
        pytest.param(1, 7, {"padding": "same"}, 1, id="same on one pixel"),
        pytest.param(512, 9, {}, 504, id="512 to 504 by a 9"),
        pytest.param(252, 3, {}, 250, id="252 by a 3"),
    ],
)
def test_convolution_sizes(size, kernel, given, result):
    assert conv_output_size(size, kernel, **given) == result


@pytest.mark.parametrize(
    ("size", "kernel", "given", "said"),
    [
        pytest.param(4, 5, {}, "a kernel of 5 does not fit 4 pixels with padding 0 in all", id="one pixel too wide"),
        pytest.param(2, 5, {"padding": 1}, "(4 pixels)", id="one too wide with padding"),
        pytest.param(4, 3, {"dilation": 2}, "3 with dilation 2 (5 pixels wide)", id="one too wide by dilation"),
        pytest.param(28, 3, {"padding": "same", "stride": 2}, "padding 'same' with stride 2", id="same with a stride"),
        pytest.param(28, 3, {"padding": "full"}, "padding 'full'", id="unknown padding word"),
        pytest.param(28, 3, {"padding": -1}, "a padding of -1", id="negative padding"),
        pytest.param(28, 0, {}, "a kernel of 0", id="no kernel"),
        pytest.param(28, 3, {"stride": 0}, "a stride of 0", id="stride 0"),
        pytest.param(28, 3, {"dilation": 0}, "a dilation of 0", id="dilation 0"),
        pytest.param(0, 1, {"padding": 3}, "0 pixels", id="no pixels but padding"),
    ],
)
def test_what_a_convolution_refuses_is_said_with_the_value(size, kernel, given, said):
    with pytest.raises(ShapeError) as refused:
        conv_output_size(size, kernel, **given)
    assert said in str(refused.value)
    assert refused.value.problem.fix


def test_the_odd_pixel_of_same_padding_comes_after():
    assert conv_padding(4, padding="same", dilation=3) == (4, 5)


@pytest.mark.parametrize(
    ("size", "kernel", "given", "result"),
    [
        pytest.param(7, 2, {}, 3, id="stride is the kernel when left out"),
        pytest.param(7, 2, {"ceil_mode": True}, 4, id="rounded up, a window half outside"),
        pytest.param(6, 2, {"ceil_mode": True}, 3, id="nothing to round"),
        pytest.param(2, 3, {"stride": 2, "ceil_mode": True}, 1, id="a window larger than the input, rounded up"),
        pytest.param(5, 2, {"stride": 3, "padding": 1, "ceil_mode": True}, 2, id="a window that starts at the end"),
        pytest.param(3, 1, {"stride": 3, "ceil_mode": True}, 1, id="a window that starts in the padding after"),
        pytest.param(
            4, 3, {"stride": 2, "padding": 1, "ceil_mode": True}, 3, id="last window starts on the last pixel"
        ),
    ],
)
def test_pooling_sizes(size, kernel, given, result):
    assert pool_output_size(size, kernel, **given) == result


@pytest.mark.parametrize(
    ("size", "kernel", "given", "said"),
    [
        pytest.param(8, 3, {"padding": 2}, "more than half of the kernel of 3", id="padding over half, odd kernel"),
        pytest.param(8, 4, {"padding": 3}, "use a padding of at most 2", id="padding over half, even kernel"),
        pytest.param(8, 1, {"padding": 1}, "use a padding of at most 0", id="padding for a kernel of one"),
        pytest.param(1, 2, {}, "a window of 2 does not fit 1 pixels", id="window larger than the input"),
        pytest.param(4, 2, {"stride": 0}, "a stride of 0", id="stride 0"),
    ],
)
def test_what_a_pooling_refuses_is_said_with_the_value(size, kernel, given, said):
    with pytest.raises(ShapeError) as refused:
        pool_output_size(size, kernel, **given)
    assert said in str(refused.value)


def test_half_of_an_even_kernel_is_a_padding():
    assert pool_output_size(4, 4, padding=2) == 2


@pytest.mark.parametrize(
    ("size", "kernel", "given", "result"),
    [
        pytest.param(7, 2, {"stride": 2}, 14, id="doubles"),
        pytest.param(7, 3, {"stride": 2, "padding": 1, "output_padding": 1}, 14, id="doubles with output padding"),
        pytest.param(7, 3, {"stride": 2, "padding": 1}, 13, id="one short without output padding"),
        pytest.param(
            5, 3, {"stride": 2, "output_padding": 2, "dilation": 3}, 17, id="output padding under the dilation"
        ),
        pytest.param(1, 1, {}, 1, id="one pixel"),
    ],
)
def test_transposed_sizes(size, kernel, given, result):
    assert transposed_output_size(size, kernel, **given) == result


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"stride": 2, "output_padding": 2}, "an output padding of 2 with stride 2", id="as large as the stride"
        ),
        pytest.param({"padding": 3}, "makes -1 pixels of 3", id="nothing left"),
        pytest.param({"output_padding": -1, "stride": 2}, "a padding of -1", id="negative output padding"),
    ],
)
def test_what_a_transposed_convolution_refuses_is_said_with_the_value(given, said):
    with pytest.raises(ShapeError) as refused:
        transposed_output_size(3, 3, **given)
    assert said in str(refused.value)
