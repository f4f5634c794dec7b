"""Formulas in reports: found among words and in LaTeX, with their line; what is no size is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.formulas import find_formulas, formula_contradictions, remarks_on
from grader.documents.report_lines import Line, Source


def lines_of(text):
    return [Line(number, line) for number, line in enumerate(text.split("\n"), start=1)]


def found_in(text):
    return [str(one.formula) for one in find_formulas(lines_of(text))]


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("The output is $\\left\\lfloor\\frac{W-K+2P}{S}\\right\\rfloor + 1$ wide.", ["floor((W - K + 2*P)/S) + 1"]),
        ("The output is floor((W - K + 2P)/S) + 1 pixels wide, as usual.", ["floor((W - K + 2*P)/S) + 1"]),
        ("* W2 = (W1 - F + 2P)/S + 1 (see the slides)", ["(W1 - F + 2*P)/S + 1"]),
        ("so the result has shape `[B, T-2, T-2, C']`.", ["[B, T - 2, T - 2, C']"]),
        ("the output is B × ⌈T/2⌉ × ⌈T/2⌉ × C", ["[B, ceil(T/2), ceil(T/2), C]"]),
        ("$$W' = W - K + 1$$ and $$H' = H - K + 1$$", ["W - K + 1", "H - K + 1"]),
        ("we pad with (K-1)/2 on each side", ["(K - 1)/2"]),
        ("\\(p = \\frac{k-1}{2} \\Rightarrow p = 2\\)", ["(k - 1)/2"]),
        ("H_out = (H_in + 2*padding - kernel)/stride + 1", []),  # words: no letter of a formula
    ],
)
def test_formulas_among_words_and_in_latex_are_found(text, formulas):
    assert found_in(text)[:2] == formulas


@pytest.mark.parametrize(
    "text",
    [
        "We trained w/o dropout and/or augmentation, A/B tested.",
        "accuracy = 98.92 % after 15 epochs, lr = 1e-4, p = 0.5",
        "Conv2d-1 [-1, 32, 28, 28] 320",
        "input [B, 3, 32, 32] -> [B, 64, 16, 16]",
        "see https://example.edu/a/b/c?x=1-y and f(x) = y",
        "(5*5*3+1)*32 = 2432",
        "the loss $L(\\theta) = -\\sum_i y_i \\log p_i$ with $\\lambda = 0.1 \\cdot \\alpha$",
        "| a | b | c |",
        "```python",
        "In (a), I used ResNet-18, VGG-16 (C=10) - see Fig. 2",
    ],
)
def test_what_is_no_size_in_letters_is_left_alone(text):
    assert found_in(text) == []


def test_code_and_output_are_passed_over():
    text = "h = (h - k) // s + 1"
    assert find_formulas([Line(1, text, Source.CODE), Line(2, text, Source.OUTPUT)]) == ()
    assert len(find_formulas([Line(1, text)])) == 1


def test_a_fraction_whose_line_was_lost_is_not_read_as_a_sum():
    assert found_in("W2 = W1 - FW + 2PW\nSW + 1") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The height is $T - 2$.\nThe output shape is [B, T - 1, T - 1, C].", "the height as T - 2, line 2 as T - 1"),
        ("W_out = (W - K)/S + 1\nlater\nW_out = (W - K)/S - 1", "line 1 gives the W_out as (W - K)/S + 1, line 3"),
    ],
)
def test_two_places_that_differ_are_both_named(text, said):
    [one] = formula_contradictions(find_formulas(lines_of(text)))
    assert said in one.said


@pytest.mark.parametrize(
    "text",
    [
        "The height is $T - 2$.\nThe output shape is [B, T - 2, T - 2, C].",
        "W2 = (W1 - F + 2P)/S + 1\nW2 = W1 - F + 1",  # with a padding and a stride put in
        "The height is $\\lfloor (T-1)/2 \\rfloor$.\nThe output shape is [B, floor((T-3)/2)+1, floor((T-3)/2)+1, C].",
        "The height is $[(T-1)/2]$.\nThe output shape is [B, (T-1)/2, (T-1)/2, C].",
    ],
)
def test_places_that_can_mean_the_same_are_no_contradiction(text):
    assert formula_contradictions(find_formulas(lines_of(text))) == ()


@pytest.mark.parametrize(
    ("text", "remark"),
    [
        ("$\\lfloor(H-F+2p)/s\\rfloor+1$", "right as the output size of a convolution or pooling"),
        ("$(W-K)/S + 1$", "no rounding is written"),
        ("$\\lfloor(H-F+2p)/s\\rfloor-1$", "1 is taken away where it is added"),
        ("$p = (k-1)/2$", "right as the padding that keeps the size"),
        ("$X = W - K + 1 = 28 - 5 + 1 = 23$", '"28 - 5 + 1" is 24, not 23'),
    ],
)
def test_a_known_formula_is_recognised_and_a_wrong_step_is_quoted(text, remark):
    said = [one for found in find_formulas(lines_of(text)) for one in remarks_on(found)]
    assert any(remark in one for one in said), said


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="TWKB=/+-*()[]{}$\\, x×⌊⌋floorceilfrac_^'0123\n", max_size=200))
def test_no_text_makes_the_search_crash(text):
    found = find_formulas(lines_of(text))
    formula_contradictions(found)
    for one in found:
        assert all(remark.isprintable() for remark in remarks_on(one))


@pytest.mark.parametrize("piece", ["(", "[A,", "$", "\\frac", "= T", "B x ", "floor(T/2) ", "=", "T_{", "a/b "])
def test_a_megabyte_of_one_thing_is_gone_through(piece):
    line = piece * (1_000 // len(piece))
    find_formulas([Line(number, line) for number in range(1_000)])
