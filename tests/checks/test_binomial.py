"""The interval that decides what is borderline, against SciPy."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks._binomial import is_within_wilson, wilson_interval


@st.composite
def counts(draw):
    n = draw(st.integers(1, 100_000))
    return draw(st.integers(0, n)), n


@given(counts())
def test_the_interval_is_scipys_wilson_interval(count):
    from scipy.stats import binomtest

    expected = binomtest(*count).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson_interval(*count) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(counts(), st.fractions(0, 1, max_denominator=1000))
def test_the_exact_decision_agrees_with_the_bounds(count, value):
    low, high = wilson_interval(*count)
    if abs(float(value) - low) > 1e-9 and abs(float(value) - high) > 1e-9:
        assert is_within_wilson(value, *count) == (low <= value <= high)


@given(counts())
def test_the_measured_value_lies_within_its_own_interval(count):
    assert is_within_wilson(Fraction(*count), *count)


@pytest.mark.parametrize(("correct", "n"), [(1, 0), (-1, 10), (11, 10)], ids=["of nothing", "negative", "over all"])
def test_an_impossible_count_is_refused(correct, n):
    with pytest.raises(ValueError, match="no count"):
        wilson_interval(correct, n)
