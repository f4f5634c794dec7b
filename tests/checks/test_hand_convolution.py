from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from grader.checks import all_checks
from grader.checks._convolution import CONVOLUTION, CORRELATION, Flip, convolve
from grader.model import Outcome

IMAGE = [[1, 0, 2, 3, 1], [3, 2, 0, 7, 0], [0, 6, 1, 1, 4]]
SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
RIGHT = [[-2, 1, -11, 2, 13], [-10, 4, -8, -2, 18], [-14, 1, 5, -6, 9]]
STUDENTS = [[2, -1, 11, -2, -13], [10, -4, 8, 2, -18], [14, -1, -5, 6, -9]]
REPORT_002 = {"image": IMAGE, "kernel": SOBEL, "convention": "convolution", "padding": "zero", "other_convention": 0.5}


# --- report 002, task 1a ----------------------------------------------------------------------


def test_the_right_matrix_earns_everything(judged):
    [finding] = judged("hand-convolution", RIGHT, **REPORT_002)
    assert (finding.outcome, finding.code) == (Outcome.PASSED, "right")


def test_the_exact_negative_is_named_as_the_cross_correlation_and_earns_what_the_rubric_says(judged):
    [finding] = judged("hand-convolution", STUDENTS, **REPORT_002)
    assert (finding.outcome, float(finding.credit), finding.code) == (Outcome.PARTIAL, 0.5, "other-convention")
    assert "cross-correlation (the kernel was not flipped)" in finding.said
    assert "turns every sign around" in finding.said
    assert finding.expected.startswith("-2 1 -11 2 13 / ")


def test_the_same_matrix_is_right_where_the_cross_correlation_is_asked(judged):
    [finding] = judged("hand-convolution", STUDENTS, **{**REPORT_002, "convention": "cross-correlation"})
    assert finding.outcome is Outcome.PASSED


def test_without_a_price_the_other_convention_earns_the_entries_that_agree(judged):
    task = {key: value for key, value in REPORT_002.items() if key != "other_convention"}
    [finding] = judged("hand-convolution", STUDENTS, **task)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.FAILED, 0, "other-convention")


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(f"Result: {RIGHT}", id="a name before it"),
        pytest.param(f"tensor({RIGHT}, dtype=torch.float32)", id="as torch prints another type"),
        pytest.param("- 2 1 - 11 2 13\n- 10 4 - 8 - 2 18\n- 14 1 5 - 6 9", id="signs apart from the digits"),
        pytest.param([entry for row in RIGHT for entry in row], id="one long row"),
        pytest.param("\n".join(str(entry) for row in RIGHT for entry in row), id="one long column"),
    ],
)
def test_all_right_entries_in_a_form_that_cannot_be_read_are_for_a_person(judged, written):
    [finding] = judged("hand-convolution", written, **REPORT_002)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.REVIEW, None, "unclear-answer")


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(f"Result: {STUDENTS}", id="a name before another matrix"),
        pytest.param([entry for row in STUDENTS for entry in row], id="one long row of others"),
        pytest.param([entry for row in reversed(RIGHT) for entry in row], id="its rows in another order"),
    ],
)
def test_other_entries_in_a_form_that_cannot_be_read_are_wrong(judged, written):
    assert judged("hand-convolution", written, **REPORT_002)[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "written",
    [
        pytest.param([[RIGHT]], id="a batch of one channel, as tolist() gives it"),
        pytest.param(f"```\n{RIGHT}\n```", id="a block of code"),
        pytest.param("\n".join("; ".join(map(str, row)) for row in RIGHT), id="entries apart by semicolons"),
        pytest.param("\n".join(";".join(f"{entry},0" for entry in row) for row in RIGHT), id="with decimal commas"),
        pytest.param(["-2 1 -11 2 13", "-10 4 -8 -2 18", "-14 1 5 -6 9"], id="rows of text"),
        pytest.param("-2 1 -11 2 13; -10 4 -8 -2 18; -14 1 5 -6 9", id="rows apart by semicolons"),
        pytest.param("-2 & 1 & -11 & 2 & 13 \\\\ -10 & 4 & -8 & -2 & 18 \\\\ -14 & 1 & 5 & -6 & 9", id="LaTeX"),
        pytest.param({"value": RIGHT}, id="an object"),
    ],
)
def test_the_writing_of_a_matrix_does_not_matter(judged, written):
    assert judged("hand-convolution", written, **REPORT_002)[0].outcome is Outcome.PASSED


# --- per entry --------------------------------------------------------------------------------


