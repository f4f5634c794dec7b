"""A number is the expected one, or the reason says what went wrong without giving the answer away."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.matching import matches
from grader.answers.numbers import parse_number
from grader.answers.units import known, ratios
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=150, deadline=None)


def compared(written, expected, **how):
    return matches(parse_number(written, HERE), expected, **how)


@pytest.mark.parametrize(
    ("written", "expected", "how", "is_match"),
    [
        pytest.param("2432", 2432, {}, True, id="equal without a tolerance"),
        pytest.param("2433", 2432, {}, False, id="one off without a tolerance"),
        pytest.param("0.1", 0.1, {}, True, id="a float counts as the decimal it is written as"),
        pytest.param("1.05", 1, {"abs_tolerance": "0.05"}, True, id="exactly at the absolute tolerance"),
        pytest.param("1.0501", 1, {"abs_tolerance": "0.05"}, False, id="over the absolute tolerance"),
        pytest.param("0.95", 1, {"abs_tolerance": 0.05}, True, id="exactly at it from below"),
        pytest.param("110", 100, {"rel_tolerance": "0.1"}, True, id="exactly at the relative tolerance"),
        pytest.param("110.01", 100, {"rel_tolerance": "0.1"}, False, id="over the relative tolerance"),
        pytest.param("-110", -100, {"rel_tolerance": "0.1"}, True, id="relative to a negative value"),
        pytest.param("1.05", 1, {"abs_tolerance": 0, "rel_tolerance": "0.1"}, True, id="one of two is enough"),
        pytest.param("0.667", Fraction(2, 3), {"significant_digits": 3}, True, id="rounded to three digits"),
        pytest.param("0.66667", Fraction(2, 3), {"significant_digits": 3}, True, id="more digits than asked"),
        pytest.param("0.67", Fraction(2, 3), {"significant_digits": 3}, False, id="fewer digits than asked"),
        pytest.param("0.666", Fraction(2, 3), {"significant_digits": 3}, False, id="cut off instead of rounded"),
        pytest.param("6.4M", 6_444_170, {"significant_digits": 2}, True, id="millions to two digits"),
        pytest.param("0", 0, {"significant_digits": 3}, True, id="zero has no significant digits"),
        pytest.param("66.7", Fraction(200, 3), {"decimals": 1}, True, id="one decimal"),
        pytest.param("66.6", Fraction(200, 3), {"decimals": 1}, False, id="one decimal, cut off"),
        pytest.param("98.92 %", "0.9892", {}, True, id="a percent sign where a fraction is asked"),
        pytest.param("98.92 %", "98.92", {"percent": "percent"}, True, id="a percent sign where percent is asked"),
        pytest.param("98.92", "98.92", {"percent": "percent"}, True, id="bare where percent is asked"),
        pytest.param("0.9892", "98.92", {"percent": "percent"}, False, id="a fraction where percent is asked"),
        pytest.param("98.92", "0.9892", {}, False, id="bare percent where a fraction is asked"),
        pytest.param("98.92", "0.9892", {"percent": "either"}, True, id="either: bare percent"),
        pytest.param("0.9892", "0.9892", {"percent": "either"}, True, id="either: a fraction"),
        pytest.param("98.92 %", "0.9892", {"percent": "either"}, True, id="either: a percent sign"),
        pytest.param("0.5 %", "0.5", {"percent": "either"}, False, id="either: a percent sign is never left out"),
        pytest.param("1.15 MB", "1.15", {"unit": "MB"}, True, id="the unit asked"),
        pytest.param("1.15", "1.15", {"unit": "MB"}, True, id="no unit is the unit asked"),
        pytest.param("1.15 MB", "1.15", {}, True, id="a unit that nobody asked for"),
        pytest.param("1.15 MiB", "1.15", {"unit": "MB"}, True, id="MiB where a summary's MB is asked"),
        pytest.param("1.15 megabytes", "1.15", {"unit": "MB"}, True, id="the unit in a word"),
        pytest.param("1150 kB", "1.15", {"unit": "MB"}, True, id="kB converted by 1000"),
        pytest.param("1177.6 kB", "1.15", {"unit": "MB"}, True, id="kB converted by 1024"),
        pytest.param("1177.6 kB", "1.16", {"unit": "MB"}, False, id="kB that fits neither"),
        pytest.param("1.15 GB", "1.15", {"unit": "MB"}, False, id="GB for MB"),
        pytest.param("2 min", "120", {"unit": "s"}, True, id="minutes in seconds"),
        pytest.param("2 s", "2", {"unit": "MB"}, False, id="seconds for megabytes"),
        pytest.param("2432 params", "2432", {"unit": "parameters"}, True, id="another word for parameters"),
        pytest.param("7 steps", "7", {"unit": "epochs"}, False, id="steps for epochs"),
        pytest.param("> 85 %", "0.85", {}, False, id="a bound is no value"),
    ],
)
def test_limits_are_inclusive_and_units_are_minded(written, expected, how, is_match):
    assert compared(written, expected, **how).is_match is is_match


@pytest.mark.parametrize("expected", [390410, "390.41"])
def test_either_reading_of_an_ambiguous_number_counts_and_is_named(expected):
    match = compared("390.410", expected)
    assert match.is_match
    assert match.reading == Fraction(expected)
    assert match.note.startswith("read as 390")


def test_an_ambiguous_number_that_fits_no_reading_does_not_match():
    assert not compared("390.410", "390410.5").is_match


@pytest.mark.parametrize(
    ("written", "expected", "how", "code", "words"),
    [
        pytest.param("0.9892", "98.92", {"percent": "percent"}, "percent", "98.92 %", id="fraction for percent"),
        pytest.param("98.92", "0.9892", {}, "percent", "0.9892", id="percent for fraction"),
        pytest.param("5 %", 5, {}, "percent", "leave it out", id="a percent sign too many"),
        pytest.param("1.15 GB", "1.15", {"unit": "MB"}, "unit", "right digits, wrong unit", id="wrong unit"),
        pytest.param("26.99", "25.74", {"unit": "MB", "rel_tolerance": 0.001}, "factor-1024", "MiB", id="MB or MiB"),
        pytest.param("-13", 13, {}, "sign", "sign", id="wrong sign"),
        pytest.param("24320", 2432, {}, "magnitude", "decimal point", id="ten times"),
        pytest.param("0.67", "0.6666", {"significant_digits": 3}, "too-coarse", "3 significant", id="rounded too far"),
        pytest.param("> 85 %", "0.85", {}, "bound", "at least", id="a bound"),
        pytest.param("17", 2432, {}, "different", "not the expected", id="just wrong"),
    ],
)
def test_the_reason_names_the_slip(written, expected, how, code, words):
    match = compared(written, expected, **how)
    assert not match.is_match
    assert match.code == code
    assert words in match.reason


@quick
@given(
    expected=st.fractions(min_value=-1000, max_value=1000, max_denominator=997),
    written=st.decimals(min_value=-1000, max_value=1000, places=3),
    tolerance=st.fractions(min_value=0, max_value=5, max_denominator=50),
)
def test_an_absolute_tolerance_is_the_plain_inequality(expected, written, tolerance):
    match = compared(str(written), expected, abs_tolerance=tolerance)
    number = parse_number(str(written), HERE)
    assert match.is_match == any(abs(value - expected) <= tolerance for value in number.readings)


@quick
@given(st.integers(10**4, 10**9), st.integers(1, 10**6))
def test_the_reason_never_shows_the_expected_value(expected, offset):
    match = compared(str(expected + offset), expected)
    shown = match.reason.replace(str(expected + offset), "").replace(",", "")
    assert str(expected) not in shown


@pytest.mark.parametrize(
    ("word", "name"),
    [("MB", "MB"), ("mib", "MiB"), ("bytes", "B"), ("kilobytes", "kB"), ("s", "s"), ("dB", "dB"),
     ("mini-batches", "step"), ("accuracy", None), ("", None), ("in", None)],
)  # fmt: skip
def test_units_have_one_name(word, name):
    assert known(word) == name


def test_a_unit_converts_to_itself_by_one_and_back_by_the_inverse():
    for a in ("B", "kB", "MB", "MiB", "GiB", "s", "min"):
        assert [factor for factor, _ in ratios(a, a)] == [1]
        for b in ("B", "kB", "MB", "MiB", "GiB", "s", "min"):
            there, back = [f for f, _ in ratios(a, b)], [f for f, _ in ratios(b, a)]
            assert sorted(there) == sorted(1 / f for f in back)
