"""Which counts a written accuracy allows, against brute force and against values that real programs printed."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.granularity import nearest_possible, possible_counts
from grader.answers.numbers import parse_number
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=200, deadline=None)


def counts(written, total):
    return possible_counts(parse_number(written, HERE), total)


def nearest(written, total):
    return nearest_possible(parse_number(written, HERE), total)


@pytest.mark.parametrize(
    ("written", "total", "possible"),
    [
        pytest.param("98.92 %", 10_000, [9892], id="percent of ten thousand"),
        pytest.param("98.92", 10_000, [9892], id="a bare number over one counts as percent"),
        pytest.param("0.9892", 10_000, [9892], id="a fraction"),
        pytest.param("9892 of 10000", 10_000, [9892], id="k of n"),
        pytest.param("9892/10000", 20_000, [19784], id="k of n, of twice as many"),
        pytest.param("9892/10000", 9_999, [], id="k of n, of another n"),
        pytest.param("0.9108000755310058", 10_000, [9108], id="float32 noise"),
        pytest.param("0.891600112915039", 10_000, [8916], id="more float32 noise"),
        pytest.param("89.1600112915039 %", 10_000, [8916], id="float32 noise in percent"),
        pytest.param("0.7346000075340271", 5_000, [3673], id="float32 printed as float64"),
        pytest.param("0.9082844034830729", 60_000, [], id="near a count, but not near enough"),
        pytest.param("0.9082844034830729", 59_968, [54468], id="the same without the last batch"),
        pytest.param("0.8788895606994629", 45_000, [], id="eleven float32 units off is too far"),
        pytest.param("0.8788895606994629", 44_992, [39543], id="the same without the last batch of 45,000"),
        pytest.param("0.8329036235809326", 44_992, [37474], id="another without the last batch"),
        pytest.param("97.055 %", 10_000, [], id="half an image"),
        pytest.param("95.1%", 360, [], id="between two counts of 360"),
        pytest.param("95.0%", 360, [342], id="a count of 360"),
        pytest.param("95.28 %", 360, [343], id="the next count of 360"),
        pytest.param("66.7 %", 9, [6], id="two thirds rounded"),
        pytest.param("66.6 %", 9, [6], id="two thirds cut off"),
        pytest.param("66.5 %", 9, [], id="two thirds neither way"),
        pytest.param("100 %", 7, [7], id="all"),
        pytest.param("0 %", 7, [0], id="none"),
        pytest.param("1", 7, [4, 5, 6, 7], id="a one without decimals says little"),
        pytest.param("101 %", 100, [], id="more than all"),
        pytest.param("-1 %", 100, [], id="less than none"),
        pytest.param("> 98 %", 100, [98, 99, 100], id="a bound"),
        pytest.param("under 2 %", 100, [0, 1, 2], id="an upper bound"),
        pytest.param("~97 %", 100, [96, 97, 98], id="about: a unit of the last digit either way"),
    ],
)
def test_the_possible_counts(written, total, possible):
    found = counts(written, total)
    assert list(found.all) == possible
    assert found.is_possible == bool(possible)


def test_the_interval_of_two_decimals_is_stated_end_by_end():
    found = counts("0.90", 10_000)
    assert found.rounded == range(8950, 9050)  # 0.895 <= k/n < 0.905
    assert found.tie == range(9050, 9051)  # 0.905 itself, by half to even
    assert found.cut_off == range(9000, 9100)
    assert 8950 in found
    assert 8949 not in found
    assert 9099 in found
    assert 9100 not in found


@pytest.mark.parametrize(
    ("written", "total", "below", "above"),
    [
        pytest.param("97.055 %", 10_000, (9705, "97.050 %"), (9706, "97.060 %"), id="percent"),
        pytest.param("97.055", 10_000, (9705, "97.050"), (9706, "97.060"), id="bare percent"),
        pytest.param("97,055 %", 10_000, (9705, "97,050 %"), (9706, "97,060 %"), id="decimal comma"),
        pytest.param("95.1%", 360, (342, "95.0 %"), (343, "95.3 %"), id="one decimal"),
        pytest.param("0.951", 360, (342, "0.950"), (343, "0.953"), id="a fraction"),
        pytest.param("100 %", 7, (7, "100 %"), None, id="nothing above all"),
    ],
)
def test_the_neighbours_are_written_as_the_student_writes(written, total, below, above):
    found = nearest(written, total)
    pairs = [(p.count, p.written) if p else None for p in (found.below, found.above)]
    assert pairs == [below, above]


def test_what_is_no_accuracy_has_no_neighbours():
    assert nearest("101 %", 100) is None


@pytest.mark.parametrize("total", [0, -1, 10**9 + 1])
def test_another_number_of_images_is_refused(total):
    with pytest.raises(ValueError, match="images"):
        counts("0.5", total)


def by_hand(value, step, total):
    """(rounded, tie, cut off) by looking at every k, in the words of the docstring."""
    every = [(k, Fraction(k, total)) for k in range(total + 1)]
    return (
        [k for k, exact in every if value - step / 2 <= exact < value + step / 2],
        [k for k, exact in every if exact == value + step / 2],
        [k for k, exact in every if value <= exact < value + step],
    )


@quick
@given(st.integers(1, 60), st.integers(0, 5), st.booleans(), st.data())
def test_the_ranges_equal_a_search_over_every_count(total, decimals, is_percent, data):
    scale = 10**decimals
    units = data.draw(st.integers(0, scale * (100 if is_percent else 1)))
    written = (
        f"{units // scale}" + (f".{units % scale:0{decimals}d}" if decimals else "") + (" %" if is_percent else "")
    )
    number = parse_number(written, HERE)
    form = next(f for f in number.forms if f.decimals == decimals)
    found = counts(written, total)
    assert (list(found.rounded), list(found.tie), list(found.cut_off)) == by_hand(form.value, form.step, total)


@quick
@given(st.integers(1, 100_000), st.integers(0, 6), st.booleans(), st.sampled_from(["format", "cut"]), st.data())
def test_no_true_accuracy_is_ever_impossible_however_it_is_rounded(total, decimals, is_percent, how, data):
    count = data.draw(st.integers(0, total))
    value = count / total * (100 if is_percent else 1)
    text = f"{value:.{decimals}f}"
    if how == "cut":
        units = count * (100 if is_percent else 1) * 10**decimals // total
        text = f"{units // 10**decimals}" + (f".{units % 10**decimals:0{decimals}d}" if decimals else "")
    assert count in counts(text + (" %" if is_percent else ""), total)


@quick
@given(st.integers(1, 100_000), st.booleans(), st.data())
def test_no_true_accuracy_is_impossible_when_float32_computed_and_printed_it(total, is_percent, data):
    count = data.draw(st.integers(0, total))
    value = count / total * (100 if is_percent else 1)
    single = struct.unpack("f", struct.pack("f", value))[0]
    for printed in (repr(single), f"{single:.8g}", repr(value)):
        found = possible_counts(parse_number(printed + (" %" if is_percent else ""), HERE), total)
        assert count in found
