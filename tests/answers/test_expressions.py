"""Arithmetic is evaluated exactly, as Python would, and nothing that is expensive is computed."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.answer_error import AnswerError
from grader.answers.expressions import evaluate
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=300, deadline=None)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("7", "7", id="a number"),
        pytest.param("(5*5*3+1)*32", "2432", id="a product"),
        pytest.param("(5 x 5 x 3 + 1) x 32", "2432", id="the letter x"),
        pytest.param("(5×5×3+1)·32", "2432", id="cross and dot"),
        pytest.param(r"(5 \cdot 5 \cdot 3 + 1) \times 32", "2432", id="LaTeX signs"),
        pytest.param("(5⋅5⋅3+1)(32)", "2432", id="brackets side by side"),
        pytest.param("2(3+4)5", "70", id="numbers beside brackets"),
        pytest.param("28 − 5 + 1", "24", id="Unicode minus"),
        pytest.param(r"\frac{504 - 2}{2} + 1", "252", id="LaTeX fraction"),
        pytest.param(r"\left( \dfrac{28-3}{2} \right) + 1", "27/2", id="LaTeX brackets"),
        pytest.param("floor((28-3)/2) + 1", "13", id="floor"),
        pytest.param("math.ceil(25/2)", "13", id="ceil as Python writes it"),
        pytest.param("⌊25/2⌋ + ⌈25/2⌉", "25", id="floor and ceil signs"),
        pytest.param(r"\lfloor 25/2 \rfloor", "12", id="LaTeX floor"),
        pytest.param("floor(-5/2)", "-3", id="floor of a negative number"),
        pytest.param("int(-5/2)", "-2", id="int cuts off"),
        pytest.param("-5//2", "-3", id="floor division"),
        pytest.param("-5 % 3", "1", id="modulo"),
        pytest.param("100 % - 0.21 %", "9979/10000", id="percent signs"),
        pytest.param("50%", "1/2", id="a percent sign at the end"),
        pytest.param("-2**2", "-4", id="power before sign"),
        pytest.param("2**-1", "1/2", id="negative exponent"),
        pytest.param("2^3^2", "512", id="powers from the right"),
        pytest.param("2^{10}", "1024", id="LaTeX exponent"),
        pytest.param("5² + 5³", "150", id="superscripts"),
        pytest.param("sqrt(16/9)", "4/3", id="an exact root"),
        pytest.param("√49 + 1", "8", id="a root sign"),
        pytest.param(r"\sqrt{2^4}", "4", id="LaTeX root"),
        pytest.param("16^0.5", "4", id="a half as exponent"),
        pytest.param("1e3 * 2", "2000", id="scientific"),
        pytest.param("2,432,000 + 1", "2432001", id="thousands"),
        pytest.param("0.1 + 0.2", "3/10", id="decimals are exact"),
        pytest.param("--3", "3", id="two signs"),
        pytest.param("(-1)**(10**300)", "1", id="a huge exponent that costs nothing"),
        pytest.param("0**0", "1", id="nought to the nought"),
    ],
)
def test_the_value_is_exact(written, value):
    assert str(evaluate(written, HERE)) == value


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param("9**9**9", "too-large", id="a tower of powers"),
        pytest.param("9^9^9^9^9^9", "too-large", id="a higher tower"),
        pytest.param("2**1331", "too-large", id="one bit over the cap"),
        pytest.param("*".join(["9" * 300] * 4), "too-large", id="a long product"),
        pytest.param("*".join(["9" * 300] * 40), "too-long", id="a longer text"),
        pytest.param("(" * 41 + "1" + ")" * 41, "too-deep", id="brackets too deep"),
        pytest.param("√" * 60 + "1", "too-deep", id="roots too deep"),
        pytest.param("2" + "^2" * 60, "too-deep", id="powers too deep"),
        pytest.param("1/0", "divides-by-zero", id="by zero"),
        pytest.param("1 % (1-1)", "divides-by-zero", id="modulo zero"),
        pytest.param("0^-1", "divides-by-zero", id="nought to a negative power"),
        pytest.param("sqrt(-1)", "bad-root", id="root of a negative number"),
        pytest.param("2^0.3", "bad-exponent", id="an exponent that is no whole number"),
        pytest.param("9" * 401, "bad-number", id="401 digits"),
        pytest.param("k", "not-arithmetic", id="a name"),
        pytest.param("__import__('os')", "not-arithmetic", id="Python"),
        pytest.param("(lambda: 1)()", "not-arithmetic", id="a lambda"),
        pytest.param("f(3)", "not-arithmetic", id="an unknown function"),
        pytest.param("5!", "not-arithmetic", id="a factorial"),
        pytest.param("(5", "not-arithmetic", id="a bracket that does not close"),
        pytest.param("5)", "not-arithmetic", id="a bracket that does not open"),
        pytest.param("(5]", "not-arithmetic", id="brackets that do not match"),
        pytest.param("5 6", "not-arithmetic", id="two numbers in a row"),
        pytest.param("5 +", "not-arithmetic", id="nothing after the sign"),
        pytest.param("", "not-arithmetic", id="nothing"),
        pytest.param("5 \x00 6", "not-arithmetic", id="a control character"),
    ],
)
def test_what_is_not_computed_says_why(written, code, refused):
    assert refused(evaluate, written).code == code


@pytest.mark.parametrize("depth", [1, 39])
def test_depth_below_the_cap_is_read(depth):
    assert evaluate("(" * depth + "1" + ")" * depth, HERE) == 1


def trees():
    """Expressions as (text for us, text for Python): Python computes with Fraction literals."""
    leaves = st.integers(0, 60).map(lambda n: (str(n), f"F({n})"))
    leaves |= st.decimals(0, 50, places=2).map(lambda d: (str(d), f"F('{d}')"))

    def grown(inner):
        # F(...) around it: // gives an int, and an int to a negative power a float.
        binary = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda t: (f"({t[0][0]}) {t[1]} ({t[2][0]})", f"F(({t[0][1]}) {t[1]} ({t[2][1]}))")
        )
        loose = st.tuples(leaves, st.sampled_from("+-*/"), leaves, st.sampled_from("+-*/"), leaves).map(
            lambda t: (f"{t[0][0]}{t[1]}{t[2][0]}{t[3]}{t[4][0]}", f"({t[0][1]}{t[1]}{t[2][1]}{t[3]}{t[4][1]})")
        )
        power = st.tuples(inner, st.integers(-3, 3)).map(lambda t: (f"({t[0][0]})**{t[1]}", f"(({t[0][1]})**{t[1]})"))
        sign = inner.map(lambda t: (f"-({t[0]})", f"(-({t[1]}))"))
        called = st.tuples(st.sampled_from(["floor", "ceil"]), inner).map(
            lambda t: (f"{t[0]}({t[1][0]})", f"F({t[0]}({t[1][1]}))")
        )
        return binary | loose | power | sign | called

    return st.recursive(leaves, grown, max_leaves=8)


@quick
@given(trees())
def test_every_tree_is_worth_what_python_says(tree):
    ours, theirs = tree
    names = {"F": Fraction, "floor": math.floor, "ceil": math.ceil, "__builtins__": {}}
    try:
        expected = eval(theirs, names)  # noqa: S307  the text was generated here, by the strategy above
    except ZeroDivisionError:
        with pytest.raises(AnswerError) as caught:
            evaluate(ours, HERE)
        assert caught.value.problem.code == "divides-by-zero"
        return
    is_small = max(abs(expected.numerator), expected.denominator) < 10**100
    try:
        value = evaluate(ours, HERE)
    except AnswerError as error:  # a step on the way may be large where the end is not
        value = error.problem.code
    assert value == expected or (value == "too-large" and not is_small)
