import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.architecture import ShapeError
from grader.checks import all_checks
from grader.checks._window import UNKNOWNS, Window, receptive_field, solutions
from grader.model import Outcome


def task(unknown, **known):
    return {"unknown": unknown, "known": known}


# --- report 002, tasks 1c to 1f ---------------------------------------------------------------

KERNEL_1D = task("kernel", input=512, output=504, stride=1, padding=0)
POOL_1E = {"kind": "pool", **task("output", input=504, kernel=2, stride=2)}
SIZE_1F = task("output", input=252, kernel=3, stride=1)


@pytest.mark.parametrize(("kernel", "padding"), [(5, 2), (7, 3), (3, 1), (1, 0)])
@pytest.mark.parametrize("form", ["{}", "p = (k-1)/2 = {}", "p = (k-1)/2 → p = {}", "{0}x{0}", "({0}, {0})"])
def test_the_padding_that_keeps_the_size_counts_in_any_writing(judged, kernel, padding, form):
    asked = task("padding", input=32, output=32, kernel=kernel)
    [finding] = judged("conv-arithmetic", form.format(padding), **asked)
    assert (finding.outcome, finding.code) == (Outcome.PASSED, "right")


@pytest.mark.parametrize(
    "written", [9, "9", "9x9", "9×9", [9, 9], "(9, 9)", "512 + 1 - 504 = 9", "512 + 1 - 504 = 9x9", "$9 \\times 9$"]
)
def test_the_kernel_of_task_1d_counts_in_any_writing(judged, written):
    [finding] = judged("conv-arithmetic", written, **KERNEL_1D)
    assert finding.outcome is Outcome.PASSED


def test_a_quantity_that_is_not_the_tasks_is_told_and_costs_nothing(judged):
    value, other = judged("conv-arithmetic", {"value": "9x9", "given": {"padding": 1, "output": 504}}, **KERNEL_1D)
    assert value.outcome is Outcome.PASSED
    assert other.weight == 0
    assert other.said == "padding 1 is written down, the task has padding 0: with padding 1 the kernel would be 11"


@pytest.mark.parametrize(
    "given", [{"padding": 0}, {"stride": 1, "input": 512}, {"kernel": 3}, {"padding": True}, {"padding": "1"}, [], None]
)
def test_quantities_of_the_task_and_odd_ones_are_left_alone(judged, given):
    findings = judged("conv-arithmetic", {"value": 9, "given": given}, **KERNEL_1D)
    assert [finding.weight for finding in findings] == [1]


def test_another_kernel_is_told_what_it_gives(judged):
    [finding] = judged("conv-arithmetic", "11x11", **KERNEL_1D)
    assert (finding.outcome, finding.credit) == (Outcome.FAILED, 0)
    assert "with kernel 11x11 the output is 502, not 504" in finding.said
    assert finding.expected == "9"
    assert "9" not in (finding.said + finding.fix).replace("504", "")


def test_with_padding_1_the_kernel_of_task_1d_would_be_11(judged):
    with_padding = task("kernel", input=512, output=504, padding=1)
    assert judged("conv-arithmetic", 11, **with_padding)[0].outcome is Outcome.PASSED
    assert judged("conv-arithmetic", 9, **with_padding)[0].code == "padding-ignored"


@pytest.mark.parametrize("written", [252, "252x252", "(252, 252)", "(504 - 2)/2 + 1 = 252", "252 x 252 pixels"])
def test_the_pooling_of_task_1e(judged, written):
    [finding] = judged("conv-arithmetic", written, **POOL_1E)
    assert finding.outcome is Outcome.PASSED


def test_the_sign_slip_of_task_1f_is_a_remark_and_costs_nothing(judged):
    value, slip = judged("conv-arithmetic", "(252-3)/1 - 1 = 250", **SIZE_1F)
    assert (value.outcome, value.credit) == (Outcome.PASSED, 1)
    assert (slip.code, slip.weight) == ("false-working", 0)
    assert '"(252-3)/1 - 1" is 248, not 250' in slip.said


# --- every solution counts --------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "credit"), [(10, 0), (11, 1), (12, 1), (13, 0)])
def test_every_solution_counts_where_the_floor_leaves_several(judged, answer, credit):
    """32 pixels, stride 2: kernels 11 and 12 both leave 11."""
    assert judged("conv-arithmetic", answer, **task("kernel", input=32, output=11, stride=2))[0].credit == credit


