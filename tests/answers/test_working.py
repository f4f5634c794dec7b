"""Working ends on a value, and each step that does not agree with the next is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.working import parse_working
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("2432", "2432", id="a value alone"),
        pytest.param(2432, "2432", id="a JSON number alone"),
        pytest.param("(5*5*3+1)*32", "2432", id="an expression alone"),
        pytest.param("(5*5*3+1)*32 = 2432", "2432", id="working and value"),
        pytest.param("(1*5*5+1)*6 =156", "156", id="no space after the sign"),
        pytest.param("(5*5*3+1)*32 = 76*32 = 2,432 parameters", "2432", id="a chain with a unit"),
        pytest.param("2432 (with bias)", "2432", id="a remark in brackets"),
        pytest.param(r"$p = \frac{k-1}{2} \Rightarrow p = 2$", "2", id="a formula is passed over"),
        pytest.param(
            r"X_2 = \frac{X_1 - F_x + 2P_x}{S_x} + 1 = \frac{504 - 2}{2} + 1 = 252", "252", id="formulas before numbers"
        ),
        pytest.param("Layer 1: (5*5*3+1)*32 = 2432", "2432", id="a label"),
        pytest.param("28 - 5 + 1 = 24; 24/2 = 12", "12", id="two statements"),
        pytest.param("[(28-3)/2] + 1 = 13", "13", id="square brackets that round down"),
        pytest.param("[(28-2)/2] + 1 = 14", "14", id="square brackets that only group"),
        pytest.param("2/3 = 0.667", "667/1000", id="a decimal may be rounded"),
        pytest.param("2/3 = 0.666", "333/500", id="a decimal may be cut off"),
        pytest.param("sqrt(2) = 1.4142", "7071/5000", id="an irrational root"),
        pytest.param("30,292,490 ≈ 30,000,000", "30000000", id="about"),
        pytest.param("100 - 0.21 = 99.79 %", "9979/10000", id="percent from the start"),
        pytest.param("9892/10000 = 98.92 %", "2473/2500", id="a fraction in percent"),
        pytest.param("1.000 * 2 = 2000", "2000", id="a separator that the other side explains"),
        pytest.param({"value": 2432, "working": "(5*5*3+1)*32"}, "2432", id="an object"),
        pytest.param({"value": 2432, "working": "by counting"}, "2432", id="an object with words"),
        pytest.param({"value": 2432, "working": ""}, "2432", id="an object with empty working"),
        pytest.param({"working": "(5*5*3+1)*32 = 2432"}, "2432", id="an object with working only"),
    ],
)
def test_consistent_working_ends_on_its_value(written, value):
    working = parse_working(written, HERE)
    assert [str(reading) for reading in working.number.readings] == [value]
    assert working.is_consistent


@pytest.mark.parametrize(
    ("written", "value", "said"),
    [
        pytest.param("(252-3)/1 - 1 = 250", "250", '"(252-3)/1 - 1" is 248, not 250', id="a sign slip"),
        pytest.param("(6*3*3+1)*32 = 1761", "1761", '"(6*3*3+1)*32" is 1,760, not 1,761', id="one off"),
        pytest.param(
            "(28-3)/2+1 = 13", "13", '"(28-3)/2+1" is 13.5, not 13: to round down, write floor(...)', id="floor"
        ),
        pytest.param("2+3 = 6 = 7", "7", '"2+3" is 5, not 6', id="the first of two"),
        pytest.param("2/3 = 0.67 = 0.667", "667/1000", None, id="rounded further on the way"),
        pytest.param("2/3 = 0.668", "167/250", '"2/3" is 2/3, not 0.668', id="rounded wrongly"),
        pytest.param(
            {"value": 2433, "working": "(5*5*3+1)*32"}, "2433", '"(5*5*3+1)*32" is 2,432, not 2,433', id="an object"
        ),
    ],
)
def test_a_slip_in_the_working_is_named_and_changes_no_value(written, value, said):
    working = parse_working(written, HERE)
    assert str(working.number.value) == value
    assert [one.said for one in working.disagreements][:1] == ([said] if said else [])


def test_a_size_is_read_as_its_side_and_as_the_product():
    working = parse_working(r"512 + 1 - 504 = 9 \times 9", HERE)
    assert working.is_consistent
    assert set(working.number.readings) == {9, 81}
    assert working.number.is_size


def test_the_unit_and_the_decimals_of_the_last_side_are_kept():
    number = parse_working("24.58 + 1.15 = 25.73 MB", HERE).number
    assert (number.unit, number.decimals, number.known_unit) == ("MB", 2, "MB")


def test_a_side_that_cannot_be_computed_is_listed_and_not_held_against_anybody():
    working = parse_working("9**9**9 = F*F = 2432", HERE)
    assert working.passed_over == ("9**9**9", "F*F")
    assert working.is_consistent


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param("(k-1)/2", "not-arithmetic", id="a formula alone"),
        pytest.param("2432 = F*F*C", "not-arithmetic", id="a formula at the end"),
        pytest.param("9**9**9", "too-large", id="a tower of powers"),
        pytest.param("", "not-a-number", id="nothing"),
        pytest.param("=", "not-a-number", id="a sign alone"),
        pytest.param("5 or 6", "not-arithmetic", id="two values"),
        pytest.param("1=" * 100 + "1", "too-long", id="a hundred sides"),
        pytest.param("1+" * 2000 + "1", "too-long", id="thousands of characters"),
        pytest.param(True, "not-a-number", id="true"),
        pytest.param({"value": 1, "working": ["a"]}, "not-arithmetic", id="working that is no text"),
    ],
)
def test_working_without_a_value_is_refused(written, code, refused):
    problem = refused(parse_working, written)
    assert problem.code == code
    assert problem.fix


@quick
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 512), st.integers(1, 512), st.integers(-3, 3))
def test_working_is_consistent_exactly_where_the_sides_are_equal(height, width, inside, out, slip):
    right = (height * width * inside + 1) * out
    working = parse_working(f"({height}*{width}*{inside} + 1)*{out} = {right + slip}", HERE)
    assert working.number.value == right + slip
    assert working.is_consistent == (slip == 0)
