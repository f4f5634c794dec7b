"""Images in another size. The oracle is Pillow, whose filter torchvision's Resize uses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
Image = pytest.importorskip("PIL.Image")

from grader.datasets.resizing import middle, resized  # noqa: E402
from grader.datasets.samples import SAMPLES, sample  # noqa: E402

SIDES = st.integers(1, 60)


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from([1, 3]), st.integers(0, 99))
@settings(max_examples=60)
def test_a_resized_image_is_pillows_to_one_level(height, width, new_height, new_width, channels, seed):
    image = np.random.default_rng(seed).integers(0, 256, (channels, height, width), dtype=np.uint8)
    made = resized(image, (new_height, new_width))
    for own, plane in zip(made, image, strict=True):
        with_pillow = Image.fromarray(plane).resize((new_width, new_height), Image.Resampling.BILINEAR)
        assert np.abs(own.astype(int) - np.asarray(with_pillow)).max() <= 1


def test_an_image_of_that_size_stays_as_it_is():
    image = np.random.default_rng(1).integers(0, 256, (3, 9, 7), dtype=np.uint8)
    assert np.array_equal(resized(image, (9, 7)), image)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_middle_of_a_photograph_is_that_of_resize_and_center_crop(name):
    image = sample(name)
    assert image.shape == (3, 427, 640)
    made = middle(image, (64, 64))
    photograph = Image.fromarray(image.transpose(1, 2, 0)).resize((int(640 * 64 / 427), 64), Image.Resampling.BILINEAR)
    left = round((photograph.width - 64) / 2)
    expected = np.asarray(photograph.crop((left, 0, left + 64, 64))).transpose(2, 0, 1)
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_there_is_no_other_photograph():
    with pytest.raises(KeyError):
        sample("zebra.jpg")