def test_each_entry_earns_its_share_and_the_wrong_ones_are_named_by_row_and_column(judged):
    given = [list(row) for row in RIGHT]
    given[0][2], given[2][4] = 11, 8
    [finding] = judged("hand-convolution", given, **REPORT_002)
    assert (finding.outcome, finding.credit, finding.code) == (Outcome.PARTIAL, Fraction(13, 15), "wrong-entries")
    assert "13 of 15 entries are right" in finding.said
    assert "row 1, column 3 (11); row 3, column 5 (8)" in finding.said
    assert str(finding.place) == "answers.json /answers/q/0/2"


def test_of_many_wrong_entries_three_are_listed(judged):
    given = [[entry + (index < 4) for index, entry in enumerate(row)] for row in RIGHT]
    [finding] = judged("hand-convolution", given, **REPORT_002)
    assert finding.credit == Fraction(3, 15)
    assert "and 9 more" in finding.said


def test_nothing_right_fails(judged):
    [finding] = judged("hand-convolution", [[99] * 5] * 3, **REPORT_002)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "wrong-entries")


def test_a_matrix_of_an_unexplained_size_fails_and_says_its_size(judged):
    [finding] = judged("hand-convolution", [[1, 2], [3, 4]], **REPORT_002)
    assert (finding.outcome, finding.code) == (Outcome.FAILED, "wrong-size")
    assert "2x2" in finding.said


@pytest.mark.parametrize(
    "given", [[[1, 2], [3]], [["a"]], "", [], [[]], [[True]], 5, {"a": 1}, [[None]], [[1, [2]]], [["9**9**9"]]]
)
def test_what_is_no_matrix_fails_with_a_fix(judged, given):
    [finding] = judged("hand-convolution", given, **REPORT_002)
    assert finding.outcome is Outcome.FAILED
    assert finding.fix


def test_entries_may_be_rounded_within_the_tolerance(judged):
    task = {
        "image": [[1, 2, 3], [4, 5, 6], [7, 8, 10]],
        "kernel": [["1/9"] * 3] * 3,
        "convention": "cross-correlation",
        "padding": "valid",
    }
    assert judged("hand-convolution", [["46/9"]], **task, abs_tolerance=0.01)[0].outcome is Outcome.PASSED
    assert judged("hand-convolution", [[5.11]], **task, abs_tolerance=0.01)[0].outcome is Outcome.PASSED
    assert judged("hand-convolution", [[5.1]], **task, abs_tolerance=0.01)[0].outcome is Outcome.FAILED


# --- slips ------------------------------------------------------------------------------------

PLAIN = {"image": [[1, 2, 3], [4, 5, 6], [7, 8, 10]], "kernel": [[1, 2], [0, -1]]}
WIDE = {"image": [[1, 2, 3, 0], [4, 5, 6, 1], [7, 8, 10, 2]], "kernel": [[1, 2, 0], [0, -1, 3], [1, 1, 2]]}


def correlated(task, **how):
    image, kernel = (tuple(tuple(map(Fraction, row)) for row in task[key]) for key in ("image", "kernel"))
    made = convolve(image, kernel, **{"flip": CORRELATION, "border": "zero", **how})
    return [[int(entry) for entry in row] for row in made]


@pytest.mark.parametrize(
    ("how", "code", "word"),
    [
        ({"border": "valid"}, "other-border", "without padding"),
        ({"border": "replicate"}, "other-border", "copies of its edge"),
        ({"border": "reflect"}, "other-border", "mirror image"),
        ({"border": "full"}, "other-border", "as far as the kernel reaches"),
        ({"flip": CONVOLUTION}, "other-convention", "the kernel was flipped"),
        ({"flip": Flip(rows=True, columns=False)}, "half-flipped-kernel", "top to bottom only"),
        ({"flip": Flip(rows=False, columns=True)}, "half-flipped-kernel", "left to right only"),
        ({"flip": CONVOLUTION, "border": "valid"}, "other-convention+other-border", "without padding"),
    ],
)
def test_a_consistent_slip_is_named(judged, how, code, word):
    [finding] = judged(
        "hand-convolution", correlated(WIDE, **how), **WIDE, convention="cross-correlation", padding="zero"
    )
    assert finding.code == code
    assert word in finding.said


def test_rows_for_columns_is_named_and_priced(judged):
    swapped = [list(column) for column in zip(*correlated(WIDE), strict=True)]
    task = {**WIDE, "convention": "cross-correlation", "padding": "zero", "transposed": "75%"}
    [finding] = judged("hand-convolution", swapped, **task)
    assert (finding.code, finding.credit) == ("transposed", Fraction(3, 4))


def test_turned_signs_are_named(judged):
    turned = [[-entry for entry in row] for row in correlated(WIDE)]
    [finding] = judged("hand-convolution", turned, **WIDE, convention="cross-correlation", padding="zero")
    assert (finding.code, finding.outcome) == ("sign-flipped", Outcome.FAILED)


