"""Chance is allowed for as much as is said: against SciPy's quantiles, against Wilson, and by simulated classes."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.checks._binomial import wilson_interval
from grader.checks._spread import (
    ONE_IN_20,
    ONE_IN_1000,
    Runs,
    Spread,
    differ,
    expected,
    interval,
    is_erratic,
    normal_point,
    spread_of,
    t_point,
)

np = pytest.importorskip("numpy")


def drawn(n, *most):
    """Groups of runs on n images."""
    return st.tuples(*(st.lists(st.integers(0, n), min_size=1, max_size=k) for k in most)).map(
        lambda groups: [Runs(tuple(counts), n) for counts in groups]
    )


# --- quantiles --------------------------------------------------------------------------------


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 19, 60])
@pytest.mark.parametrize("tail", [0.2, 0.05, 0.025, 0.001])
def test_students_t_is_that_of_scipy(tail, freedom):
    stats = pytest.importorskip("scipy.stats")
    assert t_point(tail, freedom) == pytest.approx(stats.t.isf(tail, freedom), rel=1e-9)
    assert normal_point(tail) == pytest.approx(stats.norm.isf(tail), rel=1e-9)


def test_a_quantile_that_is_none_is_refused():
    for tail, freedom in ((0, 3), (0.6, 3), (0.05, 0)):
        with pytest.raises(ValueError, match="no quantile"):
            t_point(tail, freedom)


@pytest.mark.parametrize(("counts", "n"), [((), 10), ((11,), 10), ((-1,), 10), ((1,), 0)])
def test_what_is_no_count_is_refused(counts, n):
    with pytest.raises(ValueError, match="are no runs"):
        Runs(counts, n)


# --- intervals --------------------------------------------------------------------------------


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_of_one_run_the_interval_is_wilsons(counted):
    correct, n = counted
    assert interval(Runs((correct,), n), Spread(0.0, 0)) == pytest.approx(wilson_interval(correct, n), abs=1e-9)


@given(drawn(360, 6, 6))
def test_means_and_spreads_are_those_of_numpy(groups):
    for group in groups:
        assert float(group.mean) == pytest.approx(np.mean(group.counts) / 360)
        if len(group.counts) > 1:
            assert spread_of(group).variance == pytest.approx(np.var(np.array(group.counts) / 360, ddof=1))
    freedom = sum(len(group.counts) - 1 for group in groups)
    assert spread_of(*groups).freedom == freedom
    if freedom:
        together = sum(np.sum((np.array(g.counts) / 360 - np.mean(g.counts) / 360) ** 2) for g in groups)
        assert spread_of(*groups).variance == pytest.approx(together / freedom)


@given(drawn(360, 5), st.integers(1, 5))
def test_an_interval_holds_its_mean_and_never_leaves_0_to_1(groups, runs):
    [reference] = groups
    for tail in (ONE_IN_20, ONE_IN_1000):
        low, high = expected(reference, runs, tail)
        assert 0 <= low <= reference.mean + Fraction(1, 10**9)
        assert reference.mean - Fraction(1, 10**9) <= high <= 1


@given(drawn(360, 5))
def test_rarer_is_wider_and_more_runs_are_narrower(groups):
    [reference] = groups
    low, high = expected(reference, 1, ONE_IN_20)
    rare_low, rare_high = expected(reference, 1, ONE_IN_1000)
    more_low, more_high = expected(reference, 5, ONE_IN_20)
    assert rare_low <= low <= more_low + 1e-12
    assert more_high - 1e-12 <= high <= rare_high


@given(drawn(360, 5, 5))
def test_a_difference_is_the_same_from_either_side(groups):
    one, other = groups
    low, high = differ(one, other)
    assert differ(other, one) == pytest.approx((-high, -low))
    assert low <= float(one.mean - other.mean) <= high


def test_different_numbers_of_images_are_not_compared():
    with pytest.raises(ValueError, match="not the same"):
        differ(Runs((9,), 10), Runs((9,), 11))


# --- simulated classes: what is said to happen 1 time in 20 does not happen more often --------


def simulated(dice, n, runs, *, hard, noise, times):
    """Counts (times, runs): each time other images, of which some are hard, and seeds that move all a little."""
    p = np.where(dice.random((times, 1, n)) < hard, 0.45, 0.995)
    shift = dice.normal(0, noise, (times, runs, 1))
    return (dice.random((times, runs, n)) < np.clip(p + shift, 0, 1)).sum(axis=2)


@pytest.mark.parametrize(
    ("n", "hard", "noise"),
    [(360, 0.02, 0.0), (360, 0.05, 0.01), (2000, 0.05, 0.01), (2000, 0.1, 0.0)],
    ids=["digits", "digits, restless", "2,000 images, restless", "2,000 images"],
)
@pytest.mark.parametrize(("k", "of_reference"), [(1, 5), (3, 5), (2, 3)])
def test_a_network_as_good_as_the_reference_falls_below_no_more_than_1_time_in_20(n, hard, noise, k, of_reference):
    """Even if it finds quite other images hard: then the chance of the test set strikes both, each for itself."""
    dice, times = np.random.default_rng(n + k), 600
    reference = simulated(dice, n, of_reference, hard=hard, noise=noise, times=times)
    own = simulated(dice, n, k, hard=hard, noise=noise, times=times)
    below = sum(
        sum(mine) < expected(Runs(tuple(map(int, theirs)), n), k, ONE_IN_20)[0] * n * k
        for theirs, mine in zip(reference, own, strict=True)
    )
    assert below <= times / 20 + 3 * (times / 20 * 0.95) ** 0.5  # three standard deviations of the count


def share_below(reference, own, n, tail):
    """How often the mean of `own` (times, k) lies under what `reference` (times, K) says of so many runs."""
    pairs = zip(reference.tolist(), own.tolist(), strict=True)
    return sum(sum(m) < expected(Runs(tuple(r), n), len(m), tail)[0] * n * len(m) for r, m in pairs) / len(own)


@pytest.mark.parametrize(("k", "of_reference"), [(1, 5), (3, 5), (2, 3), (1, 2)])
def test_where_only_seeds_matter_it_is_1_time_in_20(k, of_reference):
    """So many images that their sampling is nothing: then Student's t is exact, however few the runs are."""
    dice, n, times = np.random.default_rng(k), 10**9, 4000
    counts = np.rint(n * dice.normal(0.9, 0.01, (times, of_reference + k))).astype(int)
    told = share_below(counts[:, :of_reference], counts[:, of_reference:], n, ONE_IN_20)
    assert told == pytest.approx(1 / 20, abs=4 * (0.05 * 0.95 / times) ** 0.5)


