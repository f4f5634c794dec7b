"""Points are exact: the decimals that were written, thirds that add up to one."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grader.course.points import points_from, points_text, shared

POINTS = st.fractions(0, 1000, max_denominator=1000)


@given(st.decimals(0, 1_000_000, places=6))
def test_a_number_means_the_decimal_that_was_written(decimal):
    """The oracle is Decimal: a float in between changes nothing within 15 digits."""
    assert points_from(float(decimal)) == Fraction(decimal)


@given(st.lists(st.decimals(0, 1000, places=2), max_size=30))
def test_decimals_add_up_to_the_decimal_sum(decimals):
    assert sum(points_from(float(d)) for d in decimals) == Fraction(sum(decimals, Decimal(0)))


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_fraction_as_text_is_that_fraction(above, below):
    assert points_from(f"{above}/{below}") * below == above


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        pytest.param(0, Fraction(0), id="nought"),
        pytest.param(7, Fraction(7), id="whole"),
        pytest.param("7", Fraction(7), id="whole, as text"),
        pytest.param(3.5, Fraction(7, 2), id="half"),
        pytest.param(0.1, Fraction(1, 10), id="a tenth, not its binary neighbour"),
        pytest.param("1/3", Fraction(1, 3), id="a third"),
        pytest.param(1e-7, Fraction(1, 10**7), id="in scientific notation"),
    ],
)
def test_points_are_read_exactly(written, exact):
    assert points_from(written) == exact


@pytest.mark.parametrize("written", [True, None, [1], "x", "1/0"])
def test_what_is_no_number_of_points_is_refused(written):
    with pytest.raises((ValueError, ZeroDivisionError)):
        points_from(written)


@given(st.fractions(-1000, 1000))
def test_points_are_shown_exactly(points):
    assert Fraction(points_text(points)) == points


@given(st.integers(0, 10**9), st.integers(0, 6))
def test_decimals_are_shown_as_decimals(above, places):
    assert "/" not in points_text(Fraction(above, 10**places))


@given(POINTS, st.lists(st.none() | POINTS, min_size=1, max_size=12))
def test_shares_always_make_up_the_total(total, given_points):
    assume(None in given_points)
    made = shared(total, given_points)
    assert sum(made) == total
    assert all(stated is None or stated == points for stated, points in zip(given_points, made, strict=True))
    assert len({points for stated, points in zip(given_points, made, strict=True) if stated is None}) == 1


@given(POINTS, st.lists(POINTS, max_size=12))
def test_stated_points_are_never_changed(total, given_points):
    assert list(shared(total, given_points)) == given_points