@pytest.mark.parametrize(
    ("require", "answer", "credit"),
    [
        ({"odd": True}, 11, 1),
        ({"odd": True}, 12, 0),
        ({"max": 11}, 11, 1),
        ({"max": 11}, 12, 0),
        ({"min": 12}, 12, 1),
        ({"min": 12}, 11, 0),
        ({"square": True}, [11, 11], 1),
        ({"square": True}, [11, 12], 0),
        ({"square": True}, 12, 1),
    ],
)
def test_a_demand_narrows_the_solutions_and_its_limit_is_inclusive(judged, require, answer, credit):
    asked = task("kernel", input=32, output=11, stride=2)
    [finding] = judged("conv-arithmetic", answer, **asked, require=require)
    assert finding.credit == credit
    if not credit:
        assert finding.code == "not-as-required"


@pytest.mark.parametrize(("answer", "credit"), [("3x5", 1), ([3, 5], 1), (3, 0), ("5x3", 0)])
def test_height_and_width_are_told_apart(judged, answer, credit):
    asked = task("kernel", input=[28, 30], output=26)
    [finding] = judged("conv-arithmetic", answer, **asked)
    assert finding.credit == credit


def test_swapped_axes_are_named(judged):
    [finding] = judged("conv-arithmetic", "5x3", **task("kernel", input=[28, 30], output=26))
    assert finding.code == "axes-swapped"


def test_channels_in_the_answer_do_no_harm_where_a_size_is_asked(judged):
    assert judged("conv-arithmetic", "(16, 6, 24, 24)", **task("output", input=28, kernel=5))[0].credit == 1
    assert judged("conv-arithmetic", "(16, 6, 5, 5)", **task("kernel", input=28, output=24))[0].code == "not-a-size"


@pytest.mark.parametrize("written", ["3x3", "3×3", "3*3", "3 by 3", "3x3 = 9", [3, 3]])
def test_a_square_is_never_read_as_what_it_multiplies_to(judged, written):
    """9 is right here, and a kernel of 3x3 is not 9."""
    assert judged("conv-arithmetic", written, **KERNEL_1D)[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "written",
    ["14x13", "14 by 13", "H=14, W=13", "W=13, H=14", "h: 14; w: 13", "(14, 13, 6)", "14x13x64", "(B, C, 14, 13)",
     "N x C x 14 x 13", "(16, 14, 13, 6)", "6@14x13", [6, 14, 13]],
)  # fmt: skip
def test_height_and_width_count_wherever_the_channels_stand(judged, written):
    asked = task("output", input=[28, 26], kernel=3, stride=2, padding=1)
    [finding] = judged("conv-arithmetic", written, **asked)
    assert finding.outcome is Outcome.PASSED


@pytest.mark.parametrize("written", ["13x14", "H=13, W=14", "(13, 14, 6)", "(B, C, 13, 14)"])
def test_swapped_axes_stay_wrong_wherever_the_channels_stand(judged, written):
    asked = task("output", input=[28, 26], kernel=3, stride=2, padding=1)
    assert judged("conv-arithmetic", written, **asked)[0].outcome is Outcome.FAILED


@pytest.mark.parametrize("written", ["3 (6 in total)", "13.5 rounded to 3", "left 3, right 3"])
def test_words_around_the_right_size_are_for_a_person(judged, written):
    asked = task("padding", input=28, output=28, kernel=7)
    [finding] = judged("conv-arithmetic", written, **asked)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unclear-answer")


@pytest.mark.parametrize("written", ["3 or 6", "either 3, 6", "6 (12 in total)", "3^2 pixels high"])
def test_a_choice_of_sizes_is_none(judged, written):
    asked = task("padding", input=28, output=28, kernel=7)
    assert judged("conv-arithmetic", written, **asked)[0].outcome is Outcome.FAILED


