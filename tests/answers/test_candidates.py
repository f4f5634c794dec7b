"""Where n is not known: the usual sizes are tried, and what fits is ordered by how likely it is."""

import json
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.candidates import candidates
from grader.answers.granularity import granularity_readings
from grader.answers.numbers import Number, parse_number
from grader.model import Place

HERE = Place("report.md")


@dataclass(frozen=True)
class Claimed:
    number: Number
    bound: str = ""
    is_approximate: bool = False
    dataset: str | None = None
    split: str | None = None


def readings(written, **about):
    return granularity_readings(parse_number(written, HERE), **about)


@pytest.mark.parametrize(
    ("written", "n", "count", "batch_size", "drop_last"),
    [
        pytest.param("0.9082844034830729", 60_000, 54_468, 64, True, id="report 001, training"),
        pytest.param("0.891600112915039", 10_000, 8_916, None, False, id="report 001, test"),
        pytest.param("0.9108000755310058", 10_000, 9_108, None, False, id="report 001, best"),
        pytest.param("0.8788895606994629", 45_000, 39_543, 64, True, id="report 002, training"),
        pytest.param("0.8329036235809326", 45_000, 37_474, 64, True, id="report 002, network 1"),
        pytest.param("0.8435944318771362", 45_000, 37_955, 64, True, id="report 002, network 2"),
        pytest.param("0.7339999675750732", 10_000, 7_340, None, False, id="report 002, test"),
        pytest.param("98.92 %", 10_000, 9_892, None, False, id="report 000, in percent"),
        pytest.param("0.9705", 10_000, 9_705, None, False, id="report 001, as a fraction"),
    ],
)
def test_the_numbers_of_the_seeds_come_first_as_what_they_are(written, n, count, batch_size, drop_last):
    first = readings(written)[0]
    assert (first["n"], first["count"], first["batch_size"], first["drop_last"]) == (n, count, batch_size, drop_last)


def test_data_set_and_split_decide_between_sizes_that_all_fit():
    number = parse_number("0.7346000075340271", HERE)
    assert granularity_readings(number)[0]["n"] == 10_000
    assert granularity_readings(Claimed(number, dataset="cifar10", split="validation"))[0]["count"] == 3_673
    assert granularity_readings(Claimed(number, dataset="cifar10", split="train"))[0]["n"] == 50_000


def test_a_long_decimal_is_seldom_explained_by_chance_and_a_short_one_often():
    assert readings("0.9082844034830729")[0]["chance"] < 0.05
    assert readings("0.90")[0]["chance"] == 1


@pytest.mark.parametrize("written", ["> 80 %", "about 89 %", "140", "1.2e9"])
def test_a_bound_an_about_and_what_is_no_accuracy_have_no_count(written):
    assert readings(written) == []


def test_a_claim_that_is_about_or_a_bound_by_its_words_has_no_count():
    number = parse_number("89 %", HERE)
    assert granularity_readings(Claimed(number, is_approximate=True)) == []
    assert granularity_readings(Claimed(number, bound=">")) == []


def test_given_sizes_alone_are_tried():
    assert {one["n"] for one in readings("66.7 %", totals=(9, 12))} == {9, 12}
    assert readings("0.123", totals=(7,), batch_sizes=()) == []


@settings(max_examples=60, deadline=None)
@given(n=st.sampled_from([10_000, 5_000, 60_000]), share=st.floats(0.05, 0.999), digits=st.sampled_from([4, 6, 16]))
def test_what_was_a_count_of_a_usual_size_is_always_among_the_readings(n, share, digits):
    count = round(n * share)
    written = f"{count / n:.{digits}f}"
    found = [one.explanation for one in candidates(parse_number(written, HERE), at_most=100)]
    whole = [one for one in found if one.total == n and one.batch_size is None]
    assert any(one.counts[0] <= count <= one.counts[-1] + 1 for one in whole)  # one more: a tie, rounded to even


@settings(max_examples=60, deadline=None)
@given(st.decimals(0, 100, places=9).map(str))
def test_readings_are_json_and_ordered_and_true(written):
    found = candidates(parse_number(written, HERE))
    json.dumps([one.as_json() for one in found])
    assert [one.weight for one in found] == sorted((one.weight for one in found), reverse=True)
    value = Fraction(written) if Fraction(written) <= 1 else Fraction(written) / 100
    for one in found:
        if one.explanation.batch_size is None:
            assert abs(Fraction(one.explanation.count, one.n) - value) <= Fraction(1, 10**6)