def test_two_priced_slips_earn_the_product(judged):
    given = correlated(WIDE, flip=CONVOLUTION, border="valid")
    task = {**WIDE, "convention": "cross-correlation", "padding": "zero"}
    [finding] = judged("hand-convolution", given, **task, other_convention=0.5, other_border=0.5)
    assert finding.credit == Fraction(1, 4)


def test_a_priced_slip_never_earns_less_than_its_right_entries(judged):
    task = {"image": [[0, 0, 0], [0, 1, 0], [0, 0, 0]], "kernel": [[0, 0, 0], [0, 1, 2], [0, 0, 0]]}
    given = correlated(task, flip=CONVOLUTION)
    [finding] = judged(
        "hand-convolution", given, **task, convention="cross-correlation", padding="zero", other_convention=0.1
    )
    assert (finding.code, finding.credit) == ("other-convention", Fraction(7, 9))


def test_an_asymmetric_kernel_does_not_speak_of_signs(judged):
    task = {**WIDE, "convention": "convolution", "padding": "zero"}
    [finding] = judged("hand-convolution", correlated(WIDE), **task)
    assert finding.code == "other-convention"
    assert "sign" not in finding.said


# --- the rubric -------------------------------------------------------------------------------

SOUND = {"image": IMAGE, "kernel": SOBEL, "convention": "convolution", "padding": "zero"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kernel": [[1, 2], [3]]}, "row 2 has 1 entries"),
        ({"image": [[1, "x"]]}, "x"),
        ({"kernel": [[1, 2], [3, 4]]}, "no centre"),
        ({"kernel": [[1] * 5] * 5, "padding": "valid"}, "does not fit"),
        ({"kernel": [["1/3"]]}, "no decimal number"),
        ({"kernel": [[1, 2, 1]] * 3, "other_convention": 0.5}, "same matrix"),
        ({"kernel": [[1, 2, 1]] * 9, "padding": "reflect"}, "does not fit"),
    ],
)
def test_a_rubric_that_cannot_be_meant_is_reported(make_rule, change, word):
    [problem] = all_checks()["hand-convolution"].lint(make_rule("hand-convolution", **{**SOUND, **change}))
    assert word in problem.what


def test_an_even_kernel_is_fine_where_the_border_is_plain(make_rule):
    rule = make_rule("hand-convolution", **{**SOUND, "kernel": [[1, 2], [3, 4]], "padding": "valid"})
    assert not list(all_checks()["hand-convolution"].lint(rule))


# --- oracles ----------------------------------------------------------------------------------


def exact(array):
    return tuple(tuple(Fraction(int(entry)) for entry in row) for row in array)


def entries(height, width):
    return npst.arrays(np.int64, st.tuples(height, width), elements=st.integers(-9, 9))


@settings(max_examples=60, deadline=None)
@given(image=entries(st.integers(1, 7), st.integers(1, 7)), kernel=entries(st.integers(1, 5), st.integers(1, 5)))
def test_scipy_convolves_and_correlates_alike(image, kernel):
    from scipy.signal import convolve2d, correlate2d

    for mode, border in (("full", "full"), ("valid", "valid")):
        for oracle, flip in ((convolve2d, CONVOLUTION), (correlate2d, CORRELATION)):
            made = convolve(exact(image), exact(kernel), flip=flip, border=border)
            if mode == "valid" and any(k > i for k, i in zip(kernel.shape, image.shape, strict=True)):
                assert made is None
            else:
                assert made == exact(oracle(image, kernel, mode=mode))


@settings(max_examples=40, deadline=None)
@given(
    image=entries(st.integers(3, 7), st.integers(3, 7)),
    kernel=entries(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5])),
)
def test_scipy_fills_the_border_alike_where_the_size_is_kept(image, kernel):
    from scipy.ndimage import correlate

    for mode, border in (("constant", "zero"), ("nearest", "replicate"), ("mirror", "reflect")):
        assert convolve(exact(image), exact(kernel), flip=CORRELATION, border=border) == exact(
            correlate(image, kernel, mode=mode)
        )


@pytest.mark.torch
@settings(max_examples=30, deadline=None)
@given(
    image=entries(st.integers(3, 7), st.integers(3, 7)),
    kernel=entries(st.integers(1, 4), st.integers(1, 4)),
    padding=st.integers(0, 2),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_torch_steps_and_pads_alike(image, kernel, padding, stride):
    import torch

    made = convolve(exact(image), exact(kernel), flip=CORRELATION, border=padding, stride=stride)
    batch = torch.tensor(image).double()[None, None]
    weight = torch.tensor(kernel).double()[None, None]
    if any(k > i + 2 * padding for k, i in zip(kernel.shape, image.shape, strict=True)):
        assert made is None
        return
    theirs = torch.nn.functional.conv2d(batch, weight, stride=stride, padding=padding)[0, 0]
    assert made == exact(theirs.round().long().numpy())
