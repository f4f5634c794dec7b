"""Every layer says what PyTorch says: the same shape, the same tensors, the same refusals.

The CPU kernels are the oracle: on the meta device PyTorch accepts some layers that it cannot run.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from grader.architecture import KINDS
from grader.architecture.elementwise import Activation
from grader.architecture.resizing import UPSAMPLE_RANKS

pytestmark = pytest.mark.torch

EXAMPLES = 100
RELAXED = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": False}

# Sizes that hit the boundaries: smaller than a kernel, equal to it, odd and even.
pixels = st.sampled_from([1, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 12])
zero_or_less = st.sampled_from([0, 0, -1, -2])


def scalar_or_list(draw, each, dims):
    """One number for every axis, or one per axis: both ways to write a setting."""
    return draw(each) if draw(st.booleans()) else draw(st.lists(each, min_size=dims, max_size=dims))


@st.composite
def image_shapes(draw, dims, channels=None):
    """(N, C, *sizes): now and then without a batch, of another rank, or with an empty axis."""
    channels = draw(st.sampled_from([1, 2, 3, 4, 6])) if channels is None else channels
    spatial = draw(st.lists(pixels, min_size=dims, max_size=dims))
    shape = [draw(st.sampled_from([1, 2, 3])), channels, *spatial]
    twist = draw(st.integers(0, 19))
    if twist < 3:
        shape = shape[1:]
    elif twist == 3:
        shape = [2, *shape]
    elif twist == 4:
        shape = shape[2:]
    elif twist == 5:
        shape[draw(st.integers(0, len(shape) - 1))] = 0
    return tuple(shape)


def maybe(draw, written, name, value):
    """A setting may be left out, for its default."""
    if draw(st.booleans()):
        written[name] = value


@st.composite
def convolutions(draw, dims, *, is_transposed=False):
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    channels = groups * draw(st.integers(1, 2))
    broken = draw(st.sampled_from([""] * 5 + ["kernel", "stride", "padding", "dilation", "groups", "in", "out", "odd"]))

    def of(name, good):
        return zero_or_less if broken == name else good

    written = {
        "kind": f"conv_transpose{dims}d" if is_transposed else f"conv{dims}d",
        "in_channels": channels,
        "out_channels": groups * draw(st.integers(1, 2)),
        "kernel": scalar_or_list(draw, of("kernel", st.integers(1, 4)), dims),
    }
    stride = of("stride", st.integers(1, 3))
    maybe(draw, written, "stride", scalar_or_list(draw, stride, dims))
    padding = of("padding", st.integers(0, 3))
    maybe(draw, written, "padding", scalar_or_list(draw, padding, dims))
    if not is_transposed or broken != "dilation":  # some kernels let 0 pass: see test_exceptions.py
        maybe(draw, written, "dilation", scalar_or_list(draw, of("dilation", st.integers(1, 3)), dims))
    maybe(draw, written, "bias", draw(st.booleans()))
    if groups > 1 or draw(st.booleans()):
        written["groups"] = draw(of("groups", st.just(groups)))
    if broken == "in":
        written["in_channels"] = draw(st.sampled_from([0, -1, channels + 1]))
    if broken == "out":
        written["out_channels"] = draw(st.sampled_from([0, -1, written["out_channels"] + 1]))
    if broken == "odd":
        written["groups"] = draw(st.integers(2, 5))
    if is_transposed:
        maybe(draw, written, "output_padding", scalar_or_list(draw, st.sampled_from([0, 0, 1, 2, -1]), dims))
    else:
        if draw(st.integers(0, 3)) == 0:
            written["padding"] = draw(st.sampled_from(["same", "valid"]))
            if draw(st.booleans()):
                written.pop("stride", None)
        if broken != "padding" and draw(st.integers(0, 3)) == 0:  # see test_exceptions.py
            written["padding_mode"] = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    return written, draw(image_shapes(dims, channels))


@st.composite
def poolings(draw, dims, name):
    broken = draw(st.sampled_from([""] * 5 + ["kernel", "stride", "padding", "dilation"]))

    def of(name, good):
        return zero_or_less if broken == name else good

    written = {"kind": f"{name}{dims}d", "kernel": scalar_or_list(draw, of("kernel", st.integers(1, 4)), dims)}
    maybe(draw, written, "stride", scalar_or_list(draw, of("stride", st.integers(1, 4)), dims))
    maybe(draw, written, "ceil_mode", draw(st.booleans()))
    if name != "lp_pool":
        maybe(draw, written, "padding", scalar_or_list(draw, of("padding", st.sampled_from([0, 1, 1, 2])), dims))
    if name == "max_pool":
        maybe(draw, written, "dilation", scalar_or_list(draw, of("dilation", st.integers(1, 3)), dims))
    return written, draw(image_shapes(dims))


@st.composite
def adaptive_poolings(draw, dims, name):
    entry = st.sampled_from([1, 2, 3, 5, 9, 0, -1] + ([None] * 3 if dims > 1 else []))
    size = draw(entry.filter(lambda size: size is not None)) if draw(st.booleans()) else None
    size = draw(st.lists(entry, min_size=dims, max_size=dims)) if size is None else size
    return {"kind": f"adaptive_{name}_pool{dims}d", "output_size": size}, draw(image_shapes(dims))


def agree(oracle, written, shape, **how):
    """Compare, with the one exception that `grader.architecture` makes: no tensor is empty."""
    ours = oracle.we_say(written, shape)
    theirs = oracle.says(written, shape, **how)
    if theirs and 0 in (*shape, *theirs[0]):
        theirs = None
    note(f"{written} on {shape}\n  we say {ours}\n  torch  {theirs}")
    assert ours == theirs


three = pytest.mark.parametrize("dims", [1, 2, 3])


@three
@pytest.mark.parametrize("is_transposed", [False, True], ids=["plain", "transposed"])
def test_convolutions_agree(oracle, dims, is_transposed):
    @settings(max_examples=EXAMPLES * 3, **RELAXED)
    @given(convolutions(dims, is_transposed=is_transposed))
    def check(case):
        agree(oracle, *case)

    check()


@three
@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "lp_pool"])
def test_poolings_agree(oracle, dims, name):
    @settings(max_examples=EXAMPLES * 2, **RELAXED)
    @given(poolings(dims, name), st.booleans())
    def check(case, gradients):
        agree(oracle, *case, gradients=gradients)  # MaxPool1d has a kernel of its own for each

    check()


@three
@pytest.mark.parametrize("name", ["avg", "max"])
def test_adaptive_poolings_agree(oracle, dims, name):
    @settings(max_examples=EXAMPLES, **RELAXED)
    @given(adaptive_poolings(dims, name))
    def check(case):
        documented = len(case[1]) in (dims + 1, dims + 2)
        assume(documented or oracle.says(*case) is None)  # a mean of any rank: see test_exceptions.py
        agree(oracle, *case)

    check()


channels = st.sampled_from([1, 2, 3, 4, 4, 6])
any_shapes = st.lists(st.sampled_from([1, 1, 2, 3, 3, 4, 4, 6, 8, 8, 2, 0]), max_size=6).map(tuple)
odd_size = st.sampled_from([1, 2, 3, 4, 6, 0, -1])


@st.composite
def fitting_or_any(draw, shapes):
    """Mostly `shapes`, else any shape."""
    return draw(shapes if draw(st.sampled_from([True] * 4 + [False])) else any_shapes)


def near(draw, value, one_in=5):
    """`value`, or now and then another one."""
    return draw(odd_size) if draw(st.sampled_from([True] + [False] * (one_in - 1))) else value


def at(shape, axis):
    return shape[axis] if -len(shape) <= axis < len(shape) else 2


@st.composite
def feature_norms(draw, dims, name):
    shape = draw(fitting_or_any(image_shapes(dims)))
    features = at(shape, 1 if name == "batch_norm" else -dims - 1)
    written = {"kind": f"{name}{dims}d", "num_features": near(draw, features)}
    maybe(draw, written, "affine", draw(st.booleans()))
    maybe(draw, written, "track_running_stats", draw(st.booleans()))
    return written, shape


@st.composite
def group_norms(draw):
    shape = draw(fitting_or_any(image_shapes(2, draw(channels))))
    written = {
        "kind": "group_norm",
        "num_groups": near(draw, draw(st.integers(1, 2))),
        "num_channels": near(draw, at(shape, 1)),
    }
    maybe(draw, written, "affine", draw(st.booleans()))
    return written, shape


@st.composite
def layer_norms(draw):
    shape = draw(any_shapes)
    ending = list(shape[draw(st.integers(0, max(len(shape) - 1, 0))) :]) or [2]
    written = {"kind": "layer_norm", "normalized_shape": [near(draw, size, 12) for size in ending]}
    if len(ending) == 1 and draw(st.booleans()):
        written["normalized_shape"] = written["normalized_shape"][0]
    maybe(draw, written, "elementwise_affine", draw(st.booleans()))
    maybe(draw, written, "bias", draw(st.booleans()))
    return written, shape


@st.composite
def linears(draw):
    shape = draw(any_shapes)
    written = {"kind": "linear", "in_features": near(draw, at(shape, -1)), "out_features": draw(odd_size)}
    maybe(draw, written, "bias", draw(st.booleans()))
    return written, shape


@st.composite
def embeddings(draw):
    return {"kind": "embedding", "num_embeddings": draw(odd_size), "embedding_dim": draw(odd_size)}, draw(any_shapes)


@st.composite
def flattenings(draw):
    written = {"kind": "flatten"}
    maybe(draw, written, "start_dim", draw(st.integers(-5, 5)))
    maybe(draw, written, "end_dim", draw(st.integers(-5, 5)))
    return written, draw(any_shapes)


@st.composite
def unflattenings(draw):
    shape = draw(any_shapes)
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    parts = draw(st.lists(st.sampled_from([1, 2, 2, 3, -1, 0]), min_size=1, max_size=3))
    if draw(st.booleans()):
        parts = [near(draw, at(shape, dim)), *(size for size in parts if size == 1)]
    return {"kind": "unflatten", "dim": dim, "unflattened_size": parts}, shape


@st.composite
def elementwise_layers(draw):
    kind = draw(st.sampled_from([word for word, kind in KINDS.items() if issubclass(kind.layer, Activation)]))
    written = {"kind": kind}
    if kind.endswith(("dropout", "dropout1d", "dropout2d", "dropout3d")) and draw(st.booleans()):
        written["p"] = draw(st.sampled_from([0, 0.5, 1, -0.1, 1.1, 2]))
    if kind == "leaky_relu":
        maybe(draw, written, "negative_slope", draw(st.sampled_from([0.2, 0, -1])))
    return written, draw(any_shapes)


@st.composite
def softmaxes(draw):
    written = {"kind": draw(st.sampled_from(["softmax", "log_softmax"]))}
    maybe(draw, written, "dim", draw(st.one_of(st.none(), st.integers(-5, 5))))
    return written, draw(any_shapes)


@st.composite
def prelus(draw):
    shape = draw(any_shapes)
    written = {"kind": "prelu"}
    maybe(draw, written, "num_parameters", near(draw, at(shape, 1)))
    return written, shape


@st.composite
def upsamplings(draw):
    dims = draw(st.sampled_from([1, 2, 3]))
    shape = draw(fitting_or_any(image_shapes(dims)))
    written = {"kind": "upsample"}
    which = draw(st.sampled_from(["size"] * 4 + ["scale_factor"] * 6 + ["both", "none"]))
    is_broken = draw(st.sampled_from([False, False, False, True]))
    if which in ("size", "both"):
        written["size"] = scalar_or_list(
            draw, odd_size if is_broken else pixels, draw(st.sampled_from([dims] * 9 + [2]))
        )
    if which in ("scale_factor", "both"):
        broken = [-1] if which == "both" else [-1, 0]
        # A factor of 0 is left out on the quiet by PyTorch, which then takes the size: not beside a size, please.
        scales = st.sampled_from([1, 2, 2.0, 3, 1.5, 0.5, 0.3, 0.7, 2.34, *(broken if is_broken else [])])
        written["scale_factor"] = scalar_or_list(draw, scales, draw(st.sampled_from([dims] * 9 + [2])))
    fitting = {1: ["nearest", "linear"], 2: ["nearest", "bilinear", "bicubic"], 3: ["nearest", "trilinear"]}[dims]
    maybe(draw, written, "mode", draw(st.sampled_from([*fitting * 9, *UPSAMPLE_RANKS, "cubic"])))
    return written, shape


@st.composite
def zero_paddings(draw):
    dims = draw(st.sampled_from([1, 2, 3]))
    padding = scalar_or_list(draw, st.sampled_from([0, 1, 2, 3, -1, -2]), 2 * dims)
    return {"kind": f"zero_pad{dims}d", "padding": padding}, draw(st.one_of(image_shapes(dims), any_shapes))


@st.composite
def pixel_shuffles(draw):
    factor = draw(st.sampled_from([1, 2, 2, 3, 0, -1]))
    if draw(st.booleans()):
        shape = draw(fitting_or_any(image_shapes(2, abs(factor) ** 2 * draw(st.integers(1, 2)) or 4)))
        return {"kind": "pixel_shuffle", "upscale_factor": factor}, shape
    return {"kind": "pixel_unshuffle", "downscale_factor": factor}, draw(st.one_of(image_shapes(2), any_shapes))


@st.composite
def recurrents(draw):
    shape = draw(st.one_of(st.lists(st.integers(1, 4), min_size=2, max_size=3).map(tuple), any_shapes))
    written = {
        "kind": draw(st.sampled_from(["rnn", "lstm", "lstm", "gru"])),
        "input_size": near(draw, at(shape, -1), 8),
        "hidden_size": near(draw, draw(st.integers(1, 4)), 8),
    }
    maybe(draw, written, "num_layers", near(draw, draw(st.integers(1, 3)), 8))
    for name in ("bias", "batch_first", "bidirectional"):
        maybe(draw, written, name, draw(st.booleans()))
    if written["kind"] == "lstm":
        maybe(draw, written, "proj_size", draw(st.sampled_from([0, 1, 2, 3, 4, -1])))
    return written, shape


@three
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_feature_normalisations_agree(oracle, dims, name):
    @settings(max_examples=EXAMPLES, **RELAXED)
    @given(feature_norms(dims, name))
    def check(case):
        agree(oracle, *case)

    check()


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(made(), id=made.__name__)
        for made in (
            group_norms,
            layer_norms,
            linears,
            embeddings,
            flattenings,
            unflattenings,
            elementwise_layers,
            softmaxes,
            prelus,
            upsamplings,
            zero_paddings,
            pixel_shuffles,
            recurrents,
        )
    ],
)
def test_other_layers_agree(oracle, cases):
    @settings(max_examples=EXAMPLES * 2, **RELAXED)
    @given(cases)
    def check(case):
        agree(oracle, *case)

    check()


@st.composite
def large_layers(draw):
    """Sizes of real networks: too large to run, and no matter on the meta device."""
    dims = draw(st.sampled_from([1, 2, 2, 3]))
    groups = draw(st.sampled_from([1, 1, 4]))
    shape = [draw(st.sampled_from([1, 64, 256])), groups * draw(st.sampled_from([1, 3, 64, 512]))]
    shape += draw(st.lists(st.sampled_from([1, 2, 7, 28, 32, 56, 223, 224, 512]), min_size=dims, max_size=dims))
    window = {"kernel": scalar_or_list(draw, st.integers(1, 11), dims)}
    maybe(draw, window, "stride", scalar_or_list(draw, st.integers(1, 4), dims))
    maybe(draw, window, "padding", scalar_or_list(draw, st.integers(0, 5), dims))
    kind = draw(st.sampled_from(["conv", "conv", "conv_transpose", "max_pool", "avg_pool"]))
    written = {"kind": f"{kind}{dims}d", **window}
    if kind.startswith("conv"):
        given = near(draw, shape[1]) if kind == "conv" else shape[1]  # not checked there: see test_exceptions.py
        written |= {"in_channels": given, "out_channels": groups * draw(st.sampled_from([2, 64, 1000]))}
        written |= {"groups": groups, "dilation": draw(st.integers(1, 3))}
    elif dims < 3:
        written["ceil_mode"] = draw(st.booleans())
    return written, tuple(shape)


def test_large_layers_agree_on_the_meta_device(oracle):
    @settings(max_examples=EXAMPLES * 4, **RELAXED)
    @given(large_layers())
    def check(case):
        agree(oracle, *case, device="meta")

    check()