# --- slips ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer", "code"),
    [
        pytest.param(task("output", input=28, kernel=5, padding=2), 26, "padding-once", id="padding counted once"),
        pytest.param(task("output", input=28, kernel=5, padding=2), 24, "padding-ignored", id="padding left out"),
        pytest.param(task("output", input=28, kernel=5), 23, "plus-one-forgotten", id="plus one forgotten"),
        pytest.param(task("output", input=252, kernel=3), 248, "minus-one", id="minus for plus"),
        pytest.param(task("output", input=28, kernel=3, stride=2), 14, "ceil-for-floor", id="rounded up"),
        pytest.param(task("output", input=28, kernel=3, stride=2), 26, "stride-ignored", id="stride left out"),
        pytest.param(task("output", input=28, kernel=5, dilation=2), 24, "dilation-ignored", id="dilation left out"),
        pytest.param(
            task("output", input=28, kernel=5, padding=1), 38, "kernel-padding-swapped", id="kernel and padding swapped"
        ),
        pytest.param(task("padding", input=32, output=32, kernel=5), 4, "total-padding", id="padding of both sides"),
        pytest.param(task("kernel", input=512, output=504), 8, "plus-one-forgotten", id="kernel one too small"),
        pytest.param(
            {"kind": "pool", "ceil_mode": True, **task("output", input=7, kernel=2)}, 3, "floor-for-ceil", id="not up"
        ),
        pytest.param(
            {"kind": "transposed", **task("output", input=7, kernel=3, stride=2, padding=1, output_padding=1)},
            13,
            "output-padding-ignored",
            id="output padding left out",
        ),
        pytest.param(
            {"kind": "transposed", **task("output", input=14, kernel=4, stride=2, padding=1)},
            7,
            "conv-for-transposed",
            id="convolution for its transpose",
        ),
    ],
)
def test_a_known_slip_is_named(judged, asked, answer, code):
    [finding] = judged("conv-arithmetic", answer, **asked)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, code)


def test_of_several_slips_none_is_claimed_to_be_the_one(judged):
    [finding] = judged("conv-arithmetic", 26, **task("output", input=28, kernel=5, padding=2))
    assert "perhaps the padding is counted once" in finding.said
    assert "; or 1 is taken away at the end" in finding.said


def test_an_unexplained_value_is_not_given_a_reason(judged):
    [finding] = judged("conv-arithmetic", 77, **task("output", input=28, kernel=5))
    assert (finding.said, finding.code) == ("77 is not the size of the output", "wrong-size")


def test_a_size_that_was_not_rounded_says_so(judged):
    [finding] = judged("conv-arithmetic", "(28-3)/2 + 1 = 13.5", **task("output", input=28, kernel=3, stride=2))
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "not-whole")
    assert "rounded down" in finding.said
    assert judged("conv-arithmetic", 13.5, **task("output", input=28, kernel=3, stride=2))[0].code == "not-whole"


def test_what_pytorch_refuses_is_said_in_words(judged):
    [finding] = judged("conv-arithmetic", 40, **task("kernel", input=28, output=24))
    assert "makes no layer" in finding.said
    pool = {"kind": "pool", **task("padding", input=4, output=5, kernel=2, stride=1)}
    assert judged("conv-arithmetic", 1, **pool)[0].outcome is Outcome.PASSED
    assert "more than half" in judged("conv-arithmetic", 2, **pool)[0].said


@pytest.mark.parametrize("value", [True, "nine", [1, 2, 3], -3, "9**9**9", {"a": 1}, [None], "?", 10**13, "-1", [[9]]])
def test_what_is_no_size_fails_with_a_fix(judged, value):
    [finding] = judged("conv-arithmetic", value, **KERNEL_1D)
    assert finding.outcome is Outcome.FAILED
    assert finding.fix


@pytest.mark.parametrize("unknown", UNKNOWNS)
@pytest.mark.parametrize("value", [0, 1, 10**12, "0x0"])
def test_no_number_breaks_the_check(judged, unknown, value):
    known = {"input": 28, "kernel": 3, "stride": 2, "padding": 1, "dilation": 1, "output": 14}
    del known[unknown]
    assert judged("conv-arithmetic", value, **task(unknown, **known))[0].outcome in (Outcome.PASSED, Outcome.FAILED)


def test_no_answer_says_where_to_add_it(judged):
    assert judged("conv-arithmetic", None, **KERNEL_1D)[0].code == "unanswered"


# --- receptive field --------------------------------------------------------------------------

