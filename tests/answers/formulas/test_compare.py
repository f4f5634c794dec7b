"""Equivalence: against brute force over whole numbers, and against the output sizes of PyTorch's own layers."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.answers.formulas import (
    Agreement,
    Domain,
    Range,
    Window,
    compare_formulas,
    conditions_of,
    near_misses,
    parse_formula,
    render,
)
from grader.answers.formulas.compare import compare_trees
from grader.answers.formulas.normal import is_same
from grader.answers.formulas.residues import NotProvableError, differing_classes
from grader.answers.formulas.tree import Call, Name, Negative, Number, Operation, names_in, number
from grader.answers.formulas.values import UndefinedError, value_at
from grader.model import Place

HERE = Place("q")


def tree(text):
    return parse_formula(text, HERE, brackets="floor").tree


def compare(stated, expected, **ranges):
    least = ranges.pop("least", None)
    return compare_formulas(tree(stated), tree(expected), Domain(ranges, least=least))


# --- what was compared before ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected", "other"),
    [
        pytest.param("T//2", "T//2", ("T//2", "T//3"), id="another formula"),
        pytest.param("T", "T", ("T + 0*W", "T"), id="another writing"),
        pytest.param("2", "2", ("2.5", "2"), id="another number"),
    ],
)
def test_a_verdict_that_is_remembered_is_of_the_same_two_formulas(stated, expected, other):
    first = compare(stated, expected)
    assert first == compare(stated, expected)
    assert (first.stated, first.expected) == (tree(stated), tree(expected))
    again = compare(*other)
    assert (again.stated, again.expected) == (tree(other[0]), tree(other[1]))


def test_a_verdict_that_is_remembered_is_of_the_same_domain():
    """T and max(T, 3) agree from 3 on."""
    agreements = [compare("T", "max(T, 3)", T=Range(low)).agreement for low in (3, 1, 3, 1)]
    assert agreements == [Agreement.EQUAL, Agreement.DIFFERENT] * 2
    rights = [compare("T - 2", "max(T - 2, 0)", T=Range(1, 30), least=least).is_right for least in (1, None, 1, None)]
    assert rights == [True, False] * 2


# --- random formulas against brute force ----------------------------------------------------------

SMALL = st.integers(0, 5).map(number)


def bigger(inner):
    divisor = st.integers(1, 4).map(number)
    return st.one_of(
        st.builds(Operation, st.sampled_from(["+", "-", "*"]), inner, inner),
        st.builds(Operation, st.sampled_from(["/", "//", "%"]), inner, divisor),
        st.builds(Negative, inner),
        st.builds(
            lambda name, one: Call(name, (one,)), st.sampled_from(["floor", "ceil", "trunc", "round", "abs"]), inner
        ),
        st.builds(lambda name, a, b: Call(name, (a, b)), st.sampled_from(["min", "max"]), inner, inner),
    )


FORMULAS = st.recursive(st.one_of(st.sampled_from(["T", "W"]).map(Name), SMALL), bigger, max_leaves=6)
DIVIDED = st.recursive(
    st.one_of(st.sampled_from(["T", "S"]).map(Name), SMALL),
    lambda inner: st.one_of(
        st.builds(Operation, st.sampled_from(["+", "-", "*"]), inner, inner),
        st.builds(lambda a: Operation("/", a, Name("S")), inner),
        st.builds(lambda a: Operation("//", a, Name("S")), inner),
        st.builds(lambda name, one: Call(name, (one,)), st.sampled_from(["floor", "ceil", "trunc"]), inner),
    ),
    max_leaves=6,
)
GRID = [{"T": t, "W": w, "S": s} for t, w, s in itertools.product(range(1, 26), (1, 2, 3, 7, 12), (1,))]
DIVIDED_GRID = [{"T": t, "S": s} for t in range(1, 26) for s in range(1, 9)]


def agree_on(one, other, grid):
    return all(value_at(one, point) == value_at(other, point) for point in grid)


@settings(max_examples=300, deadline=None)
@given(FORMULAS, FORMULAS)
def test_the_classes_of_remainders_say_what_brute_force_says(one, other):
    names = sorted({*names_in(one), *names_in(other)})
    assume(names)
    try:
        classes = differing_classes(one, other, Domain(), names)
    except NotProvableError:
        return
    if not classes:
        assert agree_on(one, other, GRID)
    else:
        # polynomials that differ on a class differ at some of its first points
        points = [
            dict(zip(names, point, strict=True))
            for found in classes[:1]
            for point in itertools.product(
                *(range(at, at + by * 9, by) for at, by in zip(found.start, found.step, strict=True))
            )
        ]
        assert not agree_on(one, other, points)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.tuples(FORMULAS, FORMULAS, st.just(GRID)), st.tuples(DIVIDED, DIVIDED, st.just(DIVIDED_GRID))))
def test_equal_normal_forms_are_equal_values(drawn):
    one, other, grid = drawn
    if is_same(one, other, Domain()):
        assert agree_on(one, other, grid)


@settings(max_examples=60, deadline=None)
@given(DIVIDED, st.integers(-3, 3), st.sampled_from(["shift", "floor", "ceil"]))
def test_rewriting_is_found_out(one, by, kind):
    """floor(x + n) = floor(x) + n, floor((x S + n S)/S) and ceil against floor, whatever x is."""
    if kind == "shift":
        left = Call("floor", (Operation("+", one, number(by)),))
        right = Operation("+", Call("floor", (one,)), number(by))
    elif kind == "floor":
        left = Call("floor", (Operation("/", Operation("+", one, Operation("*", number(by), Name("S"))), Name("S")),))
        right = Operation("+", Call("floor", (Operation("/", one, Name("S")),)), number(by))
    else:
        left = Negative(Call("ceil", (Negative(one),)))
        right = Call("floor", (one,))
    assert agree_on(left, right, DIVIDED_GRID[:40])
    verdict = compare_trees(left, right, Domain())
    assert verdict.agreement in (Agreement.EQUAL, Agreement.UNDECIDED)


@settings(max_examples=200, deadline=None)
@given(FORMULAS, FORMULAS)
def test_a_verdict_is_what_brute_force_says_and_the_counterexample_is_one(one, other):
    domain = Domain({"T": Range(1, 25), "W": Range(1, 12)})
    verdict = compare_trees(one, other, domain)
    names = sorted({*names_in(one), *names_in(other)})
    ranges = {"T": range(1, 26), "W": range(1, 13)}
    grid = [dict(zip(names, point, strict=True)) for point in itertools.product(*(ranges[name] for name in names))]
    wrong = [point for point in grid if value_at(one, point) != value_at(other, point)]
    assert (verdict.agreement is Agreement.EQUAL) == (not wrong)
    if wrong:
        point = dict(verdict.counterexample.point)
        assert verdict.counterexample.stated == value_at(one, point)
        assert verdict.counterexample.expected == value_at(other, point)
        assert sum(point.values()) == min(sum(each.values()) for each in wrong)


# --- against PyTorch ------------------------------------------------------------------------------


@pytest.mark.torch
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_windows_formula_is_the_size_that_the_layer_of_pytorch_gives(data):
    import torch

    kind = data.draw(st.sampled_from(["conv", "pool", "transposed"]))
    kernel, stride = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    padding = data.draw(st.integers(0, kernel // 2 if kind == "pool" else 3))
    dilation = data.draw(st.integers(1, 3))
    size = data.draw(st.integers(1, 24))
    rounds_up = kind == "pool" and data.draw(st.booleans())
    extra = data.draw(st.integers(0, max(stride, dilation) - 1)) if kind == "transposed" else 0
    settings_of = {"stride": stride, "padding": padding, "dilation": dilation}
    layer = {
        "conv": lambda: torch.nn.Conv1d(1, 1, kernel, **settings_of),
        "pool": lambda: torch.nn.MaxPool1d(kernel, **settings_of, ceil_mode=rounds_up),
        "transposed": lambda: torch.nn.ConvTranspose1d(1, 1, kernel, **settings_of, output_padding=extra),
    }[kind]()
    try:
        made = layer(torch.zeros(1, 1, size)).shape[-1]
    except RuntimeError:
        return
    values = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
    window = Window(kind, ceil_mode=rounds_up, **{name: number(value) for name, value in values.items()})
    assert value_at(window.output(Name("T")), {"T": size}) == made
    letters = Window(kind, ceil_mode=rounds_up, **{name: Name(name) for name in values})
    assert value_at(letters.output(Name("T")), {"T": size, **values}) == made


# --- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("floor((T-1)/2)", "floor((T-3)/2) + 1"),
        ("ceil((T-2)/2)", "floor((T-3)/2) + 1"),
        ("T//2 - 1 + T%2", "floor((T-3)/2) + 1"),
        ("int((T-3)/2) + 1", "floor((T-3)/2) + 1"),
        ("(W-K+2P+S)//S", "floor((W-K+2P)/S) + 1"),
        ("ceil((W-K+2P+1)/S)", "floor((W-K+2P)/S) + 1"),
        ("int((W-K+2P)/S) + 1", "floor((W-K+2P)/S) + 1"),
        ("1 - ceil((K-W-2P)/S)", "floor((W-K+2P)/S) + 1"),
        ("1 + (W + 2P - K - (W + 2P - K)%S)/S", "floor((W-K+2P)/S) + 1"),
        ("floor((floor((T-3)/2) + 1 - 2)/2) + 1", "floor((T-1)/4)"),
        ("max(floor((T-3)/2) + 1, 1)", "floor((T-3)/2) + 1"),
        ("T*T/T", "T"),
        ("(T^2 - 1) + 1", "T*T"),
    ],
)
def test_equal_formulas_are_proved_equal_without_end(stated, expected):
    verdict = compare(stated, expected, least=1)
    assert verdict.agreement is Agreement.EQUAL, verdict.said
    assert verdict.proof in ("by rewriting", "by the classes of remainders")


@pytest.mark.parametrize(
    ("stated", "expected", "said"),
    [
        ("ceil(T/2)", "floor((T-3)/2) + 1", "T = 3 gives 1, not 2"),
        ("T/2", "floor((T-3)/2) + 1", "T = 3 gives 1, not 1.5"),
        ("T - 4", "T - 2", "T = 3 gives 1, not -1"),
        ("floor((W-K)/S) + 1", "floor((W-K+2P)/S) + 1", "W = 1, K = 1, P = 1, S = 1 gives 3, not 1"),
        ("T + 1/(T - 4)*0", "T", "T = 4 gives 4, and there the formula divides by zero"),
        ("3", "4", "the value is 4, not 3"),
    ],
)
def test_the_smallest_counterexample_is_named(stated, expected, said):
    verdict = compare(stated, expected, least=1)
    assert verdict.agreement is Agreement.DIFFERENT
    assert verdict.counterexample.said == said


def test_a_counterexample_far_out_is_found_in_its_class_of_remainders():
    verdict = compare("W - K + W//150", "W - K", least=1)
    assert verdict.agreement is Agreement.DIFFERENT
    assert dict(verdict.counterexample.point)["W"] >= 150
    assert not verdict.counterexample.is_smallest


def test_what_is_neither_proved_nor_refuted_is_not_claimed():
    assert compare("min(T, 100000)", "T").agreement is Agreement.UNDECIDED


@pytest.mark.parametrize(
    ("stated", "expected", "agreement"),
    [
        ("(W-K+2P)/S + 1", "floor((W-K+2P)/S) + 1", Agreement.UNFLOORED),
        ("(T-1)/2", "floor((T-3)/2) + 1", Agreement.UNFLOORED),
        ("T/2", "floor((T-2)/2) + 1", Agreement.UNFLOORED),
        ("T/2", "floor((T-1)/2) + 1", Agreement.UNFLOORED),
        ("T/2", "floor((T-3)/2) + 1", Agreement.DIFFERENT),
        ("(W-K+P)/S + 1", "floor((W-K+2P)/S) + 1", Agreement.DIFFERENT),
        ("T/2 + 1/3", "floor(T/2)", Agreement.DIFFERENT),
    ],
)
def test_a_formula_without_rounding_is_its_own_verdict_only_where_it_is_right_when_whole(stated, expected, agreement):
    assert compare(stated, expected, least=1).agreement is agreement


def test_a_condition_narrows_the_domain():
    condition = conditions_of(["K = 3", "P = 1", "S <= 2"], HERE)
    domain = Domain({"S": Range(1, 2)}, condition, least=1)
    stated, expected = tree("ceil(W/S)"), tree("floor((W - K + 2P)/S) + 1")
    found = compare_formulas(stated, expected, domain)
    assert found.agreement is not Agreement.DIFFERENT


def test_a_reading_that_is_right_beside_one_that_is_not_is_ambiguous():
    verdict = compare_formulas(parse_formula("1/2T", HERE), tree("T/2"))
    assert verdict.agreement is Agreement.AMBIGUOUS
    assert "1/(2*T)" in verdict.said


def test_names_of_the_student_are_tried_for_those_of_the_task():
    verdict = compare("floor((N-F+2P)/S) + 1", "floor((W-K+2P)/S) + 1", least=1)
    assert verdict.agreement is Agreement.RENAMED
    assert dict(verdict.renamed) == {"N": "W", "F": "K"}


@pytest.mark.parametrize("name", ["Wout", "w_out", "W_OUT"])
def test_a_name_in_another_writing_is_the_same_name(name):
    assert compare(f"{name} - 1", "W_out - 1").agreement is Agreement.EQUAL


@pytest.mark.parametrize(
    ("stated", "expected", "code"),
    [
        ("ceil(T/2)", "floor((T-3)/2) + 1", "other-padding"),
        ("floor((T-3)/2)", "floor((T-3)/2) + 1", "constant"),
        ("ceil((T-3)/2) + 1", "floor((T-3)/2) + 1", "ceil-for-floor"),
        ("T - 2", "floor((T-3)/2) + 1", "other-stride"),
        ("floor((T+3)/2) + 1", "floor((T-3)/2) + 1", "other-padding"),
        ("floor((W-K+P)/S) + 1", "floor((W-K+2P)/S) + 1", "counted-once"),
        ("floor(C/2)", "floor(T/2)", "other-name"),
    ],
)
def test_near_misses_have_their_codes(stated, expected, code):
    found = near_misses(tree(stated), tree(expected), Domain(least=1))
    assert [one.code for one in found][:1] == [code], found


@settings(max_examples=60, deadline=None)
@given(FORMULAS, st.integers(1, 5), st.integers(1, 3))
def test_a_near_miss_is_never_named_for_a_right_formula_or_without_being_true(stated, kernel, stride):
    window = Window(kernel=number(kernel), stride=number(stride))
    expected = window.output(Name("T"))
    for miss in near_misses(stated, expected, Domain(least=1)):
        if miss.code == "other-padding":
            pixels = int(miss.said.rsplit(" ", 1)[1])
            other = window.with_padding(pixels).output(Name("T"))
            for size in range(1, 40):
                point = {"T": size, "W": 1}
                if value_at(other, point) >= 1:
                    assert value_at(stated, point) == value_at(other, point)


@pytest.mark.parametrize("text", ["10**10**10", "T^(10^9)", "9^9^9^9", "(((T^99)^99)^99)^99", "T*" * 118 + "T",
                                  "(T+W)^8*(T-W)^8*(T+K)^8*(S+W)^8", "1/(1/(1/(T-1)))",
                                  "floor(" * 20 + "T/7" + ")/11" * 20])  # fmt: skip
def test_hostile_formulas_get_a_verdict(text):
    stated = tree(text)
    assert compare_formulas(stated, tree("floor((T-3)/2) + 1"), Domain(least=1)).said
    assert near_misses(stated, tree("floor((T-3)/2) + 1"), Domain(least=1)) is not None


def test_a_value_beyond_all_measure_is_no_value():
    with pytest.raises(UndefinedError):
        value_at(tree("T^(10^9)"), {"T": 3})
    assert value_at(tree("1^(10^9)"), {}) == 1
    assert value_at(Number(Fraction(1, 2)), {}) == Fraction(1, 2)
    assert render(tree("2^-1")) == "2^-1"
