"""Where the panels of a grid lie on a picture that was drawn here, so that each box is known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from grader.evidence.panels import panels_of  # noqa: E402


def page(rows, columns, size, gap, *, ground=255, seed=0, frame=False):
    """A grid of noisy panels of size (height, width) with so many pixels between, and their boxes."""
    rng = np.random.default_rng(seed)
    height, width = size
    made = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), ground, dtype=np.uint8)
    boxes = []
    for row in range(rows):
        for column in range(columns):
            top, left = gap + row * (height + gap), gap + column * (width + gap)
            made[top : top + height, left : left + width] = rng.integers(40, 200, (height, width, 3))
            if frame:
                made[top : top + height, [left, left + width - 1]] = made[
                    [top, top + height - 1], left : left + width
                ] = 0
            boxes.append((left, top, left + width, top + height))
    return made, boxes


@given(
    st.integers(1, 5), st.integers(1, 6), st.integers(8, 40), st.integers(8, 40), st.integers(1, 12),
    st.sampled_from([0, 255]), st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=60)
def test_the_panels_of_a_grid_are_found_in_reading_order(rows, columns, height, width, gap, ground, seed):
    made, boxes = page(rows, columns, (height, width), gap, ground=ground, seed=seed)
    assert panels_of(made) == boxes


def test_ticks_labels_and_titles_are_no_part_of_a_panel():
    made, boxes = page(2, 3, (60, 60), 30, frame=True)
    for left, top, right, bottom in boxes:
        for tick in range(5, 60, 18):
            made[bottom : bottom + 4, left + tick] = 0  # hangs on to the frame
            made[top + tick, left - 4 : left] = 0
            made[bottom + 8 : bottom + 14, left + tick : left + tick + 4] = 0  # its number
        made[top - 14 : top - 6, left + 10 : right - 10 : 3] = 0  # a title
    assert panels_of(made) == boxes


def test_a_colour_bar_is_no_panel():
    made, boxes = page(1, 3, (50, 50), 30)
    for _, top, right, bottom in boxes:
        made[top:bottom, right + 8 : right + 13] = np.linspace(0, 250, 50, dtype=np.uint8)[:, None, None]
    assert panels_of(made) == boxes


def test_noise_of_jpeg_around_the_panels_does_not_join_them():
    made, boxes = page(2, 2, (50, 50), 12)
    ground = made == 255
    noise = np.random.default_rng(3).integers(0, 30, made.shape, dtype=np.uint8)
    made[ground] = 255 - noise[ground]
    found = panels_of(made)
    assert [
        tuple(abs(a - b) <= 1 for a, b in zip(one, other, strict=True)) for one, other in zip(found, boxes, strict=True)
    ] == [(True,) * 4] * 4


def test_an_empty_page_has_none():
    assert panels_of(np.full((40, 40, 3), 255, dtype=np.uint8)) == []
