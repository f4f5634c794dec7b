"""A whole network: names, sharing, freezing, and the first layer that does not fit."""

from __future__ import annotations

import pytest

from grader.architecture import ShapeError, build
from grader.errors import GraderError


def refused(shape, *layers):
    with pytest.raises(ShapeError) as error:
        build(shape, layers)
    return error.value


def test_no_layers_change_nothing():
    net = build((1, 3, 32, 32), [])
    assert net.output_shape == (1, 3, 32, 32)
    assert (net.parameter_count, net.multiply_adds, net.receptive_field()) == (0, 0, ())


def test_layers_are_named_by_kind_and_number_unless_they_say():
    net = build((1, 8), [{"kind": "relu"}, {"kind": "linear", "out_features": 2, "name": "head"}, {"kind": "relu"}])
    assert [node.name for node in net.nodes] == ["relu_1", "head", "relu_3"]


def test_the_first_layer_that_does_not_fit_is_named():
    error = refused(
        (16, 1, 28, 28),
        {"kind": "conv2d", "out_channels": 16, "kernel": 5},
        {"kind": "conv2d", "name": "second", "in_channels": 6, "out_channels": 32, "kernel": 3},
        {"kind": "conv2d", "in_channels": 7, "out_channels": 32, "kernel": 3},
    )
    assert (error.index, error.kind, error.input_shape) == (1, "conv2d", (16, 16, 24, 24))
    assert error.problem.where == "layer 2 (conv2d 'second'), input (16, 16, 24, 24)"
    assert error.problem.what == "expects 6 channels, its input (16, 16, 24, 24) has 16"
    assert error.problem.fix == "use in_channels: 16, or mend the layer before"


def test_a_refusal_is_an_error_of_ours_with_a_place_and_a_fix():
    error = refused((1, 1, 4, 4), {"kind": "max_pool2d", "kernel": 5})
    assert isinstance(error, GraderError)
    assert str(error) == (
        "layer 1 (max_pool2d), input (1, 1, 4, 4): a window of 5 does not fit 4 pixels with padding 0\n"
        "  fix: use a smaller kernel or a larger input"
    )


def test_a_forgotten_flatten_is_named():
    error = refused(
        (1, 1, 28, 28),
        {"kind": "conv2d", "out_channels": 4, "kernel": 5},
        {"kind": "linear", "in_features": 4 * 24 * 24, "out_features": 10},
    )
    assert error.problem.fix == "put a flatten layer before it"


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        pytest.param([{}], "'kind' is missing", id="no kind"),
        pytest.param([["relu"]], "is no layer", id="not a table"),
        pytest.param([{"kind": ["relu"]}], "there is no kind of layer", id="a list as the kind"),
        pytest.param([{"kind": "conv2"}], "there is no kind of layer 'conv2'", id="unknown kind"),
        pytest.param([{"kind": "relu", "name": "a.b"}], "the name 'a.b'", id="a dot in a name"),
        pytest.param([{"kind": "relu", "name": 3}], "the name 3", id="a name that is no text"),
        pytest.param([{"kind": "relu", "frozen": "yes"}], "frozen: 'yes'", id="frozen is no flag"),
        pytest.param(
            [{"kind": "relu", "name": "a"}, {"kind": "relu", "name": "a"}], "is called 'a' too", id="a name twice"
        ),
    ],
)
def test_odd_settings_are_refused(layers, said):
    assert said in refused((1, 3, 8, 8), *layers).problem.what


def test_an_input_that_is_no_shape_is_refused():
    for shape in ((1, 0, 8, 8), (1, -1), (1, 2.0), (True, 3), ("1",)):
        with pytest.raises(ShapeError, match="is not a size"):
            build(shape, [])


# --- sharing ------------------------------------------------------------------------------------

CONV = {"kind": "conv2d", "name": "conv", "out_channels": 3, "kernel": 3, "padding": 1}


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"kind": "conv2d", "shares": "conv"}, id="settings left out"),
        pytest.param({**CONV, "name": "again", "shares": "conv"}, id="settings repeated"),
    ],
)
def test_a_shared_layer_counts_once(again):
    net = build((1, 3, 8, 8), [CONV, again])
    first, second = net.nodes
    assert second.shared_with == "conv"
    assert second.layer is first.layer
    assert (first.parameters, second.parameters, second.new_parameters) == (84, 84, 0)
    assert net.parameter_count == 84
    assert net.multiply_adds == 2 * first.multiply_adds


def test_a_layer_shared_twice_is_that_of_the_first():
    net = build(
        (1, 3, 8, 8), [CONV, {"kind": "conv2d", "name": "b", "shares": "conv"}, {"kind": "conv2d", "shares": "b"}]
    )
    assert [node.shared_with for node in net.nodes] == ["", "conv", "conv"]
    assert net.parameter_count == 84


def test_a_shared_tensor_counts_once():
    net = build(
        (2, 7),
        [
            {"kind": "embedding", "name": "embed", "num_embeddings": 10, "embedding_dim": 4},
            {"kind": "linear", "name": "out", "out_features": 10, "shares": "embed.weight"},
        ],
    )
    assert [node.parameters for node in net.nodes] == [40, 50]
    assert net.parameter_count == 50


def test_shared_batch_norm_keeps_its_buffers_once():
    net = build((4, 3, 8, 8), [{"kind": "batch_norm2d", "name": "norm"}, {"kind": "batch_norm2d", "shares": "norm"}])
    assert (net.parameter_count, net.buffer_count) == (6, 7)


@pytest.mark.parametrize(
    ("again", "said"),
    [
        pytest.param({"kind": "conv2d", "shares": "other"}, "no earlier layer has that name", id="unknown name"),
        pytest.param({"kind": "relu", "shares": "conv"}, "which is a conv2d", id="another kind"),
        pytest.param({**CONV, "name": "b", "kernel": 5, "shares": "conv"}, "its settings differ", id="other settings"),
        pytest.param({"kind": "relu", "shares": "conv.weight"}, "this layer has no 'weight'", id="no such tensor here"),
        pytest.param({**CONV, "name": "b", "shares": "conv.mean"}, "conv has no 'mean'", id="no such tensor there"),
        pytest.param(
            {**CONV, "name": "b", "out_channels": 6, "shares": "conv.weight"}, "(3, 3, 3, 3), not (6, 3, 3, 3)",
            id="another shape",
        ),
        pytest.param({"kind": "conv2d", "shares": 3}, "shares: 3", id="a number"),
        pytest.param({"shares": "conv"}, "'kind' is missing", id="no kind"),
    ],
)  # fmt: skip
def test_sharing_that_cannot_be_is_refused(again, said):
    assert said in refused((1, 3, 8, 8), CONV, again).problem.what


def test_a_shared_layer_has_to_fit_its_second_input():
    shrinking = {"kind": "conv2d", "name": "conv", "out_channels": 4, "kernel": 3}
    assert refused((1, 3, 8, 8), shrinking, {"kind": "conv2d", "shares": "conv"}).index == 1


def test_frozen_layers_are_not_trained():
    net = build((1, 3, 8, 8), [{**CONV, "frozen": True}, {"kind": "flatten"}, {"kind": "linear", "out_features": 10}])
    assert (net.parameter_count, net.trainable_count) == (84 + 1930, 1930)


def test_what_shares_a_frozen_layer_is_frozen():
    net = build((1, 3, 8, 8), [{**CONV, "frozen": True}, {"kind": "conv2d", "shares": "conv"}])
    assert [node.is_frozen for node in net.nodes] == [True, True]
    assert net.trainable_count == 0
