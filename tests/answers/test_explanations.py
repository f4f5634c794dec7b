"""How an accuracy can have come about, the simplest way first, and whether chance would find it too."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.answers.explanations import Kind, explain
from grader.answers.granularity import Fit
from grader.answers.numbers import parse_number
from grader.model import Place

HERE = Place("answers.json", "/answers/q")
quick = settings(max_examples=100, deadline=None)


def explained(written, total, **how):
    return explain(parse_number(written, HERE), total, **how)


@pytest.mark.parametrize(
    ("written", "images", "kind", "count", "total", "batch_size"),
    [
        pytest.param("0.9108000755310058", 10_000, Kind.EXACT, 9108, 10_000, None, id="test images"),
        pytest.param("0.891600112915039", 10_000, Kind.EXACT, 8916, 10_000, None, id="two float32 units off"),
        pytest.param("0.7346000075340271", 5_000, Kind.EXACT, 3673, 5_000, None, id="validation images"),
        pytest.param("0.8025999665260315", 10_000, Kind.EXACT, 8026, 10_000, None, id="best network"),
        pytest.param("0.9082844034830729", 60_000, Kind.DROP_LAST, 54_468, 59_968, 64, id="937 batches of 64"),
        pytest.param("0.8788895606994629", 45_000, Kind.DROP_LAST, 39_543, 44_992, 64, id="703 batches of 64"),
        pytest.param("0.8329036235809326", 45_000, Kind.DROP_LAST, 37_474, 44_992, 64, id="another 703 batches"),
        pytest.param("0.8435944318771362", 45_000, Kind.DROP_LAST, 37_955, 44_992, 64, id="a third 703 batches"),
        pytest.param("0.8541073968705548", 45_000, Kind.DROP_LAST, 38_428, 44_992, 64, id="703 batches in float64"),
    ],
)
def test_printed_values_of_real_programs_are_explained(written, images, kind, count, total, batch_size):
    best = explained(written, images)[0]
    assert (best.kind, best.count, best.total, best.batch_size) == (kind, count, total, batch_size)
    assert best.is_informative
    assert f"{count:,} of {total:,}" in best.said


def test_the_dropped_batch_is_told_in_words():
    said = explained("0.9082844034830729", 60_000)[0].said
    assert said == "54,468 of 59,968 = 937 batches of 64, the last incomplete batch dropped"


def test_batch_sizes_that_drop_the_same_images_are_one_explanation():
    best = explained("0.8788895606994629", 45_000)[0]
    assert best.batch_sizes == (64, 32, 16)
    assert "64 (or of 32 or 16)" in best.said


@pytest.mark.parametrize(
    ("written", "images"),
    [("98.92 %", 10_000), ("0.90", 10_000), ("0.95", 360), ("about 89 %", 10_000), ("> 85 %", 10_000)],
)
def test_a_number_with_few_decimals_is_possible_and_says_nothing(written, images):
    best = explained(written, images)[0]
    assert best.kind is Kind.EXACT
    assert not best.is_informative


def test_few_decimals_do_say_something_of_few_images():
    best = explained("66.7 %", 9)[0]
    assert (best.count, best.is_informative) == (6, True)


@pytest.mark.parametrize(
    ("written", "images", "how"),
    [
        pytest.param("0.98765432", 10_000, {}, id="eight decimals that nothing explains"),
        pytest.param("97.055 %", 10_000, {"batch_sizes": ()}, id="half an image, evaluated whole"),
        pytest.param("101 %", 10_000, {}, id="more than all"),
    ],
)
def test_what_nothing_explains_is_impossible(written, images, how):
    assert explained(written, images, **how) == ()


def test_half_an_image_is_explained_only_as_chance_would():
    found = explained("97.055 %", 10_000)
    assert found
    assert not any(one.kind is Kind.EXACT or one.is_informative for one in found)


def test_cut_off_digits_are_said():
    best = explained("66.6 %", 9)[0]
    assert (best.fit, best.said) == (Fit.CUT_OFF, "6 of 9, digits cut off")


def test_equal_batches_explain_no_more_than_k_of_n():
    assert explained("97.055 %", 10_000, batch_sizes=(10, 100, 1000, 10_000, 20_000)) == ()


def test_explanations_come_simplest_first():
    kinds = [one.kind for one in explained("0.95", 360)]
    assert kinds == sorted(kinds, key=list(Kind).index)


def test_a_mean_of_batches_with_an_incomplete_last_one_is_found():
    # 10 images in batches of 4: 3/4, 2/4 and 1/2 have the mean 7/12
    [found] = explained("0.5833333333333333", 10, batch_sizes=(4,))
    assert (found.kind, found.count, found.batch_size) == (Kind.BATCH_MEAN, 6, 4)
    assert found.in_last == (1, 2)
    assert found.is_informative
    assert found.said == "6 of 10 as the mean of the accuracies of 3 batches of 4, 1 of the 2 in the last one"


@quick
@given(st.integers(2, 40), st.integers(2, 12), st.integers(1, 5), st.data())
def test_means_of_batches_equal_a_search_over_every_split(total, size, decimals, data):
    written = f"0.{data.draw(st.integers(0, 10**decimals - 1)):0{decimals}d}"
    value, step = Fraction(written), Fraction(1, 10**decimals)
    batches, rest = -(-total // size), total % size
    means = {
        Fraction(full, size * batches) + Fraction(last, rest * batches)
        for full in range(size * (batches - 1) + 1)
        for last in range(rest + 1)
        if rest and batches > 1
    }
    is_possible = any(value - step / 2 <= mean <= value + step / 2 or value <= mean < value + step for mean in means)
    found = [one for one in explained(written, total, batch_sizes=(size,)) if one.kind is Kind.BATCH_MEAN]
    assert bool(found) == is_possible
    for one in found:
        last, of_last = one.in_last
        assert of_last == rest
        mean = Fraction(one.count - last, size * batches) + Fraction(last, rest * batches)
        assert abs(mean - value) <= step


@quick
@given(st.integers(100, 60_000), st.sampled_from([16, 32, 64, 100, 128]), st.data())
def test_a_dropped_last_batch_is_found_in_what_python_prints(total, size, data):
    kept = size * (total // size)
    if not kept:
        return
    count = data.draw(st.integers(0, kept))
    found = explained(repr(count / kept) if 1e-3 < count / kept < 1 else f"{count / kept:.12f}", total)
    assert any(one.total == kept and one.count == count for one in found)


@quick
@given(st.integers(10**15, 10**16 - 1), st.sampled_from([360, 5_000, 10_000, 60_000]))
def test_chance_is_a_probability_and_a_random_number_is_seldom_called_informative(digits, total):
    for one in explained(f"0.{digits}", total):
        assert 0 <= one.chance <= 1
        assert one.is_informative == (one.chance < 0.05)
