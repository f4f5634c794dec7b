"""Settings as a teacher writes them: both spellings, what is left out, and what is said about slips."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from grader.architecture import KINDS, TORCH_NAMES, ShapeError, layer_schema, make_layer
from grader.documents import Document, parse_yaml, problems_in, validator

IMAGE = (16, 3, 32, 32)


def refused(written, shape=IMAGE):
    with pytest.raises(ShapeError) as error:
        make_layer(written, shape)
    return error.value.problem


# --- making a layer -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shape", "name", "value"),
    [
        pytest.param({"kind": "conv2d", "out_channels": 8, "kernel": 3}, IMAGE, "in_channels", 3, id="conv"),
        pytest.param({"kind": "conv2d", "out_channels": 8, "kernel": 3}, (3, 32, 32), "in_channels", 3, id="unbatched"),
        pytest.param(
            {"kind": "conv_transpose1d", "out_channels": 8, "kernel": 3}, (2, 5, 9), "in_channels", 5, id="up"
        ),
        pytest.param({"kind": "linear", "out_features": 8}, (16, 400), "in_features", 400, id="linear"),
        pytest.param({"kind": "batch_norm2d"}, IMAGE, "num_features", 3, id="batch norm"),
        pytest.param({"kind": "batch_norm1d"}, (16, 64), "num_features", 64, id="batch norm of features"),
        pytest.param({"kind": "instance_norm2d"}, (3, 8, 8), "num_features", 3, id="instance norm, unbatched"),
        pytest.param({"kind": "group_norm", "num_groups": 1}, IMAGE, "num_channels", 3, id="group norm"),
        pytest.param({"kind": "lstm", "hidden_size": 4}, (7, 2, 9), "input_size", 9, id="lstm"),
    ],
)
def test_what_is_left_out_comes_from_the_input(written, shape, name, value):
    layer = make_layer(written, shape)
    assert getattr(layer, name) == value
    assert layer == make_layer({**written, name: value}, shape)


def test_torch_s_own_name_for_the_kernel_is_read_too():
    written = {"kind": "conv2d", "out_channels": 8}
    assert make_layer({**written, "kernel": 3}, IMAGE) == make_layer({**written, "kernel_size": [3, 3]}, IMAGE)


def test_name_shares_and_frozen_are_not_settings_of_the_layer():
    layer = make_layer({"kind": "relu", "name": "a", "frozen": True, "shares": "b"}, IMAGE)
    assert layer == make_layer({"kind": "relu"}, IMAGE)


def test_null_is_the_same_as_left_out():
    assert make_layer({"kind": "max_pool2d", "kernel": 2, "stride": None}, IMAGE).stride == (2, 2)


@pytest.mark.parametrize(
    ("written", "what", "fix"),
    [
        pytest.param({"kind": "Conv2d"}, "no kind of layer 'Conv2d'", "did you mean 'conv2d'?", id="torch's spelling"),
        pytest.param({"kind": "maxpool2d"}, "'maxpool2d'", "did you mean 'max_pool2d'?", id="a slip in the kind"),
        pytest.param({"kind": "conv2d", "kernel": 3}, "'out_channels' is missing", "add 'out_channels'", id="missing"),
        pytest.param({"kind": "conv2d", "out_channels": 8}, "'kernel' is missing", "add 'kernel'", id="no kernel"),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": 3, "strides": 2}, "'strides'", "did you mean 'stride'?",
            id="a slip in a setting",
        ),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": 3, "kernel_size": 3}, "two names of one setting",
            "keep one", id="both spellings",
        ),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": [3, 3, 3]}, "kernel: [3, 3, 3] has 3 numbers for 2",
            "per axis", id="a kernel of another dimension",
        ),
        pytest.param({"kind": "dropout", "p": "half"}, "p: 'half' is not a finite number", "share", id="a word"),
        pytest.param({"kind": "dropout", "p": 50}, "p = 50", "from 0 to 1", id="a percentage"),
        pytest.param({"kind": "linear", "out_features": 10.0}, "10.0 is not a whole number", "come out", id="a float"),
        pytest.param({"kind": "linear", "out_features": True}, "True is not a whole number", "come out", id="a flag"),
        pytest.param({"kind": "linear", "out_features": 2**63}, "is not a whole number", "come out", id="over 64 bits"),
        pytest.param({"kind": "batch_norm2d", "affine": 1}, "affine: 1 is not true or false", "", id="a number"),
        pytest.param({"kind": "relu", "p": 0.5}, "unknown setting 'p'", "known: none", id="a setting of another kind"),
        pytest.param(
            {"kind": "lstm", "hidden_size": 4, "num_layers": 10**9}, "1000000000 layers", "at most 1000", id="made up"
        ),
    ],
)  # fmt: skip
def test_a_slip_is_said_with_its_remedy(written, what, fix):
    problem = refused(written)
    assert what in problem.what
    assert fix in problem.fix


def test_an_input_of_the_wrong_rank_is_said_where_it_is_needed():
    problem = refused({"kind": "conv3d", "out_channels": 4, "kernel": 3}, (5, 5))
    assert problem.what == "'in_channels' is not given, and an input with 2: (5, 5) axes does not have it"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
names = sorted({name for kind in KINDS.values() for s in kind.settings for name in (s.name, s.torch_name) if name})


@settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(list(KINDS)),
    st.dictionaries(st.sampled_from([*names, "x"]), json_values | st.integers(-2, 9), max_size=5),
    st.lists(st.integers(-1, 70) | st.just(2**62), max_size=6).map(tuple),
)
def test_whatever_is_written_makes_a_layer_or_a_shape_error(kind, written, shape):
    known = {name for s in KINDS[kind].settings for name in (s.name, s.torch_name)}
    chosen = {name: value for name, value in written.items() if name in known or name == "x"}
    try:
        layer = make_layer({"kind": kind, **chosen}, shape)
        made = layer.output_shape(shape)
    except ShapeError as error:
        problem = error.problem
    else:
        assert all(isinstance(size, int) and size >= 1 for size in made)
        assert layer.parameter_count >= 0
        assert layer.multiply_adds(shape) >= 0
        return
    assert problem.what
    assert problem.fix


# --- the names ----------------------------------------------------------------------------------


@pytest.mark.torch
def test_every_kind_is_named_after_a_class_of_torch(oracle):
    for torch_name, word in TORCH_NAMES.items():
        assert hasattr(oracle.torch.nn, torch_name)
        assert word.replace("_", "") == torch_name.lower()
        assert KINDS[word].torch_name == torch_name


@pytest.mark.torch
def test_every_setting_is_an_argument_of_its_class(oracle):
    import inspect

    for kind in KINDS.values():
        arguments = inspect.signature(getattr(oracle.torch.nn, kind.torch_name).__init__).parameters
        if kind.word in ("rnn", "gru", "lstm"):
            arguments = inspect.signature(oracle.torch.nn.modules.rnn.RNNBase.__init__).parameters
        for setting in kind.settings:
            assert (setting.torch_name or setting.name) in arguments, (kind.word, setting.name)


# --- the schema ---------------------------------------------------------------------------------

SCHEMA = layer_schema()
CHECKER = validator(SCHEMA)


def said(written):
    return [(problem.what, problem.fix) for problem in problems_in(Document("rubric.yaml", written), CHECKER)]


def test_the_schema_is_a_draft_2020_12_schema_and_plain_json():
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_every_setting_is_described():
    for branch in SCHEMA["allOf"]:
        for name, described in branch["then"]["properties"].items():
            assert described["description"], name


def test_the_schema_stands_inside_another():
    outer = {"type": "object", "properties": {"layers": {"type": "array", "items": SCHEMA}}}
    document = parse_yaml("layers:\n- kind: relu\n- kind: conv2d\n  kernel: 3\n", name="rubric.yaml")
    [problem] = problems_in(document, outer)
    assert str(problem) == (
        "rubric.yaml:3 /layers/1: 'out_channels' is missing\n"
        "  fix: add 'out_channels': channels of the output: how many filters there are"
    )


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({"kind": "conv2d", "out_channels": 16, "kernel": 5}, id="kernel"),
        pytest.param(
            {"kind": "conv2d", "out_channels": 16, "kernel_size": [5, 3], "padding": "same"}, id="torch's name"
        ),
        pytest.param({"kind": "conv2d", "shares": "conv1"}, id="shared, settings left out"),
        pytest.param({"kind": "relu", "name": "act"}, id="named"),
        pytest.param({"kind": "max_pool2d", "kernel": 2, "ceil_mode": True}, id="pool"),
        pytest.param({"kind": "max_pool2d", "kernel": 2, "stride": None}, id="null for the default"),
        pytest.param({"kind": "adaptive_avg_pool2d", "output_size": [None, 7]}, id="adaptive with null"),
        pytest.param({"kind": "upsample", "scale_factor": 1.5}, id="upsample"),
        pytest.param({"kind": "unflatten", "dim": 1, "unflattened_size": [16, -1]}, id="unflatten"),
        pytest.param({"kind": "dropout", "p": 0.25, "frozen": False}, id="dropout"),
    ],
)
def test_the_schema_takes_what_a_teacher_writes(written):
    assert said(written) == []


@pytest.mark.parametrize(
    ("written", "what", "fix"),
    [
        pytest.param({}, "'kind' is missing", "add 'kind': what the layer is", id="no kind"),
        pytest.param({"kind": "conv"}, '"conv" is none of the allowed values', "did you mean 'conv", id="unknown kind"),
        pytest.param({"kind": "conv2d", "out_channels": 8}, "'kernel' is missing", "of the window", id="no kernel"),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": 0}, "0 is less", "pixels", id="kernel 0"
        ),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": [3]}, "1", "pixels", id="short list"
        ),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": 3, "stride": "two"}, "two",
            "pixels per step", id="a word",
        ),
        pytest.param(
            {"kind": "conv2d", "out_channels": 8, "kernel": 3, "strides": 2}, "unknown key 'strides'",
            "did you mean 'stride'?", id="a slip",
        ),
        pytest.param({"kind": "relu", "name": "a.b"}, "a.b", "what to call the layer", id="a dot"),
        pytest.param({"kind": "dropout", "p": 50}, "50 is more", "share of the values", id="a percentage"),
    ],
)  # fmt: skip
def test_the_schema_says_a_slip_with_its_remedy(written, what, fix):
    [(said_what, said_fix)] = said(written)
    assert what in said_what
    assert fix in said_fix


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(list(KINDS)),
    st.dictionaries(
        st.sampled_from([*names, "x"]),
        st.integers(-1, 9)
        | st.booleans()
        | st.sampled_from(["same", "nearest", 0.5])
        | st.lists(st.integers(0, 4), max_size=4),
        max_size=6,
    ),
    st.lists(st.integers(1, 64), min_size=1, max_size=5).map(tuple),
)
def test_what_makes_a_layer_of_positive_numbers_passes_the_schema(kind, written, shape):
    """The schema is no stricter than the reader, but for values below its minimum; never looser in its keys."""
    known = {name for s in KINDS[kind].settings for name in (s.name, s.torch_name)}
    layer = {"kind": kind, **{name: value for name, value in written.items() if name in known or name == "x"}}
    problems = list(CHECKER.iter_errors(layer))
    try:
        make_layer(layer, shape)
    except ShapeError:
        return
    for problem in problems:
        rules = {leaf.validator for leaf in (problem.context or [problem])}
        assert rules & {"minimum", "exclusiveMinimum"}, problem
