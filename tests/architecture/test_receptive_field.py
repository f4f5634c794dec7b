"""The receptive field is where the gradient of one output pixel falls."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.architecture import ReceptiveField, ShapeError, build


def conv(kernel, **more):
    return {"kind": "conv2d", "in_channels": 1, "out_channels": 1, "kernel": kernel, "bias": False, **more}


def last_field(shape, *layers):
    return build(shape, layers).receptive_field()[-1]


def test_layer_by_layer():
    net = build((1, 1, 28, 28), [conv(5), {"kind": "max_pool2d", "kernel": 2}, conv(3), {"kind": "relu"}, conv(1)])
    fields = [(field.size[0], field.jump[0], field.start[0]) for field in net.receptive_field()]
    assert fields == [(5, 1, 0), (6, 2, 0), (10, 2, 0), (10, 2, 0), (10, 2, 0)]


def test_each_axis_has_its_own():
    field = last_field((1, 1, 32, 32), conv([3, 5], stride=[1, 2], padding=[1, 0]), conv([3, 1], dilation=[2, 1]))
    assert field == ReceptiveField(size=(7, 5), jump=(1, 2), start=(-1, 0))


def test_vgg16_sees_212_pixels():
    """196 is for the last convolution of block 5, 212 after its pooling, as published for VGG-16."""
    blocks = [2, 2, 3, 3, 3]
    pool = {"kind": "max_pool2d", "kernel": 2}
    layers = [layer for count in blocks for layer in [*[conv(3, padding=1)] * count, pool]]
    net = build((1, 1, 224, 224), layers)
    sizes = [field.size[0] for field in net.receptive_field()]
    assert sizes[-2:] == [196, 212]


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param({"kind": "flatten"}, id="flatten"),
        pytest.param({"kind": "linear", "out_features": 3}, id="linear"),
        pytest.param({"kind": "softmax", "dim": -1}, id="softmax over pixels"),
        pytest.param({"kind": "softmax", "dim": 2}, id="softmax over rows"),
        pytest.param({"kind": "conv_transpose2d", "out_channels": 1, "kernel": 2, "stride": 2}, id="transposed"),
        pytest.param({"kind": "upsample", "scale_factor": 2}, id="upsample"),
        pytest.param({"kind": "adaptive_avg_pool2d", "output_size": 3}, id="windows of unequal size"),
    ],
)
def test_no_fixed_window_is_none_from_there_on(layer):
    net = build((1, 1, 8, 8), [conv(3, padding=1), layer, {"kind": "relu"}])
    assert [field is None for field in net.receptive_field()] == [False, True, True]


@pytest.mark.parametrize(
    ("layer", "field"),
    [
        pytest.param(
            {"kind": "adaptive_avg_pool2d", "output_size": 2}, ReceptiveField((4, 4), (4, 4), (0, 0)), id="half"
        ),
        pytest.param(
            {"kind": "adaptive_avg_pool2d", "output_size": 1}, ReceptiveField((8, 8), (8, 8), (0, 0)), id="global"
        ),
        pytest.param(
            {"kind": "zero_pad2d", "padding": [1, 2, 3, 4]}, ReceptiveField((1, 1), (1, 1), (-3, -1)), id="padding"
        ),
        pytest.param(
            {"kind": "conv2d", "out_channels": 1, "kernel": 4, "padding": "same"},
            ReceptiveField((4, 4), (1, 1), (-1, -1)),
            id="same padding of an even kernel",
        ),
        pytest.param({"kind": "batch_norm2d"}, ReceptiveField((1, 1), (1, 1), (0, 0)), id="batch norm"),
        pytest.param({"kind": "softmax", "dim": 1}, ReceptiveField((1, 1), (1, 1), (0, 0)), id="softmax over channels"),
    ],
)
def test_single_layers(layer, field):
    assert last_field((1, 1, 8, 8), layer) == field


def test_an_unbatched_network_sees_the_same():
    layers = [{"kind": "batch_norm2d"}, conv(3), {"kind": "relu"}, {"kind": "max_pool2d", "kernel": 2}]
    batched = build((1, 1, 8, 8), layers).receptive_field()
    assert build((1, 8, 8), layers[1:]).receptive_field() == batched[1:]


def test_softmax_over_the_channels_of_an_unbatched_image_is_pointwise():
    fields = build((1, 8, 8), [conv(3), {"kind": "softmax", "dim": 0}, {"kind": "softmax", "dim": 1}]).receptive_field()
    assert [field is None for field in fields] == [False, False, True]


def test_softmax_without_an_axis_takes_that_of_torch():
    layers = [{"kind": "conv1d", "out_channels": 2, "kernel": 3}, {"kind": "softmax"}]
    over_pixels = [build(shape, layers).receptive_field()[-1] is None for shape in ((2, 8), (1, 2, 8))]
    assert over_pixels == [True, False]  # axis 1 of (C, L), axis 0 of (N, C, L)


def test_a_pooling_over_fewer_axes_than_the_image_has_no_field():
    net = build((3, 8, 8), [{**conv(3), "in_channels": 3, "out_channels": 2}, {"kind": "max_pool1d", "kernel": 2}])
    assert net.output_shape == (2, 6, 3)  # PyTorch takes the channels for a batch here
    assert net.receptive_field()[-1] is None


@st.composite
def stacks(draw):
    """A few convolutions and average poolings of one channel, in one dimension."""
    layers = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride = draw(st.integers(1, 4)), draw(st.integers(1, 3))
        if draw(st.booleans()):
            layer = {"kind": "conv1d", "in_channels": 1, "out_channels": 1, "bias": False, "kernel": kernel}
            layer |= {"stride": stride, "dilation": draw(st.integers(1, 3)), "padding": draw(st.integers(0, 2))}
            if stride == 1 and draw(st.booleans()):
                layer["padding"] = "same"
        else:
            padding = draw(st.integers(0, kernel // 2))
            layer = {"kind": "avg_pool1d", "kernel": kernel, "stride": stride, "padding": padding}
        layers.append(layer)
    return layers


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(stacks(), st.integers(8, 60), st.data())
def test_the_gradient_falls_on_the_field(oracle, layers, size, data):
    torch = oracle.torch
    try:
        net = build((1, 1, size), layers)
    except ShapeError:
        assume(False)
    field = net.receptive_field()[-1]
    pixel = data.draw(st.integers(0, net.output_shape[-1] - 1))
    first = field.start[0] + pixel * field.jump[0]
    last = first + field.size[0] - 1
    assume(first >= 0 and last < size)  # a view that is cut by the border says less

    image = torch.ones((1, 1, size), requires_grad=True)
    made = image
    for layer in layers:
        module = oracle.module(layer)
        for parameter in module.parameters():
            torch.nn.init.ones_(parameter)  # positive, so that no gradient cancels
        made = module(made)
    made[0, 0, pixel].backward()
    seen = image.grad[0, 0].nonzero().flatten()
    assert (int(seen[0]), int(seen[-1])) == (first, last)
