"""The parser: every tree is read back as it was written, and no text makes it crash or hang."""

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.answers.answer_error import AnswerError
from grader.answers.formulas import parse_condition, parse_formula, parse_shape_formula, render
from grader.answers.formulas.tree import Call, Name, Negative, Number, Operation
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
NAMES = st.sampled_from(["T", "W", "K", "P", "S", "C'", "C_out", "H_in", "W1"])
LITERALS = st.one_of(st.integers(0, 10**6), st.decimals(0, 100, places=2)).map(lambda n: Number(Fraction(str(n))))


def bigger(inner):
    return st.one_of(
        st.builds(Operation, st.sampled_from(["+", "-", "*", "/", "//", "%", "^"]), inner, inner),
        st.builds(Negative, inner),
        st.builds(
            lambda name, one: Call(name, (one,)), st.sampled_from(["floor", "ceil", "trunc", "round", "abs"]), inner
        ),
        st.builds(lambda name, a, b: Call(name, (a, b)), st.sampled_from(["min", "max"]), inner, inner),
    )


TREES = st.recursive(st.one_of(NAMES.map(Name), LITERALS), bigger, max_leaves=12)


def shapes_of(tree):
    """How the sign of a sign is read: --T is T."""
    if isinstance(tree, Negative) and isinstance(tree.of, Negative):
        return True
    parts = getattr(tree, "arguments", None) or [
        getattr(tree, name) for name in ("left", "right", "of") if hasattr(tree, name)
    ]
    return any(shapes_of(one) for one in parts)


@given(TREES.filter(lambda tree: not shapes_of(tree)))
def test_a_rendered_tree_is_read_as_the_same_tree(tree):
    read = parse_formula(render(tree), HERE)
    assert tree in [reading.tree for reading in read.readings]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\left\lfloor\frac{W-K+2P}{S}\right\rfloor+1", "floor((W - K + 2*P)/S) + 1"),
        (r"\lfloor \dfrac{W-K+2P}{S} \rfloor + 1", "floor((W - K + 2*P)/S) + 1"),
        (r"W_{\text{out}} = \frac{W_{\text{in}} - K + 2 P}{S} + 1", "(W_in - K + 2*P)/S + 1"),
        (r"(T-1)(W)", "(T - 1)*W"),
        (r"2 \cdot P \times K", "2*P*K"),
        ("2 P", "2*P"),
        (r"\frac12 T", "1/2*T"),
        (r"\lceil T/2 \rceil", "ceil(T/2)"),
        ("⌊(W−K)÷S⌋ + 1", "floor((W - K)/S) + 1"),
        ("math.floor((T-3)/2)+1", "floor((T - 3)/2) + 1"),
        ("np.ceil(T/2)", "ceil(T/2)"),
        ("int((T - 3)/2) + 1", "trunc((T - 3)/2) + 1"),
        ("floor[(T-3)/2]", "floor((T - 3)/2)"),
        ("W' = W - K", "W - K"),
        ("H_out = (H-K)//2 + 1 = (28-3)//2 + 1 = 13", "(H - K)//2 + 1"),
        ("max(T - 2, 1)", "max(T - 2, 1)"),
        ("T²", "T^2"),
        ("output size: (W-K)/S", "(W - K)/S"),
        ("-T + 3", "-T + 3"),
        ("T mod 2", "T%2"),
        ("round(T/2)", "round(T/2)"),
        ("C^{\\prime}", "C'"),
        ("H × W", "H*W"),
        ("(W - K + 2P)/S + 1 .", "(W - K + 2*P)/S + 1"),
    ],
)
def test_the_usual_writings_are_read(written, meant):
    assert str(parse_formula(written, HERE, brackets="floor")) == meant


@pytest.mark.parametrize(
    ("written", "meanings"),
    [
        ("[(W-K)/S] + 1", ["floor((W - K)/S) + 1", "(W - K)/S + 1"]),
        ("1/2T", ["1/2*T", "1/(2*T)"]),
        ("(T-1)/2(W)", ["(T - 1)/2*W", "(T - 1)/(2*W)"]),
        ("floor T/2 + 1", ["floor(T/2) + 1", "floor(T/2 + 1)"]),
    ],
)
def test_what_can_be_read_in_two_ways_keeps_both(written, meanings):
    read = parse_formula(written, HERE)
    assert [render(reading.tree) for reading in read.readings] == meanings
    assert all(reading.assumed for reading in read.readings)


@pytest.mark.parametrize(
    ("written", "entries"),
    [
        ("[B, T, ceil(T/2), C]", ["B", "T", "ceil(T/2)", "C"]),
        ("(B, T, T, C)", ["B", "T", "T", "C"]),
        (r"B \times T \times \lceil T/2 \rceil \times C", ["B", "T", "ceil(T/2)", "C"]),
        ("B x T x (T-1) x C'", ["B", "T", "T - 1", "C'"]),
        ("torch.Size([B, 3, H/2, W/2])", ["B", "3", "H/2", "W/2"]),
        ("[B, 32, 16, 16]", ["B", "32", "16", "16"]),
        ("[B, C, [(H-K)/S]+1, [(W-K)/S]+1]", ["B", "C", "floor((H - K)/S) + 1", "floor((W - K)/S) + 1"]),
        ("[B, min(T, 3), 5]", ["B", "min(T, 3)", "5"]),
        ("[B, T, T, C] -> [B, T-2, T-2, C']", ["B", "T - 2", "T - 2", "C'"]),
        (["B", 3, "T-2"], ["B", "3", "T - 2"]),
        ("Output: (B; T-2; C)", ["B", "T - 2", "C"]),
        ("out = [B, T]", ["B", "T"]),
    ],
)
def test_shapes_are_read_entry_by_entry(written, entries):
    read = parse_shape_formula(written, HERE, brackets="floor")
    assert [str(entry) for entry in read.entries] == entries


@pytest.mark.parametrize("value", ["", "   ", None, True, 1.5, {}, {"value": []}, [], "T +", "(T", "T)", "T # 2", "1 2",
                                   "the output is large", "min(T)", "floor(T, 2)", "= ", "[,]"])  # fmt: skip
def test_what_is_no_formula_is_refused_with_a_fix(value):
    for read in (parse_formula, parse_shape_formula):
        with pytest.raises(AnswerError) as caught:
            read(value, HERE)
        assert caught.value.problem.fix
        assert str(HERE) in caught.value.problem.where


ALPHABET = st.text(alphabet="TWKPSCB0123456789.,%/*()[]{}x×=→~- +\\_^'⌊⌋⌈⌉ floorceilfrac\n$&;:|", max_size=80)


@settings(max_examples=400)
@given(st.one_of(ALPHABET, st.text(max_size=60)))
@example("((((" * 400)
@example("1" * 1_999)
@example("T^" * 999 + "T")
@example("frac" * 400)
@example(r"\frac" * 300)
@example("floor " * 300 + "T")
@example("-" * 1_900 + "T")
@example("+".join("T" * 119))
@example("[" * 100 + "T" + "]" * 100)
@example("T_{" * 600)
@example("10**10**10")
@example("=".join("T" * 500))
@example("x" * 2_000)
def test_no_text_makes_it_crash(text):
    for read in (parse_formula, parse_shape_formula, parse_condition):
        try:
            read(text, HERE)
        except AnswerError as error:
            assert error.problem.what.isprintable()  # noqa: PT017
