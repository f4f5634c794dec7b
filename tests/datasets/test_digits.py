from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grader.datasets import digest, load
from grader.datasets.digits import enlarged, is_test

small_images = arrays.arrays(np.int64, (2, 8, 8), elements=st.integers(0, 16))


def test_the_bytes_are_the_same_on_every_machine():
    assert load("digits", "train").digest == "9c92f556003bd7c67ba3af1ee94719d12137c35844b8ca8d92e7bafbd146993b"
    assert load("digits", "test").digest == "28461ddc8603faa49d8ad027098d02e2d0909a82c794923401e3c87edb940793"


@pytest.mark.usefixtures("no_data_root")
def test_no_data_root_is_needed():
    assert digest("digits", "test") == load("digits", "test").digest


def test_every_digit_has_36_test_images_and_all_its_others_to_train():
    test, train = load("digits", "test"), load("digits", "train")
    assert np.bincount(test.labels).tolist() == [36] * 10
    assert np.bincount(train.labels).tolist() == [142, 146, 141, 147, 145, 146, 145, 143, 138, 144]


def test_the_two_splits_together_are_the_1797_digits_of_scikit_learn():
    from sklearn.datasets import load_digits

    raw = load_digits()
    chosen = is_test(raw.target)
    for split, mine in (("test", chosen), ("train", ~chosen)):
        loaded = load("digits", split)
        assert np.array_equal(loaded.labels, raw.target[mine])
        assert np.array_equal(loaded.images[:, 0], enlarged(raw.images[mine].astype(int)))
    assert len(chosen) == 1797


def test_test_images_are_spread_over_the_whole_file():
    [places] = np.nonzero(is_test(np.zeros(180, dtype=int)))
    assert places.tolist() == list(range(4, 180, 5))


@given(n=st.integers(36, 2000))
def test_36_are_chosen_of_any_number(n):
    assert is_test(np.full(n, 7)).sum() == 36


@pytest.mark.parametrize(("grey", "bright"), [(0, 0), (1, 16), (8, 128), (15, 239), (16, 255)])
def test_a_plain_image_stays_plain_and_is_rounded_half_up(grey, bright):
    assert np.unique(enlarged(np.full((1, 8, 8), grey))).tolist() == [bright]


@given(images=small_images)
def test_every_pixel_is_the_exact_bilinear_value_rounded_once(images):
    made = enlarged(images)
    for n, row, column in ((0, 0, 0), (0, 27, 27), (1, 13, 14), (1, 2, 25), (0, 17, 6)):
        exact = Fraction(0)
        ys, xs = (_weights(place) for place in (row, column))
        for y, of_y in ys:
            for x, of_x in xs:
                exact += of_y * of_x * int(images[n, y, x])
        assert made[n, row, column] == (exact * 255 / 16 + Fraction(1, 2)) // 1


def _weights(place: int) -> list[tuple[int, Fraction]]:
    """The two source pixels of an output pixel, in fractions from the definition."""
    centre = min(max((place + Fraction(1, 2)) * 8 / 28 - Fraction(1, 2), Fraction(0)), Fraction(7))
    low = int(centre)
    return [(low, 1 - (centre - low)), (min(low + 1, 7), centre - low)]


@given(images=small_images)
def test_turning_an_image_around_turns_the_result_around(images):
    made = enlarged(images)
    assert np.array_equal(enlarged(images[:, ::-1]), made[:, ::-1])
    assert np.array_equal(enlarged(images.transpose(0, 2, 1)), made.transpose(0, 2, 1))


@pytest.mark.torch
def test_the_size_agrees_with_pytorch_to_half_a_step_of_brightness():
    import torch
    from sklearn.datasets import load_digits

    raw = load_digits().images
    oracle = torch.nn.functional.interpolate(torch.from_numpy(raw)[:, None], size=28, mode="bilinear")[:, 0].numpy()
    assert np.abs(oracle * 255 / 16 - enlarged(raw.astype(int))).max() <= 0.5 + 1e-9