@pytest.mark.parametrize("k", [1, 3])
def test_where_only_test_images_matter_it_is_1_time_in_20(k):
    """Seeds that change nothing, and two networks that find different images hard."""
    dice, n, times = np.random.default_rng(k), 5000, 4000
    counts = dice.binomial(n, 0.9, (times, 2))
    told = share_below(counts[:, :1].repeat(5, axis=1), counts[:, 1:].repeat(k, axis=1), n, ONE_IN_20)
    assert told == pytest.approx(1 / 20, abs=4 * (0.05 * 0.95 / times) ** 0.5)


def test_networks_that_find_different_images_hard_differ_1_time_in_20():
    dice, n, times = np.random.default_rng(0), 5000, 4000
    apart = 0
    for one, other in dice.binomial(n, 0.9, (times, 2)).tolist():
        low, high = differ(Runs((one,), n), Runs((other,), n))
        apart += not low <= 0 <= high
    assert apart / times == pytest.approx(1 / 20, abs=4 * (0.05 * 0.95 / times) ** 0.5)


def test_a_network_that_is_clearly_worse_falls_below_nearly_always():
    dice, times = np.random.default_rng(3), 200
    reference = simulated(dice, 2000, 5, hard=0.02, noise=0.002, times=times)
    own = simulated(dice, 2000, 1, hard=0.12, noise=0.002, times=times)
    below = sum(
        sum(mine) < expected(Runs(tuple(map(int, theirs)), 2000), 1, ONE_IN_1000)[0] * 2000
        for theirs, mine in zip(reference, own, strict=True)
    )
    assert below >= 0.95 * times


@pytest.mark.parametrize("k", [1, 2, 3])
def test_equal_networks_seldom_differ(k):
    """On the same images, as two runs of a hand-in are counted: 1 time in 20 at most."""
    dice, times = np.random.default_rng(k), 600
    both = simulated(dice, 1000, 2 * k, hard=0.05, noise=0.0 if k == 1 else 0.01, times=times)
    apart = 0
    for counts in both.tolist():
        low, high = differ(Runs(tuple(counts[:k]), 1000), Runs(tuple(counts[k:]), 1000))
        apart += not low <= 0 <= high
    assert apart <= times / 20 + 3 * (times / 20 * 0.95) ** 0.5


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_runs_like_the_references_are_hardly_ever_called_erratic(seed, k):
    dice = np.random.default_rng(seed)
    counts = simulated(dice, 1000, 5 + k, hard=0.05, noise=0.0, times=100).tolist()
    told = sum(is_erratic(Runs(tuple(row[:k]), 1000), Runs(tuple(row[k:]), 1000)) for row in counts)
    assert told <= 5


def test_one_run_is_never_erratic():
    assert not is_erratic(Runs((10,), 360), Runs((356, 357), 360))
