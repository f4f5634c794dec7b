"""A mildly changed image: the same bytes for the same seed, near to what it was, black where it was black."""

import hashlib

import numpy as np
import pytest

from grader.datasets import load
from grader.datasets.mild import BRIGHTNESS, NOISE, mildly_changed


def digits(rows=100):
    return np.asarray(load("digits", "test").images[:rows])


@pytest.mark.parametrize("is_shifted", [False, True])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(is_shifted):
    made = mildly_changed(digits(), "a", is_shifted=is_shifted)
    assert np.array_equal(made, mildly_changed(digits(), "a", is_shifted=is_shifted))
    assert not np.array_equal(made, mildly_changed(digits(), "b", is_shifted=is_shifted))


def test_the_bytes_are_the_same_on_every_machine():
    """Whole numbers and Python's own generator: this digest was made on x86-64 with Python 3.11 and NumPy 2.4."""
    given = np.arange(2 * 3 * 5 * 4, dtype=np.uint8).reshape(2, 3, 5, 4)
    made = b"".join(mildly_changed(given, "seed", is_shifted=shifted).tobytes() for shifted in (False, True))
    assert hashlib.sha256(made).hexdigest()[:16] == "c0bb5f6ea5a752e4"


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 3, 32, 32), (2, 1, 1, 7), (0, 1, 4, 4)])
@pytest.mark.parametrize("is_shifted", [False, True])
def test_shape_and_type_stay(shape, is_shifted):
    made = mildly_changed(np.full(shape, 200, np.uint8), "a", is_shifted=is_shifted)
    assert (made.shape, made.dtype) == (shape, np.uint8)


def test_black_stays_black_and_ink_stays_ink():
    given = digits()
    made = mildly_changed(given, "a", is_shifted=False)
    assert np.array_equal(made == 0, given == 0)


def test_no_pixel_changes_by_more_than_contrast_light_and_noise_together():
    given = digits()
    apart = np.abs(mildly_changed(given, "a", is_shifted=False).astype(int) - given)
    assert apart.max() <= 0.15 * 255 + BRIGHTNESS + NOISE + 1
    assert 5 < apart[given > 0].mean() < 20


def test_every_image_is_changed_and_a_moved_one_by_one_pixel():
    """Each way is tried against the image before: one of the eight comes nearest, and staying never does."""
    given = digits(60)
    made = mildly_changed(given, "a", is_shifted=True).astype(int)
    ways = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    nearest = []
    for before, after in zip(given, made, strict=True):
        wide = np.pad(before[0].astype(int), 1, mode="edge")
        apart = [np.abs(wide[1 + d : 29 + d, 1 + r : 29 + r] - after[0]).sum() for d, r in ways]
        nearest.append(ways[int(np.argmin(apart))])
    assert (0, 0) not in nearest
    assert len(set(nearest)) == 8