STACK = [{"kernel": 5, "stride": 1}, {"kind": "pool", "kernel": 2}, {"kernel": 5}]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (14, "right"),
        ("14x14", "right"),
        ("5 + 1 + 4*2 = 14", "right"),
        (10, "strides-ignored"),
        (12, "kernels-added"),
        (13, "plus-one-forgotten"),
        (5, "last-layer-only"),
        (99, "wrong-receptive-field"),
    ],
)
def test_the_receptive_field_of_a_stack(judged, answer, code):
    [finding] = judged("conv-arithmetic", answer, unknown="receptive_field", layers=STACK)
    assert finding.code == code
    assert finding.expected == "14"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)).map(
            lambda t: Window("conv", kernel=t[0], stride=t[1], dilation=t[2])
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_receptive_field_is_the_smallest_input_that_leaves_one_pixel(windows):
    size = 1
    for window in reversed(windows):
        size = (size - 1) * window.stride + window.dilation * (window.kernel - 1) + 1
    assert receptive_field(windows) == size


# --- the rubric -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "word"),
    [
        ({"unknown": "kernel", "known": {"input": 5}}, "'output' is missing"),
        ({"unknown": "kernel", "known": {"input": 5, "output": 3, "kernel": 3}}, "asked for and known"),
        ({"unknown": "output", "known": {"input": 5, "kernel": 7}}, "does not fit"),
        ({"unknown": "kernel", "known": {"input": 5, "output": 9}}, "no kernel gives this output"),
        ({"unknown": "stride", "known": {"input": 28, "kernel": 2, "output": 20}}, "no stride"),
        (
            {"unknown": "kernel", "known": {"input": 32, "output": 11, "stride": 2}, "require": {"max": 10}},
            "meets the demands",
        ),
        (
            {"unknown": "kernel", "known": {"input": [28, 30], "output": 26}, "require": {"square": True}},
            "meets the demands",
        ),
        ({"unknown": "output", "known": {"input": 5, "kernel": 3}, "ceil_mode": True}, "only a pooling"),
        ({"unknown": "output", "known": {"input": 5, "kernel": 3, "output_padding": 1}}, "only a transposed"),
        ({"unknown": "receptive_field"}, "no layers"),
        ({"unknown": "receptive_field", "layers": STACK, "known": {"input": 5}}, "says nothing"),
        ({"unknown": "output", "known": {"input": 5, "kernel": 3}, "layers": STACK}, "receptive field only"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_reported(make_rule, settings_, word):
    [problem] = all_checks()["conv-arithmetic"].lint(make_rule("conv-arithmetic", **settings_))
    assert word in problem.what


# --- oracles ----------------------------------------------------------------------------------


@st.composite
def windows(draw):
    kind = draw(st.sampled_from(["conv", "pool", "transposed"]))
    kernel = draw(st.integers(1, 6))
    stride = draw(st.integers(1, 4))
    dilation = draw(st.integers(1, 3))
    padding = draw(st.integers(0, kernel // 2 if kind == "pool" else 4))
    more = {"output_padding": draw(st.integers(0, 2))} if kind == "transposed" else {}
    if kind == "pool":
        more["ceil_mode"] = draw(st.booleans())
    window = Window(
        kind, draw(st.integers(1, 24)), kernel=kernel, stride=stride, padding=padding, dilation=dilation, **more
    )
    try:
        return window.with_answer("output", window.made())
    except ShapeError:
        return None


def test_a_stride_as_large_as_the_window_over_the_edge_is_found():
    window = Window("pool", input=1, kernel=4, output=1, ceil_mode=True, stride=0)
    assert 4 in set(solutions(window, "stride"))


@settings(max_examples=200, deadline=None)
@given(window=windows().filter(bool), unknown=st.sampled_from(UNKNOWNS))
def test_the_value_that_a_task_was_made_from_is_among_the_solutions(window, unknown):
    asked = window.with_answer(unknown, 0)
    found = set(solutions(asked, unknown))
    value = getattr(window, unknown)
    assert value in found or value > max(found)  # of endlessly many only the first are listed
    everything = range(200)
    fitting = {v for v in everything if _fits(asked, unknown, v)}
    assert found <= fitting
    if unknown in ("input", "padding", "output"):
        assert found == fitting


def _fits(window, unknown, value):
    return window.with_answer(unknown, value).fits()


@pytest.mark.torch
@settings(max_examples=150, deadline=None)
@given(window=windows().filter(bool))
def test_torch_makes_the_same_size(window):
    import torch

    image = torch.empty(1, 1, window.input, device="meta")
    common = {"stride": window.stride, "padding": window.padding, "dilation": window.dilation}
    if window.kind == "pool":
        layer = torch.nn.MaxPool1d(window.kernel, ceil_mode=window.ceil_mode, **common)
    elif window.kind == "conv":
        layer = torch.nn.Conv1d(1, 1, window.kernel, **common, device="meta")
    else:
        layer = torch.nn.ConvTranspose1d(
            1, 1, window.kernel, **common, output_padding=window.output_padding, device="meta"
        )
    assert layer(image).shape[-1] == window.output
