"""How alike maps are: nothing that drawing may change changes it, and what is another map is told apart."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from grader.checks._similarity import assigned, correlation, explained, in_size, is_flat  # noqa: E402

SEEDS = st.integers(0, 2**32 - 1)
SCALES = st.floats(0.01, 100) | st.floats(-100, -0.01)
# Broken lines through colours, as colour maps are: grey, one like viridis, one that comes back to light, one like jet.
COLOUR_MAPS = {
    "gray": [(0, 0, 0), (255, 255, 255)],
    "viridis": [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)],
    "diverging": [(59, 76, 192), (221, 221, 221), (180, 4, 38)],
    "jet": [(0, 0, 143), (0, 0, 255), (0, 255, 255), (255, 255, 0), (255, 0, 0), (128, 0, 0)],
}


def smooth(seed, side=16):
    """A map as convolutions make them: neighbours are alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(5, 5))
    at = np.linspace(0, 3.999, side)
    low, part = at.astype(int), at - at.astype(int)
    rows = coarse[low] * (1 - part)[:, None] + coarse[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part


def coloured(numbers, name):
    stops = np.array(COLOUR_MAPS[name], dtype=float)
    at = (numbers - numbers.min()) / np.ptp(numbers) * (len(stops) - 1)
    return np.stack([np.interp(at, range(len(stops)), stops[:, c]) for c in range(3)], axis=-1).round()


@given(SEEDS, SCALES, st.floats(-1000, 1000), st.sampled_from(sorted(COLOUR_MAPS)))
@settings(max_examples=60)
def test_scale_offset_sign_and_colour_map_change_nothing(seed, scale, offset, name):
    numbers = smooth(seed)
    [[share]] = explained([scale * numbers + offset], [coloured(numbers, name)])
    assert share > 0.95


@given(SEEDS, st.sampled_from(sorted(COLOUR_MAPS)), st.integers(2, 9))
@settings(max_examples=40)
def test_a_panel_that_is_drawn_larger_shows_the_same_map(seed, name, times):
    numbers = smooth(seed)
    panel = np.repeat(np.repeat(coloured(numbers, name), times, axis=0), times, axis=1)
    assert np.allclose(in_size(panel, numbers.shape), coloured(numbers, name))
    [[share]] = explained([numbers], [in_size(panel, numbers.shape)])
    assert share > 0.95


@given(SEEDS, SEEDS)
@settings(max_examples=40)
def test_the_map_itself_is_never_beaten_by_another(seed, other):
    numbers, another = smooth(seed), smooth(other)
    [[own, foreign]] = explained([numbers, another], [coloured(numbers, "viridis")])
    assert own >= foreign - 0.02


def test_noise_explains_nothing():
    rng = np.random.default_rng(0)
    shares = explained([rng.random((16, 16)) for _ in range(20)], [255 * rng.random((16, 16, 3)) for _ in range(20)])
    assert abs(float(shares.mean())) < 0.03
    assert float(shares.max()) < 0.3


def test_what_is_flat_has_no_share():
    flat, lively = np.full((8, 8), 3.0), smooth(1, 8)
    shares = explained([flat, lively], [np.full((8, 8, 3), 7.0), coloured(lively, "gray")])
    assert np.isnan(shares).tolist() == [[True, True], [True, False]]
    assert math.isnan(correlation(flat, lively))
    assert is_flat(np.zeros((3, 3)))


@given(SEEDS, SCALES, st.floats(-10, 10))
def test_correlation_is_that_of_numpy_and_knows_the_sign(seed, scale, offset):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(6, 6)), rng.normal(size=(6, 6))
    assert correlation(one, other) == pytest.approx(np.corrcoef(one.ravel(), other.ravel())[0, 1])
    assert correlation(one, scale * one + offset) == pytest.approx(math.copysign(1, scale), abs=1e-6)


@given(SEEDS, st.integers(1, 9), st.integers(1, 9))
def test_the_assignment_is_as_good_as_scipys(seed, rows, columns):
    optimize = pytest.importorskip("scipy.optimize")
    shares = np.random.default_rng(seed).random((rows, columns))
    made = assigned(shares)
    taken = [row for row in made if row >= 0]
    assert len(set(taken)) == len(taken) == min(rows, columns)
    best = shares[optimize.linear_sum_assignment(-shares)].sum()
    assert sum(shares[row, column] for column, row in enumerate(made) if row >= 0) == pytest.approx(best)
